"""Licences against titles: 50,000 licences on 100,000 titles checked; licences/s and records/s, the second run, and peak memory.

Beside it the floor: the same rows of licences, ties and editions read from the same database and decoded, and nothing compared. Ours finds
what ends before publications, reprints and campaigns, compares territories, editions, formats and copies, and keeps a flag for each; the
second run changes nothing; then the report of all flags. `--quick` takes a tenth.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TITLES, LICENCES = 100_000, 50_000
MORE = 64  # MB that the tenfold may take beyond the smaller one

COMMON = """
import sys, time
from datetime import UTC, date, datetime, timedelta
from include.ledger.database import Ledger
NOW, ledger = datetime(2026, 11, 21, 6, tzinfo=UTC), Ledger(sys.argv[1])

def peak():
    with open("/proc/self/status") as told:
        return next(int(line.split()[1]) for line in told if line.startswith("VmHWM")) / 1024
"""
FILL = """
import random
from sqlalchemy import insert
from include.ledger.licence_rows import LicenceRow, LicenceServesRow
from include.ledger.models import ProductRow, WorkRow
from include.licences import terms
from include.licences.model import Source, Term, TermState
from include.titles import codec
from include.titles.model import Product, Work
titles, licences, chance = int(sys.argv[2]), int(sys.argv[3]), random.Random(7)
ledger.upgrade()
stamps = {"first_seen": NOW - timedelta(days=30), "changed_at": NOW}

def many(table, rows):
    for at in range(0, len(rows), 2000):
        with ledger.session() as session:
            session.execute(insert(table), rows[at:at + 2000])

