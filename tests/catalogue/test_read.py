"""Reading the mirror, on SQLite and PostgreSQL."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from include.catalogue import read, rows
from include.ledger.database import Ledger
from include.titles.model import Product, Work
from tests.catalogue.conftest import HOUSE
from tests.clients.tenant import isbn
from tests.ledger.conftest import ledger, postgres

__all__ = ["ledger", "postgres"]
NIGHT = datetime(2026, 5, 1, tzinfo=UTC)


def put(ledger: Ledger, *products: Product, night: int = 0) -> None:
    stamp = rows.Stamp(night, NIGHT + timedelta(days=night))
    with ledger.session() as session:
        rows.write_works(session, [product.work for product in products], stamp, HOUSE)
        rows.write_products(session, products, stamp)


def product(id: int, **fields) -> Product:
    fields.setdefault("isbn", isbn(id))
    fields.setdefault("full_title", f"Title {id}")
    return Product(id=id, work=Work(id=id // 2 + 1, title=f"Work {id // 2 + 1}"), **fields)


def test_all_titles_come_once_in_order_over_several_pages(ledger, monkeypatch):
    monkeypatch.setattr(read, "PAGE", 3)
    put(ledger, *[product(id) for id in (11, 3, 8, 1, 2, 20, 7)])
    with ledger.read() as session:
        found = [(row.id, work.id) for row, work in read.products(session)]
        some = [row.id for row, _ in read.products(session, ids=[20, 3, 3, 999, 7, 1, 2])]
    assert found == [(1, 1), (2, 2), (3, 2), (7, 4), (8, 5), (11, 6), (20, 11)]
    assert some == [1, 2, 3, 7, 20]


def test_what_changed_since_is_read_by_product_and_work(ledger):
    put(ledger, product(1), product(2), product(4))
    put(ledger, replace(product(2), subtitle="New"), night=1)
    put(ledger, replace(product(4), work=Work(id=3, title="Renamed")), night=1)
    with ledger.read() as session:
        assert [row.id for row, _ in read.products(session, changed_since=NIGHT + timedelta(hours=1))] == [2, 4]
        assert [row.id for row, _ in read.products(session, changed_since=NIGHT)] == [1, 2, 4]
        assert [row.id for row, _ in read.products(session, ids=[1, 2], changed_since=NIGHT + timedelta(hours=1))] == [2]


def test_titles_are_decoded_whole(ledger):
    put(ledger, product(1, exportable=False))
    with ledger.read() as session:
        ((row, work),) = read.products(session)
        assert read.title(row, work) == product(1, exportable=False)


def test_an_isbn_that_stands_twice(ledger):
    put(
        ledger,
        product(1, isbn=isbn(500)),
        product(2, isbn=isbn(500)),
        product(3, isbn=isbn(501)),
        product(4, isbn=isbn(501), exportable=False),
        product(5, isbn="978"),
        product(6, isbn="978"),
        product(7, isbn=""),
        product(8, isbn=""),
        product(9),
    )
    with ledger.read() as session:
        assert read.duplicate_isbns(session) == {isbn(500)}


def test_a_deleted_title_is_nobodys_twin(ledger):
    from sqlalchemy import update

    from include.ledger.models import ProductRow

    put(ledger, product(1, isbn=isbn(500)), product(2, isbn=isbn(500)))
    with ledger.session() as session:
        session.execute(update(ProductRow).where(ProductRow.id == 2).values(deleted_at=NIGHT))
    with ledger.read() as session:
        assert read.duplicate_isbns(session) == frozenset()
        assert [row.id for row, _ in read.find(session, isbn(500))] == [1, 2], "it is still found, after the living one"


@pytest.mark.parametrize(
    ("words", "ids"),
    [
        (isbn(12), [12]),
        ("0-306-40615-2", [30]),
        ("978-0-306-40615-7", [30]),
        ("12", [12]),
        ("title 1", [1, 12]),
        ("WORK 16", [30]),
        ("100%", [40]),
        ("%", [40]),
        ("_", []),
        ("bad isbn", [41]),
        ("", []),
        ("  ", []),
        ("9" * 400, []),
        ("'; drop table product; --", []),
        ("\x00", []),
    ],
)
def test_titles_are_found_as_people_look_for_them(ledger, words, ids):
    put(
        ledger, product(1), product(12), product(30, isbn="9780306406157"), product(40, full_title="100% Sea"), product(41, isbn="bad isbn")
    )
    with ledger.read() as session:
        assert sorted(row.id for row, _ in read.find(session, words)) == ids
