"""The note that ties a download to a title."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.clients.getty.notes import Note, note, notes_in
from include.errors import RejectedData
from sandbox.catalogue.chance import isbn13

ISBN = isbn13(41)


def test_a_note_says_work_isbn_and_use():
    assert note(1042, ISBN, "cover") == f"colophon:1042/{ISBN}/cover"
    assert note(1042, "", "marketing") == "colophon:1042/-/marketing"


def test_an_isbn_with_hyphens_is_written_without():
    assert note(7, "978-0-306-40615-7", "interior") == "colophon:7/9780306406157/interior"


@given(st.integers(1, 10**18 - 1), st.one_of(st.just(""), st.integers(0, 99_999).map(isbn13)), st.from_regex(r"\A[a-z][a-z0-9-]{0,39}\Z"))
def test_what_is_written_is_read_back(work_id, isbn, use):
    assert notes_in(note(work_id, isbn, use)) == (Note(work_id, isbn, use),)


@pytest.mark.parametrize(
    ("work_id", "isbn", "use"),
    [
        (0, ISBN, "cover"),
        (-1, ISBN, "cover"),
        (10**18, ISBN, "cover"),
        (1, "9780306406158", "cover"),
        (1, ISBN, ""),
        (1, ISBN, "Cover art"),
        (1, ISBN, "cover\n"),
    ],
)
def test_what_could_not_be_read_back_is_refused(work_id, isbn, use):
    with pytest.raises(RejectedData):
        note(work_id, isbn, use)


def test_notes_are_found_among_other_words_each_once():
    text = f"Spring list; colophon:1042/{ISBN}/cover, colophon:1043/-/cover (colophon:1042/{ISBN}/cover)"
    assert notes_in(text) == (Note(1042, ISBN, "cover"), Note(1043, "", "cover"))


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "for the spring catalogue",
        ISBN,
        "colophon:1042",
        "colophon:1042//cover",
        "colophon:1042/9781915000018/cover",  # wrong check digit
        f"colophon:0/{ISBN}/cover",
        f"colophon:1042/{ISBN}/Cover",
        f"colophon:1042/{ISBN}/cover/more",
        f"mycolophon:1042/{ISBN}/cover",
        "colophon:١٠٤٢/-/cover",
    ],
)
def test_anything_else_is_no_note(text):
    assert notes_in(text) == ()
