"""The walk against real servers: every name is accounted for, however odd, and a walk that was stopped goes on."""

from __future__ import annotations

import os
import signal
from collections import Counter
from typing import ClassVar

import asyncssh
import pytest
from sqlalchemy import func, select

from include.archives import walk as walking
from include.archives.walk import Walk, begin_or_go_on
from include.errors import PermanentError, TransientError
from include.ledger import archive_listing
from include.ledger.archive_listing import server_path
from include.ledger.file_rows import ArchiveFileRow, ArchiveFolderRow
from include.transfer import sftp_lane
from tests.archives.tree import grow
from tests.archives.vault import NOW, Vault, archive, serving


def listed(vault: Vault, of=None) -> archive_listing.Listing:
    of = of or archive()
    number = begin_or_go_on(vault.ledger, of, NOW, anew=True)
    with vault.remote(of) as remote:
        return Walk(vault.ledger, of, number, remote).run()


def names(vault: Vault) -> dict[str, ArchiveFileRow]:
    return {server_path(row.path, row.whole_path): row for row in vault.files()}


def problems(vault: Vault, number: int = 1) -> dict[str, str]:
    with vault.ledger.read() as session:
        return dict(archive_listing.problems(session, "vault", number))


def through(vault: Vault, kind: type[asyncssh.SFTPServer]):
    """The same archive behind a server with manners of its own."""
    return serving(vault.root, kind)


def test_every_file_of_a_tree_is_listed_once_with_size_and_time(vault):
    grown = grow(vault.root, 400, rich=False)
    seen = listed(vault)
    rows = names(vault)
    assert {name.encode("utf-8", "surrogateescape") for name in rows} == set(grown.fates)
    assert (seen.files, seen.bytes) == (400, grown.bytes)
    assert seen.open_folders == seen.problems == 0
    for name, row in rows.items():
        stat = (vault.root / name).stat()
        assert (row.bytes, row.modified.timestamp()) == (stat.st_size, int(stat.st_mtime))
    assert seen.folders == sum(1 for path in vault.root.rglob("*") if path.is_dir()) + 1


def test_odd_names_are_accounted_for(vault):
    odd = [
        b"caf\xe9.txt",
        b"two\nlines.txt",
        b"tab\there",
        b"back\\slash",
        b"-rf",
        b" ",
        b"...",
        b"\xed\xa0\x80",
        b"\xc3\xa9",
        b"e\xcc\x81",
        b"*?[a]",
    ]
    for name in odd:
        with open(os.fsencode(vault.root) + b"/" + name, "wb") as out:  # noqa: PTH123
            out.write(name)
    deep = vault.root
    for level in range(12):
        deep = deep / f"{level}{'x' * 230}"
        deep.mkdir()
    (deep / "at the end.pdf").write_bytes(b"1")
    assert listed(vault).files == len(odd) + 1
    found = names(vault)
    assert {name.encode("utf-8", "surrogateescape") for name in found} == {
        *odd,
        os.fsencode((deep / "at the end.pdf").relative_to(vault.root)),
    }
    assert all(len(row.path) <= 700 for row in found.values())


def test_what_is_left_out_is_counted(vault):
    for name in ("a/.DS_Store", "@eaDir/1.jpg", "a/b.txt"):
        path = vault.root / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"1")
    seen = listed(vault)
    assert (seen.files, seen.left_out, seen.folders) == (1, 2, 2)


def test_links_and_pipes_are_told_and_never_followed(vault):
    (vault.root / "a").mkdir()
    (vault.root / "a/real.txt").write_bytes(b"1")
    (vault.root / "a/loop").symlink_to("../a")
    (vault.root / "a/file link").symlink_to("real.txt")
    (vault.root / "a/nowhere").symlink_to("gone")
    os.mkfifo(vault.root / "a/pipe")
    assert listed(vault).folders == 2
    assert {name: (row.other, row.fate, row.bytes) for name, row in names(vault).items()} == {
        "a/real.txt": ("", "waiting", 1),
        "a/loop": ("link", "unreadable", 0),
        "a/file link": ("link", "unreadable", 0),
        "a/nowhere": ("link", "unreadable", 0),
        "a/pipe": ("special", "unreadable", 0),
    }
    assert all(row.reason for row in vault.files(fate="unreadable"))


