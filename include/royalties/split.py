"""An exported file in, statements out: PDF by what its pages say, CSV by payee, members of a ZIP each by itself."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from include.errors import RejectedData
from include.files import unpack
from include.files.model import Refused, Sniffed
from include.intake import handing
from include.partners.inboxes import Limits
from include.royalties import rows, sheets
from include.royalties.alike import still_shows
from include.royalties.cut import Cutter
from include.royalties.layout import StatementLayout
from include.royalties.statements import CSV, PDF, Part, Said, reason
from include.store import Artefact, ArtefactStore

_AGAIN = "Export it again from Consonance; compare it with config/statements/*.toml."


@dataclass(slots=True)
class Splitter:
    """Cuts files apart into the store. What is in a file and can't be read or is nobody's comes as a part with reasons."""

    store: ArtefactStore
    layouts: Sequence[StatementLayout]
    limits: Limits

    def split(self, local: Path, name: str) -> Iterator[Part]:
        """All parts of a file. Raises `RejectedData` where nothing of it can be read: no layout fits, encrypted, broken, unsafe."""
        sniffed = handing.examine(local, name, self.limits)
        if unpack.is_archive(sniffed):
            yield from self._members(local, name)
        else:
            yield from self._file(local, sniffed, "")

    def _file(self, local: Path, sniffed: Sniffed, lead: str) -> Iterator[Part]:
        if sniffed.media_type == PDF:
            yield from self._pages(local, lead)
        elif sniffed.family in {"table", "text", "data"} or sniffed.media_type.startswith("text/"):
            yield from self._rows(local, lead)
        else:
            raise RejectedData(f"statements are PDF or CSV, and this is {sniffed.media_type or 'of unknown type'}", todo=_AGAIN)

    def _members(self, local: Path, name: str) -> Iterator[Part]:
        """Each member by itself; one that can't be read is kept as a part that is nobody's, and the rest goes on."""
        found = list(unpack.members(local, name, self.limits, self.store))  # an archive that ends in a bomb gives nothing
        if not found:
            raise RejectedData("the archive is empty", todo=_AGAIN)
        for member in found:
            lead = f"{member.path}, "
            if member.refused is not None or member.artefact is None:
                told = member.refused or Refused("archive-broken", "it can't be read")
                artefact = member.artefact or self._empty()
                yield Part(f"{lead}member", "", artefact, reasons=[reason(told.code, told.what, member.path[:200], told.todo)])
                continue
            with self.store.local(member.artefact.sha256) as path:
                try:
                    sniffed = handing.examine(path, PurePosixPath(member.path).name, self.limits)
                    yield from list(self._file(path, sniffed, lead))
                except RejectedData as bad:
                    code = bad.code if isinstance(bad, Refused) else "not-recognised"
                    yield Part(f"{lead}member", "", member.artefact, reasons=[reason(code, bad.what, member.path[:200], bad.todo)])

    def _empty(self) -> Artefact:
        with self.store.create() as out:
            pass
        return out.artefact

    def _pages(self, local: Path, lead: str) -> Iterator[Part]:
        with tempfile.TemporaryDirectory() as folder, Cutter(local) as cutter:
            flat, target = Path(folder) / "flat.pdf", Path(folder) / "part.pdf"
            cutter.save_flat(flat)
            texts = sheets.texts(flat)
            layout = sheets.layout_of(texts, self.layouts)
            if layout is None:
                what = "it has no text: a scan" if not any(text.strip() for text in texts) else "no page is a statement's first"
                raise RejectedData(f"{what}. {sheets.nearest(texts, self.layouts)}", where=lead.rstrip(", "), todo=_AGAIN)
            for one in sheets.grouped(texts, layout):
                if len(one.pages) == 1 and not texts[one.pages[0]].strip() and sheets.draws_nothing(flat, one.pages[0]):
                    continue  # nobody's, and nothing is on it
                cutter.cut(one.pages, target)
                if not _says_the_same(target, [texts[page] for page in one.pages]) and not still_shows(flat, one.pages, target):
                    what = "cut out, its pages do not show what they showed"
                    one.reasons.append(reason("not-checkable", what, one.position, "Print it to PDF anew."))
                yield Part(lead + one.position, PDF, self.store.put(target), one.said, layout.id, one.reasons)

    def _rows(self, local: Path, lead: str) -> Iterator[Part]:
        header, _ = rows.header_of(local)
        layout = rows.layout_of(header, self.layouts)
        if layout is None:
            what = f"the columns are no layout's. {rows.nearest(header, self.layouts)}"
            raise RejectedData(what, where=lead.rstrip(", "), todo=_AGAIN)
        any_row = False
        with rows.grouped(local, layout) as statements:
            for one in statements:
                any_row = True
                yield Part(lead + one.position, CSV, self.store.put(one.file), one.said, layout.id, one.reasons)
        if not any_row:
            raise RejectedData("there is no row under the header: no statement", where=lead.rstrip(", "), todo=_AGAIN)


def _says_the_same(cut: Path, given: Sequence[str]) -> bool:
    try:
        return sheets.texts(cut) == given
    except RejectedData:
        return False


def whole(name: str, artefact: Artefact, why: RejectedData) -> Part:
    """A file of which nothing can be read, as one part that is nobody's."""
    code = why.code if isinstance(why, Refused) else "not-recognised"
    return Part("whole file", "", artefact, Said(), reasons=[reason(code, why.what, name[:200], why.todo)])
