"""Where a title and the terms of its image do not fit."""

from __future__ import annotations

from datetime import date

import pytest

from include.partners.licensing import Campaign
from tests.licences.library import Library

ONE = (1, 0, "cover")


def test_for_sale_where_the_image_may_not_be_used(library: Library) -> None:
    library.title(1, {"sold_worldwide": None, "sold_in": ("GB", "IE", "US", "CA")})
    library.licence(ONE, territories=["GB", "IE"])
    library.check()
    (flag,) = library.flags()
    assert (flag.cause, flag.subject, flag.product_id, flag.team) == ("territory", "product 10 in CA US", 10, "rights")
    assert "is for sale in Canada, United States, where the image may not be used" in flag.message
    assert "its licence is for Ireland, United Kingdom" in flag.message or "its licence is for United Kingdom, Ireland" in flag.message


def test_a_new_market_is_a_flag_of_its_own_and_the_old_one_goes(library: Library) -> None:
    library.title(1, {"sold_worldwide": None, "sold_in": ("GB", "US")})
    library.licence(ONE, territories=["GB"])
    library.check()
    library.move(10, sold_worldwide=None, sold_in=("GB", "US", "AU"))
    assert library.check() == {"raised": 1, "gone": 1}
    assert [one.subject for one in library.flags()] == ["product 10 in AU US"]


def test_sold_worldwide_but_for_some_countries(library: Library) -> None:
    library.title(1, {"sold_worldwide": True, "not_sold_in": ("US",)})
    library.licence(ONE, territories=["GB"])
    library.check()
    (flag,) = library.flags()
    assert "more countries" in flag.message
    assert len(flag.subject) <= 160


def test_sold_only_where_it_may_be_used_is_no_conflict(library: Library) -> None:
    library.title(1, {"sold_worldwide": None, "sold_in": ("GB",), "not_sold_in": ("GB",)}, {"sold_worldwide": None, "sold_in": ("IE",)})
    library.licence(ONE, territories=["IE"])
    assert library.check() == {}


def test_unknown_sales_rights_are_told_where_territories_are_limited(library: Library) -> None:
    library.title(1, {"sold_worldwide": None})
    library.licence(ONE, asset="1", territories=["GB"])
    library.licence(ONE, asset="2")
    library.check()
    (flag,) = library.flags()
    assert "Consonance does not say where" in flag.message


@pytest.mark.parametrize("field", ["ends", "territories", "print_run", "formats", "editorial_only"])
def test_what_nobody_has_told_is_a_matter_of_its_own_and_never_a_pass(library: Library, field: str) -> None:
    library.title(1)
    licence = library.licence(ONE, **{field: None})
    library.check()
    (flag,) = library.flags()
    assert (flag.cause, flag.threshold) == ("terms", -1)
    assert "unknown" in flag.message
    library.say(licence, **{field: {"ends": "perpetual", "editorial_only": False}.get(field, "unlimited")})
    assert library.check() == {"gone": 1}


def test_another_edition_of_the_work_needs_a_licence_of_its_own(library: Library) -> None:
    library.title(1, {})
    library.licence((1, 10, "cover"), new_editions="needs a licence")
    assert library.check() == {}
    library.title(1, {}, {"form": "ED", "format": "ePub"})
    library.check()
    (flag,) = library.flags()
    assert (flag.cause, flag.product_id, flag.subject) == ("edition", 11, "product 11")
    assert "new editions need a licence of their own" in flag.message


def test_nobody_having_said_whether_editions_may_keep_it_is_told_when_one_appears(library: Library) -> None:
    library.title(1, {}, {"form": "BB"})
    library.licence((1, 10, "cover"), new_editions=None)
    library.check()
    assert "nobody has said whether other editions may have it" in library.flags()[0].message


def test_an_edition_that_a_second_licence_of_the_image_serves_is_covered(library: Library) -> None:
    library.title(1, {}, {"form": "BB"})
    library.licence((1, 10, "cover"), asset="77", new_editions="needs a licence")
    library.licence((1, 11, "cover"), asset="77", new_editions="needs a licence")
    assert library.check() == {}


