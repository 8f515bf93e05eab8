"""Signatures as Cloudinary's upload endpoints and delivery check them, written from the description and not from the SDK."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from time import time

from sandbox.cloudinary.answers import RefusedError

UNSIGNED = frozenset({"file", "api_key", "signature", "resource_type", "cloud_name"})
HOUR = 3600


def check(fields: Mapping[str, str | list[str]], key: str, secret: str, *, also_unsigned: frozenset[str] = frozenset()) -> None:
    """Refuses a request whose signature is not ours: `k=v` pairs in order, `&` inside a pair as %26 (version 2), then the secret."""
    if str(fields.get("api_key", "")) != key:
        raise RefusedError(401, f"Invalid api_key {fields.get('api_key', '')}")
    timestamp = str(fields.get("timestamp", ""))
    if not timestamp.isdigit():
        raise RefusedError(400, "Missing required parameter - timestamp")
    if time() - int(timestamp) > HOUR:
        raise RefusedError(400, f"Stale request - reported time is {timestamp} which is more than 1 hour ago")
    text = string_to_sign({name: value for name, value in fields.items() if name not in UNSIGNED | also_unsigned})
    given = str(fields.get("signature", ""))
    digest = hashlib.sha256 if len(given) == 64 else hashlib.sha1
    if not hmac.compare_digest(given.encode(), digest((text + secret).encode()).hexdigest().encode()):
        raise RefusedError(401, f"Invalid Signature {given}. String to sign - '{text}'.")


def string_to_sign(fields: Mapping[str, str | list[str]]) -> str:
    pairs = []
    for name, value in fields.items():
        text = ",".join(value) if isinstance(value, list) else value
        if text:
            pairs.append(f"{name}={text}".replace("&", "%26"))
    return "&".join(sorted(pairs))


def of_answer(public_id: str, version: int, secret: str) -> str:
    """The signature in an upload's answer (version 1)."""
    return hashlib.sha1(f"public_id={public_id}&version={version}{secret}".encode()).hexdigest()


def opens(signature: str, signed: str, secret: str) -> bool:
    """Whether `s--…--` of an address is right for what follows it, version left out: 8 characters of SHA-1, 32 of SHA-256."""
    digest = hashlib.sha256 if len(signature) == 32 else hashlib.sha1
    wanted = base64.urlsafe_b64encode(digest((signed + secret).encode()).digest()).decode()[: 32 if len(signature) == 32 else 8]
    return hmac.compare_digest(signature.encode(), wanted.encode())
