"""Licences that end or do not fit: flagged, reported over SFTP, mailed, noted in Jira; a second run says nothing."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import openpyxl
import pytest
from sqlalchemy import func, select

from include.ledger.licence_rows import LicenceFlagRow, LicenceTellingRow
from include.ledger.models import DeliveryRow, ProductRow
from include.licences import flags
from tests.licences.library import Library

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(300)]


@pytest.fixture
def telling(sandbox, connections):
    """Mail and Jira are switched on."""
    connections(sandbox.connections | json.loads((sandbox.dir / "telling.json").read_text()))


@pytest.fixture
def library(catalogue, telling, ledger, store) -> Library:
    """The catalogue is mirrored; every printed edition that is to come has a licence that ends in forty days."""
    now = datetime.now(UTC)
    library = Library(ledger, store, now=now)
    with ledger.read() as session:
        coming = select(ProductRow.work_id).where(ProductRow.form.startswith("B"), ProductRow.publication_date > now.date().isoformat())
        works = sorted(set(session.scalars(coming)))
    assert works
    for work in works:
        library.licence((work, 0, "cover"), asset=f"47{work}", ends=(now.date() + timedelta(days=40)).isoformat())
    library.licence(asset="99", ends=None, territories=None, print_run=None)
    return library


ISSUES = {"PROD-1": "production", "MKT-1": "marketing", "RIGHTS-1": "rights"}


def told(sandbox) -> tuple[list[str], dict[str, list[str]]]:
    """Recipients of mails, and comments by issue."""
    mails = [json.loads(path.read_text())["to"][0] for path in sorted((sandbox.dir / "mail").glob("*.json"))]
    return sorted(mails), {one["key"]: [comment["body"] for comment in one["comments"]] for one in sandbox.call("jira")["issues"]}


def test_flags_reach_everybody_once_and_what_people_settle_nobody(run_flow, library, ledger, sandbox):
    assert str(run_flow("licence_expiry").state) == "success"
    with ledger.read() as session:
        rows = session.execute(select(LicenceFlagRow.cause, LicenceFlagRow.team, func.count()).group_by("cause", "team")).all()
    raised = {(cause, team): count for cause, team, count in rows}
    assert {("expiry", "rights"), ("terms", "rights"), ("publication", "rights"), ("reprint", "production")} <= set(raised)

    assert sandbox.files("countinghouse", "licences") == ["licences.html", "licences.xlsx"]
    book = openpyxl.load_workbook(sandbox.home("countinghouse") / "licences" / "licences.xlsx")
    assert book["Flags"].max_row - 1 == sum(raised.values())
    mails, noted = told(sandbox)
    teams = {team for _, team in raised}
    assert mails == sorted(f"{team}@lanternandquill.example" for team in teams)  # the report and rights' own are one mail
    assert noted == {key: [] for key, team in ISSUES.items() if team in teams}

    before = sandbox.call("jira")["requests"]
    assert str(run_flow("licence_expiry").state) == "success"
    assert told(sandbox) == (mails, noted)
    assert sandbox.call("jira")["requests"] == before
    with ledger.read() as session:
        assert session.scalar(select(func.count()).select_from(LicenceFlagRow)) == sum(raised.values())
        assert session.scalar(select(func.count()).select_from(DeliveryRow)) == 1
        assert session.scalar(select(func.count()).select_from(LicenceTellingRow)) == 3 * len(teams)  # a mail, an issue, a note
        flag = session.scalar(select(LicenceFlagRow).where(LicenceFlagRow.cause == "terms"))
    flags.resolve(ledger, flag.id, "ada", "it is in the drawer", datetime.now(UTC))
    assert str(run_flow("licence_expiry").state) == "success"
    assert told(sandbox) == (mails, noted)
    book = openpyxl.load_workbook(sandbox.home("countinghouse") / "licences" / "licences.xlsx")
    assert "terms" not in {row[2] for row in book["Flags"].iter_rows(values_only=True)}
