"""What comes of reading a report beside its lines: what was refused, what was passed over, what the report itself says it comes to."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

SPOOL = 8 << 20  # bytes of refused rows held in memory
_NAMED_AT_MOST = 200  # different notes kept


@dataclass(frozen=True, slots=True)
class Rejected:
    """One cell, or row (`column` is empty), that can't be read: its row is no line."""

    sheet: str
    row: int
    column: str
    value: str
    code: str
    message: str
    todo: str

    def to_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Control:
    """What the report says it comes to. `what`: rows, units (signed), sold, returned (positive), usage, net, gross, fees, paid.

    `sheets`: only lines of these count for it (`sheet` of the line); empty: all. `models`: likewise; units of page reads and usage are
    only in `usage`, whatever the models.
    """

    what: str
    currency: str
    stated: Decimal
    where: str
    sheets: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    times: int = 1  # rows that state just this

    def to_json(self) -> dict[str, Any]:
        return {"what": self.what, "currency": self.currency, "stated": format(self.stated, "f"), "from": self.where}


class Rejects:
    """Refused rows, on disk where they are many; iterable as often as wanted."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=SPOOL, mode="w+", encoding="utf-8")  # noqa: SIM115 lives as long as this
        self._at_end = True
        self.rows = 0
        self.codes: Counter[str] = Counter()
        self._last: tuple[str, int] = ("", 0)

    def add(self, one: Rejected, rows: int = 1) -> None:
        """`rows`: how many rows of the report it holds."""
        if not self._at_end:
            self._file.seek(0, 2)
            self._at_end = True
        self._file.write(json.dumps(one.to_json(), ensure_ascii=False) + "\n")
        self.codes[one.code] += 1
        if (one.sheet, one.row) != self._last:  # several cells of one row come together
            self.rows += rows
            self._last = (one.sheet, one.row)

    def __len__(self) -> int:
        return self.rows

    def __iter__(self) -> Iterator[Rejected]:
        self._at_end = False
        self._file.seek(0)
        for line in self._file:
            yield Rejected(**json.loads(line))


class Notes:
    """Things people should know that stop nothing, counted: `territory 'Ruritania' is not known`."""

    def __init__(self) -> None:
        self.counted: Counter[str] = Counter()

    def add(self, note: str, times: int = 1) -> None:
        if note in self.counted or len(self.counted) < _NAMED_AT_MOST:
            self.counted[note] += times
