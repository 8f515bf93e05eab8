from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from include.errors import ConfigurationError
from include.ledger import deliveries
from include.ledger.database import Ledger
from include.ledger.file_rows import PackageRow
from include.ledger.models import DeliveryRow, DeliveryState
from include.ledger.packages import Stopped
from include.ledger.title_files import NewTitleFile, attach, remove, review
from include.packages import launch, leaving
from include.packages.launch_set import assemble, chosen_cover
from include.partners.model import House, Party
from include.readiness.refresh import refresh
from include.store import ArtefactStore
from include.titles.model import Contributor, Text
from tests.flows.released import picture
from tests.readiness.titles import ELECTRONIC, HARDBACK, NOW, TODAY, fill, house, in_days
from tests.schema import upgraded

HOUSE = house()
EBOOK = in_days(ELECTRONIC, 60, work=replace(ELECTRONIC.work, resources=()))
GATE = ["main-description-is-present"]


def party(id: str = "bookbarn", **wish) -> Party:
    return Party.model_validate({
        "id": id,
        "name": "Bookbarn",
        "transport": {"protocol": "sftp", "connection": "partner_bookbarn", "folder": "/launch"},
        "launch": {"days_before": 90, "gate": GATE, **wish},
    })


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    ledger = Ledger(str(tmp_path / "ledger.sqlite"))
    upgraded(ledger)
    return ledger


@pytest.fixture
def store(tmp_path: Path) -> ArtefactStore:
    return ArtefactStore(str(tmp_path / "store"))


def put(ledger, store, kind: str, content: bytes, *, approve: bool = True, **more) -> int:
    import io

    artefact = store.put(io.BytesIO(content))
    values = {"work_id": 10, "name": f"{kind}.bin", "review": ("production",), **more}
    with ledger.session() as session:
        row = attach(session, NewTitleFile(kind=kind, bytes=artefact.bytes, sha256=artefact.sha256, **values), now=NOW).row
        if approve:
            review(session, row.id, "production", "approved", now=NOW, who="pat")
        return row.id


def cover(ledger, store, colour: str = "red", **more) -> int:
    return put(ledger, store, "jacket", picture(colour), **{"name": "cover.jpg", "part": "cover", "media_type": "image/jpeg", **more})


def built(ledger, store, to: Party, *, house: House = HOUSE, now=NOW) -> launch.Outcome:
    refresh(ledger, house, now)
    return launch.build_all(ledger, store, to, house, now)


def pack(ledger, store, outcome) -> dict[str, bytes]:
    """Name → bytes of the only pack that is to go."""
    (delivery,) = outcome.deliveries
    with ledger.read() as session:
        return {file.name: store.open(file.sha256).read() for file in deliveries.get(session, delivery).files}


def waits(ledger, to: Party) -> list[str]:
    with ledger.read() as session:
        rows = session.scalars(select(PackageRow).where(PackageRow.partner == to.id, PackageRow.state == "waiting")).all()
        return [reason["code"] for row in rows for reason in row.reasons]


def deliver(ledger) -> None:
    with ledger.session() as session:
        for row in session.scalars(select(DeliveryRow).where(DeliveryRow.state == DeliveryState.PREPARED)).all():
            deliveries.start(session, row, now=NOW)
            deliveries.mark_delivered(session, row, NOW)


# --- the gate


def test_without_a_gate_of_its_own_a_party_waits_until_the_title_is_ready(ledger, store):
    fill(ledger, EBOOK)
    cover(ledger, store)
    to = party(gate=[])
    assert built(ledger, store, to).deliveries == []
    assert waits(ledger, to) == ["not-ready"]
    put(ledger, store, "ebook", b"epub")
    fill(ledger, replace(EBOOK, work=ELECTRONIC.work))  # with a cover in Consonance, too
    assert len(built(ledger, store, to).deliveries) == 1
    assert waits(ledger, to) == []


def test_a_partys_own_gate_names_what_is_missing(ledger, store):
    fill(ledger, replace(EBOOK, work=replace(EBOOK.work, texts=EBOOK.work.texts[:1])))
    cover(ledger, store)
    assert built(ledger, store, party()).deliveries == []
    with ledger.read() as session:
        row = session.scalar(select(PackageRow))
    assert row.reasons[0]["message"] == "Main description is present: There is no main description"


def test_an_unknown_check_in_a_gate_is_refused(ledger, store):
    with pytest.raises(ConfigurationError, match="'cover'"):
        built(ledger, store, party(gate=["cover"]))


