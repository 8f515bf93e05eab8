"""Import workbooks: rows/s and peak memory of ours against openpyxl as it is mostly used, and XlsxWriter alone in constant memory.

All write the same sixteen columns of a sales import. Ours checks every cell, keeps every digit, adds up totals, hashes the rows and reads
none of it back; openpyxl gets plain values appended to a sheet in memory, XlsxWriter `write_row` with floats. They take turns, so that what
else a machine does meets all of them; told are medians, and of each turn how many times as fast ours was. `--quick`: a fifth, once.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from statistics import median

ROWS, TURNS = 100_000, 3

COMMON = """
import resource, sys, time
from datetime import date
from decimal import Decimal
from pathlib import Path
rows, folder = int(sys.argv[1]), Path(sys.argv[2])
day = date(2026, 9, 30)

def values(n):
    return ["ISBN", f"97819150{n % 100000:05d}", "4101", day, Decimal("9.99"), "Shop Ltd", n % 7 + 1, Decimal(n % 5000) / 100, None, None,
            "GB", "GBP", None, None, "report-2026-09.csv", "Colophon sales batch 12, 3 lines"]
"""
OURS = """
from include.store import ArtefactStore
from include.workbooks.prepare import Row, write
from include.workbooks.template import load_template
template = load_template("sales").model_copy(update={"rows": 1_000_000})
names = [column.field for column in template.columns]

def made():
    for n in range(rows):
        one = values(n)
        yield Row(dict(zip(names, one)), {"sold": Decimal(one[6]), "GBP": one[7]}, where=f"row {n}")

def refuse(row, why):
    raise why

store = ArtefactStore(str(folder))
began = time.perf_counter()
(one,) = write(store, template, made(), refuse)
took = time.perf_counter() - began
assert one.rows == rows
"""
OPENPYXL = """
from openpyxl import Workbook
book = Workbook()
began = time.perf_counter()
for n in range(rows):
    book.active.append([str(value) if isinstance(value, date) else value for value in values(n)])
book.save(folder / "naive.xlsx")
took = time.perf_counter() - began
"""
XLSXWRITER = """
import xlsxwriter
book = xlsxwriter.Workbook(str(folder / "plain.xlsx"), {"constant_memory": True})
sheet = book.add_worksheet()
began = time.perf_counter()
for n in range(rows):
    sheet.write_row(n, 0, [str(one) if isinstance(one, date) else float(one) if isinstance(one, Decimal) else one for one in values(n)])
book.close()
took = time.perf_counter() - began
"""
TOLD = """
print(took, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""
WAYS = (("ours", OURS), ("openpyxl, in memory", OPENPYXL), ("XlsxWriter, constant memory", XLSXWRITER))


def main(argv: Sequence[str] = ()) -> None:
    rows, turns = (ROWS // 5, 1) if "--quick" in argv else (ROWS, TURNS)
    print(f"{rows:,} rows of 16 columns, {turns} in turn\n")
    measured = [[_measure(way, rows) for _, way in WAYS] for _ in range(turns)]
    print(f"{'':<30} {'rows/s':>10} {'peak MB':>9}   ours is so many times as fast")
    for place, (name, _) in enumerate(WAYS):
        mine = [turn[place] for turn in measured]
        faster = "" if not place else " ".join(f"{turn[place][0] / turn[0][0]:>5.2f}" for turn in measured)
        print(
            f"{name:<30} {rows / median(one[0] for one in mine):>10,.0f} {max(one[1] for one in mine):>9,}   {faster}".rstrip(), flush=True
        )


def _measure(way: str, rows: int) -> tuple[float, int]:
    """Seconds and MB, in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="colophon-bench-") as folder:
        words = [sys.executable, "-W", "ignore", "-c", COMMON + way + TOLD, str(rows), folder]
        done = subprocess.run(words, capture_output=True, text=True, check=True)
    seconds, peak = done.stdout.split()
    return float(seconds), int(peak)


if __name__ == "__main__":
    main(sys.argv[1:])
