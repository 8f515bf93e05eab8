"""Takes exported files into the ledger: statements that are ready, and those that a person must look at. Reading twice is reading once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from include.errors import RejectedData
from include.files.model import Refused
from include.intake import handing
from include.ledger import statements
from include.ledger.database import Ledger
from include.ledger.sales_rows import StatementRow, StatementState
from include.ledger.statements import plain
from include.partners import Inbox
from include.partners.royalties import Statements
from include.royalties import match, read
from include.royalties.alike import say_the_same, show_the_same
from include.royalties.read import Found, Rules
from include.royalties.split import Splitter
from include.royalties.statements import CSV, PDF, reason
from include.royalties.watching import Watching
from include.store import ArtefactStore

KIND = "statements"
_OLDER = "If the correction was wrong, say whose it is: it goes as the latest then. Else refuse it."
MATCHING = frozenset({
    "payee-unknown",
    "name-differs",
    "name-missing",
    "payee-twice",
    "contract-of-another",
    "contract-unknown",
    "recipient",
})
"""Why a statement is held that a changed payee list or party may mend."""


@dataclass(slots=True)
class Taken:
    """Counts, never names: files read, statements `ready`, `held`, `unchanged`, `replaced`; files set aside."""

    counts: Counter[str] = field(default_factory=Counter)

    def to_json(self) -> dict[str, int]:
        return dict(self.counts)


def take_all(ledger: Ledger, store: ArtefactStore, inbox: Inbox, *, now: datetime, who: str = "", say: Callable[[str], None]) -> Taken:
    """Reads what the inbox has taken, then looks again at what is held for want of a payee. `say` gets counts only."""
    rules, taken = Rules.load(inbox.limits), Taken()
    with ledger.read() as session:
        waiting = [(row.id, row.name, row.sha256) for row in handing.taken(session, inbox.id)]
    for id, name, sha256 in waiting:
        try:
            came = take(ledger, store, rules, name, sha256, intake_id=id, now=now, who=who)
        except RejectedData as bad:
            code = bad.code if isinstance(bad, Refused) else "not-recognised"
            handing.set_aside(ledger, id, [bad.reason(code)], kind=KIND, now=now, who=who)
            taken.counts["set aside"] += 1
            say(f"arrival {id}: set aside ({code})")
            continue
        about = {KIND: came["ready"] + came["held"]}
        if came["ready"] or came["held"] or came["again"]:
            handing.read(ledger, id, kind=KIND, about=about, now=now, who=who)
        else:
            handing.duplicate(ledger, id, kind=KIND, about=about, now=now, who=who)
        taken.counts += came
        taken.counts["files"] += 1
        say(f"arrival {id}: {came['ready']} statements ready, {came['held']} held, {came['unchanged']} known already")
    taken.counts["ready"] += look_again(ledger, store, rules, now=now, who=who)
    return taken


def take(
    ledger: Ledger, store: ArtefactStore, rules: Rules, name: str, sha256: str, *, intake_id: int | None, now: datetime, who: str = ""
) -> Counter[str]:
    """One file, in one transaction. Gives counts: ready, held, unchanged, replaced; `again` if this very arrival was read before.

    Raises `RejectedData` where nothing of it can be read; nothing is recorded then.
    """
    with ledger.read() as session:
        known = statements.of_source(session, sha256)
        if known:
            mine = any(row.intake_id == intake_id for row in known)
            return Counter({"again" if mine else "unchanged": len(known)})
    with store.local(sha256) as local:
        found = read.read(local, name, store, rules)
    with ledger.read() as session:  # drawing pages takes its time: nobody else has to wait
        seen = [_seen(session, store, one, row_of(one, rules, name, sha256, now), rules) for one in found]
    fresh = [one for one in seen if one is not None]
    try:
        with ledger.session() as session:
            return Counter({"unchanged": len(found) - len(fresh)}) + _record(session, rules, name, sha256, fresh, intake_id, now, who)
    except IntegrityError:  # another worker records the same file at this moment: what it says is not for the log
        return Counter({"again": len(found)})


def _record(
    session: Session, rules: Rules, name: str, sha256: str, found: list[Found], intake_id: int | None, now: datetime, who: str
) -> Counter[str]:
    counts: Counter[str] = Counter()
    if statements.of_source(session, sha256):  # another worker was first
        return Counter({"again": len(found)})
    statements.settle(session, now=now, who=who)  # what has arrived can't be replaced before it leaves
    for one in found:
        row = row_of(one, rules, name, sha256, now)
        if _is_known(session, row):
            counts["unchanged"] += 1
            continue
        row.intake_id, row.contracts = intake_id, statements.contracts_of(session, one.part.said.contracts)
        session.add(row)
        session.flush()
        counts["replaced"] += statements.replace_earlier(session, row, now=now, who=who)
        counts["held" if row.state == StatementState.HELD else "ready"] += 1
        statements.tell(
            session, f"statement {row.state}", row, now=now, who=who, detail={"reasons": [each["code"] for each in row.reasons]}
        )
    return counts


def _is_known(session: Session, row: StatementRow) -> bool:
    """The same bytes came in another export, for the same payee, or a person has decided about them. What was held then and is not
    now (its pages lay apart, a payee was missing) is news."""
    return any(
        one.decided_at is not None or (one.state == StatementState.HELD and row.state == StatementState.HELD) or _counts_for(one, row)
        for one in statements.same_bytes(session, row.sha256, row.source_sha256)
    )


def _counts_for(one: StatementRow, row: StatementRow) -> bool:
    return one.payee == row.payee and one.state in statements.GOES


def _seen(session: Session, store: ArtefactStore, one: Found, row: StatementRow, rules: Rules) -> Found | None:
    """None where the version that counts shows the same, in other bytes: it is not sent a second time. What shows the same as a version
    that was corrected since is for a person: an old export has come again, or the correction is taken back."""
    if row.media_type not in {PDF, CSV}:
        return one
    versions = [each for each in statements.versions(session, row) if each.media_type == row.media_type]
    current = next((each for each in versions if each.state != StatementState.REPLACED), None)
    settled = current is not None and (current.state != StatementState.HELD or row.state == StatementState.HELD)
    if current is not None and settled and current.source_sha256 != row.source_sha256 and _looks_alike(store, current, row, one, rules):
        return None
    if one.reasons:
        return one
    older = next((each for each in versions if each.state == StatementState.REPLACED and _looks_alike(store, each, row, one, rules)), None)
    if older is None:
        return one
    what = f"it shows what statement {older.id} showed, which was corrected since"
    return replace(one, reasons=(reason("older-again", what, one.part.position, _OLDER),))


def _looks_alike(store: ArtefactStore, earlier: StatementRow, row: StatementRow, one: Found, rules: Rules) -> bool:
    changing = next((layout.pdf.changing for layout in rules.layouts if layout.pdf is not None and layout.id == one.part.layout), ())
    with store.local(earlier.sha256) as before, store.local(row.sha256) as now:
        return show_the_same(before, now, changing) if row.media_type == PDF else say_the_same(before, now)


def row_of(one: Found, rules: Rules, name: str, sha256: str, now: datetime) -> StatementRow:
    """The ledger's row of a statement."""
    said, part = one.part.said, one.part
    payee = one.payee.id if one.payee else ""
    return StatementRow(
        source=name[:255], source_sha256=sha256, position=statements.position_of(part.position), media_type=part.media_type,
        name=file_name(rules.parties[one.recipient].statements if one.recipient in rules.parties else None, payee, said.payee, said.period,
                       said.number, part.extension),
        sha256=part.content.sha256, bytes=part.content.bytes, payee=payee, payee_name=said.payee[:300], recipient=one.recipient,
        contracts=[{"contract_id": contract} for contract in said.contracts], number=said.number[:60], period=said.period[:60],
        amount=said.amount, currency=said.currency, state=StatementState.HELD if one.reasons else StatementState.READY,
        reasons=[*one.reasons, *({"code": "proposal", "payee": id, "message": f"it may be payee {id}'s", "where": "", "todo": ""}
                                 for id in one.proposals)],
        received_at=now,
    )  # fmt: skip


