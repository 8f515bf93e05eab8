"""Covers on PostgreSQL, which cuts no long texts, and locks rows: the same moves end the same."""

from __future__ import annotations

import pytest

from include.ledger import covers
from include.ledger.database import Ledger
from tests.media.studio import Studio
from tests.postgres import postgres, postgres_ledger

__all__ = ["postgres", "postgres_ledger"]  # fixtures


@pytest.fixture
def moved(studio: Studio, postgres_ledger: Ledger) -> Studio:
    """The same desk with its ledger there."""
    studio.ledger.dispose()
    studio.ledger = postgres_ledger
    return studio.mirror()


def test_a_cover_comes_is_replaced_refused_and_withdrawn(moved: Studio) -> None:
    first, second = moved.isbns()[:2]
    work = moved.series()[0]
    id = moved.upload(first, metadata={"isbn": first, "kind": "front", "series": "s" * 300, "work": "w" * 255})
    moved.upload(work=work.id, kind="back", public_id="p" * 255)
    moved.upload(series=work.memberships[0].series.name, kind="series")
    moved.run()
    assert (moved.taken.problems, moved.problems) == ([], [])
    assert (set(moved.on(first)), set(moved.on(second))) == ({"front", "back", "series"}, {"back", "series"})
    moved.upload(first, seed=7)
    moved.upload(second, seed=8, colour="cmyk")
    moved.run()
    assert len(moved.shown(first)) == 1
    moved.library.switch(reject=id)
    moved.run()
    assert moved.shown(first) == []
    with moved.ledger.read() as session:
        rows = {state: [row.id for row in covers.page(session, state=state)] for state in covers.STATES}
        told = [covers.as_json(row, covers.uses_of(session, [row.id]).get(row.id, ())) for row in covers.page(session)]
    assert {state: len(ids) for state, ids in rows.items()} == {
        "approved": 4, "pending": 0, "rejected": 1, "refused": 1, "attached": 2, "lost": 0, "gone": 0,
    }  # fmt: skip
    assert len(told) == 5
