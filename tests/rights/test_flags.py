"""Sales and usage where no rights are held: what is flagged, what is not, and that nothing is guessed."""

from __future__ import annotations

from decimal import Decimal

import pytest

from include.errors import RejectedData
from include.ledger import sales
from include.ledger.sales_rows import SalesProductRow
from include.rights import flags, gathered, spans
from include.rights.held import Finding, Rights, of_any
from include.rights.report import gather
from tests.rights.shelf import DARK, LAMP, LAMP_ID, MOON, NOW, SEA, SEA_ID, fill, line, rights, sell

HELD, NOT_HELD, UNKNOWN, NOT_TOLD = Finding.HELD, Finding.NOT_HELD, Finding.UNKNOWN, Finding.NOT_TOLD


@pytest.mark.parametrize(
    ("rights", "territory", "finding", "told"),
    [
        (Rights(), "GB", UNKNOWN, "unknown"),
        (Rights(), "", UNKNOWN, "unknown"),
        (Rights(worldwide=False), "GB", UNKNOWN, "unknown"),
        (Rights(worldwide=True), "GB", HELD, "worldwide"),
        (Rights(worldwide=True), "", HELD, "worldwide"),
        (Rights(True, (), ("US", "CA")), "US", NOT_HELD, "worldwide except 2 countries"),
        (Rights(True, (), ("US",)), "GB", HELD, "worldwide except 1 country"),
        (Rights(True, (), ("US",)), "", NOT_TOLD, "worldwide except 1 country"),
        (Rights(False, ("GB",)), "GB", HELD, "1 country"),
        (Rights(None, ("GB",)), "US", NOT_HELD, "1 country"),
        (Rights(False, ("GB",)), "GB-SCT", HELD, "1 country"),
        (Rights(False, ("GB", "IE"), ("GB",)), "GB", NOT_HELD, "1 country"),
        (Rights(False, (), ("US",)), "US", NOT_HELD, "unknown"),
        (Rights(False, (), ("US",)), "GB", UNKNOWN, "unknown"),
    ],
)
def test_unknown_rights_are_unknown_and_never_worldwide(rights, territory, finding, told):
    assert rights.at(territory) is finding
    assert rights.told() == told
    assert bool(rights.why(territory)) is (finding is not HELD)


def test_of_a_work_without_its_edition_no_one_edition_speaks_for_the_others():
    here, not_here, silent = Rights(False, ("GB",)), Rights(False, ("US",)), Rights()
    assert of_any((here, not_here), "GB") is HELD
    assert of_any((not_here, not_here), "GB") is NOT_HELD
    assert of_any((not_here, silent), "GB") is UNKNOWN


@pytest.fixture
def house(ledger, store):
    fill(ledger)
    return ledger


def told(found):
    return [
        (str(one.finding), one.isbn, one.territory, one.model, one.sold, one.returned, one.usage, one.net, one.currency) for one in found
    ]


def of(ledger, store, batch):
    with ledger.read() as session:
        return flags.of_batch(session, store, batch)


def test_what_was_sold_where_no_rights_are_held_is_flagged_with_its_money(house, store):
    batch = sell(
        house, store, line(LAMP, 3, "7.50", territory="GB"), line(LAMP, 2, "5.01", territory="US"),
        line(LAMP, -1, "-2.505", territory="US"), line(SEA, 4, "8", territory="FR", currency="EUR"), line(SEA, 1, "2", territory="IE"),
        line(SEA, 1, "2", territory=""), line(DARK, 1, "1.1", territory="GB"), line(MOON, 9, "9", territory="US"),
        line("9791034304035", 1, "1", territory="US"),
    )  # fmt: skip
    assert told(of(house, store, batch)) == [
        ("not held", SEA, "FR", "sale", 4, 0, 0, Decimal(8), "EUR"),
        ("not held", LAMP, "US", "sale", 2, 1, 0, Decimal("2.505"), "GBP"),
        ("unknown", DARK, "GB", "sale", 1, 0, 0, Decimal("1.1"), "GBP"),
        ("territory not told", SEA, "", "sale", 1, 0, 0, Decimal(2), "GBP"),
    ]
    first = of(house, store, batch)[0]
    assert (first.batch, first.file, first.period, first.product_id, first.rows) == (batch, "september.csv", "2026-09", SEA_ID, 1)
    assert "for sale" in first.why
    with house.read() as session:
        assert flags.of_batch(session, store, batch, most=1) == [first]
        assert told(flags.of_title(session, store, product_id=LAMP_ID)) == told(of(house, store, batch))[1:2]
        assert told(flags.of_title(session, store, work_id=2)) == [told(of(house, store, batch))[place] for place in (0, 3)]


