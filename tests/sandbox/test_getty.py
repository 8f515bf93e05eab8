"""Getty's stand-in: held to our list of what Getty has, and to Getty's own description where it is at hand."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from include.clients.getty import notes_in
from include.clients.getty.parameters import CREATIVE, DETAIL_FIELDS, EDITORIAL, FIELDS, PAGE_SIZES
from sandbox.getty import asking, contract, library
from sandbox.getty.contract import ANSWERS, LIVE, OPERATIONS, unknown_members
from tests.clients.getty_account import DOWNLOAD, TODAY, Account, account_on

LIGHTHOUSE = library.id_of(0)


@pytest.fixture(scope="module")
def running() -> Iterator[Account]:
    with account_on() as account:
        yield account


@pytest.fixture
def getty(running: Account) -> Account:
    running.call("reset", {})
    return running


@pytest.fixture
def ask(getty: Account):
    def send(method: str, path: str, *, token: str | None = "", key: str | None = None, **more: Any) -> httpx.Response:
        headers = {"Api-Key": getty.stand_in.key if key is None else key}
        if token is not None:
            headers["Authorization"] = f"Bearer {token or getty.stand_in.state.issue('')}"
        return getty.http.request(method, f"/getty{path}", headers=headers, **more)

    return send


def everything(ask, casing: str, getty: Account) -> Iterator[tuple[str, Any]]:
    """Each operation once, with its answer."""
    getty.turn(casing=casing)
    fields = ",".join(sorted(contract.FIELDS))
    details = ",".join(sorted(contract.FIELDS | contract.DETAIL_ONLY))
    window = {"date_from": "2026-10-25", "date_to": "2026-11-21", "company_downloads": "true"}
    gets: list[tuple[str, str, dict[str, str]]] = [
        ("GET /v3/countries", "", {}),
        ("GET /v3/customers/current", "", {}),
        ("GET /v3/products", "", {"fields": "download_requirements"}),
        ("GET /v3/search/images/creative", "", {"phrase": "sea galaxy kitchen railway orchard book", "fields": fields, "page_size": "100"}),
        ("GET /v3/search/images/editorial", "", {"phrase": "flood", "fields": fields}),
        ("GET /v3/images", "", {"ids": f"{LIGHTHOUSE},1", "fields": details}),
        ("GET /v3/images/{id}", LIGHTHOUSE, {"fields": details}),
        ("GET /v3/images/{id}/similar", LIGHTHOUSE, {"fields": fields}),
        ("GET /v3/images/{id}/same-series", LIGHTHOUSE, {"fields": fields}),
        ("GET /v3/images/{id}/downloadhistory", LIGHTHOUSE, {"company_downloads": "true"}),
        ("GET /v3/downloads", "", window),
        ("GET /v3/purchased-assets", "", {"date_from": "2026-09-10", "date_to": "2026-10-01"}),
        ("GET /v3/orders/{id}", "900100000", {}),
        ("GET /v3/asset-changes/channels", "", {}),
    ]
    for operation, id, params in gets:
        yield operation, ask("GET", operation.removeprefix("GET ").replace("{id}", id), params=params)
    order = {"auto_download": "false", "product_type": "premiumaccess", "product_id": "5101"}
    yield DOWNLOAD, ask("POST", f"/v3/downloads/images/{LIGHTHOUSE}", params=order, json={"download_notes": "n"})
    use = {"asset_usages": [{"asset_id": LIGHTHOUSE, "quantity": 1, "usage_date": "2026-11-20"}]}
    yield "PUT /v3/usage-batches/{id}", ask("PUT", f"/v3/usage-batches/{casing}", json=use)
    changes = ask("PUT", "/v3/asset-changes/change-sets", params={"channel_id": "301", "batch_size": "2200"})
    yield "PUT /v3/asset-changes/change-sets", changes
    id = next(value for name, value in changes.json().items() if name in {"changeSetId", "change_set_id"})
    yield "DELETE /v3/asset-changes/change-sets/{id}", ask("DELETE", f"/v3/asset-changes/change-sets/{id}")


@pytest.mark.parametrize("casing", ["live", "samples", "yaml"])
def test_every_answer_has_known_members_alone(ask, getty, casing):
    seen = set()
    for operation, answer in everything(ask, casing, getty):
        assert answer.status_code in {200, 201}, (operation, answer.text)
        if answer.content:
            assert unknown_members(operation, answer.json()) == [], operation
        seen.add(operation)
    assert seen == set(OPERATIONS) == set(ANSWERS)


def test_the_list_would_notice_a_member_that_nobody_knows():
    invented = {
        "images": [{"id": "1", "license_expiry": "2030-01-01", "allowed_use": {"territory": "WORLD"}, "keywords": [{"text": "sea"}]}]
    }
    assert unknown_members("GET /v3/images", invented) == [".images.allowed_use.territory", ".images.license_expiry"]


def test_no_answer_tells_what_getty_does_not_publish():
    words = ("expir", "licence", "print_run", "price", "duration", "isbn", "edition")

    def names(shape: Any) -> Iterator[str]:
        for name, within in shape.items() if isinstance(shape, dict) else ():
            yield name.lower()
            yield from names(within)

    told = {name for operation, shape in ANSWERS.items() if operation != "GET /v3/products" for name in names(shape)}
    assert not [name for name in told for word in words if word in name]


def test_the_client_asks_for_listed_parameters_alone():
    ours = {"phrase", "fields", "page", "page_size"}
    assert CREATIVE | ours == OPERATIONS["GET /v3/search/images/creative"]
    assert EDITORIAL | ours == OPERATIONS["GET /v3/search/images/editorial"]
    assert set(FIELDS) <= contract.FIELDS
    assert set(DETAIL_FIELDS) <= contract.FIELDS | contract.DETAIL_ONLY
    assert PAGE_SIZES == asking.PAGE_SIZES


# --- Getty's own description


@pytest.fixture(scope="module")
def published() -> dict[str, Any]:
    folder = os.environ.get("COLOPHON_CONTRACTS", "")
    file = Path(folder) / "getty-openapi.yaml"
    if not folder or not file.is_file():
        pytest.skip("COLOPHON_CONTRACTS does not point at a folder with getty-openapi.yaml")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found: dict[str, Any] = yaml.load(file.read_bytes().replace(b"\x02", b""), loader)
    return found


def of(published: dict[str, Any], operation: str) -> dict[str, Any]:
    method, _, path = operation.partition(" ")
    same = {known.replace("{change-set-id}", "{id}"): known for known in published["paths"]}
    found: dict[str, Any] = published["paths"][same[path]][method.lower()]
    return found


@pytest.mark.parametrize("operation", OPERATIONS)
def test_operations_and_parameters_are_getty_s_own(published, operation):
    known = {one["name"] for one in of(published, operation).get("parameters", []) if one["in"] == "query"}
    assert OPERATIONS[operation] <= known


@pytest.mark.parametrize("operation", [one for one in ANSWERS if one not in {DOWNLOAD, "DELETE /v3/asset-changes/change-sets/{id}"}])
def test_members_of_answers_are_getty_s_own_or_newer(published, operation):
    answers = of(published, operation)["responses"]
    schema = (answers.get("200") or answers["201"])["content"]["application/json"]["schema"]
    newer = LIVE["*"] | LIVE.get(operation, frozenset())
    assert sorted(_beyond(published, schema, ANSWERS[operation], "", newer)) == []


def _beyond(published: dict[str, Any], schema: dict[str, Any], shape: Any, place: str, newer: frozenset[str]) -> Iterator[str]:
    while "$ref" in schema or "items" in schema:
        schema = published["components"]["schemas"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema["items"]
    known = schema.get("properties")
    if not isinstance(shape, dict) or known is None:  # the export leaves some types open
        return
    for name, within in shape.items():
        here = f"{place}.{name}".lstrip(".")
        if any(here == one or here.endswith(f".{one}") for one in newer):
            continue
        if name in known:
            yield from _beyond(published, known[name], within, here, newer)
        else:
            yield here


def test_requests_have_getty_s_own_bodies(published):
    schemas = published["components"]["schemas"]
    assert set(schemas["PremiumAccessDownloadData"]["properties"]) == {"download_notes", "project_code"}
    assert set(schemas["report_usage_batch_request"]["properties"]) == {"asset_usages"}
    assert set(schemas["asset_usage"]["properties"]) == {"asset_id", "quantity", "usage_date"}


def test_fields_that_we_ask_for_are_getty_s_own(published):
    schemas = published["components"]["schemas"]
    assert set(FIELDS) <= set(schemas["CreativeImagesFieldValues"]["enum"])
    assert set(DETAIL_FIELDS) <= set(schemas["ImageDetailFieldValues"]["enum"])


# --- manners


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("/v3/search/images/creative", {"phrase": "sea", "license_models": "royaltyfree"}),
        ("/v3/search/images/creative", {"phrase": "sea", "fields": "detail_set"}),
        ("/v3/search/images/creative", {"phrase": "sea", "page_size": "40"}),
        ("/v3/search/images/creative", {"phrase": "sea", "page": "0"}),
        ("/v3/search/images/creative", [("phrase", "sea"), ("fields", "id"), ("fields", "title")]),
        ("/v3/images", {"ids": ",".join(str(number) for number in range(101))}),
        ("/v3/images", {}),
        ("/v3/downloads", {"date_from": "2026-01-01", "date_to": "2026-03-01"}),
        ("/v3/downloads", {"date_from": "yesterday"}),
    ],
)
def test_what_getty_does_not_take_is_refused(ask, path, params):
    answer = ask("GET", path, params=params)
    assert (answer.status_code, answer.json()["ErrorCode"]) == (400, "InvalidParameterValue")
    assert answer.headers["content-type"].startswith("application/vnd.getty.error+json")


def test_keys_and_tokens_are_asked_for(ask, getty):
    for answer in (ask("GET", "/v3/countries", key="x", token=None), ask("GET", "/v3/products", token="x")):
        assert (answer.status_code, answer.json()) == (401, {"message": "Unauthorized"})
    assert ask("GET", "/v3/countries", token=None).status_code == 200
    assert ask("GET", "/v3/products", token=None).json()["ErrorCode"] == "AuthorizationTokenRequired"
    assert ask("GET", "/v3/search/images/creative", token=None, params={"phrase": "sea"}).status_code == 200
    refused = ask("GET", "/v3/search/images/creative", token=None, params={"phrase": "sea", "fields": "largest_downloads"})
    assert refused.status_code == 401
    getty.turn(token={"seconds": 0.01})
    token = getty.stand_in.state.issue("")
    time.sleep(0.02)
    assert ask("GET", "/v3/products", token=token).status_code == 401


def test_a_download_counts_once_and_leads_to_a_file_that_wants_no_credentials(ask, getty):
    order = {"product_type": "premiumaccess", "product_id": "5101"}
    answer = ask("POST", f"/v3/downloads/images/{LIGHTHOUSE}", params=order, json={"download_notes": "colophon:1001/-/cover"})
    assert answer.status_code == 303
    file = getty.http.get(answer.headers["location"])
    assert file.content.startswith(b"\xff\xd8\xff")
    assert file.headers["content-disposition"] == f"attachment; filename=GettyImages-{LIGHTHOUSE}.jpg"
    assert getty.http.get(answer.headers["location"], headers={"Api-Key": getty.stand_in.key}).status_code == 400
    stats = getty.stats
    assert (stats["licences"], stats["history"], stats["credentials_at_delivery"]) == (1, 23, 1)
    assert stats["downloads_remaining"] == {"5101": 41, "6203": 25, "4077": 0}


def test_the_library_is_the_same_every_time_and_of_both_families():
    images = library.library(1, TODAY)
    assert images is library.library(1, TODAY)
    families = [row["asset_family"] for row in images.values()]
    assert (families.count("creative"), families.count("editorial")) == (84, 36)
    assert {row["license_model"] for row in images.values()} == {"royaltyfree", "rightsmanaged"}
    assert 3 <= sum("territory_restrictions" in row for row in images.values()) <= 6
    assert any(row["call_for_image"] for row in images.values())
    assert library.jpeg(LIGHTHOUSE, True, "x") == library.jpeg(LIGHTHOUSE, True, "x")


def test_licences_belong_to_titles_that_the_catalogue_has(getty):
    getty.turn(expire_tokens=True)
    state, catalogue = getty.stand_in.state, getty.stand_in.state.catalogue
    found = [one for row in state.history for one in notes_in(row["download_details"]["download_notes"])]
    assert len(found) == 18
    lost = [one for one in found if catalogue.work(one.work_id) is None]
    assert len(lost) == 1, "one work is unknown on purpose"
    for one in found:
        work = catalogue.work(one.work_id)
        if work is not None and one.isbn:
            assert one.isbn in {product.isbn for product in work.products}
    assert len({row["id"] for row in state.history} | {row["asset_id"] for row in state.purchases}) == 25
    assert {row["id"] for row in state.waiting if row["lifecycle"] == "Delete"} == {library.id_of(6), library.id_of(27)}


def test_switches_change_the_account_and_reset_brings_it_back(getty, ask):
    told = getty.turn(license={"asset_id": LIGHTHOUSE, "notes": "n", "days_ago": 3, "product_id": 6203, "mine": False})
    assert told["license"]["user"]["username"] == "bea.lq"
    assert told["history"] == 23
    bought = getty.turn(purchase={"asset_id": library.id_of(90), "days_ago": 2, "project_title": "P"})
    assert ask("GET", f"/v3/orders/{bought['order']['id']}").json()["notes"]["project_title"] == "P"
    assert getty.turn(withdraw=LIGHTHOUSE)["waiting"] == 5
    assert ask("GET", "/v3/images", params={"ids": LIGHTHOUSE}).json()["ErrorCode"] == "ImageNotFound"
    getty.turn(image={"id": library.id_of(1), "set": {"allowed_use": None, "title": "Another"}})
    image = ask("GET", "/v3/images", params={"ids": library.id_of(1), "fields": "title,allowed_use"}).json()["images"][0]
    assert image == {"id": library.id_of(1), "title": "Another"}
    assert getty.turn(licenses={"count": 500, "days": 100})["history"] == 523
    getty.call("reset", {})
    assert getty.stats["history"] == 22
    assert ask("GET", "/v3/images", params={"ids": LIGHTHOUSE}).status_code == 200


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"unknown": 1}, 400),
        ({"withdraw": "1"}, 404),
        ({"license": {"asset_id": "1"}}, 404),
        ({"license": {"isbn": "x"}}, 400),
        ({"licenses": {"count": 0}}, 400),
        ({"allowance": -1}, 400),
        ({"allowance": {"99": 1}}, 404),
        ({"casing": "odd"}, 400),
        ({"disable": ["everything"]}, 400),
        ({"agreement_ends": {"5101": "soon"}}, 400),
        ({"notify": "1"}, 400),
    ],
)
def test_switches_that_are_none_are_refused(getty, body, status):
    assert getty.http.post("/sandbox/getty", json=body).status_code == status


@pytest.mark.parametrize(
    "fault", [{"status": 200}, {"status": "x"}, {"drop": "sometimes"}, {"drop_after": 5}, {"times": 1}, {"status": 500, "times": 0}]
)
def test_faults_that_are_none_are_refused(getty, fault):
    assert getty.http.post("/sandbox/faults", json={"getty": fault}).status_code == 400
