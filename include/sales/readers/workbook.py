"""XLSX, streamed out of its XML: numbers as Excel means them (fifteen digits), dates as ISO, never through a float.

Excel keeps numbers in binary and writes up to seventeen digits of them; only fifteen are the ones somebody typed or computed.
"""

from __future__ import annotations

import posixpath
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Context, Decimal, InvalidOperation
from functools import cache
from itertools import islice
from pathlib import Path
from typing import IO, Any

from lxml import etree

from include.errors import RejectedData
from include.files import bounds, zipped
from include.files.model import Refused
from include.partners.inboxes import Limits
from include.sales.readers.rows import Gatherer, Ragged, Rows, Shape
from include.sales.readers.tree import SAFE, forget

_FIFTEEN = Context(prec=15)
_DATE_FORMATS = frozenset([*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)])  # built-in ones, ECMA-376 18.8.30
_LITERAL = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]|_.|\*.')
_COLUMN = re.compile(r"[A-Z]{1,3}")
_DIGITS = "0123456789"
_AGAIN = "Open it in Excel, save it as a new workbook, or ask for it again."
MOST_COLUMNS = 16_384
MOST_ROWS = 1_048_576
MOST_TEXT = 256 << 20  # bytes of shared texts, which are held in memory


@dataclass(frozen=True, slots=True)
class _Part:
    name: str
    path: str
    hidden: bool


class Workbook:
    """One XLSX file. Raises `RejectedData` when it can't be read at all; use as a context manager."""

    def __init__(self, path: Path, limits: Limits, member: str = "") -> None:
        self._stream, self.member = path.open("rb"), member
        try:
            self._entries = {entry.name.lstrip("/"): entry for entry in zipped.directory(self._stream, most=limits.members)}
            self._budget = bounds.Budget(limits)
            self._budget.expect(sum(entry.size for entry in self._entries.values()))
            self._parts, self.since_1904 = self._listed()
            self._dates = self._date_styles()
            self._shared = self._texts()
        except (Refused, etree.XMLSyntaxError, KeyError, ValueError) as bad:
            self._stream.close()
            raise self._broken(bad) from bad
        except BaseException:
            self._stream.close()
            raise
        self.sheets = [WorkbookSheet(self, part) for part in self._parts]

    def __enter__(self) -> Workbook:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def _broken(self, why: Exception) -> RejectedData:
        what = why.what if isinstance(why, Refused) else "the workbook is damaged"
        return RejectedData(what, where=bounds.printable(self.member), todo=_AGAIN)

    def _open(self, name: str) -> IO[bytes]:
        """A part, unpacked into a temporary file, counted while it comes."""
        entry = self._entries.get(name) or next((one for key, one in self._entries.items() if key.lower() == name.lower()), None)
        if entry is None:
            raise Refused("archive-broken", f"the workbook lacks {bounds.printable(name)}", todo=_AGAIN)
        out = tempfile.SpooledTemporaryFile(max_size=8 << 20)  # noqa: SIM115 the caller closes it
        self._budget.member()
        for piece in zipped.data(self._stream, entry, self._budget.count):
            out.write(piece)
        out.seek(0)
        return out

    def _listed(self) -> tuple[list[_Part], bool]:
        with self._open("xl/_rels/workbook.xml.rels") as stream:
            targets = {one.get("Id"): one.get("Target", "") for one in _parsed(stream).iter("{*}Relationship")}
        with self._open("xl/workbook.xml") as stream:
            root = _parsed(stream)
        parts = []
        for sheet in root.iter("{*}sheet"):
            at = next((value for name, value in sheet.attrib.items() if str(name).endswith("}id")), "")
            target = targets.get(at, "")
            if "worksheets/" in target:
                path = target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join("xl", target))
                parts.append(_Part(sheet.get("name", ""), path, sheet.get("state", "visible") != "visible"))
        since = next((one.get("date1904", "0") for one in root.iter("{*}workbookPr")), "0")
        return parts, since in {"1", "true"}

    def _date_styles(self) -> frozenset[str]:
        """Numbers of the cell styles that show a date."""
        if "xl/styles.xml" not in self._entries:
            return frozenset()
        with self._open("xl/styles.xml") as stream:
            root = _parsed(stream)
        own = {
            one.get("numFmtId", ""): bool(re.search(r"[dmyDMY]", _LITERAL.sub("", one.get("formatCode", ""))))
            for one in root.iter("{*}numFmt")
        }
        styles = []
        for cells in root.iter("{*}cellXfs"):
            for number, one in enumerate(cells.iterchildren("{*}xf")):
                form = one.get("numFmtId", "0")
                if own.get(form, form.isdigit() and int(form) in _DATE_FORMATS):
                    styles.append(str(number))
        return frozenset(styles)

    def _texts(self) -> list[str]:
        entry = self._entries.get("xl/sharedStrings.xml")
        if entry is None:
            return []
        if entry.size > MOST_TEXT:
            raise Refused("archive-bomb", f"its texts come to more than {MOST_TEXT:,} bytes", todo="Ask for it as CSV.")
        texts: list[str] = []
        with self._open("xl/sharedStrings.xml") as stream:
            for _, item in _events(stream, "{*}si"):
                texts.append(_said(item))
                forget(item)
        return texts

    def rows(self, path: str, mark: str, width: int = MOST_COLUMNS) -> Iterator[tuple[int, list[str]]]:
        """Rows with something in their first `width` cells: number from 1, cells. Raises `RejectedData`."""
        try:
            with self._open(path) as stream:
                number = 0
                for _, row in _events(stream, "{*}row"):
                    number = int(row.get("r") or number + 1)
                    if number > MOST_ROWS:
                        raise ValueError(number)
                    cells: list[str] = []
                    for cell in row:
                        reference = cell.get("r")
                        at = _position(reference.rstrip(_DIGITS)) if reference else len(cells)
                        if at >= width:
                            break
                        if at > len(cells):
                            cells.extend([""] * (at - len(cells)))
                        cells.append(self._cell(cell, mark))
                    forget(row)
                    if any(cells):
                        yield number, cells
        except (Refused, etree.XMLSyntaxError, ValueError, IndexError, OverflowError, InvalidOperation) as bad:
            raise self._broken(bad) from bad

    def _cell(self, cell: Any, mark: str) -> str:
        kind = cell.get("t", "n")
        if kind == "inlineStr":
            return _said(cell)
        text = formula = ""
        for child in cell:
            if child.tag.endswith("}v"):
                text = child.text or ""
            elif child.tag.endswith("}f"):
                formula = f"={child.text or ''}"
        if not text:  # a formula that nobody has computed is not nothing: the reader of its column refuses it
            return formula if kind == "n" else ""
        if kind == "s":
            if (place := int(text)) < 0:
                raise IndexError(place)
            return self._shared[place]
        if kind == "b":
            return "TRUE" if text == "1" else "FALSE"
        if kind == "d":
            return text[:10]
        if kind != "n":
            return text
        if cell.get("s", "0") in self._dates:
            try:
                return dated(Decimal(text), since_1904=self.since_1904)
            except ValueError:  # no day has this number: a row's trouble, not the workbook's
                pass
        return number(text, mark)


