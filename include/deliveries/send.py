"""Sends a delivery's files and writes down what came of each.

A run that is killed leaves the delivery `sending`; the next run finds what arrived at the partner and sends the rest.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session

from include.deliveries.build import Run
from include.errors import ColophonError, ConfigurationError, PermanentError, TransientError
from include.ledger import deliveries, packages, statements
from include.ledger.database import Ledger
from include.ledger.models import DeliveryRow, DeliveryState, FileRow
from include.ledger.turns import turn
from include.partners import Party
from include.store import ArtefactStore
from include.transfer.model import Event, Failure, Outgoing, Published
from include.transfer.publish import publish
from include.transfer.remote import Remote

WORTH_WATCHING = 5_000_000  # bytes: what is smaller has arrived before anybody has read the line
CLOSED = frozenset({DeliveryState.WITHDRAWN, DeliveryState.AWAITING_APPROVAL})


@dataclass(slots=True)
class Sending:
    """Sends deliveries of one partner. `say` gets a line for people now and then; `clock` gives the time with its zone. `look`: the
    last look at what leaves, which raises `packages.Stopped`; without one no royalty statement goes."""

    ledger: Ledger
    store: ArtefactStore
    partner: Party
    run: Run = field(default_factory=Run)
    say: Callable[[str], None] = lambda line: None
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    look: Callable[[], None] | None = None

    def send(self, delivery_id: int, connect: Callable[[], AbstractContextManager[Remote]], *, again: bool = False) -> dict[str, Any]:
        """Sends what has not arrived; with `again`, everything of a delivery that had arrived whole, once for each run.

        Gives id, partner, state, records, files and seconds. Raises the gravest error of the files that failed:
        `TransientError` only if trying again can help with all of them; `ConfigurationError` for a delivery that must not go;
        `packages.Stopped` for a package that holds a file which is not approved, or not current, any more.

        Another run that sends the same delivery is waited for: what it brought there is not sent twice. The last look comes after the wait:
        people may have decided meanwhile.
        """
        busy = f"Delivery {delivery_id}: another run is sending it at this moment. Waiting for its end."
        with turn(self.ledger, f"delivery {delivery_id}", waiting=lambda: self.say(busy)):
            if self.look is not None:
                self.look()
            return self._send(delivery_id, connect, again=again)

    def _send(self, delivery_id: int, connect: Callable[[], AbstractContextManager[Remote]], *, again: bool) -> dict[str, Any]:
        with self.ledger.session() as session:
            row = deliveries.get(session, delivery_id)
            self._must_go(row, again=again)
            if row.state in deliveries.ARRIVED and (not again or self._did(row)):
                return _outcome(row)
            if row.state == DeliveryState.DECLINED:
                deliveries.approve(session, row, now=self.clock(), who=self.run.who)
            stopped = packages.refuse_unfit(session, row, now=self.clock(), who=self.run.who)
            if stopped is None:
                row = deliveries.start(session, row, now=self.clock(), who=self.run.who, dag_id=self.run.dag_id, run_id=self.run.run_id)
            missing = [file for file in row.files if file.state != "delivered"]
            arrived = [self._outgoing(file) for file in row.files if file.state == "delivered"]
            outgoing, resend = [self._outgoing(file) for file in missing], row.delivered_at is not None
        if stopped is not None:
            raise stopped
        self.say(f"Delivery {delivery_id} to {self.partner.name}: {len(outgoing)} files, {sum(file.bytes for file in outgoing):,} bytes")
        started = time.monotonic()
        results = self._publish(delivery_id, outgoing, arrived, connect, again=resend)
        failures = [result for result in results if isinstance(result, Failure)]
        with self.ledger.session() as session:
            for place, result in enumerate(results):  # in the files' order; a manifest and done-files come after them
                self._record(session, delivery_id, missing[place].id if place < len(missing) else None, result)
            row = deliveries.get(session, delivery_id, lock=True)
            if failures:
                if row.state == DeliveryState.SENDING:  # else it was withdrawn under way, or another run has ended it
                    reasons = [_reason(failure) for failure in failures]
                    row = deliveries.mark_failed(session, row, now=self.clock(), who=self.run.who, reasons=reasons)
            else:
                row = deliveries.mark_delivered(session, delivery_id, self.clock(), who=self.run.who, seconds=time.monotonic() - started)
            outcome = _outcome(row)
            packages.settle_delivery(session, row, now=self.clock(), who=self.run.who)
        if failures:
            raise _gravest(failures)
        return outcome

    def _must_go(self, row: DeliveryRow, *, again: bool) -> None:
        if row.partner != self.partner.id:
            raise ConfigurationError(f"delivery {row.id} belongs to {row.partner}", where=self.partner.id, todo="Check the number.")
        if row.flow == statements.FLOW and self.look is None:
            todo = "Send it with send_delivery, which looks first."
            raise ConfigurationError(f"delivery {row.id} holds statements that nobody has looked into", where=self.partner.id, todo=todo)
        if row.state in CLOSED or (row.state == DeliveryState.DECLINED and not again):
            raise ConfigurationError(f"delivery {row.id} is {row.state}", where=self.partner.id, todo="It can't be sent as it stands.")

    def _did(self, row: DeliveryRow) -> bool:
        """Whether this very run has sent it: a retry after a worker died between the last file and the task's end."""
        return bool(self.run.run_id) and (row.dag_id, row.run_id) == (self.run.dag_id, self.run.run_id)

    def _outgoing(self, file: FileRow) -> Outgoing:
        sha256 = file.sha256
        return Outgoing(file.name, file.folder, file.bytes, sha256, lambda: self.store.open(sha256), file.role)

    def _publish(
        self,
        delivery_id: int,
        outgoing: Sequence[Outgoing],
        arrived: Sequence[Outgoing],
        connect: Callable[[], AbstractContextManager[Remote]],
        *,
        again: bool,
    ) -> list[Published | Failure]:
        def note(event: Event) -> None:
            self.say(f"{event.what}: {event.name} {event.detail}".rstrip())
            if event.what in {"resumed", "retried", "replaced"}:
                with self.ledger.session() as session:
                    deliveries.record_event(
                        session, what=f"file {event.what}", now=self.clock(), who=self.run.who, partner=self.partner.id,
                        delivery_id=delivery_id, subject=event.name, detail={"detail": event.detail},
                    )  # fmt: skip

        def progress(name: str, done: int, total: int) -> None:
            if total >= WORTH_WATCHING:
                self.say(f"{name}: {done:,} of {total:,} bytes ({done * 100 // max(total, 1)} %)")

        try:
            with connect() as remote:
                return publish(
                    remote, outgoing, self.partner.transport, on_event=note, on_progress=progress, key=str(delivery_id),
                    arrived=arrived, again=again,
                )  # fmt: skip
        except ColophonError as lost:  # no connection: nothing was tried
            self.say(str(lost))
            return [Failure(file.name, lost) for file in outgoing] or [Failure(self.partner.transport.commit.rule, lost)]

    def _record(self, session: Session, delivery_id: int, file_id: int | None, result: Published | Failure) -> None:
        if isinstance(result, Failure):
            if file_id is not None:
                deliveries.file_failed(session, file_id, now=self.clock(), reason=str(result.error), who=self.run.who)
            return
        detail = {"resumed_from": result.resumed_from, "already_there": result.skipped}
        if file_id is not None:
            deliveries.file_delivered(
                session, file_id, now=self.clock(), remote_path=result.remote_path, verified=result.verified, seconds=result.seconds,
                host_key=result.host_key, who=self.run.who, detail=detail,
            )  # fmt: skip
        else:  # a manifest or done-file: it follows from the others
            deliveries.record_event(
                session, what=f"{result.role} delivered", now=self.clock(), who=self.run.who, partner=self.partner.id,
                delivery_id=delivery_id, subject=result.remote_path, bytes=result.bytes, seconds=result.seconds, sha256=result.sha256,
                host_key=result.host_key, detail=detail,
            )  # fmt: skip


