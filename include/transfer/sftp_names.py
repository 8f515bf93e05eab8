"""Names over SFTP, as fast as the server gives them: a channel of its own that does nothing but list folders.

It speaks the three requests of draft-ietf-secsh-filexfer-02 (SFTP 3) that this takes, over asyncssh's public channels.
Several READDIRs of one folder are on their way at once, and a name costs a tenth of what a client for everything spends
on it: an archive has millions of them.
"""

from __future__ import annotations

import asyncio
import stat as modes
import struct
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import asyncssh

from include.transfer.model import Listed

INIT, VERSION, CLOSE, OPENDIR, READDIR, STATUS, HANDLE, NAME = 1, 2, 4, 11, 12, 101, 102, 104
END_OF_FOLDER = 1  # SSH_FX_EOF
AHEAD = 3  # READDIRs of one folder on their way
MOST = 64 << 20  # bytes of one packet; what claims to be longer is no SFTP

SIZE, OWNER, PERMISSIONS, TIMES, EXTENDED = 1, 2, 4, 8, 0x80000000
USUAL = SIZE | OWNER | PERMISSIONS | TIMES  # what nearly all servers tell
_usual = struct.Struct(">QIIIII").unpack_from  # size, uid, gid, permissions, atime, mtime
_number = struct.Struct(">I").unpack_from
_pair = struct.Struct(">II").unpack_from
_refusals: dict[int, Callable[[str], asyncssh.SFTPError]] = {
    2: asyncssh.SFTPNoSuchFile, 3: asyncssh.SFTPPermissionDenied, 4: asyncssh.SFTPFailure, 6: asyncssh.SFTPNoConnection,
    7: asyncssh.SFTPConnectionLost, 8: asyncssh.SFTPOpUnsupported,
}  # fmt: skip


class Channel(asyncssh.SSHClientSession[bytes]):
    """Requests out, answers to those who wait for them."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._waiting: dict[int, asyncio.Future[bytes]] = {}
        self._last = 0
        self._chan: Any = None

    def connection_made(self, chan: Any) -> None:
        self._chan = chan

    def data_received(self, data: bytes, datatype: Any) -> None:
        buffer = self._buffer
        buffer += data
        start = 0
        while len(buffer) - start >= 4:
            (length,) = _number(buffer, start)
            if length > MOST:
                self.connection_lost(asyncssh.SFTPBadMessage("the server speaks no SFTP"))
                return
            if len(buffer) - start - 4 < length:
                break
            packet = bytes(buffer[start + 4 : start + 4 + length])
            start += 4 + length
            number = 0 if packet[:1] == bytes([VERSION]) or length < 5 else _number(packet, 1)[0]
            waits = self._waiting.pop(number, None)
            if waits is not None and not waits.done():
                waits.set_result(packet)
        del buffer[:start]

    def eof_received(self) -> bool:
        self.connection_lost(None)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        waiting, self._waiting = self._waiting, {}
        for waits in waiting.values():
            if not waits.done():
                waits.set_exception(exc or asyncssh.SFTPConnectionLost("the channel was closed"))
        if self._chan is not None:
            self._chan.abort()
            self._chan = None

    def ask(self, kind: int, body: bytes) -> asyncio.Future[bytes]:
        """The whole packet of the answer, when it comes."""
        answer = asyncio.get_running_loop().create_future()
        if self._chan is None:
            answer.set_exception(asyncssh.SFTPConnectionLost("the channel was closed"))
            return answer
        if kind == INIT:
            number, packet = 0, struct.pack(">BI", kind, 3)
        else:
            number = self._last = self._last % 0xFFFFFFFF + 1
            packet = struct.pack(">BII", kind, number, len(body)) + body
        self._waiting[number] = answer
        self._chan.write(struct.pack(">I", len(packet)) + packet)
        return answer


async def open_names(connection: asyncssh.SSHClientConnection) -> Channel:
    """Raises `asyncssh.ChannelOpenError` where the server grants no further channel, `asyncssh.SFTPError` where it is no SFTP."""
    _, channel = await connection.create_session(Channel, subsystem="sftp", encoding=None, window=8 << 20)
    assert isinstance(channel, Channel)  # noqa: S101 - create_session gives what the factory made
    await channel.ask(INIT, b"")
    return channel


async def scan(
    channel: Channel, folder: str, take: Callable[[Sequence[Listed]], object], ask: Callable[[asyncio.Future[bytes]], Any]
) -> None:
    """Every name of the folder but `.` and `..`, in the batches that the server sends. `ask` waits for an answer.

    Raises `asyncssh.SFTPError`.
    """
    answer = await ask(channel.ask(OPENDIR, folder.encode("utf-8", "surrogateescape")))
    if answer[0] != HANDLE:
        raise _refusal(answer)
    handle = answer[9:]
    going: deque[asyncio.Future[bytes]] = deque()
    try:
        while True:
            while len(going) < AHEAD:
                going.append(channel.ask(READDIR, handle))
            answer = await ask(going.popleft())
            if answer[0] != NAME:
                break
            take(names_of(answer))
    finally:
        for unread in going:
            unread.add_done_callback(_read)
        channel.ask(CLOSE, handle).add_done_callback(_read)
    if answer[0] != STATUS or _number(answer, 5)[0] != END_OF_FOLDER:
        raise _refusal(answer)


async def scan_slowly(
    client: asyncssh.SFTPClient, folder: str, take: Callable[[Sequence[Listed]], object], heard: Callable[[], None]
) -> None:
    """The same over the client's own channel, where the server grants no other. `heard` is told of every batch. Raises as `scan`."""
    batch: list[Listed] = []
    async for found in client.scandir(folder):
        name, attributes = found.filename, found.attrs
        raw = name if isinstance(name, bytes) else name.encode("utf-8", "surrogateescape")
        if raw not in {b".", b".."}:
            first = str(found.longname or "")[:1].encode()
            modified = None if attributes.mtime is None else int(attributes.mtime)
            batch.append(_listed(raw, int(attributes.size or 0), attributes.permissions or 0, modified, first))
        if len(batch) == 100:
            heard()
            take(batch)
            batch = []
    take(batch)


