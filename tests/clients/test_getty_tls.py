"""Getty over TLS: a certificate that nobody trusts is a setting to mend, a line cut inside TLS is not."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from include.clients.exchange import Patience
from include.clients.getty import Credentials, Getty, Wire
from include.clients.getty.errors import AmbiguousDownload
from include.errors import ConfigurationError, TransientError
from sandbox.partners.keys import Keys, make_keys
from tests.clients.tenant import Waits

TOKEN = b'HTTP/1.1 200 OK\r\nContent-Length: 45\r\n\r\n{"access_token": "T", "expires_in": "1800"}   '


@dataclass
class Line:
    """A TLS server that gives tokens; to anything else it hangs up, without a word of farewell, once it has read the request."""

    address: str
    authority: Path
    read: list[bytes] = field(default_factory=list)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return make_keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def line(keys: Keys) -> Iterator[Line]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(keys.certificate())
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(10)
    found = Line(f"https://127.0.0.1:{listener.getsockname()[1]}", keys.authority())

    def serve() -> None:
        while True:
            try:
                raw, _ = listener.accept()
            except OSError:
                return
            with suppress(OSError):
                secure = context.wrap_socket(raw, server_side=True)
                request = secure.recv(65536)
                found.read.append(request)
                if request.startswith(b"POST /token"):
                    secure.sendall(TOKEN)
                    secure.recv(65536)
                socket.socket(fileno=secure.detach()).close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield found
    listener.close()


def client_of(line: Line) -> Getty:
    wire = Wire(
        Credentials("k", "s"), address=line.address, tokens=f"{line.address}/token", patience=Patience(tries=2, first=0.1), sleep=Waits()
    )
    return Getty(wire)


def test_a_certificate_that_nobody_trusts_is_to_be_mended(line, monkeypatch):
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)
    with pytest.raises(ConfigurationError, match="certificate is not trusted"):
        client_of(line).countries()
    assert line.read == []


def test_a_line_cut_inside_tls_is_no_matter_of_certificates(line, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(line.authority))
    client = client_of(line)
    with pytest.raises(TransientError, match="no answer"):
        client.countries()
    line.read.clear()
    with pytest.raises(AmbiguousDownload):
        client.create_download("1", product_type="premiumaccess", product_id="7", notes="n")
    assert [request.split()[1] for request in line.read if b"downloads" in request] == [
        b"/v3/downloads/images/1?auto_download=false&product_type=premiumaccess&product_id=7"
    ]
