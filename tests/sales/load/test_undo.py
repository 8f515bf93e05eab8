"""Undoing batches: as if they had never come."""

from __future__ import annotations

from decimal import Decimal

import pytest

from include.errors import RejectedData
from include.ledger import sales, workbooks
from include.ledger.sales_rows import Overlap, SalesBatchRow, WorkbookRow, WorkbookState
from include.sales import decide, payments
from include.sales.undo import undo
from include.workbooks import hand
from tests.sales.load.reports import NOW, SEA, SHOP, Read, counted, expected, line, month, take, totals

TWO = [line(), line(SEA, 3, "7.50")]
RESTATED = [line(), line(SEA, 2, "5")]


def state(ledger, batch):
    with ledger.read() as session:
        return str(sales.get(session, batch).state)


def workbook(ledger, *batches, state=WorkbookState.PREPARED):
    with ledger.session() as session:
        row = WorkbookRow(
            kind="sales", subject=f"sales {batches}", digest="d", name="sales.xlsx", sha256="0" * 64, bytes=9, rows=2, state=state,
            sources=[{"sales batch": batch} for batch in batches], prepared_at=NOW,
        )  # fmt: skip
        session.add(row)
        session.flush()
        return row.id


def test_an_undone_batch_counts_no_more_and_its_report_may_come_again(ledger, store):
    batch = take(ledger, store, TWO).batch
    undone = undo(ledger, batch, now=NOW, who="ben", note="wrong month")
    assert (undone.batch, state(ledger, batch), totals(ledger)) == (batch, "undone", {})
    assert undo(ledger, batch, now=NOW, who="ben").batch == batch
    again = take(ledger, store, TWO)
    assert (again.overlap, again.batch, again.state) == (Overlap.NEW, batch + 1, "loaded")


def test_undoing_what_replaced_another_brings_the_other_back_as_it_was(ledger, store):
    unbalanced = take(ledger, store, Read(TWO, controls=[("units", "", "9")])).batch
    before = totals(ledger)
    second = take(ledger, store, RESTATED, rule="replace", name="restated.csv").batch
    with pytest.raises(RejectedData, match=f"batch {second} took its place"):
        undo(ledger, unbalanced, now=NOW, who="ben")
    undone = undo(ledger, second, now=NOW, who="ben")
    assert (undone.restored, state(ledger, unbalanced), totals(ledger)) == ((unbalanced,), "unbalanced", before)
    assert take(ledger, store, TWO).overlap is Overlap.RESENT


def test_batches_that_count_on_each_other_go_last_first(ledger, store):
    first = take(ledger, store, TWO).batch
    second = take(ledger, store, RESTATED, rule="difference", name="restated.csv").batch
    third = take(ledger, store, [line()], rule="difference", name="third.csv").batch
    with pytest.raises(RejectedData, match=f"batches {third}, {second} counted on it"):
        undo(ledger, first, now=NOW, who="ben")
    undo(ledger, third, now=NOW, who="ben")
    assert counted(ledger, store) == expected(RESTATED)
    undo(ledger, second, now=NOW, who="ben")
    assert counted(ledger, store) == expected(TWO)
    undo(ledger, first, now=NOW, who="ben")
    assert totals(ledger) == {}


def test_another_month_stands_in_nobodys_way(ledger, store):
    first = take(ledger, store, TWO).batch
    take(ledger, store, [month(10)], name="october.csv")
    undo(ledger, first, now=NOW, who="ben")
    assert list(totals(ledger)) == [("2026-10", "GBP")]


def test_a_chain_that_was_replaced_comes_back_whole(ledger, store):
    take(ledger, store, TWO)
    take(ledger, store, RESTATED, rule="difference", name="b.csv")
    third = take(ledger, store, [line(units=9, net="9")], rule="replace", name="c.csv")
    assert third.replaces == (1, 2)
    assert undo(ledger, third.batch, now=NOW, who="ben").restored == (1, 2)
    assert counted(ledger, store) == expected(RESTATED)
    assert undo(ledger, 2, now=NOW, who="ben").restored == ()
    assert counted(ledger, store) == expected(TWO)


@pytest.mark.parametrize(("at", "in_hand"), [(WorkbookState.PREPARED, False), (WorkbookState.HANDED_OVER, True)])
def test_workbooks_of_an_undone_batch_are_withdrawn_and_who_has_one_is_named(ledger, store, at, in_hand):
    batch = take(ledger, store, TWO).batch
    number = workbook(ledger, batch, state=at)
    undone = undo(ledger, batch, now=NOW, who="ben", note="wrong month")
    assert (undone.withdrawn, undone.in_hand) == ((number,), (number,) if in_hand else ())
    with ledger.read() as session:
        assert workbooks.get(session, number).state == WorkbookState.WITHDRAWN
    assert state(ledger, batch) == "undone"


