"""REST records of products, at hand while GraphQL's pages are mapped.

A few products are asked for one by one. For many, all REST pages are read once into a private database on disk (SQLite
deletes it by itself), so that memory stays flat and each page is asked for only once.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Collection
from types import TracebackType
from typing import Self

from include.clients.consonance import Consonance
from include.clients.consonance.client import Row, id_of

FEW = 300  # products asked for one by one before all pages are read instead
STRAYS = 1000  # products that were on no page (the pages move while they are read) and are asked for by themselves


class Supplement:
    """REST records by product id. `many`: most products will be asked for, so begin with the pages."""

    def __init__(self, client: Consonance, *, many: bool, say: Callable[[str], None]) -> None:
        self._client, self._say = client, say
        self._single = 0 if many else FEW
        self._strays = STRAYS
        self._pages: sqlite3.Connection | None = None

    def of(self, ids: Collection[int]) -> dict[int, Row]:
        """The records of these products; ids without one are left out. Raises as the client does."""
        if self._pages is None and len(ids) <= self._single:
            self._single -= len(ids)
            return {id_of(row): row for row in self._client.rest_products_of(ids)}
        if self._pages is None:
            self._pages = self._read_pages()
        found: dict[int, Row] = {}
        for id in ids:
            if kept := self._pages.execute("select record from product where id = ?", (id,)).fetchone():
                found[id] = json.loads(kept[0])
        strays = [id for id in sorted(ids) if id not in found][: self._strays]
        self._strays -= len(strays)
        return found | {id_of(row): row for row in self._client.rest_products_of(strays)}

    def _read_pages(self) -> sqlite3.Connection:
        database = sqlite3.connect("", isolation_level=None)  # "": on disk, private, gone when closed
        database.execute("pragma cache_size = -4096")
        database.execute("create table product (id integer primary key, record text not null)")
        total = 0
        for page in self._client.rest_products():
            database.execute("begin")
            database.executemany(
                "insert or replace into product values (?, ?)", [(id, json.dumps(row, default=str)) for row in page if (id := id_of(row))]
            )
            database.execute("commit")
            total += len(page)
        self._say(f"{total:,} REST records read")
        return database

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._pages is not None:
            self._pages.close()
