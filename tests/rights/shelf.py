"""A small house: four titles with rights of every sort, contracts of two agents' clients, and sales of them."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import select

from include.ledger.database import Ledger
from include.ledger.file_rows import ContractRow
from include.ledger.models import ProductRow, WorkRow
from include.ledger.sales_rows import SalesPartRow
from include.partners import Party, load_party
from include.partners.royalties import RightsReport
from include.royalties.payees import Payee, PayeeList
from include.sales import match
from include.store import ArtefactStore
from include.titles import codec
from include.titles.model import Product, Work
from tests.sales.load.reports import LAMP, SEA, line, take

NOW = datetime(2026, 10, 20, 9, 0, tzinfo=UTC)  # the last month that has ended is September
DARK, MOON = "9781861972712", "9783161484100"
LAMP_ID, SEA_ID, DARK_ID, MOON_ID = 11, 21, 31, 41
RIGHTS: dict[int, dict[str, Any]] = {
    LAMP_ID: {"sold_worldwide": True, "not_sold_in": ("US",)},
    SEA_ID: {"sold_worldwide": False, "sold_in": ("GB", "IE")},
    DARK_ID: {},
    MOON_ID: {"sold_worldwide": True},
}
ISBNS = {LAMP_ID: LAMP, SEA_ID: SEA, DARK_ID: DARK, MOON_ID: MOON}
TITLES = {1: "The Lamp", 2: "The Sea", 3: "In the Dark", 4: "=Moon"}
IMPRINTS = {1: "Lantern", 2: "Quill", 3: "Quill", 4: "Lantern"}
CONTRACTS = {  # contract → work, licensed rights
    501: (1, [("Audio", 75.5)]),
    502: (2, [("Translation", 60.0)]),
    503: (1, [("Film", 90.0)]),  # of the illustrator, whose agent is the other one
}
PAYEES = PayeeList((
    Payee("P-1", "Ana Lamp", "foxglove", (), ("501",)),
    Payee("P-2", "Ben Sea", "merrow", (), ("502", "503")),
))  # fmt: skip


def fill(ledger: Ledger) -> None:
    with ledger.session() as session:
        for id, title in TITLES.items():
            work = Work(id, title, imprint=IMPRINTS[id])
            stamps: dict[str, Any] = {"digest": "", "first_seen": NOW, "changed_at": NOW}
            session.add(WorkRow(id=id, title=title, imprint=IMPRINTS[id], content=codec.encode_work(work), **stamps))
        for id in ISBNS:
            session.add(_row(id, **RIGHTS[id]))
        for id, (work_id, rights) in CONTRACTS.items():
            told = {"id": id, "contractName": f"Agreement {id}", "signedDate": "2024-02-29", "guaranteedRoyaltyValue": 1250.5}
            told["licensedRights"] = [{"id": 1, "rightType": type, "authorCut": cut} for type, cut in rights]
            session.add(ContractRow(
                id=id, work_id=work_id, name=f"Agreement {id}", digest="", content=json.dumps(told).encode(), first_seen=NOW,
                changed_at=NOW, read_at=NOW,
            ))  # fmt: skip


def rights(ledger: Ledger, id: int, **values: Any) -> None:
    """Consonance says something else now."""
    with ledger.session() as session:
        session.get_one(ProductRow, id).content = codec.encode_product(_product(id, **values))


def sell(ledger: Ledger, store: ArtefactStore, *lines: dict[str, Any], **other: Any) -> int:
    """A report of these lines, loaded and matched; gives the batch."""
    batch = take(ledger, store, list(lines), **other).batch
    assert batch is not None
    match.match(ledger, batch, NOW)
    return batch


def parts(ledger: Ledger) -> dict[str, list[Any]]:
    """What all parts that count come to: currency → lines, sold, returned, used, net."""
    found: dict[str, list[Any]] = {}
    with ledger.read() as session:
        for part in session.scalars(select(SalesPartRow).where(SalesPartRow.claim.is_not(None))):
            _add(found, part.currency, [part.rows, part.sold, part.returned, part.usage, part.net])
    return found


def added(rows: list[dict[str, str]]) -> dict[str, list[Any]]:
    """The same of the rows of a CSV, added up by nothing but Python's own decimals."""
    found: dict[str, list[Any]] = {}
    for row in rows:
        _add(found, row["Currency"], [*(int(row[name]) for name in ("Lines", "Sold", "Returned", "Used")), Decimal(row["Net"])])
    return found


def _add(found: dict[str, list[Any]], currency: str, values: list[Any]) -> None:
    found[currency] = [one + other for one, other in zip(found.get(currency, [0, 0, 0, 0, Decimal(0)]), values, strict=True)]


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def party(id: str, **wish: Any) -> Party:
    """A party of config/partners with these wishes as its [rights] table."""
    return load_party(id).model_copy(update={"rights": RightsReport(**wish)})


def _product(id: int, **values: Any) -> Product:
    work = id // 10
    return Product(id, Work(work, TITLES[work]), isbn=ISBNS[id], full_title=TITLES[work], form="BC", **values)


def _row(id: int, **values: Any) -> ProductRow:
    product = _product(id, **values)
    content = codec.encode_product(product)
    return ProductRow(
        id=id, work_id=id // 10, isbn=product.isbn, title=product.full_title, form="BC", digest=codec.digest(content), content=content,
        first_seen=NOW, changed_at=NOW,
    )  # fmt: skip


__all__ = ["DARK", "LAMP", "MOON", "SEA", "line"]
