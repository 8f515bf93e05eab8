"""Reports as an inbox hands them over, one by one: whose they are, what they become, whom to ask, what is late."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from sqlalchemy import func, select

from include.ledger.database import Ledger
from include.ledger.file_rows import IntakeFileRow
from include.ledger.models import Base, ProductRow, WorkRow
from include.ledger.sales_rows import SalesBatchRow, SalesPartRow, SalesProductRow
from include.partners.registry import load_inbox, load_sources
from include.sales import arrivals, undo, workbook
from include.sales.calendar import Due
from include.sales.layout import load_layouts
from include.store import ArtefactStore
from include.titles import codec
from include.titles.model import Product, Work
from sandbox.catalogue import Catalogue
from sandbox.sales import LAYOUTS, folder_of, make
from tests.schema import upgraded

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
TODAY = NOW.date()
MONTH = "2026-09"
CATALOGUE = Catalogue(1, 60, TODAY)
LAYOUTS_OF_CONFIG = load_layouts()


@dataclass
class Desk:
    ledger: Any
    store: Any
    folder: Path
    inbox: Any = field(default_factory=lambda: load_inbox("sales"))
    sources: Any = field(default_factory=load_sources)
    layouts: Any = ()
    told: list[Due] = field(default_factory=list)

    def arrive(self, path: str, content: bytes) -> int:
        """A file that the inbox has taken."""
        file = self.folder / "arriving"
        file.write_bytes(content)
        artefact = self.store.put(file)
        with self.ledger.session() as session:
            number = session.scalar(select(func.count()).select_from(IntakeFileRow))
            row = IntakeFileRow(
                inbox="sales", path=path, mark=str(number), name=path, sha256=artefact.sha256, bytes=artefact.bytes, state="taken",
                seen_at=NOW, looked_at=NOW,
            )  # fmt: skip
            session.add(row)
            session.flush()
            return row.id

    def drop(self, layout: str, *hazards: str, **wanted: Any) -> dict[str, Any]:
        """What the sender says of its report, and the number of its arrival."""
        folder = wanted.pop("folder", folder_of(layout))
        told = make(CATALOGUE, self.folder, {"layout": layout, "month": MONTH, "hazards": list(hazards), **wanted})
        return told | {"arrival": self.arrive(f"{folder}/{told['name']}", (self.folder / told["name"]).read_bytes())}

    def take(self, told: dict[str, Any]) -> arrivals.Taken:
        return arrivals.take(
            self.ledger, self.store, self.inbox, told["arrival"], sources=self.sources, layouts=self.layouts, now=NOW, who="test"
        )  # fmt: skip

    def batch(self, taken: arrivals.Taken) -> SalesBatchRow:
        with self.ledger.read() as session:
            row = session.get_one(SalesBatchRow, taken.batch)
            assert row.parts is not None
            return row

    def row(self, told: dict[str, Any]) -> IntakeFileRow:
        with self.ledger.read() as session:
            return session.get_one(IntakeFileRow, told["arrival"])

    def net(self) -> dict[str, Decimal]:
        """What counts now, of all batches."""
        with self.ledger.read() as session:
            found: dict[str, Decimal] = {}
            for part in session.scalars(select(SalesPartRow).where(SalesPartRow.claim.is_not(None), SalesPartRow.currency != "")):
                found[part.currency] = found.get(part.currency, Decimal(0)) + part.net
            return found

    def counts(self) -> dict[str, int]:
        with self.ledger.read() as session:
            return {table.name: session.scalar(select(func.count()).select_from(table)) or 0 for table in Base.metadata.sorted_tables}


@pytest.fixture(scope="module")
def mirrored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a ledger with the sandbox's sixty titles."""
    path = tmp_path_factory.mktemp("mirrored") / "ledger.sqlite"
    stamps: dict[str, Any] = {"digest": "", "first_seen": NOW, "changed_at": NOW}
    ledger = upgraded(Ledger(str(path)))
    with ledger.session() as session:
        for work in CATALOGUE.works():
            known = Work(work.id, work.title or "", reference=work.reference, doi=work.doi)
            session.add(WorkRow(id=work.id, title=known.title, content=codec.encode_work(known), **stamps))
            for one in work.products:
                product = Product(one.id, known, isbn=one.isbn or "", asin=one.asin, internal_reference=one.reference)
                content = codec.encode_product(product)
                session.add(ProductRow(id=one.id, work_id=work.id, isbn=product.isbn, title=known.title, content=content, **stamps))
    ledger.dispose()
    return path


