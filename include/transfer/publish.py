"""Publishes files at a partner: whole or not at all, once, and in the partner's way of saying that a file is whole.

Each file goes under a temporary name, its size is compared, then the commit rule makes it visible. What an interrupted
attempt left is used again if its bytes are the right ones. A second publication of the same files sends nothing.
"""

from __future__ import annotations

import hashlib
import posixpath
import time
from collections.abc import Sequence
from contextlib import suppress

from include.errors import ColophonError, PermanentError, TransientError
from include.partners.model import Transport
from include.transfer import naming
from include.transfer.lane import LISTED_MOST, Job, Lane
from include.transfer.model import Event, Failure, OnEvent, OnProgress, Outgoing, Published, RemoteEntry, Verified, no_event, no_progress
from include.transfer.remote import Remote
from include.transfer.source import Source

FIRST_PAUSE = 0.5  # seconds before the second attempt; each later one waits four times as long
TAIL = 1 << 20  # bytes; at least so much of a partial upload is compared before it is continued
AT_ONCE = 256 << 10  # bytes; smaller files are checked whole before any of them leaves
MANY = 16  # files; of a larger batch the arrival is confirmed by listings
REPORT_EVERY = 2.0  # seconds

Listing = dict[str, RemoteEntry]


def publish(
    remote: Remote,
    files: Sequence[Outgoing],
    transport: Transport,
    *,
    on_event: OnEvent = no_event,
    on_progress: OnProgress = no_progress,
    attempts: int = 3,
    key: str = "",
    arrived: Sequence[Outgoing] = (),
    again: bool = False,
) -> list[Published | Failure]:
    """Publishes `files` and gives what came of each, in their order; a manifest or done-files stand at the end.

    Covers go first, then messages. Manifests, one after the other in their order, and then done-files follow only if
    everything before them is there. A failure of one file does not stop the others. Only `TransientError` is tried again,
    up to `attempts` times. `key` names the delivery in the manifest. `arrived` are files of the same delivery that an
    earlier run brought there: they are not sent, only named in the manifest and told to be done. `again` sends also what
    lies there already. Raises nothing of its own: failures are in the list.
    """
    outcomes: dict[int, Published | Failure] = {}
    batch: list[_Upload] = []
    taken: set[str] = set()
    for number, file in enumerate(files):
        try:
            where = naming.place(file, transport.commit)
            if where.final in taken:
                raise PermanentError("two files of one delivery have this name", where=where.final, todo="Name them apart.")
            taken.add(where.final)
            batch.append(_Upload(number, file, where, transport, attempts, again, on_event, on_progress))
        except ColophonError as bad:
            outcomes[number] = Failure(file.name, bad)
            on_event(Event("failed", file.name, str(bad)))
    for wave in (lambda role: role not in {"message", "manifest"}, lambda role: role == "message"):
        outcomes |= _run(remote, [upload for upload in batch if wave(upload.file.role)], transport)
    last = [[upload] for upload in batch if upload.file.role == "manifest"]
    try:
        plain, follow = _plain(transport), naming.closing([*arrived, *files], transport.commit, key)
        last.append([
            _Upload(number, file, naming.place(file, plain.commit), plain, attempts, again, on_event, on_progress)
            for number, file in enumerate(follow, start=len(files))
        ])
    except ColophonError as bad:
        outcomes[len(files)] = Failure(transport.commit.rule, bad)
    for wave_of_last in last:
        if missing := sum(isinstance(outcome, Failure) for outcome in outcomes.values()):
            outcomes |= _held_back(wave_of_last, missing, len(files), on_event)
        else:
            outcomes |= _run(remote, wave_of_last, transport)
    return [outcomes[number] for number in sorted(outcomes)]


