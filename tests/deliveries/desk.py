"""A small mirror, written straight into the ledger, and a night of feeding from it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from include.deliveries.build import Built, FeedBuild
from include.ledger import deliveries
from include.ledger.models import ProductRow, WorkRow
from include.partners import load_house, load_partner
from include.partners.model import Partner
from include.titles import codec
from include.titles.model import Contributor, Price, Product, Resource, Subject, Text, Work

NOW = datetime(2026, 11, 21, 1, 30, tzinfo=UTC)


def isbn(number: int) -> str:
    """A valid ISBN-13 of the 978-1-4028 group, by number."""
    body = f"9781402{number:05d}"
    check = -sum(int(digit) * (1, 3)[place % 2] for place, digit in enumerate(body)) % 10
    return f"{body}{check}"


def work(number: int, **changes: Any) -> Work:
    clean = Work(
        id=number,
        title=f"Work {number}",
        imprint_id=1,
        imprint="Lantern Fiction",
        contributors=(Contributor(1, "A01", "Ana Lima", "Ana", "Lima", "Lima, Ana", biography="Ana Lima writes."),),
        subjects=(Subject("10", "FIC019000", "FICTION / Literary", main=True), Subject("93", "FBA", "Modern fiction", main=True)),
        texts=(Text("02", "Short."), Text("03", "<p>Long.</p>", html=True)),
        resources=(Resource(number, f"https://covers.example/{number}.jpg", width=1600, height=2400, mime="image/jpeg"),),
    )
    return replace(clean, **changes)


def product(number: int, of: Work | None = None, **changes: Any) -> Product:
    clean = Product(
        id=number,
        work=of or work(number),
        kind="PhysicalBookProduct",
        isbn=isbn(number),
        title_without_prefix=f"Work {number}",
        full_title=f"Work {number}",
        form="BC",
        format="Paperback",
        publishing_status="04",
        publication_date=date(2026, 3, 2),
        height_mm=Decimal(198),
        width_mm=Decimal(129),
        pages=320,
        prices=(
            Price(Decimal("9.99"), "GBP", "02"),
            Price(Decimal("14.99"), "USD", "01"),
            Price(Decimal("12.99"), "EUR", "02"),
        ),
        sold_worldwide=True,
    )
    return replace(clean, **changes)


@dataclass
class Desk:
    """A ledger with a mirror in it, and the moves of one night."""

    ledger: Any
    store: Any
    now: datetime = NOW
    house: Any = field(default_factory=load_house)

    def put(self, *products: Product) -> None:
        """Writes products and their works into the mirror, as a sync would."""
        with self.ledger.session() as session:
            for one in products:
                body = codec.encode_work(one.work)
                row = WorkRow(id=one.work.id, title=one.work.title, imprint=one.work.imprint, digest=codec.digest(body), content=body,
                              first_seen=self.now, changed_at=self.now)  # fmt: skip
                session.merge(row)
                body = codec.encode_product(one)
                session.merge(ProductRow(id=one.id, work_id=one.work.id, isbn=one.isbn, title=one.full_title, digest=codec.digest(body),
                                         content=body, first_seen=self.now, changed_at=self.now))  # fmt: skip

    def delete(self, number: int) -> None:
        with self.ledger.session() as session:
            session.get(ProductRow, number).deleted_at = self.now

    def build(self, partner: Partner | str = "northgate", **asked: Any) -> Built:
        partner = load_partner(partner) if isinstance(partner, str) else partner
        return FeedBuild(self.ledger, self.store, partner, self.house, self.now, **asked).build()

    def arrive(self, built: Built) -> None:
        """All files of the delivery are at the partner."""
        with self.ledger.session() as session:
            deliveries.start(session, built.delivery_id, now=self.now)
            deliveries.mark_delivered(session, built.delivery_id, self.now)

    def night(self, partner: Partner | str = "northgate", **asked: Any) -> Built:
        """Builds, lets it arrive, and moves on to the next night."""
        built = self.build(partner, **asked)
        if built.delivery_id:
            self.arrive(built)
        self.now += timedelta(days=1)
        return built

    def message(self, built: Built) -> bytes:
        """The message of a delivery, as it goes."""
        with self.ledger.read() as session:
            row = deliveries.get(session, built.delivery_id)
            return bytes(self.store.open(next(file.sha256 for file in row.files if file.role == "message")).read())

    def row(self, built: Built) -> Any:
        with self.ledger.read() as session:
            row = deliveries.get(session, built.delivery_id)
            assert row.files
            session.expunge_all()
            return row
