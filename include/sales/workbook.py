"""Sales of a batch as Consonance's sales import wants them: sixteen columns, one row for what is alike, exact to the last digit.

What the columns mean follows the vendor's own script for this import (GeneralProducts/payment-reports): quantities and values are positive,
what came back stands under Return; Sales value and Return value are in Consonance's own currency and stay empty where we do not know
them, so that Consonance converts the original ones; a list price counts only in Consonance's currency. Money is what was paid, in the
currency of payment where the report says it. Lines of a product go in whole or wait in whole, and no line goes twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from include.errors import PermanentError, TransientError
from include.ledger import workbooks as kept
from include.ledger.chunks import chunks
from include.ledger.database import Ledger
from include.ledger.models import ProductRow
from include.ledger.sales_rows import BatchState, SalesBatchRow, SalesProductRow, WorkbookRow
from include.partners.registry import load_source
from include.partners.sources import Channel, SalesSource
from include.sales.lines import MONEY, Kind, Model
from include.sales.store import in_store
from include.sales.totals import SOLD, key_of, paid_in, product_keys
from include.store import ArtefactStore
from include.titles.identifiers import is_isbn13
from include.workbooks.prepare import NewWorkbook, Row, prepare
from include.workbooks.template import Template, load_template

NONE_NEEDED = 0  # `workbook_id` of a product that was only read or lent: there is nothing to load
_READ = (
    "id_type", "id_value", "title", "channel", "territory", "model", "kind", "date", "units", "list_price", "list_currency", "net",
    "currency", "paid", "paid_currency",
)  # fmt: skip
_KEYS = ("product", "date", "channel", "territory", "model", "list_price", "currency", "pays")
_SUMS = ("sold", "returned", "usage", "came", "went", "own_came", "own_went")
_OFTEN = 200_000
_AT_ONCE = 5_000
_READY = (BatchState.LOADED, BatchState.APPROVED, BatchState.HANDED_OVER, BatchState.CONFIRMED)
_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A product whose sales can't go into a workbook yet."""

    id_type: str
    id_value: str
    title: str
    code: str  # unmatched, no-channel, no-value
    message: str
    todo: str

    def to_json(self) -> dict[str, str]:
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Made:
    """`workbooks`: all that hold rows of the batch and are not withdrawn; `waiting`: what is in none of them, and why."""

    workbooks: list[WorkbookRow]
    waiting: list[Waiting] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Known:
    """A product of the batch, and the title it is."""

    row_id: int
    state: str
    product_id: int | None
    workbook_id: int | None
    id_type: str
    id_value: str
    title: str
    sold: int
    returned: int
    net: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Edition:
    type: str  # Product ID type
    id: str
    form: str


def make(
    ledger: Ledger,
    store: ArtefactStore,
    batch_id: int,
    now: datetime,
    *,
    who: str = "",
    source: SalesSource | None = None,
    template: Template | None = None,
    dag_id: str = "",
    run_id: str = "",
) -> Made:
    """Prepares the workbooks of what a batch has sold and no workbook holds yet. A second call changes nothing.

    Raises `PermanentError` for a batch that does not count, or waits for a person.
    """
    template = template or load_template("sales")
    with ledger.read() as session:
        batch = session.get(SalesBatchRow, batch_id)
        if batch is None or batch.state not in _READY:
            what = f"batch {batch_id} is {batch.state}" if batch is not None else f"there is no batch {batch_id}"
            raise PermanentError(what, where="sales workbook", todo="Look at it on the page Sales.")
        known = _known(session, batch_id)
        editions = _editions(session, {one.product_id for one in known.values() if one.product_id is not None})
    source = source or load_source(batch.source)
    groups = Groups(store, batch, template.currency)
    waiting, going = _sorted_out(groups, known, editions, source)
    idle = [one.row_id for one in known.values() if one.workbook_id is None and not (one.sold or one.returned or any(one.net.values()))]

    def note(session: Session, workbooks: list[WorkbookRow]) -> None:
        _check_still(session, batch_id, [known[key] for key in going])
        _point(session, [known[key].row_id for key in sorted(going)], workbooks[0].id)

    prepared = prepare(
        ledger, store,
        NewWorkbook(
            "sales", f"sales {batch_id}", f"sales_{batch.source}_{_period(batch)}_batch-{batch_id}",
            rows(groups, going, known, editions, source, batch, template.currency), totals=_totals([known[key] for key in going]),
            sources=[{kept.BATCH: batch_id}], then=note,
        ),
        now, who=who, template=template, dag_id=dag_id, run_id=run_id,
    ) if going else []  # fmt: skip
    with ledger.session() as session:
        _point(session, idle, NONE_NEEDED)
        all_of_it = [row for row in kept.of_source(session, kept.BATCH, batch_id) if row.state != "withdrawn"]
    return Made(all_of_it or prepared, waiting)


