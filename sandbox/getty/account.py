"""Products, downloads, histories, orders, reports of use, asset changes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sandbox.getty.asking import Asked, RefusedError
from sandbox.getty.library import Row
from sandbox.getty.licences import USER
from sandbox.getty.state import CHANNEL, GettyState, day_of

_MOST_DAYS = 31
_COUNTRIES = (
    ("GB", "GBR", "United Kingdom"),
    ("IE", "IRL", "Ireland"),
    ("US", "USA", "United States"),
    ("CA", "CAN", "Canada"),
    ("DE", "DEU", "Germany"),
    ("FR", "FRA", "France"),
    ("AU", "AUS", "Australia"),
    ("NO", "NOR", "Norway"),
)


def _countries(state: GettyState, asked: Asked) -> Row:
    return {"countries": [{"iso_alpha_2": two, "iso_alpha_3": three, "name": name} for two, three, name in _COUNTRIES]}


def _customer(state: GettyState, asked: Asked) -> Row:
    return {name: USER[name] for name in ("first_name", "middle_name", "last_name")}


def _products(state: GettyState, asked: Asked) -> Row:
    fields = asked.listed("fields")
    if set(fields) - {"download_requirements"}:
        raise RefusedError(400, "InvalidParameterValue")
    left_out = set() if fields else {"download_requirements"}
    return {"products": [{name: value for name, value in row.items() if name not in left_out} for row in state.products.values()]}


# Downloads


def _download(state: GettyState, asked: Asked) -> Row | None:
    """Licenses an image. What the account lacks is refused before anything is counted."""
    image = state.images.get(asked.id)
    if image is None:
        raise RefusedError(404, "ImageNotFound")
    if state.user_needed and not (asked.token and asked.token.user):
        raise RefusedError(401, "UserTokenRequired")
    if "product_type" not in asked.params:
        raise RefusedError(400, "MissingRequiredQueryParameters")
    options = [id for id, type_, _ in image["options"] if type_ == asked.params["product_type"]]
    wanted = asked.number("product_id", options[0] if options else 0)
    if wanted not in options or state.products[wanted]["status"] != "active" or image["call_for_image"]:
        raise RefusedError(401)
    product, body = state.products[wanted], asked.body if isinstance(asked.body, dict) else {}
    if set(body) - {"download_notes", "project_code"}:
        raise RefusedError(400, "InvalidRequest")
    needs = product["download_requirements"]
    if needs["is_note_required"] and not body.get("download_notes"):
        raise RefusedError(400, "MissingRequiredQueryParameters")
    if product["downloads_remaining"] < 1:
        raise RefusedError(403, "OverageLimitReached")
    product["downloads_remaining"] -= 1
    state.licensed += 1
    state.license(image, wanted, str(body.get("download_notes") or ""), str(body.get("project_code") or ""))
    asked.done = True
    uri = f"{asked.base}/delivery/{state.link(asked.id)}"
    if asked.params.get("auto_download", "true") != "false":
        asked.status, asked.headers = 303, {"location": uri}
        return None
    return {"uri": uri}


def _history(state: GettyState, asked: Asked) -> Row:
    rows = [row for row in state.downloads(*_window(asked)) if _mine(state, asked, row)]
    if wanted := asked.params.get("product_type"):
        rows = [row for row in rows if row["product_type"] == wanted]
    return {"result_count": len(rows), "downloads": list(asked.page_of(rows, 30))}


def _history_of(state: GettyState, asked: Asked) -> Row:
    """One image's: its id stands outside, notes and project code lie flat."""
    if asked.id not in state.images and not any(row["id"] == asked.id for row in state.history):
        raise RefusedError(404, "ImageNotFound")
    rows = [row for row in reversed(state.history) if row["id"] == asked.id and _mine(state, asked, row)]
    inside = ("id", "download_details", "license_model", "size_name", "dimensions")
    flat = [{name: value for name, value in row.items() if name not in inside} | row["download_details"] for row in rows]
    return {"id": asked.id, "downloads": flat}


def _mine(state: GettyState, asked: Asked, row: Row) -> bool:
    if asked.flag("company_downloads"):
        if "company_downloads" in state.disabled:
            raise RefusedError(403)
        return True
    return bool(row["user"]["username"] == USER["username"])


def _window(asked: Asked) -> tuple[date, date]:
    last = asked.day("date_to") or datetime.now(UTC).date()
    first = asked.day("date_from") or last - timedelta(days=30)
    if not first <= last or (last - first).days > _MOST_DAYS:
        raise RefusedError(400, "InvalidParameterValue")
    return first, last


# Purchases and orders


