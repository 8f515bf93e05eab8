"""What the stand-in answers at all: operations with the parameters and members of answers that the project's notes on Cloudinary show.

`published` is the path in Cloudinary's own OpenAPI file, where it has one; the SDK's own forms that the file lacks say why.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Operation:
    """`path` is under `/v1_1/<cloud>/`; `parameters` those of the query, or members of the JSON body."""

    name: str
    method: str
    path: str
    parameters: tuple[str, ...] = ()
    published: str = ""  # "" where `path` is the published one
    because: str = ""  # why it is offered though it is not published

    @property
    def pattern(self) -> re.Pattern[str]:
        return _compiled(self.path)


class Found(NamedTuple):
    operation: Operation
    values: dict[str, str]


def _compiled(path: str) -> re.Pattern[str]:
    wide = re.sub(r"\{(public_id|folder|transformation)\}", r"(?P<\1>.+)", path)
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", wide))


_PAGE = ("max_results", "next_cursor", "direction")
_MORE = ("tags", "context", "metadata", "moderations", "fields")
_DETAILS = ("versions", "max_results", "derived_next_cursor", "media_metadata", "pages", "phash", "coordinates", "colors",
            "faces", "quality_analysis", "accessibility_analysis", "related")  # fmt: skip
_UPDATE = ("moderation_status", "tags", "context", "metadata", "access_control", "asset_folder", "display_name", "clear_invalid",
           "notification_url", "batch_id")  # fmt: skip
_FIELD = ("type", "external_id", "label", "mandatory", "default_value", "default_disabled", "validation", "restrictions", "datasource",
          "allow_dynamic_list_values")  # fmt: skip
_SDK = "the SDK's own form"

ADMIN: tuple[Operation, ...] = (
    Operation("ping", "GET", "ping", because=_SDK),
    Operation("usage", "GET", "usage", ("date",)),
    Operation("usage", "GET", "usage/{date}", because=_SDK),
    Operation("search", "POST", "resources/search",
              ("expression", "sort_by", "with_field", "max_results", "next_cursor")),
    Operation("resources_by_moderation", "GET", "resources/{resource_type}/moderations/{moderation_kind}/{moderation_status}",
              (*_PAGE, *_MORE)),
    Operation("resources_by_tag", "GET", "resources/{resource_type}/tags/{tag}", (*_PAGE, *_MORE), because=_SDK),
    Operation("resources_by_context", "GET", "resources/{resource_type}/context", ("key", "value", *_PAGE, *_MORE)),
    Operation("resources_by_asset_ids", "GET", "resources/by_asset_ids", ("asset_ids[]", *_MORE)),
    Operation("resources_by_asset_folder", "GET", "resources/by_asset_folder", ("asset_folder", *_PAGE, *_MORE)),
    Operation("resources", "GET", "resources/{image|video|raw}", ("type", "prefix", *_PAGE, *_MORE), published="resources/image"),
    Operation("resource_by_asset_id", "GET", "resources/{asset_id}", _DETAILS),
    Operation("resources", "GET", "resources/{resource_type}/{type}", ("prefix", "public_ids[]", *_PAGE, *_MORE), because=_SDK),
    Operation("resource", "GET", "resources/{resource_type}/{type}/{public_id}", _DETAILS),
    Operation("update", "POST", "resources/{resource_type}/{type}/{public_id}", _UPDATE),
    Operation("tags", "GET", "tags/{resource_type}", ("prefix", "max_results", "next_cursor")),
    Operation("transformations", "GET", "transformations", ("named", "transformation", "max_results", "next_cursor")),
    Operation("transformation", "GET", "transformations/{transformation}"),
    Operation("create_transformation", "POST", "transformations", ("name", "transformation", "allowed_for_strict"), because=_SDK),
    Operation("create_transformation", "POST", "transformations/{transformation}", ("transformation", "allowed_for_strict")),
    Operation("update_transformation", "PUT", "transformations", ("transformation", "unsafe_update", "allowed_for_strict"), because=_SDK),
    Operation("delete_transformation", "DELETE", "transformations", ("transformation", "invalidate"), because=_SDK),
    Operation("list_metadata_fields", "GET", "metadata_fields"),
    Operation("add_metadata_field", "POST", "metadata_fields", _FIELD),
    Operation("metadata_field", "GET", "metadata_fields/{external_id}"),
    Operation("update_metadata_field", "PUT", "metadata_fields/{external_id}", _FIELD),
    Operation("update_datasource", "PUT", "metadata_fields/{external_id}/datasource", ("values",)),
    Operation("folders", "GET", "folders"),
    Operation("subfolders", "GET", "folders/{folder}"),
    Operation("create_folder", "POST", "folders/{folder}"),
)  # fmt: skip

# Parameters that the SDK sends (its source shows them) though Cloudinary's file does not name them, or not there.
OF_THE_SDK = frozenset({"tags", "context", "metadata", "moderations", "related", "notification_url", "batch_id", "pages", "transformation",
                        "tag", "api_key", "signature", "timestamp"})  # fmt: skip

_ASSET = frozenset({"asset_id", "public_id", "format", "version", "resource_type", "type", "created_at", "bytes", "width", "height", "url",
                    "secure_url", "tags", "context", "metadata", "access_control", "asset_folder", "display_name"})  # fmt: skip
_STATE = frozenset({"moderation", "moderation_kind", "moderation_status", "backup"})
_DETAIL = _ASSET | _STATE | {"uploaded_at", "aspect_ratio", "pixels", "etag", "status", "last_updated", "derived", "next_cursor",
                             "versions", "image_metadata", "pages"}  # fmt: skip
_STORED = _ASSET | {"etag", "version_id", "signature", "placeholder", "original_filename", "pages", "eager", "moderation", "api_key",
                    "existing"}  # fmt: skip
_LISTING = frozenset({"resources", "next_cursor"})

# What the members of answers may be, by operation: those of the notes on Cloudinary; for rows see `resources[]` and `search[]`.
ANSWERS: dict[str, frozenset[str]] = {
    "ping": frozenset({"status"}),
    "usage": frozenset({"plan", "last_updated", "date_requested", "transformations", "objects", "bandwidth", "storage", "impressions",
                        "seconds_delivered", "credits", "resources", "derived_resources", "requests", "media_limits"}),
    "search": frozenset({"total_count", "time", "resources", "next_cursor"}),
    "search[]": _ASSET | {"etag", "status", "uploaded_at", "aspect_ratio", "pixels", "filename", "image_metadata"},
    **dict.fromkeys(("resources", "resources_by_moderation", "resources_by_tag", "resources_by_context", "resources_by_asset_ids",
                     "resources_by_asset_folder"), _LISTING),
    "resources[]": _ASSET | _STATE,
    "resource": _DETAIL, "resource_by_asset_id": _DETAIL, "update": _DETAIL,
    "tags": frozenset({"tags", "next_cursor"}),
    "transformations": frozenset({"transformations", "next_cursor"}),
    "transformation": frozenset({"name", "allowed_for_strict", "used", "named", "info"}),
    **dict.fromkeys(("create_transformation", "update_transformation", "delete_transformation"), frozenset({"message"})),
    "list_metadata_fields": frozenset({"metadata_fields"}),
    **dict.fromkeys(("metadata_field", "add_metadata_field", "update_metadata_field"), frozenset(_FIELD)),
    "update_datasource": frozenset({"values"}),
    "folders": frozenset({"folders", "next_cursor", "total_count"}), "subfolders": frozenset({"folders", "next_cursor", "total_count"}),
    "create_folder": frozenset({"success", "name", "path", "external_id"}),
    "upload": _STORED, "upload_chunked": _STORED | {"done", "kind"}, "explicit": _STORED, "rename": _STORED,
    "destroy": frozenset({"result"}),
    **dict.fromkeys(("metadata_update", "tags_update", "context_update"), frozenset({"public_ids", "unauthorized"})),
}  # fmt: skip


def find(method: str, path: str) -> Found | None:
    """The operation behind a method and a path under the cloud name, with the path's values."""
    for operation in ADMIN:
        if operation.method != method:
            continue
        if operation.path == "resources/{image|video|raw}":
            if path in {"resources/image", "resources/video", "resources/raw"}:
                return Found(operation, {"resource_type": path.rpartition("/")[2]})
        elif match := operation.pattern.fullmatch(path):
            return Found(operation, match.groupdict())
    return None
