"""Reads what FTP servers print about their files: the facts of RFC 3659, or `ls -l` in its common forms."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from include.transfer.model import Listed, RemoteEntry
from include.transfer.naming import join

# `ls -l` as vsftpd and its kin print it, and the listing of Microsoft's server
_UNIX = re.compile(r"^([-dlbcps])\S{9}\S*\s+\d+\s+\S+\s+\S+\s+(\d+)\s+\w{3}\s+\d{1,2}\s+[\d:]{4,5} (.*)$")
_DOS = re.compile(r"^\d\d-\d\d-\d{2,4}\s+\d\d:\d\d(?:AM|PM)?\s+(<DIR>|\d+)\s+(.*)$")


def facts_of(line: str, folder: str) -> RemoteEntry | None:
    """`type=file;size=5;modify=20260101120000; name` (RFC 3659, section 7)."""
    told, separator, name = line.partition(" ")
    if not separator:
        return None
    facts = {key.lower(): value for key, _, value in (fact.partition("=") for fact in told.split(";")) if key}
    kind = facts.get("type", "file").lower()
    if kind in {"cdir", "pdir"}:
        kind = "dir"
        name = name if folder == "" else "."
    is_dir = kind == "dir"
    size = facts.get("size", "0")
    return RemoteEntry(name, join(folder, name), int(size) if size.isdigit() and not is_dir else 0, moment(facts.get("modify", "")), is_dir)


def list_line(line: str, folder: str) -> RemoteEntry | None:
    """A line of LIST; None for anything else, such as `total 12`. Its dates say no time zone: left out."""
    if found := _UNIX.match(line):
        kind, size, name = found.groups()
        if kind == "l":
            name = name.partition(" -> ")[0]
        return RemoteEntry(name, join(folder, name), 0 if kind == "d" else int(size), None, kind == "d")
    if found := _DOS.match(line):
        size, name = found.groups()
        return RemoteEntry(name, join(folder, name), 0 if size == "<DIR>" else int(size), None, size == "<DIR>")
    return None


def listed(line: str, *, told: bool) -> Listed | None:
    """One line of MLSD (`told`) or LIST as one name of the folder; None for what names nothing (`.`, `..`, `total 12`, no text).

    A line that can't be read is `unnamed`, so that nothing is passed over in silence: a name with a line break in it is
    two such lines.
    """
    entry = (facts_of(line, "") if _FACTS.match(line) else None) if told else list_line(line, "")
    if entry is None:
        return None if not line.strip() or _TOTAL.match(line) else Listed(line[:300], 0, None, "unnamed")
    if entry.name in {"", ".", ".."}:
        return None
    sort = "folder" if entry.is_dir else _sort_told(line) if told else _SORTS.get(line[:1], "file")
    if "/" in entry.name:
        sort = "unnamed"
    return Listed(entry.name, entry.bytes if sort == "file" else 0, entry.modified, sort)


def lines_of(stream: Iterable[bytes]) -> Iterator[str]:
    """Lines of a listing without their ends. Where they end in CR LF, as the standard says, a bare LF belongs to a name."""
    standard: bool | None = None
    line = b""
    for piece in stream:
        standard = piece.endswith(b"\r\n") if standard is None else standard
        line += piece
        if not standard or piece.endswith(b"\r\n"):
            yield line.decode("utf-8", "surrogateescape").rstrip("\r\n")
            line = b""
    if line:
        yield line.decode("utf-8", "surrogateescape").rstrip("\r\n")


_FACTS = re.compile(r"^ ?(?:[^=;\s]+=[^;]*;)* ")
_TOTAL = re.compile(r"^total \d+\s*$")
_SORTS = {"l": "link", "p": "special", "s": "special", "c": "special", "b": "special"}


def _sort_told(line: str) -> str:
    """`type=OS.unix=slink:/target` and the like (RFC 3659, section 7.5.1.5)."""
    found = re.search(r"(?i)(?:^|;)type=(os\.[^;]*)", line.partition(" ")[0])
    if not found:
        return "file"
    return "link" if "link" in found[1].lower() else "special"


def moment(text: str) -> datetime | None:
    """`YYYYMMDDHHMMSS[.sss]`, always UTC (RFC 3659, section 2.3)."""
    try:
        return datetime.strptime(text.strip()[:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None
