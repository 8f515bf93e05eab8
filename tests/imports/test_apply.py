"""Writing into Consonance: once, compared before and after, whatever happens in between."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
import requests
from graphql import extend_schema, parse
from sqlalchemy import select

from include.clients.consonance.operations import fit, stored
from include.errors import RejectedData, TransientError
from include.imports import record
from include.imports.apply import Applying
from include.imports.arrivals import Desk
from include.imports.fields import FIELDS
from include.imports.mapping import Mapping
from include.imports.offers import READ, of_schema
from include.ledger import imports
from include.ledger.models import EventRow
from include.ledger.sales_rows import LineState
from include.partners import load_house, load_inbox
from sandbox.catalogue.chance import isbn13
from sandbox.consonance.tenant import build_schema_of
from tests.clients.tenant import Waits, client_of
from tests.imports.office import NOW, Office, workbook
from tests.sandbox.conftest import KEY

S = LineState
HEAD = ["ISBN", "Subtitle", "Publication date", "Stage"]


def sheet_of(office: Office, *rows: list[Any], made: datetime = NOW, name: str = "sheet.xlsx") -> int:
    office.now = max(office.now, made)
    taken = office.take(name, workbook(HEAD, *rows, made=made))
    return taken.import_id


def states(office: Office, import_id: int) -> list[str]:
    return [str(line.state) for line in office.lines(import_id).values()]


def codes(office: Office, import_id: int) -> list[list[str]]:
    return [[problem["code"] for problem in line.problems] for line in office.lines(import_id).values()]


def told(office: Office) -> list[str]:
    """What the journal says of titles, in its order."""
    with office.ledger.read() as session:
        return list(session.scalars(select(EventRow.what).where(EventRow.what.startswith("title ")).order_by(EventRow.id)))


def test_a_work_and_its_editions_are_written_in_one_call_and_only_what_differs(office: Office) -> None:
    work = next(work for work, _ in office.editions(40) if len({p.isbn for p in work.products if p.isbn}) > 1)
    rows = [[product.isbn, "New", datetime.fromisoformat("2027-05-06"), None] for product in work.products if product.isbn]
    number = sheet_of(office, *rows)
    before = office.server.catalogue.work(work.id)
    office.work_through(number)
    assert office.mutations() == 1
    after = office.server.catalogue.work(work.id)
    assert {product.publication_date.isoformat() for product in after.products if product.isbn} == {"2027-05-06"}
    assert (after.subtitle, {product.subtitle for product in after.products if product.isbn}) == ("New", {"New"})
    assert replace(after, products=(), subtitle="", changed=before.changed) == replace(before, products=(), subtitle="")
    assert set(states(office, number)) == {"verified"}


def test_who_was_killed_between_the_write_and_the_record_writes_nothing_twice(office: Office) -> None:
    (work, product), (_, other) = office.editions(2)
    number = sheet_of(office, [product.isbn, "Killed", None, None], [other.isbn, "Next", None, None])

    class KilledError(BaseException):
        """The worker is gone."""

    def killed() -> datetime:
        raise KilledError

    record.begin(office.ledger, number)
    with pytest.raises(KilledError):
        Applying(office.ledger, office.client, load_house(), office.mapping, number, killed).run()
    assert office.server.catalogue.work(work.id).subtitle == "Killed"
    assert states(office, number) == ["waiting", "waiting"]
    done = office.work_through(number)
    assert done is not None
    assert (done.same, done.written, office.mutations()) == (1, 1, 2)
    assert states(office, number) == ["verified", "verified"]
    assert told(office) == ["title found as a sheet wants it", "title updated"]


def test_two_runs_at_once_write_a_sheet_once(office: Office) -> None:
    (_, product), *_ = office.editions(1)
    number = sheet_of(office, [product.isbn, "Once", None, None])
    both = threading.Barrier(2)

    def clock() -> datetime:
        """Waits for the other run where a work was written and that is not recorded yet."""
        with suppress(threading.BrokenBarrierError):
            both.wait(0.4)
        return office.now

    clients = [client_of(office.server.url, Waits(), key=KEY) for _ in range(2)]
    desks = [Desk(office.ledger, office.store, load_inbox("titles"), load_house(), client) for client in clients if client.schema()]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda desk: desk.write(number, clock), desks))
    assert (states(office, number), office.mutations(), told(office)) == (["verified"], 1, ["title updated"])


def test_a_second_run_and_the_same_bytes_again_change_nothing(office: Office) -> None:
    (_, product), *_ = office.editions(1)
    content = workbook(HEAD, [product.isbn, "Once", None, None])
    number = office.take("sheet.xlsx", content).import_id
    office.work_through(number)
    before, mutations = office.row_counts(), office.mutations()
    office.work_through(number)
    again = office.take("another name.xlsx", content)
    assert (again.import_id, again.again) == (number, True)
    assert (office.row_counts(), office.mutations()) == (before, mutations)


def test_what_somebody_changed_since_the_row_was_checked_is_never_overwritten(office: Office) -> None:
    (work, product), (_, other) = office.editions(2)
    number = sheet_of(office, [product.isbn, "Mine", None, None], [other.isbn, "Mine", None, None])
    office.server.control("edit", {"work_id": work.id, "set": {"subtitle": "Theirs"}})
    office.work_through(number)
    assert office.server.catalogue.work(work.id).subtitle == "Theirs"
    assert (states(office, number), codes(office, number)) == (["conflict", "verified"], [["changed-meanwhile"], []])


class Lossy(requests.Session):
    """A line on which answers to changes get lost: the first `lost` of them, after Consonance (`arrives`) has had the request."""

    def __init__(self, lost: int, *, arrives: bool) -> None:
        super().__init__()
        self.lost, self.arrives = lost, arrives

    def request(self, method: Any, url: Any, *args: Any, **more: Any) -> Any:
        changes = "mutation updateWork" in str(more.get("data") or more.get("json") or "")
        if not (changes and self.lost):
            return super().request(method, url, *args, **more)
        self.lost -= 1
        if self.arrives:
            super().request(method, url, *args, **more)
        raise requests.ConnectionError("the line broke")


def test_an_edition_that_got_another_isbn_meanwhile_is_left_alone(office: Office) -> None:
    work, product = next((work, product) for work, product in office.editions(40) if len(work.products) > 1)
    number = sheet_of(office, [product.isbn, "New", None, None])
    office.client.change("update_work", {"input": {"id": work.id, "products": [{"id": product.id, "isbn": isbn13(8_000_000)}]}})
    before = office.mutations()
    office.work_through(number)
    assert (states(office, number), office.mutations()) == (["conflict"], before)
    assert f"has {isbn13(8_000_000)} in Consonance now" in office.lines(number)[2].problems[0]["message"]


def test_a_lost_answer_is_found_out_by_reading_back(office: Office) -> None:
    (_, product), *_ = office.editions(1)
    number = sheet_of(office, [product.isbn, "Arrived", None, None])
    line = Lossy(1, arrives=True)
    office.client = client_of(office.server.url, Waits(), key=KEY, session=lambda: line)
    office.work_through(number)
    assert line.lost == 0
    assert (states(office, number), office.mutations()) == (["verified"], 1)


def test_what_did_not_arrive_waits_for_the_next_try_and_the_other_works_go_on(office: Office) -> None:
    (_, product), (_, other) = office.editions(2)
    number = sheet_of(office, [product.isbn, "Lost", None, None], [other.isbn, "Fine", None, None])
    line = Lossy(1, arrives=False)
    office.client = client_of(office.server.url, Waits(), key=KEY, session=lambda: line)
    with pytest.raises(TransientError, match="1 works"):
        office.work_through(number)
    assert states(office, number) == ["waiting", "verified"]
    office.work_through(number)
    assert states(office, number) == ["verified", "verified"]


def test_what_consonance_refuses_comes_back_and_stops_nothing_else(office: Office) -> None:
    (_, product), (_, other) = office.editions(2)
    ids = {"stage": {"Nowhere": 99}}
    office.mapping = office.mapping.model_copy(update={"ids": ids})
    number = sheet_of(office, [product.isbn, None, None, "Nowhere"], [other.isbn, "Fine", None, None])
    office.work_through(number)
    assert (states(office, number), codes(office, number)) == (["failed", "verified"], [["refused"], []])
    assert "does not exist" in office.lines(number)[2].problems[0]["message"]


def test_a_stage_is_written_by_the_number_that_the_mapping_knows(office: Office) -> None:
    work, product = next((work, product) for work, product in office.editions(60) if work.stage == "Editorial")
    other = next(other for of, other in office.editions(60) if of.id != work.id)
    number = sheet_of(office, [product.isbn, None, None, "Production approved"], [other.isbn, None, None, "Unheard of"])
    assert codes(office, number) == [[], ["not-possible"]]
    office.work_through(number)
    assert office.server.catalogue.work(work.id).stage == "Production approved"


def test_only_what_consonance_shows_of_such_an_edition_is_written(office: Office) -> None:
    office.mapping = Mapping.model_validate(
        office.mapping.model_dump(exclude_unset=True) | {"columns": {"isbn": {"headers": ["ISBN"]}, "asin": {"headers": ["ASIN"]}},
                                                         "prices": [], "new_requires": []}
    )  # fmt: skip
    editions = [product for work, _ in office.editions(60) for product in work.products if product.isbn]
    ebook, printed = (next(one for one in editions if (one.format == "ePub") is electronic) for electronic in (True, False))
    content = workbook(["ISBN", "ASIN"], [ebook.isbn, "B0ABCDEFGH"], [printed.isbn, "B0ABCDEFGI"], made=NOW)
    number = office.take("asins.xlsx", content).import_id
    office.work_through(number)
    assert (states(office, number), codes(office, number)) == (["verified", "unchanged"], [[], ["not-possible"]])
    assert (office.server.catalogue.product(ebook.id).asin, office.server.catalogue.product(printed.id).asin) == ("B0ABCDEFGH", "")


def test_a_field_is_written_where_the_tenants_schema_takes_and_shows_it() -> None:
    """Public pages name these members of the input, and are cut off where the type that would show them goes on."""
    names = {"gtin": "gtin", "doi": "productIdentifyingDoi", "form_description": "productFormDescription",
             "announcement_date": "publicAnnouncementDate"}  # fmt: skip
    known = build_schema_of("full")
    more = "".join(f"extend type PhysicalBookProduct {{ {name}: String }}" for name in names.values())
    for schema, writable in ((known, False), (extend_schema(known, parse(more)), True)):
        fitted = fit(stored()[READ], schema).capability
        given = of_schema(schema, fitted.left_out)
        assert {not given.why_not(FIELDS[name], "x", {}, "PhysicalBookProduct") for name in names} == {writable}
        assert "does not show" in given.why_not(FIELDS["gtin"], "x", {}, "ElectronicBookProduct")


def test_a_later_sheet_builds_on_what_an_earlier_one_wrote_before_the_mirror_knows(office: Office) -> None:
    (work, product), *_ = office.editions(1)
    first = sheet_of(office, [product.isbn, "First", None, None])
    office.work_through(first)
    second = sheet_of(office, [product.isbn, "Second", None, None], made=office.now + timedelta(hours=1), name="second.xlsx")
    assert [change["before"] for change in office.lines(second)[2].changes] == ["First", "First"]
    office.work_through(second)
    assert (states(office, second), office.server.catalogue.work(work.id).subtitle) == (["verified"], "Second")


def test_our_own_change_is_no_conflict_once_the_mirror_has_seen_it(office: Office) -> None:
    (_, product), *_ = office.editions(1)
    first = sheet_of(office, [product.isbn, "First", None, None])
    office.work_through(first)
    made = office.now + timedelta(hours=1)
    office.sync(made + timedelta(hours=12))
    office.now = made + timedelta(hours=20)
    number = office.take("second.xlsx", workbook(HEAD, [product.isbn, "Second", None, None], made=made)).import_id
    assert states(office, number) == ["waiting"], office.lines(number)[2].changes


def test_a_sheet_that_waits_for_a_person_is_not_written_and_a_declined_one_never(office: Office) -> None:
    office.mapping = office.mapping.model_copy(update={"ask": office.mapping.ask.model_copy(update={"works": 0})})
    (_, product), *_ = office.editions(1)
    number = sheet_of(office, [product.isbn, "Asked", None, None])
    assert office.sheet(number).state == imports.ASKS
    office.work_through(number)
    assert office.mutations() == 0
    record.decline(office.ledger, number, now=office.now, who="editor")
    office.work_through(number)
    assert (states(office, number), office.sheet(number).state, office.mutations()) == (["declined"], "declined", 0)
    other = sheet_of(office, [product.isbn, "Approved", None, None], name="other.xlsx")
    record.approve(office.ledger, other, now=office.now, who="editor")
    office.work_through(other)
    assert (states(office, other), office.sheet(other).decided_by) == (["verified"], "editor")
    record.decline(office.ledger, other, now=office.now)  # nobody answered the question in Airflow
    with pytest.raises(RejectedData, match="editor has said yes"):
        record.decline(office.ledger, other, now=office.now, who="somebody else")
    assert office.sheet(other).state == imports.DONE
