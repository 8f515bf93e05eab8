"""What a sheet is checked for against the mirror and within itself, row by row."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from include.errors import ConfigurationError
from include.imports.check import CheckedSheet, check
from include.imports.known import mark
from include.imports.mapping import Mapping
from include.imports.offers import documented
from include.ledger.database import Ledger
from include.ledger.models import ProductRow, SyncRow, WorkRow
from include.titles.model import Price
from include.titles.subjects import subject_of
from tests.deliveries.desk import NOW, Desk, isbn, product, work
from tests.imports.office import workbook
from tests.imports.test_sheets import SEASON
from tests.schema import upgraded

HEAD = ["ISBN", "Title", "Subtitle", "Reference", "Product ID", "Publication date", "Publication date (was)", "BISAC", "RRP", "Imprint",
        "Format", "Colophon mark"]  # fmt: skip
LATER = NOW + timedelta(days=2)


@pytest.fixture(scope="module")
def stocked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Works 1 to 4 of one edition each, and 5 of two; all of it known since a night two days ago."""
    path = tmp_path_factory.mktemp("ledger") / "ledger.sqlite"
    ledger = Ledger(str(path))
    upgraded(ledger)
    desk = Desk(ledger, None, NOW - timedelta(days=2))
    with ledger.session() as session:
        session.add(SyncRow(full=True, started_at=desk.now, ended_at=desk.now, phase="done", counts={}))
    for number in range(1, 5):
        desk.put(product(number, work(number, reference=f"LQ00100{number}", subtitle="Old"), subtitle="Old"))
    two = work(5, reference="LQ001005")
    desk.put(product(5, two), product(6, two, isbn=isbn(6), format="Hardback", form="BB"))
    ledger.dispose()
    return path


@pytest.fixture
def desk(stocked: Path, tmp_path: Path) -> Iterator[Desk]:
    """A copy of the stocked mirror."""
    ledger = Ledger(str(shutil.copy(stocked, tmp_path / "ledger.sqlite")))
    yield Desk(ledger, None, NOW - timedelta(days=2))
    ledger.dispose()


def checked(desk: Desk, *rows: dict[str, Any], mapping: Mapping = SEASON, made: Any = NOW) -> CheckedSheet:
    content = workbook(HEAD, *([row.get(heading) for heading in HEAD] for row in rows), made=made)
    path = Path(f"{desk.ledger.engine.url.database}.sheet")
    path.write_bytes(content)
    with desk.ledger.read() as session:
        return check(session, path, "sheet.xlsx", mapping, documented(), now=LATER)


def one(desk: Desk, **row: Any) -> Any:
    return checked(desk, {key.replace("_", " "): value for key, value in row.items()}).lines[0]


def codes(line: Any) -> list[str]:
    return [problem["code"] for problem in line.row.problems]


def test_a_row_that_says_what_consonance_has_changes_nothing(desk):
    line = one(desk, ISBN=isbn(1), Title="Work 1", BISAC="FIC019000", Publication_date="2026-03-02", RRP=9.99, Imprint="LANTERN fiction")
    assert (line.state, line.changes, codes(line)) == ("unchanged", [], [])


def test_a_difference_is_shown_field_by_field_with_before_and_after(desk):
    line = one(desk, ISBN=isbn(1), Title="New Title", BISAC="FIC000000; FIC019000", Publication_date="2026-04-02")
    assert line.state == "waiting"
    assert {(change["level"], change["field"], str(change["before"]), str(change["after"]), change["as"]) for change in line.changes} == {
        ("work", "title", "Work 1", "New Title", "updateWork title"),
        ("product", "product_title", "Work 1", "New Title", "updateWork products title"),
        ("work", "bisac", "['FIC019000']", "['FIC000000', 'FIC019000']", "updateWork bisacs"),
        ("product", "publication_date", "2026-03-02", "2026-04-02", "updateWork products publicationDate"),
    }


def test_an_empty_cell_empties_nothing(desk):
    assert one(desk, ISBN=isbn(1), Subtitle="-").changes == []


def test_a_prefix_that_the_title_still_has_is_kept(desk):
    old = work(7, title="The Lamp")
    desk.put(product(7, old, title_prefix="The", title_without_prefix="Lamp", full_title="The Lamp"))
    assert one(desk, ISBN=isbn(7), Title="The Lamp").changes == []
    changes = {change["field"]: change["after"] for change in one(desk, ISBN=isbn(7), Title="The Old Lamp").changes}
    assert changes == {"title": "The Old Lamp", "product_title": "Old Lamp"}
    changes = {change["field"]: change["after"] for change in one(desk, ISBN=isbn(7), Title="Lamps").changes}
    assert changes == {"title": "Lamps", "product_prefix": "", "product_title": "Lamps"}


def test_what_no_operation_takes_goes_back_to_the_sender_and_keeps_nothing_else(desk):
    line = one(desk, ISBN=isbn(1), Imprint="Another", Subtitle="New")
    assert (line.state, codes(line)) == ("waiting", ["not-possible"])
    assert "by hand" in line.row.problems[0]["todo"]


