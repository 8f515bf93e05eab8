"""Tasks of `licence_sync`: Getty's lists one after another, each of which goes on where it stood; then people are told, once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from airflow.sdk import task

from colophon.policy import GETTY_POOL

PARTS = ("products", "downloads", "purchases", "changes", "details", "pictures", "settled")
"""In this order: a withdrawal finds its licence, details are read of all that is new."""


@task(pool=GETTY_POOL)
def part(name: str) -> dict[str, Any]:
    """Reads one of Getty's lists into the licences; what the key may not read is among its problems."""
    import logging

    from colophon.hooks.getty import GettyImagesHook
    from colophon.hooks.ledger import open_ledger, open_store
    from include.licences.sync import PARTS as READERS
    from include.licences.sync import desk_of
    from include.partners.registry import load_agreements, load_campaigns, load_house

    desk = desk_of(
        open_ledger(), GettyImagesHook().get_conn(), agreements=load_agreements(), campaigns=load_campaigns(),
        rules=load_house().licences, store=open_store(), now=datetime.now(UTC),
    )  # fmt: skip
    done = READERS[name](desk)
    log = logging.getLogger("colophon.licences")
    log.info("%s: %s", name, ", ".join(f"{count} {what}" for what, count in sorted(done.counts.items())) or "nothing new")
    for one in done.problems:
        log.warning("%s: %s. %s", one["where"], one["what"], one["todo"])
    return done.to_json()


@task
def told(parts: list[dict[str, Any]]) -> int:
    """Tells the people of licences what was not told yet; how much that was."""
    from colophon.hooks.ledger import open_ledger
    from colophon.notifiers.licences import tell_of_problems
    from include.licences.sync import untold

    new = untold(open_ledger(), [one for done in parts for one in done["problems"]], now=datetime.now(UTC))
    tell_of_problems(new)
    return len(new)
