"""What a product is: identifiers, title, contributors, subjects, texts, cover."""

from __future__ import annotations

from dataclasses import replace

import pytest

from include.errors import RejectedData
from include.feeds.onix.collateral import link
from include.feeds.onix.titles import Title, title_of
from include.titles.model import Contributor, Resource, Subject, Text, Work
from tests.feeds.onix.cases import maximal, minimal, partner, render, rendered, texts

D = "DescriptiveDetail"


def test_isbn_is_sent_as_isbn_and_as_gtin_without_hyphens() -> None:
    product = rendered(minimal(isbn="979-12-3456-789-6"), partner())
    assert texts(product, "ProductIdentifier/*") == ["15", "9791234567896", "03", "9791234567896"]


def test_a_product_without_isbn_goes_under_our_own_number() -> None:
    assert texts(rendered(minimal(isbn=""), partner()), "ProductIdentifier/*") == ["01", "Lantern & Quill reference", "1"]


def test_record_reference_follows_the_mask() -> None:
    assert render(minimal(id=12), partner()).reference == "com.lanternandquill.12"
    assert render(minimal(id=12), partner(record_reference="{domain}.books.{isbn}")).reference == "com.lanternandquill.books.9780306406157"


@pytest.mark.parametrize(
    ("fields", "want", "text"),
    [
        ({"title_prefix": "The", "title_without_prefix": "Sea"}, Title("The", "Sea"), "The Sea"),
        ({"title_prefix": "L’", "title_without_prefix": "Étranger"}, Title("L’", "Étranger"), "L’Étranger"),
        ({"title_prefix": "The", "full_title": "The Sea"}, Title("The", "Sea"), "The Sea"),
        ({"title_prefix": "A", "full_title": "Sea"}, Title("", "Sea"), "Sea"),
        ({"full_title": "Sea, the Sea"}, Title("", "Sea, the Sea"), "Sea, the Sea"),
        ({}, Title("", "Alone"), "Alone"),
    ],
)
def test_title_in_two_parts_and_in_one(fields: dict[str, str], want: Title, text: str) -> None:
    assert title_of(minimal(**fields)) == want
    assert want.text == text


def test_a_title_without_prefix_says_so() -> None:
    element = rendered(minimal(), partner()).find(f"{D}/TitleDetail/TitleElement")
    assert element is not None
    assert [child.tag for child in element] == ["TitleElementLevel", "NoPrefix", "TitleWithoutPrefix"]


def test_title_text_for_partners_that_want_it() -> None:
    product = rendered(maximal(), partner(title_text=True))
    assert texts(product, f"{D}/TitleDetail/TitleElement/TitleText") == ["The Lantern-Maker’s Daughter", "Die Tochter des Laternenmachers"]
    assert product.find(".//NoPrefix") is None


def test_no_record_stands_without_a_title() -> None:
    with pytest.raises(RejectedData, match="no title"):
        render(minimal(work=Work(id=1, title=" ")), partner())


def test_contributors_are_numbered_by_place_and_nameless_ones_left_out() -> None:
    product = rendered(maximal(), partner())
    assert texts(product, f"{D}/Contributor/SequenceNumber") == ["1", "2", "3"]
    assert texts(product, f"{D}/Contributor[1]/NameIdentifier/*") == ["16", "0000000121032683", "21", "0000000218250097"]
    assert texts(product, f"{D}/Contributor[3]/CorporateName") == ["Society of Lamps & Co."]


def test_no_contributor_says_so() -> None:
    work = Work(id=1, title="Alone", contributors=(Contributor(1, "A01"),), contributor_statement="By nobody")
    product = rendered(minimal(work=work), partner())
    assert product.find(f"{D}/NoContributor") is not None
    assert product.find(f"{D}/ContributorStatement") is None


def test_biographies_go_where_texts_of_type_12_are_wanted() -> None:
    assert rendered(maximal(), partner(texts=["12"])).find(f"{D}/Contributor/BiographicalNote") is not None
    assert rendered(maximal(), partner(texts=["03"])).find(f"{D}/Contributor/BiographicalNote") is None


