"""Months in which lines count, and what they come to."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from include.errors import RejectedData
from include.sales import periods, staging
from tests.sales.load.reports import Read, line


@pytest.mark.parametrize(
    ("period", "day", "month"),
    [
        ("2026-09", date(2026, 8, 31), "2026-09"),  # booked late: it is in September's report
        ("2026-08-30/2026-10-03", date(2026, 10, 3), "2026-09"),  # a fiscal September, no day of its own
        ("2026-01-01/2026-12-31", date(2026, 3, 9), "2026-03"),
        ("2026-01-01/2026-12-31", date(2026, 12, 31), "2026-07"),
    ],
)
def test_a_line_counts_in_the_month_of_its_report_or_else_of_its_day(tmp_path, period, day, month):
    staged = staging.stage(Read([line(period=period, date=day)]), tmp_path / "lines.parquet")
    assert [key[0] for key in staged.totals.cells()] == [month]


def test_each_line_is_in_one_cell_and_one_part_and_money_is_that_of_payment(tmp_path):
    lines = [
        line(), line(channel="b"), line(territory="US"), line(units=-2, net="-5"), line(units=3, model="library"),
        line(net="9", paid=Decimal("3.333"), paid_currency="USD"),
    ]  # fmt: skip
    totals = staging.stage(Read(lines), tmp_path / "lines.parquet").totals
    assert len(totals.cells()) == 5
    assert {key: (one.sold, one.returned, one.usage, str(one.net.normalize())) for key, one in totals.parts().items()} == {
        ("2026-09", "GBP"): (3, 2, 3, "5"), ("2026-09", "USD"): (1, 0, 0, "3.333"),
    }  # fmt: skip


@pytest.mark.parametrize("period", ["2026", "2026-13", "2026-09-31/2026-10-01", "2026-10-01/2026-09-01", "September"])
def test_what_is_no_period_is_refused(period):
    with pytest.raises(RejectedData):
        periods.days(period)


def test_a_line_without_a_period_names_its_row(tmp_path):
    with pytest.raises(RejectedData, match="row 2"):
        staging.stage(Read([line(period=None)]), tmp_path / "lines.parquet")
