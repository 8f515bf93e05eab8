"""What lies in an inbox, and what of it is whole. Looking remembers what it saw; a second look tells what stood still.

Done-files and manifests are no arrivals: they are read, and taken away once they have done their service.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from io import BytesIO
from posixpath import join, splitext
from typing import Any
from unicodedata import normalize

from sqlalchemy.orm import Session

from include.errors import ColophonError, PermanentError, RejectedData
from include.intake import finished
from include.intake.globs import fits_any
from include.ledger import intake as rows
from include.ledger.database import Ledger
from include.ledger.deliveries import record_event
from include.ledger.file_rows import IntakeFileRow, IntakeState
from include.ledger.intake import Seen
from include.partners import Inbox
from include.transfer.lane import Job, Lane
from include.transfer.model import RemoteEntry
from include.transfer.naming import is_travelling
from include.transfer.remote import Remote

DEEPEST = 32  # folders within each other; more is a loop of links
MANIFEST_MOST = 16 << 20  # bytes


@dataclass(frozen=True, slots=True)
class Listing:
    """What lies in an inbox now: `files` by path under it, markers and all; `trouble`: folders that could not be listed, and why."""

    files: tuple[Seen, ...]
    trouble: dict[str, str] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """Differs when anything was added, taken away, or changed its size or time."""
        return digest_of((file.path, file.bytes, file.modified.isoformat() if file.modified else "") for file in self.files)


@dataclass(frozen=True, slots=True)
class Look:
    """What a look found. `ready`: (id, bytes) of arrivals to take now, in the order they were sent; `later`: how many more are whole
    but beyond the limit of one run. `untidied`: decided ones whose original is still to be moved. `settles_in`: seconds until a file
    can be whole by standing still."""

    ready: tuple[tuple[int, int], ...] = ()
    later: int = 0
    arriving: int = 0
    untidied: tuple[int, ...] = ()
    set_aside: int = 0
    listing: str = ""
    settles_in: float | None = None
    problems: tuple[str, ...] = ()

    def batches(self, files: int = 500, bytes: int = 4 << 30) -> list[list[int]]:
        """The ids to take, cut so that one batch is a fair piece of work."""
        found: list[list[int]] = []
        room = 0
        for id, size in self.ready:
            if not found or len(found[-1]) >= files or size > room:
                found.append([])
                room = bytes
            found[-1].append(id)
            room -= size
        return found


def listing(inbox: Inbox, remote: Remote) -> Listing:
    """Every file of the inbox that its pattern takes. Names that say that a file is on its way are passed over, and `processed/`.

    Raises as the connection does, and `PermanentError` where the inbox's own folder can't be listed.
    """
    found: list[Seen] = []
    trouble: dict[str, str] = {}

    def job_for(folder: str) -> Job[list[RemoteEntry] | ColophonError]:
        async def job(lane: Lane) -> list[RemoteEntry] | ColophonError:
            return await _listed(inbox, lane, folder)

        return job

    folders = [inbox.transport.folder]
    for _ in range(DEEPEST):
        deeper: list[str] = []
        for folder, entries in zip(folders, remote.run([job_for(one) for one in folders], inbox.transport.parallel), strict=True):
            deeper += _sifted(inbox, folder, entries, found, trouble)
        folders = deeper
        if not folders:
            break
    return Listing(tuple(sorted(_timed(inbox, remote, found), key=lambda file: file.path)), trouble)


async def glance(inbox: Inbox, lane: Lane) -> str:
    """Digest of the listing, over one lane of whoever waits for a change; differs from `Listing.digest` where times must be asked for."""
    found: list[Seen] = []
    trouble: dict[str, str] = {}
    folders = [inbox.transport.folder]
    for _ in range(DEEPEST):
        folders = [one for folder in folders for one in _sifted(inbox, folder, await _listed(inbox, lane, folder), found, trouble)]
    return Listing(tuple(found), trouble).digest


async def _listed(inbox: Inbox, lane: Lane, folder: str) -> list[RemoteEntry] | ColophonError:
    try:
        return await lane.list(folder) or []
    except PermanentError as refused:
        if folder == inbox.transport.folder:
            raise
        return refused


def _sifted(inbox: Inbox, folder: str, entries: list[RemoteEntry] | ColophonError, found: list[Seen], trouble: dict[str, str]) -> list[str]:
    """Adds one folder's files to `found`; gives the folders in it."""
    base = inbox.transport.folder.rstrip("/")
    if isinstance(entries, ColophonError):
        trouble[_under(base, folder) + "/"] = str(entries)
        return []
    deeper: list[str] = []
    for entry in entries:
        path = _under(base, entry.path)
        if is_travelling(entry.name) or path == inbox.processed.strip("/"):
            continue
        if entry.is_dir:
            deeper.append(entry.path)
        elif fits_any(path, inbox.pattern) and not fits_any(path, inbox.exclude):
            found.append(Seen(path, entry.name, entry.bytes, entry.modified))
    return deeper


