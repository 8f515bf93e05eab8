# ruff: noqa: E501 - rows read best as rows
"""The title record on the title's page: files, versions, who may see them, and reviews with a name."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

import pytest
from lxml import html
from PIL import Image
from sqlalchemy import select

from include.files.model import Kind
from include.ledger import title_files
from include.ledger.file_rows import StageChangeRow
from include.ledger.models import EventRow
from include.ledger.title_files import NewTitleFile
from tests.ui.conftest import HOSTILE

pytestmark = pytest.mark.airflow
NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)


def jpeg() -> io.BytesIO:
    made = io.BytesIO()
    Image.new("RGB", (60, 80), "teal").save(made, "JPEG")
    made.seek(0)
    return made


@pytest.fixture
def files(seeded: Any, ledger: Any, store: Any) -> dict[str, int]:
    return fill_files(ledger, store)


def fill_files(ledger: Any, store: Any) -> dict[str, int]:
    """An interior in three revisions, a cover to review, a restricted contract, a manuscript with a hostile name."""
    preview = store.put(jpeg()).sha256
    ids = {}
    with ledger.session() as session:

        def attach(name: str, kind: Kind, text: bytes, **more: Any) -> int:
            kept = store.put(io.BytesIO(text))
            new = NewTitleFile(1, kind, more.pop("file", f"{name}.pdf"), kept.bytes, kept.sha256, **more)
            return title_files.attach(session, new, now=NOW, who="intake").row.id

        for revision in ("1", "3", "2"):
            ids[f"interior{revision}"] = attach(
                "interior", Kind.INTERIOR, revision.encode(), product_id=1, revision=revision, rank=int(revision) * 10_000, dated=f"2026-0{revision}-01"
            )  # fmt: skip
        ids["cover"] = attach("cover", Kind.JACKET, b"c", product_id=1, preview=preview, review=("editorial", "production"))
        ids["contract"] = attach("contract", Kind.CONTRACT, b"k", restricted="rights")
        ids["manuscript"] = attach("ms", Kind.MANUSCRIPT, b"m", file=HOSTILE.replace("/", ""))
        session.add(StageChangeRow(work_id=1, before="Editorial", after="Production approved", at=NOW))
    return ids


def page(answer: Any, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text[-1500:]
    return html.fromstring(answer.text)


def words(tree: Any) -> str:
    return " ".join(tree.text_content().split())


def card(tree: Any, label: str) -> Any:
    return tree.xpath(f"//article[@aria-label={label!r}]")[0]


def test_the_newest_revision_stands_in_front_and_the_others_behind_it(client: Any, files: dict[str, int]) -> None:
    tree = page(client.get("/colophon/titles/1"))
    interior = card(tree, "interior")
    assert "revision 3" in words(interior)
    assert [link.get("href") for link in interior.xpath(".//a[@download]")] == [
        f"/colophon/title-files/{files[name]}" for name in ("interior3", "interior2", "interior1")
    ]
    assert "Production approved" in words(tree.xpath("//section[@aria-labelledby='h-history']")[0])


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("kind=interior", 3),
        ("kind=jacket", 1),
        ("edition=2", 2),
        ("since=2026-02-15&until=2026-03-31&kind=interior", 1),
        ("since=2027-01-01", 0),
    ],
)
def test_files_are_found_by_kind_edition_and_date(client: Any, files: dict[str, int], query: str, shown: int) -> None:
    tree = page(client.get(f"/colophon/titles/1?{query}"))
    assert len(tree.xpath("//article//a[@download]")) == shown


@pytest.mark.parametrize("query", ["since=yesterday", "kind=nonsense", "edition=x"])
def test_a_filter_that_makes_no_sense_breaks_nothing(client: Any, files: dict[str, int], query: str) -> None:
    page(client.get(f"/colophon/titles/1?{query}"))


def test_a_file_comes_as_it_was_and_a_preview_as_a_picture(client: Any, files: dict[str, int]) -> None:
    answer = client.get(f"/colophon/title-files/{files['interior3']}")
    assert (answer.content, answer.headers["content-type"]) == (b"3", "application/octet-stream")
    assert answer.headers["content-disposition"].startswith("attachment")
    picture = client.get(f"/colophon/title-files/{files['cover']}/preview")
    assert picture.headers["content-type"] == "image/jpeg"
    assert Image.open(io.BytesIO(picture.content)).size == (60, 80)
    page(client.get(f"/colophon/title-files/{files['interior3']}/preview"), 404)


def test_restricted_files_are_for_their_role_only(client_as: Any, seeded: Any, files: dict[str, int]) -> None:
    for role, status, said in (("viewer", 404, "1 more file is restricted"), ("admin", 200, "only rights")):
        reader = client_as(role)
        assert said in words(page(reader.get("/colophon/titles/1")))
        assert reader.get(f"/colophon/title-files/{files['contract']}").status_code == status


def test_a_review_is_recorded_with_the_name_that_airflow_knows(client: Any, ledger: Any, files: dict[str, int]) -> None:
    url = f"/colophon/title-files/{files['cover']}/review"
    said = client.post(url, json={"role": "editorial", "verdict": "approved"}).json()
    assert said["approval"] == "pending", "production has not spoken"
    tree = page(client.get("/colophon/titles/1"))
    assert "Editorial: approved ada" in words(card(tree, "jacket"))
    assert client.post(url, json={"role": "production", "verdict": "approved"}).json()["approval"] == "approved"
    with ledger.read() as session:
        events = session.scalars(select(EventRow).where(EventRow.what == "file approved")).all()
        assert [(event.who, event.detail["role"]) for event in events] == [("ada", "editorial"), ("ada", "production")]


def test_a_rejection_wants_a_note(client: Any, files: dict[str, int]) -> None:
    url = f"/colophon/title-files/{files['cover']}/review"
    refused = client.post(url, json={"role": "production", "verdict": "rejected", "note": " "})
    assert refused.status_code >= 400
    assert "note" in refused.json()["error"]
    assert (
        client.post(url, json={"role": "production", "verdict": "rejected", "note": "spine is 2 mm off"}).json()["approval"] == "rejected"
    )
    assert "spine is 2 mm off" in words(page(client.get("/colophon/titles/1")))


def test_who_has_not_the_role_may_not_review(client_as: Any, seeded: Any, files: dict[str, int]) -> None:
    viewer = client_as("viewer")
    url = f"/colophon/title-files/{files['cover']}"
    assert viewer.post(f"{url}/review", json={"role": "editorial", "verdict": "approved"}).status_code == 403
    assert viewer.post(f"{url}/remove", json={"note": "mine"}).status_code == 403
    assert not page(viewer.get("/colophon/titles/1")).xpath("//form[@data-post]")


def test_a_superseded_version_is_not_reviewed(client: Any, files: dict[str, int]) -> None:
    answer = client.post(f"/colophon/title-files/{files['interior2']}/review", json={"role": "production", "verdict": "approved"})
    assert answer.status_code >= 400
    assert "superseded" in answer.json()["error"]


def test_a_removed_version_makes_room_for_the_one_before(client: Any, files: dict[str, int]) -> None:
    assert client.post(f"/colophon/title-files/{files['interior3']}/remove", json={"note": "another book's"}).status_code == 200
    assert "revision 2" in words(card(page(client.get("/colophon/titles/1")), "interior"))


def test_a_name_that_is_markup_stays_text(client: Any, files: dict[str, int]) -> None:
    text = client.get("/colophon/titles/1").text
    assert "<script>alert" not in text
    assert HOSTILE.replace("/", "") in words(html.fromstring(text))


def test_the_metadata_stand_there_as_the_mirror_has_them(client: Any, seeded: Any, ledger: Any) -> None:
    from decimal import Decimal

    from include.ledger.models import ProductRow, WorkRow
    from include.titles import codec
    from include.titles.model import Contributor, Price, Product, Work

    work = Work(id=1, title="The Borrowed Harbour", contributors=(Contributor(1, "A01", person_name=HOSTILE),))
    product = Product(
        id=1, work=work, form="BC", publishing_status="02", prices=(Price(Decimal("9.99"), "GBP", "02"),), sold_in=("GB", "IE")
    )
    with ledger.session() as session:
        session.get_one(WorkRow, 1).content = codec.encode_work(work)
        session.get_one(ProductRow, 1).content = codec.encode_product(product)
    answer = client.get("/colophon/titles/1")
    assert "<script>alert" not in answer.text
    said = words(page(answer).xpath("//section[@aria-labelledby='h-metadata']")[0])
    for text in (HOSTILE, "9.99 GBP", "in GB IE", "02 Forthcoming"):
        assert text in said


def test_metadata_that_can_not_be_read_hide_nothing_else(client: Any, files: dict[str, int], ledger: Any) -> None:
    from include.ledger.models import ProductRow

    with ledger.session() as session:
        session.get_one(ProductRow, 1).content = b"{not json"
    assert card(page(client.get("/colophon/titles/1")), "interior") is not None
