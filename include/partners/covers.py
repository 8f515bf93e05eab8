"""How covers lie in Cloudinary, and what they must be: `[covers]` of the house."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from include.partners.tables import Table


class CoverRules(Table):
    """Ids of Cloudinary's structured metadata fields, and what is checked before a cover is sent."""

    isbn: str = Field(default="isbn", description="Field with the edition's ISBN.")
    work: str = Field(default="work", description="Field with Consonance's id of the work, or the in-house reference.")
    series: str = Field(default="series", description="Field with the series' name or id.")
    kind: str = Field(default="cover_kind", description="Field that says which cover it is.")
    kinds: dict[str, Literal["front", "back", "full"]] = Field(
        default={"front": "front", "back": "back", "full": "full"}, description="Its values and what they mean."
    )
    min_pixels: int = Field(default=1_400, ge=1, description="Longer side, at least.")
    max_bytes: int = Field(default=20_000_000, ge=1)
    colour: Literal["sRGB", "any"] = Field(default="sRGB", description="any: the colour profile is not looked at.")
    style: str = Field(
        default="f_jpg,q_90", description="Transformation that makes the JPG Consonance gets of an approved master; empty: the original."
    )
