"""What Getty's searches take, and the fields that we ask for: explicitly, since the sets `detail_set` and others come and go."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

from include.clients.getty.wire import Values
from include.errors import ConfigurationError

PAGE_SIZES = frozenset({1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 25, 30, 50, 60, 75, 100})

FIELDS = (
    "id",
    "title",
    "caption",
    "artist",
    "asset_family",
    "license_model",
    "allowed_use",
    "call_for_image",
    "collection_code",
    "collection_name",
    "copyright",
    "date_created",
    "date_submitted",
    "download_product",
    "product_types",
    "keywords",
    "largest_downloads",
    "max_dimensions",
    "orientation",
    "referral_destinations",
    "thumb",
    "comp",
    "preview",
)
"""Legal in both searches and for images by id. `territory_restrictions` is in no list of fields: searches give it unasked."""

DETAIL_FIELDS = (*FIELDS, "credit_line", "people")

_BOTH = frozenset({
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
    "file_types",
    "graphical_styles",
    "graphical_styles_filter_type",
    "include_facets",
    "include_related_searches",
    "keyword_ids",
    "minimum_size",
    "number_of_people",
    "orientations",
    "sort_order",
})
CREATIVE = _BOTH | {"color", "enhanced_search", "exclude_editorial_use_only", "exclude_nudity", "moods", "safe_search"}
EDITORIAL = _BOTH | {"date_from", "date_to", "editorial_segments", "event_ids", "minimum_quality_rank", "specific_people"}


def checked(filters: Mapping[str, Any], known: Collection[str]) -> Values:
    """Filters as they go out. Raises `ConfigurationError` for one that this search does not have; None leaves one out."""
    unknown = sorted(set(filters) - set(known))
    if unknown:
        todo = f"It has {', '.join(sorted(known))}."
        raise ConfigurationError(f"this search has no {', '.join(unknown)}", where="Getty search", todo=todo)
    return {name: written(name, value) for name, value in filters.items() if value is not None}


def written(name: str, value: Any) -> str | int:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str | int):
        return value
    return joined(name, value)


def joined(name: str, values: Collection[Any]) -> str:
    """Getty takes a list as one parameter with commas, so no value may hold one."""
    texts = [str(value) for value in values]
    if not texts or any("," in one or not one.strip() for one in texts):
        raise ConfigurationError(f"{name} can't be sent as a list", where="Getty", todo="Give at least one value, none with a comma.")
    return ",".join(texts)
