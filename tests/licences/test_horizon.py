"""What ends before it is needed: thresholds, publications, reprints, campaigns, agreements."""

from __future__ import annotations

from datetime import date

import pytest

from include.errors import TransientError
from include.ledger import licences
from include.licences import flags, horizon
from include.partners.licensing import Campaign
from tests.licences.library import Library

HORIZONS = (180, 90, 60, 30, 0)
ONE = (1, 0, "cover")


@pytest.mark.parametrize(
    ("days", "threshold"), [(181, None), (180, 180), (91, 180), (90, 90), (61, 90), (40, 60), (30, 30), (1, 30), (0, 0), (-3, 0)]
)
def test_of_passed_thresholds_only_the_nearest_counts(days: int, threshold: int | None) -> None:
    assert horizon.nearest(days, HORIZONS) == threshold


def test_a_licence_is_flagged_as_its_end_comes_near_and_once_it_has_ended(library: Library) -> None:
    library.title(1)
    library.licence(ONE, ends="2027-05-21")  # 181 days
    seen = []
    for days in (0, 1, 90, 31, 30, 29, 1):
        library.later(days)
        library.check()
        seen.append(library.open())
    assert seen == [[], [("expiry", 180)], [("expiry", 90)], [("expiry", 60)], [("expiry", 30)], [("expiry", 0)], [("expired", -1)]]


def test_perpetual_use_ends_never_also_where_the_agreement_does(library: Library) -> None:
    library.title(1)
    library.licence(ONE, agreement_ends="2026-12-01")
    assert library.check() == {}


def test_a_licence_that_ends_with_its_agreement_is_a_matter_of_the_agreement(library: Library) -> None:
    library.title(1)
    library.licence(ONE, ends="2026-12-31", agreement_ends="2026-12-31")
    library.check()
    (flag,) = library.flags()
    assert (flag.cause, flag.threshold, flag.team, flag.due_on) == ("agreement", 60, "rights", "2026-12-31")


def test_an_unknown_end_is_flagged_with_the_agreement_and_never_passes(library: Library) -> None:
    library.title(1)
    library.licence(ONE, ends=None, agreement_ends="2026-12-31")
    library.check()
    assert library.open() == [("agreement", 60), ("terms", -1)]
    assert "End is unknown" in library.flags()[1].message


def test_a_publication_after_the_end_is_flagged_by_its_own_date(library: Library) -> None:
    library.title(1, {"publication_date": date(2027, 2, 18)}, {"publication_date": date(2026, 11, 1)})
    library.licence(ONE, ends="2027-02-17")
    library.check()
    (expiry, publication) = library.flags()
    assert (expiry.cause, publication.cause, publication.threshold, publication.product_id) == ("expiry", "publication", 90, 10)
    assert "9781402000102 is published on 2027-02-18" in publication.message.replace("(", "").replace(")", "")


def test_a_publication_on_the_last_day_of_use_is_in_time(library: Library) -> None:
    library.title(1, {"publication_date": date(2027, 2, 17)})
    library.licence(ONE, ends="2027-02-17")
    library.check()
    assert library.open() == [("expiry", 90)]


def test_a_publication_before_the_licence_begins_is_flagged_until_it_does(library: Library) -> None:
    library.title(1, {"publication_date": date(2026, 12, 10)})
    library.licence(ONE, starts="2027-01-01")
    library.check()
    assert library.open() == [("publication", 30)]
    library.later(25)
    library.check()
    assert library.open() == [("publication", 0)]
    library.later(16)
    assert library.check() == {"gone": 1}


def test_a_reprint_after_the_end_is_flagged_once_for_each_threshold_with_who_must_act(library: Library) -> None:
    library.title(1)
    licence = library.licence(ONE, ends="2027-08-01")
    library.runs[1] = [{"id": 5, "name": "Second printing", "deliveryDate": "2027-09-01", "productIds": [10]}]
    days = [103, 1, 89, 1, 29, 1, 29, 1, 29, 1, 1]  # the day before each threshold, and the day itself
    for day in days:
        library.later(day)
        library.check()
        library.check()
    with library.ledger.read() as session:
        found = [one for one in reversed(licences.flags(session, licence)) if one.cause == "reprint"]
    seen = [(one.threshold, one.team, one.due_on, str(one.opened_at.date())) for one in found]
    assert seen == [
        (180, "production", "2027-09-01", "2027-03-05"),
        (90, "production", "2027-09-01", "2027-06-03"),
        (60, "production", "2027-09-01", "2027-07-03"),
        (30, "production", "2027-09-01", "2027-08-02"),
        (0, "production", "2027-09-01", "2027-09-01"),
    ]


