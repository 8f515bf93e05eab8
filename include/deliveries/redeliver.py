"""Sends a stored delivery again: chosen by number, partner, dates or title; as sent, or rebuilt from today's data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal, Self, get_args

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from include.deliveries.build import FeedBuild, Run
from include.errors import ConfigurationError
from include.ledger import packages
from include.ledger.database import Ledger
from include.ledger.file_rows import PackageRow
from include.ledger.models import DeliveryRecordRow, DeliveryRow, DeliveryState
from include.ledger.sales_rows import TitleImportRow
from include.partners import Partner, load_house, load_partner, load_party, load_recipient
from include.store import ArtefactStore
from include.titles.identifiers import isbn13

Mode = Literal["as sent", "rebuilt"]
MOST = 200
CAN_GO = (
    DeliveryState.PREPARED, DeliveryState.SENDING, DeliveryState.FAILED, DeliveryState.DELIVERED, DeliveryState.ACKNOWLEDGED,
    DeliveryState.REJECTED, DeliveryState.DECLINED,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person asked for. At least one of the first four must be given."""

    delivery_id: int | None = None
    partner: str | None = None
    since: date | None = None
    until: date | None = None
    title: str | None = None
    mode: Mode = "as sent"

    @classmethod
    def from_form(cls, form: Mapping[str, Any]) -> Self:
        """From the trigger form, where empty fields are None or an empty text. Raises `ConfigurationError`."""

        def day(name: str) -> date | None:
            try:
                return date.fromisoformat(form[name]) if form.get(name) else None
            except ValueError as bad:
                raise ConfigurationError(f"{name}: {form[name]!r} is no date", todo="Write it as 2026-11-21.") from bad

        if not any(form.get(name) for name in ("delivery_id", "partner", "since", "title")):
            raise ConfigurationError("nothing was chosen", where="redeliver", todo="Give a delivery, a partner, a first day or a title.")
        mode: Mode | None = next((known for known in get_args(Mode) if known == (form.get("mode") or "as sent")), None)
        if mode is None:
            raise ConfigurationError(f"mode {form['mode']!r} is unknown", where="redeliver", todo='Say "as sent" or "rebuilt".')
        return cls(
            int(form["delivery_id"]) if form.get("delivery_id") else None,
            form.get("partner") or None,
            day("since"),
            day("until"),
            form.get("title") or None,
            mode,
        )


@dataclass(frozen=True, slots=True)
class Planned:
    """One delivery that goes again. `note` says why the mode differs from the one asked for."""

    delivery_id: int
    partner: str
    mode: Mode
    state: str
    kind: str
    records: int
    files: int
    bytes: int
    product_id: int | None = None
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def plan(ledger: Ledger, wish: Wish) -> list[Planned]:
    """Deliveries that fit the wish, oldest first, at most 200.

    Withdrawn ones and those that wait for approval never go. Declined ones, and packages and answers to sheets in whose place a newer one
    is at the partner, are not among those of a partner, of days or of a title: who wants one names it. Raises `ConfigurationError` for an
    unknown delivery.
    """
    with ledger.read() as session:
        query = select(DeliveryRow).where(DeliveryRow.state.in_(CAN_GO)).order_by(DeliveryRow.id.desc()).limit(MOST)
        product_id = None
        if wish.title:
            this = DeliveryRecordRow.isbn == (isbn13(wish.title) or wish.title)
            product_id = session.scalar(
                select(DeliveryRecordRow.product_id).where(this).order_by(DeliveryRecordRow.delivery_id.desc()).limit(1)
            )
            query = query.where(DeliveryRow.id.in_(select(DeliveryRecordRow.delivery_id).where(this)))
        if wish.delivery_id is not None:
            _must_be_sendable(session, wish.delivery_id)
            query = query.where(DeliveryRow.id == wish.delivery_id)
        else:
            replaced = select(PackageRow.id).where(PackageRow.delivery_id == DeliveryRow.id, PackageRow.state == packages.REPLACED)
            last = select(TitleImportRow.id).where(TitleImportRow.delivery_id == DeliveryRow.id)
            query = query.where(DeliveryRow.state != DeliveryState.DECLINED, ~replaced.exists())
            query = query.where(or_(DeliveryRow.flow != "title_import", last.exists()))
        if wish.partner:
            query = query.where(DeliveryRow.partner == load_party(wish.partner).id)
        if wish.since:
            query = query.where(DeliveryRow.created_at >= datetime.combine(wish.since, time(), UTC))
        if wish.until:
            query = query.where(DeliveryRow.created_at < datetime.combine(wish.until + timedelta(days=1), time(), UTC))
        planned = [_planned(row, wish.mode, product_id) for row in session.scalars(query)]
    return list(reversed(_once(planned)))


