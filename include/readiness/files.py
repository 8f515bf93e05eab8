"""Which files a product needs before it can be made or sold, and whether they are there, approved and sound.

What is wanted depends on the form: a printed book needs its pages and a jacket or cover, an e-book its file, a recording its chapters.
Only what every asked person approved counts; a file that nobody was asked about is not approved.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from include.files.model import Kind
from include.ledger.file_rows import Approval
from include.readiness.model import File
from include.titles.model import Product

KINDS = (Kind.INTERIOR, Kind.JACKET, Kind.EBOOK, Kind.AUDIO, Kind.MANUSCRIPT, Kind.QUESTIONNAIRE, Kind.PERMISSION, Kind.ARTWORK)
"""Kinds that readiness looks at."""
PREFLIGHT, PREFLIGHT_NAME = "preflight-passed", "Preflight is passed"
_EBOOK_TYPES = {"E101": "application/epub+zip", "E107": "application/pdf"}  # List 175: EPUB, PDF
_PICTURED = frozenset({"front cover", "back cover", "full jacket"})
_CHAPTER = re.compile(r"[0-9]{1,4}")
_NAMED = 3  # files named in one sentence


@dataclass(frozen=True, slots=True)
class Want:
    """A file that a form needs."""

    kind: Kind
    code: str
    name: str
    noun: str
    todo: str


_PRINT = (
    Want(Kind.INTERIOR, "interior-approved", "Typeset interior is approved", "typeset interior", "Ask the typesetter for final pages."),
    Want(Kind.JACKET, "jacket-approved", "Jacket or cover for print is approved", "jacket or cover", "Ask the designer for final artwork."),
)
_EBOOK = (Want(Kind.EBOOK, "ebook-approved", "E-book file is approved", "e-book file", "Ask for the finished e-book."),)
_AUDIO = (Want(Kind.AUDIO, "audio-approved", "Audio chapters are approved", "chapter", "Ask the studio for the finished chapters."),)


@dataclass(frozen=True, slots=True)
class Finding:
    """How a check of files ended. `passed` None: not asked."""

    code: str
    name: str
    passed: bool | None
    message: str
    todo: str = ""


def wanted(form: str) -> tuple[Want, ...]:
    """What a product of this form (List 150) needs; nothing where the form says neither print nor e-book nor audio."""
    return {"B": _PRINT, "E": _EBOOK, "A": _AUDIO}.get(form[:1], ())


def of_product(product: Product, files: Sequence[File], kind: str) -> list[File]:
    """The current files of one kind for this product: its own, else those of the whole work."""
    fitting = [file for file in files if file.kind == kind and file.product_id in {None, product.id} and not _for_shops(file)]
    own = [file for file in fitting if file.product_id == product.id]
    types = {_EBOOK_TYPES[detail] for detail in product.form_details if detail in _EBOOK_TYPES}
    if kind == Kind.EBOOK and not own and types:
        return [file for file in fitting if file.media_type in types]  # the work's EPUB is not the PDF edition
    return own or fitting


def _for_shops(file: File) -> bool:
    """A picture of a cover, for shops and catalogues: nobody prints from it."""
    return file.kind == Kind.JACKET and file.part in _PICTURED and file.media_type == "image/jpeg"


def findings(product: Product, files: Sequence[File], preflights: Mapping[str, Sequence[Mapping[str, Any]]]) -> Iterator[Finding]:
    """The checks of files: one for each wanted kind, then the preflight of all of them.

    `preflights`: sha256 to the findings of its newest preflight ([{code, severity, message, todo}]); what is not in it was not checked.
    """
    present: list[File] = []
    wants = wanted(product.form)
    for want in wants:
        here = of_product(product, files, want.kind)
        present += here
        yield _presence(want, here)
    if wants:
        yield _preflight(present, preflights)


def _presence(want: Want, here: Sequence[File]) -> Finding:
    def finding(passed: bool, message: str, todo: str = "") -> Finding:
        return Finding(want.code, want.name, passed, message, todo)

    if not here:
        return finding(False, f"There is no {want.noun}", want.todo)
    for verdict, words, todo in (
        (Approval.REJECTED, "was rejected", "Ask for a new version, with the reviewer's note."),
        (Approval.PENDING, "waits for approval", "Approve or reject it on the title's page."),
        (Approval.NONE, "was shown to nobody", "Approve it on the title's page."),
    ):
        if some := [file for file in here if file.approval == verdict]:
            note = next((f": {file.note.strip()[:200]}" for file in some if verdict == Approval.REJECTED and file.note.strip()), "")
            return finding(False, f"{_named(some)} {words}{note}", todo)
    if want.kind == Kind.AUDIO and (gaps := _missing_chapters(here)):
        return finding(False, f"There is no chapter {gaps}", want.todo)
    return finding(True, f"{_named(here)} is approved" if len(here) == 1 else f"{len(here)} files are approved")


def _preflight(present: Sequence[File], preflights: Mapping[str, Sequence[Mapping[str, Any]]]) -> Finding:
    checked = [file for file in present if file.sha256 in preflights]
    for file in checked:
        failing = [one for one in preflights[file.sha256] if one.get("severity") == "fail"]
        if failing:
            more = f" (and {len(failing) - 1} more)" if len(failing) > 1 else ""
            return Finding(
                PREFLIGHT, PREFLIGHT_NAME, False, f"{_named([file])} fails: {failing[0].get('message') or failing[0].get('code')}{more}",
                str(failing[0].get("todo") or "Ask for a corrected file."),
            )  # fmt: skip
    if not checked:
        return Finding(PREFLIGHT, PREFLIGHT_NAME, None, "No file was checked yet")
    rest = len(present) - len(checked)
    return Finding(PREFLIGHT, PREFLIGHT_NAME, True, "Preflight found nothing that fails" + (f"; {rest} not checked yet" if rest else ""))


def _missing_chapters(here: Sequence[File]) -> str:
    """Numbers that are missing between the first chapter and the last, as "3, 7"; parts without a number say nothing."""
    numbers = {int(file.part) for file in here if _CHAPTER.fullmatch(file.part)}
    if not numbers:
        return ""
    gaps = [str(number) for number in range(1, max(numbers)) if number not in numbers]
    return ", ".join(gaps[:5]) + (" and others" if len(gaps) > 5 else "")


def _named(some: Sequence[File]) -> str:
    names = [file.name[:80] + (f" (revision {file.revision})" if file.revision else "") for file in some[:_NAMED]]
    more = f" and {len(some) - _NAMED} more" if len(some) > _NAMED else ""
    return ", ".join(names) + more
