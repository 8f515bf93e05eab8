"""Contracts against the sandbox's Consonance: ids by a walk, a cheap second night, changes, deletions; stages; production runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from include.catalogue import contracts, production
from include.errors import PermanentError
from include.ledger.database import Ledger
from include.ledger.file_rows import ContractRow, StageChangeRow
from include.ledger.models import WorkRow
from include.partners import load_house
from include.partners.model import ContractIds
from tests.catalogue.conftest import Nights
from tests.clients.tenant import Tenant, Waits, client_of
from tests.sandbox.conftest import KEY, Server, _serve
from tests.schema import upgraded

FIRST = 501_001


@dataclass
class Office:
    """One tenant's contracts, and the nights in which they are looked at."""

    server: Server
    ledger: Ledger
    client: Any

    def night(self, day: str, wanted: ContractIds | None = None, **settings: Any) -> contracts.ContractOutcome:
        now = datetime.fromisoformat(f"{day}T00:40:00").replace(tzinfo=UTC)
        return contracts.synchronise(self.ledger, self.client, wanted or ContractIds(first=FIRST, gap=30), now, **settings)

    def rows(self) -> dict[int, ContractRow]:
        with self.ledger.read() as session:
            return {row.id: row for row in session.scalars(select(ContractRow))}

    def asked(self) -> int:
        return int(self.server.control("stats").json()["queries"].get("contract", 0))

    def change(self, id: int, **members: str) -> None:
        self.server.data(
            "mutation m($input: UpdateContractInput!) { updateContract(input: $input) { contract { id } } }", input={"id": id} | members
        )


@pytest.fixture(scope="module")
def running() -> Iterator[Server]:
    yield from _serve("full", titles=60)


@pytest.fixture
def office(running: Server, tmp_path: Path) -> Iterator[Office]:
    running.control("reset", {})
    ledger = Ledger(str(tmp_path / "ledger.sqlite"))
    upgraded(ledger)
    yield Office(running, ledger, client_of(running.url, Waits(), key=KEY))
    ledger.dispose()
    running.control("reset", {})


def test_the_first_night_finds_every_contract_and_its_work(office: Office) -> None:
    outcome = office.night("2026-11-21")
    rows = office.rows()
    assert set(rows) == {500_000 + id for id in office.server.catalogue.work_ids()}
    assert all(row.work_id == row.id - 500_000 for row in rows.values())
    assert outcome.new == len(rows)
    with office.ledger.read() as session:
        (told,) = contracts.of_work(session, 1001)
    assert told["contractName"] == "The Ordinary Clockmaker: author agreement"
    assert {"msDeliveryDate", "licensedRights", "deliveryDates", "signedDate", "freeCopies"} <= set(told)
    assert all(isinstance(right["authorCut"], Decimal | int) for right in told["licensedRights"])


def test_the_second_night_asks_little_and_changes_nothing(office: Office) -> None:
    office.night("2026-11-21")
    before, first = office.rows(), office.asked()
    outcome = office.night("2026-11-22")
    assert (outcome.new, outcome.changed, outcome.deleted) == (0, 0, 0)
    assert office.asked() - first < first * 0.75
    assert {id: row.changed_at for id, row in office.rows().items()} == {id: row.changed_at for id, row in before.items()}


def test_every_contract_is_read_again_within_a_week(office: Office) -> None:
    office.night("2026-11-21")
    for day in range(22, 29):
        office.night(f"2026-11-{day}")
    assert min(row.read_at for row in office.rows().values()) >= datetime(2026, 11, 22, tzinfo=UTC)


def test_a_change_is_found_and_a_deletion_marked(office: Office) -> None:
    office.night("2026-11-21")
    office.change(FIRST + 3, signedDate="2026-11-20", contractName="Signed at last")
    office.server.control("edit", {"delete_work": 1002})
    outcome = office.night("2026-11-22", full=True)
    rows = office.rows()
    assert (outcome.changed, outcome.deleted) == (1, 1)
    assert (rows[FIRST + 3].signed, rows[FIRST + 3].name) == ("2026-11-20", "Signed at last")
    assert rows[501_002].deleted_at is not None
    with office.ledger.read() as session:
        assert contracts.of_work(session, 1002) == []


