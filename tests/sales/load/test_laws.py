"""Laws of loading, on any reports: order of files does not matter, parts add up to the whole, loading again changes nothing, undoing
restores, and what counts is always what the last report said."""

from __future__ import annotations

import tempfile
from datetime import date
from decimal import Decimal
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from include.ledger.database import Ledger
from include.ledger.sales_rows import Overlap
from include.sales.undo import undo
from include.store import ArtefactStore
from tests.sales.load.reports import LAMP, NOW, SEA, counted, expected, line, take, totals
from tests.schema import upgraded

LINES = st.builds(
    lambda month, isbn, units, cents, currency, model: line(
        isbn, units, "0" if model == "usage" else str(Decimal(cents) / 1000 * units), "" if model == "usage" else currency,
        period=f"2026-{month:02d}", date=date(2026, month, 20), model=model,
    ),
    st.integers(7, 9), st.sampled_from([LAMP, SEA]), st.sampled_from([-2, -1, 1, 2]), st.sampled_from([1000, 1001, 2500]),
    st.sampled_from(["GBP", "USD"]), st.sampled_from(["sale", "sale", "page reads", "usage"]),
)  # fmt: skip
REPORTS = st.lists(LINES, min_size=1, max_size=8)
FEW = settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])


class Home:
    """A ledger and a store of their own."""

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="colophon-laws-")
        home = Path(self.folder.name)
        self.ledger = upgraded(Ledger(str(home / "ledger.sqlite")))
        return self.ledger, ArtefactStore(str(home / "store"))

    def __exit__(self, *error):
        self.ledger.dispose()
        self.folder.cleanup()


def money(ledger):
    found = {}
    for (_, currency), values in totals(ledger).items():
        found[currency] = tuple(a + b for a, b in zip(found.get(currency, (0, 0, 0, Decimal(0))), values, strict=True))
    return found


@FEW
@given(st.lists(REPORTS, min_size=1, max_size=3), st.randoms(use_true_random=False))
def test_order_of_files_does_not_matter(reports, chance):
    """Of files that do not overlap: one for each month."""
    files = {}
    for one in (each for report in reports for each in report):
        files.setdefault(one["period"], []).append(one)
    orders = [list(files.items()), list(files.items())]
    chance.shuffle(orders[1])
    found = []
    for order in orders:
        with Home() as (ledger, store):
            for name, lines in order:
                take(ledger, store, chance.sample(lines, len(lines)), name=name)
            found.append((totals(ledger), counted(ledger, store)))
    assert found[0] == found[1]


@FEW
@given(REPORTS)
def test_parts_add_up_to_the_whole(lines):
    with Home() as (ledger, store):
        loaded = take(ledger, store, lines)
        whole = sum((one["net"] for one in lines), Decimal(0))
        assert sum(sums.net for sums in loaded.totals.values()) == whole
        assert sum(sums.net for sums in loaded.parts.values()) == whole
        assert sum(values[3] for values in totals(ledger).values()) == whole
        assert counted(ledger, store) == expected(lines)


@FEW
@given(st.lists(REPORTS, min_size=1, max_size=4), st.sampled_from(["replace", "difference"]))
def test_what_counts_is_what_was_said_last_and_undoing_goes_back_step_by_step(reports, rule):
    """Each report speaks of all three months, by a line of its own for each month and currency."""
    anchors = [
        line(currency=currency, period=f"2026-{month:02d}", date=date(2026, month, 20))
        for month in (7, 8, 9)
        for currency in ("GBP", "USD")
    ]
    anchors += [line(net="0", currency="", model="usage", period=f"2026-{month:02d}", date=date(2026, month, 20)) for month in (7, 8, 9)]
    with Home() as (ledger, store):
        states = [(money(ledger), counted(ledger, store))]
        batches = []
        for number, report in enumerate(reports):
            loaded = take(ledger, store, [*report, *anchors], rule=rule, name=f"{number}.csv")
            assert counted(ledger, store) == expected([*report, *anchors])
            now = (money(ledger), counted(ledger, store))
            again = take(ledger, store, [*anchors, *report[::-1]], rule=rule, name=f"{number} again.csv")
            assert again.overlap is Overlap.RESENT
            assert (money(ledger), counted(ledger, store)) == now
            if loaded.overlap is not Overlap.RESENT:
                batches.append(loaded.batch)
                states.append(now)
        for batch in reversed(batches):
            assert (money(ledger), counted(ledger, store)) == states.pop()
            undo(ledger, batch, now=NOW, who="ben")
        assert (money(ledger), counted(ledger, store)) == states.pop()
