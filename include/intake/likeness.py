"""Titles whose words are like a file name's: quick on a hundred thousand of them, only ever good for a proposal."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rapidfuzz import fuzz, process

CUTOFF = 62.0  # below this a title is not worth a person's look
CLOSE = 80.0  # the same where not one word is spelt as in a title
CANDIDATES = 400  # titles compared for one name
FREQUENT = 20_000  # a word that so many titles have tells nothing beside a rarer one

_COMMON: Final = frozenset({
    "the", "and", "of", "to", "in", "for", "on", "at", "by", "with", "from", "der", "die", "das", "und", "le", "la", "les", "de", "des",
    "et", "el", "los", "las", "van", "von",
})  # fmt: skip
_LETTERS: Final = str.maketrans({
    "Ł": "L", "ł": "l", "Ø": "O", "ø": "o", "Þ": "Th", "þ": "th", "Ð": "D", "ð": "d", "ı": "i", "Æ": "Ae", "æ": "ae", "Œ": "Oe",
    "œ": "oe", "Đ": "D", "đ": "d", "'": None, "’": None,
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Like:
    """A work whose title and contributors (`names`) are like what was `said`; `score` 0 to 99."""

    work: int
    names: str
    said: str
    score: float


def fold(text: str) -> str:
    """Letters without accents, in lower case, words apart by one blank: `Þóra Yılmaz` and `thora yilmaz` are one."""
    plain = unicodedata.normalize("NFKD", text.translate(_LETTERS)).casefold()
    return " ".join(re.findall(r"[^\W_]+", "".join(one for one in plain if not unicodedata.combining(one))))


class Phrases:
    """Titles with their contributors, found by the words they share with a name, then compared."""

    def __init__(self) -> None:
        self._phrases: list[str] = []  # by place: title and contributors
        self._titles: list[str] = []
        self._works: list[int] = []
        self._names: list[str] = []
        self._places: dict[str, list[int]] = {}  # word → places

    def add(self, work: int, title: str, names: str) -> None:
        phrase = fold(f"{title} {names}")
        place = len(self._phrases)
        self._phrases.append(phrase)
        self._titles.append(fold(title))
        self._works.append(work)
        self._names.append(names)
        for word in set(phrase.split()):
            if len(word) > 1 and word not in _COMMON:
                self._places.setdefault(word, []).append(place)

    def like(self, said: Sequence[str], contributor: str, *, most: int) -> list[Like]:
        """The works most like any of these, best first."""
        scores: dict[int, Like] = {}
        author = fold(contributor)
        for text in said:
            query = fold(text)
            if len(query) < 3:
                continue
            full = f"{query} {author}".strip() if author not in query else query
            for place, score in self._scores(full):
                if place not in scores or score > scores[place].score:
                    scores[place] = Like(self._works[place], self._names[place], text, score)
        return [scores[place] for place in sorted(scores, key=lambda place: (-scores[place].score, place))[:most]]

    def _scores(self, query: str) -> list[tuple[int, float]]:
        places = self._candidates(query.split())
        if not places:  # every word is misspelt, or none is a title's
            if len(query) < 8:
                return []
            close = process.extract(query, self._titles, scorer=fuzz.ratio, score_cutoff=CLOSE, limit=20)
            return [(place, min(99.0, score)) for _, score, place in close]
        phrases = {place: self._phrases[place] for place in places}
        found = process.extract(query, phrases, scorer=fuzz.token_set_ratio, score_cutoff=CUTOFF, limit=20)
        # A set of words is like any title that has one of them: what is left over on either side counts, too.
        mixed = [(place, min(99.0, 0.6 * score + 0.4 * fuzz.token_sort_ratio(query, phrase))) for phrase, score, place in found]
        return [(place, score) for place, score in mixed if score >= CUTOFF]

    def _candidates(self, words: list[str]) -> list[int]:
        """Places of the titles that share the rarest words, the most shared first."""
        known = sorted({word for word in words if word in self._places}, key=lambda word: len(self._places[word]))
        weights: dict[int, float] = {}
        for word in known[:6]:
            places = self._places[word]
            if weights and len(places) > FREQUENT:
                break
            weight = (1.0 + len(places)) ** -0.5
            for place in places:
                weights[place] = weights.get(place, 0.0) + weight
        return sorted(weights, key=lambda place: -weights[place])[:CANDIDATES]
