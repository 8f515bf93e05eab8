"""The note that we write at a download, and find again in Getty's history.

Getty knows no title, edition or ISBN; what ties a download to ours is this text in `download_notes` alone:

    colophon:<work id>/<ISBN>/<use>         colophon:1042/9781915000415/cover

`-` stands for the ISBN where the licence serves the whole work. The use is one word of ours, in lower case: `cover`,
`interior`, `marketing`, … A note may stand among other words: people add theirs on Getty's site.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from include.errors import RejectedData
from include.titles import identifiers

_USE = re.compile(r"[a-z][a-z0-9-]{0,39}")
_NOTE = re.compile(
    r"(?<![\w:/-])colophon:(?P<work>[1-9][0-9]{0,17})/(?P<isbn>[0-9]{13}|-)/(?P<use>[a-z][a-z0-9-]{0,39})(?![\w/-])", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Note:
    """Which work, which product of it (`isbn` is "" for the whole work), and what for."""

    work_id: int
    isbn: str
    use: str

    def __str__(self) -> str:
        return f"colophon:{self.work_id}/{self.isbn or '-'}/{self.use}"


def note(work_id: int, isbn: str, use: str) -> str:
    """The text to send. Raises `RejectedData` for what could not be read back."""
    where = f"work {work_id}"
    if work_id < 1 or work_id >= 10**18:
        raise RejectedData("a work's id is a whole number from 1 on", where=where)
    number = identifiers.isbn13(isbn) if isbn else ""
    if isbn and not number:
        raise RejectedData(f"{isbn!r} is no ISBN", where=where, todo="Correct it in Consonance; the licence is tied to the title by it.")
    if not _USE.fullmatch(use):
        raise RejectedData(f"{use!r} is no use", where=where, todo="Uses are words like cover, interior, marketing.")
    return str(Note(work_id, number, use))


def notes_in(text: str | None) -> tuple[Note, ...]:
    """All notes in a text, in order, each once. An ISBN with a wrong check digit makes no note: nothing is guessed."""
    found = (Note(int(one["work"]), one["isbn"].strip("-"), one["use"]) for one in _NOTE.finditer(text or ""))
    return tuple(dict.fromkeys(one for one in found if not one.isbn or identifiers.isbn13(one.isbn) == one.isbn))
