"""Titles, files and contracts for the tests of readiness."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from include.ledger.database import Ledger
from include.ledger.models import ProductRow, WorkRow
from include.partners.model import House
from include.readiness.model import Check, File, Readiness
from include.titles import codec
from include.titles.model import Product
from tests.feeds.titles import AUDIO, EBOOK, HOUSE, PRINT

TODAY = date(2026, 11, 21)
NOW = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
HARDBACK = replace(PRINT, publishing_status="02", publication_date=TODAY + timedelta(days=200))
ELECTRONIC = replace(EBOOK, publishing_status="02", publication_date=TODAY + timedelta(days=200))
SPOKEN = replace(AUDIO, publishing_status="02", publication_date=TODAY + timedelta(days=200))


def in_days(product: Product, days: int, **changes: Any) -> Product:
    """The product with its publication so many days from today."""
    return replace(product, publication_date=TODAY + timedelta(days=days), **changes)


def house(**rules: Any) -> House:
    return HOUSE.model_copy(update={"readiness": HOUSE.readiness.model_validate(rules)})


def file(kind: str, **changes: Any) -> File:
    """An approved file of the whole work."""
    values: dict[str, Any] = {
        "product_id": None,
        "kind": kind,
        "part": "",
        "revision": "2",
        "name": f"{kind}.pdf",
        "media_type": "application/pdf",
    }
    return File(**{**values, "sha256": kind.ljust(64, "0"), "approval": "approved", **changes})


FINISHED = [file("interior"), file("jacket")]


def check(judged: Readiness, code: str) -> Check:
    return next(one for one in judged.checks if one.code == code)


def fill(ledger: Ledger, *products: Product) -> None:
    """Puts products with their works into the mirror, as a sync would; again: as a later sync would."""
    with ledger.session() as session:
        for work in {product.work.id: product.work for product in products}.values():
            content = codec.encode_work(work)
            session.merge(
                WorkRow(
                    id=work.id,
                    title=work.title,
                    imprint=work.imprint,
                    stage=work.stage,
                    digest=codec.digest(content),
                    content=content,
                    first_seen=NOW,
                    changed_at=NOW,
                    seen_in=1,
                )
            )
        for product in products:
            content = codec.encode_product(product)
            session.merge(
                ProductRow(
                    id=product.id,
                    work_id=product.work.id,
                    isbn=product.isbn,
                    title=product.full_title,
                    form=product.form,
                    publication_date=str(product.publication_date or ""),
                    digest=codec.digest(content),
                    content=content,
                    first_seen=NOW,
                    changed_at=NOW,
                    seen_in=1,
                )
            )
