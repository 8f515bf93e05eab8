"""Search expressions: `metadata.isbn="978…" AND moderation_status=approved AND -tags:old`, ranges, brackets, trailing `*`."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sandbox.cloudinary.answers import RefusedError, moment
from sandbox.cloudinary.assets import Held, now

Test = Callable[[Held], bool]
_TOKEN = re.compile(
    r"\s*(?:(?P<word>AND|OR|NOT)\b|(?P<open>\()|(?P<close>\))|(?P<minus>-)?(?P<field>[A-Za-z_][\w.\-]*)(?P<op><=|>=|[:=<>])"
    r'(?P<value>[\[{][^\]}]*[\]}]|"(?:[^"\\]|\\.)*"|[^\s()]+)|(?P<plain>"(?:[^"\\]|\\.)*"|[^\s()]+))'
)
_WHOLE = frozenset({"folder", "asset_folder", "resource_type", "type"})  # no trailing * there
_DATES = ("uploaded_at", "created_at", "updated_at", "last_updated")


def compiled(expression: str) -> Test:
    """Raises `RefusedError` for what can't be read. An unknown field matches nothing."""
    if not expression.strip():
        return lambda _: True
    reader = _Reader(expression)
    test = reader.either()
    if reader.token:
        raise _bad(expression)
    return test


def _bad(expression: str) -> RefusedError:
    return RefusedError(400, f"Query parsing failure: {expression}")


class _Reader:
    def __init__(self, text: str) -> None:
        self._text, self._place = text, 0
        self.token: dict[str, str] = {}
        self._advance()

    def _advance(self) -> dict[str, str]:
        before = self.token
        rest = self._text[self._place :]
        if not rest.strip():
            self.token = {}
            return before
        match = _TOKEN.match(rest)
        if not match:
            raise _bad(self._text)
        self._place += match.end()
        self.token = {name: value for name, value in match.groupdict().items() if value is not None}
        return before

    def either(self) -> Test:
        tests = [self._both()]
        while self.token.get("word") == "OR":
            self._advance()
            tests.append(self._both())
        return lambda held: any(test(held) for test in tests)

    def _both(self) -> Test:
        tests = [self._one()]
        while self.token and self.token.get("word") != "OR" and "close" not in self.token:
            if self.token.get("word") == "AND":
                self._advance()
            tests.append(self._one())
        return lambda held: all(test(held) for test in tests)

    def _one(self) -> Test:
        token = self._advance()
        if token.get("word") == "NOT":
            inner = self._one()
            return lambda held: not inner(held)
        if "open" in token:
            inner = self.either()
            if "close" not in self._advance():
                raise _bad(self._text)
            return inner
        if "field" in token:
            test = _matcher(token["field"], token["op"], token["value"], self._text)
            return (lambda held: not test(held)) if token.get("minus") else test
        if "plain" in token:
            words = token["plain"].strip('"').lower()
            return lambda held: words in " ".join((held.public_id, *held.tags, *map(str, held.metadata.values()))).lower()
        raise _bad(self._text)


def _matcher(field: str, op: str, raw: str, expression: str) -> Test:
    if raw[0] in "[{":
        low, _, high = raw[1:-1].partition(" TO ")
        if not high:
            raise _bad(expression)
        above = _matcher(field, ">=" if raw[0] == "[" else ">", low.strip(), expression)
        below = _matcher(field, "<=" if raw[-1] == "]" else "<", high.strip(), expression)
        return lambda held: above(held) and below(held)
    quoted = raw.startswith('"')
    value = re.sub(r"\\(.)", r"\1", raw[1:-1] if quoted else raw)
    if value == "*":
        raise _bad(expression)
    if op in "<><=>=" and op != "=":
        return lambda held: any(_compares(one, op, value, field) for one in values_of(held, field))
    if value.endswith("*") and not quoted:
        if field in _WHOLE:
            raise _bad(expression)
        return lambda held: any(str(one).lower().startswith(value[:-1].lower()) for one in values_of(held, field))
    if op == ":" and not quoted:
        return lambda held: any(
            value.lower() in [str(one).lower(), *re.split(r"[\s/_\-]+", str(one).lower())] for one in values_of(held, field)
        )
    return lambda held: any(str(one).lower() == value.lower() for one in values_of(held, field))


def _compares(one: Any, op: str, value: str, field: str) -> bool:
    left: Any = one
    right: Any
    if field.startswith(_DATES):
        ago = re.fullmatch(r"(\d+)([hdw])", value)
        hours = {"h": 1, "d": 24, "w": 168}
        right = now() - timedelta(hours=int(ago[1]) * hours[ago[2]]) if ago else moment(value)
    elif isinstance(one, int | float):
        try:
            right = float(value)
        except ValueError:
            return False
    else:
        left, right = str(one), value
    return bool({"<": left < right, ">": left > right, "<=": left <= right, ">=": left >= right}[op])


def values_of(held: Held, field: str) -> list[Any]:  # noqa: PLR0912 - one branch for each of Cloudinary's names
    """What an asset has under a field's name; nothing for a name that is unknown."""
    group, _, name = field.partition(".")
    if group in {"metadata", "context"}:
        value = (held.metadata if group == "metadata" else held.context).get(name)
        return list(value) if isinstance(value, list) else [] if value is None else [value]
    if group == "last_updated":
        return [held.updated[name]] if name in held.updated else []
    match field:
        case "public_id" | "asset_id" | "resource_type" | "type" | "display_name":
            return [getattr(held, field)]
        case "tags":
            return list(held.tags)
        case "folder" | "asset_folder":
            return [held.folder]
        case "status":
            return ["active"]
        case "moderation_status":
            return [held.moderation_status] if held.moderation else []
        case "moderation_kind":
            return [one["kind"] for one in held.moderation]
        case "created_at":
            return [held.created]
        case "uploaded_at" | "updated_at":
            return [held.now.at]
        case "format":
            return [held.format]
        case "bytes":
            return [held.now.content.size]
        case "version":
            return [held.now.version]
        case "width" | "height" if held.resource_type == "image":
            return [held.now.content.facts[1 if field == "width" else 2]]
    return []


def sort_key(held: Held, field: str) -> Any:
    found = values_of(held, field)
    return found[0] if found else ""
