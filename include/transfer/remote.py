"""A partner's server, whatever its protocol: look, read, tidy up, and try the connection."""

from __future__ import annotations

import builtins
import hashlib
import io
import secrets
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import BinaryIO, Self

from include.errors import ColophonError, ConfigurationError, PermanentError, TransientError
from include.partners.model import Transport
from include.transfer.lane import Driver, Job, Lane, T
from include.transfer.model import Outgoing, RemoteEntry, Step
from include.transfer.naming import join
from include.transfer.source import Source


class Remote:
    """Opens its connection when first used and again after a loss. Every method raises errors of `include.errors`."""

    def __init__(self, driver: Driver, transport: Transport) -> None:
        self._driver = driver
        self.transport = transport

    @property
    def where(self) -> str:
        return self._driver.where

    def run(self, jobs: Sequence[Job[T]], parallel: int) -> builtins.list[T]:
        """Results of the jobs in their order, at most `parallel` at once."""
        return self._driver.run(jobs, parallel)

    def list(self, folder: str) -> builtins.list[RemoteEntry]:
        """What lies in a folder, by name. Names that are no plain names (`../x`) are left out and logged."""

        async def job(lane: Lane) -> Sequence[RemoteEntry]:
            return await lane.list(folder) or ()

        return sorted(self._one(job), key=lambda entry: entry.name)

    def walk(self, folder: str, parallel: int = 16) -> builtins.list[RemoteEntry]:
        """All files under a folder, however deep, by path; several folders are listed at once."""

        def job_for(path: str) -> Job[Sequence[RemoteEntry]]:
            async def job(lane: Lane) -> Sequence[RemoteEntry]:
                return await lane.list(path) or ()

            return job

        found: builtins.list[RemoteEntry] = []
        folders = [folder]
        while folders:
            listed = [entry for entries in self.run([job_for(path) for path in folders], parallel) for entry in entries]
            found += [entry for entry in listed if not entry.is_dir]
            folders = [entry.path for entry in listed if entry.is_dir]
        return sorted(found, key=lambda entry: entry.path)

    def stat(self, path: str) -> RemoteEntry | None:
        return self._one(lambda lane: lane.stat(path))

    def read(self, path: str, into: BinaryIO) -> int:
        """Streams a file into `into`; gives the number of bytes. Raises `PermanentError` if it is not there."""

        async def job(lane: Lane) -> int | None:
            return await lane.read(path, into.write)

        read = self._one(job)
        if read is None:
            raise PermanentError("there is no such file", where=f"{self.where}: {path}", todo="List the folder again.")
        return read

    def remove(self, path: str) -> None:
        """Also when it is gone already."""
        self._one(lambda lane: lane.remove(path))

    def rename(self, old: str, new: str, *, replace: bool = False) -> None:
        self._one(lambda lane: lane.rename(old, new, replace=replace))

    def mkdirs(self, folder: str) -> None:
        self._one(lambda lane: lane.mkdirs(folder))

    def host_key(self) -> str:
        """Fingerprint of the host key or certificate that the server showed; empty for plain FTP."""

        async def job(lane: Lane) -> str:
            await lane.mkdirs(self.transport.folder)
            return lane.host_key

        return self._one(job)

    def probe(self, *, write: bool = True) -> builtins.list[Step]:
        """Reach, log in, list, and with `write` also write, read back, rename, clean up; stops at the first step that the others need.

        Works in the transport's folder with one small file of a temporary-looking name, removed at the end.
        """
        return [*self._steps(write=write)]

    def _steps(self, *, write: bool) -> Iterator[Step]:
        folder, content = self.transport.folder, secrets.token_hex(16).encode()
        name = join(folder, f".colophon-check-{secrets.token_hex(4)}.part")
        other = name.removesuffix(".part") + ".tmp"
        try:
            self._one(_greet)
        except ColophonError as bad:
            reached = isinstance(bad, ConfigurationError)
            yield Step("reach", reached, "" if reached else bad.what, "" if reached else bad.todo)
            if reached:
                yield Step("log in", False, bad.what, bad.todo)
            return
        yield Step("reach", True)
        yield Step("log in", True)
        yield self._step("list", lambda: self.list(folder))
        if not write:
            return
        written = self._step("write", lambda: self._one(lambda lane: _write(lane, name, content)))
        yield written
        if not written.ok:
            return
        yield self._step("read", lambda: self._same(name, content))
        if self.transport.commit.rule != "direct":
            renamed = self._step("rename", lambda: self.rename(name, other))
            yield renamed
            name = other if renamed.ok else name
        yield self._step("clean up", lambda: self.remove(name))

    def _same(self, path: str, content: bytes) -> None:
        back = io.BytesIO()
        self.read(path, back)
        if back.getvalue() != content:
            raise PermanentError(
                "other bytes came back than were written", where=f"{self.where}: {path}", todo="Ask the partner what changes files."
            )

    @staticmethod
    def _step(name: str, what: Callable[[], object]) -> Step:
        try:
            what()
        except ColophonError as bad:
            return Step(name, False, bad.what, bad.todo)
        return Step(name, True)

    def _one(self, job: Job[T]) -> T:
        return self._driver.run([job], 1)[0]

    def close(self) -> None:
        self._driver.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


async def _greet(lane: Lane) -> None:
    await lane.stat(".")


async def _write(lane: Lane, path: str, content: bytes) -> None:
    await lane.mkdirs(path.rpartition("/")[0])
    file = Outgoing(path, "", len(content), hashlib.sha256(content).hexdigest(), lambda: io.BytesIO(content))
    with Source(file, lambda done: None) as source:
        size = await lane.send(path, source, 0, then_renamed=False)
    if size is not None and size != len(content):
        raise TransientError(
            f"{size} bytes arrived instead of {len(content)}", where=f"{lane.where}: {path}", todo="Ask the partner about quotas."
        )