def _outcome(row: DeliveryRow) -> dict[str, Any]:
    return {
        "delivery_id": row.id,
        "partner": row.partner,
        "state": str(row.state),
        "records": row.records,
        "files": [{"name": file.name, "remote_path": file.remote_path, "bytes": file.bytes, "sha256": file.sha256} for file in row.files],
        "seconds": round(row.seconds, 3),
    }


def approve(ledger: Ledger, delivery_id: int, *, who: str, now: datetime) -> None:
    """A person said yes."""
    with ledger.session() as session:
        row = deliveries.get(session, delivery_id)
        if row.state == DeliveryState.AWAITING_APPROVAL:
            deliveries.approve(session, row, now=now, who=who)


def decline(ledger: Ledger, delivery_id: int, *, now: datetime, who: str = "") -> None:
    """`who` said no; empty: nobody answered in time. Does nothing to a delivery that does not wait for an answer."""
    note = f"{who} said no." if who else "Nobody answered in time."
    with ledger.session() as session:
        row = deliveries.get(session, delivery_id)
        if row.state == DeliveryState.AWAITING_APPROVAL:
            deliveries.decline(session, row, now=now, who=who or "colophon", note=note)


def _reason(failure: Failure) -> dict[str, str]:
    error = failure.error
    return {"code": type(error).__name__, "file": failure.name, "message": str(error), "todo": error.todo}


def _gravest(failures: Sequence[Failure]) -> ColophonError:
    """One error for the run: permanent if any is, since Airflow's retry can't mend that."""
    for kind in (ConfigurationError, PermanentError):
        for failure in failures:
            if isinstance(failure.error, kind):
                return failure.error
    first = failures[0].error
    waits = [failure.error.retry_after for failure in failures if isinstance(failure.error, TransientError) and failure.error.retry_after]
    what = f"{len(failures)} file{'s' if len(failures) > 1 else ''} did not arrive: {first.what}"
    todo = f"{first.todo or 'It is tried again by itself.'} Files that arrived are not sent twice."
    return TransientError(what, where=first.where, todo=todo, retry_after=max(waits, default=None))
