"""What a file is checked against: facts of the product, wishes of a printer or vendor. Empty means: not checked."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from fractions import Fraction

from include.errors import ConfigurationError

VERSION = 1  # raise it when a check changes: files are then checked again


@dataclass(frozen=True, slots=True)
class Expected:
    """All lengths in millimetres, (width, height). `part` says how pages are counted and measured:

    text    single pages; page count against `pages`, even; trim against `trim_mm`
    cover   a flat paperback cover of back, spine, front: width is 2 × trim + `spine_mm`; one page, or two with the inside
    jacket  a flat jacket with flaps: width is 2 × (trim + `board_mm`) + spine + 2 × `flap_mm`; one page, or two
    other   (tab, endsheet, plate section ...) or empty: neither page count nor width is derived from the product
    """

    part: str = ""
    isbn: str = ""  # the product's ISBN-13
    isbns: tuple[str, ...] = ()  # ISBNs of the work's other formats: an imprint page may print them
    formats: tuple[str, ...] = ()  # media types that are wanted, "application/pdf"; others are `format-unexpected`
    max_bytes: int | None = None

    # PDF
    pages: int | None = None  # the product's extent: total pages where known, else main content
    pages_tolerance: int = 8  # blanks and prelims that the extent doesn't count; see `preflight.pages`
    pages_multiple: int = 2  # a leaf has two pages; a printer may want signatures of 4, 8, 16
    trim_mm: tuple[float, float] | None = None
    trim_tolerance_mm: float = 0.5
    bleed_mm: float = 0.0
    spine_mm: float | None = None
    spine_tolerance_mm: float = 1.0
    flap_mm: float | None = None  # of a jacket
    board_mm: float = 0.0  # how far a case's boards stand out beyond the trimmed page at the fore-edge
    pdfx: tuple[str, ...] = ()  # any of "PDF/X-1a", "PDF/X-3", "PDF/X-4"; empty: PDF/X isn't wanted
    colour: str = ""  # "cmyk" (gray and spot colours allowed), "gray", "rgb" (gray allowed)
    spots: tuple[str, ...] = ()  # spot colours that were ordered
    min_dpi: int = 0  # placed gray and colour images: less is `image-dpi-low`, less than half `image-dpi-too-low`
    min_dpi_bitmap: int = 0  # placed 1-bit images

    # EPUB
    accessibility: bool = False  # EPUB Accessibility 1.1 metadata is wanted (European Accessibility Act)
    epubcheck: bool = True

    # audio
    min_bitrate: int = 0  # bit/s
    constant_bitrate: bool = False
    sample_rates: tuple[int, ...] = ()  # Hz
    channels: int | None = None
    max_minutes: float | None = None  # of one file
    rms_db: tuple[float, float] | None = None  # (lowest, highest), dBFS
    max_peak_db: float | None = None
    max_noise_db: float | None = None
    head_seconds: tuple[float, float] | None = None  # room tone before the first word
    tail_seconds: tuple[float, float] | None = None
    credits: bool = False  # a set has opening and closing credits
    sample_minutes: tuple[float, float] | None = None  # a set has a retail sample of that length
    total_minutes: int | None = None  # the product's duration

    # pictures
    min_pixels: tuple[int, int] | None = None  # (shorter side, longer side)
    max_pixels: tuple[int, int] | None = None
    ratio: float | None = None  # height / width
    ratio_tolerance: float = 0.05

    # (code, "fail" | "warn" | "note" | "off"): a printer's other opinion. An unknown code raises ConfigurationError.
    severities: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        from include.files.preflight.codes import CODES

        if unknown := sorted({code for code, _ in self.severities} - {*CODES}):
            raise ConfigurationError(
                f"there is no finding {', '.join(unknown)}",
                where="severities of a printer's or vendor's checks",
                todo="Take the codes from docs/preflight.md.",
            )

    def digest(self) -> str:
        """sha256 of everything that the findings depend on besides the file: the ledger's `PreflightRow.expectation`."""
        return hashlib.sha256(json.dumps([VERSION, asdict(self)], sort_keys=True).encode()).hexdigest()


def acx(**more: object) -> Expected:
    """ACX's submission rules for audiobooks (help.acx.com, "What are the ACX audio submission requirements?")."""
    rules = {
        "part": "audio",
        "formats": ("audio/mpeg",),
        "min_bitrate": 192_000,
        "constant_bitrate": True,
        "sample_rates": (44_100,),
        "max_minutes": 120.0,
        "rms_db": (-23.0, -18.0),
        "max_peak_db": -3.0,
        "max_noise_db": -60.0,
        "head_seconds": (0.5, 1.0),
        "tail_seconds": (1.0, 5.0),
        "credits": True,
        "sample_minutes": (1.0, 5.0),
    }
    return Expected(**(rules | more))  # type: ignore[arg-type]


def spine_mm(pages: int, gsm: float, volume: float) -> float:
    """Spine of a paperback block: pages × grammage (g/m²) × volume / 20,000, the rule of thumb of British printers.

    Volume is the paper's bulk factor (cm³/g × 10, 18 for a "vol. 18" novel paper).
    """
    return round(float(Fraction(pages) * Fraction(str(gsm)) * Fraction(str(volume)) / 20_000), 2)
