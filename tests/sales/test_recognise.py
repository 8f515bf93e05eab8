"""Which layout a report has, and what is said where none fits."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from colophon import cli
from include.errors import ConfigurationError
from include.sales.layout import load_layout, load_layouts
from include.sales.recognise import NotRecognised, Recognised, recognise
from tests.sales.cases import DATA, LAYOUTS, given, name_of

APPLE = DATA / "apple_financial" / "fiscal_september"


def told(path: Path, name: str = "") -> NotRecognised:
    found = recognise(path, name or path.name, LAYOUTS)
    assert isinstance(found, NotRecognised)
    return found


def known(path: Path, name: str = "") -> Recognised:
    found = recognise(path, name or path.name, LAYOUTS)
    assert isinstance(found, Recognised), str(found)
    return found


def test_a_changed_report_is_told_with_the_nearest_layout_and_what_differs(tmp_path: Path) -> None:
    text = (DATA / "jstor" / "country" / "given.tsv").read_text(encoding="utf-8")
    (path := tmp_path / "jstor.tsv").write_text(text.replace("Total_Item_Requests", "Item_Uses"), encoding="utf-8")
    found = told(path)
    assert found.nearest
    assert found.nearest.id == "jstor"
    assert found.differs == ("columns that are missing: Total_Item_Requests", "columns that it does not know: Item_Uses")
    assert "config/reports/jstor.toml" in found.todo


def test_a_renamed_sheet_names_the_one_that_is_missing(tmp_path: Path) -> None:
    import openpyxl

    book = openpyxl.load_workbook(given(DATA / "kdp_dashboard" / "two_months"))
    book["Combined Sales"].title = "All Sales"
    book.save(path := tmp_path / "KDP_Dashboard.xlsx")
    assert "the sheet Combined Sales is missing" in told(path).differs


def test_a_new_column_is_no_obstacle_and_is_told(tmp_path: Path) -> None:
    (path := tmp_path / "sales.csv").write_text(
        "ISBN,Units,Net,Currency,Date,Mood\n9781912345014,1,1,GBP,2026-09-01,good\n", encoding="utf-8"
    )
    assert known(path).notes == ("columns that are not known and not read: Mood",)


def test_headers_are_compared_without_case_blanks_and_punctuation(tmp_path: Path) -> None:
    (path := tmp_path / "sales.csv").write_text('" isbn* ",UNITS,Net Value,currency,"Sale\ndate"\n9781912345014,1,1,GBP,2026-09-01\n')
    assert known(path).layout.id == "generic"


def test_earnings_and_transactions_of_one_shop_are_told_apart() -> None:
    for layout in ("google_earnings", "google_transactions"):
        case = DATA / layout / "september"
        assert known(given(case), "report.csv").layout.id == layout
    assert load_layout("google_transactions").estimate
    assert not load_layout("google_earnings").estimate


def test_releases_of_counter_are_told_by_the_rows_above_the_header(tmp_path: Path) -> None:
    text = given(DATA / "counter_5" / "title_report").read_text(encoding="utf-8-sig")
    (path := tmp_path / "counter.tsv").write_text(text.replace("Release\t5\n", "Release\t4\n"), encoding="utf-8")
    assert any("Release is '4'" in one for one in told(path).differs)


def test_two_layouts_that_fit_equally_are_never_chosen_between() -> None:
    twice = [*LAYOUTS, load_layout("jstor").model_copy(update={"id": "other", "name": "Other"})]
    found = recognise(given(DATA / "jstor" / "country"), "usage.tsv", twice)
    assert isinstance(found, NotRecognised)
    assert "fit equally" in found.what


def test_a_sheet_that_is_another_table_is_passed_over_and_named() -> None:
    found = known(given(DATA / "consonance" / "shop"), "sales.xlsx")
    assert found.notes == ("sheet 'Notes' is another table and is not read",)


def test_every_pattern_of_a_layout_is_understood_by_the_engine_that_runs_it() -> None:
    import pyarrow as pa
    import pyarrow.compute as pc

    for layout in LAYOUTS:
        for table in layout.tables:
            for rule in (*table.footers, *table.skips, *table.keeps):
                pc.match_substring_regex(pa.array(["x"]), f"^(?:{rule.matches})$", ignore_case=True)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('title = "Book_Title"', 'title = "Book Name"'), "Book Name"),
        (('title = "Book_Title"', 'titel = "Book_Title"'), "titel"),
        (('matches = "(?:grand )?totals?\\\\b.*"', 'matches = "("'), "regular expression"),
        (('id = "jstor"', 'id = "other"'), "id is 'other'"),
    ],
    ids=["column that the header lacks", "field that no line has", "pattern that is none", "id that is not the file's"],
)
def test_a_layout_that_does_not_hang_together_is_refused_with_file_and_reason(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    (folder := tmp_path / "reports").mkdir()
    text = (Path(__file__).parents[2] / "config" / "reports" / "jstor.toml").read_text(encoding="utf-8")
    assert change[0] in text
    (folder / "jstor.toml").write_text(text.replace(*change), encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"jstor\.toml") as refused:
        load_layouts(tmp_path)
    assert said in str(refused.value)


def test_the_command_tells_each_file_and_fails_where_one_is_not_known(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copy(given(APPLE), good := tmp_path / name_of(APPLE))
    (bad := tmp_path / "letter.txt").write_text("Dear all", encoding="utf-8")
    assert cli.main(["sales", "recognise", str(good)]) == 0
    assert "apple_financial" in capsys.readouterr().out
    assert cli.main(["sales", "recognise", str(good), str(bad), "--json"]) == 1
    first, second = json.loads(capsys.readouterr().out)
    assert (first["layout"], first["tables"][0]["header_row"]) == ("apple_financial", 1)
    assert (second["layout"], second["nearest"]) == ("", "")
    assert cli.main(["sales", "recognise", str(tmp_path / "none.csv")]) == 1
    assert "no such file" in capsys.readouterr().err


def test_a_message_for_testing_is_no_report_and_elements_that_are_not_read_are_named(tmp_path: Path) -> None:
    content = given(DATA / "editx/september").read_text(encoding="utf-8")
    (path := tmp_path / "editx.xml").write_text(content.replace(">Original<", ">Test<"), encoding="utf-8")
    test = recognise(path, path.name, LAYOUTS)
    assert isinstance(test, NotRecognised)
    assert test.differs == ("/Header/PurposeCode is 'Test'",)
    path.write_text(content.replace("<Quantity>12", "<Refunds><Copies>3</Copies></Refunds><Quantity>12"), encoding="utf-8")
    told = recognise(path, path.name, LAYOUTS)
    assert isinstance(told, Recognised)
    assert "elements that are not known and not read: Refunds/Copies" in told.notes
    assert told.notes[0].startswith("the layout is inferred in part")
