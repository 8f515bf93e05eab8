"""One FTP control connection and the data connections it opens.

Replies are those of RFC 959, listings of RFC 3659 where the server knows it.
"""
# ruff: noqa: S321 - there are partners who speak nothing else

from __future__ import annotations

import ftplib
import logging
import socket
import ssl
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace as replaced
from pathlib import PurePosixPath

from include.errors import ColophonError, ConfigurationError, PermanentError, TransientError
from include.transfer.ftp_wire import certificate_of, facts_about, features_of, size_and_announce, take_any_bytes
from include.transfer.lane import T
from include.transfer.listings import facts_of, lines_of, list_line, listed, moment
from include.transfer.model import Listed, RemoteEntry
from include.transfer.naming import is_safe, readable
from include.transfer.refusals import ftp_error, is_absent, loses_connection
from include.transfer.source import Source

BLOCK = 64 << 10  # bytes
BATCH = 500  # names of a folder handed on at once
ERRORS = (ftplib.Error, OSError, EOFError)

log = logging.getLogger(__name__)


class Ended(BaseException):
    """The work was given up: nothing is tried again."""


class Shared:
    """What the connections to one server know together."""

    def __init__(self, connect: Callable[[], ftplib.FTP], fallback_encoding: str) -> None:
        self.connect = connect
        self.fallback_encoding = fallback_encoding
        self.lock = threading.Lock()
        self.refused: ColophonError | None = None
        self.folders: set[str] = set()
        self.features: frozenset[str] = frozenset()
        self.home = ""  # known once somebody was let in
        self.pairs = True  # whether two commands may go out together
        self.ended = threading.Event()  # the work is given up
        self.resumes = True


