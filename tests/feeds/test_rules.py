"""One clean title passes everywhere; each code has a title that breaks it and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from time import thread_time
from typing import Any

import pytest

from include.errors import ConfigurationError
from include.feeds import rules
from include.partners import load_partners
from include.partners.model import Partner
from include.titles.model import Contributor, Price, Product, Resource, Subject, Text
from tests.feeds.titles import AUDIO, EBOOK, HOUSE, PRINT, PROFILES, TODAY, WORK, codes, days, gbp, of_work, partner


def held(product: Product, by: Partner, duplicates: frozenset[str] = frozenset()) -> list[str]:
    return codes(rules.check(product, by, HOUSE, TODAY, duplicates))


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("product", [PRINT, EBOOK, AUDIO], ids=["print", "e-book", "audio"])
def test_a_clean_title_passes_every_profile(profile: str, product: Product) -> None:
    assert rules.check(product, partner(profile), HOUSE, TODAY) == []


def prices(*own: Price) -> Product:
    return replace(PRINT, prices=own)


def subjects(*schemes: str) -> Product:
    return of_work(subjects=tuple(subject for subject in WORK.subjects if subject.scheme in schemes))


def texts(*types: str, **changes: Any) -> Product:
    return of_work(texts=tuple(text for text in WORK.texts if text.type in types), **changes)


SPOILT: list[tuple[str, str, Product]] = [
    ("isbn-missing", "house", replace(PRINT, isbn=" ")),
    ("isbn-invalid", "house", replace(PRINT, isbn="9780306406158")),
    ("isbn-invalid", "house", replace(PRINT, isbn="978030640615")),
    ("isbn-invalid", "house", replace(PRINT, isbn="0306406152")),
    ("isbn-invalid", "house", replace(PRINT, isbn="٩٧٨٠٣٠٦٤٠٦١٥٧")),
    ("title-missing", "house", of_work(replace(PRINT, full_title="", title_prefix="", title_without_prefix=""), title=" ")),
    ("contributor-missing", "retail", of_work(contributors=())),
    ("contributor-missing", "wholesale", of_work(contributors=(Contributor(1, "A01"),))),
    ("form-missing", "house", replace(PRINT, form="")),
    ("form-unknown", "house", replace(PRINT, form="WX")),
    ("publishing-status-missing", "house", replace(PRINT, publishing_status="")),
    ("publication-date-missing", "house", replace(PRINT, publication_date=None)),
    ("status-date-conflict", "house", replace(PRINT, publishing_status="02", publication_date=days(-15))),
    ("status-date-conflict", "house", replace(PRINT, publishing_status="04", publication_date=days(15))),
    ("availability-conflict", "house", replace(PRINT, availability="10")),
    ("availability-conflict", "house", replace(PRINT, publishing_status="02", publication_date=days(90), availability="21")),
    ("availability-conflict", "house", replace(PRINT, publishing_status="07", availability="20")),
    ("availability-conflict", "house", replace(PRINT, publishing_status="11", availability="23")),
    ("price-missing", "house", prices(Price(Decimal("14.99"), "USD", "02"))),
    ("price-missing", "house", prices(gbp("9.99", type="01"))),
    ("price-missing", "house", prices(gbp("9.99", ends=-1))),
    ("price-missing", "house", prices(replace(gbp("9.99"), qualifier="06"))),
    ("price-zero", "house", prices(gbp("0.00"))),
    ("price-zero", "house", prices(gbp("-1"))),
    ("price-overlap", "house", prices(gbp("9.99"), gbp("8.99"))),
    ("price-overlap", "house", prices(gbp("9.99", ends=30), gbp("8.99", starts=30))),
    ("price-gap", "house", prices(gbp("9.99", ends=20), gbp("8.99", starts=22))),
    ("price-gap", "house", prices(gbp("9.99", ends=-40), gbp("8.99", starts=5))),
    ("tax-mismatch", "house", prices(gbp("9.99"), gbp("9.98", type="01"))),
    ("tax-mismatch", "house", replace(AUDIO, prices=(gbp("12.00"), gbp("9.99", type="01")))),
    ("rights-missing", "house", replace(PRINT, sold_worldwide=False)),
    ("rights-missing", "house", replace(PRINT, sold_worldwide=None)),
    ("rights-overlap", "house", replace(PRINT, sold_worldwide=False, sold_in=("GB", "NO"), not_sold_in=("NO",))),
    ("rights-unknown-country", "house", replace(PRINT, sold_worldwide=False, sold_in=("GB", "UK"))),
    ("rights-unknown-country", "house", replace(PRINT, not_sold_in=("ROW",))),
    ("subject-bisac-missing", "retail", subjects("93", "12", "20")),
    ("subject-bisac-invalid", "house", of_work(subjects=(*WORK.subjects, Subject("10", "FIC01900")))),
    ("subject-bisac-invalid", "house", of_work(subjects=(*WORK.subjects, Subject("10", "FIC019000 ")))),
    ("subject-thema-missing", "bibliographic", subjects("10", "12", "20")),
    ("description-missing", "retail", texts("02", "12")),
    ("description-missing", "bibliographic", of_work(texts=(Text("03", " "), *WORK.texts[:1]))),
    ("short-description-missing", "wholesale", texts("03", "12")),
    ("short-description-long", "house", of_work(texts=(Text("02", "x" * 351),))),
    ("biography-missing", "library", texts("02", "03", contributors=(replace(WORK.contributors[0], biography=""),))),
    ("pages-missing", "wholesale", replace(PRINT, pages=None)),
    ("pages-missing", "bibliographic", replace(PRINT, pages=0)),
    ("duration-missing", "bibliographic", replace(AUDIO, duration_minutes=None)),
    ("measures-missing", "bibliographic", replace(PRINT, width_mm=None)),
    ("cover-missing", "library", of_work(resources=())),
    ("cover-missing", "retail", of_work(resources=(Resource(1, "https://example.com/back.jpg", content_type="02"),))),
    ("cover-small", "retail", of_work(resources=(Resource(1, "https://example.com/c.jpg", width=433, height=649),))),
    ("text-illegal", "house", replace(PRINT, full_title="The\x0bTide")),
    ("text-illegal", "house", of_work(texts=(Text("03", "<p>a\ufffeb</p>", html=True),))),
    ("text-illegal", "house", of_work(imprint="Lan\ud800tern")),
    ("text-illegal", "house", of_work(resources=(replace(WORK.resources[0], caption="\x1b"),))),
]


@pytest.mark.parametrize(("code", "profile", "product"), SPOILT, ids=[f"{code}-{n}" for n, (code, _, _) in enumerate(SPOILT)])
def test_a_title_with_one_fault_is_held_for_that_alone(code: str, profile: str, product: Product) -> None:
    [reason] = rules.check(product, partner(profile), HOUSE, TODAY)
    assert reason.code == code
    assert reason.message
    assert reason.todo


def test_two_products_with_one_isbn_are_both_held() -> None:
    twins = frozenset({PRINT.isbn})
    assert held(PRINT, partner(), twins) == ["isbn-duplicate"]
    assert held(EBOOK, partner(), twins) == []


def test_every_rule_has_a_spoilt_title() -> None:
    tried = {code for code, _, _ in SPOILT} | {"isbn-duplicate"}
    assert tried == {entry.code for entry in rules.catalogue()} - {"schema-invalid", "strict-invalid"}


def test_reasons_name_the_values_found() -> None:
    [reason] = rules.check(replace(PRINT, publishing_status="02", publication_date=days(-60)), partner(), HOUSE, TODAY)
    assert reason.message == "status is 02 (Forthcoming), but the publication date 2026-09-22 is 60 days past"
    assert reason.path == "PublishingDetail/PublishingStatus"


BOUNDARIES: list[Callable[[], Product]] = [
    lambda: replace(PRINT, publishing_status="02", publication_date=days(-14)),
    lambda: replace(PRINT, publishing_status="04", publication_date=days(14)),
    lambda: prices(gbp("9.99", ends=0)),
    lambda: prices(gbp("9.99", starts=400)),
    lambda: prices(gbp("0.01")),
    lambda: prices(gbp("9.99", ends=30), gbp("8.99", starts=31)),
    lambda: prices(gbp("9.99", ends=-40), gbp("7.99", starts=-10, ends=20), gbp("8.99", starts=21)),  # a gap that is past
    lambda: prices(gbp("9.99", ends=-3), gbp("8.99", starts=-10)),  # an overlap that is past
    lambda: prices(gbp("9.99"), replace(gbp("8.99"), qualifier="06")),
    lambda: replace(AUDIO, prices=(gbp("12.00"), gbp("10.00", type="01"))),
    lambda: replace(AUDIO, prices=(gbp("9.99"), gbp("8.33", type="01"))),  # 8.325 and 9.996: true in one direction
    lambda: of_work(texts=(Text("02", f"<p>{'x' * 350}</p>", html=True),)),
    lambda: of_work(texts=(Text("02", "&amp;" * 350, html=True),)),
    lambda: replace(PRINT, isbn="978-0-306-40615-7"),
    lambda: replace(PRINT, sold_worldwide=False, sold_in=("GB",), not_sold_in=("US",)),
    lambda: of_work(resources=(Resource(1, "https://example.com/c.jpg"),)),
    lambda: of_work(resources=(Resource(1, "https://example.com/c.jpg", width=650, height=10),)),
    lambda: replace(PRINT, full_title="Tabs\tand\nlines\r are text, and so are \U0001f600 and \x85"),
]


@pytest.mark.parametrize("product", BOUNDARIES)
def test_what_is_just_right_passes(product: Callable[[], Product]) -> None:
    by = partner("retail", completeness={"profile": "house", "add": ["cover-small", "cover-missing"]})
    assert held(product(), by) == []


def test_a_price_is_only_asked_for_where_the_title_may_be_sold() -> None:
    abroad = replace(PRINT, prices=(), sold_worldwide=False, sold_in=("US",))
    assert held(abroad, partner()) == []
    assert held(replace(abroad, sold_in=("US", "GB")), partner()) == ["price-missing"]
    assert held(replace(abroad, sold_in=("IE",)), partner()) == []  # in the market, but not where the price would hold


def test_a_price_is_only_asked_for_the_forms_that_its_rule_is_for() -> None:
    market = {"supplier": {"name": "x"}, "prices": [{"currency": "CHF", "forms": ["E"]}]}
    assert held(PRINT, partner(markets=[market])) == []
    assert held(EBOOK, partner(markets=[market])) == ["price-missing"]


def test_a_price_that_is_not_required_may_be_missing() -> None:
    market = {"supplier": {"name": "x"}, "prices": [{"currency": "CHF", "required": False}]}
    assert held(PRINT, partner(markets=[market])) == []


def test_a_price_that_can_not_be_converted_for_want_of_a_tax_rate_is_missing() -> None:
    rule = {"currency": "GBP", "type": "01", "from_type": "02", "territory": ["GB"]}
    assert held(PRINT, partner(markets=[{"countries": ["GB"], "supplier": {"name": "x"}, "prices": [rule]}])) == []
    rule["territory"] = ["IE"]
    assert held(PRINT, partner(markets=[{"countries": ["IE"], "supplier": {"name": "x"}, "prices": [rule]}])) == ["price-missing"]


def test_faults_in_prices_that_the_partner_never_reads_hold_nothing() -> None:
    dollars = [Price(Decimal(0), "USD", "01"), Price(Decimal(5), "USD", "01"), Price(Decimal(9), "USD", "02")]
    assert held(prices(gbp("9.99"), *dollars), partner()) == []


def test_one_fault_in_two_markets_is_one_reason() -> None:
    market = {"countries": ["GB"], "supplier": {"name": "x"}, "prices": [{"currency": "GBP"}]}
    [reason] = rules.check(replace(PRINT, prices=()), partner(markets=[market, {**market, "countries": ["IE"]}]), HOUSE, TODAY)
    assert reason.message.count("GBP") == 1


def test_substitutions_come_before_the_check_of_the_form() -> None:
    old = partner(release="2.1")
    assert held(EBOOK, old) == ["form-unknown"]
    assert held(EBOOK, partner(release="2.1", substitutions={"150": {"ED": "DG"}})) == []
    assert held(PRINT, partner(substitutions={"150": {"BC": "QQ"}})) == ["form-unknown"]


def test_a_form_that_came_after_the_partners_code_lists_is_unknown_to_it() -> None:
    shopping_bag = replace(PRINT, form="SH")
    assert held(shopping_bag, partner(code_list_issue=75)) == []
    [reason] = rules.check(shopping_bag, partner(code_list_issue=70), HOUSE, TODAY)
    assert reason.code == "form-unknown"
    assert "Issue 70" in reason.message


def test_illegal_characters_in_what_is_not_sent_hold_nothing() -> None:
    product = of_work(texts=(Text("06", "a\x01b"),), stage="\x02", season="\x03")
    assert held(product, partner(texts=["02", "03"])) == []
    assert held(product, partner(texts=["06"])) == ["text-illegal"]


def test_for_a_spreadsheet_only_its_columns_are_looked_at() -> None:
    columns = [{"header": "Title", "field": "title"}, {"header": "ISBN", "field": "isbn13"}]
    by = partner(format="csv", columns=columns)
    assert held(of_work(texts=(Text("03", "a\x01b"),)), by) == []
    assert held(replace(PRINT, title_without_prefix="a\x01b"), by) == ["text-illegal"]


def test_a_title_without_a_title_breaks_no_other_rule_of_a_spreadsheet() -> None:
    by = partner(format="csv", columns=[{"header": "Title", "field": "title"}])
    nameless = of_work(replace(PRINT, full_title="", title_prefix="", title_without_prefix=""), title="")
    assert held(nameless, by) == ["title-missing"]


def test_codes_are_added_and_dropped_by_the_partners_file() -> None:
    wish = {"profile": "house", "add": ["pages-missing"], "drop": ["form-missing"]}
    assert held(replace(PRINT, pages=None, form=""), partner(completeness=wish)) == []  # without a form it is no print book
    assert held(replace(PRINT, pages=None), partner(completeness=wish)) == ["pages-missing"]


@pytest.mark.parametrize(
    ("wish", "hint"),
    [({"profile": "hous"}, "'house'"), ({"add": ["price-mising"]}, "'price-missing'"), ({"drop": ["isbn"]}, "isbn-")],
)
def test_an_unknown_profile_or_code_is_a_configuration_error_with_a_hint(wish: dict[str, Any], hint: str) -> None:
    with pytest.raises(ConfigurationError, match=hint):
        rules.codes_of(partner(completeness=wish))


def test_the_partner_files_name_codes_that_exist() -> None:
    for one in load_partners():
        assert "isbn-missing" in rules.codes_of(one)


def test_the_catalogue_says_each_rule_in_a_sentence_with_its_source() -> None:
    entries = rules.catalogue()
    assert len({entry.code for entry in entries}) == len(entries) == 34
    assert all(entry.sentence and entry.source and entry.todo for entry in entries)
    assert entries[0].code == "isbn-missing"


def test_a_title_is_checked_in_a_moment() -> None:
    by = partner("retail")
    product = of_work(texts=(*WORK.texts, Text("04", "<p>" + "chapter " * 1000 + "</p>", html=True)))
    rules.check(product, by, HOUSE, TODAY)
    began = thread_time()
    for _ in range(100):
        rules.check(product, by, HOUSE, TODAY)
    assert (thread_time() - began) / 100 < 0.001  # it is about 0.05 ms


def test_nothing_at_all_is_held_for_what_is_missing_and_nothing_breaks() -> None:
    empty = Product(id=1, work=replace(WORK, title="", imprint="", contributors=(), subjects=(), texts=(), resources=()))
    everything = partner("library", completeness={"profile": "library", "add": [e.code for e in rules.catalogue()[:-2]]})
    found = held(empty, everything)
    assert {"isbn-missing", "title-missing", "form-missing", "rights-missing"} <= set(found)
    assert not {"price-missing", "pages-missing", "isbn-invalid"} & set(found)


def test_the_last_days_of_the_calendar_break_nothing() -> None:
    product = prices(gbp("9.99"), replace(gbp("8.99"), ends=date.max, starts=date.max))
    assert held(product, partner()) == ["price-overlap"]
    assert held(replace(PRINT, publication_date=date.max, publishing_status="02"), partner()) == []
