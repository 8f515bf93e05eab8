"""Workers that are killed, and workers that meet: every file is on its title once, and nothing is lost or left behind."""

from __future__ import annotations

import os
import signal
from collections import Counter
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from include.intake import collect, originals, receive
from include.ledger.database import Ledger
from include.ledger.file_rows import IntakeState as S
from include.store import ArtefactStore
from tests.intake.room import Room, docx, isbn, packed, picture
from tests.intake.test_collect import Inbox, manifest
from tests.transfer.conftest import FTP, SFTP, Partners
from tests.workers import start


def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)


def work(server: str, root: str, connections: dict[str, Any], settings: dict[str, Any], where: str) -> None:
    """What a worker does; it dies at a place."""
    servers = Partners(SimpleNamespace(root=Path(root), connections=connections), None)
    it = Inbox.__new__(Inbox)
    it.again(Room(Ledger(), ArtefactStore()), servers, server, **settings)
    match where:
        case "before anything is stored":
            collect.rows.stored = die
        case "between store and decision":
            collect.Receiver.decide = die
        case "between two members":
            receive.AT_ONCE = 1
            real, calls = receive.Receiver._settle, []

            def second(self, *args):
                calls.append(1)
                return die() if len(calls) == 2 else real(self, *args)

            receive.Receiver._settle = second
        case "within the decision":
            receive.title_files.settle = die
        case "between decision and move":
            originals.finish = die
        case "between plan and move":
            originals._job = die
        case "between move and record":
            originals._note = die
    it.run()


PLACES = (
    "before anything is stored", "between store and decision", "between two members", "within the decision", "between decision and move",
    "between plan and move", "between move and record",
)  # fmt: skip


def begin(it: Inbox, where: str = "", **settings: object) -> ForkServerProcess:
    """A run in a process of its own, with the same ledger and store, killed at a place."""
    return start(work, it.server, str(it.servers.servers.root), it.servers.servers.connections, settings, where)


def end(*workers: ForkServerProcess) -> list[int | None]:
    for worker in workers:
        worker.join(250)
    return [worker.exitcode for worker in workers]


def filled(it: Inbox) -> None:
    it.drop(f"{isbn(1)}_map.tif", picture())
    it.drop("pack.zip", packed(**{f"{isbn(2)} manuscript.docx": docx(), f"{isbn(2)} map.tif": picture((1, 2, 3)), "what.docx": docx("?")}))
    it.drop("unknown.docx", docx("nobody's"))


@pytest.mark.parametrize("where", PLACES)
def test_a_worker_killed_anywhere_leaves_nothing_twice_and_nothing_undone(room, servers, where):
    it = Inbox(room, servers, SFTP)
    filled(it)
    assert end(begin(it, where)) == [-signal.SIGKILL]
    report = it.run()
    assert report.problems == []
    assert Counter((file.work_id, file.kind, file.state) for file in room.files()) == {
        (1, "artwork", "attached"): 1, (2, "manuscript", "attached"): 1, (2, "artwork", "attached"): 1,
    }  # fmt: skip
    assert sorted(it.there()) == sorted(f"processed/{name}" for name in (f"{isbn(1)}_map.tif", "pack.zip", "unknown.docx"))
    assert {row.original for row in room.rows() if row.parent_id is None} == {"moved"}
    assert Counter(row.state for row in room.rows()) == {S.ATTACHED: 3, S.UNPACKED: 1, S.QUARANTINED: 2}
    before, there = room.row_counts(), it.there()
    it.run()
    assert (room.row_counts(), it.there()) == (before, there)


def test_a_file_dropped_under_the_name_of_one_that_was_moved_and_not_noted_is_another_arrival(room, servers):
    it = Inbox(room, servers, SFTP)
    path = it.drop(f"{isbn(1)}_map.tif", picture())
    when = path.stat().st_mtime
    assert end(begin(it, "between move and record")) == [-signal.SIGKILL]
    os.utime(it.drop(f"{isbn(1)}_map.tif", picture((9, 9, 9))), (when, when))  # of the same size and time
    it.run()
    it.run()
    assert len({row.sha256 for row in room.rows()}) == 2
    assert [file.state for file in room.files()] == ["superseded", "attached"]
    assert len(it.there()) == 2
    assert all(name.startswith("processed/") for name in it.there())


@pytest.mark.parametrize("server", [SFTP, pytest.param(FTP, marks=pytest.mark.long)])
def test_two_workers_on_one_inbox_take_each_file_once(room, servers, server):
    it = Inbox(room, servers, server)
    for number in range(1, 5):
        for letter in "abc":
            it.drop(f"{isbn(number)}_map {letter}.tif", picture((number, ord(letter), 0)), age=100)
    it.drop("pack.zip", packed(**{f"{isbn(1)} manuscript.docx": docx()}))
    assert end(*(begin(it) for _ in range(2))) == [0, 0]
    it.run()
    assert len(room.files(kind="artwork")) == 12
    assert len(room.files(kind="manuscript")) == 1
    assert {file.state for file in room.files()} == {"attached"}
    assert len([row for row in room.rows() if row.parent_id is None]) == 13
    assert len(it.there()) == 13
    assert all(name.startswith("processed/") for name in it.there())


def test_two_workers_on_an_inbox_with_manifests(room, servers):
    settings = {"finished": {"rule": "manifest"}}
    it = Inbox(room, servers, SFTP, **settings)
    files = {f"{isbn(number)}_map.tif": picture((number, 0, 0)) for number in range(1, 5)}
    for name, content in files.items():
        it.drop(name, content)
    it.drop("manifest.json", manifest(**files))
    assert end(*(begin(it, **settings) for _ in range(2))) == [0, 0]
    it.run()
    assert len(room.files()) == 4
    assert sorted(it.there()) == sorted(f"processed/{name}" for name in (*files, "manifest.json"))