class FtpLane:
    """One control connection, opened when first needed and again after a loss. Its coroutines never wait for each other."""

    tell: Callable[[Callable[[], None]], None]

    def __init__(self, where: str, shared: Shared) -> None:
        self.where = where
        self.host_key = ""
        self.window = 0  # bytes of one stream arrive in their order: no holes
        self._shared = shared
        self._ftp: ftplib.FTP | None = None
        self._data: socket.socket | None = None
        self._binary = False
        self._announced = ""  # the name that the server was told to be the old one of a rename
        self.tell = at_once

    @property
    def resumes(self) -> bool:
        return self._shared.resumes

    # --- the connection

    def _conn(self) -> ftplib.FTP:
        if self._shared.ended.is_set():
            raise Ended
        if self._ftp is not None:
            return self._ftp
        if self._shared.home:
            return self._open()
        with self._shared.lock:  # the first one alone, to see whether we are let in: refused log-ins lock accounts
            if self._shared.refused:
                raise self._shared.refused
            try:
                return self._open()
            except ConfigurationError as refused:
                self._shared.refused = refused
                raise

    def _open(self) -> ftplib.FTP:
        try:
            self._ftp = ftp = self._shared.connect()
            take_any_bytes(ftp)
            self._binary = False
            self.host_key = certificate_of(ftp)
            if not self._shared.home:
                self._shared.features = features_of(ftp)
                self._shared.home = ftp.pwd()
        except ERRORS as bad:
            self._drop()
            raise ftp_error(bad, self.where) from bad
        return ftp

    def _drop(self) -> None:
        ftp, self._ftp = self._ftp, None
        if ftp is not None:
            with suppress(OSError):
                ftp.close()

    def abort(self) -> None:
        """From another thread, once the work is given up: whatever waits on this connection fails at once."""
        for sock in (self._data, self._ftp.sock if self._ftp else None):
            if sock is not None:
                with suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        if self._ftp is not None:
            with suppress(*ERRORS):
                self._ftp.quit()
        self._drop()

    def _do(self, path: str, what: Callable[[ftplib.FTP], T]) -> T:
        """One exchange with the server, or one of our errors."""
        ftp = self._conn()
        self._announced = ""
        try:
            return what(ftp)
        except ValueError as bad:
            raise PermanentError(f"this name can't be sent: {bad}", where=f"{self.where}: {path}", todo="Rename the file.") from bad
        except ERRORS as bad:
            if loses_connection(bad):
                self._drop()
            raise ftp_error(bad, f"{self.where}: {path}") from bad
        except BaseException:
            self._drop()  # answers of this exchange are still to come; nobody must take them for answers of the next
            raise

    def _image(self, ftp: ftplib.FTP) -> None:
        """TYPE I, once: a listing switches back to text by itself."""
        if not self._binary:
            ftp.voidcmd("TYPE I")
            self._binary = True

    def _knows(self, feature: str) -> bool:
        self._conn()
        return feature in self._shared.features

    # --- folders and names

    async def mkdirs(self, folder: str) -> None:
        self._conn()
        if folder in self._shared.folders:
            return
        self._mkdirs(folder)
        self._shared.folders.add(folder)

    def _mkdirs(self, folder: str) -> None:
        if folder in {"", ".", "/"} or self._is_folder(folder):
            return
        self._mkdirs(str(PurePosixPath(folder).parent))
        try:
            self._do(folder, lambda ftp: ftp.mkd(folder))
        except PermanentError:
            if not self._is_folder(folder):  # else another connection made it at the same moment
                raise

    def _is_folder(self, folder: str) -> bool:
        def there(ftp: ftplib.FTP) -> bool:
            try:
                ftp.cwd(folder)
            except ftplib.error_perm as no:
                if str(no).startswith("550"):
                    return False
                raise
            ftp.cwd(self._shared.home)
            return True

        return self._do(folder, there)

    async def list(self, folder: str, most: int | None = None) -> list[RemoteEntry] | None:
        lines: list[bytes] = []
        told = self._knows("MLST")

        def collect(ftp: ftplib.FTP) -> None:
            self._image(ftp)
            with ftp.transfercmd(f"MLSD {folder}" if told else f"LIST {folder}") as data, data.makefile("rb") as stream:
                lines.extend(stream)
            ftp.voidresp()

        self._do(folder, collect)
        entries = []
        for line in lines:
            entry = self._entry(line.rstrip(b"\r\n"), folder, told)
            if entry is not None and entry.name not in {".", ".."}:
                if is_safe(entry.name):
                    entries.append(entry)
                else:
                    log.warning("%s: left out the name %r: it is no plain name", self.where, entry.name)
        return entries if most is None or len(entries) <= most else None

    async def scan(self, folder: str, take: Callable[[Sequence[Listed]], object]) -> None:
        told = self._knows("MLST")

        def collect(ftp: ftplib.FTP) -> None:
            self._image(ftp)
            with ftp.transfercmd(f"MLSD {folder}" if told else f"LIST {folder}") as data, data.makefile("rb") as stream:
                self._data = data
                batch: list[Listed] = []
                for line in lines_of(stream):
                    name = listed(line, told=told)
                    if name is not None:
                        batch.append(name)
                    if len(batch) == BATCH:
                        take(batch)
                        batch = []
                take(batch)
            ftp.voidresp()

        self._do(folder, collect)

    def _entry(self, line: bytes, folder: str, told: bool) -> RemoteEntry | None:
        """`path` keeps the server's own bytes; `name` is them in the partner's encoding."""
        raw = line.decode("utf-8", "surrogateescape")
        entry = facts_of(raw, folder) if told else list_line(raw, folder)
        if entry is not None and (name := readable(entry.name, self._shared.fallback_encoding)) != entry.name:
            return replaced(entry, name=name)
        return entry

    async def stat(self, path: str) -> RemoteEntry | None:
        if self._knows("MLST"):
            return self._do(path, lambda ftp: facts_about(ftp, path))
        return self._do(path, lambda ftp: self._measured(ftp, path))

    def _measured(self, ftp: ftplib.FTP, path: str) -> RemoteEntry | None:
        size = self._size(ftp, path)
        if size is None:
            return None
        modified = None
        with suppress(ftplib.error_perm):
            modified = moment(ftp.sendcmd(f"MDTM {path}")[4:])
        return RemoteEntry(PurePosixPath(path).name, path, size, modified)

    def _size(self, ftp: ftplib.FTP, path: str) -> int | None:
        self._image(ftp)
        try:
            return ftp.size(path)
        except ftplib.error_perm as no:
            if is_absent(no):
                return None
            raise

    async def rename(self, old: str, new: str, *, replace: bool) -> bool:
        announced = self._announced == old
        try:
            self._do(new, lambda ftp: ftp.voidcmd(f"RNTO {new}") if announced else ftp.rename(old, new))
        except PermanentError as bad:
            if not replace or await self.stat(new) is None or await self.stat(old) is None:
                raise PermanentError(
                    f"can't be renamed: {bad.what}", where=bad.where, todo='If this partner forbids renaming, set `commit.rule = "direct"`.'
                ) from bad
        else:
            return True
        await self.remove(new)
        self._do(new, lambda ftp: ftp.rename(old, new))
        return False

    async def remove(self, path: str) -> None:
        def gone(ftp: ftplib.FTP) -> None:
            try:
                ftp.delete(path)
            except ftplib.error_perm as no:
                if self._size(ftp, path) is not None or not is_absent(no):
                    raise

        self._do(path, gone)

    # --- bytes

    async def send(self, path: str, source: Source, offset: int, *, then_renamed: bool, to_disk: bool = True) -> int | None:
        announced = ""

        def stream(ftp: ftplib.FTP) -> int | None:
            self._image(ftp)
            data = self._data = self._opened(ftp, f"STOR {path}", offset)
            try:
                with data:
                    sent = offset
                    while block := source.read(BLOCK):
                        data.sendall(block)
                        sent += len(block)
                        source.moved(sent)
                    _farewell(data)
            except OSError:
                self._why(ftp)
                raise
            ftp.voidresp()
            if not then_renamed or not self._shared.pairs:
                return self._size(ftp, path)
            nonlocal announced
            try:
                size, announced = size_and_announce(ftp, path)
            except (OSError, EOFError, ftplib.error_reply, ftplib.error_proto):
                self._shared.pairs = False  # some servers and firewalls lose the second of two commands
                raise
            return size

        size = self._do(path, stream)
        self._announced = announced
        return size

    def _opened(self, ftp: ftplib.FTP, command: str, offset: int) -> socket.socket:
        try:
            return ftp.transfercmd(command, offset or None)
        except ftplib.error_perm as no:
            if offset and not str(no).startswith(("530", "532", "550", "552", "553")):
                self._shared.resumes = False
                raise TransientError(f"the server does not continue uploads: {no}", where=self.where, todo="It is sent anew.") from no
            raise

    @staticmethod
    def _why(ftp: ftplib.FTP) -> None:
        """A broken data connection: the control connection may say why (552 no space, 426 aborted)."""
        if ftp.sock is not None:
            patience = ftp.sock.gettimeout()
            try:
                ftp.sock.settimeout(5)
                ftp.voidresp()
            finally:
                ftp.sock.settimeout(patience)

    async def read(self, path: str, sink: Callable[[bytes], object], offset: int = 0, size: int | None = None) -> int | None:
        read = 0

        def stream(ftp: ftplib.FTP) -> int | None:
            nonlocal read
            self._image(ftp)
            try:
                data = self._data = ftp.transfercmd(f"RETR {path}", offset or None)
            except ftplib.error_perm as no:
                if is_absent(no) and self._size(ftp, path) is None:
                    return None
                raise
            with data:
                while block := data.recv(BLOCK):
                    sink(block)
                    read += len(block)
                _farewell(data)
            ftp.voidresp()
            return read

        return self._do(path, stream)

    async def pause(self, seconds: float) -> None:
        if self._shared.ended.wait(seconds):
            raise Ended


def at_once(call: Callable[[], None]) -> None:
    call()


def _farewell(data: socket.socket) -> None:
    """TLS's closing words; whether all arrived is for the reply and the size to say, not for them."""
    if isinstance(data, ssl.SSLSocket):
        with suppress(OSError):
            data.unwrap()
