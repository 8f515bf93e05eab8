"""A book on a shelf: a title of the sandbox's catalogue in the mirror, its files as makers make them, approved or not."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from include.files.sniff import sniff
from include.ledger import title_files
from include.ledger.models import ProductRow, WorkRow
from include.partners import House, Party, load_house, load_party
from include.titles import codec
from include.titles.model import Product, Work
from sandbox.catalogue import Catalogue
from sandbox.files.make import Made, make, orders_of
from sandbox.files.order import Order

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
CATALOGUE = Catalogue(1, 60)


def of_form(form: str) -> Any:
    """The sandbox's first product of a form with everything that a printer needs."""
    kind = {"ED": "ElectronicBook", "AJ": "ElectronicAudio"}.get(form, "PhysicalBook")  # Consonance speaks List 7
    every = (one for work in CATALOGUE.works() for one in work.products if one.kind.startswith(kind) and one.isbn and len(one.isbn) == 13)
    found = (one for one in every if form[0] != "B" or one.form == form)
    return next(one for one in found if form[0] != "B" or (one.pages and one.height_mm and one.width_mm and one.thickness_mm))


@cache
def _made(order: Order) -> Made:
    """Made once for all tests: the same order makes the same bytes."""
    folder = Path(tempfile.mkdtemp(prefix="colophon-made-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return make(order, folder)


@dataclass
class Bookshelf:
    """One title; `product` is as the mirror has it."""

    ledger: Any
    store: Any
    product: Product
    now: datetime = NOW
    house: House = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        self.house = self.house or load_house()
        self.put()

    def put(self, *, stage: str = "Production approved", **changes: Any) -> None:
        """Writes the product into the mirror, with changes."""
        self.product = replace(self.product, **changes, work=replace(self.product.work, stage=stage))
        work, body = self.product.work, codec.encode_work(self.product.work)
        with self.ledger.session() as session:
            session.merge(WorkRow(id=work.id, title=work.title, imprint=work.imprint, stage=stage, digest=codec.digest(body), content=body,
                                  first_seen=self.now, changed_at=self.now))  # fmt: skip
            body = codec.encode_product(self.product)
            session.merge(ProductRow(id=self.product.id, work_id=work.id, isbn=self.product.isbn, title=self.product.full_title,
                                     form=self.product.form, digest=codec.digest(body), content=body, first_seen=self.now,
                                     changed_at=self.now))  # fmt: skip

    def brings(self, kind: str, *, as_part: str | None = None, verdict: str = "approved", shared: bool = False, **order: Any) -> int:
        """A maker's file, attached; gives the version's id. `shared`: it belongs to the whole work."""
        made = [_made(one) for one in orders_of(CATALOGUE, {"kind": kind, "product_id": self.product.id, **order})]
        ids = [
            self.attach(one.kind, one.path, as_part if as_part is not None else one.part, str(order.get("revision", "")), verdict, shared)
            for one in made
        ]
        return ids[0]

    def attach(self, kind: str, path: Path, part: str = "", revision: str = "", verdict: str = "approved", shared: bool = False) -> int:
        artefact = self.store.put(path)
        self.now += timedelta(minutes=1)
        with self.ledger.session() as session:
            new = title_files.NewTitleFile(
                self.product.work.id, kind, path.name, artefact.bytes, artefact.sha256, product_id=None if shared else self.product.id,
                part=part, revision=revision, rank=int(revision or 0) * 10_000, media_type=sniff(path, path.name).media_type,
                review=("production",),
            )  # fmt: skip
            row = title_files.attach(session, new, now=self.now).row
            if verdict != "pending":
                title_files.review(session, row.id, "production", verdict, now=self.now, who="ada", note="see page 3")
            return row.id

    def review(self, file_id: int, verdict: str) -> None:
        with self.ledger.session() as session:
            title_files.review(session, file_id, "production", verdict, now=self.now, who="ada", note="see page 3")


def shelve(ledger: Any, store: Any, form: str, **changes: Any) -> Bookshelf:
    there = of_form(form)
    work = CATALOGUE.work(there.work_id)
    product = Product(
        id=there.id, work=Work(id=there.work_id, title=work.title, imprint="Lantern Fiction", reference=work.reference), isbn=there.isbn,
        full_title=there.full_title or work.title, form=form, format=there.format or "", height_mm=there.height_mm, width_mm=there.width_mm,
        thickness_mm=there.thickness_mm, pages=there.pages, pages_front=there.front_pages, pages_back=there.back_pages,
        pages_total=there.pages + there.front_pages + there.back_pages if there.pages else None,
    )  # fmt: skip
    return Bookshelf(ledger, store, replace(product, **changes))


def party(party_id: str, **tables: Any) -> Party:
    """A shipped party with parts of its file changed: `party("pressmark", handoff={"zipped": True})`."""
    data = load_party(party_id).model_dump(mode="json", exclude_none=True)
    for table, changes in tables.items():
        data[table] = data[table] | changes
    return Party.model_validate(data)
