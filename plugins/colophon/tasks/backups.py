"""Tasks of `archive_backup`: gather records and files, send what the archive lacks, read some of it back, say what may go."""

from __future__ import annotations

from typing import Any

from airflow.sdk import task


@task
def collect(party_id: str) -> str:
    """Writes the draft of the manifest; gives its artefact."""
    import logging

    from colophon.hooks.ledger import open_ledger, open_store
    from include.packages import backup, vault
    from include.partners import load_party

    party = load_party(party_id)
    vault.place_of(party)
    return backup.collect(open_ledger(), open_store(), party, say=logging.getLogger("colophon.backup").info)


@task(retries=5)
def send(party_id: str, draft: str, *, dag_run: Any = None) -> dict[str, Any]:
    """Sends the objects that the archive lacks, then the manifest and its sums. What arrived in an earlier try is not sent again."""
    import logging
    from dataclasses import asdict
    from datetime import UTC, datetime

    from colophon.hooks.ledger import open_ledger, open_store
    from colophon.hooks.remote import open_remote
    from colophon.tasks.sending import send_delivery
    from include.deliveries.build import Run
    from include.packages import backup
    from include.partners import load_party

    log, party, run = logging.getLogger("colophon.backup"), load_party(party_id), Run(dag_run.dag_id, dag_run.run_id)
    sent = backup.send(
        open_ledger(), open_store(), party, draft, lambda: open_remote(party.transport),
        lambda delivery_id: send_delivery(party_id, delivery_id, run), now=datetime.now(UTC), run=run, say=log.info,
    )  # fmt: skip
    log.info("Backup %s: %s objects, %s sent (%s bytes), %s left out", sent.name, sent.objects, sent.added, sent.added_bytes, sent.left_out)
    return asdict(sent)


@task
def verify(party_id: str, sent: dict[str, Any], *, dag_run: Any = None) -> int:
    """Reads some objects back and compares them; fails with the names of what is damaged, missing or lost."""
    from datetime import UTC, datetime

    from colophon.hooks.ledger import open_ledger, open_store
    from colophon.hooks.remote import open_remote
    from include.deliveries.build import Run
    from include.errors import PermanentError
    from include.packages import backup
    from include.partners import load_party

    party = load_party(party_id)
    problems = backup.verify(
        open_ledger(), open_store(), party, sent["backup_id"], lambda: open_remote(party.transport), first=sent["again"],
        now=datetime.now(UTC), run=Run(dag_run.dag_id, dag_run.run_id),
    )  # fmt: skip
    if problems:
        more = f" and {len(problems) - 5} more" if len(problems) > 5 else ""
        raise PermanentError(
            "; ".join(str(problem["message"]) for problem in problems[:5]) + more,
            where=f"backup {sent['name']} at {party.name}",
            todo=str(problems[0]["todo"]),
        )
    return len(sent["again"])


@task
def sweep(party_id: str, *, dag_run: Any = None) -> dict[str, Any]:
    """Says which old backups would go, or removes them where the party's file says so. Skips where all are kept."""
    import logging
    from dataclasses import asdict
    from datetime import UTC, datetime

    from airflow.sdk.exceptions import AirflowSkipException

    from colophon.hooks.ledger import open_ledger, open_store
    from colophon.hooks.remote import open_remote
    from include.deliveries.build import Run
    from include.packages import restore, retention
    from include.partners import load_party

    log, party = logging.getLogger("colophon.backup"), load_party(party_id)
    if party.backup is None or party.backup.keep_days is None:
        raise AirflowSkipException("All backups are kept: `keep_days` is not set.")
    swept = retention.sweep(
        open_ledger(), open_store(), party, lambda: open_remote(party.transport), now=datetime.now(UTC),
        run=Run(dag_run.dag_id, dag_run.run_id), opens=restore.unseal,
    )  # fmt: skip
    verb = "Removed" if swept.removed else "Dry run, would remove"
    log.info("%s: backups %s, %s objects, %s bytes", verb, ", ".join(swept.manifests) or "none", swept.objects, swept.bytes)
    for problem in swept.problems:
        log.warning("%s", problem)
    return asdict(swept)
