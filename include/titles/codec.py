"""Titles as bytes: canonical JSON, for the mirror and for digests.

Keys sorted, defaults left out, `Decimal` as text, dates in ISO 8601, ASCII only. The same title always gives the same
bytes, so a digest tells whether it changed; adding a field with a default to the model changes no digest. Which fields
there are is read from the dataclasses once, at import, so that this follows `include.titles.model` by itself.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import MISSING, fields, replace
from datetime import date
from decimal import Decimal
from types import UnionType
from typing import Any, Final, Union, get_args, get_origin, get_type_hints

from include.titles.model import Collection, Contributor, Language, Price, Product, Related, Resource, Subject, Text, Work

Convert = Callable[[Any], Any]


class Shape:
    """How one dataclass is written and read."""

    __slots__ = ("kind", "read", "write")

    def __init__(self, kind: type[Any], skip: str = "") -> None:
        self.kind = kind
        hints = get_type_hints(kind)
        self.write: list[tuple[str, Any, Convert | None]] = []
        self.read: list[tuple[str, Convert]] = []
        for field in fields(kind):
            if field.name == skip:
                continue
            writer, reader = _converters(hints[field.name])
            default = field.default if field.default is not MISSING else MISSING
            self.write.append((field.name, default, writer))
            if reader is not None:
                self.read.append((field.name, reader))

    def to_json(self, value: Any) -> dict[str, Any]:
        written = {}
        for name, default, convert in self.write:
            item = getattr(value, name)
            if item is default or item == default:
                continue
            written[name] = convert(item) if convert is not None and item is not None else item
        return written

    def from_json(self, written: dict[str, Any], **beside: Any) -> Any:
        for name, convert in self.read:
            item = written.get(name)
            if item is not None:
                written[name] = convert(item)
        return self.kind(**written, **beside)


def _converters(hint: Any) -> tuple[Convert | None, Convert | None]:
    """Writer and reader of one type; None where JSON has it as it is."""
    if get_origin(hint) in {Union, UnionType}:
        (hint,) = (part for part in get_args(hint) if part is not type(None))
    if hint is Decimal:
        return str, Decimal
    if hint is date:
        return date.isoformat, date.fromisoformat
    if get_origin(hint) is tuple:
        item = get_args(hint)[0]
        if item in {str, int}:
            return None, tuple
        shape = SHAPES[item]
        return lambda values: [shape.to_json(value) for value in values], lambda items: tuple([shape.from_json(one) for one in items])
    if hint in {str, int, bool}:
        return None, None
    raise TypeError(f"no JSON form for {hint!r}")


SHAPES: dict[type[Any], Shape] = {}
for _kind in (Collection, Contributor, Language, Price, Related, Resource, Subject, Text):
    SHAPES[_kind] = Shape(_kind)
_WORK: Final = Shape(Work)
_PRODUCT: Final = Shape(Product, skip="work")
_write: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False, check_circular=False).encode


def encode_work(work: Work) -> bytes:
    return _write(_WORK.to_json(work)).encode("ascii")


def encode_product(product: Product) -> bytes:
    """The product without its work, whose row is its own."""
    return _write(_PRODUCT.to_json(product)).encode("ascii")


def decode_work(content: bytes) -> Work:
    """Exact inverse of `encode_work`."""
    work: Work = _WORK.from_json(json.loads(content))
    return work


def decode_product(content: bytes, work: Work) -> Product:
    """Exact inverse of `encode_product`, joined to `work`, of whose contributors only those of this product are kept."""
    written = json.loads(content)
    product: Product = _PRODUCT.from_json(written, work=_as_of(work, written["id"]))
    return product


def _as_of(work: Work, product: int) -> Work:
    """A reader's narrator is no contributor to the paperback."""
    kept = tuple(one for one in work.contributors if not one.product_ids or product in one.product_ids)
    return work if len(kept) == len(work.contributors) else replace(work, contributors=kept)


def digest(content: bytes) -> str:
    """sha256, in hex."""
    return hashlib.sha256(content).hexdigest()
