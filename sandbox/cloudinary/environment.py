"""One product environment (a cloud name with its key): assets, fields, folders, named transformations, the hourly allowance."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sandbox.cloudinary import variants
from sandbox.cloudinary.answers import RefusedError, missing
from sandbox.cloudinary.assets import Derived, Held, Key, Stored, now
from sandbox.cloudinary.content import Content
from sandbox.cloudinary.fields import Fields

ALLOWED_PER_HOUR = 2000


@dataclass(frozen=True, slots=True)
class Account:
    cloud: str
    key: str
    secret: str = field(repr=False)


class Environment:
    """Not thread-safe by itself: every request holds `lock` while it reads or changes. `seed` fills it anew on `reset`.

    `requests` counts what was asked, `mutations` what took effect.
    """

    def __init__(self, account: Account, folder: Path, seed: Callable[[Environment], None] = lambda _: None) -> None:
        self.account, self.folder, self._seed = account, folder, seed
        self.lock = threading.RLock()
        self.requests: Counter[str] = Counter()
        self.mutations: Counter[str] = Counter()
        self.reset()

    def reset(self) -> None:
        with self.lock:
            self.assets: dict[Key, Held] = {}
            self.fields = Fields()
            self.folders: set[str] = set()
            self.named: dict[str, str] = {}
            self.strict = False
            self.parts: dict[str, Path] = {}
            self.requests.clear()
            self.mutations.clear()
            self._version = 0
            self.allowed, self.used, self.until = ALLOWED_PER_HOUR, 0, 0.0
            self._seed(self)

    # The allowance

    def spend(self) -> bool:
        """Takes one admin request off this hour's allowance; false where none is left."""
        with self.lock:
            moment = time.time()
            if moment >= self.until:
                self.used, self.until = 0, moment - moment % 3600 + 3600
            if self.used >= self.allowed:
                return False
            self.used += 1
            return True

    def allowance(self, allowed: int, used: int, seconds: float) -> None:
        with self.lock:
            self.allowed, self.used, self.until = allowed, used, time.time() + seconds

    # Assets

    def find(self, key: Key) -> Held:
        if key not in self.assets:
            raise missing(key[2])
        return self.assets[key]

    def by_id(self, asset_id: str) -> Held:
        for held in self.assets.values():
            if held.asset_id == asset_id:
                return held
        raise missing(asset_id)

    def any_of(self, public_id: str) -> Held:
        for held in self.assets.values():
            if held.public_id == public_id:
                return held
        raise missing(public_id)

    def sorted(self, resource_type: str, type: str = "", direction: str = "desc") -> list[Held]:
        """Newest first, as listings give them, or oldest first."""
        found = [held for held in self.assets.values() if held.resource_type == resource_type and type in {"", held.type}]
        return sorted(found, key=lambda held: (held.created, held.public_id), reverse=direction in {"desc", "-1", ""})

    def next_version(self) -> int:
        """Unix seconds, never twice."""
        self._version = max(int(time.time()), self._version + 1)
        return self._version

    def keep(self, key: Key, content: Content, *, backup: bool = False, at: datetime | None = None, version: int = 0) -> tuple[Held, bool]:
        """The asset with new bytes, and whether it was there before. Its moderation, derived images and rules are the caller's to set."""
        moment = at or now()
        stored = Stored(version or self.next_version(), content, moment, backup)
        held = self.assets.get(key)
        if held is None:
            digest = hashlib.md5(f"{self.account.cloud}/{'/'.join(key)}".encode()).hexdigest()
            asset_id = digest if at else secrets.token_hex(16)  # what is planted keeps its id over restarts
            held = self.assets[key] = Held(asset_id, key[2], key[0], key[1], moment, [stored])
            held.touch("public_id_updated_at", moment)
            return held, False
        held.versions.append(stored)
        held.derived.clear()
        held.touch("updated_at", moment)
        return held, True

    def moved(self, held: Held, to: str, to_type: str, *, overwrite: bool) -> None:
        target = (held.resource_type, to_type, to)
        if target in self.assets and not overwrite:
            raise RefusedError(409, f"to_public_id {to} already exists")
        del self.assets[held.key]
        held.public_id, held.type = to, to_type
        self.assets[target] = held
        held.derived.clear()
        held.touch("public_id_updated_at", now())

    def derive(self, held: Held, transformation: str, extension: str = "") -> tuple[Derived, variants.Variant]:
        """Makes the picture and lists it under the asset's derived ones."""
        try:
            made = variants.make(held.now.content, variants.resolved(transformation, self.named), extension)
        except ValueError as error:
            raise RefusedError(400, str(error)) from error
        name = f"{transformation}/{made.format}" if extension else transformation
        id = hashlib.md5(f"{held.asset_id}{held.now.version}{name}".encode()).hexdigest()
        held.derived[name] = Derived(id, transformation, made.format, len(made.data), made.width, made.height)
        return held.derived[name], made

    def note_folder(self, path: str) -> None:
        parts = [part for part in path.split("/") if part]
        self.folders |= {"/".join(parts[: place + 1]) for place in range(len(parts))}

    def cursor(self, rows: list[Held], after: str, most: int) -> tuple[list[Held], str]:
        """A page, and the cursor of the next one ("" at the end). It stands for the last row shown: rows may come and go."""
        start = 0
        if after:
            ids = [_cursor(held) for held in rows]
            if after not in ids:
                raise RefusedError(400, "Invalid value for next_cursor")
            start = ids.index(after) + 1
        page = rows[start : start + most]
        return page, _cursor(page[-1]) if page and start + most < len(rows) else ""

    def usage(self, day: str) -> dict[str, Any]:
        stored = sum(one.content.size for held in self.assets.values() for one in held.versions)
        derived = sum(len(held.derived) for held in self.assets.values())
        return {
            "plan": "Sandbox",
            "last_updated": f"{datetime.now(UTC):%Y-%m-%d}",
            "date_requested": f"{day or f'{datetime.now(UTC):%Y-%m-%d}'}T00:00:00Z",
            "transformations": {"usage": derived, "credits_usage": 0.0, "breakdown": {"transformation": derived}},
            "objects": {"usage": len(self.assets) + derived},
            "bandwidth": {"usage": 0, "credits_usage": 0.0},
            "storage": {"usage": stored, "credits_usage": 0.0},
            "impressions": {"usage": 0, "credits_usage": 0.0},
            "seconds_delivered": {"usage": 0, "credits_usage": 0.0},
            "credits": {"usage": 0.0, "limit": 25.0, "used_percent": 0.0},
            "resources": len(self.assets),
            "derived_resources": derived,
            "requests": sum(self.requests.values()),
            "media_limits": {"image_max_size_bytes": 1_000_000_000, "video_max_size_bytes": 4_000_000_000, "raw_max_size_bytes": 10**9},
        }


def _cursor(held: Held) -> str:
    return hashlib.sha256("/".join((held.asset_id, held.type)).encode()).hexdigest()


def in_queue(rows: Iterable[Held], kind: str, status: str) -> list[Held]:
    return [held for held in rows if any(one["kind"] == kind and one["status"] == status for one in held.moderation)]
