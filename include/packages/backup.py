"""A backup of what can't be had again: titles, contracts, the workflow's history, every version of every file.

Records go as packs: some hundred of one table as lines of JSON, gzipped, so that a change sends one pack. Packs and files are objects,
known by their content: what lies at the archive is not sent again. The manifest names all of them, so each backup is whole.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

from include.deliveries import openpgp
from include.deliveries.build import Run
from include.errors import PermanentError
from include.ledger import backups, deliveries, dumping
from include.ledger.backups import FLOW, MANIFEST, OBJECTS, Asset
from include.ledger.database import Ledger
from include.ledger.deliveries import NewFile
from include.ledger.file_rows import BackupRow
from include.ledger.models import DeliveryRow
from include.packages import vault
from include.packages.vault import Connect, Place
from include.partners import Party
from include.store import Artefact, ArtefactStore

VERSION = 1
BATCH = 250  # objects of one delivery
BATCH_BYTES = 4_000_000_000
RECHECKED = frozenset({"corrupt", "missing"})  # problems that sending again mends
_UNSAFE = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]+')
Say = Callable[[str], None]
Content = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Sent:
    """What a run came to. `unchanged`: the last manifest still says it all. `again`: objects that had to be sent once more."""

    backup_id: int
    name: str
    objects: int
    added: int
    added_bytes: int
    left_out: int
    unchanged: bool
    again: tuple[str, ...] = ()


def collect(ledger: Ledger, store: ArtefactStore, party: Party, *, say: Say = lambda line: None) -> str:
    """Everything that belongs into the backup as of now; gives the artefact of the manifest's draft.

    Packs are put into the store; files are there already. A file whose bytes the store lacks is named as such and stops nothing.
    """
    assert party.backup is not None  # noqa: S101 - `place_of` has said so
    sealed = party.transport.openpgp is not None
    with ledger.read() as session:
        before = backups.last(session, party.id)
        known = _packs_of(store, before)
        packs = [pack for name in dumping.TABLES for pack in _packs(session, store, name, known)]
        say(f"{sum(len(pack['records']) for pack in packs):,} records in {len(packs):,} packs")
        objects = {pack["sha256"]: pack["bytes"] for pack in packs}
        files: list[Content] = []
        left_out: list[Content] = []
        for asset in backups.assets(session):
            entry = {"title_file": asset.id, "path": path_of(asset), "sha256": asset.sha256, "bytes": asset.bytes}
            entry |= {"restricted": asset.restricted} if asset.restricted else {}
            if asset.restricted and not (party.backup.restricted == "always" or (party.backup.restricted == "sealed" and sealed)):
                left_out.append(entry | {"why": "restricted"})
                continue
            entry |= {"preview": asset.preview} if asset.preview and store.exists(asset.preview) else {}
            files.append(entry)
            objects[asset.sha256] = asset.bytes
            if "preview" in entry:
                objects[asset.preview] = store.size(asset.preview)
        calendar = backups.calendar(session)
        if calendar and store.exists(calendar):
            files.append({"path": "workflow/to-dos.ics", "sha256": calendar, "bytes": store.size(calendar)})
            objects[calendar] = store.size(calendar)
    content = {
        "colophon": "backup", "version": VERSION, "schema": ledger.head, "archive": party.id, "packs": packs, "files": files,
        "left_out": left_out, "objects": {sha256: {"bytes": size} for sha256, size in sorted(objects.items())},
    }  # fmt: skip
    return store.put(io.BytesIO(_json(content))).sha256


def send(
    ledger: Ledger,
    store: ArtefactStore,
    party: Party,
    draft: str,
    connect: Connect,
    deliver: Callable[[int], object],
    *,
    now: datetime,
    run: Run | None = None,
    say: Say = lambda line: None,
) -> Sent:
    """Sends the objects that the archive lacks, then the manifest, if it says anything new, and its sums.

    The archive is asked what it has; the ledger is not believed alone. `deliver` sends one delivery and raises what stops it. A run
    that is killed has lost nothing: what arrived is found there. Raises what `deliver` raises, and errors of the connection.
    """
    run, place = run or Run(), vault.place_of(party)
    content: Content = json.loads(_read(store, draft))
    with ledger.session() as session:
        backups.withdraw_unsent(session, party.id, now=now, who=run.who)
        stored = backups.stored(session, party.id)
        last = backups.last(session, party.id)
        suspect = {problem["object"] for problem in last.problems if problem.get("code") in RECHECKED} if last else set()
    with connect() as remote:
        there = {name: entry.bytes for name, entry in vault.objects_there(remote, place).items()}
    missing, lost, again = [], set(), []
    for sha256, about in content["objects"].items():
        name = place.name_of(sha256)
        size = stored.get(name, ("", -1))[1] if place.suffix else about["bytes"]
        if there.get(name) == size and sha256 not in suspect:
            continue
        if not _intact(store, sha256):
            lost.add(sha256)
        else:
            missing.append(sha256)
            again += [sha256] if name in stored else []
    say(f"{len(there):,} objects lie at the archive, {len(missing):,} are to be sent, {len(lost):,} are lost")
    added_bytes = 0
    for number, batch in enumerate(_batches(content, missing), start=1):
        files = [_object(store, party, place, sha256) for sha256 in batch]
        added_bytes += sum(file.bytes for file in files)
        digest = hashlib.sha256(_json([now.isoformat(), number, *sorted(batch)])).hexdigest()
        with ledger.session() as session:
            row = deliveries.prepare(
                session, partner=party.id, flow=FLOW, business_key=f"{OBJECTS}{now:{vault.MOMENT}}-{number}", digest=digest, files=files,
                now=now, who=run.who, kind="backup", format="objects", dag_id=run.dag_id, run_id=run.run_id, records=len(files),
            )  # fmt: skip
        deliver(row.id)
    whole = _without(content, lost)
    if place.suffix:
        with ledger.read() as session:
            stored = backups.stored(session, party.id)
        for sha256, about in whole["objects"].items():
            about["stored"], about["stored_bytes"] = stored[place.name_of(sha256)]
    counts = {"added": len(missing), "added_bytes": added_bytes, "again": tuple(again)}
    return _manifest(ledger, store, party, place, whole, counts, deliver, now, run)


def verify(
    ledger: Ledger,
    store: ArtefactStore,
    party: Party,
    backup_id: int,
    connect: Connect,
    *,
    first: Sequence[str] = (),
    now: datetime,
    run: Run | None = None,
    sample: int | None = None,
) -> list[Content]:
    """Reads objects of a backup back and compares them: those in `first`, then `sample` more, going on where the last run stopped,
    so that in time everything is read. Gives the problems: [{code, object, message, todo, files}]; the ledger keeps them."""
    place = vault.place_of(party)
    with ledger.read() as session:
        row = backups.get(session, backup_id)
        manifest: Content = json.loads(_read(store, row.sha256))
        begin = backups.read_back(session, party.id)
        problems = [_lost(entry) for entry in manifest["left_out"] if entry["why"] == "lost"]
    names = sorted(manifest["objects"])
    count = min(len(names), party.backup.sample if sample is None and party.backup else sample or 0)
    chosen = dict.fromkeys([*(name for name in first if name in manifest["objects"]), *_turn(names, begin, count)])
    wanted = []
    for name in chosen:
        about = manifest["objects"][name]
        wanted.append((name, about.get("stored", name), about.get("stored_bytes", about["bytes"])))
    with connect() as remote:
        for name, trouble in vault.read_back(remote, place, wanted):
            if trouble:
                problems.append(_problem(place, manifest, name, trouble))
    with ledger.session() as session:
        backups.verified(session, backup_id, len(wanted), problems, now=now, who=(run or Run()).who)
    return problems


def path_of(asset: Asset) -> str:
    """Where a person finds a file in a restored folder: imprint, title, edition, kind; older versions lie in `superseded`."""
    parts = [
        asset.imprint or "No imprint",
        f"{_plain(asset.title) or 'Untitled'} ({asset.work_id})",
        asset.isbn or "all editions",
        asset.kind,
    ]
    parts += [asset.part] if asset.part else []
    name = asset.name if asset.current else f"{asset.id} {asset.name}"
    return "/".join(_plain(part) for part in [*parts, *(() if asset.current else ("superseded",)), name])


# --- packs


def _packs(session: Any, store: ArtefactStore, name: str, known: Mapping[tuple[str, int], Content]) -> Iterator[Content]:
    for bucket, group in groupby(dumping.records(session, name), key=lambda record: record.bucket):
        records = list(group)
        hashes = {str(record.key): record.sha256 for record in records}
        pack = known.get((name, bucket))
        if pack is None or pack["records"] != hashes or not store.exists(pack["sha256"]):
            content = b"".join(record.line + b"\n" for record in records)
            artefact = store.put(io.BytesIO(gzip.compress(content, mtime=0)))
            pack = {"table": name, "bucket": bucket, "sha256": artefact.sha256, "bytes": artefact.bytes, "records": hashes}
        yield pack


def _packs_of(store: ArtefactStore, row: BackupRow | None) -> dict[tuple[str, int], Content]:
    """Packs of the last backup: what did not change is not packed again, which another zlib would do otherwise."""
    if row is None or not store.exists(row.sha256):
        return {}
    return {(pack["table"], pack["bucket"]): pack for pack in json.loads(_read(store, row.sha256))["packs"]}


# --- sending


def _intact(store: ArtefactStore, sha256: str) -> bool:
    """Whether the store has the bytes: read before they go, since a sealed object can't be compared at the archive."""
    try:
        store.verify(sha256)
    except PermanentError:
        return False
    return True


