"""Publishing over the three protocols: commit rules, idempotence, order, names."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from include.errors import ConfigurationError, PermanentError, RejectedData
from include.partners.model import Commit
from include.transfer import Failure, Published, Remote
from include.transfer.sftp import SftpDriver
from tests.transfer.conftest import FTP, FTPS, SFTP, Partners, file, send, sftp_server

EACH = pytest.mark.parametrize("partner", [SFTP, FTP, FTPS])


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


@EACH
def test_file_arrives_under_its_final_name_with_its_bytes(partners: Partners, partner: str) -> None:
    content = os.urandom(700_000)
    with partners.remote(partner) as remote:
        sent = send(remote, file("lq.xml", content))
    assert sent.only.verified == "size"
    assert sent.only.remote_path == "/inbox/lq.xml"
    assert (partners.inbox(partner) / "lq.xml").read_bytes() == content
    assert names(partners.inbox(partner)) == {"lq.xml"}
    assert sent.progress[-1] == ("lq.xml", 700_000, 700_000)
    assert bool(sent.only.host_key) == (partner != FTP)


@EACH
def test_second_publication_sends_nothing(partners: Partners, partner: str) -> None:
    files = [file("lq.xml", os.urandom(300_000)), file("1.jpg", b"jpeg", folder="/inbox/covers", role="cover")]
    with partners.remote(partner) as remote:
        send(remote, *files)
        before = (partners.inbox(partner) / "lq.xml").stat().st_mtime_ns
        again = send(remote, *files)
    assert all(result.skipped for result in again.results)
    assert (partners.inbox(partner) / "lq.xml").stat().st_mtime_ns == before


@EACH
def test_deliberate_repetition_sends_the_same_bytes_again(partners: Partners, partner: str) -> None:
    with partners.remote(partner) as remote:
        send(remote, file("lq.xml"))
        again = send(remote, file("lq.xml"), again=True)
    assert not again.only.skipped
    assert names(partners.inbox(partner)) == {"lq.xml"}


@EACH
def test_other_bytes_of_the_same_size_are_replaced(partners: Partners, partner: str) -> None:
    with partners.remote(partner) as remote:
        send(remote, file("lq.xml", b"A" * 5000))
        sent = send(remote, file("lq.xml", b"B" * 5000))
    assert not sent.only.skipped
    assert (partners.inbox(partner) / "lq.xml").read_bytes() == b"B" * 5000


@EACH
def test_other_bytes_stay_where_the_partner_says_fail(partners: Partners, partner: str) -> None:
    with partners.remote(partner, commit=Commit(existing="fail")) as remote:
        send(remote, file("lq.xml", b"A" * 5000))
        sent = send(remote, file("lq.xml", b"B" * 4000))
    assert isinstance(sent.only.error, PermanentError)
    assert (partners.inbox(partner) / "lq.xml").read_bytes() == b"A" * 5000
    assert names(partners.inbox(partner)) == {"lq.xml"}


@EACH
def test_status_suffix_tells_that_the_file_is_whole(partners: Partners, partner: str) -> None:
    commit = Commit(rule="status_suffix")
    with partners.remote(partner, commit=commit) as remote:
        cover = file("978.jpg", b"jpeg", folder="/inbox/covers", role="cover")
        sent = send(remote, file("20261121.COT"), file("other.xml"), cover)
    assert sent.all_arrived
    assert names(partners.inbox(partner)) == {"20261121.COT", "other.xml.COT", "covers/978.jpg"}


@EACH
def test_manifest_comes_last_and_names_every_file(partners: Partners, partner: str) -> None:
    commit = Commit(rule="manifest_last", manifest="{stem}.manifest.json")
    message, cover = file("lq.xml"), file("1.jpg", b"jpeg", folder="/inbox/covers", role="cover")
    with partners.remote(partner, commit=commit) as remote:
        sent = send(remote, message, cover, key="D-7")
        assert [event.name for event in sent.events] == ["1.jpg", "lq.xml", "lq.manifest.json"]
        assert all(result.skipped for result in send(remote, message, cover, key="D-7").results)
    manifest = json.loads((partners.inbox(partner) / "lq.manifest.json").read_text())
    assert manifest == {
        "delivery": "D-7",
        "files": [
            {"name": "lq.xml", "bytes": message.bytes, "sha256": message.sha256},
            {"name": "covers/1.jpg", "bytes": 4, "sha256": cover.sha256},
        ],
    }


def test_manifest_names_files_that_an_earlier_run_brought(partners: Partners) -> None:
    with partners.remote(SFTP, commit=Commit(rule="manifest_last")) as remote:
        send(remote, file("b.xml"), arrived=[file("a.xml")])
    manifest = json.loads((partners.inbox(SFTP) / "manifest.json").read_text())
    assert [entry["name"] for entry in manifest["files"]] == ["a.xml", "b.xml"]


@EACH
def test_done_file_follows_each_message(partners: Partners, partner: str) -> None:
    with partners.remote(partner, commit=Commit(rule="done_file")) as remote:
        sent = send(remote, file("lq.xml"), file("1.jpg", b"jpeg", role="cover"))
        assert [event.name for event in sent.events] == ["1.jpg", "lq.xml", "lq.xml.done"]
        assert all(result.skipped for result in send(remote, file("lq.xml")).results)
    assert names(partners.inbox(partner)) == {"lq.xml", "1.jpg", "lq.xml.done"}


@EACH
def test_manifest_and_done_file_wait_until_everything_is_there(partners: Partners, partner: str) -> None:
    damaged = file("1.jpg", b"jpeg", role="cover")
    damaged = type(damaged)(damaged.name, damaged.folder, damaged.bytes, "0" * 64, damaged.open, damaged.role)
    for rule in ("manifest_last", "done_file"):
        with partners.remote(partner, commit=Commit(rule=rule)) as remote:
            sent = send(remote, damaged, file("lq.xml"))
        assert isinstance(sent.results[0], Failure)
        assert isinstance(sent.results[1], Published)
        assert sent.said[-1] == "held back"
        assert names(partners.inbox(partner)) == {"lq.xml"}


@EACH
def test_manifests_that_the_files_bring_arrive_last_in_their_order_and_get_no_other(partners: Partners, partner: str) -> None:
    package = [file("SHA256SUMS", role="manifest"), file("manifest.json", role="manifest"), file("text.pdf", role="part")]
    for rule, end in (("manifest_last", []), ("done_file", ["manifest.json.done"])):
        with partners.remote(partner, commit=Commit(rule=rule)) as remote:
            sent = send(remote, *package)
        assert [event.name for event in sent.events] == ["text.pdf", "SHA256SUMS", "manifest.json", *end]


@EACH
def test_a_manifest_does_not_arrive_where_a_part_is_missing(partners: Partners, partner: str) -> None:
    damaged = file("text.pdf", role="part")
    damaged = type(damaged)(damaged.name, damaged.folder, damaged.bytes, "0" * 64, damaged.open, damaged.role)
    with partners.remote(partner, commit=Commit(rule="done_file")) as remote:
        sent = send(remote, damaged, file("SHA256SUMS", role="manifest"), file("manifest.json", role="manifest"))
    assert all(isinstance(result, Failure) for result in sent.results)
    assert names(partners.inbox(partner)) == set()


@EACH
def test_direct_publication_never_renames(partners: Partners, partner: str) -> None:
    with partners.remote(partner, commit=Commit(rule="direct")) as remote:
        send(remote, file("lq.csv", b"longer content, of an earlier day"))
        assert send(remote, file("lq.csv", b"isbn,title")).all_arrived
    assert (partners.inbox(partner) / "lq.csv").read_bytes() == b"isbn,title"


def test_partner_that_forbids_renaming_is_told_apart(partners: Partners) -> None:
    with partners.remote("dropwell") as remote:
        refused = send(remote, file("lq.csv"))
    assert isinstance(refused.only.error, PermanentError)
    assert 'commit.rule = "direct"' in refused.only.error.todo
    assert names(partners.inbox("dropwell")) == set()
    with partners.remote("dropwell", commit=Commit(rule="direct")) as remote:
        assert send(remote, file("lq.csv")).all_arrived


def test_swept_file_counts_as_delivered(partners: Partners) -> None:
    mask = Commit(temporary="{name}.{sha8}.filepart")
    with partners.remote("quickshelf", sweeps=True, commit=mask) as remote:
        sent = send(remote, file("lq.xml"), file("big.xml", os.urandom(400_000)))
    assert [result.verified for result in sent.results] == ["swept", "swept"]
    assert names(partners.inbox("quickshelf")) == set()
    assert names(partners.inbox("quickshelf").parent / "swept") == {"lq.xml", "big.xml"}


def test_swept_file_is_read_back_as_swept(partners: Partners) -> None:
    with partners.remote("quickshelf", sweeps=True, read_back="hash") as remote:
        assert send(remote, file("lq.xml")).only.verified == "swept"


def test_vanished_file_is_an_error_where_nobody_sweeps(partners: Partners) -> None:
    with partners.remote("quickshelf") as remote:
        sent = send(remote, file("lq.xml"))
    assert isinstance(sent.only.error, PermanentError)
    assert "sweeps = true" in sent.only.error.todo


@EACH
def test_read_back_compares_the_hash(partners: Partners, partner: str) -> None:
    with partners.remote(partner, read_back="hash") as remote:
        assert send(remote, file("lq.xml", os.urandom(600_000))).only.verified == "hash"


@EACH
def test_damaged_artefact_never_leaves(partners: Partners, partner: str) -> None:
    for rule in ("rename", "direct"):
        for size in (100, 900_000):
            good = file("lq.xml", b"x" * size)
            damaged = type(good)(good.name, good.folder, good.bytes, "f" * 64, good.open, good.role)
            longer = type(good)(good.name, good.folder, good.bytes - 1, good.sha256, good.open, good.role)
            with partners.remote(partner, commit=Commit(rule=rule)) as remote:
                for bad in (damaged, longer):
                    sent = send(remote, bad)
                    assert isinstance(sent.only.error, PermanentError)
                    assert "damaged" in str(sent.only.error)
            assert names(partners.inbox(partner)) == set()


@EACH
def test_empty_file_arrives(partners: Partners, partner: str) -> None:
    with partners.remote(partner) as remote:
        assert send(remote, file("empty.xml", b"")).all_arrived
        assert send(remote, file("empty.xml", b"")).only.skipped
    assert (partners.inbox(partner) / "empty.xml").read_bytes() == b""


@EACH
@pytest.mark.parametrize("name", ["Lanternes & Plumes été.xml", "书 目.xml", "שלום.xml", "-n.xml", "a;b.xml"])
def test_names_with_spaces_and_accents_arrive_as_they_are(partners: Partners, partner: str, name: str) -> None:
    with partners.remote(partner) as remote:
        assert send(remote, file(name)).all_arrived
        assert [entry.name for entry in remote.list("/inbox") if not entry.is_dir] == [name]
    assert names(partners.inbox(partner)) == {name}


@pytest.mark.parametrize("name", ["../up.xml", "a/b.xml", "..", "", "a\r\nDELE b", "a\x00b", "a\\b"])
def test_names_that_are_paths_are_refused(partners: Partners, name: str) -> None:
    with partners.remote(SFTP) as remote:
        sent = send(remote, file(name), file("good.xml"))
    assert isinstance(sent.results[0].error, RejectedData)
    assert isinstance(sent.results[1], Published)


def test_two_files_of_one_name_are_refused(partners: Partners) -> None:
    with partners.remote(SFTP) as remote:
        sent = send(remote, file("a.xml", b"1"), file("a.xml", b"2"))
    assert isinstance(sent.results[0], Published)
    assert isinstance(sent.results[1].error, PermanentError)


@pytest.mark.parametrize("mask", ["{name}", "{unknown}.part", "x/{name}", "{name"])
def test_useless_temporary_mask_is_a_configuration_error(partners: Partners, mask: str) -> None:
    with partners.remote(SFTP, commit=Commit(temporary=mask)) as remote:
        assert isinstance(send(remote, file("a.xml")).only.error, ConfigurationError)


@EACH
def test_folders_are_made(partners: Partners, partner: str) -> None:
    with partners.remote(partner) as remote:
        assert send(remote, file("a.xml", folder="/inbox/2026/november"), file("b.xml", folder="/inbox/2026")).all_arrived
    assert names(partners.inbox(partner)) == {"2026/november/a.xml", "2026/b.xml"}


@pytest.mark.parametrize(("partner", "parallel"), [(SFTP, 128), (FTP, 8), (FTPS, 4)])
def test_five_hundred_small_files_arrive(partners: Partners, partner: str, parallel: int) -> None:
    files = [file(f"{number:05d}.jpg", b"%d" % number * 50, folder=f"/inbox/{number % 7}", role="cover") for number in range(500)]
    with partners.remote(partner, parallel=parallel) as remote:
        sent = send(remote, *files)
    assert sent.all_arrived
    assert [result.name for result in sent.results] == [outgoing.name for outgoing in files]
    inbox = partners.inbox(partner)
    assert all((inbox / str(number % 7) / f"{number:05d}.jpg").read_bytes() == b"%d" % number * 50 for number in range(500))
    assert len(partners.connected) == (1 if partner == SFTP else parallel)


def test_server_without_posix_rename_replaces_in_two_steps(tmp_path: Path) -> None:
    import asyncssh

    class Plain(asyncssh.SFTPServer):
        def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
            raise asyncssh.SFTPOpUnsupported("posix-rename")

        def fsync(self, file_obj: object) -> None:
            raise asyncssh.SFTPOpUnsupported("fsync")

    from include.partners.model import Transport

    with sftp_server(tmp_path, Plain) as connect:
        transport = Transport(protocol="sftp", connection="x", folder="/inbox")
        with Remote(SftpDriver(connect, "plain"), transport) as remote:
            send(remote, file("a.xml", b"old"))
            sent = send(remote, file("a.xml", b"new"))
    assert sent.all_arrived
    assert "replaced" in sent.said
    assert (tmp_path / "inbox" / "a.xml").read_bytes() == b"new"
