"""EDItEUR's code lists as data."""

from __future__ import annotations

import pytest

from include.feeds import codelists


def test_a_code_has_its_heading() -> None:
    assert codelists.label(150, "BC") == "Paperback / softback"
    assert codelists.label(64, "07") == "Out of print"
    assert codelists.label(150, "QQ") == ""
    assert codelists.label(9999, "01") == ""


@pytest.mark.parametrize(
    ("code", "issue", "known"), [("BC", 36, True), ("SH", 75, True), ("SH", 74, False), ("AN", 44, False), ("QQ", 75, False)]
)
def test_a_code_is_known_from_its_issue_on(code: str, issue: int, known: bool) -> None:
    assert codelists.is_known(150, code, issue) is known


def test_onix_21_has_product_forms_of_its_own() -> None:
    assert codelists.is_known(7, "DG", generation="2.1")
    assert not codelists.is_known(150, "DG")
    assert codelists.label(7, "DG", generation="2.1") == "Electronic book text"


def test_deprecated_codes_are_marked() -> None:
    assert codelists.codes(27)["12"].deprecated  # BIC
    assert not codelists.codes(27)["93"].deprecated  # Thema


def test_every_code_with_an_issue_of_its_own_is_in_its_list() -> None:
    for number, issues in codelists._issues().items():
        assert not set(issues) - set(codelists.codes(number)), number
        assert all(34 < issue <= codelists.NEWEST for issue in issues.values())
