"""Spreadsheet feeds: every field, both formats, and what must not slip through."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from io import BytesIO, StringIO
from typing import Any

import openpyxl
import pytest

from include.errors import ConfigurationError, RejectedData
from include.feeds import renderer_for, rules
from include.feeds.columns import EXTRACTORS
from include.feeds.record import Header
from include.files.characters import harmless
from include.titles.model import Contributor, Price, Product, Text
from tests.feeds.titles import AUDIO, EBOOK, HOUSE, PRINT, TODAY, WORK, days, gbp, of_work, partner

SENT = Header(7, datetime(2026, 11, 21, 6, 30, tzinfo=UTC))


def sheet(*fields: str | dict[str, str], **feed: Any) -> Any:
    columns = [{"header": field, "field": field} if isinstance(field, str) else field for field in fields]
    return partner(**{"format": "csv", "columns": columns, **feed})


def row(product: Product, *fields: str | dict[str, str], **feed: Any) -> list[str]:
    body = renderer_for(sheet(*fields, **feed), HOUSE).render(product, TODAY).body
    [line] = csv.reader(StringIO(body.decode(), newline=""))
    return line


def message(products: list[Product], to: Any) -> bytes:
    renderer, out = renderer_for(to, HOUSE), BytesIO()
    with renderer.message(out, SENT) as writer:
        for product in products:
            writer.add(renderer.render(product, TODAY))
    return out.getvalue()


VALUES = {
    "isbn13": "9780306406157",
    "isbn10": "0306406152",
    "gtin13": "9780306406157",
    "record_reference": "com.lanternandquill.books.100",
    "title": "The Tide Clock",
    "title_prefix": "The",
    "title_without_prefix": "Tide Clock",
    "subtitle": "A Novel",
    "contributors": "Ana Lima; Jo Ek (Translated by)",
    "imprint": "Lantern Fiction",
    "publisher": "Lantern & Quill",
    "series": "Harbour Stories",
    "series_part": "2",
    "language": "eng",
    "form": "BC",
    "form_name": "Paperback / softback",
    "format": "Paperback",
    "pages": "320",
    "duration_minutes": "",
    "height_mm": "198",
    "width_mm": "129",
    "thickness_mm": "",
    "weight_g": "250.5",
    "publication_date": "2026-01-15",
    "status": "04",
    "status_name": "Active",
    "availability": "20",
    "availability_name": "Available",
    "territory": "WORLD",
    "not_for_sale": "",
    "bisac": "FIC019000",
    "bisac_list": "FIC019000; FIC000000",
    "thema": "FBA",
    "bic": "FA",
    "keywords": "tides; clocks",
    "audience": "General / adult",
    "description": "A long one.",
    "short_description": "A short one.",
    "biography": "She writes.",
    "cover_url": "https://example.com/c.jpg",
}


def test_every_field_gives_its_value() -> None:
    assert set(VALUES) == set(EXTRACTORS)
    assert dict(zip(VALUES, row(PRINT, *VALUES), strict=True)) == VALUES


def test_every_field_copes_with_a_title_that_has_nothing() -> None:
    empty = Product(id=1, work=replace(WORK, title="", imprint="", contributors=(), subjects=(), texts=(), resources=(), collections=()))
    found = dict(zip(VALUES, row(empty, *VALUES), strict=True))
    filled = ("record_reference", "publisher", "language", "availability", "availability_name", "audience")
    assert {name for name, value in found.items() if value} == set(filled)


def test_substitutions_reach_the_spreadsheet() -> None:
    assert row(EBOOK, "form", "form_name", substitutions={"150": {"ED": "EA"}}) == ["EA", "Digital (delivered electronically)"]


def test_a_979_isbn_has_no_isbn10() -> None:
    assert row(EBOOK, "isbn13", "isbn10") == ["9791220200370", ""]


def test_rights_are_listed_by_country() -> None:
    product = replace(PRINT, sold_worldwide=False, sold_in=("GB", "IE"), not_sold_in=("US", "CA"))
    assert row(product, "territory", "not_for_sale") == ["GB IE", "CA US"]


def test_a_price_column_gives_the_price_of_today_else_the_next() -> None:
    product = replace(PRINT, prices=(gbp("9.99", ends=-1), gbp("8.99", starts=0, ends=3), gbp("7.99", starts=4)))
    assert row(product, "price:GBP", "price:GBP:02", "price:GBP:01", "price:USD") == ["8.99", "8.99", "", ""]
    assert row(replace(PRINT, prices=(gbp("7.99", starts=4),)), "price:GBP") == ["7.99"]
    assert row(replace(PRINT, prices=(gbp("9.99", ends=-1),)), "price:GBP") == [""]


def test_a_price_column_of_a_currency_without_a_price_rule_reads_the_titles_own() -> None:
    assert row(PRINT, "price:EUR:02", "price:USD:01") == ["12.99", "14.99"]


def test_prices_are_offered_as_the_market_makes_them() -> None:
    rule = {"currency": "GBP", "type": "01", "from_type": "02", "territory": ["GB"]}
    market = {"countries": ["GB"], "supplier": {"name": "x"}, "prices": [rule]}
    assert row(replace(AUDIO, prices=(gbp("12.00"),)), "price:GBP:01", markets=[market]) == ["10.00"]


def test_columns_have_fixed_texts_and_formats() -> None:
    columns = [
        {"header": "Supplier", "text": "Northgate"},
        {"header": "Nothing"},
        {"header": "Published", "field": "publication_date", "format": "%d/%m/%Y"},
        {"header": "Price", "field": "price:USD", "format": ".1f"},
    ]
    assert row(PRINT, *columns) == ["Northgate", "", "15/01/2026", "15.0"]


@pytest.mark.parametrize("start", ["=1+1", "+44", "-5", "-2+3+cmd|' /C calc'!A0", "@SUM(A1)", "\tx"])
def test_a_text_that_looks_like_a_formula_is_made_harmless(start: str) -> None:
    assert harmless(start) == f"'{start}"
    assert row(of_work(imprint=start), "imprint") == [f"'{start}"]


def test_numbers_are_no_formulas() -> None:
    assert harmless("-1.50", amounts=True) == "-1.50"
    assert harmless("-1+2", amounts=True) == "'-1+2"
    assert row(replace(PRINT, prices=(Price(Decimal("-1.50"), "USD", "01"),)), "price:USD") == ["-1.50"]


def test_a_message_has_one_header_row_and_rfc_4180_lines() -> None:
    awkward = of_work(replace(PRINT, id=5, subtitle='He said "no",\nthen left'), imprint="Smith, Sons")
    to = sheet("isbn13", "imprint", "subtitle")
    content = message([PRINT, awkward], to)
    assert content == (
        b'isbn13,imprint,subtitle\r\n9780306406157,Lantern Fiction,A Novel\r\n9780306406157,"Smith, Sons","He said ""no"",\nthen left"\r\n'
    )


def test_a_record_lies_where_the_writer_says() -> None:
    renderer, out = renderer_for(sheet("isbn13", "title"), HOUSE), BytesIO()
    record = renderer.render(PRINT, TODAY)
    with renderer.message(out, SENT) as writer:
        places = [writer.add(record), writer.add(record.body)]
    assert [out.getvalue()[at : at + length] for at, length in places] == [record.body] * 2


def test_an_empty_message_is_the_header_row() -> None:
    renderer, out = renderer_for(sheet("isbn13", "title"), HOUSE), BytesIO()
    with renderer.message(out, SENT) as writer:
        writer.no_product()
    assert out.getvalue() == b"isbn13,title\r\n"


def test_delimiter_and_encoding_are_the_partners() -> None:
    named = of_work(imprint="Éditions “Zoë”")
    assert message([named], sheet("imprint", "isbn13", delimiter=";", encoding="iso-8859-1")).splitlines()[1] == (
        'Éditions "Zoë";9780306406157'.encode("iso-8859-1")
    )
    assert message([named], sheet("imprint", encoding="utf-16")).decode("utf-16") == "imprint\r\nÉditions “Zoë”\r\n"
    assert "ł" in message([of_work(imprint="Wydawnictwo Łódź ł")], sheet("imprint")).decode()


def test_what_the_encoding_lacks_becomes_plain_or_holds_the_record() -> None:
    ascii_ = sheet("imprint", encoding="us-ascii")
    assert message([of_work(imprint="Éditions – Zoë…")], ascii_) == b"imprint\r\nEditions - Zoe...\r\n"
    with pytest.raises(RejectedData, match="us-ascii has no character '日'"):
        renderer_for(ascii_, HOUSE).render(of_work(imprint="日本"), TODAY)


@pytest.mark.parametrize("format", ["csv", "xlsx"])
def test_characters_and_lengths_that_no_sheet_holds_are_refused(format: str) -> None:
    renderer = renderer_for(sheet("imprint", format=format), HOUSE)
    with pytest.raises(RejectedData, match=r"U\+0007"):
        renderer.render(of_work(imprint="a\x07"), TODAY)
    with pytest.raises(RejectedData, match="32768 characters"):
        renderer.render(of_work(imprint="a" * 32768), TODAY)


def test_the_same_title_gives_the_same_digest_until_something_that_is_sent_changes() -> None:
    renderer = renderer_for(sheet("isbn13", "title"), HOUSE)
    first = renderer.render(PRINT, TODAY)
    assert first.digest == renderer.render(replace(PRINT, pages=1), days(1)).digest
    assert first.digest != renderer.render(replace(PRINT, isbn=EBOOK.isbn), TODAY).digest


def test_a_row_is_stable_until_a_price_or_the_publication_changes_it() -> None:
    renderer = renderer_for(sheet("price:GBP"), HOUSE)
    assert renderer.render(PRINT, TODAY).stable_until is None
    assert renderer.render(replace(PRINT, prices=(gbp("9.99", ends=3),)), TODAY).stable_until == days(4)
    assert renderer.render(replace(PRINT, publication_date=days(2)), TODAY).stable_until == days(2)
    assert renderer.render(replace(PRINT, prices=(replace(gbp("1"), ends=date.max),)), TODAY).stable_until is None


@pytest.mark.parametrize(
    ("column", "words"),
    [
        ({"header": "x", "field": "isbn"}, "isbn1"),
        ({"header": "x", "field": "publicaton_date"}, "Did you mean 'publication_date'"),
        ({"header": "x", "field": "price:GB"}, "price:GBP"),
        ({"header": "x", "field": "title", "text": "y"}, "not both"),
        ({"header": "x", "field": "price:GBP", "format": ".2q"}, "can't be used"),
    ],
)
@pytest.mark.parametrize("format", ["csv", "xlsx"])
def test_a_wrong_column_is_a_configuration_error_at_once(column: dict[str, str], words: str, format: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        renderer_for(sheet(column, format=format), HOUSE)


def test_a_delimiter_is_one_character() -> None:
    with pytest.raises(ConfigurationError, match="one character"):
        renderer_for(sheet("title", delimiter="||"), HOUSE)


def test_a_reference_mask_that_can_not_be_filled_is_a_configuration_error() -> None:
    with pytest.raises(ConfigurationError, match="record_reference"):
        renderer_for(sheet("title", record_reference="{domain}.{nothing}"), HOUSE)


def test_block_updates_are_no_matter_of_spreadsheets() -> None:
    with pytest.raises(ConfigurationError):
        renderer_for(sheet("title"), HOUSE).block_update(PRINT, TODAY, (6,))


# --- workbooks


def book(products: list[Product], *fields: str | dict[str, str]) -> Any:
    return openpyxl.load_workbook(BytesIO(message(products, sheet(*fields, format="xlsx"))))["Titles"]


def test_a_workbook_keeps_types_and_shows_its_header() -> None:
    titles = book([PRINT], "isbn13", "title", "pages", "publication_date", "price:GBP", "isbn10")
    assert titles.freeze_panes == "A2"
    assert all(cell.font.bold for cell in titles[1])
    values = [cell.value for cell in titles[2]]
    assert values == ["9780306406157", "The Tide Clock", 320, datetime(2026, 1, 15), 9.99, "0306406152"]  # noqa: DTZ001
    assert titles["A2"].number_format == "@"
    assert titles["D2"].number_format == "yyyy-mm-dd"
    assert titles.column_dimensions["B"].width == 40


def test_a_title_is_never_a_formula_in_a_workbook() -> None:
    cell = book([of_work(imprint="=HYPERLINK(1)")], "imprint")["A2"]
    assert (cell.value, cell.data_type) == ("=HYPERLINK(1)", "s")


def test_the_same_rows_give_the_same_workbook() -> None:
    to = sheet("isbn13", "title", "publication_date", format="xlsx")
    assert message([PRINT, EBOOK], to) == message([PRINT, EBOOK], to)
    assert message([PRINT], to) != message([EBOOK], to)


def test_a_workbook_takes_rows_that_were_rendered_before_but_is_not_copied_from() -> None:
    to = sheet("isbn13", "title", format="xlsx")
    renderer, out = renderer_for(to, HOUSE), BytesIO()
    with renderer.message(out, SENT) as writer:
        assert writer.add(renderer.render(PRINT, TODAY).body) == (0, 0)
    assert out.getvalue() == message([PRINT], to)
    assert not renderer.reusable
    assert renderer_for(sheet("title"), HOUSE).reusable


def test_an_error_while_writing_leaves_no_workbook() -> None:
    renderer, out = renderer_for(sheet("title", format="xlsx"), HOUSE), BytesIO()
    with pytest.raises(ValueError), renderer.message(out, SENT) as writer:
        writer.add(b"not a row")
    assert out.getvalue() == b""


def test_an_empty_workbook_has_its_header() -> None:
    assert [[cell.value for cell in line] for line in book([], "isbn13", "title").rows] == [["isbn13", "title"]]


def test_markup_and_odd_contributors_become_plain_words() -> None:
    body = "<p>One&nbsp;&amp; two</p><p>three<br/>four</p>\n<ul><li>five</li></ul><!-- no -->"
    product = of_work(
        texts=(Text("03", body, html=True),),
        contributors=(
            Contributor(3, "B01", corporate_name="Harbour Board"),
            Contributor(1, "A01", inverted_name="Lima, Ana"),
            Contributor(2, "A01"),
        ),
    )
    assert row(product, "description", "contributors") == ["One & two three four five", "Lima, Ana; Harbour Board (Edited by)"]


def test_a_title_without_a_title_is_held_and_breaks_nothing() -> None:
    nameless = replace(of_work(replace(PRINT, full_title="", title_prefix="", title_without_prefix=""), title=" "), id=1)
    assert [reason.code for reason in rules.check(nameless, sheet("isbn13", "title", "subtitle"), HOUSE, TODAY)] == ["title-missing"]
