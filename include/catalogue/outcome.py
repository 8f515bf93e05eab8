"""What a sync came to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import or_, select

from include.catalogue.rows import Mirrored
from include.errors import RejectedData
from include.ledger.database import Ledger
from include.ledger.models import ProductRow, SyncRow, WorkRow


@dataclass(frozen=True, slots=True)
class SyncOutcome:
    """What a sync found. Ids are of products but where the name says works.

    `changed` are products that read otherwise than before: new ones, changed ones, and those whose work is new or
    changed. In the first sync ever nothing counts as acquired and no stage as reached: all of it is the starting point.
    `left_out` is what the tenant's schema lacks and the mapping can live without.
    """

    sync: int
    full: bool
    works: int
    products: int
    new: tuple[int, ...] = ()
    changed: tuple[int, ...] = ()
    deleted: tuple[int, ...] = ()
    changed_works: tuple[int, ...] = ()
    deleted_works: tuple[int, ...] = ()
    acquired: tuple[int, ...] = ()  # works
    stages: Mapping[str, tuple[int, ...]] = field(default_factory=dict)  # our stage name to works
    rejected: tuple[RejectedData, ...] = ()
    rejected_count: int = 0
    left_out: tuple[str, ...] = ()

    def counts(self) -> dict[str, Any]:
        """Numbers only, as JSON takes them."""
        return {
            "sync": self.sync,
            "full": self.full,
            "works": self.works,
            "products": self.products,
            "new": len(self.new),
            "changed": len(self.changed),
            "deleted": len(self.deleted),
            "changed_works": len(self.changed_works),
            "deleted_works": len(self.deleted_works),
            "acquired": len(self.acquired),
            "stages": {name: len(works) for name, works in self.stages.items()},
            "rejected": self.rejected_count,
        }


def outcome_of(ledger: Ledger, sync: SyncRow) -> SyncOutcome:
    """Read back from the rows, so that nothing is lost of a sync in two halves, nor of one that was given up before this."""
    with ledger.read() as session:
        before = session.scalars(select(SyncRow).where(SyncRow.phase == "done", SyncRow.id < sync.id).order_by(SyncRow.id.desc())).first()
        end = before.ended_at if before and before.ended_at else datetime.min.replace(tzinfo=UTC)
        counts = session.scalars(select(SyncRow.counts).where(SyncRow.id > (before.id if before else 0), SyncRow.id <= sync.id))
        stages: dict[str, set[int]] = {}
        for one in counts:
            for name, works in one.get("stages", {}).items():
                stages.setdefault(name, set()).update(works)

        def ids(kind: Mirrored, *conditions: Any) -> tuple[int, ...]:
            return tuple(session.scalars(select(kind.id).where(*conditions).order_by(kind.id)))

        changed = (
            select(ProductRow.id)
            .join(WorkRow, WorkRow.id == ProductRow.work_id)
            .where(ProductRow.deleted_at.is_(None), or_(ProductRow.changed_at > end, WorkRow.changed_at > end))
            .order_by(ProductRow.id)
        )
        return SyncOutcome(
            sync=sync.id,
            full=sync.full,
            works=sync.counts.get("works", 0),
            products=sync.counts.get("products", 0),
            new=ids(ProductRow, ProductRow.first_seen > end),
            changed=tuple(session.scalars(changed)),
            deleted=ids(ProductRow, ProductRow.deleted_at > end),
            changed_works=ids(WorkRow, WorkRow.changed_at > end, WorkRow.deleted_at.is_(None)),
            deleted_works=ids(WorkRow, WorkRow.deleted_at > end),
            acquired=ids(WorkRow, WorkRow.acquired_at > end) if before else (),
            stages={name: tuple(sorted(works)) for name, works in sorted(stages.items())},
            rejected_count=sync.counts.get("rejected", 0),
        )
