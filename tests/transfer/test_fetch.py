"""Listing and fetching what partners lay out for us."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import asyncssh
import pytest

from include.errors import PermanentError, TransientError
from include.partners.model import Transport
from include.transfer import Failure, Fetched, Remote, RemoteEntry
from include.transfer.fetch import Sink, fetch
from include.transfer.listings import facts_of, list_line
from include.transfer.naming import settled
from include.transfer.sftp import SftpDriver
from tests.transfer.conftest import FTP, FTPS, SFTP, Partners, sftp_server

EACH = pytest.mark.parametrize("partner", [SFTP, FTP, FTPS])


class Kept:
    """Keeps what was fetched whole."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    @contextmanager
    def into(self, entry: RemoteEntry) -> Iterator[Sink]:
        content = BytesIO()
        yield content
        self.files[entry.path] = content.getvalue()


@EACH
def test_listing_tells_names_sizes_times_and_folders(partners: Partners, partner: str) -> None:
    inbox = partners.inbox(partner)
    (inbox / "ack été.xml").write_bytes(b"12345")
    os.utime(inbox / "ack été.xml", (1_700_000_000, 1_700_000_000))
    with partners.remote(partner) as remote:
        found, folder = sorted(remote.list("/inbox"), key=lambda entry: entry.is_dir)
        assert found == RemoteEntry("ack été.xml", "/inbox/ack été.xml", 5, datetime.fromtimestamp(1_700_000_000, UTC))
        assert (folder.name, folder.is_dir, folder.bytes) == ("covers", True, 0)
        assert remote.stat("/inbox/ack été.xml") == found
        assert remote.stat("/inbox/none.xml") is None
        with pytest.raises(PermanentError):
            remote.list("/nowhere")
        assert remote.stat("/inbox/ack été.xml") == found
        assert len(partners.connected) == 1


@EACH
def test_walk_finds_files_in_folders_of_folders(partners: Partners, partner: str) -> None:
    wanted = ["/inbox/a.xml", "/inbox/covers/1.jpg", "/inbox/x/y/z/deep.pdf"]
    for path in wanted:
        (partners.inbox(partner).parent / path[1:]).parent.mkdir(parents=True, exist_ok=True)
        (partners.inbox(partner).parent / path[1:]).write_bytes(b"1")
    with partners.remote(partner) as remote:
        assert [entry.path for entry in remote.walk("/inbox")] == wanted


@EACH
def test_files_come_whole_and_hashed(partners: Partners, partner: str) -> None:
    contents = {f"{number}.bin": os.urandom(number * 1000) for number in range(40)} | {"big.bin": os.urandom(5 << 20)}
    for name, content in contents.items():
        (partners.inbox(partner) / name).write_bytes(content)
    kept = Kept()
    with partners.remote(partner) as remote:
        entries = [entry for entry in remote.list("/inbox") if not entry.is_dir]
        fetched = fetch(remote, entries, kept.into, parallel=4 if partner != SFTP else 32)
    assert [result.entry for result in fetched if isinstance(result, Fetched)] == entries
    assert kept.files == {f"/inbox/{name}": content for name, content in contents.items()}
    assert all(
        isinstance(result, Fetched) and result.sha256 == hashlib.sha256(contents[result.entry.name]).hexdigest() for result in fetched
    )


@EACH
def test_file_that_is_still_written_is_not_taken(partners: Partners, partner: str) -> None:
    kept = Kept()
    with partners.remote(partner) as remote:
        path = partners.inbox(partner) / "report.csv"
        for now in (b"longer than it was listed", b"short"):
            path.write_bytes(b"as listed")
            entries = [entry for entry in remote.list("/inbox") if not entry.is_dir]
            path.write_bytes(now)
            (failure,) = fetch(remote, entries, kept.into, attempts=1)
            assert isinstance(failure, Failure)
            assert isinstance(failure.error, TransientError)
    assert kept.files == {}


@EACH
def test_file_that_is_gone_fails_alone(partners: Partners, partner: str) -> None:
    (partners.inbox(partner) / "there.csv").write_bytes(b"1")
    kept = Kept()
    gone = RemoteEntry("gone.csv", "/inbox/gone.csv", 3)
    with partners.remote(partner) as remote:
        results = fetch(remote, [gone, *(entry for entry in remote.list("/inbox") if not entry.is_dir)], kept.into)
    assert isinstance(results[0], Failure)
    assert isinstance(results[0].error, PermanentError)
    assert isinstance(results[1], Fetched)


