"""From bytes in the store to a version on a title, or to a reason why not."""

from __future__ import annotations

import json
import unicodedata

import pytest

from include.intake import decide
from include.intake.match import Target
from include.ledger.file_rows import IntakeState as S
from tests.intake.room import docx, inbox, isbn, packed, pdf, picture


def codes(outcome):
    return [reason["code"] for reason in outcome.reasons]


def test_a_file_with_the_isbn_of_a_title_is_on_that_title(room):
    (outcome,) = room.bring(inbox(), (f"{isbn(2)}_manuscript_v3.docx", docx()))
    assert (outcome.state, outcome.kind, outcome.work_id, outcome.title) == (S.ATTACHED, "manuscript", 2, "The Lamp of Harbour 2")
    (file,) = room.files()
    assert (file.work_id, file.revision, file.source, file.state) == (2, "3", "inbox:authors", "attached")
    assert room.store.exists(file.sha256)


def test_every_member_of_an_archive_is_an_arrival_of_its_own(room):
    pack = packed(**{
        f"{isbn(1)}/manuscript.docx": docx(), f"{isbn(1)}/author questionnaire.docx": docx("Born in"), f"{isbn(1)}/map.tif": picture(),
    })  # fmt: skip
    (outcome,) = room.bring(inbox(), ("pack.zip", pack))
    assert outcome.state is S.UNPACKED
    assert [(member.state, member.kind, member.work_id) for member in outcome.members] == [
        (S.ATTACHED, "manuscript", 1), (S.ATTACHED, "questionnaire", 1), (S.ATTACHED, "artwork", 1),
    ]  # fmt: skip
    (artwork,) = room.files(kind="artwork")
    assert room.store.exists(artwork.preview)
    assert artwork.facts["pixels"] == [60, 90]


def test_the_same_bytes_under_the_same_name_are_taken_once(room):
    given = (f"{isbn(2)}_manuscript.docx", docx())
    room.bring(inbox(), given)
    (again,) = room.bring(inbox(), given)
    assert again.state is S.DUPLICATE
    assert again.title_file_id == room.rows()[0].title_file_id
    assert len(room.files()) == 1


def test_the_same_bytes_under_another_name_are_on_the_title_once(room):
    room.bring(inbox(), (f"{isbn(2)}_manuscript.docx", docx()))
    (again,) = room.bring(inbox(), (f"copy/{isbn(2)} manuscript.docx", docx()))
    assert again.state is S.DUPLICATE
    assert len(room.files()) == 1


def test_the_same_archive_again_changes_nothing_on_the_title(room):
    pack = packed(**{f"{isbn(1)} manuscript.docx": docx()})
    room.bring(inbox(), ("pack.zip", pack))
    (again,) = room.bring(inbox(), ("pack.zip", pack))
    assert again.state is S.DUPLICATE
    assert len(room.files()) == 1


def test_other_bytes_under_the_same_name_are_a_new_version(room):
    name = f"{isbn(2)}_manuscript.docx"
    room.bring(inbox(), (name, docx("first")))
    (second,) = room.bring(inbox(), (name, docx("second")))
    assert second.state is S.ATTACHED
    assert [file.state for file in room.files()] == ["superseded", "attached"]


def test_a_newer_revision_supersedes_and_an_older_one_never_does(room):
    box = inbox(kinds=["interior"])
    for revision in (1, 3, 2):
        room.bring(box, (f"{isbn(1)}_text_v{revision}.pdf", pdf(f"revision {revision}")))
    assert [(file.revision, file.state) for file in room.files()] == [("1", "superseded"), ("3", "attached"), ("2", "superseded")]
    assert [row.state for row in room.rows()] == [S.ATTACHED, S.ATTACHED, S.SUPERSEDED]


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        (f"{isbn(1)}_manuscript.pdf", b"MZ" + b"\0" * 400, "executable"),
        (f"{isbn(1)}_manuscript.zip", packed(**{"a.docx": docx()})[:-30], "archive-broken"),
        (f"{isbn(1)}_manuscript.docx", b"", "empty"),
    ],
)
def test_what_is_not_safe_is_set_aside_with_its_reason(room, name, content, code):
    (outcome,) = room.bring(inbox(), (name, content))
    assert (outcome.state, codes(outcome)) == (S.QUARANTINED, [code])
    assert outcome.reasons[0]["message"]
    assert outcome.reasons[0]["todo"]
    assert room.files() == []


def test_a_hostile_member_is_set_aside_and_the_others_arrive(room):
    pack = packed(**{"../../etc/manuscript.docx": docx(), f"{isbn(1)} manuscript.docx": docx()})
    (outcome,) = room.bring(inbox(), ("pack.zip", pack))
    assert [(member.state, codes(member)) for member in outcome.members] == [(S.QUARANTINED, ["path-traversal"]), (S.ATTACHED, [])]


def test_an_isbn_that_is_not_ours_is_set_aside(room):
    (outcome,) = room.bring(inbox(), (f"{isbn(999)}.docx", docx()))
    assert (outcome.state, codes(outcome)) == (S.QUARANTINED, ["isbn-unknown"])
    assert isbn(999) in outcome.reasons[0]["message"]


