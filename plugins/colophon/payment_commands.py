"""`colophon sales payment` and `colophon sales due`: what was paid against what was reported, and which reports are missing."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from typing import Any

from colophon.commands import WHO, said_as_json, say


def add_options(group: Any) -> None:
    """The arguments of each, on its own parser."""
    command = group.add_parser("payment", help="write down what a source paid, and compare it with what it reported")
    command.add_argument("source", metavar="SOURCE", help="a file of config/sources")
    command.add_argument("period", help="as its batches have it: 2026-09, or from/to")
    command.add_argument("currency")
    command.add_argument("amount", help="as 1234.56")
    command.add_argument("--reference", required=True, help="of the remittance; the same again corrects it")
    command.add_argument("--on", default="", metavar="DAY", help="day of the payment, as 2026-10-31")
    command.add_argument("--note", default="", help="what explains a difference: fees, withheld tax")
    command.add_argument("--json", action="store_true")
    command.set_defaults(run=payment)
    command = group.add_parser("due", help="which reports are there, waiting for a person, expected, late")
    command.add_argument("--late", action="store_true", help="only what is late")
    command.add_argument("--json", action="store_true")
    command.set_defaults(run=due)


def payment(args: argparse.Namespace) -> int:
    """Reported, paid, the difference; 0 only if nothing is left unexplained."""
    from colophon.hooks.ledger import open_ledger
    from include.partners.registry import load_source
    from include.sales.payments import Entry, amount_of, enter

    entry = Entry(args.period, args.currency.upper(), amount_of(args.amount, args.currency.upper()), args.reference, args.on, args.note)
    done = enter(open_ledger(), load_source(args.source), entry, now=datetime.now(UTC), who=WHO)
    told = {
        "source": done.source, "period": done.period, "currency": done.currency, "reported": format(done.reported, "f"),
        "paid": format(done.paid, "f"), "difference": format(done.paid - done.reported, "f"), "batches": list(done.batches),
        "reasons": list(done.reasons),
    }  # fmt: skip
    if not said_as_json(args, told):
        say(f"{told['source']} {told['period']}: paid {told['paid']} {told['currency']}, reported {told['reported']}")
        for reason in done.reasons:
            say(f"  {reason['message']}. {reason['todo']}")
    return 1 if done.reasons else 0


def due(args: argparse.Namespace) -> int:
    """One line for each period that is over; 0 only if nothing is late."""
    from colophon.hooks.ledger import open_ledger
    from include.partners.registry import load_sources
    from include.sales.calendar import expected

    with open_ledger().read() as session:
        found = expected(session, load_sources(), datetime.now(UTC).date())
    shown = [one for one in found if one.state == "late" or not args.late]
    rows = [
        {
            "source": one.source, "period": one.period, "currency": one.currency, "due": one.due_on.isoformat(), "state": one.state,
            "batches": list(one.batches),
        }
        for one in shown
    ]  # fmt: skip
    if not said_as_json(args, rows):
        for one in shown:
            batches = f"  batch {', '.join(map(str, one.batches))}" if one.batches else ""
            say(f"{one.source:<20} {one.period:<22} {one.currency:<3} due {one.due_on}  {one.state}{batches}")
    return 1 if any(one.state == "late" for one in found) else 0
