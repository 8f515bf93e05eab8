"""What a page paints: colours, pictures with their size on paper, fonts, transparency; forms within forms included.

A content stream is read once, whatever places it: a form's pictures are kept with their matrices in the form's own
space and multiplied by the matrix of each place (ISO 32000-1, 8.3.4 and 8.10.1). Only operators that matter are read.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import pikepdf

from include.files.preflight.colour import Space, kinds_of, space_of
from include.files.preflight.pages import BROKEN

Matrix = tuple[float, float, float, float, float, float]
IDENTITY: Matrix = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)
OPERATORS = "q Q cm Do gs cs CS sc SC scn SCN g G rg RG k K sh Tf Tj TJ ' \" INLINE IMAGE"
SHOWING = frozenset({"Tj", "TJ", "'", '"'})
PAINTING = "Tj TJ ' \" f F f* B B* b b* S s sh Do INLINE IMAGE"
DEPTH = 24  # forms within forms
NESTED = 10_000  # graphics states kept
PLACED = 20_000  # pictures of one page
STEPS = 3_000_000  # instructions of one page that are looked at
TINY = 16  # pixels: smaller pictures are rules, tints and steps of a blend; nobody sees their resolution


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


@dataclass(slots=True)
class _State:
    matrix: Matrix = IDENTITY
    fill: Space | None = None
    stroke: Space | None = None
    font: Any = None  # selected, but not yet used: exporters select fonts that they never use


def times(first: Matrix, then: Matrix) -> Matrix:
    """`first` within `then`."""
    a, b, c, d, e, f = first
    g, h, i, j, k, m = then
    return (a * g + b * i, a * h + b * j, c * g + d * i, c * h + d * j, e * g + f * i + k, e * h + f * j + m)


class Reader:
    """Reads pages of one document; what several pages share is read once. `fonts`: key → font dictionary."""

    def __init__(self) -> None:
        self.fonts: dict[int, Any] = {}
        self._font_keys: dict[Any, int] = {}
        self._forms: dict[Any, Painted] = {}
        self._spaces: dict[Any, Space] = {}
        self._states: dict[Any, frozenset[str]] = {}
        self._steps = 0

    def page(self, page: pikepdf.Page, resources: Any) -> Painted:
        """Never raises for what is in the page: `broken` and `complex` say that not all was read."""
        self._steps = 0
        found = Painted()
        self._stream(page, resources, found, 0)
        return found

    def _stream(self, stream: Any, resources: Any, found: Painted, depth: int) -> None:
        try:
            instructions = pikepdf.parse_content_stream(stream, OPERATORS)
        except BROKEN:
            found.broken = True
            return
        self._steps += len(instructions)
        if self._steps > STEPS:
            found.complex = True
            return
        state = _State()
        stack: list[_State] = []
        for instruction in instructions:
            operator = str(instruction.operator)
            try:
                if operator in SHOWING:
                    self._show(state, found)
                elif operator == "q" and len(stack) < NESTED:
                    stack.append(replace(state))
                elif operator == "Q":
                    state = stack.pop() if stack else state
                elif operator == "cm":
                    state.matrix = times(_six(instruction.operands), state.matrix)
                elif operator == "INLINE IMAGE":
                    self._inline(instruction, resources, found, state)
                else:
                    self._one(operator, instruction.operands, resources, found, state, depth)
            except BROKEN:
                found.broken = True

    def _show(self, state: _State, found: Painted) -> None:
        if state.font is not None:
            self._font(state.font, found)
            state.font = None

    def _one(self, operator: str, operands: Any, resources: Any, found: Painted, state: _State, depth: int) -> None:
        if operator in {"g", "G"}:
            found.colours.add("gray")
        elif operator in {"rg", "RG"}:
            found.colours.add("rgb")
        elif operator in {"k", "K"}:
            found.colours.add("black" if not any(float(one) for one in list(operands)[:3]) else "cmyk")
        elif operator == "cs":
            state.fill = self._space(operands[0], resources)
        elif operator == "CS":
            state.stroke = self._space(operands[0], resources)
        elif operator in {"sc", "scn"}:
            self._colour(state.fill, operands, resources, found, depth)
        elif operator in {"SC", "SCN"}:
            self._colour(state.stroke, operands, resources, found, depth)
        elif operator == "Do":
            self._place(_named(resources, "/XObject", operands[0]), resources, found, state, depth)
        elif operator == "gs":
            self._graphics(_named(resources, "/ExtGState", operands[0]), found, state)
        elif operator == "Tf":
            state.font = _named(resources, "/Font", operands[0])
        elif operator == "sh":
            self._shading(_named(resources, "/Shading", operands[0]), resources, found)

    def _space(self, named: Any, resources: Any) -> Space:
        if isinstance(named, pikepdf.Name):
            looked_up = _named(resources, "/ColorSpace", named)
            named = named if looked_up is None else looked_up
        key = getattr(named, "objgen", (0, 0))
        if key != (0, 0) and key in self._spaces:
            return self._spaces[key]
        space = space_of(named)
        if key != (0, 0):
            self._spaces[key] = space
        return space

    def _colour(self, space: Space | None, operands: Any, resources: Any, found: Painted, depth: int) -> None:
        values = list(operands)
        if values and isinstance(values[-1], pikepdf.Name):
            self._pattern(_named(resources, "/Pattern", values[-1]), resources, found, depth)
            values.pop()
        if space is not None and values:
            colours, spots = kinds_of(space, [float(one) for one in values])
            found.colours |= colours
            found.spots |= spots

    def _pattern(self, pattern: Any, resources: Any, found: Painted, depth: int) -> None:
        if pattern is None:
            return
        if int(pattern.get("/PatternType", 1)) == 2:
            self._shading(pattern.get("/Shading"), resources, found)
            return
        found.add(self._form(pattern, resources, depth), _matrix(pattern))  # a pattern's space is that of the page, not of the place

    def _shading(self, shading: Any, resources: Any, found: Painted) -> None:
        if shading is not None and "/ColorSpace" in shading:
            colours, spots = kinds_of(self._space(shading["/ColorSpace"], resources), None)
            found.colours |= colours
            found.spots |= spots

    def _place(self, placed: Any, resources: Any, found: Painted, state: _State, depth: int) -> None:
        if placed is None:
            return
        kind = placed.get("/Subtype")
        if kind == "/Form":
            group = placed.get("/Group")
            if group is not None and group.get("/S") == "/Transparency":
                found.transparent.add("a transparency group")
            found.add(self._form(placed, resources, depth), times(_matrix(placed), state.matrix))
        elif kind == "/Image":
            mask = bool(placed.get("/ImageMask", False))
            bits = 1 if mask else int(placed.get("/BitsPerComponent", 8))
            if "/SMask" in placed or int(placed.get("/SMaskInData", 0)):
                found.transparent.add("a soft mask on a picture")
            space = None if mask else placed.get("/ColorSpace")
            self._picture(int(placed["/Width"]), int(placed["/Height"]), bits, space, resources, found, state)

    def _inline(self, instruction: Any, resources: Any, found: Painted, state: _State) -> None:
        image = instruction.iimage
        space = None if image.image_mask else image.obj.get("/ColorSpace", image.obj.get("/CS"))
        if isinstance(space, pikepdf.Name):
            short = {"/G": "/DeviceGray", "/RGB": "/DeviceRGB", "/CMYK": "/DeviceCMYK"}.get(str(space))
            space = pikepdf.Name(short) if short else space
        self._picture(image.width, image.height, 1 if image.image_mask else image.bits_per_component, space, resources, found, state)

    def _picture(self, width: int, height: int, bits: int, space: Any, resources: Any, found: Painted, state: _State) -> None:
        if space is not None:
            named = self._space(space, resources)
            colours, spots = kinds_of(named, None)
            found.colours |= colours
            found.spots |= spots
            bits = bits if named.single else 8
        if min(width, height) < TINY:
            return
        if len(found.pictures) >= PLACED:
            found.complex = True
            return
        found.pictures.append(Placed(width, height, bits == 1, state.matrix))

    def _form(self, form: Any, resources: Any, depth: int) -> Painted:
        key = form.objgen
        if key in self._forms and key != (0, 0):
            return self._forms[key]
        found = Painted()
        if depth >= DEPTH:
            found.complex = True
            return found
        if key != (0, 0):
            self._forms[key] = found  # a form that holds itself finds this, and ends
        self._stream(form, form.get("/Resources", resources), found, depth + 1)
        return found

    def _graphics(self, graphics: Any, found: Painted, state: _State) -> None:
        if graphics is None:
            return
        key = graphics.objgen
        reasons = self._states.get(key) if key != (0, 0) else None
        if reasons is None:
            reasons = frozenset(_transparent(graphics))
            self._states[key] = reasons
        found.transparent |= reasons
        font = graphics.get("/Font")
        if font is not None and len(font):
            state.font = font[0]

    def _font(self, font: Any, found: Painted) -> None:
        if font is None:
            return
        key: Any = font.objgen
        if key == (0, 0):
            key = repr(font)[:2000]
        number = self._font_keys.setdefault(key, len(self._font_keys))
        self.fonts.setdefault(number, font)
        found.fonts.add(number)


def blank(page: pikepdf.Page) -> bool:
    """Nothing is painted: no text, no line, no picture."""
    try:
        return not pikepdf.parse_content_stream(page, PAINTING)
    except BROKEN:
        return False


def _transparent(state: Any) -> Iterable[str]:
    if "/SMask" in state and state["/SMask"] != "/None":
        yield "a soft mask"
    if float(state.get("/ca", 1)) < 1 or float(state.get("/CA", 1)) < 1:
        yield "opacity below 100 %"
    mode = state.get("/BM")
    modes = [str(one) for one in mode] if isinstance(mode, pikepdf.Array) else [str(mode)] if mode is not None else []
    if modes and not {"/Normal", "/Compatible"} & {*modes[:1]}:
        yield f"blend mode {modes[0].lstrip('/')}"


def _matrix(stream: Any) -> Matrix:
    numbers = stream.get("/Matrix")
    return IDENTITY if numbers is None else _six(numbers)


def _six(numbers: Any) -> Matrix:
    a, b, c, d, e, f = (float(one) for one in numbers)
    return a, b, c, d, e, f


def _named(resources: Any, kind: str, name: Any) -> Any:
    """A resource by its name; None where it isn't there."""
    group = None if resources is None else resources.get(kind)
    return None if group is None else group.get(str(name))
