"""Writes what was found out about titles into the ledger: one row per title and partner, no row touched that says the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.orm import Session

from include.deliveries.changes import Look
from include.ledger.models import FeedRecordRow

_KEY = frozenset({"partner", "product_id"})


def save(session: Session, partner: str, looks: Sequence[Look], now: datetime) -> None:
    """Saves fresh looks. A pending title keeps what the partner has until its delivery arrives.

    A look that compared with something that the partner no longer has (a delivery arrived meanwhile) is not saved: the
    title is looked at again next time.
    """
    ids = [look.product_id for look in looks]
    mine = FeedRecordRow.partner == partner
    known = set(session.scalars(select(FeedRecordRow.product_id).where(mine, FeedRecordRow.product_id.in_(ids))))
    new: list[dict[str, Any]] = []
    changed: dict[frozenset[str], list[dict[str, Any]]] = {}  # by the columns that are written
    for look in looks:
        row: dict[str, Any] = {
            "partner": partner,
            "product_id": look.product_id,
            "isbn": look.isbn[:20],
            "state": look.state,
            "reasons": [asdict(reason) for reason in look.reasons],
            "looked_at": now,
            "source_digest": look.source,
        }
        if look.product is not None:
            row["stable_until"] = look.stable_until
        if look.record is not None:
            row["record_reference"] = look.record.reference
        if look.product_id in known:
            values = {f"new_{column}": value for column, value in row.items() if column not in _KEY}
            here = {"of_partner": partner, "of_product": look.product_id, "compared": look.received}
            changed.setdefault(frozenset(row) - _KEY, []).append(values | here)
        else:
            new.append(row)
    if new:
        session.execute(insert(FeedRecordRow), [{"stable_until": "", "record_reference": "", **row} for row in new])
    known_as = FeedRecordRow.__table__.c
    same = (known_as.partner == bindparam("of_partner"), known_as.product_id == bindparam("of_product"))
    for columns, rows in changed.items():  # one statement for many rows: after a full message, all titles are written
        written = {column: bindparam(f"new_{column}", type_=known_as[column].type) for column in columns}
        statement = update(FeedRecordRow.__table__).where(*same, known_as.digest == bindparam("compared")).values(written)  # type: ignore[arg-type]
        session.connection().execute(statement, rows)


def delivery_record(delivery_id: int, artefact: str, entry: dict[str, Any], offset: int, length: int) -> dict[str, Any]:
    """A row of `delivery_record`, from an entry of the spool."""
    return {**entry, "delivery_id": delivery_id, "artefact": artefact, "offset": offset, "length": length}
