"""Looking into an inbox and taking what is whole, over real servers."""

from __future__ import annotations

import hashlib
import json
import os
import unicodedata
from datetime import timedelta

import pytest

from include.errors import RejectedData
from include.files.model import Kind
from include.intake import collect, decide
from include.intake import look as looking
from include.intake.match import Target
from include.intake.source import Source
from include.ledger.file_rows import IntakeState as S
from tests.intake.room import docx, inbox, isbn, packed, picture
from tests.transfer.conftest import FTP, SFTP

EACH = pytest.mark.parametrize("server", [SFTP, FTP])


class Inbox:
    """One inbox on a real server, and the runs of it."""

    def __init__(self, room, servers, server, **settings):
        self.again(room, servers, server, **settings)
        self.folder.mkdir()

    def again(self, room, servers, server, **settings):
        """The same inbox, as another worker sees it."""
        self.room, self.servers, self.server = room, servers, server
        protocol = {SFTP: "sftp", FTP: "ftp"}[server]
        transport = {"protocol": protocol, "connection": f"partner_{server}", "folder": "/inbox/drop"}
        self.inbox = inbox(transport=transport, **settings)
        self.folder = servers.inbox(server) / "drop"

    def drop(self, name, content, *, age=0):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        if age:
            os.utime(path, (path.stat().st_mtime - age,) * 2)
        return path

    def look(self):
        with self.servers.remote(self.server, folder="/inbox/drop") as remote:
            return looking.look(self.room.ledger, self.inbox, remote, now=self.room.now)

    def run(self, later=61):
        """One run: look, take what is ready, move originals, clear markers; time goes on."""
        with self.servers.remote(self.server, folder="/inbox/drop") as remote:
            look = looking.look(self.room.ledger, self.inbox, remote, now=self.room.now)
            ids = [id for id, _ in look.ready]
            given = (self.room.ledger, self.room.store, self.inbox, remote)
            report = collect.take(*given, self.room.index, ids, now=self.room.now)
            collect.tidy(*given, look.untidied, report, now=self.room.now)
            report.problems += [*look.problems, *looking.clear_markers(self.room.ledger, self.inbox, remote, now=self.room.now)]
        self.room.now += timedelta(seconds=later)
        return report

    def there(self):
        """Every file on the server, with its time."""
        files = sorted(path for path in self.folder.rglob("*") if path.is_file())
        return {str(path.relative_to(self.folder)): path.stat().st_mtime_ns for path in files}


@pytest.fixture
def box(room, servers):
    return lambda server=SFTP, **settings: Inbox(room, servers, server, **settings)


def states(report):
    return [str(one.state) for one in report.outcomes]


@EACH
def test_a_file_comes_to_its_title_and_the_original_is_moved_away(box, server):
    it = box(server)
    it.drop(f"spring/{isbn(1)}_map.tif", picture())
    report = it.run()
    assert (states(report), report.problems) == (["attached"], [])
    assert list(it.there()) == [f"processed/spring/{isbn(1)}_map.tif"]
    (file,) = it.room.files()
    assert hashlib.sha256(picture()).hexdigest() == file.sha256
    assert file.source_path == f"spring/{isbn(1)}_map.tif"
    assert it.room.rows()[0].original == "moved"


@EACH
def test_a_second_run_changes_nothing_anywhere(box, server):
    it = box(server)
    it.drop(f"{isbn(1)}_map.tif", picture())
    it.drop("whose.docx", docx())
    it.drop("pack.zip", packed(**{f"{isbn(2)} manuscript.docx": docx()}))
    it.run()
    rows, there = it.room.row_counts(), it.there()
    assert states(it.run()) == []
    assert (it.room.row_counts(), it.there()) == (rows, there)


