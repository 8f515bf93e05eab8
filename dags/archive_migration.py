"""# Archive migration

**What** Brings an old archive of manuscripts, artwork and production files over to the title records, or keeps it in step
with them. The mode *plan* lists names and reports what would become of every file; *run* also fetches, checks, matches and
attaches them, each once, and accounts for all of them.

**When** By hand; an archive in the mode `sync` (`config/archives/<id>.toml`) also by its schedule.

**After a failure** Start a new run, or clear the failed tasks: both go on where it stopped, within a file's reach.

**Asks a person** Not while it runs. Files whose title is not certain wait on the page Publishing → Quarantine.

**Connections** `archive_<id>`, `colophon_ledger`
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import CronTriggerTimetable, Param, dag

from colophon.policy import DEFAULTS, Tag, archive_pool
from colophon.tasks import archives
from include.partners import Archive, load_archives


def archive_migration(archive: Archive) -> None:
    schedule = archive.schedule
    connections = archive.bounds.connections

    @dag(
        dag_id=f"archive_migration__{archive.id}",
        dag_display_name=f"Archive migration: {archive.name}",
        schedule=CronTriggerTimetable(schedule.cron, timezone=schedule.timezone) if schedule.cron else None,
        default_args=DEFAULTS,
        doc_md=__doc__,
        tags=[Tag.ARCHIVES],
        max_active_runs=1,
        params={
            "mode": Param(
                "run" if archive.mode == "sync" else "plan",
                enum=["plan", "run"],
                title="Mode",
                description="plan: names only, with a report. run: fetch and attach.",
            )
        },
    )
    def migration() -> None:
        alone = {"pool": archive_pool(archive), "execution_timeout": timedelta(days=1)}
        together = alone | {"max_active_tis_per_dagrun": connections, "execution_timeout": timedelta(days=3), "retries": 10}
        number = archives.look.override(**alone)(archive.id)
        planned = archives.plan.override(execution_timeout=timedelta(hours=12))(archive.id, number)
        batches = archives.batches(archive.id, number)
        moved = archives.move.override(**together).partial(archive_id=archive.id).expand(batch=batches)
        planned >> batches
        [batches, moved] >> archives.finish(archive.id)

    migration()


for each in load_archives():
    archive_migration(each)
