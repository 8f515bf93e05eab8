"""Validate: a message of 10,000 titles, streamed by us and read whole by onixcheck: time, peak memory, and the same findings.

Each measurement is a process of its own; rounds are interleaved. `--titles=N`, `--rounds=N`.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from time import perf_counter
from typing import Any

from include.feeds import renderer_for, schema
from include.feeds.record import Header
from include.partners.model import House, Partner
from include.titles.model import Contributor, Price, Product, Resource, Subject, Text, Work

ROOT = Path(__file__).resolve().parents[1]
TODAY = date(2026, 11, 21)
PROBES = {
    "ours": "from include.feeds.schema import validate_file; found = validate_file(path)",
    "onixcheck": "import onixcheck; found = onixcheck.validate(path)",
}
MEASURE = """
import json, resource, sys, time
path = sys.argv[1]
began = time.perf_counter()
{probe}
seconds = time.perf_counter() - began
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps([len(found), seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024]))
"""

HOUSE = House.model_validate({"sender": {"name": "Bench"}, "publisher": "Bench", "domain": "com.example.bench"})
PARTNER = Partner.model_validate({
    "id": "bench",
    "name": "Bench",
    "addressee": {"name": "Bench"},
    "transport": {"protocol": "sftp", "connection": "bench", "folder": "/"},
    "feed": {"markets": [{"countries": ["GB"], "supplier": {"name": "Bench"}, "prices": [{"currency": "GBP"}]}]},
})


def main(argv: Sequence[str] = ()) -> None:
    titles, rounds = _option(argv, "--titles", 10_000), _option(argv, "--rounds", 3)
    with tempfile.TemporaryDirectory() as folder:
        _same_findings(Path(folder) / "spoilt.xml")
        path = Path(folder) / "message.xml"
        records = write(path, titles)
        size = path.stat().st_size / 1e6
        print(f"{titles} titles, {size:.0f} MB, ONIX 3.0 reference; medians of {rounds} rounds, from import to verdict")
        runs: dict[str, list[tuple[float, ...]]] = {name: [] for name in PROBES}
        for _ in range(rounds):  # interleaved: the machine's moods fall on both alike
            for name in PROBES:
                found, *measured = _run(name, path)
                if found:
                    raise SystemExit(f"{name} has {found} findings in a valid message")
                runs[name].append(tuple(measured))
        began = perf_counter()
        for _ in range(3):
            schema.check(records, PARTNER)
        gate = len(records) * 3 / (perf_counter() - began)
    _table(runs, titles)
    print(f"\nThe gate before a message is written (500 rendered records in one parse): {gate:,.0f} records a second")


def write(path: Path, titles: int, spoilt: int = 0) -> list[Any]:
    """A message of so many titles, the first `spoilt` of them with a form that does not exist; gives some of its records."""
    renderer = renderer_for(PARTNER, HOUSE)
    kept = []
    with path.open("wb") as out, renderer.message(out, Header(1, datetime(2026, 11, 21, tzinfo=UTC))) as message:
        for number in range(1, titles + 1):
            record = renderer.render(_title(number), TODAY)
            message.add(record.body.replace(b"<ProductForm>BC", b"<ProductForm>QQ") if number <= spoilt else record)
            if number <= 500:
                kept.append(record)
    return kept


def _title(number: int) -> Product:
    words = "The tide turned before anybody in the harbour had thought of looking at the clock. "
    work = Work(
        id=number,
        title=f"The Tide Clock, Book {number}",
        imprint="Lantern Fiction",
        contributors=tuple(
            Contributor(place, role, person_name=f"Ana {number} Lima", names_before_key="Ana", key_names="Lima", biography=words * 6)
            for place, role in enumerate(("A01", "A12", "B06"), start=1)
        ),
        subjects=(
            *(Subject("10", f"FIC{code:06}") for code in (19000, 27000, 0)),
            Subject("93", "FBA", main=True),
            Subject("20", "", "tides; clocks"),
        ),
        texts=(
            Text("02", words * 3),
            Text("03", f"<p>{words * 12}</p><p><em>{words}</em>{words * 6}</p>", html=True),
            Text("04", "<ul>" + "".join(f"<li>Chapter {chapter}: {words}</li>" for chapter in range(20)) + "</ul>", html=True),
        ),
        resources=(Resource(number, f"https://example.com/{number}.jpg", width=1600, height=2400, updated=TODAY),),
    )
    product = Product(
        id=number, work=work, isbn=_isbn(number), full_title=work.title, form="BC", publishing_status="04", sold_worldwide=True
    )
    return replace(
        product,
        publication_date=date(2026, 1, 15),
        pages=320,
        height_mm=Decimal(198),
        width_mm=Decimal(129),
        prices=(Price(Decimal("9.99"), "GBP", "02"),),
    )


def _isbn(number: int) -> str:
    digits = f"9781{number:08}"
    return digits + str(-sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits)) % 10)


def _same_findings(path: Path) -> None:
    write(path, 400, spoilt=10)
    counts = {name: _run(name, path)[0] for name in PROBES}
    print(f"findings in 400 titles of which 10 are spoilt: {counts}")
    if len(set(counts.values())) != 1:
        raise SystemExit("the two do not find the same")


def _run(name: str, path: Path) -> tuple[int, float, float, float]:
    """Findings, seconds, processor seconds, peak megabytes."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    code = MEASURE.format(probe=PROBES[name])
    done = subprocess.run([sys.executable, "-c", code, str(path)], env=environment, capture_output=True, text=True, check=True)
    found, seconds, processor, megabytes = json.loads(done.stdout)
    return found, seconds, processor, megabytes


def _table(runs: dict[str, list[tuple[float, ...]]], titles: int) -> None:
    def median(name: str, column: int) -> float:
        return statistics.median(run[column] for run in runs[name])

    print(f"\n{'':<10} {'seconds':>8} {'processor':>10} {'titles/s':>9} {'peak MB':>8}   {'time':>6} {'processor':>10} {'memory':>7}")
    for name, measured in runs.items():
        seconds, processor, megabytes = (median(name, column) for column in range(3))
        ratios = [median(name, column) / median("onixcheck", column) for column in range(3)]
        print(
            f"{name:<10} {seconds:>8.1f} {processor:>10.1f} {titles / seconds:>9,.0f} {megabytes:>8.0f}   "
            f"{ratios[0]:>5.2f}× {ratios[1]:>9.2f}× {ratios[2]:>6.2f}×   "
            f"({min(run[0] for run in measured):.1f} to {max(run[0] for run in measured):.1f} s)"
        )


def _option(argv: Sequence[str], name: str, default: int) -> int:
    return next((int(value.split("=", 1)[1]) for value in argv if value.startswith(f"{name}=")), default)


if __name__ == "__main__":
    main(sys.argv[1:])
