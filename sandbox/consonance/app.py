"""Consonance's paths and the sandbox's own, as one ASGI application.

`POST /graphql` (Bearer key) · `GET /api/v4/products.json`, `/api/products.json` (Token token=key) · `GET /covers/<id>/<style>.jpg` ·
`PUT /uploads/<id>` (the presigned address of a new cover: its number is the secret) · `/sandbox/…` (control: no key, since the server
listens on this machine alone).
"""

from __future__ import annotations

import hmac
import json
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from sandbox.catalogue import Catalogue
from sandbox.catalogue.facts import Cover
from sandbox.consonance import rest
from sandbox.consonance.context import Context
from sandbox.consonance.covers import jpeg, size_of
from sandbox.consonance.faulty import FaultyDay
from sandbox.consonance.graphql import GraphQL
from sandbox.consonance.imports import Imports
from sandbox.faults import Faults

_LARGEST_QUERY = 4_000_000  # bytes
_LARGEST_COVER = 50_000_000


@dataclass
class Consonance:
    """The server's parts, for those who start it and those who ask how it went."""

    catalogue: Catalogue
    key: str
    faults: Faults
    base_url: str = ""
    requests: Counter[str] = field(default_factory=Counter)
    uploads: dict[int, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.graphql = GraphQL(self.catalogue.tenant)
        self.imports = Imports(self.catalogue)

    def app(self, more: list[Route | Mount] | None = None) -> ASGIApp:
        routes = [
            Route("/graphql", self._graphql, methods=["POST"]),
            Route("/api/v4/products.json", self._rest),
            Route("/api/products.json", self._rest),
            Route("/covers/{id:int}/{style}.jpg", self._cover),
            Route("/uploads/{id:int}", self._upload, methods=["PUT"]),
            *(more or []),
        ]
        return FaultyDay(Starlette(routes=routes), self.faults)

    def _url(self, request: Request) -> str:
        return self.base_url or str(request.base_url).rstrip("/")

    def _may_enter(self, request: Request, scheme: str) -> bool:
        given = request.headers.get("authorization", "")
        if not given.startswith(scheme):
            return False
        return hmac.compare_digest(given.removeprefix(scheme).strip().strip('"').encode(), self.key.encode())

    async def _graphql(self, request: Request) -> Response:
        self.requests["graphql"] += 1
        if not self._may_enter(request, "Bearer "):
            self.requests["refused"] += 1
            return JSONResponse({"errors": [{"message": "Not authorised"}]}, 401)
        body = await _body(request, _LARGEST_QUERY)
        if body is None:
            return JSONResponse({"errors": [{"message": "The request is too large"}]}, 413)
        try:
            asked = json.loads(body)
        except (ValueError, RecursionError):
            return JSONResponse({"errors": [{"message": "The body is not JSON"}]}, 400)
        problem = _problem(asked)
        if problem:
            return JSONResponse({"errors": [{"message": problem}]}, 400)
        context = Context(self.catalogue, self._url(request), self.uploads)
        answer = await run_in_threadpool(
            lambda: json.dumps(self.graphql.answer(asked["query"], asked.get("variables"), asked.get("operationName"), context))
        )
        return Response(answer, media_type="application/json")

    async def _rest(self, request: Request) -> Response:
        self.requests["rest"] += 1
        if not self._may_enter(request, "Token token="):
            self.requests["refused"] += 1
            return PlainTextResponse("HTTP Token: Access denied.\n", 401)
        filters = {name[2:-1]: value for name, value in request.query_params.items() if name.startswith("q[") and name.endswith("]")}
        page = request.query_params.get("page", "1")
        if not (page.isascii() and page.isdigit() and 0 < int(page) < 10**7):
            return PlainTextResponse("page is a number from 1 on\n", 400)
        try:
            answer = await run_in_threadpool(lambda: json.dumps(rest.page_of(self.catalogue, int(page), filters, self._url(request))))
        except rest.UnknownFilterError as error:
            return PlainTextResponse(f"{error}\n", 400)
        return Response(answer, media_type="application/json")

    async def _cover(self, request: Request) -> Response:
        self.requests["covers"] += 1
        id: int = request.path_params["id"]
        cover = self._find_cover(id)
        if cover is None or not (cover.height or id in self.uploads):
            return PlainTextResponse("no such cover\n", 404)
        try:
            data = self.uploads[id] if id in self.uploads else await run_in_threadpool(jpeg, cover, request.path_params["style"])
        except KeyError:
            return PlainTextResponse("no such style\n", 404)
        return Response(data, media_type="image/jpeg", headers={"etag": f'"{id}-{cover.width}x{cover.height}-{len(data)}"'})

    def _find_cover(self, id: int) -> Cover | None:
        work = self.catalogue.work(id // 10)
        return next((cover for cover in work.covers if cover.id == id), None) if work else None

    async def _upload(self, request: Request) -> Response:
        """The image of a cover that was created with a file name."""
        id: int = request.path_params["id"]
        cover = self._find_cover(id)
        if cover is None or cover.height or cover.remote_url:
            return PlainTextResponse("nothing is to be uploaded here\n", 404)
        body = await _body(request, _LARGEST_COVER)
        if body is None:
            return PlainTextResponse("too large\n", 413)
        try:
            width, height = await run_in_threadpool(size_of, body)
        except ValueError as error:
            return PlainTextResponse(f"{error}\n", 422)
        self.uploads[id] = body
        whole = replace(cover, width=width, height=height, bytes=len(body))
        self.catalogue.edit(id // 10, lambda work: replace(work, covers=tuple(whole if one.id == id else one for one in work.covers)))
        return Response(status_code=200)

    def stats(self) -> dict[str, Any]:
        return {"requests": dict(self.requests), "queries": dict(self.graphql.operations), "mutations": dict(self.graphql.mutations)}


async def _body(request: Request, most: int) -> bytes | None:
    """The body, or None if it is longer than `most` bytes."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            return None
    return bytes(body)


def _problem(asked: Any) -> str:
    if not isinstance(asked, dict) or not isinstance(asked.get("query"), str):
        return "The body is an object with `query`, and `variables` if it has any"
    if not isinstance(asked.get("variables"), dict | None):
        return "`variables` is an object"
    if not isinstance(asked.get("operationName"), str | None):
        return "`operationName` is a text"
    return ""
