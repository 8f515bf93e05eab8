"""Texts without their markup, for counting and for spreadsheets."""

from __future__ import annotations

import html
import re

from include.titles.model import Text

_BREAK = re.compile(r"<(?:br|/p|/div|/li|/h[1-6]|/tr|/dt|/dd|/blockquote)\b[^<>]*>", re.IGNORECASE)
_TAG = re.compile(r"</?[A-Za-z][^<>]*>|<!--.*?-->", re.DOTALL)
_SPACE = re.compile(r"\s+")


def plain(text: Text) -> str:
    """One line of words: markup and references of HTML are taken away, runs of white space are one space."""
    body = text.body
    if text.html:
        body = html.unescape(_TAG.sub("", _BREAK.sub(" ", body)))
    return _SPACE.sub(" ", body).strip()
