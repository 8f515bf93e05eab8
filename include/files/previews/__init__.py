"""What a file looks like (a JPEG for people) and what can be measured of it without judging (facts)."""

from __future__ import annotations

from include.files.previews.facts import facts
from include.files.previews.make import LONGEST, Preview, make, preview

__all__ = ["LONGEST", "Preview", "facts", "make", "preview"]