def test_a_price_goes_into_the_workbook_of_prices(desk):
    line = one(desk, ISBN=isbn(1), RRP="10.99")
    assert (line.state, [(change["field"], change["before"], change["after"], change["as"]) for change in line.changes]) == (
        "new", [("price GBP 02 05", "9.99", "10.99", "workbook of prices")],
    )  # fmt: skip


def test_an_unknown_isbn_is_a_new_title_and_needs_what_one_needs(desk):
    line = one(desk, ISBN=isbn(90), Title="Brand New", Format="PB")
    assert (line.state, line.row.fields["format"]) == ("new", "Paperback")
    line = one(desk, ISBN=isbn(90), Title="Brand New")
    assert (line.state, codes(line)) == ("bad", ["new-lacks"])


def test_a_new_edition_of_a_known_work_knows_its_work(desk):
    line = one(desk, ISBN=isbn(90), Reference="lq001003", Title="Work 3", Format="HB")
    assert (line.state, line.work_id, line.product_id) == ("new", 3, None)


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ({"Title": "Work 1"}, "no-key"),
        ({"ISBN": "9781402000001", "Title": "X"}, "isbn-wrong"),
        ({"ISBN": isbn(1), "Product ID": 2}, "keys-disagree"),
        ({"ISBN": isbn(1), "Reference": "LQ001002"}, "keys-disagree"),
        ({"Reference": "LQ009999"}, "unknown-key"),
        ({"Product ID": 4711}, "unknown-key"),
        ({"Reference": "LQ001005", "Publication date": "2027-01-01"}, "which-edition"),
        ({"ISBN": isbn(3), "Title": "X"}, "deleted"),
        ({"ISBN": isbn(1), "Publication date": "soon"}, "date-wrong"),
    ],
)
def test_a_row_that_can_not_be_meant_goes_back_with_its_reason(desk, row, code):
    if code == "deleted":
        desk.delete(3)
    line = checked(desk, row).lines[0]
    assert (line.state, codes(line)) == ("bad", [code])
    assert all(problem["message"] and problem["todo"] for problem in line.row.problems)


def test_two_editions_with_one_isbn_in_consonance_are_nobodys(desk):
    desk.put(product(8, work(8), isbn=isbn(1)))
    assert codes(one(desk, ISBN=isbn(1), Subtitle="New")) == ["isbn-twice"]


def test_an_isbn_that_stands_twice_in_the_sheet(desk):
    same = checked(desk, {"ISBN": isbn(1), "Subtitle": "New"}, {"ISBN": isbn(1), "Subtitle": "New"})
    assert [(line.state, codes(line)) for line in same.lines] == [("waiting", []), ("bad", ["duplicate"])]
    differ = checked(desk, {"ISBN": isbn(1), "Subtitle": "New"}, {"ISBN": isbn(1), "Subtitle": "Other"})
    assert [codes(line) for line in differ.lines] == [["duplicate"], ["duplicate"]]


def test_rows_of_one_work_that_disagree_about_the_work_both_go_back(desk):
    sheet = checked(desk, {"ISBN": isbn(5), "Subtitle": "One"}, {"ISBN": isbn(6), "Subtitle": "Two"}, {"ISBN": isbn(1), "Subtitle": "New"})
    assert [(line.state, codes(line)) for line in sheet.lines] == [("bad", ["rows-disagree"]), ("bad", ["rows-disagree"]), ("waiting", [])]
    agree = checked(desk, {"ISBN": isbn(5), "Subtitle": "One"}, {"ISBN": isbn(6), "Subtitle": "One"})
    assert [line.state for line in agree.lines] == ["waiting", "waiting"]


def change_in_consonance(desk: Desk, at: Any) -> None:
    desk.now = at
    desk.put(product(1, work(1, reference="LQ001001", subtitle="By somebody else"), subtitle="By somebody else"))


def test_what_consonance_changed_since_the_sheet_was_made_is_a_conflict(desk):
    change_in_consonance(desk, NOW + timedelta(hours=3))
    line = one(desk, ISBN=isbn(1), Subtitle="Mine")
    assert line.state == "conflict"
    assert "after the sheet was made" in line.changes[0]["conflict"]
    assert one(desk, ISBN=isbn(1), Subtitle="By somebody else").state == "unchanged"
    assert one(desk, ISBN=isbn(2), Subtitle="Mine").state == "waiting"


def test_a_sheet_that_was_made_after_the_change_is_none(desk):
    change_in_consonance(desk, NOW - timedelta(hours=3))
    assert one(desk, ISBN=isbn(1), Subtitle="Mine").state == "waiting"


