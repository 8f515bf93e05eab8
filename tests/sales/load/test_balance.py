"""Controls of a report against its lines: to the cent, with what explains a difference."""

from __future__ import annotations

from decimal import Decimal

import pytest

from include.errors import RejectedData
from include.sales import decide
from tests.sales.load.reports import NOW, SEA, Read, line, take

TWO = [line(), line(SEA, 3, "7.5050")]


def codes(loaded):
    return [reason["code"] for reason in loaded.reasons]


def test_a_report_that_comes_to_its_footer_is_balanced(ledger, store):
    controls = [("rows", "", "2"), ("units", "", "4"), ("net", "GBP", "10.005")]
    loaded = take(ledger, store, Read(TWO, controls=controls))
    assert (loaded.state, codes(loaded)) == ("loaded", [])
    assert [(one["difference"], one["open"]) for one in loaded.controls] == [("0", "0"), ("0", "0"), ("0.00", "0")]


def test_a_difference_of_a_tenth_of_a_cent_is_unbalanced_and_told_exactly(ledger, store):
    loaded = take(ledger, store, Read(TWO, controls=[("net", "GBP", "10.006")]))
    (control,) = loaded.controls
    assert (loaded.state, control["stated"], control["found"], control["difference"], control["open"]) == (
        "unbalanced", "10.006", "10.005", "0.001", "0.001",
    )  # fmt: skip
    assert loaded.reasons[0]["message"] == "net GBP: the lines come to 10.005, the report says 10.006: 0.001 missing, unexplained"


def test_a_tolerance_is_for_money_and_named_as_what_explains_it(ledger, store):
    controls = [("net", "GBP", "10.00"), ("units", "", "5")]
    loaded = take(ledger, store, Read(TWO, controls=controls), tolerance="0.01")
    money, units = loaded.controls
    assert (money["open"], money["explained"]) == ("0", [{"amount": "-0.005", "why": "within the tolerance of 0.01"}])
    assert (loaded.state, units["open"]) == ("unbalanced", "1")


@pytest.mark.parametrize(
    ("rejected", "skipped", "why"),
    [
        (3, {}, ["3 rows rejected"]),
        (0, {"not verified yet": 3}, ["3 rows: not verified yet"]),
        (1, {"not verified yet": 2, "totals and notes": 1}, ["1 row rejected", "2 rows: not verified yet"]),
    ],
)
def test_rows_that_were_refused_or_passed_over_explain_missing_rows(ledger, store, rejected, skipped, why):
    loaded = take(ledger, store, Read(TWO, controls=[("rows", "", "5")], rejected=rejected, skipped=skipped))
    (control,) = loaded.controls
    assert (loaded.state, control["open"], [one["why"] for one in control["explained"]]) == ("loaded", "0", why)


def test_rows_that_nothing_explains_stay_open(ledger, store):
    loaded = take(ledger, store, Read(TWO, controls=[("rows", "", "9")], rejected=3))
    assert (loaded.state, loaded.controls[0]["open"], loaded.controls[0]["explained"]) == ("unbalanced", "7", [])


def test_controls_that_contradict_each_other_are_told_with_their_places(ledger, store):
    loaded = take(ledger, store, Read(TWO, controls=[("net", "GBP", "10.005"), ("net", "GBP", "11")]), tolerance="1")
    assert (loaded.state, codes(loaded)) == ("unbalanced", ["controls-disagree"])
    assert loaded.reasons[0]["message"] == "the report states net GBP differently: 10.005 (row 90), 11 (row 91)"


def test_subtotals_that_come_to_the_whole_explain_themselves_and_others_do_not(ledger, store):
    nets = [("net", "GBP", amount) for amount in ("4.00", "3.00", "3.005", "6.00", "4.005", "10.005")]  # by month, by shop, all
    for wrong in (nets[:2] + nets[-1:], [*nets[-1:], ("net", "GBP", "20.010")]):
        assert take(ledger, store, Read(TWO, controls=wrong), dry_run=True).state == "unbalanced"
    whole = take(ledger, store, Read(TWO, controls=nets))
    assert (whole.state, whole.controls[0]["explained"][0]["why"]) == ("loaded", "one of 5 subtotals, which come to 20.01")


def test_a_sheet_that_was_taken_for_a_copy_is_asked_about_unless_a_total_of_the_whole_proves_it(ledger, store):
    copied = ["'UK' has the same lines as 'US'"]
    asked = take(ledger, store, Read(TWO, copied=copied), dry_run=True)
    assert (asked.state, codes(asked)[0]) == ("unbalanced", "sheet-copied")
    proven = take(ledger, store, Read(TWO, copied=copied, controls=[("net", "GBP", "10.005")]), dry_run=True)
    assert (proven.state, codes(proven)) == ("loaded", [])


def test_a_report_without_controls_says_so_and_is_loaded(ledger, store):
    loaded = take(ledger, store, TWO)
    assert (loaded.state, codes(loaded), loaded.controls) == ("loaded", ["no-controls"], ())


def test_yen_have_no_cents_in_what_is_told(ledger, store):
    loaded = take(ledger, store, Read([line(net="1200", currency="JPY")], controls=[("net", "JPY", "1200")]))
    assert (loaded.controls[0]["found"], loaded.to_json()["net"]) == ("1200", {"JPY": "1200"})


def test_a_person_approves_with_a_note_that_explains_the_rest(ledger, store):
    batch = take(ledger, store, Read(TWO, controls=[("net", "GBP", "9.00")])).batch
    with pytest.raises(RejectedData, match="needs a note"):
        decide.approve(ledger, batch, now=NOW, who="ben")
    row = decide.approve(ledger, batch, now=NOW, who="ben", note="their fee of September")
    again = decide.approve(ledger, batch, now=NOW, who="cyd", note="again")
    assert (row.state, row.decided_by, again.decided_by) == ("approved", "ben", "ben")
    (control,) = again.controls
    assert (control["open"], control["explained"]) == ("0", [{"amount": "-1.005", "why": "their fee of September (ben)"}])
    assert Decimal(control["difference"]) == Decimal("-1.005")


def test_a_refused_batch_cant_be_approved(ledger, store):
    take(ledger, store, TWO)
    refused = take(ledger, store, [line()], name="restated.csv")
    with pytest.raises(RejectedData, match="it is refused"):
        decide.approve(ledger, refused.batch, now=NOW, who="ben", note="yes")
