"""Publishing → Licences: when the rights in our images end, who must act, and what each licence says and by whose word."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from colophon.ui import roles, runs, shell
from colophon.ui.quarantine import target_of
from colophon.ui.shell import Reading, Typed, User, printable, render
from include.errors import ColophonError, PermanentError
from include.files.model import Kind
from include.ledger import licence_lists
from include.ledger import licences as stored
from include.ledger.licence_lists import EARLIER, LATER, OPEN, PERPETUAL, UNKNOWN, Bar, Wish
from include.ledger.licence_rows import LicenceFlagRow
from include.licences import edit, flags, terms
from include.licences.model import FIELDS, FORMATS, LABELS, ROLES, UNPUBLISHED, Source, TermState, Value
from include.partners import load_house
from include.partners.registry import load_campaigns
from include.titles import codelists, identifiers

ROLE = "rights"
ROWS = 40
BEFORE, AFTER = 2, 24  # months of the picture before and after this one
_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")
_COPIES = re.compile(r"[0-9]{1,9}|[0-9]{1,3}([\s,.'’][0-9]{3}){1,2}")  # 10,000; but 1,5 is no number of copies
_KEY = re.compile(r"([0-3])_([0-9-]{0,10})_([0-9]{1,18})")
TABS = {"licences": "licences", "sheets": "invoice terms and syncs"}
router = APIRouter()


@dataclass(frozen=True, slots=True)
class Column:
    """Licences that end in one month, or a group of them that no month is known of."""

    key: str
    label: str
    words: str
    number: int
    flagged: int
    blocking: int
    group: bool = False

    @property
    def outside(self) -> bool:
        return self.group or self.key in {EARLIER, LATER}

    @property
    def pieces(self) -> tuple[tuple[str, int], ...]:
        """(class, number) from the bottom up."""
        return ("late", self.blocking), ("ask", self.flagged - self.blocking), ("open", self.number - self.flagged)


@dataclass(frozen=True, slots=True)
class Horizon:
    """`lines`: where today and the thresholds lie, in columns from the left, and what they are called."""

    columns: tuple[Column, ...]
    lines: tuple[tuple[float, str], ...]

    @property
    def highest(self) -> int:
        """Of the months: what lies outside them may be far more, and is drawn broken."""
        inside = [column.number for column in self.columns if not column.outside]
        return max(inside, default=0) or max((column.number for column in self.columns), default=0) or 1


class Note(BaseModel):
    model_config = ConfigDict(extra="forbid")
    note: Typed = Field(min_length=1, max_length=2000)


class Nothing(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Said(BaseModel):
    """What a person says of one term: `value` as it was typed, or the ticked ones of a list."""

    model_config = ConfigDict(extra="forbid")
    field: str = Field(max_length=40)
    state: Literal["known", "unlimited", "perpetual", "unknown"]
    value: Typed | list[Typed] = Field("", max_length=2000)
    reference: Typed = Field("", max_length=200)
    note: Typed = Field("", max_length=2000)


class Tie(BaseModel):
    """What it serves: a title by an ISBN or id, with all its editions or this one; or a campaign."""

    model_config = ConfigDict(extra="forbid")
    title: Typed = Field("", max_length=60)
    whole: bool = False
    campaign: Typed = Field("", max_length=60)
    role: Literal["", "cover", "interior", "promotion"] = ""


@router.get("/licences", response_class=HTMLResponse)
def page(
    request: Request,
    session: Reading,
    user: User,
    show: str = "licences",
    words: str = Query("", max_length=200),
    territory: str = Query("", max_length=7),
    state: str = Query("", max_length=20),
    team: str = Query("", max_length=31),
    cause: str = Query("", max_length=30),
    ends: str = Query("", max_length=9),
    after: str = Query("", max_length=40),
) -> HTMLResponse:
    if show == "sheets":
        values = {"sheets": licence_lists.sheets(session), "syncs": licence_lists.syncs(session), "allowed": roles.may(user)(ROLE)}
        return render(request, "licence_sheets.html", tabs=TABS, show=show, **values)
    today = datetime.now(UTC).date()
    first, last = _month(today, -BEFORE), _month(today, AFTER)
    groups = {EARLIER, LATER, UNKNOWN, PERPETUAL}
    wish = Wish(
        printable(words), territory if territory in {"*", UNKNOWN} or identifiers.is_country(territory) else "",
        state if state in licence_lists.STATES else "", printable(team, 31), printable(cause, 30),
        ends if ends in groups or _MONTH.fullmatch(ends) else "", f"{first}-01", last,
    )  # fmt: skip
    listing = licence_lists.listing(session, wish, today=today, after=_key(after), limit=ROWS + 1)
    rows = listing.rows[:ROWS]
    chosen = {name: value for name in ("words", "territory", "state", "team", "cause", "ends") if (value := getattr(wish, name))}
    key = licence_lists.key_of(rows[-1], today) if len(listing.rows) > ROWS else None
    teams, causes = licence_lists.choices(session)
    sought = {id: sorted(mine, key=_unlike(wish)) for id, mine in licence_lists.open_flags(session, [row.id for row in rows]).items()}
    return render(
        request,
        "licences.html",
        tabs=TABS,
        show="licences",
        wish=wish,
        chosen=chosen,
        after=after,
        rows=rows,
        more="_".join(map(str, key)) if key else "",
        flags=sought,
        served=licence_lists.served(session, rows),
        states=listing.states,
        every_state=licence_lists.STATES,
        picture=picture(listing.bars, today, _horizons()),
        teams=teams,
        causes=causes,
        countries={code: codelists.names(91).get(code, code) for code in sorted(identifiers.countries())},
        today=today.isoformat(),
        without=lambda **change: "?" + urlencode({name: value for name, value in (chosen | change).items() if value}),
    )


@router.get("/licences/{licence_id}", response_class=HTMLResponse)
def licence(
    request: Request, session: Reading, user: User, licence_id: int, before: int | None = Query(None, ge=1, le=2**62)
) -> HTMLResponse:
    row = stored.get(session, _id(licence_id))
    today, may = datetime.now(UTC).date(), roles.may(user)
    every, held = stored.flags(session, row.id), terms.read(row)
    changes = stored.changes(session, row.id, before=before, limit=ROWS + 1)
    return render(
        request,
        "licence.html",
        licence=row,
        why=terms.reasons(row, today),
        terms=held,
        mine=lambda field: held.said.get(field, {}).get(Source.PERSON, terms.UNKNOWN),
        fields=FIELDS,
        labels=LABELS,
        unpublished=UNPUBLISHED,
        needed=terms.needed(row),
        settable=edit.SETTABLE,
        formats=FORMATS,
        uses=ROLES,
        editions=edit.EDITIONS,
        served=licence_lists.served(session, [row]),
        campaigns=_campaigns(),
        flags=[flag for flag in every if flag.state in OPEN],
        settled=[flag for flag in every if flag.state not in OPEN],
        may_settle=lambda flag: _may_settle(user, flag),
        changes=changes[:ROWS],
        older=changes[ROWS - 1].id if len(changes) > ROWS else None,
        before=before,
        today=today.isoformat(),
        decides=may(ROLE),
    )


@router.get("/licences/{licence_id}/thumbnail")
def thumbnail(session: Reading, licence_id: int) -> Response:
    """The small picture of the asset, if we have one; nothing but a JPEG or PNG is shown."""
    row = stored.get(session, _id(licence_id))
    if row.thumbnail:
        with shell.store().open(row.thumbnail) as stream:
            body = stream.read()
        for start, kind in ((b"\xff\xd8\xff", "image/jpeg"), (b"\x89PNG\r\n", "image/png")):
            if body.startswith(start):
                headers = {"Cache-Control": "private, max-age=86400", "ETag": f'"{row.thumbnail}"'}
                return Response(body, media_type=kind, headers=headers)
    raise PermanentError(f"licence {licence_id} has no picture", todo="Look the asset up at the agency.")


@router.post("/licences/{licence_id}/terms", dependencies=[Depends(runs.from_our_page)])
def say(user: User, licence_id: int, said: Said) -> dict[str, Any]:
    """A person says a term, or takes back what was said; the state follows."""
    roles.must(user, ROLE)
    state = TermState(said.state)
    now = datetime.now(UTC)
    changed = edit.set_term(
        shell.ledger(), _id(licence_id), said.field, state=state, value=_value(said), reference=said.reference, note=said.note,
        who=user.get_name(), now=now,
    )  # fmt: skip
    label = LABELS[said.field]
    if not changed:
        return {"said": f"{label}: nothing changed."}
    return {"said": f"{label}: taken back." if state == TermState.UNKNOWN else f"{label}: written down."}


@router.post("/licences/{licence_id}/serves", dependencies=[Depends(runs.from_our_page)])
def tie(session: Reading, user: User, licence_id: int, wish: Tie) -> dict[str, Any]:
    """Ties a licence to a title or a campaign."""
    roles.must(user, ROLE)
    if wish.campaign and wish.campaign not in _campaigns():
        raise PermanentError(f"there is no campaign {wish.campaign!r}", todo="Campaigns are in config/campaigns.toml.")
    work_id, product_id = 0, 0
    if wish.title:
        target = target_of(session, wish.title, Kind.MANUSCRIPT if wish.whole else Kind.EBOOK)  # of the work, or of one edition
        work_id, product_id = target.work_id or 0, target.product_id or 0
    new = edit.serve(
        shell.ledger(), _id(licence_id), work_id=work_id, product_id=product_id, campaign=wish.campaign, role=wish.role,
        who=user.get_name(), now=datetime.now(UTC),
    )  # fmt: skip
    return {"said": "Tied." if new else "It was tied to this already."}


@router.post("/licences/{licence_id}/serves/{serves_id}/untie", dependencies=[Depends(runs.from_our_page)])
def untie(user: User, licence_id: int, serves_id: int, wish: Nothing) -> dict[str, Any]:
    roles.must(user, ROLE)
    there = edit.unserve(shell.ledger(), _id(licence_id), _id(serves_id), who=user.get_name(), now=datetime.now(UTC))
    return {"said": "Untied." if there else "It was untied already."}


@router.post("/licences/flags/{flag_id}/acknowledge", dependencies=[Depends(runs.from_our_page)])
def acknowledge(session: Reading, user: User, flag_id: int, wish: Note) -> dict[str, Any]:
    """Somebody has it in hand; the flag stays open for deliveries that heed it."""
    _settler(session, user, flag_id)
    flags.acknowledge(shell.ledger(), flag_id, who=user.get_name(), note=wish.note, now=datetime.now(UTC))
    return {"said": "Acknowledged: it is yours now."}


@router.post("/licences/flags/{flag_id}/resolve", dependencies=[Depends(runs.from_our_page)])
def resolve(session: Reading, user: User, flag_id: int, wish: Note) -> dict[str, Any]:
    """What was to be done is done; the flag is not raised again at this threshold."""
    _settler(session, user, flag_id)
    flags.resolve(shell.ledger(), flag_id, who=user.get_name(), note=wish.note, now=datetime.now(UTC))
    return {"said": "Resolved."}


def _unlike(wish: Wish) -> Callable[[LicenceFlagRow], bool]:
    """What was asked for goes first: a row shows three flags."""
    return lambda flag: wish.team not in {"", flag.team} or wish.cause not in {"", flag.cause}


# --- the picture


def picture(bars: Sequence[Bar], today: date, horizons: Sequence[int]) -> Horizon:
    """Months from two before this one to two years after it; what lies outside, what is unknown and what has no end beside them."""
    months = [_month(today, step) for step in range(-BEFORE, AFTER + 1)]
    counted: dict[str, list[int]] = {}
    for bar in bars:
        key = bar.day if bar.day in {UNKNOWN, PERPETUAL} else bar.day[:7]
        if _MONTH.fullmatch(key):
            key = EARLIER if key < months[0] else LATER if key > months[-1] else key
        numbers = counted.setdefault(key, [0, 0, 0])
        for place, number in enumerate((bar.number, bar.flagged, bar.blocking)):
            numbers[place] += number
    if not counted:
        return Horizon((), ())
    columns = [
        _column(EARLIER, "earlier", f"ended before {_named(months[0])}", counted),
        *(_column(month, _named(month, "%b %y"), "", counted) for month in months),
        _column(LATER, "later", f"end after {_named(months[-1])}", counted),
        _column(UNKNOWN, "unknown", "their end is unknown: a person must supply it", counted, group=True),
        _column(PERPETUAL, "perpetual", "they have no end", counted, group=True),
    ]
    lines = []
    for days in sorted({0, *horizons}):
        day = today + timedelta(days=days)
        place = (day.year - today.year) * 12 + day.month - today.month + BEFORE + 1
        lines.append((place + (day.day - 1) / 31, f"{days} days" if days else "today"))
    return Horizon(tuple(columns), tuple(line for line in lines if line[0] < len(months) + 1))


def _column(key: str, label: str, about: str, counted: dict[str, list[int]], *, group: bool = False) -> Column:
    number, flagged, blocking = counted.get(key, (0, 0, 0))
    licences = f"{number:,} {'licence' if number == 1 else 'licences'}"
    words = f"{about or label}: {licences}, {flagged:,} with open flags, {blocking:,} of them stop deliveries"
    return Column(key, label, words[0].upper() + words[1:], number, flagged, blocking, group)


def _month(today: date, step: int) -> str:
    year, month = divmod(today.year * 12 + today.month - 1 + step, 12)
    return f"{year:04}-{month + 1:02}"


def _named(month: str, form: str = "%b %Y") -> str:
    return date.fromisoformat(f"{month}-01").strftime(form)


def _horizons() -> tuple[int, ...]:
    try:
        return load_house().licences.horizons
    except (ColophonError, OSError):  # the picture needs no house: what is wrong with it, partners check says
        return (180, 90, 60, 30)


# --- what forms say


def _value(said: Said) -> Value:
    """What was typed, as the term has it; what can't be one is left for `edit.checked` to refuse."""
    value = said.value
    if isinstance(value, list):
        return list(value)
    match said.field:
        case "territories":
            return [code.upper() for code in re.split(r"[\s,;]+", value) if code]
        case "formats" | "use":
            return [value] if value else []
        case "print_run":
            return int(re.sub("[^0-9]", "", value)) if _COPIES.fullmatch(value) else value
        case "editorial_only":
            return {"yes": True, "no": False}.get(value, value)
    return value


def _campaigns() -> dict[str, str]:
    """Names of campaigns by id; none where their file can't be read."""
    try:
        return {one.id: one.name for one in load_campaigns()}
    except ColophonError:
        return {}


def _may_settle(user: User, flag: LicenceFlagRow) -> bool:
    may = roles.may(user)
    return any(may(role) for role in (flag.team, ROLE) if role)


def _settler(session: Session, user: User, flag_id: int) -> None:
    flag = session.get(LicenceFlagRow, _id(flag_id))
    if flag is None:
        raise PermanentError(f"there is no flag {flag_id}", todo="Look at the licence's page again.")
    if not _may_settle(user, flag):
        raise HTTPException(403, f"Only the roles {' and '.join(sorted({flag.team, ROLE} - {''}))} may do this: see config/people.toml.")


def _key(text: str) -> licence_lists.Key | None:
    found = _KEY.fullmatch(text)
    return (int(found[1]), found[2], int(found[3])) if found else None


def _id(number: int) -> int:
    if not 0 < number < 2**63:
        raise PermanentError("there is no such licence", todo="Look it up in the list.")
    return number
