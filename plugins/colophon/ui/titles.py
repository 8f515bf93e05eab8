"""A title's page: what each partner has of it and when, or why not; and the records themselves, side by side."""

from __future__ import annotations

from datetime import UTC, date, datetime

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy.orm import Session

from colophon.ui import roles, shell
from colophon.ui.shell import Reading, User, printable, render
from colophon.ui.title_sections import sections
from include.catalogue import read
from include.errors import PermanentError
from include.files.model import Kind
from include.ledger import lists, questions
from include.ledger.lists import plain_isbn
from include.ledger.models import DeliveryRow, ProductRow, WorkRow
from include.ledger.record import Wanted
from include.ledger.record import record as title_record
from include.partners import Partner
from include.titles.model import Product

router = APIRouter()
ROWS = 50


@router.get("/titles", response_class=HTMLResponse)
def find(request: Request, session: Reading, isbn: str = "", text: str = "", after: int = Query(0, ge=0)) -> Response:
    """Titles by ISBN or by words of the title, and where each stands; a whole ISBN goes to its title at once."""
    wanted = printable(isbn or text)
    number = plain_isbn(wanted)
    if len(number) == 13 and number.isdigit():
        known_title = questions.title(session, number)
        return RedirectResponse(f"{request.scope['root_path']}/titles/{known_title.product_id}", 303)
    after = min(after, 2**62)
    rows = lists.find_titles(session, wanted, after=after, limit=ROWS + 1)
    known, _ = shell.partners()
    return render(
        request,
        "titles.html",
        text=wanted,
        rows=rows[:ROWS],
        more=rows[ROWS - 1].product_id if len(rows) > ROWS else None,
        after=after,
        partners=known,
        states=lists.standings(session, [row.product_id for row in rows[:ROWS]]),
    )


@router.get("/titles/{product_id}", response_class=HTMLResponse)
def title(
    request: Request,
    session: Reading,
    user: User,
    product_id: int,
    kind: str = "",
    edition: str = "",
    since: str = "",
    until: str = "",
) -> HTMLResponse:
    """What partners have of a title, and its record: files and versions (of one kind, edition, stretch of days), packages, history."""
    known, _ = shell.partners()
    now = datetime.now(UTC)
    standing = questions.title(session, product_id=product_id, partners=known, now=now)
    covers = questions.files(session, isbn=standing.isbn, limit=50) if standing.isbn else []
    product = session.get(ProductRow, product_id)
    wrong = [text for text in (since, until) if text and not _day(text)]
    wanted = Wanted(_id(edition), kind if kind in set(Kind) else "", _day(since), _day(until))
    found = (
        title_record(session, product.work_id, allowed=roles.may(user), wanted=wanted, contracts=roles.may(user)("rights"))
        if product and session.get(WorkRow, product.work_id)
        else None
    )
    return render(
        request,
        "title.html",
        now=now,
        title=standing,
        covers=covers,
        names={one.id: one.name for one in shell.parties()[0]},
        record=found,
        wanted=wanted,
        wrong=wrong,
        kinds=[str(one) for one in Kind if one is not Kind.UNKNOWN],
        my_roles=roles.roles_of(user),
        mirrored=_mirrored(session, product),
        isbns={row.id: row.isbn for row in found.products} if found else {},
        **sections(session, user, product if found else None),
    )


def _mirrored(session: Session, row: ProductRow | None) -> Product | None:
    """The title as the mirror has it; None where it can't be read, which is no reason to hide the rest of the page."""
    work = session.get(WorkRow, row.work_id) if row else None
    if row is None or work is None or not row.content:
        return None
    try:
        return read.title(row, work)
    except (ValueError, TypeError, KeyError):
        return None


def _id(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


@router.get("/titles/{product_id}/records", response_class=HTMLResponse)
def records(request: Request, session: Reading, product_id: int, left: str = "", right: str = "") -> HTMLResponse:
    """The records that partners last received of a title, two at a time."""
    known, _ = shell.partners()
    standing = questions.title(session, product_id=product_id, partners=known)
    shown = questions.fragments(session, shell.store(), product_id, known)
    by_partner = {fragment.partner: fragment for fragment in shown}
    for name in (left, right):
        if name and name not in by_partner:
            raise PermanentError(f"{name[:60]!r} has no record of this title", todo="Choose one of the partners that do.")
    chosen = [by_partner[name] for name in (left, right) if name] or shown[:2]
    if len(chosen) == 1:
        chosen += [fragment for fragment in shown if fragment is not chosen[0]][:1]
    sides = [(side, label, one.partner) for (side, label), one in zip((("left", "Left"), ("right", "Right")), chosen, strict=False)]
    return render(request, "records.html", title=standing, shown=shown, chosen=chosen, sides=sides)


@router.get("/deliveries/{delivery_id}/records/{product_id}", response_class=HTMLResponse)
def record(request: Request, session: Reading, delivery_id: int, product_id: int) -> HTMLResponse:
    """One record as it stands in one delivery."""
    if not (0 < delivery_id < 2**63 and 0 < product_id < 2**63):
        raise PermanentError("there is no such record", todo="Look at the title's page.")
    row = session.get(DeliveryRow, delivery_id)
    partner = shell.party_or_none(row.partner) if row else None
    fragment = questions.fragment(session, shell.store(), delivery_id, product_id, partner if isinstance(partner, Partner) else None)
    standing = questions.title(session, product_id=product_id)
    return render(request, "records.html", title=standing, shown=[fragment], chosen=[fragment], sides=[])
