"""Cloudinary's addresses as one ASGI application: upload, admin and search under `/v1_1/<cloud>/`, delivery under `/<cloud>/`.

Where it is mounted, that address is the SDK's `upload_prefix`; the same with the cloud name behind it is where pictures are delivered.
"""

from __future__ import annotations

import base64
import hmac
import json
import tempfile
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from sandbox.catalogue import Catalogue
from sandbox.cloudinary import delivery, seeds
from sandbox.cloudinary.admin_api import AdminApi
from sandbox.cloudinary.answers import RefusedError
from sandbox.cloudinary.environment import Account, Environment
from sandbox.cloudinary.faulty import FaultyDay
from sandbox.cloudinary.operations import find
from sandbox.cloudinary.upload_api import ACTIONS, UploadApi
from sandbox.faults import Faults

_CHUNK = 1 << 20


class Cloudinary:
    """All product environments of the sandbox. The first account is the publisher's and has covers; others start empty.

    `folder` holds what is uploaded while the process runs. `address` is where it is mounted, known once somebody listens.
    """

    def __init__(self, catalogue: Catalogue, accounts: list[Account], folder: Path, faults: Faults) -> None:
        self.catalogue, self.accounts, self.folder, self.faults = catalogue, accounts, folder, faults
        self.address = ""
        self.covers: list[seeds.Cover] = []
        folder.mkdir(parents=True, exist_ok=True)
        self._empty()
        self.environments = {account.cloud: Environment(account, folder, self._seed) for account in accounts}

    @property
    def main(self) -> Environment:
        return self.environments[self.accounts[0].cloud]

    def _seed(self, environment: Environment) -> None:
        if environment.account is self.accounts[0]:
            self.covers = seeds.plant(environment, self.catalogue)

    def _empty(self) -> None:
        for path in self.folder.iterdir():
            if path.is_file():
                path.unlink()

    def reset(self) -> None:
        """The first day again."""
        for environment in self.environments.values():
            environment.reset()
        self._empty()

    def connection(self, account: Account) -> dict[str, Any]:
        """Airflow's connection to an account."""
        extra = {"cloud_name": account.cloud, "delivery": f"{self.address}/{account.cloud}", "timeout": 20}
        return {"conn_type": "cloudinary", "host": self.address, "login": account.key, "password": account.secret, "extra": extra}

    def stats(self) -> dict[str, Any]:
        requests: Counter[str] = Counter()
        mutations: Counter[str] = Counter()
        for environment in self.environments.values():
            requests += environment.requests
            mutations += environment.mutations
        assets = sum(len(environment.assets) for environment in self.environments.values())
        return {"requests": dict(requests), "mutations": dict(mutations), "assets": assets}

    def app(self) -> ASGIApp:
        routes = [
            Route("/v1_1/{cloud}/{resource_type}/download", self._download),
            *(Route(f"/v1_1/{{cloud}}/{{resource_type}}/{action}", self._uploaded(action), methods=["POST"]) for action in ACTIONS),
            Route("/v1_1/{cloud}/{path:path}", self._admin, methods=["GET", "POST", "PUT", "DELETE"]),
            Route("/{cloud}/{path:path}", self._delivered),
        ]
        return FaultyDay(Starlette(routes=routes), self.faults)

    def _environment(self, request: Request) -> Environment:
        cloud = request.path_params["cloud"]
        if cloud not in self.environments:
            raise RefusedError(401, f"Invalid cloud_name {cloud}")
        return self.environments[cloud]

    def _delivery(self, request: Request, cloud: str) -> Callable[[], str]:
        base = self.address or str(request.base_url).rstrip("/")
        return lambda: f"{base}/{cloud}"

    def _uploaded(self, action: str) -> Callable[[Request], Any]:
        async def answer(request: Request) -> Response:
            spooled: Path | None = None
            try:
                environment = self._environment(request)
                environment.requests[action] += 1
                resource_type = request.path_params["resource_type"]
                if resource_type not in {"image", "video", "raw", "auto"}:
                    raise RefusedError(400, f"Invalid resource type {resource_type}")
                async with request.form(max_part_size=50_000_000) as form:
                    fields: dict[str, str | list[str]] = {}
                    named = ""
                    for name, value in form.multi_items():
                        if isinstance(value, UploadFile):
                            spooled, named = await _spooled(value, self.folder), value.filename or ""
                        elif name.endswith("[]"):
                            several = fields.setdefault(name[:-2], [])
                            assert isinstance(several, list)
                            several.append(value)
                        else:
                            fields[name] = value
                api = UploadApi(environment, self._delivery(request, environment.account.cloud))
                body = await run_in_threadpool(api.answer, resource_type, action, fields, spooled, named, request.headers)
            except RefusedError as refused:
                return _refusal(refused)
            finally:
                if spooled is not None:
                    spooled.unlink(missing_ok=True)
            return JSONResponse(body)

        return answer

    async def _admin(self, request: Request) -> Response:
        headers: dict[str, str] = {}
        try:
            environment = self._environment(request)
            if not _may_enter(request, environment.account):
                raise RefusedError(401, "Invalid credentials")
            found = find(request.method, request.path_params["path"])
            environment.requests[found.operation.name if found else "unknown"] += 1
            allowed = environment.spend()
            headers = _allowance(environment)
            if not allowed:
                until = datetime.fromtimestamp(environment.until, UTC)
                raise RefusedError(
                    420, f"Rate Limit Exceeded. Limit of {environment.allowed} api operations reached. Try again on {until:%F %T} UTC"
                )
            if found is None:
                raise RefusedError(404, f"There is no {request.method} {request.path_params['path']}")
            body = await _json(request)
            query: dict[str, list[str]] = {}
            for name, value in parse_qsl(request.url.query, keep_blank_values=True):
                query.setdefault(name, []).append(value)
            api = AdminApi(environment, self._delivery(request, environment.account.cloud))
            answer = await run_in_threadpool(api.answer, found, query, body)
        except RefusedError as refused:
            return _refusal(refused, headers)
        return JSONResponse(answer, headers=headers)

    async def _delivered(self, request: Request) -> Response:
        cloud = request.path_params["cloud"]
        try:
            if cloud not in self.environments:
                raise RefusedError(404, "Unknown customer")
            environment = self.environments[cloud]
            environment.requests["delivery"] += 1
            return _picture(await run_in_threadpool(delivery.served, environment, request.path_params["path"]))
        except RefusedError as refused:
            return Response(status_code=refused.status, headers={"x-cld-error": refused.message.encode("ascii", "replace").decode()})

    async def _download(self, request: Request) -> Response:
        try:
            environment = self._environment(request)
            environment.requests["download"] += 1
            query = dict(request.query_params)
            return _picture(await run_in_threadpool(delivery.downloaded, environment, request.path_params["resource_type"], query))
        except RefusedError as refused:
            return _refusal(refused)


