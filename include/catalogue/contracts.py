"""Mirrors Consonance's contracts: one row each, changed only where the digest differs.

Consonance offers one contract by its id and no list of them, nor what changed since a date. So ids come from `[contracts]` in
`config/house.toml`: named ones, or a walk upwards that ends after a gap; a contract's work is in its own record. The first night reads
them all. Later nights read new ids, contracts that are not signed or have a delivery due about now, those of works that changed, and a
seventh of the rest: each is read at least once a week.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from include.catalogue.rows import column
from include.clients.consonance import Consonance
from include.clients.consonance.client import Row, id_of
from include.errors import PermanentError
from include.ledger.chunks import chunks
from include.ledger.database import Ledger
from include.ledger.file_rows import ContractRow
from include.ledger.models import WorkRow
from include.partners.model import ContractIds
from include.titles.codec import digest

BATCH = 100  # contracts read and written at a time
MOST_GONE, FEW_GONE = 0.1, 20  # as of titles: more than this vanishing in one night is a fault, not a decision
SOON, LATELY = timedelta(days=60), timedelta(days=90)
ROUND = 7  # nights in which every contract is read once
_DATES = ("msDeliveryDate", "revisedMsDeliveryDate", "msProofsDate", "pubBeforeDate", "reviewDate")


@dataclass(frozen=True, slots=True)
class ContractOutcome:
    """What a night's look at the contracts found. `left_out`: the sentence that says why none were read, "" otherwise."""

    read: int = 0
    new: int = 0
    changed: int = 0
    deleted: int = 0
    left_out: str = ""

    def counts(self) -> dict[str, Any]:
        return {
            "contracts_read": self.read,
            "contracts_new": self.new,
            "contracts_changed": self.changed,
            "contracts_deleted": self.deleted,
        }


def synchronise(
    ledger: Ledger,
    client: Consonance,
    wanted: ContractIds,
    now: datetime,
    *,
    full: bool = False,
    on_progress: Callable[[str], None] = lambda _: None,
) -> ContractOutcome:
    """Brings the contracts' mirror up to date. `full` reads every known one, and says that many deletions at once are meant.

    Each batch is written before the next is read: a run that was stopped goes on behind it. Raises as `Consonance` does, and
    `PermanentError` when a tenth of the contracts looks deleted; then nothing is marked.
    """
    if client.rest == "only":
        return ContractOutcome(left_out="REST v4 tells nothing of contracts")
    capability = client.capability("contract")
    if not capability.ok:
        return ContractOutcome(left_out=f"this Consonance does not offer {', '.join(capability.missing)}")
    with ledger.read() as session:
        highest = session.scalar(select(func.max(ContractRow.id))) or 0
        known = _due(session, now, full or not highest)
        here = set(session.scalars(select(ContractRow.id)))
    run = _Run(ledger, client, now, on_progress)
    missing: list[int] = []
    for batch in chunks(known, BATCH):
        missing += run.read(batch)
    if wanted.ids:
        for batch in chunks(sorted(set(wanted.ids) - here), BATCH):
            run.read(batch)
    else:
        run.walk(wanted.first if full else max(wanted.first, highest + 1), wanted, here)
    run.delete(missing, len(known), allowed=full)
    return ContractOutcome(run.count, run.new, run.changed, len(missing))


def of_work(session: Session, work_id: int) -> list[dict[str, Any]]:
    """The work's contracts as Consonance tells them, oldest first; money as `Decimal`."""
    query = select(ContractRow.content).where(ContractRow.work_id == work_id, ContractRow.deleted_at.is_(None)).order_by(ContractRow.id)
    return [json.loads(content, parse_float=Decimal) for content in session.scalars(query)]