def _once(planned: Sequence[Planned]) -> list[Planned]:
    """A title is rebuilt once for each partner, in place of the newest delivery that held it (they come newest first)."""
    seen: set[str] = set()
    kept = []
    for item in planned:
        if item.product_id is None or item.partner not in seen:
            kept.append(item)
        if item.product_id is not None:
            seen.add(item.partner)
    return kept


def _must_be_sendable(session: Session, delivery_id: int) -> None:
    row = session.get(DeliveryRow, delivery_id)
    if row is None:
        raise ConfigurationError(f"there is no delivery {delivery_id}", where="redeliver", todo="See `colophon deliveries list`.")
    if row.state not in CAN_GO:
        raise ConfigurationError(
            f"delivery {delivery_id} is {row.state}", where="redeliver", todo="Send its successor, or answer its question."
        )


def _planned(row: DeliveryRow, mode: Mode, product_id: int | None) -> Planned:
    note = ""
    arrived = row.state in {DeliveryState.DELIVERED, DeliveryState.ACKNOWLEDGED, DeliveryState.REJECTED}
    party = load_recipient(row.flow, row.partner)
    repeats = not isinstance(party, Partner) or party.feed.message_repeat
    if mode == "as sent" and arrived and row.message_number and not repeats:
        mode, note = "rebuilt", f"{row.partner} refuses a message number that it has seen (feed.message_repeat)"
    if mode == "rebuilt" and not (row.records and isinstance(party, Partner)):
        mode, note = "as sent", "it holds no records to rebuild"
    return Planned(
        row.id,
        row.partner,
        mode,
        row.state,
        row.kind,
        row.records,
        len(row.files),
        row.bytes,
        product_id if mode == "rebuilt" else None,
        note,
    )


def prepare(ledger: Ledger, store: ArtefactStore, planned: Planned, now: datetime, run: Run) -> int:
    """The id of the delivery to send: the stored one, or a new one with today's data for the same titles.

    Asked again by the same run (a retry), it gives the same one.
    """
    if planned.mode == "as sent":
        return planned.delivery_id
    with ledger.read() as session:
        if run.run_id:
            mine = (DeliveryRow.dag_id == run.dag_id, DeliveryRow.run_id == run.run_id)
            query = select(DeliveryRow.id).where(DeliveryRow.replaces_id == planned.delivery_id, *mine)
            if (known := session.scalar(query.where(DeliveryRow.state != DeliveryState.WITHDRAWN).limit(1))) is not None:
                return known
        products: Sequence[int] = session.scalars(
            select(DeliveryRecordRow.product_id).where(DeliveryRecordRow.delivery_id == planned.delivery_id)
        ).all()
    if planned.product_id is not None:
        products = [planned.product_id]
    partner = load_partner(planned.partner)
    built = FeedBuild(ledger, store, partner, load_house(), now, run, products=products, replaces=planned.delivery_id).build()
    if built.delivery_id is None:
        raise ConfigurationError(
            f"none of the {len(products)} titles of delivery {planned.delivery_id} may go to {partner.name} any more: {built.counts}",
            where="redeliver",
            todo="See their reasons on the delivery's page.",
        )
    return built.delivery_id


def table(planned: Sequence[Planned]) -> str:
    """The plan for people, one line a delivery."""
    lines = [
        f"{item.delivery_id:>7}  {item.partner:<14} {item.mode:<8} {item.state:<12} {item.kind:<7} {item.records:>7} records "
        f"{item.files:>4} files {item.bytes:>12,} bytes  {item.note}".rstrip()
        for item in planned
    ]
    return "\n".join(lines) or "nothing fits"
