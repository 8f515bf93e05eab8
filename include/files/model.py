"""What is said of one file: its kind, what it is made of, why it was refused, what a check found."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any

from include.errors import RejectedData


class Kind(StrEnum):
    MANUSCRIPT = "manuscript"
    QUESTIONNAIRE = "questionnaire"  # author questionnaire
    PERMISSION = "permission"
    ARTWORK = "artwork"
    JACKET = "jacket"  # cover and jacket, as artwork for review or print
    INTERIOR = "interior"  # typeset pages
    EBOOK = "ebook"
    AUDIO = "audio"
    CONTRACT = "contract"
    STATEMENT = "statement"  # royalty statement
    PROMOTIONAL = "promotional"
    UNKNOWN = "unknown"


class Severity(StrEnum):
    FAIL = "fail"  # a person must decide
    WARN = "warn"
    NOTE = "note"


class Refused(RejectedData):
    """A file that is set aside: `code` names the reason for programs, the sentences are for people."""

    def __init__(self, code: str, what: str, *, where: str = "", todo: str = "") -> None:
        super().__init__(what, where=where, todo=todo)
        self.code = code

    def as_reason(self) -> dict[str, str]:
        """{code, message, where, todo}, as the ledger keeps it."""
        return {"code": self.code, "message": self.what, "where": self.where, "todo": self.todo}


@dataclass(frozen=True, slots=True)
class Sniffed:
    """What the bytes say. `extension` is the usual one for them (".pdf"), lower-case; `family` is pdf, image, epub, audio,
    video, document, archive, text, xml, spreadsheet or other."""

    media_type: str
    extension: str
    family: str


@dataclass(frozen=True, slots=True)
class Clues:
    """What a name, a path, a sidecar or a file's own metadata say. Empty means: nothing."""

    isbns: tuple[str, ...] = ()  # ISBN-13, check digit verified, in the order found
    wrong_isbns: tuple[str, ...] = ()  # look like ISBNs, but the check digit is wrong
    work_references: tuple[str, ...] = ()
    contract_ids: tuple[int, ...] = ()
    kind: Kind = Kind.UNKNOWN
    part: str = ""  # text, cover, jacket, 01 (a chapter), ...
    revision: str = ""
    rank: int = 0  # orders revisions: "2.1" → 20001, "3" → 30000; 0: none
    dated: date | None = None
    title: str = ""  # words that may be a title
    contributor: str = ""
    found_in: tuple[str, ...] = ()  # "name", "path", "sidecar", "inside", "rule": where the identifiers come from

    def to_json(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if value} | ({"dated": self.dated.isoformat()} if self.dated else {})


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing a check found in one file."""

    code: str
    severity: Severity
    message: str
    todo: str = ""
    where: str = ""  # page, track, member
    file: str = ""

    def to_json(self) -> dict[str, str]:
        return {name: str(value) for name, value in asdict(self).items() if value}


@dataclass(frozen=True, slots=True)
class Checked:
    """A file's findings, gravest first, and what was measured: pages, trim_mm, pixels, seconds, bitrate, ..."""

    findings: tuple[Finding, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def fails(self) -> bool:
        return any(finding.severity is Severity.FAIL for finding in self.findings)


def rank(revision: str) -> int:
    """A number that orders revisions: "3" → 30000, "2.1" → 20001, "" → 0. Beyond 99,999 or what is no revision: 0."""
    major, _, minor = revision.partition(".")
    if not (major.isdecimal() and (minor.isdecimal() or not minor) and len(major) <= 5 and len(minor) <= 4):
        return 0
    return int(major) * 10_000 + int(minor or 0)
