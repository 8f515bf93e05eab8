"""A catalogue of 100,000 titles: a full message, a night without changes, a full message by copying."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

TITLES = 100_000
MOST = 300 << 20  # bytes resident, imports included
ROOT = Path(__file__).resolve().parents[2]


def fill(home: str) -> None:
    """Writes the mirror: two products for each work."""
    from sqlalchemy import insert

    from include.ledger.database import Ledger
    from include.ledger.models import ProductRow, WorkRow
    from include.titles import codec
    from tests.deliveries.desk import NOW, product, work

    ledger = Ledger(f"{home}/ledger.sqlite")
    ledger.upgrade()
    seen = {"first_seen": NOW, "changed_at": NOW}
    for start in range(1, TITLES + 1, 2000):
        works, products = [], []
        for number in range(start, min(start + 2000, TITLES + 1)):
            of = work((number + 1) // 2)
            body = codec.encode_work(of)
            if number % 2:
                works.append({"id": of.id, "title": of.title, "imprint": of.imprint, "digest": codec.digest(body), "content": body, **seen})
            one = replace(product(1, of), id=number, isbn=_isbn(number), title_without_prefix=f"Work {number}")
            body = codec.encode_product(one)
            products.append({
                "id": one.id,
                "work_id": of.id,
                "isbn": one.isbn,
                "title": "T",
                "digest": codec.digest(body),
                "content": body,
                **seen,
            })
        with ledger.session() as session:
            session.execute(insert(WorkRow), works)
            session.execute(insert(ProductRow), products)


def _isbn(number: int) -> str:
    body = f"978{number:09d}"
    return f"{body}{-sum(int(digit) * (1, 3)[place % 2] for place, digit in enumerate(body)) % 10}"


def night(home: str, night: int, kind: str) -> None:
    """One build in a process of its own; prints what it took."""
    from datetime import timedelta

    from include.deliveries.build import FeedBuild
    from include.ledger import deliveries
    from include.ledger.database import Ledger
    from include.partners import load_house, load_partner
    from include.store import ArtefactStore
    from tests.deliveries.desk import NOW

    ledger, store, now = Ledger(f"{home}/ledger.sqlite"), ArtefactStore(f"{home}/store"), NOW + timedelta(days=night)
    asked = "full" if kind == "full" else None
    started = time.monotonic()
    built = FeedBuild(ledger, store, load_partner("northgate"), load_house(), now, kind=asked).build()
    seconds = time.monotonic() - started
    if built.delivery_id:
        with ledger.session() as session:
            deliveries.start(session, built.delivery_id, now=now)
            deliveries.mark_delivered(session, built.delivery_id, now)
    took = {"records": built.records, "seconds": round(seconds, 1), "recorded": round(time.monotonic() - started - seconds, 1)}
    print(json.dumps(took | {"rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}))


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_100_000_titles_take_the_memory_of_a_few_pages(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()

    def run(*asked: str) -> dict[str, float]:
        command = [sys.executable, "-m", "tests.deliveries.test_build_at_scale", str(tmp_path), *asked]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-2000:]
        return json.loads(done.stdout or "{}")

    run("fill")
    first, unchanged, copied = run("0", "due"), run("1", "due"), run("2", "full")
    print(f"\nfirst full {first}\nunchanged {unchanged}\ncopied full {copied}")
    assert [one["records"] for one in (first, unchanged, copied)] == [TITLES, 0, TITLES]
    assert max(one["rss"] for one in (first, unchanged, copied)) < MOST
    assert copied["seconds"] < first["seconds"]


if __name__ == "__main__":
    home, what, *rest = sys.argv[1:]
    if what == "fill":
        fill(home)
    else:
        night(home, int(what), *rest)
