"""Tasks of `connections_check`: try everything, put it in one table, name what to mend."""

from __future__ import annotations

from typing import Any

from airflow.sdk import task


@task
def partner_ids() -> list[str]:
    """Ids of all enabled partners."""
    from include.partners import load_parties

    return [partner.id for partner in load_parties()]


@task(retries=0)
def services() -> list[dict[str, Any]]:
    """Ledger, store and Consonance; a row for each."""
    from colophon.checks import check_services

    return [row.to_json() for row in check_services()]


@task(retries=0, map_index_template="{{ partner_id }}")
def partner(partner_id: str) -> list[dict[str, Any]]:
    """One partner's connection, step by step."""
    from airflow.sdk import get_current_context

    from colophon.checks import check_partner

    get_current_context()["partner_id"] = partner_id
    return [row.to_json() for row in check_partner(partner_id)]


@task(retries=0, trigger_rule="all_done")
def report(of_services: list[dict[str, Any]], of_partners: list[list[dict[str, Any]]], partners: list[str] | None) -> dict[str, Any]:
    """Prints the table, keeps it for the page, and fails if anything needs mending."""
    import logging
    from datetime import UTC, datetime

    from colophon.checks import Check, missing, table
    from colophon.hooks.ledger import open_ledger
    from include.errors import ConfigurationError
    from include.ledger.deliveries import record_event

    rows = [Check(**row) for row in [*(of_services or []), *(row for rows in of_partners or [] for row in rows or [])]]
    rows += missing(partners or [], rows)
    if not of_services or not partners:
        rows.append(Check("connections_check", "services" if not of_services else "partners", False, "no answer", "See that task's log."))
    logging.getLogger("colophon.check").info("\n%s", table(rows))
    bad = [row for row in rows if not row.ok]
    with open_ledger().session() as session:
        record_event(session, what="connections checked", now=datetime.now(UTC), detail={"rows": [row.to_json() for row in rows]})
    if bad:
        names = "; ".join(f"{row.connection} ({row.step}): {row.message}" for row in bad)
        raise ConfigurationError(f"{len(bad)} to mend: {names}", where="connections_check", todo="The table above says how.")
    return {"checked": len(rows), "failed": 0}
