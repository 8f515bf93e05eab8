"""A partner's server as a dictionary: a fake at the transport, for what publishing and the ledger make of each other."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from include.errors import PermanentError, TransientError
from include.partners.model import Transport
from include.transfer.model import RemoteEntry
from include.transfer.remote import Remote


class Shelf:
    """Driver and lane at once. `refuses`: parts of paths that can't be written now. `sent`: every path that was written."""

    where = "shelf"
    host_key = ""
    resumes = False
    window = 0

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.refuses: set[str] = set()
        self.sent: list[str] = []

    @contextmanager
    def open(self, transport: Transport) -> Iterator[Remote]:
        yield Remote(self, transport)

    def run(self, jobs: Any, parallel: int) -> list[Any]:
        return [asyncio.run(job(self)) for job in jobs]

    def close(self) -> None:
        """Nothing is open."""

    def tell(self, call: Any) -> None:
        call()

    async def pause(self, seconds: float) -> None:
        """Time is not of the essence here."""

    async def mkdirs(self, folder: str) -> None:
        """Folders are parts of names."""

    async def list(self, folder: str, most: int | None = None) -> list[RemoteEntry]:
        return [self._entry(path) for path in self.files if path.rpartition("/")[0] == folder]

    async def stat(self, path: str) -> RemoteEntry | None:
        return self._entry(path) if path in self.files else None

    async def send(self, path: str, source: Any, offset: int, *, then_renamed: bool, to_disk: bool = True) -> int:
        if any(part in path for part in self.refuses):
            raise TransientError("the line was lost", where=path)
        content = bytearray()
        while data := source.read(1 << 16):
            content += data
        self.files[path] = bytes(content)
        self.sent.append(path)
        return len(content)

    async def read(self, path: str, sink: Any, offset: int = 0, size: int | None = None) -> int | None:
        if path not in self.files:
            return None
        sink(self.files[path][offset:])
        return len(self.files[path]) - offset

    async def rename(self, old: str, new: str, *, replace: bool) -> bool:
        if old not in self.files:
            raise PermanentError("there is no such file", where=old)
        self.files[new] = self.files.pop(old)
        return True

    async def remove(self, path: str) -> None:
        self.files.pop(path, None)

    def _entry(self, path: str) -> RemoteEntry:
        return RemoteEntry(path.rpartition("/")[2], path, len(self.files[path]))
