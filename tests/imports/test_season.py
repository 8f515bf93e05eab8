"""A season sheet from the sandbox's editorial, through everything but Airflow."""

from __future__ import annotations

from collections import Counter

import pytest

from include.ledger.sales_rows import LineState
from sandbox.sheets.season import sheet
from tests.imports.office import NOW, Office


@pytest.mark.parametrize("tenant", ["office", "narrow"])
def test_a_season_sheet_is_applied_and_bad_rows_come_back(tenant: str, request: pytest.FixtureRequest) -> None:
    office: Office = request.getfixturevalue(tenant)
    name, content, told = sheet(office.server.catalogue, {"rows": 120, "updates": 20, "new": 10, "bad": 20, "made": NOW.isoformat()})
    taken = office.take(name, content)
    lines = office.lines(taken.import_id)
    assert {row: {p["code"] for p in lines[row].problems} for row in (one["row"] for one in told["bad"])} == {
        one["row"]: {one["code"]} for one in told["bad"]
    }
    assert taken.counts == {"bad": 20, "new": 10, "waiting": len({u["row"] for u in told["updates"]}), "unchanged": 120 - 30 - len({u["row"] for u in told["updates"]})}, Counter(
        (p["code"], p["message"]) for line in lines.values() for p in line.problems
    )
    done = office.work_through(taken.import_id)
    assert done.written == 20
    assert office.mutations() == 20
    lines = office.lines(taken.import_id)
    assert {lines[u["row"]].state for u in told["updates"]} == {LineState.VERIFIED}, [(l.changes, l.problems) for l in lines.values() if l.state == "failed"][:2]