@EACH
def test_two_looks_apart_tell_that_nobody_writes_any_more(box, server):
    it = box(server, finished={"rule": "two_looks", "settle_seconds": 60})
    path = it.drop(f"{isbn(1)}_map.tif", picture()[:500])
    assert states(it.run(later=30)) == []
    assert states(it.run(later=61)) == []  # not long enough
    path.write_bytes(picture())
    os.utime(path, (path.stat().st_mtime + 5,) * 2)
    assert states(it.run(later=61)) == []  # it has grown: from now on again
    assert len(it.room.rows()) == 1
    assert states(it.run()) == ["attached"]


def test_a_file_that_vanishes_before_it_is_taken_is_forgotten(box):
    it = box(finished={"rule": "two_looks"})
    path = it.drop(f"{isbn(1)}_map.tif", picture())
    it.run()
    path.unlink()
    it.run()
    assert it.room.rows() == []


@EACH
def test_a_done_file_says_that_its_file_is_whole_and_goes_with_it(box, server):
    it = box(server, finished={"rule": "done_file"})
    it.drop(f"{isbn(1)}_map.tif", picture())
    assert states(it.run()) == []
    it.drop(f"{isbn(1)}_map.tif.done", b"")
    assert states(it.run()) == ["attached"]
    assert list(it.there()) == [f"processed/{isbn(1)}_map.tif", f"processed/{isbn(1)}_map.tif.done"]


def test_a_done_file_that_was_left_behind_does_not_call_the_next_upload_whole(box):
    it = box(finished={"rule": "done_file"})
    it.drop(f"{isbn(1)}_map.tif", picture())
    it.drop(f"{isbn(1)}_map.tif.done", b"")
    it.run()
    it.drop(f"{isbn(1)}_map.tif.done", b"")  # as if it had come later
    it.run()
    assert [name for name in it.there() if not name.startswith("processed/")] == []


def manifest(**files):
    listed = [{"name": name, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()} for name, content in files.items()]
    return json.dumps({"files": listed}).encode()


@EACH
def test_a_manifest_says_what_is_whole_and_is_taken_away_with_it(box, server):
    it = box(server, finished={"rule": "manifest"})
    first, second = f"{isbn(1)}_map.tif", f"{isbn(2)}_map.tif"
    it.drop(f"may/{first}", picture())
    it.drop("may/manifest.json", manifest(**{first: picture(), second: picture((1, 2, 3))}))
    it.drop("june.tif", picture())  # nothing speaks of it
    assert states(it.run()) == ["attached"]
    assert "may/manifest.json" in it.there()
    it.drop(f"may/{second}", picture((1, 2, 3)))
    assert states(it.run()) == ["attached"]
    assert [name for name in it.there() if not name.startswith("processed/")] == ["june.tif"]
    assert "processed/may/manifest.json" in it.there()


def test_lines_of_sha256sum_are_a_manifest_too(box):
    it = box(finished={"rule": "manifest"})
    it.drop(f"{isbn(1)}_map.tif", picture())
    it.drop("SHA256SUMS", f"{hashlib.sha256(picture()).hexdigest()}  {isbn(1)}_map.tif\n".encode())
    assert states(it.run()) == ["attached"]


def test_a_file_that_is_not_what_its_manifest_says_is_set_aside(box):
    it = box(finished={"rule": "manifest"})
    it.drop(f"{isbn(1)}_map.tif", picture())
    it.drop("SHA256SUMS", f"{'0' * 64}  {isbn(1)}_map.tif\n".encode())
    (outcome,) = it.run().outcomes
    assert (outcome.state, outcome.reasons[0]["code"]) == (S.QUARANTINED, "manifest-mismatch")
    assert it.room.files() == []


