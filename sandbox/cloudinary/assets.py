"""Assets of one product environment: what is kept of them, and how they are shown."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from sandbox.cloudinary.answers import RefusedError, stamp
from sandbox.cloudinary.content import Content

Key = tuple[str, str, str]  # resource type, delivery type, public id
LISTED = (
    "asset_id", "public_id", "format", "version", "resource_type", "type", "created_at", "bytes", "width", "height", "asset_folder",
    "display_name", "access_control", "url", "secure_url", "backup",
)  # fmt: skip


@dataclass
class Stored:
    """One version's bytes."""

    version: int
    content: Content
    at: datetime
    backup: bool = False

    @property
    def version_id(self) -> str:
        return hashlib.md5(f"{self.version}{self.at}".encode()).hexdigest()


@dataclass
class Derived:
    id: str
    transformation: str
    format: str
    bytes: int
    width: int
    height: int


@dataclass
class Held:
    """An asset. `versions` has all of its bytes, the current ones last."""

    asset_id: str
    public_id: str
    resource_type: str
    type: str
    created: datetime
    versions: list[Stored]
    display_name: str = ""
    folder: str = ""
    tags: list[str] = field(default_factory=list)
    context: dict[str, str] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    moderation: list[dict[str, str]] = field(default_factory=list)
    access: list[dict[str, Any]] | None = None
    derived: dict[str, Derived] = field(default_factory=dict)
    updated: dict[str, datetime] = field(default_factory=dict)
    extension: str = ""  # of what is no image

    @property
    def key(self) -> Key:
        return self.resource_type, self.type, self.public_id

    @property
    def now(self) -> Stored:
        return self.versions[-1]

    @property
    def format(self) -> str:
        return self.now.content.facts[0] if self.resource_type == "image" else self.extension

    @property
    def moderation_status(self) -> str:
        return self.moderation[0]["status"] if self.moderation else ""

    def moderate(self, status: str, when: datetime) -> None:
        if not self.moderation:
            raise RefusedError(400, f"Resource {self.public_id} is not in a moderation queue")
        self.moderation[0] |= {"status": status, "updated_at": stamp(when)}

    def touch(self, what: str, when: datetime) -> None:
        self.updated[what] = self.updated["updated_at"] = when


def shown(held: Held, delivery: str) -> dict[str, Any]:
    """Everything of the details' answer but what is asked for apart. `delivery` is the address before the resource type."""
    content, now = held.now.content, held.now
    image = held.resource_type == "image"
    _, width, height, _, pages = content.facts if image else ("", None, None, "", None)
    suffix = f".{held.format}" if image else ""
    address = f"{delivery}/{held.resource_type}/{held.type}/v{now.version}/{quote(held.public_id)}{suffix}"
    found: dict[str, Any] = {
        "asset_id": held.asset_id,
        "public_id": held.public_id,
        "format": held.format,
        "version": now.version,
        "resource_type": held.resource_type,
        "type": held.type,
        "created_at": stamp(held.created),
        "uploaded_at": stamp(now.at),
        "bytes": content.size,
        "width": width,
        "height": height,
        "asset_folder": held.folder,
        "display_name": held.display_name or held.public_id.rpartition("/")[2],
        "etag": content.etag,
        "status": "active",
        "backup": now.backup,
        "access_control": held.access,
        "url": address,
        "secure_url": address,
        "tags": held.tags,
        "context": {"custom": held.context} if held.context else None,
        "metadata": held.metadata,
        "last_updated": {name: stamp(when) for name, when in held.updated.items()},
    }
    if image:
        found |= {"pixels": (width or 0) * (height or 0), "aspect_ratio": round((width or 0) / (height or 1), 5)}
        found |= {"pages": pages} if pages and pages > 1 else {}
    if held.moderation:
        found |= {
            "moderation": held.moderation,
            "moderation_kind": held.moderation[0]["kind"],
            "moderation_status": held.moderation_status,
        }
    return {name: value for name, value in found.items() if value is not None}


def listed(held: Held, delivery: str, wanted: set[str], fields: list[str]) -> dict[str, Any]:
    """A row of a listing: no etag and no history there, the rest only when it is asked for."""
    whole = shown(held, delivery)
    row = {name: whole[name] for name in LISTED if name in whole}
    for name in ("tags", "context", "metadata"):
        if name in wanted or name in fields:
            row |= {name: whole[name]} if name in whole else {}
    if "moderations" in wanted:
        row |= {name: whole[name] for name in ("moderation", "moderation_kind", "moderation_status") if name in whole}
    if fields:
        extra = {name: whole[name] for name in ("moderation_kind", "moderation_status") if name in fields and name in whole}
        row = {name: value for name, value in row.items() if name in {"asset_id", "public_id", *fields}} | extra
    return row


def image_metadata(held: Held) -> dict[str, str]:
    """What `media_metadata` tells of an image, as texts."""
    if held.resource_type != "image":
        return {}
    content = held.now.content
    _, _, _, space, _ = content.facts
    density = content.dpi
    found = {"Colorspace": space}
    return found | ({"DPI": str(density), "PixelsPerUnitX": str(density), "PixelsPerUnitY": str(density)} if density else {})


def versions_of(held: Held) -> list[dict[str, Any]]:
    """Backed-up versions, the newest first."""
    return [
        {
            "version_id": one.version_id,
            "version": str(one.version),
            "format": one.content.facts[0] if held.resource_type == "image" else held.extension,
            "size": one.content.size,
            "time": stamp(one.at),
            "restorable": True,
        }
        for one in reversed(held.versions)
        if one.backup
    ]


def now() -> datetime:
    return datetime.now(UTC)