def _purchases(state: GettyState, asked: Asked) -> Row:
    if "purchases" in state.disabled:
        raise RefusedError(403, "InsufficientPermissions")
    first, last = _window(asked)
    rows = [row for row in state.purchases if first <= day_of(row["date_purchased"]) <= last]
    return {"result_count": len(rows), "previous_purchases": list(asked.page_of(rows, 75))}


def _order(state: GettyState, asked: Asked) -> Row:
    if "orders" in state.disabled:
        raise RefusedError(403, "NoAccessToOrderMetadata")
    if asked.id not in state.orders:
        raise RefusedError(404, "OrderNotFound")
    return state.orders[asked.id]


# Uses


def _usages(state: GettyState, asked: Asked) -> Row:
    """All or nothing."""
    if "usage" in state.disabled:
        raise RefusedError(403, "UnauthorizedToReportUsage")
    rows = asked.body.get("asset_usages") if isinstance(asked.body, dict) else None
    if not isinstance(rows, list) or not 0 < len(rows) <= 1000 or not all(_is_usage(row) for row in rows):
        raise RefusedError(400, "InvalidRequest")
    if asked.id in state.batches:
        raise RefusedError(409, "TransactionIdDuplicated")
    known = set(state.images) | {row["id"] for row in state.history}
    invalid = [row["asset_id"] for row in rows if row["asset_id"] not in known]
    state.batches[asked.id] = [] if invalid else rows
    asked.status, asked.done = 201, not invalid
    return {"invalid_assets": invalid, "total_asset_usages_processed": 0 if invalid else len(rows)}


def _is_usage(row: Any) -> bool:
    if not isinstance(row, dict) or set(row) != {"asset_id", "quantity", "usage_date"} or not isinstance(row["asset_id"], str):
        return False
    try:
        day = date.fromisoformat(str(row["usage_date"]))
    except ValueError:
        return False
    return isinstance(row["quantity"], int) and row["quantity"] > 0 and day <= datetime.now(UTC).date()


# Asset changes


def _channels(state: GettyState, asked: Asked) -> list[Row]:
    _allowed(state)
    since = f"{state.catalogue.today - timedelta(days=700)}T00:00:00Z"
    match state.casing:
        case "live":
            return [
                {"channelId": CHANNEL, "assetFamily": "Both", "channelType": "AgreementChanges", "startDate": since, "assetType": "Image"}
            ]
        case "samples":
            return [
                {
                    "channel_id": CHANNEL,
                    "asset_family": "Both",
                    "channel_type": "AgreementChanges",
                    "start_date": since,
                    "asset_type": "Image",
                }
            ]
        case "yaml":
            row = {"ChannelId": CHANNEL, "AssetFamily": "Both", "AssetChangeType": "AgreementChanges", "CreateDateUtc": since}
            return [row | {"AssetType": "Image", "NotificationCount": len(state.waiting)}]


def _change_set(state: GettyState, asked: Asked) -> Row | None:
    _allowed(state)
    if asked.number("channel_id", 0) != CHANNEL:
        raise RefusedError(404, "ChannelNotFound")
    found = state.pull(min(asked.number("batch_size", 2200), 2200))
    if found is None:
        return None
    id, rows = found
    if state.casing == "live":
        names = ("changeSetId", "changedAssetList", "assetLifecycle", "assetType", "assetChangedUtcDateTime")
    else:
        names = ("change_set_id", "changed_assets", "asset_lifecycle", "asset_type", "asset_changed_utc_datetime")
    uri = f"{asked.base}/v3/images/"
    changes = [
        {"id": row["id"], names[2]: row["lifecycle"], names[3]: row["type"], names[4]: row["at"], "uri": uri + row["id"]} for row in rows
    ]
    return {names[0]: id, names[1]: changes}


def _confirm(state: GettyState, asked: Asked) -> None:
    _allowed(state)
    if not state.confirm(asked.id):
        raise RefusedError(404, "InvalidChangeSetId")
    asked.done = True


def _allowed(state: GettyState) -> None:
    if "changes" in state.disabled:
        raise RefusedError(403)


ANSWERS: dict[str, Callable[[GettyState, Asked], Any]] = {
    "GET /v3/countries": _countries,
    "GET /v3/customers/current": _customer,
    "GET /v3/products": _products,
    "POST /v3/downloads/images/{id}": _download,
    "GET /v3/downloads": _history,
    "GET /v3/images/{id}/downloadhistory": _history_of,
    "GET /v3/purchased-assets": _purchases,
    "GET /v3/orders/{id}": _order,
    "PUT /v3/usage-batches/{id}": _usages,
    "GET /v3/asset-changes/channels": _channels,
    "PUT /v3/asset-changes/change-sets": _change_set,
    "DELETE /v3/asset-changes/change-sets/{id}": _confirm,
}
