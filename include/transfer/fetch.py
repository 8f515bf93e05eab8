"""Fetches files from a partner: many at once, whole, hashed on the way.

Which files to take is the caller's to say (`naming.settled` tells files that nobody writes any more). A file that is
shorter or longer than its listing said is not taken: somebody is still writing it.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Protocol

from include.errors import ColophonError, PermanentError, TransientError
from include.transfer.lane import Job, Lane
from include.transfer.model import Event, Failure, Fetched, OnEvent, OnProgress, RemoteEntry, no_event, no_progress
from include.transfer.remote import Remote

FIRST_PAUSE = 0.5  # seconds before the second attempt; each later one waits four times as long


class Sink(Protocol):
    """What takes the bytes: an open file, or a new artefact of the store."""

    def write(self, data: bytes, /) -> object: ...


def fetch(
    remote: Remote,
    entries: Sequence[RemoteEntry],
    into: Callable[[RemoteEntry], AbstractContextManager[Sink]],
    *,
    parallel: int = 16,
    on_event: OnEvent = no_event,
    on_progress: OnProgress = no_progress,
    attempts: int = 3,
) -> list[Fetched | Failure]:
    """What came of each entry, in their order. `into` opens a fresh place for each attempt; it must keep nothing when it is
    left with an error. One file's failure does not stop the others; only `TransientError` is tried again."""

    def job_for(entry: RemoteEntry) -> Job[Fetched | Failure]:
        async def job(lane: Lane) -> Fetched | Failure:
            pause = FIRST_PAUSE
            for left in reversed(range(attempts)):
                try:
                    fetched = await _fetch(lane, entry, into)
                except TransientError as trouble:
                    if left:
                        await lane.pause(trouble.retry_after or pause)
                        pause *= 4
                        continue
                    return _failed(lane, entry, trouble)
                except ColophonError as bad:
                    return _failed(lane, entry, bad)
                lane.tell(partial(on_progress, entry.name, fetched.bytes, fetched.bytes))
                lane.tell(partial(on_event, Event("fetched", entry.name, fetched.sha256, fetched.bytes, fetched.seconds)))
                return fetched
            raise AssertionError("unreachable")

        return job

    def _failed(lane: Lane, entry: RemoteEntry, error: ColophonError) -> Failure:
        lane.tell(lambda: on_event(Event("failed", entry.name, str(error))))
        return Failure(entry.name, error)

    return remote.run([job_for(entry) for entry in entries], parallel)


async def _fetch(lane: Lane, entry: RemoteEntry, into: Callable[[RemoteEntry], AbstractContextManager[Sink]]) -> Fetched:
    started = time.monotonic()
    digest = hashlib.sha256()
    with into(entry) as sink:

        def take(data: bytes) -> None:
            digest.update(data)
            sink.write(data)

        read = await lane.read(entry.path, take, size=entry.bytes)
        if read is None:
            raise PermanentError("the file is gone", where=f"{lane.where}: {entry.path}", todo="List the folder again.")
        if read != entry.bytes:
            raise TransientError(
                f"{read} bytes came where the listing said {entry.bytes}: somebody is writing it",
                where=f"{lane.where}: {entry.path}",
                todo="List the folder again later.",
            )
    return Fetched(entry, read, digest.hexdigest(), time.monotonic() - started)