@pytest.fixture
def desk(colophon_home: Path, mirrored: Path, store: ArtefactStore, tmp_path: Path) -> Iterator[Desk]:
    shutil.copy(mirrored, colophon_home / "ledger.sqlite")
    ledger = Ledger()
    yield Desk(ledger, store, tmp_path, layouts=LAYOUTS_OF_CONFIG)
    ledger.dispose()


def wanted(told: dict[str, Any]) -> dict[str, Decimal]:
    found = told["paid"] or {currency: cell["net"] for currency, cell in told["totals"].items() if currency}
    return {currency: Decimal(amount) for currency, amount in found.items()}


def test_every_layout_comes_to_what_its_sender_sold_to_the_cent_of_its_workbooks_and_all_products_are_titles(desk):
    for layout in LAYOUTS:
        told = desk.drop(layout)
        taken = desk.take(told)
        assert (taken.became, taken.state, taken.rejected, taken.unmatched) == ("batch", "loaded", 0, 0), (layout, taken)
        batch = desk.batch(taken)
        assert batch.layout == layout
        net = {part.currency: part.net for part in batch.parts if part.net}
        assert net == {currency: amount for currency, amount in wanted(told).items() if amount}, layout
        units = sum(cell["units"] for cell in told["totals"].values()) + told["pages"]
        assert sum(part.sold - part.returned + part.usage for part in batch.parts) == units, layout
    with desk.ledger.read() as session:
        sold: dict[str, Decimal] = {}
        for part in session.scalars(select(SalesPartRow).where(SalesPartRow.claim.is_not(None), SalesPartRow.currency != "")):
            sold[part.currency] = sold.get(part.currency, Decimal(0)) + part.net
        numbers = session.scalars(select(SalesBatchRow.id).order_by(SalesBatchRow.id)).all()
    written: dict[str, Decimal] = {}
    for number in numbers:
        made = workbook.make(desk.ledger, desk.store, number, NOW)
        assert {one.code for one in made.waiting} <= {"no-value"}, number  # IngramSpark's new report has units alone
        for book in made.workbooks:
            for currency in sold.keys() & book.totals.keys():
                written[currency] = written.get(currency, Decimal(0)) + Decimal(book.totals[currency])
    assert {code: amount for code, amount in written.items() if amount} == {code: amount for code, amount in sold.items() if amount}


TEXT = ("utf16", "decimal_comma", "parentheses", "totals_row", "preamble")


@pytest.mark.parametrize(
    ("layout", "hazards"),
    [
        ("generic", TEXT), ("generic", ("trailing_minus", "quoted_isbn")), ("generic", ("isbn10",)), ("generic", ("float_isbn",
        "zero_price")),
        ("kobo", ("float_isbn", "totals_row")), ("kdp_prior_month", ("float_isbn",)), ("consonance", ("float_isbn",)),
        ("lightning_source", ("utf16", "parentheses")), ("apple_financial", ("utf16",)), ("bisg_flat", ("utf16", "trailing_minus")),
        ("editx", ("utf16",)), ("jstor", ("utf16",)), ("counter_5", ("utf16", "totals_row")), ("counter_51", ("totals_row",)),
    ],
)  # fmt: skip
def test_ways_of_writing_change_no_total(desk, layout, hazards):
    told = desk.drop(layout, *hazards)
    taken = desk.take(told)
    assert (taken.became, taken.rejected, taken.unmatched, taken.asks) == ("batch", 0, 0, False), taken
    assert {part.currency: part.net for part in desk.batch(taken).parts if part.net} == {k: v for k, v in wanted(told).items() if v}


