"""100,000 products through the mirror: memory stays flat, time is told."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PRODUCTS = 100_000
PAGE = 200
BOUND_MB = 300

PROGRAM = """
import sys
from datetime import datetime, timezone
from pathlib import Path
import json, resource, time
from tests.catalogue.test_mirror_at_scale import Endless, rss
from include.catalogue.mirror import synchronise
from include.catalogue import read
from include.clients.consonance import Consonance
from include.clients.exchange import Exchange
from include.ledger.database import Ledger
from tests.catalogue.conftest import HOUSE
import requests

def session():
    made = requests.Session()
    made.mount("http://", Endless())
    return made

ledger = Ledger(sys.argv[1])
ledger.upgrade()
client = Consonance(Exchange("http://consonance.test", session=session), "k" * 32)
told = {}
for name, day in (("first", 1), ("second", 2)):
    began = time.perf_counter()
    outcome = synchronise(ledger, client, HOUSE, datetime(2026, 5, day, tzinfo=timezone.utc), full=True)
    told[name] = {"seconds": round(time.perf_counter() - began, 1), "changed": len(outcome.changed), "products": outcome.products}
began = time.perf_counter()
with ledger.read() as session:
    told["read"] = sum(1 for row, work in read.products(session))
    told["duplicates"] = len(read.duplicate_isbns(session))
told["read_seconds"] = round(time.perf_counter() - began, 1)
told["peak_mb"] = rss()
print(json.dumps(told))
"""


def rss() -> int:
    """The most memory that this process has held, in MB."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


class Endless:
    """A transport that makes pages of products as they are asked for: nothing of the catalogue is held anywhere."""

    def __init__(self) -> None:
        from graphql import build_schema, introspection_from_schema

        from tests.clients.tenant import SDL

        self._schema = json.dumps({"data": introspection_from_schema(build_schema(SDL))})

    def send(self, request, **_):
        import io

        import requests
        import urllib3

        reply = requests.Response()
        reply.status_code, reply.request, reply.url = 200, request, request.url
        body = self._answer(request).encode()
        reply.raw = urllib3.HTTPResponse(io.BytesIO(body), preload_content=False)
        return reply

    def close(self) -> None:
        pass

    def _answer(self, request) -> str:
        from tests.clients.tenant import rest_row

        if request.method == "GET":
            number = int(request.url.rpartition("page=")[2])
            ids = range((number - 1) * PAGE + 1, min(number * PAGE, PRODUCTS) + 1)
            return json.dumps({"total_pages": -(-PRODUCTS // PAGE), "products": [rest_row(id, id // 3 + 1) for id in ids]})
        asked = json.loads(request.body)
        after = asked["variables"].get("after", 0)
        operation = asked["query"].removeprefix("query ").partition("(")[0]
        if operation not in {"works", "products"}:
            return self._schema
        last = PRODUCTS // 3 + 1 if operation == "works" else PRODUCTS
        rows = [_work(id) if operation == "works" else _product(id) for id in range(after + 1, min(after + PAGE, last) + 1)]
        return json.dumps({"data": {operation: rows}})


def _work(id: int) -> dict:
    from tests.clients.tenant import work_row

    return work_row(id)


def _product(id: int) -> dict:
    from tests.clients.tenant import product_row

    row = product_row(id, id // 3 + 1, productHeight=198.0)
    description = "<p>" + "It begins in Tromsø, with a debt unpaid. " * 40 + "</p>"
    row["variant_SHORT_DESCRIPTION"] = [{"id": 1, "externalText": "Short."}]
    row["variant_MAIN_DESCRIPTION"] = [{"id": 2, "externalText": description}]
    row["prices"] = row["prices"] * 4
    row["work"] = {"id": id // 3 + 1, "supportingResources": [{"id": 7, "url": f"https://c/{id}.jpg"}]}
    return row


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_100_000_products_take_the_memory_of_a_few_pages(tmp_path: Path) -> None:
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "ledger.sqlite")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=1700,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout.splitlines()[-1])
    size = (tmp_path / "ledger.sqlite").stat().st_size // 1_000_000
    print(f"\n{told}, ledger {size} MB, {time.perf_counter() - began:.0f} s in all")
    assert told["first"]["products"] == told["second"]["products"] == told["read"] == PRODUCTS
    assert told["second"]["changed"] == 0
    assert told["peak_mb"] < BOUND_MB
