"""A feed beyond its partner's limits asks a person, who answers by Airflow's own API; or nobody does."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select

from include.ledger.models import DeliveryRow, EventRow
from tests.airflow_home import answered_by
from tests.flows.questions import let_time_run_out, reply, waiting

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(600)]

ROOT = Path(__file__).resolve().parents[2]
FLOW = "metadata_feed__northgate"
TASKS = ("build", "unusual", "approve", "approved", "declined", "deliver")


@dataclass
class Person:
    """Ada at her screen: what she was asked, and what she says to it. Without a word she lets the time run out."""

    client: Any
    word: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)

    def answer(self) -> None:
        """Called as the run waits, which need not be for her."""
        if not (questions := waiting(self.client)):
            return None
        (question,) = questions
        self.asked.append(question)
        if not self.word:
            return let_time_run_out()
        return reply(self.client, question, self.word)


@pytest.fixture
def person(airflow_api: Callable[..., Any]) -> Iterator[Person]:
    from airflow.models.hitl import HITLDetail
    from airflow.utils.session import create_session

    person = Person(airflow_api("ada", "admin"))
    with answered_by(person.answer):
        yield person
    with create_session() as session:  # what a failed test leaves open must not be asked in the next one
        session.execute(delete(HITLDetail))


@pytest.fixture
def strict(tmp_path: Path, colophon_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Northgate wants to be asked as soon as one title in a hundred is held back."""
    config = tmp_path / "config"
    shutil.copytree(ROOT / "config", config)
    northgate = config / "partners" / "northgate.toml"
    changed = northgate.read_text().replace("held_percent = 25", "held_percent = 1")
    assert "held_percent = 1\n" in changed
    northgate.write_text(changed)
    monkeypatch.setenv("COLOPHON_CONFIG", str(config))


@pytest.fixture
def feed(run_flow: Any, catalogue: None) -> Callable[[], tuple[str, dict[str, str]]]:
    """Runs the feed over a mirrored catalogue; gives the run's state and that of each task."""

    def run() -> tuple[str, dict[str, str]]:
        ended = run_flow(FLOW)
        states = {ti.task_id: str(ti.state) for ti in ended.get_task_instances()}
        assert set(states) == set(TASKS)
        return str(ended.state), states

    return run


def states(**given: str) -> dict[str, str]:
    return {task: given.get(task, "skipped") for task in TASKS}


def the_delivery(ledger: Any) -> DeliveryRow:
    with ledger.read() as session:
        row = session.scalars(select(DeliveryRow)).one()
        session.expunge_all()
        return row


def who_did(ledger: Any, what: str) -> list[str]:
    with ledger.read() as session:
        return list(session.scalars(select(EventRow.who).where(EventRow.what == what)))


def test_nothing_unusual_asks_nobody_and_delivers(feed, person, ledger, sandbox):
    assert feed() == ("success", states(build="success", unusual="success", deliver="success"))
    assert person.asked == []
    assert the_delivery(ledger).state == "delivered"
    assert len(sandbox.files("northgate")) == 1


def test_nothing_due_skips_everything_and_is_green(feed, ledger):
    feed()
    assert feed() == ("success", states())
    assert the_delivery(ledger).attempts == 1


@pytest.mark.usefixtures("strict")
def test_the_question_says_what_goes_where_and_why_it_is_asked(feed, person, ledger):
    person.word = "Reject"
    feed()
    (question,) = person.asked
    row = the_delivery(ledger)
    assert question["subject"] == f"Send {row.records} records to Northgate Distribution?"
    assert row.reasons[0]["message"] in question["body"]
    assert f"(plugin/deliveries/colophon/deliveries/{row.id})" in question["body"]
    assert question["options"] == ["Approve", "Reject"]
    assert question["defaults"] == ["Reject"]


@pytest.mark.usefixtures("strict")
def test_a_yes_delivers_and_the_ledger_knows_who_said_it(feed, person, ledger, sandbox):
    person.word = "Approve"
    done = dict.fromkeys(("build", "unusual", "approve", "approved", "deliver"), "success")
    assert feed() == ("success", states(**done))
    assert the_delivery(ledger).state == "delivered"
    assert who_did(ledger, "prepared") == ["ada"]
    assert len(sandbox.files("northgate")) == 1
    assert feed() == ("success", states())
    assert len(person.asked) == 1


@pytest.mark.usefixtures("strict")
def test_a_no_sends_nothing_is_green_and_is_not_asked_again(feed, person, ledger, sandbox):
    person.word = "Reject"
    done = dict.fromkeys(("build", "unusual", "approve", "declined"), "success")
    assert feed() == ("success", states(**done))
    row = the_delivery(ledger)
    assert row.state == "declined"
    assert row.reasons[-1] == {"code": "declined", "message": "ada said no."}
    assert who_did(ledger, "declined") == ["ada"]
    assert sandbox.files("northgate") == []
    assert feed() == ("success", states())
    assert len(person.asked) == 1


@pytest.mark.usefixtures("strict")
def test_no_answer_in_time_is_a_no(feed, person, ledger, sandbox, dag_bag, monkeypatch):
    monkeypatch.setattr(dag_bag.dags[FLOW].get_task("approve"), "response_timeout", timedelta(seconds=0.1))
    done = dict.fromkeys(("build", "unusual", "approve", "declined"), "success")
    assert feed() == ("success", states(**done))
    row = the_delivery(ledger)
    assert row.state == "declined"
    assert row.reasons[-1] == {"code": "declined", "message": "Nobody answered in time."}
    assert who_did(ledger, "declined") == ["colophon"]
    assert sandbox.files("northgate") == []


@pytest.mark.usefixtures("strict")
def test_a_delivery_that_fails_after_a_yes_fails_the_run_and_goes_the_next_time_without_a_question(feed, person, ledger, sandbox):
    person.word = "Approve"
    sandbox.call("faults", {"northgate": {"wrong_password": {}}})
    state, tasks = feed()
    assert (state, tasks["deliver"], tasks["declined"]) == ("failed", "failed", "skipped")
    assert the_delivery(ledger).state == "failed"
    sandbox.call("faults", {})
    assert feed()[0] == "success"
    assert the_delivery(ledger).state == "delivered"
    assert len(person.asked) == 1


@pytest.mark.usefixtures("strict")
def test_a_yes_that_can_not_be_written_down_fails_the_run_and_is_no_no(feed, person, ledger, sandbox, dag_bag, monkeypatch):
    def unreachable(**_: Any) -> None:
        from include.errors import PermanentError

        raise PermanentError("the ledger does not answer", where="the test", todo="Nothing.")

    person.word = "Approve"
    with monkeypatch.context() as patch:
        patch.setattr(dag_bag.dags[FLOW].get_task("approved"), "python_callable", unreachable)
        patch.setattr(dag_bag.dags[FLOW].get_task("approved"), "op_args", ())
        state, tasks = feed()
    assert (state, tasks["approved"], tasks["declined"], tasks["deliver"]) == ("failed", "failed", "skipped", "upstream_failed")
    assert the_delivery(ledger).state == "awaiting approval"
    assert sandbox.files("northgate") == []
    assert feed()[0] == "success"
    assert the_delivery(ledger).state == "delivered"
    assert len(person.asked) == 2, "the next run asks again"
