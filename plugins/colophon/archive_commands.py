"""`colophon migrate plan|run|status <archive>`: the flow `archive_migration` without Airflow around it."""

from __future__ import annotations

import argparse
import shutil
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from colophon.commands import said_as_json, say

if TYPE_CHECKING:
    from include.archives.migration import Migration
    from include.archives.report import Report


def plan(args: argparse.Namespace) -> int:
    """Lists names and says what would become of each file. 0 if every folder could be listed."""
    migration = _migration(args.archive)
    report = migration.plan(migration.look(run=False), written=True)
    return _told(args, migration, report) if report else 1


def run(args: argparse.Namespace) -> int:
    """Lists, plans, moves, adds up. 0 if every file has its fate and every folder could be listed."""
    from include.archives.move import Closed

    migration = _migration(args.archive)
    number = migration.look(run=True)
    migration.plan(number, written=False)
    try:
        for batch in migration.batches(number):
            migration.move(number, batch)
    except Closed as closed:
        print(f"colophon: {closed}. Run it again then; the flow archive_migration__{args.archive} waits by itself.", file=sys.stderr)
        return 1
    _, report = migration.finish(number)
    return _told(args, migration, report)


def status(args: argparse.Namespace) -> int:
    """Where the archive stands. 0 unless its last account does not add up."""
    from colophon.hooks.ledger import open_ledger
    from include.archives.report import duration, size
    from include.ledger import archives
    from include.partners import load_archive

    archive = load_archive(args.archive)
    with open_ledger().read() as session:
        now = archives.progress(session, archive.id, datetime.now(UTC))
    errors = now.counts.get("account", {}).get("errors", [])
    if said_as_json(args, asdict(now) | {"percent": round(now.percent, 1)}):
        return 1 if errors else 0
    if not now.walk:
        say(f"{archive.name}: nobody has looked at it yet. `colophon migrate plan {archive.id}`")
        return 0
    say(f"{archive.name}: walk {now.walk}, {now.phase}, begun {now.started_at:%Y-%m-%d %H:%M %Z}")
    say(f"  listed  {now.files:,} files, {size(now.bytes)}, {now.folders - now.open_folders:,} of {now.folders:,} folders known so far")
    say(f"  moved   {now.moved:,} of {now.to_move:,} files, {size(now.moved_bytes)} of {size(now.to_move_bytes)} ({now.percent:.1f} %)")
    if now.files_per_second:
        left = f"; {duration(now.seconds_left)} left" if now.seconds_left is not None else ""
        say(f"  going   {now.files_per_second:,.0f} files/s, {size(now.bytes_per_second)}/s{left}")
    for fate, count in sorted(now.fates.items()):
        say(f"  {fate:<12} {count:>12,}")
    if now.problems:
        say(f"  {now.problems} folders could not be listed")
    for error in errors:
        say(f"  wrong: {error}")
    return 1 if errors else 0


def _migration(archive_id: str) -> Migration:
    from colophon.tasks.archives import migration_of

    return migration_of(archive_id, lambda text: print(text, file=sys.stderr))


def _told(args: argparse.Namespace, migration: Migration, report: Report) -> int:
    if args.out:
        args.out.mkdir(parents=True, exist_ok=True)
        for kind, ending in (("text", "txt"), ("csv", "csv"), ("xlsx", "xlsx")):
            with migration.store.open(report.artefacts[kind]) as stored, (args.out / f"{args.archive}.{ending}").open("wb") as out:
                shutil.copyfileobj(stored, out)
    told: dict[str, Any] = {"archive": args.archive, "walk": report.account.walk} | report.to_json()
    if not said_as_json(args, told):
        say(report.text)
    return 1 if report.account.unlisted or (report.account.fates and report.account.errors and not _is_plan(report)) else 0


def _is_plan(report: Report) -> bool:
    return bool(report.account.open_files)
