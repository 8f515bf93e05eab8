"""What a person says about a statement that is held: whose it is, that it may name somebody, or that it goes to nobody."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from include.errors import RejectedData
from include.ledger import statements
from include.ledger.database import Ledger
from include.ledger.sales_rows import StatementRow, StatementState
from include.royalties import match, read, take
from include.royalties.check import Watch
from include.royalties.read import Rules
from include.royalties.statements import Part, reason
from include.royalties.watching import Watching
from include.store import Artefact, ArtefactStore

ALLOWED = "may-name"  # a reason that lets: {code, payee}: the person has let this payee be named in it


def give(
    ledger: Ledger,
    store: ArtefactStore,
    rules: Rules,
    statement_id: int,
    payee: str,
    *,
    now: datetime,
    who: str,
    may_name: Collection[str] = (),
) -> StatementRow:
    """The statement is `payee`'s; it goes with the next run. `may_name`: payees who may be named in it (a co-author).

    A person decides whose it is, not whether it is checked: raises `RejectedData`, and leaves it held with what was found, if it names
    another payee or can't be checked; also for an unknown payee, one whose recipient gets no statements, a statement that is neither held
    nor refused, and one of which a later version goes or has gone.
    """
    one = rules.payees.get(payee)
    where = f"statement {statement_id}"
    if one is None:
        raise RejectedData(f"there is no payee {payee!r}", where=where, todo="Put the payee into config/payees.csv first.")
    allowed = [other.id for name in may_name if (other := rules.payees.get(name)) is not None and other.id != one.id]
    with ledger.session() as session:
        statements.settle(session, now=now, who=who)
        row = statements.get(session, statement_id, lock=True)
        if row.state not in {StatementState.HELD, StatementState.REFUSED}:
            raise RejectedData(f"it is {row.state}, not held", where=where, todo="Look at the page again.")
        if newer := statements.later(session, row, one.id):
            what = f"statement {newer.id} of the same payee, period and number came later and is {newer.state}"
            raise RejectedData(what, where=where, todo=f"Refuse this one; or refuse statement {newer.id} first, if it has not left.")
        found = match.recipient(one, rules.parties) or check_row(store, row, Watching(rules.payees).of(session, row, one.id, allowed))
        if found:
            row.reasons = found
        else:
            let = [
                {"code": ALLOWED, "payee": id, "message": f"{who} has let payee {id} be named", "where": "", "todo": ""} for id in allowed
            ]
            if not match.bears(one, row.payee_name):
                given = {"code": match.GIVEN, "payee": one.id, "name": one.name, "where": "", "todo": ""}
                let.append(given | {"message": f"{who} has said that it is payee {one.id}'s"})
            row.decided_at, row.decided_by = now, who
            take.make_ready(session, row, rules, one.id, now=now, who=who, reasons=let)
        session.flush()
        session.expunge(row)
    if found:
        raise RejectedData("; ".join(each["message"] for each in found), where=where, todo=found[0]["todo"])
    return row


def take_back(ledger: Ledger, statement_id: int, *, now: datetime, who: str) -> StatementRow:
    """What somebody has let go is held again. Raises `RejectedData` for one that has left, or about which nobody had decided."""
    with ledger.session() as session:
        statements.settle(session, now=now, who=who)
        row = statements.get(session, statement_id, lock=True)
        if row.state != StatementState.READY or row.decided_at is None:
            todo = "What has left can't be taken back." if row.state == StatementState.DELIVERED else "Look at the page again."
            raise RejectedData(f"it is {row.state}", where=f"statement {statement_id}", todo=todo)
        row.state, row.decided_at, row.decided_by = StatementState.HELD, now, who
        row.reasons = [reason("taken-back", f"{who} has taken it back", "", "Say whose it is, or refuse it.")]
        statements.tell(session, "statement held", row, now=now, who=who, detail={"reasons": ["taken-back"]})
        session.flush()
        session.expunge(row)
    return row


def went_wrong(ledger: Ledger, statement_id: int, *, now: datetime, who: str) -> StatementRow:
    """A statement was delivered and should not have been: it counts no more (one that it had replaced counts again), and `give` sends it
    where it belongs. What has left is not called back by this. Raises `RejectedData` for one that was not delivered."""
    with ledger.session() as session:
        statements.settle(session, now=now, who=who)
        row = statements.get(session, statement_id, lock=True)
        if row.state != StatementState.DELIVERED:
            raise RejectedData(f"it is {row.state}, not delivered", where=f"statement {statement_id}", todo="Look at the page again.")
        row.state, row.decided_at, row.decided_by = StatementState.REFUSED, now, who
        what, todo = f"{row.recipient} got it by mistake, says {who}", "Ask them to delete it. Mend config/payees.csv; say whose it is."
        row.reasons = [reason("went-wrong", what, "", todo)]
        statements.tell(session, "statement refused", row, now=now, who=who, detail={"reasons": ["went-wrong"], "had": row.recipient})
        statements.bring_back(session, row, now=now, who=who)
        session.flush()
        session.expunge(row)
    return row


def refuse(ledger: Ledger, statement_id: int, *, now: datetime, who: str) -> StatementRow:
    """It goes to nobody, also when the same bytes come again. Raises `RejectedData` for one that has been delivered or replaced."""
    with ledger.session() as session:
        statements.settle(session, now=now, who=who)
        row = statements.get(session, statement_id, lock=True)
        if row.state not in {StatementState.HELD, StatementState.READY}:
            raise RejectedData(f"it is {row.state}", where=f"statement {statement_id}", todo="What has left can't be refused.")
        row.state, row.decided_at, row.decided_by = StatementState.REFUSED, now, who
        statements.tell(session, "statement refused", row, now=now, who=who)
        statements.bring_back(session, row, now=now, who=who)
        session.flush()
        session.expunge(row)
    return row


def allowed_in(row: StatementRow) -> list[str]:
    """Payees whom a person has let be named in it."""
    return [str(each["payee"]) for each in row.reasons if each.get("code") == ALLOWED]


def check_row(store: ArtefactStore, row: StatementRow, watch: Watch) -> list[dict[str, Any]]:
    """The check of a recorded statement, as it lies in the store."""
    if not row.media_type:
        return [reason("not-checkable", "it is no statement that can be read", "", "Refuse it, and export it again.")]
    return read.checked(store, Part(row.position, row.media_type, Artefact(row.sha256, row.bytes)), watch)
