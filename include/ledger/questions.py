"""The questions that people ask about feeds, answered from the ledger.

Consonance's seven, which are our acceptance test:

1. When did the ONIX last go for this product to my distributor?      `title`
2. Has it been sent to this partner, and if not, why?                 `title`
3. Which book data has not yet been sent?                             `not_sent`
4. What ONIX has my distributor received?                             `received`, `fragment`
5. Which partners receive ONIX, and when?                             `recipients`
6. How does one flavour differ from another?                          `fragments`
7. Did this cover (this file) go out?                                 `files`

Answers are plain dataclasses. Lists of deliveries are in `include.ledger.lists`, offered here as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session

from include.errors import PermanentError
from include.ledger.deliveries import UNSENT
from include.ledger.fragments import FileSent, Fragment, files, fragment, fragments, last_sent
from include.ledger.lists import STATES, Page, as_json, deliveries, delivery, plain_isbn
from include.ledger.models import DeliveryRecordRow, DeliveryRow, DeliveryState, FeedRecordRow, ProductRow, RecordState, WorkRow
from include.ledger.recipients import Recipient, next_deadline, next_run, recipients
from include.partners import Partner

__all__ = [
    "NEVER", "STATES", "FileSent", "Fragment", "Missing", "Page", "Received", "Recipient", "Standing", "TitleStanding", "as_json",
    "deliveries",
    "delivery", "files", "fragment", "fragments", "held", "next_deadline", "next_run", "not_sent", "received", "recipients", "title",
]  # fmt: skip

NEVER = "never looked at"


@dataclass(frozen=True, slots=True)
class Standing:
    """How one title stands with one partner. `sentence` says it to people; `reasons` are [{code, message, todo, path}].

    The fields from `sent_at` on describe the last record that went, whatever the state is now.
    """

    partner: str
    partner_name: str
    state: str
    sentence: str
    reasons: list[dict[str, Any]] = field(default_factory=list)
    looked_at: datetime | None = None
    waiting_in: int | None = None  # delivery that holds it and has not arrived
    sent_at: datetime | None = None
    delivery_id: int | None = None
    message_number: int | None = None
    file: str = ""
    remote_path: str = ""
    notification: str = ""  # List 1
    record_reference: str = ""
    digest: str = ""
    answer: str = ""
    answer_text: str = ""
    next_run: datetime | None = None


@dataclass(frozen=True, slots=True)
class TitleStanding:
    """One title and all partners. `twins` are other products with the same ISBN."""

    product_id: int
    isbn: str
    title: str
    form: str  # List 150
    publication_date: str  # ISO date or empty
    imprint: str
    stage: str
    deleted_at: datetime | None
    partners: list[Standing]
    twins: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Missing:
    """A title that a partner has never received, and why."""

    product_id: int
    isbn: str
    title: str
    state: str
    reasons: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Received:
    """A title as a partner last received it."""

    product_id: int
    isbn: str
    title: str
    state: str
    sent_at: datetime
    delivery_id: int | None
    notification: str
    digest: str


# --- 1, 2: one title, all partners


def title(
    session: Session, isbn: str = "", partners: Sequence[Partner] = (), *, product_id: int | None = None, now: datetime | None = None
) -> TitleStanding:
    """How a title, named by ISBN or product id, stands with each partner: what went and when, or why not.

    Raises `PermanentError` if neither the mirror nor any feed knows it.
    """
    ids = _products(session, isbn, product_id)
    if not ids:
        asked = f"product {product_id}" if product_id is not None else f"ISBN {plain_isbn(isbn)[:40]!r}"
        raise PermanentError(
            f"there is no title with {asked}", todo="Check the number; run catalogue_sync if the title is new in Consonance."
        )
    chosen = ids[0]
    product, work = session.get(ProductRow, chosen), None
    records = {row.partner: row for row in session.scalars(select(FeedRecordRow).where(FeedRecordRow.product_id == chosen))}
    if product is not None:
        work = session.get(WorkRow, product.work_id)
    known = {partner.id: partner for partner in partners}
    names = [*known, *sorted(set(records) - set(known))]
    return TitleStanding(
        product_id=chosen,
        isbn=product.isbn if product else next((row.isbn for row in records.values()), plain_isbn(isbn)),
        title=product.title if product else "",
        form=product.form if product else "",
        publication_date=product.publication_date if product else "",
        imprint=work.imprint if work else "",
        stage=work.stage if work else "",
        deleted_at=product.deleted_at if product else None,
        partners=[_standing(session, chosen, name, known.get(name), records.get(name), now) for name in names],
        twins=ids[1:],
    )


def _products(session: Session, isbn: str, product_id: int | None) -> list[int]:
    if product_id is not None:
        if not 0 < product_id < 2**63:
            return []
        known = session.get(ProductRow, product_id) or session.scalar(
            select(FeedRecordRow).where(FeedRecordRow.product_id == product_id).limit(1)
        )
        return [product_id] if known else []
    wanted = plain_isbn(isbn)
    if not wanted:
        return []
    mirrored = session.scalars(
        select(ProductRow.id)
        .where(ProductRow.isbn.in_({wanted, isbn.replace("\0", "")}))
        .order_by(ProductRow.deleted_at.is_not(None), ProductRow.id)
    )
    return list(mirrored) or list(
        session.scalars(select(FeedRecordRow.product_id).where(FeedRecordRow.isbn == wanted).distinct().limit(10))
    )


def _standing(
    session: Session, product_id: int, name: str, partner: Partner | None, row: FeedRecordRow | None, now: datetime | None
) -> Standing:
    last = last_sent(session, product_id, name)
    waiting = session.scalar(
        select(DeliveryRow)
        .join(DeliveryRecordRow, DeliveryRecordRow.delivery_id == DeliveryRow.id)
        .where(DeliveryRecordRow.product_id == product_id, DeliveryRow.partner == name)
        .where(DeliveryRow.state.in_([*UNSENT, DeliveryState.DECLINED]), DeliveryRow.delivered_at.is_(None))
        .order_by(DeliveryRow.id.desc())
        .limit(1)
    )
    state = row.state if row else NEVER
    upcoming = next_run(partner, now) if partner and now else None
    sent: dict[str, Any] = {}
    if last is not None:
        record, sender = last
        message = next((file for file in sender.files if file.sha256 == record.artefact), None) or next(
            (file for file in sender.files if file.role == "message"), None
        )
        sent = {
            "sent_at": sender.delivered_at,
            "delivery_id": sender.id,
            "message_number": sender.message_number,
            "file": message.name if message else "",
            "remote_path": message.remote_path if message else "",
            "notification": record.notification,
            "record_reference": record.record_reference,
            "digest": record.digest,
            "answer": record.answer,
            "answer_text": record.answer_text,
        }
    return Standing(
        partner=name,
        partner_name=partner.name if partner else name,
        state=state,
        sentence=_sentence(state, row, partner, waiting, sent),
        reasons=list(row.reasons) if row else [],
        looked_at=row.looked_at if row else None,
        waiting_in=waiting.id if waiting and state == RecordState.PENDING else None,
        next_run=upcoming,
        **sent,
    )


def _sentence(state: str, row: FeedRecordRow | None, partner: Partner | None, waiting: DeliveryRow | None, sent: dict[str, Any]) -> str:
    went = f"It was last sent on {_day(sent['sent_at'])}, delivery {sent['delivery_id']}." if sent else "It was never sent."
    why = "; ".join(reason.get("message") or reason.get("code", "") for reason in row.reasons) if row else ""
    off = partner is None or not partner.enabled
    match state:
        case RecordState.SENT:
            said = f"Sent on {_day(row.sent_at if row else None)}, delivery {row.delivery_id if row else ''}."
        case RecordState.UNCHANGED:
            said = f"Nothing has changed since it was sent. {went}"
        case RecordState.HELD:
            said = f"Held back: {why}. {went}"
        case RecordState.NOT_SELECTED:
            said = f"Not selected: {why}. {went}"
        case RecordState.REJECTED:
            said = f"The partner rejected it: {why}. It counts as not received and goes again with the next delivery."
        case RecordState.WITHDRAWN:
            said = f"Withdrawn{f': {why}' if why else ''}. {went}"
        case RecordState.PENDING if waiting is not None:
            said = f"In delivery {waiting.id}, which is {waiting.state}. {went}"
        case RecordState.PENDING:
            said = f"Changed; it goes with the next delivery. {went}"
        case _:
            said = "No feed has looked at it since it came." if not off else "No feed has looked at it."
    if off:
        said += " The partner is switched off." if partner else " The partner has no file any more."
    return said.replace("..", ".")


def _day(moment: datetime | None) -> str:
    return f"{moment.astimezone(UTC):%-d %B %Y, %H:%M} UTC" if moment else "an unknown day"


# --- 3, 4: one partner, all titles


def not_sent(session: Session, partner: str, *, state: str | None = None, after: int = 0, limit: int = 100) -> list[Missing]:
    """Titles that a partner has not received, by product id from the one after `after`, each with the reason.

    A title that the partner rejected counts as not received. Titles that no feed has looked at have the state "never looked at".
    """
    looked = (
        select(FeedRecordRow.product_id, FeedRecordRow.isbn, ProductRow.title, FeedRecordRow.state, FeedRecordRow.reasons)
        .outerjoin(ProductRow, ProductRow.id == FeedRecordRow.product_id)
        .where(FeedRecordRow.partner == partner, FeedRecordRow.product_id > after)
        .where(or_(FeedRecordRow.sent_at.is_(None), FeedRecordRow.state == RecordState.REJECTED))
    )
    if state:
        looked = looked.where(FeedRecordRow.state == state)
    rows = session.execute(looked.order_by(FeedRecordRow.product_id).limit(limit)).all()
    found = [Missing(number, isbn, name or "", now, list(reasons)) for number, isbn, name, now, reasons in rows]
    if not state or state == NEVER:
        seen = exists().where(FeedRecordRow.partner == partner, FeedRecordRow.product_id == ProductRow.id)
        unseen = select(ProductRow.id, ProductRow.isbn, ProductRow.title).where(
            ProductRow.id > after, ProductRow.deleted_at.is_(None), ~seen
        )
        found += [
            Missing(number, isbn, name, NEVER, []) for number, isbn, name in session.execute(unseen.order_by(ProductRow.id).limit(limit))
        ]
    return sorted(found, key=lambda missing: missing.product_id)[:limit]


def held(session: Session, partner: str, *, state: str = RecordState.HELD, after: int = 0, limit: int = 100) -> list[Missing]:
    """Titles in this state with a partner (held back, rejected, pending, …), sent before or not, with their reasons."""
    rows = session.execute(
        select(FeedRecordRow.product_id, FeedRecordRow.isbn, ProductRow.title, FeedRecordRow.state, FeedRecordRow.reasons)
        .outerjoin(ProductRow, ProductRow.id == FeedRecordRow.product_id)
        .where(FeedRecordRow.partner == partner, FeedRecordRow.state == state, FeedRecordRow.product_id > after)
        .order_by(FeedRecordRow.product_id)
        .limit(limit)
    )
    return [Missing(number, isbn, name or "", now, list(reasons)) for number, isbn, name, now, reasons in rows]


def received(session: Session, partner: str, *, after: int = 0, limit: int = 100) -> list[Received]:
    """What a partner has, by product id from the one after `after`. A rejected title counts as not received."""
    rows = session.execute(
        select(FeedRecordRow, ProductRow.title)
        .outerjoin(ProductRow, ProductRow.id == FeedRecordRow.product_id)
        .where(FeedRecordRow.partner == partner, FeedRecordRow.product_id > after, FeedRecordRow.digest != "")
        .order_by(FeedRecordRow.product_id)
        .limit(limit)
    )
    return [
        Received(row.product_id, row.isbn, name or "", row.state, row.sent_at, row.delivery_id, row.notification, row.digest)
        for row, name in rows
        if row.sent_at is not None
    ]
