"""What happens to a delivery, as transactions: prepared once, moved between states by rule, every step an event.

All functions take a session of `Ledger.session()` and leave the commit to it. `now` carries a zone; `who` is a person or
a run. Deliveries may be given as rows or ids: they are read again, and locked, so that two processes can't both act on
what only one of them saw.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import case, exists, insert, literal, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from include.errors import PermanentError
from include.ledger.models import DeliveryRecordRow, DeliveryRow, DeliveryState, EventRow, FeedRecordRow, FileRow, PartnerRow
from include.ledger.models import DeliveryState as S

UNSENT = (S.PREPARED, S.AWAITING_APPROVAL, S.SENDING, S.FAILED)
ARRIVED = (S.DELIVERED, S.ACKNOWLEDGED, S.REJECTED)

ALLOWED: dict[DeliveryState, frozenset[DeliveryState]] = {
    S.PREPARED: frozenset({S.AWAITING_APPROVAL, S.SENDING, S.FAILED, S.WITHDRAWN}),
    S.AWAITING_APPROVAL: frozenset({S.PREPARED, S.DECLINED, S.WITHDRAWN}),
    S.DECLINED: frozenset({S.PREPARED}),  # somebody thought again
    S.SENDING: frozenset({S.SENDING, S.DELIVERED, S.FAILED, S.WITHDRAWN}),  # again: the worker was killed, another goes on
    S.DELIVERED: frozenset({S.ACKNOWLEDGED, S.REJECTED, S.SENDING}),  # sending: a redelivery
    S.ACKNOWLEDGED: frozenset({S.REJECTED, S.SENDING}),
    S.REJECTED: frozenset({S.ACKNOWLEDGED, S.SENDING}),
    S.FAILED: frozenset({S.SENDING, S.DELIVERED, S.WITHDRAWN}),  # delivered: it was there all the same
    S.WITHDRAWN: frozenset({S.PREPARED, S.AWAITING_APPROVAL, S.DELIVERED}),  # delivered: it was under way when it was withdrawn
}


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file that a delivery will hold: its name and folder at the partner, and the artefact that it is."""

    name: str
    folder: str
    bytes: int
    sha256: str
    role: str = "message"  # message, cover, manifest


# --- preparing


def find(session: Session, partner: str, flow: str, business_key: str, digest: str) -> DeliveryRow | None:
    """The delivery with this key, in whatever state."""
    return session.scalar(
        select(DeliveryRow).where(
            DeliveryRow.partner == partner,
            DeliveryRow.flow == flow,
            DeliveryRow.business_key == business_key,
            DeliveryRow.digest == digest,
        )
    )


def prepare(
    session: Session,
    *,
    partner: str,
    flow: str,
    business_key: str,
    digest: str,
    files: Sequence[NewFile],
    now: datetime,
    who: str = "",
    state: DeliveryState = S.PREPARED,
    kind: str = "",
    format: str = "",
    message_number: int | None = None,
    records: int = 0,
    held: int = 0,
    due_at: datetime | None = None,
    dag_id: str = "",
    run_id: str = "",
    replaces_id: int | None = None,
    reasons: Sequence[dict[str, Any]] = (),
) -> DeliveryRow:
    """The delivery with this (partner, flow, business key, digest): a new one, or the one that is there already.

    One that was withdrawn because something newer was to go, and is wanted again, comes back in the asked state.
    Raises `PermanentError` if two of its files would have one path, or the state is not one to begin with.
    """
    if state not in {S.PREPARED, S.AWAITING_APPROVAL}:
        raise PermanentError(f"a delivery can't begin as {state!r}", where=f"{partner}, {flow}")
    if len({(file.folder, file.name) for file in files}) < len(files):
        raise PermanentError("two files of one delivery have the same path", where=f"{partner}, {flow}, {business_key}")
    known = find(session, partner, flow, business_key, digest)
    if known is None:
        row = DeliveryRow(
            partner=partner, flow=flow, business_key=business_key, digest=digest, state=state, kind=kind, format=format,
            message_number=message_number, records=records, held=held, bytes=sum(file.bytes for file in files),
            created_at=now, due_at=due_at, dag_id=dag_id, run_id=run_id, replaces_id=replaces_id, reasons=list(reasons),
            files=[
                FileRow(position=position, role=file.role, name=file.name, folder=file.folder, bytes=file.bytes, sha256=file.sha256)
                for position, file in enumerate(files)
            ],
        )  # fmt: skip
        try:
            with session.begin_nested():
                session.add(row)
        except IntegrityError:
            known = find(session, partner, flow, business_key, digest)
            if known is None:
                raise
        else:
            record_event(session, what=state, now=now, who=who, delivery=row, subject=business_key, bytes=row.bytes)
            return row
    if known.state == S.WITHDRAWN:
        known = move(session, known, state, now=now, who=who, detail={"why": "wanted again"})
        known.due_at, known.reasons = due_at, list(reasons)
    return known