@pytest.mark.parametrize("layout", ["generic", "kobo", "google_earnings", "lightning_source", "jstor"])
def test_what_is_planted_comes_up_and_nothing_else(desk, layout):
    told = desk.drop(layout, "unknown_isbn", "lost_isbn", *(("not_held",) if layout == "generic" else ()))
    planted = {one["hazard"]: one for one in told["planted"]}
    taken = desk.take(told)
    assert (taken.became, taken.rejected, taken.unmatched) == ("batch", 1, 1), taken
    with desk.ledger.read() as session:
        (open_,) = session.scalars(select(SalesProductRow).where(SalesProductRow.state == "unmatched"))
        assert (open_.id_value, open_.product_id) == (planted["unknown_isbn"]["isbn"], None)
        if layout == "generic":
            held = session.scalars(select(SalesProductRow).where(SalesProductRow.id_value == planted["not_held"]["isbn"])).one()
            assert held.product_id == planted["not_held"]["product_id"]
    assert any("could not be read" in sentence for sentence in taken.said)


def test_a_report_in_an_archive_is_read_where_it_lies(desk):
    told = make(CATALOGUE, desk.folder, {"layout": "kobo", "month": MONTH})
    packed = BytesIO()
    with ZipFile(packed, "w") as archive:
        archive.write(desk.folder / told["name"], told["name"])
    taken = desk.take({"arrival": desk.arrive("kobo/september.zip", packed.getvalue())})
    assert (taken.became, taken.state, taken.unmatched) == ("batch", "loaded", 0)
    assert {part.currency: part.net for part in desk.batch(taken).parts} == wanted(told)


def test_a_total_that_does_not_agree_asks_and_an_approval_lets_it_go_on(desk):
    taken = desk.take(desk.drop("apple_financial", "broken_total"))
    assert (taken.state, taken.asks) == ("unbalanced", True)
    assert any("the report says" in sentence for sentence in taken.said)
    assert "waits for a person" in (arrivals.goes_on(desk.ledger, taken.batch) or "")
    said = {"how": "difference", "note": "a rounding of theirs", "now": NOW, "who": "ada"}
    assert arrivals.approved(desk.ledger, desk.store, taken.batch, **said) == "approved"
    assert arrivals.goes_on(desk.ledger, taken.batch) is None
    assert arrivals.approved(desk.ledger, desk.store, taken.batch, **said) == "approved"


def test_the_same_report_again_is_a_duplicate_whatever_it_is_called(desk):
    first = desk.take(desk.drop("kobo"))
    before = desk.net()
    again = desk.drop("kobo", name="mailed once more.xlsx")
    taken = desk.take(again)
    assert (taken.became, taken.batch) == ("duplicate", first.batch)
    assert (desk.row(again).state, desk.row(again).clues["became"]) == ("duplicate", {"sales batch": first.batch})
    assert desk.net() == before


def test_a_restated_month_is_resolved_by_its_sources_rule(desk):
    for layout in ("kobo", "coresource", "lightning_source"):
        name = {"coresource": "bisg_flat"}.get(layout, layout)
        first, second = desk.take(desk.drop(name)), desk.drop(name, "restated")
        taken = desk.take(second)
        rule = next(source.restated for source in desk.sources if source.id == layout)
        found = desk.batch(taken)
        if rule == "refuse":
            assert (found.state, taken.asks) == ("refused", True)
            done = arrivals.approved(desk.ledger, desk.store, taken.batch, how="replace", note="", now=NOW, who="ada")
            assert done == "approved"
        assert found.overlap == {"replace": "replaces", "difference": "difference", "refuse": "refused"}[rule]
        expected = "loaded" if rule == "difference" else "undone"
        assert desk.batch(first).state == expected
        with desk.ledger.read() as session:
            parts = session.scalars(select(SalesPartRow).where(SalesPartRow.source == layout, SalesPartRow.claim.is_not(None))).all()
        net: dict[str, Decimal] = {}
        for part in parts:
            net[part.currency] = net.get(part.currency, Decimal(0)) + part.net
        assert net == wanted(second)


def test_undo_restores_what_a_replacing_batch_had_undone(desk):
    first = desk.drop("kobo")
    desk.take(first)
    before = desk.net()
    second = desk.take(desk.drop("kobo", "restated"))
    assert desk.net() != before
    undo.undo(desk.ledger, second.batch, now=NOW, who="ada", note="theirs was wrong")
    assert desk.net() == before == wanted(first)


