"""An event loop whose connections gather what is written in one turn into one packet to the network.

asyncssh hands every SSH message to the socket by itself, and each is a system call and a packet. With a hundred files in
flight that is most of the work: gathered, thousands of small files take half the time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

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
