"""Publishing → Migration: old archives, how far each has come, and the fate of every file."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from sqlalchemy import select
from sqlalchemy.orm import Session

from colophon.ui import roles, runs
from colophon.ui.quarantine import product_of_works
from colophon.ui.shell import Reading, User, render
from include.errors import ColophonError, PermanentError
from include.files.model import Kind
from include.intake.source import RIGHTS
from include.ledger import archives
from include.ledger.file_rows import ArchiveFileRow, Fate, IntakeFileRow
from include.partners import Archive, load_archive
from include.partners.registry import config_root

ROWS = 50
router = APIRouter()


def known() -> tuple[list[Archive], list[str]]:
    """All archives, switched off ones too, and what is wrong with the files that can't be read."""
    good, bad = [], []
    for path in sorted((config_root() / "archives").glob("*.toml")):
        try:
            good.append(load_archive(path.stem))
        except ColophonError as wrong:
            bad.append(str(wrong))
    return good, bad


@router.get("/migration", response_class=HTMLResponse)
def page(request: Request, session: Reading, user: User) -> HTMLResponse:
    now = datetime.now(UTC)
    found, broken = known()
    allowed = roles.may(user)
    shown = [(archive, archives.progress(session, archive.id, now)) for archive in found if allowed(archive.restricted)]
    return render(request, "migration.html", now=now, shown=shown, broken=broken, fates=[str(fate) for fate in Fate], refusal=runs.refusal)


@router.get("/migration/{archive_id}", response_class=HTMLResponse)
def files(
    request: Request, session: Reading, user: User, archive_id: str, fate: str = "", after: int = Query(0, ge=0, le=2**62)
) -> HTMLResponse:
    """Files of one archive by fate, fifty to a page."""
    archive = next((one for one in known()[0] if one.id == archive_id and roles.may(user)(one.restricted)), None)
    if archive is None:
        raise PermanentError(f"there is no archive {archive_id[:60]!r}", todo="Archives are the files in config/archives.")
    fate = fate if fate in set(Fate) else ""
    rows = archives.fates(session, archive.id, fate, after, ROWS + 1)
    shown = rows[:ROWS]
    now = datetime.now(UTC)
    return render(
        request,
        "migration_files.html",
        now=now,
        archive=archive,
        counts=archives.fate_counts(session, archive.id),
        fates=[str(one) for one in Fate],
        fate=fate,
        rows=shown,
        links=_links(session, shown),
        secret=() if roles.may(user)(RIGHTS) else (Kind.CONTRACT, Kind.STATEMENT),
        more=rows[ROWS - 1].id if len(rows) > ROWS else None,
        after=after,
    )


def _links(session: Session, rows: list[ArchiveFileRow]) -> dict[int, tuple[int, str]]:
    """Of files that are on a title: a product of its work, and where on its page the file is."""
    on_titles = {row.id: row.work_id for row in rows if row.work_id and row.fate in {Fate.ATTACHED, Fate.DUPLICATE, Fate.MATCHED}}
    arrivals = {row.intake_id for row in rows if row.intake_id and row.id in on_titles}
    query = select(IntakeFileRow.id, IntakeFileRow.title_file_id).where(IntakeFileRow.id.in_(arrivals))
    files = {row[0]: row[1] for row in session.execute(query)}
    products = product_of_works(session, on_titles)
    anchors = {row.id: f"#file-{files[row.intake_id]}" for row in rows if files.get(row.intake_id)}
    return {id: (product, anchors.get(id, "#h-files")) for id, product in products.items()}
