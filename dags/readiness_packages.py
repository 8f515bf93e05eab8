"""# Readiness packages

**What** For each work and release date that is near, sends a package to whoever has a `[releases]` table: which format is ready, which is
late and why, a checklist per format, the assets, the delivery dates. When something in it changes, its next revision goes.

**When** Every morning at 05:30, after the mirror; by hand at any time.

**After a failure** Start a new run, or clear the failed task: both send what is missing, once.

**Asks a person** Never.

**Connections** `partner_<id>`, `colophon_ledger`; `consonance_calendar` where the house has a calendar of to-dos
"""

from __future__ import annotations

from airflow.sdk import CronTriggerTimetable, dag

from colophon import assets
from colophon.policy import DEFAULTS, Tag, pool_for
from colophon.tasks import readiness
from include.partners import load_parties


@dag(
    schedule=CronTriggerTimetable("30 5 * * *", timezone="Europe/London"),
    default_args=DEFAULTS,
    doc_md=__doc__,
    tags=[Tag.READINESS, Tag.DELIVERY],
    max_active_runs=1,
)
def readiness_packages() -> None:
    judged = readiness.refreshed()
    for party in (one for one in load_parties() if one.releases):
        built = readiness.packages.override(task_id=f"packages__{party.id}")(party.id)
        delivered = readiness.deliver_package.override(
            task_id=f"deliver__{party.id}", pool=pool_for(party), outlets=[assets.delivered(party.id)]
        )  # fmt: skip
        judged >> built
        delivered.partial(party_id=party.id).expand(delivery_id=built)


readiness_packages()
