"""What a feed holds at all, and why the rest stays out."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.feeds import selection
from include.titles.model import Product
from tests.feeds.titles import PRINT, TODAY, days, of_work, partner


def excluded(product: Product, **wanted: Any) -> str:
    return selection.excluded_by(product, partner(products=wanted), TODAY)


def test_without_a_filter_every_exportable_title_is_selected() -> None:
    assert excluded(PRINT) == ""
    assert excluded(replace(PRINT, exportable=False)) == "not-exportable"


@pytest.mark.parametrize(
    ("rule", "wanted"),
    [
        ("imprint", {"imprints": ["Paper Kite"]}),
        ("form", {"forms": ["A", "ED"]}),
        ("status", {"statuses": ["02", "07"]}),
        ("market", {"markets": ["US", "CA"]}),
        ("horizon", {"horizon_months": 6}),
    ],
)
def test_a_title_is_left_out_by_the_first_rule_that_it_does_not_meet(rule: str, wanted: dict[str, Any]) -> None:
    product = replace(PRINT, sold_worldwide=False, sold_in=("GB",), publication_date=days(300))
    assert excluded(product, **wanted) == rule
    assert selection.sentence(rule, product, partner(products=wanted))


def test_a_title_that_meets_every_rule_is_selected() -> None:
    wanted = {"imprints": ["Lantern Fiction"], "forms": ["B"], "statuses": ["04"], "markets": ["GB", "DE"], "horizon_months": 1}
    assert excluded(PRINT, **wanted) == ""
    assert excluded(replace(PRINT, form="BB"), forms=["BB"]) == ""


def test_what_is_not_known_yet_leaves_nothing_out_so_that_the_rules_can_say_what_is_missing() -> None:
    bare = replace(PRINT, form="", publishing_status="", sold_worldwide=None, publication_date=None)
    assert excluded(bare, forms=["B"], statuses=["04"], markets=["GB"], horizon_months=1) == ""


def test_a_market_is_open_unless_the_title_is_not_for_sale_there() -> None:
    assert excluded(replace(PRINT, not_sold_in=("GB",)), markets=["GB"]) == "market"
    assert excluded(replace(PRINT, not_sold_in=("GB",)), markets=["GB", "IE"]) == ""
    assert excluded(replace(PRINT, sold_worldwide=False, not_sold_in=("US",)), markets=["GB"]) == "market"


def test_an_imprint_that_is_missing_is_not_one_of_those_wanted() -> None:
    assert excluded(of_work(imprint=""), imprints=["Lantern Fiction"]) == "imprint"


@pytest.mark.parametrize(
    ("published", "months", "first"),
    [
        (date(2027, 5, 31), 6, date(2026, 11, 30)),
        (date(2028, 3, 31), 1, date(2028, 2, 29)),
        (date(2027, 1, 15), 1, date(2026, 12, 15)),
        (date(2027, 1, 15), 12, date(2026, 1, 15)),
        (date(1, 1, 1), 5, date.min),
    ],
)
def test_the_horizon_is_counted_in_calendar_months(published: date, months: int, first: date) -> None:
    assert selection.enters_horizon(published, months) == first


@given(st.dates(), st.integers(1, 240))
def test_a_title_enters_the_horizon_once_and_stays(published: date, months: int) -> None:
    first = selection.enters_horizon(published, months)
    product, by = replace(PRINT, publication_date=published), partner(products={"horizon_months": months})
    assert first <= published
    assert selection.excluded_by(product, by, first) == ""
    if first > date.min:
        assert selection.excluded_by(product, by, date.fromordinal(first.toordinal() - 1)) == "horizon"