def file_name(wish: Statements | None, payee: str, name: str, period: str, number: str, extension: str) -> str:
    """Under which a statement goes out, from the party's mask. What is not known leaves no gap."""
    mask = (wish or Statements()).file_name
    values = {"payee": plain(payee), "name": plain(name), "period": plain(period), "number": plain(number)}
    filled = mask
    for key, value in values.items():
        filled = filled.replace("{" + key + "}", value)
    while "__" in filled:
        filled = filled.replace("__", "_")
    return (plain(filled.strip("_-"), 200) or "statement") + extension


def look_again(ledger: Ledger, store: ArtefactStore, rules: Rules, *, now: datetime, who: str = "") -> int:
    """Statements that are held only because the payee list, or a party, did not have what it has now; and ready ones whose payee has
    another recipient now, or is gone. Gives how many became ready."""
    with ledger.read() as session:
        held = [
            (row.id, row.sha256, row.media_type)
            for row in statements.in_state(session, StatementState.HELD)
            if row.reasons and all(each["code"] in MATCHING | {"proposal"} for each in row.reasons)
        ]
    ready = sum(_again(ledger, store, rules, id, sha256, media_type, now, who) for id, sha256, media_type in held)
    with ledger.session() as session:
        statements.settle(session, now=now, who=who)  # what has arrived stays with whom it went to
        for row in statements.in_state(session, StatementState.READY):
            _readdress(session, row, rules, now, who)
    return ready


