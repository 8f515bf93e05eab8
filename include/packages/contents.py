"""Which of a title's files fill which part of a package, and what is missing. Only approved, current versions count.

A file of the edition goes before one of the whole work. What fits a part and is not approved makes the package wait: something newer
was meant, and what was approved before it is not current any more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from include.files.model import Finding, Kind, Severity
from include.ledger.file_rows import Approval, TitleFileRow
from include.ledger.title_files import ATTACHED
from include.partners.profiles import Part, Profile
from include.titles.model import Product

_NUMBERS = re.compile(r"\d+")
_PIECE = re.compile(rf"{Kind.INTERIOR}:(text\d+|pages? .*)")
_FIRST = ("prelims", "front endsheet", "opening credits")
_LAST = ("ends", "index", "back endsheet", "closing credits")


@dataclass(frozen=True, slots=True)
class Chosen:
    """One version that goes, as one part. `version`: 1, 2, ... by its place among the versions of its thing; `own`: it is of this
    edition, not of the whole work."""

    part: Part
    file: TitleFileRow
    version: int = 1

    @property
    def revision(self) -> str:
        """As its name says, else which version it is."""
        return self.file.revision or str(self.version)


@dataclass(frozen=True, slots=True)
class Contents:
    """What goes, in the profile's order; why nothing can go yet ([{code, message, todo, where}]); what is worth knowing."""

    chosen: tuple[Chosen, ...]
    reasons: tuple[dict[str, str], ...]
    notes: tuple[Finding, ...] = ()


def choose(profile: Profile, product: Product, files: Sequence[TitleFileRow]) -> Contents:
    """`files`: all versions of the product's work that were not removed (`title_files.files_of` with the product)."""
    parts = profile.parts_for(product.form)
    needed = profile.required_for(product.form)
    chosen: list[Chosen] = []
    reasons: list[dict[str, str]] = []
    notes: list[Finding] = []
    versions = _versions(files)
    for part, fitting in _by_part(parts, product, files):
        of_edition = {_name_of(file, product) for file in fitting if file.product_id is not None}
        wanted = [file for file in fitting if file.product_id is not None or _name_of(file, product) not in of_edition]
        if not any(part.id in some for some in needed) and (shared := [file for file in wanted if _is_shared_cover(file)]):
            wanted = [file for file in wanted if file not in shared]
            notes += [_left_out(file) for file in shared]
        reasons += [reason for file in wanted if (reason := _unapproved(file))]
        reasons += list(_too_many(part, wanted, product))
        chosen += [Chosen(part, file, versions[file.id]) for file in sorted(wanted, key=lambda file: order(file.part))]
    notes += [_no_part(file) for file in files if _is_forgotten(file, parts, product)]
    there = {one.part.id for one in chosen}
    for some in needed:
        if not there.intersection(some):
            reasons.append(_missing(some, parts, product, files))
    return Contents(tuple(chosen), tuple(reasons), tuple(notes))


def order(part: str) -> tuple[int, ...]:
    """Sorts parts of one kind: what comes first in a book or recording, then by numbers ("pages 021-040", "1-02"), then what ends it."""
    if part in _FIRST:
        return (0,)
    return (2, _LAST.index(part)) if part in _LAST else (1, *(int(number) for number in _NUMBERS.findall(part)))


def _by_part(parts: Sequence[Part], product: Product, files: Sequence[TitleFileRow]) -> list[tuple[Part, list[TitleFileRow]]]:
    """Each part that has any, and the current files that fit it; a file goes to the first part that takes it."""
    found: dict[str, list[TitleFileRow]] = {part.id: [] for part in parts}
    for file in files:
        name = _name_of(file, product)
        if file.state == ATTACHED and (part := next((part for part in parts if _fits(part, file.media_type, name)), None)) is not None:
            found[part.id].append(file)
    return [(part, found[part.id]) for part in parts if found[part.id]]


def _fits(part: Part, media_type: str, name: str) -> bool:
    return media_type in part.types and any(fnmatchcase(name, mask) for mask in part.takes)


