"""A whole migration on each database that the ledger runs on."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from include.ledger import archives
from include.ledger.archive_listing import NewFile, listing, write_listing
from include.store import ArtefactStore
from tests.archives.tree import grow
from tests.archives.vault import Vault, serving, stock
from tests.ledger.conftest import ledger, postgres

__all__ = ["ledger", "postgres"]  # fixtures

THEN = datetime(2008, 1, 1, tzinfo=UTC)


def test_a_migration_on_each_database(ledger, tmp_path):
    stock(ledger)
    root = tmp_path / "archive"
    root.mkdir()
    grown = grow(root, 50, rich=False)
    with serving(root) as (port, host_key):
        vault = Vault(root, port, host_key, ledger, ArtefactStore(str(tmp_path / "store")))
        account, report = vault.migrate()
        assert (account.files, account.bytes, account.ok) == (50, grown.bytes, True)
        vault.exactly_once()
        before = vault.row_counts()
        again, _ = vault.migrate()
        assert again.changes == {"same": 50}
        assert vault.row_counts() == before | {"archive_walk": 2}
    assert "Every file has one fate" in report.text


def test_two_workers_move_the_same_shards_and_every_file_comes_once(ledger, tmp_path):
    stock(ledger)
    root = tmp_path / "archive"
    root.mkdir()
    grow(root, 50, rich=False)
    with serving(root) as (port, host_key):
        vault = Vault(root, port, host_key, ledger, ArtefactStore(str(tmp_path / "store")))
        migration = vault.migration()
        number = migration.look(run=True)
        migration.plan(number, written=False)
        shards = [shard for batch in migration.batches(number) for shard in batch]
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda worker: vault.migration().move(number, shards, worker=worker), ("one", "other")))
        account, _ = migration.finish(number)
        assert (account.files, account.ok) == (50, True)
        vault.exactly_once()
    with ledger.read() as session:
        now = archives.progress(session, "vault")
    assert (now.moved, now.moved_bytes) == (now.to_move, now.to_move_bytes)


def test_a_file_listed_twice_in_one_breath_is_one_file(ledger):
    with ledger.session() as session:
        archives.begin(session, "vault", THEN, largest=10**9)
        write_listing(session, "vault", 1, [NewFile("a", "", 5, THEN), NewFile("b", "", 1, None), NewFile("a", "", 7, THEN)])
        assert {row.path: row.bytes for row in archives.files(session, "vault")} == {"a": 7, "b": 1}
        assert listing(session, "vault", 1).open_folders == 1
