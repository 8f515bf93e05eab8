"""Covers from Cloudinary's moderation queue onto titles and into Consonance, read back from both."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import select

from include.errors import PermanentError
from include.ledger import covers
from include.ledger.models import EventRow, WorkRow
from tests.media.studio import Studio
from tests.sandbox.conftest import _serve


def test_what_is_approved_lands_on_its_titles_and_in_consonance(library_with_covers: Studio) -> None:
    studio = library_with_covers
    counts = studio.run()
    assert (studio.taken.problems, studio.problems) == ([], [])
    whole = studio.cover(kind="full", status="approved")
    assert studio.on(whole.isbn) == {
        "front": f"covers/{whole.isbn}",
        "back": f"covers/{whole.isbn}_back",
        "full": f"covers/{whole.isbn}_jacket",
    }
    (picture,) = studio.shown(whole.isbn)
    with Image.open(BytesIO(picture)) as image:
        assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (1200, 1800))
    (back,) = studio.files(whole.isbn, "back cover")
    assert back.consonance["as"] == "title record"
    assert "names no place for a picture of this sort (back cover)" in back.consonance["why"]
    assert counts["supporting resource"] >= 4

    for status in ("pending", "rejected"):
        cover = studio.cover(kind="front", status=status)
        assert "front" not in studio.on(cover.isbn)
        assert studio.made(cover.isbn) == []
        assert (cover.public_id, status, []) in studio.told(cover.isbn)

    for defect, why in (("cmyk", "CMYK, not RGB"), ("no-profile", "no colour profile"), ("small", "600 pixels, and must have 1,400")):
        cover = studio.cover(defect=defect)
        ((public_id, moderation, (reason,)),) = studio.told(cover.isbn)
        assert (public_id, moderation) == (cover.public_id, "approved")
        assert why in reason
        assert (studio.made(cover.isbn), studio.files(cover.isbn)) == ([], [])

    left = studio.left()
    assert "Back cover of 3 editions: in Colophon only. This Consonance names no place for a picture of this sort (back cover)" in left
    assert "was refused: its colours are CMYK, not RGB." in left

    before, mutations, events = studio.requests(), studio.mutations(), studio.events()
    studio.run()
    assert dict(studio.requests() - before) == {"list_metadata_fields": 1, "resources_by_moderation": 3}
    assert (studio.mutations(), studio.events()) == (mutations, events)


def test_an_approved_second_version_replaces_the_first(studio: Studio) -> None:
    (isbn, *_) = studio.isbns()
    id = studio.upload(isbn)
    studio.run()
    (first,) = studio.shown(isbn)
    studio.upload(isbn, "pending", seed=7)
    studio.run()
    assert studio.shown(isbn) == [first], "the second waits in the queue"
    assert studio.standing(isbn) == [(id, "live in Consonance"), (id, "waits for approval")]
    assert [moderation for _, moderation, _ in studio.told(isbn)] == ["pending", "approved"]
    studio.library.switch(approve=id)
    studio.run()
    (second,) = studio.shown(isbn)
    assert second != first
    assert [row.state for row in studio.files(isbn)] == ["superseded", "attached"]
    studio.upload(isbn, "rejected", seed=8)
    studio.run()
    assert studio.shown(isbn) == [second], "a third that nobody approved takes nothing away"
    assert [standing for _, standing in studio.standing(isbn)] == ["live in Consonance", "rejected", "earlier"]


def test_what_is_rejected_later_is_taken_out_and_can_come_back(studio: Studio) -> None:
    (isbn, *_) = studio.isbns()
    id = studio.upload(isbn)
    studio.run()
    studio.upload(isbn, seed=7)
    studio.run()
    studio.library.switch(reject=id)
    counts = studio.run()
    assert (counts["taken off"], counts["attached"], studio.shown(isbn), studio.on(isbn)) == (1, 0, [], {})
    assert [(row.state, row.approval) for row in studio.files(isbn)] == [("superseded", "approved"), ("attached", "rejected")]
    before = studio.mutations()
    studio.run()
    assert studio.mutations() == before, "the older version does not come back by itself"
    studio.library.switch(approve=id)
    studio.run()
    assert len(studio.shown(isbn)) == 1


def test_one_image_of_a_series_lands_on_every_title_of_it_also_on_a_late_one(studio: Studio) -> None:
    first, *_, last = studio.series()
    banner = studio.upload(series=first.memberships[0].series.name, kind="series")
    with studio.ledger.session() as session:
        row = session.get(WorkRow, last.id)
        content, row.content = row.content, b'{"id": 1, "title": "alone"}'
    studio.run()
    early, late = first.products[0].isbn, last.products[0].isbn
    assert (studio.on(early), studio.on(late)) == ({"series": banner}, {})
    with studio.ledger.session() as session:
        session.get(WorkRow, last.id).content = content
    studio.run()
    isbns = [one.isbn for work in studio.series() for one in work.products if one.isbn]
    assert {studio.on(isbn)["series"] for isbn in isbns} == {banner}
    rows = [row for isbn in isbns for row in studio.files(isbn, "series branding")]
    assert (len(rows), len({row.sha256 for row in rows})) == (len(isbns), 1)
    assert {row.consonance["as"] for row in rows} == {"title record"}, "this tenant has no place for it that is no front cover"


def test_the_most_exact_cover_goes_first(studio: Studio) -> None:
    work = studio.series()[0]
    hardback, paperback = studio.isbns()[:2]
    by_series = studio.upload(series=work.memberships[0].series.name, kind="front", seed=3, public_id="by-series")
    studio.run()
    assert studio.on(paperback)["front"] == by_series
    studio.upload(work=work.id, kind="front", seed=4, public_id="by-work")
    studio.upload(hardback, seed=5, public_id="by-isbn")
    studio.run()
    assert (studio.on(hardback)["front"], studio.on(paperback)["front"]) == ("by-isbn", "by-work")
    assert len(studio.shown(hardback)) == len(studio.shown(paperback)) == 1
    studio.library.switch(reject="by-isbn")
    studio.run()
    assert studio.on(hardback)["front"] == "by-work", "what is meant less exactly takes its place"
    assert studio.shown(hardback) == studio.shown(paperback)


def test_a_work_is_also_known_by_its_reference(studio: Studio) -> None:
    work = studio.series()[0]
    studio.upload(work=work.id, metadata={"work": f"lq-{work.id}", "kind": "front"}, kind="front")
    studio.run()
    assert "front" in studio.on(studio.isbns()[0])


def test_the_same_bytes_uploaded_again_send_nothing(studio: Studio) -> None:
    (isbn, *_) = studio.isbns()
    studio.upload(isbn)
    studio.run()
    before, mutations = studio.requests(), studio.mutations()
    studio.upload(isbn)
    counts = studio.run()
    assert counts["same bytes as before"] == 1
    assert (studio.requests() - before)["delivery"] == 0
    assert (studio.mutations(), len(studio.files(isbn))) == (mutations, 1)


def test_a_bad_second_version_leaves_the_good_first_where_it_is(studio: Studio) -> None:
    (isbn, *_) = studio.isbns()
    studio.upload(isbn)
    studio.run()
    (first,) = studio.shown(isbn)
    studio.upload(isbn, seed=9, colour="cmyk")
    counts = studio.run()
    assert (counts["refused"], studio.shown(isbn)) == (1, [first])
    assert [len(reasons) for _, _, reasons in studio.told(isbn)] == [1, 0]
    before = studio.requests()
    studio.run()
    assert "resource" not in studio.requests() - before, "it is not looked at again"
    assert studio.read(again=True)["refused"] == 1


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"colour": "gray"}, "gray"),
        ({"profile": False}, "no colour profile"),
        ({"width": 100, "height": 140}, "140 pixels, and must have 150"),
    ],
)
def test_what_may_not_go_is_told_on_the_title_and_nothing_is_sent(studio: Studio, given: dict[str, object], why: str) -> None:
    (isbn, *_) = studio.isbns()
    studio.upload(isbn, **given)
    studio.run()
    ((_, _, (reason,)),) = studio.told(isbn)
    assert why in reason
    assert (studio.on(isbn), studio.made(isbn)) == ({}, [])


def test_a_cover_that_names_no_title_of_ours_is_lost_and_said(studio: Studio) -> None:
    from include.ledger import covers

    studio.upload("9780000000002", public_id="stranger")
    studio.upload(series="No such series", kind="front", public_id="serial")
    studio.upload(metadata={"kind": "front"}, public_id="nameless")
    studio.upload("9780000000003", public_id="mistyped")
    studio.run()
    with studio.ledger.read() as session:
        told = {row.public_id: row.lost for row in covers.page(session, state="lost")}
    assert told["stranger"] == "There is no product with the ISBN 9780000000002 in the mirror of Consonance."
    assert told["serial"] == "No work belongs to the series No such series."
    assert told["nameless"].startswith("It names no title")
    assert told["mistyped"] == "9780000000003 is no ISBN: correct it in Cloudinary."


def test_what_was_never_put_into_a_queue_is_not_approved(studio: Studio) -> None:
    (isbn, *_) = studio.isbns()
    studio.upload(isbn, "none")
    studio.run()
    assert (studio.on(isbn), studio.told(isbn)) == ({}, [])


def test_two_that_are_approved_for_one_edition_are_told_until_one_goes(studio: Studio) -> None:
    (isbn, *_) = studio.isbns()
    studio.upload(isbn, public_id="first", metadata={"isbn": isbn, "kind": "front", "revision": 2})
    studio.upload(isbn, public_id="second", metadata={"isbn": isbn, "kind": "front", "revision": 1}, seed=4)
    studio.run()
    told = (
        f"Two pictures are approved as the front cover of the ISBN {isbn}: first goes first, as its revision is 2, not 1, and second "
        "is not used. Reject one of them in Cloudinary, or correct its metadata."
    )
    assert studio.standing(isbn) == [("first", "live in Consonance"), ("second", "not used")]
    assert told in studio.left()
    with studio.ledger.read() as session:
        (event,) = session.scalars(select(EventRow).where(EventRow.what == "cover not used"))
        assert (event.subject, event.detail["why"]) == ("second", told)
    events = studio.events()
    studio.run()
    assert studio.events() == events
    (shown,) = studio.shown(isbn)
    studio.library.switch(delete="first")
    studio.run()
    assert studio.standing(isbn) == [("second", "live in Consonance"), ("first", "gone")]
    assert studio.shown(isbn) != [shown]
    assert "second" not in studio.left()


def test_a_cover_that_vanished_from_cloudinary_stays_on_its_titles(studio: Studio) -> None:
    (isbn, *_) = studio.isbns()
    id = studio.upload(isbn)
    studio.run()
    studio.library.switch(delete=id)
    counts = studio.run()
    assert (counts["gone"], len(studio.shown(isbn))) == (1, 1)
    assert f"{id} is on 1 edition, and Cloudinary does not list it any more." in studio.left()


def test_where_consonance_names_places_every_sort_of_picture_goes_there(
    studio: Studio, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from sandbox.consonance import tenant

    places = tmp_path / "schema.graphql"
    wider = tenant.SDL.read_text().replace("FRONT_COVER @inferred", "FRONT_COVER\n  BACK_COVER\n  FULL_JACKET\n  SERIES_IMAGE")
    places.write_text(wider)
    monkeypatch.setattr(tenant, "SDL", places)
    (isbn, *_), work = studio.isbns(), studio.series()[0]
    for kind in ("front", "back", "full"):
        studio.upload(isbn, kind=kind, seed=len(kind))
    studio.upload(series=work.memberships[0].series.name, kind="series")
    serving = _serve("full")
    server = next(serving)
    rich = replace(studio, consonance=server.url)
    rich.run()
    found = server.data("query q($id: Int!) { work(workSearch: {idEq: $id}) { supportingResources { filename productIds } } }", id=work.id)
    shown = [one["filename"] for one in found["work"]["supportingResources"] if rich.product(isbn).id in one["productIds"]]
    assert (len({name for name in shown if name.startswith(isbn)}), rich.problems, rich.left()) == (4, [], "")
    next(serving, None)


def test_an_isbn_of_another_work_than_the_cover_names_is_told_and_not_brought(studio: Studio) -> None:
    (isbn, *_), other = studio.isbns(), studio.series()[1].id
    studio.upload(isbn, public_id="mistyped", metadata={"isbn": isbn, "work": str(other), "kind": "front"})
    studio.run()
    assert (studio.on(isbn), studio.made(isbn)) == ({}, [])
    with studio.ledger.read() as session:
        (one,) = covers.of_product(session, studio.product(isbn).id)
    told = f"The ISBN {isbn} is of work {studio.series()[0].id}, and the cover is for work {other}: correct one of them in Cloudinary."
    assert (one.cover.public_id, one.cover.lost) == ("mistyped", told)
    studio.upload(isbn, public_id="right", seed=4)
    studio.run()
    assert studio.on(isbn)["front"] == "right"


def test_what_is_back_in_the_queue_stays_where_it_is_and_comes_nowhere_new(studio: Studio) -> None:
    first, second = studio.isbns()[:2]
    id = studio.upload(first)
    studio.run()
    main = studio.library.stand_in.main
    with main.lock:
        (asset,) = main.assets.values()
        asset.moderation = [{"kind": "manual", "status": "pending"}]
        asset.metadata = asset.metadata | {"isbn": second}
    studio.run()
    assert (studio.on(second), studio.shown(second)) == ({}, [])
    assert id in {public_id for public_id, *_ in studio.told(second)}


def test_a_person_who_takes_it_off_is_not_overruled(studio: Studio) -> None:
    from include.ledger import title_files
    from tests.media.studio import NOW

    (isbn, *_) = studio.isbns()
    studio.upload(isbn)
    studio.run()
    (row,) = studio.files(isbn)
    with studio.ledger.session() as session:
        title_files.remove(session, row.id, now=NOW, who="Ada", note="wrong author")
    studio.run()
    assert (studio.shown(isbn), [one.state for one in studio.files(isbn)]) == ([], ["removed"])
    assert [standing for _, standing in studio.standing(isbn)] == ["taken off here"]
    studio.upload(isbn, seed=7)
    studio.run()
    assert len(studio.shown(isbn)) == 1, "what is newly approved comes"


def test_emptied_fields_take_nothing_off_without_a_persons_word(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    from include.media import titles

    (isbn, *_) = studio.isbns()
    id = studio.upload(isbn)
    studio.run()
    main = studio.library.stand_in.main
    main.any_of(id).metadata = {"kind": "front"}
    monkeypatch.setattr(titles, "MANY", 0)
    studio.read()
    with pytest.raises(PermanentError, match="1 covers would be taken off"):
        studio.bring()
    assert len(studio.shown(isbn)) == 1
    studio.bring(anyway=True)
    assert studio.shown(isbn) == []


def test_neither_a_launch_pack_nor_the_printer_takes_the_wrong_picture(studio: Studio) -> None:
    from include.ledger import title_files
    from include.packages.launch_set import chosen_cover
    from include.readiness.files import of_product
    from include.readiness.model import File
    from include.titles.model import Product, Work

    (isbn, *_) = studio.isbns()
    studio.upload(isbn)
    studio.upload(isbn, kind="back")
    studio.upload(isbn, kind="full", width=400, height=300)
    studio.run()
    row = studio.product(isbn)
    product = Product(row.id, Work(row.work_id, "A title"), isbn=isbn, form="BC")
    with studio.ledger.read() as session:
        files = title_files.files_of(session, row.work_id, product_id=row.id, current=True)
        assert sorted(one.part for one in files) == ["back cover", "front cover", "full jacket"]
        cover = chosen_cover(product, files)
        assert cover is not None
        assert cover.part == "front cover"
        known = [
            File(one.product_id, one.kind, one.part, one.revision, one.name, one.media_type, one.sha256, one.approval) for one in files
        ]
    assert of_product(product, known, "jacket") == [], "a picture for shops is no artwork for print"


@pytest.mark.parametrize("whole_work", [False, True])
def test_a_cover_that_came_by_another_way_does_not_take_turns_with_ours(studio: Studio, whole_work: bool) -> None:
    from include.files.model import Kind
    from include.ledger import title_files
    from tests.intake.test_ladder import picture
    from tests.media.studio import NOW

    (isbn, *_) = studio.isbns()
    product, kept = studio.product(isbn), studio.store.put(BytesIO(picture("navy")))
    new = title_files.NewTitleFile(
        work_id=product.work_id, product_id=None if whole_work else product.id, kind=Kind.JACKET, part="cover", name="cover.jpg",
        media_type="image/jpeg", bytes=kept.bytes, sha256=kept.sha256, review=("editorial",), source="inbox:agency",
    )  # fmt: skip
    with studio.ledger.session() as session:
        row = title_files.attach(session, new, now=NOW).row
        title_files.review(session, row.id, "editorial", "approved", now=NOW, who="Ada")

    def approved_files() -> int:
        ladder = studio.ladder()
        return len([ladder.settle(id, studio.now) for id in ladder.waiting()])

    assert approved_files() == 1
    studio.upload(isbn)
    studio.run()
    mutations = studio.mutations()
    assert (approved_files(), studio.bring()["supporting resource"], approved_files()) == (0, 0, 0)
    assert studio.mutations() == mutations
    assert len(studio.shown(isbn)) == 1
    assert studio.shown(isbn) != [picture("navy")]
