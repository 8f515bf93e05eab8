"""What was sold or used where no rights are held, or where nobody can say whether they are: batch by batch, from its sums.

Asked anew each time: when rights or matches change, flags come and go with them, and no line is read again. Lines of titles that nobody
knows have no rights to look at; they wait in the queue of sales.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy.orm import Session

from include.ledger import rights, sales
from include.ledger.rights import Known
from include.ledger.sales_rows import SalesBatchRow
from include.rights import gathered
from include.rights.held import Finding, Rights, of_any
from include.sales.lines import Model
from include.sales.totals import Sums, key_of
from include.store import ArtefactStore

_FINDINGS = (Finding.HELD, Finding.NOT_HELD, Finding.UNKNOWN, Finding.NOT_TOLD)
Belongs = Callable[[int, int | None], bool]
"""Work id and product id (None: the edition is not known) → whether the title is the recipient's."""
_AT_ONCE = 5_000  # rows that are Python's for a moment
_FIRST = {Finding.NOT_HELD: 0, Finding.UNKNOWN: 1, Finding.NOT_TOLD: 2}


@dataclass(frozen=True, slots=True)
class Flag:
    """Lines of one batch, title, territory, period, model and currency of payment. `product_id` 0: the edition is not known.

    `net` is exact; `currency` is empty where no money is. `model`: sale, rental, subscription, library, page reads, usage, free.
    """

    finding: Finding
    why: str
    batch: int
    source: str
    file: str
    period: str
    work_id: int
    product_id: int
    isbn: str
    title: str
    imprint: str
    territory: str
    model: str
    rows: int
    sold: int
    returned: int
    usage: int
    net: Decimal
    currency: str

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"finding": str(self.finding), "net": format(self.net, "f")}


@dataclass(frozen=True, slots=True)
class _Title:
    work_id: int
    product_id: int
    isbn: str
    title: str
    imprint: str
    rights: tuple[Rights, ...]

    def at(self, territory: str) -> Finding:
        return self.rights[0].at(territory) if self.product_id else of_any(self.rights, territory)

    def why(self, territory: str) -> str:
        if self.product_id:
            return self.rights[0].why(territory)
        words = {Finding.NOT_HELD: "none of its editions is for sale there", Finding.NOT_TOLD: "the report says no territory"}
        return words.get(self.at(territory), "the report names no edition, and Consonance does not say of all of them")


def of_batch(session: Session, store: ArtefactStore, batch_id: int, *, most: int = 0) -> list[Flag]:
    """Flags of a batch: rights not held first, then the most units; at most so many, 0: all. Raises `PermanentError` if there is no such
    batch or its lines are missing."""
    batch = sales.get(session, batch_id)
    found = of_sums(session, batch, gathered.seen(session, store, batch))
    return found[:most] if most else found


def of_title(session: Session, store: ArtefactStore, *, product_id: int = 0, work_id: int = 0, batches: int = 24) -> list[Flag]:
    """Flags of a product, else of a work, in its newest batches."""
    ids = rights.batches_with(session, product_id=product_id or None, work_id=work_id or None)[:batches]
    found: list[Flag] = []
    for id in ids:
        batch = sales.get(session, id)
        known = _known(session, batch, product_id=product_id, work_id=0 if product_id else work_id)
        found += of_sums(session, batch, gathered.seen(session, store, batch, known), known=known)
    return found


def of_sums(
    session: Session,
    batch: SalesBatchRow,
    table: pa.Table,
    *,
    periods: Collection[str] | None = None,
    known: dict[str, Known] | None = None,
) -> list[Flag]:
    """Flags of a batch whose sums (`gathered.SCHEMA`) are these, of these periods alone where some are named. `known`: what its products
    are, where that was looked up already."""
    return of_mine(session, batch, table, periods=periods, known=known)[0]


