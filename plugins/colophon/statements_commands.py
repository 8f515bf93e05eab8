"""`colophon statements split`: the flow's own cutting, matching and checking of exported statements, from a terminal."""

from __future__ import annotations

import argparse
import shutil
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

from colophon.commands import said_as_json, say


def add_options(command: Any) -> None:
    command.add_argument("file", nargs="+", type=Path, help="PDF, CSV or ZIP as exported")
    command.add_argument("--out", type=Path, required=True, metavar="DIR", help="one folder for each recipient, and one for what is held")
    command.add_argument("--json", action="store_true")
    command.set_defaults(run=split)


def split(args: argparse.Namespace) -> int:
    """Statements by recipient into folders; nothing is recorded or sent. 0 only if every one of them may go."""
    from include.errors import RejectedData
    from include.royalties.read import Rules, read
    from include.store import ArtefactStore

    rules, told, well = Rules.load(), [], True
    with tempfile.TemporaryDirectory() as folder:
        store = ArtefactStore(folder)
        for file in args.file:
            try:
                found = read(file, file.name, store, rules)
            except (RejectedData, OSError) as bad:
                well = False
                told.append({"file": str(file), "error": str(bad), "statements": []})
                continue
            lines = []
            for number, one in enumerate(found, start=1):
                path = _path(args.out, file, one, number, rules)
                path.parent.mkdir(parents=True, exist_ok=True)
                with store.local(one.part.content.sha256) as kept:
                    shutil.copyfile(kept, path)
                lines.append(one.to_json() | {"written": str(path)})
                well = well and not one.reasons
            told.append({"file": str(file), "error": "", "statements": lines})
    if not said_as_json(args, told):
        _print(told)
    return 0 if well else 1


def _path(out: Path, file: Path, one: Any, number: int, rules: Any) -> Path:
    """Where a statement is written: never over another one."""
    from include.ledger.statements import plain
    from include.royalties.take import file_name

    said = one.part.said
    party = rules.parties.get(one.recipient)
    wish = party.statements if party is not None else None
    if one.reasons:
        path = out / "held" / f"{plain(file.stem) or 'file'}_{number:03d}{one.part.extension}"
    else:
        path = out / one.recipient / file_name(wish, one.payee.id, said.payee, said.period, said.number, one.part.extension)
    place, again = path, 1
    while place.exists():
        again += 1
        place = path.with_name(f"{path.stem}_{again}{path.suffix}")
    return place


def _print(told: list[dict[str, Any]]) -> None:
    for file in told:
        say(file["file"] + (f": {file['error']}" if file["error"] else f": {len(file['statements'])} statements"))
        for one in file["statements"]:
            money = f"{one['currency']} {one['amount']}".strip() if one["amount"] is not None else "-"
            payee = f"{one['payee'] or '-':<10} {one['recipient'] or '-':<16}"
            what = f"{one['number'] or '-':<12} {one['period'] or '-':<20}"
            say(f"  {one['state']:<6} {payee} {what} {money:>16}  {one['position']}")
            for reason in one["reasons"]:
                say(f"         {reason['code']}: {reason['message']} ({reason['where']}). {reason['todo']}")
            if one["proposals"]:
                say(f"         it may be: {', '.join(one['proposals'])}")
    for line in _totals([one for file in told for one in file["statements"]]):
        say(line)


def _totals(statements: list[dict[str, Any]]) -> list[str]:
    """What all files come to, by state and currency: to be compared with the batch in Consonance."""
    found: dict[tuple[str, str], list[Decimal]] = {}
    for one in statements:
        found.setdefault((one["state"], one["currency"] or "-"), []).append(Decimal(one["amount"] or 0))
    return [f"{state:<6} {currency:<4} {len(some):>6,} {sum(some):>18,}" for (state, currency), some in sorted(found.items(), reverse=True)]
