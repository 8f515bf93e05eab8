"""One question to Getty, and how it is refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeVar

from sandbox.getty.state import Token

_T = TypeVar("_T")
PAGE_SIZES = frozenset({1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 25, 30, 50, 60, 75, 100})


class RefusedError(Exception):
    """`code` is the ErrorCode; without one it is the gateway that refuses."""

    def __init__(self, status: int, code: str = "") -> None:
        super().__init__(status, code)
        self.status, self.code = status, code


@dataclass
class Asked:
    """Path id, query, JSON body, token; and the status and headers of the answer to be, where they are not 200. `done`: it changed
    something."""

    id: str
    params: dict[str, str]
    body: Any
    token: Token | None
    base: str
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    done: bool = False

    def flag(self, name: str) -> bool:
        return self.params.get(name, "").lower() == "true"

    def listed(self, name: str) -> list[str]:
        return [one.strip() for one in self.params.get(name, "").split(",") if one.strip()]

    def number(self, name: str, default: int) -> int:
        text = self.params.get(name, str(default))
        if not (text.isascii() and text.isdigit() and len(text) < 10):
            raise RefusedError(400, "InvalidParameterValue")
        return int(text)

    def day(self, name: str) -> date | None:
        if name not in self.params:
            return None
        try:
            return date.fromisoformat(self.params[name][:10])
        except ValueError as bad:
            raise RefusedError(400, "InvalidParameterValue") from bad

    def page_of(self, rows: Sequence[_T], default: int) -> Sequence[_T]:
        """The page that was asked for; beyond the end there is none."""
        number, size = self.number("page", 1), self.number("page_size", default)
        if size not in PAGE_SIZES or number < 1:
            raise RefusedError(400, "InvalidParameterValue")
        if number > 1 and (number - 1) * size >= len(rows):
            raise RefusedError(400, "InvalidPage")
        return rows[(number - 1) * size : number * size]
