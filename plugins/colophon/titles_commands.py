"""`colophon titles check`: a sheet of titles read, checked and compared as the flow does; nothing is recorded or written."""

from __future__ import annotations

import argparse
import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from colophon.commands import said_as_json, say

if TYPE_CHECKING:
    from include.imports.offers import Offers


def add_options(group: Any) -> None:
    """The arguments, on its own parser."""
    check = group.add_parser("check", help="what is wrong in a sheet of titles, and what it would change; nothing is written")
    check.add_argument("sheet", type=Path, metavar="SHEET", help="XLSX, XLS or CSV")
    check.add_argument("--mapping", help="file of config/mappings, without its ending; else that of the inbox of sheets")
    check.add_argument("--json", action="store_true")
    check.set_defaults(run=check_sheet)


def check_sheet(args: argparse.Namespace) -> int:
    """Row, state, ISBN, title, changes, problems; 0 only if no row is bad and none is in conflict."""
    from colophon.hooks.ledger import open_ledger
    from include.errors import ConfigurationError
    from include.files.bounds import printable
    from include.imports.check import check
    from include.imports.mapping import load_mapping
    from include.intake import handing
    from include.ledger.sales_rows import LineState
    from include.partners.inboxes import Limits

    if not args.sheet.is_file():
        raise ConfigurationError("there is no such file", where=printable(str(args.sheet)), todo="Name a sheet.")
    mapping, now = load_mapping(args.mapping or _usual_mapping()), datetime.now(UTC)
    handing.examine(args.sheet, args.sheet.name, Limits())
    written = datetime.fromtimestamp(args.sheet.stat().st_mtime, UTC)
    with open_ledger().read() as session:
        checked = check(session, args.sheet, args.sheet.name, mapping, _offers(), now=now, arrived=written)
    if not said_as_json(args, checked.to_json()):
        _print(checked)
    return 1 if {LineState.BAD, LineState.CONFLICT} & {line.state for line in checked.lines} else 0


def _print(checked: Any) -> None:
    from include.files.bounds import printable
    from include.imports.differences import shown
    from include.ledger.sales_rows import LineState

    for line in checked.lines:
        if line.state == LineState.UNCHANGED and not line.row.problems:
            continue
        say(f"row {line.row.number:<6} {line.state:<10} {line.isbn or '-':<14} {printable(line.title)[:60]}")
        for change in line.changes:
            how = (change["conflict"] and f"conflict: {change['conflict']}") or change["as"] or "not possible through the API"
            before, after = (printable(shown(change[name])) for name in ("before", "after"))
            say(f"{'':<10} {change['label']}: {before} → {after} ({how})")
        for problem in line.row.problems:
            column = f"{problem['column']}: " if problem["column"] else ""
            say(f"{'':<10} {problem['severity']}: {printable(column + problem['message'])}. {problem['todo']}")
    for reason in checked.reasons:
        say(f"{reason['where']}: {printable(reason['message'])}")
    for why in checked.asks:
        say(f"a person would be asked: {why}")
    made = f"{checked.made_at:%Y-%m-%d %H:%M} UTC" if checked.made_at else "not known"
    counts = ", ".join(f"{number:,} {state}" for state, number in checked.counts.items())
    say(f"{len(checked.lines):,} rows: {counts}; sheet made: {made}")


def _usual_mapping() -> str:
    """The mapping of the inboxes of sheets, where they all have the same one."""
    from include.errors import ConfigurationError
    from include.partners import load_inboxes

    known = sorted({inbox.mapping for inbox in load_inboxes(flow="title_import") if inbox.mapping})
    if len(known) != 1:
        raise ConfigurationError("several mappings are in use", where="config/inboxes", todo=f"Choose with --mapping: {', '.join(known)}.")
    return known[0]


def _offers() -> Offers:
    """What Consonance lets us write; all that is documented, where it can't be asked now."""
    from colophon.hooks.consonance import ConsonanceHook
    from include.errors import CapabilityMissing, ConfigurationError, TransientError
    from include.imports.offers import Offers, documented, offers

    log = logging.getLogger("colophon.imports")
    try:
        return offers(ConsonanceHook().get_conn())
    except CapabilityMissing as lacking:
        log.warning("Nothing can be written: %s", lacking)
        return Offers({}, {})
    except (ConfigurationError, TransientError) as unknown:
        log.warning("Consonance was not asked what it takes (%s): its documentation is gone by.", unknown)
        return documented()
