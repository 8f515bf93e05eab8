"""Tasks that take approved files to Consonance."""

from __future__ import annotations

from typing import Any

from airflow.sdk import AssetAlias, task

from colophon import assets
from colophon.policy import CONSONANCE_POOL

FILES = AssetAlias("files")  # an event only if a file was shown or taken back


@task(pool=CONSONANCE_POOL, outlets=[FILES])
def show(*, params: dict[str, Any] | None = None, outlet_events: Any = None) -> dict[str, Any]:
    """Shows every approved, current file that is not shown yet, and takes back what is not approved any more.

    Gives `counts` by rung and `problems`: what goes wrong with one file does not keep the others.
    """
    import logging
    from collections import Counter
    from datetime import UTC, datetime

    from colophon.hooks.consonance import ConsonanceHook
    from colophon.hooks.ledger import open_ledger, open_store
    from colophon.hooks.signing import signer
    from include.errors import ColophonError, ConfigurationError
    from include.intake.ladder import Ladder
    from include.store.signed import bucket_url

    log = logging.getLogger("colophon.approved")
    store, signs = open_store(), signer()
    address, page = (signs.url, signs.page) if signs else (bucket_url(store), None)
    ladder = Ladder(open_ledger(), store, ConsonanceHook().get_conn(), address, page)
    again = bool((params or {}).get("again"))
    counts: Counter[str] = Counter()
    problems: list[str] = []
    for file_id in ladder.waiting(again=again):
        try:
            shown = ladder.settle(file_id, datetime.now(UTC), again=again)
        except ConfigurationError:
            raise  # it would go wrong with every file
        except ColophonError as bad:
            problems.append(f"file {file_id}: {bad}")
            continue
        counts[shown.as_] += shown.new
        log.info("File %s: %s. %s", file_id, shown.as_, shown.why)
    if counts.total():
        outlet_events[FILES].add(assets.FILES_APPROVED, extra={"files": counts.total()})
    return {"counts": dict(counts), "problems": problems}


@task(retries=0)
def report(shown: dict[str, Any]) -> None:
    """Fails with all problems at once: the next run tries those files again."""
    from include.errors import PermanentError

    if problems := shown["problems"]:
        more = f"; and {len(problems) - 10} more" if len(problems) > 10 else ""
        raise PermanentError(f"{len(problems)} files were not shown: {'; '.join(problems[:10])}{more}", todo="Start a new run.")
