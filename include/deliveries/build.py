"""Builds what a partner is due: looks at every title, writes one message, records why the rest stays.

Building is safe to repeat: outcomes are facts about the mirror, and a delivery is found again by its key (what the
partner had before, and what goes now), so a run that died between build and delivery picks up its own message, with
its own number.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import BinaryIO, Literal, cast
from zoneinfo import ZoneInfo

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from include.catalogue.read import duplicate_isbns
from include.deliveries import arrivals, covers_beside, openpgp, outcomes
from include.deliveries.changes import Look, Looker
from include.deliveries.naming import free_name
from include.deliveries.spool import Spool
from include.feeds import renderer_for
from include.feeds.record import Header, Record, Renderer
from include.ledger import deliveries
from include.ledger.database import Ledger
from include.ledger.models import DeliveryRecordRow, DeliveryRow, DeliveryState, FileRow, PartnerRow, RecordState
from include.partners import Partner
from include.partners.model import House
from include.store import Artefact, ArtefactStore

FLOW = "metadata_feed"
Kind = Literal["full", "delta", "rebuilt", "empty"]


@dataclass(frozen=True, slots=True)
class Run:
    """Who builds: shown in the ledger and linked from the page."""

    dag_id: str = ""
    run_id: str = ""
    who: str = "colophon"


@dataclass(frozen=True, slots=True)
class Built:
    """What a build came to: counts and an id, never content. `delivery_id` is None when nothing is due; `approve` says
    why a person must look before it goes."""

    partner: str
    delivery_id: int | None
    kind: str
    records: int
    counts: dict[str, int]
    approve: list[str] = field(default_factory=list)
    state: str = ""


@dataclass(slots=True)
class FeedBuild:
    """One build of one partner's feed.

    `now` carries a zone. `kind` asks for a full or a delta message; None lets the partner's file and history decide.
    `products` limits it to these ids, sent whether they changed or not (a rebuilt redelivery of `replaces`).
    """

    ledger: Ledger
    store: ArtefactStore
    partner: Partner
    house: House
    now: datetime
    run: Run = field(default_factory=Run)
    kind: Literal["full", "delta"] | None = None
    products: Sequence[int] | None = None
    replaces: int | None = None
    on_progress: Callable[[int, Counter[str]], None] = lambda looked, counts: None

    def build(self) -> Built:
        """Raises `ConfigurationError` for a bad partner file, `TransientError` when a cover can't be fetched now."""
        renderer = renderer_for(self.partner, self.house)
        with self.ledger.read() as session, Spool() as spool:
            kind, before, asked = self._kind(session)
            looker = Looker(
                self.partner,
                self.house,
                renderer,
                self._local().date(),
                duplicate_isbns(session),
                full=kind == "full",
                again=frozenset(self.products or ()),
                beside=covers_beside.identity(self.partner),
            )
            covers, counts = self._look(session, looker, spool)
            if spool.changed or (asked and spool.records):
                return self._deliver(renderer, kind, before, spool, covers, counts)
            if self.partner.feed.empty != "skip" and kind != "rebuilt" and not self._sent_today(session, before):
                return self._deliver(renderer, "empty", before, spool, [], counts)
            if kind != "rebuilt":
                self._nothing_waits()
            return Built(self.partner.id, None, "empty", 0, dict(counts))

    # --- what is due

    def _local(self) -> datetime:
        return self.now.astimezone(ZoneInfo(self.partner.schedule.timezone))

    def _kind(self, session: Session) -> tuple[Kind, int, bool]:
        """Kind, the delivery before this one (0: none), and whether somebody asked for all titles."""
        last = arrivals.last(session, self.partner.id, FLOW)
        before = last.id if last else 0
        if self.products is not None:
            return "rebuilt", before, False
        row = session.get(PartnerRow, self.partner.id)
        asked = self.kind == "full" or (self.kind is None and bool(row and row.full_resend))
        first = not before and self.partner.feed.first == "full"
        full = asked or (self.kind is None and (first or self.partner.feed.mode == "full"))
        return ("full" if full else "delta"), before, asked

    def _sent_today(self, session: Session, before: int) -> bool:
        last = session.get(DeliveryRow, before)
        return last is not None and last.created_at.astimezone(ZoneInfo(self.partner.schedule.timezone)).date() == self._local().date()

    def _nothing_waits(self) -> None:
        """What was prepared and did not arrive is not wanted any more. A full message that a person asked for still is."""
        kinds = {"delta", "empty"} | ({"full"} if self.partner.feed.mode == "full" else set())
        with self.ledger.session() as session:
            arrivals.withdraw_unwanted(session, self.partner.id, FLOW, kinds, now=self.now, who=self.run.who)

    def _look(self, session: Session, looker: Looker, spool: Spool) -> tuple[list[covers_beside.Wanted], Counter[str]]:
        counts: Counter[str] = Counter()
        covers: list[covers_beside.Wanted] = []
        fresh: list[Look] = []
        for number, look in enumerate(looker.looks(session, self.products), start=1):
            counts[look.state] += 1
            if look.state == RecordState.PENDING:
                spool.send(look, self._travelling(looker, look))
                if (
                    look.becomes == RecordState.SENT
                    and look.product is not None
                    and (wish := covers_beside.wanted(self.partner, look.product))
                ):
                    covers.append(wish)
            elif look.state == RecordState.UNCHANGED and looker.full:
                spool.take_along(look, self.store.read)
            if look.fresh:
                fresh.append(look)
            if len(fresh) >= 500:
                self._save(fresh)
                fresh = []
            if number % 2000 == 0:
                self.on_progress(number, counts)
        self._save(fresh)
        return covers, counts

    def _travelling(self, looker: Looker, look: Look) -> Record:
        """The whole record, or a block update where the partner wants one and only such blocks changed."""
        assert look.record is not None and look.product is not None  # noqa: S101, PT018 - a pending look carries both
        updates, before = self.partner.feed.block_updates, dict(look.received_blocks)
        if looker.full or self.products is not None or updates is None or not before or look.becomes != RecordState.SENT:
            return look.record
        changed = [name for name in {*before, *look.record.blocks} if before.get(name) != look.record.blocks.get(name)]
        numbers = tuple(sorted(int(name[1:]) for name in changed))
        if not numbers or not set(numbers) <= set(updates.blocks):
            return look.record
        return looker.renderer.block_update(look.product, looker.today, numbers)

    def _save(self, looks: Sequence[Look]) -> None:
        if looks:
            with self.ledger.session() as session:
                outcomes.save(session, self.partner.id, looks, self.now)

    # --- what goes

    def _deliver(
        self, renderer: Renderer, kind: Kind, before: int, spool: Spool, wishes: list[covers_beside.Wanted], counts: Counter[str]
    ) -> Built:
        digest = hashlib.sha256(f"{kind} {spool.digest()}".encode()).hexdigest()
        # up to the colon stands the purpose: a delivery replaces only what waits for the same one
        business_key = f"rebuilt {self.replaces or 0}:{before}" if kind == "rebuilt" else f"after:{before}"
        with self.ledger.read() as session:
            known, digest = self._known(session, business_key, digest)
        if known is not None and known.state == DeliveryState.WITHDRAWN:  # something newer was to go, and is not wanted any more
            with self.ledger.session() as session:
                known = deliveries.revive(session, known, now=self.now, who=self.run.who)
        if known is not None:
            return self._built(known, kind, counts)
        beside = covers_beside.prepare(self.partner, self.store, wishes)
        with self.ledger.session() as session:
            number = deliveries.next_message_number(session, self.partner.id)
        message = self._write(renderer, kind, number, spool)
        sealed = openpgp.seal(self.partner, self.store, message)
        suffix = self.partner.transport.openpgp.suffix if self.partner.transport.openpgp else ""
        approve = self._beyond_limits(kind, spool, counts)
        with self.ledger.session() as session:
            session.get(PartnerRow, self.partner.id, with_for_update=True)  # builds of one partner choose their names in turn
            name = free_name(
                self.partner, self.house.sender.name, kind=kind, message_number=number, now=self._local(), suffix=suffix,
                taken=lambda name: self._is_taken(session, name),
            )  # fmt: skip
            row = deliveries.prepare(
                session,
                partner=self.partner.id,
                flow=FLOW,
                business_key=business_key,
                digest=digest,
                files=[*beside.files, deliveries.NewFile(name, self.partner.transport.folder, sealed.bytes, sealed.sha256, "message")],
                now=self.now,
                who=self.run.who,
                state=DeliveryState.AWAITING_APPROVAL if approve else DeliveryState.PREPARED,
                kind=kind,
                format=renderer.label,
                message_number=number,
                records=spool.records,
                held=counts[RecordState.HELD],
                due_at=self._due(),
                dag_id=self.run.dag_id,
                run_id=self.run.run_id,
                replaces_id=self.replaces,
                reasons=[{"code": "limit", "message": sentence} for sentence in approve],
            )
            if row.message_number != number:  # somebody else built the same meanwhile: the number is a gap
                return self._built(row, kind, counts)
            tomorrow = self._local().date() + timedelta(days=1)
            for rows in spool.rows(row.id, message.sha256, beside.later, tomorrow):
                session.execute(insert(DeliveryRecordRow), rows)
            for warning in beside.warnings:
                deliveries.record_event(
                    session,
                    what="cover left out",
                    now=self.now,
                    who=self.run.who,
                    partner=self.partner.id,
                    delivery_id=row.id,
                    subject=warning,
                )
            deliveries.supersede(session, self.partner.id, FLOW, row.id, now=self.now, who=self.run.who)
            return Built(self.partner.id, row.id, kind, spool.records, dict(counts), approve, row.state)

    def _known(self, session: Session, business_key: str, digest: str) -> tuple[DeliveryRow | None, str]:
        """The delivery of this content, if there is one, and its digest. One that was withdrawn does not come back once the
        partner may have seen a later number: the content then goes under a new one."""
        while (known := deliveries.find(session, self.partner.id, FLOW, business_key, digest)) is not None:
            if known.state != DeliveryState.WITHDRAWN or not arrivals.outnumbered(session, known):
                break
            digest = hashlib.sha256(f"{digest} instead of {known.id}".encode()).hexdigest()
        return known, digest

    def _built(self, row: DeliveryRow, kind: Kind, counts: Counter[str]) -> Built:
        return Built(self.partner.id, row.id, kind, row.records, dict(counts), _sentences(row), row.state)

    def _is_taken(self, session: Session, name: str) -> bool:
        query = select(FileRow.id).join(DeliveryRow, DeliveryRow.id == FileRow.delivery_id)
        return session.scalar(query.where(DeliveryRow.partner == self.partner.id, FileRow.name == name).limit(1)) is not None

    def _write(self, renderer: Renderer, kind: Kind, number: int, spool: Spool) -> Artefact:
        with self.store.create() as out, renderer.message(cast(BinaryIO, out), Header(number, self.now)) as message:
            if kind != "empty":
                spool.write(message)
            elif self.partner.feed.empty == "no_product":
                message.no_product()
        return out.artefact

    def _due(self) -> datetime | None:
        """The partner's deadline, when it next comes round."""
        deadline, local = self.partner.schedule.deadline, self._local()
        if deadline is None:
            return None
        due = local.replace(hour=deadline.hour, minute=deadline.minute, second=0, microsecond=0)
        return (due if due > local else due + timedelta(days=1)).astimezone(UTC)

    def _beyond_limits(self, kind: Kind, spool: Spool, counts: Counter[str]) -> list[str]:
        """Why a person must look at this before it goes; empty: nothing unusual."""
        if kind == "rebuilt":  # somebody has just asked for it
            return []
        limits, held = self.partner.limits, counts[RecordState.HELD]
        sentences = []
        if limits.records is not None and kind == "delta" and spool.records > limits.records:
            sentences.append(f"{spool.records} records in a delta; the limit is {limits.records}")
        if limits.withdrawn is not None and spool.withdrawn > limits.withdrawn:
            sentences.append(f"{spool.withdrawn} titles become unavailable; the limit is {limits.withdrawn}")
        selected = counts[RecordState.PENDING] + counts[RecordState.UNCHANGED] + held
        if limits.held_percent is not None and held * 100 > limits.held_percent * selected:
            sentences.append(f"{held} of {selected} titles are held back; the limit is {limits.held_percent} %")
        return sentences


def _sentences(row: DeliveryRow) -> list[str]:
    return [reason["message"] for reason in row.reasons] if row.state == DeliveryState.AWAITING_APPROVAL else []