@pytest.mark.parametrize("where", ["consonance", "9791220200370", "10"])
def test_nothing_leaves_before_the_embargo_is_over(ledger, store, where):
    opens = TODAY + timedelta(days=2)
    product = replace(EBOOK, embargo_date=opens) if where == "consonance" else EBOOK
    embargoed = HOUSE if where == "consonance" else HOUSE.model_copy(update={"embargoes": {where: opens}})
    fill(ledger, product)
    cover(ledger, store)
    assert built(ledger, store, party(), house=embargoed, now=NOW + timedelta(days=1)).deliveries == []
    assert waits(ledger, party()) == ["embargo"]
    assert len(built(ledger, store, party(), house=embargoed, now=NOW + timedelta(days=2)).deliveries) == 1


def test_an_embargo_that_comes_in_time_stops_a_pack_that_was_built(ledger, store):
    fill(ledger, EBOOK)
    cover(ledger, store)
    (delivery,) = built(ledger, store, party()).deliveries
    embargoed = HOUSE.model_copy(update={"embargoes": {EBOOK.isbn: TODAY + timedelta(days=30)}})
    assert built(ledger, store, party(), house=embargoed).deliveries == []
    with ledger.read() as session:
        assert deliveries.get(session, delivery).state == "withdrawn"


def test_an_embargo_that_comes_after_the_build_holds_at_the_door(ledger, store):
    fill(ledger, EBOOK)
    cover(ledger, store)
    (delivery,) = built(ledger, store, party()).deliveries
    leaving.refuse(ledger, party(), HOUSE, delivery, now=NOW)
    fill(ledger, replace(EBOOK, embargo_date=TODAY + timedelta(days=1)))
    with pytest.raises(Stopped, match="may leave before"):
        leaving.refuse(ledger, party(), HOUSE, delivery, now=NOW)
    with ledger.read() as session:
        assert deliveries.get(session, delivery).state == "withdrawn"


def test_what_has_left_is_not_sent_again_under_embargo_or_when_given_up(ledger, store):
    fill(ledger, EBOOK)
    cover(ledger, store)
    (delivery,) = built(ledger, store, party()).deliveries
    deliver(ledger)
    for change in ({"embargo_date": TODAY + timedelta(days=1)}, {"publishing_status": "01"}):
        fill(ledger, replace(EBOOK, **change))
        leaving.refuse(ledger, party(), HOUSE, delivery, now=NOW)  # a retry of the run that sent it
        with pytest.raises(Stopped):
            leaving.refuse(ledger, party(), HOUSE, delivery, now=NOW, again=True)
    with ledger.read() as session:
        assert deliveries.get(session, delivery).state == "delivered"


@pytest.mark.parametrize(("published", "goes"), [(60, False), (20, True)])
def test_what_is_under_embargo_does_not_leave_in_another_editions_pack(ledger, store, published, goes):
    """Unless that edition is out before."""
    opens = TODAY + timedelta(days=50)
    book = in_days(HARDBACK, 60, embargo_date=opens, work=EBOOK.work)
    fill(ledger, in_days(EBOOK, published), book)
    cover(ledger, store)
    outcome = built(ledger, store, party(products={"forms": ["E"]}))
    assert (len(outcome.deliveries), outcome.waiting) == ((1, 0) if goes else (0, 1))


@pytest.mark.parametrize("change", [{"publishing_status": "01"}, {"publication_date": TODAY + timedelta(days=400)}])
def test_a_pack_that_has_not_left_is_stopped_when_its_time_is_over(ledger, store, change):
    fill(ledger, EBOOK)
    cover(ledger, store)
    (delivery,) = built(ledger, store, party()).deliveries
    fill(ledger, replace(EBOOK, **change))
    assert built(ledger, store, party()).deliveries == []
    with ledger.read() as session:
        assert deliveries.get(session, delivery).state == "withdrawn"
    fill(ledger, EBOOK)
    assert built(ledger, store, party()).deliveries == [delivery]


@pytest.mark.parametrize("zipped", [False, True])
def test_packs_in_one_folder_do_not_share_a_manifest(ledger, store, zipped):
    other = replace(EBOOK, id=EBOOK.id + 1, isbn="9791220200387", full_title="Another")
    fill(ledger, EBOOK, other)
    cover(ledger, store)
    to = party(folder="", zipped=zipped)
    to = to.model_copy(update={"transport": to.transport.model_validate(to.transport.model_dump() | {"commit": {"rule": "manifest_last"}})})
    outcome = built(ledger, store, to)
    with ledger.read() as session:
        paths = [f"{file.folder}/{file.name}" for id in outcome.deliveries for file in deliveries.get(session, id).files]
    assert len(outcome.deliveries) == 2
    assert len(set(paths)) == len(paths)


@pytest.mark.parametrize(("days", "goes"), [(91, False), (90, True), (1, True), (-30, True), (-31, False)])
def test_a_pack_has_its_time(ledger, store, days, goes):
    fill(ledger, in_days(EBOOK, days, publishing_status="02" if days > 0 else "04"))
    cover(ledger, store)
    assert bool(built(ledger, store, party()).deliveries) is goes


