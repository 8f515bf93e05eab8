"""Whether rights are held in a country, as far as Consonance says: held, not held, or not known. Nothing is guessed.

    not for sale there ─▶ not held        for sale there, or worldwide ─▶ held        countries of sale are named, and it is not
    one of them ─▶ not held               anything else ─▶ unknown

A product that says nothing is `unknown` everywhere, never worldwide. Where it is and is not for sale, it is not, as in feeds.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any, Self

import pycountry

from include.titles.model import Product

UNKNOWN = "unknown"


class Finding(StrEnum):
    """What is found of a sale in a territory."""

    HELD = "held"
    NOT_HELD = "not held"
    UNKNOWN = "unknown"  # Consonance does not say where the title may be sold
    NOT_TOLD = "territory not told"  # the report does not say where, and the title may not be sold everywhere


@dataclass(frozen=True, slots=True)
class Rights:
    """Where one product may be sold; countries as ISO 3166-1 alpha-2."""

    worldwide: bool | None = None
    sold_in: tuple[str, ...] = ()
    not_sold_in: tuple[str, ...] = ()

    @classmethod
    def of(cls, product: Product) -> Self:
        return cls(product.sold_worldwide, product.sold_in, product.not_sold_in)

    @classmethod
    def written(cls, content: bytes) -> Self:
        """Of a product's row in the mirror; the rest of it is not read."""
        told: dict[str, Any] = json.loads(content)
        return cls(told.get("sold_worldwide"), tuple(told.get("sold_in", ())), tuple(told.get("not_sold_in", ())))

    @property
    def known(self) -> bool:
        return bool(self.worldwide or self.sold_in or self.not_sold_in)

    @property
    def everywhere(self) -> bool:
        return bool(self.worldwide) and not self.not_sold_in

    def at(self, territory: str) -> Finding:
        """`territory`: a country, a region of one (`GB-SCT`), or "" where the report says none."""
        if not territory:
            return Finding.HELD if self.everywhere else Finding.NOT_TOLD if self.known else Finding.UNKNOWN
        country = territory[:2] if territory[2:3] == "-" else territory
        if country in self.not_sold_in:
            return Finding.NOT_HELD
        if self.worldwide or country in self.sold_in:
            return Finding.HELD
        return Finding.NOT_HELD if self.sold_in else Finding.UNKNOWN

    def why(self, territory: str) -> str:
        """The sentence for a finding that is not `held`."""
        match self.at(territory):
            case Finding.NOT_TOLD:
                return "the report says no territory, and the title is not for sale everywhere"
            case Finding.UNKNOWN:
                return (
                    "Consonance does not say whether it may be sold there" if self.known else "Consonance says nothing of its sales rights"
                )
            case Finding.NOT_HELD if (territory[:2] if territory[2:3] == "-" else territory) in self.not_sold_in:
                return "Consonance says: not for sale there"
            case Finding.NOT_HELD:
                return "it is not one of the countries where Consonance says that it is for sale"
            case _:
                return ""

    def told(self) -> str:
        """In a word or two: worldwide, worldwide but for some countries, some countries, unknown."""
        if self.worldwide:
            return f"worldwide except {_counted(self.not_sold_in)}" if self.not_sold_in else "worldwide"
        if self.sold_in:
            return _counted(set(self.sold_in) - set(self.not_sold_in))
        return UNKNOWN


def _counted(countries: Collection[str]) -> str:
    return f"{len(countries)} {'country' if len(countries) == 1 else 'countries'}"


def of_any(products: Collection[Rights], territory: str) -> Finding:
    """Of a work of which nobody says the edition: held where one edition is, not held where none is."""
    found = {one.at(territory) for one in products}
    if Finding.HELD in found:
        return Finding.HELD
    return next(iter(found)) if len(found) == 1 else Finding.UNKNOWN


@cache
def name_of(territory: str) -> str:
    """The country's name in English; "" for what is none."""
    found = pycountry.countries.get(alpha_2=territory[:2]) if territory else None
    return str(getattr(found, "common_name", "") or found.name) if found is not None else ""


def codes(countries: Iterable[str]) -> str:
    """As they stand in a cell: `GB IE US`."""
    return " ".join(sorted(set(countries)))
