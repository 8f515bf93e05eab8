"""What a run of an inbox leaves to be said: how many of what, what was set aside and why, what still waits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from include.ledger import intake as rows
from include.ledger.file_rows import IntakeFileRow
from include.partners import Inbox

LONG = timedelta(hours=24)  # an arrival that has not become whole in that time is worth a word
MOST = 40  # files named in one notice


@dataclass(frozen=True, slots=True)
class Summary:
    """`counts`: arrivals decided in this run by state, members of archives too; `set_aside`: those of them that wait for a person;
    `stuck`: arrivals that do not become whole, or that the server would not give."""

    inbox: Inbox
    counts: dict[str, int]
    set_aside: tuple[IntakeFileRow, ...]
    stuck: tuple[IntakeFileRow, ...]
    problems: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Counts only: logs and XComs are for every viewer's eyes, the names of contracts are not."""
        return {"counts": self.counts, "set_aside": len(self.set_aside), "stuck": len(self.stuck), "problems": len(self.problems)}

    @property
    def sentence(self) -> str:
        counted = ", ".join(f"{number} {state}" for state, number in sorted(self.counts.items())) or "nothing new"
        return f"{self.inbox.name}: {counted}" + (f"; {len(self.stuck)} not whole yet" if self.stuck else "")

    def notice(self) -> tuple[str, str] | None:
        """Subject and text for who is to be told of what was set aside; None: nothing was. Of restricted files only their number."""
        if not self.set_aside:
            return None
        number = len(self.set_aside)
        subject = f"{self.inbox.name}: {number} file{'s' if number > 1 else ''} set aside"
        if self.inbox.restricted:
            return subject, f"They can be seen by the role {self.inbox.restricted} under Publishing → Quarantine."
        # a contract that lay in an open inbox is no less secret
        named = [row for row in self.set_aside if not row.restricted]
        lines = [f"* {row.path}: {'; '.join(reason['message'] for reason in row.reasons)}" for row in named[:MOST]]
        more = [f"… and {len(named) - MOST} more."] if len(named) > MOST else []
        hidden = Counter(row.restricted for row in self.set_aside if row.restricted)
        more += [f"* {count} that the role {role} can see" for role, count in sorted(hidden.items())]
        return subject, "\n".join([*lines, *more, "", "Decide under Publishing → Quarantine. Nothing is lost: the store has every file."])


def summary(session: Session, inbox: Inbox, since: datetime, now: datetime, problems: Sequence[str] = ()) -> Summary:
    """Of what was decided since a moment, the run's start."""
    query = select(IntakeFileRow).where(IntakeFileRow.inbox == inbox.id, IntakeFileRow.decided_at >= since)
    counts: dict[str, int] = {}
    aside: list[IntakeFileRow] = []
    for row in session.scalars(query.order_by(IntakeFileRow.id)):
        counts[row.state] = counts.get(row.state, 0) + 1
        if row.state in rows.OPEN:
            aside.append(row)
    return Summary(inbox, counts, tuple(aside), tuple(rows.stuck(session, inbox.id, now - LONG)), tuple(problems))
