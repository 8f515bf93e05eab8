"""Members of ZIP, TAR (plain, gzip, bzip2, xz) and 7z archives, into the store, without trust.

Nothing is ever written under a member's own name. What comes out is counted while it comes, over all archives within an
archive together. What is wrong with one member keeps that member out; what is wrong with the archive ends it.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from include.files import bounds, sevenzip, sniff, tarred, zipped
from include.files.model import Refused, Sniffed
from include.partners.inboxes import Limits
from include.store import Artefact, ArtefactStore

_WHOLE = frozenset({"archive-bomb", "archive-members"})  # reasons that end everything, also from an archive within
_NESTABLE = (b"PK\x03\x04", b"PK\x05\x06", b"7z\xbc\xaf", b"\x1f\x8b\x08", b"BZh", b"\xfd7zXZ")


@dataclass(frozen=True, slots=True)
class Member:
    """One file of an archive. `path` has `/` between its parts; a file of an archive within is "inner.zip/page.pdf".

    Exactly one of the two is set, but for an archive within that can't be read: it is kept (`artefact`) and refused.
    """

    path: str
    artefact: Artefact | None
    refused: Refused | None = None


@dataclass(frozen=True, slots=True)
class _Packed:
    name: str
    kind: Literal["file", "folder", "link", "special"]
    data: Iterator[bytes]
    misnamed: bool = False


def is_archive(sniffed: Sniffed) -> bool:
    """Whether this is to be unpacked. An EPUB, DOCX, XLSX, ODT or IDML is one file, though a ZIP inside."""
    return sniffed.family == "archive"


def members(local: Path, name: str, limits: Limits, store: ArtefactStore) -> Iterator[Member]:
    """Every file in the archive at `local`, streamed into the store; archives within are unpacked, too (`limits.depth`).

    Folders, and what macOS and Windows leave behind, are passed over. Hostile members come back refused (path-traversal,
    name-illegal, link-member, special-member, duplicate-member, archive-encrypted, archive-broken, archive-depth) and the
    rest goes on. What the members are is not looked at: give each to `safety.examine`.

    Raises `Refused` when the archive as a whole can't be used: archive-bomb, archive-members, archive-broken,
    archive-encrypted. This may come after some members: use none before the last one has come.
    """
    try:
        yield from _walk(local, name, "", 0, bounds.Budget(limits), store)
    except Refused as refused:
        refused.where = f"{bounds.printable(name)}: {refused.where}" if refused.where else bounds.printable(name)
        raise


def _walk(local: Path, name: str, folder: str, depth: int, budget: bounds.Budget, store: ArtefactStore) -> Iterator[Member]:
    seen: set[str] = set()
    with local.open("rb") as stream:
        for packed in _packed(stream, sniff.sniff(local, name), name, budget):
            budget.member()
            if bounds.noise(packed.name):
                continue
            try:
                path = folder + _allowed(packed, seen)
            except Refused as refused:
                yield Member(folder + bounds.printable(packed.name), None, refused)
                continue
            if packed.kind == "folder":
                continue
            first = b""
            try:
                with store.create() as out:
                    for piece in packed.data:
                        first = first or piece[:1024]
                        out.write(piece)
            except zipped.DamagedMember as damaged:
                yield Member(path, None, Refused(damaged.code, damaged.what, where=path, todo=damaged.todo))
            else:
                if first.startswith(_NESTABLE) or sniff.is_tar(first):
                    yield from _within(path, out.artefact, depth, budget, store)
                else:
                    yield Member(path, out.artefact)


def _within(path: str, artefact: Artefact, depth: int, budget: bounds.Budget, store: ArtefactStore) -> Iterator[Member]:
    with store.local(artefact.sha256) as local:
        if not is_archive(sniff.sniff(local, path)):
            yield Member(path, artefact)
        elif depth >= budget.limits.depth:
            what = f"an archive within {depth + 1} others; {budget.limits.depth} are allowed"
            yield Member(path, artefact, Refused("archive-depth", what, where=path, todo="Ask the sender to pack the files once."))
        else:
            try:
                yield from _walk(local, path.rpartition("/")[2], f"{path}/", depth + 1, budget, store)
            except Refused as refused:
                if refused.code in _WHOLE:
                    raise
                yield Member(path, artefact, Refused(refused.code, refused.what, where=path, todo=refused.todo))


def _allowed(packed: _Packed, seen: set[str]) -> str:
    """The member's clean path. Raises `Refused` with `where`."""
    shown = bounds.printable(packed.name)
    path = bounds.clean(packed.name)
    if packed.misnamed:
        raise Refused("name-illegal", "the name is not the UTF-8 that it says", where=shown, todo="Ask the sender to rename the file.")
    if packed.kind == "link":
        raise Refused("link-member", "a link, not a file", where=shown, todo="Ask the sender for the file itself.")
    if packed.kind == "special":
        raise Refused("special-member", "a device, pipe or sparse file", where=shown, todo="Ask the sender to leave it out.")
    if packed.kind == "file":
        if bounds.same(path) in seen:
            raise Refused("duplicate-member", "two members have this name", where=shown, todo="Ask the sender which one is meant.")
        seen.add(bounds.same(path))
    return path


def _packed(stream: BinaryIO, sniffed: Sniffed, name: str, budget: bounds.Budget) -> Iterator[_Packed]:
    limits = budget.limits
    if sniffed.extension == ".zip":
        entries = zipped.directory(stream, most=limits.members)
        budget.expect(sum(entry.size for entry in entries))
        for entry in entries:
            yield _Packed(entry.name, zip_kind(entry), zipped.data(stream, entry, budget.count), entry.misnamed)
    elif sniffed.extension == ".7z":
        found = sevenzip.directory(stream, most=limits.members)
        budget.expect(found.size)
        for file in sevenzip.members(stream, found, budget.count):
            yield _Packed(file.name, file.kind, file.data)
    elif sniffed.extension == ".tar":
        for one in tarred.members(tarred.plain(stream, budget.count)):
            yield _Packed(one.name, one.kind, one.data)
    elif sniffed.extension.startswith(".tar."):
        for one in tarred.members(tarred.unpacked(stream, budget.count)):
            yield _Packed(one.name, one.kind, one.data)
    else:
        yield _Packed(tarred.single(name), "file", tarred.unpacked(stream, budget.count))


def zip_kind(entry: zipped.Entry) -> Literal["file", "folder", "link", "special"]:
    """What a ZIP member is by its Unix mode, where the archive has one."""
    if entry.folder:
        return "folder"
    kind = stat.S_IFMT(entry.mode)
    if kind == stat.S_IFLNK:
        return "link"
    return "special" if kind not in {0, stat.S_IFREG} else "file"
