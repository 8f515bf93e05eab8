"""Covers of 5,000 titles from Cloudinary's moderation queue onto titles and into Consonance, then a second run: requests made by both.

Ours confirms every cover on its asset, fetches the master, reads it to its end, compares its checksum and its colours, keeps it, and makes
the title record and Consonance's resource of it. Both services are the sandbox's, on this machine and its processors; the house takes
originals (`style = ""`), so that the sandbox's making of variants is not measured. `--quick` takes a tenth.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
TITLES = 5_000
HANDFUL = 30

SYNC = """
import json, sys, threading, time
from collections import Counter
from datetime import UTC, datetime
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from include.clients.cloudinary import Account, Cloudinary
from include.clients.consonance import Consonance
from include.clients.exchange import Exchange
from include.intake.ladder import Ladder
from include.ledger.database import Ledger
from include.media import choice, listing, masters, titles
from include.media.fetching import Fetcher
from include.partners.covers import CoverRules
from include.store import ArtefactStore

home, told = sys.argv[1], json.load(open(sys.argv[2]))
lines, ours = told["cloudinary_default"], told["consonance"]
extra = lines["extra"] if isinstance(lines["extra"], dict) else json.loads(lines["extra"])
ledger, store, rules = Ledger(home + "/ledger.sqlite"), ArtefactStore(home + "/store"), CoverRules(style="")

class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_): pass
    def translate_path(self, path):
        sha256 = path.split("/")[1]
        return f"{store.root}/{sha256[:2]}/{sha256}"

serving = ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
threading.Thread(target=serving.serve_forever, daemon=True).start()
address = lambda sha256, name, now: f"http://127.0.0.1:{serving.server_port}/{sha256}/{name}"

def memory(which):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(which))

client = Cloudinary(Account(extra["cloud_name"], lines["login"], lines["password"], api=lines["host"], delivery=extra["delivery"]))
ladder = Ladder(ledger, store, Consonance(Exchange(ours["host"]), ours["password"]), address)
import PIL.ImageCms, include.files.previews.pictures  # what every run imports
before, began, now = memory("VmRSS"), time.perf_counter(), datetime.now(UTC)
counts = listing.read(ledger, client, rules, queue="manual", now=now)
listed = time.perf_counter()
taken = masters.take(ledger, store, client, Fetcher(), rules, now=now)
fetched = time.perf_counter()
with ledger.session() as session:
    chosen = choice.choose(session)
    choice.note_lost(session, chosen, now)
settled = titles.settle(ledger, store, chosen, now=now)
attached = time.perf_counter()
shown = titles.show(ladder, lambda: datetime.now(UTC))
ended = time.perf_counter()
assert not taken.problems + settled.problems + shown.problems, (taken.problems + settled.problems + shown.problems)[:3]
steps = [listed - began, fetched - listed, attached - fetched, ended - attached]
print(json.dumps({"steps": steps, "new": counts["new"], "attached": settled.counts["attached"], "memory": memory("VmHWM") - before}))
"""


def main(argv: Sequence[str] = ()) -> None:
    number = TITLES // 10 if "--quick" in argv else TITLES
    with tempfile.TemporaryDirectory(prefix="colophon-bench-") as folder:
        process = _sandbox(Path(folder), number + 200)
        try:
            connections = json.loads((Path(folder) / "sandbox/connections.json").read_text())
            address = str(connections["consonance"]["host"]).rstrip("/")
            _asked(address, "cloudinary", {"limit": 1_000_000})
            filled = _asked(address, "cloudinary", {"fill": number})["filled"]
            _stock(Path(folder), number + 200)
            print(f"covers of {filled:,} titles; the twelve of the sandbox's first day are among those asked for\n")
            print(
                f"{'':<12} {'list':>7} {'take in':>8} {'attach':>7} {'show':>7}  seconds   {'Cloudinary':>10} {'Consonance':>10}  requests"
            )
            memory = []
            for name in ("first run", "second run"):
                before = _requests(address)
                told = _run(Path(folder))
                asked = [now - then for now, then in zip(_requests(address), before, strict=True)]
                memory.append(told["memory"] / 1024)
                one, two, three, four = told["steps"]
                print(f"{name:<12} {one:>7.1f} {two:>8.1f} {three:>7.1f} {four:>7.1f} {'':>9} {asked[0]:>10,} {asked[1]:>10,}", flush=True)
            print(f"second run: {sum(asked)} requests; must be ≤ {HANDFUL}: {'yes' if sum(asked) <= HANDFUL else 'NO'}")
            print(f"memory {memory[0]:+.0f} MB over the imports in the first run, {memory[1]:+.0f} MB in the second")
        finally:
            process.terminate()
            process.wait(20)


def _sandbox(folder: Path, titles: int) -> subprocess.Popen[bytes]:
    home = folder / "sandbox"
    home.mkdir()
    words = [sys.executable, "-W", "ignore", "-m", "sandbox", "--dir", str(home), "--titles", str(titles)]
    process = subprocess.Popen(words, cwd=ROOT, env=_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 120
    while not (home / "ready.json").exists():
        if process.poll() is not None or time.monotonic() > until:
            raise RuntimeError("the sandbox did not start")
        time.sleep(0.2)
    return process


def _stock(folder: Path, titles: int) -> None:
    """The mirror of the sandbox's titles."""
    from sqlalchemy import insert

    from include.ledger.database import Ledger
    from include.ledger.models import ProductRow, WorkRow
    from sandbox.catalogue import Catalogue

    now = datetime.now(UTC)
    common = {"digest": "0" * 64, "first_seen": now, "changed_at": now}
    works, products = [], []
    for work in Catalogue(1, titles).works():
        works.append(common | {"id": work.id, "title": work.title, "content": b'{"id": 1, "title": ""}'})
        products += [
            common | {"id": one.id, "work_id": work.id, "isbn": one.isbn or "", "form": "BC", "content": b"{}"} for one in work.products
        ]
    ledger = Ledger(str(folder / "ledger.sqlite"))
    ledger.upgrade()
    with ledger.session() as session:
        session.execute(insert(WorkRow), works)
        session.execute(insert(ProductRow), products)
    ledger.dispose()


def _run(folder: Path) -> dict[str, Any]:
    words = [sys.executable, "-W", "ignore", "-c", SYNC, str(folder), str(folder / "sandbox/connections.json")]
    done = subprocess.run(words, cwd=ROOT, env=_environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "plugins")])}


def _asked(address: str, path: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{address}/sandbox/{path}", data, {"Content-Type": "application/json"})
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=600) as answer:
        return json.loads(answer.read())


def _requests(address: str) -> list[int]:
    """To Cloudinary and to Consonance, so far."""
    stats = _asked(address, "stats")
    told = stats["requests"]
    return [sum(stats["cloudinary"]["requests"].values()), sum(told.values()) if isinstance(told, dict) else int(told)]


if __name__ == "__main__":
    main(sys.argv[1:])
