"""The demo's third act: shops report what they sold, and royalty statements go to the payees' agents, each to its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from babel.numbers import get_currency_precision
from sqlalchemy import select

from demo.book import Sandbox
from demo.outcome import ARRIVED, File, lies_at
from include.ledger.database import Ledger
from include.ledger.models import DeliveryRow
from include.ledger.sales_lists import net_of
from include.ledger.sales_rows import SalesBatchRow, StatementRow, WorkbookRow

SALES, STATEMENTS, WORKBOOKS = "sales_load__sales", "royalty_statements__statements", "import_workbooks"
REPORTS: tuple[tuple[str, str, list[str]], ...] = (  # the last has products that Consonance does not know
    ("apple_financial", "2026-09", []),
    ("kobo", "2026-10", []),
    ("google_earnings", "2026-10", ["unknown_isbn"]),
)


@dataclass(frozen=True)
class Batch:
    """One report that was loaded; `net` as people write it, one currency after the other."""

    number: int
    source: str
    name: str
    period: str
    lines: int
    rejected: int
    net: str
    balance: str
    state: str


@dataclass
class Trade:
    """`held`: statements that nobody's name fits. `waiting`: workbooks for a person. `problem` says what is wrong."""

    batches: list[Batch] = field(default_factory=list)
    statements: dict[str, list[File]] = field(default_factory=dict)  # recipient → its files
    held: int = 0
    waiting: int = 0
    problem: str = ""


def drop(sandbox: Sandbox) -> None:
    """What shops report on this day, and what the royalties department exported from Consonance."""
    for layout, month, hazards in REPORTS:
        report = {"kind": "report", "layout": layout, "month": month, "rows": 400, "hazards": hazards}
        sandbox.call("drop", {"inbox": "sales"} | report)
    sandbox.call("drop", {"inbox": "statements", "kind": "zip"})


def read_back(ledger: Ledger, sandbox: Path) -> Trade:
    """What is in the ledger, and in the agents' folders."""
    trade, lies = Trade(), dict[str, dict[str, File]]()  # recipient → path → the file that came last: finance's table is written anew
    with ledger.read() as session:
        for row in session.scalars(select(SalesBatchRow).order_by(SalesBatchRow.id)):
            net = ", ".join(_money(amount, currency) for currency, amount in sorted(net_of(row.parts).items()))
            balance = "differs" if row.state == "unbalanced" else "balances" if row.controls else "nothing to compare"
            period = f"{row.period_from} to {row.period_to}"
            trade.batches.append(Batch(row.id, row.source, row.name, period, row.rows, row.rejected, net, balance, row.state))
        trade.waiting = len(session.scalars(select(WorkbookRow).where(WorkbookRow.state.in_(["prepared", "handed over"]))).all())
        trade.held = len(session.scalars(select(StatementRow).where(StatementRow.state == "held")).all())
        for delivery in session.scalars(select(DeliveryRow).where(DeliveryRow.flow == "royalty_statements").order_by(DeliveryRow.id)):
            home = sandbox / "partners" / delivery.partner
            lies.setdefault(delivery.partner, {}).update((file.remote_path, _file(home, file)) for file in delivery.files)
            if delivery.state not in ARRIVED:
                trade.problem = f"the statements of {delivery.partner} are {delivery.state}"
    trade.statements = {recipient: list(files.values()) for recipient, files in lies.items()}
    lost = [file.name for files in trade.statements.values() for file in files if not file.found]
    if lost:
        trade.problem = f"{len(lost)} statements are not where they were sent, {lost[0]} for one"
    elif len(trade.batches) < len(REPORTS) or not trade.statements:
        trade.problem = "not every report was loaded" if trade.statements else "no statement went out"
    return trade


def _money(amount: Decimal, currency: str) -> str:
    """Every digit that is there, and as many as the currency has."""
    places = max(get_currency_precision(currency), -int(amount.normalize().as_tuple().exponent))
    return f"{amount:,.{places}f} {currency}"


def _file(home: Path, file: Any) -> File:
    return File(file.name, file.remote_path, file.role, file.bytes, file.sha256, lies_at(home, file.remote_path, file.sha256))
