from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.imports.office import Office, mirrored, office_of
from tests.sandbox.conftest import Server, _serve

TITLES = 90


@pytest.fixture(scope="session")
def serving() -> Iterator[Server]:
    """A tenant of which the schema shows all members."""
    yield from _serve("full", titles=TITLES)


@pytest.fixture(scope="session")
def mirror(serving: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    serving.control("reset", {})
    return mirrored(serving, tmp_path_factory.mktemp("mirror"))


@pytest.fixture
def office(serving: Server, mirror: Path, tmp_path: Path) -> Iterator[Office]:
    serving.control("reset", {})
    office = office_of(serving, mirror, tmp_path)
    yield office
    office.ledger.dispose()


@pytest.fixture
def narrow(tmp_path: Path) -> Iterator[Office]:
    """A tenant that offers only what is evidenced."""
    yield from _own("evidenced", TITLES, tmp_path)


@pytest.fixture
def large(tmp_path: Path) -> Iterator[Office]:
    """A tenant that is large enough for a season."""
    yield from _own("full", 300, tmp_path)


def _own(tenant: str, titles: int, folder: Path) -> Iterator[Office]:
    for server in _serve(tenant, titles=titles):
        office = office_of(server, mirrored(server, folder), folder)
        yield office
        office.ledger.dispose()
