"""Partners: who gets what and when, what went last, what is late."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from croniter import croniter  # type: ignore[import-untyped]
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from include.ledger.deliveries import ARRIVED
from include.ledger.lists import late
from include.ledger.models import DeliveryRow, DeliveryState, FeedRecordRow, RecordState
from include.partners import Partner, Party

TABLES = {  # of a party's file, and what it gets by each
    "handoff": "print files",
    "formats": "e-books and audio",
    "launch": "launch packs",
    "report": "readiness reports",
    "releases": "release packages",
    "backup": "backups",
    "statements": "royalty statements",
    "rights": "rights reports",
}


@dataclass(frozen=True, slots=True)
class Recipient:
    """A partner, what it gets and when. `label` as in "ONIX 3.0 reference"."""

    partner: str
    name: str
    kind: str
    protocol: str
    label: str
    enabled: bool
    cron: str
    timezone: str
    next_run: datetime | None
    next_deadline: datetime | None
    last: DeliveryRow | None
    last_delivered: DeliveryRow | None
    held: int
    rejected: int
    waiting_for_approval: int
    overdue: list[tuple[int, str]]  # delivery id, why
    feed: bool = True  # it gets metadata; else files or reports


def recipients(session: Session, partners: Sequence[Party], now: datetime) -> list[Recipient]:
    """Each partner: what it gets, what went last, what goes next, what waits."""
    return [_recipient(session, partner, now) for partner in partners]


def _recipient(session: Session, partner: Party, now: datetime) -> Recipient:
    newest = (
        select(DeliveryRow).where(DeliveryRow.partner == partner.id).order_by(DeliveryRow.created_at.desc(), DeliveryRow.id.desc()).limit(1)
    )
    arrived = [session.scalar(newest.where(DeliveryRow.state == state)) for state in ARRIVED]
    return Recipient(
        partner=partner.id,
        name=partner.name,
        kind=partner.kind,
        protocol=partner.transport.protocol,
        label=label(partner),
        enabled=partner.enabled,
        cron=partner.schedule.cron,
        timezone=partner.schedule.timezone,
        next_run=next_run(partner, now),
        next_deadline=next_deadline(partner, now),
        last=session.scalar(newest),
        last_delivered=max((row for row in arrived if row), key=lambda row: (row.created_at, row.id), default=None),
        held=count_in_state(session, partner.id, RecordState.HELD),
        rejected=count_in_state(session, partner.id, RecordState.REJECTED),
        waiting_for_approval=session.scalar(
            select(func.count()).where(DeliveryRow.partner == partner.id, DeliveryRow.state == DeliveryState.AWAITING_APPROVAL)
        )
        or 0,
        overdue=late(session, partner, now),
        feed=isinstance(partner, Partner),
    )


def count_in_state(session: Session, partner: str, state: RecordState) -> int:
    """How many titles stand so with a partner."""
    return session.scalar(select(func.count()).where(FeedRecordRow.partner == partner, FeedRecordRow.state == state)) or 0


def label(partner: Party) -> str:
    """What the party gets, for people: "ONIX 3.0 reference", "CSV", "print files, readiness reports"."""
    if not isinstance(partner, Partner):
        return ", ".join(words for name, words in TABLES.items() if getattr(partner, name))
    feed = partner.feed
    return f"ONIX {feed.release} {feed.tags}" if feed.format == "onix" else feed.format.upper()


def next_run(partner: Party, now: datetime) -> datetime | None:
    """When the partner's feed runs next, in the partner's time zone; None where it runs on demand or never."""
    if not partner.schedule.cron or not partner.enabled:
        return None
    following: datetime = croniter(partner.schedule.cron, now.astimezone(ZoneInfo(partner.schedule.timezone))).get_next(datetime)
    return following


def next_deadline(partner: Party, now: datetime) -> datetime | None:
    """The partner's next deadline, in its time zone."""
    deadline = partner.schedule.deadline
    if deadline is None or not partner.enabled:
        return None
    local = now.astimezone(ZoneInfo(partner.schedule.timezone))
    today = local.replace(hour=deadline.hour, minute=deadline.minute, second=deadline.second, microsecond=0)
    return today if today > local else today + timedelta(days=1)