def digest_of(files: Any) -> str:
    """Of (path, bytes, time) of every file, in any order."""
    return hashlib.sha256(json.dumps(sorted(map(list, files))).encode("utf-8", "backslashreplace")).hexdigest()


def look(ledger: Ledger, inbox: Inbox, remote: Remote, *, now: datetime) -> Look:
    """Lists the inbox, remembers what it saw, and says what is whole by the inbox's rule. Raises as `listing` does."""
    listed = listing(inbox, remote)
    marked = finished.markers(inbox.finished, listed.files)
    manifests, unread = _manifests(remote, inbox, marked)
    told = finished.told_by(manifests)
    files = [file for file in listed.files if file.path not in marked.paths]
    with ledger.session() as session:
        here = rows.see(session, inbox.id, files, now=now, restricted=inbox.restricted)
        rows.forget_unseen(session, inbox.id, [file.path for file in files], under_trouble=listed.trouble)
        fresh = {path: row for path, row in here.items() if row.state == IntakeState.ARRIVING and not row.sha256}
        looked = {path: row.looked_at for path, row in fresh.items()}
        whole = finished.whole(inbox.finished, [file for file in files if file.path in fresh], looked, marked, told, now)
        aside = [path for path in whole if _unfit(session, inbox, path, fresh[path], now)]
        for path in whole:
            said = told[name].to_json() if (name := finished.composed(path)) in told else {}
            if said and fresh[path].clues.get("told") != said:
                fresh[path].clues = {"told": said}
        ready = [fresh[path] for path in whole if path not in aside] + rows.waiting(session, inbox.id)
        untidied = [row.id for row in rows.untidied(session, inbox.id)]
    ready.sort(key=lambda row: (row.modified or row.seen_at, row.id))
    most = inbox.limits.files
    still = {path: since for path, since in looked.items() if path not in whole}
    return Look(
        ready=tuple((row.id, row.bytes) for row in ready[:most]),
        later=max(0, len(ready) - most),
        arriving=len(still),
        untidied=tuple(untidied),
        set_aside=len(aside),
        listing=listed.digest,
        settles_in=finished.settles_in(inbox.finished, still, now),
        problems=(*listed.trouble.values(), *unread),
    )


def _timed(inbox: Inbox, remote: Remote, files: Sequence[Seen]) -> Iterator[Seen]:
    """Servers whose listings tell no times may tell them when asked for one file."""
    untimed = [file for file in files if file.modified is None]

    def job_for(file: Seen) -> Job[RemoteEntry | None]:
        async def job(lane: Lane) -> RemoteEntry | None:
            try:
                return await lane.stat(join(inbox.transport.folder, file.path))
            except PermanentError:
                return None

        return job

    asked = remote.run([job_for(file) for file in untimed], inbox.transport.parallel) if untimed else []
    times = {file.path: entry.modified for file, entry in zip(untimed, asked, strict=True) if entry is not None}
    return (file if file.modified else Seen(file.path, file.name, file.bytes, times.get(file.path)) for file in files)


