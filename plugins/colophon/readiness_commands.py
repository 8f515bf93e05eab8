"""What `colophon readiness` does: judges all titles as the flows do, and tells what is late."""

from __future__ import annotations

import argparse
import json
import logging
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from include.errors import ConfigurationError

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from include.ledger.readiness import Wish
    from include.partners.model import House


def add_options(command: argparse.ArgumentParser) -> None:
    """What may be asked for."""
    command.add_argument("--imprint", default="", help="only this imprint")
    command.add_argument("--season", default="", help="only this season")
    command.add_argument("--late", action="store_true", help="only what is late")
    how = command.add_mutually_exclusive_group()
    how.add_argument("--json", action="store_true")
    how.add_argument("--xlsx", type=Path, metavar="FILE", help="write a workbook instead")


def readiness(args: argparse.Namespace) -> int:
    """Titles that are not published yet, by date of publication. Exit status 0 only when nothing of them is late."""
    from colophon import commands
    from colophon.hooks.ledger import open_ledger, open_store
    from colophon.tasks.readiness import refresh_all
    from include.ledger import readiness as known
    from include.ledger.readiness import Wish
    from include.partners import load_house

    ledger, house, now = open_ledger(), load_house(), datetime.now(UTC)
    refresh_all(ledger, open_store(), house, now, say=lambda line: logging.getLogger("colophon.readiness").info("%s", line))
    wish = Wish(imprint=args.imprint, season=args.season, state="unpublished", late=args.late)
    with ledger.read() as session:
        for what in ("imprint", "season"):
            _known(getattr(args, what), what, known.choices(session, what))
        totals = known.totals(session, wish)
        if args.xlsx:
            _workbook(args.xlsx, session, wish, house, now)
        elif args.json:
            commands.say(json.dumps([known.as_json(row) for row in known.rows(session, wish)], indent=1))
        else:
            for row in known.rows(session, wish):
                late = "; ".join(str(one["name"]) for one in row.checks if one["state"] == "late")
                commands.say(
                    f"{row.publication_date or 'no date':<10}  {row.state:<6} {row.risk:<5} {row.done:>2}/{row.wanted:<2} "
                    f"{row.isbn or row.product_id:<14} {row.format[:16]:<16} {row.title[:60]}"
                )
                if late:
                    commands.say(f"{'':<10}  late: {late}")
    if not args.json:
        commands.say(
            f"{totals.all:,} titles: {totals.late:,} late, {totals.open:,} open, {totals.ready:,} ready; {totals.high_risk:,} at high risk"
        )
    return 1 if totals.late else 0


def _known(wanted: str, what: str, choices: list[str]) -> None:
    """A slip of the pen must not read as "nothing is late"."""
    if wanted and wanted not in choices:
        near = get_close_matches(wanted, choices, 1)
        todo = f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(choices) or 'none'}."
        raise ConfigurationError(f"there is no {what} {wanted!r}", where="readiness", todo=todo)


def _workbook(path: Path, session: Session, wish: Wish, house: House, now: datetime) -> None:
    from include.partners.tables import ProductFilter
    from include.readiness import reports
    from include.readiness.columns import COLUMNS, check_columns
    from include.readiness.lines import lines

    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w+b") as out:
        of = lines(session, ProductFilter(), now.date(), wish=wish)
        reports.write("xlsx", out, of, [*COLUMNS.values(), *check_columns()], None, house, now.date())
