"""Packages as transactions: which one waits, goes, was replaced, and what stops one at the last moment.

A package is known by what is in it (partner, flow, subject, digest). Its state follows from its delivery's; `settle` brings the
two together, also after a run that was killed between them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from include.errors import PermanentError
from include.ledger import deliveries
from include.ledger.file_rows import Approval, PackageRow, TitleFileRow
from include.ledger.models import DeliveryRow, PartnerRow, ProductRow
from include.ledger.models import DeliveryState as S
from include.ledger.title_files import ATTACHED

WAITING = "waiting"  # something is missing: nothing goes
BUILT = "built"  # ready to go, or under way
HELD = "held"  # a person must look at it first, or said no
STOPPED = "stopped"  # what is in it may not leave any more
DELIVERED = "delivered"
REPLACED = "replaced"  # a newer one took its place, before or after it left
UNSENT = (BUILT, HELD, STOPPED)

_FOLLOWS = {  # delivery's state → the package's; others leave it as it is
    S.PREPARED: BUILT, S.SENDING: BUILT, S.FAILED: BUILT, S.AWAITING_APPROVAL: HELD, S.DECLINED: HELD, S.WITHDRAWN: REPLACED,
    S.DELIVERED: DELIVERED, S.ACKNOWLEDGED: DELIVERED, S.REJECTED: DELIVERED,
}  # fmt: skip


class Stopped(PermanentError):
    """A package that may not leave any more. `reasons` are [{code, message, todo, where}]."""

    def __init__(self, what: str, *, where: str = "", todo: str = "", reasons: Sequence[dict[str, Any]] = ()) -> None:
        super().__init__(what, where=where, todo=todo)
        self.reasons = list(reasons)


def of_subject(session: Session, partner: str, flow: str, subject: str) -> list[PackageRow]:
    """All packages of a subject for a partner, oldest first."""
    query = select(PackageRow).where(PackageRow.partner == partner, PackageRow.flow == flow, PackageRow.subject == subject)
    return list(session.scalars(query.order_by(PackageRow.id)))


def find(session: Session, partner: str, flow: str, subject: str, digest: str) -> PackageRow | None:
    return session.scalar(
        select(PackageRow).where(
            PackageRow.partner == partner, PackageRow.flow == flow, PackageRow.subject == subject, PackageRow.digest == digest
        )
    )


def of_delivery(session: Session, delivery_id: int) -> PackageRow | None:
    """The package that a delivery carries, if it carries one."""
    return session.scalar(select(PackageRow).where(PackageRow.delivery_id == delivery_id))


def get(session: Session, package_id: int) -> PackageRow:
    """Raises `PermanentError` if there is no such package."""
    row = session.get(PackageRow, package_id)
    if row is None:
        raise PermanentError(f"there is no package {package_id}", todo="Look at the title's page.")
    return row


def to_send(session: Session, row: PackageRow) -> int | None:
    """The delivery of a package that is to go now; None where it has arrived, was declined, or waits for a person."""
    if row.delivery_id is None or row.state == DELIVERED:
        return None
    sendable = {S.PREPARED, S.SENDING, S.FAILED}
    return row.delivery_id if deliveries.get(session, row.delivery_id).state in sendable else None


def last_delivered(session: Session, partner: str, flow: str, subject: str) -> PackageRow | None:
    """What the partner has of a subject."""
    query = select(PackageRow).where(
        PackageRow.partner == partner, PackageRow.flow == flow, PackageRow.subject == subject, PackageRow.state == DELIVERED
    )
    return session.scalar(query.order_by(PackageRow.revision.desc()).limit(1))


def products_delivered(session: Session, partner: str, flow: str) -> set[int]:
    """Products of which the partner has a package."""
    query = select(PackageRow.product_id).where(PackageRow.partner == partner, PackageRow.flow == flow, PackageRow.state == DELIVERED)
    return {id for id in session.scalars(query) if id is not None}


def next_revision(session: Session, partner: str, flow: str, subject: str) -> int:
    """1, 2, ... A revision that was built and never left is a gap."""
    query = select(func.max(PackageRow.revision))
    highest = session.scalar(query.where(PackageRow.partner == partner, PackageRow.flow == flow, PackageRow.subject == subject))
    return (highest or 0) + 1


def in_turn(session: Session, partner: str) -> None:
    """Who writes packages of one partner waits here until whoever does so now has committed."""
    if session.get(PartnerRow, partner, with_for_update=True) is not None:
        return
    try:
        with session.begin_nested():
            session.add(PartnerRow(id=partner, last_message_number=0, full_resend=False))
    except IntegrityError:
        session.get(PartnerRow, partner, with_for_update=True, populate_existing=True)


def wait(
    session: Session,
    partner: str,
    flow: str,
    subject: str,
    reasons: Sequence[dict[str, Any]],
    *,
    now: datetime,
    who: str = "",
    work_id: int | None = None,
    product_id: int | None = None,
) -> PackageRow:
    """Writes down that a subject has to wait, and why; one row for each subject, changed only when the reasons are.

    What was built before and has not left is stopped: it is not what would go now.
    """
    in_turn(session, partner)
    row = find(session, partner, flow, subject, WAITING)
    stop_unsent(session, partner, flow, subject, reasons, now=now, who=who)
    if row is None:
        row = PackageRow(
            partner=partner, flow=flow, subject=subject, digest=WAITING, revision=0, state=WAITING, work_id=work_id, product_id=product_id,
            built_at=now, reasons=list(reasons),
        )  # fmt: skip
        session.add(row)
    elif row.reasons == list(reasons):
        return row
    else:
        row.reasons, row.built_at = list(reasons), now
    _event(session, "package waits", row, now, who, {"reasons": list(reasons)})
    session.flush()
    return row


def waits_no_more(session: Session, partner: str, flow: str, subject: str) -> None:
    """Takes away the note that a subject waits."""
    row = find(session, partner, flow, subject, WAITING)
    if row is not None:
        session.execute(delete(PackageRow).where(PackageRow.id == row.id))  # another worker may be first


def stop_unsent(
    session: Session,
    partner: str,
    flow: str,
    subject: str,
    reasons: Sequence[dict[str, Any]],
    *,
    now: datetime,
    who: str = "",
    keep: int = 0,
) -> list[int]:
    """Stops every package of a subject that has not left, but `keep`; gives their ids."""
    stopped = []
    for row in of_subject(session, partner, flow, subject):
        if row.id != keep and row.state in {BUILT, HELD}:
            stop(session, row, reasons, now=now, who=who)
            stopped.append(row.id)
    return stopped


def stop(
    session: Session, row: PackageRow, reasons: Sequence[dict[str, Any]], *, now: datetime, who: str = "", state: str = STOPPED
) -> None:
    """Takes a package that has not left out of the way: its delivery is withdrawn."""
    if row.delivery_id is not None:
        delivery = deliveries.get(session, row.delivery_id, lock=True)
        if delivery.delivered_at is None and delivery.state in {S.PREPARED, S.AWAITING_APPROVAL, S.SENDING, S.FAILED}:
            deliveries.move(session, delivery, S.WITHDRAWN, now=now, who=who, detail={"reasons": list(reasons)})
    row.state, row.reasons = state, list(reasons)
    _event(session, f"package {state}", row, now, who, {"reasons": list(reasons)})
    session.flush()


def unfit(session: Session, row: PackageRow) -> list[dict[str, Any]]:
    """Why a package may not leave now: a newer one is at the partner, its product is gone or has another ISBN, a file is not approved,
    not current, restricted or gone; [] if it may."""
    reasons = [*_outdated(session, row)]
    for file in row.files:
        if file.title_file_id is None:
            continue
        version = session.get(TitleFileRow, file.title_file_id, populate_existing=True)
        if version is None or version.state != ATTACHED:
            state = "gone" if version is None else version.state
            reasons.append(_reason("not-current", f"{file.name} is made from a version that is {state}", file.name))
        elif version.approval != Approval.APPROVED:
            state = version.approval or "not approved by anybody"
            reasons.append(_reason("not-approved", f"{file.name} is made from a version that is {state}", file.name))
        elif version.restricted:
            reasons.append(_reason("restricted", f"{file.name} is made from a version that only {version.restricted} may see", file.name))
    return reasons


def _outdated(session: Session, row: PackageRow) -> Iterator[dict[str, Any]]:
    """A package that is sent again must not undo a newer one, nor go under a number that is not the product's any more."""
    if row.state == REPLACED:
        last = last_delivered(session, row.partner, row.flow, row.subject)
        newer = f"the partner has revision {last.revision} of it" if last else "a newer one took its place"
        yield {"code": "replaced", "message": newer, "where": row.subject, "todo": "Redeliver the newest one."}
    product = session.get(ProductRow, row.product_id) if row.product_id is not None else None
    if product is not None and product.deleted_at is not None:
        yield {"code": "product-gone", "message": "the product was deleted in Consonance", "where": row.subject, "todo": "Nothing."}
    elif product is not None and row.subject.isdigit() and product.isbn != row.subject:
        message = f"the product's ISBN is {product.isbn or 'empty'} now"
        yield {"code": "isbn-changed", "message": message, "where": row.subject, "todo": "The next run builds it under its own number."}


