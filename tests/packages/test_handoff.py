"""A book's package for its printer: parts, checks, ticket; what waits, what asks, what is the same each time."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import func, select

from include.deliveries.build import Run
from include.errors import PermanentError
from include.ledger import packages
from include.ledger.file_rows import PackageRow, PreflightRow
from include.packages import handoff, ticket
from include.packages.build import assemble
from include.packages.making import Making, record, stop_what_is_not_due
from include.packages.manifest import manifest
from include.packages.ticket_page import as_pdf
from include.partners import load_house
from include.titles.model import Product, Work
from tests.packages.bookshelf import Bookshelf, party, shelve

RUN: dict[str, Any] = {
    "id": 7, "name": "First printing", "deliveryDate": "2027-02-01", "productIds": [],
    "quantities": [{"id": 1, "quantity": 4000, "receivedQuantity": 0, "name": "UK", "productId": None}],
    "bindings": [{"id": 1, "pageBindingMethod": "Thread-sewn", "widthOfBoard": 3, "productIds": []}],
    "covers": [{"id": 1, "coverType": "Jacket", "paper": "Gloss art", "productIds": []}],
    "interiors": [{"id": 1, "paper": "Munken Cream 80gsm vol 18", "textColour": "4/4", "fsc": True, "productIds": []}],
    "finishes": [{"id": 1, "name": "Spot UV", "description": "on the title", "productIds": []}], "embellishments": [],
}  # fmt: skip


@pytest.fixture
def hardback(ledger, store) -> Bookshelf:
    shelf = shelve(ledger, store, "BB")
    shelf.brings("interior")
    shelf.brings("jacket")
    return shelf


def make(shelf: Bookshelf, to: str = "pressmark", runs: Any = (RUN,), **tables: Any) -> Making:
    return handoff.make(shelf.ledger, shelf.store, party(to, **tables), shelf.house, shelf.product.id, lambda _: runs, now=shelf.now)


def prepared(shelf: Bookshelf, **wish: Any) -> PackageRow:
    return record(shelf.ledger, shelf.store, make(shelf, **wish), now=shelf.now, run=Run())


def content(shelf: Bookshelf, making: Making, name: str) -> bytes:
    return shelf.store.open(next(item.sha256 for item in making.new.items if item.name == name)).read()


def test_a_package_is_the_same_each_time_and_checks_are_not_run_twice(hardback):
    one = make(hardback)
    with hardback.ledger.read() as session:
        checks = session.scalar(select(func.count()).select_from(PreflightRow))
    hardback.now = hardback.now.replace(month=12)
    two = make(hardback)
    assert one.new is not None
    assert assemble(hardback.store, one.new, 1) == assemble(hardback.store, two.new, 1)
    with hardback.ledger.read() as session:
        assert session.scalar(select(func.count()).select_from(PreflightRow)) == checks == 2


def test_the_package_holds_ticket_and_report_and_good_files_ask_nobody(hardback):
    making = make(hardback)
    isbn = hardback.product.isbn
    assert [item.name for item in making.new.items] == [
        f"{isbn}_text.pdf", f"{isbn}_jacket.pdf", "jobticket.json", "jobticket.csv", "jobticket.pdf", "preflight.json",
    ]  # fmt: skip
    assert making.new.ask == []
    told = json.loads(content(hardback, making, "preflight.json"))
    assert told["files"][f"{isbn}_text.pdf"]["pages"] == hardback.product.pages_total
    assert json.loads(content(hardback, making, "jobticket.json"))["run"]["quantities"] == [{"quantity": 4000, "name": "UK"}]


def test_a_changed_order_is_another_package_and_a_changed_publication_date_is_not(hardback):
    first = prepared(hardback)
    hardback.put(publication_date=date(2027, 5, 5))
    assert prepared(hardback).id == first.id
    received = RUN | {"quantities": [RUN["quantities"][0] | {"receivedQuantity": 4000}]}
    assert prepared(hardback, runs=(received,)).id == first.id
    more = RUN | {"quantities": [RUN["quantities"][0] | {"quantity": 9000}]}
    assert prepared(hardback, runs=(more,)).revision == 2


def test_an_ordered_finish_without_its_artwork_is_a_warning(ledger, store):
    paperback = shelve(ledger, store, "BC")
    paperback.brings("interior")
    paperback.brings("jacket")
    making = make(paperback, "inkwell")
    assert [(one.code, str(one.severity)) for one in making.findings if one.code == "layer-missing"] == [("layer-missing", "warn")]


def test_a_failing_check_asks_and_mended_metadata_lets_it_go(hardback):
    hardback.put(pages_total=hardback.product.pages_total + 64)
    held = prepared(hardback)
    assert (held.state, [reason["code"] for reason in held.reasons]) == ("held", ["pages-differ"])
    hardback.put(pages_total=hardback.product.pages_total - 64)
    assert prepared(hardback).state == "built"


def test_text_in_pieces_is_counted_together(hardback):
    with hardback.ledger.session() as session:
        from include.ledger import title_files

        for row in title_files.files_of(session, hardback.product.work.id, kinds=["interior"]):
            title_files.remove(session, row.id, now=hardback.now, who="ada")
    hardback.brings("interior", as_part="pages 001-100")
    hardback.brings("interior", as_part="pages 101-200", seed=2)
    asks = [reason["message"] for reason in make(hardback).new.ask if reason["code"] == "pages-differ"]
    together = f"The 2 files of the text have {2 * hardback.product.pages_total} pages together"
    assert asks == [f"{together}, the product's extent is {hardback.product.pages_total}."]


@pytest.mark.parametrize("isbn", ["", "9781402000011"])
def test_without_a_valid_isbn_it_waits(hardback, isbn):
    hardback.put(isbn=isbn)
    row = prepared(hardback)
    assert (row.state, row.reasons[0]["code"], row.subject) == ("waiting", "isbn-missing", f"product {hardback.product.id}")


@pytest.mark.parametrize("status", ["01", "05"])
def test_a_title_that_was_given_up_is_not_printed(hardback, status):
    going = prepared(hardback)
    hardback.put(publishing_status=status)
    row = prepared(hardback)
    assert (row.state, row.reasons[0]["code"]) == ("waiting", "given-up")
    with hardback.ledger.read() as session:
        assert packages.get(session, going.id).state == "stopped"


def test_what_was_built_under_another_isbn_is_stopped(hardback):
    old = prepared(hardback)
    hardback.put(isbn="9781402000027")
    assert prepared(hardback).subject == "9781402000027"
    with hardback.ledger.read() as session:
        assert packages.get(session, old.id).state == "stopped"


def test_words_that_fit_several_titles_send_none_of_them(hardback, ledger, store):
    other = Bookshelf(ledger, store, replace(hardback.product, id=90_001, isbn="9781402000027", full_title="The Tide Clock, Again",
                                             work=replace(hardback.product.work, id=90_002, title="The Tide Clock, Again")))  # fmt: skip
    hardback.put(full_title="The Tide Clock")
    printer, house = party("pressmark"), hardback.house
    with pytest.raises(PermanentError, match="2 titles fit"):
        handoff.due(ledger, printer, house, hardback.now, "tide")
    for words, want in (("the tide clock", hardback), ("9781402000027", other), ("again", other)):
        assert [one.product_id for one in handoff.due(ledger, printer, house, hardback.now, words)] == [want.product.id]


def test_what_a_printer_does_not_have_yet_comes_first(hardback, ledger, store):
    newer = Bookshelf(ledger, store, replace(hardback.product, id=hardback.product.id + 1, isbn="9781402000027"))
    row = prepared(hardback)
    with ledger.session() as session:
        packages.get(session, row.id).state = "delivered"
    due = handoff.due(ledger, party("pressmark"), hardback.house, hardback.now)
    assert [one.product_id for one in due] == [newer.product.id, hardback.product.id]


def test_a_name_that_two_parts_would_have_makes_it_wait(hardback, monkeypatch):
    from include.partners.registry import load_printer

    lakeside = load_printer("lakeside")
    parts = tuple(part.model_copy(update={"name": "{isbn}.pdf"}) for part in lakeside.parts)
    monkeypatch.setattr(handoff, "load_printer", lambda _: lakeside.model_copy(update={"parts": parts}))
    making = make(hardback)
    assert (making.new, [reason["code"] for reason in making.reasons]) == (None, ["name-impossible"])


def test_restricted_files_never_leave(hardback):
    from include.ledger.file_rows import TitleFileRow

    with hardback.ledger.session() as session:
        for row in session.scalars(select(TitleFileRow).where(TitleFileRow.kind == "interior")):
            row.restricted = "rights"
    assert [reason["code"] for reason in make(hardback).reasons] == ["part-missing"]


def test_a_zip_holds_the_whole_package(hardback):
    import zipfile

    row = prepared(hardback, handoff={"zipped": True}, transport={"commit": {"rule": "rename"}})
    with hardback.ledger.read() as session:
        from include.ledger import deliveries

        (zipped,) = deliveries.get(session, row.delivery_id).files
    assert zipped.name == f"{hardback.product.isbn}_r1.zip"
    with zipfile.ZipFile(hardback.store.open(zipped.sha256)) as archive:
        assert archive.namelist()[-2:] == ["SHA256SUMS", "manifest.json"]


def test_a_printer_with_one_folder_for_all_gets_names_that_tell_titles_apart(hardback):
    making = make(hardback, handoff={"folder": ""})
    made = [item.name for item in making.new.items if item.role in {"ticket", "preflight"}]
    assert all(name.startswith(f"{hardback.product.isbn}.") for name in made)
    names = [file.name for file in assemble(hardback.store, making.new, 1).files]
    assert names[-2:] == [f"{hardback.product.isbn}.SHA256SUMS", f"{hardback.product.isbn}.manifest.json"]


def test_whose_turn_it_is_and_what_has_left_its_stage_is_stopped(hardback):
    printer, house = party("pressmark"), hardback.house
    due = handoff.due(hardback.ledger, printer, house, hardback.now)
    assert [one.product_id for one in due] == [hardback.product.id]
    assert handoff.due(hardback.ledger, party("inkwell"), house, hardback.now) == []
    row = prepared(hardback)
    hardback.put(stage="Editorial")
    due = handoff.due(hardback.ledger, printer, house, hardback.now)
    assert due == []
    assert stop_what_is_not_due(hardback.ledger, printer, handoff.FLOW, due, now=hardback.now, run=Run()) == 1
    with hardback.ledger.read() as session:
        assert packages.get(session, row.id).state == "stopped"
    assert [one.isbn for one in handoff.due(hardback.ledger, printer, house, hardback.now, hardback.product.isbn)] == [
        hardback.product.isbn
    ]
    hardback.put(stage="Production approved")
    assert prepared(hardback).id == row.id


# --- ticket


def product(title: str = "The Tide Clock") -> Product:
    work = Work(id=1, title=title, imprint="Lantern Fiction", contributor_statement="Ana Lima")
    return Product(id=34, work=work, isbn="9781402000010", full_title=title, form="BB", format="Hardback", height_mm=Decimal("234.5"),
                   width_mm=Decimal(156), pages=320)  # fmt: skip


def test_the_run_is_the_one_for_this_product_that_is_delivered_last():
    runs = [RUN | {"id": 1, "deliveryDate": "2026-01-01"}, RUN | {"id": 2, "productIds": [99], "deliveryDate": "2030-01-01"}, RUN]
    assert ticket.run_for(product(), runs)["id"] == 7
    assert ticket.run_for(product(), []) is None


def test_without_a_run_the_ticket_says_so_and_has_the_products_facts():
    told = ticket.ticket(product(), None, load_house(), left_out="This Consonance does not tell productionRuns.")
    assert told["run"] is None
    assert told["note"] == f"{ticket.NO_RUN} This Consonance does not tell productionRuns."
    assert told["measures"] == {"height mm": "234.5", "width mm": "156"}
    assert "note" in ticket.as_csv(told).decode("utf-8-sig")


def test_what_was_received_and_who_to_call_are_no_part_of_the_job():
    house = load_house()
    other = house.model_copy(update={"sender": house.sender.model_copy(update={"contact": "Somebody else"})})
    received = RUN | {"quantities": [RUN["quantities"][0] | {"receivedQuantity": 12}]}
    one, two = ticket.ticket(product(), RUN, house), ticket.ticket(product(), received, other)
    assert ticket.identity(one) == ticket.identity(two)
    assert "receivedQuantity" not in ticket.as_json(two).decode()


def test_a_spreadsheet_takes_no_title_for_a_formula():
    told = ticket.ticket(product('=HYPERLINK("http://x")'), None, load_house())
    assert """job,,title,"'=HYPERLINK""" in ticket.as_csv(told).decode("utf-8-sig")


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("Το ρολόι — Часы прилива", "Το ρολόι — Часы прилива"),
        ("שעון הגאות and the sea", "[Hebrew: see the ticket's JSON] and the sea"),
        ("The Extraordinary Voyages of a Very Small Lighthouse Keeper " * 8, "Lighthouse Keeper"),
        ("", "(no title)"),
        ("x" * 3000, "xxx"),
        ("a <b>bold</b> & brave & title", "a <b>bold</b> & brave"),
    ],
)
def test_the_page_is_one_page_whatever_the_title_and_the_same_bytes_each_time(title, shown):
    import pypdfium2

    told = ticket.ticket(product(title), RUN | {"quantities": RUN["quantities"] * 90}, load_house())
    page = as_pdf(told)
    assert page == as_pdf(told)
    document = pypdfium2.PdfDocument(page)
    assert len(document) == 1
    text = " ".join(document[0].get_textpage().get_text_range().split())
    assert shown in text
    assert "more lines in the ticket's CSV and JSON" in text


def test_half_a_character_in_a_title_stops_no_ticket():
    """As Consonance's JSON may have it: a surrogate without its other half."""
    told = ticket.ticket(product("\ud83d tides"), RUN, load_house())
    assert b"? tides" in ticket.as_json(told)
    assert b"? tides" in ticket.as_csv(told)
    assert b"? tides" in manifest({"title": "\ud83d tides"}, [])


def test_paper_and_ink_are_read_from_the_runs_own_words():
    assert ticket.paper(RUN) == (80.0, 18.0)
    assert ticket.paper({"interiors": [{"paper": "80 gsm Munken Premium Cream"}]}) is None
    assert ticket.printed_black({"interiors": [{"textColour": "1/1"}]})
    assert not ticket.printed_black(RUN)
