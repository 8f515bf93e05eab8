from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.imports.office import Office, mirrored, office_of
from tests.sandbox.conftest import Server, _serve, evidenced, full, running_evidenced, running_full

__all__ = ["evidenced", "full", "running_evidenced", "running_full"]


@pytest.fixture(scope="module")
def full_mirror(running_full: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return mirrored(running_full, tmp_path_factory.mktemp("full"))


@pytest.fixture(scope="module")
def narrow_mirror(running_evidenced: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return mirrored(running_evidenced, tmp_path_factory.mktemp("evidenced"))


@pytest.fixture
def office(full: Server, full_mirror: Path, tmp_path: Path) -> Iterator[Office]:
    """A tenant of which the schema shows all members."""
    office = office_of(full, full_mirror, tmp_path)
    yield office
    office.ledger.dispose()


@pytest.fixture
def narrow(evidenced: Server, narrow_mirror: Path, tmp_path: Path) -> Iterator[Office]:
    """A tenant that offers only what is evidenced."""
    office = office_of(evidenced, narrow_mirror, tmp_path)
    yield office
    office.ledger.dispose()


@pytest.fixture
def large(tmp_path: Path) -> Iterator[Office]:
    """A tenant that is large enough for a season."""
    for server in _serve("full", titles=300):
        office = office_of(server, mirrored(server, tmp_path), tmp_path)
        yield office
        office.ledger.dispose()