@EACH
def test_remote_reads_renames_and_removes(partners: Partners, partner: str) -> None:
    (partners.inbox(partner) / "ack.xml").write_bytes(b"<Ack/>")
    with partners.remote(partner) as remote:
        back = BytesIO()
        assert remote.read("/inbox/ack.xml", back) == 6
        assert back.getvalue() == b"<Ack/>"
        remote.mkdirs("/inbox/processed/2026")
        remote.rename("/inbox/ack.xml", "/inbox/processed/2026/ack.xml")
        assert remote.stat("/inbox/ack.xml") is None
        remote.remove("/inbox/processed/2026/ack.xml")
        remote.remove("/inbox/processed/2026/ack.xml")
        with pytest.raises(PermanentError, match="no such file"):
            remote.read("/inbox/ack.xml", back)


def test_server_that_answers_with_less_than_was_asked_is_asked_again(tmp_path: Path) -> None:
    class Sparing(asyncssh.SFTPServer):
        def read(self, file_obj: object, offset: int, size: int) -> bytes:
            data: bytes = super().read(file_obj, offset, min(size, 10_000))  # type: ignore[assignment]
            return data

    content = os.urandom(900_000)
    (tmp_path / "big.bin").write_bytes(content)
    kept = Kept()
    transport = Transport(protocol="sftp", connection="x", folder="/")
    with sftp_server(tmp_path, Sparing) as connect, Remote(SftpDriver(connect, "slow"), transport) as remote:
        (fetched,) = fetch(remote, remote.list("/"), kept.into)
    assert isinstance(fetched, Fetched)
    assert kept.files == {"/big.bin": content}


def test_only_files_that_did_not_change_between_two_listings_are_settled() -> None:
    then, later = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
    same, grown, touched = RemoteEntry("a", "/a", 5, then), RemoteEntry("b", "/b", 5, then), RemoteEntry("c", "/c", 5, then)
    travelling, folder = RemoteEntry("d.filepart", "/d.filepart", 5, then), RemoteEntry("e", "/e", 0, then, is_dir=True)
    before = [same, grown, touched, travelling, folder]
    now = [same, RemoteEntry("b", "/b", 6, then), RemoteEntry("c", "/c", 5, later), travelling, folder, RemoteEntry("f", "/f", 5, then)]
    assert settled(before, now) == [same]


@pytest.mark.parametrize(
    ("line", "want"),
    [
        ("-rw-r--r--    1 1000     1000         2301 Nov 21 09:12 lq feed.xml", RemoteEntry("lq feed.xml", "/in/lq feed.xml", 2301)),
        ("-rw-r--r--    1 ftp      ftp   12345678901 Nov 21  2025 big.zip", RemoteEntry("big.zip", "/in/big.zip", 12_345_678_901)),
        ("drwxr-xr-x    2 0        0            4096 Nov  1 09:12 acks", RemoteEntry("acks", "/in/acks", 0, is_dir=True)),
        ("lrwxrwxrwx    1 0        0               7 Nov  1 09:12 now -> ../acks", RemoteEntry("now", "/in/now", 7)),
        ("-rw-r--r--+   1 0        0               7 Nov  1 09:12  leading", RemoteEntry(" leading", "/in/ leading", 7)),
        ("11-21-26  09:12AM                 2301 lq feed.xml", RemoteEntry("lq feed.xml", "/in/lq feed.xml", 2301)),
        ("11-21-2026  09:12       <DIR>          acks", RemoteEntry("acks", "/in/acks", 0, is_dir=True)),
        ("total 12", None),
        ("", None),
        ("550 nonsense", None),
    ],
)
def test_lines_of_ls_and_of_the_microsoft_server_are_read(line: str, want: RemoteEntry | None) -> None:
    assert list_line(line, "/in") == want


def test_facts_are_read_whatever_their_order_and_case() -> None:
    when = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert facts_of("Size=5;Modify=20260102030405.123;TYPE=file; a b.xml", "/in") == RemoteEntry("a b.xml", "/in/a b.xml", 5, when)
    assert facts_of("type=dir;modify=junk; acks", "/in") == RemoteEntry("acks", "/in/acks", 0, None, is_dir=True)
    assert facts_of("type=cdir; /in", "/in") == RemoteEntry(".", "/in/.", 0, None, is_dir=True)
    assert facts_of("nonsense", "/in") is None
