"""Exports of the sandbox's royalties department, and what our code makes of them."""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from include.royalties.read import Found, Rules, read
from include.store import ArtefactStore
from sandbox.catalogue import Catalogue
from sandbox.statements import cast
from sandbox.statements.cast import Statement

PERIOD = "January-to-June-2026"


@cache
def catalogue() -> Catalogue:
    return Catalogue(1, 60, date(2026, 7, 20), "full")


def batch(*statements: dict[str, Any]) -> list[Statement]:
    """`{"of": "P-1001", …}` each; all payees where nothing is said."""
    return cast.batch(catalogue(), {"statements": list(statements)} if statements else {})


def found_in(store: ArtefactStore, folder: Path, name: str, content: bytes) -> list[Found]:
    path = folder / name
    path.write_bytes(content)
    return read(path, name, store, Rules.load())


def codes(one: Found) -> list[str]:
    return sorted({str(reason["code"]) for reason in one.reasons})


def told(found: list[Found]) -> list[tuple[str | None, list[str]]]:
    """Payee and why it is held, of each."""
    return [(one.payee.id if one.payee else None, codes(one)) for one in found]
