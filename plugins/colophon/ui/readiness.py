"""Publishing → Readiness: titles by season, imprint and format, what each lacks, and a picture of the season."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.core_api.security import requires_access_dag
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict

from colophon.ui import runs
from colophon.ui.shell import Reading, User, printable, render
from include.ledger import readiness
from include.ledger.readiness import Bar, Wish

DAG_ID = "readiness_reports"
ROWS = 50
PAST = timedelta(days=183)  # that the picture shows of all seasons
FORMS = {"B": "Print", "E": "Digital", "A": "Audio"}
_MONTH = re.compile(r"[0-9]{4}-[0-9]{2}")
router = APIRouter()


@dataclass(frozen=True, slots=True)
class Column:
    """One month of the picture: heights in products, from the bottom up."""

    month: str
    label: str
    ready: int
    open: int
    late: int
    published: int
    forms: str  # for people: "4 print, 2 digital"

    @property
    def all(self) -> int:
        return self.ready + self.open + self.late + self.published


@router.get("/readiness", response_class=HTMLResponse)
def page(
    request: Request,
    session: Reading,
    user: User,
    season: str = "",
    imprint: str = "",
    form: str = "",
    state: str = "",
    month: str = Query("", max_length=7),
    words: str = "",
    day: str = Query("", max_length=10),
    after: int = Query(0, ge=0, le=2**62),
) -> HTMLResponse:
    wish = Wish(*(printable(value) for value in (season, imprint)), form=form if form in FORMS else "", words=printable(words))
    since = "" if wish.season else f"{datetime.now(UTC).date() - PAST:%Y-%m-01}"  # the whole backlist is no season
    picture = columns(readiness.season_picture(session, wish.season, imprint=wish.imprint, since=since), wish.form)
    month = month if _MONTH.fullmatch(month) else ""
    if month:
        wish = replace(wish, since=f"{month}-01", until=f"{month}-31")
    totals = readiness.totals(session, wish)
    if state in {*readiness.STATES, "unpublished"}:
        wish = replace(wish, state=state)
    key = (day, after) if after else None
    rows = readiness.page(session, wish, after=key, limit=ROWS + 1)
    chosen = {name: value for name in ("season", "imprint", "form", "state", "words") if (value := getattr(wish, name))}
    chosen |= {"month": month} if month else {}
    more = urlencode(chosen | dict(zip(("day", "after"), readiness.key_of(rows[ROWS - 1]), strict=True))) if len(rows) > ROWS else ""
    return render(
        request,
        "readiness.html",
        wish=wish,
        wish_month=month,
        chosen=chosen,
        totals=totals,
        rows=rows[:ROWS],
        more=more,
        first=urlencode(chosen) if key else None,
        seasons=readiness.choices(session, "season"),
        imprints=readiness.choices(session, "imprint"),
        forms=FORMS,
        states=readiness.STATES,
        picture=picture,
        highest=max((column.all for column in picture), default=0),
        refusal=runs.refusal(DAG_ID, user),
        without=lambda **change: "?" + urlencode({name: value for name, value in (chosen | change).items() if value}),
    )


class Nothing(BaseModel):
    model_config = ConfigDict(extra="forbid")


@router.post(
    "/readiness/refresh",
    status_code=202,
    dependencies=[
        Depends(runs.from_our_page),
        Depends(requires_access_dag(method="POST", access_entity=DagAccessEntity.RUN, param_dag_id=DAG_ID)),
    ],
)
def refresh(request: Request, user: User, wish: Nothing) -> dict[str, Any]:
    """Starts the flow that assesses all titles; gives the run's id and address in Airflow."""
    return runs.start(request, DAG_ID, {}, user)


def columns(bars: list[Bar], form: str = "") -> list[Column]:
    """The picture's months in order, the first 24 of them; products without a date are no part of it."""
    months: dict[str, list[Bar]] = {}
    for bar in bars:
        if len(bar.month) == 7 and (not form or bar.form == form):
            months.setdefault(bar.month, []).append(bar)
    return [_column(month, months[month]) for month in sorted(months)[:24]]


def _column(month: str, bars: list[Bar]) -> Column:
    counts = {name: sum(getattr(bar, name) for bar in bars) for name in ("ready", "open", "late", "published")}
    forms = ", ".join(
        f"{bar.ready + bar.open + bar.late + bar.published} {FORMS.get(bar.form, bar.form or 'other').lower()}" for bar in bars
    )
    return Column(month, _label(month), forms=forms, **counts)


def _label(month: str) -> str:
    try:
        return date.fromisoformat(f"{month}-01").strftime("%b %y")
    except ValueError:
        return month
