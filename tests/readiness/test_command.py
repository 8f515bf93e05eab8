"""`colophon readiness`: exit status 0 only when nothing is late."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from openpyxl import load_workbook

from tests.readiness.titles import ELECTRONIC, HARDBACK, fill

pytestmark = pytest.mark.airflow


@pytest.fixture
def colophon(airflow_home, ledger, store, capsys):
    """Runs the command; gives its exit status and what it printed."""

    def run(*arguments: str) -> tuple[int, str]:
        from colophon.cli import main

        status = main(["readiness", *arguments])
        return status, capsys.readouterr().out

    return run


def test_it_fails_while_something_is_late_and_names_it(colophon, ledger, tmp_path):
    from dataclasses import replace

    today = datetime.now(UTC).date()
    late = replace(HARDBACK, publication_date=today + timedelta(days=10), work=replace(HARDBACK.work, imprint="North"))
    open_ = replace(ELECTRONIC, publication_date=today + timedelta(days=300), work=replace(ELECTRONIC.work, id=11, imprint="South"))
    fill(ledger, late, open_)
    status, told = colophon()
    assert status == 1
    assert "late: Typeset interior is approved" in told
    assert told.splitlines()[-1] == "2 titles: 1 late, 1 open, 0 ready; 1 at high risk"
    status, told = colophon("--imprint", "South")
    assert (status, told.count("\n")) == (0, 2)
    assert [row["isbn"] for row in json.loads(colophon("--late", "--json")[1])] == [late.isbn]
    path = tmp_path / "out" / "season.xlsx"
    assert colophon("--xlsx", str(path))[0] == 1
    assert load_workbook(path).active.max_row == 3
    assert path.stat().st_size > 0


def test_a_slip_of_the_pen_is_not_all_is_well(colophon, ledger, capsys):
    fill(ledger, HARDBACK)
    assert colophon("--imprint", "Lantern Ficton")[0] == 1
    assert colophon("--season", "Autumn 1850")[0] == 1
