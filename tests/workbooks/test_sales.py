"""Sales of a batch as Consonance's import wants them: what goes, what waits, what each column says, totals to the last digit."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from sqlalchemy import select, update

from include.errors import PermanentError, RejectedData, TransientError
from include.ledger.models import ProductRow
from include.ledger.sales_rows import BatchState, SalesBatchRow, SalesProductRow, WorkbookRow
from include.partners.sources import SalesSource
from include.sales import workbook
from include.sales.lines import SCHEMA
from include.sales.store import Lines
from include.sales.totals import Totals
from include.workbooks import hand
from tests.workbooks.conftest import NOW, cells

SOURCE = SalesSource.model_validate({
    "id": "shop", "name": "Shop", "layouts": ["generic"], "contact": "Shop Ltd",
    "channels": [
        {"id": 4102, "models": ["page reads"]}, {"id": 4103, "forms": ["B"], "channels": ["Shop.*"]},
        {"id": 4101, "channels": ["shop.*"], "territories": ["GB", "US"]},
    ],
})  # fmt: skip
PRINT, EBOOK = "9781915000002", "9781915000019"


def line(**given: Any) -> dict[str, Any]:
    base = {
        "row": 2, "period": "2026-09", "date": date(2026, 9, 30), "id_type": "isbn", "id_value": PRINT, "title": "Sea",
        "channel": "Shop.uk",
        "territory": "GB", "model": "sale", "kind": "sale", "units": 1, "net": Decimal("1.00"), "currency": "GBP", "digest": b"0" * 16,
    }  # fmt: skip
    return base | given


@pytest.fixture
def loaded(ledger: Any, store: Any, tmp_path: Any) -> Callable[..., int]:
    """A batch of these lines, matched to products 11 (print) and 12 (e-book) where it has their ISBNs."""
    with ledger.session() as session:
        for id, isbn, form in ((11, PRINT, "BC"), (12, EBOOK, "ED")):
            common = {"digest": "", "content": b"", "first_seen": NOW, "changed_at": NOW}
            session.add(ProductRow(id=id, work_id=1, isbn=isbn, title="Sea", form=form, **common))

    def load(*lines: dict[str, Any]) -> int:
        batch = pa.RecordBatch.from_pylist(list(lines), schema=SCHEMA)
        path = tmp_path / "lines.parquet"
        path.unlink(missing_ok=True)
        with Lines(path) as out:
            out.write(batch)
        totals = Totals()
        totals.add(batch)
        with ledger.session() as session:
            row = SalesBatchRow(
                source="shop", layout="generic", name="=report.csv", sha256="0" * 64, bytes=1, period_from="2026-09-01", digest="",
                period_to="2026-09-30", rows=len(lines), lines=store.put(path).sha256, state=BatchState.LOADED, loaded_at=NOW,
            )  # fmt: skip
            session.add(row)
            session.flush()
            for one in totals.products():
                product = {PRINT: 11, EBOOK: 12}.get(one.id_value)
                session.add(SalesProductRow(
                    batch_id=row.id, id_type=one.id_type, id_value=one.id_value, title=one.title, rows=one.sums.rows, sold=one.sums.sold,
                    returned=one.sums.returned, usage=one.sums.usage, net={code: format(net, "f") for code, net in one.net.items()},
                    state="matched" if product else "unmatched", product_id=product, work_id=1 if product else None,
                ))  # fmt: skip
            return row.id

    return load


@pytest.fixture
def make(ledger: Any, store: Any) -> Callable[[int], workbook.Made]:
    return lambda batch: workbook.make(ledger, store, batch, NOW, source=SOURCE)


@pytest.fixture
def sheet(make: Any, content: Any) -> Callable[[int], list[dict[str, Any]]]:
    """Rows of a batch's only workbook, without what is empty."""

    def read(batch: int) -> list[dict[str, Any]]:
        (row,) = make(batch).workbooks
        header, *rows = cells(content(row))
        return [{name: value for name, value in zip(header, one, strict=True) if value is not None} for one in rows]

    return read


def test_alike_lines_become_one_row_that_carries_sales_and_returns(loaded, sheet):
    batch = loaded(line(net=Decimal("1.005")), line(units=2, net=Decimal("2.10")), line(kind="return", units=-1, net=Decimal("-1.005")))
    assert sheet(batch) == [{
        "Product ID type": "ISBN", "Product ID": PRINT, "Channel ID": "4103", "Sales date": "2026-09-30", "Source": "Shop Ltd",
        "Sales quantity": 3, "Sales value": 3.105, "Return quantity": 1, "Return value": 1.005, "Country code": "GB",
        "Original currency": "GBP", "File": "=report.csv", "Notes": "Colophon sales batch 1, 3 lines",
    }]  # fmt: skip


