from __future__ import annotations

from typing import Any

import pytest

from tests.intake.room import Room
from tests.transfer.conftest import Partners, _servers, partners

__all__ = ["_servers", "partners"]  # fixtures


@pytest.fixture
def room(ledger: Any, store: Any) -> Room:
    """An empty mail room of a house with four titles."""
    return Room(ledger, store).stock()


@pytest.fixture
def servers(partners: Partners) -> Partners:
    """Real servers: SFTP and FTP, with an empty folder `/inbox` each."""
    return partners
