"""Downloads, and the pages' own style and script."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from fastapi import APIRouter, HTTPException
from fastapi.responses import FileResponse, Response, StreamingResponse

from colophon.ui import roles, shell
from colophon.ui.shell import STATIC, Reading, User
from include.errors import PermanentError
from include.ledger import questions, rights, statements
from include.ledger.backups import FLOW as BACKUP
from include.ledger.models import FileRow
from include.ledger.record import roles_of
from include.store.artefacts import CHUNK

router = APIRouter()
ROLES = {statements.FLOW: statements.ROLE, rights.FLOW: rights.ROLE}
"""Who may fetch what a flow has delivered, where not everybody may."""
KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


@router.get("/static/{name}")
def static(name: str) -> Response:
    path = STATIC / name
    if path.parent != STATIC or path.suffix not in KINDS or not path.is_file():
        raise PermanentError("there is no such file")
    return FileResponse(path, media_type=KINDS[path.suffix], headers={"Cache-Control": "private, max-age=86400"})


@router.get("/deliveries/{delivery_id}/files/{file_id}")
def artefact(session: Reading, user: User, delivery_id: int, file_id: int) -> Response:
    """The bytes that were sent, to be saved: never shown in the page's place, whatever they are. What only a role may see on a title,
    only this role gets here; a backup, which holds everything, only an admin."""
    file = session.get(FileRow, file_id) if 0 < file_id < 2**63 else None
    if file is None or file.delivery_id != delivery_id:
        raise PermanentError(f"delivery {delivery_id} has no file {file_id}", todo="Look at the delivery's page.")
    if file.delivery.flow == BACKUP and not roles.is_admin(user):
        raise HTTPException(403, "A backup holds restricted files too: only an admin may fetch from it.")
    if role := ROLES.get(file.delivery.flow):
        roles.must(user, role)
    for role in roles_of(session, file.sha256):
        roles.must(user, role)
    return saved(file.name, file.sha256)


def may_fetch(user: BaseUser, flow: str) -> bool:
    """Whether the files of this flow's deliveries are this user's to fetch; single ones may still be restricted."""
    return roles.is_admin(user) if flow == BACKUP else roles.may(user)(ROLES.get(flow, ""))


@router.get("/partners/{partner_id}/rejects.csv")
def rejects(session: Reading, partner_id: str) -> Response:
    """Titles that are held back from a partner now: a line for each title and reason."""
    from include.deliveries.preview import rejects_csv
    from include.feeds.record import Reason

    if shell.party_or_none(partner_id) is None:
        raise PermanentError(f"there is no partner {partner_id[:60]!r}")

    def held() -> Iterator[tuple[int, str, list[Reason]]]:
        after = 0
        while rows := questions.held(session, partner_id, after=after, limit=1000):
            for row in rows:
                reasons = [
                    Reason(reason.get("code", ""), reason.get("message", ""), reason.get("todo", ""), reason.get("path", ""))
                    for reason in row.reasons
                ]
                yield row.product_id, row.isbn, reasons
            after = rows[-1].product_id

    return Response(rejects_csv(held()), media_type="text/csv", headers={"Content-Disposition": attachment(f"rejects-{partner_id}.csv")})


def saved(name: str, sha256: str) -> Response:
    """Bytes of the store, to be saved under this name: never shown in the page's place, whatever they are."""
    store = shell.store()
    stream = store.open(sha256)

    def chunks() -> Iterator[bytes]:
        with stream:
            while chunk := stream.read(CHUNK):
                yield chunk

    headers = {"Content-Disposition": attachment(name), "Content-Length": str(store.size(sha256)), "ETag": f'"{sha256}"'}
    return StreamingResponse(chunks(), media_type="application/octet-stream", headers=headers)


def attachment(name: str) -> str:
    """RFC 6266: the name for every browser, quoted so that it can't end the header."""
    plain = "".join(character if character.isascii() and (character.isalnum() or character in "._- ") else "_" for character in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
