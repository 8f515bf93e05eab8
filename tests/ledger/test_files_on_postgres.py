"""Each domain of files on PostgreSQL, which minds what SQLite lets pass: lengths, NUL, groups, locks that must be asked for."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import func, select

from include.intake import decide
from include.ledger import archives, backups, dumping, intake, packages, readiness, title_files
from include.ledger.archive_listing import DoneFolder, NewFile, NewFolder, key, listing, open_folders, write_listing
from include.ledger.database import Ledger
from include.ledger.file_rows import BackupRow, PackageRow, TitleFileRow
from include.ledger.intake import Seen
from include.ledger.models import DeliveryRow
from include.ledger.record import Wanted, record
from include.ledger.title_files import NewTitleFile
from include.packages import launch
from include.packages.build import prepare
from include.readiness.refresh import refresh
from include.store import ArtefactStore
from tests.intake.room import Room, docx, inbox, isbn, packed
from tests.ledger.test_packages import new
from tests.packages import test_launch
from tests.postgres import postgres, postgres_ledger
from tests.readiness.titles import ELECTRONIC, HARDBACK, fill, house

__all__ = ["postgres", "postgres_ledger"]  # fixtures

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


@pytest.fixture
def ledger(postgres_ledger: Ledger) -> Ledger:
    return postgres_ledger


@pytest.fixture
def store(tmp_path: Any) -> ArtefactStore:
    return ArtefactStore(str(tmp_path / "store"))


@pytest.fixture
def room(ledger: Ledger, store: ArtefactStore) -> Room:
    return Room(ledger, store).stock()


def version(number: int, **more: Any) -> NewTitleFile:
    values = {"rank": number, "revision": str(number), "review": ("production",), "part": "text"} | more
    return NewTitleFile(1, "interior", f"text {number}.pdf", 3, f"{number:064d}", **values)


def attach(ledger: Ledger, *wanted: NewTitleFile) -> list[int]:
    with ledger.session() as session:
        return [title_files.attach(session, one, now=NOW).row.id for one in wanted]


def states(ledger: Ledger) -> list[str]:
    with ledger.read() as session:
        return list(session.scalars(select(TitleFileRow.state).order_by(TitleFileRow.rank)))


def at_once(*jobs: Callable[[], Any]) -> list[Any]:
    """Runs these at the same moment, each in a thread."""
    gate = threading.Barrier(len(jobs))

    def run(job: Callable[[], Any]) -> Any:
        gate.wait(100)
        return job()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(run, jobs))


# --- a title's files


def test_versions_are_attached_reviewed_and_removed(room: Room) -> None:
    one, two = attach(room.ledger, version(1), version(2))
    with room.ledger.session() as session:
        title_files.review(session, two, "production", "approved", now=NOW, who="Ada")
        title_files.review(session, two, "editorial", "rejected", now=NOW, who="Ben", note="blurred")
        assert title_files.get(session, two).approval == "rejected"
        title_files.remove(session, two, now=NOW, who="Ada")
        assert [row.id for row in title_files.files_of(session, 1, product_id=1, kinds=["interior"], current=True)] == [one]
    assert states(room.ledger) == ["attached", "removed"]


def test_first_versions_that_come_at_the_same_moment_have_one_current_among_them(room: Room) -> None:
    at_once(*(lambda number=number: attach(room.ledger, version(number)) for number in (1, 2, 3)))  # type: ignore[misc]
    assert states(room.ledger) == ["superseded", "superseded", "attached"]
    at_once(*(lambda: attach(room.ledger, version(4)) for _ in range(3)))
    assert states(room.ledger) == ["superseded"] * 3 + ["attached"]


def test_a_version_removed_while_a_newer_one_comes_leaves_one_current(room: Room) -> None:
    two = attach(room.ledger, version(1), version(2))[1]

    def remove() -> None:
        with room.ledger.session() as session:
            title_files.remove(session, two, now=NOW, who="Ada")

    at_once(remove, lambda: attach(room.ledger, version(3)))
    assert states(room.ledger) == ["superseded", "removed", "attached"]


# --- arrivals


def test_arrivals_are_seen_claimed_stored_and_decided(room: Room) -> None:
    name = f"{isbn(1)}_manuscript.docx"
    outcomes = room.bring(
        inbox(), (name, docx()), ("pack.zip", packed(**{f"{isbn(2)} manuscript.docx": docx("2"), "what.docx": docx("?")}))
    )
    told = Counter(str(each.state) for one in outcomes for each in one.each())
    assert told == {"attached": 2, "unpacked": 1, "quarantined": 1}
    (odd,) = room.rows(state="quarantined")
    assert decide.reject(room.ledger, odd.id, note="nobody's", who="Ada", now=NOW).state == "refused"
    with room.ledger.read() as session:
        assert sum(intake.counts(session)["authors"].values()) == 4
        assert [row.part for row in record(session, 1, allowed=lambda role: True, contracts=True).chains] == [""]


def test_two_archives_that_name_the_same_titles_in_another_order_both_end(room: Room) -> None:
    packs = [packed(**{f"{isbn(number)} {letter}.docx": docx(f"{number}{letter}") for number in order}) for letter, order in
             (("manuscript", (1, 2, 3, 4)), ("typescript", (4, 3, 2, 1)))]  # fmt: skip
    at_once(*(lambda pack=pack, number=number: room.bring(inbox(), (f"{number}.zip", pack)) for number, pack in enumerate(packs)))  # type: ignore[misc]
    assert {row.state for row in room.rows()} <= {"unpacked", "attached", "superseded"}
    assert len(room.files()) == 8


HOSTILE = ["nul\x00.docx", "x" * 300 + ".docx", "/".join(["folder" * 20] * 8) + "/a.docx", "caf\udce9.docx", "😀" * 250 + ".docx"]


def test_names_that_a_column_does_not_hold_are_arrivals_all_the_same(room: Room) -> None:
    for path in HOSTILE:
        seen = Seen(path, path.rsplit("/", 1)[-1], 5, NOW)
        with room.ledger.session() as session:
            row = intake.see(session, "agency", [seen], now=NOW)[path]
            assert intake.see(session, "agency", [seen], now=NOW)[path].id == row.id
        (outcome,) = room.bring(inbox(), (path, docx()))
        assert outcome.state in {"quarantined", "proposed"}
        assert decide.reject(room.ledger, outcome.id, note="odd\x00 \ud800", who="Ada" * 60, now=NOW).state == "refused"
    assert len(room.rows()) == 2 * len(HOSTILE)


def test_members_with_such_names_stop_no_other(room: Room) -> None:
    names = [name.encode("utf-8", "replace").decode() for name in HOSTILE]
    pack = packed(**{name: docx(name[:3].strip("\x00")) for name in names}, **{f"{isbn(1)} manuscript.docx": docx("1")})
    (outcome,) = room.bring(inbox(), ("pack.zip", pack))
    assert outcome.state == "unpacked"
    assert [file.work_id for file in room.files()] == [1]


# --- archives


def test_an_archive_is_listed_cut_settled_and_added_up(room: Room) -> None:
    paths = ["a/1.pdf", "a/nul\x00.pdf", "a/caf\udce9.pdf", "a/" + "long/" * 300 + "x.pdf", "a/back\\slash.pdf", "a/%_.pdf"]
    with room.ledger.session() as session:
        archives.begin(session, "vault", NOW, largest=10**12)
        for _ in range(2):
            files = [NewFile(*key(path), bytes=2**33, modified=NOW) for path in paths]
            write_listing(session, "vault", 1, files, [NewFolder(*key("a"))], [DoneFolder("", "", 0, 0, 0)])
            write_listing(session, "vault", 1, [], done=[DoneFolder(*key("a"), files=len(paths), bytes=len(paths) * 2**33, left_out=0)])
        assert open_folders(session, "vault", 1, 10) == []
        assert listing(session, "vault", 1).bytes == len(paths) * 2**33
        assert archives.cut_shard(session, "vault", 1, 4)[0] == 4
        assert archives.cut_shard(session, "vault", 1, 4)[0] == 2
        shards = archives.open_shards(session, "vault", 1)
    with room.ledger.read() as session:
        fates = [{"id": row.id, "fate": "attached", "reason": "", "sha256": "0" * 64, "work_id": 1, "kind": "interior"}
                 for row in archives.left_in(session, shards[0])]  # fmt: skip

    def settle() -> int:
        with room.ledger.session() as session:
            return len(archives.settle(session, shards[0], fates))

    assert sorted(at_once(settle, settle, settle)) == [0, 0, 4]
    with room.ledger.session() as session:
        archives.relist(session, archives.left_in(session, shards[1])[0].id, 1, 5, NOW)
        archives.tell_pace(session, "vault", 1, "w", NOW, files=1, bytes=1)
        now = archives.progress(session, "vault", NOW)
        assert (now.moved, now.moved_bytes, now.to_move) == (4, 4 * 2**33, 6)
        assert {(one.fate, one.imprint, one.files) for one in archives.sums(session, "vault", 1)} == {
            ("attached", "Lantern Fiction", 4), ("waiting", "", 2),
        }  # fmt: skip
        archives.begin(session, "vault", NOW, largest=10**12)
        assert archives.vanish(session, "vault", 2, NOW) == 6


# --- packages


def test_a_package_is_built_once_and_waits_once_whoever_asks(ledger: Ledger, store: ArtefactStore) -> None:
    def wait() -> int:
        with ledger.session() as session:
            return packages.wait(session, "press", "print_handoff", "9781402000010", [{"code": "x", "message": "y"}], now=NOW).id

    assert len(set(at_once(wait, wait, wait))) == 1
    wanted = new(store, b"one")
    assert len({row.id for row in at_once(*(lambda: prepare(ledger, store, wanted, now=NOW) for _ in range(3)))}) == 1
    with ledger.read() as session:
        assert [(row.state, row.revision) for row in session.scalars(select(PackageRow))] == [("built", 1)]


@pytest.mark.parametrize("gate", [["main-description-is-present"], []])
def test_two_runs_of_launch_packs_prepare_each_pack_once(ledger: Ledger, store: ArtefactStore, gate: list[str]) -> None:
    fill(ledger, test_launch.EBOOK)
    test_launch.cover(ledger, store)
    refresh(ledger, house(), test_launch.NOW)
    to = test_launch.party(gate=gate)
    at_once(*(lambda: launch.build_all(ledger, store, to, house(), test_launch.NOW) for _ in range(3)))
    with ledger.read() as session:
        assert list(session.scalars(select(PackageRow.state))) == (["built"] if gate else ["waiting"])
        assert len(list(session.scalars(select(DeliveryRow)))) == len(gate)


# --- readiness, record, backups


def test_readiness_is_refreshed_listed_and_drawn(ledger: Ledger) -> None:
    fill(ledger, HARDBACK, ELECTRONIC)
    at_once(*(lambda: refresh(ledger, house(), NOW) for _ in range(2)))
    assert refresh(ledger, house(), NOW).assessed == 0
    with ledger.read() as session:
        rows = readiness.page(session, readiness.Wish(words=HARDBACK.full_title.upper()[:8]), limit=10)
        assert HARDBACK.id in {row.product_id for row in rows}, "capital letters are no difference"
        assert readiness.page(session, readiness.Wish(words="nul\x00 \ud800 %_"), limit=10) == []
        assert sum(bar.open + bar.late + bar.ready for bar in readiness.season_picture(session, "")) == 2


def test_a_titles_record_and_its_backup(room: Room, store: ArtefactStore) -> None:
    two = attach(room.ledger, version(1), version(2, restricted="rights", facts={"text": "nul \x00 \ud800"}))[1]
    with room.ledger.session() as session:
        title_files.review(session, two, "production", "approved", now=NOW, who="Ada")
        shown = record(session, 1, allowed=lambda role: not role, wanted=Wanted(kind="interior"))
        assert (len(shown.chains), shown.hidden, len(shown.products)) == (1, 1, 1)
        assert [asset.current for asset in backups.assets(session)] == [False, True]
        row = {"partner": "strongroom", "name": "n", "sha256": "0" * 64, "made_at": NOW, "bytes": 2**40}
        ids = {backups.add(session, BackupRow(**row), now=NOW).id for _ in range(2)}
        backups.verified(session, *ids, 5, [], now=NOW)
        assert (backups.read_back(session, "strongroom"), backups.stored(session, "strongroom")) == (5, {})
        lines = {name: [one.line for one in dumping.records(session, name)] for name in dumping.TABLES}
    assert len(lines["title_file"]) == 2


def test_a_dump_goes_back_into_a_ledger_on_either_database(room: Room, tmp_path: Any) -> None:
    attach(room.ledger, version(1), version(2))
    other = Ledger(str(tmp_path / "other.sqlite"))
    other.upgrade()
    with room.ledger.read() as there, other.session() as here:
        for name in dumping.TABLES:
            dumping.load(here, name, [one.line for one in dumping.records(there, name)])
        for name in dumping.TABLES:
            assert [one.line for one in dumping.records(here, name)] == [one.line for one in dumping.records(there, name)]
        assert here.scalar(select(func.count()).select_from(TitleFileRow)) == 2
    other.dispose()
