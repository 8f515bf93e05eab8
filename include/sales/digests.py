"""Digests of lines: the same line has the same sixteen bytes in every file, format and order.

A digest says what a line says: not where it stands (`row`, `sheet`), nor in which report's period, so that a week's report and its
month's can be compared line by line. Words about a product that has an identifier are left out, too: shops reword titles. Equal lines
of one period in a file are all real, so the second of them has the ordinal 1, the third 2. A line that takes another one back has the
other's digest with its first bit set.

The digest of many lines is the sum of theirs, reversals subtracted: order does not matter, and what is added up may be compared.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Lane = npt.NDArray[np.uint64]
BYTES = 16
ADDS_UP_TO = 1 << 128
REVERSAL = 0x80  # of the first byte
WORDS = (
    "id_type", "id_value", "other_ids", "channel", "territory", "class_of_trade", "model", "kind", "list_currency", "price_basis",
    "currency", "paid_currency", "transaction",
)  # fmt: skip
ABOUT_IT = ("title", "author")  # only where nothing else says which product it is
AMOUNTS = ("list_price", "discount_percent", "gross", "fees", "net", "paid", "rate")
_LONG = 256  # bytes of a word that is hashed by itself
_SEEDS = (0x9E3779B97F4A7C15, 0xD1B54A32D192ED03)
_ONES = (1 << 64) - 1
_PARTITIONS = 16


def hashes(batch: pa.RecordBatch) -> tuple[Lane, Lane]:
    """Two lanes of 64 bits for each line, of all that it says but place and period. Nothing and an empty word are the same."""
    lanes = tuple(np.full(batch.num_rows, seed, np.uint64) for seed in _SEEDS)
    named = pc.greater(pc.utf8_length(pc.fill_null(batch.column("id_value"), "")), 0)
    for place, name in enumerate((*WORDS, *ABOUT_IT)):
        column = batch.column(name)
        if name in ABOUT_IT:
            column = pc.if_else(named, "", column)
        _fold(lanes, words(column), place)
    for place, name in enumerate(AMOUNTS, 40):
        _fold(lanes, _amounts(batch.column(name)), place)
    _fold(lanes, _numbers(batch.column("units")), 60)
    _fold(lanes, _numbers(batch.column("date")), 61)
    return lanes[0], lanes[1]


def keys(lanes: tuple[Lane, Lane], batch: pa.RecordBatch) -> Lane:
    """By what `Ordinals` knows a line: what it says, and its period."""
    return lanes[0] ^ _mixed(words(batch.column("period")) + np.uint64(_SEEDS[1]))


def finished(lanes: tuple[Lane, Lane], ordinals: Lane) -> tuple[Lane, Lane]:
    """Lanes of the digests: with each line's ordinal, and the first bit free."""
    high = _mixed(lanes[0] ^ (ordinals * np.uint64(_SEEDS[1])))
    low = _mixed(lanes[1] + (ordinals * np.uint64(_SEEDS[0])))
    return high & np.uint64((1 << 63) - 1), low


def column(lanes: tuple[Lane, Lane]) -> pa.Array:
    """Lanes as the column `digest`."""
    both = np.empty((len(lanes[0]), 2), ">u8")
    both[:, 0], both[:, 1] = lanes
    return pa.Array.from_buffers(pa.binary(BYTES), len(both), [None, pa.py_buffer(both.tobytes())])


def lanes_of(digests: pa.Array) -> tuple[Lane, Lane]:
    """The column `digest` as lanes."""
    both = np.frombuffer(digests.buffers()[1], ">u8", len(digests) * 2, digests.offset * BYTES).reshape(-1, 2).astype(np.uint64)
    return both[:, 0], both[:, 1]


def reversed_(digests: pa.Array) -> pa.Array:
    """Digests of the lines that take these back; of lines that are taken back twice, again the first."""
    high, low = lanes_of(digests)
    return column((high ^ np.uint64(REVERSAL << 56), low))


def is_reversal(high: Lane) -> npt.NDArray[np.bool_]:
    return high >= np.uint64(REVERSAL << 56)


def total(lanes: tuple[Lane, Lane]) -> int:
    """The sum of the digests, reversals subtracted, modulo 2**128."""
    high, low = lanes
    back = is_reversal(high)
    return (_sum(high[~back], low[~back]) - _sum(high[back] & np.uint64((1 << 63) - 1), low[back])) % ADDS_UP_TO


def _sum(high: Lane, low: Lane) -> int:
    half, bits = np.uint64(0xFFFFFFFF), np.uint64(32)
    high_sum = int((high & half).sum()) + (int((high >> bits).sum()) << 32)
    low_sum = int((low & half).sum()) + (int((low >> bits).sum()) << 32)
    return (high_sum << 64) + low_sum