def test_foreign_money_stands_in_the_original_columns_and_is_consonances_to_convert(loaded, sheet):
    (row,) = sheet(loaded(line(currency="USD", net=Decimal("7.50"), list_price=Decimal("9.99"), list_currency="USD", territory="US")))
    assert {name: row.get(name) for name in ("Sales value", "List price", "Original currency", "Original sales value")} == {
        "Sales value": None, "List price": None, "Original currency": "USD", "Original sales value": 7.5,
    }  # fmt: skip


def test_what_was_paid_in_consonances_currency_is_the_value_and_the_original_stands_beside_it(loaded, make, content):
    paid = {"paid": Decimal("5.68"), "paid_currency": "GBP", "rate": Decimal("0.757")}
    (row,) = make(loaded(line(currency="USD", net=Decimal("7.50"), **paid))).workbooks
    assert row.totals == {"GBP": "5.68", "returned": "0", "sold": "1"}
    header, values = cells(content(row))
    told = dict(zip(header, values, strict=True))
    assert (told["Sales value"], told["Original currency"], told["Original sales value"]) == (5.68, "USD", 7.5)


def test_a_list_price_counts_in_consonances_currency_only_and_never_zero(loaded, sheet):
    rows = sheet(loaded(
        line(list_price=Decimal("9.99"), list_currency="GBP"), line(list_price=Decimal("0"), list_currency="GBP", territory="US"),
    ))  # fmt: skip
    assert [row.get("List price") for row in rows] == [9.99, None]


def test_money_against_the_unit_stands_under_return_and_nothing_is_negative(loaded, sheet):
    (row,) = sheet(loaded(line(units=1, net=Decimal("-0.35"))))
    assert (row["Sales quantity"], row["Sales value"], row["Return quantity"], row["Return value"]) == (1, 0, 0, 0.35)


def test_a_free_copy_that_was_sold_has_a_value_of_zero(loaded, sheet):
    (row,) = sheet(loaded(line(units=4, net=Decimal("0.00"))))
    assert (row["Sales quantity"], row["Sales value"]) == (4, 0)


def test_usage_never_goes_and_what_it_earned_does_without_its_units(loaded, make, content, ledger):
    batch = loaded(
        line(id_value=EBOOK, model="page reads", units=8123, net=Decimal("3.21")),
        line(model="usage", units=90, net=None, currency=None),
    )
    (row,) = make(batch).workbooks
    header, values = cells(content(row))
    told = dict(zip(header, values, strict=True))
    assert (told["Product ID"], told["Channel ID"], told["Sales quantity"], told["Sales value"]) == (EBOOK, "4102", 0, 3.21)
    assert "page reads: 8123" in told["Notes"]
    with ledger.read() as session:
        pointers = dict(session.execute(select(SalesProductRow.id_value, SalesProductRow.workbook_id)).all())
    assert pointers == {EBOOK: row.id, PRINT: 0}


def test_what_waits_says_why_and_all_lines_of_its_product_wait(loaded, make):
    batch = loaded(
        line(), line(id_value="9780000000002", title="Unknown"), line(id_value=EBOOK), line(id_value=EBOOK, territory="FR"),
        line(id_value="", title="", model="adjustment", units=0, net=Decimal("-3.00")),
    )  # fmt: skip
    made = make(batch)
    assert [row.totals["GBP"] for row in made.workbooks] == ["1.00"]
    assert [(one.code, one.id_value) for one in made.waiting] == [
        ("unmatched", ""), ("unmatched", "9780000000002"), ("no-channel", EBOOK)
    ]  # fmt: skip
    assert "config/sources/shop.toml" in made.waiting[-1].todo


def test_what_is_matched_later_goes_into_another_workbook_and_nothing_goes_twice(loaded, make, content, ledger):
    batch = loaded(line(), line(id_value="B00ASIN", id_type="asin", net=Decimal("4.00")))
    first = make(batch)
    assert make(batch).workbooks[0].id == first.workbooks[0].id
    with ledger.session() as session:
        session.execute(update(SalesProductRow).where(SalesProductRow.id_value == "B00ASIN").values(product_id=12, state="matched"))
    second = make(batch)
    assert [Decimal(row.totals["GBP"]) for row in second.workbooks] == [1, 4]
    assert [[row[1] for row in cells(content(one))[1:]] for one in second.workbooks] == [[PRINT], [EBOOK]]
    assert second.waiting == []
    with ledger.read() as session:
        assert session.scalars(select(WorkbookRow.id)).all() == [1, 2]


def test_an_isbn_that_two_products_have_gives_way_to_consonances_own_number(loaded, make, content, ledger):
    batch = loaded(line())
    with ledger.session() as session:
        common = {"digest": "", "content": b"", "first_seen": NOW, "changed_at": NOW}
        session.add(ProductRow(id=99, work_id=2, isbn=PRINT, title="Sea", form="BC", **common))
    (row,) = make(batch).workbooks
    assert cells(content(row))[1][:2] == ["Consonance ID", "11"]


