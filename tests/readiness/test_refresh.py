from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from include.ledger import readiness
from include.ledger.database import Ledger
from include.ledger.file_rows import ContractRow, PreflightRow, ReadinessRow
from include.ledger.models import ProductRow
from include.ledger.readiness import Wish
from include.ledger.title_files import NewTitleFile, attach, review
from include.readiness.model import Todo
from include.readiness.refresh import refresh
from include.readiness.todos import Todos
from tests.feeds.titles import of_work
from tests.readiness.titles import ELECTRONIC, HARDBACK, NOW, SPOKEN, TODAY, fill, house, in_days
from tests.schema import upgraded

HOUSE = house()


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    ledger = Ledger(str(tmp_path / "ledger.sqlite"))
    upgraded(ledger)
    return ledger


def rows(ledger: Ledger, **wish) -> list[ReadinessRow]:
    with ledger.read() as session:
        return readiness.page(session, Wish(**wish), limit=1000)


def one(ledger: Ledger, product) -> ReadinessRow:
    with ledger.read() as session:
        return readiness.get(session, product.id)


def assessed(ledger: Ledger, **more) -> int:
    return refresh(ledger, more.pop("house", HOUSE), more.pop("now", NOW), **more).assessed


def put(ledger: Ledger, kind: str, sha: str = "a", **changes) -> int:
    values = {"work_id": 10, "kind": kind, "name": f"{kind}.pdf", "bytes": 5, "sha256": sha * 64, "review": ("production",)}
    with ledger.session() as session:
        return attach(session, NewTitleFile(**{**values, **changes}), now=NOW).row.id


def test_every_living_product_gets_a_row_and_a_second_refresh_writes_none(ledger):
    fill(ledger, HARDBACK, ELECTRONIC, SPOKEN)
    assert assessed(ledger) == 3
    found = rows(ledger)
    assert [(row.isbn, row.state, row.publication_date) for row in found] == [
        (product.isbn, "open", str(product.publication_date)) for product in (HARDBACK, ELECTRONIC, SPOKEN)
    ]
    assert assessed(ledger, now=NOW + timedelta(hours=3)) == 0
    assert {row.assessed_at for row in rows(ledger)} == {NOW}


def test_a_change_of_any_source_is_seen_and_only_there(ledger):
    fill(ledger, HARDBACK, replace(ELECTRONIC, work=replace(ELECTRONIC.work, id=11)))
    assessed(ledger)
    number = put(ledger, "interior")
    assert assessed(ledger) == 1
    with ledger.session() as session:
        review(session, number, "production", "approved", now=NOW, who="pat")
    assert assessed(ledger) == 1
    with ledger.session() as session:
        session.add(PreflightRow(sha256="a" * 64, expectation="x", checked_at=NOW, findings=[{"severity": "fail", "message": "No bleed"}]))
    assert assessed(ledger) == 1
    assert "No bleed" in next(c["message"] for c in one(ledger, HARDBACK).checks if c["code"] == "preflight-passed")
    with ledger.session() as session:
        content = b'{"pubBeforeDate":"2026-01-01"}'
        session.add(ContractRow(id=3, work_id=10, digest="d", content=content, first_seen=NOW, changed_at=NOW, read_at=NOW))
    assert assessed(ledger) == 1
    assert one(ledger, HARDBACK).late
    fill(ledger, of_work(HARDBACK, season="Autumn 2027"))
    assert assessed(ledger) == 1
    assert assessed(ledger, todos=Todos(of_works={10: [Todo("Index", TODAY, False)]})) == 1
    assert assessed(ledger) == 1
    assert assessed(ledger) == 0


def test_days_pass_and_only_titles_whose_day_has_come_are_judged_again(ledger):
    fill(ledger, in_days(HARDBACK, 200), in_days(ELECTRONIC, 50))
    assessed(ledger)
    assert assessed(ledger, now=NOW + timedelta(days=1)) == 1  # the e-book is warned of
    assert one(ledger, ELECTRONIC).risk == "low"
    assert assessed(ledger, now=NOW + timedelta(days=2)) == 0
    assert assessed(ledger, now=NOW + timedelta(days=30)) == 1
    assert (one(ledger, ELECTRONIC).state, one(ledger, HARDBACK).state) == ("late", "open")


def test_another_house_rule_judges_everything_again(ledger):
    fill(ledger, HARDBACK, ELECTRONIC)
    assessed(ledger)
    assert assessed(ledger, house=house(lead_days={"B": 201})) == 2
    assert one(ledger, HARDBACK).late


def test_deleted_and_cancelled_products_have_no_row(ledger):
    fill(ledger, HARDBACK, ELECTRONIC, replace(SPOKEN, publishing_status="01"))
    assessed(ledger)
    assert len(rows(ledger)) == 2
    with ledger.session() as session:
        session.get(ProductRow, HARDBACK.id).deleted_at = NOW
    fill(ledger, replace(ELECTRONIC, publishing_status="05"))
    assert refresh(ledger, HOUSE, NOW).forgotten == 2
    assert rows(ledger) == []


def test_hostile_titles_are_kept_as_they_are_but_for_what_no_database_takes(ledger):
    titles = ["=HYPERLINK(1)", "x" * 10_000, "a\x00b\ud800c", "שלום \u202e!", ""]
    products = [replace(HARDBACK, id=number, full_title=title) for number, title in enumerate(titles, start=1)]
    fill(ledger, *[replace(one, full_title=one.full_title.replace("\x00", "").replace("\ud800", "?")) for one in products[:2]])
    fill(ledger, *products[:2], *products[3:])
    assessed(ledger)
    assert {row.title for row in rows(ledger)} == {*titles[:2], titles[3], "The Tide Clock"}


