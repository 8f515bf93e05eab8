from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from include.errors import ConfigurationError
from include.readiness import assess
from include.readiness.assess import after
from include.readiness.model import CheckState, State, Todo
from include.titles.model import Contributor, Product, Resource, Text, Work
from tests.feeds.titles import of_work
from tests.readiness.titles import ELECTRONIC, FINISHED, HARDBACK, SPOKEN, TODAY, check, file, house, in_days

HOUSE = house()
DONE, MISSING, LATE, NOT_ASKED = CheckState.DONE, CheckState.MISSING, CheckState.LATE, CheckState.NOT_ASKED


def judge(product=HARDBACK, files=FINISHED, contracts=(), todos=(), preflights=None, today=TODAY, rules=HOUSE):
    return assess.assess(product, files, contracts, todos, preflights or {}, today, rules)


# --- states and risk


def test_a_title_with_everything_is_ready_and_at_no_risk():
    judged = judge()
    assert (judged.state, judged.late, judged.risk) == (State.READY, False, "")
    assert judged.done == judged.wanted > 15


def test_what_is_missing_far_from_its_day_is_open_without_risk():
    judged = judge(files=[])
    assert (judged.state, judged.late, judged.risk) == (State.OPEN, False, "")
    assert check(judged, "interior-approved").state is MISSING


@pytest.mark.parametrize(
    ("days", "state", "risk"),
    [(100, State.OPEN, ""), (98, State.OPEN, "low"), (71, State.OPEN, "low"), (70, State.OPEN, "high"), (69, State.LATE, "high")],
)
def test_a_printed_book_is_due_seventy_days_ahead_and_warned_of_twenty_eight_days_earlier(days, state, risk):
    judged = judge(in_days(HARDBACK, days), files=[])
    assert (judged.state, judged.risk) == (state, risk)


def test_an_e_book_has_less_far_to_go_than_a_printed_book():
    assert judge(in_days(ELECTRONIC, 30), files=[]).state is State.OPEN
    assert judge(in_days(ELECTRONIC, 20), files=[]).state is State.LATE
    assert judge(in_days(SPOKEN, 29), files=[]).state is State.LATE


def test_lead_times_are_the_houses_own_and_the_longest_form_counts():
    rules = house(lead_days={"BB": 120, "E": 5})
    assert judge(in_days(replace(HARDBACK, form="BB"), 100), files=[], rules=rules).state is State.LATE
    assert judge(in_days(replace(HARDBACK, form="BC"), 100), files=[], rules=rules).state is State.OPEN
    assert judge(in_days(ELECTRONIC, 6), files=[], rules=rules).state is State.OPEN


def test_one_check_may_be_due_earlier_than_the_rest():
    product = of_work(in_days(HARDBACK, 150), texts=())
    judged = judge(product, rules=house(due_days={"main-description-is-present": 180}))
    assert (check(judged, "main-description-is-present").state, check(judged, "short-description-is-present").state) == (LATE, MISSING)
    assert (judged.state, judged.risk) == (State.LATE, "low")


def test_a_check_the_house_does_not_ask_for_is_shown_and_holds_nothing_up():
    product = of_work(HARDBACK, collections=())
    shown = check(judge(product), "series-present")
    assert (shown.state, shown.message) == (NOT_ASKED, "There is no series")
    assert judge(product).state is State.READY
    assert check(judge(product, rules=house(not_asked=[])), "series-present").state is MISSING


def test_an_unknown_code_in_the_house_file_is_named():
    with pytest.raises(ConfigurationError, match="'cover'"):
        assess.check_rules(house(not_asked=["cover"]).readiness)


def test_a_published_title_is_never_late():
    judged = judge(in_days(HARDBACK, -5, publishing_status="04"), files=[])
    assert (judged.state, judged.late, judged.risk) == (State.PUBLISHED, False, "")


def test_a_title_whose_day_has_passed_unready_and_unpublished_is_late():
    product = in_days(HARDBACK, -2)
    assert (judge(product, files=[]).state, judge(product, files=[]).risk) == (State.LATE, "high")
    assert judge(product).state is State.PUBLISHED  # the status lags, nothing is missing


