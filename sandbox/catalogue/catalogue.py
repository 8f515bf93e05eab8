"""The publisher's titles as one thing to ask and to change.

A work is made when somebody asks for it, so a hundred thousand take no memory; what was edited stands over what is made.
Every public method is safe to call from any thread.
"""

from __future__ import annotations

import threading
from array import array
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import accumulate
from typing import Literal

from sandbox.catalogue import planted
from sandbox.catalogue.chance import ISBN_978, ISBN_979, mix
from sandbox.catalogue.facts import Contact, Contract, Defect, Product, Work
from sandbox.catalogue.people import FIRST_CONTACT, contact
from sandbox.catalogue.titles import FIRST_WORK, PRODUCTS_PER_WORK, changed_on, formats, make_work

Tenant = Literal["evidenced", "full"]
FIRST_CONTRACT = 500_000
_KEPT = 4096  # works kept once made


class Catalogue:
    """`titles` works by `seed`, as they stand on `today`. `tenant` says which planted defects can be read at all."""

    def __init__(self, seed: int = 1, titles: int = 200, today: date | None = None, tenant: Tenant = "full") -> None:
        self.seed, self.titles, self.tenant = seed, titles, tenant
        self.today = today or datetime.now(UTC).date()
        self.lock = threading.RLock()
        self._made: OrderedDict[int, Work] = OrderedDict()
        self._edited: dict[int, Work | None] = {}
        self._contacts: dict[int, Contact] = {}
        self._added = 0
        self._counted: tuple[array[int], array[int]] | None = None

    # Reading

    def work(self, id: int) -> Work | None:
        with self.lock:
            if id in self._edited:
                return self._edited[id]
            if not FIRST_WORK <= id < FIRST_WORK + self.titles + self._added:
                return None
            if id in self._made:
                self._made.move_to_end(id)
                return self._made[id]
            work = self._made[id] = self._make(id)
            if len(self._made) > _KEPT:
                self._made.popitem(last=False)
            return work

    def _make(self, id: int) -> Work:
        plant = planted.planted(self.titles, id)
        if plant is None or plant.tenant not in {"", self.tenant}:
            return make_work(self.seed, self.today, self.titles, id)
        return plant.spoil(make_work(self.seed, self.today, self.titles, id, plant.formats), self.today)

    def product(self, id: int) -> Product | None:
        work = self.work(id // PRODUCTS_PER_WORK)
        return next((product for product in work.products if product.id == id), None) if work else None

    def work_ids(self, after: int = 0) -> Iterator[int]:
        """Ids of all works beyond `after`, upwards. A work that is deleted in between is passed over."""
        for id in range(max(FIRST_WORK, after + 1), FIRST_WORK + self.titles + self._added):
            if self._edited.get(id, id) is not None:
                yield id

    def works(self, after: int = 0, changed_since: date | None = None) -> Iterator[Work]:
        for id in self.work_ids(after):
            if changed_since is not None and not self._reported(id, changed_since):
                continue
            work = self.work(id)
            if work is not None:
                yield work

    def _reported(self, id: int, since: date) -> bool:
        """Whether a search by date gives the work. Like Consonance's it gives some more than have changed."""
        if mix(self.seed, 41, id) % 50 == 0:
            return True
        edited = self._edited.get(id)
        return (edited.changed if edited else changed_on(self.seed, self.today, id)) >= since

    def products(self, after: int = 0, changed_since: date | None = None) -> Iterator[Product]:
        """Products beyond id `after`, upwards; with `changed_since` also the siblings of what has changed."""
        for work in self.works(after // PRODUCTS_PER_WORK - 1, changed_since):
            for product in work.products:
                if product.id > after:
                    yield product

    def products_by_isbn(self, isbns: Iterable[str]) -> list[Product]:
        """By the number as it stands in the record. An ISBN tells its product's id; odd and edited ones are looked through."""
        wanted = set(isbns)
        works = {id // PRODUCTS_PER_WORK for isbn in wanted for id in _ids_of(isbn)}
        with self.lock:
            works |= set(self._edited)
        works |= {planted.work_id_of(index) for index in range(len(planted.PLANTS))}
        found = (product for id in sorted(works) for product in (self._products_of(id)))
        return [product for product in found if product.isbn in wanted]

    def _products_of(self, work_id: int) -> tuple[Product, ...]:
        work = self.work(work_id)
        return work.products if work else ()

    def work_of_contract(self, id: int) -> Work | None:
        return self.work(id - FIRST_CONTRACT)

    def contract(self, id: int) -> Contract | None:
        work = self.work_of_contract(id)
        return work.contract if work else None

    def contact(self, id: int) -> Contact | None:
        if id in self._contacts:
            return self._contacts[id]
        number = id - FIRST_CONTACT
        return contact(self.seed, number) if 0 <= number < self._pool() else None

    def contacts(self) -> Iterator[Contact]:
        for number in range(self._pool()):
            yield contact(self.seed, number)

    def _pool(self) -> int:
        return max(60, self.titles * 7 // 10)

    def similar(self, work: Work) -> tuple[Product, ...]:
        """Products of another work that readers of this one may like."""
        other = FIRST_WORK + mix(self.seed, 42, work.id) % self.titles
        return self._products_of(other)[:2] if other != work.id else ()

    def products_from(self, offset: int) -> Iterator[Product]:
        """Products from the `offset`-th on, in the order of ids, without making those before."""
        ids, ends = self._offsets()
        place = bisect_right(ends, offset)
        offset -= ends[place - 1] if place else 0
        for id in ids[place:]:
            yield from self._products_of(id)[offset:]
            offset = 0

    def product_count(self) -> int:
        _, ends = self._offsets()
        return ends[-1] if ends else 0

    def _offsets(self) -> tuple[array[int], array[int]]:
        """Work ids, and how many products there are up to the end of each; counted again after a change."""
        with self.lock:
            if self._counted is None:
                counts = list(self.product_count_by_work())
                self._counted = array("q", (id for id, _ in counts)), array("q", accumulate(count for _, count in counts))
            return self._counted

    def product_count_by_work(self) -> Iterator[tuple[int, int]]:
        """(work id, number of products) of every work, without making those that nobody touched."""
        for id in self.work_ids():
            edited = self._edited.get(id)
            if edited is not None:
                yield id, len(edited.products)
            elif (plant := planted.planted(self.titles, id)) and plant.tenant in {"", self.tenant}:
                yield id, len(plant.formats)
            else:
                yield id, len(formats(self.seed, id))

    def defects(self) -> list[Defect]:
        """What was planted and can be read in this tenant, as planted: an edit does not take it off the list."""
        found: list[Defect] = []
        for index in range(len(planted.PLANTS)):
            id = planted.work_id_of(index)
            plant = planted.planted(self.titles, id)
            if plant is not None and plant.tenant in {"", self.tenant}:
                found += planted.defects_of(plant, self._make(id))
        return found

    def is_planted(self, work_id: int) -> bool:
        plant = planted.planted(self.titles, work_id)
        return plant is not None and plant.tenant in {"", self.tenant}

    # Changing

    def edit(self, id: int, change: Callable[[Work], Work]) -> Work:
        """Put `change(work)` in the place of a work; it counts as changed today. Raises `KeyError` if there is none."""
        with self.lock:
            work = self.work(id)
            if work is None:
                raise KeyError(f"no work {id}")
            changed = replace(change(work), changed=self._day())
            self._put(id, changed)
            return changed

    def _put(self, id: int, work: Work | None) -> None:
        self._edited[id] = work
        self._counted = None

    def edit_product(self, id: int, change: Callable[[Product], Product]) -> Product:
        """The same for one product. Raises `KeyError` if there is none."""
        if self.product(id) is None:
            raise KeyError(f"no product {id}")
        self.edit(
            id // PRODUCTS_PER_WORK,
            lambda work: replace(work, products=tuple(change(product) if product.id == id else product for product in work.products)),
        )
        product = self.product(id)
        assert product is not None
        return product

    def delete_product(self, id: int) -> None:
        if self.product(id) is None:
            raise KeyError(f"no product {id}")
        self.edit(id // PRODUCTS_PER_WORK, lambda work: replace(work, products=tuple(one for one in work.products if one.id != id)))

    def delete_work(self, id: int) -> None:
        with self.lock:
            if self.work(id) is None:
                raise KeyError(f"no work {id}")
            self._put(id, None)

    def add_work(self) -> Work:
        """One more clean work at the end."""
        with self.lock:
            id = FIRST_WORK + self.titles + self._added
            self._added += 1
            work = replace(make_work(self.seed, self.today, self.titles, id), changed=self._day())
            self._put(id, work)
            return work

    def reset(self) -> None:
        """Everything as it was made."""
        with self.lock:
            self._edited.clear()
            self._made.clear()
            self._contacts.clear()
            self._added = 0
            self._counted = None

    def _day(self) -> date:
        """The day that an edit carries: a client that asks for what changed since the real yesterday must find it."""
        return max(self.today, datetime.now(UTC).date())


def _ids_of(isbn: str) -> list[int]:
    """Ids of the products that would have this ISBN."""
    if len(isbn) != 13 or not (isbn.isascii() and isbn.isdigit()):
        return []
    numbers = (int(isbn[:12]) - start for start in (ISBN_978, ISBN_979))
    return [number + FIRST_WORK * PRODUCTS_PER_WORK for number in numbers if 0 <= number < 10**7]