def _batches(content: Content, missing: Sequence[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    size = 0
    for sha256 in missing:
        if batch and (len(batch) >= BATCH or size >= BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(sha256)
        size += content["objects"][sha256]["bytes"]
    if batch:
        yield batch


def _object(store: ArtefactStore, party: Party, place: Place, sha256: str) -> NewFile:
    sealed = openpgp.seal(party, store, Artefact(sha256, store.size(sha256)))
    return NewFile(place.name_of(sha256), place.folder_of(sha256), sealed.bytes, sealed.sha256)


def _without(content: Content, lost: set[str]) -> Content:
    """The manifest without files whose bytes are nowhere any more; they are named as lost."""
    kept = [entry for entry in content["files"] if entry["sha256"] not in lost]
    for entry in kept:
        if entry.get("preview") in lost:
            del entry["preview"]
    gone = [entry | {"why": "lost"} for entry in content["files"] if entry["sha256"] in lost]
    objects = {sha256: about for sha256, about in content["objects"].items() if sha256 not in lost}
    return content | {"files": kept, "left_out": [*content["left_out"], *gone], "objects": objects}


def _manifest(
    ledger: Ledger,
    store: ArtefactStore,
    party: Party,
    place: Place,
    content: Content,
    counts: Mapping[str, Any],
    deliver: Callable[[int], object],
    now: datetime,
    run: Run,
) -> Sent:
    digest = hashlib.sha256(_json(content)).hexdigest()
    with ledger.session() as session:
        last = backups.manifest_delivery(session, party.id)
        row = last if last is not None and last.digest == digest else None
        unchanged = row is not None and backups.has_arrived(row)
        if row is None:
            row = _prepare(session, store, party, place, content, digest, now, run)
            deliveries.supersede(session, party.id, FLOW, row.id, now=now, who=run.who)
        delivery_id, name = row.id, row.business_key.removeprefix(MANIFEST)
    if not unchanged:
        deliver(delivery_id)
    with ledger.session() as session:
        plain = _json({"name": name, "made_at": _moment(name).isoformat(), **content})
        backup = backups.add(
            session,
            BackupRow(
                partner=party.id, name=name, sha256=store.put(io.BytesIO(plain)).sha256, delivery_id=delivery_id, made_at=_moment(name),
                objects=len(content["objects"]), bytes=sum(about["bytes"] for about in content["objects"].values()),
                added=counts["added"], added_bytes=counts["added_bytes"],
            ),
            now=now, who=run.who,
        )  # fmt: skip
        return Sent(
            backup.id, name, len(content["objects"]), counts["added"], counts["added_bytes"], len(content["left_out"]), unchanged,
            counts["again"],
        )  # fmt: skip


def _prepare(
    session: Any, store: ArtefactStore, party: Party, place: Place, content: Content, digest: str, now: datetime, run: Run
) -> DeliveryRow:
    taken = {known.name for known in backups.kept(session, party.id)}
    moment = now.astimezone(UTC)
    while (name := f"{moment:{vault.MOMENT}}") in taken:  # two in one second
        moment += timedelta(seconds=1)
    plain = store.put(io.BytesIO(_json({"name": name, "made_at": _moment(name).isoformat(), **content})))
    sealed = openpgp.seal(party, store, plain)
    manifest = NewFile(f"{name}.json{place.suffix}", place.manifests, sealed.bytes, sealed.sha256, "manifest")
    inside = len(place.folder) + 1 if place.folder else 0
    paths = {place.path_of(sha256)[inside:]: about.get("stored", sha256) for sha256, about in content["objects"].items()}
    listed = store.put(io.BytesIO(vault.sums_lines((f"manifests/{manifest.name}", manifest.sha256), paths)))
    sums = NewFile(name + vault.SUMS, place.manifests, listed.bytes, listed.sha256, "manifest")
    return deliveries.prepare(
        session, partner=party.id, flow=FLOW, business_key=MANIFEST + name, digest=digest, files=[manifest, sums], now=now, who=run.who,
        kind="backup", format="manifest", dag_id=run.dag_id, run_id=run.run_id, records=len(content["objects"]),
    )  # fmt: skip


# --- reading back


def _turn(names: Sequence[str], begin: int, count: int) -> list[str]:
    """`count` names from where the last sample ended, around the end and on from the start."""
    return [names[(begin + place) % len(names)] for place in range(count)] if names else []


def _problem(place: Place, manifest: Content, name: str, trouble: str) -> Content:
    files = [entry["path"] for entry in manifest["files"] if name in {entry["sha256"], entry.get("preview")}]
    files += [f"records of {pack['table']}, pack {pack['bucket']}" for pack in manifest["packs"] if pack["sha256"] == name]
    what = {"missing": "is missing at the archive", "corrupt": "is damaged at the archive"}.get(trouble)
    return {
        "code": trouble if what else "unreadable", "object": name, "files": files[:5],
        "message": f"{place.path_of(name)} {what or f'could not be read: {trouble}'}: {', '.join(files[:3]) or 'no file'}",
        "todo": "The next run sends it again, from the artefact store. Ask the archive what happened to it.",
    }  # fmt: skip


def _lost(entry: Content) -> Content:
    return {
        "code": "lost", "object": entry["sha256"], "files": [entry["path"]],
        "message": f"{entry['path']} is neither in the artefact store nor at the archive",
        "todo": "Restore it from an older backup or ask for the file again; remove the version from its title if it is gone for good.",
    }  # fmt: skip


def _plain(said: str) -> str:
    """One name of a path: without what file systems refuse, at most 120 bytes long, its extension kept."""
    name = " ".join(_UNSAFE.sub(" ", said).split()).strip(" .") or "_"
    stem, dot, extension = name.rpartition(".")
    if not dot or len(extension) > 10:
        stem, dot, extension = name, "", ""
    return stem.encode()[: 120 - len(dot + extension)].decode("utf-8", "ignore") + dot + extension


def _moment(name: str) -> datetime:
    return datetime.strptime(name, vault.MOMENT).replace(tzinfo=UTC)


def _json(content: Any) -> bytes:
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode("utf-8", "surrogateescape") + b"\n"


def _read(store: ArtefactStore, sha256: str) -> bytes:
    with store.open(sha256) as stream:
        return stream.read()
