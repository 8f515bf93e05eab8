"""From bytes in the store to a version on a title, or to a reason why not: what inboxes and old archives share.

Whoever is stopped anywhere goes on by calling again: an arrival is found by its path and mark, attaching and recording are one
transaction, and the same bytes on the same title are one version. Two workers on one arrival: the first decides, the second reads what
was decided.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from include.files.model import Clues, Kind
from include.intake.examine import Examined, Examiner, Thing
from include.intake.match import Proposal, Target, TitleIndex
from include.intake.source import Source
from include.ledger import intake as rows
from include.ledger import title_files
from include.ledger.database import Ledger
from include.ledger.deliveries import record_event
from include.ledger.file_rows import IntakeFileRow, IntakeState, MatchRuleRow, TitleFileRow
from include.ledger.intake import Seen
from include.ledger.models import WorkRow
from include.store import ArtefactStore

AT_ONCE = 50  # members of one archive recorded in one transaction, so that other writers get their turn


@dataclass(frozen=True, slots=True)
class Arrival:
    """A file whose bytes the store has. `path` under its source; `mark` tells it from the next one there (empty: size and time).

    `refused`: it is set aside for this reason ({code, message, where, todo}), even if it is safe.
    """

    path: str
    sha256: str
    bytes: int
    modified: datetime | None = None
    mark: str = ""
    refused: dict[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one arrival, as the ledger has it. `members`: of an archive, archives in it already opened up.

    `reasons` are [{code, message, where, todo}]; `title` is the title it is on, or the likeliest one it was proposed for.
    """

    id: int
    path: str
    state: IntakeState
    kind: Kind = Kind.UNKNOWN
    work_id: int | None = None
    product_id: int | None = None
    contract_id: int | None = None
    title: str = ""
    title_file_id: int | None = None
    reasons: tuple[dict[str, str], ...] = ()
    why: str = ""
    members: tuple[Outcome, ...] = ()

    def each(self) -> Iterator[Outcome]:
        """This one, and those of its members."""
        yield self
        for member in self.members:
            yield from member.each()

    @property
    def set_aside(self) -> bool:
        return self.state in rows.OPEN


def receive(
    ledger: Ledger, store: ArtefactStore, source: Source, index: TitleIndex, arrivals: Sequence[Arrival], *, now: datetime, who: str = ""
) -> list[Outcome]:
    """Records and decides each arrival, in their order; sidecars among them speak for the others.

    One bad file never stops the others. Raises only where ledger or store fail; then calling again goes on.
    """
    receiver = Receiver(ledger, store, source, index, now=now, who=who)
    ids = []
    for arrival in arrivals:
        with ledger.session() as session:
            row = rows.arrival(session, source.id, _seen(arrival), now=now, mark=arrival.mark, restricted=source.restricted)
            rows.stored(session, row.id, row.mark, arrival.sha256, arrival.bytes, now=now)
            ids.append(row.id)
    return receiver.decide(ids, {id: each.refused for id, each in zip(ids, arrivals, strict=True) if each.refused})


