"""What printers' and vendors' profiles share: which parts make a set, what they are called, what they must meet."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from include.partners.tables import FileTable, Table

PartId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,38}$")]
Severity = Literal["fail", "warn", "note", "off"]


class Checks(Table):
    """What files are checked against, besides the product's own measures and extent. Absent means: not checked.

    Lengths are millimetres, levels dBFS. See docs/preflight.md for the findings.
    """

    max_bytes: int | None = Field(default=None, gt=0, description="Bytes of one file.")
    pages_tolerance: int | None = Field(default=None, ge=0, description="Pages that the file may differ from the extent.")
    pages_multiple: int | None = Field(default=None, ge=1, description="The page count must be a multiple of this.")
    trim_tolerance_mm: float | None = Field(default=None, ge=0)
    bleed_mm: float | None = Field(default=None, ge=0)
    spine_tolerance_mm: float | None = Field(default=None, ge=0)
    flap_mm: float | None = Field(default=None, ge=0, description="Width of a jacket's flap; unknown: the spine can't be measured.")
    board_mm: float | None = Field(default=None, ge=0, description="How far a case's boards stand out beyond the trimmed page.")
    pdfx: tuple[Literal["PDF/X-1a", "PDF/X-3", "PDF/X-4"], ...] | None = Field(default=None, description="Which PDF/X is taken.")
    colour: Literal["cmyk", "gray", "rgb"] | None = None
    min_dpi: int | None = Field(default=None, ge=1, description="Placed gray and colour pictures.")
    min_dpi_bitmap: int | None = Field(default=None, ge=1, description="Placed 1-bit pictures.")
    accessibility: bool | None = Field(default=None, description="EPUB Accessibility 1.1 metadata is wanted.")
    epubcheck: bool | None = None
    min_bitrate: int | None = Field(default=None, ge=1, description="Bits a second.")
    constant_bitrate: bool | None = None
    sample_rates: tuple[int, ...] | None = Field(default=None, description="Hertz.")
    channels: Literal[1, 2] | None = None
    max_minutes: float | None = Field(default=None, gt=0, description="Of one file.")
    rms_db: tuple[float, float] | None = Field(default=None, description="Lowest and highest loudness.")
    max_peak_db: float | None = None
    max_noise_db: float | None = None
    head_seconds: tuple[float, float] | None = Field(default=None, description="Room tone before the first word.")
    tail_seconds: tuple[float, float] | None = Field(default=None, description="Room tone after the last word.")
    credits: bool | None = Field(default=None, description="A set has opening and closing credits.")
    sample_minutes: tuple[float, float] | None = Field(default=None, description="A set has a retail sample of this length.")
    min_pixels: tuple[int, int] | None = Field(default=None, description="Shorter and longer side.")
    max_pixels: tuple[int, int] | None = None
    ratio: float | None = Field(default=None, gt=0, description="Height through width.")
    severities: dict[str, Severity] = Field(default_factory=dict, description="Another opinion on a finding's code: fail, warn, note, off.")


class Part(Table):
    """One file of a set, or several of one kind."""

    id: PartId = Field(description="The role in manifest and ledger.")
    name: str = Field(
        description="Name mask: isbn, title (letters, digits, hyphens), job (title as one word), number (of several; empty for a single "
        "one), order (1, 2, ...), first and last (page numbers), revision, ext."
    )
    takes: tuple[str, ...] = Field(
        min_length=1,
        description="Files of the title as `kind:part` (glob), for example `interior:text*`. The first part that fits takes it.",
    )
    types: tuple[str, ...] = Field(default=("application/pdf",), description="Media types; files of other types are not taken.")
    forms: tuple[str, ...] = Field(default=(), description="Only for products of these forms (List 150, or how the codes start).")
    many: bool = Field(default=False, description="Several files may fill it, in the order of their numbers.")
    measure: Literal["text", "cover", "jacket", "other", "ebook", "audio", "picture"] = Field(
        default="other",
        description="What it is measured by: text by extent and trim, a cover by trim and spine, a jacket also by its flaps.",
    )
    checks: Checks = Field(default=Checks(), description="As the profile's, for this part only; each goes before the profile's.")


class Profile(FileTable):
    """What belongs into a package and what it is called."""

    name: str
    source: str = Field(default="", description="Where names and rules come from.")
    parts: tuple[Part, ...] = Field(min_length=1)
    required: dict[str, tuple[tuple[PartId, ...], ...]] = Field(
        default_factory=dict,
        description="By form (List 150, or how it starts; the longest that fits counts): of each list at least one part.",
    )
    whole: bool = Field(default=True, description="A revision sends the whole set again; else only what changed.")
    title_letters: int = Field(default=40, ge=4, description="Longest title in a name.")
    checks: Checks = Checks()

    @model_validator(mode="after")
    def _parts_are_known(self) -> Self:
        known = [part.id for part in self.parts]
        if twice := {id for id in known if known.count(id) > 1}:
            raise ValueError(f"part {', '.join(sorted(twice))} is there twice")
        named = {id for wanted in self.required.values() for some in wanted for id in some}
        if unknown := named - set(known):
            raise ValueError(f"required names unknown parts: {', '.join(sorted(unknown))}")
        return self

    def required_for(self, form: str) -> tuple[tuple[str, ...], ...]:
        """Of each tuple at least one part must be there, for a product of this form."""
        fits = [start for start in self.required if form.startswith(start)]
        return self.required[max(fits, key=len)] if fits else ()

    def parts_for(self, form: str) -> tuple[Part, ...]:
        """The parts that a product of this form may have."""
        return tuple(part for part in self.parts if not part.forms or form.startswith(part.forms))