def test_a_file_that_contradicts_its_manifest_is_looked_at_before_anybody_may_accept_it(box, monkeypatch):
    it = box(finished={"rule": "manifest"})
    monkeypatch.setattr(Source, "named", classmethod(lambda _, named: Source.of_inbox(it.inbox)))
    files = {f"{isbn(1)}_map.tif": b"MZ" + bytes(4000), "pack.zip": packed(**{f"{isbn(1)}_map.tif": picture()})}
    for name, content in files.items():
        it.drop(name, content)
    it.drop("SHA256SUMS", "".join(f"{'0' * 64}  {name}\n" for name in files).encode())
    for outcome in it.run().outcomes:
        assert outcome.state is S.QUARANTINED
        with pytest.raises(RejectedData, match="can't be accepted"):
            decide.correct(it.room.ledger, it.room.store, outcome.id, Target(1), who="Ines", now=it.room.now, kind=Kind.ARTWORK)
        decide.retry(it.room.ledger, it.room.store, it.room.index, outcome.id, who="Ines", now=it.room.now)
    assert it.room.files() == []


def test_trying_again_does_not_forget_what_the_manifest_said_but_a_right_manifest_does(box, monkeypatch):
    it = box(finished={"rule": "manifest"})
    monkeypatch.setattr(Source, "named", classmethod(lambda _, named: Source.of_inbox(it.inbox)))
    name = f"{isbn(1)}_map.tif"
    it.drop(name, picture())
    it.drop("SHA256SUMS", f"{'0' * 64}  {name}\n".encode())
    (outcome,) = it.run().outcomes
    again = decide.retry(it.room.ledger, it.room.store, it.room.index, outcome.id, who="Ines", now=it.room.now)
    assert (again.state, again.reasons[0]["code"]) == (S.QUARANTINED, "manifest-mismatch")
    it.drop(name, picture())
    it.drop("SHA256SUMS", f"{hashlib.sha256(picture()).hexdigest()}  {name}\n".encode())
    assert states(it.run()) == ["attached"]


@pytest.mark.parametrize("hostile", [b"[" * 200_000, b'{"files": [{"name": "\\ud800.tif"}, {"name": "a\\u0000.tif"}]}'])
def test_a_hostile_manifest_stops_no_other_delivery(box, hostile):
    it = box(finished={"rule": "manifest"})
    it.drop("bad/manifest.json", hostile)
    it.drop(f"{isbn(1)}_map.tif", picture())
    it.drop("manifest.json", json.dumps({f"{isbn(1)}_map.tif": {"bytes": len(picture())}}).encode())
    report = it.run()
    assert states(report) == ["attached"]
    assert any("bad/manifest.json" in problem for problem in report.problems)


def test_a_manifest_and_its_file_may_write_a_letter_in_two_ways(box):
    it = box(finished={"rule": "manifest"})
    name = f"{isbn(1)}_Übersicht.tif"
    it.drop(unicodedata.normalize("NFD", name), picture())
    it.drop("manifest.json", json.dumps({unicodedata.normalize("NFC", name): {"bytes": len(picture())}}).encode())
    assert states(it.run()) == ["attached"]
    assert all(path.startswith("processed/") for path in it.there())


def test_a_broken_manifest_keeps_its_files_waiting_and_says_so(box):
    it = box(finished={"rule": "manifest"})
    it.drop(f"{isbn(1)}_map.tif", picture())
    it.drop("manifest.json", b'{"files": [')
    report = it.run()
    assert states(report) == []
    assert any("manifest" in problem for problem in report.problems)


def test_a_folder_is_one_delivery_once_its_done_file_is_there(box):
    it = box(finished={"rule": "folder", "done": "DONE"})
    it.drop(f"delivery 7/{isbn(1)}_map.tif", picture())
    it.drop(f"delivery 7/art/{isbn(2)}_map.tif", picture((1, 2, 3)))
    assert states(it.run()) == []
    it.drop("delivery 7/DONE", b"")
    assert states(it.run()) == ["attached", "attached"]
    assert all(name.startswith("processed/") for name in it.there())


