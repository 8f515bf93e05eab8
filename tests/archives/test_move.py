"""Moving against a real server: each file comes over once, whatever happens to it, to the server or to us."""

from __future__ import annotations

import os
from collections import Counter
from datetime import datetime, time, timedelta
from pathlib import Path

import asyncssh
import pytest
from sqlalchemy import select

from include.archives.bounds import Throttle
from include.archives.move import Closed, Mover, chunks
from include.errors import ConfigurationError, PermanentError, TransientError
from include.files.model import Kind
from include.intake import decide, download
from include.intake.match import Target
from include.intake.receive import Receiver
from include.ledger import archives
from include.ledger.archive_listing import server_path
from include.ledger.file_rows import ArchiveFileRow, IntakeFileRow, TitleFileRow
from tests.archives.tree import grow
from tests.archives.vault import NOW, archive, serving
from tests.deliveries.desk import isbn

TEXT = b"The lamp was lit, and the harbour lay still.\n"


def put(vault, path: str, content: bytes = TEXT, modified: int = 1_200_000_000):
    whole = vault.root / path
    whole.parent.mkdir(parents=True, exist_ok=True)
    whole.write_bytes(content)
    os.utime(whole, (modified, modified))
    return whole


def fates(vault) -> dict[str, str]:
    return {server_path(row.path, row.whole_path): row.fate for row in vault.files()}


def versions(vault) -> list[TitleFileRow]:
    with vault.ledger.read() as session:
        return list(session.scalars(select(TitleFileRow).order_by(TitleFileRow.id)))


def test_every_file_gets_the_fate_that_its_bytes_deserve(vault):
    grown = grow(vault.root, 125)  # each kind of file at least once
    account, report = vault.migrate()
    assert account.ok
    found = {name.encode("utf-8", "surrogateescape"): fate for name, fate in fates(vault).items()}
    wrong = {name: (fate, grown.fates[name]) for name, fate in found.items() if fate not in grown.fates[name]}
    assert wrong == {}
    assert len(found) == 125
    assert (account.files, account.bytes) == (125, grown.bytes)
    assert "Every file has one fate, and the sums agree." in report.text
    vault.exactly_once()
    assert all(row.reason for row in vault.files(fate="unreadable"))


def test_a_second_run_moves_nothing_and_writes_no_row_but_its_own(vault):
    grow(vault.root, 50, rich=False)
    vault.migrate()
    before, was = vault.row_counts(), fates(vault)
    account, _ = vault.migrate()
    assert account.changes == {"same": 50}
    assert fates(vault) == was
    stored = sorted(path.name for path in Path(vault.store.root).rglob("*") if path.is_file())
    vault.migrate()
    assert sorted(path.name for path in Path(vault.store.root).rglob("*") if path.is_file()) == stored
    assert vault.row_counts() == before | {"archive_walk": 3}


def test_sync_takes_what_is_new_and_changed_and_tells_what_vanished(vault):
    one = put(vault, f"Manuscripts/{isbn(1)} v1.txt")
    put(vault, f"Manuscripts/{isbn(2)} v1.txt", TEXT * 2)
    gone = put(vault, f"Manuscripts/{isbn(3)} v1.txt", TEXT * 3)
    vault.migrate(archive(mode="sync"))
    gone.unlink()
    put(vault, str(one.relative_to(vault.root)), TEXT * 5, modified=1_300_000_000)
    put(vault, f"Manuscripts/{isbn(4)} v1.txt", TEXT * 4)
    account, report = vault.migrate(archive(mode="sync"))
    assert account.changes == {"new": 1, "changed": 1, "same": 1, "vanished": 1}
    assert "1 changed, 1 new, 1 same, 1 vanished" in report.text
    assert Counter(fates(vault).values()) == {"attached": 3, "vanished": 1}
    assert len(versions(vault)) == 5  # what was taken stays, the older version too
    assert "was attached" in vault.files(fate="vanished")[0].reason
    again, _ = vault.migrate(archive(mode="sync"))
    assert again.changes == {"same": 3}  # what vanished long ago is no news


def test_a_touched_file_with_the_same_bytes_is_no_new_version(vault):
    path = f"Manuscripts/{isbn(1)} v1.txt"
    put(vault, path)
    vault.migrate()
    put(vault, path, modified=1_300_000_000)
    account, _ = vault.migrate()
    assert account.changes == {"changed": 1}
    assert len(versions(vault)) == 1
    assert fates(vault) == {path: "duplicate"}


def test_copies_without_a_name_are_duplicates_whichever_came_first(vault):
    put(vault, "A/unknown.txt")  # seen before the file that says whose it is
    put(vault, f"B/Manuscripts/{isbn(1)}.txt")
    put(vault, "C/scan.txt", b"Nobody knows this.\n")
    put(vault, "D/scan copy.txt", b"Nobody knows this.\n")
    account, _ = vault.migrate()
    assert fates(vault) == {
        "A/unknown.txt": "duplicate", f"B/Manuscripts/{isbn(1)}.txt": "attached", "C/scan.txt": "unknown", "D/scan copy.txt": "duplicate",
    }  # fmt: skip
    assert account.copies == 2
    with vault.ledger.read() as session:
        states = Counter(session.scalars(select(IntakeFileRow.state)))
    assert states == {"attached": 1, "quarantined": 1, "duplicate": 2}  # a person is asked once


