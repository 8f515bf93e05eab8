"""What a run of `licence_sync` works with, and how far it has come: each part keeps its place, so that a stopped run goes on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from include.clients.getty import Getty
from include.clients.getty.dates import moment
from include.clients.getty.errors import NotEnabled, NotFound
from include.clients.getty.model import Product
from include.errors import ColophonError
from include.ledger.database import Ledger
from include.ledger.deliveries import record_event
from include.ledger.licence_rows import LicenceRow, LicenceSyncRow
from include.licences import derive
from include.licences.model import Problem, Said, Synced, Term
from include.licences.record import SYNC
from include.partners.licensing import Agreement
from include.store import ArtefactStore

PRODUCTS = "products"
TELLING = frozenset({"new", "changed", "linked", "withdrawn", "available again", "orders", "ended"})
"""Counts that are worth an event: something is not as it was."""
MOST_PROBLEMS = 200
"""So many are kept in the ledger and shown; beyond that a number says how many more there are."""


@dataclass(frozen=True, slots=True)
class Desk:
    """`campaigns`: ids of `config/campaigns.toml`. `history_days`: how far back the first run reads. `now` is aware. `store`: where
    pictures are kept; none are fetched without."""

    ledger: Ledger
    client: Getty
    now: datetime
    agreements: Sequence[Agreement] = ()
    campaigns: frozenset[str] = frozenset()
    history_days: int = 1_095
    store: ArtefactStore | None = None

    @property
    def today(self) -> date:
        return self.now.date()

    def place(self, part: str) -> date | None:
        """The day until which a part was read."""
        with self.ledger.read() as session:
            row = session.get(LicenceSyncRow, part)
            return row.until.date() if row and row.until else None

    def reached(self, part: str, until: date | None = None, told: Mapping[str, Any] | None = None) -> None:
        """Keeps how far a part was read, and what the last run of it told."""
        with self.ledger.session() as session:
            row = session.get(LicenceSyncRow, part) or LicenceSyncRow(part=part, seen_at=self.now, counts={})
            row.seen_at = self.now
            if until is not None:
                row.until = datetime.combine(until, datetime.min.time(), self.now.tzinfo)
            if told is not None:
                row.counts = dict(told)
            session.add(row)

    def products(self, session: Session) -> dict[str, Product]:
        """Products of our agreements as Getty last told them."""
        row = session.get(LicenceSyncRow, PRODUCTS)
        told: dict[str, dict[str, Any]] = (row.counts.get("products") or {}) if row else {}
        return {
            id: Product(id, one.get("type"), one.get("name"), one.get("status"), one.get("agreement"), moment(one.get("expires_at")))
            for id, one in told.items()
        }

    def grant(self, said: Said, row: LicenceRow, products: Mapping[str, Product]) -> None:
        """What product and agreement say of a licence."""
        derive.from_product(said, products.get(row.getty_product_id))
        ends: Term | None = said.get("agreement_ends", {}).get("api")
        derive.from_agreement(said, derive.agreement_of(row, self.agreements), ends)


@dataclass(slots=True)
class Tally:
    """What a part counts and tells while it runs."""

    counts: Counter[str] = field(default_factory=Counter)
    problems: list[Problem] = field(default_factory=list)
    untold: int = 0

    def tell(self, problems: Sequence[Problem]) -> None:
        for one in problems:
            if len(self.problems) < MOST_PROBLEMS:
                self.problems.append(one)
            else:
                self.untold += 1

    def result(self) -> Synced:
        more = [{"what": f"{self.untold} more of the kind", "where": "licences", "todo": "Mend those above first."}] if self.untold else []
        return Synced({name: count for name, count in self.counts.items() if count}, (*self.problems, *more))


def problem_of(bad: ColophonError, what: str) -> Problem:
    """A refusal of Getty's, for people: `what` was to be read."""
    return {
        "what": f"{what}: {bad.what}",
        "where": bad.where,
        "todo": bad.todo or "Ask your Getty representative to enable it for this key.",
    }


def allowed(desk: Desk, part: str, what: str, read: Callable[[Tally], None]) -> Synced:
    """Runs a part. Where Getty has not enabled it for the key, that is told and the other parts go on; trouble of the line is raised."""
    tally = Tally()
    try:
        read(tally)
    except (NotEnabled, NotFound) as refused:
        tally.tell([problem_of(refused, what)])
    told = tally.result()
    kept = told.to_json()
    if part == PRODUCTS:
        with desk.ledger.read() as session:
            row = session.get(LicenceSyncRow, part)
            kept["products"] = (row.counts.get("products") or {}) if row else {}
    desk.reached(part, told=kept)
    if TELLING & set(told.counts):
        with desk.ledger.session() as session:
            record_event(session, what=f"licences: {part}", now=desk.now, who=SYNC, detail=dict(told.counts))
    return told


def overlapping(until: date | None, today: date, days: int, overlap: timedelta) -> date:
    """From when on a history is read: a little before the last reading's end, since records come late."""
    return min(until, today) - overlap if until else today - timedelta(days=days)
