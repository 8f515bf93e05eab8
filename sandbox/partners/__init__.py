"""The partners' servers: SFTP, FTPS and FTP on 127.0.0.1, each with its own port, home folder, manners and faults.

`start_partners(root)` gives servers that run in threads until `stop()`, and the Airflow connections that reach them.
Nothing here looks into the files it takes.
"""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sandbox.partners import answers
from sandbox.partners.faults import Faults, NoFaults
from sandbox.partners.ftp import FtpThread
from sandbox.partners.keys import HOST, Keys, make_keys
from sandbox.partners.roster import ROSTER, Profile, home_of, make_home
from sandbox.partners.sftp import SftpServer

__all__ = ["ROSTER", "Faults", "NoFaults", "PartnerServers", "Profile", "home_of", "start_partners"]


@dataclass
class PartnerServers:
    """Running servers. `connections`: connection id → what Airflow's LocalFilesystemBackend reads from a JSON file."""

    root: Path
    profiles: tuple[Profile, ...]
    ports: dict[str, int]
    connections: dict[str, dict[str, Any]]
    _loop: asyncio.AbstractEventLoop
    _loop_thread: threading.Thread
    _sftp: list[SftpServer]
    _ftp: FtpThread

    def answer(self, partner: str, rejected: Mapping[str, str] | None = None, *, name: str = "", now: datetime | None = None) -> Path:
        """The partner answers a file of its inbox: see `sandbox.partners.answers.answer`."""
        profile = next(profile for profile in self.profiles if profile.id == partner)
        return answers.answer(self.root, profile, rejected, name=name, now=now)

    def stop(self) -> None:
        """Close every connection and port. May be called twice."""
        if not self._loop_thread.is_alive():
            return

        async def end() -> None:
            await asyncio.gather(*(server.stop() for server in self._sftp))

        asyncio.run_coroutine_threadsafe(end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._loop_thread.join(5)
        self._loop.close()
        self._ftp.stop()


def start_partners(root: Path, faults: Faults | None = None, profiles: Iterable[Profile] = ROSTER) -> PartnerServers:
    """Start a server for each profile; they accept connections when this returns.

    Home folders are `<root>/partners/<id>`, keys and passwords `<root>/keys`. A port is the same as the last time under this
    root if it is still free.
    """
    root = root.resolve()
    root.mkdir(parents=True, exist_ok=True)
    chosen = tuple(profiles)
    faults = faults or NoFaults()
    keys = make_keys(root)
    listeners = _listen(root / "partner-ports.json", chosen)
    loop = asyncio.new_event_loop()
    sftp: list[SftpServer] = []
    ftp = FtpThread()
    for profile in chosen:
        home = make_home(root, profile)
        if profile.protocol == "sftp":
            sftp.append(SftpServer.prepare(profile, home, listeners[profile.id], keys, faults))
        else:
            ftp.add(profile, home, listeners[profile.id], keys, faults)
    for server in sftp:
        loop.call_soon(server.start)
    thread = threading.Thread(target=loop.run_forever, name="sandbox-sftp", daemon=True)
    thread.start()
    ftp.start()
    ports = {profile.id: listeners[profile.id].getsockname()[1] for profile in chosen}
    connections = {profile.connection: _connection(profile, ports[profile.id], keys) for profile in chosen}
    return PartnerServers(root, chosen, ports, connections, loop, thread, sftp, ftp)


def _listen(file: Path, profiles: tuple[Profile, ...]) -> dict[str, socket.socket]:
    """A listening socket for each profile, on the remembered port where that is free."""
    try:
        remembered: dict[str, int] = json.loads(file.read_text())
    except (OSError, ValueError):
        remembered = {}
    listeners = {profile.id: _bind(remembered.get(profile.id, 0)) for profile in profiles}
    file.write_text(json.dumps(remembered | {partner: sock.getsockname()[1] for partner, sock in listeners.items()}, indent=1))
    return listeners


def _bind(port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((HOST, port))
    except OSError:
        sock.close()
        return _bind(0)
    sock.listen(128)
    return sock


def _connection(profile: Profile, port: int, keys: Keys) -> dict[str, Any]:
    connection: dict[str, Any] = {"conn_type": "sftp", "host": HOST, "port": port, "login": profile.id}
    if profile.login == "password":
        connection["password"] = keys.password(profile.id)
    if profile.protocol == "sftp":
        extra = {"host_key": keys.public(keys.host_key(profile.id)), "compress": "false"}
        if profile.login == "key":
            extra["private_key"] = keys.client_key(profile.id).read_text()
        return connection | {"extra": extra}
    extra_ftp: dict[str, Any] = {"passive": True}
    if profile.protocol == "ftps":
        extra_ftp["ca_cert"] = str(keys.authority())
    return connection | {"conn_type": "ftp", "extra": extra_ftp}
