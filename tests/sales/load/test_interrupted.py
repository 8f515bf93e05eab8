"""Killed in the middle, two at once, on each database; and the same bytes whatever the way in."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import func, select

from include.ledger.sales_rows import Overlap, SalesBatchRow, SalesCellRow, SalesPartRow, SalesProductRow
from tests.sales.load.reports import NOW, SEA, Read, counted, expected, line, take, totals

TWO = [line(), line(SEA, 3, "7.50")]
RESTATED = [line(), line(SEA, 2, "5")]

KILLED = """
import os, signal, sys
from include.ledger import sales
from include.ledger.database import Ledger
from include.sales import recording
from include.store import ArtefactStore
from tests.sales.load.reports import SEA, line, take

def die(*args, **named):
    os.kill(os.getpid(), signal.SIGKILL)

for where, name in ((recording, "written"), (sales, "add_products"), (sales, "said")):
    if not (child := os.fork()):
        setattr(where, name, die)
        take(Ledger(), ArtefactStore(), [line(), line(SEA, 2, "5")], rule="replace", name="restated.csv")
        os._exit(1)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
ROOT = Path(__file__).resolve().parents[3]


def everything(ledger):
    with ledger.read() as session:
        return [
            session.scalar(select(func.count()).select_from(one)) for one in (SalesBatchRow, SalesPartRow, SalesCellRow, SalesProductRow)
        ]


def test_loads_that_are_killed_leave_nothing_and_the_next_is_whole(ledger, store):
    """Between the artefact and the rows, among the rows, and just before they are committed."""
    take(ledger, store, TWO)
    before = everything(ledger), totals(ledger)
    killed = subprocess.run(
        [sys.executable, "-c", KILLED],
        env=os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'plugins'}"}, cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert killed.stdout.split() == [str(-signal.SIGKILL)] * 3, killed.stderr[-2000:]
    assert (everything(ledger), totals(ledger)) == before
    again = take(ledger, store, RESTATED, rule="replace", name="restated.csv")
    assert again.overlap is Overlap.REPLACES
    assert counted(ledger, store) == expected(RESTATED)


def test_two_loads_of_one_report_at_once_count_it_once(ledger, store):
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda number: take(ledger, store, TWO, name=f"copy {number}.csv"), range(4)))
    assert sorted(one.overlap for one in done) == [Overlap.NEW, *[Overlap.RESENT] * 3]
    assert counted(ledger, store) == expected(TWO)


@pytest.mark.parametrize("rule", ["replace", "difference"])
def test_two_restated_reports_at_once_come_one_after_the_other(ledger, store, rule):
    take(ledger, store, TWO)
    given = [[line(units=number, net=str(number))] for number in (5, 6, 7)]
    with ThreadPoolExecutor(3) as pool:
        done = list(pool.map(lambda lines: take(ledger, store, lines, rule=rule, name=f"{lines[0]['net']}.csv"), given))
    assert not {one.overlap for one in done} & {Overlap.RESENT, Overlap.REFUSED}
    assert counted(ledger, store) in [expected(lines) for lines in given]


def test_a_week_and_its_month_at_once_count_once(ledger, store):
    month, week = [line(transaction="T1")], [line(transaction="T1", period="2026-09-28/2026-10-04")]
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda lines: take(ledger, store, lines, name=lines[0]["period"]), [month, week]))
    assert sorted(one.overlap for one in done) == [Overlap.NEW, Overlap.RESENT]


def test_the_same_lines_give_the_same_bytes_however_they_are_batched(ledger, store):
    lines = [line(units=number % 7 + 1, transaction=f"T{number}") for number in range(200)]
    artefacts = set()
    for size in (1, 7, 200):
        take(ledger, store, Read(lines, rows_at_once=size), now=NOW)
        with ledger.session() as session:
            (row,) = session.scalars(select(SalesBatchRow)).all()
            artefacts.add((row.lines, row.digest))
            for table in (SalesProductRow, SalesCellRow):
                session.execute(table.__table__.delete())
            session.delete(row)
    assert len(artefacts) == 1
