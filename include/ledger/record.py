"""The title record: all that Colophon knows of one work besides its metadata. Files and their versions, packages, readiness, history."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from include.errors import PermanentError
from include.ledger import title_files
from include.ledger.chunks import chunks
from include.ledger.file_rows import ContractRow, IntakeFileRow, PackageRow, ReadinessRow, ReviewRow, StageChangeRow, TitleFileRow
from include.ledger.models import ProductRow, WorkRow
from include.ledger.title_files import REMOVED

MOST = 500  # versions and packages that a page shows
OLDER = 10  # older versions of one thing, unless a kind or days were asked for
HAPPENINGS = 60


@dataclass(frozen=True, slots=True)
class Chain:
    """One thing and its versions, the current one first. `product` is None where it belongs to the whole work; `more`: number of
    versions that are not shown."""

    kind: str
    part: str
    product: ProductRow | None
    versions: tuple[TitleFileRow, ...]
    more: int = 0

    @property
    def current(self) -> TitleFileRow:
        return self.versions[0]


@dataclass(frozen=True, slots=True)
class Happening:
    at: datetime
    what: str
    who: str = ""
    about: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class TitleRecord:
    """`hidden`: number of the work's files that the reader's roles do not let through, whatever was asked for."""

    work: WorkRow
    products: tuple[ProductRow, ...]
    chains: tuple[Chain, ...]
    hidden: int
    readiness: dict[int, ReadinessRow]
    packages: tuple[PackageRow, ...]
    contracts: tuple[ContractRow, ...]
    history: tuple[Happening, ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to show of the files: of one product, of one kind, dated or arrived within these days (both included)."""

    product_id: int | None = None
    kind: str = ""
    since: date | None = None
    until: date | None = None

    @property
    def narrow(self) -> bool:
        """Whether all versions are wanted, not only the newest."""
        return bool(self.kind or self.since or self.until)


class _Line(NamedTuple):
    """What is needed of a version to choose it."""

    id: int
    kind: str
    part: str
    product_id: int | None
    state: str
    rank: int
    restricted: str
    dated: str
    modified: datetime | None
    attached_at: datetime


def record(
    session: Session, work_id: int, *, allowed: Callable[[str], bool], wanted: Wanted = Wanted(), contracts: bool = False
) -> TitleRecord:
    """One work's record, as far as `allowed(role)` lets its reader see it. `contracts`: also the mirror's contracts.

    Raises `PermanentError` if there is no such work.
    """
    work = session.get(WorkRow, work_id)
    if work is None:
        raise PermanentError(f"there is no work {work_id}", todo="Look the title up in the list.")
    products = tuple(session.scalars(select(ProductRow).where(ProductRow.work_id == work_id).order_by(ProductRow.id)))
    all_lines = _lines(session, work_id)
    lines = [line for line in all_lines if allowed(line.restricted)]
    packages = tuple(session.scalars(select(PackageRow).where(PackageRow.work_id == work_id).order_by(PackageRow.id.desc()).limit(MOST)))
    of_work = select(ContractRow).where(ContractRow.work_id == work_id, ContractRow.deleted_at.is_(None)).order_by(ContractRow.id)
    return TitleRecord(
        work=work,
        products=products,
        chains=_chains(session, [line for line in lines if _fits(line, wanted)], {row.id: row for row in products}, wanted.narrow),
        hidden=len(all_lines) - len(lines),
        readiness={row.product_id: row for row in session.scalars(select(ReadinessRow).where(ReadinessRow.work_id == work_id))},
        packages=packages,
        contracts=tuple(session.scalars(of_work)) if contracts else (),
        history=_history(session, work_id, {line.restricted for line in lines}, packages),
    )


def file_for(session: Session, file_id: int, allowed: Callable[[str], bool]) -> TitleFileRow:
    """One version, for a reader with these roles. Raises `PermanentError` if there is none that this reader may see."""
    row = session.get(TitleFileRow, file_id) if 0 < file_id < 2**63 else None  # the same words for what is hidden and what is not there
    if row is None or not allowed(row.restricted):
        raise PermanentError(f"there is no file {file_id} that you may see", todo="Ask for the role that the file's title page names.")
    return row


def files(session: Session, work_id: int, wanted: Wanted = Wanted(), *, allowed: Callable[[str], bool]) -> list[TitleFileRow]:
    """All versions of a work's files that were not removed and that `wanted` fits, the newest day first. Of one edition also those of
    the whole work."""
    lines = [line for line in _lines(session, work_id) if allowed(line.restricted) and _fits(line, wanted)]
    rows = _rows(session, [line.id for line in lines])
    return [rows[line.id] for line in sorted(lines, key=lambda line: (day_of(line), line.id), reverse=True)]


