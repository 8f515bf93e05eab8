"""Reads Getty Images, licenses an image by downloading it, reports uses, takes and confirms changes.

Only operations that are known of the API are here. For an agreement customer the download *is* the licence: it takes one off
the product's allowance, can't be undone, and has no key by which Getty would know a repetition. So `create_download` is sent
once and never again by itself; everything else may be asked twice and is, with growing delay.

What Getty does not tell at all: end, territory, print run and price of a single licence.
"""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Literal, TypeVar
from urllib.parse import quote, urlsplit

from include.clients.getty import parameters, reading
from include.clients.getty.dates import iso, windows
from include.clients.getty.delivery import Writable, fetch
from include.clients.getty.errors import AmbiguousDownload, NotFound, Refused, Throttled
from include.clients.getty.model import (
    ChangeSet,
    Channel,
    Country,
    Customer,
    Download,
    DownloadLink,
    Fetched,
    GettyImage,
    Images,
    Order,
    Product,
    PurchasedAsset,
    Row,
    SearchPage,
    texts,
    whole,
)
from include.clients.getty.refusals import NoReply, NoToken
from include.clients.getty.wire import Values, Wire
from include.errors import ConfigurationError, PermanentError, RejectedData, TransientError

_T = TypeVar("_T")
log = logging.getLogger(__name__)
MOST_IDS = 100
MOST_USAGES = 1000
MOST_CHANGES = 2200
MOST_OF_THUMBNAIL = 1_000_000  # bytes
_NAMESPACE = uuid.UUID("5f0d7a3e-3b0a-5f3e-9c64-3d1d7c0c9a11")  # of our usage batches


@dataclass(frozen=True, slots=True)
class AssetUsage:
    """How often an asset was used on a day; Getty takes neither title nor ISBN with it."""

    asset_id: str
    quantity: int
    used_on: date


@dataclass(frozen=True, slots=True)
class UsageReport:
    """`invalid`: ids that Getty refused; then nothing of the batch was recorded. `known_before`: Getty had a batch of this id, and
    said then which ids were invalid; after a mend it is another batch."""

    id: str
    processed: int | None
    invalid: tuple[str, ...]
    known_before: bool


