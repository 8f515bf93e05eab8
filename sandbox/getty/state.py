"""Getty's account of the make-believe publisher: what it has licensed, may still download, and has not been told yet."""

from __future__ import annotations

import copy
import secrets
import threading
import time
from bisect import bisect_left, bisect_right, insort
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

from sandbox.catalogue import Catalogue
from sandbox.getty import licences
from sandbox.getty.library import Row, id_of, library

CHANNEL = 301
Casing = Literal["live", "samples", "yaml"]
RIGHTS = frozenset({"purchases", "orders", "usage", "changes", "company_downloads"})


@dataclass(frozen=True)
class Token:
    """`user` is "" for one that the key got by itself."""

    ends: float
    user: str


class GettyState:
    """Made when somebody first asks: starting the sandbox does not wait for it. Take `lock` around what reads or changes it."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.lock = threading.RLock()
        self.reset()

    def reset(self) -> None:
        with self.lock:
            self._made = False
            self.tokens: dict[str, Token] = {}
            self.refresh: dict[str, str] = {}
            self.links: dict[str, tuple[str, float]] = {}  # path to (asset id, until when)
            self.batches: dict[str, list[Row]] = {}
            self.requests: Counter[str] = Counter()
            self.mutations: Counter[str] = Counter()
            self.credentials_at_delivery = 0
            self.token_seconds: float = 1800
            self.token_text = False
            self.casing: Casing = "live"
            self.disabled: set[str] = set()
            self.user_needed = False
            self.no_length = False

    def make(self) -> None:
        """The first day of the account."""
        if self._made:
            return
        self.images = copy.deepcopy(library(self.catalogue.seed, self.catalogue.today))
        self.history = licences.history(self.catalogue, self.images)
        self.purchases, self.orders = licences.purchases(self.catalogue, self.images)
        self.products = licences.products(self.catalogue.today)
        self.licensed = 0
        self.waiting: list[Row] = []
        self.pending: tuple[str, list[Row]] | None = None
        self._made = True
        for number in licences.WITHDRAWN:
            self.withdraw(id_of(number))
        self.notify(id_of(1), "Update")
        self.notify(id_of(50), "New")

    # Tokens

    def issue(self, user: str) -> str:
        value = secrets.token_urlsafe(24)
        self.tokens[value] = Token(time.monotonic() + self.token_seconds, user)
        return value

    def token(self, value: str) -> Token | None:
        found = self.tokens.get(value)
        return found if found and time.monotonic() < found.ends else None

    # Licences

    def license(
        self, image: Row, product: int, notes: str, project_code: str = "", at: datetime | None = None, user: Row | None = None
    ) -> Row:
        row = licences.row(image, at or datetime.now(UTC), product, notes, user or licences.USER, project_code)
        insort(self.history, row, key=licences.moment_of)
        return row

    def downloads(self, first: date, last: date) -> list[Row]:
        """Those of these days, newest first."""
        start = bisect_left(self.history, first.isoformat(), key=licences.moment_of)
        end = bisect_right(self.history, f"{last}T99", key=licences.moment_of)
        return self.history[start:end][::-1]

    def link(self, asset_id: str) -> str:
        path = secrets.token_urlsafe(18)
        self.links[path] = asset_id, time.monotonic() + 24 * 3600
        return path

    # Changes

    def withdraw(self, id: str) -> None:
        """Takes an image out of the catalogue and says so on the channel, without its type, as real notices do."""
        if self.images.pop(id, None) is None:
            raise KeyError(f"no image {id}")
        self.notify(id, "Delete")

    def notify(self, id: str, lifecycle: str) -> None:
        at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self.waiting.append({"id": id, "lifecycle": lifecycle, "type": None if lifecycle == "Delete" else "Image", "at": at})

    def pull(self, most: int) -> tuple[str, list[Row]] | None:
        """The unconfirmed set again, or the next one."""
        if self.pending is None and self.waiting:
            self.pending = secrets.token_hex(12), self.waiting[:most]
        return self.pending

    def confirm(self, id: str) -> bool:
        if self.pending is None or self.pending[0] != id:
            return False
        self.waiting = self.waiting[len(self.pending[1]) :]
        self.pending = None
        return True

    # Switches

    def control(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """See `sandbox.getty.switches`. Raises `ValueError` for what is no switch, `KeyError` for what is not there."""
        from sandbox.getty.switches import turn

        with self.lock:
            self.make()
            return turn(self, wanted)

    def stats(self) -> dict[str, Any]:
        with self.lock:
            self.make()
            left = {str(id): product["downloads_remaining"] for id, product in self.products.items()}
            return {
                "requests": dict(self.requests),
                "mutations": dict(self.mutations),
                "licences": self.licensed,
                "history": len(self.history),
                "downloads_remaining": left,
                "usage_batches": len(self.batches),
                "changes_waiting": len(self.waiting),
                "credentials_at_delivery": self.credentials_at_delivery,
            }


def day_of(text: str) -> date:
    """The day of a moment as our rows write it."""
    return date.fromisoformat(text[:10])


def days_ago(catalogue: Catalogue, days: int) -> datetime:
    return datetime.combine(catalogue.today, datetime.min.time(), UTC).replace(hour=10) - timedelta(days=days)
