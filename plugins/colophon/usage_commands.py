"""`colophon sales usage`: what of batches is no sale, as a table for whoever tracks rights."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from colophon.commands import say


def add_options(group: Any) -> None:
    """The arguments, on the command's own parser."""
    command = group.add_parser("usage", help="usage that is no sale (loans, pages read, requests), by month, title and territory, as CSV")
    command.add_argument("batches", nargs="+", type=int, metavar="BATCH")
    command.add_argument("--out", required=True, type=Path, metavar="FILE")
    command.set_defaults(run=usage)


def usage(args: argparse.Namespace) -> int:
    """Writes the table; batches that do not count are refused, since their usage is part of no total."""
    from colophon.hooks.ledger import open_ledger, open_store
    from include.errors import ConfigurationError, RejectedData
    from include.ledger import sales
    from include.ledger.sales_lists import COUNTED
    from include.sales import usage as report

    if not args.out.parent.is_dir() or args.out.is_dir():
        raise ConfigurationError("the report can't be written there", where=str(args.out), todo="Name a file in a folder that is there.")
    store = open_store()
    with open_ledger().read() as session:
        rows = [sales.get(session, batch) for batch in dict.fromkeys(args.batches)]
        if out := next((row for row in rows if row.state not in COUNTED), None):
            raise RejectedData(f"batch {out.id} is {out.state}", where=out.name, todo="Leave it out: its usage is part of no total.")
        with args.out.open("w", encoding="utf-8-sig", newline="") as file:
            number = report.write_csv(report.report(session, store, rows), file)
    say(f"{number} lines of usage  {args.out}")
    return 0
