"""Listings as servers send them, taken apart: SFTP's answers, FTP's lines."""

from __future__ import annotations

import struct
from contextlib import suppress
from datetime import UTC, datetime

import asyncssh
import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.transfer.listings import lines_of, listed
from include.transfer.model import Listed
from include.transfer.sftp_names import names_of

THEN = 1_200_000_000


def packed(*names: tuple[bytes, bytes, bytes]) -> bytes:
    """An answer to READDIR from (name, long name, attributes)."""
    out = struct.pack(">BII", 104, 7, len(names))
    for name, long, attributes in names:
        out += struct.pack(">I", len(name)) + name + struct.pack(">I", len(long)) + long + attributes
    return out


def attributes(**given) -> bytes:
    return asyncssh.SFTPAttrs(**given).encode(3)


def test_what_servers_tell_of_a_name():
    answer = packed(
        (b".", b"", attributes(permissions=0o40755)),
        (b"a.pdf", b"-rw-", attributes(size=2**40, uid=1, gid=1, permissions=0o100644, atime=1, mtime=THEN)),
        (b"folder", b"drwx", attributes(size=4096, uid=1, gid=1, permissions=0o40755, atime=1, mtime=THEN)),
        (b"link", b"lrwx", attributes(size=9, uid=1, gid=1, permissions=0o120777, atime=1, mtime=THEN)),
        (b"pipe", b"prw-", attributes(permissions=0o10644)),
        (b"old server", b"drwxr-xr-x 1 a b 5 Jan 1 2001 old server", attributes()),
        (b"says nothing", b"", attributes()),
        (b"only size", b"", attributes(size=3)),
        (b"ext", b"", attributes(size=4, permissions=0o100644, extended=[(b"x@y", b"z" * 9)])),
        (b"caf\xe9", b"", attributes(size=1, permissions=0o100644)),
        (b"a/b", b"", attributes(size=1, permissions=0o100644)),
    )
    then = datetime.fromtimestamp(THEN, UTC)
    assert names_of(answer) == [
        Listed("a.pdf", 2**40, then, "file"),
        Listed("folder", 0, then, "folder"),
        Listed("link", 0, then, "link"),
        Listed("pipe", 0, None, "special"),
        Listed("old server", 0, None, "folder"),
        Listed("says nothing", 0, None, "file"),
        Listed("only size", 3, None, "file"),
        Listed("ext", 4, None, "file"),
        Listed("caf\udce9", 1, None, "file"),
        Listed("a/b", 0, None, "unnamed"),
    ]


@given(st.binary(max_size=200))
def test_a_listing_cut_anywhere_is_an_error_and_not_a_crash(tail):
    with suppress(asyncssh.SFTPError):
        names_of(struct.pack(">BII", 104, 7, 3) + tail)


@pytest.mark.parametrize(
    ("line", "told", "want"),
    [
        ("type=file;size=5;modify=20080110211000; a b.txt", True, ("a b.txt", 5, "file")),
        ("type=dir;modify=20080110211000; folder", True, ("folder", 0, "folder")),
        ("Type=OS.unix=slink:/target;size=7; link", True, ("link", 0, "link")),
        ("type=OS.unix=chr-1/3; null", True, ("null", 0, "special")),
        ("size=5; no type", True, ("no type", 5, "file")),
        ("type=file;size=5; a = b; c.txt", True, ("a = b; c.txt", 5, "file")),
        ("type=cdir; .", True, None),
        ("lines\tand more 10.txt", True, ("lines\tand more 10.txt", 0, "unnamed")),
        ("-rw-r--r--   1 ftp      ftp          5 Jan 10  2008 a b.txt", False, ("a b.txt", 5, "file")),
        ("drwxr-xr-x   2 ftp      ftp       4096 Jan 10 12:00 folder", False, ("folder", 0, "folder")),
        ("lrwxrwxrwx   1 ftp      ftp          7 Jan 10  2008 link -> a b.txt", False, ("link", 0, "link")),
        ("prw-r--r--   1 ftp      ftp          0 Jan 10  2008 pipe", False, ("pipe", 0, "special")),
        ("01-10-08  09:10PM       <DIR>          folder", False, ("folder", 0, "folder")),
        ("total 12", False, None),
        ("", False, None),
        ("second line of a name.txt", False, ("second line of a name.txt", 0, "unnamed")),
    ],
)
def test_lines_of_ftp_listings(line, told, want):
    found = listed(line, told=told)
    assert (found and (found.name, found.bytes, found.sort)) == want


def test_a_line_break_in_a_name_is_no_end_of_line_where_lines_end_as_the_standard_says():
    assert list(lines_of([b"type=file; a\r\n", b"type=file; two\n", b"lines\r\n", b"type=file; c\r\n"])) == [
        "type=file; a", "type=file; two\nlines", "type=file; c",
    ]  # fmt: skip
    assert list(lines_of([b"a\n", b"b\n", b"c"])) == ["a", "b", "c"]
    assert list(lines_of([])) == []