def revive(session: Session, delivery: DeliveryRow | int, *, now: datetime, who: str = "") -> DeliveryRow:
    """Brings back a withdrawn delivery that is wanted again as it was, in place of what had replaced it; one that a
    person had to look at must be looked at again. Any other delivery stays as it is."""
    row = get(session, delivery, lock=True)
    if row.state != S.WITHDRAWN:
        return row
    asks = any(reason.get("code") == "limit" for reason in row.reasons)
    row = move(session, row, S.AWAITING_APPROVAL if asks else S.PREPARED, now=now, who=who, detail={"why": "wanted again"})
    supersede(session, row.partner, row.flow, row.id, now=now, who=who)
    return row


def next_message_number(session: Session, partner: str) -> int:
    """The next MessageNumber for a partner: 1, 2, 3, … A number is given once, also to writers at the same time; one
    that was given and not used is a gap, which ONIX allows."""
    counts_up = (
        update(PartnerRow)
        .where(PartnerRow.id == partner)
        .values(last_message_number=PartnerRow.last_message_number + 1)
        .returning(PartnerRow.last_message_number)
        .execution_options(synchronize_session="fetch")
    )
    number = session.scalar(counts_up)
    if number is None:
        try:
            with session.begin_nested():
                session.add(PartnerRow(id=partner, last_message_number=0, full_resend=False))
        except IntegrityError:
            pass  # another writer was first: its row counts
        number = session.scalar(counts_up)
    if number is None:
        raise PermanentError("no message number could be drawn", where=partner)
    return number


def supersede(session: Session, partner: str, flow: str, keep_id: int, *, now: datetime, who: str = "") -> list[int]:
    """Withdraws what has not arrived and is replaced by delivery `keep_id`; gives the ids.

    Only deliveries of the same purpose are replaced: those whose business key begins as that of `keep_id`, up to the
    first colon (`after:…` is the nightly feed, `rebuilt 7:…` delivery 7 with today's data).
    """
    purpose = get(session, keep_id).business_key.partition(":")[0]
    older = session.scalars(
        select(DeliveryRow).where(
            DeliveryRow.partner == partner,
            DeliveryRow.flow == flow,
            DeliveryRow.state.in_(UNSENT),
            DeliveryRow.id != keep_id,
            DeliveryRow.delivered_at.is_(None),
        )
    ).all()
    withdrawn = [row for row in older if row.business_key.partition(":")[0] == purpose]
    for row in withdrawn:
        move(session, row, S.WITHDRAWN, now=now, who=who, detail={"replaced by": keep_id})
    return [row.id for row in withdrawn]


# --- moving


def get(session: Session, delivery: DeliveryRow | int, *, lock: bool = False) -> DeliveryRow:
    """The delivery in this session. Raises `PermanentError` if there is none."""
    delivery_id = delivery if isinstance(delivery, int) else delivery.id
    session.flush()
    row = session.get(DeliveryRow, delivery_id, with_for_update=True if lock else None, populate_existing=lock)
    if row is None:
        raise PermanentError(
            f"there is no delivery {delivery_id}", todo="Look it up on the Deliveries page, or with `colophon deliveries list`."
        )
    return row


