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
    for problem in report.problems:
        say(problem if not inbox.restricted else "One file could not be fetched or moved: see the page Quarantine.")
    if report.tries_again:
        what = f"{len(report.problems)} files could not be fetched: {report.problems[0] if not inbox.restricted else 'see the ledger'}"
        raise TransientError(what, where=f"inbox {inbox.id}", todo="The next try takes what is missing; nothing is taken twice.")
    return report


def finish(ledger: Ledger, store: ArtefactStore, inbox: Inbox, remote: Remote, *, since: datetime, now: datetime, say: Say) -> Summary:
    """What follows once all is taken: originals that an earlier run left, markers, files whose title has appeared; then the summary.

    Raises `PermanentError` at the end if an original could not be moved away: else every run would look at it again.
    """
    report = Report()
    with ledger.read() as session:
        waiting = decide.due_again(session, inbox.id)
        untidied = [row.id for row in rows.untidied(session, inbox.id)]
    collect.tidy(ledger, store, inbox, remote, untidied, report, now=now)
    stuck = list(report.problems)
    problems = [*stuck, *look.clear_markers(ledger, inbox, remote, now=now)]
    if waiting:
        with ledger.read() as session:
            index = TitleIndex(session)
        for outcome in decide.again(ledger, store, Source.of_inbox(inbox), index, waiting, now=now):
            say(f"arrival {outcome.id} has found its title: {outcome.title}" if not inbox.restricted else f"arrival {outcome.id} is filed")
    with ledger.read() as session:
        told = summary(session, inbox, since, now, problems)
    for problem in problems:
        say(problem)
    say(told.sentence)
    if stuck:
        raise PermanentError(
            f"{len(stuck)} originals could not be moved away: {stuck[0]}", where=f"inbox {inbox.id}",
            todo="Ask the sender for the right to rename in this folder, or set `originals`; all files are safe in the store.",
        )  # fmt: skip
    return told
