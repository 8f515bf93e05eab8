"""Paths of an archive: which are left out, and what a file is called here."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache


@lru_cache(maxsize=64)
def excluder(patterns: tuple[str, ...]) -> Callable[[str], bool]:
    """Whether a path under the root is left out: globs with `*` and `?` within a name, `**` across folders.

    `**/@eaDir/**` holds for the folder itself, too, so that it is not even looked into.
    """
    if not patterns:
        return lambda path: False
    expression = re.compile("|".join(f"(?:{_expression(pattern)})" for pattern in patterns), re.DOTALL)
    return lambda path: expression.fullmatch(path) is not None


def _expression(pattern: str) -> str:
    below = pattern.endswith("/**")
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", pattern.strip("/")[: -len("/**")] if below else pattern.strip("/"))
    meanings = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return "".join(meanings.get(part) or re.escape(part) for part in parts) + ("(?:/.*)?" if below else "")


def plain_name(path: str) -> str:
    """The last name of a path in the server's own bytes, as one that may stand in a title record: without control characters and
    backslashes, bytes that are no UTF-8 as `_`, and no longer than 200 characters, the extension kept."""
    name = path.rpartition("/")[2]
    if "\\" in name or not name.isprintable():
        name = "".join(
            "_" if letter == "\\" or ord(letter) < 32 or ord(letter) == 127 or 0xDC80 <= ord(letter) <= 0xDCFF else letter
            for letter in name
        )
    if len(name) > 200:
        stem, dot, extension = name.rpartition(".")
        name = f"{stem[:190]}.{extension}" if dot and len(extension) < 9 else name[:200]
    return name


def under(root: str, path: str) -> str:
    """A path under the archive's root as the server knows it."""
    return f"{root.rstrip('/')}/{path}" if path else root


def levels(path: str) -> int:
    return path.count("/") + 1 if path else 0


def ancestors(path: str) -> Sequence[str]:
    """`a/b/c` → `a/b`, `a`, and the root ``."""
    found = []
    while path:
        path = path.rpartition("/")[0]
        found.append(path)
    return found
