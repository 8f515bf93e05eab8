"""Contracts as the mirror has them: Consonance's own fields, read into values. What Consonance does not tell is not there."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from include.titles.reading import Row, day, rows, text


@dataclass(frozen=True, slots=True)
class LicensedRight:
    """`author_cut` in percent of what a licence brings. Consonance tells nothing of its territory, language or term."""

    type: str
    author_cut: Decimal | None


@dataclass(frozen=True, slots=True)
class Due:
    """Something to be delivered under the contract."""

    what: str
    due: date | None
    slipped: date | None
    requirement: str = ""
    percent: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Contract:
    id: int
    work_id: int | None
    row: Row
    rights: Sequence[LicensedRight] = ()
    dues: Sequence[Due] = field(default=())

    @property
    def name(self) -> str:
        return text(self.row, "contractName")

    def day(self, key: str) -> date | None:
        return day(self.row, key)

    def words(self, key: str) -> str:
        """A text, or a number as it was written."""
        return text(self.row, key)

    def amount(self, key: str) -> Decimal | None:
        return _number(self.row.get(key))


def contract_of(id: int, work_id: int | None, content: bytes) -> Contract:
    """Of a row of the mirror."""
    row: Row = json.loads(content, parse_float=Decimal)
    licensed = [LicensedRight(text(one, "rightType"), _number(one.get("authorCut"))) for one in rows(row, "licensedRights")]
    dues = [_due(one) for one in rows(row, "deliveryDates")]
    return Contract(id, work_id, row, sorted(licensed, key=lambda one: (one.type, str(one.author_cut))), dues)


def _due(row: Row) -> Due:
    what, requirement = text(row, "deliverableType"), text(row, "deliveryRequirement")
    return Due(what, day(row, "dateDue"), day(row, "slippedDate"), requirement, _number(row.get("percentageOfTotal")))


def told(rights: Sequence[LicensedRight]) -> str:
    """In one cell: `Audio 75%; Translation 60%`."""
    parts = (f"{one.type or '(no type)'}{'' if one.author_cut is None else f' {one.author_cut.normalize():f}%'}" for one in rights)
    return "; ".join(dict.fromkeys(parts))


def _number(value: Any) -> Decimal | None:
    """A number as it was written, without empty decimals."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    return Decimal(format(Decimal(value).normalize(), "f"))
