"""`colophon intake check` and `colophon intake run`: an inbox's own code, from a terminal."""

from __future__ import annotations

import argparse
import logging
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from colophon.commands import WHO, said_as_json, say


def add_options(group: Any) -> None:
    """The arguments of both, each on its own parser."""
    check = group.add_parser("check", help="what would become of local files in an inbox; nothing is moved or recorded")
    check.add_argument("path", type=Path, help="a file or a folder")
    check.add_argument("--inbox", help="by this inbox's rules; without it every kind is expected")
    check.add_argument("--json", action="store_true")
    check.set_defaults(run=check_files)
    run = group.add_parser("run", help="take what is whole in an inbox, now")
    run.add_argument("inbox")
    run.add_argument("--wait", action="store_true", help="where two looks must lie apart, wait and look again")
    run.add_argument("--json", action="store_true")
    run.set_defaults(run=run_inbox)


def check_files(args: argparse.Namespace) -> int:
    """File, fate, kind, match, reason; 0 only if every file would be on a title without a person."""
    from sqlalchemy import select

    from colophon.hooks.ledger import open_ledger
    from include.files.bounds import printable
    from include.intake.check import check
    from include.intake.match import TitleIndex
    from include.intake.source import Source
    from include.ledger.file_rows import MatchRuleRow
    from include.partners import load_inbox

    source = Source.of_inbox(load_inbox(args.inbox)) if args.inbox else Source("", "")
    with open_ledger().read() as session:
        index = TitleIndex(session)
        rules = session.scalars(select(MatchRuleRow).where(MatchRuleRow.inbox == source.id)).all() if args.inbox else []
    found = list(check(args.path, source, index, rules))
    if not said_as_json(args, [one.to_json() for one in found]):
        for one in found:
            say(f"{one.fate:<12} {one.kind or '-':<14} {one.match or '-':<40} {printable(one.file)}")
            for reason in one.reasons:
                say(f"{'':<12} {reason['code']}: {reason['message']}. {reason['todo']}".rstrip())
    return 0 if found and all(one.ok for one in found) else 1


def run_inbox(args: argparse.Namespace) -> int:
    """One run of the flow; 0 only if nothing was set aside and nothing failed."""
    from colophon.hooks.ledger import open_ledger, open_store
    from colophon.hooks.remote import open_remote
    from include.intake.look import look
    from include.intake.run import finish, take
    from include.partners import load_inbox

    inbox, log = load_inbox(args.inbox), logging.getLogger("colophon.intake")
    ledger, store, since = open_ledger(), open_store(), datetime.now(UTC)
    with open_remote(inbox.transport) as remote:
        seen = look(ledger, inbox, remote, now=datetime.now(UTC))
        if not seen.ready and seen.settles_in is not None and args.wait:
            log.info("%s files are arriving: waiting %.0f seconds", seen.arriving, seen.settles_in + 1)
            time.sleep(seen.settles_in + 1)
            seen = look(ledger, inbox, remote, now=datetime.now(UTC))
        for ids in seen.batches():
            take(ledger, store, inbox, remote, ids, now=datetime.now(UTC), who=WHO, say=log.info)
        told = finish(ledger, store, inbox, remote, since=since, now=datetime.now(UTC), say=log.info)
    if not said_as_json(args, told.to_json() | {"arriving": seen.arriving, "later": seen.later}):
        say(told.sentence)
        for row in told.set_aside:
            say(f"  {row.state:<12} {row.path}: {'; '.join(reason['message'] for reason in row.reasons)}")
        for problem in (*seen.problems, *told.problems):
            say(f"  {problem}")
        if seen.arriving:
            say(f"  {seen.arriving} arriving: look again later" + ("" if args.wait else ", or use --wait"))
    return 0 if not (told.set_aside or told.problems or seen.problems) else 1
