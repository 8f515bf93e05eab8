"""Jira's REST API 2 as paths of the sandbox under `/jira/rest/api/2`: as much as the stock provider's client calls for issues.

Projects are made when somebody names them. `{"jira": …}` among the faults (`sandbox.control`):

| kind | fields | what happens |
| --- | --- | --- |
| `status` | `status` | that HTTP status, in Jira's shape; nothing is done |
| `drop` | `when` | the connection breaks: `before` anything is done, `after` it was done, in the `middle` of the answer |
| `lag` | `seconds` | issues are not found by a search before they are so old |

`status` and `drop` may have `times`, and `on`: the operation, such as `POST /issue` or `POST /issue/{key}/comment`. Over
`/sandbox/jira`: `GET` all issues with comments, `POST {"done": key}` closes one, `POST {"delete": key}` removes it.
"""

from __future__ import annotations

import base64
import hmac
import re
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from sandbox.faults import Faults
from sandbox.getty.faulty import BreaksOff, HangsUp

SERVICE = "jira"
USER = "colophon@lanternandquill.example"
_CLAUSE = re.compile(r'\s*(project|labels|statusCategory)\s*(=|!=)\s*"?([^"]+?)"?\s*(?:AND|$)')
_MOST_TEXT = 32_767
Issue = dict[str, Any]


