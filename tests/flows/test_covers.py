"""Covers as a flow: from the moderation queue onto titles and into Consonance; a second version, a run without news."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from include.ledger import covers
from include.ledger.licence_rows import CoverUseRow
from include.ledger.models import EventRow, ProductRow
from tests.intake.test_ladder import SECRET, public

__all__ = ["public"]
pytestmark = [pytest.mark.airflow, pytest.mark.timeout(300)]
RESOURCES = "query q($id: Int!) { work(workSearch: {idEq: $id}) { supportingResources { filename url productIds } } }"


@pytest.fixture
def reachable(public: Any, store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The store's pictures can be fetched from outside."""
    address, serve = public
    serve(store.root)
    monkeypatch.setenv("COLOPHON_PUBLIC_URL", address)
    monkeypatch.setenv("COLOPHON_SIGNING_KEY", SECRET)


def shown(sandbox: Any, product: ProductRow) -> list[bytes]:
    """What Consonance serves for an edition, its first-day covers apart."""
    key = {"Authorization": f"Bearer {sandbox.connections['consonance']['password']}"}
    with httpx.Client(base_url=sandbox.url, trust_env=False, headers=key) as http:
        answer = http.post("/graphql", json={"query": RESOURCES, "variables": {"id": product.work_id}})
        rows = answer.json()["data"]["work"]["supportingResources"]
        ours = [one for one in rows if one["filename"].startswith(f"{product.isbn}-") and product.id in one["productIds"]]
        return [http.get(one["url"]).content for one in ours]


def test_approving_a_second_version_replaces_the_first_and_a_run_without_news_does_nothing(
    run_flow: Any, sandbox: Any, ledger: Any, catalogue: None, reachable: None, capsys: pytest.CaptureFixture[str]
) -> None:
    planted = sandbox.call("cloudinary")["covers"]
    cover = next(one for one in planted if (one["kind"], one["status"], one["defect"]) == ("front", "approved", "") and one["isbn"])
    waiting = next(one for one in planted if (one["kind"], one["status"]) == ("front", "pending"))
    assert run_flow("cover_sync").state == "success"
    with ledger.read() as session:
        product, other = (session.scalars(select(ProductRow).where(ProductRow.isbn == one["isbn"])).one() for one in (cover, waiting))
        told = {one.cover.kind: one.why for one in covers.of_product(session, product.id) if one.use is not None}
        branded = session.scalar(select(func.count()).select_from(CoverUseRow).where(CoverUseRow.kind == "series"))
    assert told["front"] == "by its ISBN"
    assert branded > 1
    (first,) = shown(sandbox, product)
    assert shown(sandbox, other) == []

    def counted() -> tuple[Any, ...]:
        stats = sandbox.call("stats")
        with ledger.read() as session:
            return stats["mutations"], session.scalar(select(func.count(EventRow.id))), sum(stats["cloudinary"]["requests"].values())

    mutations, events, requests = counted()
    assert run_flow("cover_sync").state == "success"
    assert counted() == (mutations, events, requests + 4)

    sandbox.call("cloudinary", {"upload": {"isbn": cover["isbn"], "seed": 7, "status": "approved"}})
    assert run_flow("cover_sync").state == "success"
    (second,) = shown(sandbox, product)
    assert second != first

    from colophon.cli import main

    assert main(["covers", "list", "--isbn", cover["isbn"]]) == 0
    assert cover["public_id"] in capsys.readouterr().out
