"""Tasks of `connections_check`: try everything, put it in one table, name what to mend."""

from __future__ import annotations

from typing import Any

from airflow.sdk import task


@task
def places() -> list[str]:
    """Everything with a connection of its own: parties, inboxes, old archives."""
    from colophon import checks

    return checks.places()


@task(retries=0)
def services() -> list[dict[str, Any]]:
    """Ledger, store and Consonance; a row for each."""
    from colophon.checks import check_services

    return [row.to_json() for row in check_services()]


@task(retries=0, map_index_template="{{ place }}")
def place(place: str) -> list[dict[str, Any]]:
    """One connection, step by step."""
    from airflow.sdk import get_current_context

    from colophon.checks import check_place

    get_current_context()["place"] = place
    return [row.to_json() for row in check_place(place)]


@task(retries=0, trigger_rule="all_done")
def report(of_services: list[dict[str, Any]], of_places: list[list[dict[str, Any]]], places: list[str] | None) -> dict[str, Any]:
    """Prints the table, keeps it for the page, and fails if anything needs mending."""
    import logging
    from datetime import UTC, datetime

    from colophon.checks import Check, missing, table
    from colophon.hooks.ledger import open_ledger
    from include.errors import ConfigurationError
    from include.ledger.deliveries import record_event

    rows = [Check(**row) for row in [*(of_services or []), *(row for rows in of_places or [] for row in rows or [])]]
    rows += missing(places or [], rows)
    if not of_services or not places:
        rows.append(Check("connections_check", "services" if not of_services else "places", False, "no answer", "See that task's log."))
    logging.getLogger("colophon.check").info("\n%s", table(rows))
    bad = [row for row in rows if not row.ok]
    with open_ledger().session() as session:
        record_event(session, what="connections checked", now=datetime.now(UTC), detail={"rows": [row.to_json() for row in rows]})
    if bad:
        names = "; ".join(f"{row.connection} ({row.step}): {row.message}" for row in bad)
        raise ConfigurationError(f"{len(bad)} to mend: {names}", where="connections_check", todo="The table above says how.")
    return {"checked": len(rows), "failed": 0}
