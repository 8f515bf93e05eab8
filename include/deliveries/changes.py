"""What each title is to one partner today: changed, unchanged, held back, not selected, withdrawn.

The whole mirror is looked at in pages, so memory stays flat. A title whose source (product, work, flavour) and day are
as they were at the last look is not even decoded: its last outcome still holds. Change means that the *rendered* record
differs from the one that the partner last received.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from include.deliveries import arrivals
from include.errors import RejectedData
from include.feeds import rules, schema, selection
from include.feeds.record import Reason, Record, Renderer
from include.ledger import licences
from include.ledger.chunks import chunks
from include.ledger.models import FeedRecordRow, ProductRow, RecordState, WorkRow
from include.partners import Partner
from include.partners.model import House
from include.titles.codec import decode_product, decode_work
from include.titles.model import Product, Work

PAGE = 500
log = logging.getLogger(__name__)
NOTIFICATION = "P0"  # beside the digests of ONIX blocks P1 to P8
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
    received_blocks: tuple[tuple[str, str], ...] = ()  # empty where the partner's copy is unknown or none
    stable_until: str = ""  # ISO date from which the same source may come out differently


@dataclass(slots=True)
class _Candidate:
    product: Product
    row: FeedRecordRow | None
    source: str
    becomes: RecordState = RecordState.SENT
    excluded: str = ""  # why the title leaves
    doubtful: bool = False  # what the partner has is not known
    forbidden: Sequence[Reason] = ()  # by licences of its images


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
    _gates: str = field(init=False)  # the rules that hold titles back: others give other outcomes

    def __post_init__(self) -> None:
        self._gates = " ".join((*rules.codes_of(self.partner), self.house.strict_schema))

    def looks(self, session: Session, only: Sequence[int] | None = None, *, remember: bool = True) -> Iterator[Look]:
        """Every title of the mirror (or only these ids), in order of id; `remember=False` renders all of them anew."""
        unsure = arrivals.any_doubt(session, self.partner.id)
        for page in _pages(session, only):
            works: dict[int, Work] = {}  # products of a work stand near each other: decode it once a page
            ids = [product.id for product, _ in page]
            rows = {row.product_id: row for row in _records(session, self.partner.id, ids)}
            doubtful = arrivals.in_doubt(session, self.partner.id, ids) if unsure else frozenset()
            forbidden = self._forbidden(session, page)
            candidates: list[_Candidate] = []
            done: list[Look] = []
            for product_row, work_row in page:
                row = rows.get(product_row.id)
                stops = forbidden.get(product_row.id, ())
                source = self._source(product_row, work_row, stops)
                doubt = product_row.id in doubtful
                if remember and not doubt and (known := self._known(product_row, row, source)):
                    done.append(known)
                    continue
                if work_row.id not in works:
                    works[work_row.id] = decode_work(work_row.content)
                product = decode_product(product_row.content, works[work_row.id])
                gone = bool(product_row.deleted_at or work_row.deleted_at)
                outcome = self._select(session, product, row, source, gone=gone, doubtful=doubt)
                if isinstance(outcome, _Candidate):
                    outcome.forbidden = stops
                (candidates if isinstance(outcome, _Candidate) else done).append(outcome)  # type: ignore[arg-type]
            done.extend(self._render(candidates))
            yield from sorted(done, key=lambda look: look.product_id)

    def _forbidden(self, session: Session, page: Sequence[tuple[ProductRow, WorkRow]]) -> dict[int, list[Reason]]:
        """What licences of images forbid, where the partner's feed heeds them."""
        if self.partner.feed.licences == "ignore":
            return {}
        found = licences.stopping(session, {product.id: work.id for product, work in page})
        return {id: [Reason(one["code"], one["message"], one["todo"], one["where"]) for one in stops] for id, stops in found.items()}

    def _source(self, product: ProductRow, work: WorkRow, forbidden: Sequence[Reason]) -> str:
        twin = "twin" if product.isbn in self.duplicates else ""
        gone = "gone" if product.deleted_at or work.deleted_at else ""
        text = f"{product.digest} {work.digest} {self.renderer.flavour} {self._gates} {twin} {gone}"
        text += "".join(f" {one.code} {one.message}" for one in forbidden)
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

    def _has(self, session: Session, row: FeedRecordRow | None) -> bool:
        """Whether the partner has this title in some form: a record that was refused leaves an earlier one in place."""
        if row is None or row.digest:
            return row is not None
        return row.sent_at is not None and arrivals.ever_taken(session, self.partner.id, row.product_id)

    def _select(
        self, session: Session, product: Product, row: FeedRecordRow | None, source: str, *, gone: bool, doubtful: bool
    ) -> Look | _Candidate:
        """Selection, and what becomes of a title that was sent and is not selected any more."""
        excluded = selection.excluded_by(product, self.partner, self.today)
        if gone and excluded != "not-exportable":
            excluded = "deleted"
        received = bool(excluded) and (doubtful or self._has(session, row))
        if not excluded or (excluded == "horizon" and received):
            return _Candidate(product, row, source, doubtful=doubtful)
        told = row is not None and row.state == RecordState.WITHDRAWN and not doubtful and product.id not in self.again
        if received and not told and excluded != "not-exportable":
            return _Candidate(_withdrawn(product, excluded), row, source, RecordState.WITHDRAWN, excluded, doubtful)
        reason = self._why(excluded, product)
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

    def _why(self, excluded: str, product: Product) -> Reason:
        return GONE if excluded == "deleted" else Reason(excluded, selection.sentence(excluded, product, self.partner))

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
        if candidate.forbidden and candidate.becomes != RecordState.WITHDRAWN:
            return list(candidate.forbidden)
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
        row, leaves = candidate.row, candidate.becomes == RecordState.WITHDRAWN
        if record.blocks:  # a change of notification is no matter of one block (List 1: early, advance, confirmed)
            record = replace(record, blocks={**record.blocks, NOTIFICATION: record.notification})
        if not leaves and (cover := self.beside(candidate.product)):
            record = replace(record, digest=hashlib.sha256(f"{record.digest} {cover}".encode()).hexdigest())
        received = row.digest if row else ""
        rejected = bool(row and row.state == RecordState.REJECTED)
        anew = rejected or candidate.doubtful or candidate.product.id in self.again
        same = received == record.digest and not anew
        stays = RecordState.WITHDRAWN if leaves else RecordState.UNCHANGED
        return Look(
            record.product_id,
            record.isbn,
            stays if same else RecordState.PENDING,
            candidate.source,
            True,
            (self._why(candidate.excluded, candidate.product),) if leaves and same else (),
            record=record,
            product=candidate.product,
            becomes=candidate.becomes,
            received=received,
            received_blocks=() if anew or row is None else tuple(sorted(row.blocks.items())),
            stable_until=self._stable_until(candidate.product, record.stable_until),
        )

    def _stable_until(self, product: Product, rendered: date | None = None) -> str:
        """The next day on which a rule, the selection or the rendering may see this title differently.

        The days are those that `include.feeds.rules` and `selection` compare with today: two weeks around publication,
        the partner's horizon, and the days on which prices and texts start and end.
        """
        days = [rendered] if rendered else []
        if published := product.publication_date:
            days += [day for distance in (-14, 0, 15) if (day := _moved(published, distance))]
            if months := self.partner.feed.products.horizon_months:
                days.append(selection.enters_horizon(published, months))
        spans = [(price.starts, price.ends) for price in product.prices]
        spans += [(text.starts, text.ends) for text in (*product.texts, *product.work.texts)]
        for starts, ends in spans:
            days += [day for day in (starts, _moved(ends, 1)) if day]
        return min((day.isoformat() for day in days if day > self.today), default="")


def _moved(day: date | None, days: int) -> date | None:
    """So many days later; None beyond the calendar, where "never" is often written as its last day."""
    number = day.toordinal() + days if day else 0
    return date.fromordinal(number) if 0 < number <= date.max.toordinal() else None


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
        for some in chunks(wanted, PAGE):
            yield [(product, work) for product, work in session.execute(query.where(ProductRow.id.in_(some)))]
            session.expunge_all()
        return
    after = 0
    while page := [(product, work) for product, work in session.execute(query.where(ProductRow.id > after).limit(PAGE))]:
        after = page[-1][0].id
        yield page
        session.expunge_all()


def _records(session: Session, partner: str, products: Sequence[int]) -> Iterable[FeedRecordRow]:
    return session.scalars(select(FeedRecordRow).where(FeedRecordRow.partner == partner, FeedRecordRow.product_id.in_(products)))
