"""Sends a delivery's files and writes down what happened, file by file, as it happens.

A run that is killed leaves the delivery `sending` with the files that arrived marked so; the next run sends the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from include.errors import ColophonError, ConfigurationError, PermanentError, TransientError
from include.ledger import deliveries
from include.ledger.database import Ledger
from include.ledger.models import DeliveryRow, DeliveryState, FileRow
from include.partners import Partner
from include.store import ArtefactStore
from include.transfer import Failure, Outgoing, Published, Remote, publish

ARRIVED = frozenset({DeliveryState.DELIVERED, DeliveryState.ACKNOWLEDGED, DeliveryState.REJECTED})
CLOSED = frozenset({DeliveryState.WITHDRAWN, DeliveryState.AWAITING_APPROVAL})


@dataclass(slots=True)
class Sending:
    """Sends deliveries of one partner. `say` gets a line for people now and then; `clock` gives the time with its zone."""

    ledger: Ledger
    store: ArtefactStore
    partner: Partner
    who: str = "colophon"
    say: Callable[[str], None] = lambda line: None
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def send(self, delivery_id: int, connect: Callable[[], AbstractContextManager[Remote]], *, again: bool = False) -> dict[str, Any]:
        """Sends what has not arrived; with `again` everything of a delivery that had arrived whole.

        Gives id, state, files, bytes and seconds. Raises the gravest error of the files that failed: `TransientError` only
        if trying again can help with all of them. `ConfigurationError` for a delivery that must not go.
        """
        with self.ledger.session() as session:
            row = deliveries.get(session, delivery_id)
            if row.partner != self.partner.id:
                raise ConfigurationError(f"delivery {delivery_id} belongs to {row.partner}", where=self.partner.id, todo="Check the number.")
            if row.state in CLOSED or (row.state == DeliveryState.DECLINED and not again):
                raise ConfigurationError(f"delivery {delivery_id} is {row.state}", where=self.partner.id, todo="It can't be sent as it stands.")
            whole = row.state in ARRIVED
            if whole and not again:
                return self._outcome(row)
            files = [file for file in row.files if whole or file.state != "delivered"]
            deliveries.begin_sending(session, row, files, now=self.clock(), who=self.who)
            outgoing = [self._outgoing(file) for file in files]
        self.say(f"Delivery {delivery_id} to {self.partner.name}: {len(outgoing)} files, {sum(file.bytes for file in outgoing):,} bytes")
        failures = self._publish(delivery_id, outgoing, connect)
        with self.ledger.session() as session:
            row = deliveries.get(session, delivery_id)
            if failures:
                deliveries.mark_failed(session, row, [_reason(failure) for failure in failures], now=self.clock(), who=self.who)
            else:
                deliveries.mark_delivered(session, row, now=self.clock(), who=self.who)
            outcome = self._outcome(row)
        if failures:
            raise _gravest(failures)
        return outcome

    def _outgoing(self, file: FileRow) -> Outgoing:
        sha256 = file.sha256
        return Outgoing(
            name=file.name, folder=file.folder, bytes=file.bytes, sha256=sha256, open=lambda: self.store.open(sha256), role=file.role
        )

    def _publish(self, delivery_id: int, outgoing: Sequence[Outgoing], connect: Callable[[], AbstractContextManager[Remote]]) -> list[Failure]:
        failures: list[Failure] = []
        try:
            with connect() as remote:
                for result in publish(remote, outgoing, self.partner.transport, say=self.say):
                    if isinstance(result, Failure):
                        failures.append(result)
                    self._record(delivery_id, result)
        except ColophonError as lost:
            failures.append(Failure("connection", lost))
            self.say(str(lost))
        return failures

    def _record(self, delivery_id: int, result: Published | Failure) -> None:
        with self.ledger.session() as session:
            row = deliveries.get(session, delivery_id)
            if isinstance(result, Failure):
                deliveries.file_failed(session, row, result.name, str(result.error), now=self.clock(), who=self.who)
                return
            deliveries.file_delivered(
                session, row, result.name, remote_path=result.remote_path, verified=result.verified, seconds=result.seconds,
                host_key=result.host_key, now=self.clock(), who=self.who,
                detail={"resumed_from": result.resumed_from, "already_there": result.skipped},
            )  # fmt: skip

    @staticmethod
    def _outcome(row: DeliveryRow) -> dict[str, Any]:
        return {
            "delivery_id": row.id, "partner": row.partner, "state": str(row.state), "records": row.records,
            "files": [{"name": file.name, "remote_path": file.remote_path, "bytes": file.bytes, "sha256": file.sha256} for file in row.files],
            "seconds": round(row.seconds, 3),
        }  # fmt: skip


def approve(ledger: Ledger, delivery_id: int, *, who: str, now: datetime) -> None:
    """A person said yes."""
    with ledger.session() as session:
        row = deliveries.get(session, delivery_id)
        if row.state == DeliveryState.AWAITING_APPROVAL:
            deliveries.move(session, row, DeliveryState.PREPARED, now=now, who=who, what="approved")


def decline(ledger: Ledger, delivery_id: int, *, now: datetime, who: str = "colophon") -> None:
    """A person said no, or nobody answered in time. Does nothing to a delivery that does not wait for an answer."""
    with ledger.session() as session:
        row = deliveries.get(session, delivery_id)
        if row.state == DeliveryState.AWAITING_APPROVAL:
            deliveries.move(session, row, DeliveryState.DECLINED, now=now, who=who, what="declined")


def _reason(failure: Failure) -> dict[str, str]:
    error = failure.error
    return {"code": type(error).__name__, "file": failure.name, "message": str(error)}


def _gravest(failures: Sequence[Failure]) -> ColophonError:
    """One error for the run: permanent if any is, since Airflow's retry can't mend that."""
    for kind in (ConfigurationError, PermanentError):
        for failure in failures:
            if isinstance(failure.error, kind):
                return failure.error
    first = failures[0].error
    waits = [failure.error.retry_after for failure in failures if isinstance(failure.error, TransientError) and failure.error.retry_after]
    todo = "It is tried again by itself; files that arrived are not sent twice."
    return TransientError(f"{len(failures)} files did not arrive: {first}", todo=todo, retry_after=max(waits, default=None))
