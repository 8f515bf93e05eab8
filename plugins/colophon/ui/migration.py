"""Publishing → Migration: old archives, how far each has come, and the fate of every file."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from colophon.ui import roles, runs
from colophon.ui.shell import Reading, User, render
from include.errors import ColophonError, PermanentError
from include.ledger import archives
from include.ledger.file_rows import Fate
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
    now = datetime.now(UTC)
    return render(
        request,
        "migration_files.html",
        now=now,
        archive=archive,
        progress=archives.progress(session, archive.id, now),
        fates=[str(one) for one in Fate],
        fate=fate,
        rows=rows[:ROWS],
        more=rows[ROWS - 1].id if len(rows) > ROWS else None,
        after=after,
    )
