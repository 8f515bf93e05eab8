"""Downloads, purchases and orders become licences: one for each asset and use, whatever window or page shows it again."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TypeVar

from sqlalchemy import insert, select
from sqlalchemy.orm import Session, selectinload

from include.clients.getty.dates import windows
from include.clients.getty.errors import NotEnabled, NotFound
from include.clients.getty.model import Download, Order, Product, PurchasedAsset
from include.ledger.licence_rows import AssetChangeRow, LicenceChangeRow, LicenceRow, LicenceState
from include.licences import derive, terms
from include.licences.desk import Desk, Tally, overlapping, problem_of
from include.licences.model import GETTY, Said
from include.licences.record import SYNC, change, settle
from include.licences.serves import link, noted

_T = TypeVar("_T")
DELETE = "Delete"
OVERLAP = timedelta(days=7)
"""Records of others come late, and whether Getty counts the last day of a window in is not said."""
ASKED_AGAIN = timedelta(days=60)
"""An order without an invoice number is asked for again until the licence is so old."""
LONGEST_ID = 60  # characters; Getty's have ten digits
REFUSALS = 3
"""So many orders refused and none given: the key may not read orders."""
_COLUMNS = ("model", "agreement", "product_type", "getty_product_id", "order_id", "notes", "licensed_at")


@dataclass(frozen=True, slots=True)
class Fact:
    """One use of an asset as a history shows it. `use` tells it from another use of the asset."""

    asset_id: str
    use: str
    licensed_at: datetime | None
    model: str = ""
    agreement: str = ""
    product_type: str = ""
    getty_product_id: str = ""
    order_id: str = ""
    notes: str = ""


def read_downloads(desk: Desk, tally: Tally) -> None:
    """The download history: for an agreement customer the download is the licence."""
    client = desk.client
    try:
        _read(desk, tally, "downloads", client.downloads, of_download)
    except NotEnabled as refused:
        if not client.company:
            raise
        tally.tell([problem_of(refused, "downloads of all users of the account; only this user's are known")])
        own = copy.copy(client)
        own.company = False
        _read(desk, tally, "downloads of ours", own.downloads, of_download)  # a place of its own: once others' are enabled, all are read


def read_purchases(desk: Desk, tally: Tally) -> None:
    """What was bought on Getty's site, then the orders that are not known yet."""
    _read(desk, tally, "purchases", desk.client.purchases, of_purchase)
    _orders(desk, tally)


def _read(desk: Desk, tally: Tally, part: str, pages: Callable[[date, date], Iterator[tuple[_T, ...]]], make: Callable[[_T], Fact]) -> None:
    """In windows of at most 30 days, each kept as read once all of it was."""
    for first, last in windows(overlapping(desk.place(part), desk.today, desk.history_days, OVERLAP), desk.today):
        for page in pages(first, last):
            with desk.ledger.session() as session:
                keep(session, desk, _sound([make(one) for one in page], tally), tally)
        desk.reached(part, last)


def of_download(one: Download) -> Fact:
    return Fact(
        one.asset_id, f"download {one.product_id or '-'} {_moment(one.downloaded_at)}"[:160], one.downloaded_at,
        _cut(one.license_model, 30), _cut(one.agreement_name, 200), _cut(one.product_type, 60), _cut(one.product_id, 60),
        notes=noted(one.notes, one.project_code),
    )  # fmt: skip


def of_purchase(one: PurchasedAsset) -> Fact:
    use = f"order {one.order_id}" if one.order_id else f"purchase {_moment(one.purchased_at)}"
    return Fact(one.asset_id, use[:160], one.purchased_at, _cut(one.license_model, 30), order_id=_cut(one.order_id, 60))


def _sound(facts: Sequence[Fact], tally: Tally) -> list[Fact]:
    """Those with an id that can be one; the others are told, and the page goes on."""
    for one in facts:
        if len(one.asset_id) > LONGEST_ID:
            what = f"the asset's id has {len(one.asset_id)} characters: the record was left out"
            tally.tell([{"what": what, "where": one.use, "todo": "Compare with the history on Getty's site; tell Getty's support."}])
    return [one for one in facts if len(one.asset_id) <= LONGEST_ID]


def _cut(text: str | None, longest: int) -> str:
    """One over-long name must not stop the others of its page."""
    return (text or "")[:longest]


def _moment(at: datetime | None) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds") if at else "-"


# --- into the ledger


def keep(session: Session, desk: Desk, facts: Sequence[Fact], tally: Tally) -> None:
    """Makes licences of facts that are new, mends those of which Getty tells something else now."""
    wanted = _once(facts)
    known, products = _known(session, {asset for asset, _ in wanted}), desk.products(session)
    fresh: list[LicenceRow] = []
    for key, fact in wanted.items():
        row = known.get(key)
        if row is None:
            fresh.append(_made(fact, desk.now))
        elif _mend(session, row, fact, desk.now):
            settle(session, row, _derived(desk, row, terms.said_of(row.terms), products), who=SYNC, now=desk.now)
            tally.counts["changed"] += 1
    if not fresh:
        return
    withdrawn = _withdrawn(session, {row.asset_id for row in fresh})
    linked, _ = link(session, fresh, desk.campaigns)  # notes that name no title of ours are told at the end, once
    tally.counts += Counter({"new": len(fresh), "linked": linked})
    for row in fresh:
        row.withdrawn_at = withdrawn.get(row.asset_id)
        settle(session, row, _derived(desk, row, {}, products), who=SYNC, now=desk.now, quiet=True)
    session.add_all(fresh)
    session.flush()
    seen = {"at": desk.now, "who": SYNC, "field": "licence", "before": "", "source": "api"}
    session.execute(insert(LicenceChangeRow), [seen | {"licence_id": row.id, "after": f"first seen: {row.use}"} for row in fresh])


