"""`colophon sales workbook`: the import workbooks of batches, as the flow makes them, in a folder of one's own."""

from __future__ import annotations

import argparse
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from colophon.commands import said_as_json, say


def add_options(group: Any) -> None:
    """The arguments, on the command's own parser."""
    command = group.add_parser("workbook", help="Consonance's import workbooks of batches of sales")
    command.add_argument("batches", nargs="+", type=int, metavar="BATCH")
    command.add_argument("--out", required=True, type=Path, metavar="FILE", help="several workbooks: FILE_1-of-3.xlsx and so on")
    command.add_argument("--json", action="store_true")
    command.set_defaults(run=workbook)


def workbook(args: argparse.Namespace) -> int:
    """Prepares what is not prepared yet, copies the workbooks that are not loaded, says what waits. 0 if nothing waits."""
    from colophon.hooks.ledger import open_ledger, open_store
    from include.ledger.workbooks import OPEN
    from include.sales import workbook as sales
    from include.workbooks.question import totals

    ledger, store, now = open_ledger(), open_store(), datetime.now(UTC)
    made = [(batch, sales.make(ledger, store, batch, now, who="colophon sales workbook")) for batch in dict.fromkeys(args.batches)]
    rows = {row.id: row for _, one in made for row in one.workbooks}
    going = [row for row in rows.values() if row.state in OPEN]
    copies = dict(zip((row.id for row in going), _names(args.out, len(going)), strict=True))
    for id, path in copies.items():
        with store.open(rows[id].sha256) as source, path.open("wb") as target:
            shutil.copyfileobj(source, target)
    waiting = [{"batch": batch, **one.to_json()} for batch, one in made for one in one.waiting]
    shown = [
        {
            "workbook": row.id,
            "name": row.name,
            "state": row.state,
            "rows": row.rows,
            "totals": row.totals,
            "file": str(copies.get(row.id, "")),
        }
        for row in rows.values()
    ]
    if said_as_json(args, {"workbooks": shown, "waiting": waiting}):
        return 1 if waiting else 0
    for row in rows.values():
        where = str(copies[row.id]) if row.id in copies else f"not copied: it is {row.state}"
        say(f"workbook {row.id}  {row.name}  {row.rows} rows  {where}")
        for label, amount in totals(row):
            say(f"    {label:<20} {amount:>20}")
    if not rows:
        say("no workbook: nothing that was sold is in these batches, or all of it waits")
    for one in waiting:
        say(f"waits: batch {one['batch']}: {one['message']}. {one['todo']}")
    return 1 if waiting else 0


def _names(out: Path, count: int) -> list[Path]:
    """The file itself for one workbook; numbered ones beside it for several. Raises `ConfigurationError` where there is no such folder."""
    from include.errors import ConfigurationError

    if not out.parent.is_dir() or out.is_dir():
        raise ConfigurationError("the workbook can't be written there", where=str(out), todo="Name a file in a folder that is there.")
    if count == 1:
        return [out]
    return [out.with_name(f"{out.stem}_{number}-of-{count}{out.suffix or '.xlsx'}") for number in range(1, count + 1)]
