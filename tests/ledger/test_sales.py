"""Batches of sales on each database: claimed once, restored, and turns that are kept."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from include.ledger import sales
from include.ledger.sales_rows import Overlap, SalesPartRow
from include.sales.undo import undo
from include.store import ArtefactStore
from tests.sales.load.reports import NOW, SEA, counted, expected, line, take

TWO = [line(), line(SEA, 3, "7.50")]
RESTATED = [line(), line(SEA, 2, "5")]


@pytest.fixture
def store(tmp_path):
    return ArtefactStore(str(tmp_path / "store"))


def test_a_batch_is_replaced_and_comes_back(ledger, store):
    take(ledger, store, TWO)
    second = take(ledger, store, RESTATED, rule="replace", name="restated.csv")
    assert second.overlap is Overlap.REPLACES
    assert counted(ledger, store) == expected(RESTATED)
    assert undo(ledger, second.batch, now=NOW, who="ben").restored == (1,)
    assert counted(ledger, store) == expected(TWO)


@pytest.mark.parametrize("rule", ["replace", "difference"])
def test_reports_that_come_at_once_come_one_after_the_other(ledger, store, rule):
    take(ledger, store, TWO)
    given = [[line(units=number, net=str(number))] for number in (5, 6, 7)]
    with ThreadPoolExecutor(3) as pool:
        done = list(pool.map(lambda lines: take(ledger, store, lines, rule=rule, name=f"{lines[0]['net']}.csv"), given))
    assert {one.overlap for one in done} == {Overlap.REPLACES if rule == "replace" else Overlap.DIFFERENCE}
    assert counted(ledger, store) in [expected(lines) for lines in given]


def test_a_week_and_its_month_at_once_count_once(ledger, store):
    """Their keys differ, so no claim would stop the second: the source's turn does."""
    month, week = [line(transaction="T1")], [line(transaction="T1", period="2026-09-28/2026-10-04")]
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda lines: take(ledger, store, lines, name=lines[0]["period"]), [month, week]))
    assert sorted(one.overlap for one in done) == [Overlap.NEW, Overlap.RESENT]


def test_no_part_is_claimed_twice(ledger, store):
    take(ledger, store, TWO)
    with ledger.read() as session:
        part = session.scalars(select(SalesPartRow)).one()
    values = {column.name: getattr(part, column.name) for column in SalesPartRow.__table__.columns if column.name != "id"}
    with ledger.session() as session:
        session.add(SalesPartRow(**values))
        with pytest.raises(IntegrityError):
            session.flush()
        session.rollback()


def test_texts_and_numbers_of_any_length_find_room(ledger, store):
    wide = line(units=2_000_000_000, net="1234567890123456789012345.0123456789", channel="c" * 400, id_value="x" * 400, title="t" * 900)
    many = [wide, wide | {"id_value": "x" * 401}]
    loaded = take(ledger, store, many, name="n" * 700)
    with ledger.read() as session:
        batch = sales.get(session, loaded.batch)
        (part,) = batch.parts
        assert (part.sold, str(part.net)) == (4_000_000_000, "2469135780246913578024690.0246913578")
        assert len({value for _, value, _, _ in sales.titles_of(session, batch.id)}) == 2
