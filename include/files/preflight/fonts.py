"""Fonts of a PDF: embedded or not (ISO 32000-1, 9.6 to 9.9)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

_SUBSET = re.compile(r"^[A-Z]{6}\+")


@dataclass(frozen=True, slots=True)
class Font:
    name: str
    kind: str  # Type1, TrueType, Type0, Type3, MMType1
    embedded: bool
    subset: bool


def font_of(found: Any) -> Font:
    """Raises KeyError, TypeError, ValueError, AttributeError for broken dictionaries."""
    kind = str(found.get("/Subtype", "")).lstrip("/")
    name = str(found.get("/BaseFont", found.get("/Name", "unnamed"))).lstrip("/")
    if kind == "Type3":
        return Font(name, kind, embedded=True, subset=False)
    holder = found["/DescendantFonts"][0] if kind == "Type0" else found
    descriptor = holder.get("/FontDescriptor")
    embedded = descriptor is not None and any(key in descriptor for key in ("/FontFile", "/FontFile2", "/FontFile3"))
    return Font(_SUBSET.sub("", name), kind, embedded, bool(_SUBSET.match(name)))
