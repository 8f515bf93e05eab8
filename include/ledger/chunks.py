"""Many values, so many at a time: no statement may have more parameters than the database takes, and no page of rows all the memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")
CHUNK = 500  # below every database's limit of parameters


def chunks(items: Sequence[T], size: int = CHUNK) -> Iterator[Sequence[T]]:
    """Slices of at most `size`, in order; none of nothing. (`itertools.batched` comes with Python 3.12.)"""
    for start in range(0, len(items), size):
        yield items[start : start + size]
