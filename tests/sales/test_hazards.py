"""Everything that goes wrong in sales reports has a file and an outcome. The files' totals are checked with the layouts' own."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from include.partners.sources import SalesSource
from tests.sales.cases import DATA, SOURCE, given, name_of, read, want

HAZARDS = {
    "UTF-16": "hazards/utf_16",
    "UTF-16 without a mark": "hazards/utf_16_big_endian_without_mark",
    "byte order mark": "hazards/utf_8_with_mark",
    "Latin 1": "hazards/latin_1",
    "CP1252": "hazards/cp1252",
    "text behind .xls": "hazards/text_behind_xls",
    "real BIFF .xls": "hazards/real_xls",
    "rows above the header": "hazards/preamble",
    "totals and footer rows": "hazards/totals_and_footers",
    "totals that do not balance": "hazards/totals_that_are_wrong",
    "a title that looks like a total": "hazards/a_title_called_total",
    "decimal comma and thousands": "hazards/decimal_comma",
    "(1.23) and trailing minus": "hazards/negatives",
    "quote-prefixed ISBN": "hazards/quoted_isbn",
    "float ISBN": "hazards/float_isbn",
    "float ISBN in a workbook": "hazards/float_isbn_in_a_workbook",
    "ISBN-10, ASIN, SKU, parent ISBN": "hazards/other_identifiers",
    "re-sent": "hazards/resent",
    "restated": "hazards/restated",
    "overlapping PTD and YTD": "hazards/period_and_year_side_by_side",
    "mixed currencies": "hazards/mixed_currencies",
    "agency and wholesale in one file": "hazards/agency_and_wholesale",
    "tax-inclusive list price": "apple_financial/fiscal_september",
    "zero-price promotion": "hazards/zero_price",
    "units that are no sales": "hazards/models",
    "fiscal month": "apple_financial/fiscal_september",
    "time zones": "hazards/time_zone",
    "amounts that come later": "google_transactions/september",
}


@pytest.mark.parametrize("hazard", HAZARDS)
def test_every_hazard_has_a_file_and_an_outcome(hazard: str) -> None:
    case = DATA / HAZARDS[hazard]
    assert given(case).stat().st_size
    assert want(case)["layout"]


def lines(hazard: str, source: SalesSource = SOURCE) -> list[dict[str, object]]:
    case = DATA / HAZARDS[hazard]
    return read(given(case), name_of(case), source=source).lines


def said(line: dict[str, object]) -> str:
    return str({name: value for name, value in line.items() if name not in {"row", "sheet"}})


def test_a_report_that_is_sent_again_says_the_same() -> None:
    again = read(DATA / "hazards/resent/again.csv", "sales-2026-09.csv").lines
    assert sorted(map(said, again)) == sorted(map(said, lines("re-sent")))


def test_a_restated_month_differs_in_the_corrected_line_alone() -> None:
    first = {said(line) for line in lines("restated")}
    second = {said(line) for line in read(DATA / "hazards/restated/restated.csv", "sales-2026-09.csv").lines}
    assert len(first & second) == 1
    assert len(first - second) == len(second - first) == 1


def test_the_same_moment_is_the_same_day_in_the_sources_zone() -> None:
    west, utc = (SOURCE.model_copy(update={"timezone": zone}) for zone in ("America/Los_Angeles", "UTC"))
    assert [line["date"] for line in lines("time zones", west)] == [date(2026, 9, 30)] * 3
    assert [line["date"] for line in lines("time zones", utc)] == [date(2026, 10, 1), date(2026, 10, 1), date(2026, 9, 30)]


def test_what_a_price_is_stays_with_each_line() -> None:
    assert [line["price_basis"] for line in lines("agency and wholesale in one file")] == ["agency", "net"]
    assert {line["price_basis"] for line in lines("tax-inclusive list price")} == {"list-inc-tax"}


def test_a_fiscal_month_is_its_own_period_and_dates_are_its_last_day() -> None:
    assert {(line["period"], line["date"]) for line in lines("fiscal month")} == {("2026-08-30/2026-10-03", date(2026, 10, 3))}


def test_a_row_of_sales_and_refunds_becomes_two_lines() -> None:
    case = DATA / "kdp_prior_month/september"
    first, second = [line for line in read(given(case), name_of(case)).lines if line["row"] == 4 and line["sheet"] == "eBook Royalty"]
    assert (first["kind"], first["units"], first["net"]) == ("sale", 12, Decimal("33.95"))
    assert (second["kind"], second["units"], second["net"]) == ("return", -2, Decimal(0))


def test_lines_keep_where_a_person_finds_them(tmp_path: Path) -> None:
    report = tmp_path / "sales-2026-09.csv"
    report.write_text(
        'Northgate\n\nISBN,Title,Units,Net,Currency\n9781912345014,"two\nlines",1,1.00,GBP\n\n9781912345021,b,1\n9781912345038,c,1,1.00,GBP\n',
        encoding="utf-8",
    )
    found = read(report)
    assert [line["row"] for line in found.lines] == [4, 7]
    assert [(one.row, one.code) for one in found.reading.rejects] == [(6, "cells")]


def test_a_sources_territory_is_that_of_lines_without_one() -> None:
    case = DATA / "google_transactions/september"
    here = SOURCE.model_copy(update={"territory": "NZ"})
    assert {line["territory"] for line in lines("time zones", here)} == {"NZ"}
    assert {line["territory"] for line in read(given(case), name_of(case), source=here).lines} == {"GB"}


def test_refused_rows_name_row_column_value_and_what_to_do() -> None:
    case = DATA / "hazards/float_isbn"
    (refused,) = read(given(case), name_of(case)).reading.rejects
    assert (refused.row, refused.column, refused.value) == (4, "ISBN", "9.78191E+12")
    assert "cut off" in refused.message
    assert refused.todo


def test_rows_are_numbered_rightly_beyond_the_first_blocks(tmp_path: Path) -> None:
    row = '9781912345014,"The Quiet\nHarbour",1,1.00,GBP\n'
    (report := tmp_path / "sales-2026-09.csv").write_text("ISBN,Title,Units,Net,Currency\n" + (row * 60_000 + "short,row\n\n") * 2 + row)
    found = read(report, rows_at_once=20_000)
    assert [(one.row, one.code) for one in found.reading.rejects] == [(60_002, "cells"), (120_004, "cells")]
    assert [line["row"] for line in found.lines] == [*range(2, 60_002), *range(60_004, 120_004), 120_006]
