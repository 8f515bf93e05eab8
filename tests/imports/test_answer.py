"""The sheet that goes back: every cell as it was, and what became of each row beside it."""

from __future__ import annotations

import csv
import io
from datetime import datetime, timedelta
from typing import Any

import openpyxl
import pytest
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
from openpyxl.comments import Comment
from openpyxl.styles import Font

from include.deliveries import redeliver
from include.deliveries.redeliver import Wish
from include.errors import ConfigurationError
from include.imports import answer
from include.imports.answer import Status
from include.imports.arrivals import Desk
from include.imports.mapping import load_mapping
from include.imports.sheets import read
from include.ledger.models import DeliveryRow
from include.partners import load_house, load_inbox
from tests.imports.office import NOW, Office, workbook
from tests.imports.test_sheets import OLD

HEAD = ["ISBN", "Title", "Subtitle", "Pub date", None, "Notes"]
GREEN, GREY, RED = "00C6EFCE", "00EDEDED", "00FFC7CE"


def sheet_of(office: Office) -> tuple[bytes, list[list[Any]]]:
    """Three rows: one that changes something, one that does not, one with a wrong date; with a formula, a comment, a style, a second
    sheet."""
    (one, first), (two, second), (three, third) = office.editions(3)
    rows = [["Spring"], HEAD, [first.isbn, one.title, "New", None, "loose", '=A3&"!"'], [second.isbn, two.title, None, None],
            [third.isbn, three.title, None, "soon"]]  # fmt: skip
    book = openpyxl.load_workbook(io.BytesIO(workbook(*rows)))
    page = book.active
    page["B3"].font, page["B3"].comment = Font(italic=True), Comment("check this", "ed")
    page["H9"] = "far away"
    book.create_sheet("Other").append(["kept"])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue(), rows


def test_every_cell_is_kept_and_each_row_has_its_status_in_colour(office: Office) -> None:
    content, rows = sheet_of(office)
    number = office.take("Spring 2027.xlsx", content, arrived=NOW).import_id
    office.work_through(number)
    book, made = office.answer(number)
    page = book.active
    assert made.name == f"Spring 2027 (sheet {number}).xlsx"
    assert [[cell.value for cell in row] for row in page.iter_rows(max_row=5, max_col=6)] == [row + [None] * (6 - len(row)) for row in rows]
    assert (page["H9"].value, page["B3"].font.italic, page["B3"].comment.text, book["Other"]["A1"].value) == (
        "far away",
        True,
        "check this",
        "kept",
    )
    assert [page.cell(2, column).value for column in (9, 10)] == ["Status", "What to do"]
    assert [page.cell(row, 9).value for row in (3, 4, 5, 6)] == ["Updated", "Nothing to change", "Not accepted", None]
    assert [page.cell(row, 9).fill.start_color.rgb for row in (3, 4, 5)] == [GREEN, GREY, RED]
    assert page["D5"].fill.start_color.rgb == RED
    assert page.cell(2, 10).comment.text == "These columns are not read: Notes"
    assert "Subtitle" in page.cell(3, 10).value
    assert "Pub date: 'soon' is no date" in page.cell(5, 10).value


def test_a_corrected_answer_comes_back_as_a_sheet_and_its_status_is_written_over(office: Office) -> None:
    number = office.take("Spring.xlsx", sheet_of(office)[0], arrived=NOW).import_id
    office.work_through(number)
    book, _ = office.answer(number)
    book.active["D5"] = datetime.fromisoformat("2027-02-03")
    out = io.BytesIO()
    book.save(out)
    office.now += timedelta(days=1)
    again = office.take("Spring (sheet 1).xlsx", out.getvalue(), arrived=office.now)
    assert again.counts == {"unchanged": 2, "waiting": 1}
    assert [reason for reason in office.sheet(again.import_id).reasons if "Status" in reason["message"]] == []
    office.work_through(again.import_id)
    book, _ = office.answer(again.import_id)
    page = book.active
    assert [page.cell(row, 9).value for row in (2, 3, 4, 5)] == ["Status", "Nothing to change", "Nothing to change", "Updated"]
    assert page.max_column == 10


def test_a_text_becomes_a_workbook_in_which_nothing_is_a_formula_and_no_zero_is_lost(office: Office) -> None:
    (_, product), *_ = office.editions(1)
    out, link = io.StringIO(), '=HYPERLINK("http://x","y")'
    csv.writer(out).writerows([
        ["ISBN", "Title", "Stock", "Notes"],
        [product.isbn, link, "007", "a\nb"],
        ["1", "X"],
    ])
    number = office.take("sheet.csv", out.getvalue().encode("utf-16"), arrived=NOW).import_id
    book, _ = office.answer(number)
    page = book.active
    assert [(page[cell].value, page[cell].data_type) for cell in ("B2", "C2", "D2")] == [
        (link, "s"), ("007", "s"), ("a\nb", "s"),
    ]  # fmt: skip
    assert [page.cell(row, 5).value for row in (1, 3)] == ["Status", "Not accepted"]