class Jira:
    """`token` is the one API token that it knows, of `USER`; `base_url` is the sandbox's own address."""

    def __init__(self, token: str, faults: Faults) -> None:
        self.token, self.base_url, self._faults = token, "", faults
        self.reset()

    def reset(self) -> None:
        self.issues: dict[str, Issue] = {}
        self.requests: Counter[str] = Counter()
        self._born: dict[str, float] = {}
        self._numbers: Counter[str] = Counter()

    @property
    def connection(self) -> dict[str, Any]:
        """As Airflow's connections file has it, for the stock `jira` type."""
        return {"conn_type": "jira", "host": f"{self.base_url}/jira", "login": USER, "password": self.token, "extra": {"project": "PUB"}}

    def routes(self) -> list[Mount | Route]:
        api = [
            self._route("GET", "/serverInfo", lambda request, body: {"version": "9.12.0", "deploymentType": "Server"}),
            self._route("GET", "/myself", lambda request, body: {"emailAddress": USER, "active": True}),
            self._route("GET", "/search", self._search),
            self._route("POST", "/issue", self._create, 201),
            self._route("GET", "/issue/{key}", lambda request, body: self._issue(request)),
            self._route("PUT", "/issue/{key}", self._update, 204),
            self._route("GET", "/issue/{key}/comment", self._comments),
            self._route("POST", "/issue/{key}/comment", self._comment, 201),
        ]
        return [
            Mount("/jira/rest/api/2", routes=api),
            Route("/sandbox/jira", self._shown),
            Route("/sandbox/jira", self._turn, methods=["POST"]),
        ]

    # --- what happens without us

    async def _shown(self, request: Request) -> Response:
        return JSONResponse({"issues": list(self.issues.values()), "requests": dict(self.requests)})

    async def _turn(self, request: Request) -> Response:
        wanted = await request.json()
        key = wanted.get("done") or wanted.get("delete")
        if key not in self.issues:
            return JSONResponse({"error": f"there is no issue {key}"}, 404)
        if "delete" in wanted:
            del self.issues[key]
        else:
            self.issues[key]["fields"]["status"] = {"name": "Done", "statusCategory": {"key": "done", "name": "Done"}}
        return JSONResponse({"key": key})

    # --- the API

    def _route(self, method: str, path: str, answer: Callable[[Request, Any], Any], status: int = 200) -> Route:
        operation = f"{method} {path}"

        async def answering(request: Request) -> Response:
            self.requests[operation] += 1
            if not self._knows(request):
                return _refused(401, "Client must be authenticated to access this resource.")
            if fault := self._take("status", operation):
                return _refused(int(fault["status"]), "Something went wrong.")
            drop = self._take("drop", operation)
            when = drop.get("when", "after") if drop else ""
            if when == "before":
                return HangsUp()
            try:
                told = answer(request, await request.json() if method in {"POST", "PUT"} else None)
            except KeyError as missing:
                return _refused(404, f"Issue Does Not Exist: {missing.args[0]}")
            except ValueError as bad:
                return _refused(400, str(bad))
            response = JSONResponse(told, status) if status != 204 else Response(status_code=204)
            return HangsUp() if when == "after" else BreaksOff(response) if when == "middle" else response

        return Route(path, answering, methods=[method])

    def _knows(self, request: Request) -> bool:
        given = request.headers.get("authorization", "").removeprefix("Basic ").strip()
        known = base64.b64encode(f"{USER}:{self.token}".encode()).decode()
        return hmac.compare_digest(given, known)

    def _take(self, kind: str, operation: str) -> Mapping[str, Any] | None:
        fault = self._faults.active(SERVICE, kind)
        return self._faults.take(SERVICE, kind) if fault is not None and fault.get("on", operation) == operation else None

    def _issue(self, request: Request) -> Issue:
        return self.issues[request.path_params["key"]]

    def _create(self, request: Request, body: Any) -> Any:
        fields = body["fields"]
        project = str((fields.get("project") or {}).get("key") or "")
        if not re.fullmatch(r"[A-Z][A-Z0-9_]+", project):
            raise ValueError("valid project is required")
        if not str(fields.get("summary") or "").strip() or "\n" in fields["summary"] or len(fields["summary"]) > 255:
            raise ValueError("You must specify a summary of the issue.")
        if any(" " in label for label in fields.get("labels", ())):
            raise ValueError("The label contains spaces which is invalid.")
        _must_fit(fields.get("description"))
        self._numbers[project] += 1
        key = f"{project}-{self._numbers[project]}"
        status = {"name": "To Do", "statusCategory": {"key": "new", "name": "To Do"}}
        self.issues[key] = {"id": str(10_000 + len(self._born)), "key": key, "fields": {**fields, "status": status}, "comments": []}
        self._born[key] = time.monotonic()
        return {"id": self.issues[key]["id"], "key": key, "self": f"{self.base_url}/jira/rest/api/2/issue/{self.issues[key]['id']}"}

    def _update(self, request: Request, body: Any) -> Any:
        _must_fit(body["fields"].get("description"))
        self._issue(request)["fields"] |= body["fields"]

    def _comments(self, request: Request, body: Any) -> Any:
        found = self._issue(request)["comments"]
        return {"startAt": 0, "maxResults": len(found), "total": len(found), "comments": found}

    def _comment(self, request: Request, body: Any) -> Any:
        _must_fit(body["body"])
        found = self._issue(request)["comments"]
        found.append({"id": str(len(found) + 1), "body": body["body"]})
        return found[-1]

    def _search(self, request: Request, body: Any) -> Any:
        jql = request.query_params.get("jql", "")
        clauses = _CLAUSE.findall(jql)
        if not clauses:
            raise ValueError(f"Error in the JQL Query: {jql}")
        lag = float((self._faults.active(SERVICE, "lag") or {}).get("seconds", 0))
        found = [
            issue
            for key, issue in self.issues.items()
            if time.monotonic() - self._born[key] >= lag and all(_fits(issue, *clause) for clause in clauses)
        ]
        limit = int(request.query_params.get("maxResults", 50))
        return {"startAt": 0, "maxResults": limit, "total": len(found), "issues": found[:limit]}


def _fits(issue: Issue, name: str, operator: str, value: str) -> bool:
    fields = issue["fields"]
    match name:
        case "project":
            found = fields["project"]["key"] == value
        case "labels":
            found = value in fields.get("labels", ())
        case _:
            found = fields["status"]["statusCategory"]["name"].casefold() == value.casefold()
    return found == (operator == "=")


def _must_fit(text: Any) -> None:
    if len(str(text or "")) > _MOST_TEXT:
        raise ValueError("The entered text is too long. It exceeds the allowed limit of 32,767 characters.")


def _refused(status: int, message: str) -> Response:
    return JSONResponse({"errorMessages": [message], "errors": {}}, status, media_type="application/json;charset=UTF-8")
