"""`reports.md`: the sales and usage reports that can be read, and where each field of a line comes from."""

from __future__ import annotations

from docs.markdown import NOTE, ROOT, table
from include.sales.layout import Cell, Layout, Period, ReportTable, load_layouts

_SIGNS = {"by kind": "sign by kind", "turned": "sign turned", "positive": "without its sign", "negative": "negative"}
_PERIODS = {
    "columns": "columns {columns}",
    "above": "the rows above the header",
    "name": "the file's name",
    "sheet": "the sheet's name",
    "date": "the month of each date",
}
_INTRO = """\
A layout says how one vendor's report is recognised and what its columns mean. It is a file of `config/reports`; every key is explained in
[configuration](configuration.md). `colophon sales recognise FILE…` says which layout a file has and, where none fits, which is nearest and
what differs. A file may be CSV, tab-separated text in any usual encoding, XLSX, real XLS, XML, or these in gzip and ZIP, whatever its name.

What is true of all of them:

- Numbers are exact. The decimal mark is told by what the file's numbers prove; `(1.23)`, `1.23-` and marks of thousands are understood.
  What a spreadsheet computed is taken at Excel's fifteen digits.
- An ISBN is checked. One that a spreadsheet turned into `9.78E+12` is refused, because its digits are lost; `9.781912345014E+12` has them
  all. A number that looks like an ISBN and is none is kept as the vendor's own, for a person to say which title it is.
- A row that can't be read is refused with row, column, value, reason and what to do, and the rest goes on. Totals, footers and blank rows
  are no lines; what they state becomes control totals.
- A row that has sales and returns becomes two lines. Where the vendor gives money for both together, it stays with the first.
- New columns are no obstacle and are named; a column that is missing is one, and so are two that fit the same and differ.
- Where the layout allows 23/09/2026, whether day or month comes first is told by what the file's days prove; where none does, the day does.
- Sheets, and members of an archive, with the very same lines of the same period count once; of a sheet, a person is asked unless a
  total of the whole report proves it. Subtotals that come to the whole explain
  themselves. An amount that names another currency than its row, a formula without a result, a credit or debit (`12.50 CR`) is refused.

To add a report: copy the layout that is most like it, put the vendor's header in `header` word for word, point `fields` at its columns, and
keep a small sample with totals that you added up by hand in `tests/data/sales/<layout>/<case>`."""


def reports() -> str:
    layouts = load_layouts(ROOT / "config")
    page = [NOTE.format(source="`config/reports`"), "", "# Sales and usage reports", "", _INTRO, ""]
    page += table(("layout", "report", "period from"), [(f"[`{one.id}`](#{one.id})", one.name, _periods(one.period)) for one in layouts])
    for layout in layouts:
        page += ["", f"## {layout.id}", "", f"{layout.name}. Header: {layout.source}.", *_remarks(layout)]
        for one in layout.tables:
            page += ["", *_table(one, many=len(layout.tables) > 1)]
    return "\n".join(page) + "\n"


def _remarks(layout: Layout) -> list[str]:
    said = []
    if layout.inferred:
        said.append(f"**Inferred, and compared with no real report:** {layout.inferred}.")
    if layout.estimate:
        said.append("Its amounts are an estimate: another report of the same source settles them.")
    if layout.above:
        said.append("Above the header: " + ", ".join(f"{name} is `{pattern}`" for name, pattern in layout.above.items()) + ".")
    if layout.timezone:
        said.append(f"Its days are days in {layout.timezone}.")
    return ["", *said] if said else []


def _table(one: ReportTable, *, many: bool) -> list[str]:
    where = f"Sheet {', '.join(f'`{glob}`' for glob in one.sheets)}" if one.sheets else one.name
    lead = [f"**{where}**: {one.name}", ""] if many else []
    if one.role == "control":
        return [*lead, f"Only control totals: {', '.join(f'{stated.what} in `{stated.column}`' for stated in one.stated)}."]
    rows = [("product", ", then ".join(f"`{id.column}` ({id.type})" for id in one.ids if not id.only_beside))]
    for name, cell in one.fields.items():
        rows.append((f"`{name}`", _cell(cell)))
    for number, line in enumerate(one.lines, 1):
        rows += [(f"`{name}`, line {number}", _cell(cell)) for name, cell in line.fields.items()]
    if one.months:
        rows.append((f"`{one.months.into}`", f"columns called `{one.months.matches}`, one line for each"))
    passed = [rule.reason for rule in (*one.skips, *one.keeps) if rule.reason]
    stated = [rule.column or "its footers" for rule in (*one.stated, *(each for footer in one.footers for each in footer.stated))]
    page = [*lead, *table(("field", "from"), rows)]
    if passed:
        page += ["", f"Counted and not read: {', '.join(passed)}."]
    if stated:
        page += ["", f"Control totals: {', '.join(f'`{name}`' for name in dict.fromkeys(stated))}."]
    return page


def _cell(cell: Cell) -> str:
    said = [" or ".join(f"`{name}`" for name in cell.columns)] if cell.columns else []
    if cell.total:
        said.append("sum of " + ", ".join(f"`{name}`" for name in cell.total))
    if cell.by:
        said.append(f"by `{cell.by}`: {', '.join(f'`{name}`' for name in dict.fromkeys(cell.of.values()))}")
    if cell.value:
        said.append(f"else “{cell.value}”" if said else f"always “{cell.value}”")
    if cell.map:
        said.append("by its map")
    said += [_SIGNS[cell.sign]] if cell.sign else []
    if cell.as_:
        said.append({"percent": "a percentage", "share": "100 less our share", "fraction": "a fraction of one"}[cell.as_])
    return "; ".join(said)


def _periods(rules: tuple[Period, ...]) -> str:
    said = [_PERIODS[rule.source].format(columns=" to ".join(f"`{name}`" for name in rule.columns)) for rule in rules]
    return ", else ".join(dict.fromkeys(said))
