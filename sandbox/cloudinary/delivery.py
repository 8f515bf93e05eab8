"""Delivery: `/<cloud>/<resource type>/<type>[/s--signature--][/steps …][/v<version>]/<public id>.<format>`, as the CDN answers.

Originals of `private` and everything of `authenticated` need a signature; so does a transformation that is not named where the
environment is strict. What moderation rejected is gone; what is pending is shown, as with Cloudinary. Access rules hold: an asset with
rules is closed unless one of them opens it (a token can't be checked here and opens nothing).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from sandbox.cloudinary import signing, variants
from sandbox.cloudinary.answers import RefusedError, moment
from sandbox.cloudinary.assets import Held, now
from sandbox.cloudinary.environment import Environment

_TYPES = frozenset({"upload", "private", "authenticated"})


@dataclass(frozen=True, slots=True)
class Served:
    data: bytes
    mime: str
    etag: str


@dataclass(frozen=True, slots=True)
class _Asked:
    resource_type: str
    type: str
    signature: str
    steps: str
    name: str  # public id, perhaps with a format


def served(environment: Environment, path: str) -> Served:
    """What is behind a path (after the cloud name). Raises `RefusedError`; its message belongs into `X-Cld-Error`."""
    asked = _parsed(path)
    with environment.lock:
        held, extension = _found(environment, asked)
        _must_be_open(environment, asked, held)
        content = held.now.content
        if not asked.steps and (held.resource_type != "image" or extension in {"", held.format}):
            mime = variants.MIME.get(held.format, "application/octet-stream")
            return Served(content.read(), mime, content.etag)
        if held.resource_type != "image":
            raise RefusedError(400, "Only images have variants here")
        derived, made = environment.derive(held, asked.steps, extension)
        return Served(made.data, variants.MIME[made.format], derived.id)


def _parsed(path: str) -> _Asked:
    resource_type, _, rest = path.partition("/")
    type, _, rest = rest.partition("/")
    if resource_type not in {"image", "video", "raw"} or type not in _TYPES or not rest:
        raise RefusedError(404, "Unknown resource or delivery type")
    signature = ""
    if found := re.match(r"s--([A-Za-z0-9_\-]{8,32})--/", rest):
        signature, rest = found[1], rest[found.end() :]
    parts = rest.split("/")
    steps = []
    while len(parts) > 1 and variants.is_step(parts[0]):
        steps.append(parts.pop(0))
    if len(parts) > 1 and re.fullmatch(r"v\d+", parts[0]):
        parts.pop(0)
    return _Asked(resource_type, type, signature, "/".join(steps), "/".join(parts))


def _found(environment: Environment, asked: _Asked) -> tuple[Held, str]:
    """The asset, and the format that the address asks for ("" for its own)."""
    whole = environment.assets.get((asked.resource_type, asked.type, asked.name))
    if whole:
        return whole, ""
    stem, _, extension = asked.name.rpartition(".")
    held = environment.assets.get((asked.resource_type, asked.type, stem))
    if held is None:
        raise RefusedError(404, f"Resource not found - {asked.name}")
    return held, "jpg" if extension == "jpeg" else extension


def _must_be_open(environment: Environment, asked: _Asked, held: Held) -> None:
    if held.moderation_status == "rejected":
        raise RefusedError(404, f"Resource not found - {asked.name}")
    steps = asked.steps
    name = quote(asked.name, safe="/:")
    signed = f"{steps}/{name}" if steps else name
    good = bool(asked.signature) and signing.opens(asked.signature, signed, environment.account.secret)
    if asked.signature and not good:
        raise RefusedError(401, "Invalid signature")
    closed = asked.type == "authenticated" or (asked.type == "private" and not steps)
    unnamed = [part for step in filter(None, steps.split("/")) for part in step.split(",") if not part.startswith("t_")]
    if (closed or (environment.strict and unnamed)) and not good:
        raise RefusedError(401, "A signed address is needed")
    if held.access and not any(_valid(rule) for rule in held.access):
        raise RefusedError(401, "Access to the asset is restricted")


def _valid(rule: dict[str, Any]) -> bool:
    if rule["access_type"] != "anonymous":
        return False
    moment_now = now()
    starts, ends = rule.get("start"), rule.get("end")
    return (starts is None or moment(starts) <= moment_now) and (ends is None or moment_now <= moment(ends))


def downloaded(environment: Environment, resource_type: str, query: dict[str, str]) -> Served:
    """`/v1_1/<cloud>/<resource type>/download`: an original by a signed address, until `expires_at`."""
    fields = {name: value for name, value in query.items() if name in {"public_id", "format", "type", "attachment", "expires_at"}}
    signing.check({**fields, **{name: query.get(name, "") for name in ("timestamp", "signature", "api_key")}},
                  environment.account.key, environment.account.secret)  # fmt: skip
    if (until := query.get("expires_at", "")) and until.isdigit() and moment(until) < now():
        raise RefusedError(401, "Request timestamp expired")
    with environment.lock:
        held = environment.find((resource_type, query.get("type") or "upload", query.get("public_id", "")))
        return Served(held.now.content.read(), variants.MIME.get(held.format, "application/octet-stream"), held.now.content.etag)
