"""Backups against a real SFTP server: what goes, what does not go twice, what is found damaged, what comes back."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from sqlalchemy import func, select

from include.deliveries.build import Run
from include.deliveries.send import Sending
from include.errors import ColophonError, ConfigurationError, PermanentError, RejectedData, TransientError
from include.ledger import backups, dumping, title_files
from include.ledger.database import Ledger
from include.ledger.file_rows import BackupRow, ContractRow, StageChangeRow, TitleFileRow
from include.ledger.models import DeliveryRow, EventRow, ProductRow, WorkRow
from include.ledger.title_files import NewTitleFile
from include.packages import backup, restore, retention, vault
from include.partners import Party, load_party
from include.partners.packages import Backup
from include.store import ArtefactStore
from include.transfer.remote import Remote
from include.transfer.sftp import SftpDriver
from sandbox.faults import Faults
from sandbox.partners import ROSTER, PartnerServers, home_of, start_partners

NOW = datetime(2026, 11, 21, 6, tzinfo=UTC)


@pytest.fixture(scope="module")
def switches() -> Faults:
    return Faults()


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory, switches: Faults) -> Iterator[PartnerServers]:
    running = start_partners(tmp_path_factory.mktemp("archive"), switches, [one for one in ROSTER if one.id == "strongroom"])
    yield running
    running.stop()


@dataclass
class Archive:
    """The archive, and the house that backs up to it."""

    servers: PartnerServers
    ledger: Ledger
    store: ArtefactStore
    party: Party
    now: datetime = NOW
    connected: int = 0
    said: list[str] = field(default_factory=list)

    @property
    def home(self) -> Path:
        return home_of(self.servers.root, "strongroom") / "backup"

    @contextmanager
    def connect(self) -> Iterator[Remote]:
        async def opened() -> asyncssh.SSHClientConnection:
            c = self.servers.connections["partner_strongroom"]
            known = asyncssh.import_known_hosts(f"[{c['host']}]:{c['port']} {c['extra']['host_key']}\n")
            return await asyncssh.connect(
                c["host"], c["port"], known_hosts=known, config=None, username=c["login"], password=c["password"], client_keys=None
            )

        with Remote(SftpDriver(opened, "strongroom"), self.party.transport) as remote:
            yield remote

    def deliver(self, delivery_id: int) -> object:
        sending = Sending(self.ledger, self.store, self.party, Run("archive_backup", self.now.isoformat()), clock=lambda: self.now)
        return sending.send(delivery_id, self.connect)

    def run(self, *, sample: int | None = 1000, deliver: Callable[[int], object] | None = None) -> tuple[backup.Sent, list[dict[str, Any]]]:
        self.now += timedelta(hours=1)
        draft = backup.collect(self.ledger, self.store, self.party)
        sent = backup.send(
            self.ledger, self.store, self.party, draft, self.connect, deliver or self.deliver, now=self.now, say=self.said.append
        )
        problems = backup.verify(
            self.ledger, self.store, self.party, sent.backup_id, self.connect, first=sent.again, now=self.now, sample=sample
        )
        return sent, problems

    def tree(self) -> dict[str, tuple[str, int]]:
        """Path → sha256 and time of change, of every file at the archive."""
        return {
            str(path.relative_to(self.home)): (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
            for path in self.home.rglob("*")
            if path.is_file()
        }

    def restore(self, to: Path, day: str = "2026-11-30", opens: Any = None) -> restore.Restored:
        with self.connect() as remote:
            return restore.restore(remote, vault.place_of(self.party), restore.end_of(day), to, opens=opens)

    def rows(self) -> dict[str, dict[int, str]]:
        with self.ledger.read() as session:
            return {name: {one.key: one.sha256 for one in dumping.records(session, name)} for name in dumping.TABLES}

    def wish(self, **changes: Any) -> None:
        self.party = self.party.model_copy(update={"backup": Backup(**({"sample": 5} | changes))})


@pytest.fixture
def archive(servers: PartnerServers, switches: Faults, ledger: Ledger, store: ArtefactStore) -> Iterator[Archive]:
    one = Archive(servers, ledger, store, load_party("strongroom"))
    shutil.rmtree(one.home, ignore_errors=True)
    one.home.mkdir(parents=True)
    fill(one)
    yield one
    switches.clear()


def fill(archive: Archive) -> None:
    """Two titles in two packs, a contract, a stage change, files in versions."""
    with archive.ledger.session() as session:
        for work in (1001, 1450):
            content = json.dumps({"id": work, "title": f"Title {work} – Ölbaum", "note": "\x7f\u2028"}, ensure_ascii=False).encode()
            common = {"digest": "d" * 64, "content": content, "first_seen": NOW, "changed_at": NOW, "seen_in": 1}
            session.add(WorkRow(id=work, title=f"Title {work}: Ölbaum/2", imprint="Lantern Fiction", stage="Editorial", **common))
            session.add(ProductRow(id=work * 10 + 1, work_id=work, isbn=f"97819150{work:05d}", form="BB", **common))
        session.add(
            ContractRow(
                id=501001, work_id=1001, name="Author agreement", digest="c" * 64, content=b'{"id":501001}', first_seen=NOW, changed_at=NOW,
                read_at=NOW,
            )
        )  # fmt: skip
        session.add(StageChangeRow(work_id=1001, before="Editorial", after="Production approved", at=NOW))
    attach(archive, "text.pdf", b"pages, first", kind="interior", part="text", revision="1", rank=10_000, product_id=10011)
    attach(archive, "text.pdf", b"pages, second", kind="interior", part="text", revision="2", rank=20_000, product_id=10011)
    attach(archive, "jacket?.pdf", b"jacket" * 50_000, kind="jacket", part="jacket", product_id=10011, review=("production",))
    attach(archive, "same pages.pdf", b"pages, second", work_id=1450, kind="manuscript")
    attach(archive, "contract.pdf", b"scan of a contract", kind="contract", contract_id=501001, restricted="rights")


def attach(archive: Archive, name: str, content: bytes, *, work_id: int = 1001, review: tuple[str, ...] = (), **more: Any) -> TitleFileRow:
    artefact = archive.store.put(io.BytesIO(content))
    preview = archive.store.put(io.BytesIO(b"small " + content[:40])).sha256 if name.endswith("?.pdf") else ""
    new = NewTitleFile(work_id=work_id, name=name, bytes=artefact.bytes, sha256=artefact.sha256, preview=preview, review=review, **more)
    with archive.ledger.session() as session:
        return title_files.attach(session, new, now=archive.now).row


def objects(archive: Archive) -> list[Path]:
    return sorted(path for path in (archive.home / "objects").rglob("*") if path.is_file())


def test_a_backup_holds_every_record_and_file_and_checks_without_us(archive: Archive) -> None:
    sent, problems = archive.run()
    assert problems == []
    manifest = json.loads((archive.home / "manifests" / f"{sent.name}.json").read_bytes())
    assert {(pack["table"], key): sha for pack in manifest["packs"] for key, sha in pack["records"].items()} == {
        (name, str(key)): sha for name, rows in archive.rows().items() for key, sha in rows.items()
    }
    assert [pack["bucket"] for pack in manifest["packs"] if pack["table"] == "work"] == [5, 7]
    assert len(manifest["files"]) == 4
    assert sent.objects == sent.added == len(objects(archive)) == len(manifest["objects"])
    assert all(
        path.name == hashlib.sha256(path.read_bytes()).hexdigest() and path.parent.name == path.name[:2] for path in objects(archive)
    )
    checked = subprocess.run(["sha256sum", "-c", "--quiet", f"manifests/{sent.name}.SHA256SUMS"], cwd=archive.home, check=False)
    assert checked.returncode == 0
    newest = max((path.stat().st_mtime_ns, path.name) for path in archive.home.rglob("*") if path.is_file())
    assert newest[1] == f"{sent.name}.SHA256SUMS"


def test_a_second_run_changes_nothing(archive: Archive) -> None:
    first, _ = archive.run()
    before = archive.tree()
    with archive.ledger.session() as session:  # a full sync and another look at the contract: nothing is new
        session.get(WorkRow, 1001).seen_in = 9  # type: ignore[union-attr]
        session.get(ContractRow, 501001).read_at = NOW + timedelta(days=1)  # type: ignore[union-attr]
        counts = [session.scalar(select(func.count()).select_from(row)) for row in (DeliveryRow, BackupRow, EventRow)]
    again, problems = archive.run()
    assert (again.name, again.unchanged, again.added, problems) == (first.name, True, 0, [])
    assert archive.tree() == before
    with archive.ledger.read() as session:
        assert counts == [session.scalar(select(func.count()).select_from(row)) for row in (DeliveryRow, BackupRow, EventRow)]


def test_only_what_changed_travels(archive: Archive) -> None:
    archive.run()
    before = archive.tree()
    attach(archive, "text.pdf", b"pages, third", kind="interior", part="text", revision="3", rank=30_000, product_id=10011)
    sent, problems = archive.run()
    new = set(archive.tree()) - set(before)
    assert problems == []
    # the new version, the pack of files that names it, the pack of events, and the manifest with its sums
    assert (sent.added, len(new)) == (3, 5)
    assert {path: seen for path, seen in archive.tree().items() if path in before} == before


def test_everything_comes_back_from_the_archive_alone(archive: Archive, tmp_path: Path) -> None:
    archive.run()
    wanted = archive.rows()
    with archive.ledger.session() as session:
        session.get(WorkRow, 1001).title = "Another day"  # type: ignore[union-attr]
    done = archive.restore(tmp_path / "back")
    assert done.problems == []
    assert [entry["why"] for entry in done.left_out] == ["restricted"]
    home = tmp_path / "back"
    ledger = Ledger(f"sqlite:///{home / 'ledger.sqlite'}")
    with ledger.read() as session:
        assert {name: {one.key: one.sha256 for one in dumping.records(session, name)} for name in dumping.TABLES} == wanted
        row = session.get(ContractRow, 501001)
        assert row is not None
        assert (row.content, row.read_at) == (b'{"id":501001}', NOW)
        assert session.get(WorkRow, 1450).seen_in == 0  # type: ignore[union-attr]
        files = title_files.files_of(session, 1001)
        assert [(one.name, one.revision, one.state) for one in files if one.kind == "interior"] == [
            ("text.pdf", "1", "superseded"), ("text.pdf", "2", "attached"),
        ]  # fmt: skip
        assert [review.role for one in files for review in one.reviews] == ["production"]
    ledger.dispose()
    store = ArtefactStore(str(home / "store"))
    assert all(store.verify(one.sha256) for one in files if one.kind != "contract")
    found = {str(path.relative_to(home / "files")): path.read_bytes() for path in (home / "files").rglob("*") if path.is_file()}
    top = "Lantern Fiction/Title 1001 Ölbaum 2 (1001)/9781915001001"
    assert found[f"{top}/interior/text/text.pdf"] == b"pages, second"
    assert sum(content == b"pages, first" for content in found.values()) == 1
    assert found[f"{top}/jacket/jacket/jacket .pdf"] == b"jacket" * 50_000
    assert len(found) == 4
    assert json.loads((home / "records" / "work.jsonl").read_bytes().splitlines()[0])["id"] == 1001


def test_each_day_comes_back_as_it_was(archive: Archive, tmp_path: Path) -> None:
    first, _ = archive.run()
    early = archive.rows()
    archive.now += timedelta(days=3)
    attach(archive, "text.pdf", b"pages, third", kind="interior", part="text", revision="3", rank=30_000, product_id=10011)
    with archive.ledger.session() as session:
        session.get(WorkRow, 1001).stage = "At press"  # type: ignore[union-attr]
    second, _ = archive.run()
    done = archive.restore(tmp_path / "early", "2026-11-23")
    assert done.name == first.name
    assert json.loads((tmp_path / "early" / "manifest.json").read_bytes())["name"] == first.name
    ledger = Ledger(f"sqlite:///{tmp_path / 'early' / 'ledger.sqlite'}")
    with ledger.read() as session:
        assert {name: {one.key: one.sha256 for one in dumping.records(session, name)} for name in dumping.TABLES} == early
    ledger.dispose()
    assert archive.restore(tmp_path / "late", "2026-11-24").name == second.name
    with pytest.raises(PermanentError, match=first.name):
        archive.restore(tmp_path / "never", "2026-11-20")


def test_a_run_that_is_killed_anywhere_ends_right(archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backup, "BATCH", 2)

    class Killed(BaseException):
        pass

    calls = 0

    def run_until(stop: int) -> bool:
        nonlocal calls
        calls = 0

        def deliver(delivery_id: int) -> object:
            nonlocal calls
            calls += 1
            if calls == stop:
                raise Killed  # prepared, not sent
            outcome = archive.deliver(delivery_id)
            if calls == stop - 1 and stop % 2:
                raise Killed  # sent, and nobody noted what it was for
            return outcome

        try:
            archive.run(deliver=deliver)
        except Killed:
            return False
        return True

    ends = [run_until(stop) for stop in (1, 2, 3, 4, 3, 2, 9)]
    assert not all(ends)
    sent, problems = archive.run()
    assert (sent.unchanged, problems) == (True, [])
    assert len(objects(archive)) == sent.objects
    assert len(list((archive.home / "manifests").iterdir())) == 2, "one manifest and its sums"
    with archive.ledger.read() as session:
        assert session.scalar(select(func.count()).select_from(BackupRow)) == 1
        states = set(session.scalars(select(DeliveryRow.state).where(DeliveryRow.flow == "archive_backup")))
    assert states <= {"delivered", "withdrawn"}
    assert archive.restore(tmp_path / "back").problems == []


def test_a_broken_connection_is_worth_another_try_and_leaves_no_manifest(archive: Archive, switches: Faults) -> None:
    switches.set("strongroom", "disk_full", bytes=100_000)
    with pytest.raises(ColophonError):
        archive.run()
    assert not (archive.home / "manifests").exists() or not list((archive.home / "manifests").iterdir())
    switches.clear()
    switches.set("strongroom", "refuse")
    with pytest.raises(TransientError):
        archive.run()
    switches.clear()
    sent, problems = archive.run()
    assert (sent.unchanged, problems) == (False, [])


def test_damage_at_the_archive_is_found_named_and_mended(archive: Archive, tmp_path: Path) -> None:
    archive.run()
    jacket = next(path for path in objects(archive) if path.read_bytes() == b"jacket" * 50_000)
    content = bytearray(jacket.read_bytes())
    content[77] ^= 1
    jacket.chmod(0o644)
    jacket.write_bytes(content)
    _, problems = archive.run()
    assert [(problem["code"], problem["object"]) for problem in problems] == [("corrupt", jacket.name)]
    assert "jacket .pdf" in problems[0]["message"]
    with archive.ledger.read() as session:
        assert backups.last(session, "strongroom").problems == problems  # type: ignore[union-attr]
    done = archive.restore(tmp_path / "damaged")
    assert [jacket.name == problem["object"] for problem in done.problems] == [True]
    assert done.files == 3
    sent, problems = archive.run(sample=0)
    assert (sent.again, problems) == ((jacket.name,), [])
    assert jacket.read_bytes() == b"jacket" * 50_000
    assert archive.restore(tmp_path / "mended").problems == []


def test_what_went_missing_is_sent_again(archive: Archive) -> None:
    archive.run()
    gone = objects(archive)[1]
    gone.unlink()
    short = objects(archive)[2]
    short.write_bytes(short.read_bytes()[:-1])
    sent, problems = archive.run()
    assert (sorted(sent.again), sent.unchanged, problems) == (sorted([gone.name, short.name]), True, [])
    assert gone.exists()


def test_the_sample_goes_on_where_it_stopped(archive: Archive) -> None:
    sent, _ = archive.run(sample=4)
    jacket = objects(archive)
    rounds = -(-sent.objects // 4)
    for path in jacket:
        path.chmod(0o644)
        path.write_bytes(path.read_bytes()[:-1] + b"!")
    found: set[str] = set()
    for _ in range(rounds + 1):
        found |= {
            problem["object"]
            for problem in backup.verify(archive.ledger, archive.store, archive.party, sent.backup_id, archive.connect, now=NOW, sample=4)
        }
    assert found == {path.name for path in jacket}


def test_bytes_that_are_nowhere_are_named_and_stop_nothing(archive: Archive, tmp_path: Path) -> None:
    row = attach(archive, "map.tif", b"a map", kind="artwork")
    lost = Path(archive.store.root) / row.sha256[:2] / row.sha256
    lost.unlink()
    damaged = attach(archive, "plate.tif", b"a plate", kind="artwork", part="2")
    (Path(archive.store.root) / damaged.sha256[:2] / damaged.sha256).write_bytes(b"no plate")
    sent, problems = archive.run()
    assert {(problem["code"], problem["object"]) for problem in problems} == {("lost", row.sha256), ("lost", damaged.sha256)}
    assert sent.left_out == 3
    done = archive.restore(tmp_path / "back")
    assert sorted(entry["why"] for entry in done.left_out) == ["lost", "lost", "restricted"]
    assert done.problems == []


@pytest.mark.parametrize(("restricted", "there"), [("sealed", False), ("never", False), ("always", True)])
def test_restricted_files_stay_here_unless_the_archive_is_trusted(archive: Archive, tmp_path: Path, restricted: str, there: bool) -> None:
    archive.wish(restricted=restricted)
    archive.run()
    scans = [path for path in objects(archive) if path.read_bytes() == b"scan of a contract"]
    assert bool(scans) is there
    done = archive.restore(tmp_path / "back")
    assert bool(done.left_out) is not there
    if there:
        assert (tmp_path / "back" / "restricted").stat().st_mode & 0o077 == 0
        assert len(list((tmp_path / "back" / "restricted").rglob("*.pdf"))) == 1


@pytest.mark.skipif(shutil.which("gpg") is None, reason="GnuPG is not installed")
def test_a_sealed_backup_shows_nothing_but_hashes_and_comes_back(archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import gnupg

    from include.partners.model import OpenPgp

    folder = tmp_path / "gnupg"
    folder.mkdir(mode=0o700)
    gpg = gnupg.GPG(gnupghome=str(folder))
    parameters = {"key_type": "EDDSA", "key_curve": "ed25519", "subkey_type": "ECDH", "subkey_curve": "cv25519"}
    key = gpg.gen_key(gpg.gen_key_input(name_email="vault@strongroom.example", no_protection=True, **parameters)).fingerprint
    config = tmp_path / "config"
    config.mkdir()
    (config / "strongroom.asc").write_text(gpg.export_keys(key))
    monkeypatch.setenv("COLOPHON_CONFIG", str(config))
    monkeypatch.setenv("COLOPHON_GNUPGHOME", str(folder))
    transport = archive.party.transport.model_copy(update={"openpgp": OpenPgp(recipient=key, key_file="strongroom.asc")})
    archive.party = archive.party.model_copy(update={"transport": transport})
    _, problems = archive.run()
    assert problems == []
    assert all(path.name.endswith(".gpg") for path in objects(archive))
    assert not [
        path for path in archive.home.rglob("*") if path.is_file() and (b"jacket" in path.read_bytes() or b"Lantern" in path.read_bytes())
    ]
    before = archive.tree()
    again, problems = archive.run()
    assert (again.unchanged, again.added, problems, archive.tree()) == (True, 0, [], before)
    with pytest.raises(ConfigurationError, match="encrypted"):
        archive.restore(tmp_path / "closed")
    done = archive.restore(tmp_path / "back", opens=restore.unseal)
    assert (done.problems, done.left_out, done.files) == ([], [], 5)
    assert len(list((tmp_path / "back" / "restricted").rglob("contract.pdf"))) == 1


def test_old_backups_are_named_first_and_removed_only_when_asked(archive: Archive, tmp_path: Path) -> None:
    names = []
    for day in range(3):
        attach(archive, f"draft {day}.txt", f"draft {day}".encode(), kind="manuscript", part=str(day))
        names.append(archive.run()[0].name)
        archive.now += timedelta(days=10)
    with archive.ledger.session() as session:
        first = session.scalars(select(TitleFileRow).where(TitleFileRow.name == "draft 0.txt")).one()
        title_files.remove(session, first.id, now=archive.now, who="editor")
    names.append(archive.run()[0].name)
    archive.wish(keep_days=15)
    before = archive.tree()

    def sweep() -> retention.Swept:
        return retention.sweep(archive.ledger, archive.store, archive.party, archive.connect, now=archive.now)

    said = sweep()
    assert (said.manifests, said.removed, archive.tree()) == ((names[0],), False, before), (
        "of two old ones the newer holds for the first day"
    )
    assert said.objects > 0
    archive.wish(keep_days=15, remove=True)
    (archive.home / "manifests" / f"{names[1]}.json").chmod(0o644)
    assert sweep().removed
    left = {path.name.partition(".")[0] for path in (archive.home / "manifests").iterdir()}
    assert left == set(names[1:])
    assert sweep() == retention.Swept(removed=True)
    done = archive.restore(tmp_path / "first", "2026-12-05")
    assert (done.name, done.problems) == (names[1], [])
    archive.wish(keep_days=1, remove=True)
    archive.now += timedelta(days=400)
    sweep()
    assert {path.name.partition(".")[0] for path in (archive.home / "manifests").iterdir()} == {names[-1]}
    assert archive.restore(tmp_path / "last", "2028-01-01").problems == []


def test_nothing_is_removed_while_a_manifest_of_somebody_else_names_it(archive: Archive) -> None:
    archive.run()
    with archive.ledger.session() as session:  # a ledger that has lost its memory
        session.execute(BackupRow.__table__.delete())
    archive.wish(keep_days=1, remove=True)
    before = archive.tree()
    archive.now += timedelta(days=90)
    retention.sweep(archive.ledger, archive.store, archive.party, archive.connect, now=archive.now)
    assert archive.tree() == before
    manifest = next((archive.home / "manifests").glob("*.json"))
    manifest.chmod(0o644)
    manifest.write_bytes(b"no json")
    (archive.home / "objects" / "00").mkdir(exist_ok=True)
    (archive.home / "objects" / "00" / ("0" * 64)).write_bytes(b"loose")
    swept = retention.sweep(archive.ledger, archive.store, archive.party, archive.connect, now=archive.now)
    assert "can't be read" in swept.problems[0]
    assert (archive.home / "objects" / "00" / ("0" * 64)).exists()


def test_a_restoration_goes_on_where_it_was_stopped_but_never_into_a_used_folder(archive: Archive, tmp_path: Path) -> None:
    archive.run()
    home = tmp_path / "back"
    archive.restore(home)
    kept = {path: path.stat().st_mtime_ns for path in (home / "store").rglob("*") if path.is_file()}
    victim = next(iter(kept))
    victim.unlink()
    (home / "report.json").unlink()
    assert archive.restore(home).problems == []
    assert {path: path.stat().st_mtime_ns for path in kept if path != victim} == {path: at for path, at in kept.items() if path != victim}
    assert victim.exists()
    (home / "mine.txt").write_text("keep me")
    with pytest.raises(ConfigurationError, match="not empty"):
        archive.restore(home)
    assert (home / "mine.txt").exists()


def test_a_manifest_that_somebody_changed_is_not_believed(archive: Archive, tmp_path: Path) -> None:
    sent, _ = archive.run()
    manifest = archive.home / "manifests" / f"{sent.name}.json"
    manifest.chmod(0o644)
    manifest.write_bytes(manifest.read_bytes().replace(b"Lantern", b"Lamplit"))
    with pytest.raises(PermanentError, match="damaged"):
        archive.restore(tmp_path / "back")
    (archive.home / "manifests" / f"{sent.name}.SHA256SUMS").unlink()
    with pytest.raises(PermanentError, match="no backup"):
        archive.restore(tmp_path / "back2")


@pytest.mark.parametrize("where", ["objects", "files", "packs"])
def test_a_manifest_made_by_somebody_else_names_no_paths(archive: Archive, tmp_path: Path, where: str) -> None:
    """Its sums fit: whoever may write at the archive can make both."""
    sent, _ = archive.run()
    path = archive.home / "manifests" / f"{sent.name}.json"
    manifest = json.loads(path.read_bytes())
    evil = "../../../../evil"
    if where == "objects":
        manifest["objects"][evil] = {"bytes": 3}
    else:
        manifest[where][0]["sha256"] = evil
    path.chmod(0o644)
    path.write_text(json.dumps(manifest))
    sums = archive.home / "manifests" / f"{sent.name}.SHA256SUMS"
    sums.chmod(0o644)
    sums.write_text(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  manifests/{path.name}\n")
    with pytest.raises(RejectedData, match="no sha256"):
        archive.restore(tmp_path / "back")


def test_a_file_that_is_called_like_a_part_comes_back_beside_it(archive: Archive, tmp_path: Path) -> None:
    attach(archive, "front", b"a file without extension", kind="artwork")
    attach(archive, "a.psd", b"a layer, first", kind="artwork", part="front")
    attach(archive, "a.psd", b"a layer", kind="artwork", part="front")
    archive.run()
    restored = archive.restore(tmp_path / "back")
    found = {path.read_bytes() for path in (tmp_path / "back" / "files").rglob("*") if path.is_file()}
    assert restored.problems == []
    assert {b"a file without extension", b"a layer", b"a layer, first"} <= found


def test_dates_are_days_or_moments() -> None:
    assert restore.end_of("2026-11-21") == restore.end_of("20261121") == datetime(2026, 11, 21, 23, 59, 59, tzinfo=UTC)
    assert restore.end_of("2026-11-21T14:00") == datetime(2026, 11, 21, 14, tzinfo=UTC)
    with pytest.raises(ConfigurationError):
        restore.end_of("yesterday")
