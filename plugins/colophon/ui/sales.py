"""Publishing → Sales: batches with totals and balance, what sold by month and channel, products nobody knows, reports that are due."""

from __future__ import annotations

import csv
import io
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from colophon.ui import roles, runs, shell
from colophon.ui.files import attachment
from colophon.ui.quarantine import target_of
from colophon.ui.shell import Reading, Typed, User, printable, render
from colophon.ui.words import is_zero, money
from include.errors import ColophonError, PermanentError
from include.files.characters import harmless
from include.files.model import Kind
from include.ledger import sales_lists
from include.ledger.sales_lists import Bar, Wish
from include.ledger.sales_rows import BatchState, SalesBatchRow
from include.partners import SalesSource, load_sources
from include.rights import flags
from include.sales import calendar, match, payments, queue, recording, undo
from include.sales import decide as said
from include.sales import usage as usage_report
from include.sales.reading import Rejected

ROLE = "sales"
ROWS = 40
FLAGS = 200
BACK = timedelta(days=730)  # that the picture shows
CHANNELS = 6  # with a colour of their own; the others share one
_MONTH = re.compile(r"[0-9]{4}-[0-9]{2}")
TABS = {"batches": "batches", "unmatched": "unmatched products", "calendar": "calendar"}
router = APIRouter()


@dataclass(frozen=True, slots=True)
class Stack:
    """One month of a picture: (channel's place in the legend, value) from the bottom up."""

    month: str
    label: str
    pieces: tuple[tuple[int, float], ...]
    words: str

    @property
    def all(self) -> float:
        return sum(value for _, value in self.pieces)


@dataclass(frozen=True, slots=True)
class Picture:
    name: str
    unit: str
    stacks: tuple[Stack, ...]
    legend: tuple[str, ...]

    @property
    def highest(self) -> float:
        return max((stack.all for stack in self.stacks), default=0) or 1


class Note(BaseModel):
    model_config = ConfigDict(extra="forbid")
    note: Typed = Field("", max_length=2000)


class Choice(BaseModel):
    model_config = ConfigDict(extra="forbid")
    choice: Literal["replace", "difference", "add", "leave"]
    note: Typed = Field("", max_length=2000)


class Decision(BaseModel):
    """Whose an unknown product is: an ISBN or a product's id, or none of ours."""

    model_config = ConfigDict(extra="forbid")
    title: Typed = Field("", max_length=60)
    product_id: int | None = None
    none_of_ours: bool = False


class Payment(BaseModel):
    """Money that a source paid for a period, as its remittance says."""

    model_config = ConfigDict(extra="forbid")
    source: Typed = Field(max_length=41)
    period: Typed = Field(max_length=21)
    currency: Typed = Field(max_length=3)
    amount: Typed = Field(max_length=30)
    reference: Typed = Field(max_length=120)
    paid_on: Typed = Field("", max_length=10)
    note: Typed = Field("", max_length=2000)


