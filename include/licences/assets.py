"""What Getty says of the assets themselves: withdrawals and other changes, confirmed there only once they are kept here; and details."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.orm import Session, selectinload

from include.clients.getty.model import AssetChange, ChangeSet, GettyImage
from include.ledger.chunks import chunks
from include.ledger.licence_rows import AssetChangeRow, LicenceRow, LicenceSyncRow
from include.licences import derive, terms
from include.licences.desk import Desk, Tally
from include.licences.histories import DELETE
from include.licences.model import GETTY
from include.licences.record import SYNC, change, digest_of, settle, settle_state

CHANGES = "changes"
ASSETS = 100
"""Images of one request."""
REFRESH = timedelta(days=7)
"""Details are asked for again after so long: changes are told on a channel. Without one, every day."""
DAILY = timedelta(hours=20)
KEPT = timedelta(days=14)
"""So long Getty keeps changes, in its newest words (an older text says 60 days)."""


def read_changes(desk: Desk, tally: Tally) -> None:
    """Pulls each channel until it is empty. A set is kept and committed here, then confirmed there, for good.

    Stopped in between, the set is confirmed by the next run, or told again, and nothing is recorded twice.
    """
    channels = desk.client.channels()
    _tell_of_a_gap(desk, tally)
    for channel in channels:
        name = str(channel.id)
        for left in _unconfirmed(desk, name):
            _confirm(desk, left)
        last = ""
        while (found := desk.client.pull_changes(channel.id)) is not None:
            if found.id == last:
                what = f"channel {name} tells the set {found.id} again, although it was confirmed"
                tally.tell([{"what": what, "where": "asset changes", "todo": "Ask Getty's support; what it says is kept here."}])
                break
            with desk.ledger.session() as session:
                _keep_changes(session, desk, name, found, tally)
            _confirm(desk, found.id)
            last = found.id


def _tell_of_a_gap(desk: Desk, tally: Tally) -> None:
    """What was withdrawn while nobody asked for too long, no channel tells any more."""
    with desk.ledger.read() as session:
        row = session.get(LicenceSyncRow, CHANGES)
        asked = row.seen_at if row else None
    if asked is not None and desk.now - asked > KEPT:
        what = (
            f"nobody asked for changes from {asked.date()} to {desk.today}, and Getty keeps them for {KEPT.days} days: "
            f"withdrawals before {desk.today - KEPT} may be missing"
        )
        todo = "Ask your Getty representative for a list of the assets withdrawn in that time; what Getty no longer shows is on Licences."
        tally.tell([{"what": what, "where": "asset changes", "todo": todo}])


def _unconfirmed(desk: Desk, channel: str) -> list[str]:
    with desk.ledger.read() as session:
        query = select(AssetChangeRow.change_set).where(AssetChangeRow.channel == channel, AssetChangeRow.confirmed_at.is_(None))
        return list(session.scalars(query.distinct().order_by(AssetChangeRow.change_set)))


def _confirm(desk: Desk, change_set: str) -> None:
    desk.client.confirm_changes(change_set)  # False: it was confirmed before we could note it
    with desk.ledger.session() as session:
        session.execute(
            update(AssetChangeRow)
            .where(AssetChangeRow.change_set == change_set, AssetChangeRow.confirmed_at.is_(None))
            .values(confirmed_at=desk.now)
        )


def _keep_changes(session: Session, desk: Desk, channel: str, found: ChangeSet, tally: Tally) -> None:
    """All withdrawals are kept, also of assets that are not ours (their licence may come later), and what follows them; else ours."""
    if found.unreadable:
        what = f"{found.unreadable} changes have no asset or no kind, and were left out"
        tally.tell([{"what": what, "where": f"change set {found.id}", "todo": "Tell Getty's support."}])
    by_asset: dict[str, dict[str, AssetChange]] = {}
    for one in found.changes:
        told_of, lifecycle = by_asset.setdefault(one.asset_id, {}), one.lifecycle.capitalize()[:20]
        if lifecycle not in told_of or _when(told_of[lifecycle], desk.now) <= _when(one, desk.now):  # the order of a set says nothing
            told_of[lifecycle] = one
    assets = sorted(by_asset)
    for chunk in chunks(assets):
        licences, told = _licences(session, chunk), _told(session, channel, chunk)
        once_gone = {asset for asset, lifecycle, *_ in told if lifecycle == DELETE}
        for asset in chunk:
            for lifecycle, one in sorted(by_asset[asset].items(), key=lambda item: (_when(item[1], desk.now), item[0] == DELETE)):
                mine = licences.get(asset, [])
                if (asset, lifecycle, one.changed_at, found.id) in told or (asset, lifecycle, one.changed_at, "") in told:
                    continue
                if lifecycle == DELETE or mine or asset in once_gone:
                    once_gone |= {asset} if lifecycle == DELETE else set()
                    session.add(
                        AssetChangeRow(
                            change_set=found.id, channel=channel, asset_id=asset, lifecycle=lifecycle, changed_at=one.changed_at,
                            seen_at=desk.now,
                        )
                    )  # fmt: skip
                    tally.counts["changes kept"] += 1
                for row in mine:
                    _apply(session, desk, row, lifecycle, one, tally)


def _when(one: AssetChange, now: datetime) -> datetime:
    return one.changed_at or now


def _licences(session: Session, assets: Sequence[str]) -> dict[str, list[LicenceRow]]:
    query = select(LicenceRow).where(LicenceRow.provider == GETTY, LicenceRow.asset_id.in_(assets))
    found: dict[str, list[LicenceRow]] = {}
    for row in session.scalars(query.options(selectinload(LicenceRow.serves)).with_for_update()):
        found.setdefault(row.asset_id, []).append(row)
    return found


def _told(session: Session, channel: str, assets: Sequence[str]) -> set[tuple[str, str, datetime | None, str]]:
    """Changes that are kept: by their set; a withdrawal by its moment, too, whatever set tells it again."""
    query = select(AssetChangeRow).where(AssetChangeRow.channel == channel, AssetChangeRow.asset_id.in_(assets))
    found = set()
    for one in session.scalars(query):
        found.add((one.asset_id, one.lifecycle, one.changed_at, one.change_set))
        if one.changed_at is not None and one.lifecycle == DELETE:  # two updates within a second are two
            found.add((one.asset_id, one.lifecycle, one.changed_at, ""))
    return found


def _apply(session: Session, desk: Desk, row: LicenceRow, lifecycle: str, one: AssetChange, tally: Tally) -> None:
    if lifecycle == DELETE:
        if row.withdrawn_at is None:
            row.withdrawn_at = one.changed_at or desk.now
            settle_state(session, row, terms.read(row), who=SYNC, now=desk.now)
            tally.counts["withdrawn"] += 1
        return
    if lifecycle == "New" and row.withdrawn_at is not None and (one.changed_at is None or one.changed_at >= row.withdrawn_at):
        change(session, row.id, "withdrawn", row.withdrawn_at.isoformat(), "available again", who=SYNC, now=desk.now, source="api")
        row.withdrawn_at = None
        settle_state(session, row, terms.read(row), who=SYNC, now=desk.now)
        tally.counts["available again"] += 1
    row.digest = ""  # to be asked about again


# --- details


def read_details(desk: Desk, tally: Tally) -> None:
    """Title, artist, permitted use, releases and restrictions: of new licences, of changed assets, of those not asked about for days."""
    last = 0
    while chunk := _to_ask(desk, last):
        last = chunk[-1][0]
        for answer in desk.client.images(list(dict.fromkeys(asset for _, asset in chunk))):
            images: dict[str, GettyImage | None] = {one.id: one for one in answer.images} | dict.fromkeys(answer.not_found)
            ids = [id for id, asset in chunk if asset in images]
            if ids:
                with desk.ledger.session() as session:
                    _keep_details(session, desk, ids, images, tally)
            tally.counts["not answered"] += len(answer.unanswered)


def _to_ask(desk: Desk, after: int) -> list[tuple[int, str]]:
    with desk.ledger.read() as session:
        due = LicenceRow.checked_at < desk.now - (REFRESH if _has_channels(session) else DAILY)
        asked: ColumnElement[bool] = or_(LicenceRow.digest == "", due)
        query = select(LicenceRow.id, LicenceRow.asset_id).where(LicenceRow.provider == GETTY, asked, LicenceRow.id > after)
        return [(int(id), str(asset)) for id, asset in session.execute(query.order_by(LicenceRow.id).limit(ASSETS))]


def _has_channels(session: Session) -> bool:
    row = session.get(LicenceSyncRow, CHANGES)
    return row is not None and not row.counts.get("problems")


def _keep_details(session: Session, desk: Desk, ids: Sequence[int], images: dict[str, GettyImage | None], tally: Tally) -> None:
    query = select(LicenceRow).where(LicenceRow.id.in_(ids)).options(selectinload(LicenceRow.serves)).with_for_update()
    for row in session.scalars(query):
        image, first = images[row.asset_id], not (row.terms.get("availability") or {}).get("value")
        said, model = terms.said_of(row.terms), row.model
        changed = _describe(session, row, image, desk.now, quiet=first) if image else False
        if row.model != model:  # what its history left out decides which agreement it is under
            derive.from_history(said, row)
            desk.grant(said, row, desk.products(session))
        derive.from_image(said, image)
        changed = settle(session, row, said, who=SYNC, now=desk.now, quiet=first) or changed
        row.checked_at, row.digest = desk.now, digest_of(row)
        tally.counts["details" if first else "changed" if changed else "asked again"] += 1


def _describe(session: Session, row: LicenceRow, image: GettyImage, now: datetime, *, quiet: bool) -> bool:
    told = {"name": image.title, "artist": (image.artist or "")[:300], "family": (image.asset_family or "")[:20]}
    if not row.model:
        told["model"] = (image.license_model or "")[:30]
    changed = False
    for name, value in told.items():
        if value and value != getattr(row, name):
            if not quiet:
                change(session, row.id, name, getattr(row, name), value, who=SYNC, now=now, source="api")
                row.changed_at = now
            setattr(row, name, value)
            changed = True
    return changed
