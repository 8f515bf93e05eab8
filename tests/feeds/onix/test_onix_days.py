"""What the calendar changes in a record, and what a block update is."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.errors import ConfigurationError, RejectedData
from include.feeds import renderer_for
from include.feeds.onix.days import notification
from include.titles.model import Price, Product
from tests.feeds.onix.cases import TODAY, assert_valid, house, maximal, message, minimal, partner, render, rendered, texts
from tests.feeds.onix.made_titles import products


@pytest.mark.parametrize(
    ("day", "status", "want"),
    [
        (date(2027, 9, 1), "02", "01"),
        (TODAY + timedelta(days=184), "02", "01"),
        (TODAY + timedelta(days=183), "02", "02"),
        (TODAY + timedelta(days=1), "02", "02"),
        (TODAY, "02", "03"),
        (date(2001, 1, 1), "07", "03"),
        (None, "04", "03"),
        (None, "02", "01"),
        (None, "", "01"),
    ],
)
def test_notification_type_follows_the_publication_date(day: date | None, status: str, want: str) -> None:
    assert notification(minimal(publication_date=day, publishing_status=status), TODAY) == want


def test_a_partner_that_tests_gets_test_records() -> None:
    to = partner(changes={"test": True})
    renderer = renderer_for(to, house())
    assert renderer.render(maximal(), TODAY).notification == "89"
    update = renderer.block_update(maximal(), TODAY, (6,))
    assert update.notification == "88"
    assert b"<NotificationType>88</NotificationType>" in update.body


def test_a_record_is_stable_until_the_next_day_that_changes_it() -> None:
    product = maximal(work=minimal().work)  # texts with dates of their own aside
    to = partner()
    assert render(product, to, date(2026, 1, 1)).stable_until == date(2026, 8, 30)  # 183 days before publication
    assert render(product, to, date(2026, 8, 30)).stable_until == date(2027, 3, 1)
    assert render(product, to, date(2027, 3, 1)).stable_until == date(2027, 7, 1)  # the price until 30 June is over
    assert render(product, to, date(2027, 7, 1)).stable_until is None
    assert render(maximal(), to, TODAY).stable_until == date(2027, 1, 2)  # a review may be used until 1 January


@settings(max_examples=60, deadline=None)
@given(products(), st.dates(date(2020, 1, 1), date(2030, 1, 1)), st.integers(1, 2000))
def test_nothing_changes_before_stable_until(product: Product, today: date, later: int) -> None:
    for to in (partner("3.1"), partner("2.1")):
        try:
            record = render(product, to, today)
        except RejectedData:
            return
        until = record.stable_until
        assert until is None or until > today
        end = min(until or date.max, today + timedelta(days=later + 1)) - timedelta(days=1)
        assert render(product, to, end).body == record.body
        assert render(product, to, end).stable_until == until


def test_the_digest_is_the_same_on_every_stable_day_and_new_when_the_title_changes() -> None:
    to = partner()
    record = render(maximal(), to)
    assert render(maximal(), to, TODAY + timedelta(days=1)).digest == record.digest
    assert render(maximal(pages=321), to).digest != record.digest


def test_a_change_shows_in_its_own_block_alone() -> None:
    to, title = partner("3.1"), maximal()
    before = render(title, to).blocks
    assert list(before) == ["P1", "P2", "P4", "P5", "P6"]
    changes: dict[str, Product] = {
        "P1": replace(title, pages=321),
        "P2": replace(title, work=replace(title.work, texts=title.work.texts[1:])),
        "P4": replace(title, not_sold_in=("US",)),
        "P5": replace(title, related=()),
        "P6": replace(title, prices=tuple(replace(price, amount=price.amount + 1) for price in title.prices)),
    }
    for block, changed in changes.items():
        after = render(changed, to).blocks
        assert [name for name in before if before[name] != after[name]] == [block]
    assert render(replace(title, isbn="9780306406164"), to).blocks["P1"] != before["P1"]


@pytest.mark.parametrize(("release", "tags"), [("3.0", "reference"), ("3.0", "short"), ("3.1", "reference"), ("3.1", "short")])
@pytest.mark.parametrize("blocks", [(1,), (2,), (4,), (5,), (6,), (6, 2), (1, 2, 4, 5, 6)])
def test_block_updates_are_valid(release: str, tags: str, blocks: tuple[int, ...]) -> None:
    to = partner(release, tags)
    update = renderer_for(to, house()).block_update(maximal(), TODAY, blocks)
    assert_valid(message([update], to), to)
    assert update.notification == "04"
    full = render(maximal(), to)
    assert (update.digest, update.blocks, update.stable_until) == (full.digest, full.blocks, full.stable_until)


def test_a_block_update_holds_identifiers_and_the_asked_blocks_alone() -> None:
    to = partner("3.1")
    update = renderer_for(to, house()).block_update(maximal(), TODAY, (6,))
    product = assert_valid(message([update], to), to)[1]
    names = list(dict.fromkeys(child.tag.rpartition("}")[2] for child in product))
    assert names == ["RecordReference", "NotificationType", "ProductIdentifier", "ProductSupply"]


def test_an_emptied_block_is_sent_empty_and_one_that_can_not_be_is_a_full_record() -> None:
    to = partner("3.1")
    renderer = renderer_for(to, house())
    assert b"<CollateralDetail/>" in renderer.block_update(minimal(), TODAY, (2,)).body
    assert renderer.block_update(minimal(), TODAY, (6,)) == renderer.render(minimal(), TODAY)


def test_21_has_no_block_updates() -> None:
    with pytest.raises(ConfigurationError, match=r"3\.0"):
        renderer_for(partner("2.1"), house()).block_update(minimal(), TODAY, (6,))


def test_a_cancelled_title_carries_no_publication_date() -> None:
    for status in ("01", "03"):
        roles = texts(rendered(maximal(publishing_status=status), partner()), "PublishingDetail/PublishingDate/PublishingDateRole")
        assert roles == ["02", "09", "13"]


def test_expired_prices_are_not_sent() -> None:
    old = Price(maximal().prices[0].amount, "GBP", "02", ends=TODAY - timedelta(days=1))
    product = rendered(maximal(prices=(old,)), partner())
    assert texts(product, "ProductSupply/SupplyDetail/UnpricedItemType") == ["02"]
