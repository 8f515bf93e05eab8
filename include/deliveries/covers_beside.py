"""Covers as files beside the feed, for partners who take them so: fetched, converted, stored, named."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from io import BytesIO

from include.errors import ConfigurationError, RejectedData, TransientError
from include.feeds.onix.collateral import front_cover
from include.ledger.deliveries import NewFile
from include.partners import Partner
from include.store import ArtefactStore
from include.titles.model import Product
from include.transfer.naming import is_safe

FETCHES = 8
AT_ONCE = 200  # covers asked for before the first of them is looked at


@dataclass(frozen=True, slots=True)
class Wanted:
    """The cover that goes with one record."""

    product_id: int
    isbn: str
    url: str


@dataclass(frozen=True, slots=True)
class Beside:
    """Cover files, a sentence for each cover that could not go along, and the titles for which that may be mended tomorrow."""

    files: list[NewFile] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    later: set[int] = field(default_factory=set)


def wanted(partner: Partner, product: Product) -> Wanted | None:
    """None where the partner takes no cover files, or the title has none."""
    if partner.feed.covers.by != "file":
        return None
    cover = front_cover(product.work, product.resources)
    return Wanted(product.id, product.isbn, cover.url) if cover else None


def identity(partner: Partner) -> Callable[[Product], str]:
    """What makes a cover another one: where it is, its size, its day. Empty for partners without cover files."""

    def of(product: Product) -> str:
        cover = front_cover(product.work, product.resources) if partner.feed.covers.by == "file" else None
        return f"{cover.url} {cover.bytes} {cover.updated}" if cover else ""

    return of


def prepare(partner: Partner, store: ArtefactStore, wishes: Sequence[Wanted]) -> Beside:
    """Fetches and converts the covers. One that can't be used is left out with a warning; the record still goes.

    So is one that can't be fetched now; its title is in `later`. Raises `TransientError` if that holds for most of them
    (the image server is down: the whole build is tried again), `ConfigurationError` for a mask that can't be filled.
    """
    beside = Beside()
    if not wishes:
        return beside
    folder = partner.feed.covers.folder or partner.transport.folder
    names: set[str] = set()
    trouble: TransientError | None = None
    for wish, outcome in _fetched(partner, store, wishes):
        if isinstance(outcome, RejectedData | TransientError):
            beside.warnings.append(f"{wish.isbn}: {outcome}")
            if isinstance(outcome, TransientError):
                trouble = outcome
                beside.later.add(wish.product_id)
            continue
        name = _name(partner, wish.isbn)
        if not wish.isbn or not is_safe(name) or name in names:
            beside.warnings.append(f"{wish.isbn or wish.product_id}: {name!r} is no name for a cover, or another one bears it")
            continue
        names.add(name)
        beside.files.append(NewFile(name, folder, outcome[1], outcome[0], "cover"))
    if trouble is not None and len(beside.later) * 2 > len(wishes):
        raise trouble
    return beside


def _name(partner: Partner, isbn: str) -> str:
    mask = partner.feed.covers.name
    try:
        return mask.format(isbn=isbn)
    except (KeyError, IndexError, ValueError) as bad:
        where = f"config/partners/{partner.id}.toml, feed.covers.name"
        raise ConfigurationError(f"the mask {mask!r} can't be filled: {bad}", where=where, todo="Use {isbn} only.") from bad


Outcome = tuple[str, int] | RejectedData | TransientError


def _fetched(partner: Partner, store: ArtefactStore, wishes: Sequence[Wanted]) -> Iterator[tuple[Wanted, Outcome]]:
    from include.feeds import covers  # Pillow and requests, for the few partners who take cover files

    def one(wish: Wanted) -> Outcome:
        try:
            artefact = store.put(BytesIO(covers.prepare_cover(BytesIO(covers.fetch(wish.url)), partner.feed.covers)))
        except (RejectedData, TransientError) as bad:
            return bad
        return artefact.sha256, artefact.bytes

    with ThreadPoolExecutor(FETCHES, thread_name_prefix="covers") as pool:
        for start in range(0, len(wishes), AT_ONCE):
            some = wishes[start : start + AT_ONCE]
            yield from zip(some, pool.map(one, some), strict=True)
