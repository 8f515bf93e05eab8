"""Brings the mirror up to Consonance: works, then products, then what is gone.

    works ──▶ products ──▶ deletions ──▶ done          (REST v4 alone: products, with the works they name)

Every page is written together with where the sync stands (`sync` row), so a stopped one goes on after its last page.
A change is *our digest differs*, not *the API returned it*.

What `changedSince` can and can't tell: it takes a date, not a moment, so we ask from the day before the last sync and
compare digests; it over-reports, and nothing says that it reports everything (texts, prices, resources). It can't tell
what was deleted. So each night's sync also reads all ids (and nothing else), which finds deletions and rows that
`changedSince` did not report, and once a week, or when our mapping or the tenant's schema changes, everything is read.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any, Final, TypeVar

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from include.catalogue import rows
from include.catalogue.outcome import SyncOutcome, outcome_of
from include.catalogue.rows import Mirrored, Stamp
from include.catalogue.supplement import Supplement
from include.clients.consonance import Consonance
from include.clients.consonance.client import Row, id_of
from include.errors import PermanentError, RejectedData
from include.ledger.database import Ledger
from include.ledger.models import ProductRow, SyncRow, WorkRow
from include.partners.model import House
from include.titles import consonance, consonance_rest
from include.titles.model import Product, Work

MAPPING = 1
"""Raise it when the mapping changes what it makes of the same JSON: the next sync then reads everything."""

FULL_EVERY = timedelta(days=7)
MOST_GONE = 0.1  # beyond this share (and `FEW_GONE` rows) nobody deletes titles in one night: something is wrong
FEW_GONE = 20
REJECTED_KEPT = 100

Say = Callable[[str], None]
Counts = Mapping[str, Any]
T = TypeVar("T")


def synchronise(
    ledger: Ledger, client: Consonance, house: House, now: datetime, *, full: bool = False, on_progress: Say = lambda _: None
) -> SyncOutcome:
    """Makes the mirror equal Consonance; gives what changed since the last completed sync.

    `now` carries a zone. A sync that was stopped is taken up after its last page, unless `full` asks for a fresh one.
    `full` also says that many deletions at once are meant: otherwise they raise `PermanentError` and nothing is marked.
    Raises as `Consonance` does; what was read up to then is kept.
    """
    mapping, left_out = _mapping(client, house)
    sync, baseline = _open(ledger, now, full, mapping, client)
    stamp = Stamp(sync.id, max(now, sync.started_at), baseline)
    run = _Run(ledger, client, house, sync, stamp, on_progress)
    if client.rest == "only":
        run.products_by_rest()
    else:
        fills = client.rest == "fill" and _rest_answers(ledger, client)
        _save(ledger, sync, counts={"rest": fills})
        with Supplement(client, many=sync.full, say=on_progress) as supplement:
            run.works()
            run.products(supplement if fills else None)
            run.strays(supplement if fills else None)
    run.deletions(allowed=full)
    return replace(outcome_of(ledger, sync), rejected=tuple(run.rejected), left_out=left_out)


# --- where a sync stands


def _mapping(client: Consonance, house: House) -> tuple[str, tuple[str, ...]]:
    """Digest of all that shapes the mirror besides the titles, and what the schema lacks."""
    left_out: tuple[str, ...] = ()
    if client.rest != "only":
        found = [client.capability("works"), client.capability("products", house.text_variants)]
        left_out = tuple(dict.fromkeys(name for one in found for name in one.left_out))
    shape = [MAPPING, client.rest, sorted(left_out), house.model_dump(mode="json", include=_SHAPING)]
    return hashlib.sha256(json.dumps(shape, sort_keys=True).encode()).hexdigest(), left_out


_SHAPING: Final = {"formats", "text_variants", "accessibility", "resource_styles"}


def _open(ledger: Ledger, now: datetime, full: bool, mapping: str, client: Consonance) -> tuple[SyncRow, bool]:
    """The sync to do, new or taken up, and whether it is the baseline."""
    if now.tzinfo is None:
        raise ValueError("now has no zone")
    with ledger.session() as session:
        last = session.scalars(select(SyncRow).order_by(SyncRow.id.desc()).limit(1)).first()
        done = select(SyncRow).where(SyncRow.phase == "done").order_by(SyncRow.id.desc()).limit(1)
        completed, whole = session.scalars(done).first(), session.scalars(done.where(SyncRow.full)).first()
        if last is not None and last.ended_at is None:
            fits = last.counts.get("mapping") == mapping and (last.full or not full)
            if fits and now - last.started_at < FULL_EVERY:
                return last, completed is None
            last.phase, last.ended_at = "abandoned", max(now, last.started_at)
        since: date | None = None
        recent = whole is not None and now - whole.started_at < FULL_EVERY
        if completed is not None and recent and not full and client.rest != "only" and completed.counts.get("mapping") == mapping:
            since = completed.started_at.date() - timedelta(days=1)
        # Later than every stamp before it, should the clock stand still or go back: what changed in a sync is found by time.
        started = max(now, (last.ended_at or last.started_at) + timedelta(microseconds=1)) if last is not None else now
        sync = SyncRow(
            full=since is None,
            started_at=started,
            changed_since=since.isoformat() if since else "",
            phase="products" if client.rest == "only" else "works",
            after=0,
            counts={"mapping": mapping},
        )
        session.add(sync)
        session.flush()
        return sync, completed is None


def _save(
    ledger: Ledger, sync: SyncRow, *, counts: Mapping[str, Any] | None = None, session: Session | None = None, **columns: Any
) -> None:
    """Notes where the sync stands, in the caller's transaction if there is one."""
    if counts:
        columns["counts"] = {**sync.counts, **counts}
    for name, value in columns.items():
        setattr(sync, name, value)
    statement = update(SyncRow).where(SyncRow.id == sync.id).values(**columns).execution_options(synchronize_session=False)
    if session is not None:
        session.execute(statement)
        return
    with ledger.session() as own:
        own.execute(statement)


