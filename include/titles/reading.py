"""Reads single values out of a service's JSON, tolerantly: what is not of the expected shape reads as empty.

A wrong value never stops a batch. Text is kept as it came (the feed's gates say what is wrong with it); a number or a
date that is none reads as unknown.
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

Row = dict[str, Any]

_ENUM = re.compile(r"^_(?=[0-9])")
_MARKUP = re.compile(r"</?[A-Za-z][^<>]*>|&(?:[A-Za-z][A-Za-z0-9]*|#[0-9]+|#x[0-9A-Fa-f]+);")
_CENT = Decimal("0.01")
_TENTH = Decimal("0.1")
_NOISE = Decimal("0.000001")


def text(row: Row, key: str) -> str:
    """Without the blanks around it; numbers as written; "" for anything else."""
    value = row.get(key)
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return str(value)
    return ""


def code(row: Row, key: str) -> str:
    """A code as ONIX writes it. GraphQL can't start a name with a digit, so the service writes `_04` for 04."""
    return _ENUM.sub("", text(row, key))


def codes(row: Row, key: str) -> tuple[str, ...]:
    found = (_ENUM.sub("", item.strip()) for item in listed(row, key) if isinstance(item, str))
    return tuple(dict.fromkeys(item for item in found if item))


def listed(row: Row, key: str) -> list[Any]:
    value = row.get(key)
    return value if isinstance(value, list) else []


def rows(row: Row, key: str) -> list[Row]:
    return [item for item in listed(row, key) if isinstance(item, dict)]


def one(row: Row, key: str) -> Row:
    value = row.get(key)
    return value if isinstance(value, dict) else {}


def ids(row: Row, key: str) -> tuple[int, ...]:
    return tuple(sorted({item for item in listed(row, key) if isinstance(item, int) and not isinstance(item, bool)}))


def identity(row: Row, key: str = "id") -> int | None:
    """A positive whole number of at most 63 bits."""
    value = row.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 1 << 63 else None


def flag(row: Row, key: str) -> bool | None:
    value = row.get(key)
    return value if isinstance(value, bool) else None


def number(row: Row, key: str) -> Decimal | None:
    """A finite number of a size that books, money and pictures have."""
    value = row.get(key)
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        return None
    try:
        found = Decimal(value.strip() if isinstance(value, str) else value)
    except (InvalidOperation, ValueError):
        return None
    exponent = found.as_tuple().exponent
    return found if isinstance(exponent, int) and -30 <= exponent <= 12 and found.adjusted() <= 12 else None  # a str: NaN, Infinity


def whole(row: Row, key: str) -> int | None:
    """A count: whole and above 0. Sources write 0 where they don't know."""
    found = number(row, key)
    return int(found) if found is not None and found > 0 and found == found.to_integral_value() else None


def millimetres(row: Row, key: str) -> Decimal | None:
    """To a tenth, without empty decimals."""
    found = number(row, key)
    return plain(found.quantize(_TENTH)) if found is not None and found > 0 else None


def money(row: Row, key: str) -> Decimal | None:
    """An amount with two decimals, with more where the source has more than a float's noise."""
    found = number(row, key)
    if found is None:
        return None
    cents = found.quantize(_CENT)
    return cents if abs(cents - found) < _NOISE else plain(found)


def plain(value: Decimal) -> Decimal:
    """The same number without empty decimals and without an exponent: equal numbers are written alike."""
    return Decimal(format(value.normalize(), "f"))


def day(row: Row, key: str) -> date | None:
    """The date, or the date part of a moment."""
    value = row.get(key)
    if not isinstance(value, str):
        return None
    try:
        return date.fromisoformat(value.strip()[:10])
    except ValueError:
        return None


def places(row: Row, key: str) -> tuple[str, ...]:
    """Country codes in order, once each; a list, or one text with blanks or commas between them."""
    value = row.get(key)
    found = re.split(r"[\s,;]+", value) if isinstance(value, str) else [item for item in listed(row, key) if isinstance(item, str)]
    return tuple(sorted({place.strip().upper() for place in found if place.strip()}))


def has_markup(body: str) -> bool:
    return bool(_MARKUP.search(body))
