"""The sandbox's switches over HTTP, on Consonance's port under `/sandbox/`.

- `GET defects`: what was planted and can be read in this tenant.
- `GET stats`: requests, queries and mutations since the start or the last reset; works and products; `cloudinary`, `getty` with theirs.
- `GET faults`: what is set. `POST faults`: set some, by service and kind:
  `{"consonance": {"status": 429, "retry_after": 1, "times": 2}, "northgate": {"drop_after": {"bytes": 1000, "times": 1}}}`;
  null for a service clears it, `{}` clears all. Cloudinary's are told in `sandbox.cloudinary.faulty`:
  `{"cloudinary": {"status": 420, "only": "admin", "times": 1}}`.
- `GET cloudinary`, `POST cloudinary`: the moderation queue and new covers (`sandbox.cloudinary.switches`).
- `POST getty`: what happens at Getty without us: a withdrawal, somebody's download, another allowance (`sandbox.getty.switches`).
  Getty's faults are told in `sandbox.getty.faulty`: `{"getty": {"drop": "after", "on": "POST /v3/downloads/images/{id}", "times": 1}}`.
- `GET jira`, `POST jira`: issues, and people who close them (`sandbox.jira.app`). Mails lie in the folder `mail`; faults of both are told
  beside them: `{"jira": {"drop": {"when": "after", "times": 1}}, "mail": {"drop": {"at": "taken", "times": 1}}}` (`sandbox.mail.server`).
- `POST edit`: `{"works": n, "seed": s}` (a night's worth of changes), `{"product_id": id, "set": {…}}`,
  `{"work_id": id, "set": {"stage": "Production approved"}}` (also subtitle, season, tier), `{"delete_product": id}`, `{"delete_work": id}`,
  `{"add_works": n}`; answers `product_ids` that changed, `changes`, `deleted` and `added`.
- `POST answer`: `{"partner": id, "rejected": {reference or ISBN: reason}, "name": file}`: the partner answers a file of its inbox.
- `POST drop`: a sender puts files of a title into its inbox, in its own way:
  `{"inbox": "authors" | "agency" | "rights" | "typesetter", "kind": "manuscript", "work_id": id, "product_id": id or "isbn": …}`.
  Kinds are those of `sandbox.files.make.SORTS`, and `audiobook` (`chapters`: n). More, where wanted: `format` (docx, pdf, tif, …),
  `part`, `revision`, `defect`, `size` (bytes of a picture), `seconds`, `pages`, `colour` (rgb, cmyk, gray), `pdfx`, `seed` (another
  such file), `naming` (what the file name says: isbn, title, reference, contract, none), `name` (the name itself), `folder` (under the
  inbox), `unfinished` (the upload goes on), `age_seconds` (how long ago it was written). `"as_zip": [{"kind": …, "folder": …}, …]` puts
  several into one zip (`evil`: traversal, absolute, bomb, duplicate, nested); `text` or `content` (Base64) with `name` brings a file
  along. Answers `inbox`, `folder` and `files` with name, path, bytes, sha256, kind, work_id, product_id, isbn, revision, part.
  The same words make the same bytes.
  `{"inbox": "sales", "kind": "report", "layout": "kobo", "month": "2026-09"}` puts a report of sales or usage into its sender's folder,
  made of the catalogue; more, where wanted: `currency`, `rows`, `seed`, `hazards` (`sandbox.sales.figures.HAZARDS`). Its file also has
  totals (currency → rows, sold, returned, units, net), paid, pages, controls and planted: what is in it, to compare with.
- `POST import`: `{"kind": "sales" | "products" | "prices", "content": Base64}`: a person uploads an import workbook into Consonance and
  approves it; answers rows, created and updated, or with 422 the errors that the person sees. `GET sales`: what was imported so far.
  `{"inbox": "statements", "kind": "pdf" | "csv" | "zip"}` puts an export of royalty statements there (see `sandbox.statements.drop`).
  `{"inbox": "titles", "kind": "sheet", "rows": 40, "updates": 6, "new": 4, "bad": 4}` puts a season sheet there, made of the catalogue
  (`sandbox.sheets.season`); more, where wanted: `fields`, `skip`, `seed`, `made` (ISO moment), `format` (xlsx, csv), `encoding`,
  `delimiter`. Its file also has rows, first_row, updates, new and bad: what is in it, by row.
- `POST archive`: `{"files": n, "seed": s}` fills the old production archive with n files of all titles; answers what lies there.
- `POST reset`: catalogue, faults and counts as at the start.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from sandbox.catalogue.night import Change, edit_product, edit_work, night
from sandbox.cloudinary import switches
from sandbox.cloudinary.app import Cloudinary
from sandbox.consonance.app import Consonance
from sandbox.consonance.imports import ImportRefused
from sandbox.faults import CLOUDINARY, CONSONANCE, Faults
from sandbox.getty.app import Getty
from sandbox.getty.faulty import faults_of as getty_faults
from sandbox.jira.app import Jira
from sandbox.mail.server import Mail

Answer = Callable[..., Any]
Drop = Callable[[Mapping[str, Any]], dict[str, Any]]


class Control:
    """`partners` are those that can have faults; `answer` lets one of them answer a file (`sandbox.partners`)."""

    def __init__(
        self,
        consonance: Consonance,
        faults: Faults,
        partners: frozenset[str] = frozenset(),
        answer: Answer | None = None,
        drop: Drop | None = None,
        archive: Drop | None = None,
        cloudinary: Cloudinary | None = None,
        getty: Getty | None = None,
        jira: Jira | None = None,
        mail: Mail | None = None,
    ) -> None:
        self.consonance, self.catalogue, self.faults, self.partners = consonance, consonance.catalogue, faults, partners
        self.answer, self.drop, self.archive = answer, drop, archive
        self.cloudinary, self.getty, self.jira, self.mail = cloudinary, getty, jira, mail

    def routes(self) -> list[Route | Mount]:
        return [
            *(switches.routes(self.cloudinary) if self.cloudinary else ()),
            *((*self.getty.routes(), Route("/sandbox/getty", self._turn_getty, methods=["POST"])) if self.getty else ()),
            *(self.jira.routes() if self.jira else ()),
            Route("/sandbox/defects", self._defects),
            Route("/sandbox/stats", self._stats),
            Route("/sandbox/faults", self._faults),
            Route("/sandbox/faults", self._set_faults, methods=["POST"]),
            Route("/sandbox/edit", self._edit, methods=["POST"]),
            Route("/sandbox/answer", self._answer, methods=["POST"]),
            Route("/sandbox/drop", self._drop, methods=["POST"]),
            Route("/sandbox/archive", self._fill_archive, methods=["POST"]),
            Route("/sandbox/import", self._import, methods=["POST"]),
            Route("/sandbox/sales", self._sales),
            Route("/sandbox/reset", self._reset, methods=["POST"]),
        ]

    async def _defects(self, request: Request) -> Response:
        return JSONResponse(await run_in_threadpool(self.defects))

    def defects(self) -> list[dict[str, Any]]:
        return [asdict(defect) for defect in self.catalogue.defects()]

    async def _stats(self, request: Request) -> Response:
        def count() -> dict[str, int]:
            counts = [products for _, products in self.catalogue.product_count_by_work()]
            return {"works": len(counts), "products": sum(counts)}

        others = {"cloudinary": self.cloudinary.stats()} if self.cloudinary else {}
        others |= {"getty": await run_in_threadpool(self.getty.state.stats)} if self.getty else {}
        return JSONResponse(self.consonance.stats() | others | await run_in_threadpool(count))

    async def _faults(self, request: Request) -> Response:
        return JSONResponse(self.faults.all())

    async def _set_faults(self, request: Request) -> Response:
        try:
            wanted = await _object(request)
            settings = [(service, *one) for service, fault in wanted.items() for one in self._faults_of(service, fault)]
            if not wanted:
                self.faults.clear()
            for service, kind, fields in settings:
                if kind:
                    self.faults.set(service, kind, **fields)
                else:
                    self.faults.clear(service)
        except (ValueError, TypeError) as error:
            return _refused(error)
        return JSONResponse(self.faults.all())

    def _faults_of(self, service: str, fault: Any) -> list[tuple[str, dict[str, Any]]]:
        """(kind, fields) of each fault in the body; kind "" clears the service's."""
        beside = {"cloudinary": self.cloudinary, "getty": self.getty, "jira": self.jira, "mail": self.mail}
        services = {"consonance", *(name for name, server in beside.items() if server)}
        if service not in services | self.partners:
            raise ValueError(f"there is no service {service!r}; there are {', '.join([*sorted(services), *sorted(self.partners)])}")
        if not fault:
            return [("", {})]
        if not isinstance(fault, Mapping):
            raise ValueError(f"the fault of {service} is an object")
        if "kind" in fault:
            return [(str(fault["kind"]), {name: value for name, value in fault.items() if name != "kind"})]
        if service == "consonance":
            return _short_form(fault)
        if service == "cloudinary":
            return [_of_cloudinary(fault)]
        if service == "getty":
            return getty_faults(fault)
        return [(kind, _fields(kind, fields)) for kind, fields in fault.items()]

    async def _edit(self, request: Request) -> Response:
        try:
            wanted = await _object(request)
            return JSONResponse(await run_in_threadpool(self._edited, wanted))
        except (ValueError, TypeError) as error:
            return _refused(error)
        except KeyError as error:
            return _refused(error.args[0], 404)

    def _edited(self, wanted: dict[str, Any]) -> dict[str, Any]:
        known = {"works", "seed", "product_id", "work_id", "set", "delete_product", "delete_work", "add_works"}
        if not wanted or set(wanted) - known:
            raise ValueError(f"an edit has {', '.join(sorted(known))}")
        changes: list[Change] = []
        deleted: list[int] = []
        added: list[int] = []
        if "works" in wanted:
            changes += night(self.catalogue, _whole(wanted["works"]), _whole(wanted.get("seed", 1)))
        if "product_id" in wanted:
            members = wanted.get("set")
            if not isinstance(members, dict) or not members:
                raise ValueError("`set` is an object with what to set")
            changes += edit_product(self.catalogue, _whole(wanted["product_id"]), members)
        if "work_id" in wanted:
            members = wanted.get("set")
            if not isinstance(members, dict) or not members or "product_id" in wanted:
                raise ValueError("`set` is an object with what to set, of a work or of a product")
            changes += edit_work(self.catalogue, _whole(wanted["work_id"]), members)
        if "delete_product" in wanted:
            id = _whole(wanted["delete_product"])
            self.catalogue.delete_product(id)
            deleted.append(id)
        if "delete_work" in wanted:
            work = self.catalogue.work(_whole(wanted["delete_work"]))
            if work is None:
                raise KeyError(f"no work {wanted['delete_work']}")
            self.catalogue.delete_work(work.id)
            deleted += [product.id for product in work.products]
        for _ in range(_whole(wanted.get("add_works", 0))):
            added += [product.id for product in self.catalogue.add_work().products]
        return {
            "product_ids": sorted({change.product_id for change in changes}),
            "changes": [asdict(change) for change in changes],
            "deleted": deleted,
            "added": added,
        }

    async def _answer(self, request: Request) -> Response:
        if self.answer is None:
            return _refused("no partners are running")
        try:
            wanted = await _object(request)
            if wanted.get("partner") not in self.partners:
                raise ValueError(f"there is no partner {wanted.get('partner')!r}; there are {', '.join(sorted(self.partners))}")
            path = await run_in_threadpool(self.answer, wanted["partner"], wanted.get("rejected") or {}, name=str(wanted.get("name") or ""))
        except (ValueError, TypeError, OSError) as error:
            return _refused(error)
        except LookupError as error:
            return _refused(error.args[0], 404)
        return JSONResponse({"answered": path.name})

    async def _drop(self, request: Request) -> Response:
        return await self._done(self.drop, request)

    async def _fill_archive(self, request: Request) -> Response:
        return await self._done(self.archive, request)

    async def _turn_getty(self, request: Request) -> Response:
        return await self._done(self.getty.state.control if self.getty else None, request)

    async def _done(self, doing: Drop | None, request: Request) -> Response:
        if doing is None:
            return _refused("no partners are running")
        try:
            return JSONResponse(await run_in_threadpool(doing, await _object(request)))
        except (ValueError, TypeError, OSError) as error:
            return _refused(error)
        except KeyError as error:
            return _refused(error.args[0], 404)

    async def _import(self, request: Request) -> Response:
        try:
            wanted = await _object(request)
            result = await run_in_threadpool(self.consonance.imports.load, wanted)
        except ImportRefused as refused:
            return JSONResponse({"errors": refused.errors}, 422)
        except ValueError as error:
            return _refused(error)
        self.consonance.graphql.mutations[f"import of {result['kind']} by a person"] += result["rows"]
        return JSONResponse(result)

    async def _sales(self, request: Request) -> Response:
        return JSONResponse({"sales": self.consonance.imports.sales, "imports": self.consonance.imports.done})

    async def _reset(self, request: Request) -> Response:
        self.catalogue.reset()
        self.faults.clear()
        self.consonance.requests.clear()
        self.consonance.uploads.clear()
        self.consonance.imports.reset()
        self.consonance.graphql.operations.clear()
        self.consonance.graphql.mutations.clear()
        if self.cloudinary:
            await run_in_threadpool(self.cloudinary.reset)
        if self.getty:
            self.getty.state.reset()
        for told in (self.jira, self.mail):
            if told:
                told.reset()
        return JSONResponse({"reset": True})


