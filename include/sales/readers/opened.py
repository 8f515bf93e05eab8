"""A report file and what is in it: one text, a workbook's sheets, an XML message, or several of these in an archive."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from include.errors import RejectedData
from include.files import compound, signatures, sniff, unpack
from include.files.bounds import printable
from include.files.model import Refused
from include.partners.inboxes import Limits
from include.sales.readers.biff import OldSheet, OldWorkbook
from include.sales.readers.text import TextSheet, wide
from include.sales.readers.tree import TreeSheet
from include.sales.readers.workbook import Workbook, WorkbookSheet
from include.store import ArtefactStore

AnySheet = TextSheet | WorkbookSheet | OldSheet | TreeSheet
LIMITS = Limits(file_bytes=20_000_000_000, unpacked_bytes=40_000_000_000, members=20_000, ratio=1000)
_BESIDE = frozenset({".pdf", ".html", ".htm", ".jpg", ".jpeg", ".png", ".md", ".docx", ".doc", ".rtf", ".eml"})  # come with reports
_SAVE = "Save it as CSV or XLSX, or ask for the report itself."


@dataclass(slots=True)
class Opened:
    """All sheets of a file, of its archive's members one after the other."""

    sheets: list[AnySheet] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)  # members that are no tables: a letter, a picture
    copies: dict[str, str] = field(default_factory=dict)  # members that are another one again, byte for byte → that one


@contextmanager
def opened(path: Path, name: str, limits: Limits = LIMITS) -> Iterator[Opened]:
    """The file's sheets, as long as the context lasts. Raises `RejectedData`: empty, encrypted, damaged, no table, an archive bomb."""
    with ExitStack() as open_things:
        found = Opened()
        if not path.stat().st_size:
            raise RejectedData("the file is empty", where=printable(name), todo="Ask for it again.")
        sniffed = sniff.sniff(path, name)
        if unpack.is_archive(sniffed):
            _members(path, name, limits, open_things, found)
            if not found.sheets:
                raise RejectedData("the archive holds no table", where=printable(name), todo="Ask for the report itself.")
        else:
            found.sheets += _sheets(path, "", name, limits, open_things)
        yield found


def _members(path: Path, name: str, limits: Limits, open_things: ExitStack, found: Opened) -> None:
    room = Path(open_things.enter_context(tempfile.TemporaryDirectory(prefix="colophon-report-")))
    store = ArtefactStore(str(room))
    try:
        members = list(unpack.members(path, name, limits, store))
    except Refused as refused:
        raise RejectedData(refused.what, where=refused.where or printable(name), todo=refused.todo) from refused
    seen: dict[str, str] = {}
    for member in sorted(members, key=lambda one: one.path):
        if member.refused is not None or member.artefact is None:
            why = member.refused
            raise RejectedData(why.what if why else "a member can't be read", where=printable(member.path), todo=why.todo if why else _SAVE)
        if sniff.suffix(member.path) in _BESIDE:
            found.passed_over.append(member.path)
            continue
        if (first := seen.setdefault(member.artefact.sha256, member.path)) != member.path:
            found.copies[member.path] = first
        local = open_things.enter_context(store.local(member.artefact.sha256))
        if local.stat().st_size:
            found.sheets += _sheets(local, member.path, member.path, limits, open_things)
        else:
            found.passed_over.append(member.path)


def _sheets(local: Path, member: str, name: str, limits: Limits, open_things: ExitStack) -> list[AnySheet]:
    sniffed = sniff.sniff(local, name)
    with local.open("rb") as stream:
        head = stream.read(512)
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if sniffed.extension == ".xlsx" or (head.startswith(b"PK") and sniffed.family == "spreadsheet"):
        return list(open_things.enter_context(Workbook(local, limits, member)).sheets)
    if head.startswith(compound.MAGIC):
        if sniffed == compound.LOCKED:
            raise RejectedData("the workbook is behind a password", where=printable(name), todo="Ask for it without one.")
        return list(OldWorkbook(local, member).sheets)
    if head.startswith(b"\x09\x08\x10\x00"):  # BIFF without a compound file around it
        return list(OldWorkbook(local, member).sheets)
    if sniffed == signatures.HTML or start.startswith((b"<html", b"<!doctype html", b"<table")):
        raise RejectedData("this is a web page, though perhaps called a spreadsheet", where=printable(name), todo=_SAVE)
    if sniffed.family == "xml" or start.startswith(b"<?xml"):
        return [TreeSheet(local, member)]
    if sniffed.family == "text" or sniffed == signatures.UNKNOWN or sniffed.extension in {".csv", ".tsv", ".txt"}:
        if sniffed == signatures.UNKNOWN and not _might_be_text(head):
            raise RejectedData("this is no text and no workbook", where=printable(name), todo=_SAVE)
        return [TextSheet(local, member)]
    raise RejectedData(f"this is {sniffed.media_type}, not a table", where=printable(name), todo=_SAVE)


def _might_be_text(head: bytes) -> bool:
    """UTF-16 without a mark has zeros, all on one side; other binaries have control characters as well."""
    if name := wide(head):
        head = head[: len(head) // 2 * 2].decode(name, "replace").encode()
    return not any(byte < 9 or 13 < byte < 32 for byte in head if byte) and head.count(0) <= len(head) // 4
