"""Names as the ledger keeps them, and what a second listing of the same file means."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from include.archives.paths import excluder, plain_path
from include.ledger import archives
from include.ledger.archive_listing import DoneFolder, NewFile, NewFolder, key, listing, open_folders, server_path, write_listing
from include.ledger.file_rows import ArchiveFileRow

THEN = datetime(2008, 1, 1, tzinfo=UTC)

server_names = (
    st.binary(min_size=1, max_size=60).filter(lambda name: b"\0" not in name).map(lambda name: name.decode("utf-8", "surrogateescape"))
)


@given(server_names)
def test_any_name_a_server_can_give_comes_back_as_it_was(name):
    path, whole = key(name)
    assert server_path(path, whole) == name
    path.encode()  # any database can hold it
    assert "\n" not in path
    assert "\0" not in path


@given(server_names, server_names)
def test_different_names_stay_different(one, other):
    assert (key(one) == key(other)) == (one == other)


@pytest.mark.parametrize("letter", ["a", "é", "書", "\udcff", "\n", "\\"])
def test_a_path_of_any_length_has_a_place_of_its_own(letter):
    long, longer = f"{letter * 3000}/a.pdf", f"{letter * 3001}/a.pdf"
    path, whole = key(long)
    assert len(path) <= 700
    assert len(path.encode()) <= 2600
    assert server_path(path, whole) == long
    assert key(longer)[0] != path
    assert path.endswith("/a.pdf")


@given(server_names)
def test_plain_paths_can_stand_in_a_title_record(name):
    plain = plain_path(name.replace("/", "_"))
    plain.encode()
    assert plain.isprintable()
    assert 0 < len(plain.encode()) <= 255
    assert "!" not in plain


def test_plain_paths_keep_what_is_plain():
    assert plain_path("Lantern/2001/The Lamp é/978 cover_v2.pdf") == "Lantern/2001/The Lamp é/978 cover_v2.pdf"
    assert plain_path("caf\udce9 .txt. ") == "caf_ .txt"
    assert plain_path("x" * 300 + ".tiff").endswith("x.tiff")


@pytest.mark.parametrize(
    ("path", "out"),
    [
        (".DS_Store", True),
        ("a/b/.DS_Store", True),
        ("a/b/my.DS_Store", False),
        ("@eaDir", True),
        ("a/@eaDir", True),
        ("a/@eaDir/x/y.jpg", True),
        ("a/@eaDirs/x", False),
        ("tmp/a.bak", True),
        ("tmp/b/a.bak", False),
        ("new\nline/.DS_Store", True),
    ],
)
def test_left_out_paths(path, out):
    assert excluder(("**/.DS_Store", "**/@eaDir/**", "tmp/*.bak"))(path) is out


def test_a_walk_s_second_look_at_a_file(ledger):
    with ledger.session() as session:
        walk = archives.begin(session, "vault", THEN, largest=10**9)
        assert open_folders(session, "vault", walk.number, 10) == [NewFolder("", "")]
        some = [NewFile("same.pdf", "", 5, THEN), NewFile("longer.pdf", "", 5, THEN), NewFile("later.pdf", "", 5, None)]
        for _ in range(2):  # killed before the folder was done: listed again
            write_listing(session, "vault", 1, some, [NewFolder("a", "")], [DoneFolder("", "", 3, 15, 1)])
        assert listing(session, "vault", 1) == (2, 1, 3, 15, 1, 0)
        session.execute(update(ArchiveFileRow).values(fate="attached", sha256="0" * 64, work_id=7, kind="jacket", intake_id=1))
        archives.begin(session, "vault", THEN, largest=10**9)
        now = [
            some[0],
            NewFile("longer.pdf", "", 6, THEN),
            NewFile("later.pdf", "", 5, THEN + timedelta(days=1)),
            NewFile("new", "", 1, None),
        ]
        for _ in range(2):
            write_listing(session, "vault", 2, now, [], [DoneFolder("", "", 4, 17, 0)])
        rows = {row.path: row for row in session.scalars(select(ArchiveFileRow).execution_options(populate_existing=True))}
        assert {name: (row.change, row.fate) for name, row in rows.items()} == {
            "same.pdf": ("same", "attached"),
            "longer.pdf": ("changed", "waiting"),
            "later.pdf": ("changed", "waiting"),
            "new": ("new", "waiting"),
        }
        assert (rows["same.pdf"].sha256, rows["same.pdf"].work_id, rows["same.pdf"].intake_id) == ("0" * 64, 7, 1)
        assert (rows["longer.pdf"].sha256, rows["longer.pdf"].work_id, rows["longer.pdf"].intake_id) == ("", None, None)


def test_what_is_not_seen_again_has_vanished_unless_its_folder_could_not_be_listed(ledger):
    with ledger.session() as session:
        archives.begin(session, "vault", THEN, largest=10**9)
        some = [NewFile(name, "", 5, THEN) for name in ("a/1", "b/1", "b/c/1", "bc/1")]
        write_listing(session, "vault", 1, some)
        session.execute(update(ArchiveFileRow).values(fate="attached", sha256="0" * 64))
        archives.begin(session, "vault", THEN, largest=10**9)
        write_listing(session, "vault", 2, some[:1], [], [DoneFolder("b", "", 0, 0, 0, "not permitted")])
        assert archives.vanish(session, "vault", 2, THEN) == 1
        gone = session.scalars(select(ArchiveFileRow).where(ArchiveFileRow.fate == "vanished")).one()
        assert (gone.path, gone.reason) == ("bc/1", "was attached; no longer listed as of 2008-01-01")
        write_listing(session, "vault", 2, some)  # it is back
        session.expire_all()
        assert session.scalars(select(ArchiveFileRow.fate).where(ArchiveFileRow.path == "bc/1")).one() == "waiting"
