"""FTP and FTPS: one control connection per file in flight, each in a thread of its own.

The connections (credentials, TLS, passive mode) are made by whoever hands in `connect`.
"""

from __future__ import annotations

import ftplib
import queue
import threading
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from include.transfer.ftp_lane import FtpLane, Shared, at_once
from include.transfer.lane import Job, T


class FtpDriver:
    """Keeps idle connections for the next job; callbacks of jobs run in the caller's thread."""

    def __init__(self, connect: Callable[[], ftplib.FTP], where: str, *, fallback_encoding: str = "") -> None:
        self.where = where
        self._shared = Shared(connect, fallback_encoding)
        self._idle: list[FtpLane] = []

    def run(self, jobs: Sequence[Job[T]], parallel: int) -> list[T]:
        if len(jobs) == 1:
            return [self._alone(jobs[0])]
        return self._together(jobs, min(parallel, len(jobs)))

    def _alone(self, job: Job[T]) -> T:
        lane = self._idle.pop() if self._idle else FtpLane(self.where, self._shared)
        lane.tell = at_once
        try:
            return _straight(job(lane))
        finally:
            self._idle.append(lane)

    def _together(self, jobs: Sequence[Job[T]], threads: int) -> list[T]:
        results: dict[int, T] = {}
        failed: list[BaseException] = []
        waiting = queue.SimpleQueue[tuple[int, Job[T]]]()
        for pair in enumerate(jobs):
            waiting.put(pair)
        calls = queue.SimpleQueue[Callable[[], None] | None]()
        lanes = [self._idle.pop() if self._idle else FtpLane(self.where, self._shared) for _ in range(threads)]

        def work(lane: FtpLane) -> None:
            lane.tell = calls.put
            try:
                while not self._shared.ended.is_set():
                    number, job = waiting.get_nowait()
                    results[number] = _straight(job(lane))
            except queue.Empty:
                pass
            except BaseException as bad:  # noqa: BLE001 - it is raised again in the caller's thread
                failed.append(bad)
            finally:
                calls.put(None)

        running = [threading.Thread(target=work, args=(lane,), name=f"ftp {self.where}", daemon=True) for lane in lanes]
        for thread in running:
            thread.start()
        try:
            left = threads
            while left:
                call = calls.get()
                if call is None:
                    left -= 1
                else:
                    call()
        except BaseException:
            self._shared.ended.set()
            for lane in lanes:
                lane.abort()
            raise
        finally:
            for thread in running:
                thread.join(10)
        self._idle.extend(lanes)
        if failed:
            raise failed[0]
        return [results[number] for number in range(len(jobs))]

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()


def _straight(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine whose lane never waits: it goes through in one step."""
    try:
        work.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    work.close()
    raise AssertionError("an FTP lane does not wait")
