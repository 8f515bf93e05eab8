"""What goes to whom: one package for each recipient and period, with its manifest; finance gets all of them and one table.

A package holds the statements of that recipient's own payees. A later run adds or replaces; only what changed travels. Before anything is
packed, each statement is opened and checked; before it is sent, `include.royalties.leaving` does so once more.
"""

from __future__ import annotations

import csv
import io
import posixpath
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from include.deliveries.build import Run
from include.errors import ConfigurationError
from include.files.characters import harmless
from include.ledger import packages, statements
from include.ledger.database import Ledger
from include.ledger.packages import UNSENT
from include.ledger.sales_rows import StatementRow, StatementState
from include.ledger.statements import FLOW, plain
from include.packages.build import Item, NewPackage, digest_of, made, prepare
from include.partners import House, Party
from include.partners.royalties import Statements
from include.royalties import decide, match, take
from include.royalties.read import Rules
from include.royalties.watching import Watching
from include.store import ArtefactStore

TABLE = ("payee", "name", "recipient", "statement", "period", "contracts", "amount", "currency", "file", "sha256")


@dataclass(slots=True)
class Prepared:
    """Deliveries that are to go, and counts: statements in them, statements that the check has held back."""

    deliveries: list[int] = field(default_factory=list)
    statements: int = 0
    held: int = 0


@dataclass(frozen=True, slots=True)
class _Placed:
    """A statement and its path in the package."""

    row: StatementRow
    name: str


def build_all(ledger: Ledger, store: ArtefactStore, party: Party, house: House, rules: Rules, *, now: datetime, run: Run) -> Prepared:
    """Prepares what the party is due, and stops what it is not due any more. Nothing is sent. Raises `ConfigurationError` for a party
    that gets no statements, or a mask that can't be filled."""
    wish, done = _wish(party), Prepared()
    with ledger.session() as session:
        statements.settle(session, now=now, who=run.who)
        rows = statements.in_state(session, *statements.GOES)
        theirs = [row for row in rows if wish.everything or row.recipient == party.id]
        mine = statements.current(theirs)
        roots = {row.id: _root(session, row) for row in mine}
        session.expunge_all()
    by_subject: dict[str, list[StatementRow]] = defaultdict(list)
    for row in mine:
        by_subject[statements.subject_of(row)].append(row)
    for subject, some in sorted(by_subject.items()):
        if not wish.everything and not any(row.state == StatementState.READY for row in some):
            continue
        placed = _placed(wish, sorted(some, key=lambda row: (roots[row.id], row.id)))
        if delivery_id := _prepared(ledger, store, party, house, rules, subject, placed, done, now, run):
            done.deliveries.append(delivery_id)
    _stop_others(ledger, party, by_subject, wish, now, run)
    return done


def _prepared(
    ledger: Ledger, store: ArtefactStore, party: Party, house: House, rules: Rules, subject: str, placed: list[_Placed], done: Prepared,
    now: datetime, run: Run,
) -> int | None:  # fmt: skip
    """The delivery of one period, if one is to go. A statement that does not pass the check is held, and the others go."""
    new = package(store, party, house, subject, placed)
    with ledger.read() as session:
        last = packages.last_delivered(session, party.id, FLOW, subject)
        if last is not None and last.digest == digest_of(new.items) and not _waits(session, party.id, subject):
            return None
        there = {(file.name, file.sha256) for file in last.files} if last is not None else set()
    watching = Watching(rules.payees)
    clean = [
        one for one in placed
        if (one.name, one.row.sha256) in there
        or (_is_theirs(party, rules, one.row) and _passes(ledger, store, watching, one.row, now, run))
    ]  # fmt: skip
    done.held += sum(one.row.state == StatementState.READY for one in placed if one not in clean)
    if len(clean) < len(placed):
        if not clean or not (_wish(party).everything or any(one.row.state == StatementState.READY for one in clean)):
            return None
        new = package(store, party, house, subject, clean)
    row = prepare(ledger, store, new, now=now, run=run)
    with ledger.read() as session:
        delivery_id = packages.to_send(session, row)
    if delivery_id is not None:
        done.statements += len(clean)
    return delivery_id


def _waits(session: Any, party: str, subject: str) -> bool:
    return any(one.state in UNSENT for one in packages.of_subject(session, party, FLOW, subject))


def _is_theirs(party: Party, rules: Rules, row: StatementRow) -> bool:
    """Whether what the party does not have as it stands may go to it: a payee may have another agent since it was delivered."""
    payee = rules.payees.get(row.payee)
    return payee is not None and match.is_still(row, payee) and (_wish(party).everything or payee.recipient == party.id)


def _passes(ledger: Ledger, store: ArtefactStore, watching: Watching, row: StatementRow, now: datetime, run: Run) -> bool:
    """Of what has arrived before, and would go again, nothing is written down: it stays as it was delivered."""
    with ledger.read() as session:
        watch = watching.of(session, row, row.payee, decide.allowed_in(row))
    found = decide.check_row(store, row, watch)
    if found and row.state == StatementState.READY:
        with ledger.session() as session:
            held = statements.get(session, row.id, lock=True)
            if held.state != StatementState.READY:  # somebody has decided meanwhile
                return False
            held.state, held.reasons = StatementState.HELD, found
            statements.tell(session, "statement held", held, now=now, who=run.who, detail={"reasons": [each["code"] for each in found]})
    return not found


