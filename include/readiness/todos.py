"""To-dos from Consonance's iCalendar subscription, matched to titles only where that is sure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from include.readiness.model import Todo


@dataclass(frozen=True, slots=True)
class Todos:
    """To-dos by work and by product. What matched nothing is only counted."""

    of_works: Mapping[int, Sequence[Todo]] = field(default_factory=dict)
    of_products: Mapping[int, Sequence[Todo]] = field(default_factory=dict)
    unmatched: int = 0

    def of(self, work_id: int, product_id: int) -> tuple[Todo, ...]:
        """What concerns a product: its own to-dos and its work's."""
        return (*self.of_works.get(work_id, ()), *self.of_products.get(product_id, ()))


NO_TODOS = Todos()