def test_a_postponed_title_has_no_day():
    judged = judge(in_days(HARDBACK, 3, publishing_status="03"), files=[])
    assert (judged.state, judged.risk) == (State.OPEN, "")


def test_a_cancelled_title_is_given_up():
    assert assess.given_up(replace(HARDBACK, publishing_status="01"))
    assert not assess.given_up(HARDBACK)


# --- titles that are hardly titles


def test_a_title_without_a_date_is_open_and_says_so():
    judged = judge(replace(HARDBACK, publication_date=None, planned_date=None))
    assert (judged.state, judged.release, judged.risk) == (State.OPEN, None, "")
    assert check(judged, "publication-date-is-present").message == "There is no publication date"


def test_the_planned_date_counts_where_there_is_no_other():
    judged = judge(replace(HARDBACK, publication_date=None, planned_date=TODAY + timedelta(days=10)), files=[])
    assert (judged.release, judged.state) == (TODAY + timedelta(days=10), State.LATE)
    assert "is planned" in check(judged, "publication-date-is-present").message


@pytest.mark.parametrize("day", [date.min, date(1, 2, 3), date(1492, 1, 1), date(9998, 12, 31), date.max])
def test_absurd_dates_break_nothing(day):
    contract = {"msDeliveryDate": day.isoformat(), "msProofsDate": "2026-13-45", "pubBeforeDate": "soon", "deliveryDates": [None, {}, "x"]}
    judged = judge(replace(HARDBACK, publication_date=day), files=[], contracts=[contract])
    assert judged.state in set(State)
    assert judged.stable_until is None or judged.stable_until > TODAY


def test_an_empty_product_is_judged():
    judged = judge(Product(id=1, work=Work(id=1, title="")), files=[])
    assert judged.state is State.OPEN
    assert check(judged, "product-form-is-present").message == 'Product form is set to "Unknown"'


# --- Consonance's checks


def test_consonances_checks_bear_its_own_names():
    names = [one.name for one in judge().checks]
    assert names[:16] == [
        "Approved cover is present", "Contributor is present", "Price is present", "Publication date is present",
        "Publishing status is present", "Sales rights are present", "Series present", "Approved cover resolution is adequate",
        "Product form is present", "Product form code is not deprecated", "Word count is present", "Page count is present",
        "Only one short description is present", "Biographical note is present", "Main description is present",
        "Short description is present",
    ]  # fmt: skip


BROKEN = {
    "approved-cover-is-present": of_work(HARDBACK, resources=()),
    "contributor-is-present": of_work(HARDBACK, contributors=()),
    "price-is-present": replace(HARDBACK, prices=()),
    "publishing-status-is-present": replace(HARDBACK, publishing_status=""),
    "sales-rights-are-present": replace(HARDBACK, sold_worldwide=None),
    "approved-cover-resolution-is-adequate": of_work(HARDBACK, resources=(Resource(7, "https://e.com/c.jpg", width=300, height=400),)),
    "product-form-is-present": replace(HARDBACK, form="00"),
    "product-form-code-is-not-deprecated": replace(HARDBACK, form="BQ"),
    "page-count-is-present": replace(HARDBACK, pages=None),
    "only-one-short-description-is-present": of_work(HARDBACK, texts=(*HARDBACK.work.texts, Text("02", "Another."))),
    "biographical-note-is-present": of_work(
        HARDBACK, texts=HARDBACK.work.texts[:2], contributors=(Contributor(1, "A01", person_name="Ana Lima"),)
    ),
    "main-description-is-present": of_work(HARDBACK, texts=(HARDBACK.work.texts[0], Text("03", "<p> </p>", html=True))),
    "short-description-is-present": of_work(HARDBACK, texts=HARDBACK.work.texts[1:]),
}  # fmt: skip


@pytest.mark.parametrize("code", BROKEN)
def test_each_check_fails_for_its_own_reason(code):
    broken = judge(BROKEN[code])
    good = {one.code: one.state for one in judge().checks}
    assert good[code] is DONE
    failing = {one.code for one in broken.checks if one.open}
    assert code in failing
    assert failing <= {code, "approved-cover-resolution-is-adequate"}
    assert check(broken, code).todo


