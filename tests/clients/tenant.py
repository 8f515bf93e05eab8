"""A Consonance tenant in small, over real HTTP: GraphQL executed against `tenant.graphql`, REST pages, and manners to break."""

# ruff: noqa: N803, N815 - the names are GraphQL's and http.server's

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from graphql import build_schema, graphql_sync

from include.clients.consonance import Consonance
from include.clients.exchange import Exchange, Patience

KEY = "k" * 31 + "7"
SDL = Path(__file__).with_name("tenant.graphql").read_text(encoding="utf-8")
Row = dict[str, Any]


@dataclass(slots=True)
class Reply:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    dribble: float = 0.0  # seconds between single bytes


@dataclass(slots=True)
class Tenant:
    """`works` and `products` by id, each with `changed` (ISO date); `rest` records by id; `answers` are given before all else."""

    works: dict[int, Row] = field(default_factory=dict)
    products: dict[int, Row] = field(default_factory=dict)
    rest: dict[int, Row] = field(default_factory=dict)
    rest_on: bool = True
    page: int = 3
    heeds_after: bool = True
    sdl: str = SDL
    answers: list[Reply | None] = field(default_factory=list)
    given: dict[str, list[list[Any]]] = field(default_factory=dict)  # pages of an operation as no GraphQL server would send them
    asked: Counter[str] = field(default_factory=Counter)
    queries: list[tuple[str, Row]] = field(default_factory=list)
    most_at_once: int = 0
    _now: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _schema: Any = None

    # --- titles

    def add(self, work_id: int, *product_ids: int, changed: str = "2026-01-01", **work: Any) -> None:
        self.works[work_id] = work_row(work_id, changed=changed) | work
        for id in product_ids:
            self.products[id] = product_row(id, work_id, changed=changed)
            self.rest[id] = rest_row(id, work_id)

    def edit(self, kind: str, id: int, changed: str, **values: Any) -> None:
        getattr(self, kind)[id] |= {"changed": changed, **values}

    # --- the wire

    def answer(self, method: str, target: str, headers: Any, body: bytes) -> Reply:
        url = urlsplit(target)
        with self._lock:
            self.asked[url.path] += 1
            if self.answers and (given := self.answers.pop(0)) is not None:
                return given
        if url.path == "/graphql" and method == "POST":
            if headers.get("Authorization") != f"Bearer {KEY}":
                return Reply(401)
            asked = json.loads(body)
            self.queries.append((asked["query"], asked["variables"]))
            return Reply(200, json.dumps(self._execute(asked)).encode(), {"Content-Type": "application/json"})
        if url.path == "/api/v4/products.json" and self.rest_on:
            if headers.get("Authorization") != f"Token token={KEY}":
                return Reply(401)
            return Reply(200, json.dumps(self._rest(parse_qs(url.query))).encode())
        return Reply(404)

    def _execute(self, asked: Row) -> Row:
        operation = asked["query"].removeprefix("query ").partition("(")[0]
        if operation in self.given:
            return {"data": {operation: self.given[operation].pop(0) if self.given[operation] else []}}
        if self._schema is None:
            self._schema = _schema_of(self.sdl)
        root = {
            "work": lambda info, workSearch=None: self._one(self.works, workSearch, self._work),
            "works": lambda info, workSearch=None: self._page(self.works, workSearch or {}, self._work),
            "product": lambda info, productSearch=None: self._one(self.products, productSearch, self._product),
            "products": lambda info, productSearch=None: self._page(self.products, productSearch or {}, self._product),
        }
        return dict(graphql_sync(self._schema, asked["query"], root, variable_values=asked["variables"]).formatted)

    @staticmethod
    def _one(rows: dict[int, Row], search: Row, as_: Callable[[Row], Row]) -> Row | None:
        row = rows.get(search["idEq"])
        return as_(row) if row else None

    def _page(self, rows: dict[int, Row], search: Row, as_: Callable[[Row], Row]) -> list[Row]:
        after = search.get("after", 0) if self.heeds_after else 0
        since = search.get("changedSince", "")
        return [as_(rows[id]) for id in sorted(rows) if id > after and rows[id]["changed"] >= since][: self.page]

    def _work(self, row: Row) -> Row:
        return row | {"products": lambda info: [self._product(p) for _, p in sorted(self.products.items()) if p["work_id"] == row["id"]]}

    def _product(self, row: Row) -> Row:
        return row | {
            "work": lambda info: self._work(self.works.get(row["work_id"], {"id": row["work_id"], "supportingResources": []})),
            "marketingTexts": lambda info, variantIn=None: [t for v in variantIn or row["texts"] for t in row["texts"].get(v, [])],
        }

    def _rest(self, query: dict[str, list[str]]) -> Row:
        with self._lock:
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
        time.sleep(0.002)
        with self._lock:
            self._now -= 1
        if "q[id_eq]" in query:
            found = [row for id, row in self.rest.items() if str(id) == query["q[id_eq]"][0]]
            return {"current_page": 1, "per_page": self.page, "total_pages": 1, "products": found}
        number = int(query.get("page", ["1"])[0])
        ordered = [self.rest[id] for id in sorted(self.rest)]
        pages = -(-len(ordered) // self.page)
        return {
            "current_page": number,
            "per_page": self.page,
            "total_pages": pages,
            "products": ordered[(number - 1) * self.page : number * self.page],
        }


@cache
def _schema_of(sdl: str) -> Any:
    return build_schema(sdl)


def work_row(id: int, **values: Any) -> Row:
    return {
        "id": id,
        "title": f"The Tides of {id}",
        "imprint": {"id": 1, "name": "Lantern"},
        "projectStage": "Commissioned",
        "contributions": [
            {
                "id": 10 * id,
                "sequenceNumber": 1,
                "onixContributorRoleCode": "A01",
                "productIds": [],
                "contributor": {
                    "__typename": "Person",
                    "id": 5,
                    "keyNames": "Woolf",
                    "personName": "Virginia Woolf",
                    "isni": "0000 0001 2103 2683",
                },
            }
        ],
        "subjectCodes": [{"__typename": "BISAC", "code": "FIC000000", "main": True}],
        "seriesMemberships": [],
        "supportingResources": [
            {
                "id": 7,
                "url": f"https://covers.example/{id}.jpg",
                "createdAt": "2026-01-01T10:00:00Z",
                "isProcessing": False,
                "productIds": [],
            }
        ],
        **values,
    }


def product_row(id: int, work_id: int, **values: Any) -> Row:
    return {
        "__typename": "PhysicalBookProduct",
        "id": id,
        "work_id": work_id,
        "isbn": {"isbn13": isbn(id)},
        "fullTitle": f"The Tides of {work_id}",
        "titlePrefix": "The",
        "titleWithoutPrefix": f"Tides of {work_id}",
        "onix21ProductFormCode": "BC",
        "onixPublishingStatusCode": "_04",
        "publicationDate": "2025-03-01",
        "inHouseFormat": {"name": "Paperback"},
        "prices": [{"amount": 9.99, "currencyCode": "GBP", "onixPriceTypeCode": "_02", "onixPriceTypeQualifierCode": "_05"}],
        "texts": {"SHORT_DESCRIPTION": [{"id": 1, "externalText": "Short.", "externalTextMarkdown": "Short."}]},
        "forSaleCountryCodes": ["GB", "IE"],
        "productHeight": lambda info, unit=None: 198.0,
        "mainContentPageCount": 320,
        **values,
    }


def rest_row(id: int, work_id: int, **values: Any) -> Row:
    return {
        "id": id,
        "work_id": work_id,
        "full_title": f"The Tides of {work_id}",
        "isbn": isbn(id),
        "product_form": "BC",
        "publishing_status": "04",
        "pub_date": "2025-03-01",
        "marketingtexts": [{"code": "01", "external_text": f"<p>All about {work_id}.</p>"}],
        "measurements": {"product_dimensions_mm": "198 x 129 x 21"},
        **values,
    }


def isbn(number: int) -> str:
    body = f"978{number:09d}"
    return body + str(-sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(body)) % 10)


@contextmanager
def served(answer: Callable[[str, str, Any, bytes], Reply]) -> Iterator[str]:
    """An HTTP server on a free port; gives its address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def _do(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            reply = answer(self.command, self.path, self.headers, body)
            if reply.status == 0:  # hang up
                self.close_connection = True
                return
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            if not reply.dribble:
                self.wfile.write(reply.body)
                return
            for at in range(len(reply.body)):
                try:
                    self.wfile.write(reply.body[at : at + 1])
                except OSError:
                    return
                time.sleep(reply.dribble)

        do_GET = do_POST = _do

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


@dataclass(slots=True)
class Waits:
    """A clock that nobody waits for."""

    seconds: list[float] = field(default_factory=list)

    def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


def client_of(address: str, sleep: Callable[[float], None] | None = None, *, key: str = KEY, **settings: Any) -> Consonance:
    exchange = {name: settings.pop(name) for name in ("timeout", "patience", "most_bytes", "now", "session") if name in settings}
    exchange.setdefault("patience", Patience(tries=4))
    return Consonance(Exchange(address, sleep=sleep or Waits(), **exchange), key, **settings)
