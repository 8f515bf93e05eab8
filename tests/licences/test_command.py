"""`colophon licences`: the flow's own code from a terminal, exit status 0 only when there is nothing to look at."""

from __future__ import annotations

import json

import pytest
from openpyxl import load_workbook

from sandbox.getty.library import id_of
from tests.licences.rights_desk import Desk
from tests.licences.test_invoices import GOOD, MANAGED, sheet

pytestmark = pytest.mark.airflow


@pytest.fixture
def colophon(connections, desk: Desk, capsys):
    """Runs the command; gives its exit status and what it printed."""
    connections({"getty_default": desk.account.stand_in.connection})

    def run(*arguments: str) -> tuple[int, str]:
        from colophon.cli import main

        return main(["licences", *arguments]), capsys.readouterr().out

    return run


def test_sync_list_and_terms(colophon, desk: Desk, tmp_path):
    status, told = colophon("sync")
    assert status == 1
    assert "no title of ours" in told
    status, told = colophon("sync", "--json")
    assert json.loads(told)["counts"] == {"products": 3}

    status, told = colophon("list", "--state", "withdrawn")
    assert (status, told.count("withdrawn"), told.splitlines()[-1]) == (0, 2, "2 licences")
    (row,) = json.loads(colophon("list", "--asset", id_of(0), "--json")[1])
    assert row["terms"]["ends"]["source"] == "agreement"
    assert colophon("list", "--find", row["name"][:20])[1].splitlines()[-1] != "0 licences"
    assert colophon("list", "--state", "lost")[0] == 1

    path = sheet(desk, GOOD, {"Image ID": "99", "Valid until": "perpetual"})
    status, told = colophon("terms", str(path), "--who", "rightsmanager", "--out", str(tmp_path / "answer.xlsx"))
    assert status == 1
    assert "2 rows: 1 applied, 0 without anything new, 1 refused" in told
    assert "row 3" in told
    assert load_workbook(tmp_path / "answer.xlsx").active.max_row == 3
    assert desk.licence(MANAGED).ends_on == "2031-09-30"
    assert colophon("terms", str(tmp_path / "none.xlsx"))[0] == 1
