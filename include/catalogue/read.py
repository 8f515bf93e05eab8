"""Reads the mirror: titles in pages, ISBNs that stand twice, and what a person looks for."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session

from include.ledger.chunks import chunks
from include.ledger.models import ProductRow, WorkRow
from include.titles import codec, identifiers
from include.titles.model import Product, Work

PAGE = 500
FOUND = 50


def products(
    session: Session, ids: Collection[int] | None = None, changed_since: datetime | None = None
) -> Iterator[tuple[ProductRow, WorkRow]]:
    """Products with their works by rising product id, deleted ones too (`deleted_at`).

    `changed_since` (with zone): only those of which product or work changed or went since. Key-set pages, so that a
    full catalogue takes the memory of one page; rows leave the session when the next page is read.
    """
    query = select(ProductRow, WorkRow).join(WorkRow, WorkRow.id == ProductRow.work_id).order_by(ProductRow.id)
    if changed_since is not None:
        query = query.where(or_(ProductRow.changed_at >= changed_since, WorkRow.changed_at >= changed_since))
    if ids is None:
        yield from _by_key(session, query)
        return
    wanted = sorted(set(ids))
    for some in chunks(wanted, PAGE):
        yield from _by_key(session, query.where(ProductRow.id.in_(some)))


def _by_key(session: Session, query: Select[ProductRow, WorkRow]) -> Iterator[tuple[ProductRow, WorkRow]]:
    after = 0
    while page := [(product, work) for product, work in session.execute(query.where(ProductRow.id > after).limit(PAGE))]:
        after = page[-1][0].id
        yield from page
        for row in {row for pair in page for row in pair}:
            session.expunge(row)


def title(product: ProductRow, work: WorkRow) -> Product:
    """The product, decoded, with its work."""
    return codec.decode_product(product.content, codec.decode_work(work.content))


def duplicate_isbns(session: Session) -> frozenset[str]:
    """ISBNs that more than one living product has which may be exported. What is no valid ISBN is nobody's twin."""
    living = (ProductRow.deleted_at.is_(None), ProductRow.isbn != "")
    twice = select(ProductRow.isbn).where(*living).group_by(ProductRow.isbn).having(func.count() > 1)
    holders: dict[str, int] = {}
    for isbn, content in session.execute(select(ProductRow.isbn, ProductRow.content).where(*living, ProductRow.isbn.in_(twice))):
        if identifiers.is_isbn13(isbn) and codec.decode_product(content, _NO_WORK).exportable:
            holders[isbn] = holders.get(isbn, 0) + 1
    return frozenset(isbn for isbn, count in holders.items() if count > 1)


def find(session: Session, words: str) -> list[tuple[ProductRow, WorkRow]]:
    """Products by ISBN (10 or 13, hyphens or not), by Consonance's id, or by a part of product's or work's title.

    At most 50, living ones first.
    """
    words = words.encode("utf-8", "replace").decode().replace("\x00", "").strip()[:200]
    if not words:
        return []
    query = select(ProductRow, WorkRow).join(WorkRow, WorkRow.id == ProductRow.work_id)
    if isbn := identifiers.isbn13(words):
        query = query.where(ProductRow.isbn == isbn)
    elif words.isascii() and words.isdigit() and len(words) <= 18:
        query = query.where(or_(ProductRow.id == int(words), ProductRow.isbn == words[:20], _contains(words)))
    else:
        query = query.where(or_(ProductRow.isbn == words[:20], _contains(words)))
    ordered = query.order_by(ProductRow.deleted_at.is_not(None), ProductRow.title, ProductRow.id).limit(FOUND)
    return [(product, work) for product, work in session.execute(ordered)]


def _contains(words: str) -> ColumnElement[bool]:
    return or_(ProductRow.title.icontains(words, autoescape=True), WorkRow.title.icontains(words, autoescape=True))


_NO_WORK = Work(id=0, title="")