def test_of_a_licence_for_the_whole_work_only_later_editions_are_new(library: Library) -> None:
    library.title(1, {}, {"form": "BB"})
    library.licence(ONE, new_editions="needs a licence")
    assert library.check() == {}
    library.later(10)
    library.title(1, {}, {"form": "BB"}, {"form": "AJ"})
    library.check()
    assert [(one.cause, one.product_id) for one in library.flags()] == [("edition", 12)]


def test_allowed_editions_are_no_matter(library: Library) -> None:
    library.title(1, {}, {"form": "ED"})
    library.licence((1, 10, "cover"))
    assert library.check() == {}


def test_a_format_that_is_not_licensed(library: Library) -> None:
    library.title(1, {}, {"form": "ED"}, {"form": "AJ"}, {"form": "VA"})
    library.licence(ONE, formats=["print", "web"])
    library.check()
    assert [one.subject for one in library.flags()] == ["product 11 ebook", "product 12 audio"]


def test_more_copies_than_may_be_printed_counted_over_all_runs(library: Library) -> None:
    library.title(1)
    library.licence(ONE, print_run=5000)
    library.runs[1] = [
        {"id": 1, "name": "First printing", "deliveryDate": "2026-03-01", "quantities": [{"quantity": 3000}]},
        {"id": 2, "name": "Second printing", "deliveryDate": "2027-03-01", "quantities": [{"quantity": 1500}, {"quantity": 1500}]},
    ]
    library.check()
    (flag,) = library.flags()
    assert (flag.cause, flag.team, flag.due_on) == ("print-run", "production", "2027-03-01")
    assert "6,000 copies are printed, and the licence is for 5,000" in flag.message


def test_a_run_whose_quantity_is_not_told_is_no_pass(library: Library) -> None:
    library.title(1)
    library.licence(ONE, print_run=5000)
    library.runs[1] = [{"id": 2, "name": "Second printing", "deliveryDate": "2026-12-20"}]
    library.check()
    assert library.open() == [("print-run", 30)]
    assert "does not tell how many" in library.flags()[0].message


def test_a_campaign_abroad_and_on_the_web_of_an_image_for_print_at_home(library: Library) -> None:
    library.campaigns = (
        Campaign(id="us", name="US tour", starts=date(2027, 1, 1), ends=date(2027, 2, 1), territories=("US",), formats=("web",)),
        Campaign(id="old", name="Over", starts=date(2025, 1, 1), ends=date(2025, 2, 1), territories=("US",)),
    )
    library.licence(campaign="us", territories=["GB"], formats=["print", "promotion"])
    library.licence(campaign="old", territories=["GB"])
    library.check()
    assert [(one.cause, one.subject) for one in library.flags()] == [("territory", "campaign us in US"), ("format", "campaign us web")]


def test_an_editorial_image_on_a_cover_blocks(library: Library) -> None:
    library.title(1)
    library.licence(ONE, asset="1", editorial_only=True)
    library.licence((1, 0, "interior"), asset="2", editorial_only=True)
    library.check()
    (flag,) = library.flags()
    assert (flag.cause, flag.blocking, flag.work_id) == ("editorial", True, 1)


def test_a_use_that_is_not_licensed(library: Library) -> None:
    library.title(1)
    library.licence(ONE, use=["interior"])
    library.check()
    assert library.flags()[0].message == "It may be used for interior only, and is used as cover."


def test_a_withdrawn_image_has_one_flag_and_nothing_else(library: Library) -> None:
    library.title(1, {}, {"form": "ED"})
    licence = library.licence((1, 10, "cover"), territories=["GB"], new_editions="needs a licence", ends="2026-12-01")
    library.withdraw(licence)
    library.check()
    (flag,) = library.flags()
    assert (flag.cause, flag.blocking, flag.due_on) == ("withdrawn", True, "2026-11-21")
