"""Lists of licences on each database: every page of every filter is what a plain reading of the rows gives."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from itertools import product
from typing import Any

import pytest

from include.ledger import licence_lists, licence_words
from include.ledger.database import Ledger
from include.ledger.licence_lists import Wish
from include.ledger.licence_rows import LicenceFlagRow, LicenceRow, LicenceServesRow
from include.ledger.models import ProductRow, WorkRow

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
TODAY = NOW.date()
STATES = ("cleared", "review", "blocked")


@pytest.fixture
def ledger(ledger: Ledger) -> Ledger:
    """Ninety licences: of known, unknown and no end, of some states and territories, tied to two works, a third of them flagged."""
    chance = random.Random(7)
    seen: dict[str, Any] = {"digest": "", "content": b"{}", "first_seen": NOW, "changed_at": NOW}
    with ledger.session() as session:
        for work, title in ((1, "The Borrowed Harbour"), (2, "Storm_100%")):
            session.add(WorkRow(id=work, title=title, **seen))
            session.add(ProductRow(id=work * 10, work_id=work, isbn=f"978000000000{work}", title=title, **seen))
        session.flush()
        for number in range(1, 91):
            state = chance.choice(("known", "known", "perpetual", "unknown"))
            ends = str(TODAY + timedelta(days=chance.randint(-40, 40) * 9)) if state == "known" else ""
            session.add(
                LicenceRow(
                    id=number, asset_id=f"{700 + number}", use="download", name=f"Image {number % 7}", ends_on=ends,
                    terms={"ends": {"state": state, "value": ends}} if state != "unknown" else {}, state=chance.choice(STATES),
                    territories=chance.choice(("", "*", " GB IE ", " FR ")), first_seen=NOW, changed_at=NOW, checked_at=NOW,
                )
            )  # fmt: skip
            session.flush()
            if number % 2:
                work = 1 + number % 3 % 2
                session.add(LicenceServesRow(licence_id=number, work_id=work, product_id=work * 10 if number % 4 == 1 else 0))
            if number % 3 == 0:
                session.add(
                    LicenceFlagRow(
                        licence_id=number, cause=chance.choice(("expiry", "terms")), team=chance.choice(("rights", "sales")),
                        blocking=number % 2 == 0, state=chance.choice(("open", "acknowledged", "resolved")), opened_at=NOW,
                    )
                )  # fmt: skip
    licence_words.renew(ledger)
    return ledger


def plain(rows: list[LicenceRow], flags: list[LicenceFlagRow], titles: dict[int, str], wish: Wish) -> list[tuple[int, str, str, str]]:
    """(id, end, state, kind of end) of all that fits, but for state and end."""
    found = []
    for row in rows:
        mine = [flag for flag in flags if flag.licence_id == row.id]
        if (wish.team or wish.cause) and not any(wish.team in {"", f.team} and wish.cause in {"", f.cause} for f in mine):
            continue
        if wish.territory == "unknown" and row.territories:
            continue
        if wish.territory not in {"", "unknown"} and row.territories != "*" and wish.territory not in row.territories.split():
            continue
        sought = " ".join((row.asset_id, row.name, *(titles[one.work_id] for one in row.serves))).lower()
        isbns = [f"978000000000{one.work_id}" for one in row.serves]
        if not all(word in sought for word in wish.words.lower().split()) and wish.words not in isbns:
            continue
        found.append((row.id, row.ends_on, row.state, row.ends_on or ("perpetual" if row.ends_state == "perpetual" else "unknown")))
    return found


def in_order(rows: list[tuple[int, str, str, str]]) -> list[int]:
    today = TODAY.isoformat()
    to_come = sorted((row for row in rows if row[1] >= today), key=lambda row: (row[1], row[0]))
    over = sorted((row for row in rows if "" < row[1] < today), key=lambda row: (row[1], row[0]), reverse=True)
    groups = [sorted(row for row in rows if row[3] == group) for group in ("unknown", "perpetual")]
    return [row[0] for row in (*to_come, *groups[0], *groups[1], *over)]


def test_every_page_of_every_filter(ledger: Ledger) -> None:
    since, until = "2026-09-01", "2027-03"
    assert licence_words.folded("\u00c9mile\0  ZOLA") == "emile zola"
    ends = {
        "": lambda row: True, "unknown": lambda row: row[3] == "unknown", "perpetual": lambda row: row[3] == "perpetual",
        "2026-12": lambda row: row[1].startswith("2026-12"), "earlier": lambda row: "" < row[1] < since,
        "later": lambda row: row[1] > f"{until}-31",
    }  # fmt: skip
    with ledger.read() as session:
        narrow = [{}, {"territory": "GB"}, {"territory": "unknown"}, {"team": "rights"}, {"team": "sales", "cause": "terms"}]
        sought = ["", "image 3", "STORM_100% image", "9780000000001"]
        every = list(session.query(LicenceRow))
        flags = [flag for flag in session.query(LicenceFlagRow) if flag.state in {"open", "acknowledged"}]
        titles = {work.id: work.title for work in session.query(WorkRow)}
        for more, words, end, state in product(narrow, sought, ends, ("", "review")):
            wish = Wish(words=words, ends=end, state=state, since=since, until=until, **more)
            rows = plain(every, flags, titles, wish)
            wanted = [row for row in rows if ends[end](row)]
            seen: list[int] = []
            after = None
            while True:
                listing = licence_lists.listing(session, wish, today=TODAY, after=after, limit=20)
                assert listing.states == {name: n for name in STATES if (n := sum(row[2] == name for row in wanted))}
                bars = {bar.day: bar.number for bar in listing.bars}
                of_state = [row[3] for row in rows if state in {"", row[2]}]
                assert bars == {day: of_state.count(day) for day in of_state}
                seen += [row.id for row in listing.rows]
                if len(listing.rows) < 20:
                    break
                after = licence_lists.key_of(listing.rows[-1], TODAY)
            assert seen == in_order([row for row in wanted if state in {"", row[2]}]), wish


def test_flags_by_licence_and_what_titles_have(ledger: Ledger) -> None:
    with ledger.read() as session:
        rows = licence_lists.of_work(session, 1)
        assert [row.id for row in rows if row.ends_on] == [
            row.id for row in sorted((r for r in rows if r.ends_on), key=lambda r: (r.ends_on, r.id))
        ]
        served = licence_lists.served(session, rows)
        assert {one.title for one in served.values()} == {"The Borrowed Harbour"}
        assert {key[1]: one.isbn for key, one in served.items()} == {0: "", 10: "9780000000001"}
        flags = licence_lists.open_flags(session, range(1, 91))
        bars = licence_lists.listing(session, Wish(), today=date(2026, 11, 21), limit=1).bars
        assert sum(bar.flagged for bar in bars) == len(flags)
        assert sum(bar.blocking for bar in bars) == sum(any(flag.blocking for flag in mine) for mine in flags.values())
        assert licence_lists.choices(session) == (["rights", "sales"], ["expiry", "terms"])
