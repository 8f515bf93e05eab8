"""A CSV with the rows of many payees: each statement's rows, with the columns that may travel. Memory does not grow with the file."""

from __future__ import annotations

import codecs
import csv
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, TextIO

from include.errors import RejectedData
from include.files.characters import harmless
from include.royalties.layout import CsvColumns, StatementLayout
from include.royalties.statements import NUMBERLESS, Said, money, reason

_ASK = "Export the batch again from Consonance, or say on the page whose these rows are."
_HELD_IN_MEMORY = 16_000_000  # characters, of all statements together
MOST_BROKEN = 100
_NO_UTF8 = re.compile("[\udc80-\udcff]")  # bytes that are no UTF-8, as surrogateescape gives them
_LETTERS = re.compile("[\u0080-\ud7ff\ue000-\U0010ffff]")
_Key = tuple[str, str, str, str]


@dataclass(slots=True)
class Rows:
    """One statement: `file` is its own CSV. `lines`: first and last line of the source, and how many."""

    file: Path
    said: Said
    first: int
    last: int
    count: int
    reasons: list[dict[str, Any]] = field(default_factory=list)

    @property
    def position(self) -> str:
        return f"{self.count} {'row' if self.count == 1 else 'rows'} from line {self.first} to {self.last}"


@dataclass(slots=True)
class _Statement:
    file: Path
    first: int
    last: int = 0
    count: int = 0
    names: set[str] = field(default_factory=set)
    contracts: dict[str, None] = field(default_factory=dict)
    currencies: set[str] = field(default_factory=set)
    amount: Decimal = Decimal(0)
    unread: str = ""
    waiting: list[list[str]] = field(default_factory=list)


@contextmanager
def opened(local: Path) -> Iterator[TextIO]:
    """The text, by its byte order mark, as UTF-8, or as Windows-1252. Raises `RejectedData` for what is no text."""
    with local.open("rb") as file:
        head = file.read(65536)
    wide = head.startswith((b"\xff\xfe", b"\xfe\xff"))
    if not wide and b"\0" in head:
        raise RejectedData("it is no text", todo="Export it again as CSV.")
    encoding = "utf-16" if wide else "utf-8-sig" if _is_utf8(local) else "windows-1252"
    try:
        with local.open(encoding=encoding, newline="") as text:
            yield text
    except UnicodeError as bad:
        raise RejectedData("it holds bytes that are no text", todo="Export it again as CSV, in UTF-8.") from bad


def _is_utf8(local: Path) -> bool:
    """Whether all of it is UTF-8. Raises `RejectedData` if some of its letters are and others are not: read as either, names would not be
    what they are, and nobody's could be found."""
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    letters = others = False
    with local.open("rb") as file:
        while block := file.read(1 << 20):
            text = decoder.decode(block)
            if not text.isascii():
                others = others or _NO_UTF8.search(text) is not None
                letters = letters or _LETTERS.search(text) is not None
    others = others or bool(decoder.getstate()[0])
    if letters and others:
        raise RejectedData("part of it is UTF-8, part is not", todo="Export it again as CSV, in UTF-8.")
    return not others


def header_of(local: Path) -> tuple[list[str], str]:
    """The first line's cells, and the delimiter that splits it into most cells. Raises `RejectedData`."""
    with opened(local) as text:
        line = text.readline(1 << 20)
    cells = {sign: next(csv.reader([line], delimiter=sign), []) for sign in ",;\t|"}
    best = max(cells, key=lambda sign: len(cells[sign]))
    return [cell.strip() for cell in cells[best]], best


def layout_of(header: Sequence[str], layouts: Sequence[StatementLayout]) -> StatementLayout | None:
    """The layout all of whose columns are there; the one with most, where there are several."""
    fitting = [layout for layout in layouts if layout.csv is not None and set(layout.csv.named) <= set(header)]
    return max(fitting, key=lambda layout: len(layout.csv.named) if layout.csv else 0, default=None)


def nearest(header: Sequence[str], layouts: Sequence[StatementLayout]) -> str:
    """Which layout comes nearest, and what it misses, in a sentence."""
    known = [(set(layout.csv.named) & set(header), layout) for layout in layouts if layout.csv is not None]
    there, layout = max(known, key=lambda one: len(one[0]), default=(set[str](), None))
    if layout is None or layout.csv is None or not there:
        return "No column is one of a layout's."
    return f"The nearest layout is {layout.id}; missing: {', '.join(name for name in layout.csv.named if name not in there)}."


