"""`colophon covers …`: covers from Cloudinary, from a terminal."""

from __future__ import annotations

import argparse
from typing import Any

from colophon.commands import said_as_json, say


def add_options(group: Any) -> None:
    """The arguments of each, on its own parser."""
    command = group.add_parser("list", help="versions of covers, what people said of them, and on how many titles they are")
    command.add_argument("--state", default="", help="approved, pending, rejected, refused, attached, lost, gone")
    command.add_argument("--kind", default="", help="front, back, full, series")
    command.add_argument("--isbn", default="", help="only covers with this ISBN")
    command.add_argument("--limit", type=int, default=100)
    command.add_argument("--json", action="store_true")
    command.set_defaults(run=listed)


def listed(args: argparse.Namespace) -> int:
    """One line a version: on how many titles it is, on how many of them live in Consonance, and the reason where on none."""
    from colophon.hooks.ledger import open_ledger
    from include.errors import ConfigurationError
    from include.files.bounds import printable
    from include.ledger import covers
    from include.ledger.file_rows import RESOURCE

    for option, value, known in (("--state", args.state, covers.STATES), ("--kind", args.kind, covers.KINDS)):
        if value and value not in known:
            raise ConfigurationError(f"there is no {option[2:]} {value!r}", where=option, todo=f"There are {', '.join(known)}.")
    isbn = args.isbn.replace("-", "").replace(" ", "")
    with open_ledger().read() as session:
        rows = covers.page(session, state=args.state, kind=args.kind, isbn=isbn, limit=max(1, args.limit))
        uses = covers.uses_of(session, [row.id for row in rows])
        told = [covers.as_json(row, uses.get(row.id, ())) for row in rows]
    if said_as_json(args, told):
        return 0
    for row in told:
        on = [use for use in row["titles"] if use["state"] == covers.ATTACHED]
        live = sum((use["consonance"] or {}).get("as") == RESOURCE for use in on)
        subject = row["isbn"] or (f"work {row['work']}" if row["work"] else row["series"]) or "-"
        why = "; ".join(str(reason["message"]) for reason in row["reasons"]) or row["lost"] or ("gone" if row["gone_at"] else "")
        titles = f"{len(on):>5} titles, {live:>5} live"
        line = f"{row['id']:<6} {row['kind']:<7} {row['moderation']:<9} {titles}  {printable(subject)[:30]:<30} v{row['version']:<11}"
        say(f"{line} {printable(row['public_id'])}{f'  ({printable(why)})' if why else ''}")
    say(f"{len(told):,} {'version' if len(told) == 1 else 'versions'}")
    return 0
