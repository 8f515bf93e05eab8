"""Ten million rows, in 500 MB with everything that Python has loaded."""

from __future__ import annotations

import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from include.sales import differences, staging
from tests.sales.load.reports import LAMP, Read, line

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("rows", [1_000_000, 10_000_000])
def test_memory_stays_below_500_megabytes(tmp_path, rows):
    from bench import sales

    net = sales.report(tmp_path / "report.csv", rows)
    _, _, megabytes, found = sales.run("ours", tmp_path / "report.csv", tmp_path / "home")
    assert found == net
    assert megabytes < 500


RESTATED = """
import sys
from pathlib import Path
from bench.sales import report
from include.ledger.database import Ledger
from include.partners.sources import SalesSource
from include.sales.layout import load_layouts
from include.sales.load import load
from include.store import ArtefactStore
from datetime import UTC, datetime
home = Path(sys.argv[1])
ledger, store = Ledger(str(home / "ledger.sqlite")), ArtefactStore(str(home / "store"))
ledger.upgrade()
source = SalesSource(id="bench", name="bench", layouts=("generic",), restated="difference")
for name in sys.argv[2:]:
    done = load(ledger, store, source, home / name, name, layouts=load_layouts(), now=datetime.now(UTC))
    print(done.overlap, sum(part.rows for part in done.parts.values()))
with open("/proc/self/status") as told:
    print(next(int(line.split()[1]) for line in told if line.startswith("VmHWM")) // 1024)
"""


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_the_difference_of_five_million_lines_is_found_within_the_same_memory(tmp_path):
    from bench import sales

    sales.report(tmp_path / "first.csv", 5_000_000)
    with (tmp_path / "first.csv").open() as given, (tmp_path / "second.csv").open("w") as out:
        out.writelines(line for number, line in enumerate(given) if number % 1_000_000 != 7 and not line.startswith("Total"))
    done = subprocess.run(
        [sys.executable, "-c", RESTATED, str(tmp_path), "first.csv", "second.csv", "first.csv"],
        env=os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'plugins'}"}, cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    *told, megabytes = done.stdout.splitlines()
    assert told == ["new 5000000", "difference 5", "difference 5"]
    assert int(megabytes) < 500


@pytest.mark.parametrize("share", [7, 1_000_000])
def test_lines_are_compared_the_same_in_many_shares(tmp_path, share):
    given = [line(units=number % 5 + 1, net=str(Decimal(number % 11)), transaction=str(number % 40)) for number in range(200)]
    first = staging.stage(Read(given), tmp_path / "first.parquet")
    second = staging.stage(Read([*given[20:], line(LAMP, 99)]), tmp_path / "second.parquet")
    keys = {("2026-09", "GBP"): 0}
    sides = [differences.Side(one.path, one.rows, keys) for one in (second, first)]
    marks = differences.compare(sides[0], [sides[1]], share=share)
    assert (int(marks.new.sum()), int(marks.gone[0].sum())) == (1, 20)