def _manifests(remote: Remote, inbox: Inbox, marked: finished.Markers) -> tuple[list[finished.Manifest], list[str]]:
    """Those that can be read, and what is wrong with the others."""
    found: list[finished.Manifest] = []
    problems: list[str] = []
    for path in marked.manifests:
        content = BytesIO()
        try:
            where = join(inbox.transport.folder, path)
            entry = remote.stat(where)
            if entry is None:
                continue
            if entry.bytes > MANIFEST_MOST:
                raise RejectedData(
                    f"a manifest of more than {MANIFEST_MOST:,} bytes", where=path, todo="Ask the sender to send fewer files."
                )
            remote.read(where, content)
            found.append(finished.read_manifest(path, content.getvalue()))
        except (RejectedData, PermanentError) as bad:
            problems.append(str(bad))
    return found, problems


def _unfit(session: Session, inbox: Inbox, path: str, row: IntakeFileRow, now: datetime) -> bool:
    """Sets aside what is not even fetched; it stays where it is."""
    reason = None
    if row.bytes > inbox.limits.file_bytes:
        what = f"{row.bytes:,} bytes; {inbox.limits.file_bytes:,} are allowed"
        reason = {
            "code": "too-large",
            "message": what,
            "where": row.path,
            "todo": "Raise limits.file_bytes of this inbox, or ask for less.",
        }
    elif rows.escaped(path) != row.path:
        what = "its path is longer than 700 characters"
        reason = {"code": "name-illegal", "message": what, "where": row.path, "todo": "Ask the sender for shorter names."}
    if reason is None:
        return False
    row.state, row.reasons, row.original = IntakeState.QUARANTINED, [reason], "left"
    row.restricted, row.decided_at = inbox.restricted, now
    about = {"inbox": inbox.id, "intake": row.id, "reasons": [reason]}
    record_event(session, what="file set aside", now=now, subject=row.path, bytes=row.bytes, detail=about)
    return True


# --- markers


def clear_markers(ledger: Ledger, inbox: Inbox, remote: Remote, *, now: datetime) -> list[str]:
    """Takes away done-files and manifests whose files are all taken; gives what stands in the way of others, in sentences."""
    if inbox.originals == "leave" or inbox.finished.rule in {"two_looks", "rename"}:
        return []
    listed = listing(inbox, remote)
    marked = finished.markers(inbox.finished, listed.files)
    manifests, problems = _manifests(remote, inbox, marked)
    here = {file.path for file in listed.files} - marked.paths
    composed = {finished.composed(path) for path in here}
    with ledger.read() as session:
        done = [path for path, of in marked.done.items() if _served(session, inbox, of, here)]
        for manifest in manifests:
            missing = [path for path in manifest.files if path not in marked.paths and not _was_taken(session, inbox, path)]
            if missing and not composed.intersection(manifest.files):
                problems.append(f"{manifest.path} names {len(missing)} files that are not there: {', '.join(missing[:5])}")
            elif not missing and not composed.intersection(manifest.files):
                done.append(manifest.path)
    for path in sorted(done):
        source = join(inbox.transport.folder, path)
        if inbox.originals == "delete":
            remote.remove(source)
            continue
        target = join(inbox.transport.folder, inbox.processed, path)
        if remote.stat(target) is not None:
            root, suffix = splitext(target)
            target = f"{root}.{now:%Y%m%dT%H%M%S}{suffix}"
        remote.mkdirs(target.rpartition("/")[0])
        try:
            remote.rename(source, target, replace=True)
        except PermanentError:
            if remote.stat(source) is not None:
                raise  # else another worker, or the sender, was faster
    return problems


def _was_taken(session: Session, inbox: Inbox, composed: str) -> bool:
    """A manifest's name, which the server may write in another form."""
    return any(rows.was_taken(session, inbox.id, path) for path in dict.fromkeys((composed, normalize("NFD", composed))))


def _served(session: Session, inbox: Inbox, of: str, here: set[str]) -> bool:
    """Whether the file (or all of the folder) that a done-file speaks of has been taken and is gone."""
    if inbox.finished.rule == "folder":
        return not any(path.startswith(f"{of}/") for path in here)
    return of not in here and rows.was_taken(session, inbox.id, of)


def _under(base: str, path: str) -> str:
    return path[len(base) :].lstrip("/") if path.startswith(base) else path.lstrip("/")
