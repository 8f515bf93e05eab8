"""Flags on licences: raised once for each licence, cause, subject and threshold, for the team that must act, and closed by themselves.

    no flag yet ─▶ open ─▶ acknowledged ─▶ resolved        by people, who are asked no more until the next threshold
                    └──────────┴─▶ gone                     by the next check: extended, moved, or the next threshold has its own flag

A check goes through the licences page by page, each page in a transaction of its own: one that is stopped goes on as if it had not begun.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, selectinload

from include.errors import ConfigurationError, PermanentError, RejectedData
from include.ledger.chunks import chunks
from include.ledger.database import Ledger
from include.ledger.deliveries import record_event
from include.ledger.licence_rows import FlagState, LicenceFlagRow, LicenceRow
from include.ledger.licences import UNTOLD
from include.licences import cases, conflicts, horizon
from include.licences.cases import Case, Runs, RunsOf
from include.licences.horizon import Found
from include.partners.licensing import Campaign, LicenceRules

PAGE = 500
EXPIRY = "licence_expiry"
CAUSES = (
    "withdrawn", "expired", "expiry", "agreement", "publication", "reprint", "campaign", "territory", "edition", "format", "print-run",
    "editorial", "releases", "terms",
)  # fmt: skip
OF_RUNS = frozenset({"reprint", "print-run"})
"""Causes that can't be judged while Consonance does not tell production runs: their flags stay as they are."""
LONGEST_NOTE = 2_000
_TRIES = 3

