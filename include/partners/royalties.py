"""What a party gets of royalties and rights: tables of `config/partners/<id>.toml`. Absent means: nothing of that sort."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from include.partners.tables import Country, ProductFilter, Table


class Statements(Table):
    """Royalty statements of the payees whose `recipient` this party is (`config/payees.csv`), and of nobody else."""

    folder: str = Field(default="{period}", description="Folder under the transport's folder: period, payee; empty: none.")
    file_name: str = Field(default="{payee}_{period}_{number}", description="Mask without extension: payee, name, period, number.")
    everything: bool = Field(default=False, description="Finance: it gets every statement, and one table of all of them.")


class RightsReport(Table):
    """Contracts, licensed rights, territories, and sales and usage where no rights are held."""

    reports: tuple[Literal["rights", "contracts", "finance"], ...] = Field(
        default=("rights",),
        description="rights: territories and licensed rights of each title, with flags. contracts: contract data; who gets them also sees "
        "the author's cut in the rights report. finance: sales by territory and imprint.",
    )
    products: ProductFilter = ProductFilter()
    payees: tuple[str, ...] = Field(
        default=(), description="Only titles of these payees' contracts (`config/payees.csv`); empty: all of the filter."
    )
    territories: tuple[Country, ...] = Field(default=(), description="Only these; empty: all.")
    every: Literal["month", "quarter", "half-year", "year"] = Field(default="month", description="Period of sales in one report.")
    periods: int = Field(
        default=24,
        ge=1,
        description="So many ended periods are kept up to date: what late reports and undone batches change is sent again.",
    )
    formats: tuple[Literal["csv", "xlsx"], ...] = ("csv", "xlsx")
    folder: str = Field(default="", description="Folder under the transport's folder; empty: that folder itself.")
    file_name: str = Field(default="{report}_{period}", description="Mask without extension: report, period, partner.")
