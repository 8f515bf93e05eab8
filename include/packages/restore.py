"""Brings a backup back, from the archive alone: files under names that people can read, and a ledger and a store to start Colophon with.

The target folder becomes a home of Colophon (`COLOPHON_HOME`): `ledger.sqlite`, `store/`, and beside them `files/`, `restricted/`,
`records/`, `manifest.json` and `report.json`. What can't be read is named and left out; the rest is restored.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from include.errors import ConfigurationError, PermanentError, RejectedData
from include.ledger import dumping
from include.ledger.database import Ledger
from include.packages import vault
from include.packages.vault import Found, Place
from include.store import ArtefactStore
from include.transfer.fetch import fetch
from include.transfer.model import Failure, RemoteEntry
from include.transfer.naming import is_safe
from include.transfer.remote import Remote

Say = Callable[[str], None]
Open = Callable[[Path, Path], None]  # what opens a sealed file: from, to
_OURS = {
    "ledger.sqlite",
    "ledger.sqlite-wal",
    "ledger.sqlite-shm",
    "ledger.sqlite-turns",
    "store",
    "files",
    "restricted",
    "records",
    "manifest.json",
    "report.json",
}

_HASH = re.compile(r"[0-9a-f]{64}")
_WRONG = "its content is not what its name says"


@dataclass(slots=True)
class Restored:
    """What a restoration came to. `problems`: [{code, object, message}]; `left_out`: files that the backup itself names as absent."""

    name: str
    made_at: datetime
    objects: int = 0
    bytes: int = 0
    files: int = 0
    records: dict[str, int] = field(default_factory=dict)
    left_out: list[dict[str, Any]] = field(default_factory=list)
    problems: list[dict[str, Any]] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"made_at": self.made_at.isoformat()}


def choose(remote: Remote, place: Place, until: datetime) -> Found:
    """The last complete backup at that moment. Raises `PermanentError` that names what there is instead."""
    found = vault.backups_there(remote, place)
    fitting = [one for one in found if one.made_at <= until]
    if not fitting:
        known = ", ".join(one.name for one in found[:5]) or "none at all"
        raise PermanentError(
            f"there is no backup as old as {until:%Y-%m-%d %H:%M} UTC", where=place.manifests, todo=f"The oldest are: {known}."
        )
    return fitting[-1]


def restore(
    remote: Remote, place: Place, until: datetime, target: Path, opens: Open | None = None, say: Say = lambda line: None
) -> Restored:
    """Restores the last backup at `until` into `target`, which is empty or holds the same restoration, begun before.

    `opens` decrypts a sealed file. Raises `ConfigurationError` for a folder that holds anything else, or where nothing opens what is
    sealed; `PermanentError` if there is no such backup or its manifest is not what its sums say; errors of the connection.
    """
    found = choose(remote, place, until)
    _must_be_free(target, found)
    target.mkdir(parents=True, exist_ok=True)
    manifest = _manifest(remote, found, target, opens)
    store = ArtefactStore(str(target / "store"))
    restored = Restored(found.name, found.made_at, left_out=list(manifest["left_out"]))
    say(f"Backup of {found.made_at:%Y-%m-%d %H:%M} UTC: {len(manifest['objects']):,} objects")
    bad = _objects(remote, Place(place.folder, found.suffix), manifest, store, opens, restored, say)
    _records(target, manifest, store, bad, restored, say)
    _files(target, manifest, store, bad, restored)
    (target / "report.json").write_text(json.dumps(restored.to_json(), indent=1, ensure_ascii=False), encoding="utf-8")
    return restored


def _must_be_free(target: Path, found: Found) -> None:
    there = {path.name for path in target.iterdir()} if target.is_dir() else set()
    if target.exists() and not target.is_dir():
        raise ConfigurationError("this is no folder", where=str(target), todo="Name a folder that is empty or not there yet.")
    if not there:
        return
    try:
        begun = json.loads((target / "manifest.json").read_bytes())["name"]
    except (OSError, ValueError, KeyError, TypeError):
        begun = ""
    if begun != found.name or there - _OURS:
        raise ConfigurationError("the folder is not empty", where=str(target), todo="Name a folder that is empty or not there yet.")


def _manifest(remote: Remote, found: Found, target: Path, opens: Open | None) -> dict[str, Any]:
    """The manifest, which must be what the sums say."""
    with tempfile.TemporaryDirectory(dir=target, prefix=".restoring-") as folder:
        listed, sealed, plain = (Path(folder) / name for name in ("sums", "sealed", "plain"))
        _read(remote, found.sums.path, listed)
        sums = vault.read_sums(listed.read_bytes())
        _read(remote, found.manifest.path, sealed)
        if sums.get(f"manifests/{found.manifest.name}") != _sha256(sealed):
            raise PermanentError("the manifest is damaged", where=found.manifest.path, todo="Restore another date, and ask the archive.")
        if found.suffix:
            _open(opens, sealed, plain, found.manifest.path)
        else:
            plain = sealed
        content = plain.read_bytes()
    manifest: dict[str, Any] = json.loads(content)
    if manifest.get("version") != 1:
        raise ConfigurationError(
            f"this backup is of version {manifest.get('version')}", where=found.manifest.path, todo="Restore it with a newer Colophon."
        )
    if not _is_plain(manifest):
        raise RejectedData(
            "an object's name is no sha256", where=found.manifest.path, todo="Somebody changed the manifest: restore another date."
        )
    draft = target / ".manifest.json"
    draft.write_bytes(content)
    draft.replace(target / "manifest.json")
    return manifest


def _is_plain(manifest: Mapping[str, Any]) -> bool:
    """Whether all objects are hashes: they become paths, here and at the archive, and who writes there can write a manifest."""
    try:
        named = [*manifest["objects"], *(one["sha256"] for one in (*manifest["files"], *manifest["packs"]))]
        return all(isinstance(name, str) and _HASH.fullmatch(name) for name in named)
    except (KeyError, TypeError):
        return False


# --- objects


def _objects(
    remote: Remote,
    place: Place,
    manifest: Mapping[str, Any],
    store: ArtefactStore,
    opens: Open | None,
    restored: Restored,
    say: Say,
) -> set[str]:
    """Fetches what the store lacks; gives the objects that could not be restored."""
    bad: set[str] = set()
    todo = iter(manifest["objects"].items())
    while batch := dict(islice(todo, vault.AT_ONCE)):
        wanted = [
            RemoteEntry(sha256, place.path_of(sha256), about.get("stored_bytes", about["bytes"]))
            for sha256, about in batch.items()
            if not _whole(store, sha256)
        ]
        for entry, trouble in zip(wanted, _fetched(remote, wanted, store, opens if place.suffix else None), strict=True):
            if trouble:
                bad.add(entry.name)
                restored.problems.append(_problem(manifest, entry, trouble))
        restored.objects += len(batch) - len(bad & set(batch))
        restored.bytes += sum(about["bytes"] for sha256, about in batch.items() if sha256 not in bad)
        say(f"{restored.objects:,} of {len(manifest['objects']):,} objects, {restored.bytes:,} bytes")
    return bad


def _fetched(remote: Remote, entries: Sequence[RemoteEntry], store: ArtefactStore, opens: Open | None) -> list[str]:
    """What is wrong with each object; "" for one that is in the store now, whole."""
    parallel = remote.transport.parallel
    if opens is None:  # straight into the store, which hashes on the way
        outcomes = fetch(remote, entries, lambda entry: store.create(), parallel=parallel)
        troubles = []
        for entry, outcome in zip(entries, outcomes, strict=True):
            if isinstance(outcome, Failure):
                troubles.append(str(outcome.error))
                continue
            troubles.append("" if outcome.sha256 == entry.name else _WRONG)
            if outcome.sha256 not in {other.name for other in entries}:
                (Path(store.root) / outcome.sha256[:2] / outcome.sha256).unlink(missing_ok=True)
        return troubles
    with tempfile.TemporaryDirectory(dir=Path(store.root).parent, prefix=".restoring-") as folder:
        outcomes = fetch(remote, entries, lambda entry: (Path(folder) / entry.name).open("wb"), parallel=parallel)
        return [
            str(outcome.error) if isinstance(outcome, Failure) else _opened(Path(folder) / entry.name, entry.name, store, opens)
            for entry, outcome in zip(entries, outcomes, strict=True)
        ]


def _opened(sealed: Path, sha256: str, store: ArtefactStore, opens: Open) -> str:
    plain = sealed.with_suffix(".plain")
    try:
        opens(sealed, plain)
        if _sha256(plain) != sha256:
            return _WRONG
        store.put(plain)
    except PermanentError as refused:
        return refused.what
    finally:
        sealed.unlink(missing_ok=True)
        plain.unlink(missing_ok=True)
    return ""


def _whole(store: ArtefactStore, sha256: str) -> bool:
    try:
        store.verify(sha256)
    except PermanentError:
        return False
    return True


def _problem(manifest: Mapping[str, Any], entry: RemoteEntry, trouble: str) -> dict[str, Any]:
    files = [one["path"] for one in manifest["files"] if entry.name in {one["sha256"], one.get("preview")}]
    files += [f"records of {pack['table']}, pack {pack['bucket']}" for pack in manifest["packs"] if pack["sha256"] == entry.name]
    return {"code": "object", "object": entry.name, "message": f"{', '.join(files[:3]) or entry.path}: {trouble}"}


# --- records


def _records(target: Path, manifest: Mapping[str, Any], store: ArtefactStore, bad: set[str], restored: Restored, say: Say) -> None:
    """Loads every pack into an empty ledger, and dumps that again: each record must come to the hash that the manifest names."""
    for name in ("ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite-shm"):
        (target / name).unlink(missing_ok=True)  # of a restoration that was interrupted
    (target / "records").mkdir(exist_ok=True)
    ledger = Ledger(f"sqlite:///{target.absolute() / 'ledger.sqlite'}")
    try:
        ledger.upgrade()
        wanted: dict[str, dict[str, str]] = {name: {} for name in dumping.TABLES}
        for name in dumping.TABLES:
            packs = [pack for pack in manifest["packs"] if pack["table"] == name and pack["sha256"] not in bad]
            with (target / "records" / f"{name}.jsonl").open("wb") as out:
                for pack in packs:
                    lines = _lines(store, pack, restored)
                    out.writelines(line + b"\n" for line in lines)
                    with ledger.session() as session:
                        dumping.load(session, name, lines)
                    wanted[name] |= pack["records"]
            restored.records[name] = len(wanted[name])
            say(f"{len(wanted[name]):,} records of {name}")
        if ledger.head == manifest["schema"]:  # else columns were added or taken away since
            with ledger.read() as session:
                for name, hashes in wanted.items():
                    _compare(session, name, hashes, restored)
    finally:
        ledger.dispose()


def _lines(store: ArtefactStore, pack: Mapping[str, Any], restored: Restored) -> list[bytes]:
    with store.open(pack["sha256"]) as stream:
        lines = gzip.decompress(stream.read()).removesuffix(b"\n").split(b"\n")
    if sorted(hashlib.sha256(line).hexdigest() for line in lines) != sorted(pack["records"].values()):
        where = f"records of {pack['table']}, pack {pack['bucket']}"
        restored.problems.append({"code": "pack", "object": pack["sha256"], "message": f"{where}: other records than the manifest names"})
    return lines


def _compare(session: Any, name: str, hashes: Mapping[str, str], restored: Restored) -> None:
    seen = 0
    for record in dumping.records(session, name):
        seen += 1
        if hashes.get(str(record.key)) != record.sha256:
            restored.problems.append({"code": "record", "object": "", "message": f"{name} {record.key} is not as it was"})
    if seen != len(hashes):
        restored.problems.append({"code": "record", "object": "", "message": f"{name}: {seen} records instead of {len(hashes)}"})


# --- files


def _files(target: Path, manifest: Mapping[str, Any], store: ArtefactStore, bad: set[str], restored: Restored) -> None:
    """Every file under a readable name: the store's own file under a second name, so that it takes no room twice, and read-only,
    so that nobody changes the store by it. Restricted ones lie apart, for the owner alone."""
    taken: set[Path] = set()
    folders: set[Path] = set()
    for entry in manifest["files"]:
        if entry["sha256"] in bad:
            continue
        parts = str(entry["path"]).split("/")
        if not all(is_safe(part) for part in parts):
            raise RejectedData(
                f"{entry['path']!r} is no path", where="manifest", todo="Somebody changed the manifest: restore another date."
            )
        path = target / ("restricted" if entry.get("restricted") else "files")
        for part in parts[:-1]:  # a file may lie where this one wants a folder
            path = path / part if path / part not in taken else path / f"{part} (folder)"
        path /= parts[-1]
        if path in taken | folders:
            path = path.with_name(f"{entry.get('title_file', '')} {path.name}")
        taken.add(path)
        folders.update(path.parents)
        path.parent.mkdir(parents=True, exist_ok=True)
        if entry.get("restricted"):
            (target / "restricted").chmod(0o700)
        _link(store, entry["sha256"], path)
        restored.files += 1


def _link(store: ArtefactStore, sha256: str, path: Path) -> None:
    path.unlink(missing_ok=True)
    with store.local(sha256) as source:
        source.chmod(0o444)
        try:
            os.link(source, path)
        except OSError:  # a file system without hard links
            path.write_bytes(b"")
            with source.open("rb") as bytes_in, path.open("wb") as out:
                while chunk := bytes_in.read(1 << 20):
                    out.write(chunk)


# --- reading


def _read(remote: Remote, path: str, into: Path) -> None:
    with into.open("wb") as file:
        remote.read(path, file)


def _open(opens: Open | None, sealed: Path, plain: Path, where: str) -> None:
    if opens is None:
        raise ConfigurationError("the backup is encrypted", where=where, todo="Restore it where GnuPG has the private key.")
    opens(sealed, plain)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def unseal(sealed: Path, plain: Path) -> None:
    """Decrypts with the private key in GnuPG's home (`COLOPHON_GNUPGHOME`). Raises `PermanentError` if there is none that fits."""
    import gnupg

    gpg = gnupg.GPG(gnupghome=os.environ.get("COLOPHON_GNUPGHOME"))
    result = gpg.decrypt_file(str(sealed), output=str(plain), always_trust=True)
    if not result.ok:
        raise PermanentError(
            f"GnuPG would not decrypt: {result.status}", where="backup", todo="Import the archive's private key into GnuPG's home."
        )


def end_of(day: str) -> datetime:
    """`2026-11-21` is that day's end, `2026-11-21T14:00` that moment; UTC where no zone is given. Raises `ConfigurationError`."""
    try:
        moment = datetime.fromisoformat(day)
    except ValueError as bad:
        raise ConfigurationError(f"{day!r} is no date", where="command line", todo="Write it as 2026-11-21 or 2026-11-21T14:00.") from bad
    if not re.search("[T :]", day):
        moment = moment.replace(hour=23, minute=59, second=59)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
