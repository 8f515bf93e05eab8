from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.imports.office import Office, office_of
from tests.sandbox.conftest import Server, _serve, evidenced, full, running_evidenced, running_full

__all__ = ["evidenced", "full", "running_evidenced", "running_full"]


@pytest.fixture
def office(full: Server, tmp_path: Path) -> Iterator[Office]:
    """A tenant of which the schema shows all members."""
    office = office_of(full, tmp_path)
    yield office
    office.ledger.dispose()


@pytest.fixture
def narrow(evidenced: Server, tmp_path: Path) -> Iterator[Office]:
    """A tenant that offers only what is evidenced."""
    office = office_of(evidenced, tmp_path)
    yield office
    office.ledger.dispose()


@pytest.fixture
def large(tmp_path: Path) -> Iterator[Office]:
    """A tenant that is large enough for a season."""
    for server in _serve("full", titles=300):
        office = office_of(server, tmp_path)
        yield office
        office.ledger.dispose()
