"""Arrivals in the ledger, on each database."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from include.intake.receive import Arrival, receive
from include.intake.source import Source
from include.ledger import intake
from include.ledger.file_rows import IntakeFileRow, IntakeState
from include.ledger.intake import Seen, escaped, kept_path, server_path, shown_path
from include.store import ArtefactStore
from tests.intake.room import Room, docx, inbox, isbn

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
FILE = Seen("in/map.tif", "map.tif", 500, NOW)


def see(ledger, *files, now=NOW, box="authors"):
    with ledger.session() as session:
        return {path: row.id for path, row in intake.see(session, box, files, now=now).items()}


def row(ledger, id):
    with ledger.read() as session:
        return session.get(IntakeFileRow, id)


def close(ledger, id, original="moved"):
    with ledger.session() as session:
        one = intake.get(session, id, lock=True)
        one.state, one.original, one.sha256 = IntakeState.ATTACHED, original, "0" * 64


def test_a_file_seen_again_is_the_same_arrival_and_keeps_its_first_look(ledger):
    first = see(ledger, FILE)
    assert see(ledger, FILE, now=NOW + timedelta(minutes=5)) == first
    assert row(ledger, first[FILE.path]).looked_at == NOW


def test_a_file_that_grows_is_the_same_arrival_looked_at_anew(ledger):
    first = see(ledger, FILE)
    later = NOW + timedelta(minutes=5)
    assert see(ledger, replace(FILE, bytes=900), now=later) == first
    assert (row(ledger, first[FILE.path]).bytes, row(ledger, first[FILE.path]).looked_at) == (900, later)


def test_the_same_name_size_and_time_after_the_first_is_gone_is_another_arrival(ledger):
    first = see(ledger, FILE)
    close(ledger, first[FILE.path])
    second = see(ledger, FILE)
    assert second != first
    assert see(ledger, FILE) == second
    close(ledger, second[FILE.path])
    assert see(ledger, FILE) not in (first, second)


def test_a_file_that_is_left_where_it_is_stays_the_same_arrival(ledger):
    first = see(ledger, FILE)
    close(ledger, first[FILE.path], "left")
    assert see(ledger, FILE) == first
    assert see(ledger, replace(FILE, modified=NOW + timedelta(days=1))) != first


def test_the_same_path_in_two_inboxes_is_two_arrivals(ledger):
    assert see(ledger, FILE) != see(ledger, FILE, box="agency")


def test_what_is_no_longer_listed_is_forgotten_unless_its_folder_could_not_be_listed(ledger):
    see(ledger, FILE, replace(FILE, path="locked/a.tif"), replace(FILE, path="b.tif"))
    with ledger.session() as session:
        assert intake.forget_unseen(session, "authors", ["b.tif"], under_trouble=["locked/"]) == 1


def test_bytes_read_before_the_file_changed_are_not_noted(ledger):
    id = see(ledger, FILE)[FILE.path]
    old = row(ledger, id).mark
    see(ledger, replace(FILE, bytes=900))
    with ledger.session() as session:
        assert intake.stored(session, id, old, "1" * 64, 500, now=NOW) is None
        assert intake.stored(session, id, intake.get(session, id).mark, "2" * 64, 900, now=NOW) is not None
        assert intake.stored(session, id, intake.get(session, id).mark, "3" * 64, 900, now=NOW) is None


def test_arrivals_are_taken_in_the_order_they_were_sent(ledger):
    files = [replace(FILE, path=f"{number}.tif", modified=NOW - timedelta(minutes=number)) for number in range(3)]
    ids = see(ledger, *files)
    with ledger.read() as session:
        assert [one.path for one in intake.claim(session, ids.values())] == ["2.tif", "1.tif", "0.tif"]


def test_pages_of_what_waits_for_a_person_show_restricted_files_to_their_role_only(ledger):
    ids = see(ledger, *(replace(FILE, path=f"{number}.tif") for number in range(5)))
    with ledger.session() as session:
        for number, id in enumerate(ids.values()):
            one = intake.get(session, id, lock=True)
            one.state, one.restricted = IntakeState.PROPOSED, "rights" if number < 2 else ""
    with ledger.read() as session:
        assert len(intake.open_files(session)) == 5
        assert [one.restricted for one in intake.open_files(session, restricted=())] == ["", "", ""]
        first = intake.open_files(session, limit=2)
        assert {one.id for one in intake.open_files(session, before=first[-1].id)}.isdisjoint({one.id for one in first})
        assert intake.counts(session) == {"authors": {"proposed": 5}}
        assert intake.counts(session, restricted=["other"]) == {"authors": {"proposed": 3}}


def test_four_workers_that_see_the_same_files_make_one_row_for_each(ledger):
    files = [replace(FILE, path=f"{number}.tif") for number in range(40)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: see(ledger, *files), range(4)))
    assert all(one == found[0] for one in found)
    assert len(found[0]) == 40


def test_four_workers_that_receive_the_same_file_put_it_on_its_title_once(ledger, tmp_path):
    room = Room(ledger, ArtefactStore(str(tmp_path / "store"))).stock()
    with (tmp_path / "draft.docx").open("wb") as file:
        file.write(docx())
    kept = room.store.put(tmp_path / "draft.docx")
    index, source = room.index, Source.of_inbox(inbox())

    def take(number):
        """Two of them the same arrival, two of them copies under other names."""
        path = f"{isbn(1)}_manuscript.docx" if number < 2 else f"{number}/{isbn(1)}_manuscript.docx"
        arrival = Arrival(path, kept.sha256, kept.bytes, NOW)
        return receive(ledger, room.store, source, index, [arrival], now=NOW)[0]

    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(take, range(4)))
    assert len(room.files()) == 1
    assert {outcome.title_file_id for outcome in outcomes} == {room.files()[0].id}


@pytest.mark.parametrize("path", ["in/map.tif", "été/map.tif", "caf\udce9/map\udcff.tif", "日本.pdf"])
def test_paths_survive_the_ledger_byte_for_byte(path):
    assert server_path(escaped(path)) == path
    assert escaped(path).encode()
    assert shown_path(escaped(path)).encode()


def test_long_paths_are_kept_apart():
    one, other = kept_path("x" * 800 + "1"), kept_path("x" * 800 + "2")
    assert len(one) == len(other) == 700
    assert one != other


@pytest.mark.parametrize("path", ["in/art\\xab_map.tif", "in/art\udcab_map.tif", "a\\b.tif", "a\\\\xe9.tif", "a\x00\\x00.tif"])
def test_a_backslash_in_a_name_is_no_escape(path):
    assert server_path(escaped(path)) == path
    assert len({escaped(one) for one in ("art\\xab", "art\udcab", "art\\\udcab")}) == 3
