"""What the stand-in may be asked and may answer, in our own words: nothing else is served, and tests hold it to this list.

`OPERATIONS`: parameters in the query by method and path. `ANSWERS`: members by operation, a list in brackets, an object within.
`LIVE`: operations' members that Getty's newer export has and the older one has not; tests compare the rest with the older
export where it is at hand.
"""

from __future__ import annotations

from typing import Any

_SEARCH = frozenset([
    "age_of_people",
    "artists",
    "collection_codes",
    "collections_filter_type",
    "compositions",
    "download_product",
    "embed_content_only",
    "ethnicity",
    "exclude_keyword_ids",
    "facet_fields",
    "facet_max_count",
    "fields",
    "file_types",
    "graphical_styles",
    "graphical_styles_filter_type",
    "include_facets",
    "include_related_searches",
    "keyword_ids",
    "minimum_size",
    "number_of_people",
    "orientations",
    "page",
    "page_size",
    "phrase",
    "sort_order",
])
_PAGED = frozenset({"fields", "page", "page_size"})

OPERATIONS: dict[str, frozenset[str]] = {
    "GET /v3/countries": frozenset(),
    "GET /v3/customers/current": frozenset(),
    "GET /v3/products": frozenset({"fields"}),
    "GET /v3/search/images/creative": _SEARCH
    | {"color", "enhanced_search", "exclude_editorial_use_only", "exclude_nudity", "moods", "safe_search"},
    "GET /v3/search/images/editorial": _SEARCH
    | {"date_from", "date_to", "editorial_segments", "event_ids", "minimum_quality_rank", "specific_people"},
    "GET /v3/images": frozenset({"ids", "fields"}),
    "GET /v3/images/{id}": frozenset({"fields"}),
    "GET /v3/images/{id}/similar": _PAGED,
    "GET /v3/images/{id}/same-series": _PAGED,
    "GET /v3/images/{id}/downloadhistory": frozenset({"company_downloads"}),
    "GET /v3/downloads": frozenset({"date_from", "date_to", "use_time", "page", "page_size", "product_type", "company_downloads"}),
    "POST /v3/downloads/images/{id}": frozenset({"auto_download", "file_type", "height", "product_id", "product_type", "use_team_credits"}),
    "GET /v3/purchased-assets": frozenset({"date_from", "date_to", "page", "page_size", "company_purchases"}),
    "GET /v3/orders/{id}": frozenset(),
    "PUT /v3/usage-batches/{id}": frozenset(),
    "GET /v3/asset-changes/channels": frozenset(),
    "PUT /v3/asset-changes/change-sets": frozenset({"channel_id", "batch_size"}),
    "DELETE /v3/asset-changes/change-sets/{id}": frozenset(),
}

FIELDS = frozenset([
    "allowed_use",
    "artist",
    "asset_family",
    "call_for_image",
    "caption",
    "collection_code",
    "collection_id",
    "collection_name",
    "comp",
    "copyright",
    "date_created",
    "date_submitted",
    "display_set",
    "download_product",
    "download_sizes",
    "graphical_style",
    "id",
    "keywords",
    "largest_downloads",
    "license_model",
    "max_dimensions",
    "orientation",
    "preview",
    "product_types",
    "quality_rank",
    "referral_destinations",
    "summary_set",
    "thumb",
    "title",
])
"""Of `fields` in all image operations; `detail_set` is gone."""
DETAIL_ONLY = frozenset({"credit_line", "city", "country", "object_name", "people", "editorial_segments"})

_ALLOWED_USE = {"how_can_i_use_it": 0, "release_info": 0, "usage_restrictions": 0, "editorial_use_only": 0}
_OPTION = {"product_id": 0, "product_type": 0, "uri": 0, "agreement_name": 0}
_ITEM: dict[str, Any] = {
    **dict.fromkeys(
        [
            "id",
            "title",
            "caption",
            "artist",
            "copyright",
            "asset_family",
            "license_model",
            "call_for_image",
            "collection_code",
            "collection_id",
            "collection_name",
            "date_created",
            "date_submitted",
            "download_product",
            "graphical_style",
            "orientation",
            "product_types",
            "quality_rank",
        ],
        0,
    ),
    "allowed_use": _ALLOWED_USE,
    "territory_restrictions": {"country_code": 0, "type": 0, "description": 0},
    "keywords": {"keyword_id": 0, "text": 0, "type": 0, "relevance": 0},
    "largest_downloads": _OPTION,
    "max_dimensions": {"width": 0, "height": 0},
    "display_sizes": {"name": 0, "uri": 0, "is_watermarked": 0},
    "referral_destinations": {"site_name": 0, "uri": 0},
}
_DETAIL: dict[str, Any] = {
    **{name: within for name, within in _ITEM.items() if name != "territory_restrictions"},
    **dict.fromkeys(DETAIL_ONLY, 0),
    "largest_downloads": {
        **dict.fromkeys(("name", "bytes", "width", "height", "dpi", "media_type"), 0),
        "downloads": _OPTION,
    },
    "display_sizes": {"name": 0, "uri": 0, "is_watermarked": 0, "width": 0, "height": 0},
}
_USER = dict.fromkeys(("username", "first_name", "middle_name", "last_name"), 0)
_ROW = dict.fromkeys(("date_downloaded", "agreement_name", "asset_type", "product_id", "product_type", "download_source", "thumb_uri"), 0)
_FOUND = {"result_count": 0, "images": _ITEM}
_DETAILS = {"images": _DETAIL, "images_not_found": 0}

