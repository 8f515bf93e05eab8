"""Which layout a report has. What none fits is told with the nearest one and what differs from it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from include.errors import RejectedData
from include.files.bounds import printable
from include.sales import marks
from include.sales.layout import Layout, ReportTable, key
from include.sales.readers.opened import AnySheet, opened
from include.sales.readers.rows import Shape
from include.sales.readers.text import TextSheet
from include.sales.readers.tree import TreeSheet

_MOST_TOLD = 8  # columns named in one sentence
_ALIKE = 0.4  # of a header: from here on a sheet that does not fit is a changed one, not another
_SAMPLE = 500  # rows by which the width, the decimal mark and the order of days are told


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
        if chosen.layout.inferred:
            notes = (f"the layout is inferred in part, and nobody has compared with a real report {chosen.layout.inferred}", *notes)
        return Recognised(chosen.layout, tuple(chosen.found), notes)
    nearest = max(fits, key=lambda fit: fit.near, default=None)
    if no_text:  # any bytes are latin-1, but not behind the mark of another
        what = "the text begins as UTF-8 or UTF-16 and has bytes that are none: it was cut off, or joined from different files"
        return NotRecognised(what, todo="Ask for it again.")
    if nearest is None or nearest.near < 0.2:
        todo = "If it is a report, describe it in config/reports (docs/configuration.md) and let it be looked at again; if not, refuse it."
        return NotRecognised("no known report looks like this: it has hardly a column of any", todo=todo)
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
        for at, (_, cells) in enumerate(head[: layout.header_within]):
            empty = empty and not any(cell.strip() for cell in cells)
            named = {at: key(cell) for at, cell in enumerate(cells) if cell}
            positions = _positions(table, named)
            missing = [column for column in table.must_have() if column not in positions]
            near = len(positions) / max(1, len(table.header) + sum(map(bool, named.values())) - len(positions))
            if not missing:
                below = [row for _, row in head[at + 1 :]]
                above = tuple(tuple(row) for _, row in head[:at])
                if wrong := _above(layout, above):
                    fit.near = max(fit.near, near * 0.95)
                    fit.differs += wrong
                    return None
                if doubled := _doubled(table, positions, cells, below):
                    fit.near = 1.0
                    fit.differs += doubled
                    return None
                fit.known += len(positions)
                fit.near = 1.0
                if strange := _strange(table, cells):
                    fit.strange += len(strange)
                    fit.notes.append(f"columns that are not known and not read: {_told(strange)}")
                shape = _shape(layout, sheet, head, at, encoding, delimiter)
                shape = marks.told(layout, table, positions, sheet, shape, below, fit.notes)
                return Found(table, sheet.member, sheet.name, shape, positions, tuple(cells), above)
            if near > best[0]:
                best = (near, _differences(missing, _strange(table, cells)))
    if empty and sheet.name:
        return None  # an empty sheet of a workbook is no news
    fit.near = max(fit.near, best[0])
    differs = best[1] or ["it has no header"]
    if table.sheets or not sheet.name:
        fit.differs += differs
    else:
        fit.doubts.append((best[0], sheet.name, differs))
    return None


def _shape(layout: Layout, sheet: AnySheet, head: list[tuple[int, list[str]]], at: int, encoding: str, delimiter: str) -> Shape:
    """How the table under the header `head[at]` lies, but for its marks."""
    number, header = head[at]
    if isinstance(sheet, TextSheet):
        return Shape(at + 1, _width(header, [row for _, row in head[at + 1 :]]), number, encoding, delimiter, layout.quoted)
    return Shape(number, _named_width(header), since_1904=sheet.since_1904)


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
    if wrong := [
        f"{path} is {printable(sheet.around.get(path, ''))[:60]!r}"
        for path, pattern in layout.above.items()
        if path.startswith("/") and not re.fullmatch(pattern, sheet.around.get(path, ""), re.IGNORECASE)
    ]:
        fit.near = 1.0
        fit.differs += wrong
        return None
    missing = [column for column in table.must_have() if column not in seen]
    fit.near = 0.5 + 0.5 * (1 - len(missing) / max(1, len(table.must_have())))
    if not sample or missing:
        fit.differs.append(f"elements that are missing: {_told(missing)}" if sample else f"it has no {table.row}")
        return None
    fit.known += len(seen)
    if strange := sheet.unknown(table.row, columns, _SAMPLE):
        fit.strange += len(strange)
        fit.notes.append(f"elements that are not known and not read: {_told(strange)}")
    positions = {column: at for at, column in enumerate(columns)}
    shape = Shape(0, len(columns), mark=marks.of_sample(layout, table, positions, sample, text=True) or ".")
    return Found(table, sheet.member, sheet.name, shape, positions, tuple(columns))


def _positions(table: ReportTable, named: Mapping[int, str]) -> dict[str, int]:
    """Column of the layout → its place in this row of header names. The first of two that are called the same."""
    places: dict[str, int] = {}
    for at, name in named.items():
        if name:
            places.setdefault(name, at)
    found = {}
    for column in table.header:
        for name in (column, *table.aliases.get(column, ())):
            if key(name) in places:
                found[column] = places[key(name)]
                break
    return found


def _doubled(table: ReportTable, positions: dict[str, int], cells: Sequence[str], below: Sequence[Sequence[str]]) -> list[str]:
    """Columns that are called alike, or by two other names of the same, and say different things: none is chosen for the other."""
    told = []
    for column in table.columns():
        if column not in positions:
            continue
        own = key(column) == key(cells[positions[column]])
        names = {key(column)} if own else {key(name) for name in table.aliases.get(column, ())}
        places = [at for at, cell in enumerate(cells) if key(cell) in names]
        known = max(1, sum(key(name) in names for name in table.header))
        if len(places) > known and any(len({row[at].strip() for at in places if at < len(row)}) > 1 for row in below):
            both = _told([f"{cells[at].strip()} (column {at + 1})" for at in places])
            told.append(f"two columns fit {column} and say different things: {both}")
    return told


def _strange(table: ReportTable, cells: Sequence[str]) -> list[str]:
    known = {key(name) for column in table.header for name in (column, *table.aliases.get(column, ()))}
    months = re.compile(table.months.matches) if table.months else None
    return [cell.strip() for cell in cells if key(cell) and key(cell) not in known and not (months and months.fullmatch(cell.strip()))]


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
        if name != "root" and not name.startswith("/") and not re.fullmatch(pattern, said.get(key(name), ""), re.IGNORECASE)
    ]


def _width(header: Sequence[str], below: Sequence[Sequence[str]]) -> int:
    """How many cells a row has: rows may end in one more delimiter than the header, or in one less."""
    widths = Counter(len(row) for row in below if any(cell.strip() for cell in row))
    if not widths:
        return len(header)
    return max(widths.most_common(1)[0][0], _named_width(header))


def _named_width(header: Sequence[str]) -> int:
    return len(header) - next((at for at, cell in enumerate(reversed(header)) if cell.strip()), 0)
