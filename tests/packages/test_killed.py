"""Workers killed with -9 between building, sending and recording, and two at the same moment: the other side has everything once."""

from __future__ import annotations

import io
import json
import os
import signal
from collections import Counter
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from include.ledger.file_rows import BackupRow, PackageRow
from include.ledger.models import DeliveryRow, FileRow
from include.packages.build import Item, NewPackage, prepare
from include.store import ArtefactStore
from tests.packages.test_backup import NOW, Archive, archive, objects, servers, switches
from tests.workers import start

__all__ = ["archive", "servers", "switches"]  # fixtures
ISBN = "9781402000010"


class Worker:
    """What a worker does, in a process of its own; dies at a place."""

    def __init__(self, one: Archive) -> None:
        self.archive = one

    def backup(self) -> None:
        self.archive.run(sample=1)

    def package(self) -> None:
        row = prepare(self.archive.ledger, self.archive.store, book(self.archive), now=NOW)
        if row.delivery_id is not None:
            self.archive.deliver(row.delivery_id)


def book(one: Archive) -> NewPackage:
    items = []
    for name in ("text.pdf", "jacket.pdf", "ticket.json"):
        kept = one.store.put(io.BytesIO(name.encode() * 1000))
        items.append(Item(name, name, kept.sha256, kept.bytes))
    return NewPackage(party=one.party, flow="print_handoff", subject=ISBN, items=items, folder=f"/backup/jobs/{ISBN}_r{{revision}}")


def main(root: str, connections: str, where: str, what: str) -> None:
    from pkgutil import resolve_name
    from types import SimpleNamespace

    from include.ledger.database import Ledger
    from include.partners import load_party

    given: Any = SimpleNamespace(root=Path(root), connections=json.loads(connections))
    worker = Worker(Archive(given, Ledger(), ArtefactStore(), load_party("strongroom")))

    def die(*args: Any, **more: Any) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    if where:
        owner, _, name = where.rpartition(".")
        setattr(resolve_name(owner), name, die)
    getattr(worker, what)()


def begin(one: Archive, what: str, where: str = "") -> ForkServerProcess:
    return start(main, str(one.servers.root), json.dumps(one.servers.connections), where, what)


def end(*workers: ForkServerProcess) -> list[int | None]:
    for worker in workers:
        worker.join(250)
    return [worker.exitcode for worker in workers]


BUILT = "include.packages.build._record"  # packed, not written down
PREPARED = "include.deliveries.send.Sending.send"  # written down, not sent
PUBLISHED = "include.deliveries.send.Sending._record"  # there, not written down
MANIFEST = "include.ledger.backups.manifest_delivery"  # objects are there, no manifest
RECORDED = "include.ledger.backups.add"  # the manifest is there, the backup not written down
NOTED = "include.ledger.deliveries.mark_delivered"  # each file written down, the delivery not


def long(*places: str) -> list[Any]:
    return [pytest.param(place, marks=pytest.mark.long) for place in places]


def sent(one: Archive) -> dict[str, int]:
    """How often the ledger says that each path was delivered."""
    with one.ledger.read() as session:
        return Counter(session.scalars(select(FileRow.remote_path).where(FileRow.state == "delivered")))


@pytest.mark.parametrize("where", [PUBLISHED, *long(BUILT, PREPARED, NOTED)])
def test_a_package_arrives_once_wherever_its_worker_is_killed(archive: Archive, where: str) -> None:
    assert end(begin(archive, "package", where)) == [-signal.SIGKILL]
    there = archive.tree()
    Worker(archive).package()
    after = archive.tree()
    assert {path: there[path] for path in there} == {path: after[path] for path in there}, "what was there is not sent again"
    once(archive)
    Worker(archive).package()
    assert archive.tree() == after


def test_two_workers_with_one_package_send_it_once(archive: Archive) -> None:
    assert end(*(begin(archive, "package") for _ in range(2))) == [0, 0]
    once(archive)


def once(one: Archive) -> None:
    names = sorted(Path(path).name for path in one.tree() if path.startswith("jobs/"))
    assert names == ["SHA256SUMS", "jacket.pdf", "manifest.json", "text.pdf", "ticket.json"]
    assert set(sent(one).values()) == {1}
    with one.ledger.session() as session:
        assert session.scalar(select(func.count()).select_from(PackageRow)) == 1
        assert list(session.scalars(select(DeliveryRow.state))) == ["delivered"]


@pytest.mark.parametrize("where", [*long(RECORDED, PREPARED, PUBLISHED, NOTED, MANIFEST)])
def test_a_backup_is_whole_wherever_its_worker_is_killed(archive: Archive, tmp_path: Path, where: str) -> None:
    assert end(begin(archive, "backup", where)) == [-signal.SIGKILL]
    there = archive.tree()
    backed, problems = archive.run()
    assert problems == []
    after = archive.tree()
    assert {path: there[path] for path in there} == {path: after[path] for path in there}, "what was there is not sent again"
    assert len(objects(archive)) == backed.objects
    assert len(list((archive.home / "manifests").iterdir())) == 2, "one manifest and its sums"
    with archive.ledger.read() as session:
        assert session.scalar(select(func.count()).select_from(BackupRow)) == 1
        assert set(session.scalars(select(DeliveryRow.state))) <= {"delivered", "withdrawn"}
    assert archive.restore(tmp_path / "back").problems == []


@pytest.mark.long
def test_two_backups_at_the_same_moment_are_both_whole(archive: Archive, tmp_path: Path) -> None:
    assert end(*(begin(archive, "backup") for _ in range(2))).count(0) >= 1
    backed, problems = archive.run()
    assert (problems, len(objects(archive))) == ([], backed.objects)
    assert archive.restore(tmp_path / "back").problems == []
