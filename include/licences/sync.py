"""Licences of images as Getty tells them: histories, orders, products, withdrawals, details; with what our agreements grant.

Getty publishes neither end, territory nor print run of a licence. Those come from `config/agreements/`, from a sheet of invoice terms
(`include.licences.invoices`), or from a person (`include.licences.edit`); until then they are shown as unknown.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import exists, select
from sqlalchemy.orm import selectinload

from include.clients.getty import Getty
from include.clients.getty.model import Product
from include.ledger import licence_words
from include.ledger import licences as stored
from include.ledger.database import Ledger
from include.ledger.licence_rows import LicenceChangeRow, LicenceRow, LicenceServesRow, LicenceSyncRow
from include.licences import assets, derive, histories, pictures, terms
from include.licences.desk import PRODUCTS, Desk, Tally, allowed
from include.licences.model import Problem, Synced
from include.licences.record import SYNC, settle, settle_state
from include.licences.serves import NOTE, link
from include.partners.licensing import Agreement, Campaign, LicenceRules
from include.store import ArtefactStore

SETTINGS = "settings"
RULES = 1  # to be raised when the reading of terms changes: then all licences are settled anew
CHUNK = 200


def sync(
    ledger: Ledger,
    client: Getty,
    *,
    agreements: Sequence[Agreement],
    campaigns: Sequence[Campaign] = (),
    rules: LicenceRules | None = None,
    store: ArtefactStore | None = None,
    now: datetime,
) -> Synced:
    """Brings all licences up to date. A second run changes nothing, a stopped one goes on where it stood.

    With a `store`, pictures of assets are kept there. A part that Getty has not enabled for the key is among the `problems`, and the others
    go on. Raises `LoginRefused` for a bad key, `TransientError` where Getty does not answer, or throttles for longer than the client's
    patience.
    """
    desk = desk_of(ledger, client, agreements=agreements, campaigns=campaigns, rules=rules or LicenceRules(), store=store, now=now)
    return together([run(desk) for run in PARTS.values()])


def desk_of(
    ledger: Ledger,
    client: Getty,
    *,
    agreements: Sequence[Agreement],
    campaigns: Sequence[Campaign],
    rules: LicenceRules,
    store: ArtefactStore | None = None,
    now: datetime,
) -> Desk:
    return Desk(ledger, client, now, agreements, frozenset(one.id for one in campaigns), rules.history_days, store)


def together(parts: Sequence[Synced]) -> Synced:
    """What several parts did, as one."""
    counts: Counter[str] = Counter()
    problems: list[Problem] = []
    for one in parts:
        counts.update(one.counts)
        problems += [problem for problem in one.problems if problem not in problems]
    return Synced(dict(counts), tuple(problems))


def products(desk: Desk) -> Synced:
    """Products of our agreements: the only end that Getty tells."""

    def read(tally: Tally) -> None:
        found = {
            one.id: {
                "type": one.type, "name": one.name, "status": one.status, "agreement": one.agreement_name,
                "expires_at": one.expires_at.isoformat() if one.expires_at else None,
            }
            for one in desk.client.products()
        }  # fmt: skip
        with desk.ledger.read() as session:
            row = session.get(LicenceSyncRow, PRODUCTS)
            before = (row.counts.get("products") or {}) if row else {}
        desk.reached(PRODUCTS, told={"products": before | found})  # one that is gone still says when its agreement ended
        tally.counts["products"] += len(found)
        with desk.ledger.read() as session:
            first = session.scalar(select(LicenceRow.id).limit(1)) is None
        if first:  # what comes now is settled by these agreements as it comes
            desk.reached(SETTINGS, told={"digest": _settings(desk)[0]})

    return allowed(desk, PRODUCTS, "products of our agreements", read)


def downloads(desk: Desk) -> Synced:
    return allowed(desk, "downloads", "the download history", lambda tally: histories.read_downloads(desk, tally))


def purchases(desk: Desk) -> Synced:
    return allowed(desk, "purchases", "assets bought on Getty's site", lambda tally: histories.read_purchases(desk, tally))


def changes(desk: Desk) -> Synced:
    return allowed(desk, assets.CHANGES, "withdrawals and other changes of assets", lambda tally: assets.read_changes(desk, tally))


def details(desk: Desk) -> Synced:
    return allowed(desk, "details", "details of the assets", lambda tally: assets.read_details(desk, tally))


def small_pictures(desk: Desk) -> Synced:
    return allowed(desk, "pictures", "pictures of the assets", lambda tally: pictures.read_pictures(desk, tally))


def settled(desk: Desk) -> Synced:
    """Without Getty: agreements and products that changed, titles that came into the mirror since, licences that ended, words to find."""

    def work(tally: Tally) -> None:
        _agreements(desk, tally)
        _titles(desk, tally)
        _ended(desk, tally)
        licence_words.renew(desk.ledger)

    return allowed(desk, "settled", "licences", work)


TOLD = "told"


def untold(ledger: Ledger, problems: Sequence[Problem], *, now: datetime) -> list[Problem]:
    """Those that the last run did not have: people are told of each once, and again where it went and came back. Noted before they are
    told, so that nobody hears it twice."""
    keys = {hashlib.sha256(f"{one['where']} {one['what']}".encode()).hexdigest()[:16]: one for one in problems}
    with ledger.session() as session:
        row = session.get(LicenceSyncRow, TOLD) or LicenceSyncRow(part=TOLD, seen_at=now, counts={})
        before = set(row.counts.get("keys") or ())
        row.counts, row.seen_at = {"keys": sorted(keys)}, now
        session.add(row)
    return [one for key, one in keys.items() if key not in before]


PARTS: dict[str, Callable[[Desk], Synced]] = {
    "products": products, "downloads": downloads, "purchases": purchases, "changes": changes, "details": details,
    "pictures": small_pictures, "settled": settled,
}  # fmt: skip
"""In this order: a withdrawal finds its licence, details are read of all that is new."""


def _agreements(desk: Desk, tally: Tally) -> None:
    digest, known, before = _settings(desk)
    if digest == before:
        return
    last = 0
    while True:
        with desk.ledger.session() as session:
            query = select(LicenceRow).where(LicenceRow.id > last).order_by(LicenceRow.id).limit(CHUNK)
            found = list(session.scalars(query.options(selectinload(LicenceRow.serves)).with_for_update()))
            for row in found:
                said = terms.said_of(row.terms)
                desk.grant(said, row, known)
                derive.from_history(said, row)
                tally.counts["changed"] += settle(session, row, said, who=SYNC, now=desk.now)
        if not found:
            break
        last = found[-1].id
    desk.reached(SETTINGS, told={"digest": digest})


def _settings(desk: Desk) -> tuple[str, dict[str, Product], str]:
    """Digest of what all licences are settled by, the products in it, and the digest by which they were settled last."""
    with desk.ledger.read() as session:
        known = desk.products(session)
        kept = session.get(LicenceSyncRow, SETTINGS)
        before = str(kept.counts.get("digest") or "") if kept else ""
    facts = [RULES, [one.model_dump(mode="json") for one in desk.agreements], {id: str(one.expires_at) for id, one in known.items()}]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest(), known, before


def _titles(desk: Desk, tally: Tally) -> None:
    """Notes that named no title of ours may name one now; those that still do not are told. What a person tied or untied stays so."""
    tied = exists().where(LicenceServesRow.licence_id == LicenceRow.id, LicenceServesRow.source == NOTE)
    by_hand = exists().where(
        LicenceChangeRow.licence_id == LicenceRow.id, LicenceChangeRow.field == "serves", LicenceChangeRow.source == "person"
    )
    query = select(LicenceRow).where(LicenceRow.notes.contains("colophon:"), ~tied, ~by_hand).options(selectinload(LicenceRow.serves))
    last = 0
    while True:
        with desk.ledger.session() as session:
            found = list(session.scalars(query.where(LicenceRow.id > last).order_by(LicenceRow.id).limit(CHUNK).with_for_update()))
            linked, problems = link(session, found, desk.campaigns)
            for row in found if linked else ():
                settle_state(session, row, terms.read(row), who=SYNC, now=desk.now)
        tally.counts["linked"] += linked
        tally.tell(problems)
        if not found:
            return
        last = found[-1].id


def _ended(desk: Desk, tally: Tally) -> None:
    while True:
        with desk.ledger.session() as session:
            ids = stored.expired(session, desk.today, limit=CHUNK)
            for id in ids:
                row = stored.get(session, id, lock=True)
                tally.counts["ended"] += settle_state(session, row, terms.read(row), who=SYNC, now=desk.now)
        if len(ids) < CHUNK:
            return