def day_of(file: TitleFileRow | _Line) -> date:
    """The day that a version belongs to: the one that its name or content says, else when it was last changed at its source, else
    when it came."""
    try:
        return date.fromisoformat(file.dated)
    except ValueError:
        return (file.modified or file.attached_at).date()


def roles_of(session: Session, sha256: str) -> set[str]:
    """Roles that are needed to see these bytes, wherever they are met: in a package, in a delivery."""
    query = select(TitleFileRow.restricted).where(TitleFileRow.sha256 == sha256, TitleFileRow.restricted != "")
    arrived = select(IntakeFileRow.restricted).where(IntakeFileRow.sha256 == sha256, IntakeFileRow.restricted != "")
    return {*session.scalars(query.distinct()), *session.scalars(arrived.distinct())}


def _lines(session: Session, work_id: int) -> list[_Line]:
    """The work's versions that were not removed."""
    columns = [getattr(TitleFileRow, name) for name in _Line._fields]
    query = select(*columns).where(TitleFileRow.work_id == work_id, TitleFileRow.state != REMOVED).order_by(TitleFileRow.id)
    return [_Line(*found) for found in session.execute(query)]


def _fits(line: _Line, wanted: Wanted) -> bool:
    if wanted.product_id is not None and line.product_id not in {None, wanted.product_id}:
        return False
    if wanted.kind and line.kind != wanted.kind:
        return False
    if wanted.since is None and wanted.until is None:
        return True
    day = day_of(line)
    return (wanted.since is None or day >= wanted.since) and (wanted.until is None or day <= wanted.until)


def _rows(session: Session, ids: Sequence[int]) -> dict[int, TitleFileRow]:
    """Versions by id, with their reviews."""
    found: dict[int, TitleFileRow] = {}
    for some in chunks(ids, MOST):
        query = select(TitleFileRow).where(TitleFileRow.id.in_(some)).options(selectinload(TitleFileRow.reviews))
        found |= {row.id: row for row in session.scalars(query)}
    return found


def _chains(session: Session, lines: Sequence[_Line], products: dict[int, ProductRow], whole: bool) -> tuple[Chain, ...]:
    """Versions by what they are of, the current one first; as many as a page can show."""
    grouped: dict[tuple[str, str, int], list[_Line]] = {}
    for line in lines:
        grouped.setdefault((line.kind, line.part, line.product_id or 0), []).append(line)
    room = max(MOST - len(grouped), 0)
    chosen: dict[tuple[str, str, int], list[int]] = {}
    for key in sorted(grouped)[:MOST]:
        grouped[key].sort(key=lambda line: (line.state != title_files.ATTACHED, -line.rank, -line.id))
        older = min(len(grouped[key]) - 1, room if whole else OLDER, room)
        room -= older
        chosen[key] = [line.id for line in grouped[key][: older + 1]]
    rows = _rows(session, [id for ids in chosen.values() for id in ids])
    return tuple(
        Chain(kind, part, products.get(product_id), tuple(rows[id] for id in ids), len(grouped[kind, part, product_id]) - len(ids))
        for (kind, part, product_id), ids in chosen.items()
    )


def _history(session: Session, work_id: int, roles: Collection[str], packages: Sequence[PackageRow]) -> tuple[Happening, ...]:
    """What happened last: stages, files of these roles, reviews, packages."""
    stages = select(StageChangeRow).where(StageChangeRow.work_id == work_id).order_by(StageChangeRow.id.desc()).limit(HAPPENINGS)
    found = [
        Happening(row.at, "stage", about=row.after, detail=f"from {row.before}" if row.before else "first seen")
        for row in session.scalars(stages)
    ]
    of_work = (TitleFileRow.work_id == work_id, TitleFileRow.state != REMOVED, TitleFileRow.restricted.in_(sorted(roles)))
    newest = select(TitleFileRow).where(*of_work).order_by(TitleFileRow.attached_at.desc(), TitleFileRow.id.desc()).limit(HAPPENINGS)
    for file in session.scalars(newest):
        detail = f"{file.kind}{f' {file.part}' if file.part else ''}{f', revision {file.revision}' if file.revision else ''}"
        found.append(Happening(file.attached_at, "attached", file.attached_by or file.source, file.name, detail))
    reviews = select(ReviewRow, TitleFileRow.name).join(TitleFileRow).where(*of_work, ReviewRow.at.is_not(None))
    for said, name in session.execute(reviews.order_by(ReviewRow.at.desc()).limit(HAPPENINGS)):
        if said.at is not None:
            found.append(Happening(said.at, said.verdict, said.who, name, f"{said.role}{f': {said.note}' if said.note else ''}"))
    for package in packages[:HAPPENINGS]:
        about = f"{package.flow.replace('_', ' ')} to {package.partner}, package {package.revision}"
        found.append(Happening(package.built_at, package.state, package.decided_by, about, package.subject))
    return tuple(sorted(found, key=lambda one: one.at, reverse=True)[:HAPPENINGS])
