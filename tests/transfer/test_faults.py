"""What goes wrong at a partner: nothing is lost, doubled or half-visible, and the error says whether trying again helps."""

from __future__ import annotations

import io
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import asyncssh
import pytest

from include.errors import ColophonError, ConfigurationError, HostKeyMismatch, LoginRefused, PermanentError, TransientError
from include.partners.model import Commit, Transport
from include.transfer import Published, Remote
from include.transfer import publish as publishing
from include.transfer.ftp import FtpDriver
from include.transfer.sftp import SftpDriver
from tests.transfer.conftest import FTP, FTPS, SFTP, Partners, file, free_port, send, sftp_server

EACH = pytest.mark.parametrize("partner", [SFTP, FTP, FTPS])
BIG = os.urandom(6 << 20)


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing, "FIRST_PAUSE", 0.05)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file()}


@EACH
@pytest.mark.parametrize("rule", ["rename", "direct", "status_suffix"])
def test_dropped_upload_goes_on_where_it_stopped(partners: Partners, partner: str, rule: str) -> None:
    partners.switches.set(partner, "drop_after", bytes=5 << 20, times=1)
    with partners.remote(partner, commit=Commit(rule=rule)) as remote:
        sent = send(remote, file("lq.COT", BIG))
    assert sent.said == ["retried", "resumed", "published"]
    assert 0 < sent.only.resumed_from <= 5 << 20
    assert (partners.inbox(partner) / "lq.COT").read_bytes() == BIG
    assert names(partners.inbox(partner)) == {"lq.COT"}


@EACH
def test_later_run_goes_on_where_a_failed_one_stopped(partners: Partners, partner: str) -> None:
    partners.switches.set(partner, "drop_after", bytes=4 << 20, times=1)
    with partners.remote(partner) as remote:
        failed = send(remote, file("lq.xml", BIG), attempts=1)
    assert isinstance(failed.only.error, TransientError)
    assert not (partners.inbox(partner) / "lq.xml").exists()
    with partners.remote(partner) as remote:
        sent = send(remote, file("lq.xml", BIG))
    assert sent.only.resumed_from > 0
    assert (partners.inbox(partner) / "lq.xml").read_bytes() == BIG
    assert names(partners.inbox(partner)) == {"lq.xml"}


@EACH
def test_leftover_of_other_bytes_is_not_continued(partners: Partners, partner: str) -> None:
    outgoing = file("lq.xml", BIG)
    (partners.inbox(partner) / f".lq.xml.{outgoing.sha256[:8]}.part").write_bytes(os.urandom(2 << 20))
    with partners.remote(partner) as remote:
        sent = send(remote, outgoing)
    assert sent.only.resumed_from == 0
    assert (partners.inbox(partner) / "lq.xml").read_bytes() == BIG


@EACH
@pytest.mark.parametrize("rule", ["direct", "status_suffix"])
def test_leftover_whose_name_does_not_tell_its_content_is_compared_whole(partners: Partners, partner: str, rule: str) -> None:
    other = b"other header" + BIG[12 : 5 << 20]
    (partners.inbox(partner) / ("lq.XOT" if rule == "status_suffix" else "lq.COT")).write_bytes(other)
    with partners.remote(partner, commit=Commit(rule=rule)) as remote:
        sent = send(remote, file("lq.COT", BIG))
    assert sent.only.resumed_from == 0
    assert (partners.inbox(partner) / "lq.COT").read_bytes() == BIG


@EACH
def test_leftover_of_an_earlier_content_is_cleaned_up(partners: Partners, partner: str) -> None:
    inbox = partners.inbox(partner)
    (inbox / ".lq.xml.0123abcd.part").write_bytes(b"yesterday's")
    (inbox / ".other.xml.0123abcd.part").write_bytes(b"another file's")
    (inbox / ".lq.xml.somebody.part").write_bytes(b"not ours")
    with partners.remote(partner) as remote:
        send(remote, file("lq.xml"))
    assert names(inbox) == {"lq.xml", ".other.xml.0123abcd.part", ".lq.xml.somebody.part"}