class Ordinals:
    """Counts equal lines while they pass: of each line, how many like it came before. Eight bytes for each line that was seen.

    A line is known by 64 bits here, and counted by itself only from its second time on.
    """

    def __init__(self) -> None:
        self._settled = [np.empty(0, np.uint64) for _ in range(_PARTITIONS)]
        self._recent = [np.empty(0, np.uint64) for _ in range(_PARTITIONS)]
        self._times: dict[int, int] = {}

    def of(self, keys: Lane) -> Lane:
        """Ordinals of these lines, in their order."""
        ordinals = np.zeros(len(keys), np.uint64)
        order = np.argsort(keys, kind="stable")
        ranked = keys[order]
        first = np.ones(len(keys), np.bool_)
        first[1:] = ranked[1:] != ranked[:-1]
        unique = ranked[first]
        known = self._known(unique)
        starts = np.flatnonzero(first)
        lengths = np.diff(np.append(starts, len(keys)))
        for at in np.flatnonzero(known | (lengths > 1)):
            key, start, length = int(unique[at]), int(starts[at]), int(lengths[at])
            before = self._times.get(key, int(known[at]))
            ordinals[order[start : start + length]] = np.arange(before, before + length, dtype=np.uint64)
            self._times[key] = before + length
        return ordinals

    def _known(self, unique: Lane) -> npt.NDArray[np.bool_]:
        """Which of these sorted keys were seen before; from now on all are."""
        edges = np.searchsorted(unique, np.arange(1, _PARTITIONS, dtype=np.uint64) << np.uint64(60))
        found = []
        for number, keys in enumerate(np.split(unique, edges)):
            settled, recent = self._settled[number], self._recent[number]
            here = _among(keys, settled) | _among(keys, recent)
            recent = np.concatenate([recent, keys[~here]])
            recent.sort()
            if len(recent) * 8 > len(settled) + (1 << 17):
                settled = np.concatenate([settled, recent])
                settled.sort()
                recent = np.empty(0, np.uint64)
            self._settled[number], self._recent[number] = settled, recent
            found.append(here)
        return np.concatenate(found)


def _among(keys: Lane, known: Lane) -> npt.NDArray[np.bool_]:
    if not len(known):
        return np.zeros(len(keys), np.bool_)
    at = np.searchsorted(known, keys)
    return np.asarray(known[np.minimum(at, len(known) - 1)] == keys)


# --- hashing


def words(column: Any) -> Lane:
    """64 bits for each text, the same on every machine; nothing counts as empty."""
    encoded = pc.fill_null(column, "").dictionary_encode()
    distinct = encoded.dictionary
    return np.asarray(_texts(distinct)[encoded.indices.to_numpy(zero_copy_only=False)], np.uint64)


def _texts(distinct: Any) -> Lane:
    count = len(distinct)
    lengths = pc.binary_length(distinct).to_numpy(zero_copy_only=False).astype(np.int64)
    result = _mixed(lengths.astype(np.uint64) * np.uint64(_SEEDS[0]))  # 0 for an empty one
    short = lengths <= _LONG
    kept = distinct.filter(pa.array(short)) if not short.all() else distinct
    sizes = lengths[short]
    width = -(-int(sizes.max(initial=0)) // 8) * 8
    if width:
        offsets = np.frombuffer(kept.buffers()[1], np.int32, len(kept) + 1, kept.offset * 4)
        data = np.frombuffer(kept.buffers()[2], np.uint8)[offsets[0] : offsets[-1]]
        square = np.zeros((len(kept), width), np.uint8)
        square[np.arange(width) < sizes[:, None]] = data
        mixed = result[short]
        for word in square.view(np.uint64).T:
            mixed = _mixed(mixed ^ word)
        result[short] = mixed
    for at in range(count) if not short.all() else ():
        if not short[at]:
            text = distinct[at].as_py().encode()
            result[at] = np.uint64(int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little"))
    return result


def _amounts(column: Any) -> Lane:
    """64 bits for each decimal; its scale is the column's, so 1.5 and 1.50 are one."""
    if column.null_count == len(column):
        return np.zeros(len(column), np.uint64)
    filled = pc.fill_null(column, 0)  # with an offset of its own
    halves = np.frombuffer(filled.buffers()[1], np.uint64).reshape(-1, 2)[filled.offset :][: len(column)]
    return _or_nothing(_mixed(_mixed(halves[:, 0] + np.uint64(_SEEDS[0])) ^ halves[:, 1]), column)


def _numbers(column: Any) -> Lane:
    if column.null_count == len(column):
        return np.zeros(len(column), np.uint64)
    plain = column.cast(pa.int32()) if pa.types.is_date32(column.type) else column
    values = pc.fill_null(plain, 0).to_numpy(zero_copy_only=False).astype(np.int64).view(np.uint64)
    return _or_nothing(_mixed(values + np.uint64(_SEEDS[1])), column)


def _or_nothing(values: Lane, column: Any) -> Lane:
    if column.null_count:
        return np.where(pc.is_null(column).to_numpy(zero_copy_only=False), np.uint64(0), values)
    return values


def _fold(lanes: tuple[Lane, ...], values: Lane, place: int) -> None:
    """Adds one column's hashes to each line's; where a line says nothing, nothing."""
    there = values != 0
    if not there.any():
        return
    for number, seed in enumerate(_SEEDS):
        lanes[number][:] ^= _mixed(values + np.uint64((seed * (2 * place + 1)) % ADDS_UP_TO & _ONES)) * there


def _mixed(values: Lane) -> Lane:
    """Each bit of the result hangs on each bit of the value (the finish of MurmurHash3, public domain)."""
    mixed = values ^ (values >> np.uint64(33))
    mixed *= np.uint64(0xFF51AFD7ED558CCD)
    mixed ^= mixed >> np.uint64(33)
    mixed *= np.uint64(0xC4CEB9FE1A85EC53)
    mixed ^= mixed >> np.uint64(33)
    return mixed
