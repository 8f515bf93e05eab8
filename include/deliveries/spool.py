"""Rendered records on disk until the message is written: memory does not grow with their number."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack
from datetime import date
from types import TracebackType
from typing import Any, Self

from include.deliveries import outcomes
from include.deliveries.changes import Fragment, Look
from include.feeds.record import MessageWriter, Record
from include.ledger.models import RecordState

LEAVING = frozenset({"07", "08", "11"})  # List 64: out of print, inactive, withdrawn from sale


class Spool:
    """Bodies in one temporary file, what is known of each in another, their places in the message in a third."""

    def __init__(self) -> None:
        self._files = ExitStack()
        self._bodies = self._files.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 - closed with the stack
        self._index = self._files.enter_context(tempfile.TemporaryFile("w+", encoding="utf-8"))  # noqa: SIM115
        self._places = self._files.enter_context(tempfile.TemporaryFile("w+", encoding="utf-8"))  # noqa: SIM115
        self._hash = hashlib.sha256()
        self.records = self.changed = self.withdrawn = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._files.close()

    def send(self, look: Look, travelling: Record) -> None:
        """A changed title: `travelling` is the look's own record, or a block update of it."""
        assert look.record is not None and look.product is not None  # noqa: S101, PT018 - a pending look carries both
        self._write(look, look.record, travelling.body, notification=travelling.notification, whole=travelling is look.record)
        self.changed += 1
        leaves = look.product.publishing_status in LEAVING and bool(look.received)
        self.withdrawn += look.becomes == RecordState.WITHDRAWN or leaves

    def take_along(self, look: Look, read: Callable[[str, int, int], bytes]) -> None:
        """An unchanged title in a full message: copied from where it lies, or as it was just rendered."""
        if look.fragment is not None:
            self._write(look, look.fragment, read(look.fragment.artefact, look.fragment.offset, look.fragment.length))
        elif look.record is not None:
            self._write(look, look.record, look.record.body)

    def _write(self, look: Look, what: Record | Fragment, body: bytes, *, notification: str = "", whole: bool = True) -> None:
        digest = look.record.digest if look.record is not None else look.received
        self._hash.update(f"{look.product_id} {digest}\n".encode())
        entry = {
            "product_id": look.product_id,
            "isbn": look.isbn[:20],
            "record_reference": what.reference,
            "notification": notification or what.notification,
            "digest": digest,
            "source_digest": look.source,
            "stable_until": look.fragment.stable_until if look.fragment else look.stable_until,
            "blocks": dict(what.blocks),
            "whole": whole,
            "becomes": look.becomes,
        }
        self._index.write(json.dumps([len(body), entry]) + "\n")
        self._bodies.write(body)
        self.records += 1

    def digest(self) -> str:
        """Digest of what goes, without number and time: sha256 over product ids and record digests."""
        return self._hash.hexdigest()

    def write(self, message: MessageWriter) -> None:
        """Writes all records into the message, in the order they came, and notes where each landed."""
        self._index.seek(0)
        self._bodies.seek(0)
        for line in self._index:
            length, entry = json.loads(line)
            place = message.add(self._bodies.read(length))
            self._places.write(json.dumps([*place, entry]) + "\n")

    def rows(self, delivery_id: int, artefact: str, unfinished: Collection[int], tomorrow: date) -> Iterator[list[dict[str, Any]]]:
        """Rows of `delivery_record`, a thousand at a time, once the message is written.

        `unfinished` titles went without something that belongs to them: they are due again tomorrow.
        """
        self._places.seek(0)
        rows: list[dict[str, Any]] = []
        for line in self._places:
            offset, length, entry = json.loads(line)
            if entry["product_id"] in unfinished:
                entry["digest"] = hashlib.sha256(f"{entry['digest']} unfinished".encode()).hexdigest()
                entry["stable_until"] = min(entry["stable_until"] or tomorrow.isoformat(), tomorrow.isoformat())
            rows.append(outcomes.delivery_record(delivery_id, artefact, entry, offset, length))
            if len(rows) == 1000:
                yield rows
                rows = []
        if rows:
            yield rows
