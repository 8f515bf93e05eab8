"""Getty's stand-in, a ledger whose mirror holds the stand-in's titles, and a day to run on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import selectinload

from include.ledger import licences
from include.ledger.database import Ledger
from include.ledger.licence_rows import AssetChangeRow, LicenceRow
from include.ledger.models import Base, ProductRow, WorkRow
from include.licences.model import Synced
from include.licences.sync import sync
from include.partners.licensing import Agreement, Campaign, LicenceRules
from include.partners.registry import load_agreements
from tests.clients.getty_account import TODAY, Account

NOW = datetime(TODAY.year, TODAY.month, TODAY.day, 4, tzinfo=UTC)
UNPUBLISHED = ("ends", "territories", "print_run")
CONFIRM = "DELETE /v3/asset-changes/change-sets/{id}"


@dataclass
class Desk:
    """One night after another: `sync` runs at `now`, which moves on each time; the first reads so many `days` back (1,095: all)."""

    account: Account
    ledger: Ledger
    store: Any
    folder: Path
    now: datetime = NOW
    days: int = 320
    agreements: tuple[Agreement, ...] = ()
    campaigns: tuple[Campaign, ...] = ()

    def sync(self, **settings: Any) -> Synced:
        client = self.account.client(**settings)
        done = sync(
            self.ledger,
            client,
            agreements=self.agreements,
            campaigns=self.campaigns,
            rules=LicenceRules(history_days=self.days),
            now=self.now,
        )
        self.now += timedelta(hours=1)
        return done

    def licences(self, *, work_id: int = 0, campaign: str = "", **values: Any) -> list[LicenceRow]:
        """Those whose columns have these values, and that serve this work or campaign."""
        with self.ledger.read() as session:
            rows = list(session.scalars(select(LicenceRow).order_by(LicenceRow.id).options(selectinload(LicenceRow.serves))))
        rows = [row for row in rows if all(getattr(row, name) == value for name, value in values.items())]
        rows = [row for row in rows if not work_id or any(one.work_id == work_id for one in row.serves)]
        return [row for row in rows if not campaign or any(one.campaign == campaign for one in row.serves)]

    def licence(self, asset_id: str) -> LicenceRow:
        (found,) = self.licences(asset_id=asset_id)
        return found

    def uses(self) -> list[tuple[str, str]]:
        """(asset, use) of everything that was licensed within those days, as the stand-in has it."""
        state, first = self.account.stand_in.state, str(NOW.date() - timedelta(days=self.days))
        found = [(row["id"], f"download {row['product_id']} {row['date_downloaded'].rstrip('Z')}+00:00", row["date_downloaded"])
                 for row in state.history]  # fmt: skip
        found += [(row["asset_id"], f"order {row['order_id']}", row["date_purchased"]) for row in state.purchases]
        return sorted((asset, use) for asset, use, at in found if at >= first)

    def history(self, licence_id: int) -> list[tuple[str, str, str]]:
        """(field, after, who), oldest first."""
        with self.ledger.read() as session:
            return [(one.field, one.after, one.who) for one in licences.changes(session, licence_id)][::-1]

    def changes(self) -> list[AssetChangeRow]:
        with self.ledger.read() as session:
            return list(session.scalars(select(AssetChangeRow).order_by(AssetChangeRow.id)))

    def everything(self) -> dict[str, Any]:
        """Rows of all tables, and what was changed at Getty."""
        with self.ledger.read() as session:
            rows = {table.name: session.scalar(select(func.count()).select_from(table)) for table in Base.metadata.sorted_tables}
        return {"rows": rows, "mutations": self.account.stats["mutations"]}


def desk_of(account: Account, ledger: Ledger, store: Any, folder: Path) -> Desk:
    """The mirror as catalogue_sync would have left it, without what titles say of themselves."""
    catalogue = account.stand_in.state.catalogue
    stamps = {"digest": "", "content": b"{}", "first_seen": NOW, "changed_at": NOW}
    with ledger.session() as session:
        for work in catalogue.works():
            session.add(WorkRow(id=work.id, title=work.title, **stamps))
            for product in work.products:
                session.add(ProductRow(id=product.id, work_id=work.id, isbn=product.isbn or "", title=work.title, **stamps))
    return Desk(account, ledger, store, folder, agreements=tuple(load_agreements()))
