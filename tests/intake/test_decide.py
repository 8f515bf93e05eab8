"""What a person says of what was set aside, and what passes by itself."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from include.errors import RejectedData
from include.files.model import Kind
from include.intake import decide
from include.intake.match import Target
from include.intake.source import Source
from include.ledger import title_files
from include.ledger.file_rows import IntakeState as S
from include.ledger.file_rows import MatchRuleRow
from include.ledger.models import EventRow, ProductRow, WorkRow
from tests.intake.room import docx, inbox, isbn, pdf, picture

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def desk(room, monkeypatch, tmp_path):
    """The room with an inbox file for each inbox that the tests name."""
    folder = tmp_path / "config"
    shutil.copytree(ROOT / "config", folder)
    monkeypatch.setenv("COLOPHON_CONFIG", str(folder))
    return room


def said(room, what):
    with room.ledger.read() as session:
        return [(row.who, row.subject) for row in session.scalars(select(EventRow).where(EventRow.what == what))]


def proposed(room):
    (outcome,) = room.bring(inbox(), ("The Lamp of Harbour 3 manuscript.docx", docx()))
    assert outcome.state is S.PROPOSED
    return outcome


def test_an_accepted_proposal_is_on_its_title_with_the_name_of_who_said_so(desk):
    outcome = decide.accept(desk.ledger, desk.store, proposed(desk).id, who="Ines", now=desk.now)
    assert (outcome.state, outcome.work_id) == (S.ATTACHED, 3)
    (file,) = desk.files()
    assert (file.attached_by, file.kind, file.source) == ("Ines", "manuscript", "inbox:authors")
    assert said(desk, "arrival accepted") == [("Ines", "The Lamp of Harbour 3 manuscript.docx")]


def test_a_button_that_is_pressed_twice_does_it_once(desk):
    id = proposed(desk).id
    decide.accept(desk.ledger, desk.store, id, who="Ines", now=desk.now)
    before = desk.row_counts()
    assert decide.accept(desk.ledger, desk.store, id, who="Ines", now=desk.now).state is S.ATTACHED
    assert desk.row_counts() == before


def test_another_title_kind_and_revision_can_be_said(desk):
    outcome = decide.correct(
        desk.ledger, desk.store, proposed(desk).id, Target(4, 4), kind=Kind.ARTWORK, revision="2.1", part="map", who="Ines", now=desk.now
    )
    assert (outcome.state, outcome.work_id, outcome.kind) == (S.ATTACHED, 4, "artwork")
    (file,) = desk.files()
    assert (file.product_id, file.revision, file.rank, file.part) == (4, "2.1", 20001, "map")


@pytest.mark.parametrize(
    ("target", "words"), [(Target(99), "no work 99"), (Target(1, 2), "no edition 2"), (Target(2, None, 4711), "no contract")]
)
def test_a_title_that_does_not_exist_is_refused(desk, target, words):
    with pytest.raises(RejectedData, match=words):
        decide.correct(desk.ledger, desk.store, proposed(desk).id, target, who="Ines", now=desk.now)
    assert desk.files() == []


def test_what_is_not_safe_can_not_be_accepted(desk):
    (outcome,) = desk.bring(inbox(), (f"{isbn(1)}_manuscript.pdf", b"MZ" + b"\0" * 400))
    with pytest.raises(RejectedData, match="can't be accepted"):
        decide.correct(desk.ledger, desk.store, outcome.id, Target(1), kind=Kind.MANUSCRIPT, who="Ines", now=desk.now)
    assert desk.files() == []


def test_an_unexpected_kind_can_be_accepted_all_the_same(desk):
    (outcome,) = desk.bring(inbox(kinds=["artwork"]), (f"{isbn(1)}_manuscript.docx", docx()))
    done = decide.correct(desk.ledger, desk.store, outcome.id, Target(1), who="Ines", now=desk.now)
    assert (done.state, done.kind) == (S.ATTACHED, "manuscript")


def test_a_kind_must_be_said_where_nobody_knows_it(desk):
    (outcome,) = desk.bring(inbox(), (f"{isbn(1)}.pdf", pdf()))
    assert [reason["code"] for reason in outcome.reasons] == ["kind-unknown"]
    with pytest.raises(RejectedData, match="what kind"):
        decide.correct(desk.ledger, desk.store, outcome.id, Target(1), who="Ines", now=desk.now)
    assert (
        decide.correct(desk.ledger, desk.store, outcome.id, Target(1), kind=Kind.PERMISSION, who="Ines", now=desk.now).state is S.ATTACHED
    )


def test_a_refusal_wants_a_note_and_is_kept(desk):
    id = proposed(desk).id
    with pytest.raises(RejectedData, match="note"):
        decide.reject(desk.ledger, id, note=" ", who="Ines", now=desk.now)
    outcome = decide.reject(desk.ledger, id, note="an old draft", who="Ines", now=desk.now)
    assert outcome.state is S.REFUSED
    assert outcome.reasons[-1]["message"] == "an old draft"
    assert said(desk, "arrival refused")
    (again,) = desk.bring(inbox(), ("The Lamp of Harbour 3 manuscript.docx", docx()))
    assert again.state is S.DUPLICATE


def test_what_is_taken_back_waits_for_another_word_and_the_version_before_is_current(desk):
    name = f"{isbn(2)}_manuscript.docx"
    desk.bring(inbox(), (name, docx("first")))
    (second,) = desk.bring(inbox(), (name, docx("second")))
    outcome = decide.undo(desk.ledger, second.id, who="Ines", now=desk.now, note="wrong book")
    assert outcome.state is S.PROPOSED
    assert [file.state for file in desk.files()] == ["attached", "removed"]
    assert decide.correct(desk.ledger, desk.store, second.id, Target(4), who="Ines", now=desk.now).work_id == 4


def test_what_was_taken_back_does_not_come_back_by_itself(desk):
    (outcome,) = desk.bring(inbox(), (f"{isbn(2)}_manuscript.docx", docx()))
    decide.undo(desk.ledger, outcome.id, who="Ines", now=desk.now)
    with desk.ledger.session() as session:
        session.get(WorkRow, 2).changed_at = desk.now + timedelta(days=1)
    with desk.ledger.read() as session:
        assert decide.due_again(session, "authors") == []


def test_what_was_taken_off_on_the_title_s_page_is_asked_about_when_it_comes_again(desk):
    name, box = f"{isbn(1)}_MS.docx", inbox()
    (first,) = desk.bring(box, (name, docx()))
    with desk.ledger.session() as session:
        title_files.remove(session, first.title_file_id, now=desk.now, who="Ines", note="another book's")
    for again in (name, f"renamed {name}"):
        (outcome,) = desk.bring(box, (again, docx()))
        assert (outcome.state, outcome.work_id, outcome.reasons[0]["code"]) == (S.PROPOSED, 1, "undone")
        assert "another book's" in outcome.reasons[0]["message"]
    assert desk.bring(box, (name, docx()))[0].state is S.DUPLICATE  # it waits already
    assert [file.state for file in desk.files()] == ["removed"]
    assert decide.accept(desk.ledger, desk.store, outcome.id, who="Ines", now=desk.now).state is S.ATTACHED


@pytest.mark.parametrize("revision", ["final", "v4", "2nd pass"])
def test_a_revision_that_a_person_says_is_ordered_as_in_a_name(desk, revision):
    desk.bring(inbox(), (f"{isbn(3)} manuscript v1.docx", docx("one")))
    outcome = decide.correct(desk.ledger, desk.store, proposed(desk).id, Target(3), who="Ines", now=desk.now, revision=revision)
    assert outcome.state is S.ATTACHED


def test_a_remembered_rule_takes_the_next_file_by_itself(desk):
    rule = decide.remember(desk.ledger, "authors", "Mensah/**", target=Target(4), kind=Kind.MANUSCRIPT, who="Ines", now=desk.now)
    (outcome,) = desk.bring(inbox(), ("Mensah/draft.docx", docx()))
    assert (outcome.state, outcome.work_id, outcome.kind) == (S.ATTACHED, 4, "manuscript")
    with desk.ledger.read() as session:
        assert session.get(MatchRuleRow, rule).used == 1
    decide.forget(desk.ledger, rule, who="Ines", now=desk.now)
    (other,) = desk.bring(inbox(), ("Mensah/second.docx", docx("other")))
    assert other.state is not S.ATTACHED


def test_a_second_rule_for_a_pattern_takes_the_place_of_the_first(desk):
    first = decide.remember(desk.ledger, "authors", "Mensah/**", target=Target(4), who="Ines", now=desk.now)
    assert decide.remember(desk.ledger, "authors", "Mensah/**", target=Target(3), who="Ben", now=desk.now) == first


@pytest.mark.parametrize("pattern", ["", "**", "*", "**/*", "*.*"])
def test_a_rule_that_would_take_every_file_is_refused(desk, pattern):
    with pytest.raises(RejectedData, match="every file"):
        decide.remember(desk.ledger, "authors", pattern, target=Target(4), who="Ines", now=desk.now)


def test_files_find_their_title_by_themselves_once_it_appears(desk):
    (outcome,) = desk.bring(inbox(), (f"{isbn(77)}_map.tif", picture()))
    assert outcome.state is S.QUARANTINED
    with desk.ledger.read() as session:
        assert decide.due_again(session, "authors") == [outcome.id]  # the mirror was written in the same moment
    source = Source.of_inbox(inbox())
    assert decide.again(desk.ledger, desk.store, source, desk.index, [outcome.id], now=desk.now + timedelta(seconds=1)) == []
    with desk.ledger.read() as session:
        assert decide.due_again(session, "authors") == []
    with desk.ledger.session() as session:
        one = session.get(ProductRow, 3)
        one.isbn, one.changed_at = isbn(77), desk.now + timedelta(days=1)
    with desk.ledger.read() as session:
        due = decide.due_again(session, "authors")
    (found,) = decide.again(desk.ledger, desk.store, source, desk.index, due, now=desk.now + timedelta(days=2))
    assert (found.state, found.work_id) == (S.ATTACHED, 3)
    assert desk.files()[0].facts["pixels"] == [60, 90]


def test_trying_again_looks_at_the_bytes_again(desk):
    (outcome,) = desk.bring(inbox(limits={"pixels": 100}), (f"{isbn(1)}_map.tif", picture()))
    assert [reason["code"] for reason in outcome.reasons] == ["image-too-large"]
    done = decide.retry(desk.ledger, desk.store, desk.index, outcome.id, who="Ines", now=desk.now)
    assert (done.state, done.work_id) == (S.ATTACHED, 1)
