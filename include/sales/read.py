"""Lines of batches, read back: as they are, or with the titles that they are of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa
from sqlalchemy.orm import Session

from include.errors import PermanentError
from include.ledger import sales
from include.ledger.sales_rows import SalesBatchRow
from include.sales import store
from include.sales.lines import SCHEMA
from include.sales.totals import key_of, product_keys
from include.store import ArtefactStore

_NAMES_IT = ("id_type", "id_value", "title")
JOINED = (("batch", pa.int64()), ("work_id", pa.int64()), ("product_id", pa.int64()))


def lines(artefacts: ArtefactStore, batch: SalesBatchRow, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
    """A batch's lines (`include.sales.lines.SCHEMA`) in the order of the report, in record batches; these columns, else all.

    Raises `PermanentError` where the artefact is missing or a column is not known.
    """
    if unknown := set(columns or ()) - set(SCHEMA.names):
        raise PermanentError(f"lines have no column {sorted(unknown)[0]!r}", todo=f"Known: {', '.join(SCHEMA.names)}.")
    return store.in_store(artefacts, batch.lines, columns)


def joined(
    session: Session, artefacts: ArtefactStore, batches: Sequence[SalesBatchRow | int], columns: Sequence[str]
) -> Iterator[pa.RecordBatch]:
    """Lines of several batches, one after the other, with these columns and `batch`, `work_id`, `product_id` (null: nobody knows which).

    Raises as `lines`, and `PermanentError` for a batch that is not there.
    """
    wanted = list(dict.fromkeys([*columns, *_NAMES_IT]))
    for one in batches:
        batch = sales.get(session, one) if isinstance(one, int) else one
        numbers: dict[str, int] = {}
        works: list[int | None] = []
        products: list[int | None] = []
        for id_type, id_value, work_id, product_id in sales.titles_of(session, batch.id):
            numbers[key_of(id_type, id_value)] = len(works)
            works.append(work_id)
            products.append(product_id)
        titles = (pa.array(works, pa.int64()), pa.array(products, pa.int64()))
        for part in lines(artefacts, batch, wanted):
            coded = product_keys(part).dictionary_encode()
            place = pa.array([numbers.get(key) for key in coded.dictionary.to_pylist()], pa.int64()).take(coded.indices)
            yield pa.RecordBatch.from_arrays(
                [*(part.column(name) for name in columns), pa.repeat(batch.id, part.num_rows), *(title.take(place) for title in titles)],
                schema=pa.schema([*(SCHEMA.field(name) for name in columns), *JOINED]),
            )