def names_of(packet: bytes) -> list[Listed]:
    """The names in one answer to READDIR (section 7 of the draft; attributes: section 5). Raises `asyncssh.SFTPBadMessage`."""
    found = []
    at = 9
    try:
        for _ in range(_number(packet, 5)[0]):
            (length,) = _number(packet, at)
            raw = packet[at + 4 : at + 4 + length]
            at += 4 + length
            (length,) = _number(packet, at)
            first = packet[at + 4 : at + 5]  # of the line as `ls -l` prints it, for servers that tell no permissions
            at += 4 + length
            (flags,) = _number(packet, at)
            at += 4
            if flags == USUAL:
                size, _, _, mode, _, mtime = _usual(packet, at)
                at += 28
            else:
                size, mode, mtime, at = _attributes(packet, at, flags)
            if raw in {b".", b".."}:
                continue
            found.append(_listed(raw, size, mode, mtime, first))
    except struct.error as short:
        raise asyncssh.SFTPBadMessage("a listing ends in the middle of a name") from short
    return found


def _listed(raw: bytes, size: int, mode: int, mtime: int | None, first: bytes) -> Listed:
    sort = (mode and _SORTS.get(modes.S_IFMT(mode))) or _FIRST.get(first, "file")
    if b"/" in raw or not raw:
        sort = "unnamed"
    moment = None if mtime is None else datetime.fromtimestamp(mtime, UTC)
    return Listed(raw.decode("utf-8", "surrogateescape"), size if sort == "file" else 0, moment, sort)


_SORTS = {
    modes.S_IFREG: "file", modes.S_IFDIR: "folder", modes.S_IFLNK: "link",
    modes.S_IFIFO: "special", modes.S_IFSOCK: "special", modes.S_IFCHR: "special", modes.S_IFBLK: "special",
}  # fmt: skip
_FIRST = {b"-": "file", b"d": "folder", b"l": "link", b"p": "special", b"s": "special", b"c": "special", b"b": "special"}


def _attributes(packet: bytes, at: int, flags: int) -> tuple[int, int, int | None, int]:
    """Size, permissions, time of change, and where the next name begins."""
    size = mode = 0
    mtime = None
    if flags & SIZE:
        size, at = int.from_bytes(packet[at : at + 8], "big"), at + 8
    if flags & OWNER:
        at += 8
    if flags & PERMISSIONS:
        (mode,) = _number(packet, at)
        at += 4
    if flags & TIMES:
        _, mtime = _pair(packet, at)
        at += 8
    if flags & EXTENDED:
        (pairs,) = _number(packet, at)
        at += 4
        for _ in range(2 * pairs):
            at += 4 + _number(packet, at)[0]
    return size, mode, mtime, at


def _refusal(answer: bytes) -> asyncssh.SFTPError:
    if answer[0] != STATUS or len(answer) < 9:
        return asyncssh.SFTPBadMessage(f"an answer of type {answer[0]} was not asked for")
    (code,) = _number(answer, 5)
    said = answer[13 : 13 + _number(answer, 9)[0]].decode("utf-8", "replace") if len(answer) >= 13 else ""
    kind = _refusals.get(code)
    return kind(said or "no reason given") if kind else asyncssh.SFTPError(code, said or "no reason given")


def _read(answer: asyncio.Future[bytes]) -> None:
    """Nobody waits for it any more; a failure is not news."""
    if not answer.cancelled():
        answer.exception()