@router.get("/sales", response_class=HTMLResponse)
def page(
    request: Request,
    session: Reading,
    user: User,
    show: str = "batches",
    source: str = Query("", max_length=41),
    state: str = Query("", max_length=20),
    month: str = Query("", max_length=7),
    words: str = Query("", max_length=200),
    currency: str = Query("", max_length=3),
    before: int | None = Query(None, ge=0, le=2**62),
) -> HTMLResponse:
    show = show if show in TABS else "batches"
    wish = Wish(source, state if state in set(BatchState) else "", month if _MONTH.fullmatch(month) else "", printable(words))
    known, wrong = known_sources()
    values: dict[str, Any] = {"rows": [], "more": None}
    if show == "batches":
        rows = sales_lists.batches(session, wish, before=before, limit=ROWS + 1)
        values = {"rows": rows[:ROWS], "more": rows[ROWS - 1].id if len(rows) > ROWS else None}
    elif show == "unmatched":
        found = sales_lists.unmatched(session, source=source, before=before, limit=ROWS + 1)
        values = {"rows": found[:ROWS], "more": found[ROWS - 1][0].id if len(found) > ROWS else None}
    else:
        values = {"rows": calendar.expected(session, known, datetime.now(UTC).date()), "more": None}
        values["payments"] = sales_lists.payments(session, limit=ROWS)
    currencies = sales_lists.currencies(session, source)
    currency = currency if currency in currencies else (currencies[0] if currencies else "")
    chosen = {name: value for name in ("source", "state", "month", "words") if (value := getattr(wish, name))}
    chosen |= {"show": show} if show != "batches" else {}
    return render(
        request,
        "sales.html",
        tabs=TABS,
        show=show,
        wish=wish,
        chosen=chosen,
        before=before,
        names={one.id: one.name for one in known},
        sources=sorted({*sales_lists.sources(session), *(one.id for one in known)}),
        states=sales_lists.states(session, wish),
        unmatched=sales_lists.unmatched_count(session),
        wrong=wrong,
        currency=currency,
        currencies=currencies,
        pictures=pictures(session, currency, source) if show == "batches" and not before else (),
        net_of=sales_lists.net_of,
        decides=roles.may(user)(ROLE),
        without=lambda **change: "?" + urlencode({name: value for name, value in (chosen | change).items() if value}),
        **values,
    )


@router.get("/sales/{batch_id}", response_class=HTMLResponse)
def batch(request: Request, session: Reading, user: User, batch_id: int) -> HTMLResponse:
    row = _batch(session, batch_id)
    return render(
        request,
        "sales_batch.html",
        batch=row,
        name=next((one.name for one in known_sources()[0] if one.id == row.source), row.source),
        net=sales_lists.net_of(row.parts),
        products=sales_lists.products_of(session, batch_id, limit=ROWS),
        rejected=_first_rejected(row),
        unmatched=sales_lists.unmatched_count(session, batch=batch_id),
        workbooks=sales_lists.workbooks_of(session, batch_id),
        decides=roles.may(user)(ROLE),
        undecided=row.state == BatchState.REFUSED and row.decided_at is None and row.rows > 0,
        counted=row.state in sales_lists.COUNTED,
    )


@router.get("/sales/{batch_id}/rights", response_class=HTMLResponse)
def rights(request: Request, session: Reading, batch_id: int) -> HTMLResponse:
    """Lines of a batch sold where no rights are held, or where nobody can say. Read from its sums, which takes a moment for large ones."""
    row = _batch(session, batch_id)
    found = flags.of_batch(session, shell.store(), batch_id, most=FLAGS + 1) if row.state in sales_lists.COUNTED else []
    return render(request, "sales_rights.html", batch=row, flags=found[:FLAGS], more=len(found) > FLAGS)


@router.get("/sales/{batch_id}/usage")
def usage(session: Reading, batch_id: int) -> Response:
    """What of the batch is no sale, by month, title and territory, as CSV."""
    row = _batch(session, batch_id)
    if row.state not in sales_lists.COUNTED:
        raise HTTPException(404, "This batch is part of no total, nor is its usage.")
    table = io.StringIO(newline="")
    usage_report.write_csv(usage_report.report(session, shell.store(), [row]), table)
    headers = {"Content-Disposition": attachment(f"batch_{batch_id}_usage.csv")}
    return Response(table.getvalue().encode("utf-8-sig"), media_type="text/csv", headers=headers)


@router.get("/sales/{batch_id}/rejects")
def rejects(session: Reading, batch_id: int) -> Response:
    """The rows that were not loaded, with reasons, as CSV: for whoever sent the report, too."""
    row = _batch(session, batch_id)
    if not row.rejects:
        raise HTTPException(404, "No row of this report was set aside.")
    headers = {"Content-Disposition": attachment(f"batch_{batch_id}_rejected.csv")}
    return StreamingResponse(_rejects(row.rejects), media_type="text/csv; charset=utf-8", headers=headers)


