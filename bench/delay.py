"""A line with latency: a proxy that hands every byte on after half a round trip. `python -m bench.delay PORT MILLISECONDS [ftp]`.

It adds delay and no limit of bandwidth. With `ftp` it reads the server's answers to PASV and EPSV and delays those data
connections, too. Prints its own port, then serves until it is ended.
"""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress

HOST = "127.0.0.1"
CHUNK = 1 << 18  # bytes
PASSIVE = re.compile(rb"227 [^(]*\(\d+,\d+,\d+,\d+,(\d+),(\d+)\)|229 [^(]*\(\|\|\|(\d+)\|\)")
Change = Callable[[bytes], Awaitable[bytes]]

serving: set[asyncio.Task[None] | None] = set()  # the loop itself holds tasks weakly


async def line(port: int, delay: float, *, ftp: bool = False, once: bool = False) -> asyncio.Server:
    """Listens on a free port for connections to `port`; `delay` in seconds each way. `once`: for one connection."""

    async def passive(answer: bytes) -> bytes:
        found = PASSIVE.search(answer)
        if not found:
            return answer
        high, low, extended = found.groups()
        data = await line(int(extended) if extended else int(high) * 256 + int(low), delay, once=True)
        mine = data.sockets[0].getsockname()[1]
        told = b"(|||%d|)" % mine if extended else b"(127,0,0,1,%d,%d)" % divmod(mine, 256)
        return answer[: found.start()] + found[0][: found[0].index(b"(")] + told + answer[found.end() :]

    async def serve(from_client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        serving.add(asyncio.current_task())
        if once:
            server.close()
        try:
            from_server, to_server = await asyncio.open_connection(HOST, port)
            there = asyncio.ensure_future(carry(from_client, to_server, delay))
            await carry(from_server, to_client, delay, passive if ftp else None)
            await there
            to_server.close()
        except (OSError, RuntimeError):
            pass  # either side may be gone at any moment
        finally:
            to_client.close()
            serving.discard(asyncio.current_task())

    server = await asyncio.start_server(serve, HOST, 0)
    return server


async def carry(source: asyncio.StreamReader, target: asyncio.StreamWriter, delay: float, change: Change | None = None) -> None:
    """Everything from `source` to `target`, `delay` seconds later, in order; then the end of the stream."""
    loop = asyncio.get_running_loop()
    waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def take() -> None:
        data = b"-"
        while data:
            try:
                data = await source.read(CHUNK)
            except OSError:
                data = b""
            waiting.put_nowait((loop.time() + delay, data))

    taking = asyncio.create_task(take())
    while True:
        due, data = await waiting.get()
        if (wait := due - loop.time()) > 0:
            await asyncio.sleep(wait)
        if not data:
            break
        if not target.is_closing():
            target.write(await change(data) if change else data)
    await taking
    if not target.is_closing() and target.can_write_eof():
        with suppress(OSError):
            target.write_eof()


async def main() -> None:
    server = await line(int(sys.argv[1]), float(sys.argv[2]) / 2000, ftp="ftp" in sys.argv[3:])
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    import uvloop

    uvloop.run(main())
