"""Sheets as people and systems make them: headings anywhere, encodings, broken and hostile files."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import openpyxl
import pytest

from include.errors import ConfigurationError
from include.files.model import Refused
from include.imports import sheets
from include.imports.mapping import Mapping, load_mapping
from include.imports.rows import read_row
from include.imports.sheets import BLANK_ROWS, Sheet, read
from include.partners.registry import stems
from tests.imports.office import workbook

SEASON = load_mapping("season")
ERP = load_mapping("erp")
ISBN = "9780306406157"
OLD = Path(__file__).parents[1] / "data" / "imports" / "season.xls"
"""Written by xlwt 1.3: a hidden first worksheet; headings in row 7; real dates, texts, numbers, an error, a note beside the table."""


def mapping(**changes: object) -> Mapping:
    return Mapping.model_validate(SEASON.model_dump(exclude_unset=True) | changes)


def sheet(tmp_path: Path, content: bytes, name: str = "sheet.xlsx", of: Mapping = SEASON, **more: object) -> Sheet:
    path = tmp_path / "stored-without-an-ending"
    path.write_bytes(content)
    return read(path, name, of, **more)


def fields(found: Sheet, of: Mapping = SEASON) -> list[dict[str, object]]:
    return [read_row(line, found, of).to_json() for line in found.lines]


def refused(tmp_path: Path, content: bytes, name: str = "sheet.xlsx", of: Mapping = SEASON) -> str:
    with pytest.raises(Refused) as bad:
        sheet(tmp_path, content, name, of)
    assert bad.value.todo
    assert name in bad.value.where
    return bad.value.code


def test_headings_are_found_wherever_they_stand_and_however_they_are_written(tmp_path):
    content = workbook(["Lantern & Quill"], [], [None, "Spring 2027", None], ["pub DATE", " isbn-13 ", "Working title", "Cost"],
                       ["04/03/2027", 9780306406157, "The Lamp", 12])  # fmt: skip
    found = sheet(tmp_path, content)
    assert (found.head.row, found.head.unknown) == (4, ("Cost",))
    assert fields(found) == [{"isbn": ISBN, "title": "The Lamp", "publication_date": "2027-03-04"}]
    assert [line.number for line in found.lines] == [5]


@pytest.mark.parametrize(
    ("encoding", "told"),
    [("utf-8", ""), ("utf-8-sig", ""), ("utf-16", ""), ("utf-16-le", ""), ("utf-16-be", ""), ("cp1252", "cp1252"), ("cp1252", "")],
)
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_text_is_read_in_its_encoding_with_its_delimiter(tmp_path, encoding, told, delimiter):
    lines = ["ISBN|Title|Subtitle", *(f"{ISBN}|Größe “{n}”|Une façon d’être, là" for n in range(8))]
    text = "\r\n".join(line.replace("|", delimiter) if delimiter != "," else line.replace(", ", " ").replace("|", ",") for line in lines)
    found = sheet(tmp_path, text.encode(encoding), "sheet.csv", mapping(encoding=told))
    assert found.delimiter == delimiter
    assert fields(found)[0]["title"] == "Größe “0”"


def test_rows_of_a_text_are_counted_as_a_spreadsheet_counts_them(tmp_path):
    content = f'ISBN,Title\n{ISBN},"Two\nlines"\n\n{ISBN},Next\n'.encode()
    found = sheet(tmp_path, content, "sheet.csv")
    assert [line.number for line in found.lines] == [2, 4]
    assert fields(found)[0]["title"] == "Two lines"


def test_an_extract_with_decimal_commas_and_days_first(tmp_path):
    content = "Stand: 20.11.2026;;\nEAN;PUBDATE;STATUS;VK EUR;Seiten\n9780306406157;04.03.2027;A;12,50;320\n".encode("cp1252")
    found = sheet(tmp_path, content, "extract.csv", ERP)
    assert found.made_at == datetime(2026, 11, 20, tzinfo=UTC)
    assert fields(found, ERP) == [
        {"isbn": ISBN, "publication_date": "2027-03-04", "publishing_status": "04", "pages": "320", "price EUR 02 05": "12.50"}
    ]


def test_lines_of_sections_and_headings_that_come_again_are_no_rows(tmp_path):
    heads = ["ISBN", "Title", "Notes"]
    rows = [
        ["SPRING 2027", None, "see list"],
        [ISBN, "The Lamp"],
        heads,
        ["tbc", "Not yet numbered"],
        ["AUTUMN"],
        [ISBN, "Salt"],
        ["978030"],
    ]
    assert [line.number for line in sheet(tmp_path, workbook(heads, *rows)).lines] == [3, 5, 7]


def test_a_row_with_a_separator_too_many_goes_back(tmp_path):
    found = sheet(tmp_path, f"ISBN,Title\n{ISBN},Salt, Glass\n".encode(), "sheet.csv")
    assert [problem["code"] for problem in read_row(found.lines[0], found, SEASON).problems] == ["columns-shifted"]


def test_when_a_sheet_was_made_is_taken_from_what_it_says_then_from_its_properties(tmp_path):
    made = datetime(2026, 11, 19, 8, tzinfo=UTC)
    rows = [["ISBN", "Title"], [ISBN, "The Lamp"]]
    assert sheet(tmp_path, workbook(*rows, made=made)).made_at == made
    assert sheet(tmp_path, workbook(["As of: 18 November 2026"], *rows, made=made)).made_at == datetime(2026, 11, 18, tzinfo=UTC)
    assert sheet(tmp_path, workbook(["As of:", datetime.fromisoformat("2026-11-17T10:00:00")], *rows)).made_at == datetime(
        2026, 11, 17, 10, tzinfo=UTC
    )
    arrived = datetime(2026, 11, 20, tzinfo=UTC)
    assert sheet(tmp_path, f"ISBN,Title\n{ISBN},X\n".encode(), "s.csv", arrived=arrived).made_at == arrived


def test_a_formula_that_was_never_calculated_says_so_and_is_not_taken_for_empty(tmp_path):
    found = sheet(tmp_path, workbook(["ISBN", "Title", "Subtitle"], [ISBN, '="The "&"Lamp"', None]))
    assert [problem["code"] for problem in read_row(found.lines[0], found, SEASON).problems] == ["formula-error"]


def test_a_sheet_that_claims_a_million_rows_ends_where_its_rows_end(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["ISBN", "Title"])
    book.active.append([ISBN, "The Lamp"])
    book.active.cell(BLANK_ROWS + 500, 1, " ")
    out = io.BytesIO()
    book.save(out)
    lying = io.BytesIO()
    with zipfile.ZipFile(out) as source, zipfile.ZipFile(lying, "w") as target:
        for info in source.infolist():
            data = source.read(info)
            if info.filename == "xl/worksheets/sheet1.xml":
                data = data.replace(f"A1:B{BLANK_ROWS + 500}".encode(), b"A1:A1")
            target.writestr(info, data)
    assert len(sheet(tmp_path, lying.getvalue()).lines) == 1


def test_a_workbook_of_old_is_read_as_one_of_today(tmp_path):
    found = sheet(tmp_path, OLD.read_bytes(), "Spring.xls")
    assert (found.kind, found.name, found.head.row, found.made_at) == ("xls", "Season", 7, datetime(2026, 11, 18, tzinfo=UTC))
    day = {"publication_date": "2027-03-04"}
    assert fields(found) == [
        {"isbn": ISBN, "title": "Größe der Stille", "contributors": "Ana Lima", "pages": "320", "price GBP 02 05": "12.50"} | day,
        {"isbn": "9783161484100", "title": "The Lamp", "contributors": "Bo Dahl"} | day,
        {"isbn": "9780140328721", "title": "Old Stock"} | day,
    ]
    assert [line.number for line in found.lines] == [8, 9, 11]
    text = sheet(tmp_path, f"ISBN\tTitle\n{ISBN}\tThe Lamp\n".encode(), "extract.xls")
    assert (text.kind, fields(text)[0]["title"]) == ("csv", "The Lamp")


@pytest.mark.parametrize(
    ("content", "name", "code"),
    [
        (b"", "sheet.xlsx", "not-a-sheet"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "sheet.xls", "sheet-broken"),
        (OLD.read_bytes().replace(b"W\0o\0r\0k\0", b"E\0n\0c\0r\0"), "locked.xlsx", "not-a-sheet"),
        (OLD.read_bytes()[:2_000], "half.xls", "sheet-broken"),
        (b"<html><table><tr><td>ISBN</td></tr></table>", "page.xls", "not-a-sheet"),
        (b"PK\x03\x04 and then nothing", "sheet.xlsx", "sheet-broken"),
        (b"PK\x03\x04 zipped", "sheets.zip", "not-a-sheet"),
        (b"%PDF-1.7", "sheet.pdf", "not-a-sheet"),
        (b"holiday,plans\n1,2\n", "sheet.csv", "no-headings"),
        (b"Title,Subtitle\nA,B\n", "sheet.csv", "no-headings"),
        (b"ISBN,Title,Title\n1,2,3\n", "sheet.csv", "heading-twice"),
        (b"ISBN,Title\n", "sheet.csv", "empty"),
        (b'ISBN,Title\n9780306406157,"never closed\n', "sheet.csv", "csv-broken"),
        (b"", "sheet.csv", "no-headings"),
    ],
)
def test_what_is_no_sheet_is_refused_with_its_reason(tmp_path, content, name, code):
    assert refused(tmp_path, content, name) == code


def test_a_workbook_that_would_unpack_to_more_than_any_sheet_has_is_not_opened(tmp_path, monkeypatch):
    monkeypatch.setattr(sheets, "MOST_BYTES", 1_000_000)
    out = io.BytesIO(workbook(["ISBN", "Title"], [ISBN, "The Lamp"]))
    with zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/media/zeros.bin", bytes(1_000_000))
    assert refused(tmp_path, out.getvalue()) == "too-long"


def test_a_truncated_workbook_is_refused(tmp_path):
    whole = workbook(["ISBN", "Title"], *([ISBN, f"T{n}"] for n in range(300)))
    assert refused(tmp_path, whole[: len(whole) // 2]) == "sheet-broken"


def test_a_longer_sheet_than_the_mapping_allows_is_refused(tmp_path):
    assert refused(tmp_path, workbook(["ISBN", "Title"], *([ISBN, n] for n in range(5))), of=mapping(rows=4)) == "too-long"


def test_a_worksheet_is_found_by_its_name(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["notes"])
    page = book.create_sheet("Season ")
    page.append(["ISBN", "Title"])
    page.append([ISBN, "The Lamp"])
    out = io.BytesIO()
    book.save(out)
    assert sheet(tmp_path, out.getvalue(), of=mapping(sheet="season")).name == "Season "
    assert refused(tmp_path, out.getvalue(), of=mapping(sheet="Titles")) == "sheet-missing"


def test_shipped_mappings_are_sound():
    assert {load_mapping(id).id for id in stems("mappings")} >= {"season", "erp", "prices"}


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"columns": {"isbn": {"headers": ["ISBN"]}, "colour": {"headers": ["Colour"]}}}, "colour"),
        ({"columns": {"isbn": {"headers": ["ISBN"]}, "title": {"headers": ["isbn"]}}}, "isbn"),
        ({"columns": {"title": {"headers": ["Title"]}}, "prices": []}, "which title"),
        ({"dates": ["%d/%m/%Y", "%m/%d/%Y"]}, "day and month"),
        ({"stated": "As of (.+"}, "regular expression"),
        ({"encoding": "klingon"}, "klingon"),
        ({"ask": {"fields": ["price"]}}, "no column price"),
    ],
)
def test_a_mapping_that_makes_no_sense_is_refused(tmp_path, changes, word):
    given = {"columns": {"isbn": {"headers": ["ISBN"]}, "title": {"headers": ["Title"]}}, "new_requires": []}
    with pytest.raises(ValueError, match=word):
        Mapping.model_validate({"id": "own", "name": "Own"} | given | changes)


def test_an_unknown_mapping_names_the_known_ones():
    with pytest.raises(ConfigurationError, match="season"):
        load_mapping("spring")


def saved(book: openpyxl.Workbook) -> bytes:
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def changed(content: bytes, part: str, before: bytes, after: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for info in source.infolist():
            data = source.read(info)
            target.writestr(info.filename, data.replace(before, after, 1) if info.filename == part else data)
    return out.getvalue()


@pytest.mark.parametrize(
    "rows",
    [
        [["ISBN", "Title", "Prices", None], [None, None, "GBP", "USD"]],  # columns are named above, the parts of one below
        [["ISBN", "Prices", None, None], [None, "GBP", "USD", "Title"]],
        [["ISBN", None, "Prices", None], [None, "Title", "GBP", "USD"], ["Spring"]],
        [["ISBN", "Dates", None, "Text"], [None, "Pub date", "Planned date", "Title"]],
    ],
)
def test_headings_in_two_rows_are_read_as_one(tmp_path, rows):
    heads = [below if below else above for above, below in zip(*(row + [None] * (4 - len(row)) for row in rows[:2]), strict=True)]
    values = {"ISBN": ISBN, "Title": "The Lamp", "GBP": 12.5, "USD": 20, "Pub date": "2027-03-04", "Planned date": "2027-03-01"}
    found = sheet(tmp_path, workbook(*rows, [values[heading] for heading in heads]))
    assert found.head.row == 2
    assert fields(found)[-1]["isbn"] == ISBN
    assert fields(found)[-1]["title"] == "The Lamp"
    assert len(fields(found)[-1]) == 4


def test_a_title_that_is_called_like_a_heading_is_a_title(tmp_path):
    found = sheet(tmp_path, workbook(["ISBN", "Title", None], [ISBN, "Extent", "GBP"], [None, "Season", "USD"]))
    assert (found.head.row, found.head.prices) == (1, ())
    assert [row["title"] for row in fields(found)] == ["Extent", "Season"]


@pytest.mark.parametrize("heads", [["ISBN", "GBP", "GBP"], ["ISBN", "Pub date", "Publication date (was)", "Publication date (was)"]])
def test_two_columns_of_one_name_are_refused_whatever_they_are(tmp_path, heads):
    assert refused(tmp_path, workbook(heads, [ISBN, 1, 2, 3])) == "heading-twice"


def test_the_first_worksheet_that_people_see_is_read(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["Hardback"])
    book.active.sheet_state = "hidden"
    book.create_sheet("Season").append(["ISBN", "Title"])
    book["Season"].append([ISBN, "The Lamp"])
    book.active = 1
    assert sheet(tmp_path, saved(book)).name == "Season"
    book["Sheet"].sheet_state = "visible"
    with pytest.raises(Refused, match="worksheet Sheet"):
        sheet(tmp_path, saved(book))


def test_numbers_of_days_count_from_the_workbooks_own_beginning(tmp_path):
    book = openpyxl.Workbook()
    book.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
    for row in (["ISBN", "Pub date"], [ISBN, datetime(2027, 3, 4)], [ISBN, 44_988]):  # noqa: DTZ001 - a cell's
        book.active.append(row)
    assert [row["publication_date"] for row in fields(sheet(tmp_path, saved(book)))] == ["2027-03-04"] * 2


def test_a_formula_of_an_array_that_was_never_calculated_is_no_empty_cell(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["ISBN", "Title"])
    book.active["A2"], book.active["B2"] = ISBN, openpyxl.worksheet.formula.ArrayFormula("B2", "=UPPER(A2)")
    found = sheet(tmp_path, saved(book))
    assert [problem["code"] for problem in read_row(found.lines[0], found, SEASON).problems] == ["formula-error"]


def test_a_row_far_below_is_not_waited_for(tmp_path):
    content = workbook(["ISBN", "Title"], [ISBN, "=A2"])
    far = b'<row r="900000000"><c r="A900000000"><v>1</v></c></row></sheetData>'
    found = sheet(tmp_path, changed(content, "xl/worksheets/sheet1.xml", b"</sheetData>", far))
    assert len(found.lines) == 1


def test_what_can_not_be_read_is_not_called_empty_as_well(tmp_path):
    found = sheet(tmp_path, b"EAN;TITLE\n123;Lamp\n", "extract.csv", ERP)
    assert [problem["code"] for problem in read_row(found.lines[0], found, ERP).problems] == ["isbn-wrong"]


@pytest.mark.parametrize(
    ("encoding", "text"),
    [("cp1252", "Zoë’s Café – £9.99"), ("cp1252", "Ménage à trois"), ("cp1252", "La Señora Núñez, ¡sí!"), ("cp1252", "Æsop: “Là-bas” ‚m²‘"),
     ("cp1252", "A Life;£12.99"), ("cp1252", "L’Œuvre d’été: SÃO PAULO; col·lecció"), ("mac_roman", "The Author’s Café"),
     ("mac_roman", "Größe – Übermut"), ("cp850", "Café Größe")],
)  # fmt: skip
def test_a_text_of_old_is_read_as_it_was_written(tmp_path, encoding, text):
    found = sheet(tmp_path, f"ISBN;Title;Notes\r\n{ISBN};{text}".encode(encoding), "sheet.csv")
    assert found.encoding == encoding
    assert ";".join(str(cell) for cell in found.lines[0].cells[1:]) in {text, f"{text};"}


@pytest.mark.parametrize(
    ("encoding", "text"), [("cp1250", "Zażółć gęślą"), ("cp1251", "Война и мир"), ("cp1253", "Ο κόσμος"), ("cp1250", "žluťoučký kůň")]
)
def test_an_encoding_that_can_not_be_told_is_refused_and_never_guessed(tmp_path, encoding, text):
    content = f"ISBN;Title\r\n{ISBN};{text}\r\n".encode(encoding)
    assert refused(tmp_path, content, "sheet.csv") == "encoding"
    assert fields(sheet(tmp_path, content, "sheet.csv", mapping(encoding=encoding)))[0]["title"] == text


def test_a_workbook_that_was_saved_before_there_were_any_was_made_when_it_came(tmp_path):
    came = datetime(2026, 11, 20, tzinfo=UTC)
    content = workbook(["ISBN", "Title"], [ISBN, "The Lamp"], made=datetime(1980, 1, 1, tzinfo=UTC))
    assert sheet(tmp_path, content, arrived=came).made_at == came
