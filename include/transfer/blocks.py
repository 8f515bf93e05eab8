"""Moves one file's blocks over SFTP, many requests at once, in the order of the file."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Protocol, TypeVar

import asyncssh

from include.transfer.source import Source

R = TypeVar("R")

AHEAD = 4  # blocks read at once
REQUESTS = 16  # blocks on their way per channel; with OpenSSH's 255 KiB blocks 4 MiB


class Ask(Protocol):
    """Waits for one answer and turns its errors into ours."""

    def __call__(self, answer: Awaitable[R], /) -> Awaitable[R]: ...


async def write_blocks(files: Sequence[asyncssh.SFTPClientFile], source: Source, offset: int, block: int, ask: Ask) -> None:
    """Write the rest of `source` from `offset` on, block by block, in turn over `files` (handles of one file, one per channel).

    The oldest answer is waited for first. So what is unanswered never spans more than `REQUESTS` blocks per handle, and a
    broken upload has no holes before its last so many bytes.
    """
    if source.file.bytes - offset <= block:
        await ask(files[0].write(source.read(block), offset))
        source.moved(source.file.bytes)
        return
    going: deque[tuple[asyncio.Task[int], int]] = deque()
    number = 0

    async def oldest() -> None:
        task, end = going[0]
        await ask(asyncio.shield(task))
        going.popleft()
        source.moved(end)

    # Reading and hashing happen in a thread beside the encryption, one stretch ahead.
    loop = asyncio.get_running_loop()
    ahead = loop.run_in_executor(None, source.read, block * AHEAD)
    try:
        while stretch := await ahead:
            ahead = loop.run_in_executor(None, source.read, block * AHEAD)
            for start in range(0, len(stretch), block):
                data = stretch[start : start + block]
                if len(going) >= REQUESTS * len(files):
                    await oldest()
                task = asyncio.ensure_future(files[number % len(files)].write(data, offset))
                offset += len(data)
                number += 1
                going.append((task, offset))
                await asyncio.sleep(0)  # let it leave before the next one is cut
        while going:
            await oldest()
    finally:
        await _abandon(task for task, _ in going)
        await asyncio.wait([ahead])  # the thread must not read from what is about to be closed


async def read_blocks(
    file: asyncssh.SFTPClientFile, sink: Callable[[bytes], object], offset: int, size: int, block: int, at_once: int, ask: Ask
) -> int:
    """Read from `offset` to `size` into `sink`, in order. Gives the number of bytes.

    There are fewer if the file ends before, and one more if it goes on after `size`: it has grown.
    """
    if size - offset < block:
        data = await ask(_whole(file, offset, size - offset, more=True)) if size > offset else b""
        sink(data)
        return len(data)
    going: deque[asyncio.Task[bytes]] = deque()
    asked, read = offset, 0
    beside = Beside(sink)
    try:
        while asked < size or going:
            while asked < size and len(going) < at_once:
                length = min(block - 1, size - asked)
                going.append(asyncio.ensure_future(_whole(file, asked, length, more=asked + length == size)))
                asked += length
            data = await ask(asyncio.shield(going[0]))
            going.popleft()
            await beside.take(data)
            read += len(data)
        await beside.end()
    finally:
        await _abandon(going)
        await beside.rest()
    return read


class Beside:
    """Feeds a sink in a thread beside the decryption, one stretch behind."""

    def __init__(self, sink: Callable[[bytes], object]) -> None:
        self._sink = sink
        self._parts: list[bytes] = []
        self._going: asyncio.Future[object] | None = None

    async def take(self, data: bytes) -> None:
        self._parts.append(data)
        if len(self._parts) >= AHEAD:
            await self._hand_over()

    async def end(self) -> None:
        await self._hand_over()
        if self._going:
            await self._going

    async def _hand_over(self) -> None:
        if self._going:
            await self._going
        data, self._parts = b"".join(self._parts), []
        self._going = asyncio.get_running_loop().run_in_executor(None, self._sink, data)

    async def rest(self) -> None:
        """The thread must not write to what is about to be closed."""
        if self._going:
            await asyncio.wait([self._going])


async def _whole(file: asyncssh.SFTPClientFile, offset: int, length: int, *, more: bool) -> bytes:
    """Servers may answer with less than was asked for. Shorter only at the end of the file; one byte more where that is asked."""
    data: bytes = await file.read(length + more, offset)
    while 0 < len(data) < length:
        rest: bytes = await file.read(length - len(data), offset + len(data))
        if not rest:
            break
        data += rest
    return data


async def _abandon(tasks: Iterable[asyncio.Task[Any]]) -> None:
    left = list(tasks)
    for task in left:
        task.cancel()
    if left:
        await asyncio.gather(*left, return_exceptions=True)