def test_new_contracts_are_found_behind_the_highest(office: Office) -> None:
    office.night("2026-11-21")
    office.server.control("edit", {"add_works": 2})
    assert office.night("2026-11-22").new == 2


def test_a_full_walk_finds_what_lay_below_or_behind_a_gap(office: Office) -> None:
    office.night("2026-11-21", ContractIds(first=FIRST + 30, gap=30))
    before = len(office.rows())
    assert office.night("2026-11-22", ContractIds(first=FIRST, gap=30)).new == 0
    assert office.night("2026-11-23", ContractIds(first=FIRST, gap=30), full=True).new == 30
    assert len(office.rows()) == before + 30


def test_only_named_ids_are_read_where_they_are_named(office: Office) -> None:
    outcome = office.night("2026-11-21", ContractIds(ids=(FIRST, FIRST + 5, 7)))
    assert set(office.rows()) == {FIRST, FIRST + 5}
    assert office.asked() == 3
    assert outcome.new == 2


def test_a_night_that_was_stopped_goes_on_where_it_was(office: Office) -> None:
    office.server.control("faults", {"consonance": {"status": 503, "times": 1000}})
    with pytest.raises(Exception, match="503"):
        office.night("2026-11-21")
    office.server.control("faults", {})
    assert office.night("2026-11-21").new == len(office.rows()) > 50


def test_many_deletions_at_once_are_not_believed(office: Office) -> None:
    office.night("2026-11-21")
    blind: Any = _Blind(office.client)
    with pytest.raises(PermanentError, match="no longer has"):
        contracts.synchronise(office.ledger, blind, ContractIds(first=FIRST), datetime(2026, 11, 29, tzinfo=UTC))
    assert not [row for row in office.rows().values() if row.deleted_at]


class _Blind:
    """A key that may no longer see contracts: the server says of each that there is none."""

    rest = "fill"
    address = "https://consonance.example"

    def __init__(self, client: Any) -> None:
        self.capability = client.capability

    def contracts(self, ids: Any) -> Iterator[tuple[int, None]]:
        return ((id, None) for id in ids)


def test_a_tenant_without_contracts_is_told_so(tmp_path: Path) -> None:
    from tests.clients.tenant import served

    ledger = Ledger(str(tmp_path / "ledger.sqlite"))
    upgraded(ledger)
    with served(Tenant().answer) as address:
        outcome = contracts.synchronise(ledger, client_of(address, Waits()), ContractIds(), datetime(2026, 11, 21, tzinfo=UTC))
    assert "does not offer Query.contract" in outcome.left_out
    ledger.dispose()


# --- stages


def test_the_mirror_keeps_the_history_of_stages(office: Office) -> None:
    nights = Nights(office.ledger, Tenant(), office.client, load_house())
    nights.night("2026-11-21")
    with office.ledger.read() as session:
        assert session.scalars(select(StageChangeRow)).all() == [], "the first night is the starting point"
        before = session.get(WorkRow, 1004)
        assert before is not None
        stage = before.stage
    set_stage = "mutation m($input: UpdateWorkInput!) { updateWork(input: $input) { work { id } } }"
    office.server.data(set_stage, input={"id": 1004, "projectStageId": 4})
    nights.night("2026-11-22")
    nights.night("2026-11-23")
    office.server.data(set_stage, input={"id": 1004, "projectStageId": 5})
    nights.night("2026-11-24", full=True)
    with office.ledger.read() as session:
        told = [(row.work_id, row.before, row.after) for row in session.scalars(select(StageChangeRow).order_by(StageChangeRow.id))]
    assert told == [(1004, stage, "Production approved"), (1004, "Production approved", "At press")]


# --- production runs


@pytest.mark.parametrize("tenant", ["full", "evidenced"])
def test_production_runs_as_far_as_the_tenant_tells(tenant: Any) -> None:
    serving = _serve(tenant)
    server = next(serving)
    client = client_of(server.url, Waits(), key=KEY)
    work = next(one for one in server.catalogue.works() if one.runs)
    (run, *_) = production.of_work(client, work.id)
    assert date.fromisoformat(run["deliveryDate"])
    assert run["interiors"][0]["paper"] == work.runs[0].paper
    assert ("quantities" in run) is (tenant == "full")
    assert ("quantities" in production.left_out(client)) is (tenant == "evidenced")
    assert production.of_work(client, 999_999) == []
    serving.close()