def move(
    session: Session,
    delivery: DeliveryRow | int,
    state: DeliveryState,
    *,
    now: datetime,
    who: str = "",
    detail: dict[str, Any] | None = None,
) -> DeliveryRow:
    """Moves a delivery to another state, with an event. Moving to where it stands changes nothing, except that sending
    may begin again. Raises `PermanentError` for a step that the table does not allow."""
    row = get(session, delivery, lock=True)
    before = S(row.state)
    if before == state and state not in ALLOWED[before]:
        return row
    if state not in ALLOWED[before]:
        raise PermanentError(
            f"a delivery that is {before.value} can't become {state.value}",
            where=f"delivery {row.id} for {row.partner}",
            todo="Look at its events on the Deliveries page.",
        )
    row.state = state
    record_event(session, what=state, now=now, who=who, delivery=row, detail={"from": before.value, **(detail or {})})
    return row


def approve(session: Session, delivery: DeliveryRow | int, *, now: datetime, who: str) -> DeliveryRow:
    """A person lets it go."""
    return move(session, delivery, S.PREPARED, now=now, who=who, detail={"approved": True})


def decline(session: Session, delivery: DeliveryRow | int, *, now: datetime, who: str, note: str = "") -> DeliveryRow:
    """A person (or the time-out, which is a no) holds it back."""
    row = move(session, delivery, S.DECLINED, now=now, who=who, detail={"note": note} if note else None)
    if note:
        row.reasons = [*row.reasons, {"code": "declined", "message": note}]
    return row


def start(
    session: Session, delivery: DeliveryRow | int, *, now: datetime, who: str = "", dag_id: str = "", run_id: str = ""
) -> DeliveryRow:
    """Begins an attempt. Files that arrived in an attempt that did not end well stay delivered; of a delivery that had
    arrived as a whole, all are sent again."""
    row = get(session, delivery, lock=True)
    again = row.state in ARRIVED
    row = move(session, row, S.SENDING, now=now, who=who, detail={"attempt": row.attempts + 1})
    row.attempts += 1
    row.reasons = []
    if dag_id:
        row.dag_id, row.run_id = dag_id, run_id
    for file in row.files:
        if again or file.state != "delivered":
            file.state, file.reason, file.verified, file.delivered_at = "prepared", "", "", None
    return row


def file_delivered(
    session: Session,
    file: FileRow | int,
    *,
    now: datetime,
    remote_path: str,
    verified: str,
    seconds: float | None = None,
    host_key: str = "",
    who: str = "",
    detail: dict[str, Any] | None = None,
) -> FileRow:
    """A file is at the partner. `verified` says how we know: size, hash, swept. Told twice, it is noted once."""
    row = _file(session, file)
    if row.state == "delivered" and row.remote_path == remote_path:
        return row
    row.state, row.remote_path, row.verified, row.delivered_at, row.reason = "delivered", remote_path[:800], verified, now, ""
    record_event(
        session, what="file delivered", now=now, who=who, delivery=get(session, row.delivery_id), subject=remote_path,
        bytes=row.bytes, seconds=seconds, sha256=row.sha256, host_key=host_key, detail={"verified": verified, **(detail or {})},
    )  # fmt: skip
    return row


def file_failed(session: Session, file: FileRow | int, *, now: datetime, reason: str, who: str = "") -> FileRow:
    """A file did not get there, and why."""
    row = _file(session, file)
    row.state, row.reason = "failed", reason
    delivery = get(session, row.delivery_id)
    record_event(session, what="file failed", now=now, who=who, delivery=delivery, subject=row.name, detail={"reason": reason})
    return row


def mark_failed(
    session: Session, delivery: DeliveryRow | int, *, now: datetime, reasons: Sequence[dict[str, Any]], who: str = ""
) -> DeliveryRow:
    """An attempt ended without success. `reasons`: [{code, message, todo}]."""
    row = move(session, delivery, S.FAILED, now=now, who=who, detail={"reasons": list(reasons)})
    row.reasons = list(reasons)
    return row


