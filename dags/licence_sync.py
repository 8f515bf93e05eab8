"""# Licences of images

**What** Keeps a record of every licence that we have at Getty Images: downloads, purchases and their orders, permitted use, releases,
restrictions, agreements, withdrawals, small pictures; tied to titles by the notes written at the download. What Getty does not publish
(end, territories, print run) stays unknown until an agreement in `config/`, a sheet of invoice terms or a person says it.

**When** Every night at 04:00, after the mirror; by hand at any time. At least once a day: Getty keeps withdrawals for two weeks only.

**After a failure** Start a new run, or clear the failed task: both go on where it stopped, and nothing is recorded twice.

**Asks a person** Never. What Getty has not enabled for our key, and notes that name no title of ours, are told once.

**Connections** `getty_default`, `colophon_ledger`
"""

from __future__ import annotations

from airflow.sdk import CronTriggerTimetable, chain, dag

from colophon import assets
from colophon.policy import DEFAULTS, Tag
from colophon.tasks import licences


@dag(
    schedule=CronTriggerTimetable("0 4 * * *", timezone="Europe/London"),
    default_args=DEFAULTS,
    doc_md=__doc__,
    tags=[Tag.LICENCES, Tag.RIGHTS],
    max_active_runs=1,
)
def licence_sync() -> None:
    read = [licences.part.override(task_id=name)(name) for name in licences.PARTS]
    chain(*read)
    licences.told.override(outlets=[assets.LICENCES_SYNCED])(read)


licence_sync()
