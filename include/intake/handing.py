"""Files of rows (reports of sales, sheets of titles, statements): safe and stored by the inbox, then handed to the flow that reads them.

The flow asks for what was `taken`, and says of each arrival what became of it: `read`, a `duplicate`, or `set_aside` with reasons. Whoever
is stopped before saying so gets the same arrival again; so a flow must know what it has read before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from include.files import safety, sniff
from include.files.model import Refused, Sniffed
from include.ledger import intake as rows
from include.ledger.database import Ledger
from include.ledger.deliveries import record_event
from include.ledger.file_rows import IntakeFileRow, IntakeState
from include.partners.inboxes import Limits

_TABLES = frozenset({".xls", ".xlsx", ".csv", ".tsv", ".tab", ".txt", ".xml"})  # names that reports bear, whatever they are


def examine(local: Path, name: str, limits: Limits) -> Sniffed:
    """As `safety.examine`. But many systems write tab-separated text into a file named .xls, or text in an encoding of their own: such a
    table is looked at under the name that its bytes deserve. Raises `Refused`."""
    try:
        return safety.examine(local, name, limits)
    except Refused as refused:
        if refused.code not in {"content-mismatch", "unknown-type"} or PurePosixPath(name).suffix.lower() not in _TABLES:
            raise
        found = sniff.sniff(local, name)
        if found.family in {"text", "xml", "spreadsheet"}:
            return safety.examine(local, f"{PurePosixPath(name).stem}{found.extension}", limits)
        if refused.code == "unknown-type" and _is_old_text(local):
            return Sniffed("text/plain", ".txt", "text")
        raise


def taken(session: Session, inbox: str) -> list[IntakeFileRow]:
    """Arrivals that wait to be read, in the order in which they came. Their bytes are in the store under `sha256`."""
    query = select(IntakeFileRow).where(IntakeFileRow.inbox == inbox, IntakeFileRow.state == IntakeState.TAKEN)
    return list(session.scalars(query.order_by(IntakeFileRow.id)))


def read(ledger: Ledger, id: int, *, kind: str, about: Mapping[str, Any], now: datetime, who: str = "") -> None:
    """The flow has read it. `kind`: report, sheet, statements; `about`: small, what it came to, as `{"sales batch": 12}`."""
    _settle(ledger, id, IntakeState.READ, "rows read", kind=kind, about=about, now=now, who=who)


def duplicate(ledger: Ledger, id: int, *, kind: str, about: Mapping[str, Any], now: datetime, who: str = "") -> None:
    """It says nothing that was not known. `about` names what it repeats."""
    _settle(ledger, id, IntakeState.DUPLICATE, "rows came again", kind=kind, about=about, now=now, who=who)


def set_aside(
    ledger: Ledger,
    id: int,
    reasons: Sequence[Mapping[str, str]],
    *,
    kind: str = "",
    about: Mapping[str, Any] | None = None,
    now: datetime,
    who: str = "",
) -> None:
    """It can't be read: shown on the page Quarantine with these reasons ({code, message, where, todo}), until somebody tries again or
    refuses it."""
    given = [{"code": "", "message": "", "where": "", "todo": "", **reason} for reason in reasons]
    _settle(ledger, id, IntakeState.QUARANTINED, "rows set aside", kind=kind, about=about or {}, now=now, who=who, reasons=given)


def _settle(
    ledger: Ledger,
    id: int,
    state: IntakeState,
    what: str,
    *,
    kind: str,
    about: Mapping[str, Any],
    now: datetime,
    who: str,
    reasons: Sequence[dict[str, str]] = (),
) -> None:
    with ledger.session() as session:
        row = rows.get(session, id, lock=True)
        if row.state != IntakeState.TAKEN:
            return  # another worker was first, or a person refused it meanwhile
        row.state, row.decided_at, row.decided_by = state, now, who
        row.clues = row.clues | {"rows": kind, "became": dict(about)}
        row.reasons = list(reasons)
        told = {"inbox": row.inbox, "intake": row.id, **about} | ({"reasons": row.reasons} if reasons else {})
        record_event(session, what=what, now=now, who=who, subject=row.path, bytes=row.bytes, sha256=row.sha256, detail=told)


def _is_old_text(local: Path) -> bool:
    """Rows of text in an encoding that says nothing of itself: no control characters but those of text, or UTF-16 without its mark."""
    with local.open("rb") as file:
        start = file.read(1 << 16)
    for half, other in ((start[::2], start[1::2]), (start[1::2], start[::2])):
        if other.count(0) > len(start) // 4:  # every second byte is zero: UTF-16, whichever way round
            start = half
            break
    controls = sum(byte < 32 and byte not in b"\t\r\n\f\x1a" for byte in start)
    return bool(start) and not controls and any(byte in b"\t,;|" for byte in start)