def test_only_the_asked_works_are_refreshed(ledger):
    other = replace(ELECTRONIC, work=replace(ELECTRONIC.work, id=11))
    fill(ledger, HARDBACK, other)
    assert assessed(ledger, work_ids=[11]) == 1
    assert [row.work_id for row in rows(ledger)] == [11]
    assert assessed(ledger, work_ids=[]) == 0


def test_lists_filter_and_turn_pages_both_ways(ledger):
    products = []
    for number in range(1, 31):
        season, imprint = ("Spring 2027", "Autumn 2027")[number % 2], ("North", "South", "East")[number % 3]
        work = replace(HARDBACK.work, id=number, title=f"Book {number:02}", season=season, imprint=imprint)
        product = in_days(HARDBACK, 10 * (number // 2), id=number, work=work, full_title=work.title, isbn=f"97803064{number:05}")
        products.append(replace(product, form="ED") if number % 5 == 0 else product)
    products.append(replace(HARDBACK, id=99, publication_date=None, planned_date=None, work=replace(HARDBACK.work, id=99)))
    fill(ledger, *products)
    assessed(ledger)
    with ledger.read() as session:
        seen, after = [], None
        while page := readiness.page(session, Wish(), after=after, limit=7):
            seen += [row.product_id for row in page]
            after = readiness.key_of(page[-1])
        assert seen == [99, *range(1, 31)]
        back = readiness.page(session, Wish(), before=readiness.key_of(page_of(session, 20)), limit=7)
        assert [row.product_id for row in back] == list(range(13, 20))
        assert [row.product_id for row in readiness.rows(session, Wish(), limit=4)] == seen

        unpublished = [row.product_id for row in session.scalars(select(ReadinessRow)) if row.state != "published"]
        found, after = [], None
        while page := readiness.page(session, Wish(state="unpublished"), after=after, limit=4):
            found += [row.product_id for row in page]
            after = readiness.key_of(page[-1])
        assert found == [number for number in seen if number in unpublished]
        before_last = readiness.page(session, Wish(state="unpublished"), before=readiness.key_of(page_of(session, found[-1])), limit=3)
        assert [row.product_id for row in before_last] == found[-4:-1]

        def ids(**wish):
            return {row.product_id for row in readiness.page(session, Wish(**wish), limit=100)}

        assert ids(season="Spring 2027", imprint="North") == {6, 12, 18, 24, 30}
        assert ids(form="E") == {5, 10, 15, 20, 25, 30}
        assert ids(words="book 07") == {7}
        assert ids(words="978-0-3064-00009") == {9}
        assert ids(words="97803064") == set(range(1, 31)) | {99}
        assert ids(words="100%_") == ids(words="' OR 1=1 --") == set()
        assert ids(late=True) == {row.product_id for row in session.scalars(select(ReadinessRow)) if row.state == "late"} != set()
        assert ids(since=(TODAY + timedelta(days=100)).isoformat(), until=(TODAY + timedelta(days=110)).isoformat()) == {20, 21, 22, 23}
        assert ids(until="2026-01-01") == set()
        totals = readiness.totals(session, Wish(season="Spring 2027"))
        assert totals.all == len(ids(season="Spring 2027"))
        assert totals.late == len(ids(season="Spring 2027", late=True))
        assert (
            readiness.choices(session, "season") == ["Autumn 2027", "Spring 2027"]
            or readiness.choices(session, "season")[0] == "Spring 2027"
        )
        assert readiness.choices(session, "imprint") == ["East", "Lantern Fiction", "North", "South"]
        assert readiness.totals(session, Wish(season="nobody's")).all == 0


def page_of(session, product_id):
    return session.get(ReadinessRow, product_id)


def test_the_picture_of_a_season_adds_up_to_its_list(ledger):
    fill(ledger, *(
        in_days(product, 40 * number, id=100 * number + place, work=replace(product.work, season="Spring 2027"))
        for number in range(1, 8)
        for place, product in enumerate((HARDBACK, ELECTRONIC, SPOKEN))
    ))  # fmt: skip
    assessed(ledger)
    with ledger.read() as session:
        bars = readiness.season_picture(session, "Spring 2027")
        counted = sum(bar.ready + bar.open + bar.late + bar.published for bar in bars)
        assert counted == readiness.totals(session, Wish(season="Spring 2027")).all == 21
        assert {bar.form for bar in bars} == {"B", "E", "A"}
        assert [bar.month for bar in bars] == sorted(bar.month for bar in bars)
        assert sum(bar.late for bar in bars) == readiness.totals(session, Wish(late=True)).late > 0
        assert readiness.season_picture(session, "Autumn 1850") == []


def test_an_interrupted_refresh_goes_on_where_it_was(ledger, monkeypatch):
    monkeypatch.setattr("include.readiness.refresh.PAGE", 10)
    fill(ledger, *(replace(HARDBACK, id=number) for number in range(1, 36)))

    def stop(done):
        if done.looked_at == 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        refresh(ledger, HOUSE, NOW, on_progress=stop)
    assert len(rows(ledger)) == 20
    assert assessed(ledger, now=datetime(2026, 11, 21, 9, tzinfo=UTC)) == 15
