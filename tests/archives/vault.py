"""An old archive behind a real SFTP server, and the migration of it, in this process or in one that may be killed."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncssh
from sqlalchemy import delete, func, select

from include.archives.migration import Migration
from include.ledger.database import Ledger
from include.ledger.file_rows import ArchiveFileRow, IntakeFileRow, TitleFileRow
from include.ledger.models import Base, ProductRow, WorkRow
from include.partners import Archive
from include.store import ArtefactStore
from include.titles import codec
from include.transfer import Remote
from include.transfer.sftp import SftpDriver
from tests.deliveries.desk import product, work

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


def archive(**changes: Any) -> Archive:
    given: dict[str, Any] = {
        "id": "vault", "name": "Production archive", "exclude": ["**/.DS_Store", "**/@eaDir/**"], "shard_files": 500,
        "transport": {"protocol": "sftp", "connection": "archive_vault", "folder": "/", "parallel": 16},
        "folders": {"Manuscripts": "manuscript", "Artwork": "artwork", "Covers": "jacket", "Interiors": "interior"},
    }  # fmt: skip
    return Archive.model_validate(given | changes)


def stock(ledger: Ledger, titles: int = 40) -> None:
    """The mirror has so many works of one paperback each."""
    rows: list[Any] = []
    for number in range(1, titles + 1):
        one = product(
            number, work(number, title=f"The Lamp of Harbour {number}", imprint="Lantern Fiction" if number % 2 else "Quill Press")
        )
        body = codec.encode_work(one.work)
        rows.append(WorkRow(id=number, title=one.work.title, imprint=one.work.imprint, digest=codec.digest(body), content=body,
                            first_seen=NOW, changed_at=NOW))  # fmt: skip
        body = codec.encode_product(one)
        rows.append(ProductRow(id=number, work_id=number, isbn=one.isbn, title=one.full_title, form="BC", digest=codec.digest(body),
                               content=body, first_seen=NOW, changed_at=NOW))  # fmt: skip
    with ledger.session() as session:
        session.execute(delete(ProductRow))
        session.execute(delete(WorkRow))
        session.add_all(rows)


@dataclass
class Vault:
    """The server's folder, how to reach it, and the ledger and store that the archive goes to."""

    root: Path
    port: int
    host_key: str
    ledger: Ledger
    store: ArtefactStore
    said: list[str] = field(default_factory=list)

    async def connect(self) -> asyncssh.SSHClientConnection:
        return await connect(self.port, self.host_key)

    @contextmanager
    def remote(self, of: Archive | None = None) -> Iterator[Remote]:
        with Remote(SftpDriver(self.connect, "archive_vault"), (of or archive()).transport) as remote:
            yield remote

    def migration(self, of: Archive | None = None, clock: Callable[[], datetime] = lambda: NOW) -> Migration:
        chosen = of or archive()
        return Migration(self.ledger, self.store, chosen, lambda: self.remote(chosen), clock, self.said.append)

    def migrate(self, of: Archive | None = None, clock: Callable[[], datetime] = lambda: NOW) -> Any:
        """From the listing to the account, in this process; gives (account, report)."""
        migration = self.migration(of, clock)
        number = migration.look(run=True)
        migration.plan(number, written=False)
        for batch in migration.batches(number):
            migration.move(number, batch)
        return migration.finish(number)

    def worker(self, step: str, part: str = "0/1", *, dies: int = 0) -> subprocess.Popen[bytes]:
        """The migration up to a step (look, plan or move) in a process of its own; of the move, one part of all batches.
        `dies`: it kills itself in the middle of looking, after so many folders were written down."""
        arguments = [str(self.port), self.host_key, str(self.ledger.engine.url.database), self.store.root, step, part, str(dies)]
        path = os.pathsep.join([str(ROOT), str(ROOT / "plugins")])
        return subprocess.Popen([sys.executable, "-m", "tests.archives.vault", *arguments], cwd=ROOT, env=os.environ | {"PYTHONPATH": path})

    def files(self, **where: Any) -> list[ArchiveFileRow]:
        with self.ledger.read() as session:
            return list(session.scalars(select(ArchiveFileRow).filter_by(**where).order_by(ArchiveFileRow.id)))

    def row_counts(self) -> dict[str, int]:
        with self.ledger.read() as session:
            return {table.name: session.scalar(select(func.count()).select_from(table)) or 0 for table in Base.metadata.sorted_tables}

    def exactly_once(self) -> None:
        """No file has two arrivals, no title the same bytes twice in one chain, and what is attached is in the store."""
        with self.ledger.read() as session:
            twice = select(IntakeFileRow.path, IntakeFileRow.mark).where(IntakeFileRow.parent_id.is_(None))
            arrivals = [tuple(row) for row in session.execute(twice)]
            assert len(arrivals) == len(set(arrivals))
            fetched = session.scalars(select(ArchiveFileRow.intake_id).where(ArchiveFileRow.sha256 != "")).all()
            assert len(fetched) == len(set(fetched)) == len(arrivals)
            chains = [(row.work_id, row.product_id, row.kind, row.part, row.sha256) for row in session.scalars(select(TitleFileRow))]
            assert len(chains) == len(set(chains))
            assert all(self.store.exists(chain[-1]) for chain in chains)


async def connect(port: int, host_key: str) -> asyncssh.SSHClientConnection:
    known = f"[127.0.0.1]:{port} {host_key}".encode()
    return await asyncssh.connect("127.0.0.1", port, known_hosts=known, config=None, client_keys=None, username="lantern")


@contextmanager
def serving(root: Path, kind: type[asyncssh.SFTPServer] = asyncssh.SFTPServer) -> Iterator[tuple[int, str]]:
    """Port and host key of an SFTP server that shows `root` as `/`."""
    loop = asyncio.new_event_loop()
    key = asyncssh.generate_private_key("ssh-ed25519")

    class Anybody(asyncssh.SSHServer):
        def begin_auth(self, username: str) -> bool:
            return False

    async def start() -> Any:
        return await asyncssh.create_server(
            Anybody, "127.0.0.1", 0, server_host_keys=[key], sftp_factory=lambda chan: kind(chan, chroot=bytes(root))
        )

    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(start(), loop).result(10)
    try:
        yield server.sockets[0].getsockname()[1], key.export_public_key().decode().strip()
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)


def _die_after(folders: int) -> None:
    from include.archives import walk
    from include.ledger.archive_listing import write_listing

    left = iter(range(folders))

    def write(session: Any, archive: str, number: int, files: Any, folders: Any, done: Any) -> None:
        write_listing(session, archive, number, files, folders, done)
        session.commit()
        if any(next(left, None) is None for _ in done):
            os.kill(os.getpid(), signal.SIGKILL)

    walk.WAIT = 0.0  # every folder in a transaction of its own
    walk.archive_listing.write_listing = write


def main(port: str, host_key: str, database: str, store: str, step: str, part: str, dies: str) -> None:
    if int(dies):
        _die_after(int(dies))
    vault = Vault(Path(), int(port), host_key, Ledger(database), ArtefactStore(store))
    migration = vault.migration(clock=lambda: datetime.now(UTC))
    number = migration.look(run=True)
    if step == "look":
        return
    migration.plan(number, written=False)
    if step == "plan":
        return
    which, of = map(int, part.split("/"))
    for batch in migration.batches(number)[which::of]:
        migration.move(number, batch, worker=part)


if __name__ == "__main__":
    main(*sys.argv[1:])