def test_names_that_say_that_a_file_travels_are_left_alone(box):
    it = box()
    for name in (f"{isbn(1)}.tif.part", ".hidden.tif", f"{isbn(1)}.filepart", "~lock.docx"):
        it.drop(name, picture())
    assert states(it.run()) == []
    assert it.room.rows() == []


def test_patterns_choose_and_leave_out(box):
    it = box(pattern=["in/**"], exclude=["**/*.txt"])
    for name in (f"in/{isbn(1)}_map.tif", "in/readme.txt", "elsewhere.tif"):
        it.drop(name, picture())
    assert states(it.run()) == ["attached"]


@EACH
def test_originals_are_deleted_or_left_where_the_inbox_says_so(box, server):
    for originals, left in (("delete", []), ("leave", [f"{isbn(1)}_map.tif"])):
        it = box(server, originals=originals, id=f"for_{originals}")
        it.drop(f"{isbn(1)}_map.tif", picture())
        assert len(states(it.run())) == 1
        assert list(it.there()) == left
        before = it.room.row_counts()
        assert states(it.run()) == []
        assert it.room.row_counts() == before
        for path in it.folder.rglob("*"):
            path.unlink()
        it.folder.rmdir()


def test_a_left_original_that_changes_is_another_arrival(box):
    it = box(originals="leave")
    it.drop(f"{isbn(1)}_map.tif", picture(), age=100)
    it.run()
    it.drop(f"{isbn(1)}_map.tif", picture((9, 9, 9)))
    assert states(it.run()) == ["attached"]
    assert [file.state for file in it.room.files()] == ["superseded", "attached"]


def test_the_same_file_dropped_again_after_it_was_moved_is_another_arrival(box):
    it = box()
    path = it.drop(f"{isbn(1)}_map.tif", picture())
    when = path.stat().st_mtime
    it.run()
    os.utime(it.drop(f"{isbn(1)}_map.tif", picture()), (when, when))  # size and time as before
    assert states(it.run()) == ["duplicate"]
    assert sorted(it.there()) == [f"processed/{isbn(1)}_map.2.tif", f"processed/{isbn(1)}_map.tif"]
    assert len(it.room.files()) == 1


def test_what_is_too_large_is_set_aside_unread_and_stays(box):
    it = box(limits={"file_bytes": 100})
    it.drop(f"{isbn(1)}_map.tif", picture())
    it.run()
    (row,) = it.room.rows()
    assert (row.state, row.reasons[0]["code"], row.original, row.sha256) == (S.QUARANTINED, "too-large", "left", "")
    before = it.room.row_counts()
    it.run()
    assert it.room.row_counts() == before


def test_one_run_takes_no_more_than_its_limit_and_the_next_goes_on(box):
    it = box(limits={"files": 2})
    for number in range(1, 5):
        it.drop(f"{isbn(number)}_map.tif", picture((number, 0, 0)), age=100 - number)
    assert [outcome.work_id for outcome in it.run().outcomes] == [1, 2]
    assert [outcome.work_id for outcome in it.run().outcomes] == [3, 4]


def test_names_in_old_encodings_are_taken_and_moved(box):
    it = box()
    it.drop(os.fsdecode(b"caf\xe9 " + f"{isbn(1)}_map.tif".encode()), picture())
    report = it.run()
    assert (states(report), report.problems) == (["attached"], [])
    assert [os.fsencode(name) for name in it.there()] == [b"processed/caf\xe9 " + f"{isbn(1)}_map.tif".encode()]
    assert it.room.files()[0].name == f"café {isbn(1)}_map.tif"


def test_a_folder_that_cannot_be_listed_is_told_and_stops_nothing(box):
    it = box()
    it.drop(f"{isbn(1)}_map.tif", picture())
    locked = it.folder / "locked"
    locked.mkdir()
    locked.chmod(0)
    try:
        report = it.run()
        if os.geteuid():
            assert report.problems
        assert states(report) == ["attached"]
    finally:
        locked.chmod(0o755)
