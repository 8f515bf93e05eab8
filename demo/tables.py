"""The closing tables of the demo."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import SIMPLE
from rich.table import Table
from rich.text import Text

from demo.outcome import Held, Outcome


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
