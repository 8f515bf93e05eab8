"""Canonical lines as Parquet artefacts: the same lines give the same bytes, however they came in batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow as pa
import pyarrow.parquet as pq

from include.sales.lines import SCHEMA
from include.store import ArtefactStore

ROWS = 1 << 15  # in a row group, and in a batch that is read
_UNIQUE = ("row", "net", "transaction", "digest")  # as good as every line has its own: a dictionary would only cost
_OPTIONS = {
    "version": "2.6",
    "compression": "zstd",
    "compression_level": 1,
    "use_dictionary": [name for name in SCHEMA.names if name not in _UNIQUE],
    "write_statistics": True,
    "store_schema": True,
}


def even(batches: Iterable[pa.RecordBatch], rows: int = ROWS) -> Iterator[pa.RecordBatch]:
    """The same lines in batches of so many rows; the last one has the rest."""
    waiting: list[pa.RecordBatch] = []
    number = 0
    for batch in batches:
        start = 0
        while number + batch.num_rows - start >= rows:
            piece = batch.slice(start, rows - number)
            start += piece.num_rows
            yield _one([*waiting, piece])
            waiting, number = [], 0
        if start < batch.num_rows:
            waiting.append(batch.slice(start))
            number += batch.num_rows - start
    if waiting:
        yield _one(waiting)


def _one(pieces: list[pa.RecordBatch]) -> pa.RecordBatch:
    return pieces[0] if len(pieces) == 1 else pa.concat_batches(pieces)


class Lines:
    """A local file of lines that is being written, as a context manager: give it batches of `ROWS` rows, the last may have fewer."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows = 0
        self._writer = pq.ParquetWriter(path, SCHEMA, **_OPTIONS)

    def write(self, batch: pa.RecordBatch) -> None:
        self.rows += batch.num_rows
        self._writer.write_batch(batch, row_group_size=ROWS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._writer.close()


def in_file(path: Path, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
    """Lines of a local file, in its order, in batches of up to `ROWS`; of these columns alone where some are named."""
    with pq.ParquetFile(path, pre_buffer=False) as file:
        yield from file.iter_batches(batch_size=ROWS, columns=None if columns is None else list(columns), use_threads=False)


def in_store(store: ArtefactStore, sha256: str, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
    """Lines of an artefact. Raises `PermanentError` where it is missing."""
    with store.local(sha256) as path:
        yield from in_file(path, columns)
