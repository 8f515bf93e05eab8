"""What a page paints: colours, pictures with their size on paper, fonts, transparency."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

Matrix = tuple[float, float, float, float, float, float]
IDENTITY: Matrix = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)
PLACED = 20_000  # pictures of one page


@dataclass(frozen=True, slots=True)
class Placed:
    """A picture on the page: pixels, whether it has one bit per pixel, matrix to the space of what holds it."""

    width: int
    height: int
    bitmap: bool
    matrix: Matrix

    def dpi(self, unit: float = 1.0) -> float:
        """The smaller of both directions; `unit` is the page's UserUnit. 0 if it has no size on the page."""
        a, b, c, d, _, _ = self.matrix
        across, up = math.hypot(a, b) * unit, math.hypot(c, d) * unit
        if across <= 0 or up <= 0 or not math.isfinite(across + up):
            return 0.0
        return min(self.width / across, self.height / up) * 72

    def corners(self) -> tuple[float, float, float, float]:
        """Bounding box on the page: left, bottom, right, top."""
        a, b, c, d, e, f = self.matrix
        xs, ys = (e, e + a, e + c, e + a + c), (f, f + b, f + d, f + b + d)
        return min(xs), min(ys), max(xs), max(ys)


@dataclass(slots=True)
class Painted:
    """Sums of one content stream and all that it places. `colours`: gray, black (K alone), cmyk, rgb, lab; `spots`: names."""

    colours: set[str] = field(default_factory=set)
    spots: set[str] = field(default_factory=set)
    pictures: list[Placed] = field(default_factory=list)
    fonts: set[int] = field(default_factory=set)  # keys of `Reader.fonts`
    bare_fill: bool = False  # a form that fills, or strokes, with the colour of whatever places it
    bare_stroke: bool = False
    transparent: set[str] = field(default_factory=set)  # why
    broken: bool = False
    complex: bool = False

    def add(self, other: Painted, matrix: Matrix | None = None) -> None:
        """`matrix` None: without the pictures' places."""
        self.colours |= other.colours
        self.spots |= other.spots
        self.fonts |= other.fonts
        self.transparent |= other.transparent
        self.broken |= other.broken
        self.complex |= other.complex
        if matrix is None:
            return
        room = PLACED - len(self.pictures)
        self.complex |= len(other.pictures) > room
        for one in other.pictures[:room]:
            self.pictures.append(Placed(one.width, one.height, one.bitmap, times(one.matrix, matrix)))


def times(first: Matrix, then: Matrix) -> Matrix:
    """`first` within `then`."""
    a, b, c, d, e, f = first
    g, h, i, j, k, m = then
    return (a * g + b * i, a * h + b * j, c * g + d * i, c * h + d * j, e * g + f * i + k, e * h + f * j + m)
