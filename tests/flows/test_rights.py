"""Rights reports leave for agents, finance and a rights partner, and are read back from their servers."""

from __future__ import annotations

import csv
import io
import shutil
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from sqlalchemy import func, select, text

from include.ledger.models import DeliveryRow
from include.ledger.sales_rows import SalesPartRow
from include.partners import load_sources
from include.sales import load, match, read
from include.sales.layout import load_layouts
from tests.flows.released import listing, products

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(300)]

PARTIES = ("foxglove", "merrow", "countinghouse", "farshore")
ROOT = Path(__file__).resolve().parents[2]


def last_month() -> str:
    today = datetime.now(UTC).date()
    year, month = divmod(today.year * 12 + today.month - 2, 12)
    return f"{year}-{month + 1:02d}"


@dataclass(frozen=True)
class Sold:
    """What shops have reported of the last month. `clients`: agent → work of its one client, which was sold, and its contract."""

    month: str
    clients: dict[str, tuple[int, int]]
    product: dict[str, Any]  # of foxglove's client
    place: str  # where it was sold


@pytest.fixture
def sold(catalogue, ledger, store, sandbox, tmp_path, monkeypatch) -> Sold:
    """The catalogue is mirrored, and two shops have reported the last month."""
    month, sources, layouts = last_month(), load_sources(), load_layouts()
    for layout in ("kobo", "generic"):
        told = sandbox.call("drop", {"inbox": "sales", "kind": "report", "layout": layout, "month": month})["files"][0]
        path = next(sandbox.home("sales").rglob(told["name"]))
        name = str(path.relative_to(sandbox.home("sales") / "reports"))
        done = load.load(ledger, store, sources, path, name, layouts=layouts, now=datetime.now(UTC))
        assert done.batch is not None
        match.match(ledger, done.batch, datetime.now(UTC))
    lines = [line for line in joined(ledger, store) if line["work_id"] and line["territory"] and line["units"] > 0]
    works = list(dict.fromkeys(line["work_id"] for line in lines))[:2]
    with ledger.read() as session:
        contracts = {work: id for id, work in session.execute(text("select id, work_id from contract"))}
    clients = {agent: (work, contracts[work]) for agent, work in zip(("foxglove", "merrow"), works, strict=True)}
    shutil.copytree(ROOT / "config", tmp_path / "config")
    listed = [
        f"{payee},{name},,{agent},{clients[agent][1] if number == 1 else ''}"
        for agent, payees in {"foxglove": ("P-1001", "P-1002"), "merrow": ("P-2001", "P-2002")}.items()
        for number, (payee, name) in enumerate(zip(payees, (f"{agent} one", f"{agent} two"), strict=True), 1)
    ]
    (tmp_path / "config" / "payees.csv").write_text("\n".join(["payee,name,also,recipient,contracts", *listed]))
    monkeypatch.setenv("COLOPHON_CONFIG", str(tmp_path / "config"))
    first = next(line for line in lines if line["work_id"] == works[0])
    product = next(one for one in products(ledger) if one["id"] == first["product_id"])
    return Sold(month, clients, product, first["territory"])


def joined(ledger: Any, store: Any) -> list[dict[str, Any]]:
    """All lines, with their titles."""
    with ledger.read() as session:
        return [line for part in read.joined(session, store, [1, 2], ["territory", "units"]) for line in part.to_pylist()]


def csv_at(sandbox: Any, party: str, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((sandbox.home(party) / name).read_bytes().decode("utf-8-sig"), newline="")))


def held(product: dict[str, Any], place: str) -> bool | None:
    """By Consonance's own fields; None: they do not say."""
    if place in product.get("not_sold_in", ()):
        return False
    if product.get("sold_worldwide") or place in product.get("sold_in", ()):
        return True
    return False if product.get("sold_in") else None


