"""SFTP servers of partners: one port each, chroot to the partner's home, with the partner's manners and faults."""

from __future__ import annotations

import asyncio
import hmac
import os
import socket
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncssh

from sandbox.partners.faults import Faults, limit
from sandbox.partners.keys import Keys
from sandbox.partners.roster import Profile, is_travelling


@dataclass
class Transfer:
    """One open file: how much went through this handle, and when the next block may (fault `slow`)."""

    path: str  # as the client named it, absolute
    writing: bool
    moved: int = 0
    next_at: float = 0.0
    broken: bool = False


class Login(asyncssh.SSHServer):
    def __init__(self, profile: Profile, password: str, faults: Faults) -> None:
        self._profile, self._password, self._faults = profile, password, faults
        self._refuse = False

    def begin_auth(self, username: str) -> bool:
        # once per connection: a client may try several methods in one log-in
        self._refuse = self._faults.take(self._profile.id, "wrong_password") is not None
        return True

    def password_auth_supported(self) -> bool:
        return self._profile.login == "password"

    def validate_password(self, username: str, password: str) -> bool:
        return not self._refuse and username == self._profile.id and hmac.compare_digest(password, self._password)

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return False

    def public_key_auth_supported(self) -> bool:
        return self._profile.login == "key"


class KeyLogin(Login):
    """Only the one key that the partner has on file."""

    def __init__(self, profile: Profile, client_key: str, faults: Faults) -> None:
        super().__init__(profile, "", faults)
        self._key = asyncssh.import_public_key(client_key)

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return not self._refuse and username == self._profile.id and key == self._key


class PartnerFiles(asyncssh.SFTPServer):
    """The partner's folder, seen through its manners."""

    def __init__(self, chan: asyncssh.SSHServerChannel[bytes], home: Path, profile: Profile, faults: Faults) -> None:
        super().__init__(chan, chroot=os.fsencode(home))
        self._home, self._profile, self._faults = home, profile, faults
        self._transfers: dict[object, Transfer] = {}

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> Any:
        file = super().open(path, pflags, attrs)
        self._transfers[file] = Transfer(_shown(path), bool(pflags & asyncssh.FXF_WRITE))
        return file

    def open56(self, path: bytes, desired_access: int, flags: int, attrs: asyncssh.SFTPAttrs) -> Any:
        raise asyncssh.SFTPOpUnsupported("SFTP version 3 only")

    async def read(self, file_obj: object, offset: int, size: int) -> bytes:
        data: bytes = super().read(file_obj, offset, size)  # type: ignore[assignment]
        transfer = self._transfers[file_obj]
        await self._pace(transfer, len(data))
        transfer.moved += len(data)
        most = limit(self._faults, self._profile.id, "cut_after")
        if most is not None and transfer.moved > most and self._faults.take(self._profile.id, "cut_after") is not None:
            self.connection.abort()
            raise asyncssh.SFTPConnectionLost("dropped")
        return data

    async def write(self, file_obj: object, offset: int, data: bytes) -> int:
        transfer = self._transfers[file_obj]
        if transfer.broken:  # blocks that had arrived before the line broke are lost with it
            raise asyncssh.SFTPConnectionLost("dropped")
        await self._pace(transfer, len(data))
        for kind in ("drop_after", "disk_full"):
            most = limit(self._faults, self._profile.id, kind)
            if most is None or transfer.moved + len(data) <= most:
                continue
            if self._faults.take(self._profile.id, kind) is None:
                continue  # somebody else's upload took the last one
            fits = max(0, most - transfer.moved)
            if fits:
                super().write(file_obj, offset, data[:fits])
            transfer.moved += fits
            if kind == "disk_full":
                raise asyncssh.SFTPFailure("No space left on device")
            transfer.broken = True
            self.connection.abort()
            raise asyncssh.SFTPConnectionLost("dropped")
        transfer.moved += len(data)
        return super().write(file_obj, offset, data)  # type: ignore[return-value]

    def close(self, file_obj: object) -> Any:
        transfer = self._transfers.pop(file_obj)
        super().close(file_obj)
        if transfer.writing and not transfer.broken:
            self._whole(transfer.path)

    def rename(self, oldpath: bytes, newpath: bytes) -> Any:
        self._may_rename()
        super().rename(oldpath, newpath)
        self._whole(_shown(newpath))

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> Any:
        self._may_rename()
        super().posix_rename(oldpath, newpath)
        self._whole(_shown(newpath))

    def symlink(self, oldpath: bytes, newpath: bytes) -> Any:
        raise asyncssh.SFTPPermissionDenied("no links here")

    def link(self, oldpath: bytes, newpath: bytes) -> Any:
        raise asyncssh.SFTPPermissionDenied("no links here")

    def _may_rename(self) -> None:
        if not self._profile.renames:
            raise asyncssh.SFTPPermissionDenied("renaming is not allowed")

    def _whole(self, path: str) -> None:
        """A file under /inbox has its final name: a partner that sweeps takes it away before the client's next request."""
        name = path.rsplit("/", 1)[-1]
        if not self._profile.sweeps or not path.startswith("/inbox/") or is_travelling(name):
            return
        source = Path(os.fsdecode(self.map_path(path.encode())))
        if source.is_file():
            target = self._home / "swept" / path.removeprefix("/inbox/")
            target.parent.mkdir(parents=True, exist_ok=True)
            source.replace(target)

    async def _pace(self, transfer: Transfer, size: int) -> None:
        rate = limit(self._faults, self._profile.id, "slow")
        if rate:
            now = asyncio.get_running_loop().time()
            transfer.next_at = max(transfer.next_at, now) + size / rate
            await asyncio.sleep(transfer.next_at - now)


