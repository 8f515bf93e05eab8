"""# Readiness reports

**What** Judges how ready every title is, and sends each printer, typesetter or distributor with a `[report]` table its own titles and
columns as CSV, XLSX, JSON or HTML. A report in which nothing changed is not sent again.

**When** Every morning at 05:00, after the mirror; by hand at any time.

**After a failure** Start a new run, or clear the failed task: both send what is missing, once.

**Asks a person** Never.

**Connections** `partner_<id>`, `colophon_ledger`; `consonance` for reports with production runs; `consonance_calendar` where the house has
a calendar of to-dos
"""

from __future__ import annotations

from airflow.sdk import CronTriggerTimetable, dag

from colophon import assets
from colophon.policy import DEFAULTS, Tag, pool_for
from colophon.tasks import readiness
from include.partners import load_parties


@dag(
    schedule=CronTriggerTimetable("0 5 * * *", timezone="Europe/London"),
    default_args=DEFAULTS,
    doc_md=__doc__,
    tags=[Tag.READINESS, Tag.DELIVERY],
    max_active_runs=1,
)
def readiness_reports() -> None:
    judged = readiness.refreshed()
    for party in (one for one in load_parties() if one.report):
        built = readiness.report.override(task_id=f"report__{party.id}")(party.id)
        delivered = readiness.deliver.override(
            task_id=f"deliver__{party.id}", pool=pool_for(party), outlets=[assets.delivered(party.id)]
        )(party.id, built)  # fmt: skip
        judged >> built >> delivered


readiness_reports()
