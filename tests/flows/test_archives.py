"""An old archive comes over, through Airflow against a real server: planned, moved, accounted for, found on the title's page."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from include.ledger import archives, record
from include.ledger.file_rows import ArchiveFileRow, IntakeFileRow, TitleFileRow
from include.ledger.models import Base
from include.ledger.record import Wanted

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(300)]

ROOT = Path(__file__).resolve().parents[2]
FLOW = "archive_migration__vault"
FILES = 90


@pytest.fixture
def vault(run_flow, sandbox, catalogue):
    """The catalogue is mirrored, and the old archive has `FILES` files; gives the runner."""
    sandbox.call("archive", {"files": FILES})
    return run_flow


def counts(ledger):
    with ledger.read() as session:
        found = {table.name: session.scalar(select(func.count()).select_from(table)) for table in Base.metadata.sorted_tables}
    return {name: number for name, number in found.items() if name not in {"archive_walk", "archive_folder"}}


def listing(sandbox):
    home = sandbox.home("vault")
    return sorted((str(path.relative_to(home)), path.stat().st_mtime_ns) for path in home.rglob("*") if path.is_file())


def test_an_archive_is_planned_then_moved_and_a_second_run_moves_nothing(vault, sandbox, ledger, store):
    there = listing(sandbox)
    assert len(there) == FILES
    assert vault(FLOW, mode="plan").state == "success"
    with ledger.read() as session:
        planned = archives.progress(session, "vault")
        assert planned.phase == "planned"
        assert session.scalar(select(func.count()).select_from(IntakeFileRow)) == 0
        assert planned.counts["reports"]["of"] == "plan"
        assert store.exists(planned.counts["reports"]["csv"])

    assert vault(FLOW, mode="run").state == "success"
    with ledger.read() as session:
        moved = archives.progress(session, "vault")
        assert (moved.phase, moved.walk) == ("done", planned.walk)
        assert sum(moved.fates.values()) == planned.files
        assert set(moved.fates) <= {"attached", "proposed", "unknown", "duplicate", "unreadable"}
        assert moved.fates["attached"] > FILES / 4
        assert moved.counts["account"]["errors"] == []
        attached = session.scalars(select(ArchiveFileRow).where(ArchiveFileRow.fate == "attached")).all()
        assert all(store.exists(row.sha256) for row in attached)
        file = session.scalars(select(TitleFileRow).where(TitleFileRow.source == "archive:vault")).first()
        day = record.day_of(file)
        found = record.files(session, file.work_id, Wanted(kind=file.kind, since=day, until=day), allowed=lambda role: True)
        assert file.id in [row.id for row in found]
        nowhere = Wanted(since=day + timedelta(days=1), until=date(1999, 1, 1))
        assert record.files(session, file.work_id, nowhere, allowed=lambda role: True) == []

    before = counts(ledger)
    assert vault(FLOW, mode="run").state == "success"
    with ledger.read() as session:
        again = archives.progress(session, "vault")
        assert (again.phase, again.walk, again.to_move) == ("done", moved.walk + 1, 0)
        assert again.counts["account"]["changes"] == {"same": planned.files}
        assert again.fates == moved.fates
    assert counts(ledger) == before
    assert listing(sandbox) == there


@pytest.mark.long
def test_outside_its_hours_no_worker_waits_and_the_files_come_when_they_begin(vault, sandbox, ledger, tmp_path, monkeypatch):
    from airflow.models.taskreschedule import TaskReschedule
    from airflow.utils.session import create_session

    assert vault(FLOW, mode="plan").state == "success"  # so that the run need not list again, and is early
    config = tmp_path / "config"
    shutil.copytree(ROOT / "config", config)
    opens = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=12)
    closes = opens + timedelta(hours=8)
    file = config / "archives" / "vault.toml"
    hours = f'[bounds]\nstarts = {opens:%H:%M:%S}\nends = {closes:%H:%M:%S}\ntimezone = "UTC"\n'
    file.write_text(file.read_text().replace("[bounds]\n", hours))
    monkeypatch.setenv("COLOPHON_CONFIG", str(config))

    run = vault(FLOW, mode="run")
    assert run.state == "success"
    with create_session() as session:
        asked = session.scalars(select(TaskReschedule)).all()
        if not asked:
            pytest.skip("this machine took so long that the hour had begun")
        assert {row.reschedule_date for row in asked} == {opens}
    with ledger.read() as session:
        arrived = session.scalars(select(IntakeFileRow.stored_at)).all()
        assert min(arrived) >= opens
        assert archives.progress(session, "vault").phase == "done"