@dataclass(slots=True)
class _Run:
    ledger: Ledger
    client: Consonance
    now: datetime
    say: Callable[[str], None]
    count: int = 0
    new: int = 0
    changed: int = 0

    def read(self, ids: Sequence[int]) -> list[int]:
        """Reads and writes these; gives those that Consonance does not have."""
        found = dict(self.client.contracts(ids))
        with self.ledger.session() as session:
            self._write(session, [row for row in found.values() if row is not None and id_of(row)])
        self.count += sum(row is not None for row in found.values())
        self.say(f"{self.count:,} contracts read")
        return [id for id, row in found.items() if row is None]

    def walk(self, start: int, wanted: ContractIds, known: AbstractSet[int]) -> None:
        """Upwards from `start` until `gap` ids in a row have no contract; known ones are not read again."""
        empty = 0
        while empty < wanted.gap and (wanted.last is None or start <= wanted.last):
            stop = start + min(BATCH, wanted.gap)
            if wanted.last is not None:
                stop = min(stop, wanted.last + 1)
            unknown = [id for id in range(start, stop) if id not in known]
            missing = set(self.read(unknown)) if unknown else set()
            for id in range(start, stop):
                empty = empty + 1 if id in missing else 0
            start = stop

    def _write(self, session: Session, found: Sequence[Row]) -> None:
        columns = (ContractRow.id, ContractRow.digest, ContractRow.deleted_at)
        before = {row.id: row for row in session.execute(select(*columns).where(ContractRow.id.in_([row["id"] for row in found])))}
        new, changed, same = [], [], []
        for row in found:
            content = _canonical(row)
            old = before.get(row["id"])
            if old is not None and old.digest == digest(content) and old.deleted_at is None:
                same.append(row["id"])
                continue
            values: dict[str, Any] = {
                "id": row["id"],
                "work_id": id_of(row.get("work")) or None,
                "name": column(_text(row, "contractName")),
                "signed": _text(row, "signedDate")[:10],
                "digest": digest(content),
                "content": content,
                "changed_at": self.now,
                "read_at": self.now,
                "deleted_at": None,
            }
            if old is None:
                new.append({**values, "first_seen": self.now})
            else:
                changed.append(values)
        if new:
            session.execute(insert(ContractRow), new)
        if changed:
            session.execute(update(ContractRow), changed)
        if same:
            session.execute(update(ContractRow).where(ContractRow.id.in_(same)).values(read_at=self.now))
        self.new += len(new)
        self.changed += len(changed)

    def delete(self, missing: Sequence[int], read: int, *, allowed: bool) -> None:
        if not missing:
            return
        if not allowed and len(missing) > max(FEW_GONE, read * MOST_GONE):
            raise PermanentError(
                f"Consonance no longer has {len(missing):,} of {read:,} contracts: none was marked as deleted",
                where=self.client.address,
                todo="If they were deleted on purpose, run catalogue_sync with *full* ticked; else check the key's permissions.",
            )
        with self.ledger.session() as session:
            for some in chunks(list(missing), BATCH):
                gone = update(ContractRow).where(ContractRow.id.in_(some)).values(deleted_at=self.now, changed_at=self.now)
                session.execute(gone.execution_options(synchronize_session=False))


def _due(session: Session, now: datetime, full: bool) -> list[int]:
    """Known contracts to read tonight, by id."""
    query = select(ContractRow.id, ContractRow.work_id, ContractRow.signed, ContractRow.content, ContractRow.read_at)
    query = query.where(ContractRow.deleted_at.is_(None)).order_by(ContractRow.id).execution_options(yield_per=BATCH * 10)
    moved = set(session.scalars(select(WorkRow.id).where(WorkRow.changed_at >= now - timedelta(days=1))))
    found = []
    for id, work, signed, content, read_at in session.execute(query):
        overdue = now - read_at >= timedelta(days=ROUND)
        turn = id % ROUND == now.date().toordinal() % ROUND
        if full or overdue or turn or not signed or work in moved or _awaited(content, now.date()):
            found.append(id)
    return found


def _awaited(content: bytes, today: date) -> bool:
    """Whether something of this contract is due about now: its dates are what people change last."""
    told = json.loads(content)
    days = [told.get(name) for name in _DATES] if not told.get("actualMsDeliveryDate") else []
    for one in told.get("deliveryDates") or ():
        days += [one.get("dateDue"), one.get("slippedDate")]
    return any(today - LATELY <= day <= today + SOON for text in days if (day := _day(text)))


def _day(text: Any) -> date | None:
    try:
        return date.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _canonical(row: Row) -> bytes:
    """Consonance's JSON, keys sorted, ASCII; numbers as they came."""
    return json.dumps(row, sort_keys=True, separators=(",", ":"), default=_number).encode("ascii")


def _number(value: Any) -> Any:
    if not isinstance(value, Decimal):
        raise TypeError(f"{type(value).__name__} is no JSON")
    return float(value)  # written as it was read: JSON has no other number


def _text(row: Row, name: str) -> str:
    value = row.get(name)
    return value if isinstance(value, str) else ""
