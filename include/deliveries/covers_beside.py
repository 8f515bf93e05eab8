"""Covers as files beside the feed, for partners who take them so: fetched, converted, stored, named."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from io import BytesIO

from include.errors import RejectedData
from include.ledger.deliveries import NewFile
from include.partners import Partner
from include.store import ArtefactStore
from include.titles.model import Product, Resource

FETCHES = 8


@dataclass(frozen=True, slots=True)
class Wanted:
    """The cover that goes with one record."""

    isbn: str
    url: str


@dataclass(frozen=True, slots=True)
class Beside:
    """Cover files, and a sentence for each cover that could not go along."""

    files: list[NewFile] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def front_cover(product: Product) -> Resource | None:
    """The product's own front cover (List 158 code 01), else the work's."""
    return next((r for r in (*product.resources, *product.work.resources) if r.content_type == "01" and r.url), None)


def wanted(partner: Partner, product: Product) -> Wanted | None:
    """None where the partner takes no cover files, or the title has none."""
    if partner.feed.covers.by != "file":
        return None
    cover = front_cover(product)
    return Wanted(product.isbn, cover.url) if cover else None


def identity(partner: Partner) -> Callable[[Product], str]:
    """What makes a cover another one: where it is, its size, its day. Empty for partners without cover files."""

    def of(product: Product) -> str:
        cover = front_cover(product) if partner.feed.covers.by == "file" else None
        return f"{cover.url} {cover.bytes} {cover.updated}" if cover else ""

    return of


def prepare(partner: Partner, store: ArtefactStore, wishes: Sequence[Wanted]) -> Beside:
    """Fetches and converts the covers. One that can't be used is left out with a warning; the record still goes.

    Raises `TransientError` if the image server can't be reached now: the whole build is tried again.
    """
    beside = Beside()
    if not wishes:
        return beside
    folder = partner.feed.covers.folder or partner.transport.folder
    for wish, outcome in _fetched(partner, store, wishes):
        if isinstance(outcome, RejectedData):
            beside.warnings.append(f"{wish.isbn}: {outcome}")
        else:
            name = partner.feed.covers.name.format(isbn=wish.isbn)
            beside.files.append(NewFile(name, folder, outcome[1], outcome[0], "cover"))
    return beside


def _fetched(partner: Partner, store: ArtefactStore, wishes: Sequence[Wanted]) -> Iterator[tuple[Wanted, tuple[str, int] | RejectedData]]:
    from include.feeds import covers  # Pillow and requests, for the few partners who take cover files

    def one(wish: Wanted) -> tuple[str, int] | RejectedData:
        try:
            artefact = store.put(BytesIO(covers.prepare_cover(BytesIO(covers.fetch(wish.url)), partner.feed.covers)))
        except RejectedData as bad:
            return bad
        return artefact.sha256, artefact.bytes

    with ThreadPoolExecutor(FETCHES, thread_name_prefix="covers") as pool:
        yield from zip(wishes, pool.map(one, wishes), strict=True)
