"""Sales reports of 3 and 10 million rows, read and added up exactly, against naive pandas, Polars and DuckDB on the same file.

All read the same CSV, give every amount its decimals, write the lines as Parquet, and sum units and net by month, channel, territory and
currency and by product. Ours does more: it recognises the layout, checks each ISBN, date and code, gives each line a digest that knows
equal lines apart, compares with the footer, and records the batch. Peers must come to the same net. Each runs in a process of its own; its
memory is what it took beyond its imports. `--quick` takes a twentieth.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ROWS = (3_000_000, 10_000_000)
LIMIT = 500  # megabytes of resident memory, imports and all
SHOPS = ("Harbour Books", "Lantern Shop", "Quay & Co", "Northgate", "Sea Room")
LANDS = ("GB", "US", "DE", "FR", "AU", "CA", "IE", "NZ")
CODES = ("GBP", "USD", "EUR")

MEASURED = """
import sys, time
def memory(which):
    with open("/proc/self/status") as told:
        return next(int(line.split()[1]) for line in told if line.startswith(which))
path, home = sys.argv[1:]
{imports}
before, began = memory("VmRSS"), time.perf_counter()
{work}
seconds = time.perf_counter() - began
print(seconds, memory("VmHWM") - before, memory("VmHWM"), " ".join(f"{{code}}={{net[code]}}" for code in sorted(net)))
"""

OURS = (
    """
from datetime import UTC, datetime
from pathlib import Path
from include.ledger.database import Ledger
from include.partners.sources import SalesSource
from include.sales.layout import load_layouts
from include.sales.load import load
from include.store import ArtefactStore
ledger, store = Ledger(home + "/ledger.sqlite"), ArtefactStore(home + "/store")
ledger.upgrade()
source, layouts = SalesSource(id="bench", name="bench", layouts=("generic",)), load_layouts()
""",
    """
loaded = load(ledger, store, source, Path(path), "bench.csv", layouts=layouts, now=datetime.now(UTC))
if loaded.state != "loaded":
    raise RuntimeError(loaded.reasons)
net = {code: sums.net for code, sums in loaded.totals.items()}
""",
)
PANDAS = (
    "from decimal import Decimal\nimport pandas, pyarrow, pyarrow.parquet",
    """
lines = pandas.read_csv(path, dtype=str).dropna(subset=["ISBN"])
for name in ("List price", "Gross", "Net"):
    lines[name] = lines[name].map(Decimal)
lines["Units"], lines["Date"] = lines["Units"].astype("int64"), pandas.to_datetime(lines["Date"])
lines["Month"] = lines["Date"].dt.strftime("%Y-%m")
cells = lines.groupby(["Month", "Channel", "Territory", "Currency"])[["Units", "Net"]].sum()
products = lines.groupby(["ISBN", "Currency"])[["Units", "Net"]].sum()
lines.to_parquet(home + "/lines.parquet", compression="zstd", index=False)
net = {code: sum(rows) for code, rows in cells["Net"].groupby("Currency")}
""",
)
POLARS = (
    "import polars",
    """
amount = polars.Decimal(38, 10)
lines = polars.scan_csv(path, infer_schema=False).filter(polars.col("ISBN") != "").with_columns(
    polars.col("List price", "Gross", "Net").cast(amount), polars.col("Units").cast(polars.Int64), polars.col("Date").str.to_date(),
)
lines.sink_parquet(home + "/lines.parquet", compression="zstd", compression_level=1)
lines = polars.scan_parquet(home + "/lines.parquet")
sums = [polars.len(), polars.col("Units").sum(), polars.col("Net").sum()]
cells = lines.group_by(polars.col("Date").dt.strftime("%Y-%m"), "Channel", "Territory", "Currency").agg(sums).collect(engine="streaming")
products = lines.group_by("ISBN", "Currency").agg(sums).collect(engine="streaming")
net = dict(cells.group_by("Currency").agg(polars.col("Net").sum()).iter_rows())
""",
)
DUCKDB = (
    "import duckdb",
    """