class HidesLinks(asyncssh.SFTPServer):
    """Tells of each link what it leads to, as some servers do."""

    async def scandir(self, path):
        async for entry in super().scandir(path):
            if entry.filename not in {b".", b".."}:
                entry.attrs = asyncssh.SFTPAttrs.from_local(os.stat(self.map_path(path + b"/" + entry.filename)))  # noqa: PTH116
            yield entry


def test_a_loop_that_the_server_hides_ends_and_is_told(vault):
    (vault.root / "a/b").mkdir(parents=True)
    (vault.root / "a/cover.pdf").write_bytes(b"1")
    (vault.root / "a/b/back").symlink_to("../../a")
    with through(vault, HidesLinks) as (vault.port, vault.host_key):
        seen = listed(vault)
    assert seen.open_folders == 0
    assert "a link that leads back" in next(iter(problems(vault).values()))
    assert 2 <= seen.files <= 5


class Refuses(asyncssh.SFTPServer):
    async def scandir(self, path):
        if path.endswith(b"closed"):
            raise asyncssh.SFTPPermissionDenied("not yours")
        async for entry in super().scandir(path):
            yield entry


def test_a_folder_that_cannot_be_listed_is_told_and_the_rest_goes_on(vault):
    grow(vault.root, 60, rich=False)
    (vault.root / "Scans/closed").mkdir(parents=True)
    (vault.root / "Scans/closed/a.txt").write_bytes(b"1")
    with through(vault, Refuses) as (vault.port, vault.host_key):
        seen = listed(vault)
    assert (seen.files, seen.problems) == (60, 1)
    assert "not yours" in problems(vault)["Scans/closed"]


def test_a_root_that_is_not_there_is_an_error(vault):
    with pytest.raises(PermanentError, match="no such file or folder"):
        listed(vault, archive(transport={"protocol": "sftp", "connection": "archive_vault", "folder": "/nowhere"}))


class Slash(asyncssh.SFTPServer):
    async def scandir(self, path):
        async for entry in super().scandir(path):
            yield entry
        yield asyncssh.SFTPName(b"../../etc/passwd", b"", asyncssh.SFTPAttrs(permissions=0o100644, size=5))
        yield asyncssh.SFTPName(b"..", b"", asyncssh.SFTPAttrs(permissions=0o40755))


def test_a_name_that_leads_elsewhere_is_never_used(vault):
    (vault.root / "a.txt").write_bytes(b"1")
    with through(vault, Slash) as (vault.port, vault.host_key):
        assert listed(vault).files == 1
    assert "'../../etc/passwd'" in problems(vault)[""]


class Flaky(asyncssh.SFTPServer):
    """Fails at every fourth folder, breaks the connection at one, and then does not."""

    asked: ClassVar[Counter[bytes]] = Counter()

    async def scandir(self, path):
        Flaky.asked[path] += 1
        if len(Flaky.asked) % 4 == 0 and Flaky.asked[path] == 1:
            raise asyncssh.SFTPFailure("try again")
        async for entry in super().scandir(path):
            yield entry
            if path.endswith(b"Scans") and Flaky.asked[path] == 1 and entry.filename not in {b".", b".."}:
                self.channel.get_connection().abort()


def test_failures_on_the_way_are_tried_again_and_nothing_is_listed_twice(vault, monkeypatch):
    monkeypatch.setattr(walking, "FIRST_PAUSE", 0.01)
    grown = grow(vault.root, 200, rich=False)
    Flaky.asked.clear()
    with through(vault, Flaky) as (vault.port, vault.host_key):
        seen = listed(vault)
    assert (seen.files, seen.bytes) == (200, grown.bytes)
    assert len(vault.files()) == 200


