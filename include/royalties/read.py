"""What an exported file comes to: each statement in it with its payee, and why it is held, before anything is recorded.

The command line, the flow and the page that lets a person decide all read through here, so all of them see the same, and nothing is ready
to go that the check has not opened.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from include.partners import Party, load_parties
from include.partners.inboxes import Limits
from include.royalties import check, match
from include.royalties.check import Other, Watch
from include.royalties.layout import StatementLayout, load_layouts
from include.royalties.payees import Payee, PayeeList, load_payees
from include.royalties.split import Splitter
from include.royalties.statements import Part, Said, reason
from include.store import ArtefactStore


@dataclass(frozen=True, slots=True)
class Rules:
    """All that `config/` says of statements, read once."""

    payees: PayeeList
    layouts: Sequence[StatementLayout]
    parties: Mapping[str, Party]
    limits: Limits = field(default_factory=Limits)

    @classmethod
    def load(cls, limits: Limits | None = None) -> Rules:
        """Raises `ConfigurationError`."""
        return cls(load_payees(), load_layouts(), {party.id: party for party in load_parties()}, limits or Limits())


@dataclass(frozen=True, slots=True)
class Found:
    """A statement of a file. With no reasons it may go to `recipient`; else a person must look."""

    part: Part
    payee: Payee | None
    reasons: tuple[dict[str, Any], ...] = ()
    proposals: tuple[str, ...] = ()
    recipient: str = ""

    def to_json(self) -> dict[str, Any]:
        """As the command line prints it: amounts as text."""
        said = self.part.said
        return {
            "position": self.part.position, "layout": self.part.layout, "payee": self.payee.id if self.payee else None,
            "payee_name": said.payee, "payee_number": said.payee_number, "recipient": self.recipient or None, "number": said.number,
            "period": said.period, "contracts": list(said.contracts), "amount": None if said.amount is None else format(said.amount, "f"),
            "currency": said.currency, "bytes": self.part.content.bytes, "sha256": self.part.content.sha256,
            "state": "held" if self.reasons else "ready", "reasons": list(self.reasons), "proposals": list(self.proposals),
        }  # fmt: skip


def read(local: Path, name: str, store: ArtefactStore, rules: Rules) -> list[Found]:
    """Every statement in a file, in its order, each with its match and its check. Raises `RejectedData` if nothing can be read."""
    parts = list(Splitter(store, rules.layouts, rules.limits).split(local, name))
    matches = [match.match(part.said, rules.payees, rules.parties) for part in parts]
    payees = [None if any(one["code"] in _NOBODYS for one in part.reasons) else m.payee for part, m in zip(parts, matches, strict=True)]
    twice = _twice(parts, payees)
    owners = [payee.id if payee else f"part {at}" for at, payee in enumerate(payees)]
    marks = check.marks_of(rules.payees, [(owner, printed(part.said)) for owner, part in zip(owners, parts, strict=True)])
    found: list[Found] = []
    for number, (part, matched, payee) in enumerate(zip(parts, matches, payees, strict=True)):
        if twice.get(number) == "same":
            continue  # the same statement, byte for byte, a second time
        reasons = [*part.reasons, *(matched.reasons if not _is_nobodys(part) else ())]
        if twice.get(number) == "other":
            what = "two statements of this file have the same payee, period and number, and say different things"
            reasons.append(reason("statement-twice", what, part.position, "Say on the page which of them is right."))
        if part.media_type:
            reasons += checked(store, part, Watch(marks, frozenset({owners[number]}) if payee else None))
        recipient = payee.recipient if payee else ""
        found.append(Found(part, payee, tuple(reasons), tuple(matched.proposals), recipient))
    return found


_NOBODYS = frozenset({"nobody"})


def _is_nobodys(part: Part) -> bool:
    """A page or row that does not say whose it is: that no payee matches goes without saying."""
    return not part.said.payee and not part.said.payee_number and bool(part.reasons)


def checked(store: ArtefactStore, part: Part, watch: Watch) -> list[dict[str, Any]]:
    """What the check finds in one statement. For one that nobody is known to own, `watch` asks only whether it can be checked at all."""
    with store.local(part.content.sha256) as path:
        return check.findings(path, f"statement{part.extension}", watch)


def printed(said: Said) -> Other:
    """What a statement prints of its payee."""
    return Other(said.payee, said.number, said.payee_number, said.contracts)


def _twice(parts: Sequence[Part], payees: Sequence[Payee | None]) -> dict[int, str]:
    """Parts of one payee with one period and number: "same" for the second of two equal ones, "other" for those that differ."""
    by_key: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for at, (part, payee) in enumerate(zip(parts, payees, strict=True)):
        if payee is not None:
            said = part.said
            by_key[payee.id, said.period.casefold(), said.number.casefold() or " ".join(sorted(said.contracts))].append(at)
    told: dict[int, str] = {}
    for places in by_key.values():
        contents = {parts[at].content.sha256 for at in places}
        for at in places[1:] if len(contents) == 1 else places if len(contents) > 1 else ():
            told[at] = "same" if len(contents) == 1 else "other"
    return told
