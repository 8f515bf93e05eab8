"""A person loads workbooks of sales, titles and prices into the sandbox's Consonance, or says so; the flow reads back what it can."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import delete, func, select

from include.ledger.models import Base, EventRow
from include.ledger.sales_rows import WorkbookRow
from include.titles.identifiers import is_isbn13
from include.workbooks import hand
from include.workbooks.prepare import NewWorkbook, Row, prepare
from include.workbooks.template import load_template
from tests.airflow_home import answered_by
from tests.flows.questions import let_time_run_out, reply, waiting

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(300)]

FLOW = "import_workbooks"
ISBNS = ["9780306406157", "9783161484100", "9780140328721"]


@dataclass
class Clerk:
    """Whoever answers: by the workbook's name what to say; `loads`: the names of those that really go into Consonance before."""

    client: Any
    sandbox: Any
    ledger: Any
    store: Any
    says: dict[str, dict[str, Any]] = field(default_factory=dict)
    loads: set[str] = field(default_factory=set)
    asked: list[dict[str, Any]] = field(default_factory=list)
    waits: int = 0

    def answer(self) -> None:
        self.waits += 1
        if not (questions := waiting(self.client)):
            return None
        question = next((one for one in questions if one["subject"].split()[1] in self.says), None)
        if question is None:
            return let_time_run_out()
        self.asked.append(question)
        name = question["subject"].split()[1]
        if name in self.loads:
            self.load(name)
        said = self.says[name]
        return reply(self.client, question, *said["chosen_options"], **said.get("params_input", {}))

    def load(self, name: str) -> None:
        with self.ledger.read() as session:
            row = session.scalars(select(WorkbookRow).where(WorkbookRow.name == name)).one()
        with self.store.open(row.sha256) as stream:
            content = base64.b64encode(stream.read()).decode()
        self.sandbox.call("import", {"kind": {"titles": "products"}.get(row.kind, row.kind), "content": content})


@pytest.fixture
def clerk(airflow_api: Callable[..., Any], sandbox: Any, ledger: Any, store: Any) -> Iterator[Clerk]:
    from airflow.models.hitl import HITLDetail
    from airflow.utils.session import create_session

    clerk = Clerk(airflow_api("ada", "admin"), sandbox, ledger, store)
    with answered_by(clerk.answer):
        yield clerk
    with create_session() as session:
        session.execute(delete(HITLDetail))


