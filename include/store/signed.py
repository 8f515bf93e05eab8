"""Short-lived addresses of single artefacts, for a service that fetches a file itself and can't log in.

A token names one artefact and the moment it ends, signed with HMAC-SHA256. Whoever has it can read that file until then, nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from include.errors import ConfigurationError, PermanentError
from include.store.artefacts import ArtefactStore

VALID = timedelta(hours=6)
ROUTE = "colophon/signed"
_SHA256 = re.compile(r"^[0-9a-f]{64}$")
_SHORTEST_KEY = 16


@dataclass(frozen=True, slots=True)
class Signer:
    """Makes addresses under `address`, the public one of Airflow's API server. Raises `ConfigurationError` for a key too short."""

    address: str
    key: str

    def __post_init__(self) -> None:
        if len(self.key) < _SHORTEST_KEY:
            raise ConfigurationError(
                f"the key for signed addresses has fewer than {_SHORTEST_KEY} characters",
                where="COLOPHON_SIGNING_KEY",
                todo="Set it to a long random text, the same for workers and API server.",
            )

    def __repr__(self) -> str:
        return f"Signer({self.address!r})"

    def url(self, sha256: str, name: str, now: datetime) -> str:
        """An address that serves this artefact for `VALID`, ending in `name`."""
        return f"{self.address.rstrip('/')}/{ROUTE}/{token(self.key, sha256, now + VALID)}/{quote(name)}"

    def page(self, product_id: int) -> str:
        """The title's page in Airflow, behind its log-in."""
        return f"{self.address.rstrip('/')}/colophon/titles/{product_id}"


def bucket_url(store: ArtefactStore) -> Callable[[str, str, datetime], str] | None:
    """What makes addresses of the store's own bucket; None for a local store and for a file system that signs nothing."""
    if not store.signs:
        return None
    return lambda sha256, name, now: store.signed_url(sha256, int(VALID.total_seconds()))


def token(key: str, sha256: str, until: datetime) -> str:
    """URL-safe text. Raises `PermanentError` for what is no sha256."""
    if not _SHA256.fullmatch(sha256):
        raise PermanentError(f"{sha256[:80]!r} is no sha256")
    payload = _encoded(json.dumps([sha256, int(until.timestamp())], separators=(",", ":")).encode())
    return f"{payload}.{_encoded(_mac(key, payload))}"


def opened(key: str, text: str, now: datetime) -> str:
    """The sha256 that a token is for. Raises `PermanentError` if it is not ours, was changed, or has run out."""
    payload, _, mac = text.partition(".")
    try:
        genuine = hmac.compare_digest(_decoded(mac), _mac(key, payload))
        sha256, until = json.loads(_decoded(payload)) if genuine else ("", 0)
    except (ValueError, TypeError, UnicodeError):
        genuine, sha256, until = False, "", 0
    if not genuine or not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
        raise PermanentError("there is no such file")
    if now.astimezone(UTC).timestamp() > until:
        raise PermanentError("this address has run out")
    return sha256


def _mac(key: str, payload: str) -> bytes:
    return hmac.new(f"colophon signed {key}".encode(), payload.encode(), hashlib.sha256).digest()


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _decoded(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
