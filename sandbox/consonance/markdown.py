"""Markdown in, HTML out, as Consonance does with marketing texts."""

from __future__ import annotations

import re
from functools import lru_cache
from html import unescape

from markdown_it import MarkdownIt

_MARKDOWN = MarkdownIt("commonmark")
_TAG = re.compile(r"<[^>]*>")


@lru_cache(maxsize=4096)
def html(text: str) -> str:
    return str(_MARKDOWN.render(text)).strip()


def without_markup(text: str) -> str:
    return unescape(_TAG.sub("", html(text))).strip()
