"""Words to fill pages with."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from random import Random

from sandbox.catalogue import words

_OPENINGS = ("In those days", "Later", "It was said that", "On the quay", "After the rain", "Nobody knew why", "By lamplight", "All winter")
_VERBS = ("followed", "forgot", "remembered", "kept", "lost", "drew", "painted over", "answered", "waited for", "called for")


def sentence(roll: Random) -> str:
    adjective, noun, other = roll.choice(words.ADJECTIVES).lower(), roll.choice(words.NOUNS).lower(), roll.choice(words.NOUNS).lower()
    name, place = roll.choice(words.GIVEN), roll.choice(words.PLACES)
    opening, verb = roll.choice(_OPENINGS), roll.choice(_VERBS)
    return roll.choice((
        f"{opening} the {adjective} {noun} {verb} the {other} as far as {place}.",
        f"{name} {verb} the {noun}, and the {other} {roll.choice(_VERBS)} {name}.",
        f"“The {other} is {adjective},” said {name}, “but never in {place}.”",
        f"{opening} {name} {verb} what the {adjective} {noun} had left behind.",
    ))


def paragraph(roll: Random, sentences: int = 0) -> str:
    return " ".join(sentence(roll) for _ in range(sentences or roll.randint(3, 7)))


def lines(roll: Random, width: int) -> Iterator[str]:
    """Lines of running text of up to `width` characters, without end."""
    while True:
        yield from textwrap.wrap("    " + paragraph(roll), width)


def chapter_title(roll: Random) -> str:
    return f"{roll.choice(words.ADJECTIVES)} {roll.choice(words.NOUNS)}"