class Groups:
    """Lines that are alike but for quantity and value, added up, in an order of their own: whatever the order of the lines was. May be gone
    through more than once; what is not looked at stays in columns."""

    def __init__(self, store: ArtefactStore, batch: SalesBatchRow, currency: str) -> None:
        sums: list[pa.Table] = []
        for lines in in_store(store, batch.lines, _READ):
            if not lines.num_rows:
                continue
            sums.append(_added(_columns(lines, currency)))
            if sum(part.num_rows for part in sums[1:]) > max(_OFTEN, sums[0].num_rows):
                sums = [_added(pa.concat_tables(sums))]
        whole = _added(pa.concat_tables(sums)) if sums else None
        self._table = whole.sort_by([(name, "ascending") for name in _KEYS]) if whole is not None else None

    def __iter__(self) -> Iterator[dict[str, Any]]:
        if self._table is not None:
            for batch in self._table.to_batches(max_chunksize=_AT_ONCE):
                yield from batch.to_pylist()


def _columns(lines: pa.RecordBatch, currency: str) -> pa.Table:
    pays, money = paid_in(lines)
    zero, none = pa.scalar(_ZERO, MONEY), pa.scalar(0, pa.int64())
    model = pc.fill_null(lines.column("model"), "")
    units = pc.fill_null(lines.column("units"), 0)
    own = pc.fill_null(lines.column("net"), zero)
    sells = pc.or_(pc.is_in(model, pa.array([str(one) for one in SOLD])), pc.equal(model, ""))
    back = pc.equal(pc.fill_null(lines.column("kind"), ""), str(Kind.RETURN))
    counts = pc.not_equal(model, str(Model.ADJUSTMENT))
    listed = pc.and_(pc.equal(pc.fill_null(lines.column("list_currency"), ""), currency), pc.greater(lines.column("list_price"), zero))
    return pa.table({
        "product": product_keys(lines),
        "date": lines.column("date"),
        "channel": pc.fill_null(lines.column("channel"), ""),
        "territory": pc.fill_null(lines.column("territory"), ""),
        "model": model,
        "list_price": pc.if_else(pc.fill_null(listed, False), lines.column("list_price"), pa.scalar(None, MONEY)),
        "currency": pc.fill_null(lines.column("currency"), ""),
        "pays": pays,
        "sold": pc.if_else(pc.and_(sells, pc.invert(back)), units, none),
        "returned": pc.if_else(pc.and_(sells, back), pc.negate(units), none),
        "usage": pc.if_else(pc.and_(pc.invert(sells), counts), units, none),
        "came": pc.if_else(pc.greater(money, zero), money, zero),
        "went": pc.if_else(pc.less(money, zero), pc.negate(money), zero),
        "own_came": pc.if_else(pc.greater(own, zero), own, zero),
        "own_went": pc.if_else(pc.less(own, zero), pc.negate(own), zero),
    })  # fmt: skip


def _added(table: pa.Table) -> pa.Table:
    what: list[Any] = [(name, "sum") for name in _SUMS]
    what.append(("rows", "sum") if "rows" in table.column_names else ([], "count_all"))
    done = table.group_by(list(_KEYS), use_threads=False).aggregate(what)
    return done.rename_columns([("rows" if name == "count_all" else name.removesuffix("_sum")) for name in done.column_names])


# --- which products go


