"""One Jira issue for each responsible team and its open flags: opened once, then commented, never a second one while it is open.

    new flags ─▶ a note (committed) ─▶ the team's issue: known, else looked for by its label, else opened ─▶ comment with the note's mark

Jira offers no way to write something only once, so each write carries a mark that can be looked for: a label on the issue, a line in each
comment. After a broken line the mark is looked for first. Jira's search lags behind by seconds: an issue that may just have been opened and
is not found yet is looked for again later, not opened again. An issue that people have closed stays closed: flags that come later get a
new one.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import requests
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from include.errors import ColophonError, LoginRefused, PermanentError, TransientError
from include.ledger.database import Ledger
from include.ledger.deliveries import record_event
from include.ledger.licence_rows import FlagState, LicenceFlagRow, LicenceTellingRow
from include.ledger.licences import UNTOLD
from include.licences.flags import EXPIRY
from include.licences.report import Line, lines
from include.partners.licensing import Team
from include.partners.model import House

ISSUE, NOTE = "issue", "note"
SHOWN = 60  # flags in one description or comment
LONGEST = 30_000  # characters: Jira takes 32,767
SETTLED = timedelta(seconds=60)  # by then a search finds what was written


@dataclass(frozen=True, slots=True)
class Noted:
    """What became of the teams' issues: keys that were opened or commented, and trouble of those that go with the next run."""

    opened: tuple[str, ...] = ()
    commented: tuple[str, ...] = ()
    problems: tuple[ColophonError, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {"opened": list(self.opened), "commented": list(self.commented), "problems": [str(one) for one in self.problems]}


@dataclass(frozen=True, slots=True)
class Jira:
    """`client`: the stock provider's client (`atlassian.Jira`). `issue_type` is one of the projects'."""

    client: Any
    issue_type: str = "Task"


def note(ledger: Ledger, jira: Jira, house: House, *, now: datetime, clock: Any = None) -> Noted:
    """Tells each team with a `jira_project` of its new flags. Nothing new: nothing is written. One team's trouble stops no other's.

    `clock` gives the moment of a write (aware), where it is not `now`.
    """
    moment = clock or (lambda: now)
    opened: list[str] = []
    commented: list[str] = []
    problems: list[ColophonError] = []
    for team in {one.role: one for one in house.licences.teams if one.jira_project}.values():
        try:
            _begin(ledger, team.role, now)
            for pending in _pending(ledger, team.role):
                key, new = _note(ledger, jira, team, pending, moment)
                (opened if new else commented).append(key)
        except ColophonError as trouble:
            problems.append(trouble)
        except IntegrityError:
            problems.append(TransientError("another run notes the same flags", where=f"Jira, {team.role}"))
    opened, commented = [key for key in opened if key], [key for key in commented if key]
    if opened or commented:
        with ledger.session() as session:
            record_event(session, what="licence flags noted", now=now, who=EXPIRY, detail={"opened": opened, "commented": commented})
    return Noted(tuple(opened), tuple(commented), tuple(problems))


def _begin(ledger: Ledger, team: str, now: datetime) -> None:
    """Puts the team's flags that no issue tells of into a note. All or nothing."""
    with ledger.session() as session:
        new = (LicenceFlagRow.issued_in == 0, LicenceFlagRow.state == FlagState.OPEN, LicenceFlagRow.team == team)
        count = session.scalar(select(func.count()).where(*new)) or 0
        if count:
            row = LicenceTellingRow(channel=NOTE, key=f"{team} {_next(session)}", team=team, begun_at=now)
            session.add(row)
            session.flush()
            row.flags = [{"batch": row.id, "flags": count}]
            session.execute(update(LicenceFlagRow).where(*new).values(issued_in=row.id))


def _next(session: Session) -> int:
    return (session.scalar(select(func.max(LicenceTellingRow.id))) or 0) + 1


def _pending(ledger: Ledger, team: str) -> list[LicenceTellingRow]:
    query = select(LicenceTellingRow).where(
        LicenceTellingRow.channel == NOTE, LicenceTellingRow.team == team, LicenceTellingRow.told_at.is_(None)
    )
    with ledger.read() as session:
        return list(session.scalars(query.order_by(LicenceTellingRow.id)))


def _note(ledger: Ledger, jira: Jira, team: Team, pending: LicenceTellingRow, clock: Any) -> tuple[str, bool]:
    """The issue's key ("" where nothing is left to tell), and whether it was opened for this."""
    with ledger.read() as session:
        new = list(islice(lines(session, team=team.role, issued_in=pending.id), SHOWN))
        count = _open(session, team.role, pending.id)
    if not new:
        _told(ledger, pending.id, "nothing to tell", clock())
        return "", False
    key, description = _issue(ledger, jira, team, clock)
    mark = _mark(pending)
    opened = mark in description
    if not opened and mark not in _comments(jira, key):
        with _explained(f"Jira, {key}"):
            jira.client.issue_add_comment(key, _text(f"{_flags(count)} to act on:", new, count, mark))
    if not opened:
        _describe(ledger, jira, team, key)
    _told(ledger, pending.id, key, clock())
    return key, opened


# --- the team's issue


def _issue(ledger: Ledger, jira: Jira, team: Team, clock: Any) -> tuple[str, str]:
    """Key and description of the team's open issue: the known one, the one of an earlier try, or a new one."""
    row = _current(ledger, team.role)
    if row is not None and row.reference:
        known = _get(jira, row.reference)
        if known is not None:
            return row.reference, known
        row = None
    doubtful = row is not None
    if row is None:
        row = _opening(ledger, team, clock())
    label = label_of(row.key)
    found = _search(jira, team, label)
    if found is None and doubtful and clock() - row.begun_at < SETTLED:
        what = f"an issue for {team.role} may just have been opened, and Jira's search does not show it yet"
        raise TransientError(what, where=f"Jira, project {team.jira_project}", retry_after=SETTLED.total_seconds())
    if found is None:
        _tried(ledger, row.id, clock())
        found = _open_issue(ledger, jira, team, label)
    _told(ledger, row.id, found[0], clock())
    return found


def _current(ledger: Ledger, team: str) -> LicenceTellingRow | None:
    query = select(LicenceTellingRow).where(LicenceTellingRow.channel == ISSUE, LicenceTellingRow.team == team)
    with ledger.read() as session:
        return session.scalar(query.order_by(LicenceTellingRow.id.desc()).limit(1))


def _opening(ledger: Ledger, team: Team, now: datetime) -> LicenceTellingRow:
    with ledger.session() as session:
        row = LicenceTellingRow(channel=ISSUE, key=f"{team.role} {team.jira_project} {_next(session)}", team=team.role, begun_at=now)
        session.add(row)
        return row


def _tried(ledger: Ledger, telling_id: int, now: datetime) -> None:
    """The moment of the write, from which on an issue may be there that a search does not show."""
    with ledger.session() as session:
        row = session.get(LicenceTellingRow, telling_id)
        if row is not None:
            row.begun_at = now


def _told(ledger: Ledger, telling_id: int, reference: str, now: datetime) -> None:
    with ledger.session() as session:
        row = session.get(LicenceTellingRow, telling_id)
        if row is not None:
            row.reference, row.told_at = reference[:200], now


def _open_issue(ledger: Ledger, jira: Jira, team: Team, label: str) -> tuple[str, str]:
    description = _description(ledger, team)
    with _explained(f"Jira, project {team.jira_project}"):
        made = jira.client.issue_create({
            "project": {"key": team.jira_project},
            "issuetype": {"name": jira.issue_type},
            "summary": "Licences of images: flags to act on",
            "description": description,
            "labels": ["colophon", "licences", label],
        })
    if not isinstance(made, dict) or not made.get("key"):
        raise TransientError("Jira did not say which issue it opened", where=f"Jira, project {team.jira_project}")
    return str(made["key"]), description


def _describe(ledger: Ledger, jira: Jira, team: Team, key: str) -> None:
    """The description lists what is open now: writing it again changes nothing."""
    with _explained(f"Jira, {key}"):
        jira.client.update_issue_field(key, {"description": _description(ledger, team)})


def _get(jira: Jira, key: str) -> str | None:
    """Its description; None where it is done or gone."""
    with _explained(f"Jira, {key}", may_miss=True) as answer:
        issue = jira.client.issue(key, fields="status,description")
        if not isinstance(issue, dict) or not isinstance(fields := issue.get("fields"), dict):
            raise TransientError("Jira's answer is no issue", where=f"Jira, {key}")
        done = ((fields.get("status") or {}).get("statusCategory") or {}).get("key") == "done"
        answer.append(None if done else str(fields.get("description") or ""))
    return answer[0] if answer else None


def _search(jira: Jira, team: Team, label: str) -> tuple[str, str] | None:
    where = f"Jira, project {team.jira_project}"
    with _explained(where):
        found = jira.client.jql(f'project = "{team.jira_project}" AND labels = "{label}"', fields="description", limit=1)
        issues = found.get("issues") if isinstance(found, dict) else None
    if issues is None:
        raise TransientError("Jira's search gives no list of issues", where=where)
    return (str(issues[0]["key"]), str(issues[0].get("fields", {}).get("description") or "")) if issues else None


def _comments(jira: Jira, key: str) -> str:
    with _explained(f"Jira, {key}"):
        told = jira.client.issue_get_comments(key)
        found = told.get("comments") if isinstance(told, dict) else None
    if not isinstance(found, list):
        raise TransientError("Jira gives no list of comments", where=f"Jira, {key}")
    return "\n".join(str(one.get("body") or "") for one in found)


@contextmanager
def _explained(where: str, *, may_miss: bool = False) -> Iterator[list[str | None]]:
    """Jira's errors in ours, without its words: they may hold addresses. With `may_miss` what is not there leaves the list empty."""
    answer: list[str | None] = []
    try:
        yield answer
    except requests.HTTPError as refused:
        status = refused.response.status_code if refused.response is not None else 0
        if not (may_miss and status in {404, 410}):
            raise refusal(status, where, _fields(refused.response)) from None
    except (requests.RequestException, ConnectionError, TimeoutError) as broken:
        raise TransientError(f"no answer ({type(broken).__name__})", where=where) from None


def _fields(response: requests.Response | None) -> list[str]:
    """The fields that a refusal complains of: Jira's `errors` have them as keys, which are its own names and hold nothing of ours."""
    try:
        told = response.json() if response is not None else {}
    except ValueError:
        return []
    errors = told.get("errors") if isinstance(told, dict) else None
    return sorted(name for name in errors if re.fullmatch(r"\w{1,40}", name)) if isinstance(errors, dict) else []


def refusal(status: int, where: str, fields: Sequence[str] = ()) -> ColophonError:
    """What an HTTP status of Jira means."""
    match status:
        case 401:
            return LoginRefused("Jira refuses login and token", where=where, todo="Mend the connection jira_default.")
        case 403:
            return PermanentError(
                "Jira does not allow it", where=where, todo="Give the user the rights to create and comment issues there."
            )
        case 404 | 410:
            return PermanentError("Jira knows neither project nor issue", where=where, todo="Check jira_project in config/house.toml.")
        case 400:
            todo = "Check jira_project in config/house.toml, issue_type in the connection's extra; required fields need a default in Jira."
            which = f": {', '.join(fields)}" if fields else ""
            return PermanentError(f"Jira refuses the issue's fields{which}", where=where, todo=todo)
    return TransientError(f"Jira answers {status or 'nothing that can be read'}", where=where)


# --- words


def label_of(key: str) -> str:
    return f"colophon-licences-{hashlib.sha256(key.encode()).hexdigest()[:16]}"


def _mark(pending: LicenceTellingRow) -> str:
    return f"[colophon note {pending.id}]"


def _open(session: Session, team: str, batch: int | None = None) -> int:
    query = select(func.count()).where(LicenceFlagRow.team == team, LicenceFlagRow.state.in_(UNTOLD))
    return int(session.scalar(query.where(LicenceFlagRow.issued_in == batch) if batch else query) or 0)


def _description(ledger: Ledger, team: Team) -> str:
    """What is open now; with the marks of the notes that it tells of, for an issue that is opened by it."""
    marks = " ".join(_mark(one) for one in _pending(ledger, team.role))
    with ledger.read() as session:
        first, count = list(islice(lines(session, team=team.role), SHOWN)), _open(session, team.role)
    return _text(f"{_flags(count)} of {team.role}, the first due first:", first, count, marks)


def _flags(count: int) -> str:
    return "One flag" if count == 1 else f"{count:,} flags"


def _text(head: str, found: list[Line], count: int, marks: str) -> str:
    end = "Acknowledge or resolve flags in Airflow, page Licences; those whose cause is gone are closed by themselves."
    more = f"and {count - len(found):,} more: see the report.\n" if count > len(found) else ""
    rows, left = [], LONGEST - len(head) - len(end) - len(more) - len(marks)
    for line in found:
        title = f", {line.title}{f' ({line.isbn})' if line.isbn else ''}" if line.title else ""
        stops = ", stops deliveries" if line.blocking else ""
        row = f"* {line.due_on or 'no day'}, {line.cause}{stops}: image {line.asset_id}{title}. {line.message} To do: {line.todo}"
        if (left := left - len(row) - 1) < 0:
            break
        rows.append(row)
    return "\n".join([head, "", *rows, f"{more}", end, marks])
