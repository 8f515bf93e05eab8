"""# Covers from Cloudinary

**What** Brings every cover that was approved in Cloudinary onto its titles and into Consonance: front, back, full jacket, and the branding
of a series on each of its titles. Its ISBN goes before the work, the work before the series. What is too small, in the wrong colours or
no picture stays back, with the reason on the title's page; what was rejected is taken out again.

**When** Every hour in the day, and at night after the catalogue; by hand at any time. Tick *again* to look anew at what was refused,
*anyway* to let unusually many covers be taken off their titles.

**After a failure** Start a new run, or clear the failed task: what was taken in is not fetched again, and what Consonance has already is
found there and not made twice.

**Asks a person** Never: covers are approved in Cloudinary's moderation queue. Where this Consonance lets nobody delete, a person is told
what to delete.

**Connections** `cloudinary_default`, `consonance`, `colophon_ledger`
"""

from __future__ import annotations

from airflow.sdk import CronTriggerTimetable, Param, dag

from colophon.policy import DEFAULTS, Tag
from colophon.tasks import covers


@dag(
    schedule=CronTriggerTimetable("20 1,6-21 * * *", timezone="Europe/London"),
    default_args=DEFAULTS,
    doc_md=__doc__,
    tags=[Tag.CATALOGUE],
    max_active_runs=1,
    params={
        "again": Param(False, type="boolean", title="Again", description="Look again at covers that were refused."),
        "anyway": Param(False, type="boolean", title="Anyway", description="Take covers off their titles, however many they are."),
    },
)
def cover_sync() -> None:
    read = covers.read()
    covers.report(read, covers.bring(read))


cover_sync()