def test_a_column_with_what_consonance_had_tells_conflicts_by_itself(desk):
    change_in_consonance(desk, NOW + timedelta(hours=3))
    row = {"ISBN": isbn(1), "Publication date": "2026-05-05"}
    assert checked(desk, row | {"Publication date (was)": "2026-03-02"}).lines[0].state == "waiting"
    assert checked(desk, row | {"Publication date (was)": "2026-03-01"}).lines[0].state == "conflict"


def test_a_mark_of_the_state_that_the_row_was_made_from_tells_conflicts_by_itself(desk):
    change_in_consonance(desk, NOW + timedelta(hours=3))
    with desk.ledger.read() as session:
        now = mark(session.get_one(WorkRow, 1).digest, session.get_one(ProductRow, 1).digest)
    row = {"ISBN": isbn(1), "Subtitle": "Mine"}
    assert checked(desk, row | {"Colophon mark": now}).lines[0].state == "waiting"
    assert checked(desk, row | {"Colophon mark": "0" * 16}, made=LATER).lines[0].state == "conflict"


def test_a_person_is_asked_beyond_the_limit_and_for_fields_that_are_always_asked_about(desk):
    few = SEASON.model_copy(update={"ask": SEASON.ask.model_copy(update={"works": 1, "fields": ("publication_date",)})})
    sheet = checked(desk, {"ISBN": isbn(1), "Subtitle": "N"}, {"ISBN": isbn(2), "Publication date": "2027-01-01"}, mapping=few)
    assert sheet.asks == ["2 titles would change, more than 1", "1 row changes publication date"]
    assert checked(desk, {"ISBN": isbn(1), "Subtitle": "N"}, mapping=few).asks == []


def test_a_status_that_the_day_of_publication_belies_is_doubted_and_taken(desk):
    line = one(desk, ISBN=isbn(1), Publication_date="2028-01-01")
    assert (line.state, codes(line)) == ("waiting", ["status-and-date"])
    assert "04 (Active)" in line.row.problems[0]["message"]
    assert codes(one(desk, ISBN=isbn(1), Subtitle="New")) == []


def test_a_mirror_that_was_never_filled_makes_nothing_new(ledger):
    with pytest.raises(ConfigurationError, match="never filled"):
        checked(Desk(ledger, None), {"ISBN": isbn(1), "Title": "X"})


def test_a_list_of_prices_has_a_row_for_each_currency(desk, tmp_path):
    from include.imports.mapping import load_mapping

    prices = load_mapping("prices")
    rows = [(isbn(1), 9.99, "£", None), (isbn(1), 15, "USD", "01"), (isbn(1), 15, "USD", "01"), (isbn(2), "12.345", "GBP", None),
            (isbn(90), 5, "EUR", None), (isbn(4), 1200, "JPY", None)]  # fmt: skip
    path = tmp_path / "prices.xlsx"
    path.write_bytes(workbook(["ISBN", "Price", "Currency", "Price type"], *map(list, rows)))
    with desk.ledger.read() as session:
        found = check(session, path, "prices.xlsx", prices, documented(), now=LATER).lines
    assert [(line.state, codes(line)) for line in found] == [
        ("unchanged", []), ("new", []), ("bad", ["duplicate"]), ("bad", ["price-wrong"]), ("bad", ["not-in-consonance"]), ("new", []),
    ]  # fmt: skip
    assert [change["after"] for change in found[5].changes] == ["1200"]


def test_a_subject_of_another_scheme_is_left_alone(desk):
    desk.put(product(7, replace(work(7), subjects=(subject_of("BIC", "FA"), subject_of("BISAC", "FIC019000", main=True)))))
    line = one(desk, ISBN=isbn(7), BISAC="FIC000000")
    assert [(change["field"], change["before"]) for change in line.changes] == [("bisac", ["FIC019000"])]


def test_prices_of_other_types_are_other_prices(desk):
    desk.put(product(7, work(7), prices=(Price(product(1).prices[0].amount, "GBP", "42"),)))
    assert [change["before"] for change in one(desk, ISBN=isbn(7), RRP=9.99).changes] == [""]
    line = one(desk, ISBN=isbn(7), RRP="€9.99")
    assert (line.state, codes(line)) == ("bad", ["price-currency"])


def test_a_row_that_its_sender_does_not_see_is_asked_about(desk):
    book, out = openpyxl.Workbook(), io.BytesIO()
    for row in (["ISBN", "Subtitle"], [isbn(1), "Seen"], [isbn(2), "Unseen"], [isbn(3), "Old"]):
        book.active.append(row)
    for hidden in (3, 4):
        book.active.row_dimensions[hidden].hidden = True
    book.save(out)
    path = Path(f"{desk.ledger.engine.url.database}.sheet")
    path.write_bytes(out.getvalue())
    with desk.ledger.read() as session:
        found = check(session, path, "sheet.xlsx", SEASON, documented(), now=LATER)
    assert [codes(line) for line in found.lines] == [[], ["hidden"], []], "a row that changes nothing need not be seen"
    assert found.asks == ["1 row that is hidden in the sheet would be taken"]
