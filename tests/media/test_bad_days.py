"""Covers on days when lines break, workers die, people are quicker than we are, and houses close their doors."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from include.catalogue import moved
from include.clients.cloudinary import AllowanceUsedUp
from include.errors import ConfigurationError, TransientError
from include.files.model import Refused
from include.ledger.database import Ledger
from include.ledger.models import ProductRow
from include.media.picture import examine
from include.partners.covers import CoverRules
from tests.media.studio import Studio
from tests.sandbox.conftest import _serve


def state(studio: Studio, isbn: str) -> tuple[Any, ...]:
    """All that must be the same, however often the flow was stopped on its way there."""
    files = [(row.state, row.approval, row.part, row.sha256, row.consonance.get("as")) for row in studio.files(isbn)]
    return studio.on(isbn), files, studio.shown(isbn), len([one for one in studio.made(isbn) if one["productIds"]])


def test_stopped_at_any_write_it_ends_as_if_it_had_not_been(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    isbn, other = studio.isbns()[:2]
    studio.upload(other)
    studio.run()
    (wanted,) = [state(studio, other)]
    session, place = Ledger.session, 0
    studio.upload(isbn)
    resources, stopped = 0, True
    while stopped and place < 40:
        place += 1
        count, stopped = 0, False

        @contextmanager
        def stopping(self: Ledger, before: bool = place % 2 == 1, at: int = (place + 1) // 2) -> Iterator[Any]:
            nonlocal count, stopped
            count += 1
            with session(self) as opened:
                yield opened
                if count == at and before:
                    stopped = True
                    raise KeyboardInterrupt
            if count == at:
                stopped = True
                raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(Ledger, "session", stopping)
            try:
                studio.run()
            except KeyboardInterrupt:
                continue
        resources = len(studio.made(isbn))
    assert place > 8
    found = state(studio, isbn)
    assert (found[1][0][:3], resources, len(found[2])) == (wanted[1][0][:3], 1, 1)
    mutations, events = studio.mutations(), studio.events()
    studio.run()
    assert (state(studio, isbn), studio.mutations(), studio.events()) == (found, mutations, events)


def test_a_version_that_comes_while_we_fetch_is_not_taken_for_the_approved_one(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    (isbn, *_) = studio.isbns()
    id = studio.upload(isbn)
    fetch, done = studio.fetcher.fetch, []

    def quicker(url: str, *given: Any) -> Any:
        found = fetch(url, *given)
        if done:  # after the master, before anybody looks
            studio.upload(isbn, "pending", seed=8)
        done.append(url)
        return found

    monkeypatch.setattr(studio.fetcher, "fetch", quicker)
    counts = studio.run()
    assert (counts["moved on"], studio.made(isbn), studio.on(isbn)) == (1, [], {})
    monkeypatch.undo()
    studio.library.switch(approve=id)
    studio.run()
    assert len(studio.shown(isbn)) == 1


def test_the_hours_requests_end_and_the_next_run_goes_on(studio: Studio) -> None:
    isbns = [isbn for place in range(len(studio.series())) for isbn in studio.isbns(place)][:3]
    for seed, isbn in enumerate(isbns):
        studio.upload(isbn, seed=seed + 1)
    studio.library.switch(limit=6, used=0, reset_seconds=600)
    studio.run()
    assert studio.taken.waiting == 2
    assert len([isbn for isbn in isbns if studio.on(isbn)]) == 1
    studio.library.switch(limit=2000, used=0, reset_seconds=600)
    studio.cloudinary = studio.library.client()
    studio.run()
    assert (studio.taken.waiting, [len(studio.shown(isbn)) for isbn in isbns]) == (0, [1, 1, 1])


def test_without_any_request_left_the_run_is_put_off(studio: Studio) -> None:
    studio.library.switch(limit=2, used=2, reset_seconds=600)
    with pytest.raises(AllowanceUsedUp):
        studio.read()


def test_one_picture_that_does_not_come_keeps_no_other_and_is_tried_again(studio: Studio) -> None:
    bad, good = studio.isbns()[:2]
    studio.upload(bad)
    studio.upload(good, seed=4)
    studio.library.fault(status=503, only="delivery", operation=bad)
    studio.run()
    assert "HTTP 503" in "".join(studio.taken.problems)
    assert (studio.on(bad), len(studio.shown(good))) == ({}, 1)
    studio.library.http.post("/sandbox/faults", json={})
    studio.run()
    assert len(studio.shown(bad)) == 1


def test_what_cloudinary_does_not_deliver_is_told_and_looked_at_again_when_asked(studio: Studio) -> None:
    (isbn, *_) = studio.isbns()
    studio.upload(isbn)
    studio.library.fault(status=404, only="delivery")
    studio.run()
    ((_, _, (reason,)),) = studio.told(isbn)
    assert reason.startswith("Cloudinary does not deliver it: HTTP 404")
    studio.library.http.post("/sandbox/faults", json={})
    assert "resource" not in studio.read()
    studio.read(again=True)
    studio.bring()
    assert len(studio.shown(isbn)) == 1


def test_a_service_that_is_down_fails_the_run_and_changes_nothing(studio: Studio) -> None:
    (isbn, *_) = studio.isbns()
    studio.upload(isbn)
    studio.library.fault(status=503, operation="/resources/image/upload")
    with pytest.raises(TransientError, match="503"):
        studio.read()
    studio.library.http.post("/sandbox/faults", json={})
    studio.run()
    assert len(studio.shown(isbn)) == 1


@pytest.mark.parametrize("file", [b"%PDF", b"GIF89a"], ids=["pdf", "cut off"])
def test_what_is_no_picture_is_never_sent(studio: Studio, file: bytes, tmp_path: Path) -> None:
    from PIL import Image

    (isbn, *_) = studio.isbns()
    path = tmp_path / "file"
    if file == b"%PDF":
        import pikepdf

        with pikepdf.new() as document:
            document.add_blank_page(page_size=(300, 400))
            document.save(path)
    else:
        Image.effect_noise((300, 400), 90).convert("RGB").save(path, "JPEG", icc_profile=_srgb())
        path.write_bytes(path.read_bytes()[:9000])
    studio.rules = studio.rules.model_copy(update={"style": ""})
    studio.upload(isbn, file=base64.b64encode(path.read_bytes()).decode())
    studio.run()
    ((_, _, (reason,)),) = studio.told(isbn)
    assert reason.startswith("it is no picture" if file == b"%PDF" else "the picture can't be read to its end")
    assert (studio.made(isbn), studio.files(isbn)) == ([], [])


@pytest.mark.parametrize("format", ["PNG", "WEBP", "GIF"])
def test_what_moves_is_no_cover(format: str, tmp_path: Path) -> None:
    from PIL import Image

    path = tmp_path / "moving"
    still, *others = [Image.new("RGB", (300, 400), colour) for colour in ("red", "green", "blue")]
    still.save(path, format, save_all=True, append_images=others, duration=100, icc_profile=_srgb())
    with pytest.raises(Refused, match="it has 3 pictures"):
        examine(path, CoverRules(min_pixels=150))


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("side", [11_000, 60_000], ids=["beyond our limit", "beyond Pillow's"])
def test_a_bomb_is_told_as_a_picture_that_is_too_large_and_not_unpacked(side: int, tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    chunks = (b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)), (b"IDAT", zlib.compress(b"")), (b"IEND", b"")
    body = b"".join(struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    with pytest.raises(Refused, match="may have 100,000,000 in all"):
        examine(path, CoverRules(min_pixels=150))


def _srgb() -> bytes:
    from sandbox.files.colour import srgb_profile

    return srgb_profile()


def test_what_access_rules_close_comes_by_a_signed_link(studio: Studio) -> None:
    (isbn, *_) = studio.isbns()
    id = studio.upload(isbn)
    studio.library.stand_in.main.any_of(id).access = [{"access_type": "token"}]
    studio.run()
    assert studio.requests()["download"] == 1
    assert len(studio.shown(isbn)) == 1


def test_the_original_goes_where_the_house_wants_no_style(studio: Studio) -> None:
    (isbn, *_) = studio.isbns()
    id = studio.upload(isbn)
    studio.rules = studio.rules.model_copy(update={"style": ""})
    studio.run()
    assert studio.shown(isbn) == [studio.library.stand_in.main.any_of(id).now.content.read()]


def test_a_field_that_is_not_there_stops_the_run_and_is_named(studio: Studio) -> None:
    studio.rules = studio.rules.model_copy(update={"kind": "cover_kind"})
    with pytest.raises(ConfigurationError, match="no structured metadata field cover_kind"):
        studio.read()


def test_a_field_of_several_values_is_refused_since_a_cover_is_for_one_title(studio: Studio) -> None:
    studio.rules = studio.rules.model_copy(update={"series": "languages"})
    with pytest.raises(ConfigurationError, match="the field languages holds several values"):
        studio.read()


def test_a_cover_that_moves_between_the_listings_is_not_gone(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    (isbn, *_) = studio.isbns()
    id = studio.upload(isbn)
    studio.run()
    listed = studio.cloudinary.assets_by_moderation

    def busy(status: str, **more: Any) -> Iterator[Any]:
        yield from listed(status, **more)
        if status == "pending":  # back there, before what is approved was read
            studio.library.switch(pending=id)

    monkeypatch.setattr(studio.cloudinary, "assets_by_moderation", busy)
    assert studio.read()["gone"] == 0
    assert studio.told(isbn) == [(id, "pending", [])]
    machine = {"kind": "aws_rek", "status": "approved", "updated_at": "2026-09-01T10:00:00Z"}
    studio.library.stand_in.main.any_of(id).moderation = [machine]  # its approval is no person's
    assert studio.read()["gone"] == 1


def test_a_tenant_that_takes_no_pictures_is_said_on_the_title(studio: Studio) -> None:
    (isbn, *_) = studio.isbns()
    studio.upload(isbn)
    serving = _serve("evidenced")
    server = next(serving)
    poor = replace(studio, consonance=server.url)
    poor.run()
    (row,) = poor.files(isbn)
    assert "does not offer Mutation.createSupportingResource" in row.consonance["why"]
    assert (poor.made(isbn), sum(server.control("stats").json()["mutations"].values())) == ([], 0)
    next(serving, None)


def test_a_style_that_makes_it_smaller_is_no_news_every_hour(studio: Studio) -> None:
    (isbn, *_) = studio.isbns()
    studio.upload(isbn, width=240, height=360)
    studio.rules = studio.rules.model_copy(update={"style": "c_limit,w_160/f_jpg,q_90"})
    studio.run()
    assert len(studio.shown(isbn)) == 1
    assert studio.read()["changed"] == 0


def test_a_style_that_cuts_the_picture_is_refused(studio: Studio) -> None:
    (isbn, *_) = studio.isbns()
    studio.upload(isbn, width=240, height=360)
    studio.rules = studio.rules.model_copy(update={"style": "c_fill,h_100,w_100/f_jpg"})
    studio.run()
    ((_, _, (reason,)),) = studio.told(isbn)
    assert "makes no JPEG of the whole picture" in reason


def test_an_edition_that_moved_to_another_work_leaves_no_cover_behind(studio: Studio) -> None:
    first, second, *_ = studio.series()
    product = first.products[0]
    id = studio.upload(product.isbn)
    studio.run()
    (before,) = studio.made(product.isbn)
    others = tuple(one for one in first.products if one.id != product.id)
    studio.catalogue.edit(first.id, lambda work: replace(work, products=others))
    studio.catalogue.edit(second.id, lambda work: replace(work, products=(*work.products, product)))
    with studio.ledger.session() as session:
        session.get(ProductRow, product.id).work_id = second.id
        moved.follow(session, product.id, first.id, second.id, studio.now)
    studio.run()
    assert len(studio.shown(product.isbn)) == 1
    left = studio.library.http.get("/sandbox/stats").json()["mutations"]
    assert left == {"createSupportingResource": 2, "deleteSupportingResource": 1}
    (file,) = studio.files(product.isbn)
    assert f"Supporting resource {before['id']} was deleted in Consonance." in file.consonance["why"]
    studio.library.switch(reject=id)
    studio.run()
    assert studio.made(product.isbn) == []


def test_what_two_runs_at_once_made_twice_is_rejected_whole(studio: Studio) -> None:
    (isbn, *_) = studio.isbns()
    id = studio.upload(isbn)
    studio.run()
    (one,), (file,) = studio.made(isbn), studio.files(isbn)
    address = studio.signer.url(file.consonance["jpeg"], one["filename"], studio.now)
    again = {"workId": file.work_id, "imageRemoteUrl": address, "productIds": [file.product_id], "unlinkPrevious": True}
    studio.client.change("create_supporting_resource", {"input": again})
    studio.library.switch(reject=id)
    studio.run()
    assert studio.made(isbn) == []


@pytest.mark.parametrize("fault", [{"drop": True, "times": 2}, {"status": 503, "times": 20}])
def test_a_consonance_that_breaks_off_gets_no_picture_twice(studio: Studio, fault: dict[str, Any]) -> None:
    isbn, other = studio.isbns()[:2]
    studio.upload(isbn)
    studio.upload(other, seed=5)
    studio.read()
    studio.client.schema()
    studio.library.http.post("/sandbox/faults", json={"consonance": fault}).raise_for_status()
    studio.bring()
    studio.library.http.post("/sandbox/faults", json={})
    studio.bring()
    assert [len(studio.made(one)) for one in (isbn, other)] == [1, 1]
    assert studio.problems == []
    assert studio.bring()["supporting resource"] == 0