def _held_back(uploads: Sequence[_Upload], missing: int, own: int, on_event: OnEvent) -> dict[int, Published | Failure]:
    """What can't follow yet; only files of the delivery's `own` are told as failures."""
    outcomes: dict[int, Published | Failure] = {}
    for upload in uploads:
        reason = TransientError(
            f"held back: {missing} of the files before it did not arrive", where=upload.place.final, todo="See their reasons."
        )
        on_event(Event("held back", upload.file.name, str(reason)))
        if upload.number < own:
            outcomes[upload.number] = Failure(upload.file.name, reason)
    return outcomes


def _plain(transport: Transport) -> Transport:
    """How a manifest or a done-file goes: a done-file is empty, so that it can't be seen half-written."""
    if transport.commit.rule != "done_file":
        return transport
    return transport.model_copy(update={"commit": transport.commit.model_copy(update={"rule": "direct", "existing": "replace"})})


def _run(remote: Remote, uploads: Sequence[_Upload], transport: Transport) -> dict[int, Published | Failure]:
    if not uploads:
        return {}
    listings = _listings(remote, uploads, transport)
    for upload in uploads:
        upload.listing = listings[upload.file.folder]
    for folder, listing in listings.items():
        of_folder = {upload.place.leftover: upload for upload in uploads if upload.file.folder == folder and upload.place.leftover}
        for name, upload in naming.leftovers(listing or (), of_folder):
            upload.leftovers.append(name)
    many = len(uploads) > MANY and not transport.sweeps and transport.read_back == "size"
    for upload in uploads:
        upload.in_bulk = many
    done = dict(zip(uploads, remote.run([upload.run for upload in uploads], transport.parallel), strict=True))
    if many:  # one listing per folder tells as much as a question for each file
        sent = [upload for upload, outcome in done.items() if isinstance(outcome, Published) and not outcome.skipped]
        listings = _listings(remote, sent, transport)
        doubtful = [upload for upload in sent if not upload.is_listed(listings[upload.file.folder])]
        done |= dict(zip(doubtful, remote.run([upload.confirm for upload in doubtful], transport.parallel), strict=True))
    return {upload.number: outcome for upload, outcome in done.items()}


def _listings(remote: Remote, uploads: Sequence[_Upload], transport: Transport) -> dict[str, Listing | None]:
    folders = sorted({upload.file.folder for upload in uploads})
    return dict(zip(folders, remote.run([_listing_of(folder) for folder in folders], transport.parallel), strict=True))


def _listing_of(folder: str) -> Job[Listing | None]:
    """What lies in the folder, made if need be; None where that can't be known, and each file has to be asked for."""

    async def listing(lane: Lane) -> Listing | None:
        try:
            await lane.mkdirs(folder)
            entries = await lane.list(folder, LISTED_MOST)
        except ColophonError:
            return None  # each file meets the same refusal and reports it
        return None if entries is None else {entry.name: entry for entry in entries}

    return listing


