"""The title record's files: versions, which one is current, who approved it. Every change is an event and can be undone.

Versions of one thing share (work, product, kind, part). The newest is `attached`, the others `superseded`: newest by revision, then by
its own date, then by arrival. What has no revision never supersedes what has one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from include.errors import PermanentError, RejectedData
from include.ledger.chunks import chunks
from include.ledger.deliveries import record_event
from include.ledger.file_rows import Approval, ReviewRow, TitleFileRow
from include.ledger.models import WorkRow

ATTACHED, SUPERSEDED, REMOVED = "attached", "superseded", "removed"


@dataclass(frozen=True, slots=True)
class NewTitleFile:
    """One version to attach; fields as in `TitleFileRow`. `review`: roles that must approve it, `approved`: it needs none."""

    work_id: int
    kind: str
    name: str
    bytes: int
    sha256: str
    product_id: int | None = None
    contract_id: int | None = None
    part: str = ""
    revision: str = ""
    rank: int = 0
    dated: str = ""
    media_type: str = ""
    restricted: str = ""
    source: str = ""
    source_path: str = ""
    modified: datetime | None = None
    preview: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    review: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Attached:
    """`row` is the version, new or known; `duplicate` if these bytes were on this title already; `current` if it is the newest;
    `before` is the version that it superseded."""

    row: TitleFileRow
    duplicate: bool
    current: bool
    before: TitleFileRow | None = None


def attach(session: Session, new: NewTitleFile, *, now: datetime, who: str = "") -> Attached:
    """Adds a version to its chain and settles which one is current. The same bytes on the same chain are one version; sent again as
    a newer revision (whoever sends a v5 that is v3 wants v3 back), that version is the newer one from then on."""
    in_turn(session, [new.work_id])
    chain = versions(session, new.work_id, new.kind, new.part, new.product_id, lock=True)
    known = next((row for row in chain if row.sha256 == new.sha256 and row.state != REMOVED), None)
    if known is not None:
        if new.rank > known.rank:
            _event(session, "file came again as a newer revision", known, now, who, {"was": known.revision, "is": new.revision})
            known.revision, known.rank, known.dated = new.revision, new.rank, new.dated or known.dated
            settle(session, chain, now=now, who=who)
        return Attached(known, duplicate=True, current=known.state == ATTACHED)
    before = next((row for row in chain if row.state == ATTACHED), None)
    values = {name: getattr(new, name) for name in NewTitleFile.__slots__ if name != "review"}
    row = TitleFileRow(
        **values, state=ATTACHED, attached_at=now, attached_by=who, approval=Approval.PENDING if new.review else Approval.NONE,
        reviews=[ReviewRow(role=role, verdict=Approval.PENDING) for role in new.review],
    )  # fmt: skip
    session.add(row)
    session.flush()
    _event(session, "file attached", row, now, who)
    settle(session, [*chain, row], now=now, who=who)
    return Attached(row, duplicate=False, current=row.state == ATTACHED, before=before if row.state == ATTACHED else None)


def was_removed(session: Session, work_id: int, kind: str, part: str, product_id: int | None, sha256: str) -> TitleFileRow | None:
    """The version of these bytes that somebody took off this chain, where it is not on it again."""
    same = [row for row in versions(session, work_id, kind, part, product_id) if row.sha256 == sha256]
    return same[-1] if same and all(row.state == REMOVED for row in same) else None


def settle(session: Session, chain: Sequence[TitleFileRow], *, now: datetime, who: str = "") -> TitleFileRow | None:
    """Marks the newest living version of a chain `attached` and the others `superseded`; gives the newest."""
    living = sorted((row for row in chain if row.state != REMOVED), key=_age)
    for older in living[:-1]:
        if older.state != SUPERSEDED or older.replaced_by_id != living[-1].id:
            if older.state != SUPERSEDED:
                _event(session, "file superseded", older, now, who, {"by": living[-1].id})
            older.state, older.replaced_by_id = SUPERSEDED, living[-1].id
    if not living:
        return None
    if living[-1].state != ATTACHED:
        _event(session, "file current again", living[-1], now, who)
    living[-1].state, living[-1].replaced_by_id = ATTACHED, None
    return living[-1]


def remove(session: Session, file_id: int, *, now: datetime, who: str, note: str = "") -> TitleFileRow:
    """Takes a version off its title (attached by mistake); the one before it is current again. The bytes stay in the store."""
    in_turn(session, [get(session, file_id).work_id])
    row = get(session, file_id, lock=True)
    if row.state == REMOVED:
        return row
    row.state, row.note = REMOVED, note or row.note
    _event(session, "file removed", row, now, who, {"note": note})
    session.flush()  # the chain is read anew
    settle(session, versions(session, row.work_id, row.kind, row.part, row.product_id, lock=True), now=now, who=who)
    return row


def review(session: Session, file_id: int, role: str, verdict: str, *, now: datetime, who: str, note: str = "") -> TitleFileRow:
    """One role's word on one version: `approved`, `rejected` (wants a note), or `pending` (takes it back).

    The version is approved once every asked role approved it, rejected as soon as one rejects. A role that was not asked may
    speak all the same, and is asked from then on. Raises `RejectedData` for a superseded or removed version, and for a rejection
    without a note.
    """
    if verdict not in {Approval.APPROVED, Approval.REJECTED, Approval.PENDING}:
        raise RejectedData(f"{verdict!r} is no verdict", where=f"file {file_id}", todo="approved, rejected or pending.")
    if verdict == Approval.REJECTED and not note.strip():
        raise RejectedData("a rejection needs a note", where=f"file {file_id}", todo="Say what must change.")
    row = get(session, file_id, lock=True)
    if row.state != ATTACHED:
        raise RejectedData(f"the file is {row.state}", where=f"file {file_id}, {row.name}", todo="Review the current version.")
    said = next((one for one in row.reviews if one.role == role), None)
    if said is None:
        said = ReviewRow(role=role)
        row.reviews.append(said)
    if (said.verdict, said.who, said.note) == (verdict, who, note):
        return row
    said.verdict, said.who, said.at, said.note = verdict, who, now, note
    verdicts = {one.verdict for one in row.reviews}
    overall = next((one for one in (Approval.REJECTED, Approval.PENDING, Approval.APPROVED) if one in verdicts), Approval.PENDING)
    row.approval, row.decided_by, row.decided_at, row.note = overall, who, now, note
    _event(session, f"file {verdict}", row, now, who, {"role": role, "note": note})
    return row


def in_turn(session: Session, work_ids: Iterable[int]) -> None:
    """Who changes files of a work waits here until whoever does so now has committed: a chain without versions has no row to lock.
    Works that one transaction changes are best named together, so that two transactions don't wait for each other."""
    wanted = sorted(set(work_ids))
    session.execute(select(WorkRow.id).where(WorkRow.id.in_(wanted)).order_by(WorkRow.id).with_for_update(key_share=True)).all()


