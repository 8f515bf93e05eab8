"""Digests of lines: the same for the same line for ever, since those of years ago are compared with tomorrow's."""

from __future__ import annotations

from decimal import Decimal

import pytest

from include.sales import digests, staging, store
from tests.sales.load.reports import Read, line

WANT = ["4c83be0162ada21110ce9d84721e152a", "0f2559fad54cb2c6a1fbf29e90c6312b", "2b2632abcd544cb473a1d7b8d9966021"]
FULL = line(transaction="Ä-1", author="A. Lima", gross="5", fees="0.4", list_price="9.99", rate="1.1")


def digests_of(tmp_path, *lines, rows_at_once=3):
    given = [{name: Decimal(value) if name in digests.AMOUNTS and value else value for name, value in one.items()} for one in lines]
    staged = staging.stage(Read(given, rows_at_once=rows_at_once), tmp_path / "lines.parquet")
    return [value.as_py().hex() for batch in store.in_file(staged.path, ["digest"]) for value in batch.column("digest")]


def test_digests_are_what_they_always_were(tmp_path):
    assert digests_of(tmp_path, line(), line(), FULL) == WANT


@pytest.mark.parametrize(
    "change",
    [
        {"units": 2}, {"net": "2.51"}, {"net": None}, {"net": "0"}, {"currency": "USD"}, {"kind": "return"}, {"model": "rental"},
        {"channel": "x"}, {"territory": "IE"}, {"transaction": "Ä-2"}, {"fees": None}, {"id_value": "9780306406157"},
        {"other_ids": "sku:1"}, {"rate": "1.2"}, {"date": None}, {"class_of_trade": "x"}, {"paid": "1", "paid_currency": "GBP"},
    ],
)  # fmt: skip
def test_what_a_line_says_makes_its_digest(tmp_path, change):
    one, other = digests_of(tmp_path, FULL, FULL | change)
    assert one[2:] != other[2:]


@pytest.mark.parametrize(
    "change",
    [{"sheet": "Sheet 2"}, {"period": "2026-08"}, {"title": "THE LAMP"}, {"author": None}, {"net": "2.5000"}, {"class_of_trade": ""}],
)
def test_where_it_stands_and_how_it_is_written_do_not(tmp_path, change):
    (one,), (other,) = digests_of(tmp_path, FULL), digests_of(tmp_path, FULL | change)
    assert one == other


def test_a_title_says_which_product_it_is_where_nothing_else_does(tmp_path):
    nameless = FULL | {"id_type": None, "id_value": None}
    one, other = digests_of(tmp_path, nameless, nameless | {"title": "The Sea"})
    assert one != other


def test_neighbours_and_batches_change_nothing(tmp_path):
    lines = [line(units=number % 3, transaction=f"T{number % 11}", title="x" * (number % 300)) for number in range(60)]
    assert digests_of(tmp_path, *lines, rows_at_once=1) == digests_of(tmp_path, *lines, rows_at_once=60)
    assert len(set(digests_of(tmp_path, *lines))) == 60
    assert sorted(digests_of(tmp_path, *lines[::-1])) == sorted(digests_of(tmp_path, *lines))


def test_lines_in_the_middle_of_a_batch_are_what_they_are_in_one_of_their_own():
    fees = (Decimal(1), None, Decimal(3), Decimal(4), None, Decimal(6))
    (batch,) = Read([line(units=number) | {"fees": fee} for number, fee in enumerate(fees)], rows_at_once=6)
    whole = digests.hashes(batch)
    for start in range(6):
        assert [lane.tolist() for lane in digests.hashes(batch.slice(start))] == [lane[start:].tolist() for lane in whole]
