"""Publishing → Deliveries: the list, one delivery, one partner."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from colophon.ui import files, redelivery, shell
from colophon.ui.shell import Reading, User, printable, render
from include.errors import PermanentError
from include.ledger import lists, packages, questions
from include.ledger.answers import overdue
from include.ledger.deliveries import get
from include.ledger.file_rows import PackageRow
from include.ledger.models import DeliveryRow, ProductRow, RecordState
from include.ledger.recipients import count_in_state, recipients
from include.partners import Partner, Party

router = APIRouter()
ROWS = 50
RECORDS = 100
FEED = "metadata_feed"
TABS = {
    "held": ("Held back", RecordState.HELD),
    "rejected": ("Rejected", RecordState.REJECTED),
    "pending": ("Pending", RecordState.PENDING),
    "not-sent": ("Never received", None),
    "not-selected": ("Not selected", RecordState.NOT_SELECTED),
    "received": ("Received", None),
}


@router.get("/")
def home(request: Request) -> Response:
    return RedirectResponse(f"{request.scope['root_path']}/deliveries", 307)


# --- the list


@dataclass(frozen=True, slots=True)
class Form:
    """The filters as they were typed, and what is wrong with them."""

    partner: str = ""
    flow: str = ""
    state: str = ""
    since: str = ""
    until: str = ""
    isbn: str = ""
    text: str = ""
    tz: str = ""

    def chosen(self) -> dict[str, str]:
        return {name: value for name in self.__slots__ if (value := getattr(self, name))}

    def address(self, **more: Any) -> str:
        """The list's query with these filters."""
        return "?" + urlencode(self.chosen() | more)

    def read(self) -> tuple[dict[str, Any], list[str]]:
        """What to ask the ledger for, and what could not be read."""
        wrong: list[str] = []
        zone: tzinfo = UTC
        try:
            zone = ZoneInfo(self.tz) if self.tz else UTC
        except (ZoneInfoNotFoundError, ValueError, OSError):
            wrong.append(f"{self.tz[:40]!r} is no time zone.")
        since, until = (self._day(name, wrong) for name in ("since", "until"))
        if since and until and since > until:
            wrong.append("The first day is after the last.")
        if self.state and self.state not in lists.STATES:
            wrong.append(f"{self.state[:40]!r} is no state of a delivery.")
        if self.isbn and not any(character.isdigit() for character in self.isbn):
            wrong.append(f"{self.isbn[:40]!r} is no ISBN.")
        asked = {"partner": self.partner, "flow": self.flow, "state": self.state, "isbn": self.isbn, "text": self.text}
        return asked | {"since": since, "until": until, "zone": zone}, wrong

    def _day(self, name: str, wrong: list[str]) -> date | None:
        value = getattr(self, name)
        try:
            return date.fromisoformat(value) if value else None
        except ValueError:
            wrong.append(f"{value[:40]!r} is no day: write it as 2026-11-21.")
            return None


@router.get("/deliveries", response_class=HTMLResponse)
def deliveries(
    request: Request,
    session: Reading,
    partner: str = "",
    flow: str = "",
    state: str = "",
    since: str = "",
    until: str = "",
    isbn: str = "",
    text: str = "",
    tz: str = "",
    after: str = "",
    before: str = "",
) -> HTMLResponse:
    form = Form(*(printable(value) for value in (partner, flow, state, since, until, isbn, text, tz)))
    asked, wrong = form.read()
    after_id, before_id = _number(after), _number(before)
    if (after and after_id is None) or (before and before_id is None):
        wrong.append("The page's address was cut: here is the first page.")
    now = datetime.now(UTC)
    known, broken = shell.parties()
    page = lists.Page([])
    if not wrong:
        page = lists.deliveries(session, **asked, after=after_id, before=before_id, limit=ROWS, partners=known, now=now, files=False)
    by_id = {one.id: one for one in known}
    return render(
        request,
        "deliveries.html",
        400 if wrong else 200,
        now=now,
        form=form,
        wrong=wrong,
        broken=broken,
        page=page,
        files=lists.message_names(session, [row.id for row in page]),
        late={row.id: overdue(row, by_id.get(row.partner), now) for row in page},
        names={one.id: one.name for one in known},
        cards=recipients(session, known, now),
        partners=known,
        flows=lists.flows(session),
        states=lists.STATES,
    )


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None


# --- one delivery