def test_usage_is_flagged_and_money_without_units_is_not(house, store):
    batch = sell(
        house, store, line(LAMP, 40, "0", territory="US", model="usage", currency=""),
        line(LAMP, 700, "3.1", territory="US", model="page reads"), line(LAMP, 0, "-4", territory="US", model="adjustment"),
    )  # fmt: skip
    assert told(of(house, store, batch)) == [
        ("not held", LAMP, "US", "page reads", 0, 0, 700, Decimal("3.1"), "GBP"),
        ("not held", LAMP, "US", "usage", 0, 0, 40, Decimal(0), ""),
    ]


def test_a_work_of_which_nobody_says_the_edition_is_looked_at_as_a_whole(house, store):
    batch = sell(house, store, line("S-1", 5, "0", territory="US", model="usage", currency="", id_type="proprietary"))
    with house.session() as session:
        row = session.query(SalesProductRow).one()
        row.state, row.work_id = "matched", 1
    assert [(one.finding, one.work_id, one.product_id, one.title) for one in of(house, store, batch)] == [(NOT_HELD, 1, 0, "The Lamp")]


def test_flags_follow_changed_rights_and_late_matches_without_reading_lines_again(house, store):
    batch = sell(house, store, line(LAMP, 2, "5", territory="US"), line("X", 1, "1", territory="US", id_type="sku"))
    assert gather(house, store, NOW) == gather(house, store, NOW) == 1
    with house.read() as session, store.local(sales.get(session, batch).lines) as lines:
        lines.unlink()
    assert [one.isbn for one in of(house, store, batch)] == [LAMP]
    rights(house, LAMP_ID, sold_worldwide=True)
    assert of(house, store, batch) == []
    with house.session() as session:
        row = session.query(SalesProductRow).filter_by(id_value="X").one()
        row.state, row.work_id, row.product_id = "matched", 2, SEA_ID
    assert [one.isbn for one in of(house, store, batch)] == [SEA]


def test_sums_of_lines_are_the_same_however_they_come_in_batches_and_agree_with_the_parts(house, store):
    lines = [line(isbn, units, "0.0000000001", territory=place) for isbn in (LAMP, SEA) for units in (1, -1, 5) for place in ("GB", "US")]
    batch = sell(house, store, *lines)
    with house.read() as session:
        row = sales.get(session, batch)
        whole = gathered.seen(session, store, row)
        gathered.must_agree(row, whole)
        cut = [part.slice(start, 5) for part in gathered.read.lines(store, row) for start in range(0, part.num_rows, 5)]
        assert gathered.add_up(reversed(cut)).equals(whole)
        row.parts[0].net += Decimal("0.0000000001")
        with pytest.raises(Exception, match="do not come to its totals"):
            gathered.must_agree(row, whole)


@pytest.mark.parametrize(
    ("every", "day", "name", "days"),
    [
        ("month", (2026, 2, 28), "2026-02", 28), ("quarter", (2026, 12, 31), "2026-Q4", 92), ("half-year", (2026, 7, 1), "2026-H2", 184),
        ("year", (2028, 5, 5), "2028", 366),
    ],
)  # fmt: skip
def test_periods_are_calendar_months_quarters_halves_and_years(every, day, name, days):
    from datetime import date

    found = spans.span_of(date(*day), every)
    assert (found.name, (found.last - found.first).days + 1) == (name, days)
    assert spans.named(name, every) == found


def test_a_part_belongs_to_the_period_in_which_it_ends():
    from datetime import date

    given = ["2026-09", "2026-08-30/2026-10-03", "2026-10", "2024-10", "2024-09"]
    found = spans.ended(given, date(2026, 10, 20), "month", 24)
    assert {span.name: parts for span, parts in found.items()} == {"2026-09": {"2026-09"}, "2024-10": {"2024-10"}}
    assert next(iter(spans.ended([], date(2026, 10, 20), "quarter", 1))).name == "2026-Q3"
    with pytest.raises(RejectedData):
        spans.of_span(["nonsense"], spans.newest(date(2026, 10, 20), "month"))
