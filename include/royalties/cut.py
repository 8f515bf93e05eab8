"""Cuts pages out of a PDF so that nothing of the other pages comes along.

Copying a page is not enough: pages share dictionaries of fonts and forms, name files, bookmarks and form fields, and carry structure and
metadata of the whole document. So each page is built anew from what it draws: its content, and of its resources those that the content
names. Annotations and form fields are drawn into the page first, then dropped. The same pages give the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pikepdf
from pikepdf import Array, Dictionary, Name, Operator
from pikepdf.exceptions import PikepdfError

from include.errors import RejectedData

_BY_OPERATOR = {"Tf": "/Font", "Do": "/XObject", "gs": "/ExtGState", "cs": "/ColorSpace", "CS": "/ColorSpace", "sh": "/Shading"}
_PATTERNS = frozenset({"scn", "SCN"})
_MARKED = {"BDC": "BMC", "DP": "MP"}  # with properties (which may hold text that is not drawn) → without
_MAPS = frozenset({"/Font", "/XObject", "/ExtGState", "/ColorSpace", "/Pattern", "/Shading", "/CharProcs"})  # their keys are names of ours
DROPPED = frozenset({
    "/Metadata", "/PieceInfo", "/AF", "/StructParents", "/StructParent", "/LastModified", "/Thumb", "/Alternates", "/OPI", "/Measure",
    "/PtData", "/Properties", "/AdditionalActions", "/OpenAction", "/PresSteps", "/SeparationInfo", "/Ref", "/OC",
})  # fmt: skip
"""Entries that tell of more than what is drawn: never taken along."""
_BOXES = ("/MediaBox", "/CropBox", "/Rotate", "/UserUnit")
_BROKEN = (PikepdfError, ValueError, TypeError, RuntimeError, KeyError, AttributeError, OverflowError)


class Cutter:
    """One PDF of many statements, open for cutting."""

    def __init__(self, local: Path) -> None:
        """Raises `RejectedData` for one that is encrypted, broken, or has layers that may be hidden."""
        try:
            self._pdf = pikepdf.open(local)
        except pikepdf.PasswordError as locked:
            raise RejectedData("the PDF opens with a password only", todo="Export it without a password.") from locked
        except _BROKEN as broken:
            raise RejectedData("the PDF does not open", todo="Export it again.") from broken
        self._cleaned: set[tuple[int, int]] = set()
        try:
            if "/OCProperties" in self._pdf.Root:
                raise RejectedData("the PDF has layers, which may hide what they show", todo="Export it without layers.")
            self._pdf.generate_appearance_streams()
            self._pdf.flatten_annotations("all")
            self._scrub()
        except _BROKEN as broken:
            self._pdf.close()
            raise RejectedData("the PDF can't be taken apart", todo="Export it again, or print it to PDF anew.") from broken
        except BaseException:
            self._pdf.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._pdf.close()

    def save_flat(self, target: Path) -> None:
        """The whole file with annotations drawn into the pages: what the texts are read from. Raises `RejectedData`."""
        try:
            self._pdf.save(target, static_id=True)
        except _BROKEN as broken:
            raise RejectedData("the PDF can't be taken apart", todo="Export it again, or print it to PDF anew.") from broken

    def cut(self, pages: Sequence[int], target: Path) -> None:
        """Writes these pages (from 0, in this order) into a PDF of their own. Raises `RejectedData` for what can't be taken apart."""
        where = f"page {pages[0] + 1}"
        try:
            with pikepdf.new() as out:
                for number in pages:
                    where = f"page {number + 1}"
                    out.pages.append(pikepdf.Page(self._pdf.make_indirect(self._page(number))))
                out.remove_unreferenced_resources()
                _without_parents(out)
                out.save(
                    target, deterministic_id=True, object_stream_mode=pikepdf.ObjectStreamMode.disable, compress_streams=True,
                    linearize=False, fix_metadata_version=False,
                )  # fmt: skip
        except _BROKEN as broken:
            raise RejectedData("the page can't be taken apart", where=where, todo="Export it again, or print it to PDF anew.") from broken

    # --- what a page draws

    def _page(self, number: int) -> Dictionary:
        page = self._pdf.pages[number]
        built = Dictionary(Type=Name.Page)
        for key in _BOXES:
            value = getattr(page, key[1:].lower(), None) if key.endswith("Box") else page.obj.get(key)
            if value is not None:
                built[key] = Array(list(value)) if isinstance(value, Array) else value
        if (rotate := _inherited(page.obj, "/Rotate")) is not None:
            built["/Rotate"] = rotate
        content, used = _cleaned(page)
        built["/Resources"] = self._resources(page.resources, used)
        built["/Contents"] = self._pdf.make_stream(content)
        return built

    def _resources(self, given: Any, used: set[tuple[str, str]]) -> Dictionary:
        """Of the resources those that are named; what they draw themselves is treated in the same way."""
        kept = Dictionary()
        for kind, name in sorted(used):
            group = given.get(kind) if isinstance(given, Dictionary) else None
            if not isinstance(group, Dictionary) or name not in group:
                continue
            one = self._own(group[name], given)
            self._draws(one)
            if kind not in kept:
                kept[kind] = Dictionary()
            kept[kind][name] = one
        return kept

    def _own(self, one: Any, around: Any) -> Any:
        """A form without resources of its own draws with those of whatever draws it: other things on other pages. It is copied for each."""
        if not isinstance(one, pikepdf.Stream) or one.get("/Subtype") != Name.Form or "/Resources" in one:
            return one
        copy = self._pdf.make_stream(one.read_bytes())
        for key, value in one.stream_dict.items():
            if key not in {"/Length", "/Filter", "/DecodeParms"}:
                copy[key] = value
        copy["/Resources"] = around if isinstance(around, Dictionary) else Dictionary()
        return copy

    def _draws(self, one: Any) -> None:
        """Forms, tiling patterns and soft masks have content and resources of their own: cleaned once, in place."""
        for stream in _drawn(one):
            if not isinstance(stream, pikepdf.Stream) or stream.objgen in self._cleaned:
                continue
            self._cleaned.add(stream.objgen)
            if stream.get("/Subtype") == Name.Form or stream.get("/PatternType") == 1:
                content, used = _cleaned(stream)
                if used and "/Resources" not in stream:
                    raise ValueError("a pattern or mask without resources of its own")
                stream["/Resources"] = self._resources(stream.get("/Resources"), used)
                stream.write(content)

    def _scrub(self) -> None:
        for one in self._pdf.objects:
            for dictionary in _dictionaries(one, 0):
                for key in [key for key in dictionary.keys() if key in DROPPED]:  # noqa: SIM118 - a pikepdf Dictionary
                    del dictionary[key]


