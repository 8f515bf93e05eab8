"""A desk for each test, and partner files with a change in them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from include.partners import load_partner
from include.partners.model import Partner
from tests.deliveries.desk import Desk


@pytest.fixture
def desk(ledger: Any, store: Any) -> Desk:
    return Desk(ledger, store)


@pytest.fixture
def flavoured() -> Callable[..., Partner]:
    """A shipped partner with parts of its file changed: `flavoured("northgate", feed={"mode": "full"})`."""

    def make(partner_id: str, **tables: dict[str, Any]) -> Partner:
        data = load_partner(partner_id).model_dump(mode="json", exclude_none=True)
        for table, changes in tables.items():
            data[table] |= changes
        return Partner.model_validate(data)

    return make
