"""What unpacking may cost, and which names members may have."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from urllib.parse import unquote

from include.files.model import Refused
from include.partners.inboxes import Limits

_BLOCK = 64 << 10  # bytes that a decompressor reads at once
FLOOR = 32 << 20  # bytes: below it no ratio is a bomb (blank pages shrink a thousandfold)
_BOMB = "Do not open it; ask the sender. If it is what it should be, raise `limits` of the inbox."
_RENAME = "Ask the sender to rename the file."
_RESERVED = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|clock\$|com[0-9¹²³]|lpt[0-9¹²³])(?: *\..*)?", re.IGNORECASE)
# Characters that turn the direction of writing or do not show: they make "gpj.exe" look like "exe.jpg".
_HIDDEN = re.compile("[\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\u00ad]")
_DRIVE = re.compile(r"[A-Za-z]:")
_STREAM = re.compile(r":[^ ]")  # NTFS: "photo.jpg:payload.exe" is a second content of photo.jpg
_SLASHES = str.maketrans({
    "\u2044": "/",
    "\u2215": "/",
    "\u29f8": "/",
    "\uff0f": "/",
    "\\": "/",
    "\uff3c": "/",
    "\u2216": "/",
    "\u29f5": "/",
})
_NOISE_FOLDERS = frozenset({"__macosx", ".spotlight-v100", ".trashes", ".fseventsd", ".temporaryitems", "@eadir"})
_NOISE = frozenset({".ds_store", "thumbs.db", "ehthumbs.db", "desktop.ini", ".localized", "icon\r"})


@dataclass(slots=True)
class Budget:
    """Counts what comes out of an archive, archives within it included, and stops at the inbox's limits."""

    limits: Limits
    unpacked: int = 0
    members: int = 0
    _packed: int = field(default=_BLOCK, init=False)
    _out: int = field(default=0, init=False)

    def member(self) -> None:
        """One more member. Raises `Refused` (archive-members)."""
        self.members += 1
        self._packed, self._out = _BLOCK, 0  # a stream's last block may hold several members
        if self.members > self.limits.members:
            raise Refused("archive-members", f"more than {self.limits.members:,} members", todo="Ask the sender to split the archive.")

    def count(self, packed: int, unpacked: int) -> None:
        """Bytes read and bytes they became. Raises `Refused` (archive-bomb) by total, by one member, by ratio."""
        self.unpacked += unpacked
        self._packed += packed
        self._out += unpacked
        if self.unpacked > self.limits.unpacked_bytes:
            raise Refused("archive-bomb", f"unpacks to more than {self.limits.unpacked_bytes:,} bytes", todo=_BOMB)
        if self._out > self.limits.file_bytes:
            raise Refused("archive-bomb", f"a member unpacks to more than {self.limits.file_bytes:,} bytes", todo=_BOMB)
        if self._out > FLOOR and self._out > self._packed * self.limits.ratio:
            raise Refused("archive-bomb", f"unpacked, each of its bytes becomes more than {self.limits.ratio:,}", todo=_BOMB)

    def expect(self, unpacked: int) -> None:
        """What an archive says it will become, before anything is unpacked. Raises `Refused` (archive-bomb)."""
        if self.unpacked + unpacked > self.limits.unpacked_bytes:
            raise Refused("archive-bomb", f"says it unpacks to {unpacked:,} bytes", todo=_BOMB)


def clean(name: str) -> str:
    """The path of a member or file, with `/` between its parts and no `.` or empty parts: "Cover/final.pdf".

    Raises `Refused`: path-traversal (leads out of its folder, also by look-alike or escaped characters; absolute, drive,
    server), name-illegal (control or hidden characters, names that Windows keeps for devices, too long, empty).
    """
    shown = printable(name)
    plain = unicodedata.normalize("NFKC", name.translate(_SLASHES)).translate(_SLASHES)
    for form in (plain, unquote(plain).translate(_SLASHES)):
        if ".." in [part.strip() for part in form.split("/")]:
            raise Refused("path-traversal", "the name leads out of its folder", where=shown, todo="Do not open it; ask the sender.")
    if plain.startswith("/") or _DRIVE.match(plain):
        raise Refused("path-traversal", "the name is an absolute path", where=shown, todo="Ask the sender to pack without full paths.")
    if any(unicodedata.category(char) in {"Cc", "Cs"} for char in name) or _HIDDEN.search(name):
        raise Refused("name-illegal", "the name has control or invisible characters", where=shown, todo=_RENAME)
    parts = [part for part in name.replace("\\", "/").split("/") if part not in {"", "."}]
    if not parts:
        raise Refused("name-illegal", "the name is empty", where=shown, todo=_RENAME)
    if any(_RESERVED.fullmatch(part.strip()) for part in parts):
        raise Refused("name-illegal", "Windows keeps this name for a device", where=shown, todo=_RENAME)
    if parts[-1].endswith((".", " ")) or any(_STREAM.search(part) for part in parts):
        raise Refused("name-illegal", "the name is read differently by different systems", where=shown, todo=_RENAME)
    if any(len(part.encode()) > 255 for part in parts) or sum(len(part) + 1 for part in parts) > 1024:
        raise Refused("name-illegal", "the name is too long", where=shown[:200], todo=_RENAME)
    return "/".join(parts)


def same(path: str) -> str:
    """Equal for two paths that some file system takes for one: case and composed letters do not count."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFKC", path).casefold())


def noise(path: str) -> bool:
    """What macOS, Windows and storage servers leave in archives, and nobody means to send."""
    parts = path.lower().replace("\\", "/").strip("/").split("/")
    return parts[-1] in _NOISE or parts[-1].startswith("._") or not _NOISE_FOLDERS.isdisjoint(parts)


def printable(name: str) -> str:
    """A name for messages: nothing in it moves the cursor or turns the writing around."""
    return "".join(char if char.isprintable() and not _HIDDEN.match(char) else f"\\u{ord(char):04x}" for char in name)[:300]
