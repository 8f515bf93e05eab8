"""Takes in what was newly approved: confirms it on the asset itself, fetches the master, looks at it, and keeps the JPG that goes out.

Nothing is taken on a listing's word. The bytes that are looked at are those that were approved: their MD5 is the asset's etag. Cloudinary
delivers the newest version under every address, so after the JPGs of a batch were fetched, one request tells whether a newer version came
meanwhile; such a cover waits for the next run. What has an etag that was looked at before is not fetched again.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.orm import Session, aliased

from include.clients.cloudinary import AllowanceUsedUp, Asset, Cloudinary
from include.errors import ColophonError, ConfigurationError
from include.files.model import Refused
from include.ledger.database import Ledger
from include.ledger.deliveries import record_event
from include.ledger.licence_rows import CoverRow
from include.media.fetching import Fetcher, NotDelivered, TooLarge
from include.media.meaning import APPROVED, status_of
from include.media.picture import examine, plain_jpeg, rules_digest, too_large
from include.partners.covers import CoverRules
from include.store import ArtefactStore

BATCH = 50
THREADS = 6
LINK = timedelta(minutes=20)  # how long the link to a closed master is good


@dataclass(slots=True)
class Taken:
    """`counts` by what became of covers; `problems` of single covers, which the next run tries again; `waiting`: how many wait for the
    next hour's requests."""

    counts: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class _Cover:
    id: int
    asset_id: str
    public_id: str
    version: int
    type: str


@dataclass(frozen=True, slots=True)
class _Looked:
    """What a look at the picture found: the JPG in the store, or the reason against it. `made` by Cloudinary from the master."""

    sha256: str = ""
    reason: dict[str, str] | None = None
    made: bool = False


def take(
    ledger: Ledger, store: ArtefactStore, client: Cloudinary, fetcher: Fetcher, rules: CoverRules, *, now: datetime, again: bool = False
) -> Taken:
    """Confirms and looks at every cover that is newly approved; `again`: also at those that were refused before.

    One bad cover stops no other. Raises `ConfigurationError`, and the last error where every cover of a batch met one.
    """
    taken, digest = Taken(), rules_digest(rules)
    with ledger.read() as session:
        ids = _due(session, digest, again)
    done = 0
    while done < len(ids):
        some = ids[done : done + _room(client)]
        try:
            _batch(ledger, store, client, fetcher, rules, some, taken, now)
        except AllowanceUsedUp:
            taken.waiting = len(ids) - done
            break
        done += len(some)
    return taken


