"""Every Airflow asset that Colophon's flows publish or wait for, in one place.

`catalogue_sync` publishes those of titles; a feed publishes `delivered(partner)` once its files have arrived. An event's
`extra` holds counts only: which titles changed stands in the ledger.
"""

from __future__ import annotations

from airflow.sdk import Asset

TITLES_CHANGED = Asset("titles/changed", group="titles")
"""The mirror differs from what it was: at least one work or product is new, changed or gone."""

TITLES_ACQUIRED = Asset("titles/acquired", group="titles")
"""At least one work was seen as acquired for the first time."""

FILES_APPROVED = Asset("files/approved", group="files")
"""At least one file of a title was approved by all who were asked, and was looked at by `approved_files`."""

SALES_LOADED = Asset("sales/loaded", group="sales")
"""A report of sales or usage was read, by itself or with a person's word: what is reported of sales may differ."""

WORKBOOKS_PREPARED = Asset("workbooks/prepared", group="workbooks")
"""At least one import workbook of Consonance's waits for a person."""

LICENCES_SYNCED = Asset("licences/synced", group="licences")
"""`licence_sync` has run to its end: what the agency says of our licences is known as of now."""


def stage(name: str) -> Asset:
    """At least one work reached this stage. `name` is a value of `[stages]` in `config/house.toml`, as in `production-approved`."""
    return Asset(f"titles/stage/{name}", group="titles")


def delivered(partner: str) -> Asset:
    """A delivery has arrived whole at this partner (its id)."""
    return Asset(f"partners/{partner}/delivered", group="deliveries")
