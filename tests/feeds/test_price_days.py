"""Overlaps and gaps of dated prices, against counting the days one by one."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from include.feeds.rulebook.prices import gap, overlap, reconciles
from include.titles.model import Price

FIRST = date(2026, 1, 1)
TODAY = FIRST + timedelta(days=10)
SPAN = 30

a_day = st.none() | st.integers(0, SPAN).map(lambda number: FIRST + timedelta(days=number))
price = st.builds(lambda starts, ends: Price(Decimal(9), "GBP", "02", starts=starts, ends=ends), a_day, a_day)
CALENDAR = [FIRST + timedelta(days=number) for number in range(-5, SPAN + 5)]


def holds(price: Price, day: date) -> bool:
    return (price.starts or date.min) <= day <= (price.ends or date.max)


@given(st.lists(price, max_size=5))
def test_an_overlap_is_a_day_on_which_two_prices_hold(prices: list[Price]) -> None:
    doubled = [day for day in CALENDAR if day >= TODAY and sum(holds(price, day) for price in prices) > 1]
    found = overlap(prices, TODAY)
    assert (found is None) == (not doubled)
    if found:
        one, other, day = found
        assert day == doubled[0]
        assert holds(one, day)
        assert holds(other, day)
        assert one is not other


@given(st.lists(price, max_size=5))
def test_a_gap_is_a_run_of_days_between_two_prices_on_which_none_holds(prices: list[Price]) -> None:
    real = [price for price in prices if any(holds(price, day) for day in CALENDAR)]

    def between(day: date) -> bool:
        return any((price.ends or date.max) < day for price in real) and any((price.starts or date.min) > day for price in real)

    empty = [day for day in CALENDAR if between(day) and not any(holds(price, day) for price in real)]
    found = gap(prices, TODAY)
    lasting = [day for day in empty if day >= TODAY]
    assert (found is None) == (not lasting)
    if found:
        first, last = found
        assert last >= TODAY
        assert first in empty
        assert last in empty
        assert first - timedelta(days=1) not in empty
        assert last + timedelta(days=1) not in empty
        assert all(first + timedelta(days=number) in empty for number in range((last - first).days + 1))
        assert lasting[0] >= first


@given(st.lists(price, max_size=5), st.randoms())
def test_the_order_of_the_prices_does_not_matter(prices: list[Price], chance: object) -> None:
    mixed = prices.copy()
    chance.shuffle(mixed)  # type: ignore[attr-defined]
    assert gap(prices, TODAY) == gap(mixed, TODAY)
    assert (overlap(prices, TODAY) or (0, 0, None))[2] == (overlap(mixed, TODAY) or (0, 0, None))[2]


@given(st.decimals("0.01", "999.99", places=2), st.sampled_from(["0", "5.5", "7", "20", "25"]))
def test_a_price_and_what_the_rate_makes_of_it_reconcile(amount: Decimal, percent: str) -> None:
    cent, rate = Decimal("0.01"), Decimal(percent)
    with_tax = (amount * (1 + rate / 100)).quantize(cent, "ROUND_HALF_UP")
    assert reconciles(amount, with_tax, rate, cent)
    assert not reconciles(amount, with_tax + Decimal("0.02"), rate, cent)
