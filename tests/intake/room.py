"""A mail room: a mirror with a few titles, files of each sort, and the moves of one delivery."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, select

from include.intake.match import TitleIndex
from include.intake.receive import Arrival, Outcome, receive
from include.intake.source import Source
from include.ledger.file_rows import ContractRow, IntakeFileRow, TitleFileRow
from include.ledger.models import Base, ProductRow, WorkRow
from include.partners.inboxes import Inbox
from include.titles import codec
from tests.deliveries.desk import isbn, product, work

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
KINDS = ("manuscript", "questionnaire", "permission", "artwork", "promotional")


def inbox(**changes: Any) -> Inbox:
    """An inbox over SFTP that expects what authors send; names say that a file is whole."""
    given: dict[str, Any] = {
        "id": "authors", "name": "Authors", "transport": {"protocol": "sftp", "connection": "inbox_authors", "folder": "/incoming"},
        "finished": {"rule": "rename"}, "kinds": KINDS,
    }  # fmt: skip
    return Inbox.model_validate(given | changes)


def _at(name: str) -> zipfile.ZipInfo:
    """A member of always the same time: equal content, equal bytes."""
    info = zipfile.ZipInfo(name, (2026, 1, 5, 9, 0, 0))
    info.compress_type = zipfile.ZIP_DEFLATED
    return info


def docx(words: str = "Chapter One") -> bytes:
    """A Word document, as small as one can be."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as document:
        document.writestr(
            _at("[Content_Types].xml"),
            '<?xml version="1.0" encoding="UTF-8"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            '<Override PartName="/word/document.xml" '
            'ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>',
        )
        document.writestr(
            _at("_rels/.rels"),
            '<?xml version="1.0" encoding="UTF-8"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
            '<Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" '
            'Target="word/document.xml"/></Relationships>',
        )
        document.writestr(
            _at("word/document.xml"),
            '<?xml version="1.0" encoding="UTF-8"?><w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">'
            f"<w:body><w:p><w:r><w:t>{words}</w:t></w:r></w:p></w:body></w:document>",
        )
    return out.getvalue()


def picture(colour: tuple[int, int, int] = (120, 40, 40), format: str = "TIFF", size: tuple[int, int] = (60, 90)) -> bytes:
    from PIL import Image

    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, format)
    return out.getvalue()


def pdf(text: str = "") -> bytes:
    import pikepdf

    out = io.BytesIO()
    with pikepdf.new() as document:
        document.add_blank_page(page_size=(300, 400))
        if text:
            document.docinfo["/Subject"] = text
        document.save(out)
    return out.getvalue()


def packed(**members: bytes) -> bytes:
    """A ZIP of members by name; a name is given with `/` as it is."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(_at(name), content)
    return out.getvalue()


@dataclass
class Room:
    """Ledger and store of one test, with works 1 to 4 of one paperback each and contract 4711 for work 1."""

    ledger: Any
    store: Any
    now: datetime = NOW
    seen: int = field(default=0)

    def stock(self) -> Room:
        with self.ledger.session() as session:
            for number in range(1, 5):
                one = product(number, work(number, title=f"The Lamp of Harbour {number}"))
                body = codec.encode_work(one.work)
                session.merge(WorkRow(id=number, title=one.work.title, imprint="Lantern Fiction", digest=codec.digest(body), content=body,
                                      first_seen=self.now, changed_at=self.now))  # fmt: skip
                body = codec.encode_product(one)
                session.merge(ProductRow(id=number, work_id=number, isbn=one.isbn, title=one.full_title, form="BC",
                                         digest=codec.digest(body), content=body, first_seen=self.now, changed_at=self.now))  # fmt: skip
            content = json.dumps({"id": 4711}).encode()
            session.merge(ContractRow(id=4711, work_id=1, name="Agreement", digest="0" * 64, content=content, first_seen=self.now,
                                      changed_at=self.now, read_at=self.now))  # fmt: skip
        return self

    @property
    def index(self) -> TitleIndex:
        with self.ledger.read() as session:
            return TitleIndex(session)

    def bring(self, box: Inbox, *files: tuple[str, bytes]) -> list[Outcome]:
        """Puts files into the store as if they had been fetched, and receives them; each call is another arrival."""
        self.seen += 1
        arrivals = []
        for path, content in files:
            kept = self.store.put(io.BytesIO(content))
            arrivals.append(Arrival(path, kept.sha256, kept.bytes, mark=f"arrival {self.seen}"))
        return receive(self.ledger, self.store, Source.of_inbox(box), self.index, arrivals, now=self.now, who="test")

    def rows(self, **where: Any) -> list[IntakeFileRow]:
        with self.ledger.read() as session:
            return list(session.scalars(select(IntakeFileRow).filter_by(**where).order_by(IntakeFileRow.id)))

    def files(self, **where: Any) -> list[TitleFileRow]:
        with self.ledger.read() as session:
            return list(session.scalars(select(TitleFileRow).filter_by(**where).order_by(TitleFileRow.id)))

    def row_counts(self) -> dict[str, int]:
        """Rows of every table of the ledger."""
        with self.ledger.read() as session:
            return {table.name: session.scalar(select(func.count()).select_from(table)) or 0 for table in Base.metadata.sorted_tables}


__all__ = ["KINDS", "NOW", "Room", "docx", "inbox", "isbn", "packed", "pdf", "picture"]
