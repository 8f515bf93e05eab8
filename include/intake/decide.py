"""What a person says on the page Quarantine: this title, another one, no, remember it, try again, take it back.

Every word is an event with who and when. What the safety checks set aside can be refused or tried again, never accepted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from pathlib import PurePosixPath
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from include.errors import RejectedData
from include.files import names, previews, revisions, sniff
from include.files.model import Clues, Kind, Sniffed, rank
from include.intake.examine import DECIDABLE, SIDECAR, Examiner, Thing
from include.intake.match import Target, TitleIndex
from include.intake.parts import part_of
from include.intake.receive import Outcome, Receiver, attach, kept_clues, outcome_of, taken_off
from include.intake.source import Source
from include.ledger import intake as rows
from include.ledger import title_files
from include.ledger.database import Ledger
from include.ledger.deliveries import record_event
from include.ledger.file_rows import ContractRow, IntakeFileRow, IntakeState, MatchRuleRow
from include.ledger.models import ProductRow, WorkRow
from include.store import ArtefactStore

_BY_TITLE = frozenset({"isbn-unknown", "title-unknown", "title-unsure", "kind-unknown", "kind-unexpected"})  # may pass by themselves


def decidable(row: IntakeFileRow) -> bool:
    """Whether a person may put this arrival on a title: it waits, its bytes are here, and nothing is wrong with them."""
    return row.state in rows.OPEN and bool(row.sha256) and all(reason["code"] in DECIDABLE for reason in row.reasons)


def accept(
    ledger: Ledger, store: ArtefactStore, intake_id: int, *, who: str, now: datetime, proposal: int = 0, kind: Kind | None = None
) -> Outcome:
    """Puts an arrival on the title that was proposed (the first, unless another is named by its place), as `kind` if one is given.

    Raises `RejectedData` where there is no such proposal, the kind is not known, or the file may not be accepted.
    """
    with ledger.read() as session:
        proposals = rows.get(session, intake_id).proposals
    if not 0 <= proposal < len(proposals):
        raise RejectedData("nothing of that number is proposed", where=f"arrival {intake_id}", todo="Say the title itself.")
    said = proposals[proposal]
    target = Target(int(said["work_id"]), said.get("product_id"), said.get("contract_id"), str(said.get("title", "")))
    return correct(ledger, store, intake_id, target, who=who, now=now, kind=kind)


def correct(
    ledger: Ledger,
    store: ArtefactStore,
    intake_id: int,
    target: Target,
    *,
    who: str,
    now: datetime,
    kind: Kind | None = None,
    part: str | None = None,
    revision: str | None = None,
) -> Outcome:
    """Puts an arrival on this title, whatever was proposed; `kind`, `part` and `revision` where the person says them.

    Raises as `accept`, and where the title, the edition or the contract does not exist or do not belong together.
    """
    with ledger.read() as session:
        row = rows.get(session, intake_id)
        source = Source.named(row.inbox)
        facts = _facts(store, row) if decidable(row) else {}
    with ledger.session() as session:
        row = rows.get(session, intake_id, lock=True)
        if row.state not in rows.OPEN and row.state != IntakeState.ARRIVING:
            return outcome_of(session, row)  # somebody was faster; the button was pressed twice
        if not decidable(row):
            what = row.reasons[0]["message"] if row.reasons else f"it is {row.state}"
            raise RejectedData(f"this file can't be accepted: {what}", where=row.path, todo="Refuse it, and ask the sender for another.")
        _check(session, target, row)
        clues = clues_of(row.clues)
        kind = kind or clues.kind
        if kind is Kind.UNKNOWN and source.kinds and row.clues.get("filed_as") != SIDECAR:
            raise RejectedData("nobody has said what kind of file this is", where=row.path, todo="Choose its kind.")
        clues = names.with_kind(clues, kind)
        if revision is not None:
            clues = replace(clues, revision=revision, rank=rank(revision) or revisions.take(revision).rank)
        filed = part if part is not None else part_of(rows.shown_path(row.path), kind, clues, target.contract_id)
        before = {"state": row.state, "reasons": row.reasons}
        attached = attach(
            session, row, source, target, kind=kind, part=filed[:60], clues=clues, facts=facts, now=now, who=who
        )  # fmt: skip
        about = {"work": target.work_id, "product": target.product_id, "kind": kind, "title_file": attached.row.id, "before": before}
        _event(session, "arrival accepted", row, now, who, about)
        session.flush()
        return outcome_of(session, row)


def reject(ledger: Ledger, intake_id: int, *, note: str, who: str, now: datetime) -> Outcome:
    """Nobody's file: it leaves the page, its bytes stay in the store. Raises `RejectedData` without a note."""
    if not note.strip():
        raise RejectedData("a refusal needs a note", where=f"arrival {intake_id}", todo="Say why, for whoever asks later.")
    with ledger.session() as session:
        row = rows.get(session, intake_id, lock=True)
        if row.state == IntakeState.REFUSED:
            return outcome_of(session, row)
        if row.state not in rows.OPEN:
            raise RejectedData(f"the file is {row.state}", where=row.path, todo="Take it off its title first.")
        row.reasons = [*row.reasons, {"code": "refused", "message": note.strip(), "where": row.path, "todo": ""}]
        row.state, row.decided_by, row.decided_at = IntakeState.REFUSED, who, now
        _event(session, "arrival refused", row, now, who, {"note": note.strip()})
        return outcome_of(session, row)


