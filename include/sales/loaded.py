"""What became of a report: what the command prints, the page shows and the flow goes by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from include.ledger.sales_rows import Overlap, SalesBatchRow
from include.sales.balance import money
from include.sales.reading import Rejects
from include.sales.totals import Sums

TOLD = 1_000  # rejected rows that are told one by one


@dataclass(frozen=True, slots=True)
class Loaded:
    """`batch`: its number; of a report that came again, the number of the batch that has its lines; None where nothing is recorded.

    `totals` are the report's own, by currency of payment (empty: usage without money); `parts` are what counts now, by period and
    currency: of a restated report perhaps the difference alone. `choice` says what it is to those before. `controls` and `reasons` are as
    the batch keeps them. `rejects` holds the rows that could not be read.
    """

    name: str
    sha256: str
    bytes: int
    source: str
    layout: str
    state: str
    overlap: Overlap
    choice: str
    period: tuple[str, str]
    rows: int
    rejected: int
    totals: Mapping[str, Sums]
    parts: Mapping[tuple[str, str], Sums]
    controls: tuple[Mapping[str, Any], ...] = ()
    reasons: tuple[Mapping[str, Any], ...] = ()
    skipped: Mapping[str, int] = field(default_factory=dict)
    notes: Mapping[str, int] = field(default_factory=dict)
    rejects: Rejects = field(default_factory=Rejects)
    batch: int | None = None
    replaces: tuple[int, ...] = ()
    same_as: tuple[int, ...] = ()

    @property
    def ok(self) -> bool:
        """Nothing for a person to look at."""
        return self.state not in {"unbalanced", "refused"} and not self.rejected

    def recorded(self, row: SalesBatchRow) -> Loaded:
        """With the batch that it became."""
        return replace(self, batch=row.id, state=str(row.state))

    def to_json(self) -> dict[str, Any]:
        """Amounts are decimal strings."""
        return {
            "file": self.name, "sha256": self.sha256, "bytes": self.bytes,
            "batch": self.batch, "source": self.source, "layout": self.layout,
            "state": self.state, "overlap": str(self.overlap), "choice": self.choice, "replaces": list(self.replaces),
            "same_as": list(self.same_as), "period": {"from": self.period[0], "to": self.period[1]},
            "currencies": [code for code in self.totals if code], "rows": self.rows, "rejected": self.rejected,
            "units": sum(sums.sold - sums.returned for sums in self.totals.values()),
            "usage": sum(sums.usage for sums in self.totals.values()),
            "net": {code: money(sums.net, code) for code, sums in self.totals.items() if code},
            "totals": [{"currency": code, **_told(sums, code)} for code, sums in self.totals.items()],
            "parts": [{"period": period, "currency": code, **_told(sums, code)} for (period, code), sums in self.parts.items()],
            "controls": [dict(one) for one in self.controls], "reasons": [dict(one) for one in self.reasons],
            "skipped": dict(self.skipped), "notes": dict(self.notes),
            "rejected_rows": [one.to_json() for one in islice(self.rejects, TOLD)],
        }  # fmt: skip


def _told(sums: Sums, currency: str) -> dict[str, Any]:
    told = {"rows": sums.rows, "sold": sums.sold, "returned": sums.returned, "usage": sums.usage}
    return told | ({"net": money(sums.net, currency)} if currency else {})
