"""Reports that say less than they seem to: rows joined by a quotation mark, totals in other words, numbers and days that are none."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import openpyxl
import pytest

from include.sales.recognise import NotRecognised, recognise
from tests.sales.cases import LAYOUTS, Read, plain, read

ISBN = "9781915000019"
HEADER = "Date,ISBN,Title,Units,Net,Currency,Type\n"
ROW = f"2026-09-03,{ISBN},A,2,10.50,GBP,\n"


def of(tmp_path: Path, text: str | bytes, name: str = "report.csv") -> Read:
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read(path)


def rejected(found: Read) -> list[tuple[int, str]]:
    return [(one.row, one.code) for one in found.reading.rejects]


def test_rows_that_a_quotation_mark_joins_are_refused_and_all_counted(tmp_path: Path) -> None:
    stray = ROW.replace(",A,", ',"A,')
    closed_later = of(tmp_path, HEADER + ROW + stray + ROW + ROW.replace(",A,", ',B",') + ROW)
    assert (len(closed_later.lines), rejected(closed_later), len(closed_later.reading.rejects)) == (2, [(3, "rows-joined")], 3)
    never_closed = of(tmp_path, HEADER + ROW + stray + ROW * 4)
    assert (len(never_closed.lines), rejected(never_closed)[0]) == (1, (3, "rows-joined"))
    assert len(never_closed.reading.rejects) >= 5
    of_two_lines = of(tmp_path, HEADER + ROW.replace(",A,", ',"A, or\nthe Other",'))
    assert [line["title"] for line in of_two_lines.lines] == ["A, or\nthe Other"]


def test_a_header_that_comes_again_is_no_line(tmp_path: Path) -> None:
    found = of(tmp_path, HEADER + HEADER + ROW + HEADER + ROW)
    assert (len(found.lines), found.reading.skipped, len(found.reading.rejects)) == (2, {"the header again": 2}, 0)


@pytest.mark.parametrize("word", ["Totaal", "Gesamtsumme", "Sous-total", "Suma", "Итого", "合計", "Net total:", "Yhteensä GBP", "Totale"])
def test_a_total_in_other_words_is_one(tmp_path: Path, word: str) -> None:
    found = of(tmp_path, f"ISBN,Title,Units,Net,Currency,Period\n{ISBN},A,2,10.50,GBP,2026-09\n{word},,2,10.50,GBP,2026-09\n")
    assert (len(found.lines), {one.what: plain(one.stated) for one in found.reading.controls}) == (1, {"units": "2", "net": "10.5"})


def test_a_word_in_the_place_of_the_isbn_is_no_product(tmp_path: Path) -> None:
    found = of(tmp_path, f"ISBN,Units,Net,Currency,Period\n{ISBN},2,10.50,GBP,2026-09\nOverall,2,10.50,GBP,2026-09\n")
    assert (len(found.lines), rejected(found)) == (1, [(3, "no-product")])


def test_a_title_that_begins_like_a_total_is_a_line_by_whatever_names_it(tmp_path: Path) -> None:
    found = of(tmp_path, "Title,ISBN,ASIN,Units,Net,Currency,Period\nTotal Recall,,B0CLOCK001,2,1,GBP,2026-09\n")
    assert [line["id_value"] for line in found.lines] == ["B0CLOCK001"]


def test_days_that_systems_write_for_none_refuse_their_row_alone(tmp_path: Path) -> None:
    odd = ["9999-12-31", "0001-01-01", "2958465", "1899-12-31"]
    found = of(tmp_path, HEADER + "".join(ROW.replace("2026-09-03", day) for day in odd) + ROW)
    assert (len(found.lines), rejected(found)) == (1, [(row, "not-a-date") for row in range(2, 6)])


def workbook(*rows: list[object], copy: str = "", state: str = "visible", **formats: str) -> bytes:
    """A sheet with these rows, and a copy of it where one is named."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    for cell, form in formats.items():
        sheet[cell].number_format = form
    if copy:
        book.copy_worksheet(sheet).title = copy
        book[copy].sheet_state = state
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


CELLS = ["Date", "ISBN", "Units", "Net", "Currency"]
SOLD: list[object] = ["2026-09-03", ISBN, 2, 1, "GBP"]


def test_a_cell_that_no_day_can_be_refuses_its_row_and_not_the_workbook(tmp_path: Path) -> None:
    found = of(tmp_path, workbook(CELLS, [1e9, ISBN, 2, 1, "GBP"], SOLD, A2="yyyy-mm-dd"), "report.xlsx")
    assert (len(found.lines), rejected(found)) == (1, [(2, "not-a-date")])


