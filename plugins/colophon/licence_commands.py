"""`colophon licences …`: licences of images, from a terminal."""

from __future__ import annotations

import argparse
import getpass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from colophon.commands import said_as_json, say


def add_options(group: Any) -> None:
    """The arguments of each, on its own parser."""
    command = group.add_parser("sync", help="bring licences up to date with Getty; a second run changes nothing")
    command.add_argument("--json", action="store_true")
    command.set_defaults(run=sync)
    command = group.add_parser("terms", help="load a sheet of invoice terms; refused rows come back marked")
    command.add_argument("sheet", type=Path, metavar="SHEET", help="XLSX or CSV; headings: config/licences/terms.toml")
    command.add_argument("--out", type=Path, metavar="FILE", help="where the marked sheet goes (.xlsx); else beside the sheet")
    command.add_argument("--who", default="", help="who says these terms; else your user name")
    command.add_argument("--json", action="store_true")
    command.set_defaults(run=terms)
    command = group.add_parser("list", help="licences by their end: those to come, of unknown end, without end, ended")
    command.add_argument("--state", default="", help="cleared, terms required, review, blocked, expired, withdrawn")
    command.add_argument("--work", type=int, help="only those that serve this work")
    command.add_argument("--asset", default="", help="only those of this asset")
    command.add_argument("--find", default="", metavar="WORDS", help="an ISBN; or parts of asset, name, artist, order, invoice, title")
    command.add_argument("--limit", type=int, default=100)
    command.add_argument("--json", action="store_true")
    command.set_defaults(run=listed)
    command = group.add_parser("check", help="raise and close flags; a second check of the same day changes nothing")
    command.add_argument("--json", action="store_true")
    command.set_defaults(run=check)
    command = group.add_parser("flags", help="what somebody must do about licences, the first due first")
    command.add_argument("--team", default="", help="only what this team must do")
    command.add_argument("--cause", default="", help="only of this cause: see docs/runbook/licence_expiry.md")
    command.add_argument("--work", type=int, help="only what stops or concerns this work")
    command.add_argument("--limit", type=int, default=200)
    command.add_argument("--json", action="store_true")
    command.set_defaults(run=flags)


def sync(args: argparse.Namespace) -> int:
    """What changed, and what is to be looked at; 0 only where there is nothing of that."""
    from colophon.hooks.getty import GettyImagesHook
    from colophon.hooks.ledger import open_ledger, open_store
    from include.licences.sync import sync as run
    from include.partners.registry import load_agreements, load_campaigns, load_house

    done = run(
        open_ledger(), GettyImagesHook().get_conn(), agreements=load_agreements(), campaigns=load_campaigns(),
        rules=load_house().licences, store=open_store(), now=datetime.now(UTC),
    )  # fmt: skip
    if not said_as_json(args, done.to_json()):
        for what, count in sorted(done.counts.items()):
            say(f"{what:<20} {count:>8,}")
        _print(done.problems)
    return 1 if done.problems else 0


def terms(args: argparse.Namespace) -> int:
    """How many rows count, which do not and why; 0 only if all do."""
    import shutil

    from colophon.hooks.ledger import open_ledger, open_store
    from include.errors import ConfigurationError
    from include.files.bounds import printable
    from include.intake import handing
    from include.licences.invoice_cells import load_terms_sheet
    from include.licences.invoices import load
    from include.partners.inboxes import Limits
    from include.partners.registry import load_campaigns

    if not args.sheet.is_file():
        raise ConfigurationError("there is no such file", where=printable(str(args.sheet)), todo="Name a sheet.")
    handing.examine(args.sheet, args.sheet.name, Limits())
    store = open_store()
    done = load(
        open_ledger(), store, args.sheet, args.sheet.name, mapping=load_terms_sheet(), campaigns=[one.id for one in load_campaigns()],
        now=datetime.now(UTC), who=args.who or getpass.getuser(),
    )  # fmt: skip
    out = args.out or args.sheet.with_name(f"{args.sheet.stem} (answer).xlsx")
    with store.open(done.answer) as marked, out.open("wb") as file:
        shutil.copyfileobj(marked, file)
    if not said_as_json(args, done.to_json() | {"answer_file": str(out)}):
        say(f"{done.rows:,} rows: {done.applied:,} applied, {done.unchanged:,} without anything new, {done.bad:,} refused")
        _print(done.reasons)
        say(f"marked sheet: {printable(str(out))}")
    return 1 if done.bad else 0


