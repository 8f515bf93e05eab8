"""The title record: all that Colophon knows of one work besides its metadata. Files and their versions, packages, readiness, history."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from include.errors import PermanentError
from include.ledger import title_files
from include.ledger.file_rows import ContractRow, PackageRow, ReadinessRow, StageChangeRow, TitleFileRow
from include.ledger.models import ProductRow, WorkRow
from include.ledger.title_files import REMOVED

MOST = 500  # versions, packages and happenings that a page shows


@dataclass(frozen=True, slots=True)
class Chain:
    """One thing and its versions, the current one first. `product` is None where it belongs to the whole work."""

    kind: str
    part: str
    product: ProductRow | None
    versions: tuple[TitleFileRow, ...]

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
    """`hidden`: number of files that the reader's roles do not let through."""

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
    kept = _files(session, work_id, wanted)
    shown = [row for row in kept if allowed(row.restricted)]
    packages = tuple(session.scalars(select(PackageRow).where(PackageRow.work_id == work_id).order_by(PackageRow.id.desc()).limit(MOST)))
    of_work = select(ContractRow).where(ContractRow.work_id == work_id, ContractRow.deleted_at.is_(None)).order_by(ContractRow.id)
    return TitleRecord(
        work=work,
        products=products,
        chains=_chains(shown, {row.id: row for row in products}),
        hidden=len(kept) - len(shown),
        readiness={row.product_id: row for row in session.scalars(select(ReadinessRow).where(ReadinessRow.work_id == work_id))},
        packages=packages,
        contracts=tuple(session.scalars(of_work)) if contracts else (),
        history=_history(session, work_id, shown, packages),
    )


def file_for(session: Session, file_id: int, allowed: Callable[[str], bool]) -> TitleFileRow:
    """One version, for a reader with these roles. Raises `PermanentError` if there is none that this reader may see."""
    row = title_files.get(session, file_id) if 0 < file_id < 2**63 else None
    if row is None or not allowed(row.restricted):
        raise PermanentError(f"there is no file {file_id} that you may see", todo="Ask for the role that the file's title page names.")
    return row


def _files(session: Session, work_id: int, wanted: Wanted) -> list[TitleFileRow]:
    query = select(TitleFileRow).where(TitleFileRow.work_id == work_id, TitleFileRow.state != REMOVED)
    if wanted.product_id is not None:
        query = query.where((TitleFileRow.product_id == wanted.product_id) | TitleFileRow.product_id.is_(None))
    if wanted.kind:
        query = query.where(TitleFileRow.kind == wanted.kind)
    rows = session.scalars(query.order_by(TitleFileRow.kind, TitleFileRow.part, TitleFileRow.id.desc()).limit(MOST))
    return [row for row in rows if _within(row, wanted)]


def _within(row: TitleFileRow, wanted: Wanted) -> bool:
    day = date.fromisoformat(row.dated) if row.dated else (row.modified or row.attached_at).date()
    return (wanted.since is None or day >= wanted.since) and (wanted.until is None or day <= wanted.until)


def _chains(rows: Sequence[TitleFileRow], products: dict[int, ProductRow]) -> tuple[Chain, ...]:
    grouped: dict[tuple[str, str, int | None], list[TitleFileRow]] = {}
    for row in rows:
        grouped.setdefault((row.kind, row.part, row.product_id), []).append(row)
    return tuple(
        Chain(
            kind,
            part,
            products.get(product_id or 0),
            tuple(sorted(versions, key=lambda v: (v.state != title_files.ATTACHED, -v.rank, -v.id))),
        )
        for (kind, part, product_id), versions in grouped.items()
    )


def _history(session: Session, work_id: int, files: Sequence[TitleFileRow], packages: Sequence[PackageRow]) -> tuple[Happening, ...]:
    found = [
        Happening(row.at, "stage", about=row.after, detail=f"from {row.before}" if row.before else "first seen")
        for row in session.scalars(
            select(StageChangeRow).where(StageChangeRow.work_id == work_id).order_by(StageChangeRow.id.desc()).limit(MOST)
        )
    ]
    for file in files:
        detail = f"{file.kind}{f' {file.part}' if file.part else ''}{f', revision {file.revision}' if file.revision else ''}"
        found.append(Happening(file.attached_at, "attached", file.attached_by or file.source, file.name, detail))
        found += [
            Happening(said.at, said.verdict, said.who, file.name, f"{said.role}{f': {said.note}' if said.note else ''}")
            for said in file.reviews
            if said.at is not None
        ]
    for package in packages:
        about = f"{package.flow.replace('_', ' ')} to {package.partner}, package {package.revision}"
        found.append(Happening(package.built_at, package.state, package.decided_by, about, package.subject))
    return tuple(sorted(found, key=lambda one: one.at, reverse=True)[:MOST])
