"""The dry run and its reports: what would become of every file, and not a byte is read."""

from __future__ import annotations

import csv
import io
from datetime import time, timedelta

import asyncssh
import openpyxl
import pytest
from sqlalchemy import func, select

from include.archives import plan as planning
from include.archives.report import duration, size
from include.ledger import archives, record
from include.ledger.file_rows import ArchiveFileRow, IntakeFileRow, MatchRuleRow, TitleFileRow
from include.ledger.record import Wanted
from tests.archives.test_move import TEXT, put
from tests.archives.tree import grow
from tests.archives.vault import NOW, archive, serving
from tests.deliveries.desk import isbn


class NamesOnly(asyncssh.SFTPServer):
    def open(self, path, pflags, attrs):
        raise AssertionError("a dry run reads no file")


def planned(vault, of=None, clock=lambda: NOW):
    migration = vault.migration(of, clock)
    return migration.plan(migration.look(run=False), written=True)


def test_a_plan_says_what_would_become_of_each_file_and_reads_none(vault):
    put(vault, f"Manuscripts/{isbn(1)}_v1.txt")
    put(vault, "Covers/The Lamp of Harbour 7 cover.txt", TEXT * 2)
    put(vault, "Scans/0001.txt", TEXT * 3)
    put(vault, f"Old/{isbn(1)}_v1.txt")
    put(vault, "Manuscripts/empty.txt", b"")
    put(vault, "Manuscripts/large.txt", TEXT * 100)
    (vault.root / "link").symlink_to("Scans/0001.txt")
    with serving(vault.root, NamesOnly) as (vault.port, vault.host_key):
        report = planned(vault, archive(limits={"file_bytes": 1000}))
    fates = {row.path: row.fate for row in vault.files()}
    assert fates.pop("Covers/The Lamp of Harbour 7 cover.txt") in {"proposed", "matched"}
    twins = {fates.pop(f"Manuscripts/{isbn(1)}_v1.txt"), fates.pop(f"Old/{isbn(1)}_v1.txt")}
    assert twins == {"matched", "duplicate"}
    assert fates == {
        "Scans/0001.txt": "unknown", "Manuscripts/empty.txt": "unreadable", "Manuscripts/large.txt": "unreadable", "link": "unreadable",
    }  # fmt: skip
    assert "only the bytes can tell" in next(row.reason for row in vault.files(fate="duplicate"))
    assert "suspected: same name and size" in report.text
    assert "nothing was fetched" in report.text
    assert "Quill Press" in report.text or "Lantern Fiction" in report.text
    assert {each.kind for each in report.sums} >= {"manuscript", "jacket"}
    assert report.estimate.assumed
    with vault.ledger.read() as session:
        assert session.scalar(select(func.count()).select_from(IntakeFileRow)) == 0
        assert session.scalar(select(func.count()).select_from(TitleFileRow)) == 0


def test_a_run_after_a_plan_of_today_does_not_list_again(vault):
    grow(vault.root, 50, rich=False)
    planned(vault)
    put(vault, "came later.txt")
    account, _ = vault.migrate()
    assert (account.walk, account.files) == (1, 50)
    account, _ = vault.migrate()
    assert (account.walk, account.files, account.changes) == (2, 51, {"same": 50, "new": 1})


def test_a_plan_of_last_week_is_listed_again_before_anything_is_fetched(vault):
    grow(vault.root, 50, rich=False)
    planned(vault)
    put(vault, "came later.txt")
    account, _ = vault.migrate(clock=lambda: NOW + timedelta(days=7))
    assert (account.walk, account.files) == (2, 51)


def test_planning_twice_says_the_same(vault):
    grow(vault.root, 75, rich=False)
    first = planned(vault)
    again = planned(vault)
    assert [(each.kind, each.fate, each.files) for each in again.sums] == [(each.kind, each.fate, each.files) for each in first.sums]
    assert again.account.walk == 2


def test_a_plan_that_was_stopped_goes_on(vault, monkeypatch):
    grow(vault.root, 90, rich=False)
    monkeypatch.setattr(planning, "BATCH", 20)
    judge, seen = planning._judge, []

    def stops(*given):
        seen.append(given[0])
        if len(seen) == 50:
            raise KeyboardInterrupt
        return judge(*given)

    monkeypatch.setattr(planning, "_judge", stops)
    with pytest.raises(KeyboardInterrupt):
        planned(vault)
    monkeypatch.setattr(planning, "_judge", judge)
    migration = vault.migration()
    number = migration.look(run=True)
    migration.plan(number, written=True)
    assert number == 1
    with vault.ledger.read() as session:
        assert archives.fate_counts(session, "vault").get("waiting", 0) == 0


