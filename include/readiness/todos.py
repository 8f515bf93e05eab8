"""To-dos from Consonance's iCalendar subscription, matched to titles only where that is sure.

Consonance gives events (VEVENT): a day and a name, but not whether it is done. Those are shown with their day and hold nothing up. Other
systems' to-dos (VTODO) say it, and count. A to-do belongs to a title if it holds its ISBN, or its whole title of two words and more;
where two titles would do, it belongs to neither.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import pairwise
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from include.ledger.chunks import chunks
from include.ledger.models import ProductRow, WorkRow
from include.readiness.model import Todo
from include.titles.identifiers import is_isbn13, isbn13

MOST = 50_000  # entries read of one calendar
LONGEST = 2_000  # characters looked at in one entry
FEWEST_WORDS, FEWEST_LETTERS = 2, 8  # of a title that may be recognised
MOST_WORDS = 25  # of a title
_BLOCK = re.compile(r"BEGIN:(VEVENT|VTODO)\r?\n.*?\r?\nEND:\1", re.DOTALL)
_ISBN = re.compile(r"(?<![0-9])(?:97[89][0-9 ‐‑–-]{10,14}|[0-9][0-9 ‐‑–-]{8,11}[0-9Xx])(?![0-9])")
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Entry:
    """One to-do of a calendar, before it is known whose it is. `about` is what else it says."""

    name: str
    about: str
    due: date | None
    done: bool | None


@dataclass(frozen=True, slots=True)
class Todos:
    """To-dos by work and by product. What matched nothing, or more than one title, is only counted."""

    of_works: Mapping[int, Sequence[Todo]] = field(default_factory=dict)
    of_products: Mapping[int, Sequence[Todo]] = field(default_factory=dict)
    unmatched: int = 0
    unreadable: int = 0

    def of(self, work_id: int, product_id: int) -> tuple[Todo, ...]:
        """What concerns a product: its work's to-dos and its own."""
        return (*self.of_works.get(work_id, ()), *self.of_products.get(product_id, ()))


NO_TODOS = Todos()


def parse(calendar: bytes) -> tuple[list[Entry], int]:
    """A calendar's entries by day and name, and how many could not be read. A broken calendar gives what is whole in it."""
    from icalendar import Calendar

    text = calendar.decode("utf-8-sig", "replace").replace("\x00", "")
    unreadable = 0
    components: list[Any] = []
    for found in _BLOCK.finditer(text):  # one by one, so that a broken entry spoils no other
        if len(components) >= MOST:
            break
        try:
            components += Calendar.from_ical(f"BEGIN:VCALENDAR\r\n{found.group()}\r\nEND:VCALENDAR\r\n").walk(found.group(1))
        except (ValueError, KeyError, IndexError, TypeError, AttributeError, OverflowError):
            unreadable += 1
    entries = []
    for component in components:
        try:
            entry = _entry(component)
        except (ValueError, KeyError, IndexError, TypeError, AttributeError, OverflowError):
            unreadable += 1
            continue
        if entry is not None:
            entries.append(entry)
    return sorted(set(entries), key=lambda one: (one.due or date.max, one.name, one.about)), unreadable


def _entry(component: Any) -> Entry | None:
    status = str(component.get("STATUS", "")).upper()
    if status == "CANCELLED" or component.get("RRULE") is not None:
        return None
    name = str(component.get("SUMMARY", "")).strip()
    about = " ".join(str(component.get(key, "")) for key in ("DESCRIPTION", "LOCATION", "URL"))
    when = component.get("DUE") or component.get("DTSTART")
    at = getattr(when, "dt", None)
    due = at.date() if isinstance(at, datetime) else at if isinstance(at, date) else None
    done: bool | None = None
    if component.name == "VTODO":
        done = status == "COMPLETED" or component.get("COMPLETED") is not None or str(component.get("PERCENT-COMPLETE", "")) == "100"
    return Entry(name[:LONGEST], about[:LONGEST], due, done) if name else None


def match(session: Session, entries: Sequence[Entry], unreadable: int = 0) -> Todos:
    """Whose to-dos these are. Reads the titles of all works once, and none of it without entries."""
    if not entries:
        return Todos(unreadable=unreadable)
    named = [(entry, frozenset(_isbns(f"{entry.name} {entry.about}"))) for entry in entries]
    holders = _holders(session, {isbn for _, isbns in named for isbn in isbns})
    titles = _titles(session)
    of_works: dict[int, list[Todo]] = defaultdict(list)
    of_products: dict[int, list[Todo]] = defaultdict(list)
    unmatched = 0
    for entry, isbns in named:
        todo = Todo(entry.name, entry.due, entry.done)
        if isbns:
            found = {holder for isbn in isbns for holder in holders.get(isbn, ())}
            works = {work for work, _ in found}
            if len(found) == 1:
                of_products[next(iter(found))[1]].append(todo)
            elif len(works) == 1:
                of_works[works.pop()].append(todo)
            else:
                unmatched += 1
        elif (work := _by_title(entry.name, titles)) is not None:
            of_works[work].append(todo)
        else:
            unmatched += 1
    return Todos(dict(of_works), dict(of_products), unmatched, unreadable)


def _isbns(text: str) -> Iterator[str]:
    for found in _ISBN.finditer(text):
        if isbn := isbn13(found.group()):
            yield isbn


def _holders(session: Session, isbns: Iterable[str]) -> dict[str, list[tuple[int, int]]]:
    """ISBN to (work, product) of those that bear it."""
    found: dict[str, list[tuple[int, int]]] = defaultdict(list)
    wanted = sorted(isbn for isbn in isbns if is_isbn13(isbn))
    for some in chunks(wanted):
        query = select(ProductRow.isbn, ProductRow.work_id, ProductRow.id).where(ProductRow.isbn.in_(some))
        for isbn, work, product in session.execute(query.where(ProductRow.deleted_at.is_(None))):
            found[isbn].append((work, product))
    return found


def _titles(session: Session) -> dict[tuple[str, ...], int | None]:
    """Titles that may be recognised, as words, to their work; None where several works are called so."""
    titles: dict[tuple[str, ...], int | None] = {}
    for id, title in session.execute(
        select(WorkRow.id, WorkRow.title).where(WorkRow.deleted_at.is_(None)).execution_options(yield_per=2000)
    ):
        words = _words(title)
        if FEWEST_WORDS <= len(words) <= MOST_WORDS and sum(map(len, words)) >= FEWEST_LETTERS:
            titles[words] = None if words in titles else id
    return titles


def _by_title(name: str, titles: Mapping[tuple[str, ...], int | None]) -> int | None:
    """The one work whose title stands in the name. Of titles that lie within a longer one, the longer counts."""
    words = _words(name)
    found: list[tuple[int, int, int | None]] = []
    for start in range(len(words)):
        for end in range(min(len(words), start + MOST_WORDS), start + FEWEST_WORDS - 1, -1):
            if words[start:end] in titles:
                found.append((start, end, titles[words[start:end]]))
                break
    outer = [one for one in found if not any(other != one and other[0] <= one[0] and one[1] <= other[1] for other in found)]
    apart = all(before[1] <= here[0] for before, here in pairwise(outer))
    works = {work for _, _, work in outer}
    return works.pop() if apart and len(works) == 1 else None


def _words(text: str) -> tuple[str, ...]:
    plain = unicodedata.normalize("NFKD", text.replace("’", "'")).casefold()
    joined = "".join(character for character in plain if not unicodedata.combining(character) and character != "'")
    return tuple(_WORD.findall(joined))
