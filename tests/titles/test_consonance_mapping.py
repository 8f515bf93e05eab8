"""From Consonance's JSON to titles."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from include.errors import RejectedData
from include.partners.model import House, Sender
from include.titles import codec, codelists, consonance, consonance_rest, forms, subjects
from include.titles.model import Price, Product, Related, Subject, Text, Work

HOUSE = House(
    sender=Sender(name="Lantern"),
    publisher="Lantern",
    domain="com.example",
    formats={"Paperback": ("BC",), "ePub": ("ED", "E101"), "Audio CD": ("AC", "A101"), "Box": ("SC",)},
    text_variants={"SHORT_DESCRIPTION": "02", "MAIN_DESCRIPTION": "03", "REVIEW_QUOTE": "06"},
    accessibility={"ePub": ("04", "81")},
)
WORK = Work(id=7, title="Tides")


def work(**fields: Any) -> Work:
    return consonance.work_from({"id": 7, "title": "Tides", **fields}, HOUSE)


def product(rest: dict[str, Any] | None = None, **fields: Any) -> Product:
    return consonance.product_from({"id": 9, "work": {"id": 7}, **fields}, WORK, HOUSE, rest)


# --- form


@pytest.mark.parametrize(
    ("listed", "format", "form", "details", "composition"),
    [
        ("BC", "Paperback", "BC", (), "00"),
        ("DG", "ePub", "ED", ("E101",), "00"),
        ("DG", "Kindle", "EA", (), "00"),
        ("DG", "", "EA", (), "00"),
        ("BA", "Paperback", "BC", (), "00"),
        ("BB", "Paperback", "BB", (), "00"),
        ("AC", "audio cd", "AC", ("A101",), "00"),
        ("", "ePub", "ED", ("E101",), "00"),
        ("_00", "Paperback", "BC", (), "00"),
        ("", "", "", (), "00"),
        ("DO", "", "LB", (), "00"),
        ("VB", "", "VJ", (), "00"),
        ("XC", "", "XC", (), "30"),
        ("XF", "", "XF", (), "20"),
        ("WW", "Box", "SC", (), "10"),
        ("WX", "Dumpbin", "WX", (), "00"),
        ("??", "Paperback", "??", (), "00"),
    ],
)
def test_the_form_in_onix_3(listed, format, form, details, composition):
    found = product(onix21ProductFormCode=listed, inHouseFormat={"name": format})
    assert (found.form, found.form_details, found.composition) == (form, details, composition)


def test_every_form_of_onix_2_has_a_place_in_onix_3():
    two = set(forms.MOVED) | {"BB", "BC", "AJ", "DA", "PC", "ZE"}
    assert {forms.form_of(code, "", HOUSE).form for code in two} <= codelists.codes(150)


# --- titles


@pytest.mark.parametrize(
    ("given", "want"),
    [
        (("The", "Sea", "The Sea"), ("The", "Sea", "The Sea")),
        (("The", "", "The Sea"), ("The", "Sea", "The Sea")),
        (("The", "The Sea", "The Sea"), ("The", "Sea", "The Sea")),
        (("", "", "A Is for Ox"), ("", "", "A Is for Ox")),
        (("", "Sea", ""), ("", "Sea", "Sea")),
        (("The", "Sea", ""), ("The", "Sea", "The Sea")),
        (("The", "", "Sea"), ("", "", "Sea")),
        (("The", "The", "The The"), ("The", "The", "The The")),
        (("", "", ""), ("", "", "")),
    ],
)
def test_prefix_and_title_complete_each_other(given, want):
    assert consonance.titles(*given) == want


# --- contributors


def contribution(sequence: int, **contributor: Any) -> dict[str, Any]:
    return {
        "id": sequence,
        "sequenceNumber": sequence,
        "onixContributorRoleCode": "A01",
        "contributor": {"__typename": "Person", **contributor},
    }


def test_contributors_stand_in_order():
    found = work(
        contributions=[contribution(3, personName="C"), contribution(1, personName="A"), contribution(2, personName="B")]
    ).contributors
    assert [(one.sequence, one.person_name) for one in found] == [(1, "A"), (2, "B"), (3, "C")]


@pytest.mark.parametrize(
    ("given", "want"),
    [
        (("Virginia Woolf", "Woolf", "Woolf, Virginia"), ("Virginia", "Woolf", "Woolf, Virginia")),
        (("Virginia Woolf", "Woolf", ""), ("Virginia", "Woolf", "Woolf, Virginia")),
        (("Virginia Woolf", "", "Woolf, Virginia"), ("Virginia", "Woolf", "Woolf, Virginia")),
        (("", "Woolf", "Woolf, Virginia"), ("Virginia", "Woolf", "Woolf, Virginia")),
        (("Voltaire", "Voltaire", ""), ("", "Voltaire", "")),
        (("Mo Yan", "Mo", ""), ("", "Mo", "")),
        (("Plato", "", ""), ("", "", "")),
    ],
)
def test_names_are_taken_apart(given, want):
    assert consonance.name_parts(*given) == want


def test_an_organisation_is_no_person():
    (one,) = work(contributions=[contribution(1, __typename="Organisation", organisationName="The Trust", name="x")]).contributors
    assert (one.corporate_name, one.person_name, one.key_names) == ("The Trust", "", "")


def test_a_wrong_isni_is_left_out_and_a_right_one_normalised():
    good, bad = work(
        contributions=[contribution(1, name="A", isni="0000 0001 2103 2683"), contribution(2, name="B", isni="0000 0001 2103 2684")]
    ).contributors
    assert (good.isni, bad.isni) == ("0000000121032683", "")


def test_translators_languages_are_bibliographic():
    row = contribution(1, name="A") | {"languagesFromCodes": ["fra", "ger"], "languagesToCodes": ["eng"]}
    (one,) = work(contributions=[row]).contributors
    assert (one.languages_from, one.languages_to) == (("fre", "ger"), ("eng",))


def test_a_contribution_without_anybody_is_dropped():
    assert work(contributions=[{"sequenceNumber": 1, "contributor": {}}, {"contributor": None}]).contributors == ()


# --- subjects


def test_one_main_subject_per_scheme():
    given = [
        {"__typename": "BISAC", "code": "FIC019000", "main": False},
        {"__typename": "BISAC", "code": "FIC000000", "main": True},
        {"__typename": "BISAC", "code": "FIC001000", "main": True},
        {"__typename": "Thema", "code": "FBA"},
        {"__typename": "Thema", "code": "1DDU"},
        {"__typename": "BIC", "code": "3JJ"},
        {"__typename": "InHouseSubject", "code": "Sea", "main": True},
    ]
    found = work(subjectCodes=given).subjects
    assert [(one.scheme, one.code, one.main) for one in found] == [
        ("10", "FIC019000", False),
        ("10", "FIC000000", True),
        ("10", "FIC001000", False),
        ("93", "FBA", True),
        ("94", "1DDU", False),
        ("15", "3JJ", False),
        ("24", "Sea", False),
    ]


def test_a_subject_stands_once():
    twice = [Subject("10", "FIC000000"), Subject("10", "FIC000000", "Fiction", main=True)]
    assert subjects.one_main_each(twice) == (Subject("10", "FIC000000", "Fiction", main=True),)


def test_plain_code_lists_serve_where_subjects_are_not_offered():
    found = work(bisacs=["FIC019000", "FIC000000"], bics=["FA"]).subjects
    assert [(one.scheme, one.code, one.main) for one in found] == [
        ("10", "FIC019000", True),
        ("10", "FIC000000", False),
        ("12", "FA", True),
    ]
    assert work(bisacs=["FIC019000"], subjectCodes=[]).subjects == ()


# --- the rest of a work


def test_series_audience_and_editions():
    found = work(
        seriesMemberships=[{"partNumber": "3", "series": {"name": "Lamps", "printIssn": "", "onlineIssn": "2049-3630"}}, {"series": None}],
        audience={"description": "Trade", "onixAudiences": [{"code": "_01", "value": "_01"}, {"code": "List 28", "value": "02"}, {}]},
        onixEditionTypeCodes=["REV", "ILL"],
        editionNumber=2,
    )
    assert [(one.title, one.part, one.issn) for one in found.collections] == [("Lamps", "3", "2049-3630")]
    assert (found.audiences, found.audience_description) == (("01", "02"), "Trade")
    assert (found.edition_types, found.edition_number) == (("REV", "ILL"), "2")


# --- product


def test_prices_are_money():
    given = {"currencyCode": "gbp", "onixPriceTypeCode": "_02", "onixPriceTypeQualifierCode": "_05"}
    amounts = [Decimal("9.99"), Decimal("10.0"), 12, Decimal("19.990000000000002"), Decimal("4.125"), Decimal("0.0"), None, "free"]
    found = product(prices=[{**given, "amount": amount} for amount in amounts]).prices
    assert [str(price.amount) for price in found] == ["9.99", "10.00", "12.00", "19.99", "4.125", "0.00"]
    assert found[0] == Price(Decimal("9.99"), "GBP", "02", "05")


def test_a_price_has_days():
    (price,) = product(prices=[{"amount": 1, "effectiveFrom": "2026-01-01", "effectiveTo": "2026-13-01"}]).prices
    assert (price.starts, price.ends) == (date(2026, 1, 1), None)


def test_a_wrong_isbn_is_kept_as_it_stands():
    assert product(isbn={"isbn13": "978-0-306-40615-7"}).isbn == "9780306406157"
    assert product(isbn={"isbn13": "9780306406158"}).isbn == "9780306406158"
    assert product(isbn=None).isbn == ""


def test_enumerations_lose_their_underscore():
    found = product(onixPublishingStatusCode="_04", onixProductAvailabilityCode="_20")
    assert (found.publishing_status, found.availability) == ("04", "20")


def test_texts_by_variant_keep_their_markup():
    found = product(
        variant_MAIN_DESCRIPTION=[{"id": 2, "externalText": "<p>Long &amp; winding</p>", "fromDate": "2026-01-01"}],
        variant_SHORT_DESCRIPTION=[
            {"id": 1, "externalText": "Short, 3 < 4 & 5", "onixContentAudienceCodes": ["_03"], "onixLanguageCode": "eng"}
        ],
        variant_REVIEW_QUOTE=[{"externalText": "Good."}, {"externalText": " "}, {"externalTextMarkdown": "*Better*"}],
        variant_UNKNOWN=[{"externalText": "not mapped"}],
    ).texts
    assert found == (
        Text("02", "Short, 3 < 4 & 5", False, ("03",), "eng"),
        Text("03", "<p>Long &amp; winding</p>", True, starts=date(2026, 1, 1)),
        Text("06", "Good."),
        Text("06", "*Better*"),
    )


def test_the_cover_is_the_first_resource_that_serves_the_product():
    resources = [
        {"id": 1, "url": "https://c/processing.jpg", "isProcessing": True},
        {"id": 2, "url": "https://c/other.jpg", "productIds": [8]},
        {"id": 3, "url": "", "productIds": [9]},
        {"id": 4, "url": "https://c/4.jpg", "productIds": [8, 9], "height": 1200, "aspectRatio": Decimal("0.65"), "fileSize": 5000},
        {"id": 5, "url": "https://c/5.jpg", "productIds": []},
    ]
    (cover,) = product(work={"id": 7, "supportingResources": resources}).resources
    assert (cover.id, cover.width, cover.height, cover.bytes, cover.content_type) == (4, 780, 1200, 5000, "01")


def test_siblings_are_alternative_formats():
    siblings = [{"id": 9, "isbn": {"isbn13": "9780306406157"}}, {"id": 10, "isbn": {"isbn13": "9780804429573"}}, {"id": 11, "isbn": None}]
    assert product(isbn={"isbn13": "9780306406157"}, work={"id": 7, "products": siblings}).related == (Related("06", "9780804429573"),)


def test_measures_and_pages():
    found = product(productHeight=Decimal("198.0"), productWidth=Decimal("129.04"), mainContentPageCount=0, approximatePageCount=320)
    assert (str(found.height_mm), str(found.width_mm), found.pages) == ("198", "129", 320)


def test_rights_are_sorted_codes():
    found = product(forSaleCountryCodes=["us", "GB", "GB "], notForSaleCountryCodes="CA, UK", isForSaleWorldwide=False)
    assert (found.sold_in, found.not_sold_in, found.sold_worldwide) == (("GB", "US"), ("CA", "UK"), False)


def test_only_an_explicit_no_stops_exports():
    assert [product(allowOnixExports=value).exportable for value in (True, False, None, "no")] == [True, False, True, True]


def test_what_holds_for_a_format_holds_for_its_products():
    assert product(inHouseFormat={"name": "ePub"}).accessibility == ("04", "81")


@pytest.mark.parametrize("id", [None, 0, -1, True, "9", 1 << 63])
def test_without_an_id_there_is_no_title(id):
    with pytest.raises(RejectedData):
        consonance.work_from({"id": id}, HOUSE)
    with pytest.raises(RejectedData):
        consonance.product_from({"id": id}, WORK, HOUSE)
    with pytest.raises(RejectedData):
        consonance.work_id_of({"id": 9, "work": {"id": id}})


def test_equal_json_gives_equal_bytes():
    """Numbers that are equal but written otherwise (10.0 and 10) make no change."""
    one = product(prices=[{"amount": Decimal("10.0")}], productHeight=Decimal("198.0"), forSaleCountryCodes=["GB", "US"])
    two = product(prices=[{"amount": 10}], productHeight=198, forSaleCountryCodes=["US", "GB"])
    assert codec.encode_product(one) == codec.encode_product(two)


# --- REST

REST = {
    "id": 9,
    "work_id": 7,
    "full_title": "The Tides",
    "isbn": "978-0-306-40615-7",
    "pub_date": "2026-03-01",
    "publishing_status": "04",
    "product_form": "DG",
    "in_house_format": "ePub",
    "out_of_print_date": "2030-01-01",
    "authorship": "by Virginia Woolf",
    "imprint": "Lantern",
    "project_stage_name": "Commissioned",
    "extents": {"main_content_page_count": 300, "number_of_words": 90000, "page_count": 320},
    "measurements": {"product_dimensions_mm": "198 x 129.5 x 21 mm"},
    "marketingtexts": [
        {"code": "13", "external_text": "Born in London."},
        {"code": "03", "external_text": "Longer."},
        {"code": "01", "external_text": "<p>Main.</p>"},
        {"code": "02", "external_text": "Short by REST."},
        {"code": "08", "external_text": "Good."},
        {"code": "05", "external_text": "Fine."},
        {"code": "25", "external_text": "For sales people only."},
    ],
    "prices": [{"currency_code": "GBP", "price_qualifier": "05", "price_amount": "9.99"}],
    "supportingresources": [
        {"style_urls": [{"style": "jpg_rgb_0050h", "url": "https://c/50"}, {"style": "jpg_rgb_0650h", "url": "https://c/650"}]}
    ],
    "subjects": [{"id": 1, "code": "FIC000000"}, {"id": 2, "code": "FIC019000"}, {"id": 3, "code": "FBA"}],
    "main_subject_id": 2,
    "all_related_products": [{"relation_code": "06", "isbn": "978-0-8044-2957-3"}, {"relation_code": "03", "isbn": "No ISBN"}],
    "rights_not_available_countries": ["US", "CA"],
}


def test_rest_fills_what_graphql_does_not_tell():
    found = product(REST, variant_SHORT_DESCRIPTION=[{"externalText": "Short by GraphQL."}], notForSaleCountryCodes=[])
    assert [(text.type, text.body) for text in found.texts] == [
        ("02", "Short by GraphQL."),
        ("03", "<p>Main.</p>"),
        ("06", "Fine."),
        ("06", "Good."),
        ("12", "Born in London."),
    ]
    assert (found.height_mm, found.width_mm, found.thickness_mm) == (Decimal(198), Decimal("129.5"), Decimal(21))
    assert (found.pages, found.words, found.out_of_print_date) == (300, 90000, date(2030, 1, 1))
    assert found.related == (Related("06", "9780804429573"),)
    assert found.not_sold_in == ("CA", "US")
    assert found.resources[0].url == "https://c/650"
    assert found.publishing_status == "", "what GraphQL says of the product is not mixed with an older interface's word"


def test_rest_replaces_nothing_that_graphql_told():
    resources = [{"id": 4, "url": "https://c/4.jpg", "height": 1200}]
    found = product(
        REST, productHeight=210, mainContentPageCount=310, notForSaleCountryCodes=["AU"], work={"id": 7, "supportingResources": resources}
    )
    assert (found.height_mm, found.pages, found.not_sold_in) == (Decimal(210), 310, ("AU",))
    assert found.resources[0].url == "https://c/4.jpg"


def test_the_house_may_want_an_image_style():
    house = HOUSE.model_copy(update={"resource_styles": ("jpg_rgb_1200h", "jpg_rgb_0050h")})
    row = {"id": 9, "work": {"id": 7, "supportingResources": [{"id": 4, "url": "https://c/4.jpg", "height": 1200}]}}
    (cover,) = consonance.product_from(row, WORK, house, REST).resources
    assert (cover.id, cover.url, cover.height) == (4, "https://c/50", 50)


def test_a_title_from_rest_alone():
    work = consonance_rest.work_from(REST, HOUSE)
    found = consonance_rest.product_from(REST, work, HOUSE)
    assert (work.id, work.contributor_statement, work.imprint, work.stage) == (7, "by Virginia Woolf", "Lantern", "Commissioned")
    assert [(one.code, one.main) for one in work.subjects] == [("FIC000000", False), ("FIC019000", True)]
    assert (found.isbn, found.form, found.form_details, found.publication_date) == ("9780306406157", "ED", ("E101",), date(2026, 3, 1))
    assert found.prices == (Price(Decimal("9.99"), "GBP", "", "05"),), "the type is not told, so no rule can use it"


@pytest.mark.parametrize("dimensions", ["", "198", "unknown", None, 7, {"height": "x"}])
def test_dimensions_that_say_nothing(dimensions):
    assert product(REST | {"measurements": {"product_dimensions_mm": dimensions}}).height_mm is None


def test_text_types_are_list_153():
    assert set(consonance_rest.TEXT_TYPES.values()) <= codelists.codes(153)
