"""FTP servers of the older kind: no MLSD, no REST, names that are not UTF-8, no overwriting by rename."""

from __future__ import annotations

import ftplib
import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler
from pyftpdlib.ioloop import IOLoop
from pyftpdlib.servers import FTPServer

from include.errors import ConfigurationError, TransientError
from include.partners.model import Transport
from include.transfer import Remote
from include.transfer import publish as publishing
from include.transfer.ftp import FtpDriver
from tests.transfer.conftest import FTPS, Partners, file, send


class Old(FTPHandler):
    proto_cmds: ClassVar = {name: what for name, what in FTPHandler.proto_cmds.items() if name not in {"MLSD", "MLST", "FEAT", "OPTS"}}


class NoRest(Old):
    proto_cmds: ClassVar = {name: what for name, what in Old.proto_cmds.items() if name != "REST"}


class NoOverwrite(Old):
    def ftp_RNTO(self, path: str) -> Any:
        if os.path.exists(path):  # noqa: PTH110
            self.respond("553 The name is taken.")
            return None
        return super().ftp_RNTO(path)


@contextmanager
def ftp_server(root: Path, kind: type[FTPHandler], encoding: str = "utf-8") -> Iterator[Callable[[], ftplib.FTP]]:
    logging.getLogger("pyftpdlib").addHandler(logging.NullHandler())
    people = DummyAuthorizer()
    people.add_user("lantern", "secret", str(root), perm="elradfmwMT")
    handler = type("Handler", (kind,), {"authorizer": people, "encoding": encoding, "unicode_errors": "surrogateescape"})
    loop = IOLoop()
    server = FTPServer(("127.0.0.1", 0), handler, ioloop=loop)
    port = server.socket.getsockname()[1]
    ended = threading.Event()

    def serve() -> None:
        while not ended.is_set():
            loop.loop(timeout=0.05, blocking=False)

    def connect() -> ftplib.FTP:
        client = ftplib.FTP(timeout=5)
        client.connect("127.0.0.1", port)
        client.login("lantern", "secret")
        return client

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield connect
    finally:
        ended.set()
        thread.join(5)
        server.close_all()


def remote_of(connect: Callable[[], ftplib.FTP], **transport: Any) -> Remote:
    given = Transport(protocol="ftp", connection="x", **{"folder": "/inbox"} | transport)  # type: ignore[arg-type]
    return Remote(FtpDriver(connect, "old", fallback_encoding=given.fallback_encoding), given)


def test_server_without_machine_listings_is_read_from_ls(tmp_path: Path) -> None:
    with ftp_server(tmp_path, Old) as connect, remote_of(connect) as remote:
        assert send(remote, file("a b.xml", b"1" * 300_000), file("c.xml")).all_arrived
        assert all(result.skipped for result in send(remote, file("a b.xml", b"1" * 300_000), file("c.xml")).results)
        assert [(entry.name, entry.bytes, entry.is_dir) for entry in remote.list("/")] == [("inbox", 0, True)]
        assert [(entry.name, entry.bytes) for entry in remote.list("/inbox")] == [("a b.xml", 300_000), ("c.xml", 14)]
        found = remote.stat("/inbox/c.xml")
        assert found is not None
        assert found.modified is not None
        assert all(step.ok for step in remote.probe())


def test_server_that_can_not_continue_gets_the_file_anew(tmp_path: Path) -> None:
    content = os.urandom(3 << 20)
    outgoing = file("a.xml", content)
    (tmp_path / "inbox").mkdir()
    (tmp_path / "inbox" / f".a.xml.{outgoing.sha256[:8]}.part").write_bytes(content[: 2 << 20])
    with ftp_server(tmp_path, NoRest) as connect, remote_of(connect) as remote:
        sent = send(remote, outgoing)
    assert sent.all_arrived
    assert (tmp_path / "inbox" / "a.xml").read_bytes() == content


