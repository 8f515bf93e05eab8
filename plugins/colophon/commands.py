"""What each `colophon` command does: opens what it needs, calls the flows' own code, prints, gives the exit status."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, TextIO

out: TextIO = sys.stdout
"""What a command answers goes here; whatever libraries print goes to stderr (see `colophon.cli.main`)."""


WHO = "command line"
"""Who did what a command did, where nobody else is named."""


def say(text: str = "") -> None:
    print(text, file=out)


def said_as_json(args: argparse.Namespace, value: Any) -> bool:
    """Answers a program: says the value as JSON where `--json` was given, and whether it was."""
    if args.json:
        say(json.dumps(value, indent=2, default=str, ensure_ascii=False))
    return bool(args.json)


def connections_check(args: argparse.Namespace) -> int:
    from colophon.checks import check_place, check_services, places, table

    rows = [*check_services(), *(row for place in places() for row in check_place(place))]
    if not said_as_json(args, [row.to_json() for row in rows]):
        say(table(rows))
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
        say(f"{args.out / shown.name}: {shown.records} records, {len(shown.message):,} bytes; {shown.held} held (rejects.csv)")
    else:
        out.buffer.write(shown.message)
        print(f"{shown.records} records; {shown.held} held", file=sys.stderr)
        sys.stderr.write(shown.rejects.decode())
    return 0


def partners_list(args: argparse.Namespace) -> int:
    from colophon.hooks.ledger import open_ledger
    from include.ledger.recipients import recipients
    from include.partners import load_parties

    with open_ledger().read() as session:
        rows = [asdict(row) for row in recipients(session, load_parties(), datetime.now(UTC))]
    if said_as_json(args, rows):
        return 0
    for row in rows:
        say("  ".join(f"{name}: {value}" for name, value in row.items() if value not in ("", None)))
    return 0


def partners_titles(args: argparse.Namespace) -> int:
    from colophon.hooks.ledger import open_ledger
    from include.ledger import questions
    from include.partners import load_partner

    partner = load_partner(args.partner).id
    ask: Callable[..., Sequence[Any]] = {"received": questions.received, "unsent": questions.not_sent, "held": questions.held}[args.show]
    with open_ledger().read() as session:
        rows = [asdict(row) for row in _all(lambda after: ask(session, partner, after=after, limit=1000))]
    if said_as_json(args, rows):
        return 0
    for row in rows:
        say(f"{row['isbn'] or row['product_id']:<14} {row['state']:<14} {row.get('sent_at') or ''!s:<20.19} {row['title']}")
        for reason in row.get("reasons", ()):
            say(f"{'':<14} {reason['code']}: {reason['message']}. {reason.get('todo', '')}".rstrip())
    return 0


def _all(page: Callable[[int], Sequence[Any]]) -> Iterator[Any]:
    after = 0
    while rows := page(after):
        yield from rows
        after = rows[-1].product_id


def deliveries_list(args: argparse.Namespace) -> int:
    from colophon.hooks.ledger import open_ledger
    from include.ledger import lists
    from include.partners import load_partners

    with open_ledger().read() as session:
        page = lists.deliveries(
            session,
            partner=args.partner,
            flow=args.flow,
            state=args.state,
            since=args.since,
            until=args.until,
            isbn=args.isbn,
            limit=args.limit,
            partners=load_partners(),
            now=datetime.now(UTC),
        )
        rows = [lists.as_json(row) for row in page]
    if said_as_json(args, rows):
        return 0
    for row in rows:
        say(
            f"{row['id']:>7}  {row['created_at'][:16]}  {row['partner']:<14} {row['state']:<18} {row['records']:>7} records "
            f"{len(row['files']):>4} files  {row['files'][-1]['name'] if row['files'] else ''}"
        )
    return 0


def deliveries_show(args: argparse.Namespace) -> int:
    from colophon.hooks.ledger import open_ledger
    from include.ledger import lists

    with open_ledger().read() as session:
        shown = lists.delivery(session, args.id, now=datetime.now(UTC))
    if said_as_json(args, shown):
        return 0
    for name in ("id", "partner", "flow", "state", "kind", "format", "message_number", "records", "held", "created_at", "delivered_at"):
        say(f"{name:<15} {shown[name]}")
    for reason in shown["reasons"]:
        say(f"{'reason':<15} {reason['message']}")
    for file in shown["files"]:
        say(f"{'file':<15} {file['remote_path'] or file['name']}  {file['bytes']:,} bytes  {file['sha256']}  {file['state']}")
    for event in shown["events"]:
        say(f"{event['at'][:19]:<20} {event['what']}  {event['subject']}")
    return 0


def redeliver(args: argparse.Namespace) -> int:
    from colophon.hooks.ledger import open_ledger, open_store
    from colophon.tasks.sending import send_delivery
    from include.deliveries import redeliver as again
    from include.deliveries.build import Run

    ledger = open_ledger()
    planned = again.plan(ledger, again.Wish(delivery_id=args.id, mode="rebuilt" if args.rebuilt else "as sent"))
    say(again.table(planned))
    if args.dry_run:
        return 0
    for item in planned:
        run = Run(who=WHO)
        delivery_id = again.prepare(ledger, open_store(), item, datetime.now(UTC), run)
        say(json.dumps(send_delivery(item.partner, delivery_id, run, again=True)))
    return 0


def title(args: argparse.Namespace) -> int:
    from colophon.hooks.ledger import open_ledger, open_store
    from include.ledger import questions
    from include.ledger.fragments import fragments
    from include.partners import load_partners

    partners = load_partners()
    with open_ledger().read() as session:
        standing = questions.title(session, args.isbn, partners, now=datetime.now(UTC))
        sent = fragments(session, open_store(), standing.product_id, partners) if args.fragments else []
    if said_as_json(args, asdict(standing) | ({"fragments": [asdict(one) for one in sent]} if args.fragments else {})):
        return 0
    say(f"{standing.isbn}  {standing.title}")
    for line in standing.partners:
        say(f"  {line.partner:<14} {line.state:<14} {line.sentence}")
    for one in sent:
        say(f"\n--- {one.partner}\n{one.text}")
    return 0


def files(args: argparse.Namespace) -> int:
    from colophon.hooks.ledger import open_ledger
    from include.ledger import fragments

    with open_ledger().read() as session:
        rows = [asdict(row) for row in fragments.files(session, name=args.name, sha256=args.sha256, isbn=args.isbn)]
    if said_as_json(args, rows):
        return 0
    for row in rows:
        say("  ".join(str(value) for value in row.values() if value not in ("", None)))
    return 0


def ledger_upgrade(args: argparse.Namespace) -> int:
    from colophon.hooks.ledger import open_ledger

    ledger = open_ledger()
    ledger.upgrade()
    say(f"The ledger is up to date: {ledger.engine.url.render_as_string(hide_password=True)}")
    return 0


def catalogue_sync(args: argparse.Namespace) -> int:
    from colophon.hooks.consonance import ConsonanceHook
    from colophon.hooks.ledger import open_ledger
    from include.catalogue.mirror import synchronise
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
    say(json.dumps(outcome.counts()))
    return 0
