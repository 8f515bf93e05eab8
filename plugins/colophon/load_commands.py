"""`colophon sales load` and `colophon sales undo`: the flow's own loading, from a terminal."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from colophon.commands import WHO, said_as_json, say


def add_options(group: Any) -> None:
    """The arguments of each, on its own parser."""
    command = group.add_parser("load", help="load reports of sales and usage, each once")
    command.add_argument("files", nargs="+", type=Path, metavar="FILE")
    command.add_argument("--source", metavar="ID", help="whose reports these are; without it by layout and path")
    command.add_argument("--dry-run", action="store_true", help="only tell what would become of them; nothing is recorded")
    command.add_argument("--json", action="store_true")
    command.set_defaults(run=load)
    command = group.add_parser("undo", help="take a batch back: what it replaced counts again")
    command.add_argument("batch", type=int)
    command.add_argument("--note", default="", help="why, for whoever asks later")
    command.add_argument("--json", action="store_true")
    command.set_defaults(run=undo)


def load(args: argparse.Namespace) -> int:
    """What each report came to; 0 only if all are loaded, balanced and without rejected rows."""
    from colophon.hooks.ledger import open_ledger, open_store
    from include.errors import RejectedData
    from include.files.bounds import printable
    from include.ledger.sales_rows import Overlap
    from include.partners.registry import load_source, load_sources
    from include.sales import match
    from include.sales.layout import load_layouts
    from include.sales.load import load as load_report

    source = load_source(args.source) if args.source else load_sources()
    layouts, ledger, store, told, well = load_layouts(), open_ledger(), open_store(), [], True
    for path in args.files:
        try:
            if not path.is_file():
                raise RejectedData("there is no such file", where=printable(str(path)), todo="Name a report.")
            one = load_report(
                ledger, store, source, path, str(path), layouts=layouts, now=datetime.now(UTC), who=WHO, dry_run=args.dry_run
            )  # fmt: skip
            if one.batch is not None and not args.dry_run and one.overlap not in {Overlap.RESENT, Overlap.REFUSED}:
                match.match(ledger, one.batch, datetime.now(UTC))
            told.append(one.to_json())
            well = well and one.ok
        except RejectedData as bad:
            told.append({"file": printable(str(path)), "error": {"message": bad.what, "where": bad.where, "todo": bad.todo}})
            well = False
    if not said_as_json(args, told):
        for each in told:
            _tell(each)
    return 0 if well else 1


def _tell(one: dict[str, Any]) -> None:
    if "error" in one:
        say(f"{one['file']}: {one['error']['message']}. {one['error']['todo']}")
        return
    batch = f"batch {one['batch']}" if one["batch"] else "not recorded"
    say(f"{one['file']}: {one['state']}, {batch}, {one['layout']}, {one['period']['from']} to {one['period']['to']}")
    say(f"  {one['rows']} rows, {one['units']} units" + (f", {one['usage']} of usage" if one["usage"] else "") + f", {one['choice']}")
    for currency, net in one["net"].items():
        say(f"  {net} {currency}")
    for control in one["controls"]:
        what = " ".join(filter(None, (control["what"], control["currency"])))
        why = "".join(f"; {each['amount']}: {each['why']}" for each in control["explained"])
        say(f"  {what}: {control['found']}, {control['from']} says {control['stated']}, difference {control['difference']}{why}")
    for reason in one["reasons"]:
        say(f"  {reason['message']}. {reason['todo']}".rstrip())
    for row in one["rejected_rows"]:
        place = " ".join(filter(None, (row["sheet"], f"row {row['row']}", row["column"])))
        say(f"  rejected: {place}: {row['message']}. {row['todo']}".rstrip())


def undo(args: argparse.Namespace) -> int:
    """What counts again, and which workbooks must not be loaded."""
    from colophon.hooks.ledger import open_ledger
    from include.sales.undo import undo as undo_batch

    done = undo_batch(open_ledger(), args.batch, now=datetime.now(UTC), who=WHO, note=args.note)
    if said_as_json(args, asdict(done)):
        return 0
    say(f"batch {done.batch} counts no more")
    if done.restored:
        say(f"  batch {', '.join(map(str, done.restored))} counts again")
    for workbook in done.withdrawn:
        say(f"  workbook {workbook} is withdrawn" + (": tell who has it not to load it" if workbook in done.in_hand else ""))
    return 0
