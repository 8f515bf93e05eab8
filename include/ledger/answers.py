"""What partners say to what they got: receipts, and the titles that they refused.

A record that a partner rejects counts as not received: its digest is forgotten, so that the next delta sends it again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import bindparam, exists, select, update
from sqlalchemy.orm import Session

from include.ledger.chunks import chunks
from include.ledger.deliveries import ALLOWED, ARRIVED, expire, get, mark_delivered, move, record_event
from include.ledger.models import DeliveryRecordRow, DeliveryRow, FeedRecordRow, ReceiptRow, RecordState
from include.ledger.models import DeliveryState as S
from include.partners import Party

Status = Literal["received", "processed", "partly", "rejected"]
REFUSED = "rejected-by-partner"


@dataclass(frozen=True, slots=True)
class RecordAnswer:
    """What a partner says of one record, named by its RecordReference or else its ISBN."""

    status: Literal["accepted", "accepted with errors", "rejected"]
    record_reference: str = ""
    isbn: str = ""
    text: str = ""


def delivery_by_number(session: Session, partner: str, message_number: int) -> DeliveryRow | None:
    """The newest delivery to a partner under this MessageNumber."""
    return session.scalar(
        select(DeliveryRow)
        .where(DeliveryRow.partner == partner, DeliveryRow.message_number == message_number)
        .order_by(DeliveryRow.id.desc())
        .limit(1)
    )


def answer(
    session: Session,
    *,
    partner: str,
    kind: str,
    name: str,
    status: Status,
    now: datetime,
    sha256: str = "",
    delivery_id: int | None = None,
    message_number: int | None = None,
    records: Sequence[RecordAnswer] = (),
    detail: dict[str, Any] | None = None,
    who: str = "",
) -> ReceiptRow:
    """Records one answer of a partner; the same answer twice (name and sha256) is recorded once.

    The delivery becomes acknowledged, or rejected when `status` says so of the whole message. An answer to something
    that we thought had failed shows that it arrived. An answer to nothing that we sent is kept, without a delivery.
    `records` that the message did not hold are listed in the receipt's detail under "unknown".
    """
    known = session.scalar(select(ReceiptRow).where(ReceiptRow.partner == partner, ReceiptRow.sha256 == sha256, ReceiptRow.name == name))
    if known is not None:
        return known
    delivery = _answered(session, partner, delivery_id, message_number)
    receipt = ReceiptRow(
        partner=partner, delivery_id=delivery.id if delivery else None, kind=kind, name=name[:255], sha256=sha256,
        status=status, received_at=now, detail=detail or {},
    )  # fmt: skip
    session.add(receipt)
    if delivery is None:
        number = {"message number": message_number} if message_number is not None else {}
        record_event(
            session, what="answer to nothing we sent", now=now, who=who, partner=partner, subject=name, sha256=sha256, detail=number
        )
        return receipt
    if delivery.state not in ARRIVED and delivery.delivered_at is None and S.DELIVERED in ALLOWED[S(delivery.state)]:
        mark_delivered(session, delivery, now, who=who or partner)
    delivery = get(session, delivery.id, lock=True)
    if delivery.state in ARRIVED and not (status == "received" and delivery.state == S.REJECTED):
        move(
            session, delivery, S.REJECTED if status == "rejected" else S.ACKNOWLEDGED, now=now, who=who or partner, detail={"answer": name}
        )
        delivery.answered_at = now
    unknown = _answer_records(session, delivery, records)
    if unknown:
        receipt.detail = {**receipt.detail, "unknown": unknown[:1000]}
    refused = _refuse(session, delivery, whole=status == "rejected")
    record_event(
        session, what="answer", now=now, who=who or partner, delivery=delivery, subject=name, sha256=sha256,
        detail={"status": status, "records": len(records), "rejected": refused},
    )  # fmt: skip
    session.flush()
    return receipt


def _answered(session: Session, partner: str, delivery_id: int | None, message_number: int | None) -> DeliveryRow | None:
    delivery = session.get(DeliveryRow, delivery_id) if delivery_id is not None else None
    if delivery is None and message_number is not None:
        delivery = delivery_by_number(session, partner, message_number)
    if delivery is None or delivery.partner != partner or (delivery.attempts == 0 and delivery.state not in ARRIVED):
        return None
    return delivery


def _answer_records(session: Session, delivery: DeliveryRow, records: Sequence[RecordAnswer]) -> list[str]:
    """Notes the answers; gives the names of records that the delivery does not hold."""
    sent = DeliveryRecordRow.__table__
    set_answer = (
        update(DeliveryRecordRow.__table__)  # type: ignore[arg-type]
        .where(sent.c.delivery_id == bindparam("d"), sent.c.product_id == bindparam("p"))
        .values(answer=bindparam("a"), answer_text=bindparam("t"))
    )
    unknown: list[str] = []
    for chunk in chunks(records):
        ids = _products(session, delivery.id, chunk)
        rows = []
        for record in chunk:
            product = ids.get(("reference", record.record_reference)) or ids.get(("isbn", record.isbn))
            if product is None:
                unknown.append(record.record_reference or record.isbn)
            else:
                rows.append({"d": delivery.id, "p": product, "a": record.status, "t": record.text})
        if rows:
            session.connection().execute(set_answer, rows)
    return unknown


def _products(session: Session, delivery_id: int, records: Sequence[RecordAnswer]) -> dict[tuple[str, str], int]:
    references = [record.record_reference for record in records if record.record_reference]
    isbns = [record.isbn for record in records if record.isbn]
    row = DeliveryRecordRow
    found: dict[tuple[str, str], int] = {}
    query = select(row.product_id, row.record_reference, row.isbn).where(row.delivery_id == delivery_id)
    for product, reference, isbn in session.execute(query.where(row.record_reference.in_(references) | row.isbn.in_(isbns))):
        if isbn:
            found["isbn", isbn] = product
        if reference:
            found["reference", reference] = product
    return found


def _refuse(session: Session, delivery: DeliveryRow, *, whole: bool) -> int:
    """Forgets what the partner refused, where it is the last that went; gives the number of titles."""
    sent, known = DeliveryRecordRow, FeedRecordRow
    refused = select(sent.product_id, sent.answer_text).where(sent.delivery_id == delivery.id)
    refused = refused if whole else refused.where(sent.answer == "rejected")
    refused = refused.where(
        exists().where(known.partner == delivery.partner, known.product_id == sent.product_id, known.delivery_id == delivery.id)
    )
    table = FeedRecordRow.__table__
    forget = (
        update(table)  # type: ignore[arg-type]
        .where(table.c.partner == bindparam("f"), table.c.product_id == bindparam("p"))
        .values(state=RecordState.REJECTED, digest="", blocks={}, artefact="", reasons=bindparam("r", type_=table.c.reasons.type))
    )
    default = "The partner rejected the message." if whole else "The partner rejected the record."
    todo = "Mend the title in Consonance; the next delta sends it again."
    titles = session.execute(refused).all()
    for chunk in chunks(titles):
        rows = [
            {"f": delivery.partner, "p": product, "r": [{"code": REFUSED, "message": text or default, "todo": todo, "path": ""}]}
            for product, text in chunk
        ]
        session.connection().execute(forget, rows)
    expire(session, FeedRecordRow, DeliveryRecordRow)
    return len(titles)


def overdue(delivery: DeliveryRow, partner: Party | None, now: datetime) -> str:
    """Why a delivery is late: "not delivered" when its deadline has passed, "no answer" when the partner's time to
    answer has; else empty. A flag, not a state: it goes when the delivery goes on."""
    if delivery.state in {S.PREPARED, S.AWAITING_APPROVAL, S.SENDING, S.FAILED} and delivery.delivered_at is None:
        return "not delivered" if delivery.due_at is not None and delivery.due_at < now else ""
    if delivery.state == S.DELIVERED and partner is not None and partner.acknowledgements.kind != "none" and delivery.delivered_at:
        return "no answer" if delivery.delivered_at + timedelta(hours=partner.acknowledgements.within_hours) < now else ""
    return ""
