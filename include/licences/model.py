"""What a licence says, as frozen values: one term of it, who said so, and what a synchronisation did.

A term is *unknown* until somebody says it: silence is never permission. That something has no end (`perpetual`) or no limit
(`unlimited`) is a statement with a source of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

Value = str | int | bool | list[str] | None
Problem = dict[str, str]
"""{what, where, todo}: one sentence each, for the log, the command and the page."""

FIELDS = (
    "use", "editorial_only", "releases", "restrictions", "territories", "starts", "ends", "print_run", "formats", "new_editions",
    "agreement_ends", "availability",
)  # fmt: skip
"""Terms of a licence. `restrictions`: prose that somebody must read; `availability`: whether the agency still has the asset."""

LABELS = {
    "use": "Permitted use", "editorial_only": "Editorial use only", "releases": "Releases", "restrictions": "Restrictions in words",
    "territories": "Territories", "starts": "Start", "ends": "End", "print_run": "Print run", "formats": "Formats",
    "new_editions": "New editions", "agreement_ends": "End of the agreement", "availability": "At the agency",
}  # fmt: skip
UNPUBLISHED = ("ends", "territories", "print_run")
"""What Getty's API tells of no licence: known from an agreement, an invoice or a person alone."""

FORMATS = ("print", "ebook", "audio", "web", "promotion")
ROLES = ("cover", "interior", "promotion")
GETTY = "getty"


class TermState(StrEnum):
    KNOWN = "known"
    UNLIMITED = "unlimited"
    PERPETUAL = "perpetual"
    UNKNOWN = "unknown"


_STATES = {str(state): state for state in TermState}
_BESIDE = ("reference", "checked_at", "checked_by", "note")


class Source(StrEnum):
    """Who said so. In this order one's word stands above another's; of prose and agreement the narrower one stands."""

    PERSON = "person"
    INVOICE = "invoice"
    PROSE = "prose"
    AGREEMENT = "agreement"
    API = "api"


@dataclass(frozen=True, slots=True)
class Term:
    """One statement about one term.

    `value`: a list of ISO 3166-1 alpha-2 codes (territories), of `FORMATS`, of `ROLES` (use), of sentences (restrictions); an ISO day
    (starts, ends, agreement_ends); a number (print_run); a flag (editorial_only); `allowed` or `needs a licence` (new_editions); else
    text. `reference`: contract, invoice, sheet and row. `checked_at`: ISO day or moment.
    """

    state: TermState = TermState.UNKNOWN
    value: Value = None
    source: str = ""
    reference: str = ""
    checked_at: str = ""
    checked_by: str = ""
    note: str = ""

    @property
    def known(self) -> bool:
        return self.state != TermState.UNKNOWN

    @property
    def values(self) -> tuple[str, ...]:
        return tuple(str(one) for one in self.value) if isinstance(self.value, list) else ()

    def same_as(self, other: Term | None) -> bool:
        """Whether it says the same, whenever and by whomever it was looked at."""
        return other is not None and replace(self, checked_at="", checked_by="") == replace(other, checked_at="", checked_by="")

    def shown(self) -> str:
        """For people."""
        match self.state:
            case TermState.UNKNOWN:
                return "unknown"
            case TermState.UNLIMITED:
                return "no limit"
            case TermState.PERPETUAL:
                return "perpetual"
        if isinstance(self.value, bool):
            return "yes" if self.value else "no"
        if isinstance(self.value, int):
            return f"{self.value:,}"
        if isinstance(self.value, list):
            return ", ".join(self.values) or "none"
        return str(self.value or "")

    def to_json(self) -> dict[str, Any]:
        """Without what is empty, except for state and source."""
        told: dict[str, Any] = {"state": str(self.state), "source": str(self.source)}
        if self.value is not None:
            told["value"] = self.value
        for name in _BESIDE:
            if value := getattr(self, name):
                told[name] = value
        return told

    @classmethod
    def from_json(cls, told: Mapping[str, Any], asked: str = "") -> Term:
        """`asked`: when it was looked at last, where that says more than what is kept."""
        get = told.get
        return cls(
            _STATES[get("state") or "unknown"], get("value"), str(get("source") or ""), str(get("reference") or ""),
            asked or str(get("checked_at") or ""), str(get("checked_by") or ""), str(get("note") or ""),
        )  # fmt: skip


Said = dict[str, dict[str, Term]]
"""All statements: {field: {source: Term}}."""


@dataclass(frozen=True, slots=True)
class Synced:
    """What a run of `licence_sync` did. `counts`: new, changed, withdrawn, linked licences, …; `problems`: parts that Getty does not allow,
    notes that name no title of ours, orders that can't be read."""

    counts: dict[str, int] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {"counts": dict(sorted(self.counts.items())), "problems": list(self.problems)}


@dataclass(frozen=True, slots=True)
class SheetLoaded:
    """A sheet of invoice terms: how many rows it has, could not be used, changed something; `answer`: artefact of the marked sheet."""

    sheet_id: int
    name: str
    rows: int
    bad: int
    applied: int
    unchanged: int
    answer: str
    reasons: tuple[Problem, ...] = ()

    def to_json(self) -> dict[str, Any]:
        names = ("sheet_id", "name", "rows", "bad", "applied", "unchanged", "answer")
        return {name: getattr(self, name) for name in names} | {"reasons": list(self.reasons)}
