"""The sandbox's switches for Cloudinary, under `/sandbox/cloudinary`.

- `GET`: `covers` of the first day (public_id, kind, status, work, isbn, series, defect), `assets` as they are, `fields`, `account`.
- `POST`: one or several of
  `{"approve" | "reject" | "pending": public_id or a list}`: a person's decision in the moderation queue;
  `{"upload": {…}}`: a person brings a cover (`sandbox.cloudinary.seeds.bring`), by itself pending;
  `{"fill": n}`: approved fronts for n more titles at once (answers `filled`); `{"delete": public_id}`;
  `{"limit": n, "used": n, "reset_seconds": s}`: the hourly allowance of admin requests; `{"strict": true}`.
  Answers `assets` with public_id, asset_id, version, etag, bytes, status, metadata of what was touched.
"""

from __future__ import annotations

import json
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from sandbox.cloudinary import seeds
from sandbox.cloudinary.answers import RefusedError
from sandbox.cloudinary.app import Cloudinary

_DECISIONS = {"approve": "approved", "reject": "rejected", "pending": "pending"}
_KNOWN = {*_DECISIONS, "upload", "fill", "delete", "limit", "used", "reset_seconds", "strict"}


def routes(cloudinary: Cloudinary) -> list[Route | Mount]:
    """Cloudinary's own addresses under `/cloudinary`, and its switches."""

    async def look(request: Request) -> Response:
        return JSONResponse(await run_in_threadpool(_state, cloudinary))

    async def change(request: Request) -> Response:
        try:
            wanted = json.loads(await request.body() or b"{}")
            return JSONResponse(await run_in_threadpool(_changed, cloudinary, wanted))
        except (ValueError, TypeError, RefusedError) as error:
            return JSONResponse({"error": str(error)}, 400)
        except KeyError as error:
            return JSONResponse({"error": str(error.args[0])}, 404)

    return [
        Route("/sandbox/cloudinary", look),
        Route("/sandbox/cloudinary", change, methods=["POST"]),
        Mount("/cloudinary", cloudinary.app()),
    ]


def _state(cloudinary: Cloudinary) -> dict[str, Any]:
    main = cloudinary.main
    with main.lock:
        rows = [seeds.told(held) for held in main.assets.values()]
        fields = main.fields.all()
    return {"covers": seeds.shown(cloudinary.covers), "assets": rows, "fields": fields, "account": main.account.cloud}


def _changed(cloudinary: Cloudinary, wanted: Any) -> dict[str, Any]:
    if not isinstance(wanted, dict) or not wanted or set(wanted) - _KNOWN:
        raise ValueError(f"a switch is one of {', '.join(sorted(_KNOWN))}")
    main, touched = cloudinary.main, []
    if "upload" in wanted:
        touched.append(seeds.bring(main, cloudinary.catalogue, wanted["upload"]))
    if "fill" in wanted:
        with main.lock:
            return {"filled": seeds.fill(main, cloudinary.catalogue, int(wanted["fill"])), "assets": touched}
    for word, status in _DECISIONS.items():
        given = wanted.get(word) or []
        touched += [seeds.decided(main, str(id), status) for id in ([given] if isinstance(given, str) else given)]
    if "delete" in wanted:
        with main.lock:
            try:
                held = main.any_of(str(wanted["delete"]))
            except RefusedError as unknown:
                raise KeyError(unknown.message) from None
            touched.append(seeds.told(held))
            del main.assets[held.key]
    if "limit" in wanted:
        main.allowance(int(wanted["limit"]), int(wanted.get("used") or 0), float(wanted.get("reset_seconds") or 3600))
    if "strict" in wanted:
        main.strict = bool(wanted["strict"])
    return {"assets": touched}
