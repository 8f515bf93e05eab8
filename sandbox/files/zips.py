"""Zip files that are the same bytes every time."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from pathlib import Path

Stamp = tuple[int, int, int, int, int, int]


def write(path: Path, members: Iterable[tuple[str, bytes | Path]], stamp: Stamp, *, stored: frozenset[str] = frozenset()) -> None:
    """Members in their order, deflated unless their name is in `stored`; a Path is read in pieces."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            info = zipfile.ZipInfo(name, stamp)
            info.compress_type = zipfile.ZIP_STORED if name in stored else zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            info.create_system = 3
            if isinstance(content, bytes):
                archive.writestr(info, content)
                continue
            info.file_size = content.stat().st_size
            with content.open("rb") as source, archive.open(info, "w", force_zip64=info.file_size > 2**31 - 1) as target:
                while piece := source.read(1 << 20):
                    target.write(piece)
