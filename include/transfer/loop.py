"""An event loop whose connections gather what is written in one turn into one packet to the network.

asyncssh hands every SSH message to the socket by itself, and each is a system call and a packet. With a hundred files in
flight that is most of the work: gathered, thousands of small files take half the time.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, TypeVar

R = TypeVar("R")

ENOUGH = 256 << 10  # bytes; so much goes out at once, without waiting for the end of the turn


class Gathering:
    """A transport that writes once per turn of the loop; all else is the real one's."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._parts: list[bytes] = []
        self._size = 0

    def write(self, data: bytes) -> None:
        if not self._parts:
            self._loop.call_soon(self.flush)
        self._parts.append(data)
        self._size += len(data)
        if self._size >= ENOUGH:
            self.flush()

    def flush(self) -> None:
        if self._parts:
            parts, self._parts, self._size = self._parts, [], 0
            self._transport.write(b"".join(parts))

    def close(self) -> None:
        self.flush()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


def new_loop() -> asyncio.AbstractEventLoop:
    """A fresh loop, uvloop's where that is installed."""
    try:
        from uvloop import Loop
    except ImportError:
        from asyncio import SelectorEventLoop as Loop  # type: ignore[assignment]

    class GatheringLoop(Loop):
        async def create_connection(self, protocol_factory: Callable[[], Any], *args: Any, **options: Any) -> Any:
            def made() -> Any:
                protocol = protocol_factory()
                connection_made = protocol.connection_made
                protocol.connection_made = lambda transport: connection_made(Gathering(transport, self))
                return protocol

            return await super().create_connection(made, *args, **options)

    return GatheringLoop()


class Interruption:
    """Keeps what a signal's handler raised while the loop ran, and ends the loop's work."""

    def __init__(self) -> None:
        self.error: BaseException | None = None
        self._task: asyncio.Task[Any] | None = None

    async def ends(self, work: Coroutine[Any, Any, R]) -> R:
        self._task = asyncio.current_task()
        return await work

    def around(self, handler: Callable[[int, FrameType | None], object]) -> Callable[[int, FrameType | None], None]:
        def handle(number: int, frame: FrameType | None) -> None:
            try:
                handler(number, frame)
            except BaseException as error:  # noqa: BLE001 - it is raised again once the loop has ended
                self.error = error
                if self._task is not None:
                    self._task.get_loop().call_soon_threadsafe(self._task.cancel)

        return handle


@contextmanager
def interruptible() -> Iterator[Interruption]:
    """Lets a signal's handler end the loop by an exception, as Airflow's time-out does: a loop by itself swallows it."""
    interruption = Interruption()
    before = {}
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGALRM, signal.SIGTERM):
            handler = signal.getsignal(number)
            if callable(handler):
                before[number] = handler
                signal.signal(number, interruption.around(handler))
    try:
        yield interruption
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if interruption.error is not None:
            raise interruption.error
