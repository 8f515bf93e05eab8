"""What a package says of itself: `manifest.json` and `SHA256SUMS`. Pure: the same contents give the same bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

SUMS = "SHA256SUMS"


@dataclass(frozen=True, slots=True)
class Packed:
    """One file as it travels. `plain` is what was sealed, where the partner wants OpenPGP: {name, bytes, sha256}."""

    name: str  # path within the package
    bytes: int
    sha256: str
    role: str
    revision: str = ""
    unchanged: bool = False  # the same bytes under the same name as in the package that this one replaces
    travels: bool = True  # False: the partner has it and wants changed files only
    plain: Mapping[str, Any] | None = None


def manifest(
    about: Mapping[str, Any],
    files: Sequence[Packed],
    *,
    replaces: Mapping[str, Any] | None = None,
    withdrawn: Sequence[str] = (),
    findings: Sequence[Mapping[str, Any]] = (),
) -> bytes:
    """JSON: {"package": about, "replaces": {revision, digest, delivery} or null, "withdrawn": names of the replaced package that
    this one has no more, "files": [{name, bytes, sha256, role, revision, ...}], "findings": what the checks found}."""
    content = {
        "package": dict(about),
        "replaces": dict(replaces) if replaces else None,
        "withdrawn": list(withdrawn),
        "files": [_entry(file) for file in files],
        "findings": [dict(finding) for finding in findings],
    }
    return json.dumps(content, indent=2, ensure_ascii=False).encode("utf-8", "replace") + b"\n"


def _entry(file: Packed) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": file.name, "bytes": file.bytes, "sha256": file.sha256, "role": file.role}
    if file.revision:
        entry["revision"] = file.revision
    if file.unchanged:
        entry["unchanged"] = True
    if not file.travels:
        entry["sent"] = False
    if file.plain is not None:
        entry["sealed"] = dict(file.plain)
    return entry


def sums(files: Sequence[Packed]) -> bytes:
    """For `sha256sum -c`, run in the package's folder: what travels, by name."""
    return "".join(f"{file.sha256}  {file.name}\n" for file in sorted(files, key=lambda one: one.name) if file.travels).encode()
