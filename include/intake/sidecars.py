"""Sidecars: small data files that say whose the files beside them are, and of what kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

from include.files import clues as reading
from include.files.model import Clues

_OF_ALL = frozenset({
    "metadata",
    "title",
    "sidecar",
    "info",
    "onix",
    "delivery",
    "contents",
    "manifest",
})  # stems of one for its whole folder


class Sidecars:
    """Who speaks of whom among files that came together: `cover.json` and `cover.tif.json` of `cover.tif`, `metadata.json` of its folder,
    and any of them of the files that it names. Members of an archive (`pack.zip!cover.tif`) have theirs in the same archive."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._files: dict[str, dict[str, str]] = {}  # folder → `name_key` → path
        self._said: dict[str, Clues] = {}
        self._own: dict[str, Clues] = {}
        self._spoke: set[str] = set()
        for path in paths:
            folder, name = _split(path)
            if not reading.is_sidecar(name):
                self._files.setdefault(folder, {})[reading.name_key(name)] = path

    def may_speak(self, path: str) -> bool:
        """Whether this is a data file with files beside it or below."""
        folder, name = _split(path)
        return reading.is_sidecar(name) and any(other.startswith(folder) for other in self._files)

    def hear(self, path: str, says: Mapping[str, Clues]) -> None:
        """Take in what a data file says, by the names it uses (`clues.sidecar`)."""
        folder, name = _split(path)
        stem = PurePosixPath(reading.name_key(name)).stem
        beside = self._files.get(folder, {})
        spoken_of = {self._named(folder, file) for file in says if file}
        if says:
            self._own[path] = reading.merge(*says.values())
        if stem in _OF_ALL:
            spoken_of |= {other for one, files in self._files.items() if one.startswith(folder) for other in files.values()}
        else:
            spoken_of |= {other for each, other in beside.items() if stem in {each, PurePosixPath(each).stem}}
        named = reading.by_name(says)
        for other in sorted(one for one in spoken_of if one):
            said = reading.said_of(says, other[len(folder) :], named)
            if said != Clues():
                self._said[other] = reading.merge(self._said[other], said) if other in self._said else said
                self._spoke.add(path)

    def said_of(self, path: str) -> Clues | None:
        """What sidecars say of this file, or this one of all it speaks of; None: nothing."""
        return self._own[path] if path in self._spoke else self._said.get(path)

    def spoke(self, path: str) -> bool:
        """Whether this file turned out to speak of others."""
        return path in self._spoke

    def _named(self, folder: str, file: str) -> str:
        under, name = _split(folder + file)
        return self._files.get(under, {}).get(reading.name_key(name), "")


def _split(path: str) -> tuple[str, str]:
    cut = max(path.rfind("/"), path.rfind("!")) + 1
    return path[:cut], path[cut:]
