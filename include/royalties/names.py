"""Names and numbers of payees, as a statement may write them and as the payee list has them. Pure.

Three ways to compare, from strict to wary: `exact` decides whose a statement is, `loose` forgives an accent where a number agrees as
well, and `marks` finds a name or number in a text, in whatever way it is written there.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

_WORD = re.compile(r"[^\W_]+")
_MARKS = re.compile(
    "[\u00ad\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u200b-\u200f\u2028-\u202e\u2060-\u206f\u20d0-\u20ff\ufe20-\ufe2f\ufeff]"
)
_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h"})
_QUOTES = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "`": "'", "´": "'", "‐": "-", "‑": "-", "–": "-", "−": "-"})
SQUEEZED = 10  # letters from which a name is looked for without regard to spaces: a shorter one would be found inside other words
CHANCE = 6  # letters from which a name or number is looked for in bytes that may be no text
PLAIN_DIGITS = 5  # a number of digits alone is looked for from this length on: shorter ones are everywhere in a statement


def exact(name: str) -> str:
    """One writing of one name: composed letters, ligatures, case, invisible characters, spaces and quotes do not count, and
    "Okafor, Ben" is "Ben Okafor". Accents and every letter do."""
    seen = "".join(letter for letter in unicodedata.normalize("NFKC", name) if unicodedata.category(letter) != "Cf")
    plain = " ".join(seen.translate(_QUOTES).casefold().split())
    last, comma, first = plain.partition(", ")
    return f"{first} {last}" if comma and "," not in first else plain


def loose(text: str) -> str:
    """As `exact`, and accents do not count: "Zoe Muller" is "Zoë Müller". Order is kept as written."""
    if text.isascii():
        return text.lower()
    plain = _MARKS.sub("", unicodedata.normalize("NFKD", text)).casefold()
    return unicodedata.normalize("NFKC", plain.translate(_LETTERS))


def words(text: str) -> list[str]:
    """Letters and digits of a text in runs, loosely written."""
    return _WORD.findall(loose(text))


def of_name(name: str) -> Iterator[tuple[str, ...]]:
    """The orders in which a name is written: as it stands, family name first, family name last."""
    found = tuple(words(name))
    if not found:
        return
    yield found
    if len(found) > 1:
        yield (found[-1], *found[:-1])
        yield (*found[1:], found[0])


def of_number(number: str, *, said: Sequence[str] = ()) -> Iterator[tuple[str, ...]]:
    """How a number of a payee, contract or statement stands in a text. One that is too short to mean anything by itself is looked for
    only behind the words `said` ("contract", "payee")."""
    runs = [run for word in words(number) for run in re.findall(r"\d+|[^\d]+", word)]
    if not runs:
        return
    joined = "".join(runs)
    forms = {tuple(words(number)), tuple(runs), (joined,)}
    if joined.isdigit() and len(joined) < PLAIN_DIGITS:
        yield from ((*lead.split(), *form) for lead in said for form in forms)
    else:
        yield from forms


@dataclass(frozen=True, slots=True)
class Mark:
    """Words in a row, what they are, and whose. `listed`: the payee list says so; else another statement does, which counts less."""

    row: tuple[str, ...]
    what: str
    owner: str
    listed: bool = True


class Marks:
    """Names and numbers of everybody, to be found in a text. Made once for an export, asked for each of its statements."""

    def __init__(self, marks: Iterable[Mark]) -> None:
        self._rows: dict[tuple[str, ...], list[Mark]] = {}
        self._lengths: dict[str, set[int]] = {}  # first word → how many words the rows have that begin with it
        self._squeezed: dict[str, dict[str, tuple[str, ...]]] = {}  # first letters → long name in one piece → its words
        for mark in marks:
            self._rows.setdefault(mark.row, []).append(mark)
            self._lengths.setdefault(mark.row[0], set()).add(len(mark.row))
            joined = "".join(mark.row)
            if len(joined) >= SQUEEZED and joined.isalpha():
                self._squeezed.setdefault(joined[:SQUEEZED], {})[joined] = mark.row

    def found(self, text: str, mine: Collection[str], *, least: int = 0) -> set[str]:
        """What is in the text and belongs to nobody of `mine`: {what it is}. `least`: the text may be none, so that only what has so many
        letters counts, as it stands. Inside our own it does not
        count: "Ann Lee" is not in our "Ann Lee Smith"; but our own inside it does: our "Griffith" does not hide "Siân Griffith"."""
        run = words(text)
        own: list[tuple[int, int]] = []
        theirs: list[tuple[int, int, set[str]]] = []
        for at, word in enumerate(run):
            for length in self._lengths.get(word, ()):
                row = tuple(run[at : at + length])
                if len(row) < length or (marks := self._rows.get(row)) is None:
                    continue
                what = _foreign(marks, mine)
                if not what:
                    own.append((at, at + length))
                elif sum(map(len, row)) >= least:
                    theirs.append((at, at + length, what))
        seen = {one for at, end, what in theirs for one in what if not any(start <= at and end <= stop for start, stop in own)}
        return seen if least else seen | self._letter_by_letter(run, own, mine)

    def _letter_by_letter(self, run: list[str], own: list[tuple[int, int]], mine: Collection[str]) -> set[str]:
        """Long names without regard to what is between their letters: spaced out, hyphenated, run together. What lies inside our own
        does not count here either."""
        whole = "".join(run)
        hits = [
            (at, at + len(joined), row)
            for at in range(len(whole) - SQUEEZED + 1)
            for joined, row in self._squeezed.get(whole[at : at + SQUEEZED], {}).items()
            if whole.startswith(joined, at)
        ]
        if not hits:
            return set()
        starts = [0]
        for word in run:
            starts.append(starts[-1] + len(word))
        covered = [(starts[start], starts[stop]) for start, stop in own]
        return {
            what
            for at, end, row in hits
            for what in _foreign(self._rows[row], mine)
            if not any(start <= at and end <= stop for start, stop in covered)
        }


def _foreign(marks: Sequence[Mark], mine: Collection[str]) -> set[str]:
    """What the words are if they are nobody's of `mine`; empty if they are. The payee list decides where it knows them: a statement that
    prints another payee's name does not make it its own."""
    deciding = [mark for mark in marks if mark.listed] or marks
    return set() if any(mark.owner in mine for mark in deciding) else {mark.what for mark in deciding}
