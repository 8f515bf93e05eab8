"""Names of a package's files, exactly by the recipient's vocabulary, from the masks of its profile. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from include.deliveries.naming import slug
from include.errors import ConfigurationError, RejectedData
from include.packages.contents import Chosen
from include.partners.profiles import Profile
from include.titles.model import Product

_COUNTER = re.compile(r"0\d+d?")
_WORD = re.compile(r"[A-Za-z0-9]+")


class Place(int):
    """A number that is as wide as the last of its set, so that names sort as the set plays: 001 ... 200 where the mask says two digits."""

    last = 0

    @classmethod
    def of(cls, place: int, last: int) -> Place:
        self = cls(place)
        self.last = last
        return self

    def __format__(self, spec: str) -> str:
        return format(int(self), spec).zfill(len(str(self.last))) if _COUNTER.fullmatch(spec) else format(int(self), spec)


def title_word(product: Product, letters: int) -> str:
    """The title as one part of a file name: ASCII, hyphens, lower case, cut at a word. One in another script: the ISBN."""
    text = slug(product.work.title or product.full_title).replace("_", "-").replace(".", "-")
    text = re.sub(r"-{2,}", "-", text).strip("-")
    if text in {"", "x"}:
        return product.isbn
    if len(text) > letters:
        text = text[:letters].rpartition("-")[0] or text[:letters]
    return text


def job_word(product: Product, letters: int) -> str:
    """The title in one word, each of its words with a capital: TheTideClock. One in another script: the ISBN."""
    plain = unicodedata.normalize("NFKD", product.work.title or product.full_title).encode("ascii", "ignore").decode()
    word = "".join(part[0].upper() + part[1:] for part in _WORD.findall(plain.replace("'", "")))
    return word[:letters] or product.isbn


def fields(product: Product, profile: Profile) -> dict[str, Any]:
    """What every mask may use."""
    return {
        "isbn": product.isbn,
        "title": title_word(product, profile.title_letters),
        "job": job_word(product, profile.title_letters),
    }


def fill(mask: str, where: str, **values: Any) -> str:
    """Raises `ConfigurationError` for a mask that names something unknown."""
    try:
        return mask.format(**values)
    except (KeyError, IndexError, ValueError, TypeError, AttributeError) as bad:
        todo = "Use isbn, title, job, number, order, first, last, revision and ext only."
        raise ConfigurationError(f"the name mask {mask!r} can't be filled: {bad}", where=where, todo=todo) from bad


def names(profile: Profile, product: Product, chosen: Sequence[Chosen], facts: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """A name for each file, in their order. `facts`: sha256 to what was measured; page ranges are counted from `pages`.

    Raises `RejectedData` where a name wants page numbers of a file whose pages could not be counted.
    """
    base = fields(product, profile)
    of_part: dict[str, int] = {}
    for one in chosen:
        of_part[one.part.id] = of_part.get(one.part.id, 0) + 1
    given, page, seen = [], dict.fromkeys(of_part, 0), dict.fromkeys(of_part, 0)
    for one in chosen:
        part = one.part
        seen[part.id] += 1
        first, last = page[part.id] + 1, page[part.id] + _pages(one, facts)
        if "{first" in part.name or "{last" in part.name:
            if last < first:
                raise RejectedData(
                    "its pages could not be counted, and the printer's name for it wants page numbers",
                    where=one.file.name,
                    todo="Ask for the file again, exported anew.",
                )
            page[part.id] = last
        number = seen[part.id] if of_part[part.id] > 1 else ""
        extension = one.file.name.rpartition(".")[2].lower() if "." in one.file.name else ""
        values = {
            "number": number,
            "order": Place.of(seen[part.id], of_part[part.id]),
            "first": first,
            "last": last,
            "revision": one.revision,
            "ext": extension,
        }
        given.append(fill(part.name, f"profile {profile.id}, part {part.id}", **base, **values))
    return given


def _pages(one: Chosen, facts: Mapping[str, Mapping[str, Any]]) -> int:
    for measured in (facts.get(one.file.sha256, {}), one.file.facts):
        if isinstance(pages := measured.get("pages"), int) and pages > 0:
            return pages
    return 0
