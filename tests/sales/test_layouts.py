"""Every shipped layout reads its sample to the totals that were added up by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sales.cases import DATA, LAYOUTS, given, name_of, read, want

CASES = sorted(path.parent for path in DATA.glob("*/*/want.json"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}-{case.name}")
def test_a_report_is_read_to_its_hand_written_totals(case: Path) -> None:
    wanted = want(case)
    found = read(given(case), name_of(case)).summary()
    wanted["controls"] = sorted(wanted.get("controls", found["controls"]))
    assert {key: found[key] for key in wanted} == wanted


@pytest.mark.parametrize("case", [case for case in CASES if case.parent.name != "hazards"], ids=lambda case: case.parent.name)
def test_the_size_of_batches_changes_nothing(case: Path) -> None:
    whole, by_two = read(given(case), name_of(case)), read(given(case), name_of(case), rows_at_once=2)
    assert sorted(map(str, by_two.lines)) == sorted(map(str, whole.lines))
    assert by_two.summary() == whole.summary()


def test_every_layout_has_a_sample_that_names_the_source_of_its_header() -> None:
    for layout in LAYOUTS:
        cases = [case for case in CASES if want(case)["layout"] == layout.id]
        assert cases, layout.id
        assert all("header" in (case / "SOURCE.md").read_text(encoding="utf-8").lower() for case in cases)
