"""What a backup looks like at the archive, and how its objects get there.

Under the backup's folder: `objects/aa/<sha256>` (the sha256 of the content, also where OpenPGP seals it and the name ends in `.gpg`),
`manifests/<moment>.json` names every record and file by hash, and `manifests/<moment>.SHA256SUMS`, which arrives last, says that all of
it is there: `sha256sum -c manifests/<moment>.SHA256SUMS` checks it without Colophon.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from include.errors import ColophonError, ConfigurationError, TransientError
from include.partners import Party
from include.transfer.fetch import fetch
from include.transfer.model import Failure, RemoteEntry
from include.transfer.remote import Remote

Connect = Callable[[], AbstractContextManager[Remote]]
SUMS = ".SHA256SUMS"
MOMENT = "%Y%m%dT%H%M%SZ"
_MANIFEST = re.compile(r"(?P<name>\d{8}T\d{6}Z)\.json(?P<suffix>\.[A-Za-z0-9]{1,8})?")
_OBJECT = re.compile(r"(?P<sha256>[0-9a-f]{64})(?P<suffix>\.[A-Za-z0-9]{1,8})?")
AT_ONCE = 200  # files read back in one go


@dataclass(frozen=True, slots=True)
class Place:
    """Where one party's backup lies. `suffix` is that of sealed files, empty where nothing is sealed."""

    folder: str
    suffix: str

    @property
    def manifests(self) -> str:
        return posixpath.join(self.folder, "manifests")

    @property
    def objects(self) -> str:
        return posixpath.join(self.folder, "objects")

    def name_of(self, sha256: str) -> str:
        return sha256 + self.suffix

    def folder_of(self, sha256: str) -> str:
        return posixpath.join(self.objects, sha256[:2])

    def path_of(self, sha256: str) -> str:
        return posixpath.join(self.folder_of(sha256), self.name_of(sha256))


def place_of(party: Party) -> Place:
    """Raises `ConfigurationError` for a party that is no archive."""
    if party.backup is None:
        raise ConfigurationError(f"{party.id} keeps no backups", where=f"config/partners/{party.id}.toml", todo="Add a [backup] table.")
    wish = party.transport.openpgp
    return Place(posixpath.join(party.transport.folder, party.backup.folder).rstrip("/"), wish.suffix if wish else "")


@dataclass(frozen=True, slots=True)
class Found:
    """One complete backup at the archive: its moment, and where manifest and sums lie."""

    name: str
    manifest: RemoteEntry
    sums: RemoteEntry
    suffix: str

    @property
    def made_at(self) -> datetime:
        return datetime.strptime(self.name, MOMENT).replace(tzinfo=UTC)


def objects_there(remote: Remote, place: Place) -> dict[str, RemoteEntry]:
    """Objects at the archive by name; what bears another name, such as an interrupted upload, is no object."""
    remote.mkdirs(place.objects)
    entries = remote.walk(place.objects, remote.transport.parallel)
    return {entry.name: entry for entry in entries if _OBJECT.fullmatch(entry.name) and entry.path.split("/")[-2] == entry.name[:2]}


def manifests_there(remote: Remote, place: Place) -> dict[str, RemoteEntry]:
    """All manifests at the archive by the name of their backup, also those whose sums are missing."""
    remote.mkdirs(place.manifests)
    told = ((_MANIFEST.fullmatch(entry.name), entry) for entry in remote.list(place.manifests) if not entry.is_dir)
    return {found["name"]: entry for found, entry in told if found}


def backups_there(remote: Remote, place: Place) -> list[Found]:
    """Complete backups, oldest first: those whose sums have arrived."""
    remote.mkdirs(place.manifests)
    entries = {entry.name: entry for entry in remote.list(place.manifests) if not entry.is_dir}
    found = []
    for name, entry in entries.items():
        told = _MANIFEST.fullmatch(name)
        if told and (sums := entries.get(told["name"] + SUMS)) is not None:
            found.append(Found(told["name"], entry, sums, told["suffix"] or ""))
    return sorted(found, key=lambda one: one.name)


def sums_lines(manifest: tuple[str, str], objects: Mapping[str, str]) -> bytes:
    """As sha256sum writes them, from the backup's folder. `manifest` is (path, sha256), `objects` path → sha256 as stored."""
    rows = [*sorted(objects.items()), manifest]
    return "".join(f"{sha256}  {path}\n" for path, sha256 in rows).encode()


def read_sums(content: bytes) -> dict[str, str]:
    """Path → sha256 as stored; lines that are none are passed over."""
    found = {}
    for line in content.decode("utf-8", "replace").splitlines():
        sha256, gap, path = line[:64], line[64:66], line[66:]
        if gap == "  " and _OBJECT.fullmatch(sha256):
            found[path] = sha256
    return found


class _Nowhere:
    """Takes bytes and forgets them: they are hashed on their way."""

    def __enter__(self) -> _Nowhere:
        return self

    def __exit__(self, *error: object) -> None:
        return None

    def write(self, data: bytes, /) -> int:
        return len(data)


def read_back(remote: Remote, place: Place, wanted: Sequence[tuple[str, str, int]]) -> Iterator[tuple[str, str]]:
    """Reads objects and compares them. `wanted`: (name without suffix, sha256 as stored, bytes as stored).

    Gives (name, trouble) for each in turn; trouble is "" for what is right, else `missing`, `corrupt`, or what the server said.
    Raises `TransientError` if the connection is lost for good.
    """
    todo = iter(wanted)
    while batch := list(islice(todo, AT_ONCE)):
        entries = [RemoteEntry(place.name_of(name), place.path_of(name), size) for name, _, size in batch]
        there = remote.run([_stat(entry.path) for entry in entries], remote.transport.parallel)
        whole = [entry for entry, seen in zip(entries, there, strict=True) if seen is not None and seen.bytes == entry.bytes]
        read = dict(
            zip(
                (entry.path for entry in whole),
                fetch(remote, whole, lambda entry: _Nowhere(), parallel=remote.transport.parallel),
                strict=True,
            )
        )
        for (name, sha256, _), entry, seen in zip(batch, entries, there, strict=True):
            outcome = read.get(entry.path)
            if seen is None:
                yield name, "missing"
            elif outcome is None:
                yield name, "corrupt"
            elif isinstance(outcome, Failure):
                if isinstance(outcome.error, TransientError):
                    raise outcome.error
                yield name, str(outcome.error)
            else:
                yield name, "" if outcome.sha256 == sha256 else "corrupt"


def _stat(path: str) -> Any:
    async def job(lane: Any) -> RemoteEntry | None:
        return await lane.stat(path)  # type: ignore[no-any-return]

    return job


def remove(remote: Remote, paths: Sequence[str]) -> list[tuple[str, str]]:
    """Removes files; gives (path, why not) of those that could not be. What is gone already counts as removed."""

    def job_for(path: str) -> Any:
        async def job(lane: Any) -> tuple[str, str]:
            try:
                await lane.remove(path)
            except ColophonError as bad:
                return path, str(bad)
            return path, ""

        return job

    done = remote.run([job_for(path) for path in paths], remote.transport.parallel)
    return [(path, why) for path, why in done if why]