base = duckdb.connect(home + "/bench.duckdb")
base.execute("SET enable_progress_bar = false")
amounts = {name: "DECIMAL(38,10)" for name in ("List price", "Gross", "Net")}
columns = open(path).readline().strip().split(",")
types = {name: amounts.get(name, {"Units": "BIGINT"}.get(name, "VARCHAR")) for name in columns}
read = f"read_csv('{path}', header=true, columns={types}, nullstr='')"
out = home + "/lines.parquet"
lines = f"SELECT * REPLACE (CAST(Date AS DATE) AS Date) FROM {read} WHERE ISBN IS NOT NULL"
base.execute(f"COPY ({lines}) TO '{out}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)")
sums = "count(*), sum(Units), sum(Net) AS net"
month = "strftime(Date, '%Y-%m') AS month"
base.execute(f"CREATE TABLE cells AS SELECT {month}, Channel, Territory, Currency, {sums} FROM '{out}' GROUP BY ALL")
base.execute(f"CREATE TABLE products AS SELECT ISBN, Currency, {sums} FROM '{out}' GROUP BY ALL")
net = dict(base.execute("SELECT Currency, sum(net) FROM cells GROUP BY Currency").fetchall())
""",
)
PEERS = {"ours": OURS, "Polars": POLARS, "DuckDB": DUCKDB, "pandas, naive": PANDAS}


def report(path: Path, rows: int) -> dict[str, Decimal]:
    """A report in the generic layout with a footer for each currency; gives its net."""
    made, isbns = random.Random(5), [isbn(number) for number in range(20_000)]
    net, units = dict.fromkeys(CODES, 0), dict.fromkeys(CODES, 0)  # net in tenths of a cent
    with path.open("w", encoding="utf-8", newline="") as out:
        out.write("Date,Period,ISBN,Title,Author,Channel,Territory,Model,Type,Units,List price,Gross,Net,Currency,Transaction\n")
        for number in range(rows):
            title, back, many = int(made.random() * 20_000), made.random() < 0.04, 1 + int(made.random() * 3)
            price, code, sign = 499 + int(made.random() * 2500), CODES[number % 3], "-" if back else ""
            earned = price * many * 7
            net[code] += -earned if back else earned
            units[code] += -many if back else many
            out.write(
                f"2026-09-{1 + number % 30:02d},2026-09,{isbns[title]},The Lamp of Harbour {title},Ana Lima,{SHOPS[title % 5]},"
                f"{LANDS[number % 8]},sale,{'refund' if back else 'sale'},{sign}{many},{price / 100:.2f},"
                f"{sign}{price * many / 100:.2f},{sign}{earned // 1000}.{earned % 1000:03d},{code},T{number:09d}\n"
            )
        for code in CODES:
            out.write(f"Total,,,,,,,,,{units[code]},,,{Decimal(net[code]) / 1000},{code},\n")
    return {code: Decimal(amount) / 1000 for code, amount in net.items()}


def isbn(number: int) -> str:
    body = f"978140{number:06d}"
    return f"{body}{-sum(int(digit) * (1, 3)[place % 2] for place, digit in enumerate(body)) % 10}"


def run(name: str, path: Path, home: Path) -> tuple[float, float, float, dict[str, Decimal]]:
    """Seconds, megabytes beyond the imports, megabytes in all, net by currency."""
    home.mkdir()
    imports, work = PEERS[name]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", MEASURED.format(imports=imports, work=work), str(path), str(home)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "plugins")])},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{name}: {done.stderr[-2000:] or done.returncode}")
    seconds, more, whole, *nets = done.stdout.split()
    net = {code: Decimal(amount) for code, _, amount in (one.partition("=") for one in nets)}
    return float(seconds), int(more) / 1024, int(whole) / 1024, net


def main(argv: Sequence[str] = ()) -> None:
    part = 20 if "--quick" in argv else 1
    for rows in (number // part for number in ROWS):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "report.csv"
            net = report(path, rows)
            print(f"{rows:,} rows, {path.stat().st_size / 1e6:,.0f} MB", flush=True)
            mine = 0.0
            for name in PEERS:
                seconds, more, whole, found = run(name, path, Path(folder) / name.split(",")[0])
                if found != net:
                    raise RuntimeError(f"{name} comes to {found}, not {net}")
                told = f"  {name:<14} {rows / seconds:10,.0f} rows/s {more:+8,.0f} MB over the imports"
                if name == "ours":
                    mine = seconds
                    print(f"{told}, {whole:,.0f} MB in all; must be ≤ {LIMIT}: {'yes' if whole <= LIMIT else 'NO'}", flush=True)
                else:
                    print(f"{told} → {mine / seconds:.2f} of their time", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
