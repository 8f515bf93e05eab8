"""What the search attributes of Consonance's GraphQL select. Key-set paging: ids beyond `after`, upwards, one page at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from sandbox.catalogue import Catalogue, Product, Work
from sandbox.catalogue.facts import Price
from sandbox.consonance.codes import plain

Tests = dict[str, Callable[[Any], bool]]
WORKS_PER_PAGE = 100
PRODUCTS_PER_PAGE = 200


def works(catalogue: Catalogue, search: dict[str, Any], products: dict[str, Any], limit: int = WORKS_PER_PAGE) -> list[Work]:
    found = (work for work in _candidate_works(catalogue, search) if fits_work(work, search))
    if products:
        found = (work for work in found if any(fits_product(work, product, products) for product in work.products))
    return list(islice(found, limit))


def _candidate_works(catalogue: Catalogue, search: dict[str, Any]) -> Iterator[Work]:
    if (id := search.get("idEq")) is not None:
        yield from filter(None, [catalogue.work(id)])
    elif (contract := search.get("contractIdEq")) is not None:
        yield from filter(None, [catalogue.work_of_contract(contract)])
    else:
        yield from catalogue.works(search.get("after") or 0, search.get("changedSince"))


def products(
    catalogue: Catalogue, search: dict[str, Any], work: dict[str, Any], price: dict[str, Any], limit: int = PRODUCTS_PER_PAGE
) -> list[Product]:
    found: list[Product] = []
    for product in _candidate_products(catalogue, search, work):
        of = catalogue.work(product.work_id)
        if of is None or not fits_work(of, work) or not fits_product(of, product, search):
            continue
        if price and not any(fits_price(one, price) for one in product.prices):
            continue
        found.append(product)
        if len(found) == limit:
            break
    return found


def _candidate_products(catalogue: Catalogue, search: dict[str, Any], work: dict[str, Any]) -> Iterator[Product]:
    if (id := search.get("idEq")) is not None:
        yield from filter(None, [catalogue.product(id)])
    elif search.get("isbn13Eq") is not None:
        yield from catalogue.products_by_isbn([search["isbn13Eq"]])
    elif search.get("isbn13In") is not None:
        yield from catalogue.products_by_isbn(search["isbn13In"])
    elif work.get("idEq") is not None or work.get("contractIdEq") is not None:
        for one in _candidate_works(catalogue, work):
            yield from one.products
    else:
        yield from catalogue.products(search.get("after") or 0, search.get("changedSince"))


def fits_work(work: Work, search: dict[str, Any]) -> bool:
    title, subtitle = work.title or "", work.subtitle
    tests: Tests = {
        "after": lambda want: work.id > want,
        "idEq": lambda want: work.id == want,
        "contractIdEq": lambda want: work.contract.id == want,
        "titleEq": lambda want: title == want,
        "titleCont": lambda want: want.casefold() in title.casefold(),
        "subtitleEq": lambda want: subtitle == want,
        "subtitleCont": lambda want: want.casefold() in subtitle.casefold(),
        "subtitlePresent": lambda want: bool(subtitle) == want,
        "imprintIdIn": lambda want: work.imprint_id in want,
    }
    return all(tests[name](want) for name, want in search.items() if want is not None and name in tests)


def fits_product(work: Work, product: Product, search: dict[str, Any]) -> bool:
    title, day = product.full_title or "", product.publication_date
    tests: Tests = {
        "after": lambda want: product.id > want,
        "idEq": lambda want: product.id == want,
        "isbn13Eq": lambda want: product.isbn == want,
        "isbn13In": lambda want: product.isbn in want,
        "isbn13Assigned": lambda want: bool(product.isbn) == want,
        "titleEq": lambda want: title == want,
        "titleCont": lambda want: want.casefold() in title.casefold(),
        "titlePrefixPresent": lambda want: bool(product.prefix) == (want.lower() not in {"", "0", "false"}),
        "publicationDateEq": lambda want: day == want,
        "publicationDateGt": lambda want: day is not None and day > want,
        "publicationDateLt": lambda want: day is not None and day < want,
        "publicationDateGteq": lambda want: day is not None and day >= want,
        "publicationDateLteq": lambda want: day is not None and day <= want,
        "onix21ProductFormCodeIn": lambda want: product.form in {plain(code) for code in want},
        "productTypes": lambda want: product.kind in want,
    }
    return all(tests[name](want) for name, want in search.items() if want is not None and name in tests)


def fits_price(price: Price, search: dict[str, Any]) -> bool:
    tests: Tests = {
        "amountLteq": lambda want: float(price.amount) <= want,
        "currencyCodeIn": lambda want: price.currency in want,
        "onixPriceTypeCodeIn": lambda want: price.type in {plain(code) for code in want},
        "onixPriceTypeQualifierCodeIn": lambda want: price.qualifier in {plain(code) for code in want},
    }
    return all(tests[name](want) for name, want in search.items() if want is not None)
