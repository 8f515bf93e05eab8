"""Getty's hosts as paths of the sandbox: `/getty/v3/…` (API), `/getty/oauth2/token`; without credentials `/getty/delivery/…` (files),
`/getty/media/…` (pictures to look at).

Stricter than Getty may be, so that a client keeps to what is known: parameters and fields outside the list are refused, histories
give at most 31 days at once, pages have one of the known sizes.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from typing import Any
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from sandbox.catalogue import Catalogue
from sandbox.faults import Faults
from sandbox.getty import account, images
from sandbox.getty.asking import Asked, RefusedError
from sandbox.getty.contract import OPERATIONS
from sandbox.getty.faulty import BadDay, error
from sandbox.getty.library import jpeg
from sandbox.getty.state import GettyState

USER, USER_PASSWORD = "ada.lq", "lantern-and-quill"
_ANSWERS = {**images.ANSWERS, **account.ANSWERS}
# What works with the key alone.
_OPEN = frozenset({"GET /v3/countries", "GET /v3/search/images/creative", "GET /v3/search/images/editorial"})
_MOST = 1_000_000  # bytes of a body


class Getty:
    """The server's parts. `key` and `secret` are the only ones that it knows; `base_url` is the sandbox's own address."""

    def __init__(self, catalogue: Catalogue, secret: str, faults: Faults) -> None:
        self.key, self.secret = hashlib.sha256(f"getty {secret}".encode()).hexdigest()[:24], secret
        self.state = GettyState(catalogue)
        self.base_url = ""
        self._bad_day = BadDay(faults)

    @property
    def connection(self) -> dict[str, Any]:
        """As Airflow's connections file has it."""
        extra = {"auth_url": f"{self.base_url}/getty/oauth2/token", "company_downloads": True}
        return {"conn_type": "getty", "host": f"{self.base_url}/getty", "login": self.key, "password": self.secret, "extra": extra}

    def routes(self) -> list[Mount]:
        inside = [
            Route("/oauth2/token", self._token, methods=["POST"]),
            Route("/delivery/{path}", self._delivery),
            Route("/media/{id}/{name}.jpg", self._shown),
            *(self._route(operation) for operation in OPERATIONS),
        ]
        return [Mount("/getty", routes=inside)]

    def _route(self, operation: str) -> Route:
        method, _, path = operation.partition(" ")

        async def endpoint(request: Request) -> Response:
            return await self._bad_day.answer(request, operation, lambda asked: self._answer(asked, operation))

        return Route(path, endpoint, methods=[method])

    async def _answer(self, request: Request, operation: str) -> Response:
        self.state.requests[operation] += 1
        if not hmac.compare_digest(request.headers.get("api-key", "").encode(), self.key.encode()):
            return error(401)
        body = await request.body()
        try:
            with self.state.lock:
                self.state.make()
                asked = self._asked(request, operation, body)
                answer = _ANSWERS[operation](self.state, asked)
                if asked.done and 200 <= asked.status < 400:
                    self.state.mutations[operation] += 1
        except RefusedError as refused:
            return error(refused.status, refused.code)
        if answer is None:
            return Response(status_code=asked.status, headers=asked.headers)
        return JSONResponse(answer, asked.status, asked.headers)

    def _asked(self, request: Request, operation: str, body: bytes) -> Asked:
        given = request.headers.get("authorization", "")
        token = self.state.token(given.removeprefix("Bearer ")) if given.startswith("Bearer ") else None
        if (given and token is None) or (token is None and operation not in _OPEN):
            raise RefusedError(401, "" if given else "AuthorizationTokenRequired")
        params: dict[str, str] = {}
        for name, value in request.query_params.multi_items():
            if name not in OPERATIONS[operation] or name in params:  # arrays are joined by commas, never repeated
                raise RefusedError(400, "InvalidParameterValue")
            params[name] = value
        try:
            told = json.loads(body) if body else None
        except ValueError as bad:
            raise RefusedError(400, "InvalidRequest") from bad
        base = self.base_url or str(request.base_url).removesuffix("/getty/").rstrip("/")
        return Asked(request.path_params.get("id", ""), params, told, token, f"{base}/getty")

    async def _token(self, request: Request) -> Response:
        return await self._bad_day.answer(request, "token", self._grant)

    async def _grant(self, request: Request) -> Response:
        self.state.requests["token"] += 1
        body = await request.body()
        form = {name: values[0] for name, values in parse_qs(body[:_MOST].decode("utf-8", "replace")).items()}
        with self.state.lock:
            mine = (form.get("client_id"), form.get("client_secret")) == (self.key, self.secret)
            user: str | None = ""
            match form.get("grant_type") if mine else "refused":
                case "client_credentials":
                    pass
                case "password":
                    user = USER if (form.get("username"), form.get("password")) == (USER, USER_PASSWORD) else None
                case "refresh_token":
                    user = self.state.refresh.get(form.get("refresh_token", ""))
                case _:
                    user = None
            if user is None:
                return JSONResponse({"error": "invalid_client" if not mine else "invalid_grant"}, 400)
            seconds: Any = self.state.token_seconds
            seconds = int(seconds) if float(seconds).is_integer() else seconds
            answer = {
                "access_token": self.state.issue(user),
                "token_type": "Bearer",
                "expires_in": str(seconds) if self.state.token_text else seconds,
            }
            if user:
                answer["refresh_token"] = next((one for one, whose in self.state.refresh.items() if whose == user), "") or self._refresh(
                    user
                )
        return JSONResponse(answer)

    def _refresh(self, user: str) -> str:
        value = hashlib.sha256(f"{self.secret} {user} {time.monotonic()}".encode()).hexdigest()
        self.state.refresh[value] = user
        return value

    async def _delivery(self, request: Request) -> Response:
        return await self._bad_day.answer(request, "delivery", self._file)

    async def _shown(self, request: Request) -> Response:
        """What everybody sees of an image, without a licence."""
        self.state.requests["media"] += 1
        image = self.state.images.get(request.path_params["id"])
        if image is None or self._credentials(request):
            return Response("nothing is shown\n", 404, media_type="text/plain")
        return Response(jpeg(image["id"], image["orientation"] == "Vertical", image["title"]), media_type="image/jpeg")

    def _credentials(self, request: Request) -> bool:
        """Whether key, token or cookie came to a host that is another house's; they are counted."""
        given = any(name in request.headers for name in ("api-key", "authorization", "cookie"))
        self.state.credentials_at_delivery += given
        return given

    async def _file(self, request: Request) -> Response:
        self.state.requests["delivery"] += 1
        if self._credentials(request):
            return Response("no credentials here\n", 400, media_type="text/plain")
        with self.state.lock:
            self.state.make()
            id, until = self.state.links.get(request.path_params["path"], ("", 0.0))
            image = self.state.images.get(id)
        if time.monotonic() >= until or image is None:
            return Response("this address is out of date\n", 403, media_type="text/plain")
        content = jpeg(id, image["orientation"] == "Vertical", image["title"])
        headers = {"content-disposition": f"attachment; filename=GettyImages-{id}.jpg"}
        if self.state.no_length:
            from starlette.responses import StreamingResponse

            return StreamingResponse(iter([content]), 200, headers, "image/jpeg")
        return Response(content, 200, headers, "image/jpeg")
