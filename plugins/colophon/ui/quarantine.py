"""Publishing → Quarantine: files that came in and wait for a person. Accept a proposal, say the title, refuse, look again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from colophon.ui import roles, runs, shell
from colophon.ui.files import saved
from colophon.ui.record import picture
from colophon.ui.shell import Reading, Typed, User, render
from include.catalogue import read
from include.errors import ColophonError, PermanentError, RejectedData
from include.files.model import Kind
from include.intake import decide
from include.intake.match import OF_EDITIONS, Target, TitleIndex
from include.intake.receive import Outcome
from include.ledger import intake
from include.ledger.file_rows import IntakeFileRow, IntakeState, TitleFileRow
from include.ledger.models import ProductRow
from include.partners import load_archive, load_inbox
from include.partners.registry import config_root

ROWS = 30
TABS = {  # of the page: name, label, states
    "proposed": ("to decide", (IntakeState.PROPOSED,)),
    "quarantined": ("set aside", (IntakeState.QUARANTINED,)),
    "arriving": ("arriving", (IntakeState.ARRIVING,)),
    "attached": ("attached", (IntakeState.ATTACHED, IntakeState.SUPERSEDED)),
    "rows": ("read as rows", (IntakeState.TAKEN, IntakeState.READ)),
    "duplicate": ("duplicates", (IntakeState.DUPLICATE,)),
    "refused": ("refused", (IntakeState.REFUSED,)),
}
EMPTY = {"proposed": "Nothing waits for a decision.", "quarantined": "Nothing is set aside."}
router = APIRouter()


class Acceptance(BaseModel):
    model_config = ConfigDict(extra="forbid")
    proposal: int = Field(0, ge=0, le=99)


class Correction(BaseModel):
    model_config = ConfigDict(extra="forbid")
    title: Typed = Field(min_length=1, max_length=60)
    kind: Literal["", *Kind] = ""  # type: ignore[valid-type]
    part: Typed = Field("", max_length=60)
    revision: Typed = Field("", max_length=20)
    remember: Typed = Field("", max_length=400)


class Note(BaseModel):
    model_config = ConfigDict(extra="forbid")
    note: Typed = Field("", max_length=2000)


@router.get("/quarantine", response_class=HTMLResponse)
def page(
    request: Request,
    session: Reading,
    user: User,
    show: str = "proposed",
    inbox: str = "",
    before: int | None = Query(None, ge=1, le=2**62),
    arrival: int | None = Query(None, ge=1, le=2**62),
) -> HTMLResponse:
    """Arrivals of one state, newest first; or the one that is asked for."""
    show = show if show in TABS else "proposed"
    mine = None if roles.is_admin(user) else roles.roles_of(user)
    if arrival is not None:
        rows = [_arrival(session, user, arrival)]
        show = next((name for name, (_, states) in TABS.items() if rows[0].state in states), show)
    else:
        rows = intake.open_files(session, inbox=inbox[:60], states=TABS[show][1], restricted=mine, before=before, limit=ROWS + 1)
    counts = intake.counts(session, inbox[:60], restricted=mine)
    shown = rows[:ROWS]
    on_titles = [row.title_file_id for row in shown if row.title_file_id]
    query = select(TitleFileRow.id, TitleFileRow.work_id).where(TitleFileRow.id.in_(on_titles))
    return render(
        request,
        "quarantine.html",
        rows=shown,
        more=shown[-1].id if len(rows) > ROWS else None,
        before=before,
        show=show,
        tabs={name: label for name, (label, _) in TABS.items()},
        counts={name: sum(one.get(state, 0) for one in counts.values() for state in states) for name, (_, states) in TABS.items()},
        inbox=inbox[:60],
        inboxes=sources() | {name: name for name in counts if name not in sources()},
        may_decide={row.id for row in shown if row.state in intake.OPEN and roles.roles_of(user)},
        decidable={row.id for row in shown if decide.decidable(row)},
        undoable={row.id for row in shown if row.state in TABS["attached"][1] and row.title_file_id and roles.roles_of(user)},
        products_of=product_of_works(session, {row[0]: row[1] for row in session.execute(query)}),
        kinds=[str(kind) for kind in Kind if kind is not Kind.UNKNOWN],
        empty=EMPTY.get(show, "No file is in this state."),
    )


def sources() -> dict[str, str]:
    """Names of inboxes and archives by the id that their arrivals have."""
    found = {}
    for folder, prefix, load in (("inboxes", "", load_inbox), ("archives", "archive:", load_archive)):
        for path in sorted((config_root() / folder).glob("*.toml")):
            try:
                found[f"{prefix}{path.stem}"] = load(path.stem).name
            except ColophonError:
                found[f"{prefix}{path.stem}"] = path.stem
    return found


def product_of_works(session: Session, works: dict[int, int]) -> dict[int, int]:
    """Something → its work, as something → a product of that work, whose page shows it."""
    query = select(ProductRow.work_id, ProductRow.id).where(ProductRow.work_id.in_(set(works.values()))).order_by(ProductRow.id.desc())
    first = {row[0]: row[1] for row in session.execute(query)}
    return {file: first[work] for file, work in works.items() if work in first}


@router.get("/quarantine/{arrival_id}/preview")
def preview(session: Reading, user: User, arrival_id: int) -> Response:
    row = _arrival(session, user, arrival_id)
    return picture(row.preview, f"arrival {arrival_id}", restricted=bool(row.restricted))


@router.get("/quarantine/{arrival_id}/file")
def download(session: Reading, user: User, arrival_id: int) -> Response:
    """The bytes of a file that passed the safety checks; what did not pass is not handed out."""
    row = _arrival(session, user, arrival_id)
    if row.state == IntakeState.QUARANTINED or not row.sha256:
        raise HTTPException(403, "A file that was set aside is not handed out: it may harm the machine that opens it.")
    return saved(row.name, row.sha256)


@router.post("/quarantine/{arrival_id}/accept", dependencies=[Depends(runs.from_our_page)])
def accept(session: Reading, user: User, arrival_id: int, wish: Acceptance) -> dict[str, Any]:
    _decider(session, user, arrival_id)
    return _said(
        decide.accept(shell.ledger(), shell.store(), arrival_id, who=user.get_name(), now=datetime.now(UTC), proposal=wish.proposal)
    )


@router.post("/quarantine/{arrival_id}/correct", dependencies=[Depends(runs.from_our_page)])
def correct(session: Reading, user: User, arrival_id: int, wish: Correction) -> dict[str, Any]:
    """Attaches it to the title that the person names; with `remember` also those that come under such a name from now on."""
    row = _decider(session, user, arrival_id)
    said = Kind(wish.kind) if wish.kind else None
    target = target_of(session, wish.title, said or (Kind(row.kind) if row.kind in set(Kind) else Kind.UNKNOWN))
    inbox, now, who = row.inbox, datetime.now(UTC), user.get_name()
    outcome = decide.correct(
        shell.ledger(),
        shell.store(),
        arrival_id,
        target,
        who=who,
        now=now,
        kind=said,
        part=wish.part or None,
        revision=wish.revision or None,
    )
    if wish.remember:
        decide.remember(shell.ledger(), inbox, wish.remember, who=who, now=now, target=target, kind=said)
    return _said(outcome)


@router.post("/quarantine/{arrival_id}/reject", dependencies=[Depends(runs.from_our_page)])
def reject(session: Reading, user: User, arrival_id: int, wish: Note) -> dict[str, Any]:
    _decider(session, user, arrival_id)
    return _said(decide.reject(shell.ledger(), arrival_id, note=wish.note, who=user.get_name(), now=datetime.now(UTC)))


@router.post("/quarantine/{arrival_id}/retry", dependencies=[Depends(runs.from_our_page)])
def retry(session: Reading, user: User, arrival_id: int, wish: Note) -> dict[str, Any]:
    _decider(session, user, arrival_id)
    index = TitleIndex(session)
    return _said(decide.retry(shell.ledger(), shell.store(), index, arrival_id, who=user.get_name(), now=datetime.now(UTC)))


@router.post("/quarantine/{arrival_id}/undo", dependencies=[Depends(runs.from_our_page)])
def undo(session: Reading, user: User, arrival_id: int, wish: Note) -> dict[str, Any]:
    _decider(session, user, arrival_id)
    return _said(decide.undo(shell.ledger(), arrival_id, who=user.get_name(), now=datetime.now(UTC), note=wish.note))


def target_of(session: Session, words: str, kind: Kind) -> Target:
    """The one title that a person means by an ISBN or an id of a product. Raises `RejectedData` where none or several fit.

    A manuscript is the whole work's; an interior, a jacket, an e-book, an audio file is the edition's.
    """
    found = read.find(session, words)
    works = {work.id: work for _, work in found}
    if len(works) != 1:
        what = f"{words!r} fits {len(works) or 'no'} titles"
        raise RejectedData(what, todo="Give the ISBN of the edition, or Consonance's id of it.")
    (work_id, work) = next(iter(works.items()))
    if kind not in OF_EDITIONS:
        return Target(work_id, title=work.title)
    if len(found) != 1:
        raise RejectedData(f"{words!r} fits {len(found)} editions", todo="Give the ISBN of the edition.")
    return Target(work_id, found[0][0].id, title=work.title)


def _arrival(session: Session, user: User, arrival_id: int) -> IntakeFileRow:
    row = session.get(IntakeFileRow, arrival_id) if 0 < arrival_id < 2**63 else None
    if row is None or not roles.may(user)(row.restricted):
        raise PermanentError(f"there is no arrival {arrival_id} that you may see", todo="Look at the page Quarantine again.")
    return row


def _decider(session: Session, user: User, arrival_id: int) -> IntakeFileRow:
    """The arrival, for somebody who may decide on it: any role of people.toml, or an admin."""
    row = _arrival(session, user, arrival_id)
    if not roles.roles_of(user):
        roles.must(user, "editorial")
    return row


def _said(outcome: Outcome) -> dict[str, Any]:
    return {"said": f"{outcome.path}: {outcome.state}.", "state": str(outcome.state)}