def test_a_short_description_for_the_trade_is_no_second_one():
    product = of_work(HARDBACK, texts=(*HARDBACK.work.texts, Text("02", "For booksellers.", audiences=("04",))))
    assert check(judge(product), "only-one-short-description-is-present").state is DONE


def test_a_cover_of_unknown_size_is_not_asked_for_its_resolution():
    product = of_work(HARDBACK, resources=(Resource(7, "https://example.com/c.jpg"),))
    assert check(judge(product), "approved-cover-resolution-is-adequate").state is NOT_ASKED


# --- files


@pytest.mark.parametrize(
    ("product", "codes"),
    [
        (HARDBACK, {"interior-approved", "jacket-approved", "preflight-passed"}),
        (ELECTRONIC, {"ebook-approved", "preflight-passed"}),
        (SPOKEN, {"audio-approved", "preflight-passed"}),
        (replace(HARDBACK, form="PC"), set()),
    ],
)
def test_what_is_wanted_depends_on_the_form(product, codes):
    assert {one.code for one in judge(product).checks if one.code.endswith(("-approved", "-passed"))} == codes


@pytest.mark.parametrize(
    ("approval", "words"),
    [("", "was shown to nobody"), ("pending", "waits for approval"), ("rejected", "was rejected: Spine too narrow")],
)
def test_only_an_approved_file_counts(approval, words):
    judged = judge(files=[file("interior"), file("jacket", approval=approval, note="Spine too narrow")])
    found = check(judged, "jacket-approved")
    assert (found.state, found.message.partition(") ")[2]) == (MISSING, words)
    assert judged.state is State.OPEN


def test_an_editions_own_file_stands_before_the_works():
    judged = judge(files=[file("interior"), file("jacket"), file("jacket", product_id=HARDBACK.id, approval="pending")])
    assert check(judged, "jacket-approved").state is MISSING


def test_another_editions_file_is_not_ours():
    judged = judge(files=[file("interior"), file("jacket", product_id=HARDBACK.id + 1)])
    assert check(judged, "jacket-approved").message == "There is no jacket or cover"


def test_the_works_epub_is_not_the_pdf_edition():
    epub = [file("ebook", media_type="application/epub+zip")]
    assert check(judge(replace(ELECTRONIC, form_details=("E101",)), files=epub), "ebook-approved").state is DONE
    assert check(judge(replace(ELECTRONIC, form_details=("E107",)), files=epub), "ebook-approved").state is MISSING


def test_a_missing_chapter_is_named():
    chapters = [file("audio", part=number, name=f"{number}.mp3", sha256=number * 32) for number in ("01", "02", "04", "07")]
    assert check(judge(SPOKEN, files=chapters), "audio-approved").message == "There is no chapter 3, 5, 6"
    assert check(judge(SPOKEN, files=chapters[:2]), "audio-approved").state is DONE


def test_a_failing_preflight_is_said_in_its_own_words():
    failing = {
        FINISHED[0].sha256: [{"code": "w", "severity": "warn", "message": "Hm"}, {"code": "x", "severity": "fail", "message": "No bleed"}]
    }
    found = check(judge(preflights=failing), "preflight-passed")
    assert (found.state, found.message) == (MISSING, "interior.pdf (revision 2) fails: No bleed")
    assert check(judge(), "preflight-passed").state is NOT_ASKED
    passing = {file.sha256: [] for file in FINISHED}
    assert check(judge(preflights=passing), "preflight-passed").message == "Preflight found nothing that fails"


# --- contract and to-dos


def test_a_manuscript_past_its_day_is_late_even_far_from_publication():
    judged = judge(
        files=[], contracts=[{"msDeliveryDate": "2026-09-01", "revisedMsDeliveryDate": "2026-10-01", "actualMsDeliveryDate": None}]
    )
    found = check(judged, "contract-manuscript")
    assert (found.state, found.due) == (LATE, date(2026, 10, 1))
    assert found.message == "The manuscript is due on 2026-10-01 (first agreed: 2026-09-01)"
    assert (judged.state, judged.risk) == (State.LATE, "low")


