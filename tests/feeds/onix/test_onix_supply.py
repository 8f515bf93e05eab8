"""Rights, markets, availability, prices and their tax."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from include.errors import ConfigurationError, RejectedData
from include.feeds.offers import countries, countries_of_sale, market_countries, offers, price_for, sellable
from include.feeds.onix.availability import BY_STATUS, availability
from include.feeds.tax import fits_form, smallest_unit, tax_of
from include.partners.model import Market, Partner, PriceRule
from include.titles.model import Price, Product
from tests.feeds.onix.cases import TODAY, house, maximal, minimal, partner, rendered, texts, xsd_path

SUPPLY = "ProductSupply/SupplyDetail"


def _market(*places: str, prices: tuple[Mapping[str, Any], ...] = ()) -> Market:
    return Market.model_validate({"countries": places, "supplier": {"name": "S"}, "prices": prices})


def _selling(*markets: Mapping[str, Any], release: str = "3.0", **feed: Any) -> Partner:
    return partner(release, markets=[{"supplier": {"name": "S"}, **market} for market in markets], **feed)


def _sold(worldwide: bool | None, sold_in: str = "", not_sold_in: str = "", **fields: Any) -> Product:
    return minimal(sold_worldwide=worldwide, sold_in=tuple(sold_in.split()), not_sold_in=tuple(not_sold_in.split()), **fields)


@pytest.mark.parametrize(
    ("product", "market", "want"),
    [
        (_sold(True), ("WORLD",), "WORLD"),
        (_sold(True), (), "WORLD"),
        (_sold(True), ("GB", "IE"), "GB IE"),
        (_sold(True, "", "IE"), ("GB", "IE"), "GB"),
        (_sold(False, "GB FR", "FR"), ("WORLD",), "GB"),
        (_sold(False, "GB US"), ("US", "CA"), "US"),
        (_sold(False, "FR"), ("GB",), ""),
        (_sold(None), ("GB",), ""),
        (_sold(None), ("WORLD",), ""),
        (_sold(None, "", "US"), ("GB",), ""),
        (_sold(False, "GB"), ("GB-SCT", "CA-QC"), "GB-SCT"),
        (_sold(False, "DE FR GB"), ("ECZ",), "DE FR"),
    ],
)
def test_a_market_is_where_the_product_may_be_sold(product: Product, market: tuple[str, ...], want: str) -> None:
    assert market_countries(product, _market(*market)) == tuple(want.split())


def test_a_country_both_for_sale_and_not_is_not() -> None:
    assert not sellable(_sold(True, "GB", "GB"), "GB")


def test_all_countries_are_in_the_code_list_of_every_release() -> None:
    for release in ("2.1", "3.0"):
        path = xsd_path(release, "reference").rpartition("/")[0] + "/ONIX_BookProduct_CodeLists.xsd"
        found = etree.parse(path).xpath("//*[@name='List91']//@value")
        assert set(countries()) <= set(found)


def _rights(product: Product, territory: str = "countries") -> list[tuple[str, ...]]:
    publishing = rendered(product, partner(territory=territory)).find("PublishingDetail")
    assert publishing is not None
    said = [(rights[0].text or "", *(f"{place.tag}={place.text}" for place in rights[1])) for rights in publishing.findall("SalesRights")]
    return [*said, *[("rest", text) for text in texts(publishing, "ROWSalesRightsType")]]


def test_rights_worldwide() -> None:
    assert _rights(_sold(True)) == [("01", "RegionsIncluded=WORLD")]


def test_rights_in_a_few_countries_leave_the_rest_not_for_sale() -> None:
    assert _rights(_sold(False, "GB IE", "US")) == [("01", "CountriesIncluded=GB IE"), ("03", "CountriesIncluded=US"), ("rest", "03")]


def test_rights_known_only_where_not_leave_the_rest_unknown() -> None:
    assert _rights(_sold(None, "", "US")) == [("03", "CountriesIncluded=US"), ("rest", "00")]


def test_worldwide_rights_less_exceptions_as_the_partner_wants_them() -> None:
    listed = _rights(_sold(True, "", "US CA"))
    assert listed[0] == ("01", f"CountriesIncluded={' '.join(code for code in countries() if code not in {'US', 'CA'})}")
    assert listed[1:] == [("03", "CountriesIncluded=US CA"), ("rest", "01")]
    excepted = _rights(_sold(True, "", "US CA"), "world_with_exceptions")
    assert excepted == [("01", "RegionsIncluded=WORLD", "CountriesExcluded=CA US"), ("03", "CountriesIncluded=CA US")]


@settings(max_examples=30, deadline=None)
@given(st.sampled_from([True, False]), st.sets(st.sampled_from(countries())), st.sets(st.sampled_from(countries()), max_size=5))
def test_rights_say_of_every_country_what_the_title_says(worldwide: bool, sold_in: set[str], not_sold_in: set[str]) -> None:
    product = minimal(sold_worldwide=worldwide, sold_in=tuple(sorted(sold_in)), not_sold_in=tuple(sorted(not_sold_in)))
    assert set(countries_of_sale(product)) == {code for code in countries() if sellable(product, code)}
    for territory in ("countries", "world_with_exceptions"):
        said = _rights(product, territory)
        if not said:
            continue
        assert {code for code in countries() if _for_sale(code, said)} == set(countries_of_sale(product))


def _for_sale(code: str, said: list[tuple[str, ...]]) -> bool:
    rest = "03"
    for type, *places in said:
        if type == "rest":
            rest = places[0]
            continue
        parts = {name: value.split() for name, _, value in (place.partition("=") for place in places)}
        inside = code in parts.get("CountriesIncluded", []) or parts.get("RegionsIncluded") == ["WORLD"]
        if inside and code not in parts.get("CountriesExcluded", []):
            return type == "01"
    return rest == "01"


@pytest.mark.parametrize("status", ["00", *BY_STATUS])
def test_derived_availability_is_one_that_fits_the_status(status: str) -> None:
    """The pairs that the rule `availability-conflict` forbids never come of our own derivation."""
    for day in (None, TODAY - timedelta(days=400), TODAY, TODAY + timedelta(days=10)):
        found = availability(minimal(publishing_status=status, publication_date=day), TODAY)
        assert not (status == "04" and found in {"01", "10", "11", "12"})
        assert not (status in {"01", "02", "07", "08", "11"} and found in {"20", "21", "22", "23"})


def test_availability_as_given_wins_and_an_unknown_status_leaves_it_to_the_date() -> None:
    assert availability(minimal(availability="21", publishing_status="02"), TODAY) == "21"
    assert availability(minimal(publication_date=TODAY + timedelta(days=1)), TODAY) == "10"
    assert availability(minimal(publication_date=TODAY), TODAY) == "99"
    assert availability(minimal(), TODAY) == "99"


def test_every_status_and_availability_is_in_its_code_list() -> None:
    lists = etree.parse(xsd_path("3.1", "reference").rpartition("/")[0] + "/ONIX_BookProduct_CodeLists.xsd")
    known = {number: set(lists.xpath(f"//*[@name='List{number}']//@value")) for number in ("64", "65")}
    assert set(BY_STATUS) <= known["64"]
    assert set(BY_STATUS.values()) <= known["65"]


def test_not_yet_available_names_the_day() -> None:
    assert texts(rendered(maximal(), partner()), f"{SUPPLY}/SupplyDate/*") == ["08", "20270301"]
    assert not texts(rendered(maximal(publishing_status="04", publication_date=date(2020, 1, 1)), partner()), f"{SUPPLY}/SupplyDate")


@pytest.mark.parametrize(
    ("fields", "want"),
    [
        ({"publishing_status": "02"}, "02"),
        ({"publishing_status": "04"}, "04"),
        ({"publishing_status": "13"}, "03"),
        ({"publishing_status": "18"}, "05"),
        ({"publishing_status": "11", "availability": "46"}, "04"),
    ],
)
def test_a_supply_without_a_price_says_why(fields: dict[str, str], want: str) -> None:
    assert texts(rendered(maximal(prices=(), **fields), partner()), f"{SUPPLY}/UnpricedItemType") == [want]


def test_nothing_is_supplied_where_it_may_not_be_sold() -> None:
    assert rendered(maximal(sold_worldwide=False, sold_in=("FR",), not_sold_in=()), partner()).find("ProductSupply") is None


def test_prices_of_a_rule_are_those_that_fit_it_today_or_later_in_order() -> None:
    rule = PriceRule(currency="GBP", type="02")
    late = Price(Decimal(3), "GBP", "02", starts=date(2028, 1, 1))
    soon = Price(Decimal(2), "GBP", "02", ends=date(2027, 12, 31))
    over = Price(Decimal(1), "GBP", "02", ends=TODAY - timedelta(days=1))
    others = (Price(Decimal(9), "USD", "02"), Price(Decimal(9), "GBP", "01"), Price(Decimal(9), "GBP", "02", "06"))
    assert price_for(minimal(prices=(late, over, *others, soon)), rule, TODAY) == [soon, late]
    assert price_for(minimal(prices=(over,)), rule, TODAY - timedelta(days=1)) == [over]


def test_tax_is_added_and_taken_off_to_the_cent() -> None:
    sold, audio = {"sold_worldwide": True}, {"form": "AJ"}
    add = _market("GB", prices=({"currency": "GBP", "type": "02", "from_type": "01"},))
    off = _market("GB", prices=({"currency": "GBP", "type": "01", "from_type": "02"},))
    (gross,) = offers(minimal(prices=(Price(Decimal("9.99"), "GBP", "01"),), **sold, **audio), add, house(), TODAY)
    assert (gross.amount, gross.tax and gross.tax.taxable, gross.tax and gross.tax.amount) == (
        Decimal("11.99"), Decimal("9.99"), Decimal("2.00"),
    )  # fmt: skip
    (net,) = offers(minimal(prices=(Price(Decimal("11.99"), "GBP", "02"),), **sold, **audio), off, house(), TODAY)
    assert (net.amount, net.tax) == (Decimal("9.99"), None)


def test_tax_that_the_house_does_not_know_is_neither_sent_nor_added() -> None:
    price = (Price(Decimal(10), "EUR", "02"), Price(Decimal(10), "EUR", "01"))
    product = minimal(prices=price, sold_worldwide=True, form="BC")
    (as_given,) = offers(product, _market("AT", prices=({"currency": "EUR", "type": "02"},)), house(), TODAY)
    assert (as_given.amount, as_given.tax) == (Decimal("10.00"), None)
    assert offers(product, _market("AT", prices=({"currency": "EUR", "type": "02", "from_type": "01"},)), house(), TODAY) == []


def test_one_price_in_two_countries_of_different_tax_is_sent_for_each() -> None:
    market = _market("DE", "AT", "GB", prices=({"currency": "EUR", "type": "02"},))
    found = offers(minimal(prices=(Price(Decimal(10), "EUR", "02"),), sold_worldwide=True, form="BC"), market, house(), TODAY)
    assert [(offer.places, offer.tax and offer.tax.percent) for offer in found] == [(("DE",), 7), (("AT",), None), (("GB",), 0)]


@given(
    st.decimals(Decimal("0.01"), Decimal("99999.99"), places=2),
    st.sampled_from(["01", "02"]),
    st.sampled_from(["GBP", "JPY", "KWD"]),
    st.decimals(Decimal(0), Decimal(30), places=1),
)
def test_taxable_and_tax_add_up_to_the_price(amount: Decimal, type: str, currency: str, percent: Decimal) -> None:
    at_rate = house(taxes=[{"country": "GB", "forms": ["B"], "rate_code": "S", "percent": percent}])
    line = tax_of(Price(amount, currency, type), "BC", "GB", at_rate)
    assert line is not None
    unit = smallest_unit(currency)
    assert all(value == value.quantize(unit) for value in (line.taxable, line.amount))
    whole = line.gross if type == "02" else line.taxable
    assert abs(whole - amount) <= unit / 2
    assert abs(line.taxable * percent / 100 - line.amount) <= unit


def test_an_exact_form_has_its_own_rate_before_its_letter() -> None:
    rates = [{"country": "GB", "forms": ["E"], "percent": 20}, {"country": "GB", "forms": ["ED"], "percent": 0}]
    line = tax_of(Price(Decimal(12), "GBP", "02"), "ED", "GB", house(taxes=rates))
    assert line is not None
    assert line.percent == 0


def test_forms_are_meant_by_code_or_by_letter() -> None:
    assert fits_form("BC", ())
    assert fits_form("BC", ("B",))
    assert fits_form("BC", ("BB", "BC"))
    assert not fits_form("ED", ("B",))
    assert not fits_form("", ("B",))


def test_a_negative_price_is_refused_and_nothing_to_pay_is_free() -> None:
    with pytest.raises(RejectedData, match="below zero"):
        rendered(maximal(prices=(Price(Decimal("-1"), "GBP", "02"),)), partner())
    free = rendered(maximal(prices=(Price(Decimal(0), "GBP", "02"),)), partner())
    assert texts(free, f"{SUPPLY}/Price/UnpricedItemType") == ["01"]
    with pytest.raises(RejectedData, match="below zero"):
        rendered(maximal(prices=(Price(Decimal("-1"), "GBP", "02"),)), partner("2.1"))


def test_discounts_are_named_after_their_scheme() -> None:
    rule = {"currency": "GBP", "territory": ["GB"], "discount_percent": "37.50", "discount_code": "AB12"}
    own = rendered(maximal(), _selling({"countries": ["GB"], "prices": [{**rule, "discount_code_type": "Ours"}]}))
    assert texts(own, f"{SUPPLY}/Price[1]/DiscountCoded/*") == ["02", "Ours", "AB12"]
    assert texts(own, f"{SUPPLY}/Price[1]/Discount/*") == ["37.5"]
    bic = rendered(maximal(), _selling({"countries": ["GB"], "prices": [{**rule, "discount_code_type": "BIC"}]}))
    assert texts(bic, f"{SUPPLY}/Price[1]/DiscountCoded/*") == ["01", "AB12"]


def test_codes_are_sent_as_the_partner_knows_them() -> None:
    to = partner(substitutions={"150": {"BC": "BB"}, "175": {"B105": ""}, "64": {"02": "00"}, "51": {"06": "27"}})
    product = rendered(maximal(), to)
    assert texts(product, "DescriptiveDetail/ProductForm") == ["BB"]
    assert texts(product, "DescriptiveDetail/ProductFormDetail") == []
    assert texts(product, "PublishingDetail/PublishingStatus") == ["00"]
    assert texts(product, "RelatedMaterial/RelatedProduct/ProductRelationCode") == ["27", "13"]


def test_codes_that_came_after_the_partners_code_lists_are_left_out() -> None:
    ebook = maximal(form="ED", form_details=("E101",), accessibility=("02", "85", "75"))
    everything = rendered(ebook, partner())
    earlier = rendered(ebook, partner(code_list_issue=45))
    feature = "DescriptiveDetail/ProductFormFeature/ProductFormFeatureValue"
    assert texts(everything, feature) == ["02", "85", "75", "99"]
    assert texts(earlier, feature) == ["02", "99"]
    assert texts(everything, "PublishingDetail/ProductContact/ProductContactRole") == ["10", "01"]
    assert texts(earlier, "PublishingDetail/ProductContact/ProductContactRole") == ["01"]


@pytest.mark.parametrize("mask", ["{domain}", "{nothing}.{id}", "{", "{0}", "{id.x}", ""])
def test_a_mask_that_makes_no_references_is_a_mistake_in_the_partner_file(mask: str) -> None:
    with pytest.raises(ConfigurationError, match="record_reference"):
        rendered(maximal(), partner(record_reference=mask))


def test_imprints_carry_the_partners_own_codes() -> None:
    to = partner(proprietary={"imprint": {"Lantern Fiction": "LF1"}}, proprietary_type="Receiver imprints")
    assert texts(rendered(maximal(), to), "PublishingDetail/Imprint/ImprintIdentifier/*") == ["01", "Receiver imprints", "LF1"]
    to = partner("2.1", proprietary={"imprint": {"Lantern Fiction": "LF1"}})
    assert texts(rendered(maximal(), to), "Imprint/*") == ["01", "Receiver", "LF1", "Lantern Fiction"]
