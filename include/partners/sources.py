"""Who reports sales and usage to us: `config/sources/<id>.toml`. How their files look is in `config/reports/<layout>.toml`."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from pydantic import Field

from include.partners.tables import Country, Currency, FileTable, PartnerId, Table


class Channel(Table):
    """Which of Consonance's sales channels a line belongs to; the first that fits counts. An empty condition fits everything."""

    id: int = Field(ge=1, description="Channel ID of Consonance, as its sales import wants it.")
    name: str = Field(default="", description="As people call it, for pages and charts.")
    channels: tuple[str, ...] = Field(default=(), description="What the report calls the shop or marketplace (glob): `Amazon.*`.")
    models: tuple[str, ...] = Field(default=(), description="sale, subscription, library, rental, ...: see docs/configuration.md, reports.")
    territories: tuple[Country, ...] = ()
    forms: tuple[str, ...] = Field(default=(), description="As in a product filter; of matched products only.")


class Expected(Table):
    """When the next report should be there."""

    every: Literal["day", "week", "month", "quarter", "half-year", "year", ""] = Field(
        default="month", description="How long one report's period is; empty: none is expected."
    )
    due_days: int = Field(default=30, ge=0, description="Days after a period's end by which its report should be there.")
    fiscal: Literal["", "apple"] = Field(default="", description="apple: its fiscal months of five, four and four weeks.")
    since: str = Field(
        default="", pattern=r"^(\d{4}-\d{2})?$", description="First period (its month) that is expected; empty: the first loaded."
    )
    currencies: tuple[Currency, ...] = Field(default=(), description="Each of them is expected by itself; empty: any one report will do.")


class SalesSource(FileTable):
    """One account at one shop, aggregator, distributor or platform."""

    name: str
    enabled: bool = True
    layouts: tuple[str, ...] = Field(description="Reports that come from here: files of `config/reports`.")
    inbox: PartnerId | Literal[""] = Field(default="", description="Inbox that they come through; empty: only by hand.")
    files: tuple[str, ...] = Field(
        default=("**",), description="Paths in that inbox that are this source's (glob), for layouts that several sources send."
    )
    contact: str = Field(default="", description="Column Source of Consonance's sales import: the company's name among its contacts.")
    channels: tuple[Channel, ...] = Field(default=(), description="In order; a line that fits none waits and says so.")
    restated: Literal["replace", "difference", "refuse"] = Field(
        default="refuse",
        description="A report of a period and currency that was loaded before, with other rows. replace: the earlier batch is undone. "
        "difference: what is new is loaded, what is gone is reversed. refuse: a person decides. What is in Consonance already is never "
        "undone: then difference.",
    )
    tolerance: Decimal = Field(
        default=Decimal("0.00"), ge=0, description="By how much a currency's total may miss its control total, in its own units."
    )
    timezone: str = Field(default="UTC", description="Zone of the report's times.")
    territory: Country | Literal[""] = Field(default="", description="Of lines whose report says none.")
    expected: Expected = Expected()
    notify: tuple[str, ...] = Field(default=(), description="Mail addresses told of what is late or does not balance.")