@pytest.mark.parametrize("state", ["visible", "hidden", "veryHidden"])
def test_a_sheet_that_somebody_copied_counts_once(tmp_path: Path, state: str) -> None:
    found = of(tmp_path, workbook(CELLS, SOLD, SOLD, copy="Sheet (2)", state=state), "report.xlsx")
    assert [line["sheet"] for line in found.lines] == ["Sheet", "Sheet"]
    assert found.reading.copied == ["'Sheet (2)' has the same lines as 'Sheet'"]
    assert [note.partition(":")[0] for note in found.reading.notes.counted] == found.reading.copied


def test_a_sheet_with_the_same_lines_and_rows_that_can_not_be_read_is_no_copy(tmp_path: Path) -> None:
    book = openpyxl.load_workbook(io.BytesIO(workbook(CELLS, SOLD, copy="FR")))
    book["FR"].append([*SOLD[:3], "?", "GBP"])
    out = io.BytesIO()
    book.save(out)
    found = of(tmp_path, out.getvalue(), "report.xlsx")
    assert (len(found.lines), rejected(found), found.reading.copied) == (2, [(3, "not-a-number")], [])


def test_the_same_table_as_text_and_as_a_workbook_counts_once(tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("a.csv", f"Date,ISBN,Units,Net,Currency\n2026-09-03,{ISBN},2,1.00,GBP\n")
        file.writestr("a.xlsx", workbook(CELLS, SOLD))
    found = of(tmp_path, out.getvalue(), "all.zip")
    assert ([line["sheet"] for line in found.lines], found.reading.copied) == (["a.csv"], [])


def test_a_formula_that_nobody_computed_is_no_empty_cell(tmp_path: Path) -> None:
    found = of(tmp_path, workbook(CELLS, SOLD, ["2026-09-03", ISBN, 2, "=C2*3", "GBP"]), "report.xlsx")
    assert (len(found.lines), [(one.row, one.message) for one in found.reading.rejects]) == (
        1,
        [(3, "'=C2*3' is a formula without its result")],
    )


def test_cells_far_beside_the_table_cost_nothing(tmp_path: Path) -> None:
    book = openpyxl.load_workbook(io.BytesIO(workbook(CELLS, SOLD)))
    for row in range(3, 700):
        book.active.cell(row, 16_384, 1)
    out = io.BytesIO()
    book.save(out)
    found = of(tmp_path, out.getvalue(), "report.xlsx")
    assert (len(found.lines), found.reading.rows, found.reading.recognised.found[0].shape.width) == (1, 1, 5)


def test_two_columns_that_fit_one_and_differ_are_never_chosen_between(tmp_path: Path) -> None:
    cases = {
        f"ISBN,Units,Net,Currency,Period,Net\n{ISBN},2,10.50,GBP,2026-09,11.00\n": "Net (column 3), Net (column 6)",
        f"ISBN,Quantity,Net units,Net,Currency,Period\n{ISBN},2,1,10.50,GBP,2026-09\n": "Quantity (column 2), Net units (column 3)",
    }
    for text, named in cases.items():
        (path := tmp_path / "report.csv").write_text(text)
        told = recognise(path, path.name, LAYOUTS)
        assert isinstance(told, NotRecognised)
        assert f"say different things: {named}" in str(told)
    alike = of(tmp_path, f"ISBN,Units,Net,Currency,Period,Net\n{ISBN},2,10.50,GBP,2026-09,10.50\n")
    assert [plain(line["net"]) for line in alike.lines] == ["10.5"]


def test_an_amount_that_names_another_currency_than_its_row_is_refused(tmp_path: Path) -> None:
    amounts = ("12.50 USD", "$12.50", "€12.50", "£12.50", "GBP 12.50", "12.50")
    found = of(tmp_path, HEADER + "".join(ROW.replace("10.50", amount) for amount in amounts))
    assert rejected(found) == [(row, "other-currency") for row in (2, 3, 4)]
    header = "ReportPeriodFrom,ReportPeriodTo,ReportingCurrency,MainProductID#,NetSoldQuantity,ProceedsOfSaleDuePublisher"
    header += ",FeeAmount1,FeeAmount2"
    added_up = of(tmp_path, f"{header}\n2026-09-01,2026-09-30,USD,{ISBN},1,2.00,€1.00,$0.50\n")
    assert rejected(added_up) == [(2, "other-currency")]


def test_whether_day_or_month_comes_first_is_told_by_the_first_day_that_proves_it_however_far_down(tmp_path: Path) -> None:
    rows = ROW.replace("2026-09-03", "09/03/2026") * 600
    proven = of(tmp_path, HEADER + rows + ROW.replace("2026-09-03", "09/23/2026"))
    assert {str(line["date"]) for line in proven.lines} == {"2026-09-03", "2026-09-23"}
    unproven = of(tmp_path, HEADER + rows)
    assert {str(line["date"]) for line in unproven.lines} == {"2026-03-09"}
    assert "none of them proves" in next(iter(unproven.reading.notes.counted))


def test_a_period_that_ends_before_it_begins_refuses_its_row_alone(tmp_path: Path) -> None:
    header = "ReportPeriodFrom,ReportPeriodTo,ReportingCurrency,MainProductID#,NetSoldQuantity,ProceedsOfSaleDuePublisher\n"
    found = of(tmp_path, f"{header}2026-09-30,2026-09-01,USD,{ISBN},1,2.00\n2026-09-01,2026-09-30,USD,{ISBN},1,2.00\n")
    assert ([line["period"] for line in found.lines], rejected(found)) == (["2026-09"], [(2, "not-a-period")])


def test_sales_and_returns_have_the_sign_of_what_they_are(tmp_path: Path) -> None:
    rows = ("-2,-10.50,GBP,sale", "2,10.50,GBP,return", "-2,-10.50,GBP,return", "2,10.50,GBP,sale", "-2,-10.50,GBP,")
    found = of(tmp_path, HEADER + "".join(f"2026-09-03,{ISBN},A,{row}\n" for row in rows))
    told = [(line["kind"], line["units"], plain(line["net"])) for line in found.lines]
    back, sold = ("return", -2, "-10.5"), ("sale", 2, "10.5")
    assert told == [back, back, back, sold, back]


def test_amounts_whose_sum_could_not_be_kept_are_refused(tmp_path: Path) -> None:
    found = of(tmp_path, HEADER + ROW.replace("10.50", "9" * 28) + ROW.replace("10.50", "9" * 18) + ROW.replace("10.50", '"1,000,000.5"'))
    assert rejected(found) == [(2, "too-many-digits")]
    assert [plain(line["net"]) for line in found.lines] == ["9" * 18, "1000000.5"]


def test_the_decimal_mark_is_told_by_the_first_number_that_proves_it_however_far_down(tmp_path: Path) -> None:
    rows = f"{ISBN};1;1.234;EUR;2026-09\n" * 700
    proven = of(tmp_path, f"ISBN;Units;Net;Currency;Period\n{rows}{ISBN};1;0,50;EUR;2026-09\n")
    assert {code: plain(amount) for code, amount in proven.total("net").items()} == {"EUR": "863800.5"}
    unproven = of(tmp_path, f"ISBN;Units;Net;Currency;Period\n{rows}")
    assert {code: plain(amount) for code, amount in unproven.total("net").items()} == {"EUR": "863.8"}


def archive(**members: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        for name, text in members.items():
            file.writestr(f"{name}.csv", text)
    return out.getvalue()


def test_a_report_that_lies_twice_in_an_archive_counts_once_but_two_months_that_are_alike_are_two(tmp_path: Path) -> None:
    twice = of(tmp_path, archive(report=HEADER + ROW, copy=HEADER + ROW), "all.zip")
    assert (len(twice.lines), list(twice.reading.notes.counted)) == (1, ["report.csv in the archive is copy.csv again: read once"])
    text = f"ISBN,Units,Net,Currency\n{ISBN},1,9.99,GBP\n"
    months = of(tmp_path, archive(**{"r-2026-08": text, "r-2026-09": text}), "all.zip")
    assert [line["period"] for line in months.lines] == ["2026-08", "2026-09"]


def test_titles_in_another_script_do_not_hide_that_the_text_is_utf_16_without_a_mark(tmp_path: Path) -> None:
    found = of(tmp_path, (HEADER + ROW.replace(",A,", f",{'Война и мир ' * 20},") * 9).encode("utf-16-le"))
    assert len(found.lines) == 9


def test_text_that_breaks_its_own_encoding_is_told(tmp_path: Path) -> None:
    path = tmp_path / "report.csv"
    path.write_bytes((HEADER + ROW).encode("utf-16") + b"x")
    told = recognise(path, path.name, LAYOUTS)
    assert isinstance(told, NotRecognised)
    assert "UTF-16 and has bytes that are none" in told.what
