"""100,000 products: refreshing takes minutes at most and flat memory, a second refresh seconds, and pages stay quick."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PRODUCTS = 100_000
BOUND_MB = 300
LIMIT = 0.050  # seconds per query

PROGRAM = """
import json, resource, sys, time
from datetime import timedelta
from tests.readiness.test_scale import PRODUCTS, seed, slowest
from tests.readiness.titles import NOW, house
from include.ledger.database import Ledger
from include.readiness.refresh import refresh
from include.store import ArtefactStore

ledger = Ledger(sys.argv[1])
ledger.upgrade()
seed(ledger, PRODUCTS)
told = {}
for name, now in (("first", NOW), ("second", NOW), ("a month later", NOW + timedelta(days=30))):
    began = time.perf_counter()
    done = refresh(ledger, house(), now)
    told[name] = {"seconds": round(time.perf_counter() - began, 1), "assessed": done.assessed}
told["slowest"] = slowest(ledger)
began = time.perf_counter()
from tests.readiness.test_reports import party
from include.readiness import reports
built = reports.build(ledger, ArtefactStore(sys.argv[2]), party(formats=("csv", "xlsx", "json", "html")), house(), NOW)
told["report"] = {"titles": built.titles, "seconds": round(time.perf_counter() - began, 1)}
told["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
print(json.dumps(told))
"""


def seed(ledger, products: int) -> None:
    """Works of three products in twenty seasons and ten imprints, a third of them to come; files on every tenth."""
    from dataclasses import replace

    from sqlalchemy import insert

    from include.ledger.file_rows import TitleFileRow
    from include.ledger.models import ProductRow, WorkRow
    from include.titles import codec
    from tests.readiness.titles import ELECTRONIC, HARDBACK, NOW, SPOKEN, in_days

    for start in range(0, products // 3 + 1, 2000):
        works, rows, files = [], [], []
        for number in range(start + 1, min(start + 2000, products // 3 + 1) + 1):
            work = replace(
                HARDBACK.work, id=number, title=f"Book {number}", season=f"{('Spring', 'Autumn')[number % 2]} {2017 + number % 11}",
                imprint=f"Imprint {number % 10}",
            )  # fmt: skip
            content = codec.encode_work(work)
            seen = {"first_seen": NOW, "changed_at": NOW, "seen_in": 1}
            works.append({
                "id": number,
                "title": work.title,
                "imprint": work.imprint,
                "digest": codec.digest(content),
                "content": content,
                **seen,
            })
            for place, kind in enumerate((HARDBACK, ELECTRONIC, SPOKEN)):
                days = number % 540 if number % 3 == 0 else -(number % 3600)
                status = "02" if days > 0 else "04"
                product = in_days(
                    kind, days, id=number * 3 + place, work=work, isbn=f"978{number * 3 + place:010}", publishing_status=status
                )
                content = codec.encode_product(product)
                rows.append({
                    "id": product.id, "work_id": number, "isbn": product.isbn, "title": product.full_title, "form": product.form,
                    "publication_date": str(product.publication_date), "digest": codec.digest(content), "content": content, **seen,
                })  # fmt: skip
            if number % 10 == 0:
                files += [
                    {"work_id": number, "kind": what, "name": f"{what}.pdf", "bytes": 1, "sha256": f"{number:064}", "state": "attached",
                     "approval": "approved", "attached_at": NOW}
                    for what in ("interior", "jacket")
                ]  # fmt: skip
        with ledger.session() as session:
            session.execute(insert(WorkRow), works)
            session.execute(insert(ProductRow), rows)
            if files:
                session.execute(insert(TitleFileRow), files)


def slowest(ledger) -> dict[str, float]:
    """Milliseconds of each list that a page shows, the best of three."""
    from include.ledger import readiness
    from include.ledger.readiness import Wish

    lists = {
        "everything": Wish(), "season": Wish(season="Spring 2027"), "imprint": Wish(imprint="Imprint 3"), "late": Wish(late=True),
        "late of a season": Wish(season="Autumn 2026", late=True), "season and imprint": Wish(season="Spring 2027", imprint="Imprint 4"),
        "audio": Wish(form="A"), "open": Wish(state="open"), "unpublished": Wish(state="unpublished"), "isbn": Wish(words="978-0000003333"),
    }  # fmt: skip
    asked = {name: lambda s, wish=wish: readiness.page(s, wish, limit=50) for name, wish in lists.items()}
    asked["deep"] = lambda s: readiness.page(s, Wish(), after=("2026-06-01", 50_000), limit=50)
    asked["back"] = lambda s: readiness.page(s, Wish(season="Spring 2027"), before=("2026-06-01", 50_000), limit=50)
    asked["picture"] = lambda s: readiness.season_picture(s, "Spring 2027")
    asked["totals"] = lambda s: readiness.totals(s, Wish(season="Spring 2027"))
    took = {}
    for name, ask in asked.items():
        best = 9.0
        for _ in range(3):
            with ledger.read() as session:
                began = time.perf_counter()
                ask(session)
                best = min(best, time.perf_counter() - began)
        took[name] = round(best * 1000, 1)
    return took


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_100_000_products_are_judged_in_flat_memory(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "ledger.sqlite"), str(tmp_path / "store")],
        cwd=ROOT, capture_output=True, text=True, timeout=1700, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout.splitlines()[-1])
    print(f"\n{told}")
    assert told["first"]["assessed"] >= PRODUCTS
    assert told["second"]["assessed"] == 0
    assert told["a month later"]["assessed"] < PRODUCTS / 4
    assert told["peak_mb"] < BOUND_MB
    assert max(told["slowest"].values()) < LIMIT * 1000
