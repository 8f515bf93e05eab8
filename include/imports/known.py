"""What the mirror knows of the titles that a sheet names: found by ISBN, by Consonance's numbers, by the work's reference.

Read once for a sheet, for the titles in it only. On top of the mirror lies what earlier sheets have written since it last saw the title:
the mirror learns of that with its next sync, and must not call it somebody else's change.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from include.imports.extractors import Value
from include.imports.fields import FIELDS, Level
from include.ledger import imports
from include.ledger.chunks import chunks
from include.ledger.imports import Own
from include.ledger.models import ProductRow, SyncRow, WorkRow
from include.titles import codec
from include.titles.model import Product, Work

PAGE = 5_000  # works read at once


@dataclass(frozen=True, slots=True)
class Title:
    """A product with its work, as the mirror has them, and when each of them changed."""

    product: Product
    product_changed: datetime
    mark: str
    deleted: bool = False

    @property
    def work(self) -> Work:
        return self.product.work


def mark(work_digest: str, product_digest: str) -> str:
    """What a sheet may carry in its column `base`, to say from which state of the title it was made."""
    return hashlib.sha256(f"{work_digest}{product_digest}".encode()).hexdigest()[:16]


@dataclass(slots=True)
class Known:
    """The titles of one sheet. `since`: until then the mirror was filled for the first time, and knows of no change."""

    isbns: dict[str, list[Title]] = field(default_factory=dict)
    products: dict[int, Title] = field(default_factory=dict)
    works: dict[int, list[Title]] = field(default_factory=dict)  # living editions
    work_rows: dict[int, tuple[Work, datetime]] = field(default_factory=dict)
    references: dict[str, list[int]] = field(default_factory=dict)
    own: dict[tuple[str, int, str], Own] = field(default_factory=dict)
    since: datetime | None = None

    def value(self, level: Level, of: Work | Product, name: str) -> Value:
        """What Consonance has in this field, as far as we know."""
        found = FIELDS[name].known(of)
        own = self.own.get((level, of.id, name))
        changed = self.changed(level, of.id)
        return own.after if own is not None and changed is not None and own.at > changed else found

    def changed(self, level: Level, id: int) -> datetime | None:
        if level == "work":
            return self.work_rows[id][1] if id in self.work_rows else None
        return self.products[id].product_changed if id in self.products else None

    def changed_since(self, level: Level, id: int, name: str, current: Value, made_at: datetime | None) -> datetime | None:
        """When Consonance changed this after the sheet was made; None if it did not, or only because an earlier sheet said so."""
        changed = self.changed(level, id)
        if made_at is None or changed is None or changed <= made_at or (self.since is not None and changed <= self.since):
            return None
        own = self.own.get((level, id, name))
        return None if own is not None and own.after == current and own.at <= made_at else changed


def load(
    session: Session,
    *,
    isbns: Collection[str] = (),
    product_ids: Collection[int] = (),
    work_ids: Collection[int] = (),
    references: Collection[str] = (),
) -> Known:
    """Everything that the mirror has under these keys, and the other editions of those works."""
    known = Known(since=session.scalar(select(func.min(SyncRow.ended_at)).where(SyncRow.phase == "done")))
    found: set[int] = set(work_ids)
    for chunk in chunks(sorted(isbns)):
        found.update(session.scalars(select(ProductRow.work_id).where(ProductRow.isbn.in_(chunk))))
    for ids in chunks(sorted(product_ids)):
        found.update(session.scalars(select(ProductRow.work_id).where(ProductRow.id.in_(ids))))
    if references:
        known.references = _by_reference(session, set(references))
        found.update(id for ids in known.references.values() for id in ids)
    for ids in chunks(sorted(found)):
        known.own |= imports.own_changes(session, ids)
        for work_row in session.scalars(select(WorkRow).where(WorkRow.id.in_(ids))):
            if work_row.deleted_at is None:
                known.work_rows[work_row.id] = codec.decode_work(work_row.content), work_row.changed_at
        _editions(session, ids, known)
        session.expunge_all()
    return known


def _editions(session: Session, work_ids: Sequence[int], known: Known) -> None:
    query = select(ProductRow, WorkRow).join(WorkRow, WorkRow.id == ProductRow.work_id).where(ProductRow.work_id.in_(work_ids))
    for row, work_row in session.execute(query.order_by(ProductRow.id)):
        product = codec.decode_product(row.content, codec.decode_work(work_row.content))
        deleted = row.deleted_at is not None or work_row.deleted_at is not None
        title = Title(product, row.changed_at, mark(work_row.digest, row.digest), deleted)
        known.products[product.id] = title
        if product.isbn:
            known.isbns.setdefault(product.isbn, []).append(title)
        if not deleted:
            known.works.setdefault(product.work.id, []).append(title)


def _by_reference(session: Session, wanted: set[str]) -> dict[str, list[int]]:
    """Works by the reference that the house gave them. It stands in the content only, so all works are gone through."""
    folded = {reference.casefold() for reference in wanted}
    found: dict[str, list[int]] = {}
    query = select(WorkRow.id, WorkRow.content).where(WorkRow.deleted_at.is_(None)).order_by(WorkRow.id)
    for id, content in session.execute(query.execution_options(yield_per=PAGE)):
        reference = str(json.loads(content).get("reference", "")).casefold()
        if reference in folded:
            found.setdefault(reference, []).append(id)
    return found


__all__ = ["Known", "Own", "Title", "load", "mark"]
