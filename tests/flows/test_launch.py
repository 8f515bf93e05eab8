"""Launch packs through Airflow, read back from the parties' side."""

from __future__ import annotations

import hashlib
import json

import pytest
from sqlalchemy import select

from include.ledger.file_rows import PackageRow
from tests.flows.released import check_sums, counts, listing, picture, planted, put, release_in, three_formats

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(600)]
PARTIES = ("bookbarn", "salesroom", "quickshelf")


def test_nothing_leaves_before_the_gate_and_a_changed_cover_replaces_the_pack_everywhere(run_flow, sandbox, ledger, catalogue, store):
    _, ebook, recording = three_formats(ledger, planted(sandbox))
    work, isbn = ebook["work_id"], ebook["isbn"]
    release_in(sandbox, 50, ebook, recording)
    assert run_flow("catalogue_sync").state == "success"

    # the shop's gate asks for words and a cover; sales want the whole title ready, and it is not
    assert run_flow("launch_packs").state == "success"
    assert sandbox.files("salesroom", "packs") == []
    first = check_sums(sandbox.home("bookbarn") / "launch" / isbn)
    assert first.keys() == {f"{isbn}_{rest}" for rest in ("cover.jpg", *TEXTS)}
    with ledger.read() as session:
        waiting = session.scalars(select(PackageRow).where(PackageRow.partner == "salesroom", PackageRow.state == "waiting")).all()
    assert "E-book file is approved" in next(row.reasons[0]["message"] for row in waiting if row.subject == isbn)

    put(ledger, store, "ebook", b"epub", work, media_type="application/epub+zip", name="final.epub")
    put(ledger, store, "promotional", b"trailer", work, name="Trailer, final (1).MP4", media_type="video/mp4")
    secret = put(ledger, store, "promotional", b"not yet", work, name="later.mp4", part="later", approve=False)
    assert run_flow("launch_packs").state == "success"
    second = check_sums(sandbox.home("salesroom") / "packs" / isbn)
    assert second.keys() == first.keys() | {f"{isbn}_trailer-final-1.mp4"}
    assert check_sums(sandbox.home("bookbarn") / "launch" / isbn) == second, "one approved set for everyone"
    assert not [name for name in sandbox.files("salesroom", "packs") if recording["isbn"] in name]
    assert secret

    before = listing(sandbox, *PARTIES), counts(ledger)
    assert run_flow("launch_packs").state == "success"
    assert (listing(sandbox, *PARTIES), counts(ledger)) == before

    cover = picture("#224466")
    put(ledger, store, "jacket", cover, work, name="cover.jpg", part="cover", media_type="image/jpeg", product_id=ebook["id"])
    swept = len(sandbox.files("quickshelf", "swept"))
    assert run_flow("launch_packs").state == "success"
    third = {}
    for party, folder in (("bookbarn", "launch"), ("salesroom", "packs")):
        third = check_sums(sandbox.home(party) / folder / isbn)
        manifest = json.loads((sandbox.home(party) / folder / isbn / "manifest.json").read_text())
        assert manifest["replaces"]["revision"] == manifest["package"]["revision"] - 1
        assert (
            hashlib.sha256((sandbox.home(party) / folder / isbn / f"{isbn}_cover.jpg").read_bytes()).hexdigest()
            != second[f"{isbn}_cover.jpg"]
        )
    assert third[f"{isbn}_cover.jpg"] != second[f"{isbn}_cover.jpg"]
    assert {name for name in third if third[name] != second[name]} == {f"{isbn}_cover.jpg"}
    assert len(sandbox.files("quickshelf", "swept")) == swept + 1


TEXTS = tuple(f"{what}.{kind}" for what in ("copy", "biographies") for kind in ("txt", "html", "json"))