def get(session: Session, file_id: int, *, lock: bool = False) -> TitleFileRow:
    """Raises `PermanentError` if there is no such version."""
    row = session.get(TitleFileRow, file_id, with_for_update=lock or None, populate_existing=lock)
    if row is None:
        raise PermanentError(f"there is no file {file_id}", todo="Look at the title's page.")
    return row


def read(session: Session, ids: Sequence[int]) -> list[TitleFileRow]:
    """These versions, in no order."""
    return [row for some in chunks(ids) for row in session.scalars(select(TitleFileRow).where(TitleFileRow.id.in_(some)))]


def versions(
    session: Session, work_id: int, kind: str, part: str = "", product_id: int | None = None, *, lock: bool = False
) -> list[TitleFileRow]:
    """One chain, removed versions too, oldest arrival first."""
    same = TitleFileRow.product_id.is_(None) if product_id is None else TitleFileRow.product_id == product_id
    query = select(TitleFileRow).where(TitleFileRow.work_id == work_id, TitleFileRow.kind == kind, TitleFileRow.part == part, same)
    if lock:  # as they are now, not as this session read them before
        query = query.with_for_update().execution_options(populate_existing=True)
    return list(session.scalars(query.order_by(TitleFileRow.id)))


def files_of(
    session: Session, work_id: int, *, product_id: int | None = None, kinds: Collection[str] = (), current: bool = False
) -> list[TitleFileRow]:
    """A work's files that were not removed, by kind, part and age. With `product_id` those of this edition and those of the whole work."""
    query = select(TitleFileRow).where(TitleFileRow.work_id == work_id, TitleFileRow.state != REMOVED)
    if product_id is not None:
        query = query.where((TitleFileRow.product_id == product_id) | TitleFileRow.product_id.is_(None))
    if kinds:
        query = query.where(TitleFileRow.kind.in_(list(kinds)))
    if current:
        query = query.where(TitleFileRow.state == ATTACHED)
    return list(session.scalars(query.order_by(TitleFileRow.kind, TitleFileRow.part, TitleFileRow.rank, TitleFileRow.id)))


def _age(row: TitleFileRow) -> tuple[int, bool, str, int]:
    return row.rank, row.revision.endswith(" final"), row.dated, row.id


def _event(session: Session, what: str, row: TitleFileRow, now: datetime, who: str, detail: dict[str, Any] | None = None) -> None:
    about = {"title_file": row.id, "work": row.work_id, "product": row.product_id, "kind": row.kind, "revision": row.revision}
    record_event(session, what=what, now=now, who=who, subject=row.name, bytes=row.bytes, sha256=row.sha256, detail=about | (detail or {}))
