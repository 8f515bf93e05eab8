"""# Approved files to Consonance

**What** Takes every approved, current file that Consonance does not show yet as far as this Consonance lets us: a front cover becomes its
supporting resource (TIFF and PSD as JPEG) and takes the place of the one before; everything else stays in Colophon's title record, with
the reason on the title's page. What lost its approval is taken out again.

**When** Every half hour in the day, and at night after the catalogue; by hand at any time. Tick *again* to try once more what got no
further than the title record.

**After a failure** Start a new run, or clear the failed task: what Consonance has already is found there and not made twice.

**Asks a person** Never: files are approved on the title's page. Where this Consonance lets nobody delete, a person is told what to delete.

**Connections** `consonance`, `colophon_ledger`
"""

from __future__ import annotations

from airflow.sdk import CronTriggerTimetable, Param, dag

from colophon.policy import DEFAULTS, Tag
from colophon.tasks import approved


@dag(
    schedule=CronTriggerTimetable("10,40 1,7-20 * * *", timezone="Europe/London"),
    default_args=DEFAULTS,
    doc_md=__doc__,
    tags=[Tag.CATALOGUE],
    max_active_runs=1,
    params={"again": Param(False, type="boolean", title="Again", description="Try again what got no further than the title record.")},
)
def approved_files() -> None:
    approved.report(approved.show())


approved_files()
