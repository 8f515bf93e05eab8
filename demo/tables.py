"""The closing tables of the demo."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import SIMPLE
from rich.table import Table
from rich.text import Text

from demo.book import Arrival, Book
from demo.outcome import Held, Outcome
from demo.trade import Trade


def deliveries_table(outcomes: Sequence[Outcome], names: dict[str, str]) -> Table:
    """One row per partner. The digest is green when the file in the partner's folder has it."""
    table = Table(title="What the partners have", box=SIMPLE, title_justify="left", title_style="bold")
    table.add_column("Partner")
    table.add_column("Format")
    for name in ("Sent", "Held", "Files", "Bytes", "Seconds"):
        table.add_column(name, justify="right")
    table.add_column("Remote file", overflow="fold")
    table.add_column("SHA-256")
    for outcome in outcomes:
        message = outcome.message
        path = message.remote_path if message else outcome.problem
        if outcome.problem and message:
            path = f"{path} ({outcome.problem})"
        mark = "green" if message and message.found and not outcome.problem else "red"
        table.add_row(
            names.get(outcome.partner, outcome.partner),
            outcome.format,
            f"{outcome.sent:,}",
            f"{outcome.held:,}",
            f"{len(outcome.files):,}",
            f"{outcome.bytes:,}",
            f"{outcome.seconds:.1f}",
            Text(path, "" if not outcome.problem else "red"),
            Text(f"{'✔' if mark == 'green' else '✘'} {message.sha256[:12] if message else ''}", mark),
        )
    return table


def held_table(held: Sequence[Held], partners: int) -> Table:
    """One row per rule."""
    table = Table(title="Why titles were held back", box=SIMPLE, title_justify="left", title_style="bold")
    table.add_column("Rule")
    table.add_column("Titles", justify="right")
    table.add_column("By")
    table.add_column("For example", overflow="fold")
    for one in held:
        by = "every partner" if len(one.partners) == partners else ", ".join(sorted(one.partners))
        table.add_row(one.code, str(one.titles), by, Text(one.example))
    return table


def arrivals_table(arrivals: Sequence[Arrival]) -> Table:
    """One row per file that came in; members of an archive follow it."""
    table = Table(title="What came in", box=SIMPLE, title_justify="left", title_style="bold")
    for name in ("Inbox", "File", "Kind", "State"):
        table.add_column(name)
    table.add_column("Why", overflow="fold")
    colours = {"attached": "green", "quarantined": "red", "proposed": "yellow"}
    for one in arrivals:
        table.add_row(one.inbox, Text(one.name), one.kind, Text(one.state, colours.get(one.state, "")), Text(one.why))
    return table


def package_table(book: Book) -> Table:
    """One row per file at the printer, with the digest that the printer's folder really has."""
    title = f"“{book.title}” at the printer: package {book.revision}, delivery {book.delivery}"
    table = Table(title=title, box=SIMPLE, title_justify="left", title_style="bold")
    table.add_column("File")
    table.add_column("Role")
    table.add_column("Bytes", justify="right")
    table.add_column("SHA-256")
    for file in book.files:
        mark = Text(f"{'✔' if file.found else '✘'} {file.sha256[:12]}", "green" if file.found else "red")
        table.add_row(Text(file.remote_path), file.role, f"{file.bytes:,}", mark)
    return table


def sales_table(trade: Trade) -> Table:
    """One row per report."""
    table = Table(title="What was sold", box=SIMPLE, title_justify="left", title_style="bold")
    for name in ("Batch", "Source", "Report", "Period"):
        table.add_column(name)
    for name in ("Lines", "Rejected", "Net"):
        table.add_column(name, justify="right")
    table.add_column("Balance")
    table.add_column("State")
    for one in trade.batches:
        bad = "red" if one.state == "unbalanced" else "green"
        counts = f"{one.lines:,}", f"{one.rejected:,}", one.net
        table.add_row(str(one.number), one.source, Text(one.name), one.period, *counts, one.balance, Text(one.state, bad))
    if trade.waiting:
        table.caption = f"{trade.waiting} import workbooks for Consonance wait for a person: Publishing → Imports"
    return table


def statements_table(trade: Trade) -> Table:
    """One row per recipient, green when its folder has exactly what was sent."""
    table = Table(title="Who got which royalty statements", box=SIMPLE, title_justify="left", title_style="bold")
    table.add_column("Recipient")
    table.add_column("Files", justify="right")
    table.add_column("Bytes", justify="right")
    table.add_column("In its folder")
    for recipient, files in sorted(trade.statements.items()):
        found = sum(file.found for file in files)
        whole = found == len(files)
        mark = Text(f"{'✔' if whole else '✘'} {found} of {len(files)}", "green" if whole else "red")
        table.add_row(recipient, str(len(files)), f"{sum(file.bytes for file in files):,}", mark)
    if trade.held:
        table.caption = f"{trade.held} held: their payee is not known. Publishing → Imports, for the role royalties"
    return table