def test_subjects_go_in_the_partners_order_with_one_main_each() -> None:
    product = rendered(maximal(), partner(subjects=["93", "10", "20"]))
    assert texts(product, f"{D}/Subject/SubjectSchemeIdentifier") == ["93", "94", "10", "10", "20"]
    assert texts(product, f"{D}/Subject/SubjectCode") == ["FBA", "1DDR", "FIC019000", "FIC014000"]
    assert len(product.findall(f"{D}/Subject/MainSubject")) == 2
    assert texts(product, f"{D}/Subject/SubjectHeadingText")[-1] == "lanterns; Cork; sea"


def test_two_main_subjects_of_a_scheme_become_one() -> None:
    work = Work(id=1, title="T", subjects=(Subject("10", "A", main=True), Subject("10", "B", main=True), Subject("10", "A")))
    product = rendered(minimal(work=work), partner())
    assert texts(product, f"{D}/Subject/SubjectCode") == ["A", "B"]
    assert len(product.findall(f"{D}/Subject/MainSubject")) == 1


def test_house_language_stands_in_for_a_missing_one() -> None:
    assert texts(rendered(minimal(), partner()), f"{D}/Language/LanguageCode") == ["eng"]
    assert texts(rendered(maximal(), partner()), f"{D}/Language/*") == ["01", "eng", "02", "ger"]


def test_a_products_own_text_stands_before_its_works() -> None:
    work = Work(id=1, title="T", texts=(Text("03", "Work"), Text("02", "Short"), Text("03", "Work again")))
    product = rendered(minimal(work=work, texts=(Text("03", "Own"),)), partner(texts=["02", "03"]))
    assert texts(product, "CollateralDetail/TextContent/Text") == ["Short", "Own"]


def test_only_what_can_be_held_has_measures() -> None:
    assert texts(rendered(maximal(), partner()), f"{D}/Measure/Measurement") == ["198", "129.5", "22", "250"]
    assert rendered(maximal(form="ED", form_details=()), partner()).find(f"{D}/Measure") is None


def test_accessibility_only_where_wanted_and_with_whom_to_ask() -> None:
    ebook = maximal(form="ED", form_details=("E101",))
    assert texts(rendered(ebook, partner()), f"{D}/ProductFormFeature/ProductFormFeatureValue") == ["04", "85", "99"]
    assert rendered(ebook, partner(accessibility=False)).find(f"{D}/ProductFormFeature") is None


@pytest.mark.parametrize("by", ["none", "file"])
def test_covers_stand_in_the_record_only_by_url(by: str) -> None:
    assert rendered(maximal(), partner()).find("CollateralDetail/SupportingResource") is not None
    assert rendered(maximal(), partner(covers={"by": by})).find("CollateralDetail/SupportingResource") is None


def test_the_first_front_cover_that_has_an_address_is_sent() -> None:
    covers = (
        Resource(1, "https://e.org/back.jpg", content_type="02"),
        Resource(2, "file:///etc/passwd"),
        Resource(3, "https://e.org/own.jpg"),
    )
    product = rendered(replace(maximal(), resources=covers), partner())
    assert texts(product, "CollateralDetail/SupportingResource/ResourceVersion/ResourceLink") == ["https://e.org/own.jpg"]


@pytest.mark.parametrize(
    ("url", "want"),
    [
        ("https://e.org/a b/ü.jpg?q=1&r=[x]#f", "https://e.org/a%20b/%C3%BC.jpg?q=1&r=%5Bx%5D#f"),
        ("https://e.org/100%25/%zz", "https://e.org/100%25/%25zz"),
        ("https://bücher.example/1.jpg", "https://xn--bcher-kva.example/1.jpg"),
        ("https://user:secret@e.org/1.jpg", ""),
        ("http://[::1", ""),
        ("ftp://e.org/1.jpg", ""),
        ("javascript:alert(1)", ""),
        ("", ""),
    ],
)
def test_links_are_web_addresses_or_nothing(url: str, want: str) -> None:
    assert link(url) == want


def test_digital_forms_of_21() -> None:
    product = rendered(maximal(form="ED", form_details=("E101",)), partner("2.1"))
    assert (texts(product, "ProductForm"), texts(product, "EpubType"), texts(product, "ProductFormDetail")) == (["DG"], ["029"], [])
    assert texts(rendered(maximal(form="EA"), partner("2.1")), "EpubType") == ["099"]