def _sorted_out(
    groups: Iterable[dict[str, Any]], known: dict[str, _Known], editions: dict[int, _Edition], source: SalesSource
) -> tuple[list[Waiting], set[str]]:
    """What waits, and the keys of the products that go: those of which every line can."""
    going: set[str] = set()
    held: dict[str, Waiting] = {}
    for group in groups:
        key = group["product"]
        one = known.get(key)
        if not _counts(group) or key in held or (one is not None and (one.workbook_id is not None or one.state == "ignored")):
            continue
        edition = editions.get(one.product_id) if one is not None and one.product_id is not None else None
        told = one or _Known(0, "", None, None, "", "", "", 0, 0, {})
        if edition is None:
            message = f"{told.id_value or 'lines without a product'}: no title of ours is known for it"
            held[key] = _waits(told, "unmatched", message, "Say which title it is, on the page Sales.")
        elif not group["pays"]:
            message = f"{told.id_value}: the report has units and no money"
            held[key] = _waits(told, "no-value", message, "Consonance takes no sale without a value. Ask the sender for one that has it.")
        elif channel_of(source, group["channel"], group["model"], group["territory"], edition.form) is None:
            where = ", ".join(part for part in (group["channel"], group["model"], group["territory"]) if part) or "no shop named"
            todo = f"Add a [[channels]] table to config/sources/{source.id}.toml."
            held[key] = _waits(told, "no-channel", f"{told.id_value}: no channel of Consonance's fits {where}", todo)
        else:
            going.add(key)
    return [held[key] for key in sorted(held)], going - held.keys()


def _counts(group: dict[str, Any]) -> bool:
    """Whether it is a sale for Consonance: units of a sale or a rental, or money. Pages read, loans, requests are none."""
    return any(group[name] for name in ("sold", "returned", "came", "went"))


def channel_of(source: SalesSource, channel: str, model: str, territory: str, form: str) -> Channel | None:
    """The first of a source's channels that fits a line."""
    for one in source.channels:
        if one.channels and not any(fnmatchcase(channel.casefold(), pattern.casefold()) for pattern in one.channels):
            continue
        if (one.models and model not in one.models) or (one.territories and territory not in one.territories):
            continue
        if one.forms and not any(form.startswith(wanted) for wanted in one.forms):
            continue
        return one
    return None


def _waits(one: _Known, code: str, message: str, todo: str) -> Waiting:
    return Waiting(one.id_type, one.id_value, one.title, code, message, todo)


# --- rows


def rows(
    groups: Iterable[dict[str, Any]],
    going: set[str],
    known: dict[str, _Known],
    editions: dict[int, _Edition],
    source: SalesSource,
    batch: SalesBatchRow,
    currency: str,
) -> Iterator[Row]:
    """One row for each group of these products. A row may carry sales and returns: Consonance makes two transactions of it."""
    for group in groups:
        if group["product"] not in going or not _counts(group):
            continue
        one = known[group["product"]]
        edition = editions[one.product_id or 0]
        channel = channel_of(source, group["channel"], group["model"], group["territory"], edition.form)
        if channel is None:
            continue
        yield Row(
            _values(group, currency) | {
                "product_id_type": edition.type, "product_id": edition.id, "channel_id": str(channel.id), "source": source.contact,
                "file": batch.name, "notes": _notes(group, batch),
            },
            {"sold": Decimal(group["sold"]), "returned": Decimal(group["returned"]), group["pays"]: group["came"] - group["went"]},
            where=f"{batch.name}, {one.id_value}",
        )  # fmt: skip


def _values(group: dict[str, Any], currency: str) -> dict[str, Any]:
    """Quantities and values: at home in Consonance's currency, or for it to convert."""
    out, back = max(group["sold"], 0) + max(-group["returned"], 0), max(group["returned"], 0) + max(-group["sold"], 0)
    came, went = group["came"], group["went"]
    sells = out or came or not (back or went)
    returns = back or went
    found: dict[str, Any] = {
        "sales_date": group["date"], "list_price": group["list_price"], "country": group["territory"],
        "sales_quantity": out if sells else None, "return_quantity": back if returns else None,
    }  # fmt: skip
    money = {"sales": came if sells else None, "return": went if returns else None}
    if group["pays"] != currency:
        return found | {"original_currency": group["pays"], **{f"original_{what}_value": value for what, value in money.items()}}
    found |= {f"{what}_value": value for what, value in money.items()}
    if group["currency"] in {"", currency}:
        return found | {"original_currency": currency}
    own = {"original_sales_value": group["own_came"] if sells else None, "original_return_value": group["own_went"] if returns else None}
    return found | {"original_currency": group["currency"], **own}


