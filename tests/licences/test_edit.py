"""What a person says of a licence: it stands, it can be taken back, it is in the history."""

from __future__ import annotations

import pytest

from include.errors import RejectedData
from include.ledger.licence_rows import LicenceState
from include.licences import edit, terms
from sandbox.getty.library import id_of
from tests.licences.rights_desk import Desk

WHO = "rightsmanager"


def test_a_persons_word_stands_and_can_be_taken_back(desk: Desk):
    desk.sync()
    row = desk.licence(id_of(0))
    assert edit.set_term(desk.ledger, row.id, "ends", state="known", value="2027-06-30", note="by letter", who=WHO, now=desk.now)
    assert not edit.set_term(desk.ledger, row.id, "ends", state="known", value="2027-06-30", note="by letter", who=WHO, now=desk.now)
    desk.sync()
    told = terms.read(desk.licence(id_of(0)))
    assert (told["ends"].source, told["ends"].checked_by, desk.licence(id_of(0)).ends_on) == ("person", WHO, "2027-06-30")
    assert [one.source for one in told.others("ends")] == ["agreement"]
    assert edit.set_term(desk.ledger, row.id, "ends", state="unknown", who=WHO, now=desk.now)
    assert terms.read(desk.licence(id_of(0))).perpetual
    assert [who for field, _, who in desk.history(row.id) if field == "ends"] == [WHO, WHO]


def test_what_getty_restricts_in_words_is_settled_by_a_person(desk: Desk):
    desk.account.turn(image={"id": id_of(0), "set": {"allowed_use": {
        "release_info": "Model released", "usage_restrictions": ["Ask first."], "editorial_use_only": False}}})  # fmt: skip
    desk.sync()
    row = desk.licence(id_of(0))
    assert row.state == LicenceState.REVIEW
    edit.set_term(desk.ledger, row.id, "restrictions", state="known", note="asked on 3 May", who=WHO, now=desk.now)
    assert desk.licence(id_of(0)).state == LicenceState.CLEARED
    desk.sync()
    assert desk.licence(id_of(0)).state == LicenceState.CLEARED


def test_a_licence_is_tied_and_untied_and_the_note_does_not_tie_it_again(desk: Desk):
    desk.sync()
    row = desk.licence(id_of(0))
    assert edit.serve(desk.ledger, row.id, work_id=1002, role="interior", who=WHO, now=desk.now)
    assert not edit.serve(desk.ledger, row.id, work_id=1002, role="interior", who=WHO, now=desk.now)
    noted = next(one for one in desk.licence(id_of(0)).serves if one.source == "note")
    assert edit.unserve(desk.ledger, row.id, noted.id, who=WHO, now=desk.now)
    assert not edit.unserve(desk.ledger, row.id, noted.id, who=WHO, now=desk.now)
    desk.sync()
    assert [one.work_id for one in desk.licence(id_of(0)).serves] == [1002]
    assert [after for field, after, _ in desk.history(row.id) if field == "serves"] == ["work 1002 as interior", ""]


@pytest.mark.parametrize(("field", "state", "value"), [
    ("ends", "known", "31.12.2027"), ("ends", "unlimited", None), ("territories", "known", ["UK"]), ("territories", "perpetual", None),
    ("print_run", "known", "many"), ("formats", "known", []), ("new_editions", "known", "maybe"), ("agreement_ends", "known", "2027-01-01"),
    ("editorial_only", "known", "no"), ("use", "known", ["mug"]),
])  # fmt: skip
def test_what_can_be_no_term_is_refused_with_what_could(desk: Desk, field: str, state: str, value: object):
    with pytest.raises(RejectedData) as refused:
        edit.set_term(desk.ledger, 1, field, state=state, value=value, who=WHO, now=desk.now)  # type: ignore[arg-type]
    assert refused.value.todo


def test_a_title_that_is_not_there_can_not_be_tied(desk: Desk):
    desk.sync()
    for wanted in ({"work_id": 7}, {}, {"work_id": 1001, "product_id": 3}, {"work_id": 1001, "role": "mug"}):
        with pytest.raises(RejectedData):
            edit.serve(desk.ledger, 1, **wanted, who=WHO, now=desk.now)  # type: ignore[arg-type]
