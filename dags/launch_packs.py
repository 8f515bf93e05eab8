"""# Launch packs

**What** Sends sales, marketing and retailers with a `[launch]` table the approved set of each title: cover, copy, biographies, promotional
files. Nothing leaves before the title has passed the party's gate and its embargo is over. When the set changes, everybody who has an
earlier one gets the next revision.

**When** Every morning at 06:00, and as soon as titles changed or files were approved; by hand at any time.

**After a failure** Start a new run, or clear the failed task: both send what is missing, once.

**Asks a person** Never: whatever goes was approved before. Titles that wait say why on their page.

**Connections** `partner_<id>`, `colophon_ledger`; `consonance_calendar` where the house has a calendar of to-dos
"""

from __future__ import annotations

from airflow.sdk import AssetOrTimeSchedule, CronTriggerTimetable, dag

from colophon import assets
from colophon.policy import DEFAULTS, Tag, pool_for
from colophon.tasks import readiness
from include.partners import load_parties


@dag(
    schedule=AssetOrTimeSchedule(
        timetable=CronTriggerTimetable("0 6 * * *", timezone="Europe/London"), assets=assets.TITLES_CHANGED | assets.FILES_APPROVED
    ),
    default_args=DEFAULTS,
    doc_md=__doc__,
    tags=[Tag.READINESS, Tag.DELIVERY],
    max_active_runs=1,
)
def launch_packs() -> None:
    judged = readiness.refreshed()
    for party in (one for one in load_parties() if one.launch):
        built = readiness.packs.override(task_id=f"packs__{party.id}")(party.id)
        delivered = readiness.deliver_package.override(
            task_id=f"deliver__{party.id}", pool=pool_for(party), outlets=[assets.delivered(party.id)]
        )  # fmt: skip
        judged >> built
        delivered.partial(party_id=party.id).expand(delivery_id=built)


launch_packs()
