"""What people are told about reports of sales."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace

import pytest

from colophon.notifiers.sales import late_notices, question_notice, report_notice
from include.partners.registry import load_house
from include.sales.arrivals import Taken
from include.sales.calendar import Due
from include.sales.periods import Days


def due(source: str, period: str, currency: str = "") -> Due:
    return Due(source, source.title(), period, Days(date(2026, 9, 1), date(2026, 9, 30)), date(2026, 10, 20), "late", currency)


def test_each_source_hears_of_its_late_reports_once():
    kobo, ingram = late_notices([due("lightning_source", "2026-09", "USD"), due("kobo", "2026-08"), due("kobo", "2026-09")])
    assert kobo.subject == "Kobo: 2 reports late"
    assert kobo.to == ("sales@lanternandquill.example",)
    assert "2026-08: was due on 2026-10-20" in kobo.text
    assert ingram.subject == "Lightning Source: 1 report late"
    assert "2026-09, USD" in ingram.text


def test_what_was_set_aside_is_told_to_the_house_with_its_reason():
    notice = report_notice(Taken(1, "elsewhere/x.csv", "set aside", said=("no source sends files here. Add its folder.",)))
    assert notice is not None
    assert notice.to == (load_house().notify or (load_house().sender.email,))
    assert "Add its folder" in notice.text
    assert "Quarantine" in notice.text


@pytest.mark.parametrize(
    "quiet",
    [Taken(1, "a", "duplicate", "kobo", 3, said=("all known",)), Taken(1, "a", "batch", "kobo", 3, asks=True, said=("x",)), Taken(1, "a",
    "batch", "kobo", 3)],
)  # fmt: skip
def test_nobody_is_told_of_what_needs_nobody_or_is_asked_anyhow(quiet):
    assert report_notice(quiet) is None


def test_a_question_says_what_does_not_agree_and_where_to_answer():
    taken = Taken(1, "apple/report.txt.gz", "batch", "apple_books", 12, "unbalanced", asks=True, said=("net: 1.00 missing",)).to_json()
    notice = question_notice({"ti": SimpleNamespace(dag_id="sales_load__sales"), "task": None}, taken)
    assert notice.subject == "Apple Books: does apple/report.txt.gz count?"
    assert "net: 1.00 missing" in notice.text
    assert "Required Actions of sales_load__sales" in notice.text
