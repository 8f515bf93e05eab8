"""Writes titles into the mirror: one row each, changed only where the digest differs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from include.catalogue.moved import follow
from include.ledger.chunks import chunks
from include.ledger.file_rows import StageChangeRow
from include.ledger.models import ProductRow, WorkRow
from include.partners.model import House
from include.titles import codec
from include.titles.model import Product, Work

Mirrored = type[WorkRow] | type[ProductRow]


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a sync writes into the rows it touches. `baseline`: the first sync ever, in which nothing is news."""

    sync: int
    now: datetime
    baseline: bool = False


@dataclass(slots=True)
class Written:
    """What became of a batch. `stages`: our stage name to the works that came to it."""

    new: int = 0
    changed: int = 0
    stages: dict[str, list[int]] = field(default_factory=dict)


def write_works(session: Session, works: Sequence[Work], stamp: Stamp, house: House) -> Written:
    """Works by id, each at most once in the batch."""
    columns = (WorkRow.id, WorkRow.digest, WorkRow.deleted_at, WorkRow.stage, WorkRow.acquired_at)
    written = Written()
    for chunk in chunks(list({work.id: work for work in works}.values())):
        before = {row.id: row for row in session.execute(select(*columns).where(WorkRow.id.in_([work.id for work in chunk])))}
        new, changed, same = [], [], []
        stages: list[dict[str, Any]] = []
        for work in chunk:
            content = codec.encode_work(work)
            digest = codec.digest(content)
            old = before.get(work.id)
            if old is not None and old.digest == digest and old.deleted_at is None:
                same.append(work.id)
                continue
            acquired_at = old.acquired_at if old is not None else None
            if acquired_at is None and (not house.acquired_stages or work.stage in house.acquired_stages):
                acquired_at = stamp.now
            values: dict[str, Any] = {
                "id": work.id,
                "title": column(work.title),
                "imprint": column(work.imprint, 200),
                "stage": column(work.stage, 200),
                "digest": digest,
                "content": content,
                "changed_at": stamp.now,
                "seen_in": stamp.sync,
                "deleted_at": None,
                "acquired_at": acquired_at,
            }
            if old is None:
                new.append({**values, "first_seen": stamp.now})
            else:
                changed.append(values)
            moved = old is None or old.stage != values["stage"]
            if moved and not stamp.baseline and (name := house.stages.get(work.stage)):
                written.stages.setdefault(name, []).append(work.id)
            if moved and not stamp.baseline and values["stage"]:
                before_it = old.stage if old is not None else ""
                stages.append({"work_id": work.id, "before": before_it, "after": values["stage"], "at": stamp.now})
        _store(session, WorkRow, new, changed, same, stamp)
        if stages:
            session.execute(insert(StageChangeRow), stages)
        written.new += len(new)
        written.changed += len(changed)
    return written


def write_products(session: Session, products: Sequence[Product], stamp: Stamp) -> Written:
    """Products by id, each at most once in the batch; their works are in the mirror already."""
    columns = (ProductRow.id, ProductRow.digest, ProductRow.work_id, ProductRow.deleted_at)
    written = Written()
    for chunk in chunks(list({product.id: product for product in products}.values())):
        before = {row.id: row for row in session.execute(select(*columns).where(ProductRow.id.in_([product.id for product in chunk])))}
        new, changed, same = [], [], []
        for product in chunk:
            content = codec.encode_product(product)
            digest = codec.digest(content)
            old = before.get(product.id)
            if old is not None and (old.digest, old.work_id) == (digest, product.work.id) and old.deleted_at is None:
                same.append(product.id)
                continue
            values: dict[str, Any] = {
                "id": product.id,
                "work_id": product.work.id,
                "isbn": column(product.isbn, 20),
                "title": column(product.full_title or product.work.title),
                "form": column(product.form, 4),
                "publication_date": product.publication_date.isoformat() if product.publication_date else "",
                "digest": digest,
                "content": content,
                "changed_at": stamp.now,
                "seen_in": stamp.sync,
                "deleted_at": None,
            }
            if old is None:
                new.append({**values, "first_seen": stamp.now})
                continue
            changed.append(values)
            if old.work_id != product.work.id:
                follow(session, product.id, old.work_id, product.work.id, stamp.now)
        _store(session, ProductRow, new, changed, same, stamp)
        written.new += len(new)
        written.changed += len(changed)
    return written


def known(session: Session, kind: Mirrored, ids: Collection[int]) -> set[int]:
    """Which of these the mirror has, deleted ones among them."""
    return {id for chunk in chunks(sorted(ids)) for id in session.scalars(select(kind.id).where(kind.id.in_(chunk)))}


def alive(session: Session, kind: Mirrored, ids: Collection[int]) -> dict[int, str]:
    """Which of these the mirror has and does not hold for deleted, with their titles."""
    found: dict[int, str] = {}
    for chunk in chunks(sorted(ids)):
        query = select(kind.id, kind.title).where(kind.id.in_(chunk), kind.deleted_at.is_(None))
        found |= {row.id: row.title for row in session.execute(query)}
    return found


def seen(session: Session, kind: Mirrored, ids: Collection[int], stamp: Stamp) -> None:
    """These exist in Consonance, whatever is in them."""
    for chunk in chunks(sorted(ids)):
        session.execute(update(kind).where(kind.id.in_(chunk)).values(seen_in=stamp.sync).execution_options(synchronize_session=False))


def _store(
    session: Session, kind: Mirrored, new: list[dict[str, Any]], changed: list[dict[str, Any]], same: list[int], stamp: Stamp
) -> None:
    if new:
        session.execute(insert(kind), new)
    if changed:
        session.execute(update(kind), changed)
    seen(session, kind, same, stamp)


def column(text: str, longest: int | None = None) -> str:
    """As a database takes it: no NUL (PostgreSQL), no half of a surrogate pair, not too long. `content` keeps all of it."""
    return text.encode("utf-8", "replace").decode().replace("\x00", "")[:longest]