def test_what_people_told_us_to_remember_counts_here_too(vault):
    put(vault, "Scans/harbour/0001.txt")
    with vault.ledger.session() as session:
        session.add(MatchRuleRow(inbox="archive:vault", pattern="Scans/harbour/**", work_id=3, kind="manuscript", created_at=NOW))
    planned(vault)
    (row,) = vault.files()
    assert (row.fate, row.work_id, row.kind) == ("matched", 3, "manuscript")
    vault.migrate()
    (row,) = vault.files()
    assert (row.fate, row.work_id) == ("attached", 3)


def test_reports_hold_every_file_and_nothing_that_a_spreadsheet_would_run(vault):
    grow(vault.root, 60, rich=False)
    put(vault, "=cmd()|'x'!A1.txt")
    put(vault, "Scans/two\nlines.txt")
    report = planned(vault)
    with vault.store.open(report.artefacts["csv"]) as stored:
        rows = list(csv.DictReader(io.TextIOWrapper(stored, "utf-8", newline="")))
    assert len(rows) == 62
    assert sum(int(row["bytes"]) for row in rows) == report.account.listed_bytes
    assert "'=cmd()|'x'!A1.txt" in [row["path"] for row in rows]
    with vault.store.open(report.artefacts["xlsx"]) as stored:
        book = openpyxl.load_workbook(io.BytesIO(stored.read()))
    assert book.sheetnames[:2] == ["Report", "Sums"]
    assert book["Sums"].freeze_panes == "A2"
    assert sum(row[4].value for row in book["Sums"].iter_rows(min_row=2)) == 62
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert not any(cell.data_type == "f" for cell in cells)
    with vault.store.open(report.artefacts["text"]) as stored:
        assert stored.read().decode() == report.text


def test_the_time_that_it_takes_knows_the_bounds(vault):
    put(vault, "Manuscripts/a.txt", b"x" * 36_000)
    slow = archive(bounds={"bytes_per_second": 10, "starts": time(22), "ends": time(6)})
    report = planned(vault, slow)
    assert report.estimate.seconds == 3600
    assert "Files are fetched from 22:00:00 to 06:00:00 only." in report.text
    assert "8 hours a day" in str(report.estimate)


def test_sizes_and_durations_are_said_as_people_say_them():
    assert [size(number) for number in (0, 999, 1500, 2_000_000, 3e9, 4.5e12)] == [
        "0 bytes",
        "999 bytes",
        "1.5 kB",
        "2.0 MB",
        "3.0 GB",
        "4.5 TB",
    ]
    assert [duration(number) for number in (5, 300, 7200)] == ["5 s", "5 min", "2.0 h"]


def test_progress_tells_rate_and_time_left(vault):
    grow(vault.root, 50, rich=False)
    migration = vault.migration()
    number = migration.look(run=True)
    migration.batches(number)
    with vault.ledger.session() as session:
        archives.tell_pace(session, "vault", number, "1", NOW, files=5, bytes=1000)
        archives.tell_pace(session, "vault", number, "2", NOW, files=5, bytes=1000)
        now = archives.progress(session, "vault", NOW + timedelta(seconds=5))
        assert (now.files_per_second, now.bytes_per_second, now.phase, now.moved) == (10, 2000, "moving", 0)
        assert now.seconds_left == pytest.approx(max(now.to_move / 10, now.to_move_bytes / 2000))
        later = archives.progress(session, "vault", NOW + timedelta(hours=1))  # they wait for the night
        assert (later.files_per_second, later.seconds_left) == (0, None)
        assert archives.progress(session, "elsewhere").phase == ""


def test_pages_of_fates_are_turned_by_id(vault):
    grow(vault.root, 50, rich=False)
    planned(vault)
    with vault.ledger.read() as session:
        first = archives.fates(session, "vault", "matched", 0, 10)
        second = archives.fates(session, "vault", "matched", first[-1].id, 10)
        assert len(first) == len(second) == 10
        assert first[-1].id < second[0].id
        assert {row.fate for row in (*first, *second)} == {"matched"}
        assert session.scalar(select(func.count()).select_from(ArchiveFileRow)) == 50


def test_a_title_s_past_by_edition_kind_and_day(vault):
    put(vault, f"Manuscripts/{isbn(1)} 2001-05-06 v1.txt")
    put(vault, f"Manuscripts/{isbn(1)} v2.txt", TEXT * 2, modified=1_100_000_000)  # November 2004
    put(vault, f"Interiors/{isbn(1)} text.txt", TEXT * 3, modified=1_200_000_000)  # January 2008
    vault.migrate()
    with vault.ledger.read() as session:

        def found(work_id=1, **wanted):
            return record.files(session, work_id, Wanted(**wanted), allowed=lambda role: True)

        days = [record.day_of(row) for row in found()]
        assert len(days) >= 2
        assert days == sorted(days, reverse=True)
        manuscripts = found(kind="manuscript")
        assert {row.kind for row in manuscripts} == {"manuscript"}
        oldest = record.day_of(manuscripts[-1])
        assert found(kind="manuscript", since=oldest, until=oldest) == [manuscripts[-1]]
        assert found(until=oldest - timedelta(days=1)) == []
        assert found(2) == []
