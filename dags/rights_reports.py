"""# Rights reports

**What** Sends each agent, rights partner and finance department with a `[rights]` table its reports, as workbook and CSV: which rights are
held where, with flags on what was sold or used where they are not; contracts; sales by territory and imprint, which re-add to their
sources. Each gets its own titles and nothing of others. What has not changed is not sent again.

**When** As soon as titles changed or a report of sales was read, and every morning at 06:40, for what people decided meanwhile; with the
first day of a period the report of the last one begins. By hand at any time.

**After a failure** Start a new run, or clear the failed tasks: both send what is missing, once. An extract that does not re-add stops by
itself and names the batch.

**Asks a person** Never.

**Connections** `partner_<id>` of every party with a `[rights]` table, `colophon_ledger`
"""

from __future__ import annotations

from airflow.sdk import AssetOrTimeSchedule, CronTriggerTimetable, dag

from colophon import assets
from colophon.policy import DEFAULTS, Tag
from colophon.tasks import rights
from include.partners import load_parties


@dag(
    schedule=AssetOrTimeSchedule(
        timetable=CronTriggerTimetable("40 6 * * *", timezone="Europe/London"), assets=assets.TITLES_CHANGED | assets.SALES_LOADED
    ),
    default_args=DEFAULTS,
    doc_md=__doc__,
    tags=[Tag.RIGHTS, Tag.SALES, Tag.DELIVERY],
    max_active_runs=1,
)
def rights_reports() -> None:
    rights.send_to_each([party for party in load_parties() if party.rights is not None])


rights_reports()
