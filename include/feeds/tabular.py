"""Spreadsheet feeds: CSV and XLSX, one row for each title, by the partner's column mapping.

CSV as RFC 4180 has it; a text that a spreadsheet program would take for a formula gets an apostrophe in front. In XLSX
texts are marked as texts, ISBNs keep their zeroes, and the same rows give the same bytes.
"""

from __future__ import annotations

import csv
import hashlib
import json
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from io import StringIO
from types import TracebackType
from typing import BinaryIO, Self

from include.errors import ConfigurationError, RejectedData
from include.feeds.columns import Value, View, extractors
from include.feeds.onix.days import notification
from include.feeds.onix.renderer import flavour_digest
from include.feeds.record import Header, MessageWriter, Record
from include.files.characters import ILLEGAL, LONGEST_CELL, harmless
from include.partners.model import Column, House, Partner
from include.titles.model import Product

VERSION = 1
"""Count it up whenever the same title would come out differently."""
_CODEC = {"utf-16": "utf-16-le"}  # the byte-order mark stands once, at the start of the file
_PLAIN = str.maketrans({"‘": "'", "’": "'", "‚": "'", "“": '"', "”": '"', "„": '"', "–": "-", "—": "-", "…": "...", "\xa0": " "})


class TabularRenderer:
    """CSV or XLSX for one partner. See `include.feeds.record.Renderer`.

    A record's body is its row: for CSV as it stands in the file, for XLSX as JSON, since a workbook has no bytes of its own
    for a row. Raises `ConfigurationError` for an unknown field, format or delimiter.
    """

    def __init__(self, partner: Partner, house: House) -> None:
        self._partner, self._house = partner, house
        self._columns = partner.feed.columns
        self._extractors = extractors(partner.id, self._columns)
        self.reusable = partner.feed.format == "csv"
        self.flavour = flavour_digest(partner, house, VERSION)
        self.label = partner.feed.format.upper()
        where = f"config/partners/{partner.id}.toml, feed"
        if self.reusable and len(partner.feed.delimiter) != 1:
            raise ConfigurationError(
                f"the delimiter {partner.feed.delimiter!r} is not one character", where=where, todo="Use , or ; or a tab."
            )
        for column in self._columns:
            _try_format(column, where)
        try:
            partner.feed.record_reference.format(domain=house.domain, id=0, isbn="", work_id=0)
        except (KeyError, IndexError, ValueError) as bad:
            todo = "Use domain, id, isbn and work_id only."
            raise ConfigurationError(f"record_reference can't be filled: {bad}", where=where, todo=todo) from bad

    def render(self, product: Product, today: date) -> Record:
        """The title's row. Raises `RejectedData` for text that the format or the encoding can't hold."""
        view = View(product, self._partner, self._house, today)
        values = [extractor(view) for extractor in self._extractors]
        where = f"{product.isbn or 'product'} ({product.id})"
        for column, value in zip(self._columns, values, strict=True):
            if isinstance(value, str):
                _refuse(value, f"{where}, column {column.header!r}")
        body = self._csv(values, where) if self.reusable else _json(values)
        reference = self._partner.feed.record_reference
        return Record(
            product_id=product.id,
            isbn=product.isbn,
            reference=reference.format(domain=self._house.domain, id=product.id, isbn=product.isbn or product.id, work_id=product.work.id),
            notification=notification(product, today),
            body=body,
            digest=hashlib.sha256(body).hexdigest(),
            stable_until=_stable_until(product, today),
        )

    def block_update(self, product: Product, today: date, blocks: tuple[int, ...]) -> Record:
        raise ConfigurationError(f"{self.label} has no block updates", where=f"config/partners/{self._partner.id}.toml, feed.block_updates")

    def message(self, out: BinaryIO, header: Header) -> MessageWriter:
        if self.reusable:
            encoding = self._partner.feed.encoding
            start = self._csv([column.header for column in self._columns], "header row")
            return CsvWriter(out, (b"\xff\xfe" if encoding == "utf-16" else b"") + start)
        from include.feeds.workbook import XlsxWriter  # openpyxl is heavy: only the partners who want workbooks pay for it

        return XlsxWriter(out, self._columns)

    def _csv(self, values: Sequence[Value], where: str) -> bytes:
        line = StringIO(newline="")
        writer = csv.writer(line, delimiter=self._partner.feed.delimiter, lineterminator="\r\n")
        writer.writerow([_as_text(value, column) for value, column in zip(values, self._columns, strict=True)])
        return _encoded(line.getvalue(), self._partner.feed.encoding, where)


