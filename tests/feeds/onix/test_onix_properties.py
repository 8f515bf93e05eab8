"""Whatever a title holds, its record is valid or it is refused with a reason."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from include.errors import RejectedData
from include.titles.model import Product
from tests.feeds.onix.cases import FLAVOURS, assert_valid, message, partner, render
from tests.feeds.onix.made_titles import products


def _valid_or_refused(product: Product, release: str, tags: str, encoding: str) -> None:
    to = partner(release, tags, encoding=encoding, subjects=("10", "12", "93", "20", "24"))
    try:
        record = render(product, to)
    except RejectedData:
        return
    assert_valid(message([record], to), to)


@pytest.mark.parametrize(("release", "tags"), FLAVOURS)
@settings(max_examples=40, deadline=None)
@given(product=products())
def test_every_title_is_valid_or_refused(release: str, tags: str, product: Product) -> None:
    _valid_or_refused(product, release, tags, "utf-8" if tags == "reference" else "iso-8859-1")


@pytest.mark.long
@pytest.mark.parametrize(("release", "tags"), FLAVOURS)
@settings(max_examples=2000, deadline=None)
@given(product=products())
def test_a_great_many_titles_are_valid_or_refused(release: str, tags: str, product: Product) -> None:
    _valid_or_refused(product, release, tags, "utf-16")