def mark_delivered(
    session: Session, delivery: DeliveryRow | int, now: datetime, *, who: str = "", seconds: float | None = None
) -> DeliveryRow:
    """All files are at the partner: the titles in them count as received. Told twice, it is noted once.

    A title that was looked at again since this delivery was built keeps its newer state, and is due another look,
    because what the partner has is not what that look compared with. A block update can't be copied into a full
    message, so the feed record points to no bytes then.
    """
    row = get(session, delivery, lock=True)
    if row.state in ARRIVED:
        return row
    move(session, row, S.DELIVERED, now=now, who=who)
    row.delivered_at, row.reasons, row.answered_at = now, [], None
    if seconds is not None:
        row.seconds = seconds
    for file in row.files:
        if file.state != "delivered":
            file.state, file.delivered_at, file.reason = "delivered", now, ""
    if row.kind == "full" and (partner := session.get(PartnerRow, row.partner)):
        partner.full_resend = False
    session.flush()
    _received(session, row, now)
    return row


def _received(session: Session, delivery: DeliveryRow, now: datetime) -> None:
    sent, known = DeliveryRecordRow, FeedRecordRow
    quietly = {"synchronize_session": False}
    session.execute(update(sent).where(sent.delivery_id == delivery.id).values(answer="", answer_text=""), execution_options=quietly)
    place: dict[str, Any] = {
        "digest": sent.digest,
        "blocks": sent.blocks,
        "artefact": case((sent.whole.is_(True), sent.artefact), else_=""),
        "offset": sent.offset,
        "length": sent.length,
        "notification": sent.notification,
        "record_reference": sent.record_reference,
        "delivery_id": literal(delivery.id),
        "sent_at": literal(now, known.sent_at.type),
    }
    here = (sent.delivery_id == delivery.id, known.partner == delivery.partner, known.product_id == sent.product_id)
    looked_at_since = update(known).where(*here, known.source_digest != sent.source_digest).values(**place, source_digest="")
    as_built = (
        update(known)
        .where(*here, known.source_digest == sent.source_digest)
        .values(**place, state=sent.becomes, reasons=[], stable_until=sent.stable_until)
    )
    session.execute(as_built, execution_options=quietly)
    session.execute(looked_at_since, execution_options=quietly)
    new = {
        **place, "partner": literal(delivery.partner), "product_id": sent.product_id, "isbn": sent.isbn, "state": sent.becomes,
        "reasons": literal([], known.reasons.type), "looked_at": literal(now, known.looked_at.type),
        "source_digest": sent.source_digest, "stable_until": sent.stable_until,
    }  # fmt: skip
    unknown = select(*new.values()).where(
        sent.delivery_id == delivery.id, ~exists().where(known.partner == delivery.partner, known.product_id == sent.product_id)
    )
    session.execute(insert(known).from_select(list(new), unknown))
    expire(session, FeedRecordRow, DeliveryRecordRow)


def expire(session: Session, *kinds: type[FeedRecordRow] | type[DeliveryRecordRow]) -> None:
    """Lets rows in memory be read again after a statement has changed them in the database."""
    for row in session.identity_map.values():
        if isinstance(row, kinds):
            session.expire(row)


# --- events


def record_event(
    session: Session,
    *,
    what: str,
    now: datetime,
    who: str = "",
    partner: str = "",
    delivery: DeliveryRow | None = None,
    delivery_id: int | None = None,
    subject: str = "",
    bytes: int | None = None,
    seconds: float | None = None,
    sha256: str = "",
    host_key: str = "",
    detail: dict[str, Any] | None = None,
) -> EventRow:
    """Appends to the event table; nothing there is ever changed. Over-long texts are cut: the event matters more."""
    if delivery is not None:
        session.flush()
        partner, delivery_id = delivery.partner, delivery.id
    row = EventRow(
        at=now, who=who, what=what[:60], partner=partner, delivery_id=delivery_id, subject=subject[:800],
        bytes=bytes, seconds=seconds, sha256=sha256, host_key=host_key[:120], detail=detail or {},
    )  # fmt: skip
    session.add(row)
    return row


def _file(session: Session, file: FileRow | int) -> FileRow:
    file_id = file if isinstance(file, int) else file.id
    row = session.get(FileRow, file_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise PermanentError(f"there is no file {file_id} in any delivery")
    return row
