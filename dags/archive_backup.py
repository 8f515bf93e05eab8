"""# Archive backup

**What** Sends an off-site archive what can't be had again: titles and contracts as Consonance has them, the history of stages and
reviews, and every version of every title's files. Only what the archive lacks travels; each run that finds something new leaves a
manifest that names every record and file by its hash. Some of what lies there is read back and compared each time. The command `restore`
brings back any day.

**When** By the archive's schedule, after the night's feeds; by hand at any time.

**After a failure** Start a new run, or clear the failed task: both look at what has arrived and send the rest. A damaged or missing
object is named, and the next run sends it again.

**Asks a person** Never. Restricted files go only encrypted, unless the archive's file says otherwise; old backups are only removed where it
says so.

**Connections** `partner_<id>`, `colophon_ledger`
"""

from __future__ import annotations

from airflow.sdk import CronTriggerTimetable, dag

from colophon import assets
from colophon.policy import Tag, deadline_for, defaults, pool_for
from colophon.tasks import backups
from include.partners import Party, load_parties


def archive_backup(archive: Party) -> None:
    @dag(
        dag_id=f"archive_backup__{archive.id}",
        dag_display_name=f"Backup: {archive.name}",
        schedule=CronTriggerTimetable(archive.schedule.cron, timezone=archive.schedule.timezone) if archive.schedule.cron else None,
        default_args=defaults(archive),
        deadline=deadline_for(archive),
        doc_md=__doc__,
        tags=[Tag.OPERATIONS, Tag.DELIVERY],
        max_active_runs=1,
    )
    def backup() -> None:
        draft = backups.collect(archive.id)
        sent = backups.send.override(pool=pool_for(archive), outlets=[assets.delivered(archive.id)])(archive.id, draft)
        read = backups.verify.override(pool=pool_for(archive))(archive.id, sent)
        read >> backups.sweep.override(pool=pool_for(archive))(archive.id)

    backup()


for each in load_parties():
    if each.backup is not None:
        archive_backup(each)
