"""Tasks of an archive migration: look, plan, cut into batches, move them several at once, add up.

Each goes on where it was stopped. Outside the archive's hours a moving task is rescheduled: no worker waits in it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk import task

if TYPE_CHECKING:
    from include.archives.migration import Migration


def migration_of(archive_id: str, say: Any = None) -> Migration:
    """One archive's migration over its Airflow connection, as tasks and the command line have it."""
    import logging

    from colophon.hooks.ledger import open_ledger, open_store
    from colophon.hooks.remote import open_remote
    from include.archives.migration import Migration
    from include.partners import load_archive

    archive = load_archive(archive_id)
    told = say or logging.getLogger("colophon.archives").info
    return Migration(open_ledger(), open_store(), archive, lambda: open_remote(archive.transport), lambda: datetime.now(UTC), told)


@task
def look(archive_id: str, *, params: dict[str, Any] | None = None) -> int:
    """Lists the archive, names only; gives the walk's number."""
    return migration_of(archive_id).look(run=(params or {}).get("mode") == "run")


@task
def plan(archive_id: str, number: int) -> dict[str, Any]:
    """The dry run, with its report in the log and in the store."""
    import logging

    report = migration_of(archive_id).plan(number, written=True)
    if report is None:
        return {}
    logging.getLogger("colophon.archives").info("%s", report.text)
    return {"fates": report.account.fates, "reports": report.artefacts, "seconds": round(report.estimate.seconds)}


@task
def batches(archive_id: str, number: int, *, params: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    """What is left to move, one batch of shards for each mapped task. Skips the rest of the run when it is only a plan."""
    from airflow.sdk.exceptions import AirflowSkipException

    if (params or {}).get("mode") != "run":
        raise AirflowSkipException("a plan: nothing is fetched. Start the flow with the mode `run` to do so.")
    migration = migration_of(archive_id)
    found = migration.batches(number)
    share = min(len(found), migration.archive.bounds.connections)
    return [{"number": number, "shards": shards, "worker": place, "share": share} for place, shards in enumerate(found, 1)]


@task(map_index_template="{{ batch.shards | length }} shards from {{ batch.shards | first }}")
def move(archive_id: str, batch: dict[str, Any], *, dag_run: Any = None) -> dict[str, Any]:
    """Moves what is left of a batch; outside the archive's hours it comes again when they begin."""
    import logging

    from airflow.sdk import get_current_context
    from airflow.sdk.exceptions import AirflowRescheduleException

    from include.archives.move import Closed

    get_current_context()["batch"] = batch
    log = logging.getLogger("colophon.archives")
    try:
        moved = migration_of(archive_id).move(
            batch["number"], batch["shards"], worker=str(batch["worker"]), share=batch["share"], who=dag_run.run_id if dag_run else ""
        )
    except Closed as closed:
        log.info("%s; this task comes again then", closed)
        raise AirflowRescheduleException(closed.until) from closed
    log.info("%s files, %s bytes: %s", moved.files, moved.bytes, moved.fates)
    return {"files": moved.files, "bytes": moved.bytes, "fates": {str(fate): count for fate, count in moved.fates.items()}}


@task(trigger_rule="none_failed_min_one_success")
def finish(archive_id: str) -> dict[str, Any]:
    """The account: every file has one fate, and the sums agree; fails with the list of those that don't."""
    import logging

    from include.ledger import archives

    migration = migration_of(archive_id)
    with migration.ledger.read() as session:
        walk = archives.latest(session, archive_id)
    if walk is None:
        return {}
    account, report = migration.finish(walk.number)
    logging.getLogger("colophon.archives").info("%s", report.text)
    return account.to_json() | {"reports": report.artefacts}
