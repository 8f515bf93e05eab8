"""Marketing texts in Markdown: description, short description, biography, contents, reviews, headline."""

from __future__ import annotations

from datetime import date

from sandbox.catalogue import words
from sandbox.catalogue.chance import dice
from sandbox.catalogue.facts import Contribution, MarketingText

# Variant of the sandbox → text type of the REST record (ONIX 2.1, List 33).
CODES = {
    "MAIN_DESCRIPTION": "01",
    "SHORT_DESCRIPTION": "02",
    "TABLE_OF_CONTENTS": "04",
    "REVIEW_QUOTE": "08",
    "PROMOTIONAL_HEADLINE": "09",
    "BIOGRAPHICAL_NOTE": "13",
}
_IDS = 20  # per work


def texts(
    seed: int,
    work: int,
    title: str,
    genre: str,
    contributions: tuple[Contribution, ...],
    product_ids: tuple[int, ...],
    published: date,
    today: date,
) -> tuple[MarketingText, ...]:
    """Every work has the first three; the rest as it comes."""
    roll = dice(seed, 21, work)
    about = words.GENRES[genre]
    place, other = roll.sample(words.PLACES, 2)
    names = " and ".join(one.contact.name for one in contributions if one.role in {"A01", "B01"})
    found: list[tuple[str, str, str]] = []
    praise = roll.choice(("Tender", "Exact", "Funny", "Unhurried")), roll.choice(("true", "bold", "wise"))
    short = f"From {place} to {other}: {about.nouns}. {praise[0]} and {praise[1]}."
    extra = roll.choice(("With a new preface", "With maps and plates", "With a reading-group guide"))
    main = (
        f"It begins in **{place}** with {about.nouns}.\n\nBy the time we reach *{other}*, nothing in *{title}* is what it seemed – "
        f"“{roll.choice(('a door left open', 'a debt unpaid', 'a map redrawn'))}” & what follows from it.\n\n"
        f"- {extra}\n- {roll.choice(words.REVIEWERS)}’s book of the month"
    )
    found += [("MAIN_DESCRIPTION", main, ""), ("SHORT_DESCRIPTION", short, "")]
    biography = (
        "\n\n".join(one.contact.biography for one in contributions if one.contact.biography) or f"**{names}** publishes on its own subject."
    )
    found.append(("BIOGRAPHICAL_NOTE", biography, ""))
    if not about.fiction and roll.random() < 0.6:
        chapters = (f"{number}. {roll.choice(words.ADJECTIVES)} {roll.choice(words.NOUNS)}" for number in range(1, roll.randint(5, 9)))
        found.append(("TABLE_OF_CONTENTS", "\n".join(chapters), ""))
    if published < today and roll.random() < 0.5:
        paper = roll.choice(words.REVIEWERS)
        found.append(("REVIEW_QUOTE", f"“{roll.choice(('Luminous', 'A marvel', 'Hard to put down'))}.” *{paper}*", paper))
    if roll.random() < 0.3:
        found.append(("PROMOTIONAL_HEADLINE", f"{roll.choice(words.NOUNS)} of the year", ""))
    return tuple(
        MarketingText(work * _IDS + place_, variant, CODES[variant], markdown, product_ids, paper)
        for place_, (variant, markdown, paper) in enumerate(found, start=1)
    )
