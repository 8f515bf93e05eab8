"""# Sales matching

**What** Tries products of sales reports that no title was known for once more, and prepares the workbooks of what can go to Consonance
now: newly matched, approved on the page Sales, or left by a run that was stopped.

**When** As soon as titles changed, and every hour; by hand at any time.

**After a failure** Start a new run: what is done is not done again.

**Asks a person** Never. What stays unknown waits under Publishing → Sales.

**Connections** `colophon_ledger`
"""

from __future__ import annotations

from airflow.sdk import AssetOrTimeSchedule, CronTriggerTimetable, dag

from colophon import assets
from colophon.policy import DEFAULTS, Tag
from colophon.tasks import sales


@dag(
    schedule=AssetOrTimeSchedule(timetable=CronTriggerTimetable("20 * * * *", timezone="Europe/London"), assets=assets.TITLES_CHANGED),
    default_args=DEFAULTS,
    doc_md=__doc__,
    tags=[Tag.SALES],
    max_active_runs=1,
)
def sales_matching() -> None:
    sales.workbooks.expand(batch_id=sales.match_again())


sales_matching()
