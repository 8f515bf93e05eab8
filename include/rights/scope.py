"""Whose titles and contracts a recipient hears of: its own payees' contracts, its product filter, and nothing beside."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy.orm import Session

from include.catalogue import read
from include.errors import ConfigurationError
from include.ledger import rights
from include.partners import Party
from include.partners.royalties import RightsReport
from include.partners.tables import ProductFilter
from include.readiness.lines import is_for
from include.rights.contracts import Contract, contract_of
from include.royalties.payees import Payee, PayeeList
from include.titles.model import Product


@dataclass(frozen=True, slots=True)
class Theirs:
    """What is a recipient's. `products` hold those that are gone from Consonance, too: they may have been sold. `everything`: no
    limit at all, so that lines of unknown titles are the recipient's as well."""

    everything: bool
    products: frozenset[int]
    works: frozenset[int]

    def has(self, work_id: int, product_id: int | None) -> bool:
        return product_id in self.products if product_id else work_id in self.works


@dataclass(frozen=True, slots=True)
class Scope:
    """`payees`: those whose titles are asked for; `named`: those whom the recipient may see named, by contract."""

    party: Party
    wish: RightsReport
    today: date
    payees: tuple[Payee, ...]
    named: dict[int, tuple[Payee, ...]] = field(default_factory=dict)
    _found: list[Theirs] = field(default_factory=list)  # looked up once

    def contracts(self, session: Session) -> Iterator[Contract]:
        """The recipient's contracts, by id: its payees' own, never another's of the same work; without payees those of its titles."""
        if self.wish.payees:
            wanted = {int(number) for payee in self.payees for number in payee.contracts}
            yield from (contract_of(*row) for row in rights.contracts(session, wanted))
            return
        works = None if self.unlimited else self.theirs(session).works
        for row in rights.contracts(session):
            if works is None or row[1] in works:
                yield contract_of(*row)

    def titles(self, session: Session) -> Iterator[tuple[Product, bool]]:
        """Products that are the recipient's, with whether they still are in Consonance, by id."""
        ids: Collection[int] | None = None
        if self.wish.payees:
            works = {contract.work_id for contract in self.contracts(session) if contract.work_id}
            ids = [product for product, _ in rights.editions(session, works, gone=True)]
        for product, work in read.products(session, ids):
            title = read.title(product, work)
            if is_for(title, self.wish.products, self.today):
                yield title, product.deleted_at is None and work.deleted_at is None

    def theirs(self, session: Session) -> Theirs:
        if not self._found:
            products, works = set(), set()
            for product, _ in () if self.unlimited else self.titles(session):
                products.add(product.id)
                works.add(product.work.id)
            self._found.append(Theirs(self.unlimited, frozenset(products), frozenset(works)))
        return self._found[0]

    @property
    def unlimited(self) -> bool:
        """No payees and no filter: every title, and what is no title's."""
        return not self.wish.payees and self.wish.products == ProductFilter()


def scope_of(party: Party, payees: PayeeList, today: date) -> Scope:
    """Raises `ConfigurationError` for a party without `[rights]`, or whose payees are unknown or another party's."""
    where = f"config/partners/{party.id}.toml, rights"
    if party.rights is None:
        raise ConfigurationError(f"{party.name} gets no rights reports", where=where, todo="Add a [rights] table, or name another party.")
    if party.kind == "agent" and not party.rights.payees:
        todo = "Name them in payees; or take the [rights] table out."
        raise ConfigurationError("an agent hears of its own clients only, and none is named", where=f"{where}.payees", todo=todo)
    found = []
    for id in party.rights.payees:
        payee = payees.get(id)
        if payee is None:
            raise ConfigurationError(f"there is no payee {id}", where=f"{where}.payees", todo="Look at config/payees.csv.")
        if payee.recipient != party.id:
            raise ConfigurationError(
                f"payee {id} is no payee of this party any more: what is theirs goes to {payee.recipient}",
                where=f"{where}.payees",
                todo="Take the payee out here, or mend the column recipient in config/payees.csv. Nothing was sent.",
            )
        found.append(payee)
    everybody = party.statements is not None and party.statements.everything
    named: dict[int, tuple[Payee, ...]] = {}
    for payee in payees:
        if everybody or payee.recipient == party.id:
            for number in payee.contracts:
                named[int(number)] = (*named.get(int(number), ()), payee)
    return Scope(party, party.rights, today, tuple(found), named)
