"""What is said of one product: its checks, and what they come to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any


class CheckState(StrEnum):
    DONE = "done"
    MISSING = "missing"  # still to come, and in time
    LATE = "late"  # should have been there
    NOT_ASKED = "not asked"  # said for information; nothing waits for it


class State(StrEnum):
    READY = "ready"  # all that is asked for is there
    OPEN = "open"  # something is missing, nothing is late
    LATE = "late"
    PUBLISHED = "published"


@dataclass(frozen=True, slots=True)
class Check:
    """One check of one product. `code` and `name` are the same for everybody; `message` says what was found, `todo` what to do.

    `due` is the day by which it must be done, none where there is no such day. No message says how many days are left: it must
    read the same tomorrow.
    """

    code: str
    name: str
    state: CheckState
    message: str
    todo: str = ""
    due: date | None = None

    @property
    def open(self) -> bool:
        return self.state in {CheckState.MISSING, CheckState.LATE}

    def to_json(self) -> dict[str, Any]:
        due = self.due.isoformat() if self.due else ""
        return {
            "code": self.code, "name": self.name, "state": self.state.value, "message": self.message,
            "todo": self.todo if self.open else "", "due": due,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Readiness:
    """How ready a product is on one day. `release` is its date of publication, or the planned one; `stable_until` is the first day
    on which the same sources may read differently. `checks` in their fixed order."""

    state: State
    late: bool
    risk: str  # "", low, high
    checks: tuple[Check, ...]
    release: date | None
    stable_until: date | None

    @property
    def done(self) -> int:
        return sum(check.state is CheckState.DONE for check in self.checks)

    @property
    def wanted(self) -> int:
        """How many checks are asked for."""
        return sum(check.state is not CheckState.NOT_ASKED for check in self.checks)


@dataclass(frozen=True, slots=True)
class File:
    """A current version of a title's file, as far as readiness asks; fields as in `TitleFileRow`."""

    product_id: int | None
    kind: str
    part: str
    revision: str
    name: str
    media_type: str
    sha256: str
    approval: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Todo:
    """A to-do of a calendar, matched to a title. `done` is None where the calendar does not say."""

    name: str
    due: date | None
    done: bool | None
