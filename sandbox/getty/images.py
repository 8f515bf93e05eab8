"""Search and images by id."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from sandbox.getty.asking import Asked, RefusedError
from sandbox.getty.contract import DETAIL_ONLY, FIELDS
from sandbox.getty.library import Row
from sandbox.getty.state import GettyState

_DISPLAYS = ("thumb", "comp", "preview")
_SUMMARY = frozenset({
    "asset_family",
    "caption",
    "collection_code",
    "collection_id",
    "collection_name",
    "license_model",
    "max_dimensions",
    "title",
})
_NEEDS_TOKEN = frozenset({"largest_downloads", "download_sizes", "downloads"})
_SIDES = {"x_small": 0, "small": 400, "medium": 800, "large": 2000, "x_large": 3500, "xx_large": 5500, "vector": 10**9}
_ORIENTATIONS = {"vertical": "Vertical", "horizontal": "Horizontal", "square": "Square"}
_SORTS = {"best_match", "most_popular", "newest", "oldest", "random"}
_WORD = re.compile(r"\w+")


def _search(family: str) -> Callable[[GettyState, Asked], Row]:
    def answer(state: GettyState, asked: Asked) -> Row:
        fields = _fields(asked, FIELDS)
        found = [row for row in state.images.values() if row["asset_family"] == family and _fits(row, asked)]
        found = _ranked(found, asked)
        return _page(state, asked, found, fields)

    return answer


def _ranked(rows: Iterable[Row], asked: Asked) -> list[Row]:
    """All words for a literal search; any of them, the best first, for the usual one."""
    words = [word.casefold() for word in _WORD.findall(asked.params.get("phrase", ""))]
    scored = [(sum(word in _words(row) for word in words), row) for row in rows]
    least = len(words) if asked.params.get("enhanced_search", "true") == "false" else min(1, len(words))
    kept = [(score, row) for score, row in scored if score >= least]
    order = asked.params.get("sort_order", "best_match")
    if order not in _SORTS:
        raise RefusedError(400, "InvalidParameterValue")
    if order in {"newest", "oldest"}:
        kept.sort(key=lambda one: str(one[1]["date_submitted"]), reverse=order == "newest")
    else:
        kept.sort(key=lambda one: (-one[0], one[1]["id"]))
    return [row for _, row in kept]


def _words(row: Row) -> set[str]:
    text = " ".join([row["id"], row["title"], row["caption"] or "", *(one["text"] for one in row["keywords"])])
    return {word.casefold() for word in _WORD.findall(text)}


def _fits(row: Row, asked: Asked) -> bool:
    if asked.flag("exclude_editorial_use_only") and (row.get("allowed_use") or {}).get("editorial_use_only"):
        return False
    if (wanted := asked.listed("orientations")) and row["orientation"] not in {_ORIENTATIONS.get(one) for one in wanted}:
        return False
    if (smallest := asked.params.get("minimum_size")) and max(row["max_dimensions"].values()) < _SIDES.get(smallest, 0):
        return False
    if (segments := asked.listed("editorial_segments")) and not set(segments) & set(row["editorial_segments"]):
        return False
    if (products := asked.params.get("download_product")) and not _under(row, products):
        return False
    first, last, day = asked.day("date_from"), asked.day("date_to"), str(row["date_created"])[:10]
    return not (first and day < first.isoformat()) and not (last and day > last.isoformat())


def _under(row: Row, wanted: str) -> bool:
    """`premiumaccess`, or `premiumaccess:<product id>`."""
    type_, _, id = wanted.partition(":")
    return any(type_ == option[1] and id in {"", str(option[0])} for option in row["options"])


def _page(state: GettyState, asked: Asked, found: list[Row], fields: frozenset[str]) -> Row:
    page = asked.page_of(found, 30)
    return {"result_count": len(found), "images": [_item(row, asked, fields) for row in page]}


def _fields(asked: Asked, known: frozenset[str]) -> frozenset[str]:
    fields = frozenset(asked.listed("fields")) or frozenset({"summary_set"})
    if fields - known:
        raise RefusedError(400, "InvalidParameterValue")
    if fields & _NEEDS_TOKEN and asked.token is None:
        raise RefusedError(401, "AuthorizationTokenRequired")
    return fields | _SUMMARY if "summary_set" in fields else fields


def _item(row: Row, asked: Asked, fields: frozenset[str]) -> Row:
    """A search's item: options flat, `territory_restrictions` unasked."""
    told = _common(row, asked, fields)
    if "territory_restrictions" in row:
        told["territory_restrictions"] = row["territory_restrictions"]
    if "largest_downloads" in fields:
        told["largest_downloads"] = _options(row, asked)
    return told


