from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from include.errors import ConfigurationError
from include.ledger import deliveries
from include.ledger.database import Ledger
from include.ledger.file_rows import ContractRow, PackageRow, PreflightRow
from include.ledger.title_files import NewTitleFile, attach, review
from include.packages import releases
from include.partners.model import Party
from include.readiness.refresh import refresh
from include.store import ArtefactStore
from tests.packages.test_launch import deliver
from tests.readiness.titles import ELECTRONIC, HARDBACK, NOW, SPOKEN, TODAY, fill, house, in_days
from tests.schema import upgraded

HOUSE = house()
BOOK, EBOOK, AUDIO = (in_days(product, 40) for product in (HARDBACK, ELECTRONIC, SPOKEN))
DAY = TODAY + timedelta(days=40)


def party(**wish) -> Party:
    return Party.model_validate({
        "id": "salesroom",
        "name": "Salesroom",
        "transport": {"protocol": "ftp", "connection": "partner_salesroom", "folder": "/packs"},
        "releases": {"folder": "/releases/{date:%Y-%m-%d}_{work}", **wish},
    })


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    ledger = Ledger(str(tmp_path / "ledger.sqlite"))
    upgraded(ledger)
    return ledger


@pytest.fixture
def store(tmp_path: Path) -> ArtefactStore:
    return ArtefactStore(str(tmp_path / "store"))


def built(ledger, store, to: Party | None = None, now=NOW) -> releases.Outcome:
    refresh(ledger, HOUSE, now)
    return releases.build_all(ledger, store, to or party(), HOUSE, now)


def files(ledger, store, outcome) -> dict[str, bytes]:
    (delivery,) = outcome.deliveries
    with ledger.read() as session:
        return {file.name: store.open(file.sha256).read() for file in deliveries.get(session, delivery).files}


def put(ledger, kind: str, **more) -> None:
    values = {"work_id": 10, "name": f"{kind}.pdf", "bytes": 3, "sha256": kind[0] * 64, "review": ("production",), **more}
    with ledger.session() as session:
        row = attach(session, NewTitleFile(kind=kind, **values), now=NOW).row
        review(session, row.id, "production", "approved", now=NOW, who="pat")


def test_formats_of_one_work_and_day_make_one_package(ledger, store):
    fill(ledger, BOOK, EBOOK, in_days(AUDIO, 60))
    outcome = built(ledger, store)
    assert (outcome.releases, len(outcome.deliveries)) == (2, 2)
    with ledger.read() as session:
        subjects = list(session.scalars(select(PackageRow.subject).order_by(PackageRow.id)))
        told = [
            json.loads(store.open(next(f.sha256 for f in row.files if f.name == "release.json")).read())
            for row in session.scalars(select(PackageRow))
        ]
    assert subjects == [f"10 {DAY}", f"10 {TODAY + timedelta(days=60)}"]
    assert [len(one["formats"]) for one in told] == [2, 1]
    assert [len(one["other_formats"]) for one in told] == [1, 2]


def test_a_package_shows_which_format_is_late_and_why(ledger, store):
    fill(ledger, BOOK, EBOOK, AUDIO)
    put(ledger, "ebook")
    with ledger.session() as session:
        session.add(
            PreflightRow(sha256="e" * 64, expectation="x", checked_at=NOW, findings=[{"severity": "fail", "message": "No language"}])
        )
    content = files(ledger, store, built(ledger, store))
    told = json.loads(content["release.json"])
    assert told["late"] == [f"{BOOK.format} ({BOOK.isbn})"]
    whys = {one["isbn"]: (one["state"], one["why"]) for one in told["formats"]}
    assert whys == {
        BOOK.isbn: ("late", "There is no typeset interior. There is no jacket or cover"),
        EBOOK.isbn: ("open", "ebook.pdf fails: No language"),
        AUDIO.isbn: ("open", "There is no chapter"),
    }
    page = content["release.html"].decode()
    assert f"{BOOK.format} is late." in page
    rows = list(csv.DictReader(io.StringIO(content["assets.csv"].decode("utf-8-sig"), newline="")))
    assert {(row["asset"], row["state"], row["preflight"]) for row in rows} >= {
        ("E-book file", "approved", "1 failing"),
        ("Audio chapters", "missing", ""),
    }


def test_dates_of_the_contract_are_told(ledger, store):
    fill(ledger, EBOOK)
    with ledger.session() as session:
        content = b'{"msDeliveryDate":"2026-12-24","deliveryDates":[{"id":4,"dateDue":"2026-12-01","deliverableType":"Index"}]}'
        session.add(ContractRow(id=3, work_id=10, digest="d", content=content, first_seen=NOW, changed_at=NOW, read_at=NOW))
    dates = [(one["date"], one["what"]) for one in json.loads(files(ledger, store, built(ledger, store))["release.json"])["dates"]]
    assert ("2026-12-24", "Contract: manuscript delivery") in dates
    assert ("2026-12-01", "Contract: Index") in dates
    assert dates == sorted(dates)