@EACH
def test_without_resume_an_upload_starts_anew(partners: Partners, partner: str) -> None:
    partners.switches.set(partner, "drop_after", bytes=1 << 20, times=1)
    with partners.remote(partner, resume=False) as remote:
        sent = send(remote, file("lq.xml", BIG))
    assert sent.said == ["retried", "published"]
    assert (partners.inbox(partner) / "lq.xml").read_bytes() == BIG


@EACH
def test_one_lost_connection_does_not_lose_the_other_files(partners: Partners, partner: str) -> None:
    files = [file(f"{number}.jpg", os.urandom(40_000), role="cover") for number in range(60)]
    partners.switches.set(partner, "drop_after", bytes=30_000, times=2)
    with partners.remote(partner, parallel=6) as remote:
        sent = send(remote, *files)
    assert sent.all_arrived
    assert "retried" in sent.said
    assert names(partners.inbox(partner)) == {outgoing.name for outgoing in files}


@EACH
def test_connection_that_keeps_breaking_ends_as_transient(partners: Partners, partner: str) -> None:
    partners.switches.set(partner, "drop_after", bytes=1000)
    with partners.remote(partner, resume=False) as remote:
        sent = send(remote, file("lq.xml", BIG))
    assert isinstance(sent.only.error, TransientError)
    assert sent.said == ["retried", "retried", "failed"]
    assert not (partners.inbox(partner) / "lq.xml").exists()


@EACH
@pytest.mark.parametrize("size", [30_000, 3 << 20])
def test_full_disk_is_permanent_and_leaves_nothing(partners: Partners, partner: str, size: int) -> None:
    partners.switches.set(partner, "disk_full", bytes=20_000)
    with partners.remote(partner) as remote:
        sent = send(remote, file("lq.xml", BIG[:size]))
    assert isinstance(sent.only.error, PermanentError)
    assert "no space" in str(sent.only.error)
    assert f"{partner}: /inbox/" in sent.only.error.where
    assert names(partners.inbox(partner)) == set()


@EACH
def test_wrong_password_is_tried_once_however_many_files_wait(partners: Partners, partner: str) -> None:
    partners.switches.taken = 0
    partners.switches.set(partner, "wrong_password")
    with partners.remote(partner, parallel=8) as remote:
        sent = send(remote, *(file(f"{number}.xml") for number in range(20)))
    assert all(isinstance(result.error, LoginRefused) for result in sent.results)
    assert partners.switches.taken == 1
    password = partners.servers.connections[f"partner_{partner}"].get("password") or "?"
    assert not any(password in str(result.error) for result in sent.results)


@pytest.mark.parametrize("partner", [SFTP, FTPS])
def test_changed_host_key_is_refused_before_anything_is_sent(partners: Partners, partner: str) -> None:
    partners.switches.set(partner, "host_key")
    with partners.remote(partner) as remote:
        sent = send(remote, file("lq.xml"))
    assert isinstance(sent.only.error, HostKeyMismatch)
    assert names(partners.inbox(partner)) == set()


@EACH
def test_refused_connection_is_transient(partners: Partners, partner: str) -> None:
    partners.switches.set(partner, "refuse", times=1)
    with partners.remote(partner) as remote:
        assert send(remote, file("lq.xml")).all_arrived
    partners.switches.set(partner, "refuse")
    with partners.remote(partner) as remote:
        assert isinstance(send(remote, file("lq2.xml")).only.error, TransientError)


def test_nobody_listening_is_transient_and_names_host_and_port_as_the_thing_to_check() -> None:
    import ftplib

    port = free_port()

    async def sftp() -> asyncssh.SSHClientConnection:
        return await asyncssh.connect("127.0.0.1", port, known_hosts=None, config=None)

    def ftp() -> ftplib.FTP:
        client = ftplib.FTP(timeout=3)
        client.connect("127.0.0.1", port)
        return client

    for driver in (SftpDriver(sftp, "gone"), FtpDriver(ftp, "gone")):
        with Remote(driver, Transport(protocol="sftp", connection="x", folder="/inbox")) as remote:
            steps = remote.probe()
            assert [(step.name, step.ok) for step in steps] == [("reach", False)]
            assert "host and port" in steps[0].todo
            with pytest.raises(TransientError, match="nobody listens"):
                remote.list("/")