def test_the_same_answer_is_prepared_once_and_a_newer_one_takes_its_place(office: Office) -> None:
    number = office.take("Spring.xlsx", sheet_of(office)[0], arrived=NOW).import_id
    _, first = office.answer(number)
    assert answer.prepare(office.ledger, office.store, load_inbox("titles"), office.mapping, number, now=office.now) == first
    office.work_through(number)
    _, second = office.answer(number)
    with office.ledger.read() as session:
        states = [session.get_one(DeliveryRow, id).state for id in (first.delivery_id, second.delivery_id)]
        (file,) = session.get_one(DeliveryRow, second.delivery_id).files
    assert states == ["withdrawn", "prepared"]
    assert (file.folder, file.name) == ("/sheets/answers", second.name)
    for mode in ("as sent", "rebuilt"):
        (again,) = redeliver.plan(office.ledger, Wish(since=NOW.date(), mode=mode))
        assert (again.delivery_id, again.partner, again.mode) == (second.delivery_id, "titles", "as sent")


def test_an_inbox_that_would_take_its_own_answers_is_refused(office: Office) -> None:
    inbox = load_inbox("titles").model_copy(update={"exclude": ()})
    with pytest.raises(ConfigurationError, match="own answers"):
        _ = Desk(office.ledger, office.store, inbox, load_house(), office.client).mapping


def marked(tmp_path, content: bytes, name: str, mapping: str = "season", advice: str = "Nothing.") -> Any:
    """Every row marked with the same status, as its sender opens it."""
    of, path, out = load_mapping(mapping), tmp_path / "sheet", io.BytesIO()
    path.write_bytes(content)
    told = {line.number: Status("Updated", answer.GREEN, advice) for line in read(path, name, of).lines}
    answer.mark(path, name, of, told, {}, out)
    return openpyxl.load_workbook(io.BytesIO(out.getvalue()), rich_text=True)


def test_the_line_of_a_section_that_is_as_wide_as_the_page_makes_room_for_the_status(tmp_path):
    book = openpyxl.Workbook()
    text = CellRichText("The ", TextBlock(InlineFont(b=True), "Lamp"))
    for row in (["Lantern"], ["ISBN", "Title"], ["Spring list 9780306406157"], ["9780306406157", text], [None, "The Lamp"]):
        book.active.append(row)
    for merged in ("A1:Z1", "A3:Z3", "C4:D9", "B5:Z5"):
        book.active.merge_cells(merged)
    out = io.BytesIO()
    book.save(out)
    page = marked(tmp_path, out.getvalue(), "Spring.xlsx").active
    assert {str(merged) for merged in page.merged_cells.ranges} == {"A1:Z1", "A3:B3"}
    assert [[page.cell(row, column).value for column in (3, 4)] for row in (2, 3, 4, 5)] == [
        ["Status", "What to do"], ["Updated", "Nothing."], ["Updated", "Nothing."], ["Updated", "Nothing."]
    ]  # fmt: skip
    assert page["B4"].value == text


def test_a_workbook_that_would_fill_the_memory_goes_back_as_its_values(tmp_path):
    book, out = openpyxl.Workbook(), io.BytesIO()
    for row in (["ISBN", "Title"], ["9780306406157", "The Lamp"]):
        book.active.append(row)
    book.active.merged_cells.add("D1:XFD1048576")  # sixteen thousand million cells
    book.save(out)
    page = marked(tmp_path, out.getvalue(), "Spring.xlsx").active
    assert [[cell.value for cell in row] for row in page.iter_rows()] == [
        ["ISBN", "Title", "Status", "What to do"], ["9780306406157", "The Lamp", "Updated", "Nothing."]
    ]  # fmt: skip


def test_no_sentence_of_the_answer_is_a_formula_and_no_template_is_sent(tmp_path):
    book = marked(
        tmp_path, b'=EAN\x01;TITLE;\x02\xef\xbf\xbf-\n123;"=1+1";\xef\xbf\xbe\n', "extract.csv", "erp", advice="=EAN\x01: '123' is no ISBN"
    )
    assert [(cell.value, cell.data_type) for cell in book.active[2] if cell.value] == [
        ("123", "s"), ("=1+1", "s"), ("Updated", "s"), ("=EAN: '123' is no ISBN", "s")
    ]  # fmt: skip
    book = openpyxl.Workbook()
    book.template = True
    for row in (["ISBN", "Title"], ["9780306406157", "The Lamp"]):
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    assert marked(tmp_path, out.getvalue(), "Season.xltx").template is False


def test_a_workbook_of_old_goes_back_as_one_of_today(tmp_path):
    page = marked(tmp_path, OLD.read_bytes(), "Spring.xls").active
    assert [page.cell(7, column).value for column in (1, 7, 8, 9)] == ["ISBN", "Notes", "Status", "What to do"]
    assert (page["A8"].value, page["D8"].value, page["D8"].is_date, page["H11"].value) == (
        9780306406157, datetime.fromisoformat("2027-03-04"), True, "Updated"
    )  # fmt: skip