@contextmanager
def grouped(local: Path, layout: StatementLayout) -> Iterator[Iterator[Rows]]:
    """Statements in the order in which they begin; rows without a payee come last, as nobody's. Their files are gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        yield _grouped(local, layout, Path(folder))


def _grouped(local: Path, layout: StatementLayout, folder: Path) -> Iterator[Rows]:
    columns = layout.csv
    assert columns is not None  # noqa: S101 - `layout_of` gives no other
    header, delimiter = header_of(local)
    place = {name: header.index(name) for name in columns.named}
    travelling = [name for name in header if name in place]
    statements: dict[_Key, _Statement] = {}
    broken: list[Rows] = []
    held = 0
    with opened(local) as text:
        reader = csv.reader(text, delimiter=delimiter, strict=True)
        next(reader)
        try:
            for cells in reader:
                if not any(cell.strip() for cell in cells):
                    continue
                why = _unlike(cells, header, delimiter)
                if why:
                    if len(broken) == MOST_BROKEN:
                        raise RejectedData(f"more than {MOST_BROKEN} rows do not have the header's cells", todo="Export it again as CSV.")
                    broken.append(_broken(reader.line_num, cells, why, folder))
                    continue
                row = {name: " ".join(cells[at].split()) for name, at in place.items()}
                statement = statements.setdefault(_key(row, columns), _Statement(folder / f"{len(statements)}.csv", reader.line_num))
                _add(statement, row, columns, layout, reader.line_num)
                statement.waiting.append([_safe(cells[place[name]], layout) for name in travelling])
                held += sum(len(cell) for cell in cells)
                if held > _HELD_IN_MEMORY:
                    _write(statements.values(), travelling)
                    held = 0
        except (csv.Error, UnicodeError) as bad:
            raise RejectedData(f"line {reader.line_num} can't be read: {bad}", todo="Export it again as CSV.") from bad
    _write(statements.values(), travelling)
    whose = {key: statement for key, statement in statements.items() if key[0] or key[1]}
    for key, statement in [*whose.items(), *((key, one) for key, one in statements.items() if key not in whose)]:
        yield _rows(key, statement, columns)
    yield from broken


def _key(row: dict[str, str], columns: CsvColumns) -> _Key:
    number = row.get(columns.payee_number, "")
    name = "" if number else row[columns.payee]  # with a number, two names are one statement that says two things
    return number, name, row.get(columns.number, ""), row.get(columns.period, "")


def _add(statement: _Statement, row: dict[str, str], columns: CsvColumns, layout: StatementLayout, line: int) -> None:
    statement.last, statement.count = line, statement.count + 1
    statement.names.add(row[columns.payee])
    if contract := row.get(columns.contract):
        statement.contracts[contract] = None
    if currency := row.get(columns.currency):
        statement.currencies.add(currency)
    if columns.amount and (printed := row[columns.amount]):
        value = money(printed, layout.decimal_point)
        if value is None:
            statement.unread = statement.unread or f"line {line}: {printed[:40]!r} is no amount"
        else:
            statement.amount += value


def _safe(cell: str, layout: StatementLayout) -> str:
    """As it travels: an amount below zero as it is, and nothing that a spreadsheet program would run."""
    return cell if money(cell, layout.decimal_point) is not None else harmless(cell)


def _write(statements: Any, travelling: list[str]) -> None:
    for statement in statements:
        if not statement.waiting:
            continue
        new = not statement.file.exists()
        with statement.file.open("a", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            if new:
                writer.writerow(travelling)
            writer.writerows(statement.waiting)
        statement.waiting.clear()


def _rows(key: _Key, one: _Statement, columns: CsvColumns) -> Rows:
    number, _, statement, period = key
    single = not one.unread and len(one.currencies) <= 1
    said = Said(
        payee=min(one.names) if len(one.names) == 1 else "",
        payee_number=number,
        number=statement,
        period=period,
        contracts=tuple(one.contracts),
        amount=one.amount if single else None,
        currency=next(iter(one.currencies), "")[:3] if single else "",
    )
    rows = Rows(one.file, said, one.first, one.last, one.count)
    if not any((number, *one.names)):
        rows.reasons.append(reason("nobody", "rows without a payee", rows.position, _ASK))
    if len(one.names) > 1:
        rows.reasons.append(reason("says-two", f"its rows name {len(one.names)} payees under one number", rows.position, _ASK))
    if (columns.number or columns.contract) and not (statement or one.contracts):
        rows.reasons.append(reason("number-missing", NUMBERLESS, rows.position, _ASK))
    if one.unread:
        rows.reasons.append(reason("amount", one.unread, rows.position, _ASK))
    if len(one.currencies) > 1:
        rows.reasons.append(reason("currencies", f"its rows are in {len(one.currencies)} currencies", rows.position, _ASK))
    return rows


def _unlike(cells: list[str], header: list[str], delimiter: str) -> str:
    """Why a row can't be one row of this table; empty if it can. An open quote takes whole rows, of whomever, into a cell."""
    if len(cells) != len(header):
        return f"a row of {len(cells)} cells where the header has {len(header)}"
    if any("\n" in cell.replace("\r", "\n") and cell.count(delimiter) >= len(header) - 1 for cell in cells):
        return "a cell that holds other rows: a quote is not closed"
    return ""


def _broken(line: int, cells: list[str], why: str, folder: Path) -> Rows:
    """A row that is none: nobody can tell which cell is the payee."""
    path = folder / f"line {line}.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerow(cells)
    rows = Rows(path, Said(), line, line, 1)
    rows.reasons.append(reason("nobody", why, rows.position, _ASK))
    return rows