def of_mine(
    session: Session,
    batch: SalesBatchRow,
    table: pa.Table,
    *,
    periods: Collection[str] | None = None,
    known: dict[str, Known] | None = None,
    belongs: Belongs | None = None,
    territories: Collection[str] = (),
) -> tuple[list[Flag], dict[tuple[str, str], Sums]]:
    """As `of_sums`, of one recipient's titles and territories alone where that is said; and what the flagged lines come to by period and
    currency, added up apart from the flags."""
    table = table.filter(pc.not_equal(table.column("model"), str(Model.ADJUSTMENT)))  # money alone: nothing was sold or used by it
    if periods is not None:
        table = table.filter(pc.is_in(table.column("period"), pa.array(sorted(periods), pa.string())))
    if territories:
        table = table.filter(pc.is_in(table.column("territory"), pa.array(sorted(territories), pa.string())))
    if not table.num_rows:
        return [], {}
    table = table.combine_chunks()
    products, places = (table.column(name).combine_chunks().dictionary_encode() for name in ("product", "territory"))
    products, places = (one.chunk(0) if isinstance(one, pa.ChunkedArray) else one for one in (products, places))
    titles = _titles(session, _known(session, batch) if known is None else known, products.dictionary.to_pylist())
    if belongs is not None:
        titles = [one if one is not None and belongs(one.work_id, one.product_id or None) else None for one in titles]
    findings = _findings(titles, places.dictionary.to_pylist())
    kinds, place = (one.indices.to_numpy(zero_copy_only=False) for one in (products, places))
    flagged = np.flatnonzero(findings[kinds, place])
    if not len(flagged):
        return [], {}
    kept = table.take(pa.array(flagged)).append_column("title", pa.array(kinds[flagged].astype(np.int64)))
    grouped = kept.group_by(["period", "currency"], use_threads=False).aggregate([(name, "sum") for name in gathered.SUMS])
    come_to = {(row["period"], row["currency"]): Sums(*(row[f"{name}_sum"] for name in gathered.SUMS)) for row in grouped.to_pylist()}
    return _told(batch, kept, titles), come_to


def _told(batch: SalesBatchRow, table: pa.Table, titles: Sequence[_Title | None]) -> list[Flag]:
    sums: dict[tuple[int, int, str, str, str, str], Sums] = {}
    of: dict[tuple[int, int, str, str, str, str], _Title] = {}
    for row in (row for some in table.to_batches(max_chunksize=_AT_ONCE) for row in some.to_pylist()):
        title = titles[row["title"]]
        if title is None:
            continue
        key = (title.work_id, title.product_id, row["territory"], row["period"], row["model"], row["currency"])
        sums.setdefault(key, Sums()).add(Sums(*(row[name] for name in gathered.SUMS)))
        of[key] = title
    found = []
    for key, its in sums.items():
        if not (its.sold or its.returned or its.usage or its.net):
            continue  # taken back by a later line of the same report
        title, (work, product, territory, period, model, currency) = of[key], key
        found.append(Flag(
            title.at(territory), title.why(territory), batch.id, batch.source, batch.name, period, work, product, title.isbn, title.title,
            title.imprint, territory, model or str(Model.SALE), its.rows, its.sold, its.returned, its.usage, its.net, currency,
        ))  # fmt: skip
    return sorted(found, key=order)


def order(one: Flag) -> tuple[Any, ...]:
    """To sort by: rights not held first, then the most units."""
    units = abs(one.sold) + abs(one.returned) + abs(one.usage)
    return _FIRST[one.finding], -units, one.title, one.isbn, one.work_id, one.product_id, one.territory, one.period, one.model, one.currency


def _known(session: Session, batch: SalesBatchRow, **of: int) -> dict[str, Known]:
    return {key_of(type, value): known for type, value, known in rights.products_of(session, batch.id, **of)}


def _titles(session: Session, known: dict[str, Known], keys: Sequence[str]) -> list[_Title | None]:
    """The title of each product of a report; None where nobody knows, or it is none of ours."""
    mine = [None if (one := known.get(key)) is None or one.ignored or one.work_id is None else one for key in keys]
    whole = {one.work_id for one in mine if one is not None and one.product_id is None and one.work_id is not None}
    editions: dict[int, list[int]] = {}
    for product, work in rights.editions(session, whole):
        editions.setdefault(work, []).append(product)
    ids = {one.product_id for one in mine if one is not None and one.product_id is not None}
    ids |= {product for some in editions.values() for product in some}
    rows = {id: (work, isbn, title, Rights.written(content)) for id, work, isbn, title, content in rights.titles(session, ids)}
    works = rights.works(session, whole | {row[0] for row in rows.values()})
    found: list[_Title | None] = []
    for one in mine:
        if one is None or one.work_id is None:
            found.append(None)
        elif one.product_id is None:
            held = tuple(rows[id][3] for id in editions.get(one.work_id, ()) if id in rows)
            found.append(_Title(one.work_id, 0, "", *works.get(one.work_id, ("", "")), held or (Rights(),)))
        else:
            work, isbn, title, held_by = rows.get(one.product_id, (one.work_id, "", "", Rights()))
            found.append(_Title(work, one.product_id, isbn, title, works.get(work, ("", ""))[1], (held_by,)))
    return found


def _findings(titles: Sequence[_Title | None], territories: Sequence[str]) -> Any:
    """Of each title (row) in each territory (column) the place of its finding in `_FINDINGS`; 0 where nothing is to be said."""
    known: dict[tuple[bool, tuple[Rights, ...]], list[int]] = {}
    found = np.zeros((len(titles), len(territories)), np.int8)
    for number, title in enumerate(titles):
        if title is None:
            continue
        key = (bool(title.product_id), title.rights)
        if key not in known:
            known[key] = [_FINDINGS.index(title.at(territory)) for territory in territories]
        found[number] = known[key]
    return found
