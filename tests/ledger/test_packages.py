"""Packages as rows, on each database: revisions, what waits, what is stopped, who decided."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from sqlalchemy import select

from include.ledger import deliveries, packages, title_files
from include.ledger.file_rows import PackageRow
from include.packages.build import Item, NewPackage, prepare
from include.partners import Party
from include.store import ArtefactStore

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
PRESS = Party.model_validate({
    "id": "press", "name": "Press", "transport": {"protocol": "sftp", "connection": "press", "folder": "/jobs"},
})  # fmt: skip


def new(store: ArtefactStore, content: bytes, **more) -> NewPackage:
    artefact = store.put(io.BytesIO(content))
    items = [Item("text", "text.pdf", artefact.sha256, artefact.bytes, title_file_id=more.pop("title_file_id", None))]
    return NewPackage(party=PRESS, flow="print_handoff", subject="9781402000010", items=items, folder="/jobs", **more)


def test_a_life_of_packages(ledger, tmp_path):
    store = ArtefactStore(str(tmp_path / "store"))
    ask = [{"code": "pages", "message": "too many"}]
    with ledger.session() as session:
        packages.wait(session, "press", "print_handoff", "9781402000010", [{"code": "part-missing", "message": "no text"}], now=NOW)
    first = prepare(ledger, store, new(store, b"one", ask=ask, findings=ask), now=NOW)
    with ledger.session() as session:
        packages.decide(session, first.id, approved=True, now=NOW, who="ada")
        deliveries.start(session, first.delivery_id, now=NOW)
        deliveries.mark_delivered(session, first.delivery_id, NOW)
        packages.settle_delivery(session, deliveries.get(session, first.delivery_id), now=NOW)
    assert prepare(ledger, store, new(store, b"one"), now=NOW).id == first.id
    second = prepare(ledger, store, new(store, b"two"), now=NOW)
    third = prepare(ledger, store, new(store, b"three"), now=NOW)
    with ledger.read() as session:
        rows = session.scalars(select(PackageRow).order_by(PackageRow.id)).all()
        told = [(row.revision, row.state, row.replaces_id, row.decided_by) for row in rows if row.state != "waiting"]
    assert told == [(1, "delivered", None, "ada"), (2, "replaced", first.id, ""), (3, "built", first.id, "")]
    assert second.id != third.id


def test_a_version_that_is_taken_off_its_title_stops_the_package(ledger, tmp_path):
    store = ArtefactStore(str(tmp_path / "store"))
    artefact = store.put(io.BytesIO(b"one"))
    with ledger.session() as session:
        version = title_files.NewTitleFile(1, "interior", "text.pdf", 3, artefact.sha256, review=("production",))
        file_id = title_files.attach(session, version, now=NOW).row.id
        title_files.review(session, file_id, "production", "approved", now=NOW, who="ada")
    row = prepare(ledger, store, new(store, b"one", title_file_id=file_id), now=NOW)
    with ledger.session() as session:
        assert packages.refuse_unfit(session, deliveries.get(session, row.delivery_id), now=NOW) is None
        title_files.remove(session, file_id, now=NOW, who="ada")
        stopped = packages.refuse_unfit(session, deliveries.get(session, row.delivery_id), now=NOW)
    assert stopped is not None
    assert "removed" in str(stopped)


def test_two_workers_building_the_same_package_build_one(ledger, tmp_path):
    store = ArtefactStore(str(tmp_path / "store"))
    wanted = new(store, b"one")
    with ThreadPoolExecutor(4) as pool:
        rows = list(pool.map(lambda _: prepare(ledger, store, wanted, now=NOW), range(4)))
    assert {row.id for row in rows} == {rows[0].id}
    with ledger.read() as session:
        assert len(session.scalars(select(PackageRow)).all()) == 1
