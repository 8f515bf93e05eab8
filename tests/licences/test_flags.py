"""Flags: raised once, settled by people, closed by themselves; and what they stop."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Any

import pytest
from sqlalchemy import event

from include.deliveries.build import FeedBuild
from include.errors import ConfigurationError, PermanentError, RejectedData
from include.ledger import licences
from include.ledger.licence_rows import LicenceFlagRow
from include.ledger.models import FeedRecordRow
from include.licences import flags
from include.partners import load_party
from include.partners.licensing import LicenceRules, Team
from include.partners.registry import load_partner
from tests.licences.library import Library

ONE = (1, 0, "cover")


@pytest.fixture
def ending(library: Library) -> int:
    """A licence that ends in forty days."""
    library.title(1)
    return library.licence(ONE, ends="2026-12-31")


def test_a_threshold_that_was_passed_late_raises_only_the_nearest(library: Library, ending: int) -> None:
    assert library.check() == {"raised": 1}
    assert library.open() == [("expiry", 60)]


def test_a_second_check_of_the_same_day_changes_nothing(library: Library, ending: int) -> None:
    library.title(2, {"sold_worldwide": None})
    library.licence((2, 0, "cover"), ends=None, territories=["GB"], editorial_only=True)
    library.check()
    written = []
    event.listen(library.ledger.engine, "before_cursor_execute", lambda *call: written.append(call[2]))
    assert library.check() == {}
    assert [sql for sql in written if not sql.startswith(("SELECT", "PRAGMA", "BEGIN"))] == []


def test_the_next_threshold_takes_the_place_of_the_one_before(library: Library, ending: int) -> None:
    library.check()
    library.later(10)
    assert library.check() == {"raised": 1, "gone": 1}
    assert library.open() == [("expiry", 30)]
    assert library.flags("gone")[0].note == "30 days before it has a flag of its own"


def test_what_is_acknowledged_or_resolved_stays_so_until_the_next_threshold(library: Library, ending: int) -> None:
    library.check()
    (flag,) = library.flags()
    assert flags.acknowledge(library.ledger, flag.id, "ada", "asked the agency", library.now)
    assert not flags.acknowledge(library.ledger, flag.id, "ada", "", library.now)
    library.later(1)
    assert library.check() == {}
    assert flags.resolve(library.ledger, flag.id, "ada", "", library.now)
    assert library.check() == {}
    (flag,) = library.flags()
    assert (flag.state, flag.decided_by, flag.note) == ("resolved", "ada", "asked the agency")
    library.later(9)
    assert library.check() == {"raised": 1}
    assert library.open() == [("expiry", 30)]


def test_resolving_settles_earlier_thresholds_of_the_matter_with_it(library: Library, ending: int) -> None:
    library.check()
    flags.acknowledge(library.ledger, library.flags()[0].id, "ada", "", library.now)
    library.later(10)
    library.check()
    flags.resolve(library.ledger, library.flags("open")[0].id, "ada", "renewed", library.now)
    assert [row.state for row in library.flags()] == ["resolved", "resolved"]


def test_a_licence_that_is_extended_closes_its_flags_and_a_new_end_is_a_new_matter(library: Library, ending: int) -> None:
    library.check()
    library.say(ending, ends="2027-12-31")
    assert library.check() == {"gone": 1}
    library.say(ending, ends="2026-12-31")
    assert library.check() == {"raised": 1}
    (flag,) = library.flags()
    assert (flag.state, flag.note, flag.mailed_in) == ("open", "", 0)
    library.say(ending, ends="2026-12-28")
    assert library.check() == {"raised": 1, "gone": 1}


def test_who_settled_one_unknown_term_has_not_settled_the_next(library: Library) -> None:
    library.title(1)
    licence = library.licence(ONE, ends=None, print_run=None)
    library.check()
    (flag,) = library.flags()
    flags.resolve(library.ledger, flag.id, "ada", "a gift of the artist", library.now)
    library.say(licence, print_run=5000)
    assert "raised" not in library.check()
    library.say(licence, territories=None)
    assert library.check() == {"raised": 1}
    (flag,) = library.flags("open")
    assert "Territories are unknown" in flag.message
    assert library.check() == {}


def test_a_flag_that_is_gone_can_not_be_settled_and_one_that_is_not_there_is_told(library: Library, ending: int) -> None:
    library.check()
    library.say(ending, ends="perpetual")
    library.check()
    with pytest.raises(RejectedData, match="its cause is gone"):
        flags.resolve(library.ledger, library.flags("gone")[0].id, "ada", "", library.now)
    with pytest.raises(PermanentError, match="there is no flag 99"):
        flags.acknowledge(library.ledger, 99, "ada", "", library.now)


def test_a_flag_that_somebody_settles_while_a_check_runs_stays_settled(library: Library, ending: int) -> None:
    library.check()
    (flag,) = library.flags()
    library.say(ending, ends="perpetual")
    with library.ledger.session() as session:
        moves = flags._moves(ending, [flag], [], False, library.rules)
        session.get(LicenceFlagRow, flag.id).state = "resolved"
        session.flush()
        flags._write(session, moves, Counter(), library.now)
    assert library.flags()[0].state == "resolved"


def test_a_check_that_is_killed_in_the_middle_ends_right_the_next_time(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flags, "PAGE", 2)
    for number in range(1, 7):
        library.title(number)
        library.licence((number, 0, "cover"), ends="2026-12-31")

    def killed(session: Any, moves: Any, counts: Any, now: Any) -> None:
        write(session, moves, counts, now)
        if moves[0].licence_id > 2:
            session.flush()
            raise KeyboardInterrupt

    write = flags._write
    monkeypatch.setattr(flags, "_write", killed)
    with pytest.raises(KeyboardInterrupt):
        library.check()
    assert len(library.flags()) == 2
    monkeypatch.setattr(flags, "_write", write)
    assert library.check() == {"raised": 4}
    assert len(library.flags()) == 6


def test_teams_are_those_of_the_house_and_the_rest_is_nobodys_or_the_last_ones() -> None:
    rules = LicenceRules(teams=(Team(role="marketing", causes=("campaign",)),))
    assert (flags.team_of("campaign", rules), flags.team_of("territory", rules)) == ("marketing", "")


def test_a_cause_that_does_not_exist_is_told_with_the_known_ones(library: Library) -> None:
    library.rules = LicenceRules(blocks=("withdrwan",))
    with pytest.raises(ConfigurationError, match=r"there is no cause 'withdrwan'.*withdrawn"):
        library.check()


def test_flags_of_the_house_are_known_causes() -> None:
    from include.partners import load_house

    flags.check_rules(load_house().licences)


# --- what they stop


@pytest.fixture
def expired(library: Library) -> Library:
    """Two titles, one with an image whose licence has ended, which a second title shares."""
    for number in (1, 2, 3):
        library.title(number, {"publication_date": date(2026, 1, 1)})
    library.licence(ONE, (2, 0, "interior"), asset="4711", ends="2026-11-20")
    library.check()
    return library


def feed(library: Library, licences: str) -> dict[int, FeedRecordRow]:
    partner = load_partner("northgate")
    partner = partner.model_copy(update={"feed": partner.feed.model_copy(update={"licences": licences})})
    FeedBuild(library.ledger, library.store, partner, library.house, library.now).build()
    with library.ledger.read() as session:
        return {row.product_id: row for row in session.query(FeedRecordRow)}


def test_a_flag_stops_every_title_that_its_licence_serves(expired: Library) -> None:
    with expired.ledger.read() as session:
        found = licences.blocking(session, [1, 2, 3])
        why = licences.stopping(session, {10: 1, 30: 3})
    assert {work: [flag.cause for flag in rows] for work, rows in found.items()} == {1: ["expired"], 2: ["expired"]}
    assert list(why) == [10]


def test_a_feed_that_heeds_licences_holds_the_title_and_says_which_licence_and_what_to_do(expired: Library) -> None:
    rows = feed(expired, "stop")
    assert {id: row.state for id, row in rows.items()} == {10: "held", 20: "held", 30: "pending"}
    (reason,) = rows[10].reasons
    assert reason["code"] == "licence-expired"
    assert "image 4711 (A lighthouse in fog) forbids it: Its use ended on 2026-11-20" in reason["message"]
    assert "Renew it or replace the image" in reason["todo"]
    assert reason["path"] == "licence 1, asset 4711"


def test_once_the_flag_is_resolved_the_title_goes(expired: Library) -> None:
    feed(expired, "stop")
    flags.resolve(expired.ledger, expired.flags()[0].id, "ada", "renewed by letter", expired.now)
    assert {row.state for row in feed(expired, "stop").values()} == {"pending"}


def test_a_feed_that_does_not_heed_them_sends(expired: Library) -> None:
    assert {row.state for row in feed(expired, "ignore").values()} == {"pending"}


def test_a_flag_of_one_edition_stops_no_other_edition(library: Library) -> None:
    library.rules = library.rules.model_copy(update={"blocks": ("format",)})
    library.title(1, {}, {"form": "ED"})
    library.licence(ONE, formats=["print"])
    library.check()
    with library.ledger.read() as session:
        assert list(licences.stopping(session, {10: 1, 11: 1})) == [11]


def test_a_printer_that_heeds_licences_waits(expired: Library) -> None:
    from include.packages import handoff

    party = load_party("inkwell")
    wish = party.handoff.model_copy(update={"licences": "stop"})
    party = party.model_copy(update={"handoff": wish})
    making = handoff.make(expired.ledger, expired.store, party, expired.house, 10, lambda work: (), now=expired.now)
    assert making.new is None
    assert making.reasons[0]["code"] == "licence-expired"
    assert "licence 1 of the image 4711" in making.reasons[0]["message"]


def test_the_last_look_before_a_package_leaves_stops_it(expired: Library) -> None:
    from include.deliveries.build import Run
    from include.ledger.packages import Stopped
    from include.packages import leaving
    from include.packages.build import NewPackage, made, prepare

    party, store = load_party("inkwell"), expired.store
    party = party.model_copy(update={"handoff": party.handoff.model_copy(update={"licences": "stop"})})
    items = [made(store, "text", "book.pdf", b"%PDF")]
    new = NewPackage(party=party, flow="print_handoff", subject="9781402000102", items=items, folder="in", work_id=1, product_id=10)
    row = prepare(expired.ledger, store, new, now=expired.now, run=Run())
    with pytest.raises(Stopped, match="licence 1 of the image 4711"):
        leaving.refuse(expired.ledger, party, expired.house, row.delivery_id, now=expired.now)
