"""A report's lines on their way in: read once, with digests, on the local disk, added up; then compared with what counts already."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from include.sales import differences, digests, store, totals
from include.sales.differences import Key, Marks, Side
from include.sales.lines import SCHEMA
from include.sales.overlap import Decision, Meeting, Part
from include.store import ArtefactStore


@dataclass(frozen=True, slots=True)
class Staged:
    """Lines of a report in a local file, with what they come to."""

    path: Path
    totals: totals.Totals

    @property
    def rows(self) -> int:
        return self.totals.rows

    @property
    def parts(self) -> list[Part]:
        return [Part(*key, sums.rows, self.totals.digest_of(*key)) for key, sums in self.totals.parts().items()]

    @property
    def digest(self) -> str:
        return digest_of(self.parts)


@dataclass(frozen=True, slots=True)
class Kept:
    """Where the lines of a batch that counts are, and what it has."""

    batch: int
    lines: str
    rows: int


def digest_of(parts: Sequence[Part]) -> str:
    """Of all lines, whatever their order; in hexadecimal."""
    told = "\n".join(f"{part.period}\t{part.currency}\t{part.rows}\t{part.digest:032x}" for part in sorted(parts, key=lambda one: one.key))
    return hashlib.sha256(told.encode()).hexdigest()


def stage(batches: Iterable[pa.RecordBatch], path: Path) -> Staged:
    """Reads a report's lines, in whatever batches they come. Raises what reading raises, and `RejectedData` for a line without period."""
    summed, ordinals = totals.Totals(), digests.Ordinals()
    place = SCHEMA.get_field_index("digest")
    with store.Lines(path) as lines:
        for batch in store.even(batches):
            totals.checked(batch)
            lanes = digests.hashes(batch)
            finished = digests.finished(lanes, ordinals.of(digests.keys(lanes, batch)))
            whole = batch.set_column(place, SCHEMA.field(place), digests.column(finished))
            lines.write(whole)
            summed.add(whole)
    return Staged(path, summed)


def again(batches: Iterable[pa.RecordBatch], path: Path) -> Staged:
    """Lines that have their digests already."""
    summed = totals.Totals()
    with store.Lines(path) as lines:
        for batch in store.even(batches):
            lines.write(batch)
            summed.add(batch)
    return Staged(path, summed)


class Comparer:
    """Compares staged lines with those of batches that count; the same question is worked out once."""

    def __init__(self, artefacts: ArtefactStore, staged: Staged, kept: Mapping[int, Kept]) -> None:
        self._artefacts, self._staged, self._kept = artefacts, staged, kept
        self._known: dict[tuple[object, ...], tuple[list[int], Marks]] = {}

    def __call__(self, meetings: Sequence[Meeting]) -> tuple[int, int]:
        """Lines of the report that the earlier batches lack, and lines of theirs that the report lacks."""
        _, marks = self._marks(meetings)
        return int(marks.new.sum()), sum(int(mask.sum()) for mask in marks.gone)

    def lines(self, decision: Decision) -> Iterator[pa.RecordBatch]:
        """The lines that count by this decision: the report's, in its order, then those that take earlier ones back."""
        whole = dict.fromkeys(decision.whole, 0)
        batches, marks = self._marks(decision.compared) if decision.compared else ([], None)
        new = marks.new if marks else np.zeros(self._staged.rows, np.bool_)
        yield from differences.marked(self._staged.path, new, lambda batch: differences.numbers(batch, whole) >= 0)
        if marks is None or not decision.reverses:
            return
        for batch, mask in zip(batches, marks.gone, strict=True):
            if mask.any():
                with self._artefacts.local(self._kept[batch].lines) as path:
                    for lines in differences.marked(path, mask):
                        yield differences.reversals(lines)

    def _marks(self, meetings: Sequence[Meeting]) -> tuple[list[int], Marks]:
        key = tuple((tuple(part.key for part in one.parts), tuple(each.id for each in one.earlier)) for one in meetings)
        if key not in self._known:
            mine: dict[Key, int] = {part.key: number for number, one in enumerate(meetings) for part in one.parts}
            theirs: dict[int, dict[Key, int]] = {}
            for number, one in enumerate(meetings):
                for each in one.earlier:
                    theirs.setdefault(each.batch, {})[each.part.key] = number
            with ExitStack() as stack:
                sides = [
                    Side(stack.enter_context(self._artefacts.local(self._kept[batch].lines)), self._kept[batch].rows, keys)
                    for batch, keys in sorted(theirs.items())
                ]
                self._known[key] = sorted(theirs), differences.compare(Side(self._staged.path, self._staged.rows, mine), sides)
        return self._known[key]