class Receiver:
    """Decides stored arrivals of one source. Build one per run: it reads the source's rules once."""

    def __init__(self, ledger: Ledger, store: ArtefactStore, source: Source, index: TitleIndex, *, now: datetime, who: str = "") -> None:
        self.ledger = ledger
        self.source = source
        self.now = now
        self.who = who
        with ledger.read() as session:
            rules = session.scalars(select(MatchRuleRow).where(MatchRuleRow.inbox == source.id).order_by(MatchRuleRow.id)).all()
        self.examiner = Examiner(store, source, index, rules)

    def decide(self, ids: Sequence[int], refused: dict[int, dict[str, str]] | None = None) -> list[Outcome]:
        """What became of these stored arrivals, in their order; `refused`: reasons that are known already, by id."""
        with self.ledger.read() as session:
            waiting = rows.read(session, ids)
            arriving = [row for row in waiting.values() if row.state == IntakeState.ARRIVING]
            repeated = {} if self.source.rows else rows.twins(session, arriving)  # a flow of rows tells for itself what came again
            twins = {id: twin for id, twin in repeated.items() if not contradiction(twin)}
            removed = _removed(session, twins.values())
            twins = {id: twin for id, twin in twins.items() if twin.title_file_id not in removed}
        against = {row.id: reason for row in arriving if (reason := contradiction(row))} | (refused or {})
        open_ones = {
            row.id: Thing(rows.shown_path(row.path), row.sha256, row.bytes)
            for row in arriving
            if row.sha256 and row.id not in twins and row.id not in against
        }
        looks = self.examiner.several(list(open_ones.values()))
        done: dict[int, Outcome] = {}
        for id, row in waiting.items():
            if id in open_ones:
                done[id] = self._record(id, next(looks))
            elif row.sha256 and row.state == IntakeState.ARRIVING and (reason := against.get(id)):
                # a person may accept it all the same, so it is looked at like any other; what it says of others is not heard
                found = self.examiner.examine(Thing(rows.shown_path(row.path), row.sha256, row.bytes))
                done[id] = self._record(id, set_aside(found, reason))
            elif twin := twins.get(id):
                done[id] = self._repeated(id, twin)
            else:
                with self.ledger.read() as session:
                    done[id] = outcome_of(session, row)
        return [done[id] for id in ids if id in done]

    def _record(self, id: int, found: Examined) -> Outcome:
        if found.state is IntakeState.UNPACKED:
            return self._unpacked(id, found)
        with self.ledger.session() as session:
            return self._settle(session, rows.get(session, id, lock=True), found)

    def _unpacked(self, id: int, found: Examined) -> Outcome:
        """The members first, the archive last: whoever is stopped in between opens it again and finds the members done."""
        things = [member for member in found.members if isinstance(member, Thing)]
        looks = self.examiner.several(things)
        outcomes: list[Outcome] = []
        for start in range(0, len(found.members), AT_ONCE):
            members = [next(looks) if isinstance(one, Thing) else one for one in found.members[start : start + AT_ONCE]]
            with self.ledger.session() as session:
                parent = rows.get(session, id)
                title_files.in_turn(session, [one.target.work_id for one in members if one.target is not None])
                for number, member in enumerate(members, start):
                    outcomes.append(self._settle(session, self._member(session, parent, number, member.thing), member))
        with self.ledger.session() as session:
            row = rows.get(session, id, lock=True)
            if row.state == IntakeState.ARRIVING:
                self._describe(row, found)
                row.state, row.decided_at, row.decided_by = IntakeState.UNPACKED, self.now, self.who
            return replace(outcome_of(session, row), members=tuple(outcomes))

    def _member(self, session: Session, parent: IntakeFileRow, number: int, thing: Thing) -> IntakeFileRow:
        seen = Seen(thing.path, PurePosixPath(thing.path.rsplit("!", 1)[-1]).name, thing.bytes, parent.modified)
        row = rows.arrival(
            session, self.source.id, seen, now=self.now, mark=f"{parent.id}#{number}", parent_id=parent.id,
            restricted=parent.restricted or self.source.restricted,
        )  # fmt: skip
        if thing.sha256:
            rows.stored(session, row.id, row.mark, thing.sha256, thing.bytes, now=self.now)
        return row

    def _settle(self, session: Session, row: IntakeFileRow, found: Examined) -> Outcome:
        """Writes down what was found, once."""
        if row.state != IntakeState.ARRIVING:
            return outcome_of(session, row)
        self._describe(row, found)
        twin = rows.twins(session, [row]).get(row.id) if found.state not in {IntakeState.ATTACHED, IntakeState.TAKEN} else None
        if twin is not None:  # a member that waits for a person already, from an earlier archive of this name
            _repeats(session, row, twin, self.now, self.who)
        elif found.state is IntakeState.ATTACHED and found.target is not None:
            if taken_off(session, row, found, now=self.now, who=self.who):
                return replace(outcome_of(session, row), why=found.why)
            attach(
                session, row, self.source, found.target, kind=found.kind, part=found.part, clues=found.clues, facts=dict(found.facts),
                now=self.now, who=self.who,
            )  # fmt: skip
            if found.rule_id is not None and (rule := session.get(MatchRuleRow, found.rule_id)):
                rule.used += 1
        else:
            row.state, row.decided_at, row.decided_by = found.state, self.now, self.who
            what = "file taken" if found.state is IntakeState.TAKEN else "file set aside"
            _event(session, what, row, self.now, self.who, {"reasons": row.reasons} if row.reasons else {})
        session.flush()
        return replace(outcome_of(session, row, found.target.title if found.target else ""), why=found.why)

    def _describe(self, row: IntakeFileRow, found: Examined) -> None:
        row.kind, row.preview, row.restricted = found.kind, found.preview, self.source.restricted_for(found.kind)
        row.media_type = found.sniffed.media_type if found.sniffed else ""
        told = row.clues.get("told")
        row.clues = kept_clues(found) | ({"told": told} if told else {})
        row.proposals = [proposal.to_json() for proposal in found.proposals]
        row.reasons = [dict(reason) for reason in found.reasons]

    def _repeated(self, id: int, twin: IntakeFileRow) -> Outcome:
        """The same bytes under the same name as before: nothing is looked at again."""
        with self.ledger.session() as session:
            row = rows.get(session, id, lock=True)
            if row.state == IntakeState.ARRIVING:
                _repeats(session, row, twin, self.now, self.who)
            return outcome_of(session, row)


