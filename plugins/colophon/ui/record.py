"""A title's files: download, preview, review (approve, reject with a note), take off. Restricted files only for their role."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from colophon.ui import roles, runs, shell
from colophon.ui.files import saved
from colophon.ui.shell import Reading, Typed, User
from include.errors import ConfigurationError, PermanentError
from include.ledger import title_files
from include.ledger.file_rows import Approval
from include.ledger.record import file_for

APPROVED = "approved_files"  # the flow that takes approved files on
router = APIRouter()


class Verdict(BaseModel):
    model_config = ConfigDict(extra="forbid")
    role: Typed = Field(max_length=31)
    verdict: Literal["approved", "rejected", "pending"]
    note: Typed = Field("", max_length=2000)


class Removal(BaseModel):
    model_config = ConfigDict(extra="forbid")
    note: Typed = Field(min_length=1, max_length=2000)


@router.get("/title-files/{file_id}")
def download(session: Reading, user: User, file_id: int) -> Response:
    """The bytes as they came, to be saved: never shown in the page's place, whatever they are."""
    row = file_for(session, file_id, roles.may(user))
    return saved(row.name, row.sha256)


@router.get("/title-files/{file_id}/preview")
def preview(session: Reading, user: User, file_id: int) -> Response:
    """The preview that was made of it: a JPEG of our own making."""
    row = file_for(session, file_id, roles.may(user))
    return picture(row.preview, f"file {file_id}", restricted=bool(row.restricted))


def picture(sha256: str, what: str, *, restricted: bool) -> Response:
    """A preview out of the store; what only a role may see, no browser keeps."""
    if not sha256:
        raise PermanentError(f"{what} has no preview", todo="Fetch the file itself.")
    with shell.store().open(sha256) as stream:
        keep = "private, no-store" if restricted else "private, max-age=86400"
        return Response(stream.read(), media_type="image/jpeg", headers={"Cache-Control": keep, "ETag": f'"{sha256}"'})


@router.post("/title-files/{file_id}/review", dependencies=[Depends(runs.from_our_page)])
def review(request: Request, user: User, file_id: int, said: Verdict) -> dict[str, Any]:
    """Records one role's word, with the name that Airflow knows; once all have approved, starts the flow that takes it on."""
    roles.must(user, said.role)
    with shell.ledger().session() as session:
        file_for(session, file_id, roles.may(user))
        row = title_files.review(session, file_id, said.role, said.verdict, now=datetime.now(UTC), who=user.get_name(), note=said.note)
        approval = row.approval
    done: dict[str, Any] = {"approval": approval, "said": f"{said.role}: {said.verdict}."}
    if approval == Approval.APPROVED and not runs.refusal(APPROVED, user):
        try:
            done |= runs.start(request, APPROVED, {}, user)
        except ConfigurationError as later:  # the word stands; the flow's own schedule takes the file on
            done["said"] += f" {later.what}: {later.todo}"
    return done


@router.post("/title-files/{file_id}/remove", dependencies=[Depends(runs.from_our_page)])
def remove(user: User, file_id: int, wish: Removal) -> dict[str, Any]:
    """Takes a version off its title; the one before it is current again. Wants any role of people.toml, or an admin."""
    if not roles.roles_of(user):
        roles.must(user, "production")
    with shell.ledger().session() as session:
        row = file_for(session, file_id, roles.may(user))
        title_files.remove(session, row.id, now=datetime.now(UTC), who=user.get_name(), note=wish.note)
    return {"said": f"{row.name} is off this title."}