def test_what_is_in_consonance_stays_and_says_what_to_do(ledger, store):
    batch = take(ledger, store, TWO).batch
    number = workbook(ledger, batch, state=WorkbookState.HANDED_OVER)
    hand.confirm(ledger, number, now=NOW, who="ben")
    with pytest.raises(RejectedData, match=f"workbook {number} is in Consonance already|in Consonance"):
        undo(ledger, batch, now=NOW, who="ben")
    assert totals(ledger) == {("2026-09", "GBP"): (4, 0, 0, Decimal(10))}
    corrected = take(ledger, store, RESTATED, rule="replace", name="restated.csv")
    assert corrected.overlap is Overlap.DIFFERENCE
    assert counted(ledger, store) == expected(RESTATED)


def test_a_rule_withdraws_the_workbook_that_nobody_has_and_leaves_one_that_somebody_has(ledger, store):
    first = take(ledger, store, TWO).batch
    number = workbook(ledger, first)
    assert take(ledger, store, RESTATED, rule="replace", name="b.csv").overlap is Overlap.REPLACES
    with ledger.read() as session:
        assert workbooks.get(session, number).state == WorkbookState.WITHDRAWN
    in_hand = workbook(ledger, 2, state=WorkbookState.HANDED_OVER)
    assert take(ledger, store, TWO, rule="replace", name="c.csv").overlap is Overlap.DIFFERENCE
    with ledger.read() as session:
        assert workbooks.get(session, in_hand).state == WorkbookState.HANDED_OVER


def test_a_refused_batch_cant_be_undone(ledger, store):
    take(ledger, store, TWO)
    refused = take(ledger, store, RESTATED, name="restated.csv").batch
    with pytest.raises(RejectedData, match="none of its lines counts"):
        undo(ledger, refused, now=NOW, who="ben")


def test_payments_are_compared_again_with_what_counts_then(ledger, store, tmp_path, monkeypatch):
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources" / "shop.toml").write_text('id = "shop"\nname = "The Shop"\nlayouts = ["shop"]\n')
    monkeypatch.setenv("COLOPHON_CONFIG", str(tmp_path))
    first = take(ledger, store, TWO).batch
    paid = payments.Entry("2026-09", "GBP", Decimal("7.50"), "BACS 1")
    assert payments.enter(ledger, SHOP, paid, now=NOW, who="ben").reasons
    second = take(ledger, store, RESTATED, rule="difference", name="restated.csv").batch
    payments.recheck(ledger, SHOP, second)
    assert state(ledger, first) == "loaded"
    undo(ledger, second, now=NOW, who="ben")
    assert state(ledger, first) == "unbalanced"


# --- a person's word on what was refused


@pytest.mark.parametrize(
    ("choice", "overlap", "counts"),
    [
        ("replace", Overlap.REPLACES, RESTATED),
        ("difference", Overlap.DIFFERENCE, RESTATED),
        ("add", Overlap.NEW, [*TWO, *RESTATED]),
    ],
)
def test_a_person_decides_about_a_refused_report_and_may_take_it_back(ledger, store, choice, overlap, counts):
    take(ledger, store, TWO)
    refused = take(ledger, store, RESTATED, name="restated.csv").batch
    row = decide.accept(ledger, store, refused, choice, now=NOW, who="ben", note="as they wrote")
    assert (row.overlap, row.state, row.decided_by) == (overlap, "approved", "ben")
    assert counted(ledger, store) == expected(counts)
    assert totals(ledger)
    assert decide.accept(ledger, store, refused, choice, now=NOW, who="cyd").decided_by == "ben"
    undo(ledger, refused, now=NOW, who="ben")
    assert counted(ledger, store) == expected(TWO)


def test_of_a_week_across_a_month_a_person_may_load_what_the_month_lacks(ledger, store):
    take(ledger, store, TWO)
    week = [line(period="2026-09-08/2026-09-14"), line(SEA, 1, "9", period="2026-09-08/2026-09-14")]
    refused = take(ledger, store, week, name="week.csv").batch
    row = decide.accept(ledger, store, refused, "difference", now=NOW, who="ben")
    assert (row.overlap, row.rows) == (Overlap.DIFFERENCE, 1)
    assert counted(ledger, store) == expected([*TWO, week[1]])


def test_a_file_of_another_source_is_loaded_where_a_person_says_so(ledger, store):
    take(ledger, store, TWO)
    refused = take(ledger, store, TWO, source=SHOP.model_copy(update={"id": "other"})).batch
    assert decide.accept(ledger, store, refused, "add", now=NOW, who="ben").overlap == Overlap.NEW
    assert counted(ledger, store) == expected([*TWO, *TWO])


def test_what_a_person_leaves_out_is_not_asked_about_again(ledger, store):
    take(ledger, store, TWO)
    refused = take(ledger, store, RESTATED, name="restated.csv").batch
    with pytest.raises(RejectedData, match="needs a note"):
        decide.leave(ledger, refused, now=NOW, who="ben", note=" ")
    left = decide.leave(ledger, refused, now=NOW, who="ben", note="their mistake")
    assert (left.state, left.decided_by) == ("refused", "ben")
    assert take(ledger, store, RESTATED, name="restated.csv").batch == refused


def test_batches_are_found_by_their_number(ledger, store):
    with ledger.read() as session:
        assert session.get(SalesBatchRow, 1) is None
    with pytest.raises(Exception, match="there is no batch 1"):
        undo(ledger, 1, now=NOW, who="ben")
