"""The hostile corpus dropped into an inbox under a title's ISBN: only what is wrong with a file keeps it off the title."""

from __future__ import annotations

from include.ledger.file_rows import IntakeState as S
from include.transfer.naming import is_safe
from tests.files.hostile import CASES
from tests.intake.room import docx, inbox, isbn


def test_no_hostile_file_reaches_a_title_and_none_stops_the_others(room):
    usual = [case for case in CASES if is_safe(case.name) and case.limits == inbox().limits]  # others no listing gives
    assert len(usual) >= 60
    files = [(f"{isbn(1)}/{number} x/{case.name}", case.make()) for number, case in enumerate(usual)]
    good = (f"{isbn(2)}_manuscript.docx", docx())
    outcomes = room.bring(inbox(kinds=[]), *files, good)
    assert outcomes[-1].state is S.ATTACHED
    hostile = set()
    for case, (path, _), outcome in zip(usual, files, outcomes, strict=False):
        if "." in case.want:
            assert outcome.state in {S.ATTACHED, S.SUPERSEDED, S.DUPLICATE, S.UNPACKED, S.PROPOSED}, (path, outcome.reasons)
            continue
        hostile.add(outcome.id)
        assert (outcome.state, [reason["code"] for reason in outcome.reasons]) == (S.QUARANTINED, [case.want]), path
        assert all(reason["message"] and reason["todo"] for reason in outcome.reasons), path
    refused_members = {one.id for outcome in outcomes for one in outcome.members if one.reasons}
    assert refused_members
    refused = [row for row in room.rows() if row.id in hostile | refused_members]
    assert {(row.title_file_id, row.preview) for row in refused} == {(None, "")}
