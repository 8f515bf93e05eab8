"""Licences at Getty through Airflow: the first night with a key that may not do everything, and the night with nothing new."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, select

from include.ledger import licence_lists
from include.ledger.licence_rows import LicenceRow, LicenceState
from include.ledger.models import Base

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(300)]

FLOW = "licence_sync"


def _everything(ledger: Any, sandbox: Any) -> dict[str, Any]:
    with ledger.read() as session:
        rows = {table.name: session.scalar(select(func.count()).select_from(table)) for table in Base.metadata.sorted_tables}
    return {"rows": rows, "at Getty": sandbox.call("stats")["getty"]["mutations"]}


def test_licences_are_kept_tied_and_withdrawn_and_the_next_night_changes_nothing(run_flow, sandbox, ledger, catalogue, monkeypatch):
    told: list[Any] = []
    monkeypatch.setattr("colophon.notifiers.licences.tell", told.append)  # the channels' end: no connection is set
    sandbox.call("getty", {"disable": ["orders"]})
    run = run_flow(FLOW)
    assert str(run.state) == "success"
    with ledger.read() as session:
        found = dict(session.execute(select(LicenceRow.state, func.count()).group_by(LicenceRow.state)).tuples().all())
        of_title = licence_lists.of_work(session, 1001)
    account = sandbox.call("stats")["getty"]
    assert sum(found.values()) == account["history"] + 4  # bought on Getty's site
    assert (found[LicenceState.WITHDRAWN], account["changes_waiting"]) == (2, 0)
    assert found[LicenceState.CLEARED]
    assert found[LicenceState.TERMS_REQUIRED]
    assert of_title[0].serves[0].role == "cover"
    (notice,) = told
    assert "order" in notice.text
    assert "no title of ours" in notice.text

    before = _everything(ledger, sandbox)
    assert str(run_flow(FLOW).state) == "success"
    assert _everything(ledger, sandbox) == before
    assert len(told) == 1