def _first_rejected(row: SalesBatchRow) -> list[Rejected]:
    with suppress(PermanentError):  # the page opens without the artefact, too
        return list(islice(recording.rejected(shell.store(), row.rejects), ROWS)) if row.rejects else []
    return []


def _rejects(artefact: str) -> Iterator[str]:
    table = io.StringIO(newline="")
    writer = csv.writer(table, lineterminator="\r\n")
    writer.writerow(("\ufeffSheet", "Row", "Column", "Value", "Why", "What to do"))
    for one in recording.rejected(shell.store(), artefact):
        writer.writerow((harmless(one.sheet), one.row, *map(harmless, (one.column, one.value, one.message, one.todo))))
        yield table.getvalue()
        table.seek(0)
        table.truncate()


@router.post("/sales/{batch_id}/approve", dependencies=[Depends(runs.from_our_page)])
def approve(session: Reading, user: User, batch_id: int, wish: Note) -> dict[str, Any]:
    """A batch that does not balance counts as it is, for the reason given."""
    _decider(session, user, batch_id)
    said.approve(shell.ledger(), batch_id, now=datetime.now(UTC), who=user.get_name(), note=wish.note)
    return {"said": f"Batch {batch_id} is approved: it goes into the next workbook."}


@router.post("/sales/{batch_id}/accept", dependencies=[Depends(runs.from_our_page)])
def accept(session: Reading, user: User, batch_id: int, wish: Choice) -> dict[str, Any]:
    """A report that the source's rule refused: it replaces, is loaded by the difference, is added, or stays out."""
    _decider(session, user, batch_id)
    ledger, now, who = shell.ledger(), datetime.now(UTC), user.get_name()
    if wish.choice == "leave":
        said.leave(ledger, batch_id, now=now, who=who, note=wish.note)
        return {"said": f"Report {batch_id} stays out."}
    row = said.accept(ledger, shell.store(), batch_id, wish.choice, now=now, who=who, note=wish.note)
    match.match(ledger, batch_id, now)
    return {"said": f"Batch {batch_id} is loaded: {row.overlap}."}


@router.post("/sales/{batch_id}/undo", dependencies=[Depends(runs.from_our_page)])
def take_back(session: Reading, user: User, batch_id: int, wish: Note) -> dict[str, Any]:
    _decider(session, user, batch_id)
    undone = undo.undo(shell.ledger(), batch_id, now=datetime.now(UTC), who=user.get_name(), note=wish.note)
    back = f" Counting again: {', '.join(map(str, undone.restored))}." if undone.restored else ""
    told = f" Tell who has workbook {', '.join(map(str, undone.in_hand))}: it must not be loaded." if undone.in_hand else ""
    return {"said": f"Batch {batch_id} is undone: totals are as before it.{back}{told}"}


@router.post("/sales/payments", dependencies=[Depends(runs.from_our_page)])
def pay(user: User, wish: Payment) -> dict[str, Any]:
    """Writes a payment down, or corrects the one of the same reference and currency, and says how it compares with what was reported."""
    roles.must(user, ROLE)
    source = next((one for one in known_sources()[0] if one.id == wish.source), None)
    if source is None:
        raise PermanentError(f"there is no source {wish.source!r}", todo="Sources are in config/sources.")
    amount = payments.amount_of(wish.amount, wish.currency.upper())
    entry = payments.Entry(wish.period, wish.currency.upper(), amount, wish.reference, wish.paid_on, wish.note)
    found = payments.enter(shell.ledger(), source, entry, now=datetime.now(UTC), who=user.get_name())
    if found.control is None:
        return {
            "said": f"Written down. Nothing is reported in {found.currency} for {found.period} yet: it is compared when a report comes."
        }
    open_ = str(found.control["open"])
    said = f"reported {money(found.reported, found.currency)}, paid {money(found.paid, found.currency)}"
    return {"said": f"Written down: {said}; {'it balances' if is_zero(open_) else f'{open_} is not explained'}."}


