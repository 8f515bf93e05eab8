"""What no API takes: new titles and prices go into Consonance's import workbooks, which a person loads."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any

from sqlalchemy.orm import Session

from include.errors import RejectedData
from include.imports import known as catalogue
from include.imports.differences import PRICES, amount_of, shown
from include.imports.mapping import Mapping as SheetMapping
from include.ledger import imports, workbooks
from include.ledger.database import Ledger
from include.ledger.sales_rows import LineState, TitleImportLineRow, TitleImportRow, WorkbookRow, WorkbookState
from include.ledger.turns import turn
from include.store import ArtefactStore
from include.workbooks.prepare import NewWorkbook, Row, prepare
from include.workbooks.template import Kind

CREATED = "workbook of new titles"
"""`as` of the change that says that a title came into being."""


def prepare_all(
    ledger: Ledger, store: ArtefactStore, mapping: SheetMapping, import_id: int, *, now: datetime, dag_id: str = "", run_id: str = ""
) -> list[WorkbookRow]:
    """Workbooks for the sheet's new titles and prices that are in none yet; what an import can't hold goes back to the sender.

    Prices of new titles wait until the titles are there: Consonance's import of prices knows editions by ISBN. Sheets take turns: two that
    have one new ISBN would both find that no workbook has it yet, and Consonance makes a title for each row that is loaded.
    """
    with turn(ledger, "workbooks of sheets"):
        return _prepare_all(ledger, store, mapping, import_id, now, (dag_id, run_id))


def _prepare_all(
    ledger: Ledger, store: ArtefactStore, mapping: SheetMapping, import_id: int, now: datetime, run: tuple[str, str]
) -> list[WorkbookRow]:
    with ledger.session() as session:
        row = imports.get(session, import_id, lock=True)
        _leave_out(session, row)
        _leave_alone(session, row)
        waiting = [line for line in imports.lines(session, import_id, LineState.NEW) if line.workbook_id is None]
        session.expunge_all()
    new = [line for line in waiting if line.product_id is None]
    priced = [line for line in waiting if line.product_id is not None]
    kinds: tuple[tuple[Kind, list[TitleImportLineRow], Iterator[Row], int], ...] = (
        ("titles", new, _titles(row, new), len(new)),
        ("prices", priced, _prices(row, priced), sum(len(_open_prices(line)) for line in priced)),
    )
    made = []
    for kind, lines, rows, count in kinds:
        if not lines:
            continue
        aside = _Aside(ledger, import_id)
        workbook = NewWorkbook(
            kind=kind,
            subject=imports.subject(import_id),
            name=f"{kind}_{row.name.rsplit('.', 1)[0]}_sheet-{import_id}",
            rows=rows,
            totals={"rows": Decimal(count)},
            sources=[{workbooks.IMPORT: import_id}],
            role=mapping.ask.role,
            then=partial(_note, line_ids=[line.id for line in lines]),
            aside=aside.refuse,
        )
        made += prepare(ledger, store, workbook, now, dag_id=run[0], run_id=run[1])
        aside.keep()
    return made


def _leave_out(session: Session, row: TitleImportRow) -> None:
    """New titles of which a person has withdrawn the workbook before the sheet was through, and those that another sheet, decided upon
    meanwhile, has in a workbook already."""
    new = [line for line in imports.lines(session, row.id, LineState.NEW) if line.product_id is None and line.workbook_id is None]
    gone = {str(one.get("isbn")): book for book in imports.workbooks(session, row, withdrawn=True)
            if book.kind == "titles" and book.state == WorkbookState.WITHDRAWN for one in book.expects}  # fmt: skip
    coming = imports.on_its_way(session, {line.isbn for line in new}, besides=row.id)
    for line in new:
        other = coming.get(line.isbn)
        if line.isbn in gone:
            take_back(line, gone[line.isbn])
        elif other is not None and (other.workbook_id or other.product_id):
            line.state = LineState.UNCHANGED
            imports.add_problem(line, coming_already(other))
    session.flush()


def _leave_alone(session: Session, row: TitleImportRow) -> None:
    """Prices that somebody has changed in Consonance since the row was checked, as far as the mirror knows by now: such a row goes back."""
    ids = {line.product_id for line in imports.lines(session, row.id, LineState.NEW) if line.product_id and line.workbook_id is None}
    known = catalogue.load(session, product_ids=ids)
    for line in imports.lines(session, row.id, LineState.NEW):
        if line.workbook_id is not None:
            continue
        title = known.products.get(line.product_id or 0)
        for change in _open_prices(line) if title else ():
            found = amount_of(title.product, tuple(change["field"].split(" ")[1:])) if title else ""
            if not any(_as_much(found, one) for one in (change["before"], change["after"])):
                line.state = LineState.CONFLICT
                was, now = shown(change["before"]), shown(found)
                message = f"{change['label']} was changed in Consonance meanwhile: it was {was} and is {now}"
                todo = "Decide which one holds, and send the row again."
                imports.add_problem(line, imports.problem("changed-meanwhile", message, todo, field=change["field"]))
    session.flush()


def _as_much(one: str, other: str) -> bool:
    """12.5 is 12.50; nothing is no amount."""
    return (Decimal(one) == Decimal(other)) if one and other else one == other


def take_back(line: TitleImportLineRow, book: WorkbookRow) -> None:
    """The row of a workbook that was withdrawn goes back to its sender."""
    line.state = LineState.DECLINED
    why = f": {book.note}" if book.note else ""
    message, todo = f"workbook {book.id} was withdrawn{why}", "Send the row again, if it is wanted."
    imports.add_problem(line, imports.problem("withdrawn", message, todo))


def coming_already(earlier: TitleImportLineRow) -> dict[str, Any]:
    """What the sender of a second row is told of the first."""
    book = f"workbook {earlier.workbook_id} of " if earlier.workbook_id else ""
    todo = "Nothing, if that one is right. What differs can be sent once the title is there."
    message = f"the title is in {book}sheet {earlier.import_id} already"
    return imports.problem("on-its-way", message, todo, severity="warning")


class _Aside:
    """Rows that an import can't hold, and why."""

    def __init__(self, ledger: Ledger, import_id: int) -> None:
        self._ledger, self._import_id = ledger, import_id
        self._refused: list[tuple[int, RejectedData]] = []

    def refuse(self, row: Row, why: RejectedData) -> None:
        self._refused.append((int(row.where.rsplit(" ", 1)[1]), why))

    def keep(self) -> None:
        if not self._refused:
            return
        with self._ledger.session() as session:
            lines = {line.row: line for line in imports.lines(session, self._import_id, LineState.NEW)}
            for number, why in self._refused:
                if line := lines.get(number):
                    line.state = LineState.BAD
                    imports.add_problem(line, imports.problem("import-refuses", why.what, why.todo))


