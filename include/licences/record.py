"""Writes what is said of a licence into its row: the terms that hold, the columns to find it by, its state, and what changed, for good."""

from __future__ import annotations

import hashlib
import json
from datetime import date, datetime

from sqlalchemy.orm import Session

from include.ledger.licence_rows import LicenceChangeRow, LicenceRow, LicenceState
from include.licences import terms as reading
from include.licences.model import FIELDS, GETTY, Said, Term
from include.licences.terms import Terms

SYNC = "licence_sync"


def settle(session: Session, row: LicenceRow, said: Said, *, who: str, now: datetime, quiet: bool = False) -> bool:
    """Terms and state of a licence by these statements; appends what changed to its history. True if anything did.

    `quiet`: the licence is being made, so that its first terms are no changes.
    """
    after = reading.hold(said)
    told = reading.to_json(after)
    changed = told != row.terms
    if changed:
        if not quiet:
            before = reading.hold(reading.said_of(row.terms or {}))
            for name in FIELDS:
                _note(session, row, name, before[name], after[name], who, now)
        row.terms = told
        _find_by(row, after)
    return settle_state(session, row, after, who=who, now=now, quiet=quiet) or changed


def settle_state(session: Session, row: LicenceRow, held: Terms, *, who: str, now: datetime, quiet: bool = False) -> bool:
    """The state by the terms, by what the licence is used for, and by the day."""
    state, why = reading.state_of(
        held, model=row.model, roles={one.role for one in row.serves}, withdrawn=row.withdrawn_at is not None,
        today=now.date(),
    )  # fmt: skip
    if row.state == state:
        return False
    if not quiet:
        change(session, row.id, "state", str(LicenceState(row.state)), f"{state}: {' '.join(why)}" if why else str(state), who=who, now=now)
    row.state, row.changed_at = state, now
    return True


def change(session: Session, licence_id: int, field: str, before: str, after: str, *, who: str, now: datetime, source: str = "") -> None:
    """Appends to a licence's history; nothing there is ever changed."""
    session.add(LicenceChangeRow(licence_id=licence_id, at=now, who=who, field=field, before=before, after=after, source=source[:60]))


def _note(session: Session, row: LicenceRow, name: str, before: Term, after: Term, who: str, now: datetime) -> None:
    if before.same_as(after):
        return
    row.changed_at = now
    source = f"{after.source} {after.reference}".strip() if after.source else ""
    change(session, row.id, name, _words(before), _words(after), who=who, now=now, source=source)


def _words(term: Term) -> str:
    note = f" ({term.note})" if term.note else ""
    return f"{term.shown()}{note}"


def _find_by(row: LicenceRow, held: Terms) -> None:
    row.ends_on = _day(held.ends)
    row.agreement_ends_on = _day(held.agreement_ends)
    row.editorial_only = held.editorial_only
    row.territories = reading.searchable(held)
    if row.digest:  # else Getty is still to be asked about the asset
        row.digest = digest_of(row)


def digest_of(row: LicenceRow) -> str:
    """Of what the record was made from."""
    facts = [row.asset_id, row.use, row.model, row.agreement, row.getty_product_id, row.order_id, row.invoice, row.notes, row.terms]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _day(day: date | None) -> str:
    return day.isoformat() if day else ""


__all__ = ["GETTY", "SYNC", "change", "digest_of", "settle", "settle_state"]
