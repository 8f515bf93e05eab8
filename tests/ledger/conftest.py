from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from include.ledger.database import Ledger
from tests.postgres import on_postgres, postgres
from tests.schema import upgraded

__all__ = ["postgres"]  # fixture


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    """A ledger without a schema, on each database."""
    if request.param == "postgresql":
        request.getfixturevalue("postgres")
        with on_postgres(empty=True) as ledger:
            yield ledger
        return
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    yield ledger
    ledger.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    """A ledger with its schema, on each database."""
    if request.param == "postgresql":
        request.getfixturevalue("postgres")
        with on_postgres() as ledger:
            yield ledger
        return
    ledger = upgraded(Ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}"))
    yield ledger
    ledger.dispose()
