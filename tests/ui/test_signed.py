"""Signed addresses as Airflow mounts them: beside the pages, without a log-in, and nothing but one picture each."""

from __future__ import annotations

from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from include.store import ArtefactStore
from include.store.signed import Signer
from tests.intake.test_ladder import SECRET, picture

pytestmark = pytest.mark.airflow
ADDRESS = "http://airflow.example"


@pytest.fixture
def nobody(client_as: Any, store: ArtefactStore, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Somebody without a log-in, at the plugin's applications in Airflow's order."""
    from colophon_plugin import ColophonPlugin

    monkeypatch.setenv("COLOPHON_SIGNING_KEY", SECRET)
    root = FastAPI()
    for one in ColophonPlugin.fastapi_apps:
        root.mount(one["url_prefix"], one["app"])
    with TestClient(root, base_url=ADDRESS, raise_server_exceptions=False) as client:
        yield client


def test_a_signed_address_opens_without_a_log_in_and_the_pages_do_not(nobody: Any, store: ArtefactStore) -> None:
    kept = store.put(BytesIO(picture("navy")))
    answer = nobody.get(Signer(ADDRESS, SECRET).url(kept.sha256, "9781915000019-ab.jpg", datetime.now(UTC)).removeprefix(ADDRESS))
    assert (answer.status_code, answer.content) == (200, picture("navy"))
    assert answer.headers["x-content-type-options"] == "nosniff"
    for path in ("/colophon/titles", "/colophon/deliveries", "/colophon/static/colophon.css"):
        assert nobody.get(path).status_code == 401


@pytest.mark.parametrize(
    "path", ["", "/", "/docs", "/openapi.json", "/x", "/x/y", "/../titles", "/x/y/z", "/.../a.jpg", "/a.b/%2e%2e%2fsecret"]
)
def test_nothing_else_is_there(nobody: Any, path: str) -> None:
    answer = nobody.get(f"/colophon/signed{path}", follow_redirects=False)
    assert answer.status_code in {401, 404, 307}
    assert SECRET not in answer.text


def test_nothing_can_be_written(nobody: Any, store: ArtefactStore) -> None:
    kept = store.put(BytesIO(picture("navy")))
    path = Signer(ADDRESS, SECRET).url(kept.sha256, "a.jpg", datetime.now(UTC)).removeprefix(ADDRESS)
    assert {nobody.request(method, path).status_code for method in ("POST", "PUT", "DELETE", "PATCH")} == {405}


def test_the_key_of_airflow_serves_where_none_is_set(nobody: Any, store: ArtefactStore, monkeypatch: pytest.MonkeyPatch) -> None:
    from colophon.hooks.signing import signer, signing_key

    monkeypatch.delenv("COLOPHON_SIGNING_KEY")
    monkeypatch.setenv("AIRFLOW__API__SECRET_KEY", "the same for workers and server")
    monkeypatch.setenv("COLOPHON_PUBLIC_URL", f"{ADDRESS}/")
    assert signing_key() == "the same for workers and server"
    made = signer()
    assert made is not None
    kept = store.put(BytesIO(picture("navy")))
    url = made.url(kept.sha256, "a.jpg", datetime.now(UTC))
    assert nobody.get(url.removeprefix(ADDRESS)).status_code == 200
    monkeypatch.delenv("COLOPHON_PUBLIC_URL")
    assert signer() is None
