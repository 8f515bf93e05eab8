"""An old archive, grown by rule: imprint/year/title folders with what lies in such places, and what must become of each file.

`python -m tests.archives.tree FOLDER FILES` grows one to look at. Contents are cheap to make and true to their names, so that a
hundred thousand of them take seconds.
"""

from __future__ import annotations

import io
import os
import sys
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from tests.deliveries.desk import isbn

OF_A_TITLE = 25  # files
MODIFIED = 1_200_000_000  # 2008; each file a little later than the one before


@dataclass
class Grown:
    """What was put there. `fates` says for each path (bytes, as the server has it) what must become of it."""

    root: Path
    fates: dict[bytes, str] = field(default_factory=dict)
    bytes: int = 0

    @property
    def counts(self) -> Counter[str]:
        return Counter(self.fates.values())


def grow(root: Path, files: int, *, rich: bool = True) -> Grown:
    """`files` files. `rich`: pictures, PDFs and packed files among them, which take longer to look at."""
    grown = Grown(root)
    made: set[bytes] = set()
    for number, (path, content, fate) in enumerate(_files(files, rich)):
        whole = os.fsencode(root) + b"/" + path
        folder = whole.rpartition(b"/")[0]
        if folder not in made:
            Path(os.fsdecode(folder)).mkdir(parents=True, exist_ok=True)
            made.add(folder)
        Path(os.fsdecode(whole)).write_bytes(content)
        os.utime(whole, (MODIFIED + number, MODIFIED + number))
        grown.fates[path] = fate
        grown.bytes += len(content)
    return grown


def _files(files: int, rich: bool) -> Iterator[tuple[bytes, bytes, str]]:
    last = (b"", b"")
    for number in range(files):
        title = number // OF_A_TITLE + 1
        home = f"Lantern Fiction/{1996 + title % 20}/Work {title}"
        code = isbn(title)
        said = f"Chapter {number}. The lamp of work {title} was lit.\n".encode() * (1 + number % 7)
        match number % 25:
            case 3:
                yield f"{home}/Manuscripts/{code}_empty_{number}.txt".encode(), b"", "unreadable"
            case 4:
                yield f"{home}/_old/copy of {number} of a file.txt".encode(), last[1] or said, "duplicate"
            case 5:
                yield f"Scans/{number // 500}/page {number}.txt".encode(), said, "unknown or proposed"
            case 6:
                yield f"{home}/Interiors/{code}_text_{number}.pdf".encode(), b"MZ" + said, "unreadable"
            case 7 if rich:
                yield f"{home}/Covers/{code}_cover_v{number}.pdf".encode(), _pdf(number), "attached"
            case 8 if rich and number % 50 == 8:
                inner = _packed({f"{code}_notes_{number}.txt": said, "setup.exe": b"MZ\x90\0" + said})
                yield f"{home}/Manuscripts/{code} {number}.zip".encode(), _packed({f"all/{code}.zip": inner}), "attached"
            case 9:
                odd = f"{home}/Manuscripts/{code} caf\\e9 {number}.txt".encode().replace(b"\\e9", b"\xe9")
                yield odd, said, "attached"
            case 10 if number % 50 == 10:
                yield f"{home}/Manuscripts/{code} two\nlines\tand \\ {number}.txt".encode(), said, "attached"
            case 11 if number % 100 == 11:
                deep = "/".join([f"a folder with a rather long name, because people do that, {level}" for level in range(13)])
                yield f"{home}/{deep}/{code} {number}.txt".encode(), said, "attached"
            case 12 if rich:
                yield f"{home}/Artwork/{code}_map_{number}.png".encode(), _png(number), "attached"
            case _:
                last = f"{home}/Manuscripts/{code}_manuscript_v{number}.txt".encode(), said
                yield *last, "attached"


def _packed(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return out.getvalue()


def _pdf(number: int) -> bytes:
    return _blank().replace(b"%%EOF", b"%%EOF\n%% %d" % number)


@cache
def _blank() -> bytes:
    import pikepdf

    out = io.BytesIO()
    with pikepdf.new() as document:
        document.add_blank_page(page_size=(300, 400))
        document.save(out)
    return out.getvalue()


def _png(number: int) -> bytes:
    from PIL import Image

    out = io.BytesIO()
    Image.new("RGB", (4, 4), (number % 256, number // 256 % 256, number // 65536 % 256)).save(out, "PNG")
    return out.getvalue()


if __name__ == "__main__":
    told = grow(Path(sys.argv[1]), int(sys.argv[2]))
    print(f"{len(told.fates):,} files, {told.bytes:,} bytes: {dict(told.counts)}")
