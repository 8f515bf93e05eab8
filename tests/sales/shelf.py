"""A small catalogue and batches with products, for what is matched, queued, expected and paid."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from include.ledger.database import Ledger
from include.ledger.models import ProductRow, WorkRow
from include.ledger.sales_rows import SalesBatchRow, SalesPartRow, SalesProductRow
from include.titles import codec
from include.titles.model import Contributor, Product, Work

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
CLOCK, FERRY, GONE, TWIN = 1, 2, 3, 4
HARD, SOFT, EBOOK, FERRY_EBOOK, FERRY_PDF, OLD, TWIN_A, TWIN_B = 11, 12, 13, 21, 22, 31, 41, 42
ISBN = {
    HARD: "9781915000019", SOFT: "9781915000026", EBOOK: "9781915000033", FERRY_EBOOK: "9781915000316", FERRY_PDF: "9781915000323",
    OLD: "9781915000415", TWIN_A: "9781915000514", TWIN_B: "9781915000514",
}  # fmt: skip
FORMS = {HARD: "BB", SOFT: "BC", EBOOK: "ED", FERRY_EBOOK: "ED", FERRY_PDF: "ED", OLD: "BC", TWIN_A: "BC", TWIN_B: "BB"}
TITLES = {CLOCK: "The Ordinary Clockmaker", FERRY: "The Wild Ferry", GONE: "Out of Print", TWIN: "Twice Told"}
AUTHORS = {CLOCK: "Łukasz van der Velde", FERRY: "Þóra Yılmaz", GONE: "Nobody Atall", TWIN: "Rohan Abernethy"}


def fill(ledger: Ledger) -> None:
    """Four works, one of them gone, one whose ISBN stands on two products."""
    with ledger.session() as session:
        for id in TITLES:
            add_work(session, id)
        for id in ISBN:
            add_product(session, id)


def add_work(session: Any, id: int) -> None:
    work = Work(
        id,
        TITLES[id],
        reference=f"LQ-{id:06}",
        doi="10.55555/LQ.2" if id == FERRY else "",
        contributors=(Contributor(1, "A01", AUTHORS[id]),),
    )
    stamps: dict[str, Any] = {"digest": "", "first_seen": NOW, "changed_at": NOW}
    session.add(WorkRow(id=id, title=TITLES[id], content=codec.encode_work(work), deleted_at=NOW if id == GONE else None, **stamps))


def add_product(session: Any, id: int, isbn: str = "") -> None:
    work_id, stamps = id // 10, {"digest": "", "first_seen": NOW, "changed_at": NOW}
    product = Product(
        id, Work(work_id, TITLES[work_id]), isbn=isbn or ISBN[id], asin="B0CLOCK001" if id == EBOOK else "",
        internal_reference=f"EP-10{id}",
        form=FORMS.get(id, "BC"),
    )  # fmt: skip
    session.add(ProductRow(
        id=id, work_id=work_id, isbn=product.isbn, form=product.form, title=TITLES[work_id], content=codec.encode_product(product),
        deleted_at=NOW if work_id == GONE else None, **stamps,
    ))  # fmt: skip


def batch(ledger: Ledger, *products: tuple[str, str] | dict[str, Any], source: str = "kobo", period: str = "2026-10", **values: Any) -> int:
    """A loaded batch with these products ((type, value) or columns); gives its id. One part for each of `net` (currency → amount)."""
    net = values.pop("net", {"GBP": "12.00"})
    first, _, last = period.partition("/")
    with ledger.session() as session:
        row = SalesBatchRow(**{
            "source": source, "layout": source, "name": f"{source} {period}.xlsx", "sha256": "0" * 64, "bytes": 1,
            "period_from": first if last else f"{period}-01", "period_to": last or f"{period}-28", "rows": 3, "lines": "1" * 64,
            "state": "loaded", "digest": "2" * 64, "loaded_at": NOW, **values,
        })  # fmt: skip
        session.add(row)
        session.flush()
        for number, (currency, amount) in enumerate(net.items()):
            session.add(SalesPartRow(
                batch_id=row.id, source=source, period=period, currency=currency, claim=f"{row.id} {number}", rows=3, sold=2,
                net=Decimal(amount),
            ))  # fmt: skip
        for one in products:
            columns = one if isinstance(one, dict) else {"id_type": one[0], "id_value": one[1]}
            session.add(SalesProductRow(**{"batch_id": row.id, "sold": 2, "net": {"GBP": "12.00"}, "others": []} | columns))
        return row.id


def product(ledger: Ledger, batch_id: int, value: str) -> SalesProductRow:
    with ledger.read() as session:
        return session.query(SalesProductRow).filter_by(batch_id=batch_id, id_value=value).one()