class WorkbookSheet:
    """One sheet of it."""

    def __init__(self, book: Workbook, part: _Part) -> None:
        self._book, self.name, self._path, self.member = book, part.name, part.path, book.member
        self.hidden, self.since_1904 = part.hidden, book.since_1904
        self._head: list[tuple[int, list[str]]] | None = None

    def head(self, rows: int) -> list[tuple[int, list[str]]]:
        """The first rows that have something in them, with their numbers; as many as were asked for first."""
        if self._head is None:
            self._head = list(islice(self._book.rows(self._path, "."), rows))
        return self._head

    def batches(self, shape: Shape, rows_at_once: int, ragged: Ragged) -> Iterator[Rows]:
        below = ((number, cells) for number, cells in self._book.rows(self._path, shape.mark, shape.width) if number > shape.header_row)
        yield from Gatherer(shape.width, rows_at_once).gathered(below)


def number(text: str, mark: str) -> str:
    """A number as Excel shows it in full: fifteen significant digits, no exponent. Raises `InvalidOperation`."""
    if len(text) <= 15 and "E" not in text and "e" not in text:
        return text.replace(".", mark) if mark != "." else text
    shown = format(_FIFTEEN.create_decimal(text), "f")
    if "." in shown:
        shown = shown.rstrip("0").rstrip(".")
    return shown.replace(".", mark) if mark != "." else shown


def dated(serial: Decimal, *, since_1904: bool = False) -> str:
    """ISO date (with a time where it has one) of a spreadsheet's day number. Raises `ValueError` outside of 1900 to 9999."""
    days = serial + (1462 if since_1904 else 0)
    if not 1 <= days < 2_958_466:
        raise ValueError("no date")
    if days < 61:  # a spreadsheet's 1900 has a 29 February
        days += 1
    whole = int(days)
    day = date(1899, 12, 30) + timedelta(days=whole)
    seconds = int((days - whole) * 86_400 + Decimal("0.5"))
    if not seconds:
        return day.isoformat()
    moment = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(seconds=seconds)
    return moment.replace(tzinfo=None).isoformat()  # a sheet's times have no zone


def _parsed(stream: IO[bytes]) -> Any:
    return etree.parse(stream, etree.XMLParser(**SAFE)).getroot()


def _events(stream: IO[bytes], tag: str) -> Any:
    return etree.iterparse(stream, tag=tag, **SAFE)


def _said(item: Any) -> str:
    """The text of an item, without the readings that Japanese texts carry (`rPh`)."""
    if len(item) == 1 and item[0].tag.endswith("}is"):
        item = item[0]
    if len(item) == 1 and len(item[0]) == 0 and item[0].tag.endswith("}t"):
        return item[0].text or ""
    return "".join(one.text or "" for one in item.iter("{*}t") if not any(True for _ in one.iterancestors("{*}rPh")))


@cache
def _position(letters: str) -> int:
    """`AB` → 27. Raises `ValueError` beyond the last column that a workbook has."""
    if not _COLUMN.fullmatch(letters):
        raise ValueError(letters)
    at = 0
    for letter in letters:
        at = at * 26 + ord(letter) - 64
    if at > MOST_COLUMNS:
        raise ValueError(letters)
    return at - 1
