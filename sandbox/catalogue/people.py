"""Contributors, contracts and the like: who stands behind a title."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache

from sandbox.catalogue import words
from sandbox.catalogue.chance import dice, isni, mix
from sandbox.catalogue.facts import Contact, Contract, Contribution, Due, Right

FIRST_CONTACT = 7001
_CONTRIBUTION_IDS = 10  # per work


@lru_cache(maxsize=4096)
def contact(seed: int, number: int) -> Contact:
    """The `number`-th contributor of the house (from 0). Every eighth writes in a script other than Latin's."""
    roll = dice(seed, 11, number)
    id = FIRST_CONTACT + number
    if number % 61 == 60:
        name = words.ORGANISATIONS[number // 61 % len(words.ORGANISATIONS)]
        return Contact(id, name, organisation=True, isni=isni(mix(seed, number) % 10_000_000), inverted=name)
    country = "GB"
    if number % 8 == 5:
        given, family, country = words.OTHER_SCRIPTS[number // 8 % len(words.OTHER_SCRIPTS)]
        together = country in {"JP", "CN", "TW", "KR"}
        name = f"{family}{given}" if together else f"{given} {family}"
    else:
        given, family = roll.choice(words.GIVEN), roll.choice(words.FAMILY)
        if number >= len(words.GIVEN) * 8:
            given = f"{given} {chr(65 + number % 26)}."
        name = f"{given} {family}"
    biography = (
        f"{name} grew up by the sea and has written for {roll.choice(words.REVIEWERS)}. "
        f"Their first book was called {roll.choice(words.ADJECTIVES)} {roll.choice(words.NOUNS)}."
    )
    has_isni = roll.random() < 0.6
    return Contact(
        id, name, given, family, f"{family}, {given}", isni(mix(seed, number) % 10_000_000) if has_isni else "", biography, country=country
    )


def contributors(seed: int, work: int, titles: int, genre: str, translated_from: str) -> tuple[Contribution, ...]:
    """Author(s), and what the genre wants beside: a translator, an illustrator, an editor. Never nobody."""
    roll = dice(seed, 12, work)
    pool = max(60, titles * 7 // 10)
    roles = ["B01"] if genre == "criticism" and roll.random() < 0.4 else ["A01"]
    if roll.random() < 0.12:
        roles.append(roles[0])
    if translated_from:
        roles.append("B06")
    if genre in {"adventure", "animals", "cookery"} and roll.random() < 0.7:
        roles.append("A12")
    numbers: list[int] = []
    while len(numbers) < len(roles):
        number = roll.randrange(pool)
        # An organisation may write, but it neither translates nor draws.
        if number not in numbers and not (number % 61 == 60 and (numbers or roles[0] != "A01")):
            numbers.append(number)
    return tuple(
        Contribution(
            work * _CONTRIBUTION_IDS + place,
            place,
            role,
            contact(seed, number),
            (translated_from,) if role == "B06" else (),
            ("eng",) if role == "B06" else (),
        )
        for place, (role, number) in enumerate(zip(roles, numbers, strict=True), start=1)
    )


def statement(contributions: tuple[Contribution, ...]) -> str:
    """As on the title page: `A and B, translated by C`."""
    lead = [one.contact.name for one in contributions if one.role in {"A01", "B01"}]
    verbs = {"B06": "translated by", "A12": "illustrated by", "E07": "read by"}
    others = [f"{verbs[one.role]} {one.contact.name}" for one in contributions if one.role in verbs]
    return ", ".join([" and ".join(lead), *others]) if lead or others else ""


def contract(seed: int, work: int, title: str | None, published: date, today: date, *, proposal: bool) -> Contract:
    """A work without a signed contract is a proposal."""
    roll = dice(seed, 13, work)
    signed = min(published - timedelta(days=roll.randint(400, 900)), today - timedelta(days=roll.randint(1, 60)))
    due = published - timedelta(days=300)
    id = 500_000 + work
    rights = ("Translation", "Audio", "Serial", "Film and television")[: roll.randint(1, 4)]
    return Contract(
        id,
        f"{title or 'Untitled'}: author agreement",
        None if proposal else signed,
        due,
        due + timedelta(days=roll.randint(-10, 60)) if due < today else None,
        published - timedelta(days=160),
        description="Head contract",
        term="Full term of copyright",
        guaranteed_royalty=Decimal(roll.randrange(500, 9000, 250)),
        author_discount="40%",
        free_copies="6",
        rights=tuple(Right(work * 10 + place, name, Decimal(roll.choice((50, 60, 75, 80)))) for place, name in enumerate(rights)),
        dues=(Due(work * 10 + 1, due, "Manuscript"), Due(work * 10 + 2, due + timedelta(days=90), "Illustrations")),
    )
