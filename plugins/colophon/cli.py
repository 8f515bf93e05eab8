"""The `colophon` command: the flows' own code, from a terminal. Exit status 0 only when all is well.

0  done          1  something needs mending (said on stderr)          2  the command line is wrong
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from include.errors import ColophonError


def main(argv: Sequence[str] | None = None) -> int:
    args = _parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO if args.verbose else logging.WARNING, format="%(message)s", stream=sys.stderr)
    try:
        return int(args.run(args) or 0)
    except ColophonError as bad:
        print(f"colophon: {bad}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        return 0
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="colophon", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("-v", "--verbose", action="store_true", help="say what happens while it happens")
    groups = parser.add_subparsers(required=True, metavar="command")

    partners = groups.add_parser("partners", help="the partner files").add_subparsers(required=True, metavar="what")
    _command(partners, "check", partners_check, "read every partner file and say what is wrong")

    connections = groups.add_parser("connections", help="connections").add_subparsers(required=True, metavar="what")
    command = _command(connections, "check", connections_check, "try every connection and name what to mend")
    command.add_argument("--json", action="store_true")

    feed = groups.add_parser("feed", help="metadata feeds").add_subparsers(required=True, metavar="what")
    command = _command(feed, "preview", feed_preview, "render what a partner would get; nothing is sent or recorded")
    command.add_argument("partner")
    command.add_argument("--isbn", action="append", default=[], help="only this title (may be repeated)")
    command.add_argument("--out", type=Path, help="write the message and rejects.csv into this folder, instead of to the terminal")

    deliveries = groups.add_parser("deliveries", help="what was sent").add_subparsers(required=True, metavar="what")
    command = _command(deliveries, "list", deliveries_list, "deliveries, newest first")
    for name in ("partner", "flow", "state", "isbn"):
        command.add_argument(f"--{name}")
    command.add_argument("--since", type=date.fromisoformat, metavar="YYYY-MM-DD")
    command.add_argument("--until", type=date.fromisoformat, metavar="YYYY-MM-DD")
    command.add_argument("--limit", type=int, default=100)
    command.add_argument("--json", action="store_true")
    command = _command(deliveries, "show", deliveries_show, "one delivery: files, records, events, answers")
    command.add_argument("id", type=int)
    command.add_argument("--json", action="store_true")

    command = _command(groups, "redeliver", redeliver, "send a delivery again")
    command.add_argument("id", type=int)
    command.add_argument("--rebuilt", action="store_true", help="today's data under the next message number, instead of the same bytes")
    command.add_argument("--dry-run", action="store_true", help="only show what would go")

    command = _command(groups, "title", title, "what each partner has of a title and since when, or why not")
    command.add_argument("isbn")
    command.add_argument("--json", action="store_true")

    ledger = groups.add_parser("ledger", help="the ledger's database").add_subparsers(required=True, metavar="what")
    _command(ledger, "upgrade", ledger_upgrade, "bring the ledger's tables up to date")

    catalogue = groups.add_parser("catalogue", help="the mirror of Consonance").add_subparsers(required=True, metavar="what")
    command = _command(catalogue, "sync", catalogue_sync, "bring the mirror up to date")
    command.add_argument("--full", action="store_true", help="read every title again")
    return parser


def _command(group: Any, name: str, run: Callable[[argparse.Namespace], int | None], help: str) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = group.add_parser(name, help=help, description=help.capitalize() + ".")
    command.set_defaults(run=run)
    return command


# --- commands


def partners_check(args: argparse.Namespace) -> int:
    from include.feeds import renderer_for
    from include.feeds.rules import codes_of
    from include.partners import load_house, load_partner
    from include.partners.registry import config_root

    house, bad = load_house(), 0
    for path in sorted((config_root() / "partners").glob("*.toml")):
        try:
            partner = load_partner(path.stem)
            label = renderer_for(partner, house).label
            print(f"ok    {partner.id:<16} {partner.transport.protocol:<5} {label:<22} {len(codes_of(partner))} rules")
        except ColophonError as wrong:
            bad += 1
            print(f"FAIL  {path.stem:<16} {wrong}")
    return 1 if bad else 0


def connections_check(args: argparse.Namespace) -> int:
    from colophon.checks import check_partner, check_services, table
    from include.partners import load_partners

    rows = [*check_services(), *(row for partner in load_partners() for row in check_partner(partner.id))]
    print(json.dumps([row.to_json() for row in rows], indent=2) if args.json else table(rows))
    return 0 if all(row.ok for row in rows) else 1


def feed_preview(args: argparse.Namespace) -> int:
    from colophon.hooks.ledger import open_ledger
    from include.deliveries.preview import preview
    from include.partners import load_house, load_partner

    shown = preview(open_ledger(), load_partner(args.partner), load_house(), datetime.now(UTC), args.isbn)
    if args.out:
        args.out.mkdir(parents=True, exist_ok=True)
        (args.out / shown.name).write_bytes(shown.message)
        (args.out / "rejects.csv").write_bytes(shown.rejects)
        print(f"{args.out / shown.name}: {shown.records} records, {len(shown.message):,} bytes; {shown.held} held (rejects.csv)")
    else:
        sys.stdout.buffer.write(shown.message)
        print(f"{shown.records} records; {shown.held} held", file=sys.stderr)
        sys.stderr.write(shown.rejects.decode())
    return 0


def deliveries_list(args: argparse.Namespace) -> int:
    from colophon.hooks.ledger import open_ledger
    from include.ledger import questions

    with open_ledger().read() as session:
        page = questions.deliveries(
            session,
            partner=args.partner,
            flow=args.flow,
            state=args.state,
            since=args.since,
            until=args.until,
            isbn=args.isbn,
            limit=args.limit,
        )
        rows = [questions.as_json(row) for row in page]
    if args.json:
        print(json.dumps(rows, indent=2))
        return 0
    for row in rows:
        print(
            f"{row['id']:>7}  {row['created_at'][:16]}  {row['partner']:<14} {row['state']:<18} {row['records']:>7} records "
            f"{len(row['files']):>4} files  {row['files'][-1]['name'] if row['files'] else ''}"
        )
    return 0


def deliveries_show(args: argparse.Namespace) -> int:
    from colophon.hooks.ledger import open_ledger
    from include.ledger import questions

    with open_ledger().read() as session:
        shown = questions.delivery(session, args.id)
    if args.json:
        print(json.dumps(shown, indent=2))
        return 0
    for name in ("id", "partner", "flow", "state", "kind", "format", "message_number", "records", "held", "created_at", "delivered_at"):
        print(f"{name:<15} {shown[name]}")
    for reason in shown["reasons"]:
        print(f"{'reason':<15} {reason['message']}")
    for file in shown["files"]:
        print(f"{'file':<15} {file['remote_path'] or file['name']}  {file['bytes']:,} bytes  {file['sha256']}  {file['state']}")
    for event in shown["events"]:
        print(f"{event['at'][:19]:<20} {event['what']}  {event['subject']}")
    return 0


def redeliver(args: argparse.Namespace) -> int:
    from colophon.hooks.ledger import open_ledger, open_store
    from colophon.tasks.sending import send_delivery
    from include.deliveries import redeliver as again
    from include.deliveries.build import Run

    ledger = open_ledger()
    planned = again.plan(ledger, again.Wish(delivery_id=args.id, mode="rebuilt" if args.rebuilt else "as sent"))
    print(again.table(planned))
    if args.dry_run:
        return 0
    for item in planned:
        run = Run(who="command line")
        delivery_id = again.prepare(ledger, open_store(), item, datetime.now(UTC), run)
        print(json.dumps(send_delivery(item.partner, delivery_id, run, again=True)))
    return 0


def title(args: argparse.Namespace) -> int:
    from colophon.hooks.ledger import open_ledger
    from include.ledger import questions
    from include.partners import load_partners

    with open_ledger().read() as session:
        standing = questions.title(session, args.isbn, load_partners())
    if args.json:
        print(json.dumps(asdict(standing), indent=2, default=str))
        return 0
    print(f"{standing.isbn}  {standing.title}")
    for line in standing.partners:
        print(f"  {line.partner:<14} {line.state:<14} {line.sentence}")
    return 0


def ledger_upgrade(args: argparse.Namespace) -> int:
    from colophon.hooks.ledger import open_ledger

    ledger = open_ledger()
    ledger.upgrade()
    print(f"The ledger is up to date: {ledger.engine.url.render_as_string(hide_password=True)}")
    return 0


def catalogue_sync(args: argparse.Namespace) -> int:
    from include.catalogue.mirror import synchronise

    from colophon.hooks.consonance import ConsonanceHook
    from colophon.hooks.ledger import open_ledger
    from include.partners import load_house

    log = logging.getLogger("colophon.catalogue")
    outcome = synchronise(
        open_ledger(),
        ConsonanceHook().get_conn(),
        load_house(),
        datetime.now(UTC),
        full=args.full,
        on_progress=lambda line: log.info("%s", line),
    )
    print(json.dumps(outcome.counts()))
    return 0