def package(store: ArtefactStore, party: Party, house: House, subject: str, placed: Sequence[_Placed]) -> NewPackage:
    """The package of one period for one party. `ticket` says which statement each file is: the last look compares."""
    wish = _wish(party)
    folder, flat = _folder(party, wish, subject)
    items = [Item("statement", one.name, one.row.sha256, one.row.bytes) for one in placed]
    if wish.everything:
        items.append(made(store, "table", f"statements_{subject}.csv", table([(one.row, one.name) for one in placed])))
    about = {"from": house.sender.name, "period": subject, "statements": len(placed)}
    told = [{"id": one.row.id, "name": one.name, "sha256": one.row.sha256, "payee": one.row.payee} for one in placed]
    return NewPackage(
        party=party, flow=FLOW, subject=subject, items=items, folder=folder, about=about, ticket={"statements": told}, whole=False,
        flat=flat, format="royalty statements",
    )  # fmt: skip


def table(rows: Sequence[tuple[StatementRow, str]]) -> bytes:
    """Finance's table of all statements of a period: CSV, UTF-8 with a mark for spreadsheets; amounts as printed, with a point."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(TABLE)
    for row, name in rows:
        contracts = "; ".join(str(one["contract_id"]) for one in row.contracts)
        amount = "" if row.amount is None else format(row.amount, "f")
        cells = (row.payee, row.payee_name, row.recipient, row.number, row.period, contracts, amount, row.currency, name, row.sha256)
        writer.writerow([harmless(cell, amounts=True) for cell in cells])
    return out.getvalue().encode("utf-8-sig")


def _placed(wish: Statements, rows: Sequence[StatementRow]) -> list[_Placed]:
    """Each with its own name: where the mask does not tell two apart, the later one gets a number, and keeps it."""
    times: dict[str, int] = {}
    taken = set[str]()
    found = []
    for row in rows:
        extension = posixpath.splitext(row.name)[1]
        stem = posixpath.splitext(take.file_name(wish, row.payee, row.payee_name, row.period, row.number, extension))[0]
        inner = _inner(wish, row)
        path = posixpath.join(inner, stem)
        name = ""
        while not name or name.casefold() in taken:
            count = times[f"{path}{extension}".casefold()] = times.get(f"{path}{extension}".casefold(), 0) + 1
            name = f"{path}{f'_{count}' if count > 1 else ''}{extension}"
        taken.add(name.casefold())
        found.append(_Placed(row, name))
    return found


def _parts(wish: Statements) -> tuple[list[str], list[str]]:
    """The folder mask, up to what depends on the payee, and from there on."""
    parts = [part for part in wish.folder.split("/") if part]
    at = next((number for number, part in enumerate(parts) if "{payee}" in part), len(parts))
    return parts[:at], parts[at:]


def _inner(wish: Statements, row: StatementRow) -> str:
    inner = "/".join(_parts(wish)[1])
    return inner.replace("{payee}", plain(row.payee)).replace("{period}", statements.subject_of(row))


def _folder(party: Party, wish: Statements, subject: str) -> tuple[str, bool]:
    """The package's folder, and whether packages of other periods lie in it, too."""
    outer = "/".join(_parts(wish)[0])
    filled = outer.replace("{period}", subject)
    if "{" in filled or "}" in filled:
        where = f"config/partners/{party.id}.toml, statements.folder"
        raise ConfigurationError(f"the mask {wish.folder!r} can't be filled", where=where, todo="Use period and payee only.")
    return posixpath.join(party.transport.folder, filled) if filled else party.transport.folder, "{period}" not in outer


def _root(session: Any, row: StatementRow) -> int:
    """The first version of a statement: where it stands among others does not change with a correction."""
    seen = {row.id}
    while row.replaces_id is not None and row.replaces_id not in seen:
        earlier = session.get(StatementRow, row.replaces_id)
        if earlier is None:
            break
        row = earlier
        seen.add(row.id)
    return row.id


def _stop_others(ledger: Ledger, party: Party, due: dict[str, list[StatementRow]], wish: Statements, now: datetime, run: Run) -> None:
    """Packages that were built and have not left, of periods of which this party is due nothing any more."""
    why = [{"code": "not-theirs", "message": "nothing of it is this party's any more", "where": "", "todo": "Nothing."}]
    wanted = {subject for subject, rows in due.items() if wish.everything or any(row.state == StatementState.READY for row in rows)}
    with ledger.session() as session:
        for subject in packages.subjects_unsent(session, party.id, FLOW):
            if subject not in wanted:
                packages.stop_unsent(session, party.id, FLOW, subject, why, now=now, who=run.who)


def _wish(party: Party) -> Statements:
    if party.statements is None:
        where = f"config/partners/{party.id}.toml"
        raise ConfigurationError(f"{party.name} gets no statements", where=where, todo="Add a [statements] table, or choose another.")
    return party.statements
