"""Broken, hostile, huge and empty files: each ends in a sentence, none in a crash."""

from __future__ import annotations

import gzip
import io
import random
import resource
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import openpyxl
import pytest

from include.errors import RejectedData
from include.sales import extract
from include.sales.recognise import NotRecognised, Recognised, recognise
from tests.sales.cases import DATA, LAYOUTS, SOURCE, given, name_of, read

HEADER = b"ISBN,Title,Units,Net,Currency,Date\n"
ROW = b"9781912345014,The Quiet Harbour,1,5.00,GBP,2026-09-01\n"


def zipped(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in members.items():
            packed.writestr(name, content)
    return out.getvalue()


def workbook(change: Callable[[dict[str, bytes]], None] = lambda parts: None) -> bytes:
    book, out = openpyxl.Workbook(), io.BytesIO()
    book.active.append(HEADER.decode().strip().split(","))
    book.active.append(ROW.decode().strip().split(","))
    book.save(out)
    with zipfile.ZipFile(out) as packed:
        parts = {name: packed.read(name) for name in packed.namelist()}
    change(parts)
    return zipped(parts)


def damaged_cell(reference: bytes, value: bytes) -> Callable[[dict[str, bytes]], None]:
    def change(parts: dict[str, bytes]) -> None:
        row = b'<row r="2"><c r="' + reference + b'" t="s"><v>' + value + b"</v></c></row></sheetData>"
        name = "xl/worksheets/sheet1.xml"
        parts[name] = parts[name].replace(b"</sheetData>", row)

    return change


LAUGHS = (
    b'<?xml version="1.0"?><!DOCTYPE SalesReport [<!ENTITY a "ha">'
    + b"".join(b'<!ENTITY %c "%b">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9))
    + b"]><SalesReport><ItemDetail><Quantity>&j;</Quantity></ItemDetail></SalesReport>"
)
OUTSIDE = (
    b'<?xml version="1.0"?><!DOCTYPE SalesReport [<!ENTITY a SYSTEM "file:///etc/passwd">]><SalesReport><Header>'
    b"<ReportPeriod><FromDate>20260901</FromDate><ToDate>20260930</ToDate></ReportPeriod><CurrencyCode>EUR</CurrencyCode></Header>"
    b"<ItemDetail><ProductID><Identifier>9781912345014</Identifier></ProductID><ItemDescription><TitleDetail>&a;</TitleDetail></ItemDescription>"
    b"<TransactionDate>20260901</TransactionDate><Quantity>1</Quantity><NetAmount>1.00</NetAmount></ItemDetail></SalesReport>"
)

NOT_RECOGNISED: dict[str, tuple[str, Callable[[], bytes]]] = {
    "empty": ("report.csv", lambda: b""),
    "blank": ("report.csv", lambda: b"\r\n\r\n   \r\n"),
    "only a mark": ("report.csv", lambda: b"\xef\xbb\xbf"),
    "binary": ("report.csv", lambda: random.Random(1).randbytes(50_000)),
    "zeros": ("report.csv", lambda: b"\0" * 100_000),
    "a picture": ("report.csv", lambda: b"\x89PNG\r\n\x1a\n" + b"\0" * 1000),
    "a PDF": ("report.xls", lambda: b"%PDF-1.7\n%\xe2\xe3\n1 0 obj\n"),
    "a program": ("report.xls", lambda: b"MZ\x90\x00\x03\x00\x00\x00" + b"\x01" * 500),
    "a web page behind .xls": ("report.xls", lambda: b"<html><body><table><tr><td>ISBN</td></tr></table></body></html>"),
    "no text in any encoding": ("report.csv", lambda: b"\xff\xfe" + b"I\x00S\x00\x00"),
    "prose": ("report.txt", lambda: b"Dear all,\nplease find attached the report.\n"),
    "JSON": ("report.json", lambda: b'{"ISBN": "9781912345014", "Units": 1}'),
    "other XML": ("report.xml", lambda: b"<?xml version='1.0'?><ONIXMessage/>"),
    "broken XML": ("report.xml", lambda: b"<?xml version='1.0'?><SalesReport><Header>"),
    "entities that multiply": ("report.xml", lambda: LAUGHS),
    "nested XML": ("report.xml", lambda: b"<?xml version='1.0'?><SalesReport>" + b"<a>" * 50_000),
    "one endless line": ("report.csv", lambda: b"a" * 9_000_000),
    "half a workbook": ("report.xlsx", lambda: workbook()[:900]),
    "a workbook without sheets": ("report.xlsx", lambda: workbook(lambda parts: parts.pop("xl/workbook.xml") and None)),
    "half a gzip": ("report.csv.gz", lambda: gzip.compress(HEADER + ROW * 5000)[:200]),
    "an empty archive": ("report.zip", lambda: zipped({})),
    "an archive of letters": ("report.zip", lambda: zipped({"letter.pdf": b"%PDF-1.7\n"})),
    "a bomb": ("report.zip", lambda: zipped({"report.csv": b"0" * 40_000_000})),
    "a way out of the archive": ("report.zip", lambda: zipped({"../../report.csv": HEADER + ROW})),
    "an old workbook cut off": ("report.xls", lambda: given(DATA / "hazards/real_xls").read_bytes()[:1500]),
    "an old workbook of noise": ("report.xls", lambda: given(DATA / "hazards/real_xls").read_bytes()[:512] + b"\x07" * 5000),
}


@pytest.mark.parametrize("what", NOT_RECOGNISED)
def test_what_is_no_report_is_told_in_a_sentence(tmp_path: Path, what: str) -> None:
    name, content = NOT_RECOGNISED[what]
    (path := tmp_path / name).write_bytes(content())
    told = recognise(path, name, LAYOUTS)
    assert isinstance(told, NotRecognised)
    assert len(told.what) > 10
    assert len(str(told)) < 1500


@pytest.mark.parametrize(("reference", "value"), [(b"ZZZZZZ9", b"0"), (b"A2", b"99999999"), (b"A2", b"minus one"), (b"A2", b"-5")], ids=str)
def test_a_workbook_whose_cells_lie_is_refused(tmp_path: Path, reference: bytes, value: bytes) -> None:
    (path := tmp_path / "sales-2026-09.xlsx").write_bytes(workbook(damaged_cell(reference, value)))
    told = recognise(path, path.name, LAYOUTS)
    if isinstance(told, Recognised):
        with pytest.raises(RejectedData):
            list(extract.read(path, path.name, told, SOURCE))
    else:
        assert "damaged" in told.what


def test_entities_from_outside_are_not_read(tmp_path: Path) -> None:
    (path := tmp_path / "editx.xml").write_bytes(OUTSIDE)
    (line,) = read(path).lines
    assert line["title"] == "&a;"  # as it stands there


def test_an_unclosed_quotation_mark_ends_in_a_sentence(tmp_path: Path) -> None:
    (path := tmp_path / "sales-2026-09.csv").write_bytes(HEADER + ROW + b'9781912345014,"The Quiet,1,5.00,GBP,2026-09-01\n' + ROW * 200_000)
    told = recognise(path, path.name, LAYOUTS)
    assert isinstance(told, Recognised)
    with pytest.raises(RejectedData, match="quotation mark"):
        list(extract.read(path, path.name, told, SOURCE))


def test_a_file_that_was_cut_off_says_which_row(tmp_path: Path) -> None:
    (path := tmp_path / "sales-2026-09.csv").write_bytes(HEADER + ROW * 3 + b"9781912345014,The Qui")
    found = read(path)
    assert len(found.lines) == 3
    assert [(one.row, one.code) for one in found.reading.rejects] == [(5, "cells")]


def test_zero_bytes_in_text_are_passed_over(tmp_path: Path) -> None:
    (path := tmp_path / "sales-2026-09.csv").write_bytes(HEADER + ROW.replace(b"Quiet", b"Qu\0iet"))
    assert [line["title"] for line in read(path).lines] == ["The Quiet Harbour"]


def test_all_rows_bad_are_all_refused_and_kept_on_disk(tmp_path: Path) -> None:
    bad = b"9781912345014,The Quiet Harbour,one,five,pounds,yesterday\n"
    (path := tmp_path / "sales-2026-09.csv").write_bytes(HEADER + bad * 6_000)
    found = read(path)
    assert not found.lines
    assert len(found.reading.rejects) == 6_000
    assert found.reading.rejects.codes["not-a-date"] == 6_000
    assert sum(1 for _ in found.reading.rejects) == 24_000


def test_numbers_that_no_money_is_are_refused(tmp_path: Path) -> None:
    amounts = ["NaN", "inf", "1e99", "0x10", "1.00000000001", "9" * 40, "१२", "1,2,3", "--1", "", "£", "5.00 GBP"]
    rows = "".join(f'9781912345014,x,1,"{amount}",GBP,2026-09-01\n' for amount in amounts)
    (path := tmp_path / "sales-2026-09.csv").write_text(HEADER.decode() + rows, encoding="utf-8")
    found = read(path)
    assert [str(line["net"]) for line in found.lines] == ["1.0000000000", "None", "5.0000000000"]
    assert [one.row for one in found.reading.rejects] == [2, 3, 4, 5, 7, 8, 9, 10, 12]
    assert any("more than 10 decimals" in note for note in found.reading.notes.counted)


def test_an_archive_of_reports_is_read_whole_and_its_letters_are_not(tmp_path: Path) -> None:
    second = ROW.replace(b"5.00,GBP", b"7.00,EUR")
    members = {"eu/b.csv": HEADER + second, "a.csv": HEADER + ROW, "letter.pdf": b"%PDF-1.7\n", "__MACOSX/._a.csv": b"\0\5"}
    (path := tmp_path / "sales-2026-09.zip").write_bytes(zipped(members))
    found = read(path)
    assert [(line["sheet"], line["row"], line["currency"]) for line in found.lines] == [("a.csv", 2, "GBP"), ("eu/b.csv", 2, "EUR")]
    assert any("letter.pdf" in note for note in found.reading.recognised.notes)


def test_an_archive_with_a_report_of_another_kind_is_not_read_in_part(tmp_path: Path) -> None:
    members = {"a.csv": HEADER + ROW, "b.csv": b"Something,Else\n1,2\n"}
    (path := tmp_path / "sales-2026-09.zip").write_bytes(zipped(members))
    assert isinstance(recognise(path, path.name, LAYOUTS), NotRecognised)


def test_flipped_bytes_never_crash(tmp_path: Path) -> None:
    chance = random.Random(20261121)
    for case in sorted(path.parent for path in DATA.glob("*/*/want.json"))[::3]:
        content = bytearray(given(case).read_bytes())
        for _ in range(max(3, len(content) // 400)):
            content[chance.randrange(len(content))] = chance.randrange(256)
        (path := tmp_path / given(case).name).write_bytes(content)
        told = recognise(path, name_of(case), LAYOUTS)
        if isinstance(told, Recognised):
            with suppress(RejectedData):
                assert all(batch.num_rows for batch in extract.read(path, name_of(case), told, SOURCE))


@pytest.mark.long
def test_three_million_rows_need_little_memory(tmp_path: Path) -> None:
    with (path := tmp_path / "sales-2026-09.csv").open("wb") as out:
        out.write(HEADER)
        for _ in range(300):
            out.write(ROW * 10_000)
    told = recognise(path, path.name, LAYOUTS)
    assert isinstance(told, Recognised)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    reading = extract.read(path, path.name, told, SOURCE)
    assert sum(batch.num_rows for batch in reading) == 3_000_000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 250_000  # KiB
