"""A report's product is a title only by an identifier that names one; everything else is proposed, and waits."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, select

from include.errors import PermanentError
from include.ledger.models import EventRow, ProductRow
from include.ledger.sales_rows import SalesAliasRow, SalesBatchRow, SalesProductRow
from include.sales import match, queue
from tests.sales import shelf
from tests.sales.shelf import CLOCK, EBOOK, FERRY, FERRY_EBOOK, FERRY_PDF, HARD, ISBN, NOW, OLD, SOFT, TWIN_A, TWIN_B

USAGE: dict[str, Any] = {"sold": 0, "net": {}, "usage": 70}


@pytest.fixture
def desk(ledger: Any) -> Any:
    shelf.fill(ledger)
    return ledger


def matched(desk: Any, **columns: Any) -> SalesProductRow:
    """One product of a batch of its own, after matching."""
    number = shelf.batch(desk, columns)
    match.match(desk, number, NOW)
    return shelf.product(desk, number, columns["id_value"])


@pytest.mark.parametrize(
    ("columns", "product"),
    [
        ({"id_type": "isbn", "id_value": ISBN[SOFT]}, SOFT),
        ({"id_type": "asin", "id_value": "B0CLOCK001"}, EBOOK),
        ({"id_type": "asin", "id_value": "1915000025"}, SOFT),  # Amazon's number of a printed book is its ISBN-10
        ({"id_type": "sku", "id_value": "ep 1013"}, EBOOK),
        ({"id_type": "proprietary", "id_value": "EP-1013"}, EBOOK),
        ({"id_type": "proprietary", "id_value": "900712", "others": [{"type": "isbn", "value": ISBN[HARD]}]}, HARD),
        ({"id_type": "asin", "id_value": "B0NOBODYS1", "others": [{"type": "isbn", "value": ISBN[EBOOK]}]}, EBOOK),
        ({"id_type": "isbn", "id_value": ISBN[EBOOK], "others": [{"type": "isbn", "value": ISBN[HARD]}]}, EBOOK),
    ],
)  # fmt: skip
def test_an_identifier_that_names_one_living_product_is_certain(desk, columns, product):
    row = matched(desk, **columns)
    assert (row.state, row.product_id, row.work_id) == ("matched", product, product // 10)
    assert row.why


@pytest.mark.parametrize(
    ("columns", "why", "proposed"),
    [
        ({"id_type": "isbn", "id_value": "9780306406157"}, "is not in Consonance", []),
        ({"id_type": "isbn", "id_value": ISBN[OLD]}, "no longer has", []),
        ({"id_type": "isbn", "id_value": ISBN[TWIN_A]}, "stands on 2 products", [TWIN_A, TWIN_B]),
        ({"id_type": "isbn", "id_value": ISBN[SOFT], "others": [{"type": "isbn", "value": ISBN[FERRY_EBOOK]}]}, "name 2 works", [SOFT,
        FERRY_EBOOK]),
        ({"id_type": "isbn", "id_value": "9780306406157", "others": [{"type": "asin", "value": "B0CLOCK001"}]}, "is not in", [EBOOK]),
        ({"id_type": "proprietary", "id_value": "1013"}, "None of its identifiers", []),
        ({"id_type": "proprietary", "id_value": "9781915000027"}, "None of its identifiers", [SOFT]),  # one wrong digit
        ({"id_type": "sku", "id_value": "237000111", "others": [{"type": "parent-isbn", "value": ISBN[SOFT]}]}, "None of", [HARD, SOFT,
        EBOOK]),
        ({"id_type": "doi", "id_value": "10.55555/lq.2"}, "does not say the edition", [FERRY_EBOOK, FERRY_PDF]),
    ],
)  # fmt: skip
def test_what_is_not_certain_is_proposed_with_a_reason(desk, columns, why, proposed):
    row = matched(desk, **columns)
    assert (row.state, row.product_id) == ("unmatched", None)
    assert why in row.why
    assert [one["product_id"] for one in row.proposals][: len(proposed)] == proposed
    assert {one["product_id"] for one in row.proposals} == set(proposed)


def test_a_title_like_ours_is_only_proposed(desk):
    row = matched(desk, id_type="proprietary", id_value="X1", title="The Ordinary Clock Maker", author="Lukasz van der Velde")
    assert row.state == "unmatched"
    assert {one["work_id"] for one in row.proposals} == {CLOCK}
    assert all(60 < one["score"] < 100 and "is like" in one["why"] for one in row.proposals)


def test_usage_is_the_works_where_a_doi_names_the_work_only(desk):
    row = matched(desk, id_type="doi", id_value="https://doi.org/10.55555/LQ.2", **USAGE)
    assert (row.state, row.work_id, row.product_id) == ("matched", FERRY, None)


def test_matching_again_changes_nothing_and_notes_nothing(desk):
    number = shelf.batch(desk, ("isbn", ISBN[SOFT]), ("isbn", "9780306406157"))
    first = match.match(desk, number, NOW)
    assert (first.matched, first.unmatched, first.batches) == (1, 1, (number,))
    with desk.read() as session:
        events = session.scalar(select(func.count()).select_from(EventRow))
    again = match.match(desk, number, NOW)
    assert (again.matched, again.unmatched, again.batches) == (0, 1, ())
    with desk.read() as session:
        assert session.scalar(select(func.count()).select_from(EventRow)) == events


def test_what_waits_is_matched_when_its_title_comes_into_the_catalogue(desk):
    number = shelf.batch(desk, ("isbn", "9781915000613"))
    undone = shelf.batch(desk, ("isbn", "9781915000613"), state="undone")
    match.match(desk, number, NOW)
    with desk.session() as session:
        shelf.add_product(session, 15, "9781915000613")
    done = match.again(desk, NOW)
    assert (done.matched, done.batches) == (1, (number,))
    assert shelf.product(desk, number, "9781915000613").product_id == 15
    assert shelf.product(desk, undone, "9781915000613").state == "unmatched"


# --- the queue


def test_a_persons_word_settles_the_identifier_wherever_it_waits_and_ever_after(desk):
    rows = [shelf.batch(desk, ("proprietary", "K77")) for _ in range(2)]
    other = shelf.batch(desk, ("proprietary", "K77"), source="jstor")
    decided = queue.decide(desk, shelf.product(desk, rows[0], "K77").id, product_id=EBOOK, now=NOW, who="ada")
    assert (decided.rows, decided.batches) == (2, tuple(rows))
    assert matched(desk, id_type="proprietary", id_value="K77").product_id == EBOOK
    assert shelf.product(desk, other, "K77").state == "unmatched", "another source's number is another number"
    assert queue.decide(desk, shelf.product(desk, rows[0], "K77").id, product_id=EBOOK, now=NOW, who="ada").rows == 0


def test_none_of_ours_is_remembered_too_and_can_be_taken_back(desk):
    row = matched(desk, id_type="isbn", id_value="9780306406157")
    assert queue.decide(desk, row.id, now=NOW, who="ada").rows == 1
    later = matched(desk, id_type="isbn", id_value="9780306406157")
    assert later.state == "ignored"
    queue.reopen(desk, row.id, now=NOW, who="ada")
    assert shelf.product(desk, row.batch_id, "9780306406157").state == "unmatched"
    assert matched(desk, id_type="isbn", id_value="9780306406157").state == "unmatched"


def test_once_is_once(desk):
    row = matched(desk, id_type="proprietary", id_value="K78")
    queue.decide(desk, row.id, product_id=SOFT, remember=False, now=NOW, who="ada")
    assert matched(desk, id_type="proprietary", id_value="K78").state == "unmatched"
    with desk.read() as session:
        assert session.scalar(select(func.count()).select_from(SalesAliasRow)) == 0


def test_sales_need_an_edition_and_usage_may_have_a_work(desk):
    sold, read = matched(desk, id_type="proprietary", id_value="S1"), matched(desk, id_type="proprietary", id_value="U1", **USAGE)
    with pytest.raises(PermanentError, match="an edition's"):
        queue.decide(desk, sold.id, work_id=FERRY, now=NOW, who="ada")
    queue.decide(desk, read.id, work_id=FERRY, now=NOW, who="ada")
    later = matched(desk, id_type="proprietary", id_value="U1")  # this time it was sold
    assert (later.state, [one["product_id"] for one in later.proposals]) == ("unmatched", [FERRY_EBOOK, FERRY_PDF])


def test_what_is_in_a_workbook_is_not_decided_anew(desk):
    row = matched(desk, id_type="isbn", id_value=ISBN[SOFT])
    with desk.session() as session:
        session.get_one(SalesProductRow, row.id).workbook_id = 5
    for act in (
        lambda: queue.decide(desk, row.id, product_id=HARD, now=NOW, who="ada"),
        lambda: queue.reopen(desk, row.id, now=NOW, who="ada"),
    ):
        with pytest.raises(PermanentError, match="workbook 5"):
            act()


def test_a_title_that_is_gone_is_refused(desk):
    row = matched(desk, id_type="proprietary", id_value="K79")
    with pytest.raises(PermanentError, match="no product 31"):
        queue.decide(desk, row.id, product_id=OLD, now=NOW, who="ada")
    with pytest.raises(PermanentError, match="no product 999"):
        queue.decide(desk, 999, product_id=SOFT, now=NOW, who="ada")


def test_ten_thousand_products_are_matched_in_seconds(desk):
    number = shelf.batch(desk)
    with desk.session() as session:
        stamps: dict[str, Any] = {"digest": "", "content": b"{}", "first_seen": NOW, "changed_at": NOW, "work_id": CLOCK}
        session.add_all(ProductRow(id=1000 + n, isbn=isbn(n), title="A Book", **stamps) for n in range(10_000))
        session.add_all(
            SalesProductRow(batch_id=number, id_type="isbn", id_value=isbn(n), sold=1, net={}, others=[]) for n in range(10_000)
        )  # fmt: skip
    assert match.match(desk, number, NOW).matched == 10_000
    with desk.read() as session:
        assert session.get_one(SalesBatchRow, number).state == "loaded"


def isbn(number: int) -> str:
    body = f"97919{number:07d}"
    return f"{body}{(10 - sum(int(d) * (1, 3)[at % 2] for at, d in enumerate(body)) % 10) % 10}"


@pytest.mark.parametrize(
    ("isbn", "state", "product"),
    [
        ("9780306406157", "matched", FERRY_PDF),  # the catalogue does not know it: the word counts
        (ISBN[FERRY_PDF], "matched", FERRY_PDF),
        (ISBN[SOFT], "unmatched", None),  # the shop gave its number to another book
    ],
)
def test_what_was_said_of_a_number_beside_the_isbn_does_not_outweigh_the_isbn(desk, isbn, state, product):
    first = matched(desk, id_type="sku", id_value="77123")
    queue.decide(desk, first.id, product_id=FERRY_PDF, now=NOW, who="ada")
    row = matched(desk, id_type="isbn", id_value=isbn, others=[{"type": "sku", "value": "77123"}])
    assert (row.state, row.product_id) == (state, product)
    if state == "unmatched":
        assert "sku 77123 was said to be another title" in row.why
        assert [one["product_id"] for one in row.proposals][:2] == [SOFT, FERRY_PDF]


def test_two_words_of_numbers_beside_the_isbn_that_differ_decide_nothing(desk):
    for value, product in (("77123", FERRY_PDF), ("77124", SOFT)):
        queue.decide(desk, matched(desk, id_type="sku", id_value=value).id, product_id=product, now=NOW, who="ada")
    beside = [{"type": "sku", "value": "77123"}, {"type": "sku", "value": "77124"}]
    row = matched(desk, id_type="isbn", id_value="9780306406157", others=beside)
    assert (row.state, {one["product_id"] for one in row.proposals} >= {FERRY_PDF, SOFT}) == ("unmatched", True)