def test_the_order_of_reports_does_not_matter(desk, tmp_path_factory):
    names = ["kobo", "bisg_flat", "generic"]
    for name in names:
        desk.take(desk.drop(name))
    home = tmp_path_factory.mktemp("other")
    other = Desk(Ledger(str(home / "ledger.sqlite")), ArtefactStore(str(home / "store")), home, layouts=desk.layouts)
    upgraded(other.ledger)
    for name in reversed(names):
        other.take(other.drop(name))
    assert other.net() == desk.net()
    other.ledger.dispose()


def test_who_was_stopped_after_loading_takes_the_same_arrival_up_again(desk):
    told = desk.drop("kobo")
    first = desk.take(told)
    with desk.ledger.session() as session:
        session.get_one(IntakeFileRow, told["arrival"]).state = "taken"
    before = desk.counts()
    assert desk.take(told).batch == first.batch
    assert desk.take(told).to_json() == first.to_json()
    assert {name: count for name, count in desk.counts().items() if name != "event"} == {n: c for n, c in before.items() if n != "event"}


# --- what nobody can read


@pytest.mark.parametrize(
    ("path", "content", "code", "words"),
    [
        ("kobo/notes.csv", b"a,b\n1,2\n", "layout-unknown", "no known report"),
        ("kobo/empty.xlsx", b"", "layout-unknown", ""),
        ("elsewhere/report.csv", b"a,b\n1,2\n", "source-unknown", "no source sends files here"),
        (
            "northgate/nearly.csv",
            b"ISBN,Title,Author,Date,Country,Quantity,List price,Net value\n9781915000019,A,B,2026-09-01,GB,1,4.00,2.00\n",
            "layout-unknown",
            "Currency",
        ),
    ],
)
def test_a_file_that_is_no_report_is_set_aside_with_its_reason(desk, path, content, code, words):
    number = desk.arrive(path, content)
    taken = desk.take({"arrival": number})
    row = desk.row({"arrival": number})
    assert (taken.became, taken.batch, row.state) == ("set aside", None, "quarantined")
    (reason,) = row.reasons
    assert reason["code"] == code
    assert words in reason["message"]
    assert reason["todo"]


def test_another_sources_report_says_whose_it_is_like(desk):
    told = desk.drop("jstor", folder="apple")
    assert desk.take(told).became == "set aside"
    (reason,) = desk.row(told).reasons
    assert reason["code"] == "layout-unexpected"
    assert "JSTOR" in reason["message"]


def test_set_aside_and_then_read_again_once_the_source_takes_it(desk):
    told = desk.drop("jstor", folder="apple")
    desk.take(told)
    with desk.ledger.session() as session:
        session.get_one(IntakeFileRow, told["arrival"]).state = "taken"  # a person said: read it again
    desk.sources = [one.model_copy(update={"files": ("**",)}) if one.id == "jstor" else one for one in desk.sources]
    assert desk.take(told).became == "batch"


# --- late


def test_what_is_late_is_told_once_and_not_while_a_file_waits(desk):
    desk.take(desk.drop("kobo", month="2026-08"))

    def newly(now: datetime = NOW) -> list[str]:
        return [one.key for one in arrivals.newly_late(desk.ledger, desk.inbox, desk.sources, now=now, tell=desk.told.extend)]

    waiting = desk.drop("kobo", month="2026-09")
    assert newly() == []
    desk.take(waiting)
    assert newly() == ["kobo 2026-10"]
    assert newly() == []
    assert newly(datetime(2027, 1, 2, tzinfo=UTC)) == ["kobo 2026-11"]
    assert [one.key for one in desk.told] == ["kobo 2026-10", "kobo 2026-11"]


def test_what_became_known_is_to_be_prepared(desk):
    taken = desk.take(desk.drop("kobo"))
    assert arrivals.to_prepare(desk.ledger) == [taken.batch]
    undo.undo(desk.ledger, taken.batch, now=NOW, who="ada")
    assert arrivals.to_prepare(desk.ledger) == []
