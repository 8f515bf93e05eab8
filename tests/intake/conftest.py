from __future__ import annotations

from typing import Any

import pytest

from tests.intake.room import Room


@pytest.fixture
def room(ledger: Any, store: Any) -> Room:
    """An empty mail room of a house with four titles."""
    return Room(ledger, store).stock()
