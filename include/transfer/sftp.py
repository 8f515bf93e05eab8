"""SFTP: all lanes share one connection and one event loop, which runs in the caller's thread.

The connection (credentials, host key, proxy) is made by whoever hands in `connect`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import asyncssh

from include.errors import ColophonError
from include.transfer.lane import Job, T
from include.transfer.loop import interruptible, new_loop
from include.transfer.sftp_lane import CHANNELS, SftpLane


class SftpDriver:
    """Runs jobs in an event loop of its own, in the caller's thread: not for use inside another running loop."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[asyncssh.SSHClientConnection]],
        where: str,
        *,
        channels: int = CHANNELS,
        fallback_encoding: str = "",
    ) -> None:
        self.where = where
        self._lane = SftpLane(connect, where, channels, fallback_encoding)
        self._runner = asyncio.Runner(loop_factory=new_loop)

    def run(self, jobs: Sequence[Job[T]], parallel: int) -> list[T]:
        try:
            with interruptible() as interruption:
                return self._runner.run(interruption.ends(self._run(jobs, parallel)))
        except ColophonError:
            raise
        except BaseException:
            self._lane.abort()
            raise

    async def _run(self, jobs: Sequence[Job[T]], parallel: int) -> list[T]:
        results: dict[int, T] = {}
        waiting = iter(enumerate(jobs))

        async def worker() -> None:
            for number, job in waiting:
                results[number] = await job(self._lane)

        watch = asyncio.ensure_future(self._lane.watch())
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(parallel, len(jobs))):
                    group.create_task(worker())
        except BaseExceptionGroup as several:
            raise several.exceptions[0] from None
        finally:
            watch.cancel()
        return [results[number] for number in range(len(jobs))]

    def close(self) -> None:
        with self._runner:
            self._runner.run(self._lane.close())
