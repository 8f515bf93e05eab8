"""Loading on PostgreSQL, which locks rows and not the whole ledger: reports, payments and undoing at the same time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from include.errors import RejectedData
from include.ledger.database import Ledger
from include.ledger.sales_rows import SalesBatchRow, SalesPartRow
from include.sales import payments
from include.sales.undo import undo
from tests.postgres import postgres, postgres_ledger
from tests.sales.load.reports import LAMP, NOW, SEA, SHOP, counted, expected, line, month, take, totals

__all__ = ["postgres", "postgres_ledger"]  # fixtures


@pytest.fixture
def ledger(postgres_ledger: Ledger) -> Ledger:
    return postgres_ledger


def test_reports_payments_and_undoing_at_the_same_time_count_everything_once(ledger: Ledger, store: Any) -> None:
    months = {number: [month(number, isbn=isbn, currency=code) for isbn in (LAMP, SEA) for code in ("GBP", "USD")] for number in (6, 7, 8)}
    whole = [one for lines in months.values() for one in lines]

    def load(go: int) -> Any:
        lines = months[6 + go % 3] if go % 4 else whole
        return take(ledger, store, lines, rule="difference", name=f"{go}.csv", bytes=f"{len(lines)} {lines[0]['period']}".encode())

    def pay(go: int) -> None:
        entry = payments.Entry(f"2026-0{6 + go % 3}", ("GBP", "USD")[go % 2], Decimal("5.00"), f"R-{go % 6}")
        payments.enter(ledger, SHOP, entry, now=NOW, who="ana")

    with ThreadPoolExecutor(6) as pool:
        loaded, paid = [pool.submit(load, go) for go in range(12)], [pool.submit(pay, go) for go in range(12)]
        for one in (*loaded, *paid):
            one.result()
    assert counted(ledger, store) == expected(whole)
    assert {net for *_, net in totals(ledger).values()} == {Decimal("5.00")}
    with ledger.read() as session:
        batches = session.scalars(select(SalesBatchRow).order_by(SalesBatchRow.id.desc())).all()

    def gone(batch: int) -> None:
        with suppress(RejectedData):  # a later one counted on it
            undo(ledger, batch, now=NOW, who="ana")

    for _ in batches:
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(gone, [one.id for one in batches]))
    assert not counted(ledger, store)
    with ledger.read() as session:
        assert not session.scalars(select(SalesPartRow).where(SalesPartRow.claim.is_not(None))).all()
    assert take(ledger, store, [line()]).state == "loaded"