class _Upload:
    """One file on its way, with what its attempts have learnt."""

    def __init__(
        self,
        number: int,
        file: Outgoing,
        where: naming.Place,
        transport: Transport,
        attempts: int,
        again: bool,
        on_event: OnEvent,
        on_progress: OnProgress,
    ) -> None:
        self.number = number
        self.file = file
        self.place = where
        self.listing: Listing | None = None
        self.leftovers: list[str] = []  # names of temporary files of this file, of whatever content
        self.in_bulk = False  # one of many: its arrival is confirmed, and its way to the partner's disk is left, with theirs
        self._transport = transport
        self._attempts = max(1, attempts)
        self._again = again and transport.commit.existing != "fail"
        self._on_event = on_event
        self._on_progress = on_progress
        self._committing = False  # the commit was asked for and its answer may have been lost
        self._resumed_from = 0
        self._started = self._ended = 0.0
        self._told = (0, 0.0)

    async def run(self, lane: Lane) -> Published | Failure:
        self._started = time.monotonic()
        pause = FIRST_PAUSE
        for attempt in range(1, self._attempts + 1):
            try:
                published = await self._attempt(lane)
            except TransientError as trouble:
                if attempt == self._attempts:
                    return await self._failed(lane, trouble)
                wait = trouble.retry_after or pause
                self._say(lane, Event("retried", self.file.name, f"{trouble} Next attempt in {wait:.0f} s."))
                await lane.pause(wait)
                pause *= 4
                self.listing = None
            except ColophonError as bad:
                return await self._failed(lane, bad)
            else:
                what = "skipped" if published.skipped else "published"
                self._say(
                    lane, Event(what, self.file.name, published.verified, 0 if published.skipped else self.file.bytes, published.seconds)
                )
                return published
        raise AssertionError("unreachable")

    async def _attempt(self, lane: Lane) -> Published:
        await lane.mkdirs(self.file.folder)
        there = await self._look(lane, self.place.final)
        if there is not None and (self._committing or not self._again) and await self._is_ours(lane, there):
            return self._published(lane, "hash", skipped=not self._committing)
        partial = there if not self.place.temporary else await self._look(lane, self.place.temporary)
        if self._committing and there is None and partial is None and self._transport.sweeps:
            return self._published(lane, "swept")
        offset = await self._continue_at(lane, partial) if partial and not (self._again and partial is there) else 0
        if there is not None and self._transport.commit.existing == "fail" and not (offset and there is partial):
            raise PermanentError(
                "the name is taken by other bytes", where=self._at(lane, there.path), todo="Ask the partner, or set `existing`."
            )
        await self._remove_leftovers(lane)
        if offset < self.file.bytes or partial is None:
            await self._send(lane, offset)
        return await self._commit(lane)

    async def _look(self, lane: Lane, path: str) -> RemoteEntry | None:
        if self.listing is None:
            return await lane.stat(path)
        return self.listing.get(posixpath.basename(path))

    async def _is_ours(self, lane: Lane, there: RemoteEntry) -> bool:
        """Whether the final name holds our bytes. A server that lets nobody read can't tell us: then we send again."""
        if there.bytes != self.file.bytes or there.is_dir:
            return False
        if not there.bytes:
            return True
        try:
            return await self._hash_of(lane, there.path) == self.file.sha256
        except PermanentError:
            return False

    async def _hash_of(self, lane: Lane, path: str) -> str | None:
        digest = hashlib.sha256()
        read = await lane.read(path, digest.update, size=self.file.bytes)
        return None if read is None else digest.hexdigest()

    async def _continue_at(self, lane: Lane, partial: RemoteEntry) -> int:
        """Where to go on: after the bytes that lie there already, if they are ours.

        The tail is compared, as far back as holes can reach; all of it where the name does not tell the content.
        """
        size = partial.bytes
        if not (self._transport.resume and lane.resumes and 0 < size <= self.file.bytes) or partial.is_dir:
            return 0
        tail = min(size, max(TAIL, lane.window)) if self.place.content_named else size
        ours, theirs = hashlib.sha256(), hashlib.sha256()
        with Source(self.file, _nobody) as source:
            source.skip(size - tail)
            source.skip(tail, ours.update)
        try:
            await lane.read(partial.path, theirs.update, offset=size - tail, size=size)
        except PermanentError:
            return 0
        if ours.digest() != theirs.digest():
            return 0
        self._resumed_from = size
        self._say(lane, Event("resumed", self.file.name, f"{size} of {self.file.bytes} bytes were there", size))
        return size

    async def _remove_leftovers(self, lane: Lane) -> None:
        """What attempts with an earlier content of this same file left, under our own naming pattern."""
        while self.leftovers:
            path = naming.join(self.file.folder, self.leftovers.pop())
            if path != self.place.temporary:
                with suppress(PermanentError):  # untidy, not wrong
                    await lane.remove(path)

    async def _send(self, lane: Lane, offset: int) -> None:
        if not self.place.temporary and self.file.bytes > AT_ONCE:
            with Source(self.file, _nobody) as source:  # it becomes visible as it goes
                source.skip(self.file.bytes)
                source.check()
        with Source(self.file, lambda done: self._progress(lane, done)) as source:
            if self.file.bytes <= AT_ONCE:
                source.load()
            source.skip(offset)
            size = await lane.send(
                self.place.target,
                source,
                offset,
                then_renamed=bool(self.place.temporary),
                to_disk=not self.in_bulk or self.file.bytes > AT_ONCE,
            )
            try:
                source.read(1)
                source.check()
            except PermanentError:
                if self.place.temporary:
                    await lane.remove(self.place.temporary)
                raise
        if size is None:
            there = await lane.stat(self.place.target)
            size = there.bytes if there else None
        if size is None and self._transport.sweeps and not self.place.temporary:
            return
        if size != self.file.bytes:
            raise TransientError(
                f"{size if size is not None else 'no'} bytes arrived instead of {self.file.bytes}",
                where=self._at(lane, self.place.target),
                todo="Ask the partner about quotas and filters if it happens again.",
            )

    async def _commit(self, lane: Lane) -> Published:
        """Make the file visible, then look at it once more."""
        final = self.place.final
        self._committing = True
        if self.place.temporary and not await lane.rename(
            self.place.temporary, final, replace=self._transport.commit.existing == "replace"
        ):
            self._say(lane, Event("replaced", self.file.name, "the old file was removed first: this server can't replace in one step"))
        return self._published(lane, "size" if self.in_bulk else await self._verified(lane))

    async def _verified(self, lane: Lane) -> Verified:
        final = self.place.final
        if self._transport.read_back == "hash":
            theirs = await self._hash_of(lane, final)
            if theirs is None:
                return self._gone(lane)
            if theirs != self.file.sha256:
                raise TransientError(
                    "other bytes were read back than were sent", where=self._at(lane, final), todo="Ask the partner what changes files."
                )
            return "hash"
        there = await lane.stat(final)
        if there is None:
            return self._gone(lane)
        if there.bytes != self.file.bytes:
            raise TransientError(f"{there.bytes} bytes lie there instead of {self.file.bytes}", where=self._at(lane, final))
        return "size"

    def is_listed(self, listing: Listing | None) -> bool:
        there = (listing or {}).get(posixpath.basename(self.place.final))
        return there is not None and there.bytes == self.file.bytes

    async def confirm(self, lane: Lane) -> Published | Failure:
        """A file that no listing showed is asked for."""
        try:
            return self._published(lane, await self._verified(lane))
        except ColophonError as bad:
            return await self._failed(lane, bad)

    def _gone(self, lane: Lane) -> Verified:
        if self._transport.sweeps:
            return "swept"
        raise PermanentError(
            "the file was gone at once after it was published",
            where=self._at(lane, self.place.final),
            todo="If the partner takes files away, set `sweeps = true` in its file; else ask where it went.",
        )

    async def _failed(self, lane: Lane, error: ColophonError) -> Failure:
        if isinstance(error, PermanentError) and self.place.temporary:
            with suppress(ColophonError):  # the first refusal is the one to report
                await lane.remove(self.place.temporary)
        self._say(lane, Event("failed", self.file.name, str(error)))
        return Failure(self.file.name, error)

    def _published(self, lane: Lane, verified: Verified, *, skipped: bool = False) -> Published:
        self._ended = self._ended or time.monotonic()
        return Published(
            self.file.name, self.place.final, self.file.bytes, self.file.sha256, self._ended - self._started, verified,
            resumed_from=self._resumed_from, skipped=skipped, host_key=lane.host_key, role=self.file.role,
        )  # fmt: skip

    def _progress(self, lane: Lane, done: int) -> None:
        bytes_told, told_at = self._told
        now = time.monotonic()
        total = self.file.bytes
        if done < total and (done - bytes_told) * 10 < total and now - told_at < REPORT_EVERY:
            return
        self._told = (done, now)
        lane.tell(lambda: self._on_progress(self.file.name, done, total))

    def _say(self, lane: Lane, event: Event) -> None:
        lane.tell(lambda: self._on_event(event))

    @staticmethod
    def _at(lane: Lane, path: str) -> str:
        return f"{lane.where}: {path}"


def _nobody(done: int) -> None:
    """Progress of bytes that do not travel."""
