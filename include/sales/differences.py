"""Which lines of a report earlier batches lack, and which of theirs the report lacks: counted by digest, on any number of lines.

The digests are compared a share at a time, so that memory holds one share and a mark for each line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from include.sales import digests, store
from include.sales.totals import paid_in

SHARE = 500_000  # lines that are compared at once
_KEYED = ("period", "currency", "paid_currency", "paid", "net")
_SIGNED = ("units", "gross", "fees", "net", "paid")
Key = tuple[str, str]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Side:
    """Lines of one file, and which number of meeting each period and currency belongs to; others do not take part."""

    path: Path
    rows: int
    meetings: Mapping[Key, int]


@dataclass(frozen=True, slots=True)
class Marks:
    """`new`: lines of the report that the earlier batches lack; `gone`: of each of those, lines that the report lacks."""

    new: Mask
    gone: tuple[Mask, ...]


def compare(report: Side, earlier: Sequence[Side], *, share: int = SHARE) -> Marks:
    """Lines are equal if their digests are; a line counts as often as it is there, less the lines that take it back."""
    sides = [*earlier, report]
    marks = [np.zeros(side.rows, np.bool_) for side in sides]
    meetings = [np.concatenate([np.empty(0, np.int32), *_meetings(side)]) for side in sides]
    bits = max(0, (sum(side.rows for side in sides) - 1) // share).bit_length()
    for number in range(1 << bits):
        high, low, meeting, of_side, position = _share(sides, meetings, bits, number)
        if not len(high):
            continue
        back = digests.is_reversal(high)
        high &= np.uint64((1 << 63) - 1)
        order = np.lexsort((low, high, meeting))
        first = np.ones(len(order), np.bool_)
        for values in (low, high, meeting):
            ranked = values[order]
            if values is low:
                first[1:] = ranked[1:] != ranked[:-1]
            else:
                first[1:] |= ranked[1:] != ranked[:-1]
        line = np.cumsum(first) - 1
        mine = (of_side == len(earlier))[order]
        taken_back = back[order]
        count = int(line[-1]) + 1
        there, taken = (np.bincount(line[which], minlength=count) for which in (~mine & ~taken_back, ~mine & taken_back))
        reported = np.bincount(line[mine], minlength=count)
        for which, wanted in ((mine, reported - (there - taken)), (~mine & ~taken_back, (there - taken) - reported)):
            chosen = order[_first_of_each(line, which, wanted)]
            for place in range(len(sides)):
                marks[place][position[chosen[of_side[chosen] == place]]] = True
    return Marks(marks[-1], tuple(marks[:-1]))


def _first_of_each(line: npt.NDArray[np.int64], which: Mask, wanted: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Places of as many of each line as are wanted, among `which`."""
    places = np.flatnonzero(which)
    lines = line[places]
    starts = np.searchsorted(lines, lines)
    return np.asarray(places[np.arange(len(places)) - starts < wanted[lines]], np.int64)


def _meetings(side: Side) -> Iterator[npt.NDArray[np.int32]]:
    """Of each line the number of its meeting; -1 for none."""
    for batch in store.in_file(side.path, _KEYED):
        yield numbers(batch, side.meetings).astype(np.int32)


def _share(sides: Sequence[Side], meetings: Sequence[npt.NDArray[np.int32]], bits: int, number: int) -> tuple[Any, Any, Any, Any, Any]:
    found: list[tuple[Any, ...]] = []
    for place, side in enumerate(sides):
        start = 0
        for batch in store.in_file(side.path, ("digest",)):
            high, low = digests.lanes_of(batch.column("digest"))
            takes = np.ones(len(high), np.bool_)
            if bits:
                takes = (high << np.uint64(1)) >> np.uint64(64 - bits) == np.uint64(number)
            meeting = meetings[place][start : start + batch.num_rows]
            at = np.flatnonzero(takes & (meeting >= 0))
            found.append((high[at], low[at], meeting[at], np.full(len(at), place, np.int32), at + start))
            start += batch.num_rows
    if not found:
        return tuple(np.empty(0, np.uint64) for _ in range(5))  # type: ignore[return-value]
    high, low, meeting, of_side, position = (np.concatenate(each) for each in zip(*found, strict=True))
    return high, low, meeting, of_side, position


def numbers(batch: pa.RecordBatch, by_key: Mapping[Key, int]) -> npt.NDArray[np.int64]:
    """Of each line the number of its period and currency of payment; -1 where they have none."""
    pays, _ = paid_in(batch)
    keys = pc.binary_join_element_wise(pc.fill_null(batch.column("period"), ""), pays, "\x1f").dictionary_encode()
    known = [by_key.get((key.partition("\x1f")[0], key.partition("\x1f")[2]), -1) for key in keys.dictionary.to_pylist()]
    return np.asarray(np.array(known, np.int64)[keys.indices.to_numpy(zero_copy_only=False)])


def marked(path: Path, mask: Mask, also: Callable[[pa.RecordBatch], Mask] | None = None) -> Iterator[pa.RecordBatch]:
    """The marked lines of a file, and those that `also` picks."""
    start = 0
    for batch in store.in_file(path):
        takes = mask[start : start + batch.num_rows]
        start += batch.num_rows
        if also is not None:
            takes = takes | also(batch)
        if takes.any():
            yield batch.filter(pa.array(takes))


def reversals(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Lines that take these back: signs turned, digest marked, all else (also `kind`) as it was."""
    columns = []
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        if name in _SIGNED:
            columns.append(pc.negate(column))
        elif name == "digest":
            columns.append(digests.reversed_(column))
        else:
            columns.append(column)
    return pa.record_batch(columns, schema=batch.schema)
