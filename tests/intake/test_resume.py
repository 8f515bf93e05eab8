"""A download that is cut goes on where it stopped: in the same run, and in the next one."""

from __future__ import annotations

import hashlib
import os
import random
import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from sqlalchemy import select

from include.intake.download import Partial
from include.ledger.database import Ledger
from include.ledger.file_rows import IntakeState as S
from include.ledger.models import EventRow
from include.store import ArtefactStore
from tests.intake.room import Room, isbn, picture
from tests.intake.test_collect import EACH, Inbox
from tests.transfer.conftest import SFTP, Partners
from tests.workers import killed

BIG = picture(size=(2400, 2000)) + random.Random(5).randbytes(1 << 20)  # 15 MB: a TIFF may have anything behind its image


def fetched(room):
    with room.ledger.read() as session:
        return list(session.scalars(select(EventRow).where(EventRow.what == "file fetched")))


@EACH
def test_a_cut_line_is_gone_on_with_in_the_same_run(room, servers, server):
    it = Inbox(room, servers, server)
    it.drop(f"{isbn(1)}_map.tif", BIG)
    servers.switches.set(server, "cut_after", bytes=9 << 20, times=1)
    (outcome,) = it.run().outcomes
    assert servers.switches.taken
    assert (outcome.state, room.files()[0].sha256) == (S.ATTACHED, hashlib.sha256(BIG).hexdigest())


@EACH
def test_what_had_come_before_the_run_ended_is_not_fetched_again(room, servers, server):
    it = Inbox(room, servers, server)
    it.drop(f"{isbn(1)}_map.tif", BIG)
    dies_halfway(it)
    (outcome,) = it.run().outcomes
    assert outcome.state is S.ATTACHED
    (event,) = fetched(room)
    assert event.detail["resumed_from"] > 6 << 20
    assert room.files()[0].sha256 == hashlib.sha256(BIG).hexdigest()
    assert not list(room.store.arriving().parent.glob("*"))


def test_another_file_under_the_same_name_is_read_from_its_start(room, servers):
    it = Inbox(room, servers, SFTP)
    path = it.drop(f"{isbn(1)}_map.tif", BIG)
    when = path.stat().st_mtime
    dies_halfway(it)
    other = BIG[: 5 << 20] + random.Random(6).randbytes(len(BIG) - (5 << 20))
    path.write_bytes(other)
    os.utime(path, (when, when))  # nothing in the listing tells
    it.run()
    assert room.rows()[-1].sha256 == hashlib.sha256(other).hexdigest()


def work(server: str, root: str, connections: dict[str, Any]) -> None:
    """What a worker does; it dies when half of the file has come."""
    take = Partial.take

    def some(self: Partial, data: bytes) -> None:
        take(self, data)
        if self.size > 7 << 20:
            os.kill(os.getpid(), signal.SIGKILL)

    Partial.take = some
    it = Inbox.__new__(Inbox)
    it.again(Room(Ledger(), ArtefactStore()), Partners(SimpleNamespace(root=Path(root), connections=connections), None), server)
    it.run()


def dies_halfway(it):
    """A run in a process of its own, with the same ledger and store."""
    assert killed(work, it.server, str(it.servers.servers.root), it.servers.servers.connections) == -signal.SIGKILL