def _rest_answers(ledger: Ledger, client: Consonance) -> bool:
    """Whether REST fills in. A tenant whose REST answered last time must answer now: else its texts would vanish from
    every feed overnight."""
    if client.rest_answers():
        return True
    with ledger.read() as session:
        done = select(SyncRow.counts).where(SyncRow.phase == "done").order_by(SyncRow.id.desc()).limit(1)
        before = session.scalars(done).first() or {}
    if before.get("rest"):
        raise PermanentError(
            "REST v4 filled in texts and extents in the last sync and refuses to answer now",
            where=client.address,
            todo='Ask Consonance support, or set the connection\'s extra "rest" to "never" to go on without.',
        )
    return False


# --- the phases


@dataclass(slots=True)
class _Run:
    ledger: Ledger
    client: Consonance
    house: House
    sync: SyncRow
    stamp: Stamp
    say: Say
    rejected: list[RejectedData] = field(default_factory=list)

    @property
    def since(self) -> date | None:
        return date.fromisoformat(self.sync.changed_since) if self.sync.changed_since else None

    def works(self) -> None:
        if self.sync.phase != "works":
            return
        for page in self.client.works(after=self.sync.after, changed_since=self.since):
            works = self._mapped(page, "work", self._work)
            with self.ledger.session() as session:
                written = rows.write_works(session, works, self.stamp, self.house)
                self._note(session, "works", page, WorkRow, written)
        _save(self.ledger, self.sync, phase="products", after=0)

    def products(self, supplement: Supplement | None) -> None:
        if self.sync.phase != "products":
            return
        pages = self.client.products(after=self.sync.after, changed_since=self.since, variants=self.house.text_variants)
        for page in pages:
            self._write_products(page, supplement)
        _save(self.ledger, self.sync, phase="deletions", after=0)

    def strays(self, supplement: Supplement | None) -> None:
        """All ids: what the mirror lacks is read, what it has too many of stays unseen and is marked later."""
        if self.sync.full:
            return
        for id in self._unknown(WorkRow, self.client.work_ids()):
            row = self.client.work(id)
            works = self._mapped([row] if row else [], "work", self._work)
            with self.ledger.session() as session:
                self._note(session, "works", [], WorkRow, rows.write_works(session, works, self.stamp, self.house))
        for id in self._unknown(ProductRow, self.client.product_ids()):
            if row := self.client.product(id, self.house.text_variants):
                self._write_products([row], supplement, after=0)

    def products_by_rest(self) -> None:
        """REST v4 alone. A work is what the first of its products in this sync says of it; `after` counts pages."""
        if self.sync.phase != "products":
            return
        start = self.sync.after + 1
        for number, page in enumerate(self.client.rest_products(start=start), start=start):
            works = {work.id: work for work in reversed(self._mapped(page, "product", self._work_by_rest))}
            with self.ledger.session() as session:
                here = set(session.scalars(select(WorkRow.id).where(WorkRow.id.in_(works), WorkRow.seen_in == self.sync.id)))
                written = rows.write_works(session, [work for id, work in works.items() if id not in here], self.stamp, self.house)
                with_work = [(row, works[row["work_id"]]) for row in page if row.get("work_id") in works]
                products = self._mapped(with_work, "product", lambda pair: consonance_rest.product_from(pair[0], pair[1], self.house))
                rows.write_products(session, products, self.stamp)
                self._note(session, "products", page, ProductRow, written, after=number)
        _save(self.ledger, self.sync, phase="deletions", after=0)

    def _work_by_rest(self, row: Row) -> Work:
        return consonance_rest.work_from(row, self.house)

    def _work(self, row: Row) -> Work:
        return consonance.work_from(row, self.house)

    def deletions(self, *, allowed: bool) -> None:
        if self.sync.phase != "deletions":
            return
        if not allowed:
            self._refuse_many()
        with self.ledger.session() as session:
            for kind in (WorkRow, ProductRow):
                gone = update(kind).where(*self._gone(kind)).values(deleted_at=self.stamp.now, changed_at=self.stamp.now)
                session.execute(gone.execution_options(synchronize_session=False))
            _save(self.ledger, self.sync, session=session, phase="done", ended_at=self.stamp.now)

    def _gone(self, kind: Mirrored) -> tuple[Any, ...]:
        return kind.seen_in != self.sync.id, kind.deleted_at.is_(None)

    def _refuse_many(self) -> None:
        """A key that lost a permission, or a service with half its data, must not empty every partner's catalogue."""
        with self.ledger.read() as session:
            found = [self._gone_and_here(session, kind) for kind in (WorkRow, ProductRow)]
        refused = [(gone, here) for gone, here in found if gone > max(FEW_GONE, here * MOST_GONE)]
        if not refused:
            return
        gone, here = refused[-1]
        _save(self.ledger, self.sync, phase="refused", ended_at=self.stamp.now)  # the next one reads anew
        raise PermanentError(
            f"Consonance no longer has {gone:,} of the mirror's {here:,} titles: none was marked as deleted",
            where=self.client.address,
            todo="If they were deleted on purpose, run catalogue_sync with *full* ticked; else check the key's permissions.",
        )

    def _gone_and_here(self, session: Session, kind: Mirrored) -> tuple[int, int]:
        gone = session.scalar(select(func.count()).select_from(kind).where(*self._gone(kind)))
        here = session.scalar(select(func.count()).select_from(kind).where(kind.deleted_at.is_(None)))
        return gone or 0, here or 0

    # --- parts of the phases

    def _write_products(self, page: list[Row], supplement: Supplement | None, *, after: int | None = None) -> None:
        extra = supplement.of({id for row in page if (id := id_of(row))}) if supplement else {}
        works = self._works_of(page)

        def product(row: Row) -> Product:
            work = works.get(consonance.work_id_of(row))
            if work is None:
                raise RejectedData("its work can't be read", where=f"product {row.get('id')}", todo="See what was said of the work.")
            return consonance.product_from(row, work, self.house, extra.get(id_of(row)))

        products = self._mapped(page, "product", product)
        with self.ledger.session() as session:
            written = rows.write_products(session, products, self.stamp)
            self._note(session, "products", page, ProductRow, written, after=after)

    def _works_of(self, page: list[Row]) -> dict[int, Work]:
        """The works of a page of products; one that came into being after the works were read is read now."""
        wanted = {id for row in page if (id := id_of(row.get("work")))}
        with self.ledger.read() as session:
            here = rows.alive(session, WorkRow, wanted)
        lacking = wanted - here.keys()
        found = [work for id in sorted(lacking) if (work := self.client.work(id))]
        fresh = self._mapped(found, "work", self._work)
        if fresh:
            with self.ledger.session() as session:
                self._note(session, "works", [], WorkRow, rows.write_works(session, fresh, self.stamp, self.house))
        # A product's row holds nothing of its work but the id (and the title, where it has none), so no more is read of it.
        return {id: Work(id=id, title=title) for id, title in here.items()} | {work.id: work for work in fresh}

    def _mapped(self, page: Iterable[Any], kind: str, map_: Callable[[Any], T]) -> list[T]:
        """What could be mapped; the rest is set aside with its reason."""
        found = []
        for row in page:
            try:
                found.append(map_(row))
            except RejectedData as bad:
                self._reject(bad)
            except (ArithmeticError, TypeError, ValueError, KeyError, AttributeError) as bad:
                where = f"{kind} {id_of(row) or 'without an id'}"
                self._reject(RejectedData(f"it can't be mapped ({type(bad).__name__}: {bad})", where=where, todo="Report it as a defect."))
        return found

    def _reject(self, reason: RejectedData) -> None:
        if len(self.rejected) < REJECTED_KEPT:
            self.rejected.append(reason)
        self.sync.counts = {**self.sync.counts, "rejected": self.sync.counts.get("rejected", 0) + 1}
        self.say(f"set aside: {reason}")

    def _note(
        self, session: Session, name: str, page: list[Row], kind: Mirrored, written: rows.Written, *, after: int | None = None
    ) -> None:
        """Ends a page: all of it was seen, also what could not be mapped, and the sync stands behind it."""
        ids = {id for row in page if (id := id_of(row))}
        rows.seen(session, kind, ids & rows.known(session, kind, ids), self.stamp)
        counts = dict(self.sync.counts)
        counts[name] = counts.get(name, 0) + len(page)
        stages = {stage: list(works) for stage, works in counts.get("stages", {}).items()}
        for stage, works in written.stages.items():
            stages[stage] = sorted({*stages.get(stage, []), *works})
        counts["stages"] = stages
        position = {"after": max(ids, default=self.sync.after) if after is None else after} if page else {}
        _save(self.ledger, self.sync, session=session, counts=counts, **position)
        if page:
            self.say(f"{counts[name]:,} {name} read")

    def _unknown(self, kind: Mirrored, pages: Iterator[list[int]]) -> list[int]:
        """Notes all these ids as seen; gives those that the mirror lacks or holds for deleted."""
        unknown: list[int] = []
        for page in pages:
            ids = {id for id in page if id_of({"id": id})}
            with self.ledger.session() as session:
                here = rows.alive(session, kind, ids)
                rows.seen(session, kind, here, self.stamp)
            unknown += sorted(ids - here.keys())
        return unknown


__all__ = ["SyncOutcome", "synchronise"]
