"""A picture desk: Cloudinary's stand-in and a Consonance on one port, a ledger with their titles, a store that can be reached."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select

from include.clients.exchange import Patience
from include.intake.ladder import Ladder
from include.ledger import cover_lists, covers
from include.ledger.file_rows import TitleFileRow
from include.ledger.licence_rows import CoverRow, CoverUseRow
from include.ledger.models import EventRow, ProductRow, WorkRow
from include.media import choice, listing, masters, titles
from include.media.fetching import Fetcher
from include.media.summary import summary
from include.partners.covers import CoverRules
from include.store.signed import Signer
from include.titles import codec
from include.titles.model import Collection
from include.titles.model import Work as Title
from tests.clients.cloudinary_library import Library
from tests.clients.tenant import Waits, client_of

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
KEY = "0" * 32
OTHER_KEY = "0123456789abcdef0123456789abcdef"
RESOURCES = "query q($id: Int!) { work(workSearch: {idEq: $id}) { supportingResources { id filename url productIds } } }"


@dataclass
class Studio:
    library: Library
    ledger: Any
    store: Any
    signer: Signer
    consonance: str = ""  # another address than the library's
    rules: CoverRules = field(default_factory=lambda: CoverRules(revision="revision"))
    now: datetime = NOW

    def __post_init__(self) -> None:
        self.cloudinary = self.library.client()
        self.client = client_of(self.consonance or str(self.library.http.base_url), Waits(), key=OTHER_KEY if self.consonance else KEY)
        self.fetcher = Fetcher(timeout=5, patience=Patience(tries=2, first=0.01))

    @property
    def catalogue(self) -> Any:
        return self.library.stand_in.catalogue

    def mirror(self, *work_ids: int) -> Studio:
        """These works of the sandbox, or all that its covers are about and those of the series, as `catalogue_sync` would keep them."""
        wanted = set(work_ids) or {cover.work for cover in self.library.stand_in.covers if cover.work} | {work.id for work in self.series()}
        with self.ledger.session() as session:
            for work in (one for one in self.catalogue.works() if one.id in wanted):
                series = tuple(Collection(one.series.name, issn=one.series.print_issn) for one in work.memberships)
                body = codec.encode_work(Title(work.id, work.title, reference=f"LQ-{work.id}", collections=series))
                common = {"digest": "0" * 64, "first_seen": NOW, "changed_at": NOW}
                session.merge(WorkRow(id=work.id, title=work.title, content=body, **common))
                for one in work.products:
                    session.merge(ProductRow(id=one.id, work_id=work.id, isbn=one.isbn or "", form="BC", content=b"{}", **common))
        return self

    def series(self) -> list[Any]:
        """The works of the series that has a banner."""
        name = next(cover.series for cover in self.library.stand_in.covers if cover.kind == "series")
        return [work for work in self.catalogue.works() if any(one.series.name == name for one in work.memberships)]

    def emptied(self) -> Studio:
        """Without any cover: those of the first day are large, and take their time."""
        main = self.library.stand_in.main
        with main.lock:
            main.assets.clear()
        self.rules = self.rules.model_copy(update={"min_pixels": 150})
        return self

    def upload(self, isbn: str = "", status: str = "approved", **more: Any) -> str:
        """A small cover of somebody's; its public id."""
        given = {"isbn": isbn, "status": status, "width": 120, "height": 180} | more
        return str(self.library.switch(upload={name: value for name, value in given.items() if value != ""})["assets"][0]["public_id"])

    def isbns(self, place: int = 0) -> list[str]:
        """Those of one of the series' works."""
        return [one.isbn for one in self.series()[place].products if one.isbn]

    # --- the flow's moves

    def read(self, **more: Any) -> Counter[str]:
        counts = listing.read(self.ledger, self.cloudinary, self.rules, queue="manual", now=self.now)
        self.taken = masters.take(self.ledger, self.store, self.cloudinary, self.fetcher, self.rules, now=self.now, **more)
        return counts + self.taken.counts

    def bring(self, **more: Any) -> Counter[str]:
        with self.ledger.session() as session:
            chosen = choice.choose(session)
            choice.note_lost(session, chosen, self.now)
        settled = titles.settle(self.ledger, self.store, chosen, now=self.now, **more)
        shown = titles.show(self.ladder(), lambda: datetime.now(UTC))
        self.problems = settled.problems + shown.problems
        return settled.counts + shown.counts

    def ladder(self) -> Ladder:
        return Ladder(self.ledger, self.store, self.client, self.signer.url)

    def run(self) -> Counter[str]:
        return self.read() + self.bring()

    # --- what came of it

    def cover(self, **wanted: Any) -> Any:
        """The first planted cover that is so."""
        return next(one for one in self.library.stand_in.covers if all(getattr(one, name) == value for name, value in wanted.items()))

    def product(self, isbn: str) -> ProductRow:
        with self.ledger.read() as session:
            row: ProductRow = session.scalars(select(ProductRow).where(ProductRow.isbn == isbn)).one()
            return row

    def on(self, isbn: str) -> dict[str, str]:
        """Kind → public id of the covers that an edition has now."""
        query = select(CoverUseRow.kind, CoverRow.public_id).join(CoverRow, CoverRow.id == CoverUseRow.cover_id)
        with self.ledger.read() as session:
            found = session.execute(query.where(CoverUseRow.product_id == self.product(isbn).id, CoverUseRow.state != covers.WITHDRAWN))
            return {kind: public_id for kind, public_id in found}  # noqa: C416 - rows are no pairs for mypy

    def told(self, isbn: str) -> list[tuple[str, str, list[str]]]:
        """(public id, moderation, reasons) as the title's page shows them."""
        with self.ledger.read() as session:
            found = covers.of_product(session, self.product(isbn).id)
            return [(one.cover.public_id, one.cover.moderation, [reason["message"] for reason in one.reasons]) for one in found]

    def standing(self, isbn: str, kind: str = "front") -> list[tuple[str, str]]:
        """(public id, what became of it) as the title's page shows them: what it has, what one must know, the others."""
        product = self.product(isbn)
        with self.ledger.read() as session:
            (found,) = [one for one in cover_lists.of_product(session, product.id, product.work_id) if one.kind == kind]
            every = [*([found.current] if found.current else []), *found.news, *found.others]
            return [(one.cover.public_id, one.standing) for one in every]

    def left(self) -> str:
        """What the run leaves to people."""
        with self.ledger.read() as session:
            return "\n".join(summary(session))

    def files(self, isbn: str, part: str = "front cover") -> list[TitleFileRow]:
        with self.ledger.read() as session:
            query = select(TitleFileRow).where(TitleFileRow.product_id == self.product(isbn).id, TitleFileRow.part == part)
            return list(session.scalars(query.order_by(TitleFileRow.id)))

    def made(self, isbn: str) -> list[dict[str, Any]]:
        """What was added to Consonance's resources for this edition, also what no edition shows any more."""
        answer = self.library.http.post(
            "/graphql",
            json={"query": RESOURCES, "variables": {"id": self.product(isbn).work_id}},
            headers={"Authorization": f"Bearer {KEY}"},
        )
        return [one for one in answer.json()["data"]["work"]["supportingResources"] if one["filename"].startswith(f"{isbn}-")]

    def shown(self, isbn: str) -> list[bytes]:
        """The pictures that Consonance serves for this edition now, those of its first day apart."""
        id = self.product(isbn).id
        return [self.library.http.get(one["url"]).content for one in self.made(isbn) if id in one["productIds"]]

    def requests(self) -> Counter[str]:
        """To Cloudinary, so far."""
        return Counter(self.library.stats()["requests"])

    def mutations(self) -> int:
        return sum(self.library.http.get("/sandbox/stats").json()["mutations"].values())

    def events(self) -> int:
        with self.ledger.read() as session:
            return len(session.scalars(select(EventRow.id)).all())
