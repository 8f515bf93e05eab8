import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError, StatementError

from include.errors import ConfigurationError, TransientError
from include.ledger import file_rows, licence_words, sales_rows  # noqa: F401 - their tables belong to the metadata
from include.ledger.database import Ledger, _alembic, default_url
from include.ledger.licence_rows import LicenceRow, LicenceServesRow, LicenceWordsRow
from include.ledger.models import Base, EventRow, PartnerRow, WorkRow

NOW = datetime(2026, 11, 21, 1, 30, tzinfo=UTC)


def test_models_and_migrations_say_the_same(ledger: Ledger) -> None:
    with ledger.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_upgrade_goes_to_head_and_then_does_nothing(empty_ledger: Ledger) -> None:
    assert empty_ledger.revision() == ""
    assert empty_ledger.upgrade() == empty_ledger.head == empty_ledger.revision()
    with empty_ledger.session() as session:
        session.add(PartnerRow(id="northgate", last_message_number=7))
    assert empty_ledger.upgrade() == empty_ledger.head
    with empty_ledger.read() as session:
        assert session.get_one(PartnerRow, "northgate").last_message_number == 7


def test_licences_that_are_there_before_the_table_of_words_are_found_after_it(ledger: Ledger) -> None:
    seen = {"first_seen": NOW, "changed_at": NOW}
    with ledger.session() as session:
        session.add(WorkRow(id=1, title="Émile's Harbour", digest="", content=b"{}", **seen))
        bought = {"artist": "Ada", "order_id": "777", "invoice": "INV 9"}
        session.add(LicenceRow(id=5, asset_id="4711", use="download 1", name="Fog", checked_at=NOW, **bought, **seen))
        session.add(LicenceRow(id=6, asset_id="4712", use="download 1", checked_at=NOW, **seen))
        session.flush()
        session.add(LicenceServesRow(licence_id=5, work_id=1, role="cover"))
        session.add(LicenceServesRow(licence_id=5, campaign="spring", role="promotion"))
    with ledger.engine.begin() as connection:
        config = _alembic()
        config.attributes["connection"] = connection
        command.downgrade(config, "0004")
    ledger.upgrade()
    with ledger.read() as session:
        words = dict(iter(session.execute(select(LicenceWordsRow.licence_id, LicenceWordsRow.words))))
    assert words == {5: "4711 fog ada 777 inv 9 emile's harbour spring", 6: "4712"}
    assert licence_words.renew(ledger) == 0


def test_eight_upgrades_at_once_end_well(empty_ledger: Ledger) -> None:
    start = threading.Barrier(8)

    def upgrade(number: int) -> str:
        own = Ledger(empty_ledger._url.render_as_string(hide_password=False))
        start.wait()
        try:
            return own.upgrade()
        finally:
            own.dispose()

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(upgrade, range(8))) == {empty_ledger.head}


def test_two_processes_upgrade_at_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    code = f"from include.ledger.database import Ledger; print(Ledger({url!r}).upgrade())"
    running = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    for process in running:
        out, err = process.communicate(timeout=60)
        assert (process.returncode, out.strip()) == (0, Ledger(url).head), err


def test_a_schema_from_the_future_is_left_alone(ledger: Ledger) -> None:
    with ledger.session() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(ConfigurationError, match="newer than this version"):
        ledger.upgrade()


def test_a_ledger_without_schema_says_what_to_do(empty_ledger: Ledger) -> None:
    with pytest.raises(ConfigurationError, match="colophon ledger upgrade"), empty_ledger.read() as session:
        session.scalars(select(PartnerRow)).all()


def test_an_error_rolls_everything_back(ledger: Ledger) -> None:
    with pytest.raises(ZeroDivisionError), ledger.session() as session:  # noqa: PT012
        session.add(PartnerRow(id="northgate"))
        session.flush()
        raise ZeroDivisionError
    with ledger.read() as session:
        assert session.scalar(select(func.count()).select_from(PartnerRow)) == 0


def test_a_reading_session_can_not_write_and_the_next_writer_can(ledger: Ledger) -> None:
    with pytest.raises((DBAPIError, TransientError)), ledger.read() as session:
        session.execute(text("INSERT INTO partner (id, last_message_number, full_resend) VALUES ('x', 0, false)"))
    with ledger.session() as session:
        session.add(PartnerRow(id="northgate"))
    with ledger.read() as session:
        assert session.scalars(select(PartnerRow.id)).all() == ["northgate"]


def test_reading_goes_on_while_somebody_writes(ledger: Ledger) -> None:
    with ledger.session() as writer:
        writer.add(PartnerRow(id="northgate"))
        writer.flush()
        with ledger.read() as reader:
            assert reader.scalars(select(PartnerRow.id)).all() == []
    with ledger.read() as reader:
        assert reader.scalars(select(PartnerRow.id)).all() == ["northgate"]


def test_many_writers_wait_their_turn(ledger: Ledger) -> None:
    with ledger.session() as session:
        session.add(PartnerRow(id="northgate"))

    def add(number: int) -> None:
        with ledger.session() as session:
            row = session.get_one(PartnerRow, "northgate", with_for_update=True)
            row.last_message_number += 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(64)))
    with ledger.read() as session:
        assert session.get_one(PartnerRow, "northgate").last_message_number == 64


def test_a_moment_keeps_its_instant_and_comes_back_in_utc(ledger: Ledger) -> None:
    tokyo = datetime(2026, 3, 29, 1, 30, 15, 123456, tzinfo=timezone(timedelta(hours=9)))
    with ledger.session() as session:
        session.add(EventRow(at=tokyo, what="test"))
    with ledger.read() as session:
        at = session.scalars(select(EventRow.at)).one()
    assert at == tokyo
    assert at.utcoffset() == timedelta(0)


def test_a_moment_without_a_zone_is_refused(ledger: Ledger) -> None:
    with pytest.raises(StatementError, match="without a zone"), ledger.session() as session:
        session.add(EventRow(at=NOW.replace(tzinfo=None), what="test"))


def test_sqlite_is_set_up_for_many_processes(tmp_path: Path) -> None:
    ledger = Ledger(str(tmp_path / "deep" / "folder" / "ledger.sqlite"))
    with ledger.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 30_000
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 1


@pytest.mark.parametrize("url", ["mysql://u:secret@h/d", "sqlite://", "sqlite:///:memory:", "nonsense://x", "://", "http://[broken"])
def test_an_address_that_can_not_hold_a_ledger_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        Ledger(url)
    assert "secret" not in str(refused.value)


def test_an_unreachable_database_is_tried_again_and_keeps_its_password() -> None:
    ledger = Ledger("postgres://colophon:very-secret@127.0.0.1:1/ledger")
    with pytest.raises(TransientError) as failed, ledger.read() as session:
        session.execute(text("SELECT 1"))
    assert "very-secret" not in str(failed.value)
    assert "127.0.0.1" in str(failed.value)


def test_the_default_address_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("COLOPHON_LEDGER", raising=False)
    monkeypatch.setenv("COLOPHON_HOME", str(tmp_path))
    assert default_url() == f"sqlite:///{tmp_path}/ledger.sqlite"
    monkeypatch.setenv("COLOPHON_LEDGER", "postgresql://x/y")
    assert default_url() == "postgresql://x/y"
    monkeypatch.delenv("COLOPHON_LEDGER")
    monkeypatch.delenv("COLOPHON_HOME")
    monkeypatch.chdir(tmp_path)
    assert default_url() == f"sqlite:///{tmp_path}/.colophon/ledger.sqlite"
