"""What `colophon restore` does."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from colophon import commands
from include.errors import ConfigurationError
from include.partners import Party


def add_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("date", help="the last backup on this day, or at this moment (2026-11-21, 2026-11-21T14:00; UTC)")
    command.add_argument("--to", type=Path, required=True, metavar="DIR", help="a folder that is empty, or not there yet")
    command.add_argument("--from", dest="archive", metavar="PARTY", help="which archive, where there are several")


def restore(args: argparse.Namespace) -> int:
    """Restores a day's backup into a folder; 1 if anything could not be brought back."""
    from colophon.hooks.remote import open_remote
    from include.packages import restore, vault

    party = _archive(args.archive)
    place = vault.place_of(party)
    with open_remote(party.transport) as remote:
        done = restore.restore(
            remote, place, restore.end_of(args.date), args.to, opens=restore.unseal, say=lambda line: print(line, file=sys.stderr)
        )
    records = ", ".join(f"{count:,} {name}" for name, count in done.records.items() if count)
    commands.say(
        f"Backup {done.name} of {party.name} is in {args.to}: {done.files:,} files, {done.objects:,} objects, {done.bytes:,} bytes."
    )
    commands.say(f"Records: {records or 'none'}.")
    for entry in done.left_out:
        commands.say(f"not in the backup ({entry['why']}): {entry['path']}")
    for problem in done.problems:
        commands.say(f"FAIL  {problem['message']}")
    commands.say(f"Start Colophon on it with COLOPHON_HOME={args.to}")
    return 1 if done.problems else 0


def _archive(named: str | None) -> Party:
    from include.partners import load_parties, load_party

    if named:
        return load_party(named)
    archives = [party for party in load_parties() if party.backup is not None]
    if len(archives) != 1:
        known = ", ".join(party.id for party in archives) or "none"
        raise ConfigurationError(f"{len(archives)} parties keep backups", where="config/partners", todo=f"Name one with --from: {known}.")
    return archives[0]