def test_server_that_does_not_overwrite_gets_the_old_file_removed_first(tmp_path: Path) -> None:
    with ftp_server(tmp_path, NoOverwrite) as connect, remote_of(connect) as remote:
        send(remote, file("a.xml", b"old"))
        sent = send(remote, file("a.xml", b"new"))
    assert "replaced" in sent.said
    assert (tmp_path / "inbox" / "a.xml").read_bytes() == b"new"


@pytest.mark.parametrize("kind", [Old, FTPHandler])
def test_names_in_another_encoding_are_shown_and_can_be_taken(tmp_path: Path, kind: type[FTPHandler]) -> None:
    raw = os.fsdecode("réponse.xml".encode("latin-1"))
    (tmp_path / raw).write_bytes(b"ok")
    with ftp_server(tmp_path, kind) as connect, remote_of(connect, fallback_encoding="iso-8859-1") as remote:
        (entry,) = remote.list("/")
        assert entry.name == "réponse.xml"
        remote.rename(entry.path, "/taken.xml")
    assert (tmp_path / "taken.xml").read_bytes() == b"ok"


@pytest.mark.parametrize("kind", [FTPHandler, Old, NoOverwrite])
def test_many_files_a_damaged_one_and_a_replaced_one(tmp_path: Path, kind: type[FTPHandler]) -> None:
    with ftp_server(tmp_path, kind) as connect, remote_of(connect, parallel=3) as remote:
        assert send(remote, *(file(f"{number}.xml", b"%d" % number) for number in range(40))).all_arrived
        assert send(remote, file("a.xml", b"old")).all_arrived
        assert send(remote, file("a.xml", b"new")).all_arrived
        damaged = replace(file("b.xml", b"x" * 400_000), sha256="0" * 64)
        assert not send(remote, damaged).all_arrived
        assert send(remote, file("c.xml")).all_arrived
    assert (tmp_path / "inbox" / "a.xml").read_bytes() == b"new"
    assert (tmp_path / "inbox" / "39.xml").read_bytes() == b"39"
    assert not [path.name for path in (tmp_path / "inbox").iterdir() if "b.xml" in path.name or ".part" in path.name]


class LosesTheSecond(FTPHandler):
    """Takes one command at a time and throws away what came with it."""

    def found_terminator(self) -> None:
        super().found_terminator()
        self.ac_in_buffer = b""


def test_server_that_loses_the_second_of_two_commands_gets_them_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing, "FIRST_PAUSE", 0.05)
    with ftp_server(tmp_path, LosesTheSecond) as connect:

        def impatient() -> ftplib.FTP:
            client = connect()
            assert client.sock is not None
            client.sock.settimeout(0.5)
            return client

        with remote_of(impatient) as remote:
            sent = send(remote, file("a.xml"))
            assert sent.said == ["retried", "published"] or sent.said == ["retried", "resumed", "published"]
            assert send(remote, file("b.xml")).said == ["published"]
    assert (tmp_path / "inbox" / "b.xml").exists()


def test_closed_connection_between_two_calls_is_opened_again(tmp_path: Path) -> None:
    clients: list[ftplib.FTP] = []
    with ftp_server(tmp_path, FTPHandler) as connect:

        def remembered() -> ftplib.FTP:
            clients.append(connect())
            return clients[-1]

        with remote_of(remembered) as remote:
            remote.mkdirs("/inbox")
            assert clients[0].sock is not None
            clients[0].sock.shutdown(2)
            with pytest.raises(TransientError):
                remote.list("/inbox")
            assert remote.list("/inbox") == []
    assert len(clients) == 2


def test_data_connection_without_session_reuse_is_refused_by_the_server_and_named(partners: Partners) -> None:
    import ssl

    c = partners.servers.connections[f"partner_{FTPS}"]

    def plain() -> ftplib.FTP:
        client = ftplib.FTP_TLS(context=ssl.create_default_context(cafile=c["extra"]["ca_cert"]), timeout=10)
        client.connect(c["host"], c["port"])
        client.login(c["login"], c["password"])
        client.prot_p()
        return client

    with remote_of(plain) as remote:
        sent = send(remote, file("a.xml"))
    assert isinstance(sent.only.error, ConfigurationError)
    assert "session reuse required" in str(sent.only.error)