class Broken(asyncssh.SFTPServer):
    broken = True

    async def scandir(self, path):
        if Broken.broken and path.endswith(b"1997"):
            raise asyncssh.SFTPFailure("out of order")
        async for entry in super().scandir(path):
            yield entry


def test_a_server_that_stays_broken_ends_the_walk_which_goes_on_later(vault, monkeypatch):
    monkeypatch.setattr(walking, "FIRST_PAUSE", 0.01)
    grown = grow(vault.root, 300, rich=False)
    with through(vault, Broken) as (vault.port, vault.host_key):
        with pytest.raises(TransientError, match="out of order"):
            listed(vault)
        with vault.ledger.read() as session:
            before = session.scalar(select(func.count()).select_from(ArchiveFolderRow).where(ArchiveFolderRow.listed))
        assert before
        Broken.broken = False
        assert begin_or_go_on(vault.ledger, archive(), NOW, anew=True) == 1
        assert (listed(vault).files, len(vault.files())) == (300, 300)
        Broken.broken = True
    assert sum(row.bytes for row in vault.files()) == grown.bytes


def test_a_killed_walk_goes_on_and_counts_each_file_once(vault):
    grown = grow(vault.root, 600, rich=False)
    assert vault.worker("look", dies=10).wait(120) == -signal.SIGKILL
    with vault.ledger.read() as session:
        there = archive_listing.listing(session, "vault", 1)
    assert there.files
    assert there.open_folders
    seen = listed(vault)
    assert (seen.files, seen.bytes, seen.open_folders) == (600, grown.bytes, 0)
    assert len(vault.files()) == 600


def test_a_folder_of_very_many_names_is_written_as_it_comes(vault, monkeypatch):
    """What is held is a batch, never the folder."""
    for number in range(5_000):
        (vault.root / f"{number}.txt").touch()
    monkeypatch.setattr(walking, "BATCH", 500)
    held = []
    hand_on = Walk._hand_on
    monkeypatch.setattr(Walk, "_hand_on", lambda self, told: (held.append(len(told.files) + len(self._files)), hand_on(self, told))[1])
    assert listed(vault).files == 5_000
    assert max(held) <= 1_200


def test_a_server_that_grants_one_channel_is_listed_all_the_same(vault, monkeypatch):
    async def refused(connection):
        raise asyncssh.ChannelOpenError(asyncssh.OPEN_RESOURCE_SHORTAGE, "one is enough")

    grown = grow(vault.root, 120, rich=False)
    (vault.root / "link").symlink_to("Scans")
    monkeypatch.setattr(sftp_lane, "open_names", refused)
    assert listed(vault).bytes == grown.bytes
    assert {name.encode("utf-8", "surrogateescape") for name in names(vault)} == {*grown.fates, b"link"}
    assert vault.files(path="link")[0].other == "link"


def test_a_tree_over_ftp(vault, partners):
    """Several connections, one thread each. A name with a line break in it is told, and never asked for."""
    grown = grow(partners.inbox("fennimore") / "old", 150, rich=False)
    of = archive(transport={"protocol": "ftp", "connection": "partner_fennimore", "folder": "/inbox/old"})
    with partners.remote("fennimore") as remote:
        seen = Walk(vault.ledger, of, begin_or_go_on(vault.ledger, of, NOW, anew=True), remote).run()
    assert (seen.files, seen.bytes, seen.open_folders, seen.problems) == (150, grown.bytes, 0, 0)
    assert {name.encode("utf-8", "surrogateescape") for name in names(vault)} == {
        name.replace(b"\xe9", b"?") for name in grown.fates
    }  # this server says ? for what it can't say
    broken = [row for row in vault.files() if row.other == "broken"]
    assert len(broken) == sum(b"\n" in name for name in grown.fates) > 0
    assert {row.fate for row in broken} == {"unreadable"}