def attach(
    session: Session,
    row: IntakeFileRow,
    source: Source,
    target: Target,
    *,
    kind: Kind,
    part: str,
    clues: Clues,
    facts: dict[str, Any],
    now: datetime,
    who: str,
) -> title_files.Attached:
    """Puts an arrival on a title and says so in its row; both or neither."""
    new = title_files.NewTitleFile(
        work_id=target.work_id,
        product_id=target.product_id,
        contract_id=target.contract_id,
        kind=kind,
        part=part,
        name=row.name,
        bytes=row.bytes,
        sha256=row.sha256,
        revision=clues.revision[:20],
        rank=clues.rank,
        dated=clues.dated.isoformat() if clues.dated else "",
        media_type=row.media_type,
        restricted=source.restricted_for(kind),
        source=source.label,
        source_path=row.path,
        modified=row.modified,
        preview=row.preview,
        facts=facts,
        review=source.review,
    )
    attached = title_files.attach(session, new, now=now, who=who)
    if attached.duplicate:
        row.state = IntakeState.DUPLICATE
        first = select(IntakeFileRow.id).where(IntakeFileRow.title_file_id == attached.row.id, IntakeFileRow.id != row.id)
        row.duplicate_of_id = session.scalar(first.order_by(IntakeFileRow.id).limit(1))
    else:
        row.state = IntakeState.ATTACHED if attached.current else IntakeState.SUPERSEDED
    row.kind, row.restricted, row.title_file_id = kind, source.restricted_for(kind), attached.row.id
    row.decided_at, row.decided_by, row.reasons = now, who, []
    return attached


def taken_off(session: Session, row: IntakeFileRow, found: Examined, *, now: datetime, who: str) -> bool:
    """Whether somebody took these very bytes off the title that they would be put on: then a person is asked, and nothing is undone."""
    assert found.target is not None  # noqa: S101 - the caller looked
    to = found.target
    before = title_files.was_removed(session, to.work_id, found.kind, found.part, to.product_id, row.sha256)
    if before is None:
        return False
    what = f"the same file was taken off “{to.title}” before" + (f": {before.note}" if before.note else "")
    row.reasons = [{"code": "undone", "message": what, "where": row.path, "todo": "Say whose it is, or refuse it."}]
    row.proposals = [Proposal(to, 90.0, found.why).to_json()]
    row.state, row.decided_at, row.decided_by = IntakeState.PROPOSED, now, who
    _event(session, "file set aside", row, now, who, {"reasons": row.reasons})
    session.flush()
    return True