def _derived(desk: Desk, row: LicenceRow, said: Said, products: Mapping[str, Product]) -> Said:
    derive.from_history(said, row)
    derive.from_order(said, row)
    desk.grant(said, row, products)
    return said


def _once(facts: Sequence[Fact]) -> dict[tuple[str, str], Fact]:
    found: dict[tuple[str, str], Fact] = {}
    for one in facts:
        found.setdefault((one.asset_id, one.use), one)
    return found


def _known(session: Session, assets: set[str]) -> dict[tuple[str, str], LicenceRow]:
    query = select(LicenceRow).where(LicenceRow.provider == GETTY, LicenceRow.asset_id.in_(assets))
    return {(row.asset_id, row.use): row for row in session.scalars(query.options(selectinload(LicenceRow.serves)).with_for_update())}


def _made(fact: Fact, now: datetime) -> LicenceRow:
    return LicenceRow(
        provider=GETTY, asset_id=fact.asset_id, use=fact.use, name="", artist="", family="", model=fact.model, agreement=fact.agreement,
        product_type=fact.product_type, getty_product_id=fact.getty_product_id, order_id=fact.order_id, invoice="", notes=fact.notes,
        licensed_at=fact.licensed_at, state=LicenceState.TERMS_REQUIRED, ends_on="", agreement_ends_on="", territories="", terms={},
        thumbnail="", digest="", first_seen=now, changed_at=now, checked_at=now, serves=[],
    )  # fmt: skip


def _mend(session: Session, row: LicenceRow, fact: Fact, now: datetime) -> bool:
    """What Getty leaves out now and told before stands."""
    changed = False
    for name in _COLUMNS:
        told, held = getattr(fact, name), getattr(row, name)
        if told and told != held:
            change(session, row.id, name, str(held or ""), str(told), who=SYNC, now=now, source="api")
            setattr(row, name, told)
            row.changed_at, changed = now, True
    return changed


def _withdrawn(session: Session, assets: set[str]) -> dict[str, datetime]:
    """Assets of which the last word was that they are withdrawn, and when."""
    query = select(AssetChangeRow).where(AssetChangeRow.asset_id.in_(assets), AssetChangeRow.lifecycle.in_((DELETE, "New")))
    told = sorted(session.scalars(query), key=lambda one: (one.changed_at or one.seen_at, one.lifecycle == DELETE, one.id))
    last = {one.asset_id: one for one in told}
    return {id: one.changed_at or one.seen_at for id, one in last.items() if one.lifecycle == DELETE}


# --- orders


def _orders(desk: Desk, tally: Tally) -> None:
    """Invoice number, and the words of the order, of purchases that lack them. Terms are on the invoice alone."""
    refused, given = 0, 0
    for order_id in _unread_orders(desk):
        try:
            order = desk.client.order(order_id)
        except (NotEnabled, NotFound) as bad:
            refused += 1
            tally.tell([problem_of(bad, f"order {order_id}")])
            if refused >= REFUSALS and not given:
                return
            continue
        given += 1
        with desk.ledger.session() as session:
            _keep_order(session, desk, order, tally)


def _unread_orders(desk: Desk) -> list[str]:
    with desk.ledger.read() as session:
        query = select(LicenceRow.order_id).where(LicenceRow.order_id != "", LicenceRow.invoice == "")
        return list(session.scalars(query.where(LicenceRow.first_seen > desk.now - ASKED_AGAIN).distinct().order_by(LicenceRow.order_id)))


def _keep_order(session: Session, desk: Desk, order: Order, tally: Tally) -> None:
    query = select(LicenceRow).where(LicenceRow.provider == GETTY, LicenceRow.order_id == order.id)
    rows = list(session.scalars(query.options(selectinload(LicenceRow.serves)).with_for_update()))
    purchase_order = f"PO {order.purchase_order_number}" if order.purchase_order_number else ""
    words = "; ".join(part for part in (order.project_title, purchase_order, order.end_client) if part)
    for row in rows:
        changed = False
        for name, told in (("invoice", (order.invoice_number or "")[:60]), ("notes", words)):
            if told and told != getattr(row, name):
                change(session, row.id, name, getattr(row, name), told, who=SYNC, now=desk.now, source=f"order {order.id}")
                setattr(row, name, told)
                row.changed_at, changed = desk.now, True
        if not changed:
            continue
        linked, _ = link(session, [row], desk.campaigns)
        said = terms.said_of(row.terms)
        derive.from_order(said, row)
        settle(session, row, said, who=SYNC, now=desk.now, quiet=not row.digest)
        tally.counts += Counter({"orders": 1, "linked": linked})
