"""Licences of images in the ledger: one of them, its flags and history, and what stops a delivery. Lists are in `licence_lists`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from include.errors import PermanentError
from include.ledger.chunks import CHUNK, chunks
from include.ledger.licence_rows import (
    FlagState,
    LicenceChangeRow,
    LicenceFlagRow,
    LicenceRow,
    LicenceServesRow,
    LicenceState,
)

EVERYWHERE = "*"
UNTOLD = (FlagState.OPEN, FlagState.ACKNOWLEDGED)
"""Flags about which somebody has still to do something."""


def get(session: Session, licence_id: int, *, lock: bool = False) -> LicenceRow:
    """One licence with what it serves. Raises `PermanentError` if there is none."""
    query = select(LicenceRow).where(LicenceRow.id == licence_id).options(selectinload(LicenceRow.serves))
    row = session.scalar(query.with_for_update() if lock else query)
    if row is None:
        raise PermanentError(f"there is no licence {licence_id}", todo="Look it up in the list.")
    return row


def blocking(session: Session, work_ids: Collection[int]) -> dict[int, list[LicenceFlagRow]]:
    """Flags that stop a delivery of these works: blocking ones that nobody has settled. Works without any are left out.

    A flag with a `product_id` stops that edition alone. One without a work stops every work that its licence serves.
    """
    wanted, found = sorted(set(work_ids) - {0}), dict[int, list[LicenceFlagRow]]()
    stops = (LicenceFlagRow.blocking, LicenceFlagRow.state.in_(UNTOLD))
    for some in chunks(wanted):
        query = select(LicenceFlagRow).where(LicenceFlagRow.work_id.in_(some), *stops)
        for flag in session.scalars(query.order_by(LicenceFlagRow.work_id, LicenceFlagRow.id)):
            found.setdefault(flag.work_id, []).append(flag)
        tied = (LicenceFlagRow.licence_id == LicenceServesRow.licence_id, LicenceServesRow.work_id.in_(some))
        served = select(LicenceServesRow.work_id, LicenceFlagRow).where(LicenceFlagRow.work_id == 0, *tied, *stops).distinct()
        for work_id, flag in session.execute(served.order_by(LicenceServesRow.work_id, LicenceFlagRow.id)):
            found.setdefault(int(work_id), []).append(flag)
    return found


def stopping(session: Session, products: Mapping[int, int]) -> dict[int, list[dict[str, str]]]:
    """Why products may not leave, as reasons ({code, message, todo, where}); `products`: id to the work's. Those that may are left out."""
    of_works = blocking(session, products.values())
    if not of_works:
        return {}
    rows: dict[int, LicenceRow] = {}
    ids = sorted({flag.licence_id for found in of_works.values() for flag in found})
    for some in chunks(ids):
        rows |= {row.id: row for row in session.scalars(select(LicenceRow).where(LicenceRow.id.in_(some)))}
    found: dict[int, list[dict[str, str]]] = {}
    for product, work in products.items():
        for flag in of_works.get(work, ()):
            if flag.product_id in {0, product}:
                found.setdefault(product, []).append(_reason(flag, rows[flag.licence_id]))
    return found


def _reason(flag: LicenceFlagRow, row: LicenceRow) -> dict[str, str]:
    named = f" ({row.name})" if row.name else ""
    return {
        "code": f"licence-{flag.cause}",
        "message": f"licence {row.id} of the image {row.asset_id}{named} forbids it: {flag.message}",
        "todo": f"{flag.todo} Then resolve flag {flag.id} on the licence's page.",
        "where": f"licence {row.id}, asset {row.asset_id}",
    }


def flags(session: Session, licence_id: int) -> list[LicenceFlagRow]:
    """All flags of a licence, the newest first."""
    query = select(LicenceFlagRow).where(LicenceFlagRow.licence_id == licence_id)
    return list(session.scalars(query.order_by(LicenceFlagRow.id.desc())))


def changes(session: Session, licence_id: int, *, before: int | None = None, limit: int = 100) -> list[LicenceChangeRow]:
    """What changed in a licence, the newest first. `before` is the last id of the page before."""
    query = select(LicenceChangeRow).where(LicenceChangeRow.licence_id == licence_id)
    if before is not None:
        query = query.where(LicenceChangeRow.id < before)
    return list(session.scalars(query.order_by(LicenceChangeRow.id.desc()).limit(limit)))


def as_json(row: LicenceRow) -> dict[str, Any]:
    """One licence, ready for JSON."""
    names = (
        "id", "provider", "asset_id", "use", "name", "artist", "family", "model", "agreement", "product_type", "getty_product_id",
        "order_id", "invoice", "notes", "state", "ends_on", "agreement_ends_on", "editorial_only", "territories", "terms",
    )  # fmt: skip
    moments = {name: _iso(getattr(row, name)) for name in ("licensed_at", "withdrawn_at", "first_seen", "changed_at", "checked_at")}
    serves = [{name: getattr(one, name) for name in ("work_id", "product_id", "campaign", "role", "source")} for one in row.serves]
    return {name: getattr(row, name) for name in names} | moments | {"serves": serves}


def expired(session: Session, today: date, *, limit: int = CHUNK) -> list[int]:
    """Ids of licences whose last day has passed and whose state does not say so yet."""
    query = select(LicenceRow.id).where(
        LicenceRow.ends_on != "",
        LicenceRow.ends_on < today.isoformat(),
        LicenceRow.state.not_in((LicenceState.EXPIRED, LicenceState.WITHDRAWN)),
    )
    return list(session.scalars(query.order_by(LicenceRow.id).limit(limit)))


def _iso(moment: Any) -> str:
    return str(moment.isoformat(timespec="seconds")) if moment else ""