def _room(client: Cloudinary) -> int:
    """How many covers the hour's requests are enough for: one for each, and one for all of them afterwards. One at least: a batch
    that is always cut off in the middle would never get on."""
    left = client.allowance
    return BATCH if left is None else max(1, min(BATCH, left.remaining - left.limit // 10 - 1))


def _due(session: Session, digest: str, again: bool) -> list[int]:
    """Newest versions that the queue calls approved, and that were not confirmed, not looked at, or refused by other rules."""
    newer = aliased(CoverRow)
    refused = CoverRow.rules != "" if again else (CoverRow.rules != "") & (CoverRow.rules != digest)
    query = select(CoverRow.id).where(
        CoverRow.moderation == APPROVED,
        CoverRow.gone_at.is_(None),
        ~CoverRow.confirmed | ((CoverRow.sha256 == "") & (CoverRow.rules == "")) | refused,
        ~exists().where(newer.asset_id == CoverRow.asset_id, newer.version > CoverRow.version),
    )
    return list(session.scalars(query.order_by(CoverRow.id)))


def _batch(
    ledger: Ledger, store: ArtefactStore, client: Cloudinary, fetcher: Fetcher, rules: CoverRules, ids: Sequence[int], taken: Taken,
    now: datetime,
) -> None:  # fmt: skip
    with ledger.read() as session:
        rows = session.scalars(select(CoverRow).where(CoverRow.id.in_(ids)).order_by(CoverRow.id))
        batch = [_Cover(row.id, row.asset_id, row.public_id, row.version, row.type) for row in rows]
    answers, failed = _each(map, lambda cover: client.asset(cover.public_id, type=cover.type, media=True), batch, taken)
    with ledger.session() as session:
        fresh = [(cover, asset) for cover, asset in answers if _confirmed(session, cover, asset, rules, now, taken)]
    with ThreadPoolExecutor(THREADS) as pool:
        looked, _ = _each(pool.map, lambda one: _look(store, client, fetcher, rules, one[1]), fresh, taken)
    kept = _still_so(client, [(cover, asset, found) for (cover, asset), found in looked], taken)
    with ledger.session() as session:
        for cover, found in kept:
            row = session.get(CoverRow, cover.id, with_for_update=True)
            if row is not None and row.version == cover.version:
                _keep(session, row, found, rules, now, taken)
    if isinstance(failed, AllowanceUsedUp) or (failed is not None and not answers):
        raise failed


def _each(
    mapped: Callable[..., Iterable[Any]], do: Callable[[Any], Any], items: Iterable[Any], taken: Taken
) -> tuple[list[tuple[Any, Any]], ColophonError | None]:
    """What came of each item, in order, and the last error. One that is wrong with everything is raised at once; where the hour's requests
    are used up, the rest is left."""

    def one(item: Any) -> tuple[Any, Any, ColophonError | None]:
        try:
            return item, do(item), None
        except ColophonError as bad:
            return item, None, bad

    done: list[tuple[Any, Any]] = []
    last: ColophonError | None = None
    for item, found, bad in mapped(one, items):
        if isinstance(bad, ConfigurationError):
            raise bad
        if isinstance(bad, AllowanceUsedUp):
            return done, bad
        if bad is None:
            done.append((item, found))
            continue
        last = bad
        cover = item[0] if isinstance(item, tuple) else item
        taken.problems.append(f"{cover.public_id}: {bad}")
    return done, last


def _confirmed(session: Session, cover: _Cover, asset: Asset | None, rules: CoverRules, now: datetime, taken: Taken) -> bool:
    """Notes what the asset itself says. Whether its picture is still to be looked at."""
    row = session.get(CoverRow, cover.id, with_for_update=True)
    if row is None or asset is None or (asset.asset_id, asset.version) != (cover.asset_id, cover.version):
        taken.counts["moved on"] += 1  # replaced or removed since it was listed: the next run sees what is there then
        return False
    status = status_of(asset)
    if status != APPROVED:
        row.moderation, row.confirmed, row.changed_at = status, False, now
        taken.counts["not approved after all"] += 1
        return False
    first = row.approved_at is None
    row.confirmed, row.approved_at, row.etag = True, row.approved_at or now, asset.etag
    row.width, row.height, row.bytes, row.format = asset.width or 0, asset.height or 0, asset.bytes or 0, asset.format[:20]
    if first:
        about = {"cover": row.id, "version": row.version, "etag": row.etag}
        record_event(session, what="cover approved", now=now, subject=row.public_id, detail=about)
    row.changed_at = now
    if row.sha256:
        return False
    if same := _same_bytes(session, row):
        row.sha256, row.reasons, row.rules = same.sha256, [], ""
        taken.counts["same bytes as before"] += 1
        return False
    if reason := _refused_unseen(asset, rules):
        _keep(session, row, _Looked(reason=reason), rules, now, taken)
        return False
    return True


def _same_bytes(session: Session, row: CoverRow) -> CoverRow | None:
    query = select(CoverRow).where(CoverRow.etag == row.etag, CoverRow.sha256 != "", CoverRow.id != row.id)
    return session.scalar(query.limit(1)) if row.etag else None


def _refused_unseen(asset: Asset, rules: CoverRules) -> dict[str, str] | None:
    """What the asset's own description rules out is not fetched."""
    if asset.bytes and asset.bytes > rules.max_bytes:
        return too_large(asset.bytes, rules).as_reason()
    if rules.colour == "sRGB" and asset.colour_space.upper() == "CMYK":
        what = "its colours are CMYK, not RGB"
        return Refused("cover-colour", what, todo="Bring a master in RGB with an sRGB profile.").as_reason()
    return None


def _look(store: ArtefactStore, client: Cloudinary, fetcher: Fetcher, rules: CoverRules, asset: Asset) -> _Looked:
    """Fetches the JPG and then the master, and looks at both. Raises as the fetcher does."""
    where = f"{asset.public_id}, version {asset.version}"
    with tempfile.TemporaryDirectory(prefix="colophon-") as folder:
        master, made = Path(folder) / "master", Path(folder) / "made"
        try:
            styled = bool(rules.style) and not asset.access  # what access rules close has no variants for anybody
            if styled:
                fetcher.fetch(client.url(asset, rules.style, format="jpg", signed=True), made, rules.max_bytes, where)
            closed = client.download_link(asset, datetime.now(UTC) + LINK) if asset.access else ""
            whole = fetcher.fetch(closed or client.url(asset, signed=True), master, rules.max_bytes, where)
            if asset.etag and whole.md5 != asset.etag:
                what = "the bytes that came are not those that were approved"
                raise Refused("cover-other-bytes", what, todo="Start a run with Again; else ask Cloudinary support.")
            width, height = examine(master, rules)
            if not styled:
                return _Looked(store.put(master).sha256)
            size = plain_jpeg(made)
            if size is None or abs(size[0] * height - size[1] * width) > width + height:
                what = f"the style {rules.style!r} makes no JPEG of the whole picture"
                raise Refused("cover-style", what, todo="Mend style in [covers] of config/house.toml.")
            return _Looked(store.put(made).sha256, made=True)
        except TooLarge:
            return _Looked(reason=too_large(rules.max_bytes + 1, rules).as_reason())
        except NotDelivered as refused:
            todo = "Open the asset for delivery in Cloudinary, then start a run with Again."
            return _Looked(reason=Refused("cover-not-delivered", f"Cloudinary does not deliver it: {refused.what}", todo=todo).as_reason())
        except Refused as refused:
            return _Looked(reason=refused.as_reason())


def _still_so(client: Cloudinary, looked: list[tuple[_Cover, Asset, _Looked]], taken: Taken) -> list[tuple[_Cover, _Looked]]:
    """Leaves out covers of which a newer version came while their JPGs were made: nobody knows of which one those are."""
    now_there: dict[str, int] = {}
    for type in sorted({cover.type for cover, _, found in looked if found.made}):
        ids = [cover.public_id for cover, _, found in looked if found.made and cover.type == type]
        now_there |= {asset.asset_id: asset.version for asset in client.assets_by_ids(ids, type=type)}
    kept = [(cover, found) for cover, _, found in looked if not found.made or now_there.get(cover.asset_id) == cover.version]
    taken.counts["moved on"] += len(looked) - len(kept)
    return kept


def _keep(session: Session, row: CoverRow, found: _Looked, rules: CoverRules, now: datetime, taken: Taken) -> None:
    row.changed_at = now
    if found.reason is None:
        row.sha256, row.reasons, row.rules = found.sha256, [], ""
        taken.counts["taken in"] += 1
        return
    if row.reasons != [found.reason]:
        about = {"cover": row.id, "version": row.version, "reasons": [found.reason]}
        record_event(session, what="cover refused", now=now, subject=row.public_id, detail=about)
    row.reasons, row.rules = [found.reason], rules_digest(rules)
    taken.counts["refused"] += 1