def _picture(found: delivery.Served) -> Response:
    return Response(found.data, media_type=found.mime, headers={"etag": f'"{found.etag}"', "cache-control": "public, max-age=60"})


def _may_enter(request: Request, account: Account) -> bool:
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    try:
        words = base64.b64decode(given).decode()
    except ValueError:
        return False
    return scheme == "Basic" and hmac.compare_digest(words.encode(), f"{account.key}:{account.secret}".encode())


def _allowance(environment: Environment) -> dict[str, str]:
    return {
        "x-featureratelimit-limit": str(environment.allowed),
        "x-featureratelimit-remaining": str(max(0, environment.allowed - environment.used)),
        "x-featureratelimit-reset": format_datetime(datetime.fromtimestamp(environment.until, UTC), usegmt=True),
        "x-request-id": f"{environment.used:032x}",
    }


def _refusal(refused: RefusedError, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"error": {"message": refused.message}}, refused.status, headers=headers)


async def _json(request: Request) -> dict[str, Any]:
    body = await request.body()
    if not body.strip():
        return {}
    try:
        found = json.loads(body)
    except ValueError:
        raise RefusedError(400, "The body is not JSON") from None
    if not isinstance(found, dict):
        raise RefusedError(400, "The body is a JSON object")
    return found


async def _spooled(file: UploadFile, folder: Path) -> Path:
    with tempfile.NamedTemporaryFile(prefix="upload-", dir=folder, delete=False) as out:
        while chunk := await file.read(_CHUNK):
            out.write(chunk)
    return Path(out.name)
