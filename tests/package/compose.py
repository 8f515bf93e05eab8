"""docker-compose.yaml, read the way Compose reads it: anchors, merges and `${VARIABLES}`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
VARIABLE = re.compile(r"\$(?:\$|\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::(?P<kind>[-?])(?P<rest>[^}]*))?\})")


def raw() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "docker-compose.yaml").read_text(encoding="utf-8"))


def loaded(environment: Mapping[str, str]) -> dict[str, Any]:
    """The file with its variables filled in. Raises KeyError for one that must be given and is not."""
    return _filled(raw(), environment)


def variables(value: Any) -> dict[str, str]:
    """Every variable that is named, with "?" (must be given), "-" (has a default) or ""."""
    if isinstance(value, str):
        return {found["name"]: found["kind"] or "" for found in VARIABLE.finditer(value) if found["name"]}
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return {name: kind for part in parts for name, kind in variables(part).items()}


def command(service: Mapping[str, Any]) -> list[str]:
    return list(service.get("command", ()))


def health(service: Mapping[str, Any]) -> str:
    test = service["healthcheck"]["test"]
    return " ".join(test[1:])


def example() -> dict[str, str]:
    """.env.example: name to value."""
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def _filled(value: Any, environment: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(part, environment) for key, part in value.items()}
    if isinstance(value, list):
        return [_filled(part, environment) for part in value]
    return VARIABLE.sub(lambda found: _one(found, environment), value) if isinstance(value, str) else value


def _one(found: re.Match[str], environment: Mapping[str, str]) -> str:
    if not (name := found["name"]):
        return "$"
    if environment.get(name):
        return environment[name]
    if found["kind"] == "-":
        return found["rest"]
    raise KeyError(name)
