"""Names and numbers of payees, as a statement may write them and as the payee list has them. Pure.

Three ways to compare, from strict to wary: `exact` decides whose a statement is, `loose` forgives an accent where a number agrees as
well, and `marks` finds a name or number in a text, in whatever way it is written there.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

_WORD = re.compile(r"[^\W_]+")
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
    seen = "".join(letter for letter in unicodedata.normalize("NFKD", text) if unicodedata.category(letter) not in {"Cf", "Mn"})
    return unicodedata.normalize("NFKC", seen.casefold().translate(_LETTERS))


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


class Marks:
    """Names and numbers that must not be in a text, each with what it belongs to."""

    def __init__(self, foreign: Iterable[tuple[tuple[str, ...], str]], own: Iterable[tuple[str, ...]] = ()) -> None:
        """`foreign`: (words in a row, what it is); `own`: words in a row that are the reader's own and hide what is inside them."""
        self._own: dict[str, list[tuple[str, ...]]] = {}
        mine = set(own)
        for one in sorted(mine, key=len, reverse=True):
            self._own.setdefault(one[0], []).append(one)
        self._foreign: dict[str, list[tuple[tuple[str, ...], str]]] = {}
        self._squeezed: dict[str, str] = {}
        for row, what in foreign:
            if row in mine:
                continue
            self._foreign.setdefault(row[0], []).append((row, what))
            joined = "".join(row)
            if len(joined) >= SQUEEZED and joined.isalpha():
                self._squeezed[joined] = what
        for one in mine:
            self._squeezed.pop("".join(one), None)

    def found(self, text: str, *, least: int = 0) -> set[str]:
        """What of the foreign is in the text: {what it is}, of at least so many letters. Inside our own it does not count: "Ann Lee" is
        not in our "Ann Lee Smith"; but our own inside it does: our "Griffith" does not hide "Siân Griffith"."""
        run = words(text)
        mine = [
            (at, at + len(row)) for at, word in enumerate(run) for row in self._own.get(word, ()) if tuple(run[at : at + len(row)]) == row
        ]
        seen: set[str] = set()
        for at, word in enumerate(run):
            for row, what in self._foreign.get(word, ()):
                end = at + len(row)
                if sum(map(len, row)) < least:
                    continue
                if tuple(run[at:end]) == row and not any(start <= at and end <= stop for start, stop in mine):
                    seen.add(what)
        return seen | self._letter_by_letter(run, mine)

    def _letter_by_letter(self, run: list[str], mine: list[tuple[int, int]]) -> set[str]:
        """Long names without regard to what is between their letters: spaced out, hyphenated, run together."""
        whole = "".join(run)
        if not any(joined in whole for joined in self._squeezed):
            return set()
        hidden = {at for start, stop in mine for at in range(start, stop)}
        apart = "".join("\0" if at in hidden else word for at, word in enumerate(run))
        own = ["".join(row) for rows in self._own.values() for row in rows]
        return {what for joined, what in self._squeezed.items() if joined in (apart if any(joined in one for one in own) else whole)}
