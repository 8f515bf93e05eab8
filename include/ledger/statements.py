"""Royalty statements as transactions: held, ready, delivered, replaced; whose they are and which version counts.

A statement is known by payee, period and number (without a number: by its contracts). A later version of the same takes the place of the
earlier one; what a recipient has stays recorded as theirs, whoever the payee's agent is today.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from include.errors import PermanentError
from include.ledger import deliveries, packages
from include.ledger.deliveries import record_event
from include.ledger.file_rows import ContractRow, PackageRow
from include.ledger.models import WorkRow
from include.ledger.sales_rows import StatementRow, StatementState

FLOW = "royalty_statements"
ROLE = "royalties"  # of config/people.toml: who may see statements and say whose they are
GOES = (StatementState.READY, StatementState.DELIVERED)
LONGEST = 120  # of a position
YEAR = timedelta(days=366)
Key = tuple[str, str, str]


def key_of(row: StatementRow) -> Key:
    """What makes two rows versions of one statement."""
    contracts = " ".join(sorted(str(one.get("contract_id", "")) for one in row.contracts))
    return row.payee, row.period.casefold(), row.number.casefold() or contracts


def get(session: Session, statement_id: int, *, lock: bool = False) -> StatementRow:
    """Raises `PermanentError` if there is none."""
    row = session.get(StatementRow, statement_id, with_for_update=True if lock else None, populate_existing=lock)
    if row is None:
        raise PermanentError(f"there is no statement {statement_id}", todo="Look at the page of statements.")
    return row


def of_source(session: Session, sha256: str) -> list[StatementRow]:
    """All that came out of one exported file."""
    return list(session.scalars(select(StatementRow).where(StatementRow.source_sha256 == sha256).order_by(StatementRow.id)))


def contracts_of(session: Session, ids: Iterable[str]) -> list[dict[str, Any]]:
    """Contracts as a statement prints them, with work and title where the mirror knows them."""
    found = []
    for id in ids:
        row = session.get(ContractRow, int(id)) if id.isascii() and id.isdigit() and len(id) < 18 else None
        work = session.get(WorkRow, row.work_id) if row is not None and row.work_id is not None else None
        found.append({"contract_id": id} | ({"work_id": work.id, "title": work.title} if work is not None else {}))
    return found


def position_of(told: str) -> str:
    """Where in its file a statement was, as the ledger can keep it: cut where it is long, and never the same for two."""
    return told if len(told) <= LONGEST else f"{told[: LONGEST - 9]}~{hashlib.sha256(told.encode()).hexdigest()[:8]}"


def in_state(session: Session, *states: StatementState) -> list[StatementRow]:
    """Oldest first."""
    return list(session.scalars(select(StatementRow).where(StatementRow.state.in_(states)).order_by(StatementRow.id)))


def by_period(session: Session) -> list[tuple[str, dict[str, dict[str, tuple[int, Decimal]]]]]:
    """What came in within a year of the newest: period, newest first → state → currency → how many statements, and what they come to. Of
    versions of one statement that went or are to go the last counts; replaced ones do not."""
    newest = session.scalar(select(func.max(StatementRow.received_at)))
    if newest is None:
        return []
    query = select(StatementRow).where(StatementRow.received_at >= newest - YEAR, StatementRow.state != StatementState.REPLACED)
    rows = list(session.scalars(query.order_by(StatementRow.id.desc())))
    rows = [*current([row for row in rows if row.state in GOES]), *(row for row in rows if row.state not in GOES)]
    found: dict[str, dict[str, dict[str, tuple[int, Decimal]]]] = {}
    for row in sorted(rows, key=lambda row: -row.id):
        of_state = found.setdefault(row.period, {}).setdefault(row.state, {})
        number, amount = of_state.get(row.currency, (0, Decimal(0)))
        of_state[row.currency] = number + 1, amount + (row.amount or 0)
    return list(found.items())


def counts(session: Session) -> dict[str, int]:
    """Statements by state: what logs and pages may tell everybody."""
    query = select(StatementRow.state, func.count()).group_by(StatementRow.state)
    return {row.state: row[1] for row in session.execute(query)}


def by_ids(session: Session, ids: Iterable[int]) -> dict[int, StatementRow]:
    return {row.id: row for row in session.scalars(select(StatementRow).where(StatementRow.id.in_(list(ids))))}


def versions(session: Session, row: StatementRow) -> list[StatementRow]:
    """Earlier rows that are this very statement, newest first. One whose payee nobody knew is the same by name, period and number."""
    alike = select(StatementRow).where(StatementRow.id != (row.id or 0)).order_by(StatementRow.id.desc())
    same: list[StatementRow] = []
    if row.payee:
        same += [one for one in session.scalars(alike.where(StatementRow.payee == row.payee)) if key_of(one) == key_of(row)]
    if row.payee_name and row.number:
        nobodys = alike.where(StatementRow.payee == "", StatementRow.payee_name == row.payee_name, StatementRow.number == row.number)
        same += [one for one in session.scalars(nobodys) if one.period == row.period]
    return same


def same_bytes(session: Session, sha256: str, source_sha256: str) -> list[StatementRow]:
    """Statements of other exports that are these very bytes and still count, or that a person has decided about."""
    query = select(StatementRow).where(StatementRow.sha256 == sha256, StatementRow.source_sha256 != source_sha256)
    return [row for row in session.scalars(query) if row.state != StatementState.REPLACED]


def bring_back(session: Session, refused: StatementRow, *, now: datetime, who: str = "") -> None:
    """The version in whose place a refused one stood: what had not left waits for a person again, what was delivered counts again.
    Refusing one may not lose the other."""
    before = session.get(StatementRow, refused.replaces_id) if refused.replaces_id is not None else None
    if before is None or before.state != StatementState.REPLACED:
        return
    if before.delivery_id is not None:
        before.state = StatementState.DELIVERED
        tell(session, "statement delivered", before, now=now, who=who, detail={"after refusing": refused.id})
        return
    what = f"statement {refused.id}, which had taken its place, was refused"
    before.state = StatementState.HELD
    before.reasons = [{"code": "later-refused", "message": what, "where": "", "todo": "Say whose it is, or refuse it, too."}]
    tell(session, "statement held", before, now=now, who=who, detail={"reasons": ["later-refused"]})


def replace_earlier(session: Session, row: StatementRow, *, now: datetime, who: str = "") -> int:
    """Notes which version this one follows; versions that have not left do not leave any more. What was delivered stays so until this
    one is. Of two in one file that are both held neither is the later one: a person says which is right. Gives how many were replaced."""
    session.flush()
    held = row.state == StatementState.HELD
    earlier = [
        one
        for one in versions(session, row)
        if one.id < row.id and one.state != StatementState.REFUSED and not (held and one.source_sha256 == row.source_sha256)
    ]
    if earlier:
        row.replaces_id = earlier[0].id
    replaced = 0
    for one in earlier:
        if one.state in {StatementState.READY, StatementState.HELD}:
            one.state = StatementState.REPLACED
            tell(session, "statement replaced", one, now=now, who=who, detail={"by": row.id})
            replaced += 1
    return replaced


def settle(session: Session, *, now: datetime, who: str = "") -> int:
    """Brings statements in line with the packages that carried them: delivered to their recipient, and what they follow is replaced.
    Also one that a person took back while it was on its way: it has arrived. Gives how many arrived."""
    arrived = 0
    carried: dict[tuple[str, str], dict[tuple[int, str, str], PackageRow]] = {}
    waiting = in_state(session, StatementState.READY, StatementState.HELD, StatementState.REFUSED)
    for row in (one for one in waiting if one.recipient and (one.state == StatementState.READY or one.delivery_id is None)):
        place = (row.recipient, subject_of(row))
        if place not in carried:
            carried[place] = _carried(session, *place)
        if (package := carried[place].get((row.id, row.sha256, row.payee))) is not None:
            if row.state != StatementState.READY:
                what, todo = f"it was on its way when it was {row.state}", "If they should not have it, say so on the page of statements."
                row.reasons = [{"code": "had-left", "message": what, "where": "", "todo": todo}]
            row.state, row.delivery_id = StatementState.DELIVERED, package.delivery_id
            tell(session, "statement delivered", row, now=now, who=who, detail={"package": package.id})
            _retire(session, row, now, who)
            arrived += 1
    session.flush()
    return arrived


def _carried(session: Session, recipient: str, subject: str) -> dict[tuple[int, str, str], PackageRow]:
    """What has arrived in packages of one recipient and period: (statement, digest, payee) → the first package that carried it."""
    found: dict[tuple[int, str, str], PackageRow] = {}
    for package in packages.of_subject(session, recipient, FLOW, subject):
        if package.delivery_id is None or deliveries.get(session, package.delivery_id).delivered_at is None:
            continue
        for one in package.ticket.get("statements", []):
            found.setdefault((one["id"], one["sha256"], one["payee"]), package)
    return found


def _retire(session: Session, row: StatementRow, now: datetime, who: str) -> None:
    """What this recipient had of it before. What another recipient has, since the payee changed agents, stays as it was delivered."""
    for one in versions(session, row):
        gone = one.state in {StatementState.READY, StatementState.HELD} or (one.state in GOES and one.recipient == row.recipient)
        if one.id < row.id and gone:
            one.state = StatementState.REPLACED
            tell(session, "statement replaced", one, now=now, who=who, detail={"by": row.id})


def subject_of(row: StatementRow) -> str:
    """What tells the packages of one recipient apart: the period, as a plain name."""
    return plain(row.period) or "undated"


def plain(text: str, most: int = 60) -> str:
    """ASCII letters, digits, dot, hyphen, underscore: a name on any server."""
    ascii_only = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9._-]+", "-", ascii_only).strip("-.")[:most]


def tell(session: Session, what: str, row: StatementRow, *, now: datetime, who: str = "", detail: dict[str, Any] | None = None) -> None:
    """An event. It names the statement by its id: events are read by everybody."""
    about = {"statement": row.id, "state": row.state, **(detail or {})}
    record_event(
        session, what=what, now=now, who=who, partner=row.recipient, subject=f"statement {row.id}", sha256=row.sha256, detail=about
    )


def current(rows: Collection[StatementRow]) -> list[StatementRow]:
    """Of rows that are one statement the latest: else its amount would stand twice in a table, once as it was before a correction."""
    latest = {key_of(row): row.id for row in sorted(rows, key=lambda row: row.id)}
    return [row for row in rows if latest[key_of(row)] == row.id]


def later(session: Session, row: StatementRow, payee: str) -> StatementRow | None:
    """A later version of this statement, were it the payee's, that goes or has gone: it stands, and this one may not follow it."""
    query = select(StatementRow).where(StatementRow.payee == payee, StatementRow.id > row.id, StatementRow.state.in_(GOES))
    return next((one for one in session.scalars(query.order_by(StatementRow.id.desc())) if key_of(one)[1:] == key_of(row)[1:]), None)
