"""Workbooks on PostgreSQL, which locks rows and not the whole ledger: two runs that prepare, claim and confirm at the same time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import func, select

from include.ledger import workbooks
from include.ledger.database import Ledger
from include.ledger.models import EventRow
from include.ledger.sales_rows import SalesBatchRow, WorkbookRow
from include.workbooks import hand
from include.workbooks.prepare import NewWorkbook, prepare
from include.workbooks.template import load_template
from tests.postgres import postgres, postgres_ledger
from tests.workbooks.conftest import NOW, sale

__all__ = ["postgres", "postgres_ledger"]  # fixtures


@pytest.fixture
def ledger(postgres_ledger: Ledger) -> Ledger:
    return postgres_ledger


def test_runs_at_the_same_time_prepare_once_claim_once_and_confirm_once(ledger: Ledger, store: Any) -> None:
    with ledger.session() as session:
        common = {
            "layout": "x",
            "name": "x",
            "sha256": "",
            "bytes": 0,
            "period_from": "",
            "period_to": "",
            "rows": 1,
            "lines": "",
            "digest": "",
        }
        session.add_all(SalesBatchRow(id=id, source="x", state="loaded", loaded_at=NOW, **common) for id in (1, 12))
    template = load_template("sales").model_copy(update={"rows": 1})

    def made(run: int) -> list[int]:
        rows = [sale(n, f"{n}.50") for n in range(6)]
        new = NewWorkbook(
            "sales", "sales 1", "sales", rows, totals={"GBP": Decimal("18.00"), "sold": Decimal(6)}, sources=[{"sales batch": 1}]
        )
        return [row.id for row in prepare(ledger, store, new, NOW, template=template, run_id=str(run))]

    def claimed(run: int) -> list[int]:
        return [row.id for row in hand.claim(ledger, now=NOW, asked_before=NOW, dag_id="d", run_id=str(run), most=4)]

    with ThreadPoolExecutor(4) as pool:
        prepared = list(pool.map(made, range(4)))
        assert all(ids == prepared[0] for ids in prepared)
        taken = [id for ids in pool.map(claimed, range(4)) for id in ids]
        assert len(taken) == len(set(taken))
        claimed(9)
        list(pool.map(lambda n: hand.confirm(ledger, prepared[0][n % 6], now=NOW, who=f"p{n}"), range(24)))
    with ledger.read() as session:
        assert session.scalar(select(func.count()).select_from(EventRow).where(EventRow.what == "workbook confirmed")) == 6
        assert set(session.scalars(select(WorkbookRow.state))) == {"confirmed"}
        assert [row.id for row in workbooks.of_source(session, "sales batch", 1)] == sorted(prepared[0])
        assert workbooks.of_source(session, "sales batch", 12) == []
        states = dict(session.execute(select(SalesBatchRow.id, SalesBatchRow.state)).all())
    assert states == {1: "confirmed", 12: "loaded"}
