"""What each title is to one partner today: changed, unchanged, held back, not selected, withdrawn.

The whole mirror is looked at in pages, so memory stays flat. A title whose source (product, work, flavour) and day are
as they were at the last look is not even decoded: its last outcome still holds. Change means that the *rendered* record
differs from the one that the partner last received.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from include.errors import RejectedData
from include.feeds import rules, schema, selection
from include.feeds.record import Reason, Record, Renderer
from include.ledger.models import FeedRecordRow, ProductRow, RecordState, WorkRow
from include.partners import Partner
from include.partners.model import House
from include.titles.codec import decode_product, decode_work
from include.titles.model import Product, Work

PAGE = 500
log = logging.getLogger(__name__)
GONE = Reason("deleted", "the title is no longer in Consonance", "Nothing, if it was deleted on purpose.")


@dataclass(frozen=True, slots=True)
class Fragment:
    """A record that was rendered before: what it is, and where it lies (bytes `offset` to `offset + length` of an artefact)."""

    reference: str
    notification: str
    artefact: str
    offset: int
    length: int
    stable_until: str
    blocks: dict[str, str]


@dataclass(frozen=True, slots=True)
class Look:
    """One title as this partner is due it.

    `state` is `pending` when something must go out (then `record` is set), else why nothing does. `fresh` is False
    when the last look still holds and the ledger needs no update. `fragment` is set for an unchanged title whose
    bytes can be copied into a full message; `product` only where it was decoded.
    """

    product_id: int
    isbn: str
    state: RecordState
    source: str
    fresh: bool
    reasons: tuple[Reason, ...] = ()
    record: Record | None = None
    product: Product | None = None
    fragment: Fragment | None = None
    becomes: RecordState = RecordState.SENT
    received: str = ""  # digest that the partner has now
    received_blocks: tuple[tuple[str, str], ...] = ()
    stable_until: str = ""  # ISO date from which the same source may come out differently


@dataclass(slots=True)
class _Candidate:
    product: Product
    row: FeedRecordRow | None
    source: str
    becomes: RecordState = RecordState.SENT


@dataclass(slots=True)
class Looker:
    """Looks at the mirror with one partner's eyes."""

    partner: Partner
    house: House
    renderer: Renderer
    today: date
    duplicates: frozenset[str]
    full: bool = False  # the message takes unchanged titles along
    again: frozenset[int] = frozenset()  # products to render whether they changed or not
    beside: Callable[[Product], str] = lambda product: ""  # what else makes a record new: the cover beside the feed

    def looks(self, session: Session, only: Sequence[int] | None = None, *, remember: bool = True) -> Iterator[Look]:
        """Every title of the mirror (or only these ids), in order of id; `remember=False` renders all of them anew."""
        for page in _pages(session, only):
            works: dict[int, Work] = {}  # products of a work stand near each other: decode it once a page
            rows = {row.product_id: row for row in _records(session, self.partner.id, [product.id for product, _ in page])}
            candidates: list[_Candidate] = []
            done: list[Look] = []
            for product_row, work_row in page:
                row = rows.get(product_row.id)
                source = self._source(product_row, work_row)
                if remember and (known := self._known(product_row, row, source)):
                    done.append(known)
                    continue
                if work_row.id not in works:
                    works[work_row.id] = decode_work(work_row.content)
                product = decode_product(product_row.content, works[work_row.id])
                outcome = self._select(product, product_row, row, source)
                (candidates if isinstance(outcome, _Candidate) else done).append(outcome)  # type: ignore[arg-type]
            done.extend(self._render(candidates))
            yield from sorted(done, key=lambda look: look.product_id)

    def _source(self, product: ProductRow, work: WorkRow) -> str:
        twin = "twin" if product.isbn in self.duplicates else ""
        gone = "gone" if product.deleted_at or work.deleted_at else ""
        text = f"{product.digest} {work.digest} {self.renderer.flavour} {twin} {gone}"
        return hashlib.sha256(text.encode()).hexdigest()

    def _known(self, product: ProductRow, row: FeedRecordRow | None, source: str) -> Look | None:
        """The last outcome, if nothing that it hangs on has changed."""
        if row is None or row.source_digest != source or product.id in self.again:
            return None
        if row.stable_until and self.today.isoformat() >= row.stable_until:
            return None
        state = RecordState(row.state)
        if state in {RecordState.PENDING, RecordState.REJECTED}:
            return None
        if state not in {RecordState.SENT, RecordState.UNCHANGED}:
            return self._look(row, source, state, fresh=False)
        if row.artefact and self.renderer.reusable:
            fragment = Fragment(row.record_reference, row.notification, row.artefact, row.offset, row.length, row.stable_until, row.blocks)
            return self._look(row, source, RecordState.UNCHANGED, fresh=state == RecordState.SENT, fragment=fragment)
        if self.full:  # nothing to copy from: render it anew
            return None
        return self._look(row, source, RecordState.UNCHANGED, fresh=state == RecordState.SENT)

    @staticmethod
    def _look(row: FeedRecordRow, source: str, state: RecordState, *, fresh: bool, fragment: Fragment | None = None) -> Look:
        reasons = tuple(Reason(r["code"], r["message"], r.get("todo", ""), r.get("path", "")) for r in row.reasons)
        if state == RecordState.UNCHANGED:
            reasons = ()
        return Look(row.product_id, row.isbn, state, source, fresh, reasons, fragment=fragment, received=row.digest)

    def _select(self, product: Product, mirror: ProductRow, row: FeedRecordRow | None, source: str) -> Look | _Candidate:
        """Selection, and what becomes of a title that was sent and is not selected any more."""
        received = bool(row and row.digest)
        excluded = "deleted" if mirror.deleted_at else selection.excluded_by(product, self.partner, self.today)
        if not excluded or (excluded == "horizon" and received):
            return _Candidate(product, row, source)
        if row and received and row.state != RecordState.WITHDRAWN and excluded != "not-exportable":
            return _Candidate(_withdrawn(product, excluded), row, source, RecordState.WITHDRAWN)
        reason = GONE if excluded == "deleted" else Reason(excluded, selection.sentence(excluded, product, self.partner))
        state = RecordState.WITHDRAWN if row and row.state == RecordState.WITHDRAWN else RecordState.NOT_SELECTED
        return Look(
            product.id,
            product.isbn,
            state,
            source,
            True,
            (reason,),
            product=product,
            received=row.digest if row else "",
            stable_until=self._stable_until(product),
        )

    def _render(self, candidates: Iterable[_Candidate]) -> Iterator[Look]:
        rendered: list[tuple[_Candidate, Record]] = []
        for candidate in candidates:
            outcome = self._rendered(candidate)
            if isinstance(outcome, Record):
                rendered.append((candidate, outcome))
            else:
                yield self._held(candidate, outcome)
        invalid = schema.check([record for _, record in rendered], self.partner, self.house)
        for candidate, record in rendered:
            if reasons := invalid.get(record.product_id, []):
                yield self._held(candidate, reasons)
            else:
                yield self._due(candidate, record)

    def _rendered(self, candidate: _Candidate) -> Record | list[Reason]:
        """The record, or why there is none. A title that breaks our own code stays back alone, and says so."""
        product = candidate.product
        try:
            if candidate.becomes != RecordState.WITHDRAWN and (
                reasons := rules.check(product, self.partner, self.house, self.today, self.duplicates)
            ):
                return reasons
            return self.renderer.render(product, self.today)
        except RejectedData as bad:
            return [Reason("unrenderable", bad.what, bad.todo, bad.where)]
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as slip:
            log.exception("%s: product %s could not be rendered", self.partner.id, product.id)
            return [Reason("unrenderable", f"{type(slip).__name__}: {slip}", "Report it with the task's log: this is a fault in Colophon.")]

    def _held(self, candidate: _Candidate, reasons: Sequence[Reason]) -> Look:
        row = candidate.row
        return Look(
            candidate.product.id,
            candidate.product.isbn,
            RecordState.HELD,
            candidate.source,
            True,
            tuple(reasons),
            product=candidate.product,
            received=row.digest if row else "",
            stable_until=self._stable_until(candidate.product),
        )

    def _due(self, candidate: _Candidate, record: Record) -> Look:
        row = candidate.row
        if cover := self.beside(candidate.product):
            record = replace(record, digest=hashlib.sha256(f"{record.digest} {cover}".encode()).hexdigest())
        received = row.digest if row else ""
        rejected = bool(row and row.state == RecordState.REJECTED)
        same = received == record.digest and not rejected and candidate.product.id not in self.again
        return Look(
            record.product_id,
            record.isbn,
            RecordState.UNCHANGED if same else RecordState.PENDING,
            candidate.source,
            True,
            record=record,
            product=candidate.product,
            becomes=candidate.becomes,
            received=received,
            received_blocks=tuple(sorted(row.blocks.items())) if row and row.blocks else (),
            stable_until=self._stable_until(candidate.product, record.stable_until),
        )

    def _stable_until(self, product: Product, rendered: date | None = None) -> str:
        """The next day on which a rule, the selection or the rendering may see this title differently.

        The days are those that `include.feeds.rules` and `selection` compare with today: two weeks around publication,
        the partner's horizon, and the days on which prices start and end.
        """
        days = [rendered] if rendered else []
        if published := product.publication_date:
            days += [published - timedelta(days=14), published, published + timedelta(days=15)]
            if months := self.partner.feed.products.horizon_months:
                days.append(selection.enters_horizon(published, months))
        for price in product.prices:
            days += [day for day in (price.starts, price.ends + timedelta(days=1) if price.ends else None) if day]
        return min((day.isoformat() for day in days if day > self.today), default="")