def _shown(path: bytes) -> str:
    return os.path.normpath("/" + path.decode("utf-8", "surrogateescape").lstrip("/"))


@dataclass
class SftpServer:
    """A listening socket and what hangs on it; everything runs in one event loop."""

    profile: Profile
    listener: socket.socket
    options: asyncssh.SSHServerConnectionOptions
    other_options: asyncssh.SSHServerConnectionOptions
    faults: Faults
    open: set[asyncssh.SSHServerConnection] = field(default_factory=set)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @classmethod
    def prepare(cls, profile: Profile, home: Path, listener: socket.socket, keys: Keys, faults: Faults) -> SftpServer:
        def login() -> Login:
            if profile.login == "key":
                return KeyLogin(profile, keys.public(keys.client_key(profile.id)), faults)
            return Login(profile, keys.password(profile.id), faults)

        def options(host_key: Path) -> asyncssh.SSHServerConnectionOptions:
            return asyncssh.SSHServerConnectionOptions(
                server_factory=login,
                server_host_keys=[host_key],
                sftp_factory=lambda chan: PartnerFiles(chan, home, profile, faults),
                allow_scp=False,
                allow_pty=False,
                kbdint_auth=False,
                server_version="Colophon_sandbox",
            )

        return cls(profile, listener, options(keys.host_key(profile.id)), options(keys.other_host_key(profile.id)), faults)

    def start(self) -> None:
        """Begin to accept; call it inside the loop."""
        self.listener.setblocking(False)
        self._spawn(self._accept())

    async def stop(self) -> None:
        self.listener.close()
        for connection in list(self.open):
            connection.abort()
        for task in list(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            sock, _ = await loop.sock_accept(self.listener)
            sock.setblocking(False)
            if self.faults.take(self.profile.id, "refuse") is not None:
                reset(sock)
                continue
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._spawn(self._serve(sock))

    async def _serve(self, sock: socket.socket) -> None:
        other = self.faults.take(self.profile.id, "host_key") is not None
        try:
            connection = await asyncssh.run_server(sock, options=self.other_options if other else self.options)
        except (OSError, asyncssh.Error):
            sock.close()
            return
        self.open.add(connection)
        try:
            await connection.wait_closed()
        finally:
            self.open.discard(connection)

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)


def reset(sock: socket.socket) -> None:
    """Close with RST instead of a polite end."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()
