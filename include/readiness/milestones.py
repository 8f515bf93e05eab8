"""What the contract promises and when: delivery of the manuscript, proofs, other deliveries, latest publication.

Consonance's contract has `msDeliveryDate`, `revisedMsDeliveryDate`, `actualMsDeliveryDate`, `msProofsDate`, `pubBeforeDate` and
`deliveryDates` (deliverableType, dateDue, slippedDate). It does not say whether a delivery came: that is seen from our files, and
where no kind of file belongs to it, the date is only shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from include.files.model import Kind
from include.readiness.model import File

_DELIVERABLES = (  # words of a deliverable's type → the kind of file that shows it came
    ("manuscript", Kind.MANUSCRIPT), ("typescript", Kind.MANUSCRIPT), ("questionnaire", Kind.QUESTIONNAIRE),
    ("permission", Kind.PERMISSION),
    ("artwork", Kind.ARTWORK), ("illustration", Kind.ARTWORK), ("photograph", Kind.ARTWORK), ("proof", Kind.INTERIOR),
    ("audio", Kind.AUDIO), ("recording", Kind.AUDIO),
)  # fmt: skip
_MADE = {Kind.INTERIOR.value, Kind.EBOOK.value, Kind.AUDIO.value}
_DELIVERED_BY_THEN = {Kind.MANUSCRIPT.value, Kind.ARTWORK.value, Kind.INTERIOR.value}


@dataclass(frozen=True, slots=True)
class Milestone:
    """A date of the contract. `done` is None where nothing tells. `breaks`: the plan contradicts the contract already."""

    code: str
    name: str
    due: date | None
    done: bool | None
    message: str
    todo: str = ""


def milestones(contract: Mapping[str, Any], files: Sequence[File], release: date | None) -> Iterator[Milestone]:
    """The milestones of one contract, in Consonance's own JSON. What is no date is left out."""
    kinds = {file.kind for file in files}
    if kinds & _MADE:  # what is set in type or read aloud has been delivered
        kinds |= _DELIVERED_BY_THEN
    if day(contract.get("actualMsDeliveryDate")):
        kinds.add(Kind.MANUSCRIPT)
    yield from _manuscript(contract, kinds)
    if due := day(contract.get("msProofsDate")):
        here = Kind.INTERIOR in kinds
        message = f"Proofs are due on {due}" + ("; the text is set already" if here else "")
        yield Milestone("contract-proofs", "Contract: proofs", due, here, message, "Ask the typesetter for proofs.")
    for number, row in enumerate(_rows(contract.get("deliveryDates")), start=1):
        yield from _delivery(row, number, kinds)
    if (latest := day(contract.get("pubBeforeDate"))) and release:
        held = release <= latest
        message = f"The contract wants publication before {latest}; it is planned for {release}"
        yield Milestone(
            "contract-publication",
            "Contract: latest publication",
            latest,
            held,
            message,
            "Bring the date forward, or agree on a later one.",
        )


def _manuscript(contract: Mapping[str, Any], kinds: set[str]) -> Iterator[Milestone]:
    agreed, revised, actual = (day(contract.get(name)) for name in ("msDeliveryDate", "revisedMsDeliveryDate", "actualMsDeliveryDate"))
    due = revised or agreed
    if due is None and actual is None:
        return
    moved = f" (first agreed: {agreed})" if revised and agreed and revised != agreed else ""
    if actual:
        message = f"The manuscript was delivered on {actual}" + (f"; due {due}{moved}" if due else "")
    elif Kind.MANUSCRIPT in kinds:
        message = f"The manuscript is here; due {due}{moved}"
    else:
        message = f"The manuscript is due on {due}{moved}"
    done = bool(actual) or Kind.MANUSCRIPT in kinds
    yield Milestone(
        "contract-manuscript", "Contract: manuscript delivery", due, done, message, "Ask the author or agent for the manuscript."
    )


def _delivery(row: Mapping[str, Any], number: int, kinds: set[str]) -> Iterator[Milestone]:
    due = day(row.get("slippedDate")) or day(row.get("dateDue"))
    if due is None:
        return
    what = str(row.get("deliverableType") or row.get("deliveryRequirement") or "delivery").strip()[:80] or "delivery"
    first = day(row.get("dateDue"))
    moved = f" (first agreed: {first})" if first and first != due else ""
    kind = next((kind for words, kind in _DELIVERABLES if words in what.casefold()), None)
    done = None if kind is None else kind in kinds
    said = {True: "; it is here", False: "", None: "; Consonance does not say whether it came"}[done]
    message = f"{what[:1].upper()}{what[1:]} is due on {due}{moved}{said}"
    yield Milestone(f"contract-delivery-{row.get('id') or number}", f"Contract: {what}", due, done, message, f"Ask for the {what}.")


def day(value: object) -> date | None:
    """An ISO date, with or without a time; None for anything else."""
    if not isinstance(value, str):
        return None
    try:
        return date.fromisoformat(value[:10])
    except ValueError:
        return None


def _rows(value: object) -> list[Mapping[str, Any]]:
    return [row for row in value if isinstance(row, Mapping)] if isinstance(value, list) else []
