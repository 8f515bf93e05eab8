"""Brings covers onto their titles: into the title record first, from there as far into Consonance as this tenant lets us.

What a title gets is written in one transaction with the fact that it has it; the ladder then shows it, and finds what it made before it
was stopped. A title has one cover of a kind from here; what a person attached since then stays until something newer is approved in
Cloudinary. What was rejected, or is no longer meant for a title, loses its approval in the title record, which takes it out of Consonance.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from include.errors import ColophonError, ConfigurationError, PermanentError
from include.files import previews
from include.files.model import Kind
from include.files.sniff import sniff
from include.intake.ladder import Ladder
from include.ledger import title_files
from include.ledger.covers import ATTACHED, SOURCE, WANTED, WITHDRAWN
from include.ledger.database import Ledger
from include.ledger.deliveries import record_event
from include.ledger.file_rows import Approval, TitleFileRow
from include.ledger.licence_rows import CoverRow, CoverUseRow
from include.ledger.models import ProductRow
from include.media.choice import Candidate, Choice
from include.store import ArtefactStore

PARTS: Final = {
    "front": (Kind.JACKET, "front cover"),
    "back": (Kind.JACKET, "back cover"),
    "full": (Kind.JACKET, "full jacket"),
    "series": (Kind.ARTWORK, "series branding"),
}
ROLE: Final = "cloudinary"  # whose word the approval is: the moderation queue's
PREVIEW = 600  # pixels of the longer side, for the title's page
MANY, SHARE = 20, 10  # covers, and one in so many: beyond both, taking them off is no ordinary night
_REJECTED, _NOT_MEANT = "It was rejected in Cloudinary.", "Its metadata in Cloudinary no longer names this title."


@dataclass(slots=True)
class Settled:
    """`counts`: attached, taken off, unchanged; by rung of the ladder. `problems` of single titles, which the next run tries again."""

    counts: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Had:
    """What a title has of a kind."""

    work: int
    cover: int
    etag: str
    state: str
    why: str
    rejected: bool


def settle(ledger: Ledger, store: ArtefactStore, choice: Choice, *, now: datetime, anyway: bool = False) -> Settled:
    """Makes the title record what was chosen. A second time, it changes nothing.

    Raises `PermanentError`, before anything is taken off, where unusually many covers are no longer meant for their titles and
    `anyway` is off: more often than not, a field of Cloudinary was emptied or renamed.
    """
    settled, previews_made = Settled(), dict[str, str]()
    with ledger.read() as session:
        had = _had(session)
    off = [(product, kind) for (product, kind), use in had.items() if use.state != WITHDRAWN and (product, kind) not in choice.wanted]
    doubtful = [key for key in off if not had[key].rejected]
    if not anyway and len(doubtful) > max(MANY, len(had) // SHARE):
        raise PermanentError(
            f"{len(doubtful):,} covers would be taken off their titles, though nobody rejected them",
            where="cover_sync",
            todo="Look at the metadata in Cloudinary and at [covers] of config/house.toml; if it is meant, start a run with Anyway.",
        )
    for (product, kind), one in sorted(choice.wanted.items(), key=lambda item: item[0]):
        use = had.get((product, kind))
        if use is not None and use.state != WITHDRAWN and use.etag == one.etag:
            if (use.cover, use.why) != (one.id, one.why):
                _point(ledger, product, kind, one)
            settled.counts["unchanged"] += 1
        elif not one.held:
            work = choice.works[product]
            doing = partial(_attach, ledger, store, product, work, kind, one, now, previews_made)
            settled.counts["attached"] += _tried(settled, f"product {product}", doing)
        elif use is not None and use.state != WITHDRAWN:
            settled.counts["unchanged"] += 1
    for product, kind in sorted(off):
        note = _REJECTED if had[product, kind].rejected else _NOT_MEANT
        settled.counts["taken off"] += _tried(settled, f"product {product}", partial(_withdraw, ledger, product, kind, note, now))
    return settled


def _tried(settled: Settled, where: str, do: Callable[[], None]) -> bool:
    try:
        do()
    except ConfigurationError:
        raise
    except ColophonError as bad:
        settled.problems.append(f"{where}: {bad}")
        return False
    return True


def _had(session: Session) -> dict[tuple[int, str], _Had]:
    """Of living products: what Consonance deleted, nobody can take anything off from."""
    query = (
        select(CoverUseRow.product_id, CoverUseRow.kind, CoverUseRow.work_id, CoverUseRow.cover_id, CoverUseRow.etag, CoverUseRow.state,
               CoverUseRow.why, CoverRow.moderation)
        .join(CoverRow, CoverRow.id == CoverUseRow.cover_id)
        .join(ProductRow, ProductRow.id == CoverUseRow.product_id)
        .where(ProductRow.deleted_at.is_(None))
        .execution_options(yield_per=1_000)
    )  # fmt: skip
    return {
        (product, kind): _Had(work, cover, etag, state, why, moderation == "rejected")
        for product, kind, work, cover, etag, state, why, moderation in session.execute(query)
    }


def _attach(
    ledger: Ledger, store: ArtefactStore, product: int, work: int, kind: str, one: Candidate, now: datetime, made: dict[str, str]
) -> None:
    """The version onto its title, approved, and above whatever the title had of this kind."""
    with ledger.read() as session:
        cover = session.get(CoverRow, one.id)
        found = session.get(ProductRow, product)
        if cover is None or found is None:
            raise PermanentError("the cover or the product is gone from the ledger", where=f"cover {one.id}")
        session.expunge_all()
    new = _file(store, cover, found, work, kind, made)
    with ledger.session() as session:
        title_files.in_turn(session, [work])
        chain = title_files.versions(session, work, new["kind"], new["part"], product, lock=True)
        top = max((row.rank for row in chain if row.state != title_files.REMOVED), default=0)
        current = next((row for row in chain if row.state == title_files.ATTACHED), None)
        again = current is not None and current.sha256 == new["sha256"]
        given = title_files.NewTitleFile(**new, rank=top if again else top + 1, review=(ROLE,))
        row = title_files.attach(session, given, now=now, who="Cloudinary").row
        title_files.review(session, row.id, ROLE, Approval.APPROVED, now=now, who="Cloudinary", note=f"Version {cover.version}")
        use = session.scalar(select(CoverUseRow).where(CoverUseRow.product_id == product, CoverUseRow.kind == kind).with_for_update())
        if use is None:
            use = CoverUseRow(product_id=product, kind=kind)
            session.add(use)
        use.work_id, use.cover_id, use.etag, use.why = work, cover.id, cover.etag, one.why
        use.state, use.title_file_id, use.consonance, use.at = WANTED, row.id, {}, now
        about = {"cover": cover.id, "version": cover.version, "kind": kind, "product": product, "work": work, "why": one.why}
        record_event(session, what="cover chosen", now=now, subject=cover.public_id, sha256=new["sha256"], detail=about)


def _file(store: ArtefactStore, cover: CoverRow, product: ProductRow, work: int, kind: str, made: dict[str, str]) -> dict[str, Any]:
    of, part = PARTS[kind]
    with store.local(cover.sha256) as local:
        sniffed = sniff(local, cover.public_id)
        facts, size = previews.facts(local, sniffed), local.stat().st_size
        if cover.sha256 not in made and (seen := previews.preview(local, sniffed, longest=PREVIEW)) is not None:
            made[cover.sha256] = store.put(io.BytesIO(seen)).sha256
    name = f"{product.isbn or f'product-{product.id}'}_{part.replace(' ', '_')}{sniffed.extension}"
    return {
        "work_id": work, "product_id": product.id, "kind": of, "part": part, "name": name, "media_type": sniffed.media_type, "bytes": size,
        "sha256": cover.sha256, "revision": str(cover.revision) if cover.revision else "", "source": SOURCE, "facts": facts,
        "source_path": f"{cover.public_id}, version {cover.version}", "preview": made.get(cover.sha256, ""),
    }  # fmt: skip


def _point(ledger: Ledger, product: int, kind: str, one: Candidate) -> None:
    """The same bytes, by another version or another asset: nothing is sent."""
    with ledger.session() as session:
        use = session.scalar(select(CoverUseRow).where(CoverUseRow.product_id == product, CoverUseRow.kind == kind).with_for_update())
        if use is not None:
            use.cover_id, use.why = one.id, one.why


def _withdraw(ledger: Ledger, product: int, kind: str, note: str, now: datetime) -> None:
    """The title's cover of this kind loses its approval; none that it had before comes back by itself."""
    with ledger.session() as session:
        use = session.scalar(select(CoverUseRow).where(CoverUseRow.product_id == product, CoverUseRow.kind == kind).with_for_update())
        if use is None or use.state == WITHDRAWN:
            return
        title_files.in_turn(session, [use.work_id])
        row = session.get(TitleFileRow, use.title_file_id, with_for_update=True) if use.title_file_id else None
        if row is not None and row.state == title_files.ATTACHED:
            title_files.review(session, row.id, ROLE, Approval.REJECTED, now=now, who="Cloudinary", note=note)
        elif row is not None and row.state == title_files.SUPERSEDED:
            title_files.remove(session, row.id, now=now, who="Cloudinary", note=note)
        use.state, use.at = WITHDRAWN, now
        about = {"cover": use.cover_id, "kind": kind, "product": product, "work": use.work_id, "why": note}
        record_event(session, what="cover withdrawn", now=now, subject=row.name if row is not None else "", detail=about)


