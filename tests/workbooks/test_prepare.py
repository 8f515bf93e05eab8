"""Workbooks as Consonance's imports want them: headers, texts, decimals, sizes, totals, the same bytes for the same rows."""

from __future__ import annotations

import os
import time
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook
from sqlalchemy import func, select

from include.errors import ConfigurationError, PermanentError, RejectedData
from include.ledger.models import EventRow
from include.ledger.sales_rows import WorkbookRow
from include.workbooks import hand
from include.workbooks.prepare import Row, file_name
from include.workbooks.template import load_template
from include.workbooks.write import number
from tests.workbooks.conftest import NOW, cells, sale, title, written

CONFIG = Path(__file__).resolve().parents[2] / "config"
SALES = load_template("sales", CONFIG)
HEADERS = [
    "Product ID type", "Product ID", "Channel ID", "Sales date", "List price", "Source", "Sales quantity", "Sales value", "Return quantity",
    "Return value", "Country code", "Original currency", "Original sales value", "Original return value", "File", "Notes",
]  # fmt: skip


def small(rows: int, kind: str = "sales"):
    return load_template(kind, CONFIG).model_copy(update={"rows": rows})


def test_a_sales_workbook_has_the_sixteen_columns_in_their_order(made, content):
    (row,) = made("sales", [sale(1, "9.95")])
    assert cells(content(row))[0] == HEADERS
    assert (row.state, row.rows, row.totals, row.role) == ("prepared", 1, {"GBP": "9.95", "sold": "1"}, "sales")


def test_isbns_and_codes_and_dates_are_texts(made, content):
    isbn = "0306406152"
    (row,) = made("sales", [sale(1, "1", isbn=isbn, channel_id="007")])
    line = written(content(row))[1]
    assert (line["B"], line["C"], line["D"]) == (("inlineStr", isbn), ("inlineStr", "007"), ("inlineStr", "2026-09-30"))


@pytest.mark.parametrize(
    "text", ["=1+1", '=HYPERLINK("http://x.example")', "+44", "-1", "@sum", "\t=1", "'quoted", "a\x07bell", " padded "]
)
def test_a_title_is_never_a_formula(made, content, text):
    (row,) = made("titles", [title("9781915000002", text)], subject="titles 1")
    assert written(content(row))[1]["A"][0] == "inlineStr"
    assert cells(content(row))[1][0] == text.replace("\x07", "")


@pytest.mark.parametrize("amount", ["9.95", "0.1", "1200", "1234567.89", "0.0000000001", "3.4567", "-0.07", "99999999999.9999", "0.00"])
def test_amounts_are_numbers_with_every_digit(made, content, amount):
    (row,) = made("sales", [sale(1, amount)])
    kind, text = written(content(row))[1]["H"]
    assert kind == "n"
    assert Decimal(text) == Decimal(amount)
    assert Decimal(repr(cells(content(row))[1][7])) == Decimal(amount), "as a library reads it back"


def test_an_amount_that_no_number_of_a_spreadsheet_holds_stays_whole_as_text():
    assert number(Decimal("123456789.1234567891"), "here") == "123456789.1234567891"


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9, places=5))
def test_every_amount_reads_back_as_it_was(amount):
    cell = number(amount, "here")
    assert Decimal(format(cell, ".16G") if isinstance(cell, Decimal) else cell) == amount
    assert Decimal(repr(float(cell))) == amount


def test_what_no_column_holds_is_refused_with_its_place(made, ledger):
    with pytest.raises(RejectedData, match=r"row 7, column List price: 'free'"):
        made("sales", [sale(7, "1", list_price="free")])
    with pytest.raises(RejectedData, match="row 8: there is no Product ID"):
        made("sales", [sale(8, "1", isbn="")])
    with ledger.read() as session:
        assert session.scalar(select(func.count()).select_from(WorkbookRow)) == 0


def test_one_bad_row_is_set_aside_and_the_rest_goes(made, content):
    told = []
    rows = [sale(1, "1.00"), sale(2, "2.00", isbn=""), sale(3, "4.00")]
    totals = {"GBP": Decimal("7.00"), "sold": Decimal(3)}
    (row,) = made("sales", rows, aside=lambda bad, why: told.append((bad.where, str(why))), totals=totals)
    assert [place for place, _ in told] == ["row 2"]
    assert (row.rows, row.totals["GBP"]) == (2, "5.00")


def test_many_rows_make_workbooks_of_the_size_that_the_importer_takes(made, content):
    rows = [sale(n, "0.10", isbn=f"97819150{n:05d}") for n in range(25)]
    parts = made("sales", rows, template=small(10), totals={"GBP": Decimal("2.50"), "sold": Decimal(25)})
    assert [(row.part, row.parts, row.rows) for row in parts] == [(1, 3, 10), (2, 3, 10), (3, 3, 5)]
    assert [row.name for row in parts] == [f"sales-of-sales-12_{n}-of-3.xlsx" for n in (1, 2, 3)]
    assert sum(Decimal(row.totals["GBP"]) for row in parts) == Decimal("2.50")
    lines = [line[1] for row in parts for line in cells(content(row))[1:]]
    assert lines == [f"97819150{n:05d}" for n in range(25)]
    assert all(cells(content(row))[0] == HEADERS for row in parts)


