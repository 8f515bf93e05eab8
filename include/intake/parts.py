"""Which of its kind a file is, where its name does not say so: two pictures of one book are two things, two revisions of one are not."""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePosixPath

from include.files.model import Clues, Kind

MANY = frozenset({Kind.ARTWORK, Kind.PERMISSION, Kind.PROMOTIONAL, Kind.CONTRACT, Kind.STATEMENT, Kind.UNKNOWN})
"""Kinds of which a title has several at once: without a part, one would pass for a revision of the other."""

_ISBN = re.compile(r"(?<![0-9])(?:97[89][-\s_.]?)?(?:[0-9][-\s_.]?){9}[0-9Xx](?![0-9])")
_REVISION = re.compile(r"(?<![a-z0-9])(?:v|ver|version|rev|revision|r)[-_. ]?[0-9]+(?:\.[0-9]+)?(?![a-z0-9])", re.IGNORECASE)
_COPY = re.compile(r"\s*\([0-9]{1,2}\)\s*$|(?<![a-z])(?:final|copy|copy of|new|neu|latest)(?![a-z])", re.IGNORECASE)
_DAY = re.compile(r"(?<![0-9])(?:20[0-9]{2}[-_.]?[01][0-9][-_.]?[0-3][0-9]|[0-3]?[0-9][-_.][01]?[0-9][-_.]20[0-9]{2})(?![0-9])")
_LONGEST = 60


def part_of(path: str, kind: Kind, clues: Clues, contract_id: int | None = None) -> str:
    """The part that the clues say; for kinds of which there are many, else what is left of the file's name without ISBN, revision and
    date (a statement keeps its date: each period has its own). Documents of a contract bear its number first."""
    part = clues.part
    if not part and kind in MANY:
        stem = PurePosixPath(path.replace("!", "/")).name
        stem = stem.rsplit(".", 1)[0] if "." in stem[1:] else stem
        patterns = (_ISBN, _REVISION, _COPY) if kind is Kind.STATEMENT else (_DAY, _ISBN, _REVISION, _COPY)
        for pattern in patterns:
            stem = pattern.sub(" ", stem)
        part = "-".join(re.findall(r"[^\W_]+", unicodedata.normalize("NFKC", stem).casefold()))
    if contract_id is not None and kind in {Kind.CONTRACT, Kind.STATEMENT, Kind.PERMISSION}:
        part = f"{contract_id}-{part}".rstrip("-")
    return part[:_LONGEST].rstrip("-")
