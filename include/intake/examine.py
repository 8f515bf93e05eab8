"""One arrival's bytes, looked at in the order that keeps us safe: is it safe, what is it, what does it say of itself, whose is it.

Nothing is recorded here. What is not safe is told with its reason and is not read any further.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Any

from include.errors import ColophonError
from include.files import clues as reading
from include.files import names, previews, safety, unpack
from include.files.model import Clues, Kind, Refused, Sniffed
from include.intake import handing
from include.intake.match import Match, Proposal, Target, TitleIndex
from include.intake.parts import part_of
from include.intake.sidecars import Sidecars
from include.intake.source import Source
from include.ledger.file_rows import IntakeState, MatchRuleRow
from include.store import ArtefactStore

DECIDABLE = frozenset({
    "kind-unexpected", "kind-unknown", "isbn-unknown", "title-unknown", "title-unsure", "manifest-mismatch", "undone",
})  # fmt: skip
"""Reasons that a person may decide about. All others say that the bytes themselves are not safe or not whole."""

_BY_FAMILY = {
    "epub": Kind.EBOOK, "audio": Kind.AUDIO, "video": Kind.PROMOTIONAL, "document": Kind.MANUSCRIPT, "image": Kind.ARTWORK,
}  # fmt: skip
SIDECAR = "metadata"  # part of a sidecar that is kept on its title

_NUMBER = re.compile(r"(?<!\d)(?!20\d{6}(?!\d))\d{5,9}(?!\d)")  # long enough to be nobody's page or revision, and no date

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Thing:
    """Bytes in the store and the path they came under: `pack.zip!inner/name.pdf` for a member of an archive."""

    path: str
    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Examined:
    """What was found out of one thing. `state` is what becomes of it: attached, proposed, quarantined or unpacked.

    `members` of an archive, opened and stored, not yet looked at; with those that were refused as they were unpacked.
    """

    thing: Thing
    state: IntakeState
    sniffed: Sniffed | None = None
    clues: Clues = field(default_factory=Clues)
    kind: Kind = Kind.UNKNOWN
    part: str = ""
    target: Target | None = None
    proposals: tuple[Proposal, ...] = ()
    why: str = ""
    reasons: tuple[dict[str, str], ...] = ()
    preview: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    rule_id: int | None = None
    members: tuple[Thing | Examined, ...] = ()


def refused(thing: Thing, why: Refused, sniffed: Sniffed | None = None) -> Examined:
    """What the safety checks would not have."""
    return Examined(thing, IntakeState.QUARANTINED, sniffed, reasons=(why.as_reason(),))


class Examiner:
    """Looks at the things of one source. `rules` are what people told us to remember of it; `index` knows all titles."""

    def __init__(self, store: ArtefactStore, source: Source, index: TitleIndex, rules: Sequence[MatchRuleRow] = ()) -> None:
        self.store = store
        self.source = source
        self.index = index
        self.rules = rules

    def examine(self, thing: Thing, beside: Clues | None = None, *, sidecar: bool = False) -> Examined:
        """`beside`: what a sidecar says of this thing; `sidecar`: it is one itself. Whatever a file does to a parser, it comes back
        as set aside; raises only where the store fails."""
        try:
            with self.store.local(thing.sha256) as local:
                return self._examine(thing, local, beside, sidecar)
        except Refused as why:
            return refused(thing, why)
        except ColophonError:
            raise
        except Exception as odd:  # a file that breaks a parser is set aside, and the others go on
            log.exception("%s: %s could not be read", self.source.id, thing.sha256 if self.source.restricted else thing.path)
            what = f"this file could not be read ({type(odd).__name__})"
            return refused(thing, Refused("unreadable", what, where=thing.path, todo="Ask the sender for another copy."))

    def several(self, things: Sequence[Thing]) -> Iterator[Examined]:
        """As `examine`, each with what the sidecars among them say of it; in their order."""
        sidecars = Sidecars([thing.path for thing in things])
        for thing in things:
            if sidecars.may_speak(thing.path):
                sidecars.hear(thing.path, self._says(thing))
        for thing in things:
            yield self.examine(thing, sidecars.said_of(thing.path), sidecar=sidecars.spoke(thing.path))

    # --- in here

    def _examine(self, thing: Thing, local: Path, beside: Clues | None, sidecar: bool) -> Examined:
        name = PurePosixPath(thing.path.rsplit("!", 1)[-1]).name
        limits = self.source.limits
        if self.source.rows:
            return Examined(thing, IntakeState.TAKEN, handing.examine(local, name, limits))
        sniffed = safety.examine(local, name, limits)
        if unpack.is_archive(sniffed):
            return Examined(thing, IntakeState.UNPACKED, sniffed, members=tuple(self._members(thing, local, name)))
        clues = self.clues(thing.path, reading.inside(local, sniffed, name), beside)
        found = self.judge(thing, sniffed, clues, sidecar=sidecar)
        picture = previews.preview(local, sniffed)
        preview = self.store.put(BytesIO(picture)).sha256 if picture else ""
        return replace(found, preview=preview, facts=previews.facts(local, sniffed))

    def _members(self, thing: Thing, local: Path, name: str) -> Iterator[Thing | Examined]:
        for member in unpack.members(local, name, self.source.limits, self.store):
            kept = member.artefact
            inner = Thing(f"{thing.path}!{member.path}", kept.sha256 if kept else "", kept.bytes if kept else 0)
            yield inner if member.refused is None else refused(inner, member.refused)

    def _says(self, thing: Thing) -> Mapping[str, Clues]:
        """What a sidecar says; nothing, if it is not safe to read."""
        name = PurePosixPath(thing.path.rsplit("!", 1)[-1]).name
        try:
            with self.store.local(thing.sha256) as local:
                safety.examine(local, name, self.source.limits)
                return reading.sidecar(local, name)
        except Refused:
            return {}

    def clues(self, path: str, *further: Clues | None) -> Clues:
        """What the path says, and what else is known."""
        said = reading.merge(names.read(path), *(clue for clue in further if clue is not None))
        if self.source.documents and not said.contract_ids:
            # who sends contracts needs not say "contract" before the number of one
            bare = [int(digits) for digits in _NUMBER.findall(path) if self.index.has_contract(int(digits))]
            said = replace(said, contract_ids=tuple(dict.fromkeys(bare)), found_in=(*said.found_in, *(("name",) if bare else ())))
        kind = self.source.kind_of_folder(path)
        return said if kind is Kind.UNKNOWN else names.with_kind(said, kind)

    def judge(self, thing: Thing, sniffed: Sniffed, clues: Clues, *, sidecar: bool = False) -> Examined:
        """Kind, title and what becomes of a safe file: from its clues alone, so that it can be asked again later."""
        if sidecar:
            clues = names.with_kind(clues, Kind.UNKNOWN)
        elif clues.kind is Kind.UNKNOWN and self.source.expects(guess := _BY_FAMILY.get(sniffed.family, Kind.UNKNOWN)):
            clues = names.with_kind(clues, guess)
        match = self.index.match(clues, inbox_rules=self.rules, path=thing.path)
        target = match.certain
        if match.kind is not None:
            clues = names.with_kind(clues, match.kind)
        elif clues.kind is Kind.UNKNOWN and self.source.documents and not sidecar and target and target.contract_id is not None:
            clues = names.with_kind(clues, Kind.CONTRACT)  # a letter that names the contract and says no more: one of its documents
        part = SIDECAR if sidecar else part_of(thing.path, clues.kind, clues, target.contract_id if target else None)
        reasons = tuple(self._reasons(thing, clues.kind, clues, match, sidecar))
        state = IntakeState.ATTACHED
        if reasons:
            codes = {reason["code"] for reason in reasons}
            hopeless = not codes.isdisjoint({"kind-unexpected", "isbn-unknown"}) or (target is None and not match.proposals)
            state = IntakeState.QUARANTINED if hopeless else IntakeState.PROPOSED
        return Examined(thing, state, sniffed, clues, clues.kind, part, target, match.proposals, match.why, reasons, rule_id=match.rule)

    def _reasons(self, thing: Thing, kind: Kind, clues: Clues, match: Match, sidecar: bool) -> Iterator[dict[str, str]]:
        expected = ", ".join(sorted(self.source.kinds))
        if sidecar:
            pass  # it is of no kind, and nobody expects it to be
        elif kind is Kind.UNKNOWN and not self.source.expects(kind):
            what = "neither name nor content says what kind of file this is"
            yield _reason("kind-unknown", what, thing.path, f"Say its kind on the page Quarantine. Expected here: {expected}.")
        elif not self.source.expects(kind):
            what = f"{kind} is not expected in this inbox"
            yield _reason("kind-unexpected", what, thing.path, f"Expected: {expected}. Accept it all the same, or tell the sender.")
        if match.certain is None:
            nobodys = bool(clues.isbns or clues.wrong_isbns) and not any(map(self.index.knows, clues.isbns))
            code = "isbn-unknown" if nobodys else "title-unsure" if match.proposals else "title-unknown"
            todo = "Choose one of the proposed titles, or another one." if match.proposals else "Say whose it is on the page Quarantine."
            yield _reason(code, match.why, thing.path, todo)


def _reason(code: str, what: str, where: str, todo: str) -> dict[str, str]:
    return {"code": code, "message": what, "where": where, "todo": todo}