def remember(
    ledger: Ledger, inbox: str, pattern: str, *, who: str, now: datetime, target: Target | None = None, kind: Kind | None = None
) -> int:
    """From now on files of this inbox whose path fits belong to that title, or are of that kind; gives the rule's id. One rule per
    pattern: a second one takes the place of the first. Raises `RejectedData` for a rule that says nothing or takes everything."""
    pattern = pattern.strip()
    if target is None and kind is None:
        raise RejectedData("the rule says neither title nor kind", where=pattern, todo="Choose one of them.")
    if not pattern or len(pattern) > 400 or (target is not None and not pattern.strip("*/?.")):
        raise RejectedData("this pattern would take every file", where=pattern or "empty", todo="Name a folder or part of a name.")
    with ledger.session() as session:
        if target is not None:
            _check(session, target, None)
        rule = session.scalar(select(MatchRuleRow).where(MatchRuleRow.inbox == inbox, MatchRuleRow.pattern == pattern))
        if rule is None:
            rule = MatchRuleRow(inbox=inbox, pattern=pattern)
            session.add(rule)
        rule.work_id, rule.product_id, rule.contract_id = (
            (target.work_id, target.product_id, target.contract_id) if target else (None, None, None)
        )
        rule.kind, rule.created_at, rule.created_by = kind or "", now, who
        session.flush()
        about = {"inbox": inbox, "rule": rule.id, "work": rule.work_id, "product": rule.product_id, "kind": rule.kind}
        record_event(session, what="rule remembered", now=now, who=who, subject=pattern, detail=about)
        return rule.id


def forget(ledger: Ledger, rule_id: int, *, who: str, now: datetime) -> None:
    """Takes a rule back; what it has matched stays where it is."""
    with ledger.session() as session:
        if rule := session.get(MatchRuleRow, rule_id):
            about = {"inbox": rule.inbox, "rule": rule.id, "work": rule.work_id, "kind": rule.kind, "used": rule.used}
            record_event(session, what="rule forgotten", now=now, who=who, subject=rule.pattern, detail=about)
            session.delete(rule)


def undo(ledger: Ledger, intake_id: int, *, who: str, now: datetime, note: str = "") -> Outcome:
    """Takes an arrival off its title again; the version before it is current, and the arrival waits for another word.

    Raises `RejectedData` where it is on no title by itself.
    """
    with ledger.session() as session:
        row = rows.get(session, intake_id, lock=True)
        if row.state not in {IntakeState.ATTACHED, IntakeState.SUPERSEDED} or row.title_file_id is None:
            todo = f"Undo arrival {row.duplicate_of_id}." if row.state == IntakeState.DUPLICATE else "Look at the title's page."
            raise RejectedData(f"the file is {row.state}, not on a title by itself", where=row.path, todo=todo)
        title_files.remove(session, row.title_file_id, now=now, who=who, note=note)
        about = {"title_file": row.title_file_id, "note": note}
        why = f"{who or 'somebody'} took it off its title" + (f": {note}" if note else "")
        row.state, row.title_file_id, row.decided_by, row.decided_at = IntakeState.PROPOSED, None, who, now
        row.reasons = [{"code": "undone", "message": why, "where": row.path, "todo": "Say whose it is, or refuse it."}]
        _event(session, "arrival undone", row, now, who, about)
        return outcome_of(session, row)


def retry(ledger: Ledger, store: ArtefactStore, index: TitleIndex, intake_id: int, *, who: str, now: datetime) -> Outcome:
    """Looks at an arrival again from the start: after a limit was raised, a title or a rule appeared. One that was never fetched is
    fetched by the inbox's next run."""
    with ledger.session() as session:
        row = rows.get(session, intake_id, lock=True)
        if row.state not in rows.OPEN:
            return outcome_of(session, row)
        _event(session, "arrival tried again", row, now, who, {"reasons": row.reasons})
        row.state, row.reasons = IntakeState.ARRIVING, []
        if not row.sha256:
            row.original = ""
            return outcome_of(session, row)
        source = Source.named(row.inbox)
    (outcome,) = Receiver(ledger, store, source, index, now=now, who=who).decide([intake_id])
    return outcome


