"""The account of a walk: every file that the archive listed has one fate, and the sums agree. Else it says which do not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.orm import Session

from include.errors import PermanentError
from include.ledger import archive_listing, archives
from include.ledger import intake as arrivals
from include.ledger.database import Ledger
from include.ledger.file_rows import ArchiveFileRow, Fate, IntakeFileRow, IntakeState, TitleFileRow
from include.ledger.intake import OPEN
from include.ledger.title_files import REMOVED
from include.partners import Archive

BATCH = 1_000
SHOWN = 50  # files and folders that an error names; the report has them all


@dataclass(frozen=True, slots=True)
class Account:
    """`listed` is what the folders came to, `fates` what the files did; `open_files` have no fate yet."""

    archive: str
    walk: int
    listed_files: int
    listed_bytes: int
    files: int
    bytes: int
    folders: int
    open_folders: int
    left_out: int
    fates: dict[str, int] = field(default_factory=dict)
    changes: dict[str, int] = field(default_factory=dict)
    open_files: tuple[str, ...] = ()
    unlisted: tuple[tuple[str, str], ...] = ()  # folders that could not be listed, and why
    copies: int = 0  # found to be duplicates of a file that came later

    @property
    def errors(self) -> list[str]:
        """What does not add up; empty when all is well. Folders that can't be listed are no mistake of ours, but nobody knows their
        files: they are told here, too."""
        wrong = []
        if self.open_folders:
            wrong.append(f"{self.open_folders} folders were never listed")
        if self.open_files:
            wrong.append(f"{len(self.open_files)} files or more have no fate: {', '.join(self.open_files[:SHOWN])}")
        if (self.files, self.bytes) != (self.listed_files, self.listed_bytes):
            wrong.append(
                f"the archive listed {self.listed_files:,} files with {self.listed_bytes:,} bytes, "
                f"the ledger has {self.files:,} with {self.bytes:,}"
            )
        if sum(self.fates.values()) != self.files:
            wrong.append(f"the fates add up to {sum(self.fates.values()):,} files instead of {self.files:,}")
        return wrong

    @property
    def ok(self) -> bool:
        return not self.errors

    def to_json(self) -> dict[str, Any]:
        return {
            "listed_files": self.listed_files, "listed_bytes": self.listed_bytes, "files": self.files, "bytes": self.bytes,
            "folders": self.folders, "left_out": self.left_out, "fates": self.fates, "changes": self.changes, "copies": self.copies,
            "unlisted": [list(each) for each in self.unlisted[:SHOWN]], "errors": self.errors,
        }  # fmt: skip


def reconcile(ledger: Ledger, archive: Archive, number: int, now: datetime) -> Account:
    """Settles what only the whole can tell (copies of files whose title was found later), adds up, and ends the walk.

    Raises `PermanentError`, with the list, when something does not add up; the walk then stays open.
    """
    copies = _settle_copies(ledger, archive.id, now)
    with ledger.session() as session:
        account = add_up(session, archive.id, number, copies)
        row = archives.walk(session, archive.id, number, lock=True)
        archives.count(row, account=account.to_json())
        if account.ok:
            row.phase, row.ended_at = archives.DONE, row.ended_at or now
    if not account.ok:
        raise PermanentError(
            f"the account of walk {number} does not add up: {'; '.join(account.errors)}",
            where=archive.name,
            todo="Start the flow again: it goes on with what is open. If it stays so, see docs/runbook, Archive migration.",
        )
    return account


def add_up(session: Session, archive: str, number: int, copies: int = 0) -> Account:
    """The account as the ledger has it now."""
    file = ArchiveFileRow
    seen = (file.archive == archive, file.seen_in == number)
    listed = archive_listing.listing(session, archive, number)
    files, size = session.execute(select(func.count(), func.sum(file.bytes)).where(*seen)).one()
    waiting = and_(*seen, or_(file.fate == Fate.WAITING, and_(file.fate.in_(archives.PLANS), file.sha256 == "")))
    left = session.scalars(select(file.path).where(waiting).order_by(file.id).limit(1000)).all()
    fates = {str(name): int(count) for name, count in session.execute(select(file.fate, func.count()).where(*seen).group_by(file.fate))}
    changes = {
        str(name): int(count) for name, count in session.execute(select(file.change, func.count()).where(*seen).group_by(file.change))
    }
    gone = session.scalar(select(func.count()).where(file.archive == archive, file.fate == Fate.VANISHED, file.change == "vanished")) or 0
    return Account(
        archive, number, listed.files, listed.bytes, int(files), int(size or 0), listed.folders, listed.open_folders, listed.left_out,
        fates, changes | ({"vanished": gone} if gone else {}), tuple(left), tuple(archive_listing.problems(session, archive, number)),
        copies,
    )  # fmt: skip


def _settle_copies(ledger: Ledger, archive: str, now: datetime) -> int:
    """First what people have decided meanwhile. Then files that nobody knew what to do with, whose bytes are on a title already or
    came twice: duplicates. Which of two copies came first depends on the workers; after this it no longer matters, and nobody is
    asked twice about the same bytes."""
    file = ArchiveFileRow
    done = after = 0
    while True:
        with ledger.session() as session:
            rows = list(
                session.execute(
                    select(file.id, file.path, file.sha256, file.intake_id)
                    .where(file.archive == archive, file.fate.in_((Fate.PROPOSED, Fate.UNKNOWN)), file.sha256 != "", file.id > after)
                    .order_by(file.id)
                    .limit(BATCH)
                )
            )
            if not rows:
                return done
            after = rows[-1].id
            hashes = sorted({row.sha256 for row in rows})
            on_titles = _on_titles(session, hashes)
            first = _first(session, archive, hashes)
            decided = _decided(session, rows)
            for row in rows:
                if (arrival := decided.get(row.intake_id)) is not None:
                    _follow(session, row, arrival)
                    continue
                if (version := on_titles.get(row.sha256)) is not None:
                    _copy(session, row, f"the same bytes are on a title as {version.name}", now, title_file=version)
                elif row.sha256 in first and first[row.sha256].id != row.intake_id:
                    _copy(session, row, f"the same bytes as {first[row.sha256].path}", now, of=first[row.sha256].id)
                else:
                    continue
                done += 1


def _decided(session: Session, rows: Sequence[Any]) -> dict[int, IntakeFileRow]:
    """Arrivals that a person has decided about since."""
    ids = [row.intake_id for row in rows if row.intake_id is not None]
    states = (IntakeState.ATTACHED, IntakeState.SUPERSEDED, IntakeState.DUPLICATE)
    query = select(IntakeFileRow).where(IntakeFileRow.id.in_(ids), IntakeFileRow.state.in_(states))
    return {row.id: row for row in session.scalars(query)}


def _follow(session: Session, row: Any, arrival: IntakeFileRow) -> None:
    """The fate that a person gave a file on the page Quarantine."""
    version = session.get(TitleFileRow, arrival.title_file_id) if arrival.title_file_id else None
    fate = Fate.DUPLICATE if arrival.state == IntakeState.DUPLICATE else Fate.ATTACHED
    values = {"fate": fate, "reason": f"{arrival.decided_by or 'a person'} decided", "work_id": version.work_id if version else None}
    session.execute(update(ArchiveFileRow).where(ArchiveFileRow.id == row.id).values(**values))


def _on_titles(session: Session, hashes: list[str]) -> dict[str, TitleFileRow]:
    query = select(TitleFileRow).where(TitleFileRow.sha256.in_(hashes), TitleFileRow.state != REMOVED).order_by(TitleFileRow.id.desc())
    return {row.sha256: row for row in session.scalars(query)}


def _first(session: Session, archive: str, hashes: list[str]) -> dict[str, IntakeFileRow]:
    """By hash, the archive's first arrival that is still a person's to decide about."""
    row = IntakeFileRow
    query = select(row).where(
        row.sha256.in_(hashes), row.inbox == f"archive:{archive}", row.parent_id.is_(None), row.state.in_((*OPEN, IntakeState.UNPACKED))
    )
    return {arrival.sha256: arrival for arrival in session.scalars(query.order_by(row.id.desc()))}


def _copy(session: Session, row: Any, why: str, now: datetime, *, title_file: TitleFileRow | None = None, of: int | None = None) -> None:
    values: dict[str, Any] = {"fate": Fate.DUPLICATE, "reason": why}
    if title_file is not None:
        values["work_id"] = title_file.work_id
    session.execute(update(ArchiveFileRow).where(ArchiveFileRow.id == row.id).values(**values))
    arrival = session.get(IntakeFileRow, row.intake_id, with_for_update=True) if row.intake_id else None
    if arrival is None:
        return
    closed = [arrival, *(arrivals.members(session, arrival.id) if arrival.state == IntakeState.UNPACKED else ())]
    for each in closed:
        if each.state in OPEN:
            each.state, each.decided_at, each.reasons, each.proposals = IntakeState.DUPLICATE, now, [], []
            each.duplicate_of_id = of
            each.title_file_id = title_file.id if title_file is not None else None
