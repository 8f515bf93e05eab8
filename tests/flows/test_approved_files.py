"""Approved files to Consonance, as a flow, on both tenants: only the approved version is the one that Consonance shows."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import func, select

from include.files.model import Kind, rank
from include.ledger import title_files
from include.ledger.file_rows import ContractRow, TitleFileRow
from include.ledger.models import EventRow, ProductRow
from tests.airflow_home import run
from tests.intake.test_ladder import NOW, SECRET, picture, public
from tests.sandbox.conftest import KEY, _serve

__all__ = ["public"]
pytestmark = [pytest.mark.airflow, pytest.mark.timeout(600)]
RESOURCES = "query q($id: Int!) { work(workSearch: {idEq: $id}) { supportingResources { id filename url } } }"


@pytest.fixture(params=["full", "evidenced"])
def server(request: Any) -> Any:
    yield from _serve(request.param)


@pytest.fixture
def flow(dag_bag: Any, connections: Any, ledger: Any, store: Any, server: Any, public: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs a flow against this tenant; the store's pictures can be fetched from outside."""
    address, serve = public
    serve(store.root)
    monkeypatch.setenv("COLOPHON_PUBLIC_URL", address)
    monkeypatch.setenv("COLOPHON_SIGNING_KEY", SECRET)
    connections({"consonance": {"conn_type": "consonance", "host": server.url, "password": KEY}})
    return lambda dag_id, **conf: run(dag_bag.dags[dag_id], **conf)


def attach(ledger: Any, store: Any, data: bytes, **values: Any) -> int:
    kept = store.put(BytesIO(data))
    given = {"kind": Kind.JACKET, "part": "front cover", "bytes": kept.bytes, "sha256": kept.sha256, "review": ("editorial", "production")}
    given |= values
    with ledger.session() as session:
        row = title_files.attach(session, title_files.NewTitleFile(**given, rank=rank(given["revision"])), now=NOW).row
        return row.id


def approve(ledger: Any, file_id: int, *roles: str) -> None:
    with ledger.session() as session:
        for role in roles:
            title_files.review(session, file_id, role, "approved", now=NOW, who="Ada")


def told(ledger: Any, file_id: int) -> dict[str, Any]:
    with ledger.read() as session:
        return dict(session.get(TitleFileRow, file_id).consonance)


def events() -> int:
    from airflow.models.asset import AssetEvent, AssetModel
    from airflow.utils.session import create_session

    with create_session() as session:
        query = select(func.count(AssetEvent.id)).join(AssetModel, AssetModel.id == AssetEvent.asset_id)
        return int(session.scalar(query.where(AssetModel.name == "files/approved")))


def test_only_the_approved_version_is_the_one_that_consonance_shows(flow: Any, ledger: Any, store: Any, server: Any) -> None:
    tenant = server.catalogue.tenant
    assert flow("catalogue_sync").state == "success"
    with ledger.read() as session:
        edition = session.scalars(select(ProductRow).where(ProductRow.work_id == 1004).order_by(ProductRow.id)).first()
        product, isbn = edition.id, edition.isbn
        assert session.scalar(select(func.count(ContractRow.id))) == len(list(server.catalogue.work_ids())), "contracts came with the night"
    before = events()
    title = {"work_id": 1004, "product_id": product}
    first = attach(
        ledger, store, picture("navy", "CMYK", "TIFF", (900, 1400)), **title, name="cover_v1.tif", media_type="image/tiff", revision="1"
    )
    approve(ledger, first, "editorial", "production")
    letter = attach(
        ledger,
        store,
        b"%PDF-1.7 a letter",
        **title,
        kind=Kind.PERMISSION,
        part="",
        name="perm.pdf",
        media_type="application/pdf",
        revision="1",
    )
    approve(ledger, letter, "editorial", "production")
    assert flow("approved_files").state == "success"

    second = attach(ledger, store, picture("maroon", size=(900, 1400)), **title, name="cover_v2.jpg", media_type="image/jpeg", revision="2")
    approve(ledger, second, "editorial")
    assert flow("approved_files").state == "success"

    def shown() -> list[dict[str, Any]]:
        found = server.data(RESOURCES, id=1004)["work"]["supportingResources"]
        return [one for one in found if one["filename"].startswith(isbn)]

    if tenant == "evidenced":
        assert shown() == []
        assert "does not offer Mutation.createSupportingResource" in told(ledger, first)["why"]
    else:
        (one,) = shown()
        with Image.open(BytesIO(server.http.get(one["url"]).content)) as image:
            assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (900, 1400))
            red, _, blue = image.getpixel((5, 5))
            assert blue > red, "the approved one, not the one that production has still to look at"
    assert told(ledger, letter)["as"] == "title record"
    assert "as" not in told(ledger, second)

    approve(ledger, second, "production")
    assert flow("approved_files").state == "success"
    with ledger.read() as session:
        settled = session.scalar(select(func.count(EventRow.id)))
    mutations = server.control("stats").json()["mutations"]
    told_events = events()
    assert told_events - before == 2, "runs that had nothing to show tell nobody"
    assert flow("approved_files").state == "success"
    with ledger.read() as session:
        assert session.scalar(select(func.count(EventRow.id))) == settled
    assert server.control("stats").json()["mutations"] == mutations
    assert events() == told_events
    if tenant == "full":
        assert [told(ledger, id)["as"] for id in (first, second)] == ["unlinked", "supporting resource"]
        newest = max(shown(), key=lambda one: one["id"])
        assert server.http.get(newest["url"]).content == picture("maroon", size=(900, 1400))


def test_a_file_that_can_not_be_shown_now_keeps_no_other(flow: Any, ledger: Any, store: Any, server: Any) -> None:
    if server.catalogue.tenant == "evidenced":
        pytest.skip("nothing is sent to this tenant")
    lost = attach(ledger, store, picture("navy"), work_id=1004, name="lost.jpg", media_type="image/jpeg", revision="1")
    good = attach(ledger, store, picture("maroon"), work_id=1006, name="good.jpg", media_type="image/jpeg", revision="1")
    for id in (lost, good):
        approve(ledger, id, "editorial", "production")
    with ledger.session() as session:
        session.get(TitleFileRow, lost).sha256 = "0" * 64  # gone from the store
    assert flow("approved_files").state == "failed"
    assert told(ledger, good)["as"] == "supporting resource"
    assert told(ledger, lost) == {}
