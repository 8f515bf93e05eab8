"""Which layout a report has. What none fits is told with the nearest one and what differs from it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path

import pyarrow.compute as pc

from include.errors import RejectedData
from include.files.bounds import printable
from include.sales.layout import Layout, ReportTable, key
from include.sales.readers.opened import AnySheet, opened
from include.sales.readers.rows import Shape
from include.sales.readers.text import TextSheet
from include.sales.readers.tree import TreeSheet

_MOST_TOLD = 8  # columns named in one sentence
_ALIKE = 0.4  # of a header: from here on a sheet that does not fit is a changed one, not another
_SAMPLE = 500  # rows by which the width and the decimal mark are told


@dataclass(frozen=True, slots=True)
class Found:
    """One table of the layout in one sheet of the file."""

    table: ReportTable
    member: str
    sheet: str
    shape: Shape
    positions: dict[str, int]  # column of the layout → position in the sheet
    header: tuple[str, ...] = ()  # as written
    above: tuple[tuple[str, ...], ...] = ()  # the rows above the header

    @property
    def label(self) -> str:
        """What lines of this sheet have in `sheet`."""
        return " / ".join(filter(None, (self.member, self.sheet)))


@dataclass(frozen=True, slots=True)
class Recognised:
    """A report whose layout is known, and where its tables lie."""

    layout: Layout
    found: tuple[Found, ...]
    notes: tuple[str, ...] = ()  # sentences: columns and sheets that are not read


@dataclass(frozen=True, slots=True)
class NotRecognised:
    """No layout fits. `nearest` is None where nothing is near: not a table, an empty or a damaged file."""

    what: str
    nearest: Layout | None = None
    differs: tuple[str, ...] = ()
    todo: str = ""

    def __str__(self) -> str:
        near = f" The nearest is {self.nearest.name}: {'; '.join(self.differs)}." if self.nearest else ""
        return f"{self.what.rstrip('.')}.{near} {self.todo}".rstrip()


@dataclass(slots=True)
class _Fit:
    """How one layout fits the whole file."""

    layout: Layout
    found: list[Found] = field(default_factory=list)
    differs: list[str] = field(default_factory=list)
    doubts: list[tuple[float, str, list[str]]] = field(default_factory=list)  # of sheets the layout does not name
    notes: list[str] = field(default_factory=list)
    known: int = 0  # columns of the file that the layout knows
    strange: int = 0  # and those that it does not
    near: float = 0.0


def recognise(path: Path, name: str, layouts: Sequence[Layout]) -> Recognised | NotRecognised:
    """The one layout that the file has. `name` is its own name, for periods and for telling equals apart.

    Never raises for what is in the file: what can't be read is not recognised, with a sentence.
    """
    try:
        with opened(path, name) as file:
            fits = [_fit(layout, file.sheets) for layout in layouts]
            passed_over = file.passed_over
            no_text = [one for one in file.sheets if isinstance(one, TextSheet) and not one.encoding(("latin-1",))]
    except RejectedData as bad:
        return NotRecognised(bad.what, todo=bad.todo)
    good = [fit for fit in fits if not fit.differs]
    if good:
        chosen = _best(good, name)
        if isinstance(chosen, NotRecognised):
            return chosen
        notes = (*chosen.notes, *(f"{printable(member)} in the archive is no table and is not read" for member in passed_over[:20]))
        return Recognised(chosen.layout, tuple(chosen.found), notes)
    nearest = max(fits, key=lambda fit: fit.near, default=None)
    if no_text:  # any bytes are latin-1, but not behind the mark of another
        what = "the text begins as UTF-8 or UTF-16 and has bytes that are none: it was cut off, or joined from different files"
        return NotRecognised(what, todo="Ask for it again.")
    if nearest is None or nearest.near < 0.2:
        return NotRecognised("no known report looks like this", todo="Describe it in config/reports: see docs/configuration.md.")
    return NotRecognised(
        "no known report looks quite like this",
        nearest.layout,
        tuple(nearest.differs),
        f"If the vendor changed it, mend config/reports/{nearest.layout.id}.toml; if it is another report, describe it there.",
    )


def _best(good: list[_Fit], name: str) -> _Fit | NotRecognised:
    """The one that knows most of the columns; between equals, the one whose files are called so."""

    def rank(fit: _Fit) -> tuple[bool, int, int, bool]:
        called_so = any(fnmatchcase(name.lower(), glob.lower()) for glob in fit.layout.files)
        return not fit.layout.last_resort, -fit.strange, fit.known, called_so

    ranked = sorted(good, key=rank, reverse=True)
    if len(ranked) > 1 and rank(ranked[0]) == rank(ranked[1]):
        both = f"{ranked[0].layout.name} and {ranked[1].layout.name}"
        return NotRecognised(f"two layouts fit equally: {both}", todo="Give one of them a column or a name of file that tells them apart.")
    return ranked[0]


def _fit(layout: Layout, sheets: Sequence[AnySheet]) -> _Fit:
    fit = _Fit(layout)
    seen: set[int] = set()
    for sheet in sheets:
        if isinstance(sheet, TreeSheet) != layout.is_xml:
            fit.differs.append("it is XML" if not layout.is_xml else "it is not XML")
            return fit
        tables = [table for table in layout.tables if _named(table, sheet.name)]
        if not tables:
            if not any(fnmatchcase(sheet.name.strip().lower(), glob.lower()) for glob in layout.unread_sheets):
                fit.notes.append(f"sheet {printable(sheet.name)!r} is not read")
                fit.strange += 1
            continue
        fitting = [_table(layout, table, sheet, fit) for table in tables]
        if any(found is not None for found in fitting):
            for table, found in zip(tables, fitting, strict=True):
                if found is not None:
                    fit.found.append(found)
                    seen.add(layout.tables.index(table))
    _settled(fit)
    for at, table in enumerate(layout.tables):
        if table.needed and at not in seen and not fit.differs:
            fit.differs.append(f"the sheet {' or '.join(glob.strip('*') for glob in table.sheets) or table.name} is missing")
    if not fit.found and not fit.differs:
        fit.differs.append("no sheet has its header")
    return fit


def _settled(fit: _Fit) -> None:
    """Sheets that the layout does not name: another table beside the report is passed over, a report that changed is not."""
    for near, name, differs in fit.doubts:
        if fit.found and near < _ALIKE:
            fit.notes.append(f"sheet {printable(name)!r} is another table and is not read")
        else:
            fit.differs += differs


def _named(table: ReportTable, sheet: str) -> bool:
    return not table.sheets or not sheet or any(fnmatchcase(sheet.strip().lower(), glob.lower()) for glob in table.sheets)


def _table(layout: Layout, table: ReportTable, sheet: AnySheet, fit: _Fit) -> Found | None:
    """The table in this sheet; None with the reason in `fit.differs`."""
    if isinstance(sheet, TreeSheet):
        return _tree(layout, table, sheet, fit)
    best: tuple[float, list[str]] = (-1.0, [])
    empty = True
    for head, encoding, delimiter in _heads(layout, sheet):
        for at, (lines, cells) in enumerate(head[: layout.header_within]):
            empty = empty and not any(cell.strip() for cell in cells)
            positions = _positions(table, cells)
            missing = [column for column in table.must_have() if column not in positions]
            strange = _strange(table, cells)
            near = _near(table, positions, cells)
            if not missing:
                above = tuple(tuple(row) for _, row in head[:at])
                if wrong := _above(layout, above):
                    fit.near = max(fit.near, near * 0.95)
                    fit.differs += wrong
                    return None
                fit.known += len(positions)
                fit.strange += len(strange)
                fit.near = 1.0
                if strange:
                    fit.notes.append(f"columns that are not known and not read: {_told(strange)}")
                number = lines if not isinstance(sheet, TextSheet) else at + 1
                below = [row for _, row in head[at + 1 :]]
                shape = Shape(
                    number,
                    _width(cells, below),
                    lines if isinstance(sheet, TextSheet) else 0,
                    encoding,
                    delimiter,
                    layout.quoted,
                    _mark(layout, table, positions, below, text=isinstance(sheet, TextSheet)),
                )
                if not shape.mark:
                    shape = replace(shape, mark=_mark_further_down(table, positions, sheet, shape))
                return Found(table, sheet.member, sheet.name, shape, positions, tuple(cells), above)
            if near > best[0]:
                best = (near, _differences(missing, strange))
    if empty and sheet.name:
        return None  # an empty sheet of a workbook is no news
    fit.near = max(fit.near, best[0])
    differs = best[1] or ["it has no header"]
    if table.sheets or not sheet.name:
        fit.differs += differs
    else:
        fit.doubts.append((best[0], sheet.name, differs))
    return None


def _heads(layout: Layout, sheet: AnySheet) -> list[tuple[list[tuple[int, list[str]]], str, str]]:
    most = layout.header_within + _SAMPLE
    if not isinstance(sheet, TextSheet):
        return [(sheet.head(most), "", "")]  # type: ignore[union-attr]
    encoding = sheet.encoding(layout.encodings)
    if not encoding:
        return []
    return [(sheet.head(encoding, delimiter, layout.quoted, most), encoding, delimiter) for delimiter in layout.delimiters]


def _tree(layout: Layout, table: ReportTable, sheet: TreeSheet, fit: _Fit) -> Found | None:
    root = sheet.root()
    if "root" in layout.above and not re.fullmatch(layout.above["root"], root):
        fit.differs.append(f"its root is {printable(root)!r}")
        return None
    columns = list(table.header)
    seen: set[str] = set()
    sample: list[list[str]] = []
    for _, cells in sheet.rows(table.row, columns):
        sample.append(cells)
        seen |= {column for column, cell in zip(columns, cells, strict=True) if cell}
        if len(sample) >= _SAMPLE:
            break
    missing = [column for column in table.must_have() if column not in seen]
    fit.near = 0.5 + 0.5 * (1 - len(missing) / max(1, len(table.must_have())))
    if not sample or missing:
        fit.differs.append(f"elements that are missing: {_told(missing)}" if sample else f"it has no {table.row}")
        return None
    fit.known += len(seen)
    positions = {column: at for at, column in enumerate(columns)}
    shape = Shape(0, len(columns), mark=_mark(layout, table, positions, sample, text=True) or ".")
    return Found(table, sheet.member, sheet.name, shape, positions, tuple(columns))


def _positions(table: ReportTable, cells: Sequence[str]) -> dict[str, int]:
    """Column of the layout → its place in this row of header names. The first of two that are called the same."""
    places: dict[str, int] = {}
    for at, cell in enumerate(cells):
        if name := key(cell):
            places.setdefault(name, at)
    found = {}
    for column in table.header:
        for name in (column, *table.aliases.get(column, ())):
            if key(name) in places:
                found[column] = places[key(name)]
                break
    return found


def _strange(table: ReportTable, cells: Sequence[str]) -> list[str]:
    known = {key(name) for column in table.header for name in (column, *table.aliases.get(column, ()))}
    months = re.compile(table.months.matches) if table.months else None
    return [cell.strip() for cell in cells if key(cell) and key(cell) not in known and not (months and months.fullmatch(cell.strip()))]


def _near(table: ReportTable, positions: dict[str, int], cells: Sequence[str]) -> float:
    named = sum(1 for cell in cells if key(cell))
    return len(positions) / max(1, len(table.header) + named - len(positions))


def _differences(missing: Sequence[str], strange: Sequence[str]) -> list[str]:
    told = [f"columns that are missing: {_told(missing)}"] if missing else []
    return told + ([f"columns that it does not know: {_told(strange)}"] if strange else [])


def _told(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_TOLD} more" if len(names) > _MOST_TOLD else ""
    return ", ".join(printable(name)[:60] for name in names[:_MOST_TOLD]) + more


def _above(layout: Layout, above: Sequence[Sequence[str]]) -> list[str]:
    """What the rows above the header should say and do not."""
    said = {key(row[0]): row[1].strip() for row in above if len(row) > 1 and key(row[0])}
    return [
        f"{name} is {printable(said.get(key(name), ''))[:60]!r}"
        for name, pattern in layout.above.items()
        if name != "root" and not re.fullmatch(pattern, said.get(key(name), ""), re.IGNORECASE)
    ]


def _width(header: Sequence[str], below: Sequence[Sequence[str]]) -> int:
    """How many cells a row has: rows may end in one more delimiter than the header, or in one less."""
    widths = Counter(len(row) for row in below if any(cell.strip() for cell in row))
    if not widths:
        return len(header)
    usual = widths.most_common(1)[0][0]
    named = len(header) - next((at for at, cell in enumerate(reversed(header)) if cell.strip()), 0)
    return max(usual, named)


def _mark(layout: Layout, table: ReportTable, positions: dict[str, int], below: Sequence[Sequence[str]], *, text: bool) -> str:
    """The decimal mark: as the layout says, or as its numbers show; "" where nothing in a text decides."""
    if layout.decimal != "told":
        return layout.decimal
    seen: Counter[str] = Counter()
    places = _amounts_at(table, positions)
    for row in below:
        for at in places:
            if at < len(row) and (mark := _shown(row[at])):
                seen[mark] += 1
    if not text:  # a workbook's own numbers come with a dot: only what was typed as text tells
        return "," if seen[","] else "."
    return "" if not seen else "," if seen[","] > seen["."] else "."


def _mark_further_down(table: ReportTable, positions: dict[str, int], sheet: AnySheet, shape: Shape) -> str:
    """Where hundreds of rows have only numbers like 1.234, the first others tell; a dot where there are none to the end."""
    places = _amounts_at(table, positions)
    if not isinstance(sheet, TextSheet) or not places:
        return "."
    try:
        for rows in sheet.batches(replace(shape, mark="."), 50_000, lambda *_: None):
            seen = Counter(filter(None, (_shown(text or "") for at in places for text in pc.unique(rows.columns[at]).to_pylist())))
            if seen:
                return "," if seen[","] > seen["."] else "."
    except RejectedData:
        pass  # who reads the lines tells it
    return "."


def _amounts_at(table: ReportTable, positions: dict[str, int]) -> list[int]:
    cells = [*table.fields.items(), *(item for line in table.lines for item in line.fields.items())]
    names = {name for field_, cell in cells if field_ in _AMOUNTS for name in cell.names()}
    return sorted({positions[name] for name in names if name in positions})


_AMOUNTS = frozenset({"list_price", "gross", "net", "fees", "paid", "discount_percent"})


def _shown(number: str) -> str:
    """Which mark this number proves to be the decimal one; "" for 1,234 and 1.234, which prove nothing."""
    found = re.search(r"([.,])(\d*)\D*$", number.strip())
    if not found:
        return ""
    mark, digits = found[1], found[2]
    other = "," if mark == "." else "."
    return mark if len(digits) != 3 or other in number or number.strip(" -+(").startswith("0") else ""