works, products = [], []
for number in range(1, titles // 2 + 1):
    body = codec.encode_work(Work(id=number, title=f"Work {number}"))
    works.append({"id": number, "title": f"Work {number}", "digest": codec.digest(body), "content": body, **stamps})
    for place, form in enumerate(("BC", "ED")):
        day = date(2026, 6, 1) + timedelta(days=chance.randrange(400))
        sold = {"sold_in": ("GB", "IE", "US")} if number % 5 == 0 else {"sold_worldwide": True}
        one = Product(id=number * 10 + place, work=Work(id=number, title=""), isbn=f"978{number:09d}{place}", form=form,
                      publication_date=day, publishing_status="04", **sold)
        body = codec.encode_product(one)
        products.append({"id": one.id, "work_id": number, "isbn": one.isbn, "title": f"Work {number}", "form": form,
                         "publication_date": day.isoformat(), "digest": codec.digest(body), "content": body, **stamps})
many(WorkRow, works)
many(ProductRow, products)

def term(value):
    if value is None:
        return Term(source=Source.INVOICE)
    if value in ("perpetual", "unlimited"):
        return Term(TermState(value), None, Source.INVOICE, "INV 1", "2026-09-01", "rights")
    return Term(TermState.KNOWN, value, Source.INVOICE, "INV 1", "2026-09-01", "rights")

rows, ties = [], []
for number in range(1, licences + 1):
    ends = "perpetual" if number % 3 else (date(2026, 10, 1) + timedelta(days=chance.randrange(900))).isoformat()
    said = {"ends": ends, "territories": ["GB", "IE"] if number % 10 == 0 else None if number % 11 == 0 else "unlimited",
            "print_run": 5000 if number % 20 == 0 else "unlimited", "formats": "unlimited", "use": "unlimited", "editorial_only": False,
            "new_editions": "allowed"}
    held = terms.hold({name: {Source.INVOICE: term(value)} for name, value in said.items()})
    rows.append({"id": number, "asset_id": str(10**8 + number), "use": "download 1", "name": f"Image {number}", "model": "royaltyfree",
                 "terms": terms.to_json(held), "ends_on": ends if ends != "perpetual" else "", "ends_state": str(held["ends"].state),
                 "territories": terms.searchable(held), "checked_at": NOW, **stamps})
    ties.append({"licence_id": number, "work_id": number % (titles // 2) + 1, "product_id": 0, "role": "cover", "source": "sheet"})
many(LicenceRow, rows)
many(LicenceServesRow, ties)
"""
FLOOR = """
import json
from sqlalchemy import select
from sqlalchemy.orm import selectinload
from include.ledger.licence_rows import LicenceRow
from include.ledger.models import ProductRow
began, last, count = time.perf_counter(), 0, 0
while True:
    with ledger.read() as session:
        page = select(LicenceRow).where(LicenceRow.id > last).options(selectinload(LicenceRow.serves)).order_by(LicenceRow.id).limit(500)
        rows = list(session.scalars(page))
        if not rows:
            break
        works = {one.work_id for row in rows for one in row.serves}
        for content in session.scalars(select(ProductRow.content).where(ProductRow.work_id.in_(works))):
            json.loads(content)
    count, last = count + len(rows), rows[-1].id
print(count, time.perf_counter() - began, 0, peak())
"""
OURS = """
from include.licences import flags
from include.partners.licensing import LicenceRules, Team
rules = LicenceRules(teams=(Team(role="production", causes=("reprint", "print-run")), Team(role="rights")))

def runs_of(work_id):
    return [{"id": work_id, "name": "Second printing", "deliveryDate": "2027-02-01", "quantities": [{"quantity": 6000}]}]

began = time.perf_counter()
done = flags.check(ledger, rules, runs_of=runs_of, now=NOW)
print(done.counts["licences"], time.perf_counter() - began, done.counts["raised"], peak())
"""
REPORT = """
from include.licences import report
from include.partners import load_house
from include.store import ArtefactStore
began = time.perf_counter()
built = report.build(ledger, ArtefactStore(sys.argv[1] + ".store"), load_house(), NOW.date())
print(built.lines, time.perf_counter() - began, built.workbook.bytes // 1024, peak())
"""


def _run(script: str, *arguments: object) -> tuple[int, float, int, float]:
    """Count, seconds, whatever else is counted, peak MB."""
    environment = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'plugins'}"}
    done = subprocess.run(
        [sys.executable, "-c", COMMON + script, *map(str, arguments)], capture_output=True, text=True, check=False, env=environment
    )
    if done.returncode:
        sys.exit(done.stderr[-2000:])
    count, seconds, more, peak = (done.stdout.split() or ["0"] * 4)[:4]
    return int(count), float(seconds), int(more), float(peak)


def main(options: Sequence[str] = ()) -> None:
    titles, licences = (TITLES // 10, LICENCES // 10) if "--quick" in options else (TITLES, LICENCES)
    with tempfile.TemporaryDirectory(prefix="colophon-bench-") as folder:
        peaks = []
        for part in (10, 1):
            ledger = Path(folder) / f"ledger-{part}.sqlite"
            _run(FILL, ledger, titles // part, licences // part)
            if part == 1:
                count, seconds, _, peak = _run(FLOOR, ledger)
                print(f"{'rows read and decoded':<34} {seconds:8.1f} s  {count / seconds:9,.0f} licences/s  {peak:6.0f} MB")
            first = _run(OURS, ledger)
            peaks.append(first[3])
        records = licences + titles
        print(f"{f'checked, {first[2]:,} flags raised':<34} {first[1]:8.1f} s  {first[0] / first[1]:9,.0f} licences/s  {first[3]:6.0f} MB"
              f"  ({records / first[1]:,.0f} records/s)")  # fmt: skip
        again = _run(OURS, ledger)
        print(f"{f'again, {again[2]:,} flags raised':<34} {again[1]:8.1f} s  {again[0] / again[1]:9,.0f} licences/s  {again[3]:6.0f} MB")
        count, seconds, size, peak = _run(REPORT, ledger)
        print(
            f"{f'report of {count:,} flags':<34} {seconds:8.1f} s  {count / seconds:9,.0f} flags/s     {peak:6.0f} MB  ({size:,} kB XLSX)"
        )
        flat = "flat" if peaks[1] - peaks[0] < MORE else "NOT FLAT"
        print(f"memory: {peaks[0]:.0f} MB for a tenth, {peaks[1]:.0f} MB for all: {flat}")


if __name__ == "__main__":
    main(sys.argv[1:])
