"""An inbox is watched without a worker, until something new is whole."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from colophon import triggers
from include.ledger.file_rows import IntakeFileRow

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(300)]


@pytest.fixture
def empty(sandbox, connections, ledger) -> str:
    """What an empty inbox lists as."""
    connections(sandbox.connections)
    from include.intake.look import Listing

    return Listing(()).digest


@pytest.fixture
def later() -> Iterator[Any]:
    """Does something in a while, beside the test."""
    timers: list[threading.Timer] = []

    def do(seconds: float, what: Any, *args: Any) -> None:
        timers.append(threading.Timer(seconds, what, args))
        timers[-1].start()

    yield do
    for timer in timers:
        timer.join(20)


def wait(listing: str, seconds: float = 120) -> tuple[Any, float]:
    """The trigger's event, and how long it took."""

    async def first() -> Any:
        async for event in triggers.InboxTrigger("agency", listing, until.isoformat(), poll=0.3).run():
            return event.payload
        return None

    until, began = datetime.now(UTC) + timedelta(seconds=seconds), time.monotonic()
    return asyncio.run(first()), time.monotonic() - began


def test_the_wait_ends_when_something_new_stands_still(sandbox, empty, later):
    later(1, sandbox.call, "drop", {"inbox": "agency", "name": "note.txt", "text": "hello"})
    event, seconds = wait(empty)
    assert event == {"changed": True}
    assert seconds > 1


def test_the_wait_ends_without_a_change_when_its_time_is_over(empty):
    assert wait(empty, 1)[0] == {"changed": False}


def test_a_server_that_resets_the_line_is_tried_again(sandbox, empty, later):
    sandbox.call("faults", {"agency": {"refuse": {"times": 2}}})
    later(1, sandbox.call, "drop", {"inbox": "agency", "name": "note.txt", "text": "hello"})
    assert wait(empty)[0] == {"changed": True}


def test_a_refused_log_in_ends_the_wait_at_once_and_says_so(sandbox, empty):
    sandbox.call("faults", {"agency": {"wrong_password": {}}})
    event, seconds = wait(empty)
    assert "error" in event
    assert seconds < 60, "half of the time that it would wait for files"


def test_the_trigger_survives_the_way_to_the_triggerer():
    path, kwargs = triggers.InboxTrigger("agency", "x", "2026-11-21T09:00:00+00:00", poll=5).serialize()
    assert path == "colophon.triggers.InboxTrigger"
    assert triggers.InboxTrigger(**kwargs).serialize() == (path, kwargs)


def test_a_watching_run_takes_what_arrives_while_it_waits(sandbox, run_flow, ledger, later, monkeypatch):
    monkeypatch.setattr(triggers, "POLL", 0.3)
    later(3, sandbox.call, "drop", {"inbox": "agency", "name": "note.txt", "text": "hello"})
    assert str(run_flow("partner_intake__agency", watch=True).state) == "success"
    with ledger.read() as session:
        (row,) = session.scalars(select(IntakeFileRow)).all()
    assert row.original == "moved"


def test_a_refused_log_in_fails_the_run_at_once_and_the_next_run_takes_the_file(sandbox, run_flow, ledger):
    sandbox.call("drop", {"inbox": "agency", "name": "note.txt", "text": "hello"})
    sandbox.call("faults", {"agency": {"wrong_password": {}}})
    refused = run_flow("partner_intake__agency")
    assert str(refused.state) == "failed"
    assert {ti.try_number for ti in refused.get_task_instances() if str(ti.state) == "failed"} == {1}
    sandbox.call("faults", {"agency": None})
    assert str(run_flow("partner_intake__agency").state) == "success"
    with ledger.read() as session:
        assert [row.original for row in session.scalars(select(IntakeFileRow))] == ["moved"]


def test_the_command_takes_what_the_flow_takes(sandbox, connections, ledger, capsys):
    from colophon.cli import main

    connections(sandbox.connections)
    sandbox.call("drop", {"inbox": "typesetter", "name": "note.txt", "text": "hello"})
    assert main(["intake", "run", "typesetter", "--json"]) == 1  # something was set aside
    assert json.loads(capsys.readouterr().out)["counts"] == {"quarantined": 1}
    assert main(["intake", "run", "typesetter"]) == 0
    assert "nothing new" in capsys.readouterr().out
    assert sandbox.files("compositor", "out") == ["processed/note.txt"]
