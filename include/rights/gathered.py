"""A batch's lines added up by product, period, territory, model and currency of payment: exact, and once.

Ten million lines become the few that rights and money depend on. What the sums are *of* (title, imprint, rights held) is looked up when a
report is made, so that neither a late match nor changed rights need the lines again.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from sqlalchemy.orm import Session

from include.errors import PermanentError
from include.ledger import rights
from include.ledger.database import Ledger
from include.ledger.sales_rows import SalesBatchRow
from include.sales import read
from include.sales.lines import MONEY, Kind, Model
from include.sales.totals import SOLD, paid_in, product_keys
from include.store import ArtefactStore

VERSION = 1
"""Count it up whenever the same lines would be added up differently: they are read once more then."""
KEYS = ("product", "period", "currency", "territory", "model")
SUMS = ("rows", "sold", "returned", "usage", "net")
SCHEMA = pa.schema([*((name, pa.string()) for name in KEYS), *((name, pa.int64()) for name in SUMS[:-1]), ("net", MONEY)])
_NEEDS = ("period", "id_type", "id_value", "title", "territory", "model", "kind", "units", "net", "currency", "paid", "paid_currency")
_OFTEN = 300_000  # rows of partial sums that are added up before more are kept


def of_batch(ledger: Ledger, store: ArtefactStore, batch: SalesBatchRow, now: datetime) -> pa.Table:
    """The sums of a batch (`SCHEMA`, in the order of its keys), kept for the next who asks. `product` is as `totals.product_keys` says."""
    with ledger.read() as session:
        if (known := _known(session, store, batch)) is not None:
            return known
    table = add_up(read.lines(store, batch, _NEEDS))
    with tempfile.TemporaryDirectory(prefix="colophon-rights-") as folder:
        path = Path(folder) / "summary.parquet"
        pq.write_table(table, path, compression="zstd", version="2.6")
        sha256 = store.put(path).sha256
    with ledger.session() as session:
        rights.keep_summary(session, batch.lines, VERSION, sha256, table.num_rows, now=now)
    return table


def seen(session: Session, store: ArtefactStore, batch: SalesBatchRow) -> pa.Table:
    """As `of_batch`, for pages: nothing is written, so sums that nobody has kept yet are made of the lines while the page waits."""
    known = _known(session, store, batch)
    return add_up(read.lines(store, batch, _NEEDS)) if known is None else known


def add_up(batches: Iterable[pa.RecordBatch]) -> pa.Table:
    """Lines with the columns that are needed → sums by `KEYS`, sorted by them."""
    parts: list[pa.Table] = []
    for batch in batches:
        parts.append(_added(_facts(batch)))
        if sum(part.num_rows for part in parts[1:]) > max(_OFTEN, parts[0].num_rows):
            parts = [_added(pa.concat_tables(parts))]
    if not parts:
        return SCHEMA.empty_table()
    whole = _added(pa.concat_tables(parts)) if len(parts) > 1 else parts[0]
    return whole.sort_by([(name, "ascending") for name in KEYS]).combine_chunks()


def must_agree(batch: SalesBatchRow, table: pa.Table) -> None:
    """Raises `PermanentError` unless the sums come to the batch's parts, to the digit."""
    grouped = table.group_by(["period", "currency"], use_threads=False).aggregate([(name, "sum") for name in SUMS])
    found = {(row["period"], row["currency"]): tuple(row[f"{name}_sum"] for name in SUMS) for row in grouped.to_pylist()}
    told = {(part.period, part.currency): (part.rows, part.sold, part.returned, part.usage, part.net) for part in batch.parts if part.rows}
    if found != told:
        first = next(key for key in sorted({*found, *told}) if found.get(key) != told.get(key))
        what = f"{first[0]} {first[1] or 'usage'}: {found.get(first)} of lines, {told.get(first)} told"
        raise PermanentError(
            f"its lines do not come to its totals for {what}",
            where=f"batch {batch.id} ({batch.name})",
            todo="Nothing was reported. Undo the batch and load its file again; tell whoever keeps Colophon.",
        )


def _known(session: Session, store: ArtefactStore, batch: SalesBatchRow) -> pa.Table | None:
    sha256 = rights.summary(session, batch.lines, VERSION)
    if sha256 is None or not store.exists(sha256):
        return None
    with store.local(sha256) as path:
        return pq.read_table(path, use_threads=False, memory_map=False)


def _facts(batch: pa.RecordBatch) -> pa.Table:
    pays, money = paid_in(batch)
    model, units = pc.fill_null(batch.column("model"), ""), pc.fill_null(batch.column("units"), 0)
    back = pc.equal(pc.fill_null(batch.column("kind"), ""), str(Kind.RETURN))
    sells = pc.or_(pc.is_in(model, pa.array([str(one) for one in SOLD])), pc.equal(model, ""))
    used = pc.and_(pc.invert(sells), pc.not_equal(model, str(Model.ADJUSTMENT)))

    def where(mask: Any, of: Any) -> Any:
        return pc.if_else(mask, of, pa.scalar(0, pa.int64()))

    columns = {
        "product": product_keys(batch), "period": batch.column("period"), "currency": pays,
        "territory": pc.fill_null(batch.column("territory"), ""), "model": model,
        "rows": pa.repeat(pa.scalar(1, pa.int64()), batch.num_rows),
        "sold": where(pc.and_(sells, pc.invert(back)), units), "returned": where(pc.and_(sells, back), pc.negate(units)),
        "usage": where(used, units), "net": money,
    }  # fmt: skip
    return pa.table([_plain(columns[name]) for name in SCHEMA.names], schema=SCHEMA)


def _plain(column: Any) -> Any:
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def _added(table: pa.Table) -> pa.Table:
    grouped = table.group_by(list(KEYS), use_threads=False).aggregate([(name, "sum") for name in SUMS])
    return grouped.rename_columns([name.removesuffix("_sum") for name in grouped.column_names]).select(SCHEMA.names).cast(SCHEMA)