def listed(args: argparse.Namespace) -> int:
    """State, end, asset, what it serves."""
    from colophon.hooks.ledger import open_ledger
    from include.errors import ConfigurationError
    from include.files.bounds import printable
    from include.ledger import licence_lists, licences

    if args.state and args.state not in licence_lists.STATES:
        raise ConfigurationError(f"there is no state {args.state!r}", where="--state", todo=f"There are {', '.join(licence_lists.STATES)}.")
    wish = licence_lists.Wish(words=args.find, state=args.state, work_id=args.work or 0, asset_id=args.asset)
    with open_ledger().read() as session:
        found = licence_lists.listing(session, wish, today=datetime.now(UTC).date(), limit=max(1, args.limit)).rows
        served = licence_lists.served(session, found)
        rows = [licences.as_json(row) for row in found]
    if said_as_json(args, rows):
        return 0
    for row in rows:
        ends = row["terms"].get("ends", {})
        end = row["ends_on"] or str(ends.get("state", "unknown"))
        titles = "; ".join(
            one["campaign"] or f"{served[one['work_id'], one['product_id']].title} ({one['role'] or 'use not said'})"
            for one in row["serves"]
        )
        what = f"{row['asset_id']:<12} {printable(row['name'])[:44]:<44}"
        say(f"{row['id']:<6} {row['state']:<15} {end:<11} {what} {printable(titles) or '-'}")
    say(f"{len(rows):,} licences")
    return 0


def check(args: argparse.Namespace) -> int:
    """What changed; 0 if everything could be looked at."""
    from colophon.hooks.consonance import ConsonanceHook
    from colophon.hooks.ledger import open_ledger
    from include.catalogue import production
    from include.licences import flags as raising
    from include.partners.registry import load_campaigns, load_house

    client = ConsonanceHook().get_conn()
    done = raising.check(
        open_ledger(), load_house().licences, campaigns=load_campaigns(), runs_of=lambda work_id: production.of_work(client, work_id),
        now=datetime.now(UTC),
    )  # fmt: skip
    if not said_as_json(args, done.to_json()):
        for what, count in done.counts.items():
            say(f"{what:<20} {count:>8,}")
        _print(done.problems)
    return 1 if done.problems else 0


def flags(args: argparse.Namespace) -> int:
    """Due, team, cause, image, title; 1 if any of them stops a delivery."""
    from dataclasses import asdict
    from itertools import islice

    from colophon.hooks.ledger import open_ledger
    from include.errors import ConfigurationError
    from include.files.bounds import printable
    from include.licences import report
    from include.licences.flags import CAUSES

    if args.cause and args.cause not in CAUSES:
        raise ConfigurationError(f"there is no cause {args.cause!r}", where="--cause", todo=f"There are {', '.join(CAUSES)}.")
    with open_ledger().read() as session:
        wanted = report.lines(session, team=args.team or None, cause=args.cause or None, work_id=args.work)
        found = list(islice(wanted, max(1, args.limit)))
    if not said_as_json(args, [asdict(line) for line in found]):
        for line in found:
            stops = "STOPS" if line.blocking else ""
            about = f"{line.cause:<11} {stops:<5} {line.asset_id:<12} {printable(line.title)[:30]:<30} {line.isbn:<13}"
            say(f"{line.flag_id:<6} {line.due_on or '-':<10} {line.team:<12} {line.state:<12} {about}")
            say(f"{'':6} {printable(line.message)} {line.todo}")
        say(f"{len(found):,} flags")
    return 1 if any(line.blocking for line in found) else 0


def _print(problems: Any) -> None:
    from include.files.bounds import printable

    for one in problems:
        say(f"{printable(one['where'])}: {printable(one['what'])}. {one['todo']}")
