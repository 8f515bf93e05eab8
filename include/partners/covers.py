"""How covers lie in Cloudinary, and what they must be: `[covers]` of the house."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from include.partners.tables import Table


class CoverRules(Table):
    """Ids of Cloudinary's structured metadata fields, and what is checked before a cover is sent."""

    isbn: str = Field(default="isbn", description="Field with the edition's ISBN.")
    work: str = Field(default="work", description="Field with Consonance's id of the work, or the in-house reference.")
    series: str = Field(default="series", description="Field with the series' name as Consonance has it, or its ISSN.")
    kind: str = Field(default="kind", description="Field that says which cover it is; an image without it is none.")
    kinds: dict[str, Literal["front", "back", "full", "series"]] = Field(
        default={"front": "front", "back": "back", "full": "full", "series": "series"},
        description="Its values and what they mean: front cover, back cover, full jacket, branding of a series.",
    )
    revision: str = Field(default="", description="Field with a whole number: the higher one goes first; empty: the newest.")
    min_pixels: int = Field(default=1_400, ge=1, description="Longer side, at least.")
    max_bytes: int = Field(default=20_000_000, ge=1)
    colour: Literal["sRGB", "any"] = Field(default="sRGB", description="any: colours and their profile are not looked at.")
    style: str = Field(
        default="f_jpg,q_90", description="Transformation that makes the JPG Consonance gets of an approved master; empty: the original."
    )
