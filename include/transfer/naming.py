"""The names a file bears on its way: temporary, final, manifest, done-file. Pure rules over `include.partners.Commit`.

The status extensions follow the EDItEUR/BISG/BIC note "FTP Filenaming", issue 4: the name says whether a file is whole.
"""

from __future__ import annotations

import hashlib
import io
import json
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import BinaryIO, TypeVar

from include.errors import ConfigurationError, RejectedData
from include.partners.model import Commit
from include.transfer.model import Outgoing, RemoteEntry

T = TypeVar("T")

_SHA8 = re.compile(r"(?=[0-9a-f]{8})")
_UNSAFE = re.compile(r"[\x00-\x1f\x7f/\\]")
_TRAVELLING = re.compile(r"^\.|^~|\.(part|filepart|partial|tmp|temp|crdownload|uploading|xot)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a file goes: `temporary` is empty where it bears its final name from the start.

    `leftover` is what stands before and after the eight hexadecimal digits of the content in temporary names of this file,
    where such names tell both file and content. `content_named`: the temporary name tells the content.
    """

    final: str
    temporary: str = ""
    leftover: tuple[str, str] | None = None
    content_named: bool = False

    @property
    def target(self) -> str:
        return self.temporary or self.final


def is_safe(name: str) -> bool:
    """Whether a name is a plain name: no path, no control characters."""
    return name not in {"", ".", ".."} and not _UNSAFE.search(name)


def readable(name: str, encoding: str) -> str:
    """A name whose bytes were not UTF-8 (and were kept by `surrogateescape`), in the partner's encoding where we know it."""
    if not encoding or name.isascii() or not any("\udc80" <= letter <= "\udcff" for letter in name):
        return name
    return name.encode("utf-8", "surrogateescape").decode(encoding, "replace")


def is_travelling(name: str) -> bool:
    """Whether a name says that its file is not whole yet, by the customs of SFTP clients."""
    return bool(_TRAVELLING.search(name))


def settled(before: Sequence[RemoteEntry], now: Sequence[RemoteEntry]) -> list[RemoteEntry]:
    """The files that did not change between two listings and bear no travelling name: whole, as far as listings can tell."""
    known = {(entry.path, entry.bytes, entry.modified) for entry in before}
    return [
        entry for entry in now if not entry.is_dir and not is_travelling(entry.name) and (entry.path, entry.bytes, entry.modified) in known
    ]


def join(folder: str, name: str) -> str:
    return posixpath.join(folder, name) if folder else name


def place(file: Outgoing, commit: Commit) -> Place:
    """Raises `RejectedData` for a name that is no plain name, `ConfigurationError` for a mask that can't be used."""
    final = file.name
    if not is_safe(final):
        raise RejectedData(f"{final!r} is no file name", where=file.folder, todo="Use a name without slashes and control characters.")
    if commit.rule == "direct":
        return Place(join(file.folder, final))
    if commit.rule == "status_suffix":
        stem = final
        if file.role != "cover":  # a picture beside the feed keeps the name that the record or its ISBN gives it
            stem = final.removesuffix(commit.complete)
            final = stem + commit.complete
        return Place(join(file.folder, final), join(file.folder, _other(stem + commit.travelling, final)))
    mask = commit.temporary
    stem = posixpath.splitext(final)[0]
    temporary = _other(_fill(mask, name=final, stem=stem, sha8=file.sha256[:8]), final)
    content_named = "{sha8}" in mask
    leftover = None
    if content_named and ("{name}" in mask or "{stem}" in mask):
        before, _, after = _fill(mask, name=final, stem=stem, sha8="\0").partition("\0")
        leftover = before, after
    return Place(join(file.folder, final), join(file.folder, temporary), leftover, content_named)


def leftovers(names: Iterable[str], places: Mapping[tuple[str, str], T]) -> Iterator[tuple[str, T]]:
    """The names that are temporary names of one of the places, by `Place.leftover`, each with that place's value."""
    for name in names:
        for digits in _SHA8.finditer(name):
            if (found := places.get((name[: digits.start()], name[digits.start() + 8 :]))) is not None:
                yield name, found


def closing(files: Sequence[Outgoing], commit: Commit, key: str) -> list[Outgoing]:
    """What follows once all of `files` are there: the manifest, or a done-file for each message (for each file, if there is none).

    Files that bring a manifest of their own get no other, and the done-file is for the last of these.
    """
    messages = [file for file in files if file.role == "message"] or list(files)
    if commit.rule == "manifest_last" and files and not any(file.role == "manifest" for file in files):
        return [_manifest(files, messages[0], commit, key)]
    if commit.rule == "done_file":
        messages = [file for file in files if file.role == "manifest"][-1:] or messages
        done = {
            (file.folder, _fill(commit.done, name=file.name, stem=PurePosixPath(file.name).stem, sha8=file.sha256[:8])): file
            for file in messages
        }
        return [_made(name, folder, b"", "done") for folder, name in done]
    return []


def _manifest(files: Sequence[Outgoing], about: Outgoing, commit: Commit, key: str) -> Outgoing:
    """Deterministic, so that a repeated delivery finds its manifest there. Names are relative to the manifest's folder."""
    content = {
        "delivery": key,
        "files": [
            {"name": posixpath.relpath(join(file.folder, file.name), about.folder or "."), "bytes": file.bytes, "sha256": file.sha256}
            for file in files
        ],
    }
    name = _fill(commit.manifest, name=about.name, stem=PurePosixPath(about.name).stem, sha8=about.sha256[:8])
    return _made(name, about.folder, json.dumps(content, indent=2, ensure_ascii=False).encode() + b"\n", "manifest")


def _made(name: str, folder: str, content: bytes, role: str) -> Outgoing:
    def opened() -> BinaryIO:
        return io.BytesIO(content)

    return Outgoing(name, folder, len(content), hashlib.sha256(content).hexdigest(), opened, role)


def _fill(mask: str, **values: str) -> str:
    try:
        return mask.format(**values)
    except (KeyError, IndexError, ValueError) as bad:
        raise ConfigurationError(f"the name mask {mask!r} can't be filled: {bad}", todo="Use {name}, {stem} and {sha8} only.") from bad


def _other(temporary: str, final: str) -> str:
    if temporary == final or not is_safe(temporary):
        raise ConfigurationError(
            f"{temporary!r} can't be the temporary name of {final!r}", todo="Change `temporary` or `travelling` in the partner's file."
        )
    return temporary