def test_the_order_of_the_lines_does_not_matter(loaded, make, content, ledger):
    lines = [
        line(net=Decimal(n) / 7 if n % 5 else None, date=date(2026, 9, 1 + n % 3), territory="GB" if n % 2 else "US",
             net_currency=None, id_value=PRINT if n % 3 else EBOOK) for n in range(60)
    ]  # fmt: skip
    for one in lines:
        one.pop("net_currency")
        one["net"] = None if one["net"] is None else one["net"].quantize(Decimal("0.0000000001"))
    first = make(loaded(*lines)).workbooks[0]
    random.Random(5).shuffle(lines)
    second = make(loaded(*lines)).workbooks[0]
    same = [[value for value in row if not str(value).startswith("Colophon")] for row in cells(content(first))]
    assert same == [[value for value in row if not str(value).startswith("Colophon")] for row in cells(content(second))]
    assert first.totals == second.totals
    assert Decimal(first.totals["GBP"]) == sum(one["net"] or 0 for one in lines)


def test_a_batch_that_waits_for_a_person_has_no_workbook(loaded, make, ledger):
    batch = loaded(line())
    with ledger.session() as session:
        session.get(SalesBatchRow, batch).state = BatchState.UNBALANCED
    with pytest.raises(PermanentError, match="batch 1 is unbalanced"):
        make(batch)


def test_the_batch_follows_its_workbooks(loaded, make, ledger):
    batch = loaded(line())
    (row,) = make(batch).workbooks

    def state() -> str:
        with ledger.read() as session:
            return session.get(SalesBatchRow, batch).state

    assert state() == "loaded"
    hand.claim(ledger, now=NOW, asked_before=NOW, dag_id="d", run_id="r")
    assert state() == "handed over"
    hand.not_loaded(ledger, row.id, now=NOW, who="ada")
    assert state() == "loaded"
    hand.confirm(ledger, row.id, now=NOW, who="ada", said=hand.Said(agrees=True))
    assert state() == "confirmed"


def test_an_undone_batch_takes_its_workbooks_back_unless_they_are_loaded(loaded, make, ledger):
    first, second = loaded(line()), loaded(line(net=Decimal("2.00")))
    (one,), (two,) = make(first).workbooks, make(second).workbooks
    hand.claim(ledger, now=NOW, asked_before=NOW, dag_id="d", run_id="r", only=one.id)
    hand.confirm(ledger, two.id, now=NOW, who="ada", said=hand.Said(agrees=True))
    with ledger.session() as session:
        assert [row.id for row in hand.withdraw(session, "sales batch", first, now=NOW, note="batch 1 was undone")] == [one.id]
    with (
        ledger.session() as session,
        pytest.raises(RejectedData, match="workbook 2 is in Consonance already: ada loaded it on 21 November"),
    ):
        hand.withdraw(session, "sales batch", second, now=NOW)
    with pytest.raises(RejectedData, match="the workbook was withdrawn: batch 1 was undone"):
        hand.confirm(ledger, one.id, now=NOW, who="ada")
    with ledger.read() as session:
        kept = session.get(WorkbookRow, one.id)
        assert (kept.state, kept.missing[0]["code"]) == ("withdrawn", "loaded-though-withdrawn")


def test_a_batch_that_counts_again_gets_its_workbook_back(loaded, make, ledger):
    batch = loaded(line())
    (row,) = make(batch).workbooks
    with ledger.session() as session:
        hand.withdraw(session, "sales batch", batch, now=NOW, note="another took its place")
    assert make(batch).workbooks[0].id == row.id
    with ledger.read() as session:
        assert session.get(WorkbookRow, row.id).state == "prepared"
        assert session.scalar(select(SalesProductRow.workbook_id)) == row.id


@pytest.mark.parametrize("change", ["undone", "other title"])
def test_what_changes_while_the_workbook_is_written_keeps_nothing(loaded, make, ledger, monkeypatch, change):
    batch = loaded(line())
    really = workbook.prepare

    def slowly(*words: Any, **named: Any) -> Any:
        with ledger.session() as session:
            if change == "undone":
                session.get(SalesBatchRow, batch).state = BatchState.UNDONE
            else:
                session.execute(update(SalesProductRow).values(product_id=12))
        return really(*words, **named)

    monkeypatch.setattr(workbook, "prepare", slowly)
    with pytest.raises(PermanentError if change == "undone" else TransientError, match=r"undone now|was decided upon"):
        make(batch)
    with ledger.read() as session:
        assert session.scalars(select(WorkbookRow)).all() == []