def _again(ledger: Ledger, store: ArtefactStore, rules: Rules, id: int, sha256: str, media_type: str, now: datetime, who: str) -> bool:
    with store.local(sha256) as local:
        try:
            parts = list(
                Splitter(store, rules.layouts, rules.limits).split(local, f"statement.{'pdf' if media_type.endswith('pdf') else 'csv'}")
            )
        except RejectedData:
            return False
    if len(parts) != 1:
        return False
    matched = match.match(parts[0].said, rules.payees, rules.parties)
    if matched.payee is None or matched.reasons:
        return False
    with ledger.session() as session:
        row = statements.get(session, id, lock=True)
        if row.state != StatementState.HELD:
            return False
        if newer := statements.later(session, row, matched.payee.id):
            row.state = StatementState.REPLACED
            statements.tell(session, "statement replaced", row, now=now, who=who, detail={"by": newer.id})
            return False
        if found := read.checked(store, parts[0], Watching(rules.payees).of(session, row, matched.payee.id)):
            row.reasons = found
            return False
        make_ready(session, row, rules, matched.payee.id, now=now, who=who)
    return True


def make_ready(session: Session, row: StatementRow, rules: Rules, payee: str, *, now: datetime, who: str, reasons: Any = ()) -> None:
    """The payee is known and the check has passed: it goes with the next run."""
    one = rules.payees.get(payee)
    assert one is not None  # noqa: S101 - the caller has matched it
    row.payee, row.recipient, row.state, row.reasons = one.id, one.recipient, StatementState.READY, list(reasons)
    row.delivery_id = None  # of one that had gone to somebody by mistake: to this recipient it has not
    extension = {"application/pdf": ".pdf", "text/csv": ".csv"}.get(row.media_type, "")
    row.name = file_name(rules.parties[one.recipient].statements, one.id, row.payee_name, row.period, row.number, extension)
    statements.replace_earlier(session, row, now=now, who=who)
    statements.tell(session, "statement ready", row, now=now, who=who)


def _readdress(session: Session, row: StatementRow, rules: Rules, now: datetime, who: str) -> None:
    payee = rules.payees.get(row.payee)
    why = [reason("payee-unknown", f"payee {row.payee} is not in the list any more", "", "Put the payee back, or refuse it.")]
    reasons = match.recipient(payee, rules.parties) if payee is not None else why
    if payee is not None and not match.is_still(row, payee):
        what = f"payee {payee.id} is somebody else in the list now"
        reasons = [reason("name-differs", what, "", "Say on the page whose it is, or mend config/payees.csv.")]
    if payee is None or reasons:
        row.state, row.reasons = StatementState.HELD, reasons
        statements.tell(session, "statement held", row, now=now, who=who, detail={"reasons": [each["code"] for each in reasons]})
    elif payee.recipient != row.recipient:
        before, row.recipient = row.recipient, payee.recipient
        statements.tell(session, "statement has another recipient", row, now=now, who=who, detail={"before": before})