# --- what passes by itself


def due_again(session: Session, inbox: str) -> list[int]:
    """Arrivals that wait for a title, last judged before the catalogue or the rules changed."""
    changed = [
        session.scalar(select(func.max(column)))
        for column in (WorkRow.changed_at, ProductRow.changed_at, ContractRow.changed_at, MatchRuleRow.created_at)
    ]
    newest = max((when for when in changed if when is not None), default=None)
    if newest is None:
        return []
    query = select(IntakeFileRow).where(
        IntakeFileRow.inbox == inbox, IntakeFileRow.state.in_(list(rows.OPEN)), IntakeFileRow.looked_at <= newest
    )
    return [row.id for row in session.scalars(query.order_by(IntakeFileRow.id)) if _may_pass(row)]


def again(ledger: Ledger, store: ArtefactStore, source: Source, index: TitleIndex, ids: Sequence[int], *, now: datetime) -> list[Outcome]:
    """Judges these arrivals once more, by the clues that the ledger kept; gives those that found their title."""
    with ledger.read() as session:
        rules = session.scalars(select(MatchRuleRow).where(MatchRuleRow.inbox == source.id).order_by(MatchRuleRow.id)).all()
    examiner = Examiner(store, source, index, rules)
    found: list[Outcome] = []
    for id in ids:
        with ledger.session() as session:
            row = rows.get(session, id, lock=True)
            if row.state not in rows.OPEN or not _may_pass(row):
                continue
            thing = Thing(rows.shown_path(row.path), row.sha256, row.bytes)
            sniffed = Sniffed(row.media_type, row.clues.get("extension", ""), row.clues.get("family", "other"))
            seen = examiner.judge(thing, sniffed, clues_of(row.clues), sidecar=row.clues.get("filed_as") == SIDECAR)
            row.looked_at = now
            if seen.state is IntakeState.ATTACHED and seen.target is not None:
                if taken_off(session, row, seen, now=now, who=""):
                    continue
                facts = _facts(store, row)
                attach(session, row, source, seen.target, kind=seen.kind, part=seen.part, clues=seen.clues, facts=facts, now=now, who="")
                if seen.rule_id is not None and (rule := session.get(MatchRuleRow, seen.rule_id)):
                    rule.used += 1
                session.flush()
                found.append(outcome_of(session, row))
                continue
            row.state, row.clues = seen.state, kept_clues(seen)
            row.proposals = [proposal.to_json() for proposal in seen.proposals]
            row.reasons = [dict(reason) for reason in seen.reasons]
    return found


def clues_of(kept: dict[str, Any]) -> Clues:
    """The clues that the ledger kept of an arrival."""
    fields = {name: kept[name] for name in Clues.__slots__ if name in kept}
    for name in ("isbns", "wrong_isbns", "work_references", "contract_ids", "found_in"):
        if name in fields:
            fields[name] = tuple(fields[name])
    if "kind" in fields:
        fields["kind"] = Kind(fields["kind"])
    if "dated" in fields:
        fields["dated"] = date.fromisoformat(fields["dated"])
    return Clues(**fields)


def _may_pass(row: IntakeFileRow) -> bool:
    return bool(row.sha256) and bool(row.reasons) and all(reason["code"] in _BY_TITLE for reason in row.reasons)


def _facts(store: ArtefactStore, row: IntakeFileRow) -> dict[str, Any]:
    with store.local(row.sha256) as local:
        return previews.facts(local, sniff.sniff(local, PurePosixPath(row.name).name))


def _check(session: Session, target: Target, row: IntakeFileRow | None) -> None:
    where = row.path if row else "match rule"
    work = session.get(WorkRow, target.work_id)
    if work is None or work.deleted_at is not None:
        raise RejectedData(f"there is no work {target.work_id}", where=where, todo="Choose a title that Consonance has.")
    if target.product_id is not None:
        product = session.get(ProductRow, target.product_id)
        if product is None or product.work_id != target.work_id:
            raise RejectedData(f"work {target.work_id} has no edition {target.product_id}", where=where, todo="Choose one it has.")
    if target.contract_id is not None:
        contract = session.get(ContractRow, target.contract_id)
        if contract is None or contract.work_id != target.work_id:
            raise RejectedData(f"work {target.work_id} has no contract {target.contract_id}", where=where, todo="Choose one it has.")


def _event(session: Session, what: str, row: IntakeFileRow, now: datetime, who: str, detail: dict[str, Any]) -> None:
    about = {"inbox": row.inbox, "intake": row.id}
    record_event(session, what=what, now=now, who=who, subject=row.path, bytes=row.bytes, sha256=row.sha256, detail=about | detail)
