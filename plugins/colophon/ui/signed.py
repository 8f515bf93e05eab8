"""Signed addresses of single artefacts, for Consonance to fetch a picture from. No log-in: the token is the permission.

An application of its own beside the pages, since everything on those hangs on Airflow's log-in. It knows one route, reads one file of the
store per token, and says nothing else: a token that is not ours, was changed or has run out gets the same answer.
"""

from __future__ import annotations

from collections.abc import Iterator

from fastapi import FastAPI
from fastapi.responses import PlainTextResponse, Response, StreamingResponse

from colophon.hooks.signing import signing_key
from include.errors import ColophonError, PermanentError
from include.store import ArtefactStore
from include.store.artefacts import CHUNK
from include.store.signed import opened

app = FastAPI(title="Colophon: signed addresses", docs_url=None, redoc_url=None, openapi_url=None)
HEADERS = {
    "Cache-Control": "private, no-store",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-site",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
JPEG = b"\xff\xd8\xff"


@app.api_route("/{token}/{name}", methods=["GET", "HEAD"])
def fetch(token: str, name: str) -> Response:
    from datetime import UTC, datetime

    key = signing_key()
    try:
        if not key:
            raise PermanentError("there is no key")
        sha256 = opened(key, token, datetime.now(UTC))
        store = ArtefactStore()
        size = store.size(sha256)
        if store.read(sha256, 0, min(len(JPEG), size)) != JPEG:  # nothing but pictures is ever asked for
            raise PermanentError("this is no picture")
        stream = store.open(sha256)
    except ColophonError:
        return PlainTextResponse("Not found\n", 404, headers=HEADERS)

    def chunks() -> Iterator[bytes]:
        with stream:
            while chunk := stream.read(CHUNK):
                yield chunk

    return StreamingResponse(chunks(), media_type="image/jpeg", headers=HEADERS | {"Content-Length": str(size), "ETag": f'"{sha256}"'})
