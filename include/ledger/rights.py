"""What rights reports ask of the ledger: batches of a period with their parts, products with their titles, contracts of works."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, selectinload

from include.ledger.chunks import CHUNK, chunks
from include.ledger.file_rows import ContractRow
from include.ledger.models import ProductRow, WorkRow
from include.ledger.sales_lists import COUNTED
from include.ledger.sales_rows import SalesBatchRow, SalesPartRow, SalesProductRow, SalesSummaryRow

FLOW = "rights_reports"
ROLE = "rights"  # of config/people.toml: who may fetch the reports, which tell of contracts and their money


@dataclass(frozen=True, slots=True)
class Known:
    """What a product of a batch is; no work where nobody knows. `ignored`: a person said that it is none of ours."""

    work_id: int | None
    product_id: int | None
    ignored: bool


def counted(session: Session, periods: Collection[str] | None = None) -> list[SalesBatchRow]:
    """Batches that count, with their parts, by id; with a part of one of these periods, else all."""
    query = select(SalesBatchRow).where(SalesBatchRow.state.in_(COUNTED)).options(selectinload(SalesBatchRow.parts))
    if periods is not None:
        query = query.where(SalesBatchRow.id.in_(select(SalesPartRow.batch_id).where(SalesPartRow.period.in_(sorted(periods)))))
    return list(session.scalars(query.order_by(SalesBatchRow.id)))


def part_periods(session: Session) -> list[str]:
    """Periods of all parts that count."""
    query = select(SalesPartRow.period).join(SalesBatchRow, SalesBatchRow.id == SalesPartRow.batch_id)
    return sorted(session.scalars(query.where(SalesBatchRow.state.in_(COUNTED)).distinct()))


def products_of(session: Session, batch_id: int, *, product_id: int = 0, work_id: int = 0) -> Iterator[tuple[str, str, Known]]:
    """Type and value of each product of a batch, and what it is; of those that are this product, or of this work, where one is named."""
    row = SalesProductRow
    query = select(row.id_type, row.id_value, row.state, row.work_id, row.product_id).where(row.batch_id == batch_id)
    if product_id or work_id:
        query = query.where(row.product_id == product_id if product_id else row.work_id == work_id)
    for type, value, state, work, product in session.execute(query.execution_options(yield_per=2_000)):
        yield type, value, Known(work, product, state == "ignored")


def batches_with(session: Session, *, product_id: int | None = None, work_id: int | None = None) -> list[int]:
    """Batches that count and have lines of this title, newest period first."""
    query = select(SalesBatchRow.id, SalesBatchRow.period_from).join(SalesProductRow, SalesProductRow.batch_id == SalesBatchRow.id)
    query = query.where(SalesBatchRow.state.in_(COUNTED))
    query = query.where(SalesProductRow.product_id == product_id if product_id is not None else SalesProductRow.work_id == work_id)
    return [row[0] for row in session.execute(query.distinct().order_by(SalesBatchRow.period_from.desc(), SalesBatchRow.id.desc()))]


def titles(session: Session, ids: Collection[int]) -> Iterator[tuple[int, int, str, str, bytes]]:
    """Id, work, ISBN, title and content of these products, gone ones too."""
    wanted = sorted(ids)
    columns = (ProductRow.id, ProductRow.work_id, ProductRow.isbn, ProductRow.title, ProductRow.content)
    for some in chunks(wanted):
        for row in session.execute(select(*columns).where(ProductRow.id.in_(some))):
            yield row[0], row[1], row[2], row[3], row[4]


def works(session: Session, ids: Collection[int]) -> dict[int, tuple[str, str]]:
    """Title and imprint by id, gone ones too."""
    wanted, found = sorted(ids), dict[int, tuple[str, str]]()
    for some in chunks(wanted):
        query = select(WorkRow.id, WorkRow.title, WorkRow.imprint).where(WorkRow.id.in_(some))
        found |= {row[0]: (row[1], row[2]) for row in session.execute(query)}
    return found


def editions(session: Session, work_ids: Collection[int], *, gone: bool = False) -> Iterator[tuple[int, int]]:
    """Product id and work id of the products of these works; of those that are gone only if they are asked for."""
    wanted = sorted(work_ids)
    for some in chunks(wanted):
        query = select(ProductRow.id, ProductRow.work_id).where(ProductRow.work_id.in_(some))
        for row in session.execute((query if gone else query.where(ProductRow.deleted_at.is_(None))).order_by(ProductRow.id)):
            yield row[0], row[1]


def contracts(session: Session, ids: Collection[int] | None = None) -> Iterator[tuple[int, int | None, bytes]]:
    """Id, work and content of living contracts by id; of these ones, else of all."""
    query = select(ContractRow.id, ContractRow.work_id, ContractRow.content).where(ContractRow.deleted_at.is_(None))
    query = query.order_by(ContractRow.id).execution_options(yield_per=CHUNK)
    if ids is None:
        for row in session.execute(query):
            yield row[0], row[1], row[2]
        return
    wanted = sorted(ids)
    for some in chunks(wanted):
        for row in session.execute(query.where(ContractRow.id.in_(some))):
            yield row[0], row[1], row[2]


def summary(session: Session, lines: str, version: int) -> str | None:
    """The artefact with these lines added up, if it was made."""
    return session.scalar(select(SalesSummaryRow.sha256).where(SalesSummaryRow.lines == lines, SalesSummaryRow.version == version))


def keep_summary(session: Session, lines: str, version: int, sha256: str, rows: int, *, now: datetime) -> None:
    """Another process that was quicker has written the same."""
    try:
        with session.begin_nested():
            session.add(SalesSummaryRow(lines=lines, version=version, sha256=sha256, rows=rows, made_at=now))
    except IntegrityError:
        return
