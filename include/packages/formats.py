"""Format delivery: e-books, recordings and accessible editions for specialised vendors, each only its formats and titles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import select

from include.deliveries.build import Run
from include.errors import ConfigurationError
from include.files.preflight import Expected
from include.ledger import packages
from include.ledger.chunks import chunks
from include.ledger.database import Ledger
from include.ledger.file_rows import PackageRow, TitleFileRow
from include.ledger.title_files import ATTACHED
from include.packages import checking
from include.packages.build import Item, made
from include.packages.contents import Chosen, Contents, choose
from include.packages.making import (
    Due,
    Making,
    Shelf,
    asked_for,
    in_stages,
    preflight_file,
    put_together,
    shelf,
    stop_what_is_not_due,
    unfit_title,
)
from include.partners import House, Party
from include.partners.packages import Formats
from include.partners.registry import load_vendor
from include.partners.vendors import Vendor
from include.store import ArtefactStore

FLOW = "format_delivery"


def due(ledger: Ledger, party: Party, house: House, now: datetime, words: str = "") -> list[Due]:
    """Titles for this vendor that have a file for it and something to do: those in its stages, or what a person asked for.

    What was delivered and has the same current files, and what waits for the reasons that are written down, is left out, so that a
    back list of any size costs a look at the ledger and no tasks.
    """
    wish = _wish(party)
    if words:
        return asked_for(ledger, wish.products, words, now.date())
    vendor = load_vendor(wish.profile)
    found = in_stages(ledger, wish.products, wish.stages, house, now.date())
    return [one for some in chunks(found) for one in _with_work_to_do(ledger, party, vendor, some)]


def stop(ledger: Ledger, party: Party, house: House, *, now: datetime, run: Run) -> int:
    """Stops packages that have not left of titles whose turn it is no more; gives their number. Looks at these titles only."""
    wish, open_states = _wish(party), (packages.BUILT, packages.HELD, packages.WAITING)
    with ledger.read() as session:
        query = select(PackageRow.product_id).where(PackageRow.partner == party.id, PackageRow.flow == FLOW)
        ids = sorted({id for id in session.scalars(query.where(PackageRow.state.in_(open_states))) if id is not None})
    found: list[Due] = []
    for some in chunks(ids):
        found += in_stages(ledger, wish.products, wish.stages, house, now.date(), among=some)
    return stop_what_is_not_due(ledger, party, FLOW, found, now=now, run=run)


def make(ledger: Ledger, store: ArtefactStore, party: Party, house: House, product_id: int, *, now: datetime) -> Making:
    """One title's package for this vendor, checked and named, or why it waits."""
    wish = _wish(party)
    vendor = load_vendor(wish.profile)
    with ledger.read() as session:
        of = shelf(session, product_id)
    contents = choose(vendor, of.product, of.files)
    if reasons := _reasons(vendor, of, contents):
        return Making(party, FLOW, of.product, None, reasons, contents.notes, contents.chosen)
    checked = checking.check(
        ledger, store, contents.chosen, lambda one: expected(vendor, one, of), now=now, audiobook=_audiobook(vendor, of, contents.chosen)
    )

    def made_for_it(prefix: str, names: Mapping[str, str]) -> list[Item]:
        if not vendor.manifest:
            return []
        return [made(store, "preflight", f"{prefix}preflight.json", preflight_file(names, checked), identity="")]

    return put_together(
        party, FLOW, vendor, of.product, contents, checked, house, folder=wish.folder, made=made_for_it, bare=not vendor.manifest
    )


def expected(vendor: Vendor, one: Chosen, of: Shelf) -> Expected:
    """What one file is checked against."""
    return checking.wanted(vendor, one.part, isbn=of.product.isbn, isbns=of.siblings)


def _wish(party: Party) -> Formats:
    if party.formats is None:
        where = f"config/partners/{party.id}.toml"
        raise ConfigurationError(f"{party.name} gets no formats", where=where, todo="Add a [formats] table, or choose another.")
    return party.formats


def _audiobook(vendor: Vendor, of: Shelf, chosen: Sequence[Chosen]) -> Expected | None:
    track = next((one for one in chosen if one.part.measure == "audio"), None)
    if not vendor.audiobook or track is None:
        return None
    return checking.wanted(vendor, track.part, isbn=of.product.isbn, isbns=of.siblings, total_minutes=of.product.duration_minutes)


def _reasons(vendor: Vendor, of: Shelf, contents: Contents) -> tuple[dict[str, str], ...]:
    return (*unfit_title(of.product), *contents.reasons, *_too_large(vendor, contents.chosen))


def _too_large(vendor: Vendor, chosen: Sequence[Chosen]) -> tuple[dict[str, str], ...]:
    together = sum(one.file.bytes for one in chosen)
    if vendor.max_package_bytes is None or together <= vendor.max_package_bytes:
        return ()
    message = f"the files have {together:,} bytes together; the vendor takes {vendor.max_package_bytes:,}"
    return ({"code": "package-too-large", "message": message, "where": vendor.name, "todo": "Ask for smaller files."},)


def _with_work_to_do(ledger: Ledger, party: Party, vendor: Vendor, some: Sequence[Due]) -> list[Due]:
    with ledger.read() as session:
        works = {one.work_id for one in some}
        has_files = set(
            session.scalars(select(TitleFileRow.work_id).where(TitleFileRow.work_id.in_(works), TitleFileRow.state == ATTACHED))
        )
        ids = [one.product_id for one in some]
        latest: dict[int, PackageRow] = {}
        mine = (PackageRow.partner == party.id, PackageRow.flow == FLOW)
        for row in session.scalars(select(PackageRow).where(*mine, PackageRow.product_id.in_(ids)).order_by(PackageRow.id)):
            if row.product_id is not None and row.state != packages.REPLACED:
                latest[row.product_id] = row
        kept = []
        for one in some:
            if one.work_id not in has_files:
                continue
            of = shelf(session, one.product_id)
            contents = choose(vendor, of.product, of.files)
            needed = {part for some_part in vendor.required_for(of.product.form) for part in some_part}
            here = any(each.part.id in needed for each in contents.chosen)
            if here and not _is_settled(latest.get(one.product_id), contents.chosen, _reasons(vendor, of, contents)):
                kept.append(one)
        return kept


def _is_settled(row: PackageRow | None, chosen: Sequence[Chosen], reasons: Sequence[dict[str, str]]) -> bool:
    if row is None:
        return False
    if row.state == packages.WAITING:
        return bool(reasons) and row.reasons == list(reasons)
    have = {file.title_file_id for file in row.files if file.title_file_id is not None}
    return row.state == packages.DELIVERED and not reasons and have == {one.file.id for one in chosen}