# --- Consonance


def show(ladder: Ladder, clock: Callable[[], datetime], *, again: bool = False) -> Settled:
    """Takes to Consonance what titles have from here, and takes back what lost its approval. `clock` gives the time of each."""
    settled = Settled()
    for file_id in ladder.waiting(again=again, source=SOURCE):
        try:
            shown = ladder.settle(file_id, clock(), again=again)
        except ConfigurationError:
            raise  # it would go wrong with every cover
        except ColophonError as bad:
            settled.problems.append(f"file {file_id}: {bad}")
            continue
        settled.counts[shown.as_] += shown.new
    with ladder.ledger.session() as session:
        settled.counts["told"] = _note_shown(session)
    return settled


def _note_shown(session: Session) -> int:
    """Copies from the title record where each cover is now: also for what an earlier run showed before it was stopped."""
    query = (
        select(CoverUseRow, TitleFileRow.consonance)
        .join(TitleFileRow, TitleFileRow.id == CoverUseRow.title_file_id)
        .where(CoverUseRow.state.in_([WANTED, WITHDRAWN]))
    )
    told = 0
    for use, consonance in session.execute(query.execution_options(yield_per=500)):
        where = {name: consonance[name] for name in ("as", "id", "why") if name in (consonance or {})}
        if not where or (where == use.consonance and use.state == WITHDRAWN):
            continue
        use.consonance = where
        use.state = ATTACHED if use.state == WANTED else use.state
        told += 1
    return told
