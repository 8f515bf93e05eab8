"""Consonance's stand-in on a port of its own, one per tenant; no partners."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import httpx
import pytest
import uvicorn

from sandbox.catalogue import Catalogue, Tenant
from sandbox.consonance.app import Consonance
from sandbox.control import Control
from sandbox.faults import Faults

TODAY = date(2026, 11, 21)
KEY = "0123456789abcdef0123456789abcdef"


@dataclass
class Server:
    url: str
    http: httpx.Client
    catalogue: Catalogue

    def ask(self, query: str, key: str = KEY, **variables: Any) -> httpx.Response:
        return self.http.post("/graphql", json={"query": query, "variables": variables}, headers={"Authorization": f"Bearer {key}"})

    def data(self, query: str, **variables: Any) -> dict[str, Any]:
        answer = self.ask(query, **variables).json()
        assert "errors" not in answer, answer["errors"]
        data: dict[str, Any] = answer["data"]
        return data

    def all_products(self, query: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while page := self.data(query, after=found[-1]["id"] if found else 0)["products"]:
            found += page
        return found

    def rest(self, path: str = "/api/v4/products.json", key: str = KEY, **params: Any) -> httpx.Response:
        return self.http.get(path, params=params, headers={"Authorization": f"Token token={key}"})

    def all_records(self) -> list[dict[str, Any]]:
        first = self.rest().json()
        found = first["products"]
        for page in range(2, first["total_pages"] + 1):
            found += self.rest(page=page).json()["products"]
        return found

    def control(self, path: str, body: Any = None) -> httpx.Response:
        return self.http.get(f"/sandbox/{path}") if body is None else self.http.post(f"/sandbox/{path}", json=body)


def _serve(tenant: Tenant, titles: int = 200) -> Iterator[Server]:
    catalogue, faults = Catalogue(1, titles, TODAY, tenant), Faults()
    consonance = Consonance(catalogue, KEY, faults)
    control = Control(consonance, faults, frozenset({"northgate"}))  # a partner to set faults for; nobody serves it
    config = uvicorn.Config(consonance.app(control.routes()), port=0, log_level="critical", lifespan="off", access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    for _ in range(12_000):
        if server.started:
            break
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    with httpx.Client(base_url=url, timeout=20, trust_env=False) as http:
        yield Server(url, http, catalogue)
    server.should_exit = True
    thread.join(10)


@pytest.fixture(scope="module")
def running_full() -> Iterator[Server]:
    yield from _serve("full")


@pytest.fixture(scope="module")
def running_evidenced() -> Iterator[Server]:
    yield from _serve("evidenced")


@pytest.fixture
def full(running_full: Server) -> Iterator[Server]:
    running_full.control("reset", {})
    yield running_full
    running_full.control("reset", {})


@pytest.fixture
def evidenced(running_evidenced: Server) -> Iterator[Server]:
    running_evidenced.control("reset", {})
    yield running_evidenced
    running_evidenced.control("reset", {})