def test_a_reprint_of_another_edition_or_before_the_end_is_no_matter(library: Library) -> None:
    library.title(1, {}, {"form": "BB"})
    library.licence((1, 10, "cover"), ends="2027-01-31")
    library.runs[1] = [
        {"id": 5, "name": "Hardback", "deliveryDate": "2027-02-10", "productIds": [11]},
        {"id": 6, "name": "In time", "deliveryDate": "2027-01-10", "productIds": [10]},
        {"id": 7, "name": "Without a date", "deliveryDate": None, "productIds": [10]},
    ]
    library.check()
    assert library.open() == [("expiry", 90)]


def test_production_runs_are_asked_only_of_works_that_they_matter_to(library: Library) -> None:
    library.title(1)
    library.title(2)
    library.title(3, {"form": "ED"})
    library.licence(ONE)
    library.licence((2, 0, "cover"), ends="2030-01-01")
    library.licence((2, 0, "interior"), ends="2030-01-01")
    library.licence((3, 0, "cover"), ends="2030-01-01")
    library.check()
    assert library.asked == [2]


def test_runs_that_can_not_be_read_leave_their_flags_and_stop_nothing(library: Library) -> None:
    library.title(1)
    library.licence(ONE, ends="2027-01-31")
    library.runs[1] = [{"id": 5, "name": "Second printing", "deliveryDate": "2027-02-10"}]
    library.check()
    library.title(2)
    library.licence((2, 0, "cover"), ends="2026-12-01")

    def broken(work_id: int) -> list[dict[str, object]]:
        raise TransientError("no answer", where="Consonance")

    library.later(1)
    done = flags.check(library.ledger, library.rules, runs_of=broken, now=library.now)
    assert done.counts == {"licences": 2, "raised": 1, "gone": 0, "changed": 0}
    assert [one["where"] for one in done.problems] == ["production runs in Consonance"]
    assert library.open() == [("expiry", 90), ("reprint", 90), ("expiry", 30)]


def test_a_campaign_that_outlasts_its_image_is_marketings(library: Library) -> None:
    library.title(1)
    library.campaigns = (
        Campaign(id="spring", name="Spring list", titles=(), starts=date(2027, 2, 1), ends=date(2027, 5, 31), territories=("GB",)),
    )
    library.licence(campaign="spring", ends="2027-04-30")
    library.check()
    (expiry, campaign) = library.flags()
    assert (expiry.threshold, campaign.cause, campaign.threshold, campaign.team) == (180, "campaign", 90, "marketing")
    assert campaign.message.endswith("the licence ends on 2027-04-30, while it runs.")
    assert campaign.due_on == "2027-04-30"


def test_a_campaign_shows_the_cover_of_its_titles_not_what_is_inside(library: Library) -> None:
    library.title(1)
    isbn = "9781402000102"
    library.campaigns = (Campaign(id="spring", name="Spring", titles=(isbn,), starts=date(2026, 12, 1), ends=date(2028, 5, 31)),)
    library.licence((1, 10, "cover"), asset="1", ends="2028-01-31")
    library.licence((1, 10, "interior"), asset="2", ends="2028-01-31")
    library.check()
    assert library.open() == [("campaign", 30)]


def test_a_date_that_moves_is_a_matter_of_its_own(library: Library) -> None:
    library.title(1, {"publication_date": date(2027, 2, 18)})
    library.licence(ONE, ends="2027-02-17")
    library.check()
    library.move(10, publication_date=date(2027, 3, 18))
    assert library.check() == {"raised": 1, "gone": 1}
    assert [(one.cause, one.threshold, one.due_on) for one in library.flags()] == [
        ("expiry", 90, "2027-02-17"),
        ("publication", 180, "2027-03-18"),
    ]


def test_titles_that_are_cancelled_or_gone_need_no_licence(library: Library) -> None:
    library.title(1, {"publication_date": date(2027, 2, 18), "publishing_status": "01"})
    library.licence(ONE, ends="2027-02-17")
    library.check()
    assert library.open() == [("expiry", 90)]
