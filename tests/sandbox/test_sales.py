"""Reports that the sandbox's shops send: the same every time, true to what they say of themselves."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from openpyxl import load_workbook

from sandbox.catalogue import Catalogue
from sandbox.sales import LAYOUTS, folder_of, make
from sandbox.sales.retail import fiscal_month

CATALOGUE = Catalogue(1, 60, date(2026, 11, 21))


@pytest.mark.parametrize("layout", list(LAYOUTS))
def test_the_same_words_make_the_same_bytes_and_another_month_others(tmp_path: Path, layout: str):
    told = make(CATALOGUE, tmp_path, {"layout": layout, "month": "2026-09", "name": "one"})
    assert make(CATALOGUE, tmp_path, {"layout": layout, "month": "2026-09", "name": "two"}) == told | {"name": "two"}
    one = (tmp_path / "one").read_bytes()
    assert one == (tmp_path / "two").read_bytes()
    make(CATALOGUE, tmp_path, {"layout": layout, "month": "2026-08", "name": "three"})
    assert one != (tmp_path / "three").read_bytes()
    assert folder_of(layout)


def test_totals_told_are_those_of_the_file(tmp_path: Path):
    """Added up again from the file, column by column."""
    told = make(CATALOGUE, tmp_path, {"layout": "generic", "month": "2026-09", "hazards": ["not_held", "unknown_isbn"]})
    header, *rows = [line.split(",") for line in (tmp_path / told["name"]).read_text("utf-8-sig").splitlines()]
    net: dict[str, Decimal] = {}
    for row in rows:
        cells = dict(zip(header, row, strict=True))
        net[cells["Currency"]] = net.get(cells["Currency"], Decimal(0)) + Decimal(cells["Net value"])
    assert net == {currency: Decimal(cell["net"]) for currency, cell in told["totals"].items()}
    assert {one["hazard"] for one in told["planted"]} == {"not_held", "unknown_isbn"}


def test_a_restated_month_differs_by_one_changed_and_one_new_line(tmp_path: Path):
    lines = []
    for hazards in ([], ["restated"]):
        told = make(CATALOGUE, tmp_path, {"layout": "kobo", "month": "2026-09", "hazards": hazards, "name": f"{len(hazards)}.xlsx"})
        lines.append(set(load_workbook(tmp_path / told["name"]).active.iter_rows(values_only=True)))
    assert (len(lines[0] - lines[1]), len(lines[1] - lines[0])) == (1, 2)


def test_apples_fiscal_months():
    assert fiscal_month(date(2026, 10, 1)) == (date(2026, 9, 27), date(2026, 10, 31))
    assert fiscal_month(date(2022, 12, 1)) == (date(2022, 11, 27), date(2022, 12, 31))  # the year of 53 weeks


@pytest.mark.parametrize(
    "wrong",
    [{"layout": "nokia"}, {"layout": "kobo", "month": "Sept"}, {"layout": "kobo", "hazards": ["meteor"]}, {"layout": "kobo", "x": 1}],
)
def test_what_makes_no_sense_is_refused(tmp_path: Path, wrong: dict[str, object]):
    with pytest.raises(ValueError, match=r"layout|month|hazards|a report has"):
        make(CATALOGUE, tmp_path, wrong)
