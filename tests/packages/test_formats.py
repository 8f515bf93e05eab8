"""What vendors get: their formats of their titles, within their limits, checked; and whose turn it is."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from include.deliveries.build import Run
from include.ledger import deliveries, packages
from include.ledger.file_rows import PackageRow
from include.packages import formats
from include.packages.build import assemble
from include.packages.making import Making, record
from include.partners.registry import load_vendor
from tests.packages.bookshelf import Bookshelf, party, shelve


@pytest.fixture
def recording(ledger, store) -> Bookshelf:
    shelf = shelve(ledger, store, "AJ")
    shelf.brings("audiobook", chapters=2)
    return shelf


@pytest.fixture
def plain(ledger, store, monkeypatch) -> Bookshelf:
    """An e-book whose vendor does without EPUBCheck, which takes its seconds."""
    ebook = load_vendor("ebook")
    quick = ebook.parts[0].model_copy(update={"checks": ebook.parts[0].checks.model_copy(update={"epubcheck": False})})
    monkeypatch.setattr(formats, "load_vendor", lambda _: ebook.model_copy(update={"parts": (quick, *ebook.parts[1:])}))
    shelf = shelve(ledger, store, "ED")
    shelf.brings("ebook")
    return shelf


def make(shelf: Bookshelf, to: str, **tables: Any) -> Making:
    return formats.make(shelf.ledger, shelf.store, party(to, **tables), shelf.house, shelf.product.id, now=shelf.now)


def prepared(shelf: Bookshelf, to: str, **tables: Any) -> PackageRow:
    return record(shelf.ledger, shelf.store, make(shelf, to, **tables), now=shelf.now, run=Run())


def arrive(shelf: Bookshelf, row: PackageRow) -> None:
    with shelf.ledger.session() as session:
        deliveries.start(session, row.delivery_id, now=shelf.now)
        deliveries.mark_delivered(session, row.delivery_id, shelf.now)
        packages.settle(session, row.partner, row.flow, now=shelf.now)


def due(shelf: Bookshelf, to: str, words: str = "") -> list[int]:
    return [one.product_id for one in formats.due(shelf.ledger, party(to), shelf.house, shelf.now, words)]


def test_a_recording_is_named_track_by_track_and_checked_as_a_set(recording):
    making = make(recording, "soundleaf")
    isbn = recording.product.isbn
    assert [item.name for item in making.new.items] == [
        *(f"{isbn}_{number:02d}.mp3" for number in (1, 2, 3, 4)), f"{isbn}_sample.mp3", "preflight.json",
    ]  # fmt: skip
    assert [item.role for item in making.new.items] == ["track"] * 4 + ["sample", "preflight"]
    report = json.loads(recording.store.open(making.new.items[-1].sha256).read())
    assert report["files"][f"{isbn}_02.mp3"]["seconds"] > 0
    assert making.new.ask == []


def test_a_missing_chapter_asks_a_person(ledger, store):
    shelf = shelve(ledger, store, "AJ")
    shelf.brings("audiobook", chapters=3, defect="missing-chapter")
    assert "chapter-gap" in {reason["code"] for reason in make(shelf, "soundleaf").new.ask}


def test_a_chapter_that_is_not_approved_holds_the_recording_back(recording):
    recording.brings("audio", part="03", verdict="pending")
    making = make(recording, "soundleaf")
    assert (making.new, [reason["code"] for reason in making.reasons]) == (None, ["not-approved"])


def test_a_vendor_of_e_books_is_due_no_recordings_and_the_other_way_round(recording):
    assert due(recording, "soundleaf") == [recording.product.id]
    assert due(recording, "leafcast") == due(recording, "clearpage") == []


def test_what_was_delivered_is_not_due_until_a_file_changes(plain):
    assert due(plain, "leafcast") == [plain.product.id]
    row = prepared(plain, "leafcast")
    arrive(plain, row)
    assert due(plain, "leafcast") == []
    assert due(plain, "leafcast", plain.product.isbn) == [plain.product.id], "by hand it is looked at"
    plain.brings("ebook", revision=2, seed=2)
    assert due(plain, "leafcast") == [plain.product.id]
    second = prepared(plain, "leafcast")
    assert (second.revision, second.replaces_id) == (2, row.id)


def test_what_waits_for_known_reasons_is_not_due_again(plain):
    plain.brings("ebook", revision=2, seed=2, verdict="pending")
    assert due(plain, "leafcast") == [plain.product.id]
    assert prepared(plain, "leafcast").state == "waiting"
    assert due(plain, "leafcast") == []


def test_a_title_in_an_early_stage_is_not_due(plain):
    plain.put(stage="Editorial")
    assert due(plain, "leafcast") == []


def test_what_has_left_its_stage_before_its_package_left_is_stopped(plain):
    row = prepared(plain, "leafcast")
    assert formats.stop(plain.ledger, party("leafcast"), plain.house, now=plain.now, run=Run()) == 0
    plain.put(stage="Editorial")
    assert formats.stop(plain.ledger, party("leafcast"), plain.house, now=plain.now, run=Run()) == 1
    with plain.ledger.read() as session:
        assert packages.get(session, row.id).state == "stopped"


def test_packages_in_one_folder_bear_their_isbn(plain):
    isbn = plain.product.isbn
    files = assemble(plain.store, make(plain, "leafcast").new, 1).files
    assert [(file.folder, file.name) for file in files] == [
        ("/epub", f"{isbn}.epub"), ("/epub", f"{isbn}.preflight.json"), ("/epub", f"{isbn}.SHA256SUMS"), ("/epub", f"{isbn}.manifest.json"),
    ]  # fmt: skip


def test_who_takes_nothing_but_the_files_gets_nothing_but_the_files(plain, monkeypatch):
    bare = formats.load_vendor("ebook").model_copy(update={"manifest": False})
    monkeypatch.setattr(formats, "load_vendor", lambda _: bare)
    assert [file.name for file in assemble(plain.store, make(plain, "leafcast").new, 1).files] == [f"{plain.product.isbn}.epub"]


def test_what_is_larger_than_the_vendor_takes_waits(plain, monkeypatch):
    small = formats.load_vendor("ebook").model_copy(update={"max_package_bytes": 1000})
    monkeypatch.setattr(formats, "load_vendor", lambda _: small)
    assert [reason["code"] for reason in make(plain, "leafcast").reasons] == ["package-too-large"]


@pytest.mark.skipif(not shutil.which("gpg"), reason="GnuPG is not installed")
def test_sealed_files_travel_and_the_sums_fit_them(plain, tmp_path, monkeypatch):
    import gnupg

    from include.partners.registry import config_root

    home = Path("/tmp") / f"gpg{abs(hash(str(tmp_path))) % 10**8}"  # its sockets' paths must be short
    home.mkdir(mode=0o700)
    try:
        gpg = gnupg.GPG(gnupghome=str(home))
        key = gpg.gen_key(gpg.gen_key_input(name_email="in@leafcast.example", no_protection=True, key_type="EDDSA", key_curve="ed25519",
                                            subkey_type="ECDH", subkey_curve="cv25519"))  # fmt: skip
        config = tmp_path / "config"
        shutil.copytree(config_root(), config)
        (config / "leafcast.asc").write_text(gpg.export_keys(key.fingerprint))
        monkeypatch.setenv("COLOPHON_CONFIG", str(config))
        monkeypatch.setenv("COLOPHON_GNUPGHOME", str(home))
        sealing = {"openpgp": {"recipient": key.fingerprint, "key_file": "leafcast.asc"}}
        row = prepared(plain, "leafcast", transport=sealing)
        assert prepared(plain, "leafcast", transport=sealing).id == row.id
        with plain.ledger.read() as session:
            files = deliveries.get(session, row.delivery_id).files
        isbn = plain.product.isbn
        assert [file.name for file in files] == [f"{isbn}.epub.gpg", f"{isbn}.preflight.json.gpg", f"{isbn}.SHA256SUMS",
                                                 f"{isbn}.manifest.json.gpg"]  # fmt: skip
        for file in files:
            (tmp_path / file.name).write_bytes(plain.store.open(file.sha256).read())
        assert subprocess.run(["sha256sum", "-c", f"{isbn}.SHA256SUMS"], cwd=tmp_path, capture_output=True, check=False).returncode == 0
        told = json.loads(str(gpg.decrypt((tmp_path / f"{isbn}.manifest.json.gpg").read_bytes())))
        assert told["files"][0]["sealed"]["sha256"] == row.files[0].sha256
        assert gpg.decrypt((tmp_path / f"{isbn}.epub.gpg").read_bytes()).data == plain.store.open(row.files[0].sha256).read()
    finally:
        subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], capture_output=True, check=False)
        shutil.rmtree(home, ignore_errors=True)
