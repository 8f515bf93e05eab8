"""An edition that Consonance moves to another work takes its files, its covers and its images' licences along."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import select

from include.catalogue.rows import Stamp, write_products
from include.ledger import licence_lists
from include.ledger.database import Ledger
from include.ledger.file_rows import TitleFileRow
from include.ledger.licence_rows import LicenceChangeRow, LicenceRow, LicenceServesRow
from include.ledger.models import WorkRow
from tests.deliveries.desk import product, work

NOW = datetime(2026, 11, 21, 5, tzinfo=UTC)


def test_an_edition_that_moves_takes_along_what_is_its_own(ledger: Ledger) -> None:
    with ledger.session() as session:
        stamps = {"digest": "", "content": b"{}", "first_seen": NOW, "changed_at": NOW}
        session.add_all(WorkRow(id=id, title=f"Work {id}", **stamps) for id in (1, 2))
        file = {"work_id": 1, "kind": "jacket", "name": "a.jpg", "bytes": 1, "sha256": "0" * 64, "state": "attached", "attached_at": NOW}
        session.add_all([TitleFileRow(**file, product_id=10), TitleFileRow(**file, product_id=11), TitleFileRow(**file)])
        ties = [(1, 10, "cover"), (2, 10, "interior"), (1, 10, "interior"), (1, 0, "cover")]
        serves = [LicenceServesRow(work_id=of, product_id=id, role=role, source="note") for of, id, role in ties]
        session.add(LicenceRow(asset_id="7", use="download", terms={}, first_seen=NOW, changed_at=NOW, checked_at=NOW, serves=serves))
    for sync, of in ((1, 1), (2, 2), (3, 2)):
        with ledger.session() as session:
            write_products(session, [product(10, work(of)), product(11, work(1))], Stamp(sync, NOW))
    with ledger.read() as session:
        files = {row.product_id: row.work_id for row in session.scalars(select(TitleFileRow))}
        (licence,) = licence_lists.of_work(session, 2)
        told = list(session.scalars(select(LicenceChangeRow.after)))
    assert files == {10: 2, 11: 1, None: 1}
    served = sorted((one.work_id, one.product_id, one.role) for one in licence.serves)
    assert served == [(1, 0, "cover"), (2, 10, "cover"), (2, 10, "interior")]
    assert told == ["work 2, edition 10"] * 2
