"""The steps of one run of an inbox, with the titles read only where there is something to match: for the flow and the command alike."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from include.errors import PermanentError, TransientError
from include.intake import collect, decide, look
from include.intake.collect import Report, Say
from include.intake.match import TitleIndex
from include.intake.source import Source
from include.intake.summary import Summary, summary
from include.ledger import intake as rows
from include.ledger.database import Ledger
from include.partners import Inbox
from include.store import ArtefactStore
from include.transfer.remote import Remote


def take(
    ledger: Ledger, store: ArtefactStore, inbox: Inbox, remote: Remote, ids: Sequence[int], *, now: datetime, who: str = "", say: Say
) -> Report:
    """Takes these arrivals; raises `TransientError` at the end if some could not be fetched and trying again may help."""
    with ledger.read() as session:
        index = TitleIndex(session)
    # the log is for every viewer's eyes: of restricted files it tells no names
    report = collect.take(ledger, store, inbox, remote, index, ids, now=now, who=who, say=None if inbox.restricted else say)
    tell(inbox, report.problems, say)
    if report.tries_again:
        what = f"{len(report.problems)} files could not be fetched" + _first(inbox, report.problems)
        raise TransientError(what, where=f"inbox {inbox.id}", todo="The next try takes what is missing; nothing is taken twice.")
    return report


def finish(ledger: Ledger, store: ArtefactStore, inbox: Inbox, remote: Remote, *, since: datetime, now: datetime, say: Say) -> Summary:
    """What follows once all is taken: originals that an earlier run left, markers, halves of files that nobody asked for again, files whose
    title has appeared; then the summary.

    Raises `PermanentError` at the end if an original could not be moved away: else every run would look at it again.
    """
    report = Report()
    with ledger.read() as session:
        waiting = decide.due_again(session, inbox.id)
        untidied = [row.id for row in rows.untidied(session, inbox.id)]
    collect.tidy(ledger, store, inbox, remote, untidied, report, now=now)
    stuck = list(report.problems)
    problems = [*stuck, *look.clear_markers(ledger, inbox, remote, now=now)]
    store.clear_abandoned(now)
    if waiting:
        with ledger.read() as session:
            index = TitleIndex(session)
        for outcome in decide.again(ledger, store, Source.of_inbox(inbox), index, waiting, now=now):
            say(f"arrival {outcome.id} has found its title: {outcome.title}" if not inbox.restricted else f"arrival {outcome.id} is filed")
    with ledger.read() as session:
        told = summary(session, inbox, since, now, problems)
    tell(inbox, problems, say)
    say(told.sentence)
    if stuck:
        raise PermanentError(
            f"{len(stuck)} originals could not be moved away{_first(inbox, stuck)}", where=f"inbox {inbox.id}",
            todo="Ask the sender for the right to rename in this folder, or set `originals`; all files are safe in the store.",
        )  # fmt: skip
    return told


def tell(inbox: Inbox, problems: Sequence[str], say: Say) -> None:
    """Says what did not work; of a restricted inbox only how much of it, since its sentences name files."""
    if inbox.restricted and problems:
        say(f"{len(problems)} things did not work; who has the role {inbox.restricted} sees them under Publishing → Quarantine")
    elif problems:
        for problem in problems:
            say(problem)


def _first(inbox: Inbox, problems: Sequence[str]) -> str:
    return "" if inbox.restricted else f": {problems[0]}"
