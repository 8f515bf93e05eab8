"""What happens to the catalogue between two nights: edits by hand, and a seeded handful of changes that leave every title clean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any

from sandbox.catalogue.catalogue import Catalogue
from sandbox.catalogue.chance import dice
from sandbox.catalogue.facts import Price, Product, Work
from sandbox.catalogue.words import STAGES

# Members of a product that `set` may name, by what their value is.
_DATES = {"publication_date", "planned_date", "announcement_date", "out_of_print_date"}
_DECIMALS = {"height_mm", "width_mm", "thickness_mm"}
_LISTS = {"for_sale", "not_for_sale", "edition_types"}
_UNTOUCHABLE = {"id", "work_id", "prices", "web_links", "written"}
_OF_WORK = {"stage", "subtitle", "season", "tier"}
_TEXTS = {
    "description": "MAIN_DESCRIPTION", "short_description": "SHORT_DESCRIPTION", "biography": "BIOGRAPHICAL_NOTE",
    "contents": "TABLE_OF_CONTENTS", "headline": "PROMOTIONAL_HEADLINE",
}  # fmt: skip


@dataclass(frozen=True)
class Change:
    """`what` of a product was changed: `price`, `publication_date` or `description`, or the member that was set."""

    product_id: int
    work_id: int
    what: str
    before: str
    after: str


def night(catalogue: Catalogue, works: int, seed: int = 1) -> list[Change]:
    """Change `works` works: in turn a sterling price and a publication date of one product, and a description, which all products of the
    work show. Planted works are left alone. Raises `ValueError` if there are not so many works."""
    candidates = [id for id in catalogue.work_ids() if not catalogue.is_planted(id)]
    if not 0 <= works <= len(candidates):
        raise ValueError(f"{works} works can't be changed: there are {len(candidates)} that are clean")
    roll = dice(catalogue.seed, 51, seed)
    chosen = sorted(roll.sample(candidates, works))
    changes: list[Change] = []
    for turn, id in enumerate(chosen):
        work = catalogue.work(id)
        if work is None or not work.products:
            continue
        done = _reprice(catalogue, work) if turn % 3 == 0 else _postpone(catalogue, work) if turn % 3 == 1 else []
        changes += done or _redescribe(catalogue, work, seed)
    return changes


def _reprice(catalogue: Catalogue, work: Work) -> list[Change]:
    for product in work.products:
        sterling = [price for price in product.prices if price.currency == "GBP" and price.qualifier == "05"]
        # A price that stands alone: no ex-tax sister to reconcile with, no other in time.
        if len(sterling) == 1 and sterling[0].type == "02":
            old = sterling[0]
            new = replace(old, amount=old.amount + 1)
            prices = tuple(new if price == old else price for price in product.prices)
            catalogue.edit_product(product.id, partial(replace, prices=prices))
            return [Change(product.id, work.id, "price", f"GBP {old.amount}", f"GBP {new.amount}")]
    return []


def _postpone(catalogue: Catalogue, work: Work) -> list[Change]:
    product = work.products[0]
    old = product.publication_date
    if old is None:
        return []
    # Within what the status allows: what is out came out earlier, what is to come comes later.
    new = old + timedelta(days=7 if product.status == "02" else -7)
    catalogue.edit_product(product.id, lambda product: replace(product, publication_date=new))
    return [Change(product.id, work.id, "publication_date", old.isoformat(), new.isoformat())]


def _redescribe(catalogue: Catalogue, work: Work, seed: int) -> list[Change]:
    old = next((text.markdown for text in work.texts if text.variant == "MAIN_DESCRIPTION"), "")
    new = f"{old}\n\nRevised for printing {seed}."
    _write_text(catalogue, work.id, "MAIN_DESCRIPTION", new)
    return [Change(product.id, work.id, "description", "", f"Revised for printing {seed}.") for product in work.products]


def _write_text(catalogue: Catalogue, work_id: int, variant: str, markdown: str) -> None:
    catalogue.edit(
        work_id,
        lambda work: replace(
            work, texts=tuple(replace(text, markdown=markdown) if text.variant == variant else text for text in work.texts)
        ),
    )


def edit_product(catalogue: Catalogue, id: int, members: Mapping[str, Any]) -> list[Change]:
    """Set members of one product: those of `facts.Product`; `prices` as `{"GBP/02": "12.99"}` (null takes the price away); and the texts
    of its work as `description`, `short_description`, …, which change its siblings too.

    Raises `KeyError` for an unknown product, `ValueError` for an unknown member or a value that does not fit.
    """
    product = catalogue.product(id)
    if product is None:
        raise KeyError(f"no product {id}")
    settable = {field.name for field in fields(Product)} - _UNTOUCHABLE
    own: dict[str, Any] = {}
    texts: dict[str, str] = {}
    for name, value in members.items():
        if name == "prices":
            own["prices"] = _prices(product, value)
        elif name in _TEXTS:
            texts[name] = str(value)
        elif name in settable:
            own[name] = _value(name, value)
        else:
            raise ValueError(f"a product has no {name!r} to set; it has {', '.join(sorted(settable | set(_TEXTS) | {'prices'}))}")
    changes: list[Change] = []
    if own:
        catalogue.edit_product(id, lambda product: replace(product, **own))
        changes += [Change(id, product.work_id, name, _said(getattr(product, name)), _said(value)) for name, value in own.items()]
    for name, text in texts.items():
        _write_text(catalogue, product.work_id, _TEXTS[name], text)
        work = catalogue.work(product.work_id)
        changes += [Change(other.id, product.work_id, name, "", text) for other in (work.products if work else ())]
    return changes


def edit_work(catalogue: Catalogue, id: int, members: Mapping[str, Any]) -> list[Change]:
    """Set `stage`, `subtitle`, `season` or `tier` of a work, as somebody in the house would. Changes are told for each of its products.

    Raises `KeyError` for an unknown work, `ValueError` for another member or a stage that the house does not have.
    """
    if unknown := set(members) - _OF_WORK:
        raise ValueError(f"a work has no {sorted(unknown)[0]!r} to set; it has {', '.join(sorted(_OF_WORK))}")
    if members.get("stage", STAGES[0]) not in STAGES:
        raise ValueError(f"there is no stage {members['stage']!r}; there are {', '.join(STAGES)}")
    work = catalogue.work(id)
    if work is None:
        raise KeyError(f"no work {id}")
    values: dict[str, Any] = {name: str(value) for name, value in members.items()}
    catalogue.edit(id, lambda work: replace(work, **values))
    return [Change(product.id, id, name, _said(getattr(work, name)), value) for product in work.products for name, value in values.items()]


def _prices(product: Product, wanted: object) -> tuple[Price, ...]:
    if not isinstance(wanted, Mapping):
        raise ValueError('`prices` is an object such as {"GBP/02": "12.99"}')
    prices = list(product.prices)
    for key, amount in wanted.items():
        currency, _, type = str(key).partition("/")
        if len(currency) != 3 or len(type) != 2:
            raise ValueError(f"{key!r} names no price: currency/type, such as GBP/02")
        old = [price for price in prices if (price.currency, price.type) == (currency, type)]
        prices = [price for price in prices if price not in old]
        if amount is not None:
            id = old[0].id if old else max((price.id for price in product.prices), default=product.id * 20) + 1
            prices.append(replace(old[0], amount=_decimal(amount)) if old else Price(id, _decimal(amount), currency, type))
    return tuple(prices)


def _value(name: str, value: Any) -> Any:
    if value is None:
        return None
    if name in _DATES:
        return date.fromisoformat(value)
    if name in _DECIMALS:
        return _decimal(value)
    if name in _LISTS:
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise ValueError(f"{name} is a list of texts")
        return tuple(value)
    return value


def _decimal(value: Any) -> Decimal:
    try:
        return Decimal(str(value))
    except InvalidOperation as error:
        raise ValueError(f"{value!r} is no number") from error


def _said(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(f"{one.currency} {one.amount}" if isinstance(one, Price) else str(one) for one in value)
    return "" if value is None else str(value)
