"""Reads Consonance: works and products in key-set pages, single ones by id, product pages through REST v4.

Gives the service's own JSON; `include.titles.consonance` makes titles of it. What is known of the service, and how
well, stands in the project's notes on it: neither page size nor rate limits are published, so no page size is assumed
and 429 is expected at any time.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Collection, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date
from typing import Any, Literal, cast

from graphql import GraphQLError, GraphQLSchema, IntrospectionQuery, build_client_schema, get_introspection_query

from include.clients.consonance import operations
from include.clients.consonance.operations import Capability, Fitted
from include.clients.exchange import Exchange
from include.errors import CapabilityMissing, ConfigurationError, LoginRefused, PermanentError, TransientError

Row = dict[str, Any]
RestUse = Literal["fill", "only", "never"]
REST = "/api/v4/products.json"
ISBNS = 50  # asked for at once

REFUSED = frozenset({"UNAUTHENTICATED", "UNAUTHORIZED", "FORBIDDEN"})
PASSING = frozenset({"THROTTLED", "RATE_LIMITED", "TIMEOUT", "INTERNAL_SERVER_ERROR", "SERVICE_UNAVAILABLE"})
_PASSING_WORDS = re.compile(
    r"time[d ]?-?\s?out|throttl|rate limit|too many|temporar|try again|unavailable|internal (?:server )?error", re.IGNORECASE
)
_KEY = re.compile(r"^[\x21-\x7e]+$")


class Consonance:
    """One tenant, one key.

    `rest` says what REST v4 is for: to `fill` in what GraphQL does not tell, as the `only` way to read, or `never`.
    `concurrency` bounds the REST requests in flight. Raises the classes of `include.errors`: see `Exchange.json`, and
    `CapabilityMissing` where the tenant's schema lacks what an operation can't do without.
    """

    def __init__(self, exchange: Exchange, key: str, *, rest: RestUse = "fill", concurrency: int = 4) -> None:
        if not _KEY.match(key):
            raise ConfigurationError(
                "the key is empty or holds blanks",
                where=exchange.address,
                todo="Put the key that Consonance support gave you into the connection.",
            )
        self._exchange, self._key, self.rest = exchange, key, rest
        self._concurrency = max(1, concurrency)
        self._schema: GraphQLSchema | None = None
        self._fitted: dict[tuple[str, tuple[str, ...]], Fitted] = {}
        self._lock = threading.Lock()

    @property
    def address(self) -> str:
        return self._exchange.address

    # --- GraphQL

    def schema(self) -> GraphQLSchema:
        """The tenant's schema by introspection, read once per client."""
        with self._lock:
            if self._schema is None:
                data = self._send(get_introspection_query(descriptions=False), {}, "introspection")
                try:
                    self._schema = build_client_schema(cast(IntrospectionQuery, data), assume_valid=True)
                except (TypeError, ValueError, KeyError, AttributeError, GraphQLError) as bad:
                    raise PermanentError("the introspected schema can't be read", where=f"{self.address}/graphql") from bad
            return self._schema

    def capabilities(self, variants: Collection[str] = ()) -> list[Capability]:
        """What this tenant offers of all stored operations."""
        return operations.capabilities(self.schema(), variants)

    def capability(self, operation: str, variants: Collection[str] = ()) -> Capability:
        return self._fit(operation, variants).capability

    def run(self, operation: str, variables: Row, variants: Collection[str] = ()) -> Row:
        """One stored operation; its `data`."""
        return self._send(self._fit(operation, variants).demand(), variables, operation)

    def change(self, operation: str, variables: Row) -> Row:
        """One stored mutation, sent once; its `data`. After a `TransientError` nobody knows whether it was done: read back first."""
        return self._send(self._fit(operation, ()).demand(), variables, operation, repeat=False)

    def change_with(self, text: str, variables: Row, name: str) -> Row:
        """A mutation written for this tenant's schema (`include.intake.web_links.TEXT`), sent once; as `change`."""
        return self._send(text, variables, name, repeat=False)

    def contracts(self, ids: Collection[int]) -> Iterator[tuple[int, Row | None]]:
        """Each of these contracts, or None where there is none of that id; a bounded number of requests at a time."""
        self._fit("contract", ()).demand()
        with ThreadPoolExecutor(self._concurrency, thread_name_prefix="consonance") as pool:
            yield from pool.map(self._contract, sorted(ids))

    def _contract(self, id: int) -> tuple[int, Row | None]:
        return id, _row_or_none(self.run("contract", {"id": id}).get("contract"), "contract")

    def works(self, *, after: int = 0, changed_since: date | None = None) -> Iterator[list[Row]]:
        """Pages of works by rising id, from the first above `after`."""
        return self._pages("works", "works", after, changed_since)

    def products(self, *, after: int = 0, changed_since: date | None = None, variants: Collection[str] = ()) -> Iterator[list[Row]]:
        """Pages of products by rising id. `variants`: the marketing-text variants to read, as far as the tenant has them."""
        return self._pages("products", "products", after, changed_since, variants)

    def work_ids(self, *, after: int = 0) -> Iterator[list[int]]:
        return ([row["id"] for row in page] for page in self._pages("work_ids", "works", after, None))

    def product_ids(self, *, after: int = 0) -> Iterator[list[int]]:
        return ([row["id"] for row in page] for page in self._pages("product_ids", "products", after, None))

    def work(self, id: int) -> Row | None:
        """One work, or None if there is none of that id."""
        return _row_or_none(self.run("work", {"id": id}).get("work"), "work")

    def product(self, id: int, variants: Collection[str] = ()) -> Row | None:
        return _row_or_none(self.run("product", {"id": id}, variants).get("product"), "product")

    def products_by_isbn(self, isbns: Collection[str]) -> Iterator[Row]:
        """Products that have one of these ISBNs (13 digits), with their prices; in no order. Where REST is the only way, one by one, and
        prices without their type."""
        wanted = sorted(set(isbns))
        if self.rest == "only":
            for isbn in wanted:
                yield from (_as_graphql(row) for row in _rows(self._get({"q[isbn_eq]": isbn})))
            return
        for start in range(0, len(wanted), ISBNS):
            after, chunk = 0, wanted[start : start + ISBNS]
            while True:
                rows = self.run("products_by_isbn", {"isbns": chunk, "after": after}).get("products")
                if not isinstance(rows, list):
                    raise TransientError("products is not a list", where="operation products_by_isbn")
                fresh = [row for row in rows if isinstance(row, dict) and id_of(row) > after]
                if not fresh:
                    break
                after = max(id_of(row) for row in fresh)
                yield from fresh

    def _fit(self, operation: str, variants: Collection[str]) -> Fitted:
        key = (operation, tuple(sorted(variants)))
        if key not in self._fitted:
            known = operations.stored()
            if operation not in known:
                raise CapabilityMissing(f"there is no stored operation {operation!r}", todo=f"Known: {', '.join(known)}.")
            self._fitted[key] = operations.fit(known[operation], self.schema(), variants)
        return self._fitted[key]

    def _pages(
        self, operation: str, root: str, after: int, changed_since: date | None, variants: Collection[str] = ()
    ) -> Iterator[list[Row]]:
        """Key-set paging: `after` is the highest id so far, until a page is empty. No page size is assumed."""
        while True:
            variables: Row = {"after": after}
            if changed_since is not None:
                variables["changedSince"] = changed_since.isoformat()
            rows = self.run(operation, variables, variants).get(root)
            if not isinstance(rows, list):
                raise TransientError(f"{root} is not a list", where=f"operation {operation}")
            if not rows:
                return
            # A row without a usable id can't be paged by, but it is handed on once: the mapping sets it aside with a reason.
            fresh = {id: row for row in rows if (id := id_of(row)) > after}
            if not fresh:
                raise PermanentError(
                    f"asked for {root} after id {after}, the server gave none above it",
                    where=f"operation {operation}",
                    todo="Paging by `after` does not work at this tenant: ask Consonance support.",
                )
            after = max(fresh)
            yield [*(fresh[id] for id in sorted(fresh)), *(row for row in rows if id_of(row) <= 0)]

    def _send(self, query: str, variables: Row, operation: str, *, repeat: bool = True) -> Row:
        where = f"operation {operation}"

        def check(reply: Any) -> None:
            if not isinstance(reply, dict):
                raise TransientError("the reply is not a JSON object", where=where)
            if errors := reply.get("errors"):
                raise self._said(errors, where)
            if not isinstance(reply.get("data"), dict):
                raise TransientError("the reply has neither data nor errors", where=where)

        reply = self._exchange.json(
            "POST",
            "/graphql",
            authorization=f"Bearer {self._key}",
            body={"query": query, "variables": variables},
            check=check,
            repeat=repeat,
        )
        data: Row = reply["data"]
        return data

    def _said(self, errors: Any, where: str) -> Exception:
        """`errors` of a reply as one of ours: path and message, shortened, without the key should the server repeat it."""
        sentences, codes = [], set()
        for error in errors if isinstance(errors, list) else [errors]:
            told = error if isinstance(error, dict) else {"message": error}
            path = told.get("path")
            place = ".".join(str(step) for step in path) if isinstance(path, list) else ""
            message = " ".join(str(told.get("message") or "an error without a message").split()).replace(self._key, "***")
            sentences.append(f"{place}: {message[:300]}" if place else message[:300])
            extensions = told.get("extensions")
            codes.add(str(extensions.get("code", "")).upper() if isinstance(extensions, dict) else "")
        text = "; ".join(sentences[:5]) + (f"; and {len(sentences) - 5} more" if len(sentences) > 5 else "")
        if codes & REFUSED:
            return LoginRefused(text, where=where, todo="Check the key in the connection.")
        if codes & PASSING or _PASSING_WORDS.search(text):
            return TransientError(text, where=where)
        return PermanentError(text, where=where, todo="`colophon connections check` compares our operations with this tenant's schema.")

    # --- REST v4

    def rest_product(self, id: int) -> Row | None:
        """One product's REST record (Ransack `id_eq`), or None."""
        reply = self._get({"q[id_eq]": id})
        return next((row for row in reply["products"] if isinstance(row, dict) and row.get("id") == id), None)

    def rest_products_of(self, ids: Collection[int]) -> Iterator[Row]:
        """REST records of these products, a bounded number of requests at a time; ids without a record are left out."""
        with ThreadPoolExecutor(self._concurrency, thread_name_prefix="consonance") as pool:
            for row in pool.map(self.rest_product, sorted(ids)):
                if row is not None:
                    yield row

    def rest_products(self, *, start: int = 1) -> Iterator[list[Row]]:
        """All pages of products in order from page `start`, a bounded number of requests ahead of the reader."""
        first = self._get({"page": start})
        yield _rows(first)
        pages = first.get("total_pages")
        if not isinstance(pages, int):
            raise TransientError("total_pages is not a number", where=f"GET {self.address}{REST}")
        with ThreadPoolExecutor(self._concurrency, thread_name_prefix="consonance") as pool:
            ahead: list[Future[Row]] = []
            number = start + 1
            try:
                while number <= pages or ahead:
                    while number <= pages and len(ahead) < self._concurrency:
                        ahead.append(pool.submit(self._get, {"page": number}))
                        number += 1
                    page = ahead.pop(0).result()
                    pages = max(pages, page["total_pages"]) if isinstance(page.get("total_pages"), int) else pages
                    yield _rows(page)
            finally:
                for waiting in ahead:
                    waiting.cancel()

    def rest_answers(self) -> bool:
        """Whether this tenant's REST v4 can be read with this key. Raises `TransientError` if that can't be told now."""
        try:
            self._get({"page": 1})
        except (LoginRefused, ConfigurationError, PermanentError):
            return False
        return True

    def _get(self, params: dict[str, str | int]) -> Row:
        where = f"GET {self.address}{REST}"

        def check(reply: Any) -> None:
            if not isinstance(reply, dict) or not isinstance(reply.get("products"), list):
                raise TransientError("the reply holds no list of products", where=where)

        reply: Row = self._exchange.json("GET", REST, authorization=f"Token token={self._key}", params=params, check=check)
        return reply


def id_of(row: Any) -> int:
    """The id of a row, or 0 where it has none that can be used (a whole number of at most 63 bits)."""
    id = row.get("id") if isinstance(row, dict) else None
    return id if isinstance(id, int) and not isinstance(id, bool) and 0 < id < 1 << 63 else 0


def _rows(reply: Row) -> list[Row]:
    return [row for row in reply["products"] if isinstance(row, dict)]


def _as_graphql(row: Row) -> Row:
    """A REST record's ISBN and prices under GraphQL's names. REST does not tell a price's type."""
    names = {"currencyCode": "currency_code", "onixPriceTypeQualifierCode": "price_qualifier", "amount": "price_amount"}
    prices = [{name: price.get(old) for name, old in names.items()} for price in row.get("prices") or () if isinstance(price, dict)]
    return {**row, "isbn": {"isbn13": row.get("isbn")}, "prices": prices}


def _row_or_none(found: Any, name: str) -> Row | None:
    if found is None or isinstance(found, dict):
        return found
    raise TransientError(f"{name} is not an object", where=f"operation {name}")
