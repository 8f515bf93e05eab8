"""Getty's stand-in into the ledger: one record for each use, unknown terms unknown, nothing twice, whatever breaks."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import requests
from sqlalchemy import event, func, select

from include.errors import TransientError
from include.ledger import licence_lists
from include.ledger.licence_rows import LicenceChangeRow, LicenceState
from include.ledger.models import EventRow, WorkRow
from include.licences import terms
from include.licences.sync import desk_of, small_pictures, untold
from include.partners.licensing import Campaign, LicenceRules
from sandbox.getty.library import ENDED, PREMIUM, id_of, jpeg
from tests.licences.rights_desk import CONFIRM, UNPUBLISHED, Desk
from tests.schema import upgraded

WITHDRAWN = {id_of(6)}  # and another whose licence is older than what most of these tests read
MANAGED = id_of(86)  # bought rights-managed; the words of its order speak of five years and 8,000 copies


def test_every_use_of_every_asset_has_one_record(desk: Desk):
    desk.days = 1_095
    done = desk.sync()
    assert sorted((row.asset_id, row.use) for row in desk.licences()) == desk.uses()
    assert done.counts["new"] == len(desk.uses()) == 26
    assert {row.asset_id for row in desk.licences(state="withdrawn")} == {id_of(6), id_of(27)}
    ended = [row for row in desk.licences() if row.getty_product_id == str(ENDED) and row.withdrawn_at is None]
    assert {row.state for row in ended} == {LicenceState.TERMS_REQUIRED}  # nobody has told what that agreement says
    assert {row.agreement_ends_on for row in ended} == {str((desk.now - timedelta(days=560)).date())}


def test_what_getty_never_publishes_is_unknown_until_somebody_says_it(desk: Desk):
    desk.agreements = ()
    desk.sync()
    for row in desk.licences():
        for name in UNPUBLISHED:
            told = row.terms[name]
            assert told["state"] == "unknown" or told["source"] == "prose", (row.asset_id, name, told)
        assert row.state != LicenceState.CLEARED
        assert row.ends_on == "" or row.terms["ends"]["source"] == "prose"


def test_an_agreement_of_the_house_says_them_with_who_read_it_and_when(desk: Desk):
    desk.sync()
    row = desk.licence(id_of(0))
    ends, where = row.terms["ends"], row.terms["territories"]
    assert (ends["state"], where["state"], row.terms["print_run"]["state"]) == ("perpetual", "unlimited", "unlimited")
    assert ends["source"] == "agreement"
    assert ends["checked_at"] == "2026-09-02"
    assert ends["checked_by"] == "rightsmanager"
    assert "LQ-2025-118" in ends["reference"]
    assert row.terms["agreement_ends"]["source"] == "api"
    assert str(PREMIUM) in row.terms["agreement_ends"]["reference"]
    assert (row.state, row.ends_on, row.territories) == (LicenceState.CLEARED, "", "*")


def test_every_term_says_where_it_comes_from_and_when_it_was_looked_at(desk: Desk):
    desk.sync()
    for row in desk.licences():
        for name, term in terms.read(row):
            assert not term.known or (term.source and term.checked_at), (row.asset_id, name)


def test_a_managed_licence_needs_its_invoice_whatever_its_order_says_in_words(desk: Desk):
    desk.sync()
    row = desk.licence(MANAGED)
    held = terms.read(row)
    assert (held.print_run, held["print_run"].source, held["ends"].source) == (8000, "prose", "prose")
    assert row.state == LicenceState.TERMS_REQUIRED
    assert row.territories == ""
    assert row.invoice.startswith("GI-")
    assert "five years" in row.notes
    assert any("invoice" in why for why in terms.reasons(row, desk.now.date()))


def test_an_editorial_asset_on_a_cover_is_blocked(desk: Desk):
    desk.account.turn(license={"asset_id": id_of(91), "notes": "colophon:1001/-/cover", "days_ago": 1, "product_id": 6203})
    desk.sync()
    row = next(one for one in desk.licences(asset_id=id_of(91)) if one.use.startswith("download"))
    assert (row.editorial_only, row.state) == (True, LicenceState.BLOCKED)


def test_licences_serve_the_titles_that_our_notes_name(desk: Desk):
    desk.account.turn(license={"asset_id": id_of(33), "notes": "colophon:901001/-/cover", "days_ago": 9})
    done = desk.sync()
    first = desk.licence(id_of(0))
    (served,) = first.serves
    assert (served.work_id, served.role, served.source) == (1001, "cover", "note")
    assert served.product_id
    assert [row.id for row in desk.licences(work_id=1001)] == [first.id]
    (whole,) = [row for row in desk.licences() if "/-/" in row.notes and row.serves]
    assert whole.serves[0].product_id == 0
    with desk.ledger.read() as session:
        shown = licence_lists.served(session, [first])[1001, served.product_id]
    assert (bool(shown.isbn), shown.product_id) == (True, served.product_id)
    told = [one for one in done.problems if "901001" in one["what"]]
    assert len(told) == 1
    assert "no title of ours" in told[0]["what"]
    lost = next(row for row in desk.licences() if "901001" in row.notes)
    assert not lost.serves
    assert lost.state != LicenceState.CLEARED


def test_pictures_are_kept_once_fetched_without_credentials_and_what_is_none_is_left_out(desk: Desk, monkeypatch: Any):
    desk.days = 80
    desk.sync()
    given = {"agreements": (), "campaigns": (), "rules": LicenceRules(), "store": desk.store, "now": desk.now}
    fetch = partial(small_pictures, desk_of(desk.ledger, desk.account.client(), **given))
    with monkeypatch.context() as few:  # Getty shows the newest no more, and that keeps no older one waiting
        for most in ("MOST", "ASSETS"):
            few.setattr(f"include.licences.pictures.{most}", 1)
        few.delitem(desk.account.stand_in.state.images, desk.licences(withdrawn_at=None)[-1].asset_id)
        assert fetch().counts == {"pictures": 1}
    one = desk.licences(withdrawn_at=None, thumbnail="")[0].asset_id
    with monkeypatch.context() as page:
        page.setattr("sandbox.getty.app.jpeg", lambda asset, *words: b"<html>" if asset == one else jpeg(asset, *words))
        assert fetch().counts == {"pictures": 2, "without a picture": 1}
    assert [fetch().counts, fetch().counts] == [{"pictures": 1}, {}]
    assert desk.account.stand_in.state.requests["media"] == 5
    assert desk.account.stand_in.state.credentials_at_delivery == 0
    for row in desk.licences(withdrawn_at=None):
        with desk.store.open(row.thumbnail) as picture:
            assert picture.read(3) == b"\xff\xd8\xff"


def test_a_note_is_told_once_and_tied_as_soon_as_its_title_is_known(desk: Desk):
    desk.account.turn(license={"asset_id": id_of(33), "notes": "colophon:901001/-/cover", "days_ago": 9})
    first = untold(desk.ledger, desk.sync().problems, now=desk.now)
    assert len(first) == 1
    assert untold(desk.ledger, desk.sync().problems, now=desk.now) == []
    with desk.ledger.session() as session:
        session.add(WorkRow(id=901_001, title="Late", digest="", content=b"{}", first_seen=desk.now, changed_at=desk.now))
    assert desk.sync().problems == ()
    (row,) = desk.licences(work_id=901_001)
    assert row.serves[0].work_id == 901_001


def test_a_project_code_that_is_a_campaign_ties_the_licence_to_it(desk: Desk):
    campaign = Campaign(id="spring", name="Spring", starts=desk.now.date(), ends=desk.now.date())
    desk.campaigns = (campaign,)
    desk.account.turn(license={"asset_id": id_of(50), "notes": "posters", "project_code": "spring", "days_ago": 1})
    desk.sync()
    (row,) = desk.licences(campaign="spring")
    assert (row.asset_id, row.serves[0].role) == (id_of(50), "promotion")


def test_a_second_run_changes_nothing(desk: Desk):
    desk.sync()
    before, asked = desk.everything(), sum(desk.account.stats["requests"].values())
    done = desk.sync()
    assert desk.everything() == before
    assert set(done.counts) <= {"products"}
    assert sum(desk.account.stats["requests"].values()) - asked <= 7


# --- withdrawals


def test_withdrawals_are_kept_and_then_confirmed(desk: Desk):
    desk.sync()
    assert {row.asset_id for row in desk.licences(state="withdrawn")} == WITHDRAWN
    assert all(row.withdrawn_at for row in desk.licences(state="withdrawn"))
    kept = desk.changes()
    assert {one.asset_id for one in kept if one.lifecycle == "Delete"} == WITHDRAWN | {id_of(27)}
    assert all(one.confirmed_at for one in kept)
    assert desk.account.stats["changes_waiting"] == 0


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_run_that_dies_between_our_commit_and_the_confirmation_records_nothing_twice(desk: Desk, when: str):
    with pytest.raises(Killed):
        desk.sync(session=lambda: Mortal(on="DELETE", when=when))
    kept = desk.changes()
    assert kept
    assert not any(one.confirmed_at for one in kept)
    assert desk.account.stats["changes_waiting"] == (0 if when == "after" else 4)
    history = _history(desk)
    desk.sync()
    assert desk.account.stats["changes_waiting"] == 0
    assert desk.account.stats["mutations"] == {CONFIRM: 1}
    assert [one.id for one in desk.changes()] == [one.id for one in kept]
    assert all(one.confirmed_at for one in desk.changes())
    assert [one for one in _history(desk) if one[1] == "state"] == [one for one in history if one[1] == "state"]


def test_a_change_that_dies_before_our_commit_is_told_again(desk: Desk):
    with pytest.raises(Killed):
        desk.sync(session=lambda: Mortal(on="PUT", when="after"))
    assert desk.changes() == []
    assert desk.account.stats["mutations"] == {}
    desk.sync()
    assert {row.asset_id for row in desk.licences(state="withdrawn")} == WITHDRAWN


def test_a_licence_that_comes_after_its_withdrawal_is_withdrawn(desk: Desk):
    desk.sync()
    desk.account.turn(license={"asset_id": id_of(20), "days_ago": 0})
    desk.account.turn(withdraw=id_of(20))
    desk.account.fault(status=503, on="GET /v3/downloads", times=50)
    with pytest.raises(TransientError):
        desk.sync()
    desk.account.call("faults", {})
    desk.sync()
    assert desk.licence(id_of(20)).state == LicenceState.WITHDRAWN


def test_an_asset_that_comes_back_is_not_withdrawn_any_more(desk: Desk):
    desk.sync()
    desk.account.turn(notify=[id_of(6), "New"])
    desk.sync()
    row = desk.licence(id_of(6))
    assert row.withdrawn_at is None
    assert row.state == LicenceState.TERMS_REQUIRED
    assert any("no longer shows" in why for why in terms.reasons(row, desk.now.date()))
    assert ("withdrawn", "available again", "licence_sync") in desk.history(row.id)


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 2, 1), (3, 1, 2)])
def test_the_last_word_about_an_asset_counts_in_whatever_order_a_set_tells_it(desk: Desk, order: tuple[int, ...]):
    desk.sync()
    told = {1: ("Delete", 3), 2: ("New", 2), 3: ("Delete", 1)}
    _notified(desk, *((id_of(0), *told[place]) for place in order))
    desk.sync()
    assert desk.licence(id_of(0)).state == LicenceState.WITHDRAWN


def test_an_older_word_that_comes_late_lifts_no_withdrawal(desk: Desk):
    desk.sync()
    _notified(desk, (id_of(0), "Delete", 1))
    desk.sync()
    _notified(desk, (id_of(0), "New", 3))
    desk.sync()
    assert desk.licence(id_of(0)).state == LicenceState.WITHDRAWN


def test_what_came_back_before_we_licensed_it_is_not_withdrawn(desk: Desk):
    desk.sync()
    _notified(desk, (id_of(20), "Delete", 3))
    desk.sync()
    _notified(desk, (id_of(20), "New", 2))
    desk.sync()
    desk.account.turn(license={"asset_id": id_of(20), "days_ago": 0})
    desk.sync()
    assert desk.licence(id_of(20)).withdrawn_at is None


def test_withdrawals_that_getty_no_longer_keeps_are_said_to_be_missing(desk: Desk):
    assert not [one for one in desk.sync().problems if "nobody asked" in one["what"]]
    desk.now += timedelta(days=40)
    (told,) = [one for one in desk.sync().problems if one["where"] == "asset changes"]
    assert "Getty keeps them for 14 days" in told["what"]
    assert not [one for one in desk.sync().problems if one["where"] == "asset changes"]


def _notified(desk: Desk, *changes: tuple[str, str, int]) -> None:
    """(asset, lifecycle, days ago) wait on the channel, in this order."""
    for asset, lifecycle, days in changes:
        at = (desk.now - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")
        desk.account.stand_in.state.waiting.append({"id": asset, "lifecycle": lifecycle, "type": None, "at": at})


@pytest.mark.parametrize("casing", ["samples", "yaml"])
def test_changes_are_read_in_every_casing(desk: Desk, casing: str):
    desk.account.turn(casing=casing)
    desk.sync()
    assert {row.asset_id for row in desk.licences(state="withdrawn")} == WITHDRAWN


# --- what changes


def test_what_getty_tells_otherwise_is_in_the_history(desk: Desk):
    desk.sync()
    id = desk.licence(id_of(0)).id
    desk.account.turn(image={"id": id_of(0), "set": {"allowed_use": {
        "how_can_i_use_it": "Ask.", "release_info": "Not released", "usage_restrictions": ["No use in Quebec or on mugs."],
        "editorial_use_only": False}}})  # fmt: skip
    desk.account.turn(notify=[id_of(0), "Update"])
    desk.sync()
    row = desk.licence(id_of(0))
    assert row.state == LicenceState.REVIEW
    fields = [field for field, _, who in desk.history(id) if who == "licence_sync"]
    assert {"restrictions", "releases", "state"} <= set(fields)
    assert any("mugs" in why for why in terms.reasons(row, desk.now.date()))


def test_a_prolonged_agreement_reaches_all_its_licences(desk: Desk):
    desk.sync()
    desk.account.turn(agreement_ends={str(PREMIUM): "2029-01-31"})
    before = desk.licences(model="royaltyfree")
    done = desk.sync()
    theirs = [row for row in desk.licences() if row.getty_product_id == str(PREMIUM)]
    assert {row.agreement_ends_on for row in theirs} == {"2029-01-31"}
    assert done.counts["changed"] == len(theirs)
    assert len(desk.licences(model="royaltyfree")) == len(before)


def test_a_licence_ends_with_the_day(desk: Desk):
    (premium,) = [one for one in desk.agreements if one.id == "premium"]
    desk.agreements = (premium.model_copy(update={"terms": premium.terms.model_copy(update={"ends": desk.now.date()})}),)
    desk.sync()
    assert desk.licence(id_of(0)).state == LicenceState.CLEARED
    desk.now += timedelta(days=1)
    assert desk.sync().counts["ended"] >= 1
    assert desk.licence(id_of(0)).state == LicenceState.EXPIRED


@pytest.mark.parametrize(("model", "wanted"), [("royaltyfree", "perpetual"), ("rightsmanaged", "unknown")])
def test_a_model_that_the_history_leaves_out_is_the_assets(desk: Desk, model: str, wanted: str):
    desk.account.turn(image={"id": id_of(0), "set": {"license_model": model}})
    (row,) = [one for one in desk.account.stand_in.state.history if one["id"] == id_of(0)]
    row["license_model"] = None
    desk.sync()
    assert (desk.licence(id_of(0)).model, desk.licence(id_of(0)).terms["ends"]["state"]) == (model, wanted)


# --- trouble


@pytest.mark.parametrize(("part", "word"), [
    ("purchases", "bought"), ("orders", "order"), ("changes", "withdrawals"), ("company_downloads", "all users"),
])  # fmt: skip
def test_a_part_that_the_key_may_not_use_is_told_and_the_rest_goes_on(desk: Desk, part: str, word: str):
    desk.account.turn(disable=[part])
    done = desk.sync()
    assert any(word in one["what"] and "representative" in one["todo"] for one in done.problems), done.problems
    found = desk.licences()
    assert desk.licence(id_of(0)).name
    assert len(found) >= 8
    assert bool([row for row in found if row.order_id]) == (part != "purchases")
    assert bool([row for row in found if row.state == "withdrawn"]) == (part != "changes")
    desk.account.turn(disable=[])
    assert [one for one in desk.sync().problems if word in one["what"]] == []
    desk.now += timedelta(days=8)
    desk.sync()
    assert {row.asset_id for row in desk.licences(state="withdrawn")} == WITHDRAWN
    assert len(desk.licences()) == len(desk.uses())


def test_getty_throttles_and_is_waited_for(desk: Desk):
    desk.account.fault(status=429, times=2)
    desk.sync()
    assert desk.account.waits.seconds
    assert len(desk.licences()) == len(desk.uses())


def test_a_run_that_is_throttled_for_too_long_goes_on_where_it_stood(desk: Desk):
    desk.account.fault(status=429, times=100, on="GET /v3/images")
    with pytest.raises(TransientError):
        desk.sync()
    assert len(desk.licences()) == len(desk.uses())
    assert not desk.licence(id_of(0)).name
    desk.account.call("faults", {})
    asked = desk.account.asked("GET /v3/downloads")
    desk.sync()
    assert desk.licence(id_of(0)).name
    assert desk.account.asked("GET /v3/downloads") - asked <= 2


class Killed(BaseException):
    """What no code of ours catches: the process is gone."""


class Mortal(requests.Session):
    """Dies at its first request of a method, or after so many requests: before it is sent, or before its answer is read."""

    def __init__(self, on: str = "", when: str = "before", lives: list[int] | None = None) -> None:
        super().__init__()
        self.on, self.when, self.lives = on, when, lives

    def request(self, method: Any, *args: Any, **kwargs: Any) -> requests.Response:
        if self.lives is not None:
            self.lives[0] -= 1
        dying = method == self.on or (self.lives is not None and self.lives[0] < 0)
        if dying and self.when == "before":
            raise Killed
        answer = super().request(method, *args, **kwargs)
        if dying:
            raise Killed
        return answer


def _history(desk: Desk) -> list[tuple[int, str, str]]:
    with desk.ledger.read() as session:
        return [(one.licence_id, one.field, one.after) for one in session.scalars(select(LicenceChangeRow).order_by(LicenceChangeRow.id))]


def _snapshot(desk: Desk) -> Any:
    by_id = {row.id: (row.asset_id, row.use) for row in desk.licences()}
    rows = [(row.asset_id, row.use, row.state, row.name, row.invoice, row.terms, len(row.serves)) for row in desk.licences()]
    changes = sorted((*by_id[id], field, after) for id, field, after in _history(desk))
    asset_changes = sorted((one.asset_id, one.lifecycle, one.confirmed_at is not None) for one in desk.changes())
    return sorted(rows, key=lambda row: row[:2]), changes, asset_changes


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_again_and_again_it_ends_as_if_it_never_was(desk: Desk, when: str):
    lives, runs = [0], 0
    while True:
        lives[0], runs = 3 + runs, runs + 1
        try:
            desk.sync(session=lambda: Mortal(when=when, lives=lives))
        except Killed:
            assert runs < 60
            continue
        break
    assert runs > 5
    _as_if_it_never_was(desk)


def test_killed_before_any_commit_it_ends_as_if_it_never_was(desk: Desk):
    lives, runs = [0], 0

    def commit(connection: Any) -> None:
        lives[0] -= 1
        if lives[0] < 0:
            connection.exec_driver_sql("ROLLBACK")  # what the database does once the process is gone
            raise Killed

    event.listen(desk.ledger.engine, "commit", commit)
    while True:
        lives[0], runs = 3 + runs, runs + 1
        try:
            desk.sync()
        except Killed:
            assert runs < 60
            continue
        break
    assert runs > 5
    event.remove(desk.ledger.engine, "commit", commit)
    _as_if_it_never_was(desk)


def _as_if_it_never_was(desk: Desk) -> None:
    """Compared with a run that nobody disturbed, by the day on which it began."""
    from tests.licences.rights_desk import NOW, desk_of

    broken = _snapshot(desk)
    with desk.ledger.read() as session:
        assert session.scalar(select(func.count()).select_from(EventRow))
    desk.account.call("reset", {})
    from include.ledger.database import Ledger

    ledger = Ledger(f"sqlite:///{desk.folder / 'whole.sqlite'}")
    upgraded(ledger)
    whole = desk_of(desk.account, ledger, desk.store, desk.folder)
    whole.now = NOW
    whole.sync()
    assert broken == _snapshot(whole)
    ledger.dispose()
