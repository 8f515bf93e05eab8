"""What a partner has, may have, or has refused: asked of past deliveries where the feed record alone can't tell.

A worker may die between the last byte and the ledger. A delivery that was tried and never ended well may therefore lie
at the partner, whole; what it held counts as unknown there until a later delivery has brought the title again.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from include.ledger import deliveries
from include.ledger.models import DeliveryRecordRow, DeliveryRow, DeliveryState, FeedRecordRow

REJECTED = "rejected"


def _perhaps_arrived(partner: str) -> ColumnElement[bool]:
    return and_(DeliveryRow.partner == partner, DeliveryRow.attempts > 0, DeliveryRow.delivered_at.is_(None))


def last(session: Session, partner: str, flow: str) -> DeliveryRow | None:
    """The newest delivery that has arrived, also if it was sent again since and that went wrong."""
    query = select(DeliveryRow).where(DeliveryRow.partner == partner, DeliveryRow.flow == flow, DeliveryRow.delivered_at.is_not(None))
    return session.scalar(query.order_by(DeliveryRow.id.desc()).limit(1))


def any_doubt(session: Session, partner: str) -> bool:
    """Whether any delivery was tried and never ended well."""
    return session.scalar(select(DeliveryRow.id).where(_perhaps_arrived(partner)).limit(1)) is not None


def in_doubt(session: Session, partner: str, products: Sequence[int]) -> frozenset[int]:
    """Those of these titles that went in a delivery of unknown end, and have not arrived in a later one since."""
    tried, known = DeliveryRecordRow, FeedRecordRow
    query = (
        select(tried.product_id)
        .join(DeliveryRow, DeliveryRow.id == tried.delivery_id)
        .outerjoin(known, and_(known.partner == partner, known.product_id == tried.product_id))
        .where(_perhaps_arrived(partner), tried.product_id.in_(products), tried.delivery_id > func.coalesce(known.delivery_id, 0))
    )
    return frozenset(session.scalars(query))


def ever_taken(session: Session, partner: str, product: int) -> bool:
    """Whether any record of this title arrived and was not refused, by itself or with its whole message."""
    record = DeliveryRecordRow
    query = (
        select(record.product_id)
        .join(DeliveryRow, DeliveryRow.id == record.delivery_id)
        .where(DeliveryRow.partner == partner, DeliveryRow.delivered_at.is_not(None), DeliveryRow.state != DeliveryState.REJECTED)
        .where(record.product_id == product, record.answer != REJECTED)
    )
    return session.scalar(query.limit(1)) is not None


def outnumbered(session: Session, delivery: DeliveryRow) -> bool:
    """Whether the partner may have seen a higher message number than this delivery's."""
    number = DeliveryRow.message_number
    query = select(DeliveryRow.id).where(DeliveryRow.partner == delivery.partner, DeliveryRow.attempts > 0)
    return session.scalar(query.where(number > (delivery.message_number or 0)).limit(1)) is not None


def withdraw_unwanted(session: Session, partner: str, flow: str, kinds: Collection[str], *, now: datetime, who: str) -> list[int]:
    """Withdraws what waits although the partner is due nothing any more; gives the ids."""
    waiting = session.scalars(
        select(DeliveryRow).where(
            DeliveryRow.partner == partner,
            DeliveryRow.flow == flow,
            DeliveryRow.kind.in_(kinds),
            DeliveryRow.state.in_(deliveries.UNSENT),
            DeliveryRow.delivered_at.is_(None),
        )
    ).all()
    for row in waiting:
        deliveries.move(session, row, DeliveryState.WITHDRAWN, now=now, who=who, detail={"why": "nothing is due any more"})
    return [row.id for row in waiting]