def test_a_delivered_manuscript_is_done_by_the_contract_or_by_the_file():
    contract = {"msDeliveryDate": "2026-09-01"}
    assert check(judge(contracts=[contract | {"actualMsDeliveryDate": "2026-09-05"}]), "contract-manuscript").state is DONE
    assert check(judge(files=[*FINISHED, file("manuscript")], contracts=[contract]), "contract-manuscript").state is DONE


def test_other_deliveries_follow_the_slipped_date_and_are_never_guessed():
    rows = [
        {"id": 7, "dateDue": "2026-08-01", "slippedDate": "2026-10-02", "deliverableType": "Artwork"},
        {"id": 8, "dateDue": "2026-08-01", "deliverableType": "Index"},
    ]
    judged = judge(files=[], contracts=[{"deliveryDates": rows}])
    assert (check(judged, "contract-delivery-7").state, check(judged, "contract-delivery-7").due) == (LATE, date(2026, 10, 2))
    assert check(judged, "contract-delivery-8").state is NOT_ASKED
    assert "does not say" in check(judged, "contract-delivery-8").message


def test_what_is_set_in_type_was_delivered_before():
    contract = {"msDeliveryDate": "2026-09-01", "deliveryDates": [{"id": 7, "dateDue": "2026-08-01", "deliverableType": "Illustrations"}]}
    judged = judge(contracts=[contract])
    assert {check(judged, code).state for code in ("contract-manuscript", "contract-delivery-7")} == {DONE}
    permissions = {"deliveryDates": [{"id": 7, "dateDue": "2026-08-01", "deliverableType": "Permissions"}]}
    assert check(judge(contracts=[permissions]), "contract-delivery-7").state is LATE


def test_publication_after_the_contracts_last_day_is_late_at_once():
    judged = judge(contracts=[{"pubBeforeDate": (TODAY + timedelta(days=100)).isoformat()}])
    assert check(judged, "contract-publication").state is LATE
    assert judge(contracts=[{"pubBeforeDate": "2030-01-01"}]).state is State.READY


def test_a_delivery_due_after_the_lead_time_puts_the_date_at_risk_already():
    assert judge(files=[], contracts=[{"msDeliveryDate": (TODAY + timedelta(days=190)).isoformat()}]).risk == "high"


def test_a_terminated_contract_promises_nothing():
    judged = judge(contracts=[{"msDeliveryDate": "2026-09-01", "terminatedDate": "2026-10-01"}])
    assert judged.state is State.READY


def test_a_to_do_counts_only_where_the_calendar_says_whether_it_is_done():
    todos = [
        Todo("Files to press", TODAY - timedelta(days=1), None),
        Todo("Index", TODAY - timedelta(days=1), False),
        Todo("Blurb", None, True),
    ]
    states = [one.state for one in judge(todos=todos).checks if one.code == "to-do"]
    assert states == [NOT_ASKED, LATE, DONE]


# --- the days between


def test_the_same_sources_read_the_same_until_the_day_that_was_told():
    """Judged every day for a year and a half, a title changes only on the days that the judgement before had announced."""
    contract = {"msDeliveryDate": "2026-12-24", "msProofsDate": "2027-02-03", "pubBeforeDate": "2028-01-01"}
    product, files = in_days(HARDBACK, 300), [file("jacket", approval="pending")]
    before = judge(product, files, [contract])
    changes = 0
    for number in range(1, 500):
        today = after(TODAY, number)
        now = judge(product, files, [contract], today=today)
        same = (now.state, now.late, now.risk, now.checks) == (before.state, before.late, before.risk, before.checks)
        assert same or before.stable_until == today, today
        if before.stable_until is not None and today < before.stable_until:
            assert same
        changes += not same
        before = now
    assert changes > 3


def test_the_houses_defaults_name_checks_that_exist():
    assess.check_rules(HOUSE.readiness)
