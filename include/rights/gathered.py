"""A batch's lines added up by product, period, territory, model and currency of payment: exact, and once.

Ten million lines become the few that rights and money depend on. What the sums are *of* (title, imprint, rights held) is looked up when a
report is made, so that neither a late match nor changed rights need the lines again.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
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
_WIDTH, _MASK, _SEPARATOR = 32, (1 << 32) - 1, "\x1f"
_GROUP = 1 << 15  # rows of the kept sums that are read at least: they stand in the order of products
_OFTEN = 300_000  # rows of partial sums that are added up before more are kept


def of_batch(ledger: Ledger, store: ArtefactStore, batch: SalesBatchRow, now: datetime) -> pa.Table:
    """The sums of a batch (`SCHEMA`, in the order of its keys), kept for the next who asks. `product` is as `totals.product_keys` says."""
    with ledger.read() as session:
        if (known := _known(session, store, batch)) is not None:
            return known
    table = add_up(read.lines(store, batch, _NEEDS))
    with tempfile.TemporaryDirectory(prefix="colophon-rights-") as folder:
        path = Path(folder) / "summary.parquet"
        pq.write_table(table, path, compression="zstd", version="2.6", row_group_size=_GROUP)
        sha256 = store.put(path).sha256
    with ledger.session() as session:
        rights.keep_summary(session, batch.lines, VERSION, sha256, table.num_rows, now=now)
    return table


def seen(session: Session, store: ArtefactStore, batch: SalesBatchRow, products: Collection[str] = ()) -> pa.Table:
    """As `of_batch`, for pages: nothing is written, so sums that nobody has kept yet are made of the lines while the page waits.

    `products`: of these alone, where some are named; few of the kept sums are read then.
    """
    known = _known(session, store, batch, products)
    if known is not None:
        return known
    table = add_up(read.lines(store, batch, _NEEDS))
    return table.filter(pc.is_in(table.column("product"), pa.array(sorted(products), pa.string()))) if products else table


def add_up(batches: Iterable[pa.RecordBatch]) -> pa.Table:
    """Lines with the columns that are needed → sums by `KEYS`, sorted by them."""
    products, rests = _Codes(), _Codes()
    parts: list[pa.Table] = []
    for batch in batches:
        if not batch.num_rows:
            continue
        parts.append(_added(_facts(batch, products, rests)))
        if sum(part.num_rows for part in parts[1:]) > max(_OFTEN, parts[0].num_rows):
            parts = [_added(pa.concat_tables(parts))]
    if not parts:
        return SCHEMA.empty_table()
    whole = _added(pa.concat_tables(parts)).combine_chunks()
    codes = whole.column("key").to_numpy()
    named = [products.named(codes >> _WIDTH), *_split(rests.named(codes & _MASK))]
    sums = [whole.column(name) for name in SUMS]
    return pa.table([*named, *sums], schema=SCHEMA).sort_by([(name, "ascending") for name in KEYS]).combine_chunks()


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


def _known(session: Session, store: ArtefactStore, batch: SalesBatchRow, products: Collection[str] = ()) -> pa.Table | None:
    sha256 = rights.summary(session, batch.lines, VERSION)
    if sha256 is None or not store.exists(sha256):
        return None
    with store.local(sha256) as path:
        wanted = [("product", "in", sorted(products))] if products else None
        return pq.read_table(path, use_threads=False, filters=wanted)


class _Codes:
    """Texts as numbers: ten million lines have few different ones."""

    def __init__(self) -> None:
        self._known: dict[str, int] = {}

    def of(self, column: Any) -> npt.NDArray[np.int64]:
        coded = column.dictionary_encode()
        codes = [self._known.setdefault(text, len(self._known)) for text in coded.dictionary.to_pylist()]
        found: npt.NDArray[np.int64] = np.array(codes, np.int64)[coded.indices.to_numpy(zero_copy_only=False)]
        return found

    def named(self, codes: npt.NDArray[np.int64]) -> pa.Array:
        return pa.array(list(self._known), pa.string()).take(pa.array(codes))


def _facts(batch: pa.RecordBatch, products: _Codes, rests: _Codes) -> pa.Table:
    """Of each line its key (product, and all else that sums are by, as one number) and what is to be added."""
    pays, money = paid_in(batch)
    model, units = pc.fill_null(batch.column("model"), ""), pc.fill_null(batch.column("units"), 0)
    back = pc.equal(pc.fill_null(batch.column("kind"), ""), str(Kind.RETURN))
    sells = pc.or_(pc.is_in(model, pa.array([str(one) for one in SOLD])), pc.equal(model, ""))
    used = pc.and_(pc.invert(sells), pc.not_equal(model, str(Model.ADJUSTMENT)))
    rest = pc.binary_join_element_wise(batch.column("period"), pays, pc.fill_null(batch.column("territory"), ""), model, _SEPARATOR)

    def where(mask: Any, of: Any) -> Any:
        return pc.if_else(mask, of, pa.scalar(0, pa.int64()))

    columns = {
        "key": pa.array((products.of(product_keys(batch)) << _WIDTH) | rests.of(rest)),
        "rows": pa.repeat(pa.scalar(1, pa.int64()), batch.num_rows),
        "sold": where(pc.and_(sells, pc.invert(back)), units), "returned": where(pc.and_(sells, back), pc.negate(units)),
        "usage": where(used, units), "net": money,
    }  # fmt: skip
    return pa.table(columns)


def _split(texts: pa.Array) -> list[pa.Array]:
    coded = texts.dictionary_encode()
    cut = [text.split(_SEPARATOR) for text in coded.dictionary.to_pylist()]
    return [pa.array([one[place] for one in cut], pa.string()).take(coded.indices) for place in range(len(KEYS) - 1)]


def _added(table: pa.Table) -> pa.Table:
    grouped = table.group_by(["key"], use_threads=False).aggregate([(name, "sum") for name in SUMS])
    return grouped.rename_columns([name.removesuffix("_sum") for name in grouped.column_names])
