"""What changes in Consonance's stand-in, what goes wrong there when asked, and the whole sandbox as a process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from sandbox.partners import ROSTER
from tests.sandbox.conftest import KEY, Server

ROOT = Path(__file__).resolve().parents[2]
READ = "{ product(productSearch: {idEq: 10011}) { subtitle publicationDate prices { amountWithCurrencyCode } work { title bisacs } } }"


def test_covers_are_jpegs_of_the_size_that_the_record_tells(full: Server) -> None:
    works = full.data("{ works { supportingResources { url height aspectRatio fileSize imageContentType } } }")["works"]
    resources = [resource for work in works for resource in work["supportingResources"]]
    assert len(resources) > 80
    for resource in resources[:6]:
        answer = full.http.get(resource["url"])
        image = Image.open(BytesIO(answer.content))
        image.load()
        assert (image.format, image.height, round(image.width / image.height, 6)) == ("JPEG", resource["height"], resource["aspectRatio"])
        assert len(answer.content) == resource["fileSize"]
        assert answer.headers["content-type"] == resource["imageContentType"]
        assert full.http.get(resource["url"]).content == answer.content
    style = full.http.get(resources[0]["url"].replace("original", "jpg_rgb_0650h"))
    assert Image.open(BytesIO(style.content)).height == 650
    for path in ("/covers/1/original.jpg", "/covers/10011/nonsense.jpg", "/covers/10011/jpg_rgb_99999h.jpg"):
        assert full.http.get(path).status_code == 404


def test_update_work_changes_the_work_and_its_products_and_is_counted(full: Server, evidenced: Server) -> None:
    write = "mutation ($i: UpdateWorkInput!) { updateWork(input: $i) { work { id title bisacs } } }"
    for server in (full, evidenced):
        since = '{ products(productSearch: {changedSince: "2026-11-21"}) { id } }'
        assert 10011 not in [one["id"] for one in server.data(since)["products"]]
        changes = {
            "id": 1001,
            "title": "Renamed",
            "bisacs": ["HIS000000", "FIC019000"],
            "products": [{"id": 10011, "subtitle": "Now with more"}],
        }
        assert server.data(write, i=changes)["updateWork"]["work"]["title"] == "Renamed"
        product = server.data(READ)["product"]
        assert (product["subtitle"], product["work"]) == ("Now with more", {"title": "Renamed", "bisacs": ["HIS000000", "FIC019000"]})
        assert 10011 in [one["id"] for one in server.data(since)["products"]]
        assert server.control("stats").json()["mutations"] == {"updateWork": 1}


def test_a_mutation_of_something_unknown_changes_nothing(full: Server) -> None:
    write = "mutation ($i: UpdateWorkInput!) { updateWork(input: $i) { work { id } errors { message } } }"
    assert full.ask(write, i={"id": 1}).json()["errors"]
    assert full.data(write, i={"id": 1001, "title": "X", "products": [{"id": 5}]})["updateWork"]["errors"]
    assert full.data(READ)["product"]["work"]["title"] != "X"
    assert full.ask(write, i={"id": 1001, "price": 3}).json()["errors"]


def test_update_product_and_contract(full: Server) -> None:
    written = full.data(
        "mutation ($i: UpdateProductInput!) { updateProduct(input: $i) { product { publicationDate onixPublishingStatusCode } } }",
        i={"id": 10011, "publicationDate": "2027-03-04", "onixPublishingStatusCode": "_03", "gtin": "9781915000002"},
    )["updateProduct"]["product"]
    assert written == {"publicationDate": "2027-03-04", "onixPublishingStatusCode": "_03"}
    contract = full.data(
        "mutation ($i: UpdateContractInput!) { updateContract(input: $i) { contract { signedDate description work { id } } } }",
        i={"id": 501001, "signedDate": "2026-11-20", "description": "countersigned"},
    )["updateContract"]["contract"]
    assert contract == {"signedDate": "2026-11-20", "description": "countersigned", "work": {"id": 1001}}


def test_covers_and_texts_are_created_and_deleted(full: Server) -> None:
    create = (
        "mutation ($i: CreateSupportingResourceInput!) { createSupportingResource(input: $i) { supportingResource { id productIds } } }"
    )
    given = {"workId": 1001, "imageRemoteUrl": "https://images.example/a.jpg", "linkToAllProducts": True, "unlinkPrevious": True}
    made = full.data(create, i=given)["createSupportingResource"]["supportingResource"]
    resources = full.data("{ work(workSearch: {idEq: 1001}) { supportingResources { id productIds } } }")["work"]["supportingResources"]
    assert [one for one in resources if one["productIds"]] == [made]
    for wrong in ({"imageRemoteUrl": "https://images.example/a.png"}, {"resourceFileName": "a.jpg", "productIds": [5]}, {}):
        assert full.ask(create, i={"workId": 1001} | wrong).json()["errors"]
    delete = "mutation ($id: Int!) { deleteSupportingResource(input: {id: $id}) { deleted } }"
    assert full.data(delete, id=made["id"])["deleteSupportingResource"]["deleted"]
    assert full.ask(delete, id=made["id"]).json()["errors"]
    text = full.data(
        "mutation ($i: CreateMarketingTextInput!) { createMarketingText(input: $i) { marketingText { id externalText } } }",
        i={"workId": 1001, "externalTextMarkdown": "A **bold** claim", "variant": "PROMOTIONAL_HEADLINE"},
    )["createMarketingText"]["marketingText"]
    assert text["externalText"] == "<p>A <strong>bold</strong> claim</p>"
    assert text["id"] in [
        one["id"] for one in full.data("{ work(workSearch: {idEq: 1001}) { marketingTexts { id } } }")["work"]["marketingTexts"]
    ]


def test_a_cover_is_uploaded_to_its_presigned_address(full: Server) -> None:
    create = (
        "mutation ($i: CreateSupportingResourceInput!) {"
        " createSupportingResource(input: $i) { presignedUrl supportingResource { id url } } }"
    )
    made = full.data(create, i={"workId": 1001, "resourceFileName": "new.jpg", "linkToAllProducts": True})["createSupportingResource"]
    resource = made["supportingResource"]
    assert full.http.get(resource["url"]).status_code == 404
    assert full.http.put(made["presignedUrl"], content=b"no image").status_code == 422
    file = BytesIO()
    Image.new("RGB", (700, 1000), "teal").save(file, "JPEG")
    assert full.http.put(made["presignedUrl"], content=file.getvalue()).status_code == 200
    assert full.http.get(resource["url"]).content == file.getvalue()
    shown = full.data("{ work(workSearch: {idEq: 1001}) { supportingResources { id height fileSize isProcessing } } }")["work"]
    assert {"id": resource["id"], "height": 1000, "fileSize": len(file.getvalue()), "isProcessing": False} in shown["supportingResources"]
    assert full.http.put(made["presignedUrl"], content=file.getvalue()).status_code == 404


def test_mutations_whose_input_nobody_has_seen_say_so(full: Server) -> None:
    answer = full.ask('mutation { createWebLink(input: {clientMutationId: "x"}) { clientMutationId } }').json()
    assert "not readable" in answer["errors"][0]["message"]


def test_status_faults_end_after_their_times_and_carry_retry_after(full: Server) -> None:
    assert full.control("faults", {"consonance": {"status": 429, "retry_after": 1, "times": 2}}).json() == {
        "consonance": {"status": {"status": 429, "retry_after": 1, "times": 2}}
    }
    answers = [full.ask("{ works { id } }"), full.rest(), full.ask("{ works { id } }")]
    assert [answer.status_code for answer in answers] == [429, 429, 200]
    assert answers[0].headers["retry-after"] == "1"
    assert full.control("faults").json() == {}


def test_errors_in_a_200_slowness_a_broken_line_and_a_stop_after_pages(full: Server) -> None:
    full.control("faults", {"consonance": {"errors": 'no "luck"', "times": 1}})
    answer = full.ask("{ works { id } }")
    assert (answer.status_code, answer.json()) == (200, {"errors": [{"message": 'no "luck"'}]})
    full.control("faults", {"consonance": {"slow": 0.3, "times": 1}})
    begin = time.monotonic()
    full.ask("{ works { id } }")
    assert time.monotonic() - begin >= 0.3
    full.control("faults", {"consonance": {"drop": True, "times": 1}})
    with pytest.raises(httpx.RemoteProtocolError):
        full.ask("{ works { id } }")
    assert full.ask("{ works { id } }").status_code == 200
    full.control("faults", {"consonance": {"stop_after_pages": 2}})
    assert [full.ask("{ works { id } }").status_code for _ in range(4)] == [200, 200, 503, 503]
    full.control("faults", {"consonance": None})
    assert full.ask("{ works { id } }").status_code == 200


def test_partner_faults_reach_the_switches_that_partners_ask(full: Server) -> None:
    wanted = {"drop_after": {"bytes": 100, "times": 1}, "refuse": {}}
    assert full.control("faults", {"northgate": {"drop_after": {"bytes": 100, "times": 1}, "refuse": True}}).json() == {"northgate": wanted}
    full.control("faults", {"northgate": {"kind": "disk_full", "bytes": 5}})
    assert full.control("faults").json()["northgate"]["disk_full"] == {"bytes": 5}
    assert full.control("faults", {}).json() == {}


@pytest.mark.parametrize(
    "body",
    [
        {"nobody": {"status": 500}}, {"consonance": {"status": 200}}, {"consonance": {"status": "x"}}, {"consonance": {"times": 2}},
        {"consonance": 5}, {"northgate": {"explode": True}}, {"northgate": {"refuse": {"times": 0}}}, {"consonance": {"slow": 10**9}}, [],
    ],
)  # fmt: skip
def test_faults_that_make_no_sense_are_refused(full: Server, body: Any) -> None:
    assert full.control("faults", body).status_code == 400
    assert full.control("faults").json() == {}


def test_a_night_of_edits_is_seen_by_clients(full: Server) -> None:
    query = (
        "query ($after: Int) { products(productSearch: {after: $after}) {"
        " id publicationDate prices { amountWithCurrencyCode } marketingTexts { externalText } } }"
    )
    before = {product["id"]: product for product in full.all_products(query)}
    told = full.control("edit", {"works": 9, "seed": 2}).json()
    after = {product["id"]: product for product in full.all_products(query)}
    assert sorted(id for id in before if before[id] != after[id]) == told["product_ids"]
    assert {change["what"] for change in told["changes"]} == {"price", "publication_date", "description"}


def test_products_are_edited_deleted_and_added(full: Server) -> None:
    told = full.control(
        "edit", {"product_id": 10011, "set": {"subtitle": "By hand", "prices": {"GBP/02": "7.77"}, "description": "New *words*"}}
    ).json()
    assert 10011 in told["product_ids"]
    product = full.data(READ)["product"]
    assert product["subtitle"] == "By hand"
    assert "GBP 7.77" in [price["amountWithCurrencyCode"] for price in product["prices"]]
    told = full.control("edit", {"delete_work": 1007, "delete_product": 10012, "add_works": 1}).json()
    ids = [one["id"] for one in full.all_products("query ($after: Int) { products(productSearch: {after: $after}) { id } }")]
    assert set(told["deleted"]).isdisjoint(ids)
    assert set(told["added"]) <= set(ids)
    full.control("reset", {})
    assert set(told["added"]).isdisjoint(
        one["id"] for one in full.all_products("query ($after: Int) { products(productSearch: {after: $after}) { id } }")
    )


@pytest.mark.parametrize(
    ("body", "status"),
    [({}, 400), ({"works": -1}, 400), ({"works": 10**6}, 400), ({"product_id": 1, "set": {"title": "x"}}, 404),
     ({"product_id": 10011, "set": {}}, 400), ({"delete_work": 1}, 404), ({"what": 1}, 400),
     ({"product_id": 10011, "set": {"isbn13": "x"}}, 400)],
)  # fmt: skip
def test_edits_that_make_no_sense_are_refused(full: Server, body: dict[str, Any], status: int) -> None:
    assert full.control("edit", body).status_code == status


def test_stats_count_requests_and_queries(full: Server) -> None:
    full.data("{ works { id } }")
    full.rest()
    full.ask("{ works { id } }", key="wrong")
    stats = full.control("stats").json()
    assert stats["requests"] == {"graphql": 2, "rest": 1, "refused": 1}
    assert (stats["queries"], stats["works"]) == ({"works": 1}, 200)
    assert stats["products"] == len(list(full.catalogue.products()))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_sandbox_says_when_it_is_ready_and_leaves_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    process = _start(tmp_path, "--titles", "100000", "--seed", "4", "--profile", "evidenced", "--today", "2026-02-28")
    try:
        connections = json.loads((tmp_path / "connections.json").read_text())
        partners = {profile.connection for profile in ROSTER}
        assert set(connections) - partners >= {"consonance", "cloudinary_default"}
        assert partners <= set(connections)
        host, key = connections["consonance"]["host"], connections["consonance"]["password"]
        answer = httpx.post(
            f"{host}/graphql",
            json={"query": "{ works(workSearch: {after: 100990}) { id } }"},
            headers={"Authorization": f"Bearer {key}"},
            trust_env=False,
        )
        assert len(answer.json()["data"]["works"]) == 10
        assert json.loads((tmp_path / "defects.json").read_text()) == httpx.get(f"{host}/sandbox/defects", trust_env=False).json()
        answers = {
            name: httpx.post(f"{host}/sandbox/answer", json={"partner": name}, trust_env=False)
            for name in ("meridian", "librarium", "nobody")
        }
        assert {name: answer.status_code for name, answer in answers.items()} == {"meridian": 404, "librarium": 404, "nobody": 400}
        dropped = httpx.post(
            f"{host}/sandbox/drop", json={"inbox": "authors", "kind": "questionnaire", "work_id": 1010}, trust_env=False, timeout=30
        ).json()["files"][0]
        assert (tmp_path / "partners" / "authors" / dropped["path"][1:]).stat().st_size == dropped["bytes"]
        assert httpx.post(f"{host}/sandbox/drop", json={"inbox": "attic"}, trust_env=False).status_code == 400
        filled = httpx.post(f"{host}/sandbox/archive", json={"files": 30}, trust_env=False, timeout=30).json()
        assert filled["files"] == len([path for path in (tmp_path / "partners" / "vault").rglob("*") if path.is_file()]) == 30
        assert all((tmp_path / "partners" / name.split("_")[1]).is_dir() for name in partners)
    finally:
        process.send_signal(number)
        status = process.wait(15)
    assert status == 0
    assert process.stderr is not None
    assert process.stderr.read() == b""
    assert not (tmp_path / "ready.json").exists()


def _start(folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox", "--dir", str(folder), *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    until = time.monotonic() + 180
    while not (folder / "ready.json").exists() and time.monotonic() < until and process.poll() is None:
        time.sleep(0.1)
    assert process.poll() is None
    return process


def test_the_key_stays_the_same_for_the_same_folder(tmp_path: Path) -> None:
    from sandbox.__main__ import _key

    assert _key(tmp_path) == _key(tmp_path)
    assert len(KEY) == len(_key(tmp_path)) == 32


def test_somebody_moves_a_title_to_another_stage(full: Server) -> None:
    answer = full.control("edit", {"work_id": 1010, "set": {"stage": "Production approved"}}).json()
    assert {change["what"] for change in answer["changes"]} == {"stage"}
    assert full.data("{ works(workSearch: {idEq: 1010}) { projectStage } }")["works"][0]["projectStage"] == "Production approved"
    assert full.control("edit", {"work_id": 1010, "set": {"stage": "Lost"}}).status_code == 400
    assert full.control("edit", {"work_id": 1010, "set": {"pages": 3}}).status_code == 400
    assert full.control("edit", {"work_id": 9, "set": {"stage": "Editorial"}}).status_code == 404