class Denying(asyncssh.SFTPServer):
    """A folder that is read-only, whoever runs the test."""

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        if pflags & asyncssh.FXF_WRITE:
            raise asyncssh.SFTPPermissionDenied("read-only folder")
        return super().open(path, pflags, attrs)

    def mkdir(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        raise asyncssh.SFTPPermissionDenied("read-only folder")


def test_read_only_folder_is_permanent_and_the_check_names_the_step(tmp_path: Path) -> None:
    (tmp_path / "inbox").mkdir()
    transport = Transport(protocol="sftp", connection="x", folder="/inbox")
    with sftp_server(tmp_path, Denying) as connect, Remote(SftpDriver(connect, "shy"), transport) as remote:
        sent = send(remote, file("lq.xml"))
        assert isinstance(sent.only.error, PermanentError)
        assert sent.said == ["failed"]
        missing = send(remote, file("lq.xml", folder="/elsewhere"))
        assert isinstance(missing.only.error, PermanentError)
        assert [(step.name, step.ok) for step in remote.probe()] == [("reach", True), ("log in", True), ("list", True), ("write", False)]


class WriteOnly(asyncssh.SFTPServer):
    """A drop-box: nobody may read or list."""

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        if not pflags & asyncssh.FXF_WRITE:
            raise asyncssh.SFTPPermissionDenied("drop-box")
        return super().open(path, pflags, attrs)

    async def scandir(self, path: bytes) -> Iterator[asyncssh.SFTPName]:  # type: ignore[override]
        raise asyncssh.SFTPPermissionDenied("drop-box")
        yield


def test_drop_box_that_lets_nobody_read_takes_files_all_the_same(tmp_path: Path) -> None:
    transport = Transport(protocol="sftp", connection="x", folder="/inbox")
    with sftp_server(tmp_path, WriteOnly) as connect, Remote(SftpDriver(connect, "box"), transport) as remote:
        assert send(remote, file("lq.xml", BIG)).all_arrived
        assert send(remote, file("lq.xml", BIG[::-1])).all_arrived
    assert (tmp_path / "inbox" / "lq.xml").read_bytes() == BIG[::-1]


class Hostile(asyncssh.SFTPServer):
    """A listing with names that are paths."""

    async def scandir(self, path: bytes) -> Iterator[asyncssh.SFTPName]:  # type: ignore[override]
        attributes = asyncssh.SFTPAttrs(size=5, permissions=stat.S_IFREG | 0o644, uid=0, gid=0, atime=0, mtime=0)
        for name in (b"../x", b"/etc/passwd", b"a\nb", b"", b".", b"..", b"good.xml", b"latin-\xe9.xml"):
            yield asyncssh.SFTPName(name, attrs=attributes)


def test_hostile_names_in_a_listing_are_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    transport = Transport(protocol="sftp", connection="x", folder="/inbox", fallback_encoding="iso-8859-1")
    with sftp_server(tmp_path, Hostile) as connect, Remote(SftpDriver(connect, "bad", fallback_encoding="iso-8859-1"), transport) as remote:
        assert [entry.name for entry in remote.list("/")] == ["good.xml", "latin-é.xml"]
    assert "../x" in caplog.text


class Losing(asyncssh.SFTPServer):
    """Does what it is asked, and loses the connection before it says so."""

    losses = 1

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        super().posix_rename(oldpath, newpath)
        if Losing.losses:
            Losing.losses -= 1
            self.connection.abort()


def test_lost_answer_to_the_commit_is_not_a_second_delivery(tmp_path: Path) -> None:
    Losing.losses = 1
    transport = Transport(protocol="sftp", connection="x", folder="/inbox")
    with sftp_server(tmp_path, Losing) as connect, Remote(SftpDriver(connect, "lossy"), transport) as remote:
        sent = send(remote, file("lq.xml", BIG))
    assert isinstance(sent.only, Published)
    assert not sent.only.skipped
    assert sent.said == ["retried", "published"]
    assert names(tmp_path) == {"lq.xml"}


class LosingAndSweeping(Losing):
    def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        taken = Path(os.fsdecode(self.map_path(newpath)))
        try:
            super().posix_rename(oldpath, newpath)
        finally:
            taken.rename(taken.parent.parent / "swept.xml")


def test_lost_answer_of_a_sweeping_partner_is_not_a_second_delivery(tmp_path: Path) -> None:
    Losing.losses = 1
    transport = Transport(protocol="sftp", connection="x", folder="/inbox", sweeps=True)
    with sftp_server(tmp_path, LosingAndSweeping) as connect, Remote(SftpDriver(connect, "lossy"), transport) as remote:
        sent = send(remote, file("lq.xml", BIG))
    assert sent.only.verified == "swept"
    assert sent.said == ["retried", "published"]


class Shortening(asyncssh.SFTPServer):
    """Says yes and keeps half."""

    def write(self, file_obj: object, offset: int, data: bytes) -> int:
        return super().write(file_obj, offset, data[: len(data) // 2])  # type: ignore[return-value]


def test_file_that_arrives_short_never_gets_its_final_name(tmp_path: Path) -> None:
    transport = Transport(protocol="sftp", connection="x", folder="/inbox")
    with sftp_server(tmp_path, Shortening) as connect, Remote(SftpDriver(connect, "half"), transport) as remote:
        sent = send(remote, file("lq.xml", b"x" * 10_000))
    assert isinstance(sent.only.error, TransientError)
    assert "instead of 10000" in str(sent.only.error)
    assert "lq.xml" not in names(tmp_path)


class Changing(asyncssh.SFTPServer):
    """Keeps the size and changes the bytes, as text mode or a virus filter may."""

    def write(self, file_obj: object, offset: int, data: bytes) -> int:
        return super().write(file_obj, offset, data.upper())  # type: ignore[return-value]


def test_changed_bytes_are_noticed_where_the_hash_is_read_back(tmp_path: Path) -> None:
    transport = Transport(protocol="sftp", connection="x", folder="/inbox", read_back="hash")
    with sftp_server(tmp_path, Changing) as connect, Remote(SftpDriver(connect, "text"), transport) as remote:
        sent = send(remote, file("lq.xml", b"small letters"))
    assert isinstance(sent.only.error, TransientError)
    assert "other bytes were read back" in str(sent.only.error)


def test_missing_artefact_fails_that_file_alone(partners: Partners) -> None:
    def gone() -> io.BytesIO:
        raise FileNotFoundError(2, "No such file or directory")

    good = file("good.xml")
    bad = type(good)("bad.xml", good.folder, good.bytes, good.sha256, gone, good.role)
    with partners.remote(SFTP) as remote:
        sent = send(remote, bad, good)
    assert isinstance(sent.results[0].error, ColophonError)
    assert isinstance(sent.results[1], Published)


def test_callback_that_fails_ends_the_publication(partners: Partners) -> None:
    def broken(event: object) -> None:
        raise RuntimeError("ledger gone")

    for partner in (SFTP, FTP):
        with partners.remote(partner) as remote, pytest.raises(RuntimeError, match="ledger gone"):
            publishing.publish(remote, [file("a.xml"), file("b.xml")], remote.transport, on_event=broken)


def test_progress_is_told_now_and_then(partners: Partners) -> None:
    partners.switches.set(SFTP, "slow", bytes=8 << 20)
    started = time.monotonic()
    with partners.remote(SFTP) as remote:
        sent = send(remote, file("lq.xml", BIG))
    assert 3 <= len(sent.progress) <= 14 + (time.monotonic() - started) / publishing.REPORT_EVERY
    assert [done for _, done, _ in sent.progress] == sorted(done for _, done, _ in sent.progress)


def test_configuration_errors_of_the_connection_reach_the_caller() -> None:
    async def connect() -> asyncssh.SSHClientConnection:
        raise ConfigurationError("no such connection", where="partner_x")

    with (
        Remote(SftpDriver(connect, "x"), Transport(protocol="sftp", connection="x", folder="/")) as remote,
        pytest.raises(ConfigurationError),
    ):
        remote.list("/")
