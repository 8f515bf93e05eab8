"""Which listed files are whole, by the inbox's rule. Pure: a listing, what earlier looks noted, and what manifests say."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from posixpath import dirname, join, normpath
from typing import Any
from unicodedata import normalize

from include.errors import ConfigurationError, RejectedData
from include.ledger.intake import Seen
from include.partners.inboxes import Finished

_SUM = re.compile(r"^([0-9a-fA-F]{64})\s+\*?(?:\./)?(.+?)\s*$")


@dataclass(frozen=True, slots=True)
class Told:
    """What a manifest says of one file. None and empty: nothing."""

    bytes: int | None = None
    sha256: str = ""

    def to_json(self) -> dict[str, Any]:
        return ({} if self.bytes is None else {"bytes": self.bytes}) | ({"sha256": self.sha256} if self.sha256 else {})


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest that could be read: what it says, by path under the inbox, `composed`."""

    path: str
    files: Mapping[str, Told] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Markers:
    """Files that say something of others: done-file → the file or folder it speaks of; paths of manifests."""

    done: Mapping[str, str] = field(default_factory=dict)
    manifests: tuple[str, ...] = ()

    @property
    def paths(self) -> frozenset[str]:
        return frozenset({*self.done, *self.manifests})


def markers(rule: Finished, files: Sequence[Seen]) -> Markers:
    """The done-files and manifests among the files. A done-file counts also before its file is there."""
    there = {file.path for file in files}
    done: dict[str, str] = {}
    if rule.rule == "done_file":
        done = {name: path for path in there for name in [done_name(rule, path)] if name in there}
        before, middle, after = rule.done.partition("{name}")
        if middle and "{" not in before + after:  # the mask can be read backwards: its file may be gone, or come later
            for path in there - done.keys():
                folder, name = _split(path)
                if len(name) > len(before + after) and name.startswith(before) and name.endswith(after):
                    done[path] = folder + name[len(before) : len(name) - len(after)]
    elif rule.rule == "folder":
        for folder in {path.partition("/")[0] for path in there if "/" in path}:
            if (name := f"{folder}/{_filled(rule, folder)}") in there:
                done[name] = folder
    manifests = [path for path in sorted(there) if rule.rule in {"manifest", "folder"} and _split(path)[1] in rule.manifest]
    return Markers(done, tuple(manifests))


def done_name(rule: Finished, path: str) -> str:
    """Path of the done-file of one file."""
    folder, name = _split(path)
    return folder + _filled(rule, name)


def read_manifest(path: str, content: bytes) -> Manifest:
    """`manifest.json` with `files` of name, bytes and sha256, or lines of `sha256sum`. Names are relative to the manifest's folder.

    Raises `RejectedData` for what is neither, which may be a manifest that is still being written.
    """
    folder = dirname(path)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as bad:
        raise RejectedData(
            "the manifest is no UTF-8 text", where=path, todo="Ask the sender for JSON, or the output of sha256sum."
        ) from bad
    told = _from_json(path, text) if text.lstrip().startswith(("{", "[")) else _from_sums(text)
    if not told:
        raise RejectedData("the manifest names no files", where=path, todo="It may be still arriving; else ask the sender.")
    inside = {under: what for name, what in told.items() if (under := _inside(folder, name))}
    if not inside:
        raise RejectedData("the manifest names no file of its own folder", where=path, todo="Ask the sender for another one.")
    return Manifest(path, inside)


def told_by(manifests: Sequence[Manifest]) -> dict[str, Told]:
    """What all manifests together say of each file, by its path `composed`; one with a hash says more than one without."""
    told: dict[str, Told] = {}
    for manifest in manifests:
        for path, what in manifest.files.items():
            before = told.get(path, Told())
            told[path] = Told(what.bytes if what.bytes is not None else before.bytes, what.sha256 or before.sha256)
    return told


def whole(
    rule: Finished,
    files: Sequence[Seen],
    looked: Mapping[str, datetime],
    marked: Markers,
    told: Mapping[str, Told],
    now: datetime,
) -> list[str]:
    """Paths of the files that nobody writes any more. `looked`: since when each file has had its size and time.

    A file whose size is not what its manifest says counts as whole once it has stood still for `settle_seconds`: then it is wrong,
    and no longer on its way.
    """
    done = set(marked.done.values())

    def settled(path: str) -> bool:
        since = looked.get(path, now)
        return since < now and now - since >= timedelta(seconds=rule.settle_seconds)

    def is_whole(file: Seen) -> bool:
        match rule.rule:
            case "two_looks":
                return settled(file.path)
            case "rename":
                return True
            case "done_file":
                return file.path in done
            case "manifest":
                what = told.get(composed(file.path))
                return what is not None and (what.bytes in {None, file.bytes} or settled(file.path))
            case "folder":
                return file.path.partition("/")[0] in done and "/" in file.path

    return [file.path for file in files if file.path not in marked.paths and is_whole(file)]


def settles_in(rule: Finished, looked: Mapping[str, datetime], now: datetime) -> float | None:
    """Seconds until the first of these files can have stood still long enough; None if none will."""
    if rule.rule != "two_looks" or not looked:
        return None
    return max(min(rule.settle_seconds - (now - since).total_seconds() for since in looked.values()), 0.0)


def _from_json(path: str, text: str) -> dict[str, Told]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as bad:
        raise RejectedData("the manifest is no whole JSON", where=path, todo="It may be still arriving; else ask the sender.") from bad
    listed = content.get("files", content) if isinstance(content, dict) else content
    if isinstance(listed, dict):
        listed = [{"name": name} | (what if isinstance(what, dict) else {"sha256": what}) for name, what in listed.items()]
    told: dict[str, Told] = {}
    for one in listed if isinstance(listed, list) else ():
        if isinstance(one, dict) and isinstance(name := one.get("name", one.get("path")), str):
            size, sha256 = one.get("bytes", one.get("size")), one.get("sha256", "")
            told[name] = Told(size if isinstance(size, int) else None, sha256.lower() if isinstance(sha256, str) else "")
    return told


def _from_sums(text: str) -> dict[str, Told]:
    return {found[2]: Told(None, found[1].lower()) for line in text.splitlines() if (found := _SUM.match(line))}


def _inside(folder: str, name: str) -> str:
    """A manifest speaks of its own folder and what is under it, of nothing else; and of names that a server can have."""
    if "\0" in name or any("\ud800" <= letter <= "\udfff" for letter in name):
        return ""
    path = composed(normpath(join(folder, name)))
    return path if not path.startswith(("/", "../")) and (not folder or path.startswith(composed(folder) + "/")) else ""


def composed(path: str) -> str:
    """The path with its letters composed: a Mac lists `é` as two characters, and the manifest beside it may say it as one."""
    return normalize("NFC", path)


def _split(path: str) -> tuple[str, str]:
    cut = path.rfind("/") + 1
    return path[:cut], path[cut:]


def _filled(rule: Finished, name: str) -> str:
    stem = name.rsplit(".", 1)[0] if "." in name[1:] else name
    try:
        return rule.done.format(name=name, stem=stem)
    except (KeyError, IndexError, ValueError) as bad:
        raise ConfigurationError(f"the name mask {rule.done!r} can't be filled: {bad}", todo="Use {name} and {stem} only.") from bad
