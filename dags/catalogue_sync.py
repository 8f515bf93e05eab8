"""# Catalogue mirror

**What** Reads what changed in Consonance into the ledger's mirror of works and products, and tells the flows that wait
for changed, acquired or moved titles; then the contracts, as far as the tenant shows them.

**When** Every night at 00:30, before the feeds; by hand at any time. Tick *full* to read everything again.

**After a failure** Start a new run: it goes on where the last one stopped.

**Asks a person** Never.

**Connections** `consonance`, `colophon_ledger`
"""

from __future__ import annotations

from airflow.sdk import CronTriggerTimetable, Param, dag

from colophon.policy import DEFAULTS, Tag
from colophon.tasks import catalogue


@dag(
    schedule=CronTriggerTimetable("30 0 * * *", timezone="Europe/London"),
    default_args=DEFAULTS,
    doc_md=__doc__,
    tags=[Tag.CATALOGUE],
    max_active_runs=1,
    params={"full": Param(False, type="boolean", title="Full", description="Read every title again, not only what changed.")},
)
def catalogue_sync() -> None:
    catalogue.synchronise() >> catalogue.contracts()


catalogue_sync()
