"""Lists of licences for people: filters, pages that turn both ways, what stops a delivery."""

from __future__ import annotations

import pytest

from include.errors import PermanentError
from include.ledger import licences
from include.ledger.licence_rows import FlagState, LicenceFlagRow
from include.ledger.licences import Wish
from sandbox.getty.library import id_of
from tests.licences.rights_desk import Desk


@pytest.fixture
def shelf(desk: Desk) -> Desk:
    desk.sync()
    return desk


def test_pages_turn_both_ways_and_show_each_licence_once(shelf: Desk):
    with shelf.ledger.read() as session:
        whole = [row.id for row in licences.page(session, Wish(), limit=100)]
        seen: list[int] = []
        after = None
        while found := licences.page(session, Wish(), after=after, limit=3):
            seen += [row.id for row in found]
            after = licences.key_of(found[-1])
        assert seen == whole
        last = licences.page(session, Wish(), before=licences.key_of(licences.get(session, whole[5])), limit=3)
        assert [row.id for row in last] == whole[2:5]
        assert [row.id for page in licences.rows(session, limit=4) for row in page] == sorted(whole)
        with pytest.raises(PermanentError):
            licences.get(session, 10_000)


def test_filters_find_what_people_look_for(shelf: Desk):
    first = shelf.licence(id_of(0))
    with shelf.ledger.read() as session:
        title, isbn = licences.titles(session, [first])[1001, first.serves[0].product_id]
    for words in (id_of(0), first.name[:12], title, isbn, f"{isbn[:3]}-{isbn[3:]}"):
        assert first.id in [row.id for row in shelf.licences(words=words)], words
    managed = next(row for row in shelf.licences(model="rightsmanaged") if row.ends_on)
    assert [row.id for row in shelf.licences(words=managed.invoice)] == [managed.id]
    assert {row.territories for row in shelf.licences(territory="GB")} == {"*"}
    assert {row.territories for row in shelf.licences(territory="unknown")} == {""}
    assert [row.id for row in shelf.licences(ends_until="2040-01-01")] == [managed.id]
    assert all(not row.serves for row in shelf.licences(serving=False))
    assert len(shelf.licences(serving=False)) + len(shelf.licences(serving=True)) == len(shelf.uses())
    with shelf.ledger.read() as session:
        assert licences.horizon(session) == {managed.ends_on[:7]: {managed.state: 1}}


def test_only_blocking_flags_that_nobody_has_settled_stop_a_delivery(shelf: Desk):
    licence = shelf.licence(id_of(0))
    common = {"licence_id": licence.id, "work_id": 1001, "team": "rights", "opened_at": shelf.now}
    with shelf.ledger.session() as session:
        session.add_all([
            LicenceFlagRow(cause="withdrawn", blocking=True, **common),
            LicenceFlagRow(cause="expiry", blocking=False, **common),
            LicenceFlagRow(cause="editorial", blocking=True, state=FlagState.RESOLVED, **common),
            LicenceFlagRow(cause="territory", blocking=True, state=FlagState.ACKNOWLEDGED, **common),
        ])
    with shelf.ledger.read() as session:
        found = licences.blocking(session, [1001, 1002, 0])
        assert {work: [flag.cause for flag in flags] for work, flags in found.items()} == {1001: ["withdrawn", "territory"]}
        assert len(licences.flags(session, licence.id)) == 4
        assert licences.choices(session)["team"] == ["rights"]
    assert [row.id for row in shelf.licences(team="rights")] == [licence.id] == [row.id for row in shelf.licences(flagged=True)]
    assert shelf.licences(team="production") == []
