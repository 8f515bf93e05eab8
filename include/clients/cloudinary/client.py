"""Reads and changes one product environment, through the official SDK with credentials told per call.

Approval is a person's: an asset counts as approved only where `asset` or a listing with its moderation says so.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from include.clients.cloudinary.account import Account
from include.clients.cloudinary.calls import Allowance, Caller
from include.clients.cloudinary.delivery import address_of, download_link
from include.clients.cloudinary.errors import NotFound
from include.clients.cloudinary.model import Asset, Field, Placed, Value, asset_of, field_of
from include.clients.cloudinary.uploads import CHUNK, Source, md5_of, place, settings_of, upload
from include.clients.exchange import Patience
from include.errors import PermanentError

_PAGE = 500  # the most that a listing gives at once
_ASKED = {"tags": True, "context": True, "metadata": True, "moderations": True}
_IDS = 100  # the most public ids of one listing


class Cloudinary:
    """One account. Safe to use from several threads, beside others for other accounts.

    `timeout` bounds one admin request, `upload_timeout` one upload or one chunk of it (seconds). `reserve` admin requests of every hour
    are left to people and other programs. Raises the classes of `include.errors`: `LoginRefused` (401), `PermanentError` (403, 413),
    `NotFound` (404), `AlreadyExists` (409), `RejectedData` (400 about one asset), `AllowanceUsedUp` (420, 429, with `retry_after`),
    `TransientError` (423, 5xx, no answer), `ConfigurationError` (wrong address, certificate).
    """

    def __init__(
        self,
        account: Account,
        *,
        timeout: float = 60.0,
        upload_timeout: float = 300.0,
        patience: Patience | None = None,
        reserve: int = 20,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.account = account
        self._caller = Caller(
            account, timeout=timeout, upload_timeout=upload_timeout, patience=patience or Patience(), reserve=reserve, sleep=sleep, now=now
        )

    @property
    def allowance(self) -> Allowance | None:
        """This hour's admin requests, as the last answer told them."""
        return self._caller.allowance

    # --- the environment

    def ping(self) -> None:
        """Raises if the account can't be used."""
        from cloudinary import api

        self._caller.admin("ping", api.ping)

    def fields(self) -> dict[str, Field]:
        """Fields of structured metadata, by external id."""
        from cloudinary import api

        answer = self._caller.admin("metadata fields", api.list_metadata_fields)
        rows = answer.get("metadata_fields") if isinstance(answer, Mapping) else None
        found = [field_of(row) for row in rows or () if isinstance(row, Mapping)]
        return {field.external_id: field for field in found}

    # --- assets

    def asset(self, public_id: str, *, type: str = "upload", resource_type: str = "image", media: bool = False) -> Asset | None:
        """Everything about one asset, None if there is none. `media`: also its colour space and resolution."""
        from cloudinary import api

        options: dict[str, Any] = {"type": type, "resource_type": resource_type}
        options |= {"media_metadata": True} if media else {}
        try:
            return asset_of(self._caller.admin(f"asset {public_id}", api.resource, public_id, **options))
        except NotFound:
            return None

    def assets_by_moderation(self, status: str, *, kind: str = "manual", resource_type: str = "image") -> Iterator[Asset]:
        """All assets of a queue: `status` is pending, approved, rejected, queued or aborted. Rows have no etag; see `asset`."""
        from cloudinary import api

        what, cursor, seen = f"assets that are {status} in {kind}", "", set[str]()
        while True:
            options: dict[str, Any] = {"resource_type": resource_type, "max_results": _PAGE, **_ASKED}
            options |= {"next_cursor": cursor} if cursor else {}
            answer = self._caller.admin(what, api.resources_by_moderation, kind, status, **options)
            yield from (asset_of(row) for row in _rows(answer))
            cursor = self._next(answer, seen, what)
            if not cursor:
                return

    def assets_by_ids(self, public_ids: Iterable[str], *, type: str = "upload", resource_type: str = "image") -> Iterator[Asset]:
        """Those of these assets that exist, a hundred to a request. Rows have no etag."""
        from cloudinary import api

        for ids in _batches(public_ids, _IDS):
            options: dict[str, Any] = {"type": type, "resource_type": resource_type, **_ASKED}
            answer = self._caller.admin(f"{len(ids)} assets", api.resources_by_ids, ids, **options)
            yield from (asset_of(row) for row in _rows(answer))

    def _next(self, answer: Any, seen: set[str], what: str) -> str:
        """The next page's cursor; one that comes again would go round for ever."""
        cursor = str(answer.get("next_cursor") or "") if isinstance(answer, Mapping) else ""
        if cursor in seen:
            raise PermanentError("the same page came twice", where=self._caller.where(what), todo="Try again; else ask Cloudinary support.")
        if cursor:
            seen.add(cursor)
        return cursor

    # --- changes

    def upload(
        self,
        source: Source,
        public_id: str,
        *,
        type: str = "upload",
        resource_type: str = "image",
        moderation: str = "manual",
        overwrite: bool = True,
        backup: bool = True,
        metadata: Mapping[str, Value] | None = None,
        tags: Sequence[str] | None = None,
        context: Mapping[str, str] | None = None,
        folder: str | None = None,
        display_name: str | None = None,
        filename: str = "",
        chunk_size: int = CHUNK,
        large: int | None = None,
    ) -> Asset:
        """Sends bytes, a file or an address once; more than 20 MB go in chunks. A new version starts in the queue of `moderation` again.

        After a `TransientError` nobody knows whether it was done: `place` looks. `overwrite` off gives what is there already.
        """
        where = self._caller.where(f"upload of {public_id}")
        said = settings_of(
            where,
            metadata=metadata,
            tags=None if tags is None else tuple(tags),
            context=context,
            folder=folder,
            display_name=display_name,
        )
        options: dict[str, Any] = {"type": type, "overwrite": overwrite, "invalidate": overwrite, "backup": backup} | said
        options |= {"moderation": moderation} if moderation else {}
        bound: dict[str, Any] = {} if large is None else {"large": large}
        return upload(
            self._caller, source, public_id, resource_type=resource_type, filename=filename, chunk_size=chunk_size, **bound, **options
        )

    def place(self, source: bytes | Path, public_id: str, *, type: str = "upload", resource_type: str = "image", **settings: Any) -> Placed:
        """As `upload`, but nothing is sent where the same bytes (etag and size) are there, and a cut line doubles nothing."""
        size = source.stat().st_size if isinstance(source, Path) else len(source)
        return place(
            self._caller,
            lambda: self.asset(public_id, type=type, resource_type=resource_type),
            lambda: self.upload(source, public_id, type=type, resource_type=resource_type, **settings),
            md5_of(source),
            size,
        )

    # --- addresses

    def url(self, asset: Asset, transformation: str = "", *, format: str = "", signed: bool = False) -> str:
        """Where this version of an asset, or a variant of it, is delivered."""
        return address_of(
            self.account, asset.public_id, transformation=transformation, format=format or asset.format, version=asset.version,
            type=asset.type, resource_type=asset.resource_type, signed=signed,
        )  # fmt: skip

    def download_link(self, asset: Asset, until: datetime) -> str:
        """The original, for whoever holds the link, until a moment."""
        return download_link(
            self.account, asset.public_id, asset.format, until=until, type=asset.type, resource_type=asset.resource_type
        )  # fmt: skip


def _rows(answer: Any) -> list[Mapping[str, Any]]:
    rows = answer.get("resources") if isinstance(answer, Mapping) else None
    return [row for row in rows if isinstance(row, Mapping) and row.get("public_id")] if isinstance(rows, list) else []


def _batches(ids: Iterable[str], size: int) -> Iterator[list[str]]:
    every = list(dict.fromkeys(ids))
    for start in range(0, len(every), size):
        yield every[start : start + size]
