"""Cases of tests/data/sales: a report as given, and what a person who added it up by hand wants to see."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from include.partners.sources import SalesSource
from include.sales import extract
from include.sales.extract import Reading
from include.sales.layout import load_layouts
from include.sales.recognise import Recognised, recognise

DATA = Path(__file__).parents[1] / "data" / "sales"
LAYOUTS = load_layouts()
SOURCE = SalesSource(id="somebody", name="Somebody", layouts=())


@dataclass
class Read:
    """A report that was read to its end."""

    layout: str
    reading: Reading
    lines: list[dict[str, Any]] = field(default_factory=list)

    def total(self, what: str, by: str = "currency") -> dict[str, Decimal]:
        sums: dict[str, Decimal] = {}
        for line in self.lines:
            if line[what] is not None:
                sums[line[by] or ""] = sums.get(line[by] or "", Decimal(0)) + line[what]
        return sums

    def summary(self) -> dict[str, Any]:
        """In the shape of want.json."""
        usage = {"usage", "page reads"}
        first, last = self.reading.period or (None, None)
        return {
            "layout": self.layout,
            "period": [str(first), str(last)],
            "rows": self.reading.rows,
            "lines": len(self.lines),
            "sold": sum(line["units"] or 0 for line in self.lines if line["kind"] == "sale" and line["model"] not in usage),
            "returned": -sum(line["units"] or 0 for line in self.lines if line["kind"] == "return" and line["model"] not in usage),
            "usage": sum(line["units"] or 0 for line in self.lines if line["model"] in usage),
            "net": {code: plain(amount) for code, amount in sorted(self.total("net").items())},
            "paid": {code: plain(amount) for code, amount in sorted(self.total("paid", "paid_currency").items())},
            "products": dict(sorted(Counter(f"{line['id_type']}:{line['id_value']}" for line in self.lines).items())),
            "models": dict(sorted(Counter(line["model"] for line in self.lines).items())),
            "territories": dict(sorted(Counter(line["territory"] or "" for line in self.lines).items())),
            "skipped": dict(self.reading.skipped),
            "rejected": [[one.row, one.column, one.code] for one in self.reading.rejects],
            "controls": sorted(
                [one.what, one.currency, plain(one.stated), plain(self.reading.found(one))] for one in self.reading.controls
            ),
        }


def plain(amount: Decimal) -> str:
    text = format(amount, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def given(case: Path) -> Path:
    return next(path for path in sorted(case.iterdir()) if path.name.startswith("given"))


def name_of(case: Path) -> str:
    """What the file was called: the first line of SOURCE.md."""
    return (case / "SOURCE.md").read_text(encoding="utf-8").splitlines()[0].removeprefix("# ").strip()


def want(case: Path) -> dict[str, Any]:
    return dict(json.loads((case / "want.json").read_text(encoding="utf-8")))


def read(path: Path, name: str = "", *, source: SalesSource = SOURCE, rows_at_once: int = 50_000) -> Read:
    recognised = recognise(path, name or path.name, LAYOUTS)
    assert isinstance(recognised, Recognised), str(recognised)
    reading = extract.read(path, name or path.name, recognised, source, rows_at_once=rows_at_once)
    found = Read(recognised.layout.id, reading)
    for batch in reading:
        found.lines += batch.to_pylist()
    return found