def test_what_a_person_decided_is_the_file_s_fate_from_the_next_run_on(vault):
    put(vault, "Manuscripts/scan.txt")
    vault.migrate()
    (row,) = vault.files()
    assert row.fate == "unknown"
    decide.correct(vault.ledger, vault.store, row.intake_id, Target(3), kind=Kind.MANUSCRIPT, now=NOW, who="bob")
    vault.migrate()
    (row,) = vault.files()
    assert (row.fate, row.work_id, row.reason) == ("attached", 3, "bob decided")


def test_a_sidecar_speaks_for_the_file_beside_it(vault):
    put(vault, "Artwork/lamp.txt")
    put(vault, "Artwork/lamp.json", b'{"isbn": "%s"}' % isbn(5).encode())
    vault.migrate()
    assert fates(vault)["Artwork/lamp.txt"] == "attached"


class Moody(asyncssh.SFTPServer):
    """What the server gives depends on the file's name."""

    def open(self, path, pflags, attrs):
        if b"refused" in path:
            raise asyncssh.SFTPPermissionDenied("not yours")
        if b"bad sector" in path:
            raise asyncssh.SFTPFailure("input/output error")
        if b"gone" in path:
            os.unlink(self.map_path(path))  # noqa: PTH108
        if b"grows once" in path and os.path.getsize(self.map_path(path)) < 60:  # noqa: PTH202
            with open(self.map_path(path), "ab") as file:  # noqa: PTH123
                file.write(TEXT)
        if b"never still" in path:
            with open(self.map_path(path), "ab") as file:  # noqa: PTH123
                file.write(b"More.\n")
        return super().open(path, pflags, attrs)


def test_what_the_server_does_to_one_file_stops_no_other(vault, monkeypatch):
    monkeypatch.setattr(download, "FIRST_PAUSE", 0.01)
    for name in ("good", "refused", "bad sector", "gone", "grows once", "never still"):
        put(vault, f"Manuscripts/{isbn(1)} {name}.txt", f"{name}\n".encode() + TEXT[:20])
    with serving(vault.root, Moody) as (vault.port, vault.host_key):
        account, _ = vault.migrate()
        found = {name.split(" ", 1)[1].removesuffix(".txt"): fate for name, fate in fates(vault).items()}
        assert found == {
            "good": "attached", "refused": "unreadable", "bad sector": "unreadable", "gone": "vanished", "grows once": "attached",
            "never still": "unreadable",
        }  # fmt: skip
        assert account.ok
        reasons = {row.path.split(" ", 1)[1]: row.reason for row in vault.files()}
        assert "not yours" in reasons["refused.txt"]
        assert "it changes while it is read" in reasons["never still.txt"]
    with serving(vault.root) as (vault.port, vault.host_key):  # the server was mended
        vault.migrate()
    assert Counter(fates(vault).values()) == {"attached": 5, "vanished": 1}


def test_a_file_that_changed_after_the_listing_is_taken_as_it_is_now(vault):
    path = put(vault, f"Manuscripts/{isbn(1)}.txt")
    migration = vault.migration()
    number = migration.look(run=True)
    content = TEXT * 9
    put(vault, str(path.relative_to(vault.root)), content, modified=1_400_000_000)
    migration.plan(number, written=False)
    for batch in migration.batches(number):
        migration.move(number, batch)
    account, _ = migration.finish(number)
    assert (account.files, account.bytes, account.listed_bytes) == (1, len(content), len(content))
    assert versions(vault)[0].bytes == len(content)


def test_what_is_empty_or_too_large_is_not_even_fetched(vault):
    put(vault, "Manuscripts/empty.txt", b"")
    put(vault, "Manuscripts/large.txt", TEXT * 10)
    vault.migrate(archive(limits={"file_bytes": 100}))
    assert [(row.fate, row.sha256) for row in vault.files()] == [("unreadable", "")] * 2
    vault.migrate(archive(limits={"file_bytes": 100}))
    with vault.ledger.read() as session:
        assert archives.progress(session, "vault").to_move == 0


def test_a_full_store_ends_the_run_and_blames_no_file(vault, monkeypatch):
    put(vault, f"Manuscripts/{isbn(1)}.txt")

    def full(self, *args):
        raise PermanentError("there is no room left", where=self.root)

    monkeypatch.setattr(type(vault.store), "keep", full)
    with pytest.raises(PermanentError, match="no room"):
        vault.migrate()
    monkeypatch.undo()
    assert vault.files()[0].fate == "matched"
    assert vault.migrate()[0].ok
    assert list(fates(vault).values()) == ["attached"]


class Away(asyncssh.SFTPServer):
    away = True

    def open(self, path, pflags, attrs):
        if Away.away and b"7" in path:
            self.channel.get_connection().abort()
        return super().open(path, pflags, attrs)


