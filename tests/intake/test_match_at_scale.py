"""The index of a hundred thousand products: what it takes to build, to hold and to ask."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import insert

from include.files import names
from include.intake.match import TitleIndex
from include.ledger.database import Ledger
from include.ledger.models import ProductRow, WorkRow
from include.titles import codec
from include.titles.model import Contributor, Work
from sandbox.catalogue import Catalogue

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]
WORKS = 40_000


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Ledger, list[tuple[str, str, str]]]]:
    """A mirror of the sandbox's titles, 112,000 products, and (title, contributor, ISBN) of each work."""
    ledger = Ledger(str(tmp_path_factory.mktemp("scale") / "ledger.sqlite"))
    ledger.upgrade()
    now = datetime(2026, 11, 21, tzinfo=UTC)
    stamps: dict[str, Any] = {"digest": "", "first_seen": now, "changed_at": now, "seen_in": 1}
    works, products, told = [], [], []
    for work in Catalogue(1, WORKS, now.date()).works():
        contributors = tuple(Contributor(at, "A01", one.contact.name, biography="x" * 1000) for at, one in enumerate(work.contributions, 1))
        content = codec.encode_work(Work(work.id, work.title, reference=work.reference, contributors=contributors))
        works.append({"id": work.id, "title": work.title, "content": content} | stamps)
        for product in work.products:
            form = {"DG": "ED"}.get(product.form or "", product.form or "")
            products.append({"id": product.id, "work_id": work.id, "isbn": product.isbn or "", "form": form, "content": b"{}"} | stamps)
        told.append((work.title, contributors[0].person_name if contributors else "", work.products[0].isbn or ""))
    with ledger.session() as session:
        for start in range(0, len(works), 5000):
            session.execute(insert(WorkRow), works[start : start + 5000])
        for start in range(0, len(products), 5000):
            session.execute(insert(ProductRow), products[start : start + 5000])
    yield ledger, told
    ledger.dispose()


def test_built_in_seconds_and_held_in_little_memory(house: tuple[Ledger, Any]) -> None:
    tracemalloc.start()
    started = time.monotonic()
    with house[0].read() as session:
        index = TitleIndex(session)
    seconds, (held, peak) = time.monotonic() - started, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    print(f"\n{len(index):,} products: {seconds:.1f} s with memory traced, {held / 1e6:.0f} MB held, {peak / 1e6:.0f} MB at most")
    assert len(index) > 100_000
    assert held < 150e6
    assert seconds < 60


def test_asked_fast_by_number_and_by_title(house: tuple[Ledger, list[tuple[str, str, str]]]) -> None:
    ledger, told = house
    with ledger.read() as session:
        index = TitleIndex(session)
    chosen = told[:: WORKS // 1000]

    def rate(files: list[str]) -> tuple[float, list[Any]]:
        started = time.monotonic()
        found = [index.match(names.read(name)) for name in files]
        return len(files) / (time.monotonic() - started), found

    by_number, _ = rate([f"{isbn}_cover_v2.pdf" for _, _, isbn in chosen])
    by_title, found = rate([f"{title} - {name} draft 2.docx" for title, name, _ in chosen])
    unknown, _ = rate([f"Xyzzyq Plughwert{number} Frobnicat.docx" for number in range(100)])
    first = sum(
        bool(match.proposals) and match.proposals[0].target.title == title for match, (title, _, _) in zip(found, chosen, strict=True)
    )
    print(f"\nfiles/s: {by_number:,.0f} by number, {by_title:,.0f} by title ({first} of {len(chosen)} first), {unknown:,.0f} unknown")
    assert by_number > 1000
    assert by_title > 50
    assert unknown > 15
    assert first > 0.9 * len(chosen)
    assert all(match.certain is None for match in found)
