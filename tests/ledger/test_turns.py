"""Turns: two workers never do one thing beside each other, and a dead one is not waited for."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from typing import Any

import pytest

from include.errors import TransientError
from include.ledger.database import Ledger
from include.ledger.turns import turn


def test_the_second_waits_says_so_and_comes_after_the_first(ledger: Ledger) -> None:
    told: list[str] = []
    waits = threading.Event()

    def second() -> None:
        with turn(ledger, "delivery 1", waiting=waits.set):
            told.append("second")

    with turn(ledger, "delivery 1", waiting=lambda: told.append("waited")):
        other = threading.Thread(target=second)
        other.start()
        assert waits.wait(30)
        with turn(ledger, "delivery 2", waiting=lambda: told.append("waited")):
            told.append("another thing")
        told.append("first")
    other.join(30)
    assert told == ["another thing", "first", "second"]


def test_a_turn_ends_with_an_error_and_can_be_had_again(ledger: Ledger) -> None:
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), turn(ledger, "delivery 1", waiting=pytest.fail):
            _ = 1 / 0


def test_a_turn_on_a_database_that_is_away_can_be_tried_again() -> None:
    with pytest.raises(TransientError, match="the ledger database failed"), turn(Ledger("postgresql://colophon@/x?host=/nowhere"), "a"):
        pass


def test_a_killed_worker_keeps_no_turn(ledger: Ledger) -> None:
    url = ledger.engine.url.render_as_string(hide_password=False)
    context = multiprocessing.get_context("spawn")
    holds = context.Event()
    worker = context.Process(target=_hold, args=(url, holds))
    worker.start()
    assert holds.wait(60)
    waited: list[bool] = []
    threading.Timer(0.2, os.kill, (worker.pid, signal.SIGKILL)).start()
    with turn(ledger, "delivery 1", waiting=lambda: waited.append(True)):
        worker.join(30)
    assert (waited, worker.exitcode) == ([True], -signal.SIGKILL)


def _hold(url: str, holds: Any) -> None:
    with turn(Ledger(url), "delivery 1"):
        holds.set()
        signal.pause()
