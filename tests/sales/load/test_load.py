"""What becomes of reports: new, the same again, restated, across periods, empty, unreadable."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import func, select

from include.errors import RejectedData
from include.ledger import sales
from include.ledger.models import EventRow
from include.ledger.sales_rows import Overlap, SalesBatchRow, SalesPartRow, SalesProductRow
from tests.sales.load.reports import LAMP, SEA, SHOP, Read, counted, expected, line, month, take, totals

TWO = [line(), line(SEA, 3, "7.5050")]


def rows(ledger, table=SalesBatchRow):
    with ledger.read() as session:
        return session.scalars(select(table).order_by(table.id)).all()


def test_a_report_is_loaded_with_exact_totals(ledger, store):
    loaded = take(ledger, store, [*TWO, line(SEA, -1, "-2.5025")])
    assert (loaded.state, loaded.overlap, loaded.rows, loaded.batch) == ("loaded", Overlap.NEW, 3, 1)
    assert totals(ledger) == {("2026-09", "GBP"): (4, 1, 0, Decimal("7.5025"))}
    told = loaded.to_json()
    assert (told["net"], told["units"], told["period"]) == ({"GBP": "7.5025"}, 3, {"from": "2026-09-01", "to": "2026-09-30"})
    products = {row.id_value: (row.rows, row.sold, row.returned, row.net) for row in rows(ledger, SalesProductRow)}
    assert products == {LAMP: (1, 1, 0, {"GBP": "2.5"}), SEA: (2, 3, 1, {"GBP": "5.0025"})}


def test_one_file_with_many_periods_and_currencies_becomes_parts(ledger, store):
    given = [line(), line(currency="USD"), month(8, units=2), month(8, currency="EUR", paid=Decimal("2.2"), paid_currency="GBP")]
    take(ledger, store, given)
    assert totals(ledger) == {
        ("2026-08", "GBP"): (3, 0, 0, Decimal("4.7")),
        ("2026-09", "GBP"): (1, 0, 0, Decimal("2.5")),
        ("2026-09", "USD"): (1, 0, 0, Decimal("2.5")),
    }
    assert {part.claim for part in rows(ledger, SalesPartRow)} == {"shop 2026-08 GBP 1", "shop 2026-09 GBP 1", "shop 2026-09 USD 1"}
    assert (rows(ledger)[0].period_from, rows(ledger)[0].period_to) == ("2026-08-01", "2026-09-30")


def test_usage_has_no_currency_and_is_no_sale(ledger, store):
    take(ledger, store, [line(units=40, net="0", currency="", model="usage"), line(units=900, net="3.1", model="page reads")])
    assert totals(ledger) == {("2026-09", ""): (0, 0, 40, Decimal(0)), ("2026-09", "GBP"): (0, 0, 900, Decimal("3.1"))}


def test_equal_lines_are_all_real(ledger, store):
    take(ledger, store, [line(), line(), line()])
    assert totals(ledger) == {("2026-09", "GBP"): (3, 0, 0, Decimal("7.5"))}
    again = take(ledger, store, [line(), line(), line(), line()], rule="difference")
    assert (again.overlap, again.parts["2026-09", "GBP"].rows) == (Overlap.DIFFERENCE, 1)
    assert totals(ledger) == {("2026-09", "GBP"): (4, 0, 0, Decimal("10"))}


@pytest.mark.parametrize("rule", ["replace", "difference", "refuse"])
@pytest.mark.parametrize(
    "again",
    [
        pytest.param(TWO, id="same"),
        pytest.param(TWO[::-1], id="another order"),
        pytest.param([one | {"row": 9, "sheet": "Sheet 2", "channel": one["channel"], "author": None} for one in TWO], id="another format"),
    ],
)
def test_the_same_lines_are_loaded_once(ledger, store, rule, again):
    first = take(ledger, store, TWO)
    before = [vars(row).copy() for row in rows(ledger, EventRow)]
    second = take(ledger, store, again, rule=rule, name="copy of september (1).xlsx")
    assert (second.overlap, second.batch, second.state) == (Overlap.RESENT, first.batch, "resent")
    assert len(rows(ledger)) == 1
    assert len(rows(ledger, EventRow)) == len(before)


def test_a_restated_month_takes_the_place_of_the_first(ledger, store):
    take(ledger, store, TWO)
    second = take(ledger, store, [line(), line(SEA, 2, "5")], rule="replace")
    assert (second.overlap, second.replaces) == (Overlap.REPLACES, (1,))
    first, last = rows(ledger)
    assert (first.state, first.replaced_by_id, last.replaces_id) == ("undone", last.id, first.id)
    assert totals(ledger) == {("2026-09", "GBP"): (3, 0, 0, Decimal("7.5"))}
    assert "batch 1" in second.choice


def test_a_restated_month_adds_its_difference(ledger, store):
    take(ledger, store, TWO)
    restated = [line(), line(SEA, 2, "5"), line(LAMP, 1, "2.25", channel="other.example")]
    second = take(ledger, store, restated, rule="difference")
    assert (second.overlap, second.parts["2026-09", "GBP"].rows) == (Overlap.DIFFERENCE, 3)
    assert second.choice == "restated: only the difference is loaded: 2 lines are new and 1 of batch 1 are taken back"
    assert counted(ledger, store) == expected(restated)
    assert totals(ledger) == {("2026-09", "GBP"): (4, 0, 0, Decimal("9.75"))}
    third = take(ledger, store, TWO, rule="difference", name="back again.csv")
    assert third.overlap is Overlap.DIFFERENCE
    assert counted(ledger, store) == expected(TWO)
    assert take(ledger, store, TWO, rule="difference").overlap is Overlap.RESENT


def test_a_restated_month_is_refused_once_and_shows_what_differs(ledger, store):
    take(ledger, store, TWO)
    second = take(ledger, store, [line(), line(SEA, 2, "5")])
    again = take(ledger, store, [line(), line(SEA, 2, "5")])
    assert (second.state, second.overlap, again.batch) == ("refused", Overlap.REFUSED, second.batch)
    assert len(rows(ledger)) == 2
    assert totals(ledger) == {("2026-09", "GBP"): (4, 0, 0, Decimal("10.005"))}
    assert second.reasons[0]["message"] == "2026-09 GBP was loaded before with other lines: batch 1"
    assert second.reasons[0]["where"] == "1 of its lines are new, 1 of the earlier ones are not in it"


def test_of_a_year_to_date_only_the_new_month_is_loaded(ledger, store):
    months = [month(7), month(8, units=2), line()]
    take(ledger, store, months[:2])
    second = take(ledger, store, months)
    assert (second.overlap, list(second.parts)) == (Overlap.DIFFERENCE, [("2026-09", "GBP")])
    assert counted(ledger, store) == expected(months)


def test_a_report_from_january_on_replaces_its_months_or_adds_what_differs(ledger, store):
    take(ledger, store, [month(7, units=2, net="5")], name="7.csv")
    take(ledger, store, [month(8, units=1, net="3")], name="8.csv")
    whole = [line(units=5, net="13", period="2026-07-01/2026-09-30", date=date(2026, 9, 30))]
    assert take(ledger, store, whole, name="ytd.csv").overlap is Overlap.REFUSED
    difference = take(ledger, store, whole, rule="difference", name="ytd.csv")
    assert difference.overlap is Overlap.DIFFERENCE
    assert sum(net for *_, net in totals(ledger).values()) == Decimal(13)
    assert counted(ledger, store) == expected(whole)


def test_a_report_of_more_takes_the_place_of_its_weeks(ledger, store):
    weeks = [f"2026-09-{first:02d}/2026-09-{first + 6:02d}" for first in (1, 8)]
    for number, week in enumerate(weeks):
        take(ledger, store, [line(period=week, net="1", date=date(2026, 9, 7 * (number + 1)))], name=week)
    replaced = take(ledger, store, [line(units=3, net="4")], rule="replace", name="month")
    assert (replaced.overlap, replaced.replaces) == (Overlap.REPLACES, (1, 2))
    assert totals(ledger) == {("2026-09", "GBP"): (3, 0, 0, Decimal(4))}


@pytest.mark.parametrize("rule", ["replace", "difference", "refuse"])
def test_a_week_inside_a_month_is_known_if_its_lines_are_and_asked_about_if_not(ledger, store, rule):
    sold = [line(date=date(2026, 9, day), transaction=f"T{day}") for day in range(1, 29)]
    take(ledger, store, sold)
    week = [one | {"period": "2026-09-08/2026-09-14"} for one in sold[7:14]]
    assert take(ledger, store, week, rule=rule, name="week").overlap is Overlap.RESENT
    other = take(ledger, store, [*week, week[0] | {"transaction": "late"}], rule=rule, name="another week")
    assert (other.overlap, other.reasons[0]["code"]) == (Overlap.REFUSED, "across")
    assert totals(ledger) == {("2026-09", "GBP"): (28, 0, 0, Decimal(70))}


def test_a_batch_with_more_than_the_new_report_is_not_undone_but_corrected(ledger, store):
    take(ledger, store, [month(8), line()])
    second = take(ledger, store, [line(units=2, net="5")], rule="replace", name="restated.csv")
    assert second.overlap is Overlap.DIFFERENCE
    assert "batch 1 has more than this report speaks of" in second.choice
    assert counted(ledger, store) == expected([month(8), line(units=2, net="5")])


def test_two_currencies_of_a_month_may_come_in_two_files(ledger, store):
    take(ledger, store, [line()], name="uk.csv")
    assert take(ledger, store, [line(currency="AUD")], name="au.csv").overlap is Overlap.NEW
    assert take(ledger, store, [line(), line(currency="AUD")], name="both.csv").overlap is Overlap.RESENT


def test_two_sources_do_not_meet_but_one_file_is_only_of_one_of_them(ledger, store):
    other = SHOP.model_copy(update={"id": "other"})
    take(ledger, store, TWO, name="one.csv")
    assert take(ledger, store, TWO, name="two.csv", source=other).overlap is Overlap.NEW
    third = SHOP.model_copy(update={"id": "third"})
    refused = take(ledger, store, TWO, name="one.csv", source=third)
    assert (refused.overlap, refused.reasons[0]["code"]) == (Overlap.REFUSED, "other-source")


def test_an_empty_report_says_that_nothing_was_sold(ledger, store):
    september = (date(2026, 9, 1), date(2026, 9, 30))
    loaded = take(ledger, store, Read([], period=september))
    assert (loaded.state, loaded.rows, loaded.period) == ("loaded", 0, ("2026-09-01", "2026-09-30"))
    assert take(ledger, store, Read([], period=september), name="again.csv").overlap is Overlap.RESENT
    assert take(ledger, store, TWO).overlap is Overlap.NEW
    assert totals(ledger) == {("2026-09", "GBP"): (4, 0, 0, Decimal("10.005"))}


def test_an_empty_report_of_a_month_that_sold_is_asked_about(ledger, store):
    take(ledger, store, TWO)
    empty = take(ledger, store, Read([], period=(date(2026, 9, 1), date(2026, 9, 30))), rule="replace", name="empty.csv")
    assert (empty.state, empty.reasons[0]["code"]) == ("refused", "empty-again")


def test_an_empty_report_of_no_known_month_is_refused_with_what_to_do(ledger, store):
    with pytest.raises(RejectedData, match="no lines and says no period"):
        take(ledger, store, [])


def test_a_report_of_rejected_rows_alone_counts_nothing(ledger, store):
    loaded = take(ledger, store, Read([], rejected=3))
    assert (loaded.state, loaded.rejected, loaded.reasons[0]["code"]) == ("refused", 3, "all-rejected")
    assert take(ledger, store, Read([], rejected=3)).batch == loaded.batch
    assert totals(ledger) == {}
    mended = take(ledger, store, TWO)
    assert (mended.overlap, mended.state) == (Overlap.NEW, "loaded")


def test_rejected_rows_are_kept_with_reasons_and_stop_nothing(ledger, store):
    loaded = take(ledger, store, Read(TWO, rejected=2))
    (batch,) = rows(ledger)
    kept = [json.loads(text) for text in store.open(batch.rejects).read().splitlines()]
    assert [(one["row"], one["code"]) for one in kept] == [(50, "no-number"), (51, "no-number")]
    assert (batch.rejected, loaded.ok, len(loaded.to_json()["rejected_rows"])) == (2, False, 2)
    assert any(reason["code"] == "rows-rejected" for reason in batch.reasons)


def test_a_dry_run_tells_the_same_and_writes_nothing(ledger, store):
    told = take(ledger, store, TWO, dry_run=True)
    assert (told.batch, told.state, told.rows) == (None, "loaded", 2)
    assert (rows(ledger), rows(ledger, EventRow)) == ([], [])
    real = take(ledger, store, TWO)
    assert real.to_json() | {"batch": None} == told.to_json()
    restated = take(ledger, store, [line()], rule="difference", dry_run=True)
    assert (restated.overlap, restated.parts["2026-09", "GBP"].rows) == (Overlap.DIFFERENCE, 1)
    assert len(rows(ledger)) == 1


def test_an_arrival_that_is_loaded_already_is_the_same_batch(ledger, store):
    first = take(ledger, store, TWO, intake_id=7)
    again = take(ledger, store, TWO, intake_id=7)
    assert (again.batch, again.overlap, again.state) == (first.batch, Overlap.NEW, "loaded")
    assert take(ledger, store, TWO, intake_id=8).overlap is Overlap.RESENT


def test_what_is_with_a_person_or_with_consonance_is_corrected_by_its_difference(ledger, store):
    take(ledger, store, TWO)
    with ledger.session() as session:
        sales.get(session, 1).state = "handed over"
    second = take(ledger, store, [line()], rule="replace", name="restated.csv")
    assert second.overlap is Overlap.DIFFERENCE
    assert "batch 1 is handed over already" in second.choice
    assert counted(ledger, store) == expected([line()])


def test_lines_of_a_title_alone_and_of_nothing_have_their_place(ledger, store):
    nameless = {"id_type": None, "id_value": None}
    fee = line(units=0, net="-1.20", model="adjustment", kind="sale", title=None, **nameless)
    long = line(title="A very long title " * 20, **nameless)
    take(ledger, store, [line(title="The Sea", **nameless), long, fee])
    found = {(row.id_type, row.id_value[:9]) for row in rows(ledger, SalesProductRow)}
    assert found == {("title", "The Sea"), ("title", "A very lo")}
    with ledger.read() as session:
        assert session.scalar(select(func.sum(SalesPartRow.rows))) == 3
