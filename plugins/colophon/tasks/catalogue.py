"""Tasks of the catalogue mirror."""

from __future__ import annotations

from typing import Any

from airflow.sdk import AssetAlias, task

from colophon import assets
from colophon.policy import CONSONANCE_POOL

TITLES = AssetAlias("titles")  # which title assets have an event depends on what the mirror found


@task(pool=CONSONANCE_POOL, outlets=[TITLES])
def synchronise(*, params: dict[str, Any] | None = None, outlet_events: Any = None) -> dict[str, Any]:
    """Brings the mirror up to date and publishes what happened; gives counts. `params.full` reads everything again."""
    import logging
    from datetime import UTC, datetime

    from colophon.hooks.consonance import ConsonanceHook
    from colophon.hooks.ledger import open_ledger
    from include.catalogue.mirror import synchronise as mirror
    from include.partners import load_house

    log = logging.getLogger("colophon.catalogue")
    outcome = mirror(
        open_ledger(),
        ConsonanceHook().get_conn(),
        load_house(),
        datetime.now(UTC),
        full=bool((params or {}).get("full")),
        on_progress=lambda message: log.info("%s", message),
    )
    events = outlet_events[TITLES]
    if outcome.changed or outcome.deleted or outcome.changed_works or outcome.deleted_works:
        events.add(assets.TITLES_CHANGED, extra={"changed": len(outcome.changed), "deleted": len(outcome.deleted)})
    if outcome.acquired:
        events.add(assets.TITLES_ACQUIRED, extra={"works": len(outcome.acquired)})
    for name, works in outcome.stages.items():
        events.add(assets.stage(name), extra={"works": len(works)})
    return outcome.counts()


@task(pool=CONSONANCE_POOL)
def contracts(*, params: dict[str, Any] | None = None) -> dict[str, Any]:
    """Brings the mirror of contracts up to date; gives counts, or why there are none."""
    import logging
    from datetime import UTC, datetime

    from colophon.hooks.consonance import ConsonanceHook
    from colophon.hooks.ledger import open_ledger
    from include.catalogue.contracts import synchronise as mirror
    from include.partners import load_house

    log = logging.getLogger("colophon.catalogue")
    outcome = mirror(
        open_ledger(),
        ConsonanceHook().get_conn(),
        load_house().contracts,
        datetime.now(UTC),
        full=bool((params or {}).get("full")),
        on_progress=lambda message: log.info("%s", message),
    )
    if outcome.left_out:
        log.warning("No contracts: %s.", outcome.left_out)
    return outcome.counts()