def outcome_of(session: Session, row: IntakeFileRow, title: str = "") -> Outcome:
    """What the ledger says of an arrival; `title` of the work that it is on, where the caller knows it."""
    best = row.proposals[0] if row.proposals else {}
    file = session.get(TitleFileRow, row.title_file_id) if row.title_file_id else None
    title = title or (session.scalar(select(WorkRow.title).where(WorkRow.id == file.work_id)) if file else None) or ""
    return Outcome(
        id=row.id,
        path=row.path,
        state=IntakeState(row.state),
        kind=Kind(row.kind) if row.kind else Kind.UNKNOWN,
        work_id=file.work_id if file else best.get("work_id"),
        product_id=file.product_id if file else best.get("product_id"),
        contract_id=file.contract_id if file else best.get("contract_id"),
        title=title or str(best.get("title", "")),
        title_file_id=row.title_file_id,
        reasons=tuple(row.reasons),
    )


def contradiction(row: IntakeFileRow) -> dict[str, str] | None:
    """What speaks against an arrival in its manifest: {code, message, where, todo}; None: nothing, or there is no manifest."""
    told = row.clues.get("told") or {}
    what = ""
    if told.get("bytes") is not None and told["bytes"] != row.bytes:
        what = f"its manifest says {told['bytes']:,} bytes; it has {row.bytes:,}"
    elif told.get("sha256") and told["sha256"] != row.sha256:
        what = f"its manifest says sha256 {told['sha256'][:12]}…; it has {row.sha256[:12]}…"
    todo = "Ask the sender to send file and manifest again."
    return {"code": "manifest-mismatch", "message": what, "where": row.path, "todo": todo} if what else None


def set_aside(found: Examined, reason: dict[str, str]) -> Examined:
    """What was found, for a person to decide because of this reason. An archive is not opened: nobody can accept it as one file."""
    if found.state is IntakeState.UNPACKED:
        reason = reason | {"code": f"archive-{reason['code']}"}
    certain = (Proposal(found.target, 95.0, found.why),) if found.target else ()
    return replace(
        found, state=IntakeState.QUARANTINED, target=None, members=(), rule_id=None, proposals=(*certain, *found.proposals),
        reasons=(reason, *found.reasons),
    )  # fmt: skip


def kept_clues(found: Examined) -> dict[str, Any]:
    """What the ledger keeps, enough to judge the file again without reading it: its clues, its family, its part."""
    kept = found.clues.to_json()
    if found.sniffed:
        kept |= {"family": found.sniffed.family, "extension": found.sniffed.extension}
    return kept | ({"filed_as": found.part} if found.part else {}) | ({"match": found.why} if found.why else {})


def _removed(session: Session, twins: Iterable[IntakeFileRow]) -> set[int | None]:
    """Of the versions that these arrivals became, those that somebody took off their title since."""
    ids = [twin.title_file_id for twin in twins if twin.title_file_id is not None]
    return {row.id for row in title_files.read(session, ids) if row.state == title_files.REMOVED}


def _seen(arrival: Arrival) -> Seen:
    return Seen(arrival.path, PurePosixPath(arrival.path.rsplit("!", 1)[-1]).name, arrival.bytes, arrival.modified)


def _repeats(session: Session, row: IntakeFileRow, twin: IntakeFileRow, now: datetime, who: str) -> None:
    row.state, row.duplicate_of_id, row.title_file_id = IntakeState.DUPLICATE, twin.id, twin.title_file_id
    row.kind, row.media_type, row.preview = twin.kind, twin.media_type, twin.preview
    row.restricted = twin.restricted or row.restricted  # the inbox may have been open when the first one came
    row.reasons, row.proposals, row.decided_at, row.decided_by = [], [], now, who
    _event(session, "file came again", row, now, who, {"first": twin.id, "then": twin.state})


def _event(session: Session, what: str, row: IntakeFileRow, now: datetime, who: str, detail: dict[str, Any]) -> None:
    about = {"inbox": row.inbox, "intake": row.id}
    record_event(session, what=what, now=now, who=who, subject=row.path, bytes=row.bytes, sha256=row.sha256, detail=about | detail)
