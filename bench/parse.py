"""Parse: each DAG file, in seconds beyond `import airflow.sdk`, against a bare DAG of one empty task.

Airflow parses every file again and again; what a file costs beyond Airflow itself is what we are answerable for.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ROUNDS = 5
BARE = """
from airflow.sdk import dag, task
@dag(schedule=None)
def bare():
    @task
    def nothing():
        return None
    nothing()
bare()
"""
PROBE = """
import runpy, sys, time
import airflow.sdk
from airflow.sdk import dag, task, Param, CronTriggerTimetable
began = time.perf_counter()
runpy.run_path(sys.argv[1])
print(time.perf_counter() - began)
"""


def main(argv: Sequence[str] = ()) -> None:
    with tempfile.TemporaryDirectory() as folder:
        bare = Path(folder) / "bare.py"
        bare.write_text(BARE)
        files = [bare, *sorted((ROOT / "dags").glob("*.py"))]
        times: dict[Path, list[float]] = {path: [] for path in files}
        for _ in range(ROUNDS):  # interleaved: the machine's moods fall on all alike
            for path in files:
                times[path].append(_once(path, folder))
    base = statistics.median(times[bare])
    print(f"{'file':<28} {'seconds':>8} {'of a bare DAG':>14}")
    for path, seconds in times.items():
        median = statistics.median(seconds)
        print(f"{path.name:<28} {median:>8.3f} {median / base:>13.1f}×   ({min(seconds):.3f} to {max(seconds):.3f})")


def _once(path: Path, home: str) -> float:
    environment = {**os.environ, "AIRFLOW_HOME": home, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'plugins'}"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROBE, str(path)], env=environment, capture_output=True, text=True, check=True
    )
    return float(done.stdout.strip().splitlines()[-1])


if __name__ == "__main__":
    main(sys.argv[1:])
