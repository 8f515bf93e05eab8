"""The ledger's schema, made once for all tests of a process: migrating takes a fifth of a second, and thousands want an empty ledger."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from include.ledger.database import Ledger


def upgraded(ledger: Ledger) -> Ledger:
    """The ledger with its schema: a new SQLite file is a copy of one that was migrated, all else is migrated itself."""
    name = ledger.engine.url.database or ""
    if ledger.engine.dialect.name == "sqlite" and name and not Path(name).exists():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(_migrated(), name)
    else:
        ledger.upgrade()
    return ledger


@cache
def _migrated() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="colophon-schema-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    ledger = Ledger(str(folder / "ledger.sqlite"))
    ledger.upgrade()
    ledger.dispose()  # the last connection that closes puts everything into the one file
    return folder / "ledger.sqlite"