def _withdrawn(product: Product, excluded: str) -> Product:
    """The last record of a title that leaves: never NotificationType 05, which is for records issued in error (List 1)."""
    if excluded == "deleted":
        return replace(product, publishing_status="11", availability="46")  # withdrawn from sale
    if excluded == "market":
        return replace(product, availability="52")  # publisher no longer sells the product in this market
    if excluded in {"imprint", "form"}:
        return replace(product, availability="43")  # no longer supplied by us
    return product  # a status that is not wanted says enough by itself


def _pages(session: Session, only: Sequence[int] | None) -> Iterator[list[tuple[ProductRow, WorkRow]]]:
    """Products with their works in pages, by id. What was read is let go: the session is for reading only."""
    query = select(ProductRow, WorkRow).join(WorkRow, WorkRow.id == ProductRow.work_id).order_by(ProductRow.id)
    if only is not None:
        wanted = sorted(set(only))
        for start in range(0, len(wanted), PAGE):
            yield [(product, work) for product, work in session.execute(query.where(ProductRow.id.in_(wanted[start : start + PAGE])))]
            session.expunge_all()
        return
    after = 0
    while page := [(product, work) for product, work in session.execute(query.where(ProductRow.id > after).limit(PAGE))]:
        after = page[-1][0].id
        yield page
        session.expunge_all()


def _records(session: Session, partner: str, products: Sequence[int]) -> Iterable[FeedRecordRow]:
    return session.scalars(select(FeedRecordRow).where(FeedRecordRow.partner == partner, FeedRecordRow.product_id.in_(products)))
