"""Tasks of `cover_sync`: Cloudinary's moderation queue into the ledger, approved covers onto titles and into Consonance."""

from __future__ import annotations

from typing import Any

from airflow.sdk import AssetAlias, task

from colophon import assets
from colophon.policy import CLOUDINARY_POOL, CONSONANCE_POOL

FILES = AssetAlias("files")  # an event only if a title got or lost a cover


@task(pool=CLOUDINARY_POOL)
def read(*, params: dict[str, Any] | None = None) -> dict[str, Any]:
    """Reads the queue, and takes in what is newly approved. Gives `counts`, `problems` of single covers, and how many are `waiting` for
    the next hour's requests."""
    import logging
    from datetime import UTC, datetime

    from colophon.hooks.cloudinary import CloudinaryHook
    from colophon.hooks.ledger import open_ledger, open_store
    from include.media import listing, masters
    from include.media.fetching import Fetcher
    from include.partners.registry import load_house

    hook, ledger, rules, now = CloudinaryHook(), open_ledger(), load_house().covers, datetime.now(UTC)
    client = hook.get_conn()
    counts = listing.read(ledger, client, rules, queue=hook.moderation, now=now)
    taken = masters.take(ledger, open_store(), client, Fetcher(), rules, now=now, again=bool((params or {}).get("again")))
    log = logging.getLogger("colophon.covers")
    log.info("Cloudinary: %s", _words(counts + taken.counts))
    if taken.waiting:
        log.warning("%d covers wait for the next hour: this hour's requests are used up.", taken.waiting)
    return {"counts": dict(counts + taken.counts), "problems": taken.problems, "waiting": taken.waiting}


@task(pool=CONSONANCE_POOL, outlets=[FILES])
def bring(read: dict[str, Any], *, params: dict[str, Any] | None = None, outlet_events: Any = None) -> dict[str, Any]:
    """Gives every title its covers, and shows them in Consonance. Gives `counts`, `problems` of single titles, and what is `left` to
    people, in sentences."""
    import logging
    from datetime import UTC, datetime

    from colophon.hooks.consonance import ConsonanceHook
    from colophon.hooks.ledger import open_ledger, open_store
    from colophon.hooks.signing import signer
    from include.intake.ladder import Ladder
    from include.media import choice, titles
    from include.media.summary import summary
    from include.store.signed import bucket_url

    given, ledger, store, signs, now = params or {}, open_ledger(), open_store(), signer(), datetime.now(UTC)
    with ledger.session() as session:
        chosen = choice.choose(session)
        choice.note_lost(session, chosen, now)
    settled = titles.settle(ledger, store, chosen, now=now, anyway=bool(given.get("anyway")))
    address, page = (signs.url, signs.page) if signs else (bucket_url(store), None)
    ladder = Ladder(ledger, store, ConsonanceHook().get_conn(), address, page)
    shown = titles.show(ladder, lambda: datetime.now(UTC), again=bool(given.get("again")))
    counts = settled.counts + shown.counts
    logging.getLogger("colophon.covers").info("Titles: %s", _words(counts))
    if changed := settled.counts["attached"] + settled.counts["taken off"]:
        outlet_events[FILES].add(assets.FILES_APPROVED, extra={"files": changed})
    with ledger.read() as session:
        left = summary(session)
    return {"counts": dict(counts), "problems": settled.problems + shown.problems, "left": left}


@task(retries=0)
def report(read: dict[str, Any], brought: dict[str, Any]) -> None:
    """Says what is left to people, and fails with all problems at once: the next run tries those covers again."""
    import logging

    from include.errors import PermanentError

    log = logging.getLogger("colophon.covers")
    log.info("%s; on titles: %s", _words(read["counts"]), _words(brought["counts"]))
    for sentence in brought["left"]:
        log.warning("%s", sentence)
    if problems := [*read["problems"], *brought["problems"]]:
        more = f"; and {len(problems) - 10} more" if len(problems) > 10 else ""
        raise PermanentError(f"{len(problems)} covers met an error: {'; '.join(problems[:10])}{more}", todo="Start a new run.")


def _words(counts: Any) -> str:
    return ", ".join(f"{count} {what}" for what, count in sorted(counts.items()) if count) or "nothing"
