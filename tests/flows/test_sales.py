"""Reports that shops drop, through Airflow, read back from the ledger: totals, what was planted, what comes again, what is undone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from include.ledger.file_rows import IntakeFileRow
from include.ledger.models import Base, ProductRow
from include.ledger.sales_rows import SalesBatchRow, SalesPartRow, SalesProductRow, WorkbookRow
from include.sales.undo import undo
from tests.airflow_home import answered_by, run
from tests.flows.questions import reply, waiting

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(300)]

ROOT = Path(__file__).resolve().parents[2]
FLOW, MATCHING = "sales_load__sales", "sales_matching"
MONTH = "2026-09"


@dataclass
class Desk:
    """The senders, the flow, and what came of it. `word`: what the person says who is asked."""

    ledger: Any
    store: Any
    sandbox: Any
    bag: Any
    client: Any
    word: str = "Approve"
    asked: list[dict[str, Any]] = field(default_factory=list)

    def drop(self, layout: str, *hazards: str, **wanted: Any) -> dict[str, Any]:
        body = {"inbox": "sales", "kind": "report", "layout": layout, "month": MONTH, "hazards": list(hazards), **wanted}
        told: dict[str, Any] = self.sandbox.call("drop", body)["files"][0]
        return told

    def run(self, flow: str = FLOW) -> dict[str, list[str]]:
        """States of the tasks, by task; the run must succeed."""
        ended = run(self.bag.dags[flow])
        found: dict[str, list[str]] = {}
        for ti in sorted(ended.get_task_instances(), key=lambda one: one.map_index):
            found.setdefault(ti.task_id, []).append(str(ti.state))
        assert str(ended.state) == "success", found
        return found

    def answer(self) -> None:
        for question in waiting(self.client):
            self.asked.append(question)
            reply(self.client, question, self.word, how="replace", note="seen")

    def arrival(self, told: dict[str, Any]) -> IntakeFileRow:
        """The newest arrival of that name."""
        with self.ledger.read() as session:
            query = select(IntakeFileRow).where(IntakeFileRow.path.endswith(told["name"]), IntakeFileRow.sha256 == told["sha256"])
            return session.scalars(query.order_by(IntakeFileRow.id.desc())).first() or pytest.fail(f"{told['name']} never arrived")

    def batch(self, told: dict[str, Any]) -> SalesBatchRow:
        """The batch that a dropped file became."""
        arrival = self.arrival(told)
        number = (arrival.clues.get("became") or {}).get("sales batch")
        assert number, (told["layout"], arrival.state, arrival.reasons)
        with self.ledger.read() as session:
            row = session.get_one(SalesBatchRow, number)
            assert row.parts is not None
            return row

    def product(self, told: dict[str, Any], isbn: str) -> SalesProductRow:
        with self.ledger.read() as session:
            return session.scalars(select(SalesProductRow).filter_by(batch_id=self.batch(told).id, id_value=isbn)).one()

    def everything(self) -> dict[str, Any]:
        with self.ledger.read() as session:
            rows = {table.name: session.scalar(select(func.count()).select_from(table)) for table in Base.metadata.sorted_tables}
        return {"rows": rows, "mutations": self.sandbox.call("stats")["mutations"]}


@pytest.fixture(scope="module")
def desk(running_sandbox, dag_bag, airflow_home, airflow_api, mirrored, tmp_path_factory) -> Iterator[Desk]:
    from include.ledger.database import Ledger
    from include.store import ArtefactStore
    from tests.airflow_home import write_connections

    with pytest.MonkeyPatch.context() as patch:
        home = tmp_path_factory.mktemp("colophon")
        for name in ("COLOPHON_LEDGER", "COLOPHON_STORE"):
            patch.delenv(name, raising=False)
        patch.setenv("COLOPHON_HOME", str(home))
        shutil.copytree(ROOT / "config", home / "config")
        inbox = home / "config" / "inboxes" / "sales.toml"
        inbox.write_text(inbox.read_text().replace("settle_seconds = 5", "settle_seconds = 0"))
        patch.setenv("COLOPHON_CONFIG", str(home / "config"))
        write_connections(airflow_home, running_sandbox.connections)
        running_sandbox.reset()
        shutil.copyfile(mirrored, home / "ledger.sqlite")
        ledger = Ledger()
        desk = Desk(ledger, ArtefactStore(), running_sandbox, dag_bag, airflow_api("salesanalyst", "user"))
        with answered_by(desk.answer):
            yield desk
        ledger.dispose()
        write_connections(airflow_home, {})
        running_sandbox.reset()


# Text, workbooks of one and of many sheets, sales, usage: that every layout comes to what was sold is in tests/sales/test_arrivals.py
LAYOUTS = ("bisg_flat", "counter_51", "google_earnings", "kdp_prior_month", "kobo", "lightning_source")


@pytest.fixture(scope="module")
def month(desk) -> dict[str, Any]:
    """A month of some sources, read in one run; then a run with nothing new."""
    told = {layout: desk.drop(layout) for layout in LAYOUTS}
    tasks = desk.run()
    assert desk.asked == []
    assert tasks["read"] == ["success"] * len(told)
    before = desk.everything()
    desk.run()
    told["second run"] = {"changed": before != desk.everything()}
    told["batches"] = {layout: desk.batch(told[layout]) for layout in LAYOUTS}  # as they are before hazards, whatever test comes first
    with desk.ledger.read() as session:
        told["parts"] = session.scalars(select(SalesPartRow).where(SalesPartRow.claim.is_not(None), SalesPartRow.currency != "")).all()
        told["books"] = session.scalars(select(WorkbookRow).where(WorkbookRow.kind == "sales")).all()
    return told


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_report_of_each_layout_comes_to_what_its_sender_sold(month, layout):
    told, batch = month[layout], month["batches"][layout]
    assert (batch.layout, batch.rejected, batch.state) == (layout, 0, "loaded"), batch.reasons
    wanted = {currency: Decimal(amount) for currency, amount in told["paid"].items()} or {
        currency: Decimal(cell["net"]) for currency, cell in told["totals"].items() if currency
    }
    found = {currency: sum((part.net for part in batch.parts if part.currency == currency), Decimal(0)) for currency in wanted}
    assert found == wanted
    assert {part.currency for part in batch.parts if part.net} <= set(wanted)
    units = sum(cell["units"] for cell in told["totals"].values())
    counted = sum(part.sold - part.returned + part.usage for part in batch.parts)
    assert counted == units + told["pages"]


def test_every_product_of_the_month_is_a_title(desk, month):
    with desk.ledger.read() as session:
        open_ = session.scalars(select(SalesProductRow).where(SalesProductRow.state != "matched")).all()
    assert [(row.id_type, row.id_value, row.why) for row in open_] == []


def test_workbooks_hold_what_was_sold_to_the_cent(month):
    parts, books = month["parts"], month["books"]
    assert books
    for currency in sorted({part.currency for part in parts}):
        sold = sum((part.net for part in parts if part.currency == currency), Decimal(0))
        assert sum((Decimal(book.totals.get(currency, "0")) for book in books), Decimal(0)) == sold, currency


def test_a_second_run_changes_nothing(month):
    assert month["second run"] == {"changed": False}


def undone_and_dropped_again(desk, month) -> dict[str, Any]:
    batch = desk.batch(month["bisg_flat"])
    undo(desk.ledger, batch.id, now=datetime.now(UTC), who="ada", note="wrong month")
    assert desk.batch(month["bisg_flat"]).state == "undone"
    return desk.drop("bisg_flat", name="again.csv")


@pytest.fixture(scope="module")
def hazards(desk, month) -> dict[str, Any]:
    """What senders do, all in one run; the person who is asked approves, replacing what was loaded before."""
    month_, habits = "2026-08", ("utf16", "decimal_comma", "parentheses", "totals_row", "preamble")
    told = {
        "odd": desk.drop("generic", *habits, "unknown_isbn", "lost_isbn", "not_held", month=month_),
        "floats": desk.drop("kobo", "float_isbn", month=month_),
        "wrong": desk.drop("apple_financial", "broken_total", month=month_),
        "same": desk.drop("kobo", name="again.xlsx"),
        "restated": desk.drop("lightning_source", "restated"),
        "again": undone_and_dropped_again(desk, month),
        "strange": desk.sandbox.call("drop", {"inbox": "sales", "folder": "kobo", "name": "notes.csv", "text": "a,b\n1,2\n"})["files"][0],
    }  # fmt: skip
    told["tasks"] = desk.run()
    unknown = next(one["isbn"] for one in told["odd"]["planted"] if one["hazard"] == "unknown_isbn")
    told["stranger"] = desk.product(told["odd"], unknown)
    return told


def test_a_file_of_every_bad_habit_is_read_and_explained_to_the_cent(desk, hazards):
    odd, floats = hazards["odd"], hazards["floats"]
    planted = {one["hazard"]: one for one in odd["planted"]}
    batch, lost = desk.batch(odd), planted["lost_isbn"]
    assert {part.currency: part.net for part in batch.parts} == {code: Decimal(one["net"]) for code, one in odd["totals"].items()}
    assert batch.rejected == 1
    assert [Decimal(one["difference"]) for one in batch.controls if one["currency"] == lost["currency"]] == [Decimal(lost["net"])]
    stranger = hazards["stranger"]
    assert (stranger.state, stranger.work_id) == ("unmatched", None)
    assert desk.product(odd, planted["not_held"]["isbn"]).work_id == planted["not_held"]["work_id"]
    assert desk.batch(floats).rejected == 0
    assert {part.currency: part.net for part in desk.batch(floats).parts} == {code: Decimal(one) for code, one in floats["paid"].items()}


def test_the_same_file_is_taken_once_and_a_strange_one_is_set_aside(desk, month, hazards):
    again, strange = desk.arrival(hazards["same"]), desk.arrival(hazards["strange"])
    assert (again.state, again.clues["became"]["sales batch"]) == ("duplicate", desk.batch(month["kobo"]).id)
    assert strange.state == "quarantined"
    assert {reason["code"] for reason in strange.reasons} == {"layout-unknown"}


def test_a_person_is_asked_about_what_does_not_agree_and_nothing_else(desk, month, hazards):
    odd, wrong, restated = hazards["odd"], hazards["wrong"], hazards["restated"]

    subjects = {question["subject"] for question in desk.asked}
    assert subjects == {f"Does {desk.batch(one).name} count?" for one in (odd, wrong, restated)}
    assert (desk.batch(wrong).state, desk.batch(wrong).decided_by) == ("approved", "salesanalyst")
    assert desk.batch(restated).state == "approved"
    assert sum(part.net for part in desk.batch(restated).parts) == Decimal(restated["totals"]["GBP"]["net"])
    assert desk.batch(month["lightning_source"]).state == "undone"
    assert hazards["tasks"]["question.approve"] == ["success"] * 3


def test_what_was_unknown_is_matched_once_its_title_is_in_the_catalogue(desk, hazards):
    isbn = next(one["isbn"] for one in hazards["odd"]["planted"] if one["hazard"] == "unknown_isbn")
    with desk.ledger.session() as session:
        row = session.scalars(select(ProductRow).where(ProductRow.deleted_at.is_(None)).limit(1)).one()
        columns = {column.key: getattr(row, column.key) for column in ProductRow.__table__.columns}
        session.add(ProductRow(**columns | {"id": 999_999, "isbn": isbn}))
    desk.run(MATCHING)
    found = desk.product(hazards["odd"], isbn)
    assert (found.state, found.product_id) == ("matched", 999_999)
    assert found.workbook_id
    before = desk.everything()
    desk.run(MATCHING)
    assert before == desk.everything()


def test_an_undone_batch_counts_nowhere_and_its_report_can_come_again(desk, month, hazards):
    undone, again = desk.batch(month["bisg_flat"]), desk.batch(hazards["again"])
    assert (undone.state, [part.claim for part in undone.parts if part.claim]) == ("undone", [])
    assert (again.id != undone.id, again.state) == (True, "loaded")
