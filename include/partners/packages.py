"""What a party gets besides metadata: tables of `config/partners/<id>.toml`. Absent means: nothing of that sort."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from include.partners.tables import ProductFilter, Table


class Handoff(Table):
    """Print-ready files go to this printer once a title reaches one of the stages."""

    profile: str = Field(description="Naming and parts: a file of `config/printers`, for example `lakeside`.")
    products: ProductFilter = Field(default=ProductFilter(forms=("B",)), description="Which products this printer prints.")
    stages: tuple[str, ...] = Field(default=("production-approved",), description="Stages (`[stages]` of the house) that start it.")
    folder: str = Field(default="{isbn}", description="Folder of a package under the transport's folder: isbn, revision; empty: none.")
    zipped: bool = Field(default=False, description="One zip for each package instead of a folder.")
    licences: Literal["stop", "ignore"] = Field(
        default="ignore", description="stop: a title with a blocking flag on the licence of one of its images is not sent."
    )


class Formats(Table):
    """Digital and audio files that this vendor gets, and how it wants them."""

    profile: str = Field(description="Naming, limits and checks: a file of `config/vendors`, for example `ebook`.")
    products: ProductFilter = Field(default=ProductFilter(forms=("E",)), description="Which products this vendor handles.")
    stages: tuple[str, ...] = Field(
        default=("production-approved", "at-press", "published"),
        description="Stages (`[stages]` of the house) in which files go once they are approved; empty: in any.",
    )
    folder: str = Field(default="", description="Folder of a package under the transport's folder: isbn, revision; empty: none.")


class Launch(Table):
    """Launch packs for sales, marketing and retailers: nothing leaves before the gate and the embargo."""

    products: ProductFilter = ProductFilter()
    contents: tuple[Literal["cover", "copy", "biography", "promotional"], ...] = ("cover", "copy", "biography", "promotional")
    days_before: int = Field(default=90, ge=0, description="Days before publication from which a pack may go.")
    gate: tuple[str, ...] = Field(
        default=(), description="Codes of checks (docs/readiness.md) that must be passed before a pack goes; empty: the title is ready."
    )
    embargo: bool = Field(default=True, description="Nothing before the title's embargo date, where it has one.")
    folder: str = Field(default="{isbn}", description="Folder of a pack under the transport's folder: isbn, work, title; empty: none.")
    zipped: bool = Field(default=False, description="One zip for each pack instead of a folder.")


class Report(Table):
    """Readiness reports of this party's titles and columns only."""

    products: ProductFilter = ProductFilter()
    columns: tuple[str, ...] = Field(
        default=(),
        description="Columns of the readiness report, in order (see docs/readiness.md; `checks` is one of each check); empty: all.",
    )
    published_days: int = Field(default=30, ge=0, description="Titles published longer ago than this are left out.")
    formats: tuple[Literal["csv", "xlsx", "json", "html"], ...] = ("csv", "xlsx")
    folder: str = Field(default="", description="Folder under the transport's folder; empty: that folder itself.")
    file_name: str = Field(default="readiness_{date:%Y%m%d}", description="Mask without extension: partner, date, schema.")


class Releases(Table):
    """Readiness packages: for each work and release date a checklist of every format."""

    products: ProductFilter = ProductFilter()
    days_before: int = Field(default=120, ge=0, description="Days before the release from which a package is kept up to date.")
    folder: str = Field(default="{date:%Y-%m-%d}_{work}", description="Folder of a package under the transport's folder.")


class Backup(Table):
    """An archive of metadata, contracts, workflow history and final assets."""

    folder: str = Field(default="", description="Folder under the transport's folder.")
    restricted: Literal["sealed", "always", "never"] = Field(
        default="sealed",
        description="Files that only a role may see. sealed: they go only where `transport.openpgp` encrypts them. always: also in the "
        "clear. never: they stay here. Their names and hashes go in any case.",
    )
    keep_days: int | None = Field(
        default=None,
        ge=1,
        description="Every day of so many can be restored; older manifests, and what only they name, may go. Empty: all stay.",
    )
    remove: bool = Field(default=False, description="Really remove what `keep_days` lets go. false: each run only says what would go.")
    sample: int = Field(default=20, ge=0, description="Stored objects that are read back and compared after each run.")