def refuse_unfit(session: Session, delivery: DeliveryRow, *, now: datetime, who: str = "") -> Stopped | None:
    """Looks once more, right before a delivery is sent. If it carries a package that may not leave, the package is stopped (unless
    it has left before) and the error is given, for the caller to raise once this is written down."""
    row = of_delivery(session, delivery.id)
    if row is None or not (reasons := unfit(session, row)):
        return None
    if delivery.delivered_at is None and row.state != REPLACED:
        stop(session, row, reasons, now=now, who=who)
    sentences = "; ".join(reason["message"] for reason in reasons)
    where = f"{row.partner}, {row.subject} r{row.revision}"
    return Stopped(f"the package may not leave: {sentences}", where=where, todo=str(reasons[0]["todo"]), reasons=reasons)


def settle(session: Session, partner: str, flow: str, *, now: datetime, who: str = "", subject: str = "") -> None:
    """Brings the packages' states in line with their deliveries'. A package that arrived replaces those that arrived before it."""
    query = select(PackageRow, DeliveryRow).join(DeliveryRow, DeliveryRow.id == PackageRow.delivery_id)
    query = query.where(PackageRow.partner == partner, PackageRow.flow == flow, PackageRow.state.in_([BUILT, HELD, STOPPED]))
    if subject:
        query = query.where(PackageRow.subject == subject)
    for row, delivery in session.execute(query.order_by(PackageRow.id)).all():
        state = _FOLLOWS[S(delivery.state)]
        if state == row.state or (row.state == STOPPED and state != DELIVERED):
            continue
        row.state = state
        if state == DELIVERED:
            row.reasons = []
            _event(session, "package delivered", row, now, who, {"replaces": row.replaces_id})
            for older in of_subject(session, partner, flow, row.subject):
                if older.state == DELIVERED and older.revision < row.revision:
                    older.state = REPLACED
                    _event(session, "package replaced", older, now, who, {"by": row.id})
    session.flush()


