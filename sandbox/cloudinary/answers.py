"""How Cloudinary says no, and how it writes what it takes."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any


class RefusedError(Exception):
    """An answer with `{"error": {"message": …}}`."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


def missing(public_id: str) -> RefusedError:
    return RefusedError(404, f"Resource not found - {public_id}")


def pairs(text: str) -> dict[str, str]:
    """`isbn=978|t=a\\=b\\|c` as a mapping; a backslash lets `=` and `|` stand for themselves."""
    found: dict[str, str] = {}
    for piece in re.split(r"(?<!\\)\|", text) if text else []:
        name, *value = re.split(r"(?<!\\)=", piece, maxsplit=1)
        if not value:
            raise RefusedError(400, f"{piece!r} is no key=value pair")
        found[_plain(name)] = _plain(value[0])
    return found


def _plain(text: str) -> str:
    return text.replace("\\=", "=").replace("\\|", "|")


def structured(value: Any) -> dict[str, Any]:
    """Structured metadata as it comes: a mapping, or pairs."""
    return dict(value) if isinstance(value, dict) else dict(pairs(str(value or "")))


def access_rules(value: Any) -> list[dict[str, Any]]:
    """`access_control`: a JSON text, also inside JSON."""
    try:
        rules = json.loads(value) if isinstance(value, str) else value
    except ValueError:
        raise RefusedError(400, "access_control is not valid JSON") from None
    rules = [rules] if isinstance(rules, dict) else rules
    if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
        raise RefusedError(400, "access_control is a list of objects")
    for rule in rules:
        if rule.get("access_type") not in {"token", "anonymous"} or set(rule) - {"access_type", "key", "start", "end"}:
            raise RefusedError(400, "access_control items have access_type token or anonymous, and may have key, start, end")
        if not re.fullmatch(r"[a-zA-Z0-9]+", str(rule.get("key", "x"))):
            raise RefusedError(400, "access_control key holds letters and digits only")
        for bound in ("start", "end"):
            if rule.get(bound) is not None:
                moment(rule[bound])
    return rules


def moment(value: Any) -> datetime:
    """An ISO 8601 text or unix seconds."""
    try:
        if isinstance(value, int | float) or str(value).isdigit():
            return datetime.fromtimestamp(int(value), UTC)
        found = datetime.fromisoformat(str(value))
    except (ValueError, OverflowError, OSError):
        raise RefusedError(400, f"{value!r} is no point in time") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def truth(value: Any) -> bool:
    """Upload fields say 1 and 0, admin queries true and false."""
    return str(value).lower() in {"1", "true"}


def tags_of(value: Any) -> list[str]:
    words = value if isinstance(value, list) else str(value or "").split(",")
    return list(dict.fromkeys(word.strip() for word in words if word.strip()))


def count(value: Any, default: int, most: int = 500) -> int:
    if value in {None, ""}:
        return default
    if not str(value).isdigit() or int(value) > most:
        raise RefusedError(400, f"max_results is a number up to {most}")
    return int(value)


def stamp(when: datetime) -> str:
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