async def _object(request: Request) -> dict[str, Any]:
    body = await request.body()
    found = json.loads(body) if body.strip() else {}
    if not isinstance(found, dict):
        raise ValueError("the body is a JSON object")
    return found


def _short_form(fault: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """`{"status": 429, "retry_after": 1}`, `{"slow": 2}`, `{"drop": true}`, `{"errors": "no"}`, `{"stop_after_pages": 3}`, with `times`."""
    values = {"status": "status", "slow": "seconds", "errors": "message", "stop_after_pages": "pages"}
    common = {name: value for name, value in fault.items() if name not in CONSONANCE}
    unknown = set(common) - {"times", "retry_after", "seconds", "message", "pages"}
    kinds = [kind for kind in CONSONANCE if kind in fault]
    if unknown or not kinds:
        raise ValueError(f"consonance has the faults {', '.join(CONSONANCE)}, with times, retry_after, seconds, message, pages")
    found = []
    for kind in kinds:
        value = fault[kind]
        fields = dict(value) if isinstance(value, Mapping) else {} if value is True or kind not in values else {values[kind]: value}
        found.append((kind, common | fields))
        _checked(kind, found[-1][1])
    return found


def _of_cloudinary(fault: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """`{"status": 420, "only": "admin", "times": 1}`, `{"slow": 2}`, `{"drop": true, "operation": "/tags"}`: one kind with its settings."""
    kinds = [kind for kind in CLOUDINARY if kind in fault]
    settings = {name: value for name, value in fault.items() if name not in CLOUDINARY}
    if len(kinds) != 1 or set(settings) - {"times", "message", "retry_after", "only", "operation", "method"}:
        raise ValueError(f"cloudinary has the faults {', '.join(CLOUDINARY)}, with times, message, retry_after, only, operation, method")
    kind = kinds[0]
    settings |= {"status": fault[kind]} if kind.startswith("status") else {"seconds": fault[kind]} if kind == "slow" else {}
    _checked("status" if kind == "status_after" else kind, settings)
    return kind, settings


def _checked(kind: str, fields: Mapping[str, Any]) -> None:
    if kind == "status" and not 400 <= _whole(fields.get("status")) <= 599:
        raise ValueError("`status` is an HTTP status from 400 to 599")
    if kind == "slow" and not 0 <= float(fields.get("seconds", 1)) <= 600:
        raise ValueError("`slow` is in seconds, up to 600")
    if kind == "stop_after_pages":
        _whole(fields.get("pages"))


def _fields(kind: str, value: Any) -> dict[str, Any]:
    """`{"drop_after": {"bytes": 5}}`, `{"drop_after": 5}` or `{"refuse": true}`."""
    if isinstance(value, Mapping):
        return dict(value)
    return {} if value is True else {"bytes": _whole(value)}


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{value!r} is no whole number")
    return value


def _refused(why: object, status: int = 400) -> Response:
    return JSONResponse({"error": str(why)}, status)
