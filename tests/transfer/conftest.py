"""Real partner servers in threads of this process, and the engine's drivers connected to them without Airflow."""

from __future__ import annotations

import asyncio
import ftplib
import hashlib
import io
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from include.partners.model import Transport
from include.transfer import Event, Outgoing, Published, Remote
from include.transfer.ftp import FtpDriver
from include.transfer.publish import publish
from include.transfer.sftp import SftpDriver
from sandbox.partners import PartnerServers, home_of, start_partners

PROTOCOLS = {"northgate": "sftp", "quickshelf": "sftp", "dropwell": "sftp", "librarium": "ftps", "fennimore": "ftp"}
SFTP, FTP, FTPS = "northgate", "fennimore", "librarium"


class Switches:
    """Faults as a test sets them."""

    def __init__(self) -> None:
        self.on: dict[tuple[str, str], dict[str, Any]] = {}
        self.taken = 0

    def set(self, service: str, kind: str, **fields: Any) -> None:
        self.on[service, kind] = fields

    def active(self, service: str, kind: str) -> dict[str, Any] | None:
        return self.on.get((service, kind))

    def take(self, service: str, kind: str) -> dict[str, Any] | None:
        fault = self.on.get((service, kind))
        if fault is not None:
            self.taken += 1
            if "times" in fault:
                fault["times"] -= 1
                if fault["times"] <= 0:
                    del self.on[service, kind]
        return fault


class ReuseTls(ftplib.FTP_TLS):
    def ntransfercmd(self, cmd: str, rest: Any = None) -> Any:
        conn, size = ftplib.FTP.ntransfercmd(self, cmd, rest)
        return self.context.wrap_socket(conn, server_hostname=self.host, session=self.sock.session), size  # type: ignore[union-attr]


@dataclass
class Partners:
    """The servers, and what a test needs to talk to one of them."""

    servers: PartnerServers
    switches: Switches
    connected: list[str] = field(default_factory=list)

    def inbox(self, partner: str) -> Path:
        return home_of(self.servers.root, partner) / "inbox"

    @contextmanager
    def remote(self, partner: str, **transport: Any) -> Iterator[Remote]:
        given = Transport(protocol=PROTOCOLS[partner], connection=f"partner_{partner}", **{"folder": "/inbox"} | transport)  # type: ignore[arg-type]
        if given.protocol == "sftp":
            driver: Any = SftpDriver(lambda: self.sftp(partner), partner)
        else:
            driver = FtpDriver(lambda: self.ftp(partner), partner, fallback_encoding=given.fallback_encoding)
        with Remote(driver, given) as remote:
            yield remote

    async def sftp(self, partner: str, **other: Any) -> asyncssh.SSHClientConnection:
        self.connected.append(partner)
        c = self.servers.connections[f"partner_{partner}"]
        known = asyncssh.import_known_hosts(f"[{c['host']}]:{c['port']} {c['extra']['host_key']}\n")
        login: dict[str, Any] = {"username": c["login"], "password": c.get("password"), "client_keys": None}
        if "private_key" in c["extra"]:
            login["client_keys"] = [asyncssh.import_private_key(c["extra"]["private_key"])]
        return await asyncssh.connect(c["host"], c["port"], known_hosts=known, config=None, **(login | other))

    def ftp(self, partner: str) -> ftplib.FTP:
        self.connected.append(partner)
        c = self.servers.connections[f"partner_{partner}"]
        if partner == FTPS:
            client: ftplib.FTP = ReuseTls(context=ssl.create_default_context(cafile=c["extra"]["ca_cert"]), timeout=10)
        else:
            client = ftplib.FTP(timeout=10)
        client.connect(c["host"], c["port"])
        client.login(c["login"], c["password"])
        if isinstance(client, ftplib.FTP_TLS):
            client.prot_p()
        return client


@dataclass
class Sent:
    """What came of a publication, with all that was said on the way."""

    results: list[Any]
    events: list[Event]
    progress: list[tuple[str, int, int]]

    @property
    def said(self) -> list[str]:
        return [event.what for event in self.events]

    @property
    def only(self) -> Any:
        assert len(self.results) == 1, self.results
        return self.results[0]

    @property
    def all_arrived(self) -> bool:
        return all(isinstance(result, Published) for result in self.results)


def send(remote: Remote, *files: Outgoing, **options: Any) -> Sent:
    events: list[Event] = []
    progress: list[tuple[str, int, int]] = []
    results = publish(remote, files, remote.transport, on_event=events.append, on_progress=lambda *told: progress.append(told), **options)
    return Sent(results, events, progress)


def file(name: str, content: bytes = b"<ONIXMessage/>", *, folder: str = "/inbox", role: str = "message") -> Outgoing:
    return Outgoing(name, folder, len(content), hashlib.sha256(content).hexdigest(), lambda: io.BytesIO(content), role)


@pytest.fixture(scope="session")
def _servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Partners]:
    switches = Switches()
    servers = start_partners(tmp_path_factory.mktemp("partners"), switches)
    yield Partners(servers, switches)
    servers.stop()


@pytest.fixture
def partners(_servers: Partners) -> Iterator[Partners]:
    """Clean inboxes, no faults."""
    _servers.connected.clear()
    yield _servers
    _servers.switches.on.clear()
    for partner in PROTOCOLS:
        inbox = _servers.inbox(partner)
        inbox.chmod(0o755)
        for path in sorted(inbox.rglob("*"), reverse=True):
            if path.is_file():
                path.unlink()
            elif path != inbox / "covers":
                path.rmdir()
        for path in (inbox.parent / "swept").rglob("*"):
            if path.is_file():
                path.unlink()


@contextmanager
def sftp_server(root: Path, kind: type[asyncssh.SFTPServer] = asyncssh.SFTPServer) -> Iterator[Callable[[], Any]]:
    """An asyncssh server with manners of its own; gives what connects to it."""
    loop = asyncio.new_event_loop()
    key = asyncssh.generate_private_key("ssh-ed25519")

    class Anybody(asyncssh.SSHServer):
        def begin_auth(self, username: str) -> bool:
            return False

    async def start() -> Any:
        return await asyncssh.create_server(
            Anybody, "127.0.0.1", 0, server_host_keys=[key], sftp_factory=lambda chan: kind(chan, chroot=bytes(root))
        )

    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(start(), loop).result(10)
    port = server.sockets[0].getsockname()[1]

    async def connect() -> asyncssh.SSHClientConnection:
        known = f"[127.0.0.1]:{port} {key.export_public_key().decode()}".encode()
        return await asyncssh.connect("127.0.0.1", port, known_hosts=known, config=None, client_keys=None, username="lantern")

    try:
        yield connect
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