def expected_flags(ledger: Any, store: Any) -> Counter[tuple[str, str, str]]:
    """Units sold and returned, line by line, where rights are not held or not known: of the loaded lines and the mirror alone."""
    known = {one["id"]: one for one in products(ledger)}
    found: Counter[tuple[str, str, str]] = Counter()
    for line in joined(ledger, store):
        product = known.get(line["product_id"])
        if product is None or not line["territory"] or held(product, line["territory"]) is True:
            continue
        finding = "unknown" if held(product, line["territory"]) is None else "not held"
        found[finding, product["isbn"], line["territory"]] += line["units"]
    return Counter({key: units for key, units in found.items() if units})


def test_each_recipient_gets_its_own_reports_once(run_flow, ledger, store, sandbox, sold):
    assert str(run_flow("rights_reports").state) == "success"
    month = sold.month
    with ledger.read() as session:
        parts = session.scalars(select(SalesPartRow)).all()

    for agent, (work, contract) in sold.clients.items():
        isbns = {one.get("isbn", "") for one in products(ledger) if one["work_id"] == work}
        assert {one["ISBN"] for one in csv_at(sandbox, agent, f"rights/rights_{month}.csv")} == isbns
        assert [one["Contract"] for one in csv_at(sandbox, agent, f"rights/contracts_{month}.csv")] == [str(contract)]
        assert {one["ISBN"] for one in csv_at(sandbox, agent, f"rights/rights_{month}_flags.csv")} <= isbns

    assert flags_at(sandbox, month) == expected_flags(ledger, store)

    rows = csv_at(sandbox, "countinghouse", f"finance/finance_{month}.csv")
    for currency in {part.currency for part in parts}:
        assert sum((Decimal(one["Net"]) for one in rows if one["Currency"] == currency), Decimal(0)) == sum(
            part.net for part in parts if part.currency == currency
        )
    assert sum(int(one["Lines"]) for one in rows) == sum(part.rows for part in parts)
    book = openpyxl.load_workbook(sandbox.home("countinghouse") / f"finance/finance_{month}.xlsx", read_only=True)
    assert sum(row[5] for row in book["Sales"].iter_rows(min_row=2, values_only=True)) == sum(part.rows for part in parts)

    before, count = listing(sandbox, *PARTIES), deliveries(ledger)
    assert str(run_flow("rights_reports").state) == "success"
    assert (listing(sandbox, *PARTIES), deliveries(ledger)) == (before, count)

    product, place = sold.product, sold.place
    rights = {"worldwide": False, "for_sale": ["NZ"], "not_for_sale": [place]}
    sandbox.call("edit", {"product_id": product["id"], "set": rights})
    assert str(run_flow("catalogue_sync").state) == "success"
    assert str(run_flow("rights_reports").state) == "success"
    told = flags_at(sandbox, month)
    assert told == expected_flags(ledger, store)
    assert ("not held", product["isbn"], place) in told
    mine = csv_at(sandbox, "foxglove", f"rights/rights_{month}_flags.csv")
    assert {one["ISBN"] for one in mine if one["Territory"] == place} == {product["isbn"]}
    after = listing(sandbox, *PARTIES)
    changed = {name for name in after if after[name] != before.get(name)}
    assert {name.split("/")[0] for name in changed} == {"foxglove", "farshore"}
    assert after.keys() == before.keys()


def flags_at(sandbox: Any, month: str) -> Counter[tuple[str, str, str]]:
    """What the rights partner reads: units by finding, ISBN and territory."""
    told: Counter[tuple[str, str, str]] = Counter()
    for one in csv_at(sandbox, "farshore", f"rights/rights_{month}_flags.csv"):
        if one["Territory"] != "(not told)":
            told[one["Finding"], one["ISBN"], one["Territory"]] += int(one["Sold"]) - int(one["Returned"]) + int(one["Used"])
    return told


def deliveries(ledger: Any) -> int:
    with ledger.read() as session:
        return session.scalar(select(func.count()).select_from(DeliveryRow)) or 0