def _cleaned(of: Any) -> tuple[bytes, set[tuple[str, str]]]:
    """Content without properties of marked content, and the resources that it names: {(kind, name)}."""
    used: set[tuple[str, str]] = set()
    kept: list[Any] = []
    for instruction in pikepdf.parse_content_stream(of):
        if isinstance(instruction, pikepdf.ContentStreamInlineImage):
            space = instruction.iimage.obj.get("/CS", instruction.iimage.obj.get("/ColorSpace"))
            if isinstance(space, Name):
                used.add(("/ColorSpace", str(space)))
            kept.append(instruction)
            continue
        operands, operator = list(instruction.operands), str(instruction.operator)
        if operator in _MARKED:
            kept.append(pikepdf.ContentStreamInstruction(operands[:1], Operator(_MARKED[operator])))
            continue
        if operator in _BY_OPERATOR and operands:
            used.add((_BY_OPERATOR[operator], str(operands[0])))
        elif operator in _PATTERNS and operands and isinstance(operands[-1], Name):
            used.add(("/Pattern", str(operands[-1])))
        kept.append(instruction)
    return pikepdf.unparse_content_stream(kept), used


def _drawn(one: Any) -> Iterator[Any]:
    """What is drawn when a resource is used: itself; the group of a soft mask."""
    yield one
    if isinstance(one, Dictionary) and isinstance(mask := one.get("/SMask"), Dictionary) and "/G" in mask:
        yield mask["/G"]


def _dictionaries(one: Any, depth: int) -> Iterator[Any]:
    """Dictionaries within one object that may have entries to be dropped; maps of names have none."""
    if depth > 50:
        return
    dictionary = one.stream_dict if isinstance(one, pikepdf.Stream) else one
    if isinstance(dictionary, Dictionary):
        yield dictionary
        for key, child in list(dictionary.items()):
            if isinstance(child, pikepdf.Stream) or child_is_elsewhere(child):
                continue
            if key in _MAPS and isinstance(child, Dictionary):
                for _, inner in list(child.items()):
                    if not child_is_elsewhere(inner):
                        yield from _dictionaries(inner, depth + 2)
            else:
                yield from _dictionaries(child, depth + 1)
    elif isinstance(dictionary, Array):
        for child in list(dictionary):
            if not child_is_elsewhere(child):
                yield from _dictionaries(child, depth + 1)


def child_is_elsewhere(child: Any) -> bool:
    """An indirect object comes by itself; numbers and texts have nothing in them."""
    return not isinstance(child, Dictionary | Array) or bool(child.is_indirect)


def _inherited(page: Any, key: str) -> Any:
    for _ in range(50):
        if not isinstance(page, Dictionary):
            return None
        if key in page:
            return page[key]
        page = page.get("/Parent")
    return None


def _without_parents(out: pikepdf.Pdf) -> None:
    """What copying a page brings along and a page of ours does not need."""
    for page in out.pages:
        for key in [key for key in page.obj.keys() if key not in {"/Type", "/Parent", "/Resources", "/Contents", *_BOXES}]:  # noqa: SIM118
            del page.obj[key]