def _note(session: Session, kept: Sequence[WorkbookRow], line_ids: Sequence[int]) -> None:
    """Each line knows the workbook that has it: found by ISBN, since a long list makes several workbooks."""
    where = {str(one["isbn"]): workbook.id for workbook in kept for one in workbook.expects if one.get("isbn")}
    for id in line_ids:
        line = session.get(TitleImportLineRow, id)
        if line is not None and line.state == LineState.NEW:
            line.workbook_id = where.get(line.isbn)


def _titles(sheet: TitleImportRow, lines: Sequence[TitleImportLineRow]) -> Iterator[Row]:
    """Editions of one new work stand together, under one identifier within the import."""
    groups: dict[str, list[TitleImportLineRow]] = defaultdict(list)
    for line in lines:
        groups[_work_of(line)].append(line)
    for together in groups.values():
        for line in together:
            said = line.fields
            values: dict[str, Any] = {
                "title": said.get("title") or line.title, "subtitle": said.get("subtitle") or None, "isbn": line.isbn,
                "edition_number": said.get("edition_number") or None,
            }  # fmt: skip
            if line.work_id is not None:
                values |= {"same_work_type": "Work ID", "same_work": str(line.work_id)}
            elif len(together) > 1:
                values |= {"same_work_type": "Within import", "same_work": f"{sheet.id}-{together[0].row}"}
            yield Row(
                values,
                {"rows": Decimal(1)},
                {"isbn": line.isbn, "title": line.title},
                f"{together[0].row}",
                f"{sheet.name}, row {line.row}",
            )


def _work_of(line: TitleImportLineRow) -> str:
    """What makes rows editions of one work: the work that Consonance has, the sender's reference, or title, subtitle and people alike."""
    if line.work_id is not None:
        return f"work {line.work_id}"
    if reference := line.fields.get("reference"):
        return f"reference {str(reference).casefold()}"
    names = [str(line.fields.get(name, "")).casefold() for name in ("title", "subtitle", "contributors")]
    return f"row {line.row}" if not names[2] else "\n".join(names)


def _prices(sheet: TitleImportRow, lines: Sequence[TitleImportLineRow]) -> Iterator[Row]:
    for line in lines:
        for change in _open_prices(line):
            currency, type, qualifier = change["field"].split(" ")[1:]
            key = {"isbn": line.isbn, "currency": currency}
            values = key | {"title": line.title, "price_type": type, "price_qualifier": qualifier, "amount": Decimal(change["after"])}
            expects = key | {"title": line.title, "type": type, "qualifier": qualifier, "amount": change["after"]}
            yield Row(values, {"rows": Decimal(1)}, expects, where=f"{sheet.name}, row {line.row}")


def _open_prices(line: TitleImportLineRow) -> list[Mapping[str, Any]]:
    return [change for change in line.changes if change["as"] == PRICES and not change.get("at")]
