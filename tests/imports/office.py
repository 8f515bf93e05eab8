"""An editorial office: a mirror of the sandbox's Consonance, sheets that come in, and what happens to them."""

from __future__ import annotations

import io
import re
import shutil
import zipfile
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import openpyxl
from sqlalchemy import func, select

from include.catalogue.mirror import synchronise
from include.clients.consonance import Consonance
from include.imports import answer, record, settle, workbooks
from include.imports.apply import Applied, Applying
from include.imports.mapping import Mapping, load_mapping
from include.imports.offers import offers
from include.imports.record import Taken
from include.ledger import imports
from include.ledger.database import Ledger
from include.ledger.models import Base
from include.ledger.sales_rows import TitleImportLineRow, TitleImportRow, WorkbookRow
from include.partners import load_house, load_inbox
from include.store import ArtefactStore
from tests.clients.tenant import Waits, client_of
from tests.sandbox.conftest import KEY, Server
from tests.schema import upgraded

NIGHT = datetime(2026, 11, 20, 23, 0, tzinfo=UTC)
NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


@dataclass
class Office:
    """Ledger, store and tenant of one test; `now` moves on with each step."""

    ledger: Ledger
    store: ArtefactStore
    server: Server
    client: Consonance
    mapping: Mapping = field(default_factory=lambda: load_mapping("season"))
    now: datetime = NOW

    def sync(self, at: datetime | None = None) -> None:
        synchronise(self.ledger, self.client, load_house(), at or self.now)

    def take(self, name: str, content: bytes, **more: Any) -> Taken:
        kept = self.store.put(io.BytesIO(content))
        given = {"arrived": None, "now": self.now} | more
        return record.take(self.ledger, self.store, self.mapping, offers(self.client), sha256=kept.sha256, name=name, **given)

    def applying(self, import_id: int) -> Applying:
        return Applying(self.ledger, self.client, load_house(), self.mapping, import_id, lambda: self.now)

    def work_through(self, import_id: int) -> Applied | None:
        """What the flow does with a sheet in one run."""
        settle.settle(self.ledger, self.client, load_house(), self.mapping, offers(self.client), import_id, now=self.now)
        done = None
        if record.begin(self.ledger, import_id):
            done = self.applying(import_id).run()
            workbooks.prepare_all(self.ledger, self.store, self.mapping, import_id, now=self.now)
        record.conclude(self.ledger, import_id, now=self.now)
        self.now += timedelta(minutes=15)
        return done

    def answer(self, import_id: int) -> tuple[Any, answer.Answer]:
        """The marked sheet as the sender opens it."""
        made = answer.prepare(self.ledger, self.store, load_inbox("titles"), self.mapping, import_id, now=self.now)
        return openpyxl.load_workbook(io.BytesIO(self.store.open(self.sheet(import_id).answer).read())), made

    def sheet(self, import_id: int) -> TitleImportRow:
        with self.ledger.read() as session:
            row = imports.get(session, import_id)
            session.expunge_all()
            return row

    def lines(self, import_id: int) -> dict[int, TitleImportLineRow]:
        with self.ledger.read() as session:
            found = {line.row: line for line in imports.lines(session, import_id)}
            session.expunge_all()
            return found

    def books(self, import_id: int) -> list[WorkbookRow]:
        with self.ledger.read() as session:
            found = imports.workbooks(session, imports.get(session, import_id))
            session.expunge_all()
            return found

    def mutations(self) -> int:
        stats = self.server.control("stats").json()
        return int(stats["mutations"].get("updateWork", 0))

    def editions(self, count: int) -> list[tuple[Any, Any]]:
        """Works of which nothing was planted, with their first edition."""
        works = (work for work in self.server.catalogue.works() if not self.server.catalogue.is_planted(work.id))
        sound = ((work, product) for work in works for product in work.products[:1] if product.isbn and product.full_title == work.title)
        return list(islice(sound, count))

    def row_counts(self) -> dict[str, int]:
        with self.ledger.read() as session:
            return {table.name: session.scalar(select(func.count()).select_from(table)) or 0 for table in Base.metadata.sorted_tables}


def mirrored(server: Server, folder: Path) -> Path:
    """A ledger with the mirror of this tenant, to be copied: reading it takes its time."""
    path = folder / "mirror.sqlite"
    ledger = Ledger(str(path))
    upgraded(ledger)
    synchronise(ledger, client_of(server.url, Waits(), key=KEY), load_house(), NIGHT)
    ledger.dispose()
    return path


def office_of(server: Server, mirror: Path, folder: Path, **settings: Any) -> Office:
    ledger = Ledger(str(shutil.copy(mirror, folder / "ledger.sqlite")))
    return Office(ledger, ArtefactStore(str(folder / "store")), server, client_of(server.url, Waits(), key=KEY, **settings))


def workbook(*rows: list[Any], made: datetime = NOW) -> bytes:
    """A workbook with these rows, which says that it was last saved at `made`."""
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    out, dated = io.BytesIO(), io.BytesIO()
    book.save(out)
    with zipfile.ZipFile(out) as source, zipfile.ZipFile(dated, "w", zipfile.ZIP_DEFLATED) as target:
        for info in source.infolist():
            data = source.read(info)
            if info.filename == "docProps/core.xml":  # openpyxl writes the time of saving there, whatever one says
                data = re.sub(rb"(<dcterms:modified[^>]*>)[^<]*", rb"\g<1>" + f"{made:%Y-%m-%dT%H:%M:%SZ}".encode(), data)
            target.writestr(info.filename, data)
    return dated.getvalue()
