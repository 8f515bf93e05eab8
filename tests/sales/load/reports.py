"""Reports as readers give them: lines written by hand, with what the report says of itself."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa

from include.ledger.database import Ledger
from include.partners.sources import SalesSource
from include.sales import digests, read
from include.sales import load as loading
from include.sales.facts import Report
from include.sales.lines import SCHEMA
from include.sales.loaded import Loaded
from include.sales.reading import Control, Notes, Rejected, Rejects
from include.store import ArtefactStore

NOW = datetime(2026, 10, 20, 9, 0, tzinfo=UTC)
SHOP = SalesSource(id="shop", name="The Shop", layouts=("shop",))
LAMP, SEA = "9781402894626", "9780306406157"


def line(isbn: str = LAMP, units: int = 1, net: str = "2.50", currency: str = "GBP", **other: Any) -> dict[str, Any]:
    """A sale of September 2026 unless said otherwise."""
    said = {
        "period": "2026-09", "date": date(2026, 9, 30), "id_type": "isbn", "id_value": isbn, "title": "The Lamp", "channel": "shop.example",
        "territory": "GB", "model": "sale", "kind": "sale" if units >= 0 else "return", "units": units, "net": Decimal(net),
        "currency": currency,
    }  # fmt: skip
    return said | other


def month(number: int, **other: Any) -> dict[str, Any]:
    """A line of that month of 2026."""
    return line(period=f"2026-{number:02d}", date=date(2026, number, 15), **other)


class Read:
    """A report that is being read, in batches of so many rows."""

    def __init__(
        self,
        lines: Iterable[dict[str, Any]],
        *,
        controls: Iterable[tuple[str, str, str]] = (),
        rejected: int = 0,
        period: tuple[date, date] | None = None,
        skipped: dict[str, int] | None = None,
        copied: Iterable[str] = (),
        rows_at_once: int = 3,
    ) -> None:
        self.lines = list(lines)
        self.controls = [Control(what, currency, Decimal(stated), f"row {n}") for n, (what, currency, stated) in enumerate(controls, 90)]
        self.rejects, self.notes, self.skipped, self.period = Rejects(), Notes(), Counter(skipped or {}), period
        for row in range(rejected):
            self.rejects.add(Rejected("Sheet 1", row + 50, "net", "n/a", "no-number", "'n/a' is no number", "Ask the sender."))
        self.copied = list(copied)
        self._rows_at_once = rows_at_once

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        numbered = [{"row": row, "sheet": ""} | one for row, one in enumerate(self.lines, 2)]
        for start in range(0, len(numbered), self._rows_at_once):
            yield pa.RecordBatch.from_pylist(numbered[start : start + self._rows_at_once], schema=SCHEMA)

    def found(self, control: Control) -> Decimal:
        mine = [one for one in self.lines if control.currency in {"", one["currency"]}]
        return Decimal(len(mine)) if control.what == "rows" else sum((Decimal(one[control.what]) for one in mine), Decimal(0))


def report(name: str = "september.csv", intake_id: int | None = None, bytes: bytes | None = None) -> Report:
    content = name.encode() if bytes is None else bytes
    return Report(name, hashlib.sha256(content).hexdigest(), len(content), "shop", intake_id)


def take(ledger: Ledger, store: ArtefactStore, lines: Iterable[dict[str, Any]] | Read, *, rule: str = "refuse", **other: Any) -> Loaded:
    """Loads lines as a report of the shop's."""
    reading = lines if isinstance(lines, Read) else Read(lines)
    source = other.pop("source", SHOP).model_copy(update={"restated": rule, "tolerance": Decimal(other.pop("tolerance", "0"))})
    dry_run, now = other.pop("dry_run", False), other.pop("now", NOW)
    return loading.take(ledger, store, source, report(**other), reading, now=now, who="ana", dry_run=dry_run)


def counted(ledger: Ledger, store: ArtefactStore) -> Counter[tuple[Any, ...]]:
    """All that counts, line by line: a line that is taken back is gone. Units and money as they add up."""
    from sqlalchemy import select

    from include.ledger.sales_lists import COUNTED
    from include.ledger.sales_rows import SalesBatchRow

    columns = ["period", "date", "id_value", "channel", "kind", "units", "net", "currency", "transaction"]
    found: Counter[tuple[Any, ...]] = Counter()
    with ledger.read() as session:
        batches = session.scalars(select(SalesBatchRow).where(SalesBatchRow.state.in_(COUNTED))).all()
    for batch in batches:
        for part in read.lines(store, batch, [*columns, "digest"]):
            back = digests.is_reversal(digests.lanes_of(part.column("digest"))[0]).tolist()
            for one, reversed_ in zip(part.to_pylist(), back, strict=True):
                sign = -1 if reversed_ else 1
                found[tuple(sign * one[name] if name in {"units", "net"} else one[name] for name in columns)] += sign
    return Counter({one: times for one, times in found.items() if times})


def expected(lines: Iterable[dict[str, Any]]) -> Counter[tuple[Any, ...]]:
    columns = ["period", "date", "id_value", "channel", "kind", "units", "net", "currency", "transaction"]
    return Counter(tuple(one.get(name) for name in columns) for one in lines)


def totals(ledger: Ledger) -> dict[tuple[str, str], tuple[int, int, int, Decimal]]:
    """Sold, returned, usage and net by period and currency, of all parts that count; checked against cells and products."""
    from sqlalchemy import select

    from include.ledger.sales_lists import COUNTED
    from include.ledger.sales_rows import SalesBatchRow, SalesCellRow, SalesPartRow, SalesProductRow

    with ledger.read() as session:
        parts = session.scalars(select(SalesPartRow).where(SalesPartRow.claim.is_not(None))).all()
        ids = session.scalars(select(SalesBatchRow.id).where(SalesBatchRow.state.in_(COUNTED))).all()
        cells = session.scalars(select(SalesCellRow).where(SalesCellRow.batch_id.in_(ids))).all()
        products = session.scalars(select(SalesProductRow).where(SalesProductRow.batch_id.in_(ids))).all()
    assert {part.batch_id for part in parts} == set(ids)
    for name in ("rows", "sold", "returned", "usage"):
        assert sum(getattr(one, name) for one in parts) == sum(getattr(one, name) for one in cells)
        assert sum(getattr(one, name) for one in parts) == sum(getattr(one, name) for one in products)
    assert sum(one.net for one in parts) == sum(one.net for one in cells)
    assert sum(one.net for one in parts) == sum(Decimal(net) for one in products for net in one.net.values())
    found: dict[tuple[str, str], tuple[int, int, int, Decimal]] = {}
    for part in parts:
        sold, returned, usage, net = found.get((part.period, part.currency), (0, 0, 0, Decimal(0)))
        added = (sold + part.sold, returned + part.returned, usage + part.usage, net + part.net)
        found[part.period, part.currency] = added
    return {key: values for key, values in sorted(found.items()) if any(values)}
