"""Reads and changes one product environment, through the official SDK with credentials told per call.

Approval is a person's: an asset counts as approved only where `asset` or a listing with its moderation says so. Search knows no
moderation history and lags behind writes, so what it finds is confirmed with `assets_by_ids`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from include.clients.cloudinary.account import Account
from include.clients.cloudinary.calls import Allowance, Caller
from include.clients.cloudinary.delivery import address_of, download_link
from include.clients.cloudinary.errors import AlreadyExists, NotFound
from include.clients.cloudinary.fields import Fields
from include.clients.cloudinary.model import Access, Asset, Placed, Usage, Value, asset_of, usage_of
from include.clients.cloudinary.uploads import CHUNK, Source, md5_of, place, settings_of, upload
from include.clients.exchange import Patience
from include.errors import PermanentError, TransientError

_PAGE = 500  # the most that a listing gives at once
_ASKED = {"tags": True, "context": True, "metadata": True, "moderations": True}
_IDS = 100  # the most public ids of one listing
_WRITTEN = 1000  # the most public ids of one change


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

        self.fields = Fields(self._caller)

    @property
    def allowance(self) -> Allowance | None:
        """This hour's admin requests, as the last answer told them."""
        return self._caller.allowance

    # --- the environment

    def ping(self) -> None:
        """Raises if the account can't be used."""
        from cloudinary import api

        self._caller.admin("ping", api.ping)

    def usage(self, day: date | None = None) -> Usage:
        """Of the whole environment, today or on a day of the last ninety. Cloudinary tells nothing like it for one image."""
        from cloudinary import api

        options: dict[str, Any] = {"date": day} if day else {}
        return usage_of(self._caller.admin("usage", api.usage, **options))

    # --- assets

    def asset(
        self, public_id: str, *, type: str = "upload", resource_type: str = "image", versions: bool = False, media: bool = False
    ) -> Asset | None:
        """Everything about one asset, None if there is none. `versions`: the backed-up ones; `media`: colour space and resolution."""
        from cloudinary import api

        options: dict[str, Any] = {"type": type, "resource_type": resource_type}
        options |= ({"versions": True} if versions else {}) | ({"media_metadata": True} if media else {})
        try:
            return asset_of(self._caller.admin(f"asset {public_id}", api.resource, public_id, **options))
        except NotFound:
            return None

    def asset_by_id(self, asset_id: str, *, versions: bool = False, media: bool = False) -> Asset | None:
        """The same by the id that never changes."""
        from cloudinary import api

        options = ({"versions": True} if versions else {}) | ({"media_metadata": True} if media else {})
        try:
            return asset_of(self._caller.admin(f"asset {asset_id}", api.resource_by_asset_id, asset_id, **options))
        except NotFound:
            return None

    def assets_by_moderation(self, status: str, *, kind: str = "manual", resource_type: str = "image") -> Iterator[Asset]:
        """All assets of a queue: `status` is pending, approved, rejected, queued or aborted. Rows have no etag; see `asset`."""
        from cloudinary import api

        options: dict[str, Any] = {"resource_type": resource_type}
        return self._listed(f"assets that are {status} in {kind}", api.resources_by_moderation, kind, status, **options)

    def assets(self, *, prefix: str = "", type: str = "upload", resource_type: str = "image") -> Iterator[Asset]:
        """All assets whose public id starts so. Rows have no etag."""
        from cloudinary import api

        options = {"type": type, "resource_type": resource_type} | ({"prefix": prefix} if prefix else {})
        return self._listed(f"assets {prefix}", api.resources, **options)

    def assets_in_folder(self, folder: str) -> Iterator[Asset]:
        """All assets of a folder. Only environments with dynamic folders know it."""
        from cloudinary import api

        return self._listed(f"assets in {folder}", api.resources_by_asset_folder, folder)

    def assets_with_tag(self, tag: str, *, resource_type: str = "image") -> Iterator[Asset]:
        from cloudinary import api

        return self._listed(f"assets tagged {tag}", api.resources_by_tag, tag, resource_type=resource_type)

    def assets_by_ids(self, public_ids: Iterable[str], *, type: str = "upload", resource_type: str = "image") -> Iterator[Asset]:
        """Those of these assets that exist, a hundred to a request. Rows have no etag."""
        from cloudinary import api

        for ids in _batches(public_ids, _IDS):
            options: dict[str, Any] = {"type": type, "resource_type": resource_type, **_ASKED}
            answer = self._caller.admin(f"{len(ids)} assets", api.resources_by_ids, ids, **options)
            yield from (asset_of(row) for row in _rows(answer))

    def search(
        self, expression: str, *, with_field: Sequence[str] = ("metadata", "tags", "context"), sort_by: Mapping[str, str] | None = None
    ) -> Iterator[Asset]:
        """What Cloudinary's index finds (`exact` makes terms of expressions). `metadata` in `with_field` needs a plan that has it."""
        cursor, seen = "", set[str]()
        while True:
            answer = self._searched(expression, with_field, sort_by or {}, _PAGE, cursor)
            yield from (asset_of(row) for row in _rows(answer))
            cursor = self._next(answer, seen, f"search {expression}")
            if not cursor:
                return

    def count(self, expression: str) -> int:
        """How many assets the index finds."""
        return int(self._searched(expression, (), {}, 0, "").get("total_count") or 0)

    def _searched(self, expression: str, with_field: Sequence[str], sort_by: Mapping[str, str], most: int, cursor: str) -> Any:
        from cloudinary.search import Search

        search = Search().expression(expression).max_results(most)
        for name in with_field:
            search.with_field(name)
        for name, direction in sort_by.items():
            search.sort_by(name, direction)
        if cursor:
            search.next_cursor(cursor)
        return self._caller.admin(f"search {expression}", search.execute)

    def _listed(self, what: str, function: Callable[..., Any], *arguments: Any, **options: Any) -> Iterator[Asset]:
        cursor, seen = "", set[str]()
        while True:
            page: dict[str, Any] = {"next_cursor": cursor} if cursor else {}
            answer = self._caller.admin(what, function, *arguments, **options, **page, **_ASKED, max_results=_PAGE)
            yield from (asset_of(row) for row in _rows(answer))
            cursor = self._next(answer, seen, what)
            if not cursor:
                return

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
        access: Sequence[Access] | None = None,
        folder: str | None = None,
        display_name: str | None = None,
        eager: Sequence[str] = (),
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
            access=None if access is None else tuple(access),
            folder=folder,
            display_name=display_name,
        )
        options: dict[str, Any] = {"type": type, "overwrite": overwrite, "invalidate": overwrite, "backup": backup} | said
        options |= ({"moderation": moderation} if moderation else {}) | ({"eager": list(eager)} if eager else {})
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
            public_id,
        )

    def update(
        self,
        public_id: str,
        *,
        type: str = "upload",
        resource_type: str = "image",
        moderation_status: str = "",
        metadata: Mapping[str, Value] | None = None,
        tags: Sequence[str] | None = None,
        context: Mapping[str, str] | None = None,
        access: Sequence[Access] | None = None,
        folder: str | None = None,
        display_name: str | None = None,
    ) -> Asset:
        """Sets what is given, whole: tags replace all tags. Metadata fields that are not named stay; an empty value clears one."""
        from cloudinary import api

        what = f"change of {public_id}"
        said = settings_of(
            self._caller.where(what),
            metadata=metadata,
            tags=None if tags is None else tuple(tags),
            context=context,
            access=None if access is None else tuple(access),
            folder=folder,
            display_name=display_name,
        )
        said |= {"moderation_status": moderation_status} if moderation_status else {}
        options = {"type": type, "resource_type": resource_type} | said
        return asset_of(self._caller.admin(what, api.update, public_id, record=True, **options))

    def set_metadata(
        self, values: Mapping[str, Value], public_ids: Iterable[str], *, type: str = "upload", resource_type: str = "image"
    ) -> set[str]:
        """The same structured values on many assets, not counted against the hour's allowance; gives the ids that were changed."""
        from cloudinary import uploader

        done: set[str] = set()
        for ids in _batches(public_ids, _WRITTEN):
            what = f"metadata of {len(ids)} assets"
            said = settings_of(self._caller.where(what), metadata=values)["metadata"]
            options = {"type": type, "resource_type": resource_type}
            answer = self._caller.upload(what, uploader.update_metadata, said, ids, repeat=True, **options)
            done |= {str(id) for id in answer.get("public_ids") or ()}
        return done

    def add_tag(self, tag: str, public_ids: Iterable[str], *, type: str = "upload", resource_type: str = "image") -> set[str]:
        from cloudinary import uploader

        return self._tagged(uploader.add_tag, tag, public_ids, type, resource_type)

    def remove_tag(self, tag: str, public_ids: Iterable[str], *, type: str = "upload", resource_type: str = "image") -> set[str]:
        from cloudinary import uploader

        return self._tagged(uploader.remove_tag, tag, public_ids, type, resource_type)

    def _tagged(self, function: Callable[..., Any], tag: str, public_ids: Iterable[str], type: str, resource_type: str) -> set[str]:
        done: set[str] = set()
        for ids in _batches(public_ids, _WRITTEN):
            what = f"tag {tag} of {len(ids)} assets"
            settings_of(self._caller.where(what), tags=(tag,))
            answer = self._caller.upload(what, function, tag, ids, repeat=True, type=type, resource_type=resource_type)
            done |= {str(id) for id in answer.get("public_ids") or ()}
        return done

    def explicit(self, public_id: str, eager: Sequence[str], *, type: str = "upload", resource_type: str = "image") -> Asset:
        """Makes variants now (`t_retailer`, `c_fill,w_300/webp`); they stand under `derived` of what comes back."""
        from cloudinary import uploader

        options = {"type": type, "resource_type": resource_type, "eager": list(eager)}
        return asset_of(self._caller.upload(f"variants of {public_id}", uploader.explicit, public_id, repeat=True, **options))

    def rename(
        self, public_id: str, to: str, *, type: str = "upload", to_type: str = "", resource_type: str = "image", overwrite: bool = False
    ) -> Asset:
        """Another public id, or (with the same id) another delivery type. A cut line is found out by the id that never changes."""
        from cloudinary import uploader

        before = self.asset(public_id, type=type, resource_type=resource_type)
        options: dict[str, Any] = {"type": type, "resource_type": resource_type, "overwrite": overwrite, "invalidate": True}
        options |= {"to_type": to_type} if to_type else {}
        try:
            return asset_of(self._caller.upload(f"renaming of {public_id}", uploader.rename, public_id, to, **options))
        except TransientError:
            after = self.asset(to, type=to_type or type, resource_type=resource_type)
            if before is None or after is None or after.asset_id != before.asset_id:
                raise
            return after

    def destroy(self, public_id: str, *, type: str = "upload", resource_type: str = "image") -> bool:
        """Whether there was something to destroy. What the CDN keeps is invalidated."""
        from cloudinary import uploader

        options = {"type": type, "resource_type": resource_type, "invalidate": True}
        answer = self._caller.upload(f"removal of {public_id}", uploader.destroy, public_id, repeat=True, **options)
        return str(answer.get("result")) == "ok"

    # --- named transformations

    def name_transformation(self, name: str, definition: str) -> bool:
        """`definition` such as `c_pad,h_400,w_1200`. False if there is one of that name, which is left as it is."""
        from cloudinary import api

        try:
            self._caller.admin(f"transformation {name}", api.create_transformation, name, definition)
        except AlreadyExists:
            return False
        return True

    def named_transformations(self) -> list[str]:
        """Names without `t_`."""
        from cloudinary import api

        answer = self._caller.admin("named transformations", api.transformations, named=True, max_results=_PAGE)
        rows = answer.get("transformations") if isinstance(answer, Mapping) else None
        return [str(row.get("name", "")).removeprefix("t_") for row in rows or () if isinstance(row, Mapping)]

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


def exact(field: str, value: str) -> str:
    """A term of a search expression that matches the whole value."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'{field}="{escaped}"'


def _rows(answer: Any) -> list[Mapping[str, Any]]:
    rows = answer.get("resources") if isinstance(answer, Mapping) else None
    return [row for row in rows if isinstance(row, Mapping) and row.get("public_id")] if isinstance(rows, list) else []


def _batches(ids: Iterable[str], size: int) -> Iterator[list[str]]:
    every = list(dict.fromkeys(ids))
    for start in range(0, len(every), size):
        yield every[start : start + size]
