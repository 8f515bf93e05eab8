import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.errors import ConfigurationError
from include.titles import codelists, identifiers


@st.composite
def isbns(draw: st.DrawFn, prefixes: tuple[str, ...] = ("978", "979")) -> str:
    body = draw(st.sampled_from(prefixes)) + draw(st.text("0123456789", min_size=9, max_size=9))
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(body))
    return body + str(-total % 10)


@given(isbns())
def test_a_valid_isbn_is_its_own_normal_form(isbn: str) -> None:
    assert identifiers.isbn13(isbn) == isbn
    assert identifiers.is_isbn13(isbn)


@given(isbns(), st.lists(st.tuples(st.integers(0, 13), st.sampled_from([" ", "-", "\u2013", "\u00a0"])), max_size=6))
def test_hyphens_and_spaces_do_not_matter(isbn: str, separators: list[tuple[int, str]]) -> None:
    written = isbn
    for place, separator in separators:
        written = written[:place] + separator + written[place:]
    assert identifiers.isbn13(written) == isbn


@given(isbns(), st.integers(0, 12), st.integers(1, 9))
def test_one_wrong_digit_is_always_found(isbn: str, place: int, off: int) -> None:
    wrong = isbn[:place] + str((int(isbn[place]) + off) % 10) + isbn[place + 1 :]
    assert identifiers.isbn13(wrong) == ""
    assert not identifiers.is_isbn13(wrong)


@given(isbns(("978",)))
def test_isbn_10_and_13_turn_into_each_other(isbn: str) -> None:
    ten = identifiers.isbn10(isbn)
    assert len(ten) == 10
    assert identifiers.isbn13(ten) == isbn


@given(isbns(("979",)))
def test_979_has_no_isbn_10(isbn: str) -> None:
    assert identifiers.isbn10(isbn) == ""


@given(isbns())
def test_the_printed_form_reads_back(isbn: str) -> None:
    assert identifiers.isbn13(identifiers.hyphenated(isbn)) == isbn


@given(st.text(max_size=40))
def test_any_text_gives_a_normal_form_or_nothing(text: str) -> None:
    for form in (identifiers.isbn13, identifiers.isbn10, identifiers.gtin, identifiers.isni, identifiers.orcid, identifiers.language):
        found = form(text)
        assert not found or form(found) == found or form is identifiers.isbn10
    identifiers.is_isbn13(text)
    identifiers.is_country(text)
    identifiers.is_currency(text)


@pytest.mark.parametrize(
    ("written", "isbn"),
    [
        ("0-306-40615-2", "9780306406157"),
        ("0-8044-2957-X", "9780804429573"),
        ("0-8044-2957-x", "9780804429573"),
        ("ISBN 978-0-306-40615-7", "9780306406157"),
        ("urn:isbn:9780306406157", "9780306406157"),
        ("979-12-200-0852-5", "9791220008525"),
        ("9770306406156", ""),  # an ISSN's EAN
        ("No ISBN", ""),
        ("978030640615", ""),
        ("٩٧٨٠٣٠٦٤٠٦١٥٧", ""),
        ("", ""),
        ("9" * 1000, ""),
    ],
)
def test_isbns_as_people_write_them(written: str, isbn: str) -> None:
    assert identifiers.isbn13(written) == isbn


@pytest.mark.parametrize(
    ("written", "isni"),
    [
        ("0000 0001 2103 2683", "0000000121032683"),
        ("https://isni.org/isni/0000000121032683", "0000000121032683"),
        ("0000000121032684", ""),
        ("", ""),
    ],
)
def test_isnis_as_people_write_them(written: str, isni: str) -> None:
    assert identifiers.isni(written) == isni


def test_an_orcid_is_known_by_its_block() -> None:
    assert identifiers.orcid("https://orcid.org/0000-0002-1825-0097") == "0000000218250097"
    assert identifiers.orcid("0000000121032683") == "", "a valid ISNI outside ORCID's block"


def test_gtins_of_every_length() -> None:
    assert [identifiers.gtin(text) for text in ("96385074", "036000291452", "4006381333931", "09780306406157", "123")] == [
        "96385074",
        "036000291452",
        "4006381333931",
        "09780306406157",
        "",
    ]


@pytest.mark.parametrize(
    ("written", "code"), [("de", "ger"), ("deu", "ger"), ("GER", "ger"), ("en", "eng"), ("zxx", "zxx"), ("xx", ""), ("", "")]
)
def test_languages_are_bibliographic(written: str, code: str) -> None:
    assert identifiers.language(written) == code


def test_places_and_money() -> None:
    assert identifiers.is_country("GB")
    assert not identifiers.is_country("UK")
    assert not identifiers.is_country("gb")
    assert identifiers.is_currency("GBP")
    assert not identifiers.is_currency("XYZ")


def test_code_lists_are_editeurs() -> None:
    assert {"BB", "BC", "ED", "AJ"} <= codelists.codes(150)
    assert codelists.names(150)["BC"].startswith("Paperback")
    with pytest.raises(ConfigurationError, match="no ONIX code list 9999"):
        codelists.codes(9999)
