"""What Cloudinary tells of an asset, as values. Answers may lack anything or hold something odd: what can't be read is left empty."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

Json = Mapping[str, Any]
Value = str | int | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Moderation:
    """A queue that the asset was put into. `status`: queued, pending, approved, rejected, aborted."""

    kind: str
    status: str
    updated: datetime | None = None


@dataclass(frozen=True, slots=True)
class Access:
    """A rule of access. An asset with rules is closed unless one of them opens it; rules know times, no countries and no users."""

    kind: str  # anonymous or token
    start: datetime | None = None
    end: datetime | None = None
    key: str = ""


@dataclass(frozen=True, slots=True)
class Asset:
    """An asset as one answer tells it.

    `etag` is the MD5 of the bytes; listings leave it out (empty). `colour_space` is there only where media metadata was asked for.
    `moderation` is empty where the answer does not tell or the asset was never put into a queue: that is not approved.
    """

    public_id: str
    asset_id: str = ""
    resource_type: str = "image"
    type: str = "upload"
    version: int = 0
    format: str = ""
    bytes: int | None = None
    width: int | None = None
    height: int | None = None
    pages: int | None = None
    colour_space: str = ""
    dpi: int | None = None
    etag: str = ""
    moderation: tuple[Moderation, ...] = ()
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, Value] = field(default_factory=dict)
    context: Mapping[str, str] = field(default_factory=dict)
    access: tuple[Access, ...] = ()
    folder: str = ""
    display_name: str = ""
    url: str = ""
    created: datetime | None = None
    updated: datetime | None = None
    backup: bool = False

    @property
    def moderation_status(self) -> str:
        """Of the manual queue, else of the first; empty where there is none."""
        manual = [one.status for one in self.moderation if one.kind == "manual"]
        return (manual or [one.status for one in self.moderation] or [""])[0]

    @property
    def approved(self) -> bool:
        """Every queue that it was put into has approved it, and there is one."""
        return bool(self.moderation) and all(one.status == "approved" for one in self.moderation)

    def texts(self, name: str) -> tuple[str, ...]:
        """A structured metadata field as texts, whatever its type; empty where it has no value."""
        value = self.metadata.get(name, ())
        return value if isinstance(value, tuple) else (str(value),)


@dataclass(frozen=True, slots=True)
class Placed:
    """What became of an upload: `new` is false where the same bytes were there already."""

    asset: Asset
    new: bool


@dataclass(frozen=True, slots=True)
class Field:
    """A structured metadata field. `entries`: what an enum or a set may hold, external id → label."""

    external_id: str
    type: str  # string, integer, date, enum, set
    label: str
    mandatory: bool = False
    entries: Mapping[str, str] = field(default_factory=dict)


def asset_of(row: Json) -> Asset:
    """From any answer that describes an asset: details, listing, search, upload."""
    media = row.get("image_metadata") or row.get("media_metadata") or {}
    media = media if isinstance(media, Mapping) else {}
    updated = row.get("last_updated")
    return Asset(
        public_id=_text(row.get("public_id")),
        asset_id=_text(row.get("asset_id")),
        resource_type=_text(row.get("resource_type")) or "image",
        type=_text(row.get("type")) or "upload",
        version=_whole(row.get("version")) or 0,
        format=_text(row.get("format")).lower(),
        bytes=_whole(row.get("bytes")),
        width=_whole(row.get("width")),
        height=_whole(row.get("height")),
        pages=_whole(row.get("pages")),
        colour_space=_text(media.get("Colorspace") or media.get("ColorSpace")),
        dpi=_whole(media.get("DPI")),
        etag=_text(row.get("etag")).strip('"').lower(),
        moderation=_moderation(row),
        tags=tuple(_text(tag) for tag in _rows(row.get("tags"), str)),
        metadata=_metadata(row.get("metadata")),
        context=_context(row.get("context")),
        access=tuple(access for one in _rows(row.get("access_control"), Mapping) if (access := _access(one))),
        folder=_text(row.get("asset_folder") or row.get("folder")),
        display_name=_text(row.get("display_name")),
        url=_text(row.get("secure_url") or row.get("url")),
        created=_moment(row.get("created_at")),
        updated=_moment(updated.get("updated_at") if isinstance(updated, Mapping) else None) or _moment(row.get("uploaded_at")),
        backup=row.get("backup") is True,
    )


def field_of(row: Json) -> Field:
    source = row.get("datasource")
    entries = {
        _text(one.get("external_id")): _text(one.get("value"))
        for one in _rows(source.get("values") if isinstance(source, Mapping) else None, Mapping)
        if one.get("state", "active") == "active"
    }
    return Field(
        external_id=_text(row.get("external_id")),
        type=_text(row.get("type")),
        label=_text(row.get("label")),
        mandatory=row.get("mandatory") is True,
        entries=entries,
    )


def _moderation(row: Json) -> tuple[Moderation, ...]:
    told = row.get("moderation")
    found = tuple(
        Moderation(_text(one.get("kind")), _text(one.get("status")).lower(), _moment(one.get("updated_at"))) for one in _rows(told, Mapping)
    )
    if not found and row.get("moderation_status"):
        return (Moderation(_text(row.get("moderation_kind")), _text(row.get("moderation_status")).lower()),)
    return found


def _metadata(told: Any) -> dict[str, Value]:
    if not isinstance(told, Mapping):
        return {}
    return {str(name): found for name, value in told.items() if (found := _value(value)) is not None}


def _value(value: Any) -> Value | None:
    if value is None or value in ("", []):
        return None
    if isinstance(value, list | tuple):
        return tuple(_text(one.get("external_id") if isinstance(one, Mapping) else one) for one in value)
    return value if isinstance(value, int) and not isinstance(value, bool) else _text(value)


def _context(told: Any) -> dict[str, str]:
    """Details keep it under `custom`, search does not."""
    if isinstance(told, Mapping) and isinstance(told.get("custom"), Mapping):
        told = told["custom"]
    return {str(name): _text(value) for name, value in told.items()} if isinstance(told, Mapping) else {}


def _access(row: Json) -> Access | None:
    kind = _text(row.get("access_type"))
    return Access(kind, _moment(row.get("start")), _moment(row.get("end")), _text(row.get("key"))) if kind else None


def _rows(told: Any, kind: type) -> Iterable[Any]:
    return [one for one in told if isinstance(one, kind)] if isinstance(told, list | tuple) else []


def _text(value: Any) -> str:
    return "" if value is None or isinstance(value, Mapping | list) else str(value)


def _whole(value: Any) -> int | None:
    if isinstance(value, bool) or value is None:
        return None
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return None


def _moment(value: Any) -> datetime | None:
    """An ISO 8601 text, with or without a zone (then UTC), or unix seconds."""
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
        found = datetime.fromisoformat(str(value))
    except (ValueError, OverflowError, OSError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