def test_totals_that_differ_from_the_rows_keep_nothing(made, ledger):
    with pytest.raises(PermanentError, match=r"come to 3\.00 GBP and should come to 3\.01, a difference of -0\.01"):
        made("sales", [sale(1, "1.00"), sale(2, "2.00")], totals={"GBP": Decimal("3.01"), "sold": Decimal(2)})
    with ledger.read() as session:
        assert session.scalar(select(func.count()).select_from(WorkbookRow)) == 0


def test_formats_of_one_work_stay_in_one_workbook(made, content):
    def of(group: str, n: int) -> Row:
        return Row({"title": group, "isbn": f"{group}{n}", "same_work_type": "Within import", "same_work": group}, group=group, where=group)

    rows = [of("a", 1), of("a", 2), of("b", 1), of("b", 2), of("c", 1)]
    parts = made("titles", rows, subject="titles 1", template=small(3, "titles"))
    assert [[line[0] for line in cells(content(row))[1:]] for row in parts] == [["a", "a"], ["b", "b", "c"]]
    with pytest.raises(RejectedData, match="more rows belong together than the 3"):
        made("titles", [of("d", n) for n in range(4)], subject="titles 2", template=small(3, "titles"))


def test_the_same_rows_make_the_same_bytes_whenever_and_wherever(made, content, store, monkeypatch):
    rows = [sale(1, "9.95"), sale(2, "0.05", currency="USD")]
    (first,) = made("sales", rows)
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    time.tzset()
    monkeypatch.setattr(time, "time", lambda: 1e9)
    try:
        (second,) = made("sales", rows, subject="sales 13")
    finally:
        monkeypatch.undo()
        os.environ.pop("TZ", None)
        time.tzset()
    assert (first.sha256, first.digest) == (second.sha256, second.digest)


def test_preparing_again_changes_nothing(made, ledger):
    first = made("sales", [sale(1, "9.95")])
    with ledger.read() as session:
        events = session.scalar(select(func.count()).select_from(EventRow))
    assert [row.id for row in made("sales", [sale(1, "9.95")])] == [row.id for row in first]
    with ledger.read() as session:
        assert session.scalar(select(func.count()).select_from(WorkbookRow)) == 1
        assert session.scalar(select(func.count()).select_from(EventRow)) == events


def test_what_was_withdrawn_and_is_wanted_again_comes_back(made, ledger):
    (row,) = made("sales", [sale(1, "9.95")])
    hand.withdraw_one(ledger, row.id, now=NOW, who="ada", note="not yet")
    (again,) = made("sales", [sale(1, "9.95")])
    assert (again.id, again.state) == (row.id, "prepared")


def test_whoever_prepares_is_told_of_the_workbooks_in_the_same_transaction(made, ledger):
    def breaks(session, rows) -> None:
        assert [row.id for row in rows]
        raise PermanentError("the lines are gone")

    with pytest.raises(PermanentError):
        made("sales", [sale(1, "1")], then=breaks)
    with ledger.read() as session:
        assert session.scalar(select(func.count()).select_from(WorkbookRow)) == 0


def test_no_rows_make_no_workbook(made):
    assert made("sales", []) == []


@pytest.mark.parametrize(
    ("name", "part", "parts", "want"),
    [
        ("Sales Kobo 2026-09 (batch 12)", 1, 1, "Sales-Kobo-2026-09-batch-12.xlsx"),
        ("Čapek / Söhne: titles", 2, 3, "Capek-Sohne-titles_2-of-3.xlsx"),
        ("../../etc/passwd", 1, 1, "etc-passwd.xlsx"),
        ("日本", 1, 1, "import.xlsx"),
    ],
)
def test_file_names_are_for_people_and_safe(name, part, parts, want):
    assert file_name(name, part, parts) == want


# --- the publisher's own template


def downloaded(folder: Path, *headers: str | None) -> Path:
    book = Workbook()
    book.active.append(list(headers))
    path = folder / "workbooks" / "own.xlsx"
    book.save(path)
    return path


@pytest.fixture
def config(tmp_path):
    (tmp_path / "workbooks").mkdir()
    for name in ("products", "prices"):
        text = (CONFIG / "workbooks" / f"{name}.toml").read_text().replace(f'# template = "{name}-template.xlsx"', 'template = "own.xlsx"')
        (tmp_path / "workbooks" / f"{name}.toml").write_text(text)
    return tmp_path


def test_only_columns_of_the_downloaded_template_are_written_in_its_order(config, made, content):
    downloaded(config, "ISBN", "Title", "Imprint", None, "Subtitle")
    template = load_template("titles", config)
    assert [column.header for column in template.columns] == ["ISBN", "Title"], "a blank column ends the sheet"
    (row,) = made("titles", [title("9781915000002", "Sea", subtitle="Lost")], subject="titles 1", template=template)
    assert cells(content(row)) == [["ISBN", "Title"], ["9781915000002", "Sea"]]


def test_a_template_without_a_column_that_we_need_is_refused_with_what_to_do(config):
    downloaded(config, "ISBN", "Currency code", "Price type", "Price qualifier", "price amount")
    with pytest.raises(ConfigurationError, match=r"lacks the column 'Price amount'.*It has 'price amount': write that into `header`"):
        load_template("prices", config)
    (config / "workbooks" / "own.xlsx").write_text("no workbook")
    with pytest.raises(ConfigurationError, match="it is no XLSX workbook"):
        load_template("prices", config)


test_every_amount_reads_back_as_it_was = settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])(
    test_every_amount_reads_back_as_it_was
)
