from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from include.catalogue.mirror import SyncOutcome, synchronise
from include.clients.consonance import Consonance
from include.ledger.database import Ledger
from include.ledger.models import ProductRow, SyncRow, WorkRow
from include.partners.model import House, Sender
from include.titles import codec
from include.titles.model import Product, Work
from tests.clients.tenant import Tenant, Waits, client_of, served
from tests.schema import upgraded

HOUSE = House(
    sender=Sender(name="Lantern"),
    publisher="Lantern",
    domain="com.example",
    formats={"Paperback": ("BC",), "ePub": ("ED", "E101")},
    text_variants={"SHORT_DESCRIPTION": "02", "MAIN_DESCRIPTION": "03"},
    stages={"In production": "production-approved"},
)


@dataclass
class Nights:
    """One mirror and the nights in which it is brought up to date."""

    ledger: Ledger
    tenant: Tenant
    client: Consonance
    house: House = HOUSE

    def night(self, day: str = "2026-05-01", **settings: Any) -> SyncOutcome:
        now = datetime.fromisoformat(f"{day}T00:30:00").replace(tzinfo=UTC)
        return synchronise(self.ledger, self.client, self.house, now, **settings)

    def works(self) -> dict[int, WorkRow]:
        with self.ledger.read() as session:
            return {row.id: row for row in session.scalars(select(WorkRow))}

    def products(self) -> dict[int, ProductRow]:
        with self.ledger.read() as session:
            return {row.id: row for row in session.scalars(select(ProductRow))}

    def syncs(self) -> list[SyncRow]:
        with self.ledger.read() as session:
            return list(session.scalars(select(SyncRow).order_by(SyncRow.id)))

    def work(self, id: int) -> Work:
        return codec.decode_work(self.works()[id].content)

    def product(self, id: int) -> Product:
        row = self.products()[id]
        return codec.decode_product(row.content, self.work(row.work_id))

    def living(self) -> tuple[set[int], set[int]]:
        works = {id for id, row in self.works().items() if row.deleted_at is None}
        return works, {id for id, row in self.products().items() if row.deleted_at is None}


@pytest.fixture
def tenant() -> Tenant:
    tenant = Tenant()
    for number in range(1, 8):
        tenant.add(number, 100 + 2 * number, 101 + 2 * number)
    return tenant


@pytest.fixture
def address(tenant: Tenant) -> Iterator[str]:
    with served(tenant.answer) as address:
        yield address


@pytest.fixture
def nights(tmp_path: Path, tenant: Tenant, address: str) -> Iterator[Nights]:
    ledger = Ledger(str(tmp_path / "ledger.sqlite"))
    upgraded(ledger)
    yield Nights(ledger, tenant, client_of(address, Waits()))
    ledger.dispose()
