"""Names and numbers of payees, as a statement may write them and as the payee list has them. Pure.

Three ways to compare, from strict to wary: `exact` decides whose a statement is, `loose` forgives an accent where a number agrees as
well, and `marks` finds a name or number in a text, in whatever way it is written there.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

_ALONE = "\u0e00-\u0e7f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"  # scripts that write no spaces: each letter is a word
_WORD = re.compile(rf"[{_ALONE}]|[^\W_{_ALONE}]+")
_MARKS = re.compile(
    "[\u00ad\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0640\u064b-\u065f\u0670\u1ab0-\u1aff\u1dc0-\u1dff"
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\u20d0-\u20ff\ufe00-\ufe0f\ufe20-\ufe2f\ufeff]"
)
_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h"})
_QUOTES = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "`": "'", "´": "'", "‐": "-", "‑": "-", "–": "-", "−": "-"})
_LOOKS = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u04bb\u043c\u0442\u043a\u043d\u0432\u03bf\u03b1\u03b5\u03c1\u03c5\u03b9\u03ba\u03bd",
    "aeopcyxijshmtkhboaepuikv",
)
"""Cyrillic and Greek letters that look like Latin ones, for words that are written in both. Unicode Technical Standard 39."""
_LATIN = re.compile("[a-z]")
_SPELT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"})
_UNSPELT = re.compile("(a)[ae]|(o)e|(u)e")
_JOINED = re.compile("['\u2019-]")
_INITIAL = re.compile(r"(?<![\w'’])([^\W\d_])\.")
_FULL = "initial"  # a letter with a point, as a word that no text has: "A. Bright" is somebody, "a bright day" is nobody
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]")
_BROKEN = re.compile(r"(?<=[^\W\d_])[-\u00ad\u2010\u2011\x02\ufffe][^\S\n]*[\r\n]+\s*(?=[^\W\d_])")  # a word that goes on in the next line
_GENERATION = re.compile(r",? +(jr|sr|ii|iii|iv)\b\.?")  # of a name in lower case
_INITIALS = re.compile(r"(?<=\b[^\W\d_])\.(?=[^\W\d_])")  # A.B. is A. B.
SQUEEZED = 10  # letters from which a name is looked for without regard to spaces: a shorter one would be found inside other words
CHANCE = 6  # letters from which a name or number is looked for in bytes that may be no text
PLAIN_DIGITS = 5  # a number of digits alone is looked for from this length on: shorter ones are everywhere in a statement


def exact(name: str) -> str:
    """One writing of one name: composed letters, ligatures, case, invisible characters, spaces and quotes do not count, "Okafor, Ben" is
    "Ben Okafor", and "Ben Okafor, Jr." is "Okafor Jr, Ben". Accents and every letter do."""
    seen = "".join(letter for letter in unicodedata.normalize("NFKC", name) if unicodedata.category(letter) != "Cf")
    plain = " ".join(_INITIALS.sub(". ", seen.translate(_QUOTES).lower()).split())  # not casefold: Groß is not Gross
    generation = _GENERATION.search(plain)
    if generation:
        plain = plain[: generation.start()] + plain[generation.end() :]
    last, comma, first = plain.partition(", ")
    turned = f"{first} {last}" if comma and "," not in first else plain
    return f"{turned} {generation[1]}" if generation else turned


def short(name: str) -> str:
    """Without initials, Jr. and Sr.; as it is where fewer than two words would be left."""
    found = exact(name).split()
    whole = [word for word in found if len(word.strip(".,")) > 1 and not _GENERATION.fullmatch(f" {word}")]
    return " ".join(whole if len(whole) > 1 else found)


def alike(name: str) -> tuple[str, ...]:
    """What namesakes have in common: accents, order, initials, and Jr. or Sr. do not count. Two who share it are never told apart by a
    name alone."""
    return tuple(sorted(words(short(name))))


def loose(text: str) -> str:
    """As `exact`, and accents do not count: "Zoe Muller" is "Zoë Müller". Order is kept as written."""
    if text.isascii():
        return text.lower()
    plain = _MARKS.sub("", unicodedata.normalize("NFKD", text)).casefold()
    return unicodedata.normalize("NFKC", plain.translate(_LETTERS))


def words(text: str) -> list[str]:
    """Letters and digits of a text in runs, loosely written."""
    found = _WORD.findall(loose(text))
    if text.isascii():
        return found
    return [word.translate(_LOOKS) if not word.isascii() and _LATIN.search(word) else word for word in found]


def of_name(name: str) -> Iterator[tuple[str, ...]]:
    """The ways in which a name is written: as it stands, family name first, family name last; ü as ue, ue as ü; without hyphens and
    apostrophes; from left to right; the first name as an initial."""
    plain = tuple(words(name))
    ways = [plain, tuple(_UNSPELT.sub(r"\1\2\3", word) for word in plain)]
    if not name.isascii():
        ways.append(tuple(words(unicodedata.normalize("NFC", name).casefold().translate(_SPELT))))
    if _JOINED.search(name):
        ways.append(tuple(words(_JOINED.sub("", name))))
    if _RIGHT_TO_LEFT.search(name):  # some programs write what is drawn from the left
        ways.append(tuple(word[::-1] for word in reversed(plain)))
    for found in dict.fromkeys(way for way in ways if way):
        yield found
        if len(found) > 1:
            yield (found[-1], *found[:-1])
            yield (*found[1:], found[0])
            if len(found[0]) > 1 and len(found[-1]) > 2:
                yield (found[0][0] + _FULL, found[-1])
                yield (found[-1], found[0][0] + _FULL)


def _runs(text: str) -> Iterator[list[str]]:
    """A text's words; and again with words put together that a line breaks, with initials as such, and without them."""
    yield words(text)
    if _BROKEN.search(text):
        yield words(_BROKEN.sub("", text))
    if _INITIAL.search(text):
        seen = words(_INITIAL.sub(rf" \1{_FULL} ", text))
        yield [word for at, word in enumerate(seen) if not (at and word.endswith(_FULL) and seen[at - 1].endswith(_FULL))]
        yield [word for word in seen if not word.endswith(_FULL)]


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
        if least:
            return self._in(words(text), mine, least)
        return {what for run in _runs(text) for what in self._in(run, mine, least)}

    def _in(self, run: list[str], mine: Collection[str], least: int) -> set[str]:
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