@router.post("/sales/products/{row_id}", dependencies=[Depends(runs.from_our_page)])
def decide(session: Reading, user: User, row_id: int, wish: Decision) -> dict[str, Any]:
    """Says whose an unknown product is, and remembers it for this source."""
    roles.must(user, ROLE)
    product_id = wish.product_id
    if product_id is None and not wish.none_of_ours:
        product_id = target_of(session, wish.title, Kind.EBOOK).product_id  # one edition, as of an e-book
    queue.decide(shell.ledger(), row_id, product_id=product_id, now=datetime.now(UTC), who=user.get_name())
    return {"said": "Remembered." if product_id else "None of ours: it is asked no more."}


@router.post("/sales/products/{row_id}/reopen", dependencies=[Depends(runs.from_our_page)])
def reopen(user: User, row_id: int, wish: Note) -> dict[str, Any]:
    """Takes a person's word about a product back: it waits again, with all that the word had settled."""
    roles.must(user, ROLE)
    done = queue.reopen(shell.ledger(), row_id, now=datetime.now(UTC), who=user.get_name())
    return {"said": f"Taken back: {done.rows} products wait among the unmatched ones." if done.rows else "There was nothing to take back."}


def pictures(session: Session, currency: str, source: str = "") -> tuple[Picture, ...]:
    """Units, and net in this currency, by month and channel."""
    since = f"{datetime.now(UTC).date() - BACK:%Y-%m}"
    bars = sales_lists.months(session, since=since, currency=currency, source=source)
    names = {one.id: one.name for one in known_sources()[0]}
    bars = [replace(bar, channel=bar.channel or names.get(bar.source, bar.source)) for bar in bars]
    units = picture("Units sold less returned", "", ((bar, float(bar.units)) for bar in bars))
    net = picture(f"Net in {currency}", currency, ((bar, bar.drawn) for bar in bars)) if currency else None
    return tuple(one for one in (units, net) if one is not None and one.stacks)


def picture(name: str, unit: str, values: Iterable[tuple[Bar, float]]) -> Picture:
    """Channels with the most have colours of their own. A month in which more came back than went out shows nothing, and says so."""
    months: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    totals: dict[str, float] = defaultdict(float)
    for bar, value in values:
        months[bar.month][bar.channel] += value
        totals[bar.channel] += value
    largest = sorted((channel for channel in totals if totals[channel] > 0), key=lambda channel: (-totals[channel], channel))
    legend = (*largest[:CHANNELS], *(("all others",) if len(largest) > CHANNELS else ()))
    place = {channel: min(number, CHANNELS) for number, channel in enumerate(largest)}
    stacks = []
    for month in sorted(months):
        pieces: dict[int, float] = defaultdict(float)
        for channel, value in months[month].items():
            if value > 0 and channel in place:
                pieces[place[channel]] += value
        told = ", ".join(
            f"{channel} {value:,.0f}" for channel, value in sorted(months[month].items(), key=lambda one: -one[1])[: CHANNELS + 1]
        )
        stacks.append(Stack(month, _label(month), tuple(sorted(pieces.items())), f"{_label(month)}: {told}"))
    return Picture(name, unit, tuple(stacks) if any(stack.pieces for stack in stacks) else (), legend)


def _label(month: str) -> str:
    try:
        return date.fromisoformat(f"{month}-01").strftime("%b %y")
    except ValueError:
        return month


def known_sources() -> tuple[list[SalesSource], str]:
    """All sources, and what is wrong if their files can't be read."""
    try:
        return load_sources(), ""
    except ColophonError as wrong:
        return [], str(wrong)


def _decider(session: Session, user: User, batch_id: int) -> None:
    roles.must(user, ROLE)
    _batch(session, batch_id)


def _batch(session: Session, batch_id: int) -> SalesBatchRow:
    row = session.get(SalesBatchRow, batch_id)
    if row is None:
        raise PermanentError(f"there is no batch {batch_id}", todo="Look for it in the list of sales.")
    return row
