"""For whom a title is: what Consonance says, else what the main subject says, else the house's word."""

from __future__ import annotations

from dataclasses import replace

import pytest

from include.feeds.audience import audience_codes
from include.partners import load_house
from include.titles.model import Subject, Work

PLAIN = Work(1, "A Title")


@pytest.mark.parametrize(
    ("subjects", "codes"),
    [
        ([Subject("10", "JUV002000", main=True), Subject("93", "YFC", main=True)], ("02",)),
        ([Subject("10", "YAF001000", main=True), Subject("93", "YFC", main=True)], ("03",)),
        ([Subject("93", "YNA", main=True)], ("02",)),
        ([Subject("12", "YF", main=True)], ("02",)),
        ([Subject("10", "FIC000000", main=True), Subject("10", "JUV002000")], ("01",)),
        ([], ("01",)),
    ],
)
def test_children_and_young_adults_are_known_by_the_main_subject(subjects, codes):
    assert audience_codes(replace(PLAIN, subjects=tuple(subjects)), load_house()) == codes


def test_what_consonance_says_counts_first():
    work = replace(PLAIN, audiences=("06",), subjects=(Subject("10", "JUV002000", main=True),))
    assert audience_codes(work, load_house()) == ("06",)
