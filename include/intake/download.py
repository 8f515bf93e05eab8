"""Brings one file from a partner into the store: hashed on the way, and gone on with where a cut stopped it.

What has come is kept under a name made from the inbox, the path and the mark, so that the next attempt, or the next run on this
machine, finds it. The last piece of it is read again and compared before the rest is added; if it differs, all is read anew.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from include.errors import PermanentError, TransientError
from include.ledger.turns import names
from include.store import Artefact, ArtefactStore
from include.transfer.lane import Lane
from include.transfer.model import RemoteEntry

COMPARED = 1 << 20  # bytes read again before the rest is added
CHUNK = 1 << 20
FIRST_PAUSE = 0.5  # seconds before the second attempt; each later one waits four times as long
ATTEMPTS = 4  # without a single new byte
WORTH_KEEPING = 4 << 20  # bytes; less is read anew after a cut


@dataclass(frozen=True, slots=True)
class Taken:
    """A file that is in the store: `resumed_from` counts the bytes that an earlier attempt had brought."""

    artefact: Artefact
    seconds: float
    resumed_from: int = 0
    host_key: str = ""


class Growing(TransientError):
    """The file changed while it was read, or is no longer what its listing said: it is looked at again later."""


class _Differs(Exception):
    """What was kept of an earlier attempt is not what the file holds now."""


async def download(lane: Lane, store: ArtefactStore, entry: RemoteEntry, key: str) -> Taken:
    """The whole file, as many bytes as its listing said and its listing says now. `key` names the arrival.

    Raises `Growing` if somebody is writing it, `PermanentError` if it is gone or the server won't give it, `TransientError` once
    several attempts in a row brought nothing.
    """
    started, pause, left = time.monotonic(), FIRST_PAUSE, ATTEMPTS
    with _kept(store, key) as partial:
        first = partial.size
        while True:
            before = partial.size
            try:
                await _read(lane, entry, partial)
            except Growing:
                partial.forget()
                raise
            except PermanentError:
                if not partial.rest:  # else the server may know nothing of offsets
                    raise
                partial.start_again()
                first = 0
                continue
            except TransientError as cut:
                left = ATTEMPTS if partial.size > before else left - 1
                if not left:
                    raise
                await lane.pause(cut.retry_after or pause)
                pause = FIRST_PAUSE if partial.size > before else pause * 4
                continue
            except _Differs:
                partial.start_again()
                first = 0
                continue
            break
        artefact = partial.keep()
    return Taken(artefact, time.monotonic() - started, first, lane.host_key)


async def _read(lane: Lane, entry: RemoteEntry, partial: Partial) -> None:
    where = f"{lane.where}: {entry.path}"
    offset = partial.rewound(entry.bytes)
    read = await lane.read(entry.path, partial.take, offset, entry.bytes)
    if read is None:
        raise PermanentError("the file is gone", where=where, todo="Nothing: the next look lists the folder again.")
    partial.compared()
    if offset + read != entry.bytes:
        raise Growing(f"{offset + read} bytes came where the listing said {entry.bytes}: somebody is writing it", where=where)
    now = await lane.stat(entry.path)
    if now is not None and (now.bytes != entry.bytes or (now.modified and entry.modified and now.modified != entry.modified)):
        raise Growing("the file changed while it was read", where=where, todo="Nothing: the next look takes it.")


class Partial:
    """Bytes that have come so far, in a file that outlives this process."""

    def __init__(self, store: ArtefactStore, path: Path, file: BinaryIO) -> None:
        self._store, self._path, self._file = store, path, file
        self._hash = hashlib.sha256()
        self._tail = b""
        self._seen = 0  # bytes of the tail that came again
        self._most = 0
        self.size = 0
        self._load()

    def _load(self) -> None:
        self._hash = hashlib.sha256()
        self.size = os.fstat(self._file.fileno()).st_size
        if self.size < WORTH_KEEPING:
            self.start_again()
            return
        self._file.seek(0)
        while chunk := self._file.read(CHUNK):
            self._hash.update(chunk)

    def start_again(self) -> None:
        self._file.seek(0)
        self._file.truncate()
        self._hash, self._tail, self._seen, self.size = hashlib.sha256(), b"", 0, 0

    def forget(self) -> None:
        """Nothing of this is worth keeping."""
        self.start_again()
        self._path.unlink(missing_ok=True)

    @property
    def rest(self) -> bool:
        """Whether only the rest was asked for."""
        return bool(self._tail)

    def rewound(self, most: int) -> int:
        """Where to read from: a little before the end of what is there. `most`: bytes of the whole file."""
        self._most = most
        if self.size > most:
            self.start_again()
        self._file.flush()
        length = min(COMPARED, self.size)
        self._file.seek(self.size - length)
        self._tail, self._seen = self._file.read(length), 0
        self._file.seek(0, os.SEEK_END)
        return self.size - length

    def take(self, data: bytes) -> None:
        """The next bytes of the file."""
        left = len(self._tail) - self._seen
        if left:
            again = data[:left]
            if again != self._tail[self._seen : self._seen + len(again)]:
                raise _Differs
            self._seen += len(again)
            data = data[len(again) :]
        if self.size + len(data) > self._most + 1:
            raise Growing("more bytes came than the listing said: somebody is writing it", where=self._path.name)
        try:
            self._file.write(data)
        except OSError as full:
            raise _unwritable(full, self._path.parent) from full
        self._hash.update(data)
        self.size += len(data)

    def compared(self) -> None:
        """After the last byte: the file must not end inside what is there already."""
        if self._seen < len(self._tail):
            raise _Differs

    def keep(self) -> Artefact:
        """Into the store, whole and on the disk."""
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as full:
            raise _unwritable(full, self._path.parent) from full
        artefact = Artefact(self._hash.hexdigest(), self.size)
        self._store.keep(self._path, artefact)
        self._path.unlink(missing_ok=True)
        return artefact


@contextmanager
def _kept(store: ArtefactStore, key: str) -> Iterator[Partial]:
    """What is kept of this arrival, for one process at a time; a second one reads into a file of its own."""
    fresh = store.arriving()
    path = fresh.with_name(f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.resumable")
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not names(path, descriptor):
                raise BlockingIOError
        except BlockingIOError:
            os.close(descriptor)
            path = fresh
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
    except OSError as refused:
        raise _unwritable(refused, path.parent) from refused
    with os.fdopen(descriptor, "r+b") as file:
        partial = Partial(store, path, file)
        try:
            yield partial
        finally:
            if path == fresh or partial.size < WORTH_KEEPING:
                with suppress(OSError):
                    path.unlink(missing_ok=True)


def _unwritable(error: OSError, folder: Path) -> PermanentError:
    what = f"can't write here: {error.strerror or error}"
    return PermanentError(what, where=str(folder), todo="Check the room there, COLOPHON_STORE and its permissions; then start a new run.")
