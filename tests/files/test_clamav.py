"""The virus scanner, played by a real server on a socket that speaks clamd's INSTREAM."""

from __future__ import annotations

import socket
import socketserver
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from include.errors import ConfigurationError, TransientError
from include.files import clamav, safety
from include.files.model import Refused
from include.partners.inboxes import Limits

EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR" + b"-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
MOST = 3 << 20  # bytes that this daemon takes


class Daemon(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        if self.rfile.read(10) != b"zINSTREAM\0":
            self.wfile.write(b"UNKNOWN COMMAND\0")
            return
        content = b""
        while (length := struct.unpack(">I", self.rfile.read(4))[0]) != 0:
            content += self.rfile.read(length)
            if len(content) > MOST:
                self.wfile.write(b"INSTREAM size limit exceeded. ERROR\0")
                return
        if b"engine trouble" in content:
            self.wfile.write(b"stream: Can't allocate memory ERROR\0")
        elif b"hang up" not in content:
            self.wfile.write(b"stream: Win.Test.EICAR_HDB-1 FOUND\0" if EICAR in content else b"stream: OK\0")


class UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


class TcpServer(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True


@pytest.fixture(params=["unix", "tcp"])
def clamd(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Address of a running daemon, which `safety` is told of, too."""
    server: socketserver.BaseServer
    if request.param == "unix":
        address = str(tmp_path / "clamd.ctl")
        server = UnixServer(address, Daemon)
    else:
        server = TcpServer(("127.0.0.1", 0), Daemon)
        address = f"127.0.0.1:{server.server_address[1]}"  # type: ignore[index]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    monkeypatch.setenv("COLOPHON_CLAMAV", address)
    yield address
    server.shutdown()
    server.server_close()


def file(tmp_path: Path, content: bytes) -> Path:
    local = tmp_path / "note.txt"
    local.write_bytes(content)
    return local


def test_clean_file_passes(clamd: str, tmp_path: Path) -> None:
    assert safety.examine(file(tmp_path, b"only words " * 100_000), "note.txt", Limits()).extension == ".txt"


def test_virus_is_refused_by_its_name(clamd: str, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="EICAR_HDB-1") as refused:
        safety.examine(file(tmp_path, b"words " + EICAR), "note.txt", Limits())
    assert refused.value.code == "virus"


def test_larger_than_the_scanner_takes_is_set_aside_not_skipped(clamd: str, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="StreamMaxLength") as refused:
        clamav.scan(file(tmp_path, b"x" * (MOST * 4)), clamd)
    assert refused.value.code == "too-large"


@pytest.mark.parametrize("content", [b"engine trouble", b"hang up"])
def test_no_clear_answer_is_tried_again(content: bytes, clamd: str, tmp_path: Path) -> None:
    with pytest.raises(TransientError, match="virus scanner"):
        safety.examine(file(tmp_path, content), "note.txt", Limits())


def test_unreachable_scanner_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{unused.getsockname()[1]}"
    for where in (address, str(tmp_path / "nobody.ctl")):
        monkeypatch.setenv("COLOPHON_CLAMAV", where)
        with pytest.raises(TransientError, match="Start clamd"):
            safety.examine(file(tmp_path, b"words"), "note.txt", Limits())


def test_address_that_is_none_is_a_matter_of_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="COLOPHON_CLAMAV"):
        clamav.scan(file(tmp_path, b"words"), "somewhere")
