"""From cells to values: what people and spreadsheets make of ISBNs, dates, codes and prices."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.errors import ConfigurationError
from include.imports.extractors import EXPONENTS, EXTRACTORS, Unreadable, Ways, amount_for, is_in
from include.imports.subject_codes import house_list
from include.titles import identifiers
from tests.deliveries.desk import isbn

LISTED = Ways(dates=("%Y-%m-%d", "%d/%m/%Y", "%d %B %Y"), values={"in print": "04"}, list_number=64)
COMMA = Ways(dates=("%d.%m.%Y",), decimal_mark=",")


@pytest.mark.parametrize(
    ("cell", "want"),
    [
        (9780306406157, "9780306406157"),
        (9780306406157.0, "9780306406157"),
        ("9780306406157.0", "9780306406157"),
        ("978-0-306-40615-7", "9780306406157"),
        ("978 0 306 40615 7", "9780306406157"),
        ("978\u20110\u2011306\u201140615\u20117", "9780306406157"),
        ("ISBN 978-0-306-40615-7", "9780306406157"),
        ("'9780306406157", "9780306406157"),
        ('="9780306406157"', "9780306406157"),
        ('"9780306406157"', "9780306406157"),
        ("9.780306406157E+12", "9780306406157"),
        ("0-306-40615-2", "9780306406157"),
        (306406152, "9780306406157"),
        ("080442957X", "9780804429573"),
        ("\u202a\u00a09780306406157\u200b", "9780306406157"),
    ],
)
def test_an_isbn_is_read_however_it_is_written(cell, want):
    assert EXTRACTORS["isbn"](cell, Ways()) == want


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("9.78E+12", "isbn-digits-lost"),
        ("9.78031E+12", "isbn-digits-lost"),
        ("9780306406158", "isbn-wrong"),
        ("5060123456783", "isbn-wrong"),
        ("978030640615", "isbn-wrong"),
        (9780306406157.5, "isbn-wrong"),
        ("979-0-2600-0043-8", "isbn-wrong"),  # an ISMN
        ("9780306406157 (PB)", "isbn-wrong"),
        ("TBC soon", "isbn-wrong"),
        ("#N/A", "formula-error"),
        ("97803\x0006406157", "characters"),
    ],
)
def test_an_isbn_that_can_not_be_known_is_refused_with_its_reason(cell, code):
    with pytest.raises(Unreadable) as refused:
        EXTRACTORS["isbn"](cell, Ways())
    assert refused.value.code == code
    assert refused.value.todo


@given(st.integers(0, 99_999))
def test_every_valid_isbn_survives_being_a_number_and_no_wrong_one_becomes_right(number):
    right = isbn(number)
    assert EXTRACTORS["isbn"](float(right), Ways()) == right == EXTRACTORS["isbn"](identifiers.hyphenated(right), Ways())
    wrong = f"{right[:12]}{(int(right[12]) + 1) % 10}"
    with pytest.raises(Unreadable):
        EXTRACTORS["isbn"](wrong, Ways())


@pytest.mark.parametrize(
    ("cell", "want"),
    [
        (datetime.fromisoformat("2027-03-04"), "2027-03-04"),
        (date(2027, 3, 4), "2027-03-04"),
        ("2027-03-04", "2027-03-04"),
        ("04/03/2027", "2027-03-04"),
        ("4 March 2027", "2027-03-04"),
        *((named, "2027-03-04") for named in ("4th of March, 2027", "March 4, 2027", "4. März 2027", "4 mars 2027", "4 de marzo de 2027")),
        ("1er sept. 2027", "2027-09-01"),
        ("2027-03-04T00:00:00", "2027-03-04"),
        (46450, "2027-03-04"),
    ],
)
def test_a_date_is_read_as_the_mapping_says(cell, want):
    assert EXTRACTORS["date"](cell, LISTED) == want


@pytest.mark.parametrize(
    "cell",
    [
        "03/2027",
        "31/02/2027",
        "Spring 2027",
        "3/25/2027",
        2027,
        "0207-03-04",
        True,
        "4 March 27",
        "March 2027",
        "4 March or April 2027",
        "week 4, March 2027",
        "31 June 2027",
    ],
)
def test_a_date_in_another_form_is_refused_and_never_guessed(cell):
    with pytest.raises(Unreadable) as refused:
        EXTRACTORS["date"](cell, LISTED)
    assert refused.value.code in {"date-wrong", "date-range"}


@pytest.mark.parametrize("cell", ["04", "_04", 4, "04 Active", "active", "In Print"])
def test_a_code_is_read_as_code_heading_or_by_the_mapping(cell):
    assert EXTRACTORS["code"](cell, LISTED) == "04"


@pytest.mark.parametrize(
    ("extractor", "cell"),
    [("code", "99"), ("code", "selling"), ("bisac", "FICTION"), ("bisac", "FIC19000"), ("thema", "fb!"), ("bisac", "FIK019000"),
     ("thema", "Great Britain"), ("thema", "FBA Fiction, 9X"), ("thema", "BFA"), ("thema", "1DDU"), ("bic", "QA"), ("doi", "11.1234/x"),
     ("asin", "B00"), ("gtin", "9780306406158"), ("currency", "XYZ1"), ("id", "12a"), ("number", "-3")],
)  # fmt: skip
def test_what_is_in_no_list_and_no_form_is_refused(extractor, cell):
    with pytest.raises(Unreadable):
        EXTRACTORS[extractor](cell, LISTED)


def test_subjects_keep_their_order_and_stand_once():
    cell = "FIC019000 FICTION / Literary; FIC000000\nFIC019000"
    assert EXTRACTORS["bisac"](cell, Ways()) == ["FIC019000", "FIC000000"]
    assert EXTRACTORS["thema"]("FBA, 1DDU-GB-E", Ways()) == ["FBA", "1DDU-GB-E"]
    cell = "OCC000000 BODY, MIND & SPIRIT / General, FIC000000 FICTION / General"
    assert EXTRACTORS["bisac"](cell, Ways()) == ["OCC000000", "FIC000000"]
    cell = "fba; DNL Essays, letters; FBA Modern & contemporary fiction, 1DDU United Kingdom, Great Britain"
    assert EXTRACTORS["thema"](cell, Ways()) == ["FBA", "DNL", "1DDU"]


def test_a_house_that_has_a_list_of_subjects_takes_no_code_that_is_not_in_it(tmp_path, monkeypatch):
    monkeypatch.setenv("COLOPHON_CONFIG", str(tmp_path))
    assert house_list("bisac") == {}
    (tmp_path / "subjects").mkdir()
    (tmp_path / "subjects" / "bisac.csv").write_text("Code;Literal\nFIC019000;FICTION / Literary\nNEW000000;NEW / General\n")
    ways = Ways(codes=house_list("bisac"))
    assert EXTRACTORS["bisac"]("NEW000000; fic019000", ways) == ["NEW000000", "FIC019000"]
    with pytest.raises(Unreadable, match=r"FIC091000 is not in config/subjects/bisac\.csv; near is FIC019000 FICTION / Literary"):
        EXTRACTORS["bisac"]("FIC091000", ways)
    (tmp_path / "subjects" / "bisac.csv").write_text("FICTION / Literary;FIC019000\n")
    with pytest.raises(ConfigurationError, match="no BISAC code in its first column"):
        house_list("bisac")


@pytest.mark.parametrize(
    ("cell", "ways", "want"),
    [
        (9.99, Ways(), "9.99"), ("9.99", Ways(), "9.99"), ("£1,234.50", Ways(), "1234.50"), ("12,50 €", COMMA, "12.50"),
        ("1.234,50", COMMA, "1234.50"), ("1 234,50", COMMA, "1234.50"), (12, COMMA, "12"), (Decimal("1"), Ways(), "1"),
    ],
)  # fmt: skip
def test_an_amount_keeps_every_digit(cell, ways, want):
    assert EXTRACTORS["money"](cell, ways) == want


@pytest.mark.parametrize(
    ("cell", "ways"),
    [
        ("12,50", Ways()),
        ("12.50", COMMA),
        ("1,23.4", Ways()),
        ("free", Ways()),
        (-1, Ways()),
        (1e12, Ways()),
        ("99p", Ways()),
        ("12.99 + VAT", Ways()),
        ("12.99 each", Ways()),
    ],
)
def test_an_amount_with_the_other_decimal_mark_is_refused_and_never_a_hundred_times_as_much(cell, ways):
    with pytest.raises(Unreadable):
        EXTRACTORS["money"](cell, ways)


def test_amounts_have_the_decimals_of_their_currency():
    assert [amount_for("12.5", "GBP"), amount_for("1200", "JPY"), amount_for("1.5", "KWD")] == ["12.50", "1200", "1.500"]
    for amount, currency in (("9.999", "GBP"), ("12.5", "JPY")):
        with pytest.raises(Unreadable):
            amount_for(amount, currency)
    assert all(identifiers.is_currency(code) for code in EXPONENTS)


@pytest.mark.parametrize(
    ("cell", "code"),
    [("x" * 301, "too-long"), (datetime.fromisoformat("2027-03-04"), "date-for-text"), (1.2345678901234568e17, "digits-lost")],
)
def test_a_title_that_no_record_could_hold_or_that_the_spreadsheet_has_changed_is_refused(cell, code):
    with pytest.raises(Unreadable) as refused:
        EXTRACTORS["text"](cell, Ways(longest=300))
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("cell", "currency", "fits"),
    [("£9.99", "GBP", True), ("9.99 gbp", "GBP", True), ("€9.99", "GBP", False), ("$9.99", "CAD", True), ("US$9.99", "CAD", False),
     ("USD $9.99", "USD", True), (9.99, "GBP", True), ("CHF 9.90", "EUR", False)],
)  # fmt: skip
def test_a_price_is_in_the_currency_that_stands_beside_it(cell, currency, fits):
    assert EXTRACTORS["money"](cell, Ways())
    assert is_in(cell, currency) is fits


@pytest.mark.parametrize(("cell", "want"), [(10.989999999999998, "10.99"), (13.200000000000001, "13.2"), (0.1 + 0.2, "0.3"), (12, "12")])
def test_a_sum_of_the_spreadsheet_is_what_it_shows(cell, want):
    assert EXTRACTORS["money"](cell, Ways()) == want


@pytest.mark.parametrize(
    ("extractor", "cell"),
    [("number", 1e300), ("number", "1.0e9999999"), ("number", "1.5e3"), ("money", "12.5_0"), ("id", "9" * 5_000), ("number", "9" * 5_000),
     ("isbn", "9" * 5_000), ("money", float("inf")), ("number", "0." + "0" * 5_000 + "1")],
)  # fmt: skip
def test_a_number_beyond_all_measure_is_one_bad_cell_and_said_in_few_words(extractor, cell):
    with pytest.raises(Unreadable) as refused:
        EXTRACTORS[extractor](cell, Ways())
    assert len(refused.value.message) < 500