def _notes(group: dict[str, Any], batch: SalesBatchRow) -> str:
    parts = [f"Colophon sales batch {batch.id}", f"{group['rows']} line{'s' if group['rows'] != 1 else ''}"]
    if group["model"] and group["model"] != Model.SALE:
        parts.append(f"{group['model']}: {group['usage']}" if group["usage"] else group["model"])
    return ", ".join(parts)


# --- what the ledger knows


def _known(session: Session, batch_id: int) -> dict[str, _Known]:
    query = select(SalesProductRow).where(SalesProductRow.batch_id == batch_id).order_by(SalesProductRow.id)
    return {
        key_of(row.id_type, row.id_value): _Known(
            row.id, row.state, row.product_id, row.workbook_id, row.id_type, row.id_value, row.title, row.sold, row.returned, dict(row.net)
        )
        for row in session.scalars(query)
    }


def _editions(session: Session, ids: set[int]) -> dict[int, _Edition]:
    """By ISBN, which people know; by Consonance's id where the ISBN is none, or stands on two products."""
    found: dict[int, _Edition] = {}
    wanted = sorted(ids)
    for some in chunks(wanted):
        products = session.execute(select(ProductRow.id, ProductRow.isbn, ProductRow.form).where(ProductRow.id.in_(some))).all()
        isbns = {isbn for _, isbn, _ in products if isbn}
        holders = select(ProductRow.isbn, func.count()).where(ProductRow.isbn.in_(isbns), ProductRow.deleted_at.is_(None))
        twice = {isbn for isbn, count in session.execute(holders.group_by(ProductRow.isbn)) if count > 1}
        for id, isbn, form in products:
            certain = is_isbn13(isbn) and isbn not in twice
            found[id] = _Edition("ISBN", isbn, form) if certain else _Edition("Consonance ID", str(id), form)
    return found


def _totals(going: Sequence[_Known]) -> dict[str, Decimal]:
    """What the rows must come to, as the load counted it, product by product."""
    totals = {"sold": _ZERO, "returned": _ZERO}
    for one in going:
        totals["sold"] += one.sold
        totals["returned"] += one.returned
        for currency, amount in one.net.items():
            totals[currency] = totals.get(currency, _ZERO) + Decimal(amount)
    return totals


def _check_still(session: Session, batch_id: int, going: Sequence[_Known]) -> None:
    """That the batch still counts and its products are still the same titles, in the transaction that keeps the workbooks."""
    batch = session.get(SalesBatchRow, batch_id, with_for_update=True, populate_existing=True)
    if batch is None or batch.state not in _READY:
        raise PermanentError(
            f"batch {batch_id} is {batch.state if batch else 'gone'} now", where="sales workbook", todo="Nothing was kept."
        )
    columns = (SalesProductRow.id, SalesProductRow.product_id, SalesProductRow.workbook_id)
    now = {row[0]: (row[1], row[2]) for row in session.execute(select(*columns).where(SalesProductRow.batch_id == batch_id))}
    if changed := [one for one in going if now.get(one.row_id) != (one.product_id, None)]:
        what = f"{changed[0].id_value} was decided upon while its workbook was written"
        raise TransientError(what, where=f"batch {batch_id}", todo="Nothing was kept: it is tried again.")


def _point(session: Session, row_ids: Sequence[int], workbook_id: int) -> None:
    for some in chunks(row_ids):
        chosen = SalesProductRow.id.in_(some)
        session.execute(update(SalesProductRow).where(chosen).values(workbook_id=workbook_id))


def _period(batch: SalesBatchRow) -> str:
    first, last = batch.period_from[:7], batch.period_to[:7]
    return first if first == last else f"{first}-to-{last}"
