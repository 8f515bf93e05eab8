from __future__ import annotations

from collections.abc import Iterator

import pytest

from include.clients.consonance import Consonance
from tests.clients.tenant import Tenant, Waits, client_of, served


@pytest.fixture
def tenant() -> Tenant:
    tenant = Tenant()
    for number in range(1, 6):
        tenant.add(number, 100 + 2 * number, 101 + 2 * number)
    return tenant


@pytest.fixture
def address(tenant: Tenant) -> Iterator[str]:
    with served(tenant.answer) as address:
        yield address


@pytest.fixture
def waits() -> Waits:
    return Waits()


@pytest.fixture
def client(address: str, waits: Waits) -> Consonance:
    return client_of(address, waits)
