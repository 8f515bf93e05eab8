"""The walk through an archive: every name once, written down as it goes, so that it may be stopped anywhere and go on.

The ledger is the queue: a folder that was seen is a row, and a row that is `listed` is done, with all its files, in one
transaction. What is in memory is a few hundred folders and the names of a batch. Several folders are listed at once over
one connection.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeAlias
from zlib import crc32

from include.archives.paths import excluder, levels, under
from include.errors import PermanentError, TransientError
from include.ledger import archive_listing, archives
from include.ledger.archive_listing import DoneFolder, NewFile, NewFolder, key, server_path
from include.ledger.database import Ledger
from include.partners import Archive
from include.transfer import Listed, Remote
from include.transfer.lane import Lane

BATCH = 4_000  # files written in one transaction, at least, while there are so many
WAIT = 1.0  # seconds after which a transaction is due though it is small
AHEAD = 2_000  # folders known in memory; further ones wait in the ledger
DEEPEST = 200  # levels of folders; a server that goes on beyond them makes them up
REPEATS = 4  # folders above one another that list exactly the same: a link that leads back, which the server hides
ATTEMPTS = 3
FIRST_PAUSE = 1.0  # seconds before a folder is listed again

REFUSALS = {
    "link": "a link: not followed; what it leads to is listed by its own path, if it lies in the archive",
    "special": "no file: a device, a pipe or a socket",
    "broken": "a line break is in its name, and FTP can't ask for that: rename it at the archive",
}
Trail: TypeAlias = "tuple[int, Trail] | None"  # fingerprints of the folders above

log = logging.getLogger(__name__)


@dataclass
class Told:
    """What is known of one folder while it is listed."""

    path: str  # under the root, in the server's own bytes
    trail: Trail
    files: dict[str, NewFile] = field(default_factory=dict)
    folders: dict[str, NewFolder] = field(default_factory=dict)
    written: int = 0  # files that were handed on already
    number: int = 0
    bytes: int = 0
    left_out: int = 0
    unnamed: int = 0
    example: str = ""
    fingerprint: int = 0


class Walk:
    """Lists what is still to be listed of walk `number`. `say` is told now and then how far it is."""

    def __init__(
        self,
        ledger: Ledger,
        archive: Archive,
        number: int,
        remote: Remote,
        *,
        say: Callable[[str], object] = log.info,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.ledger, self.archive, self.number, self.remote = ledger, archive, number, remote
        self.root = archive.transport.folder.rstrip("/") or "/"
        self._left_out = excluder(archive.exclude)
        self._largest = archive.limits.file_bytes
        self._by_line = archive.transport.protocol != "sftp"
        self._say, self._clock = say, clock
        self._lock = threading.RLock()  # FTP lists with a thread per connection
        self._waiting: deque[tuple[str, Trail]] = deque()
        self._going: set[str] = set()
        self._files: list[NewFile] = []
        self._folders: list[NewFolder] = []
        self._done: list[DoneFolder] = []
        self._written_at = time.monotonic()
        self._began = self._said_at = time.monotonic()
        self._names = self._listed = 0
        self._news = True  # the ledger may have folders that wait

    def run(self) -> archive_listing.Listing:
        """Lists to the end. Raises `TransientError` when the server fails for now (run again: it goes on), `PermanentError` when the
        root can't be listed."""
        parallel = self.archive.transport.parallel
        if self._by_line:
            parallel = self.archive.bounds.connections
        try:
            self.remote.run([self._lister] * parallel, parallel)
        finally:
            self._write()
        with self.ledger.read() as session:
            return archive_listing.listing(session, self.archive.id, self.number)

    # --- one lane's work

    async def _lister(self, lane: Lane) -> None:
        while True:
            folder = self._next()
            if folder is not None:
                await self._list(lane, *folder)
            elif self._all_done():
                return
            else:
                await lane.pause(0.02)

    def _next(self) -> tuple[str, Trail] | None:
        with self._lock:
            if not self._waiting and self._news:
                self._news = False
                self._write()
                with self.ledger.read() as session:
                    found = archive_listing.open_folders(session, self.archive.id, self.number, AHEAD // 2 + len(self._going))
                paths = (server_path(folder.path, folder.whole_path) for folder in found)
                self._waiting.extend((path, None) for path in paths if path not in self._going)
            if not self._waiting:
                return None
            folder = self._waiting.pop()  # the deepest first: fewest folders wait
            self._going.add(folder[0])
            return folder

    def _all_done(self) -> bool:
        with self._lock:
            return not self._going and not self._waiting and not self._news

    async def _list(self, lane: Lane, path: str, trail: Trail) -> None:
        pause = FIRST_PAUSE
        for attempt in range(1, ATTEMPTS + 1):
            told = Told(path, trail)
            try:
                await lane.scan(under(self.root, path), lambda names, told=told: self._take(told, names))  # type: ignore[misc]
            except TransientError as trouble:
                if attempt == ATTEMPTS:
                    raise
                await lane.pause(trouble.retry_after or pause)
                pause *= 4
                continue
            except PermanentError as refused:
                if path == "":
                    raise
                self._end(told, f"could not be listed: {refused.what}")
                return
            self._end(told, "")
            return

    # --- what the listing says

    def _take(self, told: Told, names: Sequence[Listed]) -> None:
        before = f"{told.path}/" if told.path else ""
        for name, size, modified, said in names:
            path, sort = before + name, said
            if self._by_line and ("\n" in name or "\r" in name):
                sort = "broken" if said == "file" else "unnamed"
            if sort == "unnamed":
                told.unnamed += 1
                told.example = told.example or key(name)[0][:120]
            elif self._left_out(path):
                told.left_out += 1
            elif sort == "folder":
                told.folders[name] = NewFolder(*key(path))
            else:
                other = "" if sort == "file" else sort
                why = REFUSALS.get(other) or ("" if 0 < size <= self._largest else refused_unread(size, self.archive))
                told.files[name] = NewFile(*key(path), size, modified, other, why)
            told.fingerprint += crc32(name.encode("utf-8", "surrogateescape")) * 31 + size + (int(modified.timestamp()) if modified else 0)
        if len(told.files) >= BATCH or len(told.folders) >= AHEAD:
            self._hand_on(told)

    def _hand_on(self, told: Told) -> None:
        """Part of a large folder: it is not done, but need not be kept in mind."""
        with self._lock:
            told.number += len(told.files)
            told.bytes += sum(file.bytes for file in told.files.values())
            told.written += len(told.files)
            self._files += told.files.values()
            self._folders += told.folders.values()
            self._news = self._news or bool(told.folders)
            told.files, told.folders = {}, {}
            self._write_if_due()

    def _end(self, told: Told, problem: str) -> None:
        trail: Trail = (told.fingerprint, told.trail)
        if not problem and told.unnamed:
            problem = f"{told.unnamed} of its names can't be asked for, as {told.example!r}: rename them at the archive"
        if told.folders and not told.written and _repeats(trail) >= REPEATS:
            problem = f"lists the same as {REPEATS - 1} folders above it: a link that leads back, not followed"
            told.files, told.folders = {}, {}
        if told.folders and levels(told.path) >= DEEPEST:
            problem = f"lies {DEEPEST} folders deep and has further ones: not followed"
            told.folders = {}
        with self._lock:
            folders = [(server_path(folder.path, folder.whole_path), trail) for folder in told.folders.values()]
            self._hand_on(told)
            self._done.append(DoneFolder(*key(told.path), told.number, told.bytes, told.left_out, problem))
            self._waiting.extend(folders[: max(0, AHEAD - len(self._waiting))])
            self._going.discard(told.path)
            self._news = True
            self._listed += 1
            self._names += told.number
            self._write_if_due()
        if problem:
            log.warning("%s: %s", under(self.root, told.path).encode("utf-8", "backslashreplace").decode(), problem)

    # --- writing down

    def _write_if_due(self) -> None:
        if len(self._files) >= BATCH or time.monotonic() - self._written_at > WAIT:
            self._write()

    def _write(self) -> None:
        """One transaction: files and folders before the folders that they make done."""
        with self._lock:
            files, folders, done = self._files, self._folders, self._done
            if files or folders or done:
                with self.ledger.session() as session:
                    archive_listing.write_listing(session, self.archive.id, self.number, files, folders, done)
                self._files, self._folders, self._done = [], [], []
            self._written_at = time.monotonic()
            if self._written_at - self._said_at > 10:
                self._said_at = self._written_at
                rate = self._names / (self._written_at - self._began)
                self._say(f"{self.archive.id}: {self._listed:,} folders, {self._names:,} files, {rate:,.0f} files/s")


def begin_or_go_on(ledger: Ledger, archive: Archive, now: datetime, *, anew: bool) -> int:
    """The number of the walk to go on with: the last one, unless it has ended, or `anew` is asked for and it is listed already."""
    with ledger.session() as session:
        row = archives.latest(session, archive.id)
        if row is None or row.phase == archives.DONE or (anew and row.phase in {archives.LISTED, archives.PLANNED}):
            row = archives.begin(session, archive.id, now, largest=archive.limits.file_bytes)
        return row.number


def _repeats(trail: Trail) -> int:
    """How many folders on the way here, this one counted, have this one's fingerprint."""
    if trail is None:
        return 0
    own, above = trail
    number = 1
    while above is not None:
        number += above[0] == own
        above = above[1]
    return number


def refused_unread(size: int, archive: Archive) -> str:
    """Why a file of this size is not even fetched; empty if it is."""
    if size == 0:
        return "it is empty"
    if size > archive.limits.file_bytes:
        return f"{size:,} bytes are more than the {archive.limits.file_bytes:,} that `limits.file_bytes` allows; it is not fetched"
    return ""
