"""Reads what pages paint, forms within forms included.

A content stream is read once, whatever places it: a form's pictures are kept with their matrices in the form's own
space and multiplied by the matrix of each place (ISO 32000-1, 8.3.4 and 8.10.1). Only operators that matter are read.
What is selected and never used (a colour, a font) isn't painted: exporters select much that they don't use.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import pikepdf

from include.files.preflight.colour import Space, kinds_of, space_of
from include.files.preflight.pages import BROKEN
from include.files.preflight.painted import IDENTITY, PLACED, Matrix, Painted, Placed, times

# BI ID EI: pictures within the stream, which pikepdf gives as one "INLINE IMAGE"
OPERATORS = "q Q cm Do gs cs CS sc SC scn SCN g G rg RG k K sh Tf Tr Tj TJ ' \" f F f* B B* b b* S s BI ID EI"
PAINTING = "Tj TJ ' \" f F f* B B* b b* S s sh Do BI ID EI"
DEPTH = 24  # forms within forms
NESTED = 10_000  # graphics states kept
STEPS = 3_000_000  # instructions of one page that are looked at
TINY = 16  # pixels: smaller pictures are rules, tints and steps of a blend; nobody sees their resolution

_SHOWING = frozenset({"Tj", "TJ", "'", '"'})
_PATHS = {"f": (True, False), "F": (True, False), "f*": (True, False), "S": (False, True), "s": (False, True)} | dict.fromkeys(
    ("B", "B*", "b", "b*"), (True, True)
)  # operator → does it fill, does it stroke
_TEXT = {0: (True, False), 1: (False, True), 2: (True, True), 4: (True, False), 5: (False, True), 6: (True, True)}  # by rendering mode


@dataclass(slots=True)
class _Ink:
    """The colour in force, and whether something was painted with it already."""

    colours: set[str]
    spots: set[str]
    pattern: Painted | None = None
    matrix: Matrix = IDENTITY
    used: bool = False


@dataclass(slots=True)
class _State:
    matrix: Matrix = IDENTITY
    fill_space: Space | None = None
    stroke_space: Space | None = None
    fill: _Ink | None = None  # None: as whatever places this stream has it; on a page that is black
    stroke: _Ink | None = None
    font: Any = None  # selected, but not yet used
    mode: int = 0  # of text


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
                if operator in _PATHS:
                    self._paint(*_PATHS[operator], found, state)
                elif operator in _SHOWING:
                    self._show(found, state)
                elif operator == "q" and len(stack) < NESTED:
                    stack.append(replace(state))
                elif operator == "Q":
                    state = stack.pop() if stack else state
                elif operator == "cm":
                    state.matrix = times(_six(instruction.operands), state.matrix)
                elif operator == "INLINE IMAGE":
                    self._inline(instruction, resources, found, state)
                elif not self._select(operator, instruction.operands, resources, state, depth):
                    self._one(operator, instruction.operands, resources, found, state, depth)
            except BROKEN:
                found.broken = True

    def _show(self, found: Painted, state: _State) -> None:
        if state.font is not None:
            self._font(state.font, found)
            state.font = None
        if state.mode in _TEXT:
            self._paint(*_TEXT[state.mode], found, state)

    def _paint(self, fills: bool, strokes: bool, found: Painted, state: _State) -> None:
        if fills:
            found.bare_fill |= state.fill is None
            _use(state.fill, found)
        if strokes:
            found.bare_stroke |= state.stroke is None
            _use(state.stroke, found)

    def _select(self, operator: str, operands: Any, resources: Any, state: _State, depth: int) -> bool:
        """A colour; False for any other operator."""
        if operator in {"g", "rg", "k", "sc", "scn"}:
            state.fill = self._ink(operator, state.fill_space, operands, resources, depth)
        elif operator in {"G", "RG", "K", "SC", "SCN"}:
            state.stroke = self._ink(operator.lower(), state.stroke_space, operands, resources, depth)
        elif operator == "cs":
            state.fill_space = self._space(operands[0], resources)
            state.fill = _initial(state.fill_space)
        elif operator == "CS":
            state.stroke_space = self._space(operands[0], resources)
            state.stroke = _initial(state.stroke_space)
        else:
            return False
        return True

    def _ink(self, operator: str, space: Space | None, operands: Any, resources: Any, depth: int) -> _Ink:
        if operator in {"sc", "scn"}:
            return self._colour(space, list(operands), resources, depth)
        kind = {"g": "gray", "rg": "rgb", "k": "cmyk"}[operator]
        return _Ink(*kinds_of(Space(kind), [float(one) for one in operands]))

    def _one(self, operator: str, operands: Any, resources: Any, found: Painted, state: _State, depth: int) -> None:
        if operator == "Do":
            self._place(_named(resources, "/XObject", operands[0]), resources, found, state, depth)
        elif operator == "gs":
            self._graphics(_named(resources, "/ExtGState", operands[0]), found, state)
        elif operator == "Tf":
            state.font = _named(resources, "/Font", operands[0])
        elif operator == "Tr":
            state.mode = int(operands[0])
        elif operator == "sh":
            _use(self._shading(_named(resources, "/Shading", operands[0]), resources), found)

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

    def _colour(self, space: Space | None, values: list[Any], resources: Any, depth: int) -> _Ink:
        ink = _Ink(set(), set())
        if values and isinstance(values[-1], pikepdf.Name):
            ink = self._pattern(_named(resources, "/Pattern", values.pop()), resources, depth)
        if space is not None and values:
            colours, spots = kinds_of(space, [float(one) for one in values])
            ink.colours |= colours
            ink.spots |= spots
        return ink

    def _pattern(self, pattern: Any, resources: Any, depth: int) -> _Ink:
        if pattern is None:
            return _Ink(set(), set())
        if int(pattern.get("/PatternType", 1)) == 2:
            return self._shading(pattern.get("/Shading"), resources)
        return _Ink(
            set(), set(), self._form(pattern, resources, depth), _matrix(pattern)
        )  # a pattern's space is the page's, not the place's

    def _shading(self, shading: Any, resources: Any) -> _Ink:
        if shading is None or "/ColorSpace" not in shading:
            return _Ink(set(), set())
        return _Ink(*kinds_of(self._space(shading["/ColorSpace"], resources), None))

    def _place(self, placed: Any, resources: Any, found: Painted, state: _State, depth: int) -> None:
        if placed is None:
            return
        kind = placed.get("/Subtype")
        if kind == "/Form":
            group = placed.get("/Group")
            if group is not None and group.get("/S") == "/Transparency":
                found.transparent.add("a transparency group")
            form = self._form(placed, resources, depth)
            found.add(form, times(_matrix(placed), state.matrix))
            self._paint(form.bare_fill, form.bare_stroke, found, state)
        elif kind == "/Image":
            mask = bool(placed.get("/ImageMask", False))
            bits = 1 if mask else int(placed.get("/BitsPerComponent", 8))
            if "/SMask" in placed or int(placed.get("/SMaskInData", 0)):
                found.transparent.add("a soft mask on a picture")
            if mask:
                self._paint(True, False, found, state)
            space = None if mask else placed.get("/ColorSpace")
            self._picture(int(placed["/Width"]), int(placed["/Height"]), bits, space, resources, found, state)

    def _inline(self, instruction: Any, resources: Any, found: Painted, state: _State) -> None:
        image = instruction.iimage
        if image.image_mask:
            self._paint(True, False, found, state)
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


def _use(ink: _Ink | None, found: Painted) -> None:
    if ink is None or ink.used:
        return
    ink.used = True
    found.colours |= ink.colours
    found.spots |= ink.spots
    if ink.pattern is not None:
        found.add(ink.pattern, ink.matrix)


def _initial(space: Space) -> _Ink:
    """The colour that a colour space begins with: black, or the full spot colour (ISO 32000-1, 8.6.5 to 8.6.8)."""
    values = [0.0, 0.0, 0.0, 1.0] if space.kind == "cmyk" and not space.indexed else None
    return _Ink(*kinds_of(space, values))


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
