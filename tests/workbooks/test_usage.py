"""Usage that is no sale: on the title's page and in the usage report, never in a workbook."""

from __future__ import annotations

import csv
import io
from datetime import date
from decimal import Decimal

import pytest

from colophon.cli import main
from include.ledger import usage as of_titles
from include.ledger.models import WorkRow
from include.ledger.sales_rows import BatchState, SalesBatchRow
from include.sales import usage
from tests.workbooks.conftest import NOW
from tests.workbooks.test_sales import EBOOK, line, loaded  # noqa: F401 - a fixture


def test_usage_is_told_by_month_territory_and_model_and_on_the_titles_page(loaded, ledger, store):  # noqa: F811
    batch = loaded(
        line(), line(model="usage", units=5, net=None, currency=None, territory="US"),
        line(model="usage", units=7, net=None, currency=None, territory="US", row=3),
        line(model="page reads", units=812, net=Decimal("3.10"), id_value=EBOOK, date=date(2026, 8, 31)),
        line(model="library", units=2, net=None, currency=None, id_value="9780000000002", title="=Unknown"),
        line(model="adjustment", units=0, net=Decimal("-2.00")),
    )  # fmt: skip
    with ledger.session() as session:
        common = {"digest": "", "content": b"", "first_seen": NOW, "changed_at": NOW}
        session.add(WorkRow(id=1, title="The Sea", **common))
    with ledger.read() as session:
        row = session.get(SalesBatchRow, batch)
        told = list(usage.report(session, store, [row]))
        page = of_titles.of_work(session, 1)
    assert [(one.month, one.territory, one.model, one.units, one.title, one.earned) for one in told] == [
        ("2026-08", "GB", "page reads", 812, "The Sea", Decimal("3.10")),
        ("2026-09", "GB", "library", 2, "=Unknown", 0),
        ("2026-09", "US", "usage", 12, "The Sea", 0),
    ]
    out = io.StringIO(newline="")
    assert usage.write_csv(told, out) == 3
    rows = list(csv.DictReader(io.StringIO(out.getvalue())))
    assert (rows[0]["Earned"], rows[0]["ISBN"], rows[1]["Title"]) == ("3.10", EBOOK, "'=Unknown")
    assert [(one.product_id, one.units) for one in page] == [(11, 12), (12, 812)]
    with ledger.session() as session:
        session.get(SalesBatchRow, batch).state = BatchState.UNDONE
    with ledger.read() as session:
        assert of_titles.of_work(session, 1) == []


@pytest.mark.airflow
@pytest.mark.usefixtures("airflow_home")
def test_the_command_writes_the_report_and_leaves_out_nothing(loaded, ledger, tmp_path, capsys):  # noqa: F811
    batch = loaded(line(), line(model="usage", units=5, net=None, currency=None, territory="US"))
    out = tmp_path / "usage.csv"
    assert main(["sales", "usage", str(batch), "--out", str(out)]) == 0
    assert "1 lines of usage" in capsys.readouterr().out
    assert [(row["Territory"], row["Units"]) for row in csv.DictReader(out.open(encoding="utf-8-sig"))] == [("US", "5")]
    with ledger.session() as session:
        session.get(SalesBatchRow, batch).state = BatchState.UNDONE
    assert main(["sales", "usage", str(batch), "--out", str(out)]) != 0
    assert "Leave it out" in capsys.readouterr().err
