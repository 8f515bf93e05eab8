"""One zip of a package, the same bytes each time: no clock, no machine, no user in it, and nothing deflated, since what is in it is
packed already and deflating differs from one zlib to the next."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from typing import BinaryIO, cast

from include.store import Artefact, ArtefactStore

MOMENT = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can say
CHUNK = 1 << 20


def write_zip(store: ArtefactStore, files: Sequence[tuple[str, str]]) -> Artefact:
    """A zip of (name, sha256), in this order, streamed from the store into the store."""
    with store.create() as out, zipfile.ZipFile(cast(BinaryIO, out), "w", allowZip64=True) as archive:
        for name, sha256 in files:
            entry = zipfile.ZipInfo(name, MOMENT)
            entry.create_system, entry.external_attr = 3, 0o100644 << 16
            with store.open(sha256) as source, archive.open(entry, "w", force_zip64=store.size(sha256) > 1 << 30) as member:
                while chunk := source.read(CHUNK):
                    member.write(chunk)
    return out.artefact
