"""A title in the two parts that ONIX wants, so that receivers sort it rightly: prefix, and the rest."""

from __future__ import annotations

from dataclasses import dataclass

from include.errors import RejectedData
from include.titles.model import Product

_ELIDED = ("'", "\N{RIGHT SINGLE QUOTATION MARK}", "-")  # L'Étranger, Al-Kitab: no space after the prefix


@dataclass(frozen=True, slots=True)
class Title:
    prefix: str
    without_prefix: str

    @property
    def text(self) -> str:
        """In reading order, for receivers that want TitleText."""
        if not self.prefix:
            return self.without_prefix
        return f"{self.prefix}{self.without_prefix}" if self.prefix.endswith(_ELIDED) else f"{self.prefix} {self.without_prefix}"


def title_of(product: Product) -> Title:
    """The product's own title, or its work's. A prefix is what the source calls one; none is guessed from the words.

    Raises `RejectedData` if there is no title at all: no ONIX record stands without one.
    """
    prefix, rest = product.title_prefix.strip(), product.title_without_prefix.strip()
    whole = product.full_title.strip() or product.work.title.strip()
    if not rest and not whole:
        raise RejectedData("there is no title", where=product.isbn or f"product {product.id}", todo="Add it in Consonance.")
    if rest:
        return Title(prefix, rest)
    if prefix and whole.startswith(prefix) and len(whole) > len(prefix):
        return Title(prefix, whole[len(prefix) :].strip())
    return Title("", whole)
