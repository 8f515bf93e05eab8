"""Paths of an archive: which are left out, and what they are called here."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache


@lru_cache(maxsize=64)
def excluder(patterns: tuple[str, ...]) -> Callable[[str], bool]:
    """Whether a path under the root is left out: globs with `*` and `?` within a name, `**` across folders.

    `**/@eaDir/**` holds for the folder itself, too, so that it is not even looked into.
    """
    if not patterns:
        return lambda path: False
    expression = re.compile("|".join(f"(?:{_expression(pattern)})" for pattern in patterns), re.DOTALL)
    fits = expression.fullmatch
    return lambda path: fits(path) is not None


def _expression(pattern: str) -> str:
    below = pattern.endswith("/**")
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", pattern.strip("/")[: -len("/**")] if below else pattern.strip("/"))
    meanings = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return "".join(meanings.get(part) or re.escape(part) for part in parts) + ("(?:/.*)?" if below else "")


def plain_path(path: str) -> str:
    """A path in the server's own bytes as one that may stand in a title record, and whose name the safety checks don't mind.

    Control characters, backslashes, colons and bytes that are no UTF-8 become `_`, and so does `!`, which marks members of
    packed files here. Dots and blanks at the end of a name go; a name keeps its extension when it is cut at 200 characters.
    """
    return "/".join(map(_plain, path.split("/")))


def _plain(name: str) -> str:
    if not name.isprintable() or not _ODD.isdisjoint(name):
        name = "".join("_" if letter in _ODD or unicodedata.category(letter) in _UNSEEN else letter for letter in name)
    name = name.rstrip(". ") or "_"
    if len(name) > 200 or len(name.encode()) > 200:
        stem, dot, extension = name.rpartition(".")
        ending = f".{extension}" if dot and len(extension) < 9 else ""
        name = (stem if ending else name).encode()[: 200 - len(ending.encode())].decode("utf-8", "ignore") + ending
    return name


_ODD = frozenset("\\:!")
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def under(root: str, path: str) -> str:
    """A path under the archive's root as the server knows it."""
    return f"{root.rstrip('/')}/{path}" if path else root


def levels(path: str) -> int:
    return path.count("/") + 1 if path else 0
