"""The flags of one recipient's report, and what they re-add to: each batch's flagged lines, added up apart from them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

import pyarrow as pa
from sqlalchemy.orm import Session

from include.errors import PermanentError
from include.ledger.sales_rows import SalesBatchRow
from include.rights import flags
from include.rights.finance import Source
from include.rights.flags import Belongs, Flag
from include.sales.totals import Sums


@dataclass(slots=True)
class Flagged:
    """`found`: rights not held first, once all batches are in."""

    found: list[Flag] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)

    def add(
        self, session: Session, batch: SalesBatchRow, table: pa.Table, periods: Collection[str], belongs: Belongs | None,
        territories: Collection[str],
    ) -> None:  # fmt: skip
        """A batch whose sums (`gathered.SCHEMA`) are these. Raises `PermanentError` unless its flags come to its flagged lines, to the
        digit."""
        found, come_to = flags.of_mine(session, batch, table, periods=periods, belongs=belongs, territories=territories)
        for (period, currency), sums in sorted(come_to.items()):
            self.sources.append(Source(batch.id, batch.source, batch.name, period, currency, sums))
            its = _sum(one for one in found if (one.period, one.currency) == (period, currency))
            if _amounts(its) != _amounts(sums):
                raise PermanentError(
                    f"the flags of {period} {currency or 'usage'} do not come to the lines that are flagged: {its}, not {sums}",
                    where=f"batch {batch.id} ({batch.name})",
                    todo="Nothing was reported. Run it again; if it stays, tell whoever keeps Colophon.",
                )
        self.found = sorted([*self.found, *found], key=flags.order)

    def by_currency(self) -> dict[str, tuple[Sums, Sums]]:
        """Currency → what the flags come to, and what their sources come to."""
        currencies = {one.currency for one in self.sources}
        return {
            currency: (
                _sum(one for one in self.found if one.currency == currency),
                _sum(one.sums for one in self.sources if one.currency == currency),
            )
            for currency in sorted(currencies)
        }


def _sum(parts: Iterable[Flag | Sums]) -> Sums:
    whole = Sums()
    for one in parts:
        whole.add(Sums(one.rows, one.sold, one.returned, one.usage, one.net))
    return whole


def _amounts(sums: Sums) -> tuple[object, ...]:
    return sums.sold, sums.returned, sums.usage, sums.net