def decide(session: Session, package_id: int, *, approved: bool, now: datetime, who: str = "") -> PackageRow:
    """A person lets a package go in spite of what the checks found, or holds it back; `who` empty: nobody answered in time, which is
    a no. Does nothing to one that does not wait for an answer."""
    row = get(session, package_id)
    delivery = deliveries.get(session, row.delivery_id or 0, lock=True)
    if delivery.state != S.AWAITING_APPROVAL:
        return row
    if approved:
        deliveries.approve(session, delivery, now=now, who=who)
        row.state = BUILT
    else:
        note = f"{who} said no." if who else "Nobody answered in time."
        deliveries.decline(session, delivery, now=now, who=who or "colophon", note=note)
        row.reasons = [*row.reasons, {"code": "declined", "message": note}]
    row.decided_by, row.decided_at = who, now
    _event(session, "package approved" if approved else "package declined", row, now, who or "colophon", {})
    session.flush()
    return row


def settle_delivery(session: Session, delivery: DeliveryRow, *, now: datetime, who: str = "") -> None:
    """As `settle`, for the one package that a delivery carries, if it carries one."""
    row = of_delivery(session, delivery.id)
    if row is not None:
        settle(session, row.partner, row.flow, now=now, who=who, subject=row.subject)


def _reason(code: str, message: str, where: str) -> dict[str, Any]:
    todo = "Approve the current version on the title's page; the next run sends it."
    return {"code": code, "message": message, "where": where, "todo": todo}


def _event(session: Session, what: str, row: PackageRow, now: datetime, who: str, detail: dict[str, Any]) -> None:
    about = {"package": row.id, "flow": row.flow, "revision": row.revision, "work": row.work_id, "product": row.product_id}
    deliveries.record_event(
        session, what=what, now=now, who=who, partner=row.partner, delivery_id=row.delivery_id, subject=row.subject, detail=about | detail
    )


def subjects_unsent(session: Session, partner: str, flow: str) -> list[str]:
    """Subjects of which something was built that has not left."""
    query = select(PackageRow.subject).where(PackageRow.partner == partner, PackageRow.flow == flow, PackageRow.state.in_([BUILT, HELD]))
    return sorted(set(session.scalars(query)))