def test_a_title_that_waited_and_moved_away_waits_no_more(ledger, store):
    fill(ledger, EBOOK)
    built(ledger, store, party())
    assert waits(ledger, party()) == ["no-cover"]
    fill(ledger, in_days(EBOOK, 400))
    built(ledger, store, party())
    assert waits(ledger, party()) == []


@pytest.mark.parametrize(("isbns", "code"), [(("",), "no-isbn"), ((EBOOK.isbn, EBOOK.isbn), "isbn-twice")])
def test_a_title_without_an_isbn_of_its_own_has_no_pack(ledger, store, isbns, code):
    fill(ledger, *(replace(EBOOK, id=number, isbn=isbn) for number, isbn in enumerate(isbns, start=1)))
    cover(ledger, store)
    assert built(ledger, store, party()).deliveries == []
    assert set(waits(ledger, party())) == {code}


# --- what is in it


def test_a_pack_holds_cover_copy_biographies_and_promotional_files(ledger, store):
    fill(ledger, EBOOK)
    cover(ledger, store)
    put(ledger, store, "promotional", b"poster", name="Poster A2 – final!.PDF")
    put(ledger, store, "promotional", b"poster two", name="Poster a2 final.pdf", part="two")
    put(ledger, store, "promotional", b"unapproved", name="draft.pdf", part="three", approve=False)
    put(ledger, store, "promotional", b"secret", name="secret.pdf", part="four", restricted="rights")
    put(ledger, store, "promotional", b"other", name="other.pdf", part="five", product_id=999)
    files = pack(ledger, store, built(ledger, store, party()))
    isbn = EBOOK.isbn
    texts = {f"{isbn}_{what}.{kind}" for what in ("copy", "biographies") for kind in ("txt", "html", "json")}
    posters = {name for name in files if "poster" in name}
    assert files.keys() == {f"{isbn}_cover.jpg", *texts, *posters, "manifest.json", "SHA256SUMS"}
    assert sorted(files[name] for name in posters) == [b"poster", b"poster two"]
    assert files[f"{isbn}_cover.jpg"][:3] == b"\xff\xd8\xff"
    told = json.loads(files[f"{isbn}_copy.json"])
    assert [one["text"] for one in told["texts"]] == ["A short one.", "A long one."]
    assert "<em>long</em>" in files[f"{isbn}_copy.html"].decode()
    assert "Ana Lima lives by the sea." in files[f"{isbn}_biographies.txt"].decode()


def test_a_party_gets_what_it_takes_of_the_one_set(ledger, store):
    fill(ledger, EBOOK)
    cover(ledger, store)
    assert pack(ledger, store, built(ledger, store, party(contents=["cover"]))).keys() == {
        f"{EBOOK.isbn}_cover.jpg",
        "manifest.json",
        "SHA256SUMS",
    }


def test_the_cover_is_the_editions_own_and_never_a_whole_jacket(ledger, store):
    fill(ledger, EBOOK)
    works = cover(ledger, store)
    cover(ledger, store, "blue", part="jacket", facts={"pixels": [3000, 1200]})
    put(ledger, store, "jacket", b"%PDF-", name="jacket.pdf", part="print", media_type="application/pdf")
    put(ledger, store, "artwork", picture("black"), name="map.jpg", part="map 1", media_type="image/jpeg")
    with ledger.read() as session:
        from include.ledger.title_files import files_of

        assert chosen_cover(EBOOK, files_of(session, 10, current=True)).id == works
    own = cover(ledger, store, "green", product_id=EBOOK.id)
    with ledger.read() as session:
        assert chosen_cover(EBOOK, files_of(session, 10, current=True)).id == own


def test_texts_that_are_not_for_everybody_or_not_for_today_stay(store):
    texts = (
        Text("03", "Public."), Text("03", "For us.", audiences=("01",)), Text("03", "Later.", starts=date(2027, 1, 1)),
        Text("03", "Over.", ends=date(2026, 1, 1)), Text("06", "Superb.", source="The Echo"),
    )  # fmt: skip
    product = replace(EBOOK, work=replace(EBOOK.work, texts=texts, contributors=()))
    made = assemble(product, [], store, TODAY, lambda identity: None)
    copy = json.loads(store.open(made.items["copy"][2].sha256).read())
    assert [one["text"] for one in copy["texts"]] == ["Public.", "Superb."]
    assert "Superb. (The Echo)" in store.open(made.items["copy"][0].sha256).read().decode()
    assert made.lacking.keys() == {"cover", "biography"}