@router.get("/deliveries/{delivery_id}", response_class=HTMLResponse)
def delivery(
    request: Request, session: Reading, user: User, delivery_id: int, after: int = Query(0, ge=0), answer: str = ""
) -> HTMLResponse:
    row = _delivery(session, delivery_id)
    partner = shell.party_or_none(row.partner)
    now = datetime.now(UTC)
    package = packages.of_delivery(session, row.id)
    only = answer if answer in {"rejected", "accepted", "accepted with errors"} else None
    records = lists.records_of(session, row.id, after=min(after, 2**62), limit=RECORDS + 1, answer=only)
    return render(
        request,
        "delivery.html",
        now=now,
        row=row,
        partner=partner,
        late=overdue(row, partner, now),
        answer=only or "",
        records=records[:RECORDS],
        titles=lists.titles_of(session, [record.product_id for record in records[:RECORDS]]),
        more=records[RECORDS - 1].product_id if len(records) > RECORDS else None,
        after=after,
        events=lists.events_of(session, row.id),
        receipts=lists.receipts_of(session, row.id),
        held=questions.held(session, row.partner, limit=8),
        card_held=count_in_state(session, row.partner, RecordState.HELD),
        newer=lists.next_to(session, row, newer=True),
        older=lists.next_to(session, row, newer=False),
        refusal=redelivery.refusal(row, user),
        repeat=partner.feed.message_repeat if isinstance(partner, Partner) else False,
        feed=row.flow == FEED,
        package=package,
        product=package_product(session, package) if package else None,
        may_fetch=files.may_fetch(user, row.flow),
    )


def _delivery(session: Reading, delivery_id: int) -> DeliveryRow:
    if not 0 < delivery_id < 2**63:
        raise PermanentError(f"there is no delivery {delivery_id}", todo="Look it up in the list.")
    return get(session, delivery_id)


# --- one partner


@router.get("/partners/{partner_id}", response_class=HTMLResponse)
def partner(request: Request, session: Reading, partner_id: str, show: str = "held", after: int = Query(0, ge=0)) -> HTMLResponse:
    known = shell.party_or_none(partner_id)
    if known is None:
        raise PermanentError(f"there is no partner {partner_id[:60]!r}", todo="Partners are the files in config/partners.")
    now = datetime.now(UTC)
    if not isinstance(known, Partner):
        return _without_feed(request, session, known, min(after, 2**62), now)
    if show not in TABS:
        raise PermanentError(f"there is no list {show[:60]!r} of a partner", todo=f"There are: {', '.join(TABS)}.")
    after = min(after, 2**62)
    label, state = TABS[show]
    if show == "received":
        rows: list[Any] = list(questions.received(session, known.id, after=after, limit=RECORDS + 1))
    elif state is None:
        rows = list(questions.not_sent(session, known.id, after=after, limit=RECORDS + 1))
    else:
        rows = list(questions.held(session, known.id, state=state, after=after, limit=RECORDS + 1))
    return render(
        request,
        "partner.html",
        now=now,
        partner=known,
        card=recipients(session, [known], now)[0],
        show=show,
        label=label,
        tabs=TABS,
        rows=rows[:RECORDS],
        more=rows[RECORDS - 1].product_id if len(rows) > RECORDS else None,
        after=after,
    )


def _without_feed(request: Request, session: Session, party: Party, before: int, now: datetime) -> HTMLResponse:
    """The page of a party that gets files or reports: its deliveries and packages, newest first."""
    query = select(PackageRow).where(PackageRow.partner == party.id)
    if before:
        query = query.where(PackageRow.id < before)
    found = list(session.scalars(query.order_by(PackageRow.id.desc()).limit(ROWS + 1)))
    shown = found[:ROWS]
    return render(
        request,
        "party.html",
        now=now,
        party=party,
        card=recipients(session, [party], now)[0],
        deliveries=lists.deliveries(session, partner=party.id, limit=10, partners=[party], now=now, files=False),
        rows=shown,
        products={row.id: package_product(session, row) for row in shown},
        more=shown[-1].id if len(found) > ROWS else None,
        before=before,
    )


def package_product(session: Session, package: PackageRow) -> int | None:
    """The product whose page shows a package."""
    if package.product_id is not None or package.work_id is None:
        return package.product_id
    return session.scalar(select(func.min(ProductRow.id)).where(ProductRow.work_id == package.work_id))
