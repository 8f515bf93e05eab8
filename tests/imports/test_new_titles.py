"""New titles and prices: through workbooks and a person, read back, and what is missing named."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from include.errors import RejectedData
from include.imports import record, workbooks
from include.imports.answer import status_of
from include.ledger.sales_rows import LineState
from include.store import ArtefactStore
from include.workbooks import hand
from include.workbooks.verify import verify
from sandbox.catalogue.chance import isbn13
from tests.imports.office import NOW, Office, workbook
from tests.imports.test_season import confirm, load

S = LineState
HEAD = ["ISBN", "Title", "Subtitle", "Author", "Format", "Reference", "Publication date", "GBP"]
NEW = [isbn13(8_000_000 + number) for number in range(6)]


def take(office: Office, *rows: list[Any], name: str = "new.xlsx") -> int:
    number = office.take(name, workbook(HEAD, *rows, made=NOW)).import_id
    office.work_through(number)
    return number


def states(office: Office, number: int) -> list[str]:
    return [str(line.state) for line in office.lines(number).values()]


@pytest.fixture
def two(office: Office) -> int:
    return take(office, [NEW[0], "The Ash Garden", "A Novel", "Ana Lima", "PB"], [NEW[1], "Salt", None, None, "HB"])


def test_who_confirms_without_loading_is_told_the_missing_isbns_and_may_confirm_again(office: Office, two: int) -> None:
    (book,) = office.books(two)
    hand.confirm(office.ledger, book.id, now=office.now, who="editor")
    found = verify(office.ledger, office.client, book.id, now=office.now)
    assert {one["isbn"] for one in found.missing} == {NEW[0], NEW[1]}
    office.work_through(two)
    assert (states(office, two), office.sheet(two).state) == (["missing", "missing"], "handed over")
    assert NEW[0] in status_of(office.lines(two)[2]).advice
    load(office, book)
    verify(office.ledger, office.client, book.id, now=office.now)
    office.work_through(two)
    assert (states(office, two), office.sheet(two).state) == (["verified", "verified"], "done")
    assert not any("no such product" in status_of(line).advice for line in office.lines(two).values())


def test_the_rest_of_a_new_titles_row_is_written_once_it_is_there(office: Office) -> None:
    number = take(office, [NEW[0], "The Ash Garden", None, None, "PB", None, "2027-06-01", 12.5])
    load(office, office.books(number)[0])
    confirm(office, office.books(number)[0])
    office.work_through(number)
    (product,) = office.server.catalogue.products_by_isbn([NEW[0]])
    assert product.publication_date.isoformat() == "2027-06-01"
    prices = office.books(number)[-1]
    assert (prices.kind, [(one["isbn"], one["amount"]) for one in prices.expects]) == ("prices", [(NEW[0], "12.50")])
    load(office, prices)
    confirm(office, prices)
    office.work_through(number)
    assert (states(office, number), office.sheet(number).state, len(office.books(number))) == (["verified"], "done", 2)


def test_editions_of_one_new_work_stand_under_one_identifier(office: Office) -> None:
    known = next(work for work, _ in office.editions(1))
    number = take(
        office, [NEW[0], "Salt", None, "Ana Lima", "PB"], [NEW[1], "Salt", None, "Ana Lima", "HB"], [NEW[2], "Salt", None, "Bo Dahl", "PB"],
        [NEW[3], known.title, None, None, "Audio", known.reference],
    )  # fmt: skip
    load(office, office.books(number)[0])
    works = [office.server.catalogue.products_by_isbn([isbn])[0].work_id for isbn in NEW[:4]]
    assert works[0] == works[1] != works[2]
    assert works[3] == known.id


def test_a_row_that_comes_again_while_its_title_is_in_a_workbook_makes_no_second_one(office: Office, two: int) -> None:
    again = take(office, [NEW[0], "The Ash Garden", "A Novel", "Ana Lima", "PB"], [NEW[2], "Glass", None, None, "PB"], name="again.xlsx")
    assert states(office, again) == ["unchanged", "new"]
    assert f"workbook {office.books(two)[0].id}" in office.lines(again)[2].problems[0]["message"]
    load(office, office.books(two)[0])
    confirm(office, office.books(two)[0])
    office.work_through(two)
    third = take(office, [NEW[0], "The Ash Garden", "A Novel", "Ana Lima", "PB"], name="third.xlsx")
    assert states(office, third) == ["unchanged"], "the mirror does not know it yet"


def test_a_withdrawn_workbook_is_not_made_again_and_its_rows_go_back(office: Office, two: int) -> None:
    (book,) = office.books(two)
    hand.withdraw_one(office.ledger, book.id, now=office.now, who="editor", note="postponed")
    office.work_through(two)
    assert (states(office, two), office.books(two), office.sheet(two).state) == (["declined", "declined"], [], "done")
    assert "postponed" in status_of(office.lines(two)[2]).advice
    hand.wanted_again(office.ledger, book.id, now=office.now, who="editor")
    assert (states(office, two), office.sheet(two).state) == (["new", "new"], "handed over")
    assert "postponed" not in status_of(office.lines(two)[2]).advice
    hand.withdraw_one(office.ledger, book.id, now=office.now, who="editor", note="postponed again")
    office.work_through(two)
    later = take(office, [NEW[0], "The Ash Garden", None, None, "PB"], name="later.xlsx")
    with pytest.raises(RejectedData, match=f"workbook {office.books(later)[0].id} holds some of it by now"):
        hand.wanted_again(office.ledger, book.id, now=office.now, who="editor")


def test_a_workbook_that_is_withdrawn_before_the_sheet_is_through_does_not_come_back(office: Office) -> None:
    number = office.take("new.xlsx", workbook(HEAD, [NEW[0], "Ash", None, None, "PB"], made=NOW)).import_id
    record.begin(office.ledger, number)
    (book,) = workbooks.prepare_all(office.ledger, office.store, office.mapping, number, now=office.now)  # and is killed
    hand.withdraw_one(office.ledger, book.id, now=office.now, who="editor", note="postponed")
    office.work_through(number)
    assert (states(office, number), office.books(number), office.sheet(number).state) == (["declined"], [], "done")


@pytest.mark.parametrize("approved", [["corrected"], ["first", "corrected"]])
def test_a_corrected_sheet_makes_its_titles_whatever_becomes_of_the_one_that_waited(office: Office, approved: list[str]) -> None:
    office.mapping = office.mapping.model_copy(update={"ask": office.mapping.ask.model_copy(update={"works": 0})})
    changed = [office.editions(1)[0][1].isbn, None, "New"]  # so that somebody is asked
    rows = {"first": [changed, [NEW[0], "Ash", None, None, "PB"]], "corrected": [changed, [NEW[0], "The Ash", None, None, "PB"]]}
    numbers = {name: office.take(name, workbook(HEAD, *two, made=NOW)).import_id for name, two in rows.items()}
    for name, number in numbers.items():
        (record.approve if name in approved else record.decline)(office.ledger, number, now=office.now, who="editor")
        office.work_through(number)
    assert [book.kind for number in numbers.values() for book in office.books(number)] == ["titles"]
    assert len(office.books(numbers[approved[0]])) == 1
    last = status_of(office.lines(numbers["corrected"])[3])
    assert ("already" in last.advice, last.word) == (
        (True, "Nothing to change, but see beside") if len(approved) == 2 else (False, last.word)
    )


class Meeting(ArtefactStore):
    """A store that takes in a workbook once two are there at the same moment, or after a while."""

    both = threading.Barrier(2)

    def put(self, source: Any) -> Any:
        with suppress(threading.BrokenBarrierError):
            self.both.wait(0.4)
        return super().put(source)


def test_two_sheets_that_come_to_one_new_title_at_the_same_moment_make_it_once(office: Office, tmp_path: Path) -> None:
    office.mapping = office.mapping.model_copy(update={"ask": office.mapping.ask.model_copy(update={"works": 0})})
    rows = [[office.editions(1)[0][1].isbn, None, "New"], [NEW[0], "Ash", None, None, "PB"]]
    numbers = [office.take(name, workbook(HEAD, *rows, ["1", name], made=NOW)).import_id for name in ("one.xlsx", "two.xlsx")]
    for number in numbers:
        record.approve(office.ledger, number, now=office.now, who="editor")
        record.begin(office.ledger, number)
    store = Meeting(str(tmp_path / "store"))
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda number: workbooks.prepare_all(office.ledger, store, office.mapping, number, now=office.now), numbers))
    assert [book.kind for number in numbers for book in office.books(number)] == ["titles"]
    assert sorted(str(office.lines(number)[3].state) for number in numbers) == ["new", "unchanged"]


def test_of_a_row_whose_prices_are_not_wanted_what_was_written_stays_known_as_ours(office: Office) -> None:
    isbn = office.editions(1)[0][1].isbn
    number = take(office, [isbn, None, "First", None, None, None, None, 66])
    hand.withdraw_one(office.ledger, office.books(number)[0].id, now=office.now, who="editor", note="no")
    office.work_through(number)
    told = status_of(office.lines(number)[2])
    assert told.word == "Declined, in part written"
    assert "“First”" in told.advice
    later = office.take("later.xlsx", workbook(HEAD, [isbn, None, "Second"], made=office.now)).import_id
    office.work_through(later)
    assert states(office, later) == ["verified"], "it was no one else who changed it"


def test_changed_prices_are_in_a_workbook_and_read_back(office: Office) -> None:
    product = next(p for _, p in office.editions(40) if any((price.currency, price.type) == ("GBP", "02") for price in p.prices))
    number = take(office, [product.isbn, None, None, None, None, None, None, "77.70"])
    (book,) = office.books(number)
    assert (book.kind, book.rows, states(office, number)) == ("prices", 1, ["new"])
    confirm(office, book)
    office.work_through(number)
    assert states(office, number) == ["missing"]
    load(office, book)
    verify(office.ledger, office.client, book.id, now=office.now)
    office.work_through(number)
    assert (states(office, number), office.sheet(number).state) == (["verified"], "done")
    assert "77.70" in status_of(office.lines(number)[2]).advice


def test_a_price_that_somebody_changed_before_its_workbook_was_made_is_left_alone(office: Office) -> None:
    product = next(p for _, p in office.editions(40) if any((price.currency, price.type) == ("GBP", "02") for price in p.prices))
    rows = [[product.isbn, None, None, None, None, None, None, "77.70"], [office.editions(1)[0][1].isbn, None, "New"]]
    office.mapping = office.mapping.model_copy(update={"ask": office.mapping.ask.model_copy(update={"works": 0})})
    number = office.take("asked.xlsx", workbook(HEAD, *rows, made=NOW)).import_id
    other = take(office, [product.isbn, None, None, None, None, None, None, "66.60"], name="other.xlsx")
    load(office, office.books(other)[0])
    office.sync()
    record.approve(office.ledger, number, now=office.now, who="editor")
    office.work_through(number)
    assert (states(office, number), office.books(number)) == (["conflict", "verified"], [])
    assert "is “66.60”" in status_of(office.lines(number)[2]).advice
