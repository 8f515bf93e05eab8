"""What a cell says and what it means."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.sales import extractors
from include.sales.extractors import Unreadable
from include.sales.readers.workbook import dated, number
from include.titles.identifiers import is_isbn13

AMOUNTS = st.decimals(min_value=-(10**9), max_value=10**9, places=4, allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize(
    ("mark", "text", "wanted"),
    [
        (".", "1,234.56", "1234.56"),
        (".", "12,34,567.5", "1234567.5"),
        (".", "1.234,56", "1234.56"),
        (".", "1,5", "1.5"),
        (".", "0,125", "0.125"),
        (".", "1,234", "1234"),
        (",", "1.234,56", "1234.56"),
        (",", "1,234.56", "1234.56"),
        (",", "1.234", "1234"),
        (",", "1,234", "1.234"),
        (",", "0.125", "0.125"),
        (",", "1 234,50", "1234.50"),
        (",", "1'234,50", "1234.50"),
        (".", "(1.23)", "-1.23"),
        (".", "1.23-", "-1.23"),
        (".", "-1.23", "-1.23"),
        (".", "−£1.23", "-1.23"),
        (".", "£-1.23", "-1.23"),
        (".", "(£1.23)", "-1.23"),
        (".", "EUR 5", "5"),
        (".", "5.00 GBP", "5.00"),
        (".", "48 %", "48"),
        (".", "1e3", "1000"),
        (".", ".5", "0.5"),
    ],
)
def test_amounts_are_read_as_a_person_would(mark: str, text: str, wanted: str) -> None:
    assert extractors.decimal(mark)(text) == Decimal(wanted)


@pytest.mark.parametrize(
    "text", ["1,2,3", "--1", "1.2.3", "abc", "£", "NaN", "1,23.45,6", "0x1f", "1e999", "", "12-34", "5 of 6", "5 CR", "5.00DR"]
)
def test_what_is_no_amount_is_refused_with_its_text(text: str) -> None:
    with pytest.raises(Unreadable) as refused:
        extractors.fitting(extractors.decimal(".")(text), 10, text)
    assert text in refused.value.what
    assert refused.value.todo


@given(AMOUNTS, st.sampled_from([".", ","]), st.booleans(), st.sampled_from(["-{}", "({})", "{}-"]))
def test_an_amount_written_in_any_way_comes_back_exactly(amount: Decimal, mark: str, grouped: bool, negative: str) -> None:
    text = f"{abs(amount):,.4f}" if grouped else f"{abs(amount):.4f}"
    if mark == ",":
        text = text.translate(str.maketrans(",.", ".,"))
    assert extractors.decimal(mark)(negative.format(text) if amount < 0 else text) == amount


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=4, allow_nan=False, allow_infinity=False))
def test_a_number_that_a_spreadsheet_kept_in_binary_comes_back_exactly(amount: Decimal) -> None:
    assert Decimal(number(repr(float(amount)), ".")) == amount


@given(st.integers(10**11, 10**12 - 1))
def test_an_isbn_survives_every_way_of_writing_it(body: int) -> None:
    digits = next(text for text in (f"978{str(body)[:9]}{check}" for check in range(10)) if is_isbn13(text))
    scientific = f"{digits[0]}.{digits[1:]}E+12"
    for text in (digits, f"'{digits}", f'="{digits}"', f"{digits}.0", scientific, f"978-{digits[3:]}", f" {digits}\ufeff"):
        assert extractors.identifier("isbn")(text) == f"isbn:{digits}"


@pytest.mark.parametrize("text", ["9.78E+12", "9.7819123450E+12", "9,78E+12", "9.781912345E12"])
def test_an_isbn_that_lost_digits_is_refused(text: str) -> None:
    with pytest.raises(Unreadable, match="cut off"):
        extractors.identifier("isbn")(text)


@pytest.mark.parametrize(
    ("expected", "text", "wanted"),
    [
        ("isbn", "1-912345-01-3", "isbn:9781912345014"),
        ("isbn", "306406152", "isbn:9780306406157"),
        ("isbn", "9,780,306,406,157", "isbn:9780306406157"),
        ("isbn", "9781912345015", "proprietary:9781912345015"),
        ("isbn", "B0ABCD1234", "asin:B0ABCD1234"),
        ("isbn", "2370001234567", "sku:2370001234567"),
        ("any", "https://doi.org/10.1234/ABC", "doi:10.1234/abc"),
        ("asin", "b0abcd1234", "asin:B0ABCD1234"),
        ("asin", "1912345013", "asin:1912345013"),
        ("sku", "9781912345014", "sku:9781912345014"),
        ("parent-isbn", "9781912345014", "parent-isbn:9781912345014"),
        ("any", "'", ""),
    ],
)
def test_identifiers_are_what_they_look_like(expected: str, text: str, wanted: str) -> None:
    assert extractors.identifier(expected)(text) == wanted


@pytest.mark.parametrize(
    ("formats", "text", "first", "last"),
    [
        (("iso",), "2026-09-03", date(2026, 9, 3), date(2026, 9, 3)),
        (("iso",), "20260903", date(2026, 9, 3), date(2026, 9, 3)),
        (("iso",), "2026-02", date(2026, 2, 1), date(2026, 2, 28)),
        (("iso",), "2026-09-03T23:59:59", date(2026, 9, 3), date(2026, 9, 3)),
        (("%m/%d/%Y",), "09/03/2026", date(2026, 9, 3), date(2026, 9, 3)),
        (("%b-%y",), "SEP-26", date(2026, 9, 1), date(2026, 9, 30)),
        (("iso", "excel"), "46268", date(2026, 9, 3), date(2026, 9, 3)),
        (("iso", "excel 1904"), "44806", date(2026, 9, 3), date(2026, 9, 3)),
    ],
)
def test_days_and_months(formats: tuple[str, ...], text: str, first: date, last: date) -> None:
    assert extractors.day(formats, "UTC")(text) == (first, last)


@pytest.mark.parametrize("text", ["31/12/2026", "2026-13-01", "yesterday", "", "99999-01-01", "46268"])
def test_a_day_is_never_guessed(text: str) -> None:
    with pytest.raises(Unreadable):
        extractors.day(("iso",), "UTC")(text)


@pytest.mark.parametrize(
    ("serial", "since_1904", "wanted"),
    [
        ("1", False, "1900-01-01"),
        ("59", False, "1900-02-28"),
        ("61", False, "1900-03-01"),
        ("46268.5", False, "2026-09-03T12:00:00"),
        ("44806", True, "2026-09-03"),
    ],
)
def test_a_spreadsheets_days(serial: str, since_1904: bool, wanted: str) -> None:
    assert dated(Decimal(serial), since_1904=since_1904) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"), [("GB", "GB"), ("uk", "GB"), ("GBR", "GB"), ("United Kingdom", "GB"), ("Viet Nam", "VN"), ("Worldwide", "")]
)
def test_countries_by_code_and_name(text: str, wanted: str) -> None:
    assert extractors.country(text) == wanted


def test_currencies_are_those_of_iso_4217() -> None:
    assert [extractors.currency(text) for text in ("gbp", "€", "US$")] == ["GBP", "EUR", "USD"]
    with pytest.raises(Unreadable):
        extractors.currency("GBX")
