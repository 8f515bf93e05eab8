"""Against OpenSSH's own server, as most partners run it."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from include.errors import PermanentError, TransientError
from include.partners.model import Commit, Transport
from include.transfer import Remote
from include.transfer import sftp_lane as engine
from include.transfer.sftp import SftpDriver
from tests.transfer.conftest import file, free_port, send

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}{os.pathsep}/usr/sbin{os.pathsep}/usr/local/sbin")
pytestmark = [pytest.mark.openssh, pytest.mark.skipif(not SSHD, reason="no OpenSSH server is installed")]


@contextmanager
def running(folder: Path, *options: str) -> Iterator[Callable[[], Any]]:
    host, user = asyncssh.generate_private_key("ssh-ed25519"), asyncssh.generate_private_key("ssh-ed25519")
    for name, key in (("host", host), ("user", user)):
        (folder / name).touch(0o600)
        key.write_private_key(folder / name)
    (folder / "authorized").write_bytes(user.export_public_key())
    port = free_port()
    (folder / "sshd_config").write_text(
        "\n".join([
            f"ListenAddress 127.0.0.1:{port}",
            f"HostKey {folder}/host",
            f"AuthorizedKeysFile {folder}/authorized",
            "StrictModes no",
            "UsePAM no",
            f"PidFile {folder}/pid",
            "Subsystem sftp internal-sftp",
            *options,
            "",
        ])
    )
    Path("/run/sshd").mkdir(exist_ok=True) if os.geteuid() == 0 else None
    assert SSHD
    server = subprocess.Popen([SSHD, "-D", "-e", "-f", str(folder / "sshd_config")], stderr=subprocess.DEVNULL)

    async def connect() -> asyncssh.SSHClientConnection:
        known = f"[127.0.0.1]:{port} {host.export_public_key().decode()}".encode()
        import getpass

        return await asyncssh.connect("127.0.0.1", port, known_hosts=known, config=None, client_keys=[user], username=getpass.getuser())

    import socket

    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            break
        except OSError:
            time.sleep(0.05)
    try:
        yield connect
    finally:
        server.terminate()
        server.wait(10)


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Any]]:
    with running(tmp_path_factory.mktemp("sshd")) as connect:
        yield connect


def remote_of(connect: Callable[[], Any], folder: Path, **transport: Any) -> Remote:
    given = Transport(protocol="sftp", connection="x", **{"folder": str(folder)} | transport)  # type: ignore[arg-type]
    return Remote(SftpDriver(connect, "openssh"), given)


def test_big_and_small_files_arrive_and_are_replaced_in_one_step(sshd: Callable[[], Any], tmp_path: Path) -> None:
    content = os.urandom(20 << 20)
    with remote_of(sshd, tmp_path, read_back="hash", parallel=64) as remote:
        files = [file(f"{number}.jpg", b"%d" % number, folder=str(tmp_path / "covers"), role="cover") for number in range(200)]
        sent = send(remote, *files, file("big.zip", content, folder=str(tmp_path)))
        assert sent.all_arrived
        assert {result.verified for result in sent.results} == {"hash"}
        assert send(remote, file("big.zip", content[::-1], folder=str(tmp_path))).said == ["published"]
        assert all(step.ok for step in remote.probe())
    assert (tmp_path / "big.zip").read_bytes() == content[::-1]


def test_upload_over_several_channels_has_no_holes_and_resumes(
    sshd: Callable[[], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "SLOW_LINE", 0.0)
    content = os.urandom(40 << 20)
    outgoing = file("big.zip", content, folder=str(tmp_path))
    with remote_of(sshd, tmp_path) as remote:
        assert send(remote, outgoing).all_arrived
        assert (tmp_path / "big.zip").read_bytes() == content
        partial = bytearray(content[: 30 << 20])
        partial[28 << 20 : (28 << 20) + 1000] = bytes(1000)  # a hole, as a channel that fell behind leaves it
        for leftover, resumed in ((bytes(partial), 0), (content[: 30 << 20], 30 << 20)):
            (tmp_path / "big.zip").unlink()
            (tmp_path / f".big.zip.{outgoing.sha256[:8]}.part").write_bytes(leftover)
            sent = send(remote, outgoing)
            assert sent.only.resumed_from == resumed
            assert (tmp_path / "big.zip").read_bytes() == content


def test_server_that_grants_one_channel_is_content_with_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "SLOW_LINE", 0.0)
    content = os.urandom(20 << 20)
    (tmp_path / "server").mkdir()
    with running(tmp_path / "server", "MaxSessions 1") as connect, remote_of(connect, tmp_path) as remote:
        assert send(remote, file("big.zip", content, folder=str(tmp_path))).all_arrived
    assert (tmp_path / "big.zip").read_bytes() == content


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is read-only for root")
def test_read_only_folder_is_permanent(sshd: Callable[[], Any], tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    with remote_of(sshd, tmp_path) as remote:
        assert isinstance(send(remote, file("a.xml", folder=str(tmp_path))).only.error, PermanentError)


def test_server_without_sftp_is_told_apart_from_a_refused_log_in(tmp_path: Path) -> None:
    (tmp_path / "server").mkdir()
    with running(tmp_path / "server", "ForceCommand /bin/false") as connect, remote_of(connect, tmp_path) as remote:
        (reach, log_in) = remote.probe()
    assert reach.ok
    assert "no SFTP" in log_in.message


def test_existing_file_stays_where_the_partner_says_fail(sshd: Callable[[], Any], tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_bytes(b"theirs")
    with remote_of(sshd, tmp_path, commit=Commit(existing="fail")) as remote:
        error = send(remote, file("a.xml", folder=str(tmp_path))).only.error
    assert isinstance(error, PermanentError)
    assert not isinstance(error, TransientError)
    assert [path.name for path in tmp_path.iterdir()] == ["a.xml"]
