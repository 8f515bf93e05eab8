"""Many tests, each with a ledger of its own: upgraded once, copied for each."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from include.ledger.database import Ledger


@pytest.fixture(scope="session")
def upgraded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of an empty, upgraded ledger."""
    path = tmp_path_factory.mktemp("upgraded") / "ledger.sqlite"
    ledger = Ledger(str(path))
    ledger.upgrade()
    ledger.dispose()  # the last connection that closes puts everything into the one file
    return path


@pytest.fixture
def ledger(colophon_home: Path, upgraded: Path) -> Iterator[Ledger]:
    shutil.copy(upgraded, colophon_home / "ledger.sqlite")
    ledger = Ledger()
    yield ledger
    ledger.dispose()