def formatted(value: date | Decimal | int, column: Column) -> str:
    """A date or a number as the column wants it: strftime mask, or Python format spec; without one ISO 8601 and plain digits."""
    if isinstance(value, date):
        return value.strftime(column.format) if column.format else value.isoformat()
    if column.format:
        return f"{value:{column.format}}"
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def _as_text(value: Value, column: Column) -> str:
    if value is None:
        return ""
    return harmless(value) if isinstance(value, str) else formatted(value, column)


def _try_format(column: Column, where: str) -> None:
    if not column.format:
        return
    example: date | Decimal = date(2026, 1, 31) if "%" in column.format else Decimal("9.99")
    try:
        formatted(example, column)
    except ValueError as bad:
        todo = "Use a strftime mask for dates (%d/%m/%Y), a format spec for numbers (.2f)."
        raise ConfigurationError(
            f"the format {column.format!r} can't be used: {bad}", where=f"{where}.columns, {column.header!r}", todo=todo
        ) from bad


def _refuse(text: str, where: str) -> None:
    if bad := ILLEGAL.search(text):
        raise RejectedData(
            f"the character U+{ord(bad.group()):04X} is not allowed", where=where, todo="Remove it from the text in Consonance."
        )
    if len(text) > LONGEST_CELL:
        raise RejectedData(f"the text has {len(text)} characters, a cell holds {LONGEST_CELL}", where=where, todo="Shorten the text.")


def _encoded(text: str, encoding: str, where: str) -> bytes:
    """In the feed's encoding; what that lacks becomes plain (é → e, “ → "). Raises `RejectedData` for what has no plain form."""
    codec = _CODEC.get(encoding, encoding)
    try:
        return text.encode(codec)
    except UnicodeEncodeError:
        pass
    try:
        return "".join(_plainer(character, codec) for character in text).encode(codec)
    except UnicodeEncodeError as bad:
        lacking = bad.object[bad.start]
        todo = "Ask the partner to take UTF-8, or spell it otherwise."
        raise RejectedData(f"{encoding} has no character {lacking!r}", where=where, todo=todo) from bad


def _plainer(character: str, codec: str) -> str:
    try:
        character.encode(codec)
    except UnicodeEncodeError:
        simple = character.translate(_PLAIN)
        return "".join(part for part in unicodedata.normalize("NFKD", simple) if not unicodedata.combining(part))
    return character


def _json(values: Iterable[Value]) -> bytes:
    """`null`, a text, `{"n": "9.99"}` or `{"d": "2026-01-31"}`."""
    row: list[str | dict[str, str] | None] = []
    for value in values:
        if isinstance(value, date):
            row.append({"d": value.isoformat()})
        elif isinstance(value, int | Decimal):
            row.append({"n": str(value)})
        else:
            row.append(value or None)
    return json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _stable_until(product: Product, today: date) -> date | None:
    """The first day after today on which the row may differ: publication, or a price that starts or ends."""
    days = {day for price in product.prices for day in (price.starts, _after(price.ends)) if day}
    days |= {product.publication_date} if product.publication_date else set()
    return min((day for day in days if day > today), default=None)


def _after(day: date | None) -> date | None:
    return date.fromordinal(day.toordinal() + 1) if day and day < date.max else None


class CsvWriter:
    """Rows under one header row; memory does not grow with their number."""

    def __init__(self, out: BinaryIO, start: bytes) -> None:
        self._out, self._start = out, start
        self._at = 0

    def add(self, record: Record | bytes) -> tuple[int, int]:
        body = record if isinstance(record, bytes) else record.body
        at = self._at
        self._write(body)
        return at, len(body)

    def no_product(self) -> None:
        """The header row alone says it."""

    def __enter__(self) -> Self:
        self._write(self._start)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        return

    def _write(self, data: bytes) -> None:
        self._out.write(data)
        self._at += len(data)