class Getty:
    """One key. `company` asks histories for everybody's downloads and purchases: Getty has to enable that for the key.

    Raises the classes of `include.clients.getty.errors`, and `TransientError` once patience is at its end.
    """

    def __init__(self, wire: Wire, *, company: bool = False) -> None:
        self._wire, self.company = wire, company

    @property
    def address(self) -> str:
        return self._wire.address

    # --- the account

    def countries(self) -> tuple[Country, ...]:
        """Needs the key alone: the cheapest question there is."""
        return reading.rows_as(
            self._list(self._wire.json("GET", "/v3/countries", token=False), "countries", "/v3/countries"), reading.country
        )

    def customer(self) -> Customer:
        """Whose token this is; needs key and secret."""
        return reading.customer(self._object(self._wire.json("GET", "/v3/customers/current"), "/v3/customers/current"))

    def products(self) -> tuple[Product, ...]:
        """The products of our agreements: allowance, what a download must carry along, end of the agreement."""
        reply = self._wire.json("GET", "/v3/products", {"fields": "download_requirements"})
        return _read(self._list(reply, "products", "/v3/products"), reading.product, "/v3/products")

    # --- images

    def search_creative(
        self, phrase: str, *, fields: Sequence[str] = parameters.FIELDS, page_size: int = 100, **filters: Any
    ) -> Iterator[SearchPage]:
        """Pages of creative images. `filters` are those of `parameters.CREATIVE`; lists go out joined by commas.

        Results are cached at Getty for a day; there is no filter by licence model.
        """
        return self._search("/v3/search/images/creative", phrase, fields, page_size, parameters.checked(filters, parameters.CREATIVE))

    def search_editorial(
        self, phrase: str, *, fields: Sequence[str] = parameters.FIELDS, page_size: int = 100, **filters: Any
    ) -> Iterator[SearchPage]:
        """Pages of editorial images; `filters` are those of `parameters.EDITORIAL`."""
        return self._search("/v3/search/images/editorial", phrase, fields, page_size, parameters.checked(filters, parameters.EDITORIAL))

    def _search(self, path: str, phrase: str, fields: Sequence[str], page_size: int, filters: Values) -> Iterator[SearchPage]:
        if not phrase.strip():
            raise ConfigurationError("a search without a phrase may not work", where=f"GET {path}", todo="Give the words to look for.")
        params = {"phrase": " ".join(phrase.split()), "fields": parameters.joined("fields", fields), **filters}
        return self._found(path, params, page_size)

    def similar(self, asset_id: str, *, fields: Sequence[str] = parameters.FIELDS, page_size: int = 100) -> Iterator[SearchPage]:
        return self._found(f"/v3/images/{_id(asset_id)}/similar", {"fields": parameters.joined("fields", fields)}, page_size)

    def same_series(self, asset_id: str, *, fields: Sequence[str] = parameters.FIELDS, page_size: int = 100) -> Iterator[SearchPage]:
        """Creative images only."""
        return self._found(f"/v3/images/{_id(asset_id)}/same-series", {"fields": parameters.joined("fields", fields)}, page_size)

    def _found(self, path: str, params: Values, page_size: int) -> Iterator[SearchPage]:
        for total, rows in self._pages(path, params, "images", page_size):
            yield SearchPage(total, _read(rows, lambda row: reading.image(row, searched=True), path))

    def images(self, ids: Collection[str], *, fields: Sequence[str] = parameters.DETAIL_FIELDS) -> Iterator[Images]:
        """Images by id, a hundred at a time. None of them tells `territory_restrictions`: those come with a search alone."""
        wanted = list(dict.fromkeys(ids))
        for at in range(0, len(wanted), MOST_IDS):
            yield self._images(wanted[at : at + MOST_IDS], fields)

    def image(self, asset_id: str, *, fields: Sequence[str] = parameters.DETAIL_FIELDS) -> GettyImage | None:
        """One image, or None where Getty says that there is none of that id. Raises `TransientError` where it says neither."""
        found = self._images([asset_id], fields)
        if found.unanswered:
            raise TransientError("the reply tells the image neither as found nor as missing", where=f"GET /v3/images, {asset_id}")
        return found.images[0] if found.images else None

    def _images(self, ids: list[str], fields: Sequence[str]) -> Images:
        params = {"ids": parameters.joined("ids", ids), "fields": parameters.joined("fields", fields)}
        try:
            reply = self._object(self._wire.json("GET", "/v3/images", params), "/v3/images")
        except NotFound as none:
            if none.code != "ImageNotFound":  # a wrong address, say: no word about the images
                raise
            return Images((), tuple(ids), ())
        rows, missing = reply.get("images"), reply.get("images_not_found")
        found = _read(rows if isinstance(rows, list) else [], lambda row: reading.image(row, searched=False), "/v3/images")
        gone = tuple(str(one) for one in missing if isinstance(one, str | int)) if isinstance(missing, list) else ()
        told = {one.id for one in found} | set(gone)
        return Images(tuple(one for one in found if one.id in set(ids)), gone, tuple(id for id in ids if id not in told))

    # --- what we licensed

    def downloads(self, since: date, until: date, *, product_type: str = "", page_size: int = 100) -> Iterator[tuple[Download, ...]]:
        """The account's download history between two days, oldest month first, asked for in windows of at most 30 days."""
        extra = {"product_type": product_type} if product_type else {}
        if self.company:
            extra["company_downloads"] = "true"
        return self._history("/v3/downloads", "downloads", since, until, page_size, extra, reading.download)

    def download_history(self, asset_id: str) -> tuple[Download, ...]:
        """All downloads of one image. Raises `NotFound` where Getty has no such image."""
        path = f"/v3/images/{_id(asset_id)}/downloadhistory"
        reply = self._wire.json("GET", path, {"company_downloads": "true"} if self.company else {})
        return _read(self._list(reply, "downloads", path), reading.download_of(asset_id), path)

    def purchases(self, since: date, until: date, *, page_size: int = 100) -> Iterator[tuple[PurchasedAsset, ...]]:
        """What was bought on Getty's site between two days, in the same windows. Raises `NotEnabled` where the key may not."""
        extra = {"company_purchases": "true"} if self.company else {}
        return self._history("/v3/purchased-assets", "previous_purchases", since, until, page_size, extra, reading.purchase)

    def order(self, order_id: str) -> Order:
        """Raises `NotFound`, or `NotEnabled` where the key may not read orders, or not this one."""
        path = f"/v3/orders/{_id(order_id)}"
        found = reading.order(self._object(self._wire.json("GET", path), path))
        if found is None:
            raise TransientError("the reply holds no order", where=f"GET {path}")
        return found

    def _history(
        self, path: str, name: str, since: date, until: date, page_size: int, extra: Values, make: Callable[[Row], _T | None]
    ) -> Iterator[tuple[_T, ...]]:
        """Pages of a history. A row that two windows show is given once."""
        before: set[_T] = set()
        for first, last in windows(since, until):
            now: set[_T] = set()
            seen, wanted = 0, 0
            for total, rows in self._pages(path, {"date_from": iso(first), "date_to": iso(last), **extra}, name, page_size):
                seen, wanted = seen + len(rows), total or 0
                page = tuple(one for one in dict.fromkeys(_read(rows, make, path)) if one not in before and one not in now)
                now.update(page)
                if page:
                    yield page
            if seen < wanted:
                raise TransientError(f"{seen} rows came of {wanted}", where=f"GET {path}, {first} to {last}")
            before = now

    # --- licensing

    def create_download(
        self,
        asset_id: str,
        *,
        product_type: str,
        product_id: str,
        notes: str,
        project_code: str = "",
        file_type: Literal["", "eps", "jpg"] = "",
        height: int | None = None,
    ) -> DownloadLink:
        """Licenses an image under a product and gives where its file is. Counts against the allowance; sent exactly once.

        `product_type` and `product_id` are those of the image's `largest_downloads`; `height` in pixels, the largest file by
        default. Raises `AmbiguousDownload` where nobody knows whether it was done: read `download_history` first. A
        `TransientError` or any other class says that it was not done.
        """
        path = f"/v3/downloads/images/{_id(asset_id)}"
        where = f"POST {path}"
        if not notes.strip():
            raise RejectedData("a download without our note could not be found again", where=where, todo="Give the note of `notes.note`.")
        if not product_id.isascii() or not product_id.isdigit():
            raise ConfigurationError(
                f"product {product_id!r} is no number", where=where, todo="Take it from the image's largest_downloads."
            )
        params: dict[str, str | int] = {"auto_download": "false", "product_type": product_type, "product_id": int(product_id)}
        params |= ({"file_type": file_type} if file_type else {}) | ({"height": height} if height else {})
        body = {"download_notes": notes} | ({"project_code": project_code} if project_code else {})
        try:
            reply = self._wire.once("POST", path, params, body)
            uri = reply.location or _uri(reply.content)
        except (NoToken, Throttled):  # not sent, or refused before anything was done
            raise
        except TransientError as broken:
            if isinstance(broken, NoReply) and not broken.sent:
                raise
            raise _ambiguous(broken.what, where) from broken
        if urlsplit(uri).scheme not in {"https", urlsplit(self.address).scheme}:
            raise _ambiguous(f"HTTP {reply.status} without the file's address", where)
        return DownloadLink(asset_id, uri)

    def fetch(self, link: DownloadLink, into: Writable) -> Fetched:
        """Writes the licensed file; as often as wanted, within 24 hours. See `delivery.fetch`."""
        return fetch(link, into, self._wire)

    def thumbnail(self, image: GettyImage, into: Writable) -> bool:
        """Writes the small picture that Getty shows everybody, without key or token; False where the image tells of none.

        Ask for the field `thumb`. Raises as `fetch`; nothing is licensed by it.
        """
        uri = image.size("thumb") or ""
        if urlsplit(uri).scheme not in {"https", urlsplit(self.address).scheme}:
            return False
        fetch(DownloadLink(image.id, uri), into, self._wire, MOST_OF_THUMBNAIL, self._wire.timeout)
        return True

    # --- uses and changes

    def report_usage(self, usages: Sequence[AssetUsage], *, today: date | None = None) -> UsageReport:
        """Reports up to 1,000 uses as one batch, all or nothing. The same uses are the same batch, so a repetition does nothing.

        Raises `RejectedData` for uses that Getty would refuse, `NotEnabled` where the key may not report.
        """
        today = today or datetime.now(UTC).date()
        if not 0 < len(usages) <= MOST_USAGES:
            raise RejectedData(f"{len(usages)} uses in one batch", where="usage batch", todo=f"Send from 1 to {MOST_USAGES:,}.")
        for one in usages:
            if one.used_on > today or one.quantity < 1:
                raise RejectedData(
                    f"{one.quantity} uses on {one.used_on}", where=f"asset {one.asset_id}", todo="Report what was used, once it was."
                )
        rows = [{"asset_id": one.asset_id, "quantity": one.quantity, "usage_date": iso(one.used_on)} for one in usages]
        id = str(uuid.uuid5(_NAMESPACE, json.dumps(sorted(rows, key=lambda row: json.dumps(row, sort_keys=True)), sort_keys=True)))
        path = f"/v3/usage-batches/{id}"
        try:
            reply = self._wire.json("PUT", path, body={"asset_usages": rows})
        except Refused as refused:
            if refused.status != 409:
                raise
            return UsageReport(id, None, (), known_before=True)
        told = reply if isinstance(reply, dict) else {}
        return UsageReport(id, whole(told, "total_asset_usages_processed"), texts(told, "invalid_assets") or (), known_before=False)

    def channels(self) -> tuple[Channel, ...]:
        """The channels of asset changes. Raises `NotEnabled` or `NotFound` where Getty set none up for the key."""
        reply = self._wire.json("GET", "/v3/asset-changes/channels")
        if reply is not None and not isinstance(reply, list):
            raise TransientError("the reply is not a list", where="GET /v3/asset-changes/channels")
        return _read(reply or [], reading.channel, "/v3/asset-changes/channels")

    def pull_changes(self, channel_id: int, *, most: int = MOST_CHANGES) -> ChangeSet | None:
        """The oldest unconfirmed changes of a channel, or None where it is empty. They come again until they are confirmed."""
        path = "/v3/asset-changes/change-sets"
        reply = self._wire.json("PUT", path, {"channel_id": channel_id, "batch_size": min(most, MOST_CHANGES)})
        if not reply:
            return None
        found = reading.change_set(self._object(reply, path))
        if found is None:
            raise PermanentError(
                "the reply is no set of changes", where=f"PUT {path}", todo="Nothing was confirmed; tell us what Getty sends."
            )
        return found

    def confirm_changes(self, change_set_id: str) -> bool:
        """Takes a set off its channel, for good: only after what it says was kept. False if Getty had none of that id (any more)."""
        try:
            self._wire.json("DELETE", f"/v3/asset-changes/change-sets/{_id(change_set_id)}")
        except NotFound:
            return False
        return True

    # --- pages

    def _pages(self, path: str, params: Values, name: str, page_size: int) -> Iterator[tuple[int | None, list[Any]]]:
        """(total, rows) of each page, until all were given, a page is empty, or Getty says that there is no such page."""
        if page_size not in parameters.PAGE_SIZES:
            sizes = ", ".join(str(one) for one in sorted(parameters.PAGE_SIZES))
            raise ConfigurationError(f"pages of {page_size}", where=f"GET {path}", todo=f"Getty gives pages of {sizes}.")
        seen, number = 0, 1
        last: list[Any] = []
        while True:
            try:
                reply = self._object(self._wire.json("GET", path, {**params, "page": number, "page_size": page_size}), path)
            except Refused as refused:
                if refused.code == "InvalidPage":
                    return
                raise
            rows, total = self._list(reply, name, path), whole(reply, "result_count")
            if rows and rows == last:
                raise PermanentError(
                    f"page {number} is page {number - 1} again", where=f"GET {path}", todo="Ask Getty's support about paging."
                )
            seen, last = seen + len(rows), rows
            if rows or number == 1:
                yield total, rows
            if not rows or (total is not None and seen >= total) or (total is None and len(rows) < page_size):
                return
            number += 1

    @staticmethod
    def _object(reply: Any, path: str) -> Row:
        if not isinstance(reply, dict):
            raise TransientError("the reply is empty" if reply is None else "the reply is not an object", where=path)
        return reply

    def _list(self, reply: Any, name: str, path: str) -> list[Any]:
        rows = self._object(reply, path).get(name)
        if not isinstance(rows, list):
            raise TransientError(f"the reply holds no list of {name}", where=path)
        return rows


def _read(rows: list[Any], make: Callable[[Row], _T | None], path: str) -> tuple[_T, ...]:
    """The rows as ours. One without an id can't be told from another: it is left out, and the log says so."""
    found = reading.rows_as(rows, make)
    if len(found) < len(rows):
        log.warning("%s: %d of %d rows have no id and were left out", path, len(rows) - len(found), len(rows))
    return found


def _id(id: str) -> str:
    if not id.strip() or id in {".", ".."}:
        raise RejectedData(f"{id!r} is no id", where="Getty")
    return quote(id, safe="")


def _uri(content: bytes) -> str:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return ""
    uri = found.get("uri") if isinstance(found, dict) else None
    return uri if isinstance(uri, str) else ""


def _ambiguous(why: str, where: str) -> AmbiguousDownload:
    todo = "Look into the image's download history for our note before another download is asked for."
    return AmbiguousDownload(f"{why}: nobody knows whether Getty counted this download", where=where, todo=todo)