def _name_of(file: TitleFileRow, product: Product) -> str:
    """`kind:part`. Typeset pages without a part are the text, a jacket without one is the jacket of a hardback, else the cover."""
    part = file.part
    if not part and file.kind == Kind.INTERIOR:
        part = "text"
    elif not part and file.kind == Kind.JACKET:
        part = "jacket" if product.form.startswith("BB") else "cover"
    return f"{file.kind}:{part}"


def _versions(files: Sequence[TitleFileRow]) -> Mapping[int, int]:
    """By id, the place of each version in its chain, oldest first."""
    count: dict[tuple[object, ...], int] = {}
    places: dict[int, int] = {}
    for file in sorted(files, key=lambda file: (file.rank, file.dated, file.id)):
        chain = (file.product_id, file.kind, file.part)
        count[chain] = places[file.id] = count.get(chain, 0) + 1
    return places


def _is_shared_cover(file: TitleFileRow) -> bool:
    return file.product_id is None and file.kind == Kind.JACKET


def _left_out(file: TitleFileRow) -> Finding:
    message = f"{file.name} belongs to the whole work and this binding does not need it: it stays here."
    return Finding("left-out", Severity.NOTE, message, "Attach it to this edition if it should go.", file=file.name)


def _is_forgotten(file: TitleFileRow, parts: Sequence[Part], product: Product) -> bool:
    """A current file of pages or sound, in a format that travels, that no part of the profile takes."""
    name = _name_of(file, product)
    alike = [part for part in parts if file.media_type in part.types and any(mask.startswith(f"{file.kind}:") for mask in part.takes)]
    wanted = file.state == ATTACHED and file.kind in {Kind.INTERIOR, Kind.AUDIO}
    return wanted and bool(alike) and not any(_fits(part, file.media_type, name) for part in parts)


def _no_part(file: TitleFileRow) -> Finding:
    message = f"{file.name} ({file.part}) is no part that this recipient knows: it stays here."
    return Finding("left-out", Severity.WARN, message, "Call its part as the profile does if it should go.", file=file.name)


def _unapproved(file: TitleFileRow) -> dict[str, str] | None:
    words = {
        Approval.PENDING: "waits for approval",
        Approval.REJECTED: "was rejected",
        Approval.NONE: "was approved by nobody",
    }
    if file.approval == Approval.APPROVED:
        return None
    return {
        "code": "not-approved",
        "message": f"{file.name}{f', revision {file.revision},' if file.revision else ''} {words[Approval(file.approval)]}",
        "where": f"{file.kind} {file.part}".strip(),
        "todo": "Approve it on the title's page, or ask for a new version.",
    }


def _too_many(part: Part, files: Sequence[TitleFileRow], product: Product) -> Iterator[dict[str, str]]:
    names = [_name_of(file, product) for file in files]
    listed = ", ".join(file.name for file in files)
    whole = f"{Kind.INTERIOR}:text"
    if len(files) > 1 and not part.many:
        message, todo = f"{len(files)} files would be the part {part.id}: {listed}", "Remove all but one from the title."
        yield {"code": "part-twice", "message": message, "where": part.id, "todo": todo}
    elif len(set(names)) < len(names):
        message, todo = f"two files are one and the same part: {listed}", "Remove one of them from the title."
        yield {"code": "part-twice", "message": message, "where": part.id, "todo": todo}
    elif whole in names and any(_PIECE.fullmatch(name) for name in names):
        message, todo = f"the text is there as a whole and in pieces: {listed}", "Remove the whole or the pieces from the title."
        yield {"code": "part-twice", "message": message, "where": part.id, "todo": todo}


def _missing(some: Sequence[str], parts: Sequence[Part], product: Product, files: Sequence[TitleFileRow]) -> dict[str, str]:
    """Why a required part is not there; names a file that would be it, but for its format."""
    wanted = [part for part in parts if part.id in some]
    message = f"there is no {' or '.join(some)}"
    for file in files:
        name = _name_of(file, product)
        if file.state == ATTACHED and any(fnmatchcase(name, mask) for part in wanted for mask in part.takes):
            message += f"; {file.name} is {file.media_type or 'of an unknown format'}"
            break
    return {
        "code": "part-missing",
        "message": message,
        "where": " or ".join(some),
        "todo": "Ask for it, and approve it on the title's page.",
    }
