"""What became of a sheet's workbooks: titles that are there now get the rest of their row, prices that are there count as written.

A new title is made with the few columns that Consonance's import has; everything else that the row says is an update, as soon as the title
is there. What was confirmed and is missing is named to the sender, and looked for again when somebody confirms again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from include.clients.consonance import Consonance
from include.imports import live as consonance
from include.imports.apply import next_state
from include.imports.differences import PRICES, Change, differences
from include.imports.fields import FIELDS, KEYS
from include.imports.known import Known, Title
from include.imports.mapping import Mapping as SheetMapping
from include.imports.offers import Offers
from include.imports.resolve import About
from include.imports.rows import Row, SaidPrice
from include.imports.workbooks import CREATED, take_back
from include.ledger import imports
from include.ledger.database import Ledger
from include.ledger.sales_rows import LineState, TitleImportLineRow, WorkbookRow, WorkbookState
from include.partners.model import House
from include.titles import identifiers

_LOOKED = (WorkbookState.VERIFIED, WorkbookState.INCOMPLETE)
_WITH_A_PERSON = (WorkbookState.HANDED_OVER, WorkbookState.CONFIRMED)
_LONG_AGO = datetime.min.replace(tzinfo=UTC)  # nothing of a title that was made a moment ago can be a conflict
_NOT_THERE = frozenset({"title-missing", "title-twice", "price-missing"})


@dataclass(frozen=True, slots=True)
class _Made:
    """A title that came into being: what of its row is left to write."""

    work_id: int
    product_id: int
    changes: list[Change]
    problems: list[dict[str, Any]]


def settle(
    ledger: Ledger, client: Consonance, house: House, mapping: SheetMapping, offers: Offers, import_id: int, *, now: datetime
) -> str:
    """Brings the rows up to where their workbooks are; gives the sheet's state. Does nothing to a sheet that waits for no workbook.

    Raises as `Consonance` does.
    """
    with ledger.read() as session:
        row = imports.get(session, import_id)
        if row.state != imports.HANDED:
            return row.state
        books = {book.id: book for book in imports.workbooks(session, row, withdrawn=True)}
        arrived = [
            line for line in imports.lines(session, import_id, LineState.VERIFIED, LineState.HANDED_OVER, LineState.MISSING)
            if line.product_id is None and _is_there(books.get(line.workbook_id or 0), line.isbn)
        ]  # fmt: skip
        session.expunge_all()
    made = _made(client, house, mapping, offers, arrived)
    with ledger.session() as session:
        row = imports.get(session, import_id, lock=True)
        if row.state != imports.HANDED:
            return row.state
        again = False
        states = (LineState.NEW, LineState.VERIFIED, LineState.HANDED_OVER, LineState.MISSING)
        for line in imports.lines(session, import_id, *states):
            _follow(line, books, made, now)
            again = again or line.state == LineState.WAITING or (line.state == LineState.NEW and line.workbook_id is None)
        imports.count(session, row)
        if again:
            row.state = imports.APPLYING  # there is something to write, or another workbook to make
        return row.state


def _follow(line: TitleImportLineRow, books: Mapping[int, WorkbookRow], made: Mapping[int, _Made], now: datetime) -> None:
    if line.id in made:
        of = made[line.id]
        line.work_id, line.product_id, line.workbook_id = of.work_id, of.product_id, None
        created = {"level": "product", "id": of.product_id, "field": "isbn", "label": "New title", "before": "", "after": line.isbn,
                   "as": CREATED, "conflict": "", "at": now.isoformat()}  # fmt: skip
        line.changes = [created, *of.changes]
        line.problems = [*_without(line, _NOT_THERE), *of.problems]
        line.state = next_state(line)
        return
    book = books.get(line.workbook_id or 0)
    if book is None or book.state == WorkbookState.WITHDRAWN:
        gone = book or next((one for one in books.values() if one.state == WorkbookState.WITHDRAWN), None)
        if gone is not None and line.state in {LineState.NEW, LineState.HANDED_OVER, LineState.MISSING}:
            take_back(line, gone)
        return
    missing = [one for one in book.missing if str(one.get("isbn")) == line.isbn]
    if book.state in _LOOKED and missing:
        line.state = LineState.MISSING
        told = [imports.problem(one["code"], one["message"], one["todo"]) for one in missing]
        line.problems = [*_without(line, _NOT_THERE), *told]
    elif book.kind == "titles" and book.state in _LOOKED:
        line.state = LineState.MISSING
        told = [imports.problem("title-missing", f"{line.isbn} was there, and is gone again", "Look at the title in Consonance.")]
        line.problems = [*_without(line, _NOT_THERE), *told]
    elif book.kind == "prices" and book.state in _LOOKED:
        line.changes = [change | {"at": now.isoformat()} if _is_open_price(change) else change for change in line.changes]
        line.problems = _without(line, _NOT_THERE)
        line.state = next_state(line)
    elif book.kind == "prices" and book.state in _WITH_A_PERSON:
        line.state = LineState.HANDED_OVER


def _is_there(book: WorkbookRow | None, isbn: str) -> bool:
    return book is not None and book.state in _LOOKED and isbn not in {str(one.get("isbn")) for one in book.missing}


def _is_open_price(change: Change) -> bool:
    return bool(change["as"] == PRICES and not change.get("at"))


def _without(line: TitleImportLineRow, codes: Collection[str]) -> list[dict[str, Any]]:
    return [problem for problem in line.problems if problem["code"] not in codes]


# --- what is left of a new title's row


def _made(
    client: Consonance, house: House, mapping: SheetMapping, offers: Offers, lines: Collection[TitleImportLineRow]
) -> dict[int, _Made]:
    if not lines:
        return {}
    ids: dict[str, int] = {}
    for seen in client.products_by_isbn([line.isbn for line in lines]):
        isbn = identifiers.isbn13(str((seen.get("isbn") or {}).get("isbn13") or ""))
        ids.setdefault(isbn, int(seen["id"]))
    found: dict[int, _Made] = {}
    for line in lines:
        whole = client.product(ids[line.isbn]) if line.isbn in ids else None
        work_id = (whole or {}).get("work", {}).get("id")
        now = consonance.read(client, house, work_id) if isinstance(work_id, int) else None
        product = now.products.get(ids[line.isbn]) if now else None
        if now is None or product is None:
            continue  # gone again since it was looked for
        row = said_again(line)
        title = Title(product, _LONG_AGO, "")
        changes = differences(row, About(title, now.work), Known(), mapping, offers, None)
        found[line.id] = _Made(now.work.id, product.id, changes, row.problems)
    return found


def said_again(line: TitleImportLineRow) -> Row:
    """The row as it was read, from what the ledger keeps of it."""
    row = Row(line.row, keys={name: str(line.fields[name]) for name in KEYS if name in line.fields})
    row.fields = {name: value for name, value in line.fields.items() if name in FIELDS}
    for name, amount in line.fields.items():
        if name.startswith("price ") and len(key := name.split(" ")) == 4:
            row.prices.append(SaidPrice(str(amount), key[1], key[2], key[3]))
    return row