def _detail(row: Row, asked: Asked, fields: frozenset[str]) -> Row:
    """An image by its id: sizes with options within, no `territory_restrictions`."""
    told = _common(row, asked, fields) | {name: row.get(name) for name in DETAIL_ONLY & fields}
    if "largest_downloads" in fields:
        size = {"name": "x_large", "bytes": row["size"], **row["max_dimensions"], "dpi": 300, "media_type": "image/jpeg"}
        told["largest_downloads"] = [size | {"downloads": options}] if (options := _options(row, asked)) else []
    return told


def _common(row: Row, asked: Asked, fields: frozenset[str]) -> Row:
    told = {"id": row["id"]} | {name: row[name] for name in sorted(fields & FIELDS) if name in row and name != "id"}
    shown = [name for name in _DISPLAYS if name in fields or "display_set" in fields or (name == "thumb" and "summary_set" in fields)]
    if shown:
        told["display_sizes"] = [
            {"name": name, "is_watermarked": name == "comp", "uri": f"{asked.base}/media/{row['id']}/{name}.jpg"} for name in shown
        ]
    if "referral_destinations" in fields:
        told["referral_destinations"] = [{"site_name": "gettyimages", "uri": f"https://www.gettyimages.com/detail/{row['id']}"}]
    return told


def _options(row: Row, asked: Asked) -> list[Row]:
    uri = f"{asked.base}/v3/downloads/images/{row['id']}"
    return [{"product_id": str(id), "product_type": type_, "uri": uri, "agreement_name": name} for id, type_, name in row["options"]]


def _images(state: GettyState, asked: Asked) -> Row:
    ids = list(dict.fromkeys([asked.id] if asked.id else asked.listed("ids")))
    if not 0 < len(ids) <= 100:
        raise RefusedError(400, "InvalidParameterValue")
    fields = _fields(asked, FIELDS | DETAIL_ONLY)
    found = [_detail(state.images[id], asked, fields) for id in ids if id in state.images]
    if not found:
        raise RefusedError(404, "ImageNotFound")
    return {"images": found, "images_not_found": [id for id in ids if id not in state.images]}


def _like(same: Callable[[Row, Row], bool]) -> Callable[[GettyState, Asked], Row]:
    def answer(state: GettyState, asked: Asked) -> Row:
        one = state.images.get(asked.id)
        if one is None:
            raise RefusedError(404, "ImageNotFound")
        found = [row for row in state.images.values() if row["id"] != one["id"] and same(one, row)]
        return _page(state, asked, found, _fields(asked, FIELDS))

    return answer


ANSWERS: dict[str, Callable[[GettyState, Asked], Any]] = {
    "GET /v3/search/images/creative": _search("creative"),
    "GET /v3/search/images/editorial": _search("editorial"),
    "GET /v3/images": _images,
    "GET /v3/images/{id}": _images,
    "GET /v3/images/{id}/similar": _like(
        lambda one, row: bool({k["text"] for k in one["keywords"]} & {k["text"] for k in row["keywords"]})
    ),
    "GET /v3/images/{id}/same-series": _like(
        lambda one, row: one["asset_family"] == "creative" == row["asset_family"] and one["title"] == row["title"]
    ),
}
