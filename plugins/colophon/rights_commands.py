"""`colophon rights report`: a recipient's reports as their flow makes them, from a terminal."""

from __future__ import annotations

import argparse
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from colophon.commands import said_as_json, say


def add_options(group: Any) -> None:
    """The arguments of each, on its own parser."""
    command = group.add_parser("report", help="rights reports, contracts and finance extracts of a party; nothing is recorded or sent")
    command.add_argument("partner")
    command.add_argument("--period", default="", help="2026-10, 2026-Q3, 2026-H2, 2026; default: the last that has ended")
    command.add_argument("--out", type=Path, metavar="DIR", help="write the files into this folder")
    command.add_argument("--json", action="store_true")
    command.set_defaults(run=report)


def report(args: argparse.Namespace) -> int:
    """Files, lines and flags of each report. 0 if they could be made; a flag is no failure."""
    from colophon.hooks.ledger import open_ledger, open_store
    from include.partners import load_house, load_party
    from include.rights.report import write
    from include.royalties.payees import load_payees

    party, now = load_party(args.partner), datetime.now(UTC)
    with tempfile.TemporaryDirectory() as folder:
        out = args.out or Path(folder)
        made = write(open_ledger(), open_store(), party, load_house(), load_payees(), now, out, args.period)
        told = [one.to_json() | {"files": [path.name for path in one.files]} for one in made]
        if said_as_json(args, {"partner": party.id, "folder": str(args.out or ""), "reports": told}):
            return 0
        for one in made:
            flags = f", {one.flags:,} flags" if one.report == "rights" else ""
            say(f"{one.report:<10} {one.period:<8} {one.lines:>9,} lines{flags}")
            for path in one.files:
                say(f"           {path if args.out else path.name}")
    return 0