def test_nothing_new_is_built_while_nothing_changes_also_on_another_day(ledger, store):
    fill(ledger, EBOOK)
    first = built(ledger, store)
    assert built(ledger, store).deliveries == first.deliveries
    deliver(ledger)
    assert built(ledger, store).deliveries == []
    assert built(ledger, store, now=NOW + timedelta(days=1)).deliveries == []
    assert len(built(ledger, store, now=NOW + timedelta(days=20)).deliveries) == 1, "it is late by then"


def test_a_package_has_its_time_before_and_a_little_after_the_release(ledger, store):
    fill(ledger, EBOOK)
    assert built(ledger, store, party(days_before=39)).releases == 0
    assert built(ledger, store, party(days_before=40)).releases == 1
    assert built(ledger, store, now=NOW + timedelta(days=54)).releases == 1
    assert built(ledger, store, now=NOW + timedelta(days=55)).releases == 0


def test_a_release_that_moved_says_so_where_it_was(ledger, store):
    fill(ledger, EBOOK)
    built(ledger, store)
    deliver(ledger)
    fill(ledger, in_days(EBOOK, 70))
    outcome = built(ledger, store)
    assert len(outcome.deliveries) == 2
    with ledger.read() as session:
        notice = deliveries.get(session, outcome.deliveries[1])
        assert {file.folder for file in notice.files} == {f"/releases/{DAY}_10"}
        told = json.loads(store.open(next(f.sha256 for f in notice.files if f.name == "release.json")).read())
        manifest = json.loads(store.open(next(f.sha256 for f in notice.files if f.name == "manifest.json")).read())
    assert told["moved_to"] == [str(TODAY + timedelta(days=70))]
    assert f"checklist_{EBOOK.isbn}.csv" in manifest["withdrawn"]
    deliver(ledger)
    assert built(ledger, store).deliveries == []
    fill(ledger, EBOOK)  # back again
    assert len(built(ledger, store).deliveries) == 2


def test_a_party_hears_of_its_own_products_only(ledger, store):
    fill(ledger, BOOK, EBOOK)
    told = json.loads(files(ledger, store, built(ledger, store, party(products={"forms": ["E"]})))["release.json"])
    assert [one["isbn"] for one in told["formats"]] == [EBOOK.isbn]


def test_restricted_files_are_nobodys_business(ledger, store):
    fill(ledger, EBOOK)
    put(ledger, "contract", restricted="rights", name="secret-contract.pdf")
    assert not [name for name, content in files(ledger, store, built(ledger, store)).items() if b"secret-contract" in content]


def test_hostile_titles_and_shared_isbns_are_told_apart(ledger, store):
    nasty = replace(EBOOK.work, title='=1+1 <script>alert("x")</script>' + "z" * 10_000)
    fill(ledger, replace(EBOOK, work=nasty), replace(EBOOK, id=999, work=nasty, full_title="@SUM(A1)"), replace(BOOK, isbn="", work=nasty))
    content = files(ledger, store, built(ledger, store))
    assert {name for name in content if name.startswith("checklist_")} == {"checklist_101.csv", "checklist_999.csv", "checklist_100.csv"}
    assert "<script>" not in content["release.html"].decode()
    assert "z" * 400 not in content["release.html"].decode()
    for row in csv.reader(io.StringIO(content["formats.csv"].decode("utf-8-sig"), newline="")):
        assert not [cell for cell in row if cell[:1] in {"=", "@", "+"}]


def test_a_format_that_was_cancelled_is_named_and_has_no_checklist(ledger, store):
    fill(ledger, BOOK, EBOOK, AUDIO)
    built(ledger, store)
    deliver(ledger)
    fill(ledger, replace(AUDIO, publishing_status="01"))
    content = files(ledger, store, built(ledger, store))
    told = json.loads(content["release.json"])
    assert [(one["isbn"], one["status"]) for one in told["given_up"]] == [(AUDIO.isbn, "Cancelled")]
    assert "Not coming out any more" in content["release.html"].decode()
    assert f"checklist_{AUDIO.isbn}.csv" in json.loads(content["manifest.json"])["withdrawn"]


def test_a_package_that_has_not_left_is_stopped_when_its_release_moves(ledger, store):
    fill(ledger, EBOOK)
    (old,) = built(ledger, store).deliveries
    fill(ledger, in_days(ELECTRONIC, 50))
    (new,) = built(ledger, store).deliveries
    with ledger.read() as session:
        assert (deliveries.get(session, old).state, deliveries.get(session, new).state) == ("withdrawn", "prepared")


def test_titles_without_a_date_are_in_no_package_and_a_bad_mask_is_refused(ledger, store):
    fill(ledger, replace(EBOOK, publication_date=None, planned_date=None))
    assert built(ledger, store).releases == 0
    fill(ledger, EBOOK)
    for mask in ("{isbn}", "{date}_{work}_{isbn}", "{date}", "{work}"):
        with pytest.raises(ConfigurationError, match=r"releases\.folder"):
            built(ledger, store, party(folder=mask))
