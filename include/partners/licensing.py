"""What image agencies do not publish and a publisher knows: agreements (`config/agreements/<id>.toml`), campaigns
(`config/campaigns.toml`), and who must act on which flag (`[licences]` of the house)."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from include.partners.tables import Country, FileTable, PartnerId, Role, Table

CampaignId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,59}$")]


class Terms(Table):
    """What an agreement says of every asset that was licensed under it. A field that is left out is unknown, never unrestricted."""

    ends: Literal["perpetual", "with the agreement"] | date | None = Field(
        default=None, description="How long a use may go on: perpetual, as long as the agreement, or until a day."
    )
    territories: Literal["worldwide"] | tuple[Country, ...] | None = Field(default=None, description="Where it may be used.")
    print_run: Literal["unlimited"] | int | None = Field(default=None, description="Copies that may be printed.")
    formats: tuple[Literal["print", "ebook", "audio", "web", "promotion"], ...] | None = Field(
        default=None, description="Where it may appear."
    )
    uses: tuple[Literal["cover", "interior", "promotion"], ...] | None = None
    new_editions: Literal["allowed", "needs a licence"] | None = Field(default=None, description="Whether later editions may keep it.")


class Agreement(FileTable):
    """One agreement with an agency: which of its products are under it, and what it grants."""

    name: str
    enabled: bool = True
    provider: Literal["getty"] = "getty"
    names: tuple[str, ...] = Field(default=(), description="Names of the agreement as the agency's API has them.")
    products: tuple[str, ...] = Field(default=(), description="Ids of the agency's products under it.")
    license_models: tuple[str, ...] = Field(
        default=("royaltyfree",), description="Models that these terms hold for; others need an invoice."
    )
    reference: str = Field(default="", description="Where this is written: contract number, date, clause.")
    checked_on: date = Field(description="When a person last read the contract.")
    checked_by: str
    terms: Terms


class Campaign(Table):
    """A campaign that uses images: its dates count as horizons of their licences."""

    id: CampaignId
    name: str
    titles: tuple[str, ...] = Field(default=(), description="ISBNs of its titles.")
    starts: date
    ends: date
    territories: tuple[Country, ...] = Field(default=(), description="Where it runs; empty: not said.")
    formats: tuple[Literal["print", "ebook", "audio", "web", "promotion"], ...] = ("promotion",)


class Campaigns(Table):
    campaigns: tuple[Campaign, ...] = ()


class Team(Table):
    """Who must act on flags of some causes."""

    role: Role = Field(description="Role of config/people.toml.")
    causes: tuple[str, ...] = Field(
        default=(), description="Causes of flags (docs/runbook/licence_expiry.md); empty: all that no other team has."
    )
    mail: tuple[str, ...] = ()
    jira_project: str = Field(default="", description="Key of the Jira project; empty: no issue is opened.")


class LicenceRules(Table):
    """When licences are flagged, for whom, and what a flag stops."""

    horizons: tuple[int, ...] = Field(default=(180, 90, 60, 30, 0), description="Days before the end at which a flag is raised.")
    teams: tuple[Team, ...] = ()
    blocks: tuple[str, ...] = Field(
        default=("withdrawn", "editorial", "expired"), description="Causes that stop a feed or a print handoff which is told to heed them."
    )
    report_to: PartnerId | Literal[""] = Field(default="", description="Party that gets the report over SFTP or FTP.")
    report_mail: tuple[str, ...] = Field(default=(), description="Who gets the report by mail.")
    history_days: int = Field(default=1_095, ge=1, description="How far back the first sync reads downloads and purchases.")