@pytest.fixture
def anybody(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test's user may answer for every role."""
    from include.partners.inboxes import People

    people = People(roles={"sales": ("ada",), "editorial": ("ada",)})
    monkeypatch.setattr("include.partners.registry.load_people", lambda root=None: people)


@pytest.fixture
def books(ledger: Any, store: Any, sandbox: Any) -> list[str]:
    """Three parts of new titles, and one workbook of sales; their names."""
    now = datetime.now(UTC)
    isbn = next(one["isbn"] for one in sandbox.call("defects") if is_isbn13(one["isbn"] or "") and one["code"] != "isbn-duplicate")
    titles = [
        Row({"title": f"=Book {n}", "isbn": isbn}, {"titles": Decimal(1)}, {"isbn": isbn, "title": f"Book {n}"})
        for n, isbn in enumerate(ISBNS)
    ]
    sale = {
        "product_id_type": "ISBN", "product_id": isbn, "channel_id": "4101", "sales_date": date(2026, 9, 30), "sales_quantity": 3,
        "sales_value": Decimal("9.95"), "original_currency": "GBP",
    }  # fmt: skip
    one_each = load_template("titles").model_copy(update={"rows": 1})
    made = prepare(
        ledger, store, NewWorkbook("titles", "titles 1", "season", titles, sources=[{"title import": 1}]), now, template=one_each
    )
    sales = [Row(sale, {"sold": Decimal(3), "GBP": Decimal("9.95")})]
    made += prepare(ledger, store, NewWorkbook("sales", "sales 1", "sales_shop", sales), now)
    return [row.name for row in made]


@pytest.fixture
def run(run_flow: Any, clerk: Clerk) -> Callable[..., tuple[str, dict[tuple[str, int], str]]]:
    def go(**conf: Any) -> tuple[str, dict[tuple[str, int], str]]:
        ended = run_flow(FLOW, **conf)
        return str(ended.state), {(ti.task_id.rpartition(".")[2], ti.map_index): str(ti.state) for ti in ended.get_task_instances()}

    return go


def states(ledger: Any) -> dict[str, str]:
    with ledger.read() as session:
        return {row.name: row.state for row in session.scalars(select(WorkbookRow).order_by(WorkbookRow.id))}


def everything(ledger: Any, sandbox: Any) -> dict[str, Any]:
    with ledger.read() as session:
        rows = {table.name: session.scalar(select(func.count()).select_from(table)) for table in Base.metadata.sorted_tables}
    return {"rows": rows, "mutations": sandbox.call("stats")["mutations"], "states": states(ledger)}


@pytest.mark.usefixtures("anybody")
def test_each_is_loaded_confirmed_and_read_back_and_a_second_run_changes_nothing(run, clerk, books, ledger, sandbox):
    first, second, third, sales = books
    yes = {"chosen_options": ["Loaded"], "params_input": {"rows": None, "note": ""}}
    clerk.says = dict.fromkeys(books, yes) | {sales: {"chosen_options": ["Loaded"], "params_input": {"rows": 1, "note": "import 77"}}}
    clerk.loads = {first, third, sales}  # the second is only said to be loaded
    state, tis = run()
    assert state == "success"
    assert {tis["read_back", place] for place in range(4)} == {"success"}
    assert states(ledger) == {first: "verified", second: "incomplete", third: "verified", sales: "verified"}
    with ledger.read() as session:
        missing = session.scalars(select(WorkbookRow.missing).where(WorkbookRow.name == second)).one()
        assert session.scalars(select(WorkbookRow.confirmed_by).distinct()).all() == ["ada"]
    assert missing[0]["message"] == f"{ISBNS[1]}, Book 1: Consonance has no such product"
    (sold,) = sandbox.call("sales")["sales"]
    assert (sold["units"], sold["value"], sold["channel"]) == (3, "9.95", "4101")

    question = next(one for one in clerk.asked if sales in one["subject"])
    assert question["subject"] == f"Load {sales} into Consonance"
    assert "| Units sold | 3 |" in question["body"]
    assert "| Net GBP | 9.95 |" in question["body"]
    assert "(plugin/imports/colophon/imports/4)" in question["body"]
    assert "a second import of the same workbook counts twice" in question["body"]
    assert (question["options"], question["defaults"]) == (["Loaded", "Not loaded"], ["Not loaded"])
    assert [user["id"] for user in question["assigned_users"]] == ["ada"]

    before = everything(ledger, sandbox)
    assert run()[0] == "success"
    assert everything(ledger, sandbox) == before
    assert len(clerk.asked) == 4

    clerk.load(second)
    assert run()[0] == "success"
    assert states(ledger)[second] == "verified"


@pytest.mark.usefixtures("anybody")
def test_each_goes_its_own_way_not_answered_not_loaded_withdrawn_and_confirmed_on_the_page(run, clerk, books, ledger, dag_bag, monkeypatch):
    first, second, third, sales = books
    monkeypatch.setattr(dag_bag.dags[FLOW].get_task("workbook.load"), "response_timeout", timedelta(seconds=0.1))
    told = {"chosen_options": ["Not loaded"], "params_input": {"rows": None, "note": "Consonance is down"}}
    clerk.says = {second: told, third: {"chosen_options": ["Loaded"], "params_input": {"rows": None, "note": ""}}}

    def meanwhile() -> None:
        """Somebody confirms one on the page, somebody withdraws another, while the questions are open."""
        if clerk.waits == 0:
            hand.confirm(ledger, 4, now=datetime.now(UTC), who="bob", said=hand.Said(agrees=True))
            hand.withdraw_one(ledger, 3, now=datetime.now(UTC), who="bob", note="wrong season")
        clerk.answer()

    with answered_by(meanwhile):
        state, tis = run()
    assert state == "failed", "a workbook that was withdrawn is in Consonance all the same"
    assert states(ledger) == {first: "prepared", second: "prepared", third: "withdrawn", sales: "verified"}
    assert [tis["answered", place] for place in range(4)] == ["skipped", "skipped", "failed", "success"]
    assert tis["read_back", 2] == "upstream_failed"
    with ledger.read() as session:
        assert session.scalars(select(WorkbookRow.note).where(WorkbookRow.name == second)).one() == "Consonance is down"
        assert session.scalars(select(EventRow.who).where(EventRow.what == "workbook confirmed")).all() == ["bob"]
        assert session.get(WorkbookRow, 3).missing[0]["code"] == "loaded-though-withdrawn"