def test_a_server_that_is_away_fails_for_now_and_the_rest_comes_later(vault, monkeypatch):
    monkeypatch.setattr(download, "FIRST_PAUSE", 0.01)
    grow(vault.root, 60, rich=False)
    with serving(vault.root, Away) as (vault.port, vault.host_key):
        with pytest.raises(TransientError):
            vault.migrate()
        Away.away = False
        account, _ = vault.migrate()
        Away.away = True
    assert account.ok
    assert account.files == 60
    vault.exactly_once()


@pytest.mark.parametrize(
    ("of", "step"), [(Mover, "_arrived"), (Receiver, "decide"), (Receiver, "_settle"), (Mover, "_settle"), (Mover, "_mark")]
)
@pytest.mark.parametrize("after", [False, True])
def test_stopped_between_store_record_and_fate_each_file_comes_over_once(vault, monkeypatch, of, step, after):
    grown = grow(vault.root, 75, rich=False)
    real, calls = getattr(of, step), []

    def stops(self, *given, **named):
        calls.append(step)
        if len(calls) == 2 and not after:
            raise KeyboardInterrupt
        done = real(self, *given, **named)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return done

    monkeypatch.setattr(of, step, stops)
    with pytest.raises(KeyboardInterrupt):
        vault.migrate()
    monkeypatch.setattr(of, step, real)
    account, _ = vault.migrate()
    assert (account.files, account.bytes, account.walk) == (75, grown.bytes, 1)
    assert Counter(fates(vault).values())["attached"] == grown.counts["attached"]
    vault.exactly_once()


def test_outside_its_hours_the_archive_is_left_alone_and_the_run_says_until_when(vault):
    put(vault, f"Manuscripts/{isbn(1)}.txt")
    night = archive(bounds={"starts": time(22), "ends": time(6), "timezone": "UTC"})
    with pytest.raises(Closed) as closed:
        vault.migrate(night)
    assert closed.value.until == NOW.replace(hour=22)
    assert vault.files()[0].sha256 == ""
    assert vault.migrate(night, lambda: NOW.replace(hour=23))[0].ok


def test_the_hour_that_ends_stops_between_two_chunks(vault):
    grow(vault.root, 200, rich=False)
    hours = archive(bounds={"starts": time(9), "ends": time(10), "timezone": "UTC"})
    moments = iter(NOW + timedelta(minutes=number) for number in range(10_000))

    def clock() -> datetime:
        with vault.ledger.read() as session:
            moved = archives.progress(session, "vault").moved
        return NOW.replace(hour=10) if moved else next(moments)

    with pytest.raises(Closed):
        vault.migrate(hours, clock)
    with vault.ledger.read() as session:
        assert 0 < archives.progress(session, "vault").moved < 200
    assert vault.migrate(hours)[0].files == 200
    vault.exactly_once()


def test_bytes_per_second_are_shared_by_the_workers(vault, monkeypatch):
    taken = []
    monkeypatch.setattr(Throttle, "take", lambda self, size: taken.append((self.rate, size)))
    put(vault, f"Manuscripts/{isbn(1)}.txt")
    slow = archive(bounds={"connections": 4, "bytes_per_second": 1000})
    migration = vault.migration(slow)
    number = migration.look(run=True)
    for batch in migration.batches(number):
        migration.move(number, batch, share=4)
    assert {rate for rate, _ in taken} == {250.0}
    assert sum(size for _, size in taken) == len(TEXT)


def test_an_empty_mirror_is_no_reason_to_call_every_file_unknown(vault):
    from sqlalchemy import delete

    from include.ledger.models import ProductRow, WorkRow

    put(vault, "a.txt")
    with vault.ledger.session() as session:
        session.execute(delete(ProductRow))
        session.execute(delete(WorkRow))
    with pytest.raises(ConfigurationError, match="catalogue_sync"):
        vault.migrate()


def test_two_workers_on_one_shard_take_each_file_once(vault):
    grow(vault.root, 60, rich=False)
    first, second = vault.migration(), vault.migration()
    number = first.look(run=True)
    (batch,) = first.batches(number)
    with vault.ledger.read() as session:
        rows = archives.left_in(session, batch[0])
    first.move(number, batch)
    late = Mover(vault.ledger, vault.store, archive(), number, second.index(), vault.remote, clock=lambda: NOW)
    receiver = Receiver(vault.ledger, vault.store, late.source, late.index, now=NOW)
    with vault.remote() as remote:
        for chunk in chunks(rows):  # it read its list before the other one was done
            late._chunk(remote, receiver, chunk)
    assert late.moved.files == 0
    assert first.finish(number)[0].ok
    vault.exactly_once()


def test_chunks_keep_small_folders_whole():
    rows = [ArchiveFileRow(id=number, path=f"{number // 10}/{number}.txt", bytes=1) for number in range(300)]
    for chunk in chunks(rows):
        folders = {row.path.split("/")[0] for row in chunk}
        assert all(sum(row.path.startswith(f"{folder}/") for row in chunk) == 10 for folder in folders)
    assert sum(len(chunk) for chunk in chunks(rows)) == 300