def test_a_title_that_is_only_alike_is_proposed(room):
    (outcome,) = room.bring(inbox(), ("The Lamp of Harbour 3 manuscript.docx", docx()))
    assert (outcome.state, codes(outcome)) == (S.PROPOSED, ["title-unsure"])
    assert room.rows()[0].proposals[0]["work_id"] == 3
    assert room.files() == []


def test_a_kind_that_is_not_expected_is_set_aside(room):
    (outcome,) = room.bring(inbox(kinds=["artwork"]), (f"{isbn(1)}_manuscript.docx", docx()))
    assert (outcome.state, codes(outcome)) == (S.QUARANTINED, ["kind-unexpected"])


def test_a_folder_of_the_inbox_says_the_kind(room):
    (outcome,) = room.bring(inbox(folders={"Permissions": "permission"}), (f"Permissions/{isbn(1)}.pdf", pdf()))
    assert (outcome.state, outcome.kind) == (S.ATTACHED, "permission")


def test_documents_of_a_contract_are_on_its_title_and_restricted(room):
    box = inbox(id="rights", flow="rights_documents", kinds=["contract", "statement", "permission"], restricted="rights")
    outcomes = room.bring(
        box, ("contract no 4711 signed.pdf", pdf()), ("contract no 4711/royalty statement 2025-H2.pdf", pdf("two")),
        ("covering letter contract no 4711.pdf", pdf("three")),
    )  # fmt: skip
    assert [(one.state, one.kind) for one in outcomes] == [(S.ATTACHED, "contract"), (S.ATTACHED, "statement"), (S.ATTACHED, "contract")]
    assert {(file.work_id, file.contract_id, file.restricted, file.state) for file in room.files()} == {(1, 4711, "rights", "attached")}
    assert {row.restricted for row in room.rows()} == {"rights"}


def test_a_sidecar_says_whose_the_files_beside_it_are(room):
    sidecar = f'{{"isbn": "{isbn(3)}", "type": "artwork"}}'.encode()
    outcomes = room.bring(inbox(), ("drop/frontispiece.tif", picture()), ("drop/metadata.json", sidecar))
    assert [(one.state, one.work_id) for one in outcomes] == [(S.ATTACHED, 3), (S.ATTACHED, 3)]
    assert [(file.kind, file.part) for file in room.files()] == [("artwork", "frontispiece"), ("unknown", "metadata")]


def test_review_roles_of_the_inbox_are_asked(room):
    room.bring(inbox(review=["editorial", "production"]), (f"{isbn(1)}_map.tif", picture()))
    with room.ledger.read() as session:
        from include.ledger.file_rows import ReviewRow

        assert {(row.role, row.verdict) for row in session.query(ReviewRow)} == {("editorial", "pending"), ("production", "pending")}


def test_receiving_again_what_was_received_changes_nothing(room):
    room.bring(inbox(), (f"{isbn(1)}_map.tif", picture()), ("what.docx", docx()))
    before = room.row_counts()
    room.seen -= 1
    outcomes = room.bring(inbox(), (f"{isbn(1)}_map.tif", picture()), ("what.docx", docx()))
    assert outcomes[0].state is S.ATTACHED
    assert room.row_counts() == before


def test_an_older_version_s_bytes_sent_as_a_newer_revision_are_current_again(room):
    for name, words in (("v3", "A"), ("v4", "B"), ("v5", "A")):
        room.bring(inbox(), (f"{isbn(1)} manuscript {name}.docx", docx(words)))
    assert [(file.revision, file.state) for file in room.files()] == [("5", "attached"), ("4", "superseded")]
    room.bring(inbox(), (f"{isbn(1)} manuscript v2.docx", docx("B")))
    assert [(file.revision, file.state) for file in room.files()] == [("5", "attached"), ("4", "superseded")]


@pytest.mark.parametrize(
    "names", [("v3.1 final", "v3.2"), ("v3.2 final", "v3.1 final"), ("v3.1 final", "v3.1"), ("v9", "v10"), ("v3 final", "v4")]
)
def test_a_final_of_a_revision_comes_before_the_next_revision(room, names):
    for name in names:
        room.bring(inbox(), (f"{isbn(1)} manuscript {name}.docx", docx(name)))
    (current,) = room.files(state="attached")
    newest = {"v3.2": "3.2", "v3.1 final": "3.2 final", "v3.1": "3.1 final", "v10": "10", "v4": "4"}
    assert current.revision == newest[names[-1]]


def test_folders_rules_and_sidecars_mean_a_name_however_its_letters_are_composed(room):
    def mac(name):
        return unicodedata.normalize("NFD", name)

    box = inbox(folders={"Verträge": "permission"})
    room.bring(box, (mac(f"Verträge/{isbn(1)} x.docx"), docx()))
    assert room.rows()[-1].kind == "permission"
    decide.remember(room.ledger, "authors", "für uns/**", who="Ines", now=room.now, target=Target(3))
    (ruled,) = room.bring(box, (mac("für uns/manuscript.docx"), docx()))
    assert (ruled.state, ruled.work_id) == (S.ATTACHED, 3)
    sidecar = json.dumps({"files": [{"name": "Bücher.docx", "isbn": isbn(2)}]}).encode()
    _, told = room.bring(box, ("a/list.json", sidecar), (mac("a/Bücher.docx"), docx("two")))
    assert (told.state, told.work_id) == (S.ATTACHED, 2)