Key = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check came to. `counts`: licences, raised, gone, open. `problems`: {what, where, todo}."""

    counts: dict[str, int] = field(default_factory=dict)
    problems: tuple[dict[str, str], ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {"counts": self.counts, "problems": list(self.problems)}


def check(
    ledger: Ledger,
    rules: LicenceRules,
    *,
    campaigns: Sequence[Campaign] = (),
    runs_of: RunsOf = lambda work_id: (),
    now: datetime,
    only: Collection[int] | None = None,
    say: Callable[[str], None] = lambda sentence: None,
) -> Checked:
    """Looks at every licence (or `only` these), raises and closes flags. A second check of the same day changes nothing.

    `now` carries a zone: the day is the one there. Production runs that can't be read stop nothing; that is among the problems. Raises
    `ConfigurationError` as `check_rules`.
    """
    check_rules(rules)
    counts: Counter[str] = Counter()
    runs, today = Runs(runs_of), now.date()
    last = 0
    while True:
        with ledger.read() as session:
            rows = _page(session, last, only)
            found = cases.gather(session, rows, campaigns)
        if not rows:
            break
        last = rows[-1].id
        wanted = [(case.row.id, *_found(case, runs, today, rules)) for case in found]  # asks Consonance: no session is open meanwhile
        counts["licences"] += len(rows)
        counts += _settled(ledger, wanted, rules, now)
        if counts["licences"] % (20 * PAGE) == 0:
            say(f"{counts['licences']:,} licences checked, {counts['raised']:,} flags raised")
    problems = []
    if runs.trouble:
        todo = "Flags of reprints and print runs stay as they were; the next run looks again."
        problems.append({"what": runs.trouble, "where": "production runs in Consonance", "todo": todo})
    told = {name: counts[name] for name in ("licences", "raised", "gone", "changed")}
    if told["raised"] or told["gone"]:
        with ledger.session() as session:
            record_event(session, what="licences checked", now=now, who=EXPIRY, detail=told)
    return Checked(told, tuple(problems))


def check_rules(rules: LicenceRules) -> None:
    """Raises `ConfigurationError` if `[licences]` of the house names a cause that does not exist."""
    for table, causes in (("blocks", rules.blocks), *((f"teams.{team.role}", team.causes) for team in rules.teams)):
        if unknown := sorted(set(causes) - set(CAUSES)):
            where = f"config/house.toml, licences.{table}"
            raise ConfigurationError(f"there is no cause {unknown[0]!r}", where=where, todo=f"Causes are {', '.join(CAUSES)}.")


def find(case: Case, runs: Runs, today: date, rules: LicenceRules) -> Iterator[Found]:
    """All that somebody must act on, of one licence."""
    known = runs.works(case.asks_runs) or ()
    yield from horizon.find(case, known, today, rules.horizons)
    yield from conflicts.find(case, known, today, rules.horizons)


def team_of(cause: str, rules: LicenceRules) -> str:
    """The role that must act: of the team with this cause, else of the first that has all others; "" where the house names none."""
    named = [team for team in rules.teams if cause in team.causes] or [team for team in rules.teams if not team.causes]
    return named[0].role if named else ""


def _found(case: Case, runs: Runs, today: date, rules: LicenceRules) -> tuple[list[Found], bool]:
    """What is found, and whether production runs that matter could not be read."""
    found = list(find(case, runs, today, rules))
    return found, bool(runs.trouble) and runs.works(case.asks_runs) is None


def _settled(ledger: Ledger, wanted: Sequence[tuple[int, list[Found], bool]], rules: LicenceRules, now: datetime) -> Counter[str]:
    """Writes what a page of licences needs; a second check at the same time may have raised some of it."""
    for tries in range(_TRIES):
        with ledger.read() as session:
            there = _flags(session, [id for id, _, _ in wanted])
        moves = [move for id, found, unsure in wanted for move in _moves(id, there.get(id, []), found, unsure, rules)]
        counts: Counter[str] = Counter()
        if not moves:
            return counts
        try:
            with ledger.session() as session:
                _write(session, moves, counts, now)
            return counts
        except IntegrityError:
            if tries == _TRIES - 1:
                raise
    return Counter()


def _page(session: Session, after: int, only: Collection[int] | None) -> list[LicenceRow]:
    query = select(LicenceRow).where(LicenceRow.id > after).options(selectinload(LicenceRow.serves)).order_by(LicenceRow.id).limit(PAGE)
    if only is not None:
        query = query.where(LicenceRow.id.in_([id for id in sorted(only) if id > after][:PAGE]))
    return list(session.scalars(query))


def _flags(session: Session, licence_ids: Sequence[int]) -> dict[int, list[LicenceFlagRow]]:
    found: dict[int, list[LicenceFlagRow]] = {}
    for flag in session.scalars(select(LicenceFlagRow).where(LicenceFlagRow.licence_id.in_(licence_ids)).order_by(LicenceFlagRow.id)):
        found.setdefault(flag.licence_id, []).append(flag)
    return found


# --- from what is there to what should be


@dataclass(frozen=True, slots=True)
class _Move:
    """`flag_id` 0: a new one. `values`: columns to write; `what`: raised, gone or changed."""

    licence_id: int
    flag_id: int
    what: str
    values: dict[str, Any]


def _moves(licence_id: int, there: Sequence[LicenceFlagRow], found: Sequence[Found], unsure: bool, rules: LicenceRules) -> list[_Move]:
    wanted = {(one.cause, one.subject): one for one in found}
    known: dict[Key, LicenceFlagRow] = {(flag.cause, flag.subject, flag.threshold): flag for flag in there}
    moves = []
    for one in wanted.values():
        values = _values(one, rules)
        flag = known.get((one.cause, one.subject, one.threshold))
        if flag is None or flag.state == FlagState.GONE or (flag.state == FlagState.RESOLVED and _says_more(one, flag)):
            moves.append(_Move(licence_id, flag.id if flag else 0, "raised", values))
        elif changed := {name: value for name, value in values.items() if getattr(flag, name) != value}:
            moves.append(_Move(licence_id, flag.id, "changed", changed))
    for flag in there:
        if flag.state not in UNTOLD or (unsure and flag.cause in OF_RUNS):
            continue
        now = wanted.get((flag.cause, flag.subject))
        if now is None:
            moves.append(_Move(licence_id, flag.id, "gone", {"note": _noted(flag, "its cause is gone")}))
        elif now.threshold != flag.threshold and flag.state == FlagState.OPEN:
            moves.append(
                _Move(licence_id, flag.id, "gone", {"note": _noted(flag, f"{now.threshold} days before it has a flag of its own")})
            )
    return moves


def _says_more(one: Found, flag: LicenceFlagRow) -> bool:
    """Of what nobody has told or read, whose subject does not tell two apart: who settled one gap has not settled the next."""
    return not one.subject and not _sentences(one.message) <= _sentences(flag.message)


def _sentences(message: str) -> frozenset[str]:
    return frozenset(message.rstrip(".").split(". "))


def _values(one: Found, rules: LicenceRules) -> dict[str, Any]:
    return {
        "cause": one.cause, "subject": one.subject, "threshold": one.threshold, "work_id": one.work_id, "product_id": one.product_id,
        "due_on": one.due.isoformat() if one.due else "", "team": team_of(one.cause, rules), "blocking": one.cause in rules.blocks,
        "message": one.message, "todo": one.todo,
    }  # fmt: skip


def _noted(flag: LicenceFlagRow, why: str) -> str:
    return f"{flag.note} ({why})"[-LONGEST_NOTE:] if flag.note else why


def _write(session: Session, moves: Sequence[_Move], counts: Counter[str], now: datetime) -> None:
    """What people did in the meantime stands: a flag that they have settled since is not closed again."""
    there: dict[int, LicenceFlagRow] = {}
    ids = sorted({move.flag_id for move in moves} - {0})
    for some in chunks(ids, PAGE):
        query = select(LicenceFlagRow).where(LicenceFlagRow.id.in_(some))
        there |= {flag.id: flag for flag in session.scalars(query.with_for_update())}
    for move in moves:
        flag = there.get(move.flag_id)
        if move.what == "raised" and flag is None:
            session.add(LicenceFlagRow(licence_id=move.licence_id, state=FlagState.OPEN, opened_at=now, **move.values))
        elif flag is None or (move.what == "gone" and flag.state not in UNTOLD):
            continue
        else:
            for name, value in move.values.items():
                setattr(flag, name, value)
            if move.what == "gone":
                flag.state, flag.decided_at, flag.decided_by = FlagState.GONE, now, EXPIRY
            elif move.what == "raised":  # it is there again, so people hear of it again
                flag.state, flag.opened_at, flag.decided_at, flag.decided_by = FlagState.OPEN, now, None, ""
                flag.note, flag.mailed_in, flag.issued_in = "", 0, 0
        counts[move.what] += 1


# --- what people say


def acknowledge(ledger: Ledger, flag_id: int, who: str, note: str, now: datetime) -> bool:
    """Somebody has it. True if that is new. Raises `PermanentError` if there is no such flag, `RejectedData` if it is settled."""
    return _decide(ledger, flag_id, FlagState.ACKNOWLEDGED, who, note, now)


def resolve(ledger: Ledger, flag_id: int, who: str, note: str, now: datetime) -> bool:
    """What was to be done is done: it stops nothing any more, and is not raised again at this threshold. Raises as `acknowledge`."""
    return _decide(ledger, flag_id, FlagState.RESOLVED, who, note, now)


def _decide(ledger: Ledger, flag_id: int, state: FlagState, who: str, note: str, now: datetime) -> bool:
    with ledger.session() as session:
        flag = session.scalar(select(LicenceFlagRow).where(LicenceFlagRow.id == flag_id).with_for_update())
        if flag is None:
            raise PermanentError(f"there is no flag {flag_id}", todo="Look it up on the licence's page.")
        where = f"flag {flag_id}, licence {flag.licence_id}"
        if flag.state == state:
            return False
        if flag.state == FlagState.GONE:
            raise RejectedData("its cause is gone", where=where, todo="Nothing is left to be done about it.")
        if flag.state == FlagState.RESOLVED:
            said = f"{flag.decided_by or 'somebody'} has resolved it"
            raise RejectedData(said, where=where, todo="Nothing: the next threshold has a flag of its own.")
        flag.state, flag.decided_by, flag.decided_at = state, who, now
        flag.note = note.strip()[:LONGEST_NOTE] or flag.note
        if state == FlagState.RESOLVED:
            _with_earlier(session, flag)
        detail = {"cause": flag.cause, "subject": flag.subject, "threshold": flag.threshold, "note": flag.note}
        record_event(session, what=f"licence flag {state}", now=now, who=who, subject=where, detail=detail)
        return True


def _with_earlier(session: Session, flag: LicenceFlagRow) -> None:
    """Flags of earlier thresholds of the same matter are settled with it."""
    same = (LicenceFlagRow.licence_id == flag.licence_id, LicenceFlagRow.cause == flag.cause, LicenceFlagRow.subject == flag.subject)
    for earlier in session.scalars(select(LicenceFlagRow).where(*same, LicenceFlagRow.state.in_(UNTOLD), LicenceFlagRow.id != flag.id)):
        earlier.state, earlier.decided_by, earlier.decided_at = FlagState.RESOLVED, flag.decided_by, flag.decided_at
        earlier.note = _noted(earlier, f"resolved with flag {flag.id}")
