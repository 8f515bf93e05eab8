"""Which reports are expected, which are there, which are late; and what was paid against what was reported."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from include.errors import RejectedData
from include.ledger.sales_rows import SalesBatchRow
from include.partners.registry import load_sources
from include.partners.sources import Expected, SalesSource
from include.sales import calendar, payments
from include.sales.payments import Entry
from tests.sales import shelf
from tests.sales.shelf import NOW

TODAY = date(2026, 11, 21)


def source(**values: Any) -> SalesSource:
    rule = Expected(**{"every": "month", "due_days": 20} | values.pop("expected", {}))
    return SalesSource(**{"id": "kobo", "name": "Kobo", "layouts": ["kobo"], "expected": rule} | values)


def states(ledger: Any, one: SalesSource, today: date = TODAY) -> dict[str, str]:
    with ledger.read() as session:
        return {f"{due.period} {due.currency}".strip(): due.state for due in calendar.expected(session, [one], today)}


def test_from_the_first_loaded_month_on_each_is_there_expected_or_late(ledger):
    shelf.batch(ledger, period="2026-07")
    shelf.batch(ledger, period="2026-09")
    assert states(ledger, source()) == {"2026-07": "there", "2026-08": "late", "2026-09": "there", "2026-10": "late"}
    assert states(ledger, source(), date(2026, 11, 20))["2026-10"] == "expected"


def test_a_source_that_never_sent_anything_is_expected_from_the_month_it_says(ledger):
    assert states(ledger, source()) == {}
    assert states(ledger, source(expected={"since": "2026-09"})) == {"2026-09": "late", "2026-10": "late"}
    assert states(ledger, source(expected={"since": "2026-09", "every": ""})) == {}


def test_what_was_undone_is_not_there(ledger):
    shelf.batch(ledger, period="2026-09")
    shelf.batch(ledger, period="2026-10", state="undone")
    assert states(ledger, source())["2026-10"] == "late"


def test_what_came_and_waits_for_a_person_is_not_late(ledger):
    shelf.batch(ledger, period="2026-09")
    number = shelf.batch(ledger, period="2026-10", state="refused")
    assert states(ledger, source())["2026-10"] == "waiting"
    with ledger.session() as session:
        session.get_one(SalesBatchRow, number).decided_at = NOW  # somebody said: it stays out
    assert states(ledger, source())["2026-10"] == "late"


def test_each_currency_is_expected_by_itself_where_the_source_says_so(ledger):
    shelf.batch(ledger, period="2026-10", net={"GBP": "1.00"})
    assert states(ledger, source(expected={"currencies": ["GBP", "USD"]})) == {"2026-10 GBP": "there", "2026-10 USD": "late"}


def test_a_report_of_a_quarter_covers_its_months(ledger):
    shelf.batch(ledger, period="2026-07-01/2026-09-30")
    assert states(ledger, source()) == {"2026-07": "there", "2026-08": "there", "2026-09": "there", "2026-10": "late"}


def test_apples_fiscal_months_are_met_by_its_reports(ledger):
    shelf.batch(ledger, period="2026-08-30/2026-09-26")
    found = states(ledger, source(expected={"fiscal": "apple", "due_days": 33}))
    assert found == {"2026-08-30/2026-09-26": "there", "2026-09-27/2026-10-31": "expected"}


def test_apples_year_of_53_weeks_gives_the_odd_one_to_december():
    found = list(calendar.fiscal_months(date(2022, 9, 25), date(2023, 1, 10)))
    assert [(one.last - one.first).days + 1 for one in found] == [35, 28, 35, 35]
    assert found[-1].first == date(2023, 1, 1)
    assert next(calendar.fiscal_months(date(2026, 10, 15), date(2026, 10, 20))).first == date(2026, 9, 27)


@pytest.mark.parametrize(
    ("every", "first", "last", "number"),
    [("day", "2026-11-20", "2026-11-20", 2), ("week", "2026-11-09", "2026-11-15", 2), ("quarter", "2026-07-01", "2026-09-30", 1),
     ("half-year", "2026-01-01", "2026-06-30", 1), ("year", "2025-01-01", "2025-12-31", 1)],
)  # fmt: skip
def test_periods_of_all_lengths(ledger, every, first, last, number):
    since = {"day": "2026-11", "week": "2026-11"}.get(every, first[:7])
    with ledger.read() as session:
        due = calendar.expected(session, [source(expected={"every": every, "since": since})], TODAY)
    assert (date.fromisoformat(first), date.fromisoformat(last)) in {(one.days.first, one.days.last) for one in due}
    assert len(due) >= number


def test_only_the_newest_periods_are_shown(ledger):
    assert len(states(ledger, source(expected={"since": "2001-01"}))) == calendar.SHOWN


def test_sources_of_the_demonstration_publisher_are_whole():
    sources = load_sources()
    assert len({name for one in sources for name in one.layouts}) == len(sources) >= 14
    assert all(one.contact and one.channels and one.inbox == "sales" for one in sources)
    ids = [channel.id for one in sources for channel in one.channels]
    assert len(ids) == len(set(ids))


# --- payments


def state(ledger: Any, number: int) -> tuple[str, list[str]]:
    with ledger.read() as session:
        row = session.get_one(SalesBatchRow, number)
        return row.state, [one["code"] for one in row.reasons]


def pay(ledger: Any, amount: str, **values: Any) -> payments.Compared:
    return payments.enter(ledger, source(), Entry("2026-10", "GBP", Decimal(amount), "R-1", **values), now=NOW, who="ada")


def test_a_payment_that_agrees_leaves_the_batch_as_it_is(ledger):
    number = shelf.batch(ledger)
    compared = pay(ledger, "12.00")
    assert (compared.reported, compared.paid, compared.reasons) == (Decimal("12.00"), Decimal("12.00"), ())
    assert state(ledger, number) == ("loaded", [])


def test_a_payment_that_differs_waits_for_an_explanation(ledger):
    number = shelf.batch(ledger)
    pay(ledger, "11.40")
    assert state(ledger, number) == ("unbalanced", ["payment-differs"])
    pay(ledger, "11.40", note="five percent withheld in the United States")
    assert state(ledger, number) == ("loaded", [])
    with ledger.read() as session:
        (control,) = session.get_one(SalesBatchRow, number).controls
    assert (control["difference"], control["open"]) == ("-0.60", "0")
    assert control["explained"][0]["why"].startswith("five percent")


def test_two_batches_of_a_period_are_paid_together(ledger):
    numbers = [shelf.batch(ledger), shelf.batch(ledger, net={"GBP": "8.00", "USD": "3.00"})]
    pay(ledger, "20.00")
    assert [state(ledger, number)[0] for number in numbers] == ["loaded", "loaded"]


def test_the_same_payment_again_changes_nothing_and_another_amount_corrects_it(ledger):
    shelf.batch(ledger)
    for amount in ("12.00", "12.00", "12.50"):
        compared = pay(ledger, amount)
    assert compared.paid == Decimal("12.50")
    with ledger.read() as session:
        assert len(payments.of_source(session, "kobo")) == 1


def test_a_payment_that_came_before_its_report_is_compared_when_it_is_loaded(ledger):
    pay(ledger, "10.00")
    number = shelf.batch(ledger)
    assert [len(one.reasons) for one in payments.recheck(ledger, source(), number)] == [1]
    assert state(ledger, number)[0] == "unbalanced"


def test_what_is_with_consonance_keeps_its_state(ledger):
    number = shelf.batch(ledger, state="handed over")
    assert pay(ledger, "1.00").reasons
    assert state(ledger, number)[0] == "handed over"


@pytest.mark.parametrize(
    "wrong", [{"currency": "GPB"}, {"period": "October"}, {"reference": " "}, {"paid_on": "31/10/2026"}, {"amount": Decimal("NaN")}]
)
def test_what_is_no_payment_is_refused_with_a_sentence(ledger, wrong):
    entry = Entry(**{"period": "2026-10", "currency": "GBP", "amount": Decimal(1), "reference": "R-1"} | wrong)
    with pytest.raises(RejectedData) as refused:
        payments.enter(ledger, source(), entry, now=NOW, who="ada")
    assert refused.value.todo
