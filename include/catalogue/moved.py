"""An edition that belongs to another work now takes along what is its own: its files and covers, and the ties of its images' licences.

Otherwise they would stay behind with a work that no longer has this edition, and a licence would serve nothing without anybody's word.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from include.ledger.file_rows import TitleFileRow
from include.ledger.licence_rows import CoverUseRow, LicenceChangeRow, LicenceServesRow

WHO = "catalogue_sync"


def follow(session: Session, product_id: int, before: int, after: int, now: datetime) -> None:
    """`before` and `after` are ids of works. What is of a whole work stays with it."""
    for kind in (TitleFileRow, CoverUseRow):
        mine = update(kind).where(kind.product_id == product_id, kind.work_id == before)
        session.execute(mine.values(work_id=after).execution_options(synchronize_session=False))
    query = select(LicenceServesRow).where(LicenceServesRow.product_id == product_id, LicenceServesRow.work_id.in_((before, after)))
    ties = list(session.scalars(query))
    there = {(tie.licence_id, tie.campaign, tie.role) for tie in ties if tie.work_id == after}
    for tie in (tie for tie in ties if tie.work_id == before):
        if (tie.licence_id, tie.campaign, tie.role) in there:
            session.delete(tie)
        else:
            tie.work_id = after
        session.add(
            LicenceChangeRow(
                licence_id=tie.licence_id, at=now, who=WHO, field="serves", before=f"work {before}, edition {product_id}",
                after=f"work {after}, edition {product_id}", source="Consonance",
            )
        )  # fmt: skip
    session.flush()
