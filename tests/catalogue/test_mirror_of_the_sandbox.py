"""The mirror against the sandbox's Consonance: both tenants, real faults, a night's edits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from include.clients.exchange import Patience
from include.errors import LoginRefused, TransientError
from include.ledger.database import Ledger
from include.partners import load_house
from include.titles.model import Product
from tests.catalogue.conftest import Nights
from tests.clients.tenant import Tenant, Waits, client_of
from tests.sandbox.conftest import KEY, Server, _serve, evidenced, full
from tests.schema import upgraded

__all__ = ["evidenced", "full"]
NIGHT, NEXT, THIRD = "2026-11-21", "2026-11-22", "2026-11-23"


def nights_of(server: Server, folder: Path, **settings: Any) -> Nights:
    ledger = Ledger(str(folder / f"{server.url.rpartition(':')[2]}.sqlite"))
    upgraded(ledger)
    return Nights(ledger, Tenant(), client_of(server.url, Waits(), key=KEY, **settings), load_house())


@pytest.fixture(scope="module")
def running_evidenced() -> Iterator[Server]:
    """Fewer titles than elsewhere: enough for several pages."""
    yield from _serve("evidenced", titles=80)


@pytest.fixture(scope="module")
def running_full() -> Iterator[Server]:
    yield from _serve("full", titles=80)


@pytest.fixture
def nights(evidenced: Server, tmp_path: Path) -> Iterator[Nights]:
    nights = nights_of(evidenced, tmp_path)
    yield nights
    nights.ledger.dispose()


def in_consonance(server: Server) -> tuple[set[int], set[int]]:
    return set(server.catalogue.work_ids()), {product.id for product in server.catalogue.products()}


def products_of(nights: Nights) -> dict[int, Product]:
    from include.catalogue import read

    with nights.ledger.read() as session:
        return {row.id: read.title(row, work) for row, work in read.products(session) if row.deleted_at is None}


def test_the_mirror_is_complete_and_stays_as_it_is(nights: Nights, evidenced: Server) -> None:
    outcome = nights.night(NIGHT)
    assert nights.living() == in_consonance(evidenced)
    assert outcome.rejected == ()
    assert nights.night(NEXT).changed == ()
    assert nights.night(THIRD, full=True).changed == ()


def test_a_nights_edits_are_found_and_nothing_else(nights: Nights, evidenced: Server) -> None:
    nights.night(NIGHT)
    edit = evidenced.control("edit", {"works": 7, "seed": 3}).json()
    outcome = nights.night(NEXT)
    assert set(edit["product_ids"]) <= set(outcome.changed)
    works = {id // 10 for id in edit["product_ids"]}
    assert {id // 10 for id in outcome.changed} == works, "sides of the same work may change with it, others not"
    assert nights.night(THIRD).changed == ()


def test_added_and_deleted_titles(nights: Nights, evidenced: Server) -> None:
    nights.night(NIGHT)
    first, *_, last = sorted(in_consonance(evidenced)[1])
    edit = evidenced.control("edit", {"add_works": 2, "delete_product": first, "delete_work": last // 10}).json()
    outcome = nights.night(NEXT)
    assert set(outcome.new) == set(edit["added"])
    assert set(outcome.deleted) == set(edit["deleted"])
    assert len(outcome.acquired) == 2
    assert nights.living() == in_consonance(evidenced)


SEEN_IN_FULL_ONLY = {"availability", "resources"}  # credits, and which cover of several is this product's


def test_both_tenants_give_the_same_mirror_as_far_as_they_can(full: Server, evidenced: Server, tmp_path: Path) -> None:
    """The two catalogues differ where a defect is planted that one tenant can't show; those works are left out."""
    mirrors = {}
    for name, server in (("full", full), ("evidenced", evidenced)):
        nights = nights_of(server, tmp_path)
        nights.night(NIGHT)
        mirrors[name] = products_of(nights)
    whole, poorer = mirrors["full"], mirrors["evidenced"]
    hidden = {defect.work_id for defect in full.catalogue.defects() if defect.scope.get("tenant") == "full"}
    assert hidden
    compared = [id for id in whole if id // 10 not in hidden]
    assert len(compared) > 100
    for id in compared:
        one, other = whole[id], poorer[id]
        assert bool(one.resources) == bool(other.resources)
        for field in fields(Product):
            if field.name not in SEEN_IN_FULL_ONLY:
                assert getattr(one, field.name) == getattr(other, field.name), (id, field.name)


# --- faults of a real server


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 429, "retry_after": 1, "times": 3},
        {"status": 503, "times": 3},
        {"kind": "drop", "times": 2},
        {"kind": "slow", "seconds": 0.3, "times": 2},
        {"kind": "errors", "message": "Timeout on Query.works", "times": 2},
    ],
    ids=str,
)
def test_a_fault_that_passes_is_slept_off(nights: Nights, evidenced: Server, fault: dict[str, Any]) -> None:
    evidenced.control("faults", {"consonance": fault})
    nights.night(NIGHT)
    assert nights.living() == in_consonance(evidenced)


@pytest.mark.parametrize("pages", [2, 5, 9])
def test_stopped_mid_page_and_run_again(nights: Nights, evidenced: Server, pages: int) -> None:
    evidenced.control("faults", {"consonance": {"kind": "stop_after_pages", "pages": pages}})
    with pytest.raises(TransientError, match="503"):
        nights.night(NIGHT)
    evidenced.control("faults", {})
    nights.night(NIGHT)
    assert nights.living() == in_consonance(evidenced)
    assert len({sync.id for sync in nights.syncs() if sync.phase == "done"}) == 1


def test_a_server_slower_than_our_patience(evidenced: Server, tmp_path: Path) -> None:
    nights = nights_of(evidenced, tmp_path, timeout=0.2, patience=Patience(tries=2))
    evidenced.control("faults", {"consonance": {"kind": "slow", "seconds": 0.6, "times": 4}})
    with pytest.raises(TransientError, match="no full answer within"):
        nights.night(NIGHT)


def test_a_wrong_key(nights: Nights, evidenced: Server) -> None:
    nights.client = client_of(evidenced.url, key="f" * 32)
    with pytest.raises(LoginRefused):
        nights.night(NIGHT)


def test_rest_alone(evidenced: Server, tmp_path: Path) -> None:
    nights = nights_of(evidenced, tmp_path, rest="only")
    nights.night(NIGHT)
    assert nights.living()[1] == in_consonance(evidenced)[1]
    assert nights.night(NEXT).changed == ()
