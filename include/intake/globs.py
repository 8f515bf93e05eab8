"""Paths that fit a pattern: `*` and `?` stay within one name, `**` goes through folders, `[a-c]` is one of these letters."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache


def fits(path: str, pattern: str) -> bool:
    """Whether a whole path fits. `**/x` also is `x` at the top; case counts."""
    return _compiled(pattern).fullmatch(path) is not None


def fits_any(path: str, patterns: Iterable[str]) -> bool:
    return any(fits(path, pattern) for pattern in patterns)


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    parts: list[str] = []
    at = 0
    while at < len(pattern):
        if pattern.startswith("**/", at):
            parts.append("(?:.*/)?")
            at += 3
        elif pattern.startswith("**", at):
            parts.append(".*")
            at += 2
        elif pattern[at] == "*":
            parts.append("[^/]*")
            at += 1
        elif pattern[at] == "?":
            parts.append("[^/]")
            at += 1
        elif pattern[at] == "[" and (end := pattern.find("]", at + 2)) > 0:
            letters = pattern[at + 1 : end].replace("\\", "\\\\").replace("[", "\\[").replace("^", "\\^")
            parts.append(f"[^{letters[1:]}]" if letters.startswith("!") else f"[{letters}]")
            at = end + 1
        else:
            parts.append(re.escape(pattern[at]))
            at += 1
    return re.compile("".join(parts), re.DOTALL)
