"""One work with its products as Consonance has them at this moment: what is compared before a write, and again after it."""

from __future__ import annotations

from dataclasses import dataclass

from include.clients.consonance import Consonance
from include.errors import PermanentError, RejectedData
from include.imports.extractors import Value
from include.imports.fields import FIELDS
from include.imports.offers import READ
from include.partners.model import House
from include.titles import consonance
from include.titles.model import Product, Work


@dataclass(frozen=True, slots=True)
class Live:
    """A work and its products, of the fields that a sheet may change."""

    work: Work
    products: dict[int, Product]

    def value(self, level: str, id: int, name: str) -> Value | None:
        """None where there is no such work or product any more."""
        of = self.work if level == "work" and id == self.work.id else self.products.get(id) if level == "product" else None
        return None if of is None else FIELDS[name].known(of)


def read(client: Consonance, house: House, work_id: int) -> Live | None:
    """The work, or None where Consonance has none of that id. Raises as `Consonance` does."""
    row = client.run(READ, {"id": work_id}).get("work")
    if row is None:
        return None
    try:
        work = consonance.work_from(row, house)
        products = [consonance.product_from(one, work, house) for one in row.get("products") or () if isinstance(one, dict)]
    except (RejectedData, AttributeError) as bad:
        raise PermanentError(f"work {work_id} can't be read: {bad}", where="Consonance", todo="Report it as a defect.") from bad
    return Live(work, {product.id: product for product in products})
