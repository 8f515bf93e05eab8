"""PDF colour spaces, as a printer sees them (ISO 32000-1, 8.6): gray, process colours, RGB, Lab, named spot colours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pikepdf

_PROCESS = frozenset({"Cyan", "Magenta", "Yellow"})
_NEUTRAL = frozenset({"None", "All"})  # nothing at all; registration marks on every plate


@dataclass(frozen=True, slots=True)
class Space:
    """`kind`: gray, rgb, cmyk, lab, spot (Separation and DeviceN) or "" (unknown, or patterns alone)."""

    kind: str
    names: tuple[str, ...] = ()  # colorants of a spot space
    indexed: bool = False
    single: bool = True  # one component per pixel


_DEVICE = {
    "/DeviceGray": Space("gray"),
    "/CalGray": Space("gray"),
    "/DeviceRGB": Space("rgb", single=False),
    "/CalRGB": Space("rgb", single=False),
    "/DeviceCMYK": Space("cmyk", single=False),
    "/Lab": Space("lab", single=False),
}
_BY_COMPONENTS = {1: _DEVICE["/DeviceGray"], 3: _DEVICE["/DeviceRGB"], 4: _DEVICE["/DeviceCMYK"]}


def space_of(found: Any, depth: int = 0) -> Space:
    """From a colour space object: a name or an array. Raises KeyError, TypeError, ValueError for broken ones."""
    if isinstance(found, pikepdf.Name):
        return _DEVICE.get(str(found), Space(""))
    if not isinstance(found, pikepdf.Array) or not len(found) or depth > 4:
        return Space("")
    family = str(found[0])
    if family == "/ICCBased":
        return _BY_COMPONENTS.get(int(found[1]["/N"]), Space(""))
    if family in {"/Indexed", "/I"}:
        base = space_of(found[1], depth + 1)
        return Space(base.kind, base.names, indexed=True)
    if family == "/Separation":
        return Space("spot", (_plain(found[1]),))
    if family == "/DeviceN":
        return Space("spot", tuple(_plain(one) for one in found[1]), single=False)
    if family == "/Pattern" and len(found) > 1:
        return space_of(found[1], depth + 1)
    return _DEVICE.get(family, Space(""))


def kinds_of(space: Space, values: Sequence[float] | None) -> tuple[set[str], set[str]]:
    """(colours, spot names) that a colour of this space puts on paper; `values` None: a picture or a blend, any colour."""
    if space.kind == "cmyk":
        black = values is not None and not space.indexed and len(values) == 4 and not any(values[:3])
        return {"black" if black else "cmyk"}, set()
    if space.kind != "spot":
        return ({space.kind} if space.kind else set()), set()
    colours = {"cmyk" for name in space.names if name in _PROCESS} | {"black" for name in space.names if name == "Black"}
    return colours, {name for name in space.names if name not in _PROCESS | _NEUTRAL | {"Black"}}


def _plain(name: Any) -> str:
    return str(name).lstrip("/")
