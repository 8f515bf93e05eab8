"""Sends one delivery of statements: looked into once more, and told in numbers. What is raised or given names no file and no payee."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any

from include.deliveries.build import Run
from include.deliveries.send import Sending
from include.errors import ColophonError, ConfigurationError, HostKeyMismatch, LoginRefused, PermanentError, TransientError
from include.ledger import statements
from include.ledger.database import Ledger
from include.ledger.packages import Stopped
from include.partners import Party
from include.royalties import leaving
from include.store import ArtefactStore
from include.transfer.remote import Remote

_KEPT = (TransientError, ConfigurationError, PermanentError)


def send(
    ledger: Ledger,
    store: ArtefactStore,
    party: Party,
    delivery_id: int,
    connect: Callable[[], AbstractContextManager[Remote]],
    *,
    run: Run,
    again: bool = False,
) -> dict[str, Any]:
    """Gives delivery_id, partner, state, files, bytes and seconds: numbers only. Raises `Stopped` if anything in it is not for this party,
    and otherwise what `Sending.send` raises, without the names in its sentences: those are on the delivery's page."""
    failed: ColophonError | None = None
    outcome: dict[str, Any] = {}
    looked: list[Stopped] = []

    def look() -> None:
        try:
            leaving.refuse(ledger, store, party, delivery_id, now=datetime.now(UTC), again=again, who=run.who)
        except Stopped as stopped:  # it names nobody
            looked.append(stopped)
            raise

    try:
        outcome = Sending(ledger, store, party, run, look=look).send(delivery_id, connect, again=again)
    except ColophonError as error:
        failed = error
    if failed is not None:
        raise looked[0] if looked else _nameless(failed, delivery_id)
    with ledger.session() as session:
        statements.settle(session, now=datetime.now(UTC), who=run.who)
    files = outcome.pop("files")
    outcome.pop("records")
    return outcome | {"files": len(files), "bytes": sum(file["bytes"] for file in files)}


def _nameless(failed: ColophonError, delivery_id: int) -> ColophonError:
    """The same class, so that Airflow decides as it would have; the sentence is ours."""
    where, todo = f"delivery {delivery_id}", "Its page under Publishing → Deliveries says why, file by file."
    what = f"the statements did not all arrive ({type(failed).__name__})"
    if isinstance(failed, LoginRefused | HostKeyMismatch):  # before any file was named: its sentence tells of the connection alone
        what, todo = f"the statements did not arrive: {failed.where}: {failed.what}", failed.todo
    if isinstance(failed, Stopped):
        return Stopped(what, where=where, todo=todo, reasons=failed.reasons)
    if isinstance(failed, TransientError):
        return TransientError(what, where=where, todo=todo, retry_after=failed.retry_after)
    kind = next((kind for kind in _KEPT if isinstance(failed, kind)), PermanentError)
    return kind(what, where=where, todo=todo)