_CHANNEL = (
    "channelId", "assetFamily", "channelType", "startDate", "assetType", "channel_id", "asset_family", "channel_type", "start_date",
    "asset_type",
)  # fmt: skip
ANSWERS: dict[str, dict[str, Any]] = {
    "GET /v3/countries": {"countries": dict.fromkeys(("iso_alpha_2", "iso_alpha_3", "name"), 0)},
    "GET /v3/customers/current": dict.fromkeys(("first_name", "middle_name", "last_name"), 0),
    "GET /v3/products": {
        "products": {
            **dict.fromkeys(
                [
                    "id",
                    "type",
                    "name",
                    "status",
                    "agreement_name",
                    "expiration_utc_date",
                    "download_limit",
                    "download_limit_duration",
                    "download_limit_reset_utc_date",
                    "downloads_remaining",
                    "application_website",
                ],
                0,
            ),
            "download_requirements": dict.fromkeys(("is_note_required", "is_project_code_required", "project_codes"), 0),
            "overage": dict.fromkeys(("limit", "remaining", "count", "overages_reached"), 0),
        }
    },
    "GET /v3/search/images/creative": _FOUND,
    "GET /v3/search/images/editorial": _FOUND,
    "GET /v3/images": _DETAILS,
    "GET /v3/images/{id}": _DETAILS,
    "GET /v3/images/{id}/similar": _FOUND,
    "GET /v3/images/{id}/same-series": _FOUND,
    "GET /v3/images/{id}/downloadhistory": {"id": 0, "downloads": {**_ROW, "project_code": 0, "download_notes": 0, "user": _USER}},
    "GET /v3/downloads": {
        "result_count": 0,
        "downloads": {
            **_ROW,
            **dict.fromkeys(("id", "license_model", "size_name"), 0),
            "dimensions": dict.fromkeys(("width", "height", "dpi"), 0),
            "download_details": {"download_notes": 0, "project_code": 0},
            "user": _USER,
        },
    },
    "POST /v3/downloads/images/{id}": {"uri": 0},
    "GET /v3/purchased-assets": {
        "result_count": 0,
        "previous_purchases": dict.fromkeys(
            [
                "asset_id",
                "asset_type",
                "license_model",
                "order_id",
                "date_purchased",
                "purchased_by",
                "size_name",
                "file_size_in_bytes",
                "download_uri",
                "thumb_uri",
            ],
            0,
        ),
    },
    "GET /v3/orders/{id}": {
        **dict.fromkeys(("id", "invoice_number", "order_date", "end_client"), 0),
        "notes": dict.fromkeys(("licensee_name", "purchase_order_number", "project_title", "ordered_by"), 0),
        "assets": {"id": 0},
    },
    "PUT /v3/usage-batches/{id}": {"invalid_assets": 0, "total_asset_usages_processed": 0},
    "GET /v3/asset-changes/channels": dict.fromkeys(
        [
            *_CHANNEL,
            "ChannelId",
            "AssetFamily",
            "AssetChangeType",
            "CreateDateUtc",
            "AssetType",
            "NotificationCount",
            "OldestChangeNotificationDateUtc",
        ],
        0,
    ),
    "PUT /v3/asset-changes/change-sets": {
        "changeSetId": 0,
        "change_set_id": 0,
        "changedAssetList": dict.fromkeys(("id", "assetLifecycle", "assetType", "assetChangedUtcDateTime", "uri"), 0),
        "changed_assets": dict.fromkeys(("id", "asset_lifecycle", "asset_type", "asset_changed_utc_datetime", "uri"), 0),
    },
    "DELETE /v3/asset-changes/change-sets/{id}": {},
}

LIVE = {
    "*": frozenset({"allowed_use.editorial_use_only", "territory_restrictions", "date_submitted", "product_types"}),
    "GET /v3/asset-changes/channels": frozenset(_CHANNEL),
    "PUT /v3/asset-changes/change-sets": frozenset({"changeSetId", "changedAssetList"}),
}
"""Members that are newer than the export at hand, by operation (`*`: images); dots lead inside."""


def unknown_members(operation: str, answer: Any) -> list[str]:
    """Members of an answer that the list does not have."""
    return sorted(set(_unknown(ANSWERS[operation], answer, "")))


def _unknown(known: Any, found: Any, place: str) -> list[str]:
    if isinstance(found, list):
        return [one for item in found for one in _unknown(known, item, place)]
    if not isinstance(found, dict):
        return []
    if not isinstance(known, dict):
        return [f"{place} has members"]
    lost = []
    for name, value in found.items():
        lost += _unknown(known[name], value, f"{place}.{name}") if name in known else [f"{place}.{name}"]
    return lost
