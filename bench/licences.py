"""Licences: 50,000 at Getty into the ledger; licences/s, the second run's requests, and peak memory against 5,000.

Getty is the sandbox, a process of its own. Beside it the floor: the same pages of history and the same images asked for with requests and
decoded, and nothing kept. Ours pages, checks, ties each licence to its title, derives its terms with their sources, and keeps a history.
`--quick` takes a tenth.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SMALL, LARGE = 5_000, 50_000
TITLES = 2_000
MORE = 48  # MB that the tenfold may take beyond the smaller one

COMMON = """
import json, sys, time
from datetime import UTC, date, datetime, timedelta
from include.clients.getty import Credentials, Getty, Wire
given = json.loads(sys.argv[1])
extra = json.loads(given["extra"]) if isinstance(given["extra"], str) else given["extra"]
wire = Wire(Credentials(given["login"], given["password"]), address=given["host"], tokens=extra["auth_url"])

def peak():
    with open("/proc/self/status") as told:
        return next(int(line.split()[1]) for line in told if line.startswith("VmHWM")) / 1024
"""
FLOOR = """
import requests
from include.clients.getty.dates import windows
client, session = Getty(wire, company=True), requests.Session()
token = wire._fresh(None).value
session.headers.update({"Api-Key": given["login"], "Authorization": f"Bearer {token}"})
def ask(path, **params):
    answer = session.get(given["host"] + path, params=params)
    answer.raise_for_status()
    return answer.json()
began, ids, today = time.perf_counter(), {}, datetime.now(UTC).date()
for first, last in windows(today - timedelta(days=1095), today):
    seen, page = 0, 1
    while True:
        told = ask("/v3/downloads", date_from=first, date_to=last, company_downloads="true", page=page, page_size=100)
        ids |= {row["id"]: row for row in told["downloads"]}
        seen, page = seen + len(told["downloads"]), page + 1
        if seen >= told["result_count"]:
            break
from include.clients.getty.parameters import DETAIL_FIELDS
wanted = list(ids)
for at in range(0, len(wanted), 100):
    ask("/v3/images", ids=",".join(wanted[at:at + 100]), fields=",".join(DETAIL_FIELDS))
print(len(ids), time.perf_counter() - began, 0, peak())
"""
OURS = """
from include.ledger.database import Ledger
from include.ledger.models import ProductRow, WorkRow
from include.licences.sync import sync
from include.partners.licensing import LicenceRules
from include.partners.registry import load_agreements
from sandbox.catalogue import Catalogue
now, folder, titles = datetime.now(UTC), sys.argv[2], int(sys.argv[3])
ledger = Ledger(folder + "/ledger.sqlite")
ledger.upgrade()
stamps = {"digest": "", "content": b"{}", "first_seen": now, "changed_at": now}
with ledger.session() as session:
    for work in Catalogue(titles=titles).works():
        session.add(WorkRow(id=work.id, title=work.title, **stamps))
        for product in work.products:
            session.add(ProductRow(id=product.id, work_id=work.id, isbn=product.isbn or "", title=work.title, **stamps))
def run(moment):
    return sync(ledger, Getty(wire, company=True), agreements=load_agreements(), rules=LicenceRules(), now=moment)
began = time.perf_counter()
done = run(now)
first = time.perf_counter() - began
began = time.perf_counter()
again = run(now + timedelta(hours=1))
assert not set(again.counts) - {"products"}, again.counts
print(done.counts["new"], first, time.perf_counter() - began, peak())
"""


@contextmanager
def sandbox(folder: Path) -> Iterator[dict[str, Any]]:
    """The connections of a sandbox that runs as long as the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox", "--dir", str(folder), "--titles", str(TITLES)], cwd=ROOT, env=_environment(),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        until = time.monotonic() + 120
        while not (folder / "ready.json").exists():
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError("the sandbox did not start")
            time.sleep(0.1)
        yield json.loads((folder / "connections.json").read_text())
    finally:
        process.terminate()
        process.wait(20)


def call(address: str, path: str, body: Any = None) -> Any:
    """The sandbox's switches."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{address}/sandbox/{path}", data, {"Content-Type": "application/json"})
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=120) as answer:
        return json.loads(answer.read() or b"null")


def measured(code: str, connection: dict[str, Any], *arguments: str) -> tuple[int, float, float, float]:
    """Licences, seconds, seconds of the second run, peak memory in MB; in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", COMMON + code, json.dumps(connection), *arguments], cwd=ROOT, env=_environment(),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    licences, seconds, again, memory = done.stdout.split()
    return int(licences), float(seconds), float(again), float(memory)


def _environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "plugins")])}


def main(argv: Sequence[str] = ()) -> None:
    part = 10 if "--quick" in argv else 1
    peaks = []
    for count in (SMALL // part, LARGE // part):
        with tempfile.TemporaryDirectory() as name, sandbox(Path(name)) as connections:
            folder, getty = Path(name), connections["getty_default"]
            address = str(getty["host"]).removesuffix("/getty")
            call(address, "getty", {"licenses": {"count": count, "days": 1000}})
            found, floor, _, _ = measured(FLOOR, getty)
            print(f"{count:>7,} licences   floor {found / floor:8,.0f} licences/s   (asked for, decoded, not kept)", flush=True)
            (folder / "ledger").mkdir()
            licences, seconds, again, memory = measured(OURS, getty, str(folder / "ledger"), str(TITLES))
            peaks.append(memory)
            print(
                f"{'':>16}   ours  {licences / seconds:8,.0f} licences/s   {memory:,.0f} MB at most; second run {again:.1f} s", flush=True
            )
            print(f"{'':>16}   → {seconds / floor:.1f} times the floor", flush=True)
    more = peaks[1] - peaks[0]
    print(f"ten times as many licences: {more:+.0f} MB; must be ≤ +{MORE}: {'yes' if more <= MORE else 'NO'}")


if __name__ == "__main__":
    main(sys.argv[1:])
