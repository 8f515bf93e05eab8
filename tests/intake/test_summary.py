"""What a run says: to the log, to who is to be told, and nothing of restricted files."""

from __future__ import annotations

import os
from datetime import timedelta

import pytest

from include.errors import PermanentError
from include.intake import run
from include.intake.summary import summary
from tests.intake.room import docx, inbox, isbn, pdf, picture
from tests.intake.test_collect import Inbox
from tests.transfer.conftest import SFTP


def told(room, box, problems=()):
    with room.ledger.read() as session:
        return summary(session, box, room.now, room.now, problems)


def test_people_are_told_what_was_set_aside_and_why(room):
    box = inbox(notify=["editor@house.example"])
    room.bring(box, (f"{isbn(1)}_map.tif", picture()), (f"{isbn(99)}.docx", docx()))
    subject, text = told(room, box).notice()
    assert subject == "Authors: 1 file set aside"
    assert f"{isbn(99)}.docx" in text
    assert "not ours" in text
    assert "1 attached, 1 quarantined" in told(room, box).sentence


def test_a_contract_in_an_open_inbox_is_told_of_without_its_name(room):
    box = inbox()
    room.bring(box, (f"{isbn(1)} Smith contract 4711.pdf", pdf()), (f"{isbn(99)}.docx", docx()))
    subject, text = told(room, box).notice()
    assert subject == "Authors: 2 files set aside"
    assert f"{isbn(99)}.docx" in text
    assert "Smith" not in text
    assert "1 that the role rights can see" in text


def test_nobody_is_told_when_all_went_well_or_of_an_earlier_run(room):
    box = inbox()
    room.bring(box, (f"{isbn(99)}.docx", docx()))
    room.now += timedelta(hours=1)
    assert told(room, box).notice() is None
    room.bring(box, (f"{isbn(1)}_map.tif", picture()))
    assert told(room, box).notice() is None


def test_of_restricted_files_only_their_number_is_told(room, servers):
    it = Inbox(room, servers, SFTP, id="rights", flow="rights_documents", restricted="rights", kinds=["contract"])
    it.drop("Secret agreement with Smith.pdf", pdf())
    (it.folder / "processed").write_bytes(b"in the way")  # nothing can be moved there
    half = room.store.arriving()
    half.write_bytes(b"of a file that nobody asked for again")
    os.utime(half, times=((room.now - timedelta(days=3)).timestamp(),) * 2)
    lines = []
    with servers.remote(SFTP, folder="/inbox/drop") as remote:
        from include.intake.look import look

        ids = [id for id, _ in look(room.ledger, it.inbox, remote, now=room.now).ready]
        given = (room.ledger, room.store, it.inbox, remote)
        run.take(*given, ids, now=room.now, say=lines.append)
        with pytest.raises(PermanentError, match="could not be moved away") as stopped:
            run.finish(*given, since=room.now, now=room.now, say=lines.append)
    assert not half.exists()
    assert not any("Smith" in line for line in [*lines, str(stopped.value)])
    subject, text = told(room, it.inbox).notice()
    assert "Smith" not in subject + text
    assert "rights" in text


def test_a_file_that_the_server_will_not_give_stays_an_arrival_and_is_told(room, servers, monkeypatch):
    from include.errors import PermanentError as No
    from include.transfer.sftp_lane import SftpLane

    async def refused(*_args, **_kwargs):
        raise No("permission denied", where="northgate: /inbox/drop/map.tif")

    it = Inbox(room, servers, SFTP)
    it.drop(f"{isbn(1)}_map.tif", picture())
    with monkeypatch.context() as patch:
        patch.setattr(SftpLane, "read", refused)
        report = it.run()
    assert report.problems
    (row,) = room.rows()
    assert (row.state, row.reasons[0]["code"]) == ("arriving", "not-fetched")
    assert [one.id for one in told(room, it.inbox).stuck] == [row.id]
    assert [str(one.state) for one in it.run().outcomes] == ["attached"]
    assert room.rows()[0].reasons == []


def test_a_restricted_file_is_restricted_from_its_first_look(room, servers):
    it = Inbox(room, servers, SFTP, restricted="rights", finished={"rule": "two_looks"})
    it.drop("Secret agreement with Smith.pdf", pdf())
    it.run()
    assert [(row.state, row.restricted) for row in room.rows()] == [("arriving", "rights")]
