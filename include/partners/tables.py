"""What every table of a TOML file in `config/` is made of."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Code2 = Annotated[str, StringConstraints(pattern=r"^[0-9A-Z]{2}$")]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
Role = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]{1,30}$")]
PartnerId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,40}$")]


class Table(BaseModel):
    """A TOML table: frozen, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class FileTable(Table):
    """A whole file of `config/`: its id is the file's name."""

    id: PartnerId


class ProductFilter(Table):
    """Which products a feed holds. Empty means all. A product that is left out is `not selected`, with the rule."""

    imprints: tuple[str, ...] = ()
    forms: tuple[str, ...] = Field(default=(), description="List 150 codes, or their first letter: `B` print, `A` audio, `E` digital.")
    statuses: tuple[Code2, ...] = Field(default=(), description="List 64 codes.")
    markets: tuple[Country, ...] = Field(default=(), description="Only products that may be sold in at least one of these countries.")
    horizon_months: int | None = Field(default=None, ge=1, description="No product whose publication is further away than this.")
