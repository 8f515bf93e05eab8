"""Sales by territory and imprint, period and currency of payment, with the sources that they re-add to.

Every line of a batch that counts is in exactly one row: of a title that nobody knows, of what a person said is none of ours, of what names
no product (fees, corrections), each under its own word instead of an imprint; where the report says no territory, that is a row, too.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy.orm import Session

from include.errors import PermanentError
from include.ledger import rights
from include.ledger.sales_rows import SalesBatchRow
from include.rights.flags import Belongs
from include.rights.gathered import SUMS
from include.sales.totals import EXACT, Sums, key_of

NOT_KNOWN = "(title not known)"
NONE_OF_OURS = "(none of ours)"
NO_PRODUCT = "(no product named)"
NO_IMPRINT = "(no imprint)"
NOT_TOLD = "(not told)"
"""Instead of a territory."""

Key = tuple[str, str, str, str]  # period, imprint, territory, currency


@dataclass(frozen=True, slots=True)
class Source:
    """What the extract has of one batch, period and currency."""

    batch: int
    source: str
    file: str
    period: str
    currency: str
    sums: Sums


@dataclass(slots=True)
class Extract:
    """Rows by period, imprint, territory and currency, and what they were added up from."""

    rows: dict[Key, Sums] = field(default_factory=dict)
    sources: list[Source] = field(default_factory=list)

    def add(
        self,
        session: Session,
        batch: SalesBatchRow,
        table: pa.Table,
        periods: Collection[str],
        *,
        belongs: Belongs | None = None,
        territories: Collection[str] = (),
    ) -> None:
        """The lines of one batch (`gathered.SCHEMA`) of these periods; of one recipient's titles and territories alone where that is
        said, else all, whatever is known of them."""
        table = table.filter(pc.is_in(table.column("period"), pa.array(sorted(periods), pa.string())))
        if territories:
            table = table.filter(pc.is_in(table.column("territory"), pa.array(sorted(territories), pa.string())))
        if not table.num_rows:
            return
        coded = table.combine_chunks().column("product").combine_chunks().dictionary_encode()
        coded = coded.chunk(0) if isinstance(coded, pa.ChunkedArray) else coded
        imprints = _imprints(session, batch.id, coded.dictionary.to_pylist(), belongs)
        named = pa.array(imprints, pa.string()).take(coded.indices)
        table = table.append_column("imprint", named)
        if belongs is not None:
            table = table.filter(pc.is_valid(table.column("imprint")))
        grouped = table.group_by(["period", "imprint", "territory", "currency"], use_threads=False)
        of_parts: dict[tuple[str, str], Sums] = {}
        for row in grouped.aggregate([(name, "sum") for name in SUMS]).to_pylist():
            sums = Sums(*(row[f"{name}_sum"] for name in SUMS))
            key = (row["period"], row["imprint"], row["territory"] or NOT_TOLD, row["currency"])
            self.rows.setdefault(key, Sums()).add(sums)
            of_parts.setdefault((row["period"], row["currency"]), Sums()).add(sums)
        for (period, currency), sums in sorted(of_parts.items()):
            self.sources.append(Source(batch.id, batch.source, batch.name, period, currency, sums))

    def by_currency(self) -> dict[str, tuple[Sums, Sums]]:
        """Currency → what the rows come to, and what the sources come to."""
        found: dict[str, tuple[Sums, Sums]] = {}
        for key, sums in self.rows.items():
            found.setdefault(key[3], (Sums(), Sums()))[0].add(sums)
        for source in self.sources:
            found.setdefault(source.currency, (Sums(), Sums()))[1].add(source.sums)
        return dict(sorted(found.items()))

    def must_re_add(self, batches: Iterable[SalesBatchRow], periods: Collection[str]) -> None:
        """Of an extract of everything: its sources become what the ledger says of all batches that count. Raises `PermanentError` unless
        its rows come to that, to the digit: rows, units and money, currency by currency."""
        self.sources = [
            Source(
                batch.id,
                batch.source,
                batch.name,
                part.period,
                part.currency,
                Sums(part.rows, part.sold, part.returned, part.usage, part.net),
            )
            for batch in batches
            for part in sorted(batch.parts, key=lambda one: (one.period, one.currency))
            if part.period in periods and part.rows
        ]
        for currency, (rows, sources) in self.by_currency().items():
            if rows != sources:
                raise PermanentError(
                    f"the extract does not re-add to its batches in {currency or 'usage'}: {rows}, not {sources}",
                    where="finance extract",
                    todo="Nothing was sent. Run it again; if it stays, tell whoever keeps Colophon.",
                )


def _imprints(session: Session, batch_id: int, keys: list[str], belongs: Belongs | None) -> list[str | None]:
    """The imprint of each product of a report, or the word that stands for it; None where it is not the recipient's."""
    known = {key_of(type, value): one for type, value, one in rights.products_of(session, batch_id)}
    works = rights.works(session, {one.work_id for one in known.values() if one.work_id is not None})
    found: list[str | None] = []
    for key in keys:
        one = known.get(key)
        work = None if one is None or one.ignored else one.work_id
        if one is not None and work is not None:
            imprint = works.get(work, ("", ""))[1] or NO_IMPRINT
            found.append(imprint if belongs is None or belongs(work, one.product_id) else None)
        elif belongs is not None:
            found.append(None)
        elif one is not None and one.ignored:
            found.append(NONE_OF_OURS)
        else:
            found.append(NOT_KNOWN if key else NO_PRODUCT)
    return found


def net(sums: Sums) -> Decimal:
    """Without empty decimals beyond the cents: equal amounts are written alike."""
    written = format(sums.net.normalize(EXACT), "f")
    whole, _, cents = written.partition(".")
    return Decimal(f"{whole}.{cents:0<2}")