def test_hostile_words_become_no_markup(store):
    nasty = Text("03", "<script>alert(1)</script><p onclick=x>Fine</p>", html=True)
    product = replace(
        EBOOK, full_title="<img src=x> " + "y" * 10_000,
        work=replace(EBOOK.work, texts=(nasty,), contributors=(Contributor(1, "A01", person_name="<b>", biography="Wrote <i>it</i>"),)),
    )  # fmt: skip
    made = assemble(product, [], store, TODAY, lambda identity: None)
    for item in (*made.items["copy"], *made.items["biography"]):
        content = store.open(item.sha256).read().decode()
        if item.name.endswith(".html"):
            assert "<script" not in content
            assert "onclick" not in content
            assert "<img" not in content
    assert len({item.name for some in made.items.values() for item in some}) == 6


def test_a_broken_approved_cover_waits_and_says_so(ledger, store):
    fill(ledger, EBOOK)
    put(ledger, store, "jacket", b"\xff\xd8\xff broken", name="cover.jpg", part="cover", media_type="image/jpeg")
    assert built(ledger, store, party()).deliveries == []
    assert waits(ledger, party()) == ["no-cover"]


# --- what changes


def test_a_second_run_builds_nothing_new(ledger, store):
    fill(ledger, EBOOK)
    cover(ledger, store)
    first = built(ledger, store, party())
    assert built(ledger, store, party()).deliveries == first.deliveries
    deliver(ledger)
    assert built(ledger, store, party()).deliveries == []
    assert built(ledger, store, party(), now=NOW + timedelta(days=5)).deliveries == []


def test_a_changed_cover_goes_to_every_party_that_has_a_pack_however_long_ago(ledger, store):
    fill(ledger, EBOOK)
    old = cover(ledger, store)
    parties = [party("bookbarn"), party("salesroom"), party("late", days_before=30)]
    for to in parties:
        built(ledger, store, to)
    deliver(ledger)
    cover(ledger, store, "blue", revision="2", rank=20000)
    year = NOW + timedelta(days=400)
    fill(ledger, replace(EBOOK, publishing_status="04"))
    revisions = []
    for to in parties:
        outcome = built(ledger, store, to, now=year)
        if outcome.deliveries:
            told = json.loads(pack(ledger, store, outcome)["manifest.json"])
            revisions.append((to.id, told["package"]["revision"], told["replaces"]["revision"]))
    assert revisions == [("bookbarn", 2, 1), ("salesroom", 2, 1)]
    assert old


def test_nothing_is_made_again_while_nothing_changes_but_the_day_of_a_text_counts(ledger, store, monkeypatch):
    later = Text("03", "At last.", starts=TODAY + timedelta(days=3))
    fill(ledger, replace(EBOOK, work=replace(EBOOK.work, texts=(*EBOOK.work.texts, later))))
    cover(ledger, store)
    built(ledger, store, party())
    deliver(ledger)
    made = []
    monkeypatch.setattr("include.packages.launch.assemble", lambda *given: made.append(given) or assemble(*given))
    assert built(ledger, store, party()).deliveries == []
    assert built(ledger, store, party(), now=NOW + timedelta(days=2)).deliveries == []
    assert made == []
    fill(ledger, replace(EBOOK, duration_minutes=7, work=replace(EBOOK.work, texts=(*EBOOK.work.texts, later))))  # not in a pack
    for _ in range(2):
        assert built(ledger, store, party()).deliveries == []
    assert len(made) == 1
    assert len(built(ledger, store, party(), now=NOW + timedelta(days=3)).deliveries) == 1
    assert len(made) == 2


def test_what_vanishes_from_the_set_is_named(ledger, store):
    fill(ledger, EBOOK)
    cover(ledger, store)
    poster = put(ledger, store, "promotional", b"poster", name="poster.pdf")
    built(ledger, store, party())
    deliver(ledger)
    with ledger.session() as session:
        remove(session, poster, now=NOW, who="pat", note="rights ran out")
    told = json.loads(pack(ledger, store, built(ledger, store, party()))["manifest.json"])
    assert told["withdrawn"] == [f"{EBOOK.isbn}_poster.pdf"]


def test_a_party_that_wants_zips_gets_one_file(ledger, store):
    fill(ledger, EBOOK)
    cover(ledger, store)
    to = party(zipped=True, folder="")
    outcome = built(ledger, store, to)
    with ledger.read() as session:
        (file,) = deliveries.get(session, outcome.deliveries[0]).files
    assert (file.folder, file.name) == ("/launch", f"launch_{EBOOK.isbn}_r1.zip")


def test_one_broken_title_stops_no_other(ledger, store, monkeypatch):
    fill(ledger, EBOOK, replace(EBOOK, id=7, isbn="9780306406157", full_title="Other"))
    cover(ledger, store)
    put(ledger, store, "promotional", b"a", name="x" * 250 + ".pdf", product_id=7)
    outcome = built(ledger, store, party())
    assert len(outcome.deliveries) == 2
    with pytest.raises(ConfigurationError, match=r"launch\.folder"):
        built(ledger, store, party(folder="{nothing}"))
