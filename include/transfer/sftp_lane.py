"""SFTP over one asyncssh connection: many files in flight, each file's blocks pipelined, several channels on slow lines.

Only asyncssh's public interface is used. The connection itself (credentials, host key, proxy) is made by whoever hands
in `connect`.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import stat as modes
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import TypeVar

import asyncssh

from include.errors import ColophonError, ConfigurationError, PermanentError, TransientError
from include.transfer.blocks import REQUESTS, read_blocks, write_blocks
from include.transfer.model import Listed, RemoteEntry
from include.transfer.naming import is_safe, join, readable
from include.transfer.refusals import loses_connection, sftp_error
from include.transfer.sftp_names import Channel, open_names, scan, scan_slowly
from include.transfer.source import Source

R = TypeVar("R")

CHANNELS = 4  # for one big file, where the line is slow
SLOW_LINE = 0.010  # seconds of round trip; from here on one channel's window of 2 MiB is what limits the speed
BIG = 8 << 20  # bytes; smaller files never need a second channel
RECEIVE_WINDOW = 32 << 20  # bytes; what we ask for bounds the memory, not this
FRAGMENT = 32_000  # bytes per request where the server tells no limits: fits one SSH packet with its header
PATIENCE = 120.0  # seconds for one answer
KEEPALIVE = 15  # seconds; four unanswered ones end the connection

log = logging.getLogger(__name__)


class SftpLane:
    """The one connection; it is every lane at once, because its requests do not wait for each other."""

    def __init__(
        self, connect: Callable[[], Awaitable[asyncssh.SSHClientConnection]], where: str, channels: int, fallback_encoding: str
    ) -> None:
        self.where = where
        self.host_key = ""
        self.resumes = True
        self._connect = connect
        self._most_channels = channels
        self._fallback_encoding = fallback_encoding
        self._lock = asyncio.Lock()
        self._connection: asyncssh.SSHClientConnection | None = None
        self._clients: list[asyncssh.SFTPClient] = []
        self._names: Channel | None = None
        self._one_channel = False  # the server grants no second one
        self._refused: ColophonError | None = None
        self._folders: dict[str, asyncio.Task[None]] = {}
        self._round_trip = 0.0
        self._unanswered = 0
        self._answered_at = 0.0
        self._can_sync = self._can_replace = self._can_statvfs = True

    @property
    def window(self) -> int:
        return REQUESTS * self._block("max_write_len") * CHANNELS  # an earlier attempt may have found the line slower

    # --- the connection

    async def _client(self) -> asyncssh.SFTPClient:
        if self._clients:
            return self._clients[0]
        async with self._lock:
            if not self._clients:
                if self._refused:
                    raise self._refused  # one refused log-in is enough: more of them lock accounts
                try:
                    await self._open()
                except ConfigurationError as refused:
                    self._refused = refused
                    raise
        return self._clients[0]

    async def _open(self) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                self._connection = connection = await self._connect()
                # the receive window is an argument of open_session, which start_sftp_client calls without it
                connection.open_session = functools.partial(connection.open_session, window=RECEIVE_WINDOW)  # type: ignore[method-assign]
                connection.set_keepalive(KEEPALIVE, 4)
                key = connection.get_server_host_key()
                self.host_key = key.get_fingerprint() if key else ""
                client = await connection.start_sftp_client(path_errors="surrogateescape")
                started = time.monotonic()
                await client.realpath(".")
                self._round_trip = time.monotonic() - started
                self._clients = [client]
        except Exception as bad:
            opened = self._connection
            no_sftp = opened is not None and not opened.is_closed() and isinstance(bad, (asyncssh.ChannelOpenError, asyncssh.SFTPError))
            self._drop(opened)
            if no_sftp:
                what = "the log-in works, but the server offers no SFTP"
                raise ConfigurationError(what, where=self.where, todo="Ask the partner to allow SFTP for this user.") from bad
            raise sftp_error(bad, self.where) from bad

    async def _several(self) -> list[asyncssh.SFTPClient]:
        """Channels for one big file: more than one only on a slow line, and as many as the server grants."""
        client = await self._client()
        if self._round_trip < SLOW_LINE:
            return [client]
        async with self._lock:
            if self._connection and len(self._clients) < self._most_channels:
                missing = self._most_channels - len(self._clients)
                more = (self._connection.start_sftp_client(path_errors="surrogateescape") for _ in range(missing))
                opened = await asyncio.gather(*more, return_exceptions=True)
                granted = [each for each in opened if isinstance(each, asyncssh.SFTPClient)]
                if self._clients:
                    self._clients += granted
                    self._most_channels = len(self._clients)
        return list(self._clients) or [await self._client()]

    def _drop(self, connection: asyncssh.SSHClientConnection | None) -> None:
        """Forget a broken connection, unless somebody has replaced it already."""
        if connection is not None and connection is self._connection:
            self._connection, self._clients, self._names = None, [], None
            self._folders.clear()
            connection.abort()

    async def _ask(self, request: Awaitable[R], path: str, via: asyncssh.SSHClientConnection | None = None) -> R:
        """One request's answer, or one of our errors. `via` is the connection that the request goes over, if not the present one."""
        via = via or self._connection
        if not self._unanswered:
            self._answered_at = time.monotonic()
        self._unanswered += 1
        try:
            return await request
        except (asyncssh.Error, OSError) as bad:
            if loses_connection(bad):
                self._drop(via)
            raise sftp_error(bad, f"{self.where}: {path}") from bad
        finally:
            self._unanswered -= 1
            self._answered_at = time.monotonic()

    async def watch(self) -> None:
        """Break a connection that answers nothing for too long: everything that waits on it then fails and is tried again."""
        while True:
            await asyncio.sleep(PATIENCE / 10)
            if self._unanswered and time.monotonic() - self._answered_at > PATIENCE:
                self._drop(self._connection)

    def abort(self) -> None:
        self._drop(self._connection)

    async def close(self) -> None:
        connection, self._connection, self._clients, self._names = self._connection, None, [], None
        if connection is not None:
            connection.close()
            with suppress(OSError, asyncssh.Error):
                async with asyncio.timeout(5):
                    await connection.wait_closed()

    def _block(self, which: str) -> int:
        """Bytes per request. asyncssh tells 16 KiB where the server told nothing; OpenSSH grants 255 KiB."""
        told: int = getattr(self._clients[0].limits, which) if self._clients else 0
        return min(told, 255 << 10) if told > 16 << 10 else FRAGMENT

    # --- folders and names

    async def mkdirs(self, folder: str) -> None:
        """Once per connection and folder, however many files ask."""
        await self._client()
        task = self._folders.get(folder)
        if task is None:
            task = self._folders[folder] = asyncio.ensure_future(self._mkdirs(folder))
        elif task.done() and not task.cancelled() and task.exception() is None:
            return
        try:
            await asyncio.shield(task)
        except ColophonError:
            self._folders.pop(folder, None)
            raise

    async def _mkdirs(self, folder: str) -> None:
        if folder in {"", ".", "/"} or await self._is_folder(folder):
            return
        parent = str(PurePosixPath(folder).parent)
        await self._mkdirs(parent)
        client = await self._client()
        try:
            await self._ask(client.mkdir(folder), folder)
        except ColophonError:
            if not await self._is_folder(folder):  # else another one made it at the same moment
                raise

    async def _is_folder(self, path: str) -> bool:
        entry = await self.stat(path)
        return entry is not None and entry.is_dir

    async def list(self, folder: str, most: int | None = None) -> list[RemoteEntry] | None:
        client = await self._client()
        entries: list[RemoteEntry] = []

        async def collect() -> bool:
            async for found in client.scandir(folder or "."):
                name = str(found.filename)
                if name in {".", ".."}:
                    continue
                if not is_safe(name):
                    log.warning("%s: left out the name %r: it is no plain name", self.where, name)
                    continue
                entries.append(_entry(readable(name, self._fallback_encoding), join(folder, name), found.attrs))
                if most is not None and len(entries) > most:
                    return False
            return True

        return entries if await self._ask(collect(), folder) else None

    async def scan(self, folder: str, take: Callable[[Sequence[Listed]], object]) -> None:
        client = await self._client()
        via = self._connection
        async with self._lock:
            if self._names is None and via is not None and not self._one_channel:
                try:
                    self._names = await self._ask(open_names(via), folder, via)
                except TransientError as bad:
                    self._one_channel = isinstance(bad.__cause__, asyncssh.ChannelOpenError)
                    if not self._one_channel:
                        raise
        names = self._names
        if via is not self._connection or (names is None and not self._one_channel):
            raise sftp_error(asyncssh.SFTPConnectionLost("the connection broke"), f"{self.where}: {folder}")
        if names is None:
            await self._ask(scan_slowly(client, folder or ".", take, self._heard), folder, via)
        else:
            await self._ask(scan(names, folder or ".", take, lambda answer: self._ask(answer, folder, via)), folder, via)

    def _heard(self) -> None:
        self._answered_at = time.monotonic()

    async def stat(self, path: str) -> RemoteEntry | None:
        client = await self._client()
        try:
            attributes = await self._ask(client.stat(path), path)
        except PermanentError as bad:
            if isinstance(bad.__cause__, (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath)):
                return None
            raise
        return _entry(PurePosixPath(path).name, path, attributes)

    async def rename(self, old: str, new: str, *, replace: bool) -> bool:
        client = await self._client()
        if replace and self._can_replace:
            try:
                await self._ask(client.posix_rename(old, new), new)
            except PermanentError as bad:
                if not isinstance(bad.__cause__, asyncssh.SFTPOpUnsupported):
                    raise _no_rename(bad) from bad
                self._can_replace = False
            else:
                return True
        try:
            await self._ask(client.rename(old, new), new)
        except PermanentError as bad:
            raise _no_rename(bad) from bad
        except TransientError as bad:
            # SFTP 3 has one code for every failure; a taken name is the commonest here
            if not isinstance(bad.__cause__, asyncssh.SFTPError) or loses_connection(bad.__cause__) or await self.stat(new) is None:
                raise
            if not replace:
                raise PermanentError("the name is taken", where=f"{self.where}: {new}", todo="Ask the partner, or set `existing`.") from bad
        else:
            return True
        await self.remove(new)
        await self._ask(client.rename(old, new), new)
        return False

    async def remove(self, path: str) -> None:
        client = await self._client()
        try:
            await self._ask(client.remove(path), path)
        except PermanentError as bad:
            if not isinstance(bad.__cause__, (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath)):
                raise

    # --- bytes

    async def send(self, path: str, source: Source, offset: int, *, then_renamed: bool, to_disk: bool = True) -> int | None:
        flags = asyncssh.FXF_WRITE | asyncssh.FXF_CREAT | (0 if offset else asyncssh.FXF_TRUNC)
        clients = [await self._client()] if source.file.bytes - offset < BIG else await self._several()
        via = self._connection
        files: list[asyncssh.SFTPClientFile] = []
        try:
            files.append(await self._ask(clients[0].open(path, flags, encoding=None, block_size=0), path, via))
            more = (client.open(path, asyncssh.FXF_WRITE, encoding=None, block_size=0) for client in clients[1:])
            for each in await asyncio.gather(*(self._ask(each, path, via) for each in more), return_exceptions=True):
                if isinstance(each, asyncssh.SFTPClientFile):
                    files.append(each)
                else:
                    self._most_channels = 1  # a server that opens a file once writes it through one channel
            await write_blocks(files, source, offset, self._block("max_write_len"), lambda answer: self._ask(answer, path, via))
            if to_disk and self._can_sync:
                attributes, _ = await asyncio.gather(self._ask(files[0].stat(), path, via), self._sync(files[0], path, via))
            else:
                attributes = await self._ask(files[0].stat(), path, via)
            if len(files) == 1:
                await self._ask(files.pop().close(), path, via)  # some servers tell only now that a quota is used up
            closing, files = files, []
            await asyncio.gather(*(self._ask(file.close(), path, via) for file in closing))
        except TransientError as bad:
            if await self._is_full(path, bad):
                raise PermanentError(
                    "no space left at the partner", where=f"{self.where}: {path}", todo="Ask the partner to make room."
                ) from bad
            raise
        finally:
            await self._leave(files, path, via)
        return None if attributes.size is None else int(attributes.size)

    async def _leave(self, files: Sequence[asyncssh.SFTPClientFile], path: str, via: asyncssh.SSHClientConnection | None) -> None:
        """Close what an error left open; the error is the news, not this. Nobody waits who is told to end."""
        task = asyncio.current_task()
        for file in files:
            if via is self._connection and not (task and task.cancelling()):
                with suppress(ColophonError):
                    await self._ask(file.close(), path, via)

    async def _sync(self, file: asyncssh.SFTPClientFile, path: str, via: asyncssh.SSHClientConnection | None) -> None:
        try:
            await self._ask(file.fsync(), path, via)
        except PermanentError:
            self._can_sync = False

    async def _is_full(self, path: str, error: TransientError) -> bool:
        """OpenSSH says no more than "Failure" when the disk is full: ask it how much room there is."""
        if not isinstance(error.__cause__, asyncssh.SFTPFailure) or not self._can_statvfs or not self._clients:
            return False
        try:
            room = await self._ask(self._clients[0].statvfs(path), path)
        except ColophonError:
            self._can_statvfs = False
            return False
        return bool(room.blocks) and room.bavail * (room.frsize or room.bsize) < 1 << 20

    async def read(self, path: str, sink: Callable[[bytes], object], offset: int = 0, size: int | None = None) -> int | None:
        client = await self._client()
        via = self._connection
        try:
            file = await self._ask(client.open(path, asyncssh.FXF_READ, encoding=None, block_size=0), path, via)
        except PermanentError as bad:
            if isinstance(bad.__cause__, (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath)):
                return None
            raise
        try:
            if size is None:
                size = (await self._ask(file.stat(), path, via)).size or 0
            block = self._block("max_read_len")
            at_once = max(REQUESTS, RECEIVE_WINDOW // 2 // block) if self._round_trip >= SLOW_LINE else REQUESTS
            return await read_blocks(file, sink, offset, size, block, at_once, lambda answer: self._ask(answer, path, via))
        finally:
            await self._leave([file], path, via)

    async def pause(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def tell(self, call: Callable[[], None]) -> None:
        call()


def _entry(name: str, path: str, attributes: asyncssh.SFTPAttrs) -> RemoteEntry:
    is_dir = attributes.type == asyncssh.FILEXFER_TYPE_DIRECTORY or (
        attributes.permissions is not None and modes.S_ISDIR(attributes.permissions)
    )
    modified = datetime.fromtimestamp(attributes.mtime, UTC) if attributes.mtime is not None else None
    return RemoteEntry(name, path, 0 if is_dir else int(attributes.size or 0), modified, is_dir)


def _no_rename(refusal: PermanentError) -> PermanentError:
    return PermanentError(
        f"can't be renamed: {refusal.what}", where=refusal.where, todo='If this partner forbids renaming, set `commit.rule = "direct"`.'
    )
