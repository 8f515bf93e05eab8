"""Uploads: signed, bounded in time, in chunks where they are large, and never twice for the same bytes.

Every upload has a public id: without one a repeated upload would be a second asset. An upload that got no answer may have been done, so
`place` looks before it sends again.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Mapping
from contextlib import closing
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from include.clients.cloudinary.calls import Caller
from include.clients.cloudinary.model import Asset, Placed, Value, asset_of
from include.errors import RejectedData, TransientError

Source = bytes | Path | str
CHUNK = 20_000_000  # bytes; the service wants at least 5,000,000 in all but the last
LARGE = CHUNK  # bytes; Cloudinary takes chunks only beyond 100,000,000, but the SDK holds each request in memory several times
_ADDRESS = re.compile(r"(https?|ftp|s3|gs)://\S+$")


def upload(
    caller: Caller,
    source: Source,
    public_id: str,
    *,
    resource_type: str,
    filename: str = "",
    chunk_size: int = CHUNK,
    large: int = LARGE,
    **settings: Any,
) -> Asset:
    """Sends once. Raises `RejectedData` for what Cloudinary refuses; after a `TransientError` nobody knows whether it was done."""
    from cloudinary import uploader

    if not public_id:
        raise RejectedData("an upload without a public id", where=caller.where("upload"), todo="Name the asset.")
    what = f"upload of {public_id}"
    options = {"public_id": public_id, "resource_type": resource_type} | settings
    if isinstance(source, str):
        if not _ADDRESS.match(source):
            raise RejectedData("the source is no address; files are given as a path or as bytes", where=caller.where(what))
        return asset_of(caller.upload(what, uploader.upload, source, **options))
    name = filename or (source.name if isinstance(source, Path) else public_id.rpartition("/")[2])
    size = source.stat().st_size if isinstance(source, Path) else len(source)
    if size == 0:
        raise RejectedData("the file is empty", where=caller.where(what))
    if size > large:
        stream: BinaryIO = source.open("rb") if isinstance(source, Path) else BytesIO(source)
        with closing(stream):
            return _in_chunks(caller, what, stream, size, name, chunk_size, options)
    data = source.read_bytes() if isinstance(source, Path) else source
    return asset_of(caller.upload(what, uploader.upload, (name, data), **options))


def _in_chunks(caller: Caller, what: str, stream: BinaryIO, size: int, name: str, chunk_size: int, options: Mapping[str, Any]) -> Asset:
    """One chunk in memory at a time. A chunk may be sent again under the same id; the last one is not: it makes the asset."""
    from cloudinary import uploader

    id, sent, answer = secrets.token_hex(8), 0, {}
    while chunk := stream.read(chunk_size):
        last = sent + len(chunk) == size
        headers = {"Content-Range": f"bytes {sent}-{sent + len(chunk) - 1}/{size}", "X-Unique-Upload-Id": id}
        answer = caller.upload(what, uploader.upload_large_part, (name, chunk), repeat=not last, http_headers=headers, **options)
        sent += len(chunk)
    return asset_of(answer)


def place(caller: Caller, look: Callable[[], Asset | None], send: Callable[[], Asset], digest: str, size: int) -> Placed:
    """Sends unless the same bytes are there; after a cut line it looks whether they have arrived before it sends again."""
    there = look()
    if there is not None and there.etag == digest and there.bytes == size:
        return Placed(there, new=False)

    def once() -> Placed:
        try:
            return Placed(send(), new=True)
        except TransientError:
            arrived = look()
            if arrived is not None and arrived.etag == digest:
                return Placed(arrived, new=True)
            raise

    return caller.patience.tried(once, caller.sleep)


def md5_of(source: bytes | Path) -> str:
    """What Cloudinary's etag of these bytes will be."""
    found = hashlib.md5(usedforsecurity=False)
    if isinstance(source, bytes):
        found.update(source)
        return found.hexdigest()
    with source.open("rb") as file:
        while chunk := file.read(1 << 20):
            found.update(chunk)
    return found.hexdigest()


def settings_of(
    where: str,
    *,
    metadata: Mapping[str, Value] | None = None,
    tags: tuple[str, ...] | None = None,
    context: Mapping[str, str] | None = None,
    folder: str | None = None,
    display_name: str | None = None,
) -> dict[str, Any]:
    """What is said of an asset, as the SDK wants it. None leaves alone; empty clears."""
    found: dict[str, Any] = {}
    if metadata is not None:
        found["metadata"] = {name: _carried(where, name, value) for name, value in metadata.items()}
    if context is not None:
        found["context"] = {name: _carried(where, name, value) for name, value in context.items()}
    if tags is not None:
        if bad := [tag for tag in tags if "," in tag]:
            raise RejectedData(f"the tag {bad[0]!r} holds a comma, which parts tags", where=where)
        found["tags"] = list(tags)
    if folder is not None:
        found["asset_folder"] = folder
    if display_name is not None:
        found["display_name"] = display_name
    return found


def _carried(where: str, name: str, value: Value) -> Any:
    """The value, unless the encoding (`name=value|name=value`, `=` and `|` behind a backslash) would read it as something else."""
    for text in value if isinstance(value, tuple) else (str(value), name):
        if re.search(r"\\(?:[=|]|$)", text):
            raise RejectedData(
                f"{name} holds a backslash where Cloudinary's encoding can't carry one", where=where, todo="Write it without the backslash."
            )
    if re.search(r"[=|]", name):
        raise RejectedData(f"the name {name!r} holds = or |", where=where)
    return list(value) if isinstance(value, tuple) else value
