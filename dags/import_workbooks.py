"""# Import workbooks

**What** Hands each of Consonance's import workbooks (sales, new titles, prices) to a person, who downloads it, loads it in Consonance and
says so; then reads back what Consonance lets us read. Titles and prices that are not there are named, by ISBN.

**When** As soon as a workbook is prepared; each morning for those that nobody has loaded, and to look again for what was missing; by hand,
for one workbook or all.

**After a failure** Start a new run, or clear the failed tasks: both ask again about what is not loaded, and nothing is confirmed twice.

**Asks a person** Always: no API loads a workbook. The people of the workbook's role are asked, one question for each workbook. No answer in
seven days means that it is not loaded, and it is asked about again.

**Connections** `consonance`, `colophon_ledger`
"""

from __future__ import annotations

from airflow.sdk import AssetOrTimeSchedule, CronTriggerTimetable, Param, dag

from colophon import assets
from colophon.policy import CONSONANCE_POOL, DEFAULTS, Tag
from colophon.tasks import workbooks


@dag(
    schedule=AssetOrTimeSchedule(timetable=CronTriggerTimetable("30 7 * * *", timezone="Europe/London"), assets=assets.WORKBOOKS_PREPARED),
    default_args=DEFAULTS,
    doc_md=__doc__,
    tags=[Tag.IMPORTS],
    max_active_runs=64,  # a run lasts as long as its question is open; it must not hold up the next
    params={"workbook": Param(None, type=["null", "integer"], minimum=1, title="Workbook", description="Number; empty: all that wait.")},
)
def import_workbooks() -> None:
    workbooks.look_again.override(pool=CONSONANCE_POOL)()
    workbooks.each_workbook.expand(workbook=workbooks.due())


import_workbooks()
