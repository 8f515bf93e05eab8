"""Which backups may go: said first, removed only where the party's file says so, and never the last one."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from include.deliveries.build import Run
from include.errors import ColophonError
from include.ledger import backups
from include.ledger.database import Ledger
from include.ledger.deliveries import record_event
from include.ledger.file_rows import BackupRow
from include.packages import vault
from include.packages.restore import Open
from include.packages.vault import Connect, Place
from include.partners import Party
from include.store import ArtefactStore
from include.transfer.model import RemoteEntry
from include.transfer.remote import Remote


@dataclass(frozen=True, slots=True)
class Swept:
    """What goes, or would go: manifests by name, objects by number and bytes. `problems`: why something stayed."""

    manifests: tuple[str, ...] = ()
    objects: int = 0
    bytes: int = 0
    removed: bool = False
    problems: tuple[str, ...] = ()


def sweep(
    ledger: Ledger,
    store: ArtefactStore,
    party: Party,
    connect: Connect,
    *,
    now: datetime,
    run: Run | None = None,
    opens: Open | None = None,
) -> Swept:
    """Removes what `keep_days` lets go where `remove` is true, else only says it. Manifests go first, then what no manifest names.

    Of what is older than `keep_days`, the newest stays: it is how things were on the first of these days. If one manifest that
    stays can't be read, no object goes. Killed in between, the next run removes the rest.
    """
    place, run, wish = vault.place_of(party), run or Run(), party.backup
    if wish is None or wish.keep_days is None:
        return Swept()
    with ledger.read() as session:
        kept = {row.name: row for row in backups.kept(session, party.id)}
    old = [row for row in kept.values() if row.made_at < now - timedelta(days=wish.keep_days)]  # newest first
    gone = old[1:]
    with connect() as remote:
        try:
            named = {
                place.name_of(sha256)
                for name, entry in vault.manifests_there(remote, place).items()
                if name not in {row.name for row in gone}
                for sha256 in _objects_of(remote, entry, store, kept.get(name), opens)
            }
        except (ColophonError, ValueError, KeyError) as unreadable:
            return Swept(problems=(f"nothing was removed, since a manifest can't be read: {unreadable}",))
        if not named:
            return Swept()
        loose = [entry for name, entry in vault.objects_there(remote, place).items() if name not in named]
        swept = Swept(tuple(row.name for row in gone), len(loose), sum(entry.bytes for entry in loose), wish.remove)
        if not (gone or loose):
            return swept
        problems: list[str] = []
        if wish.remove:
            problems = _remove(ledger, remote, place, gone, [entry.path for entry in loose], now, run)
    with ledger.session() as session:
        record_event(
            session, what="backups removed" if wish.remove else "backups would go", now=now, who=run.who, partner=party.id,
            bytes=swept.bytes, detail={"manifests": list(swept.manifests)[:200], "objects": swept.objects, "problems": problems[:50]},
        )  # fmt: skip
    return Swept(swept.manifests, swept.objects, swept.bytes, wish.remove, tuple(problems))


def _remove(ledger: Ledger, remote: Remote, place: Place, gone: list[BackupRow], loose: list[str], now: datetime, run: Run) -> list[str]:
    """Sums first: a manifest without them is no backup any more."""
    there = {entry.name: entry.path for entry in remote.list(place.manifests)}
    problems: list[str] = []
    for row in gone:
        paths = [path for name, path in there.items() if name.startswith(row.name)]
        paths.sort(key=lambda path: not path.endswith(vault.SUMS))
        refused = [why for path in paths for _, why in vault.remove(remote, [path])]
        if refused:
            problems += refused
            continue
        with ledger.session() as session:
            backups.removed(session, row.id, now=now, who=run.who)
    if not problems:
        problems += [why for _, why in vault.remove(remote, loose)]
    return problems


def _objects_of(remote: Remote, entry: RemoteEntry, store: ArtefactStore, row: BackupRow | None, opens: Open | None) -> list[str]:
    """From the manifest in the store, else from the one at the archive, whoever put it there. Raises errors of either, and
    `ValueError` or `KeyError` for what is no manifest."""
    if row is not None and store.exists(row.sha256):
        with store.open(row.sha256) as stream:
            return list(json.load(stream)["objects"])
    with tempfile.TemporaryDirectory() as folder:
        sealed, plain = Path(folder) / "sealed", Path(folder) / "plain"
        with sealed.open("wb") as file:
            remote.read(entry.path, file)
        if not entry.name.endswith(".json") and opens is not None:
            opens(sealed, plain)
        content: Any = json.loads((plain if plain.exists() else sealed).read_bytes())
    return list(content["objects"])
