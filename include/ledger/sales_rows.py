"""The ledger's tables of rows: sales and usage, sheets of titles, import workbooks, royalty statements.

The rows themselves lie in the artefact store, as columns with exact decimals; the tables say what they came to, and whose they are.
Amounts are `Exact`: decimals as written, never floats.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Dialect, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship
from sqlalchemy.types import TypeDecorator

from include.ledger.models import Base, BigId, Person


class Exact(TypeDecorator[Decimal]):
    """A decimal with every digit it was written with. Text in the database: SQLite would make a float of it."""

    impl = String(60)
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> str | None:
        return None if value is None else format(value, "f")

    def process_result_value(self, value: str | None, dialect: Dialect) -> Decimal | None:
        return None if value is None else Decimal(value)


class BatchState(StrEnum):
    """Of a batch of sales. A batch counts in every total unless it is undone or refused."""

    LOADED = "loaded"
    UNBALANCED = "unbalanced"  # its control totals differ by more than the rule allows: a person must look
    APPROVED = "approved"
    HANDED_OVER = "handed over"  # all of it is in workbooks that a person has
    CONFIRMED = "confirmed"
    UNDONE = "undone"
    REFUSED = "refused"  # by rule or by a person, before it counted


class Overlap(StrEnum):
    """What a batch is to those that its source sent before for the same period and currency."""

    NEW = "new"
    RESENT = "resent"  # the same rows again: nothing is loaded
    REPLACES = "replaces"  # restated: the earlier batch is undone, unless it is with Consonance already
    DIFFERENCE = "difference"  # only the rows that the earlier batches lack, and reversals of those that are gone
    REFUSED = "refused"


class WorkbookState(StrEnum):
    PREPARED = "prepared"
    HANDED_OVER = "handed over"  # a person was asked to load it
    CONFIRMED = "confirmed"  # the person says that it is loaded
    VERIFIED = "verified"  # read back, or (sales) nothing to read back and confirmed with its totals
    INCOMPLETE = "incomplete"  # read back, and something is missing
    WITHDRAWN = "withdrawn"  # never loaded: replaced or undone before


class LineState(StrEnum):
    """Of one row of a sheet of titles."""

    BAD = "bad"  # with its problems, back to the sender
    UNCHANGED = "unchanged"
    WAITING = "waiting"  # an update that was not applied yet
    CONFLICT = "conflict"  # Consonance changed since the sheet was made: shown, never overwritten
    DECLINED = "declined"
    APPLIED = "applied"  # written, not read back
    VERIFIED = "verified"
    FAILED = "failed"  # Consonance refused it
    NEW = "new"  # not in Consonance: goes into a workbook
    HANDED_OVER = "handed over"  # in a workbook that a person has
    MISSING = "missing"  # confirmed as loaded, and not there


class StatementState(StrEnum):
    HELD = "held"  # payee unknown or doubtful: nobody gets it until a person has said whose it is
    READY = "ready"
    DELIVERED = "delivered"
    REPLACED = "replaced"  # by a later version of the same statement
    REFUSED = "refused"  # a person said that it goes to nobody


class SalesBatchRow(Base):
    """One report that was loaded. `lines` names the artefact with its canonical lines (Parquet, `include.sales.lines`)."""

    __tablename__ = "sales_batch"
    __table_args__ = (
        Index("ix_sales_batch_source", "source", "period_from", "id"),
        Index("ix_sales_batch_state", "state", "id"),
        Index("ix_sales_batch_file", "sha256"),
    )
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    source: Mapped[str] = mapped_column(String(41))  # config/sources/<id>.toml
    layout: Mapped[str] = mapped_column(String(60))  # config/reports/<id>.toml
    name: Mapped[str] = mapped_column(String(255))
    sha256: Mapped[str] = mapped_column(String(64))  # of the file
    bytes: Mapped[int] = mapped_column(BigInteger)
    intake_id: Mapped[int | None] = mapped_column(BigId)
    period_from: Mapped[str] = mapped_column(String(10))
    period_to: Mapped[str] = mapped_column(String(10))
    rows: Mapped[int] = mapped_column(Integer)  # lines that count
    rejected: Mapped[int] = mapped_column(Integer, default=0)
    lines: Mapped[str] = mapped_column(String(64))
    rejects: Mapped[str] = mapped_column(String(64), default="")  # artefact: rejected rows with reasons (JSON lines)
    state: Mapped[str] = mapped_column(String(20))
    overlap: Mapped[str] = mapped_column(String(12), default=Overlap.NEW)
    replaces_id: Mapped[int | None] = mapped_column(BigId)  # the last one of those that it replaced
    replaced_by_id: Mapped[int | None] = mapped_column(BigId, index=True)  # undone by that one, and back when that one is undone
    # [{what, currency, sheet, stated, found, difference, explained: [{amount, why}], open, from}]: amounts as text
    controls: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    reasons: Mapped[list[dict[str, Any]]] = mapped_column(default=list)  # [{code, message, where, todo}]
    digest: Mapped[str] = mapped_column(String(64))  # of all lines, whatever their order
    loaded_at: Mapped[datetime] = mapped_column(index=True)
    loaded_by: Mapped[Person]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[Person]
    note: Mapped[str] = mapped_column(Text, default="")
    undone_at: Mapped[datetime | None]
    undone_by: Mapped[Person]
    parts: Mapped[list[SalesPartRow]] = relationship(back_populates="batch", order_by="SalesPartRow.id", cascade="all, delete-orphan")


class SalesPartRow(Base):
    """What one batch has for one period and currency: the key under which a source is loaded once. `claim` says so while it counts."""

    __tablename__ = "sales_part"
    __table_args__ = (UniqueConstraint("claim"), Index("ix_sales_part_key", "source", "period", "currency"))
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    batch_id: Mapped[int] = mapped_column(ForeignKey("sales_batch.id"), index=True)
    source: Mapped[str] = mapped_column(String(41))
    period: Mapped[str] = mapped_column(String(21))  # 2026-09, or from/to: 2026-08-30/2026-10-03
    currency: Mapped[str] = mapped_column(String(3), default="")  # of payment; empty: usage without money
    claim: Mapped[str | None] = mapped_column(String(120))  # source, period, currency, number of the part; NULL once it counts no more
    rows: Mapped[int] = mapped_column(Integer)
    sold: Mapped[int] = mapped_column(BigInteger, default=0)
    returned: Mapped[int] = mapped_column(BigInteger, default=0)
    usage: Mapped[int] = mapped_column(BigInteger, default=0)  # units that are no sales: pages read, loans, requests
    net: Mapped[Decimal] = mapped_column(Exact)
    digest: Mapped[str] = mapped_column(String(32), default="")  # sum of its lines' digests: whatever their order; reversals subtract
    batch: Mapped[SalesBatchRow] = relationship(back_populates="parts")


class SalesCellRow(Base):
    """Totals of one batch for month, channel, territory, model and currency: what charts and pages add up. Few for each batch."""

    __tablename__ = "sales_cell"
    __table_args__ = (
        Index("ix_sales_cell_picture", "month", "channel", "batch_id", "currency", "sold", "returned", "usage", "net"),  # all it reads
        Index("ix_sales_cell_batch", "batch_id"),
    )
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    batch_id: Mapped[int] = mapped_column(ForeignKey("sales_batch.id"))
    month: Mapped[str] = mapped_column(String(7))
    channel: Mapped[str] = mapped_column(String(120), default="")
    territory: Mapped[str] = mapped_column(String(10), default="")
    model: Mapped[str] = mapped_column(String(20), default="")
    currency: Mapped[str] = mapped_column(String(3), default="")
    rows: Mapped[int] = mapped_column(Integer, default=0)
    sold: Mapped[int] = mapped_column(BigInteger, default=0)
    returned: Mapped[int] = mapped_column(BigInteger, default=0)
    usage: Mapped[int] = mapped_column(BigInteger, default=0)
    net: Mapped[Decimal] = mapped_column(Exact)


class SalesSummaryRow(Base):
    """Lines added up by product, period, territory, model and currency: made once of each artefact of lines (`include.rights.gathered`).
    What rights and finance reports ask of ten million lines is answered from it, whatever titles and rights say by then."""

    __tablename__ = "sales_summary"
    lines: Mapped[str] = mapped_column(String(64), primary_key=True)  # `SalesBatchRow.lines`
    version: Mapped[int] = mapped_column(Integer, primary_key=True)  # of the way in which it was added up
    sha256: Mapped[str] = mapped_column(String(64))  # artefact: Parquet
    rows: Mapped[int] = mapped_column(Integer)
    made_at: Mapped[datetime]


class SalesProductRow(Base):
    """One product of one batch, as the report names it, and the title it is; lines are joined to titles through this."""

    __tablename__ = "sales_product"
    __table_args__ = (
        UniqueConstraint("batch_id", "id_type", "id_value"),
        Index("ix_sales_product_queue", "state", "id"),
        Index("ix_sales_product_value", "id_value"),
        Index("ix_sales_product_title", "product_id", "batch_id"),
    )
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    batch_id: Mapped[int] = mapped_column(ForeignKey("sales_batch.id"), index=True)
    id_type: Mapped[str] = mapped_column(String(20))  # isbn, asin, sku, proprietary, doi, ...
    id_value: Mapped[str] = mapped_column(String(120))
    title: Mapped[str] = mapped_column(Text, default="")  # as the report has it
    author: Mapped[str] = mapped_column(Text, default="")
    others: Mapped[list[dict[str, Any]]] = mapped_column(default=list)  # the report's other identifiers: [{type, value}]
    rows: Mapped[int] = mapped_column(Integer, default=0)
    sold: Mapped[int] = mapped_column(BigInteger, default=0)
    returned: Mapped[int] = mapped_column(BigInteger, default=0)
    usage: Mapped[int] = mapped_column(BigInteger, default=0)
    net: Mapped[dict[str, Any]] = mapped_column(default=dict)  # currency → decimal as text
    state: Mapped[str] = mapped_column(String(12), default="unmatched")  # matched, unmatched, ignored (a person said: none of ours)
    work_id: Mapped[int | None] = mapped_column(BigId, index=True)
    product_id: Mapped[int | None] = mapped_column(BigId)
    why: Mapped[str] = mapped_column(String(200), default="")
    workbook_id: Mapped[int | None] = mapped_column(BigId, index=True)  # first workbook that has its sales; NULL: in none yet
    proposals: Mapped[list[dict[str, Any]]] = mapped_column(default=list)  # [{work_id, product_id, title, score, why}]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[Person]


class SalesAliasRow(Base):
    """What a person told us to remember: this identifier of that source is that product (or none of ours)."""

    __tablename__ = "sales_alias"
    __table_args__ = (UniqueConstraint("source", "id_type", "id_value"),)
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    source: Mapped[str] = mapped_column(String(41))
    id_type: Mapped[str] = mapped_column(String(20))
    id_value: Mapped[str] = mapped_column(String(120))
    product_id: Mapped[int | None] = mapped_column(BigId)
    work_id: Mapped[int | None] = mapped_column(BigId)
    created_at: Mapped[datetime]
    created_by: Mapped[Person]


class SalesPaymentRow(Base):
    """Money that a source paid, as a person entered it or a remittance says: the other half of the balance."""

    __tablename__ = "sales_payment"
    __table_args__ = (UniqueConstraint("source", "reference", "currency"), Index("ix_sales_payment_period", "source", "period"))
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    source: Mapped[str] = mapped_column(String(41))
    period: Mapped[str] = mapped_column(String(21))
    currency: Mapped[str] = mapped_column(String(3))
    amount: Mapped[Decimal] = mapped_column(Exact)
    reference: Mapped[str] = mapped_column(String(120))
    paid_on: Mapped[str] = mapped_column(String(10), default="")
    note: Mapped[str] = mapped_column(Text, default="")  # what explains a difference: fees, withheld tax
    entered_at: Mapped[datetime]
    entered_by: Mapped[Person]


class WorkbookRow(Base):
    """One of Consonance's import workbooks, from preparing to reading back. No API loads it: a person does."""

    __tablename__ = "workbook"
    __table_args__ = (UniqueConstraint("kind", "subject", "digest"), Index("ix_workbook_state", "state", "id"))
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[str] = mapped_column(String(12))  # sales, titles, prices
    subject: Mapped[str] = mapped_column(String(120))  # what it is for: `sales 12`, `titles 3`
    digest: Mapped[str] = mapped_column(String(64))  # of its rows, not of the file
    part: Mapped[int] = mapped_column(Integer, default=1)
    parts: Mapped[int] = mapped_column(Integer, default=1)
    name: Mapped[str] = mapped_column(String(255))
    sha256: Mapped[str] = mapped_column(String(64))  # artefact: the workbook
    bytes: Mapped[int] = mapped_column(BigInteger)
    rows: Mapped[int] = mapped_column(Integer)
    totals: Mapped[dict[str, Any]] = mapped_column(default=dict)  # {"units": "12", "GBP": "123.45", ...}: decimals as text
    expects: Mapped[list[dict[str, Any]]] = mapped_column(default=list)  # what must be there afterwards: [{isbn, ...}]
    sources: Mapped[list[dict[str, Any]]] = mapped_column(default=list)  # [{"sales batch": 12}] or [{"title import": 3}]
    state: Mapped[str] = mapped_column(String(20), default=WorkbookState.PREPARED)
    role: Mapped[str] = mapped_column(String(31), default="")  # who may load and confirm it (config/people.toml)
    prepared_at: Mapped[datetime]
    handed_at: Mapped[datetime | None]
    confirmed_at: Mapped[datetime | None]
    confirmed_by: Mapped[Person]
    verified_at: Mapped[datetime | None]
    said: Mapped[dict[str, Any]] = mapped_column(default=dict)  # by who confirmed it: {"agrees": true, "rows": 120}
    missing: Mapped[list[dict[str, Any]]] = mapped_column(default=list)  # [{isbn, message, todo}]
    note: Mapped[str] = mapped_column(Text, default="")
    dag_id: Mapped[str] = mapped_column(String(250), default="")
    run_id: Mapped[str] = mapped_column(String(250), default="")


class TitleImportRow(Base):
    """One sheet of titles that came in."""

    __tablename__ = "title_import"
    __table_args__ = (UniqueConstraint("mapping", "sha256"), Index("ix_title_import_state", "state", "id"))
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    mapping: Mapped[str] = mapped_column(String(41))  # config/mappings/<id>.toml
    name: Mapped[str] = mapped_column(String(255))
    sha256: Mapped[str] = mapped_column(String(64))
    bytes: Mapped[int] = mapped_column(BigInteger)
    intake_id: Mapped[int | None] = mapped_column(BigId)
    made_at: Mapped[datetime | None]  # the sheet, as it or its file says: tells conflicts
    received_at: Mapped[datetime]
    # checked, awaiting approval, applying, handed over, done, declined, refused
    state: Mapped[str] = mapped_column(String(20), default="checked")
    counts: Mapped[dict[str, Any]] = mapped_column(default=dict)  # line state → number
    reasons: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    answer: Mapped[str] = mapped_column(String(64), default="")  # artefact: the sheet with its status column
    answered_at: Mapped[datetime | None]
    delivery_id: Mapped[int | None] = mapped_column(BigId)  # that took it back to the sender
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[Person]
    lines: Mapped[list[TitleImportLineRow]] = relationship(
        back_populates="sheet", order_by="TitleImportLineRow.row", cascade="all, delete-orphan"
    )


class TitleImportLineRow(Base):
    """One row of a sheet of titles and what became of it."""

    __tablename__ = "title_import_line"
    __table_args__ = (UniqueConstraint("import_id", "row"), Index("ix_title_import_line_state", "import_id", "state"))
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    import_id: Mapped[int] = mapped_column(ForeignKey("title_import.id"))
    row: Mapped[int] = mapped_column(Integer)  # as a spreadsheet counts it
    isbn: Mapped[str] = mapped_column(String(20), default="", index=True)
    title: Mapped[str] = mapped_column(Text, default="")
    work_id: Mapped[int | None] = mapped_column(BigId, index=True)
    product_id: Mapped[int | None] = mapped_column(BigId)
    state: Mapped[str] = mapped_column(String(12))
    fields: Mapped[dict[str, Any]] = mapped_column(default=dict)  # what the row says, by our names
    changes: Mapped[list[dict[str, Any]]] = mapped_column(default=list)  # [{level: work|product, field, before, after, as}]
    problems: Mapped[list[dict[str, Any]]] = mapped_column(default=list)  # [{code, field, column, message, todo, severity}]
    workbook_id: Mapped[int | None] = mapped_column(BigId, index=True)
    sheet: Mapped[TitleImportRow] = relationship(back_populates="lines")


class StatementRow(Base):
    """One payee's royalty statement, cut out of what staff exported from Consonance. `sha256` is the payee's part and nothing else."""

    __tablename__ = "statement"
    __table_args__ = (
        UniqueConstraint("source_sha256", "position"),
        Index("ix_statement_payee", "payee", "period"),
        Index("ix_statement_state", "state", "id"),
        Index("ix_statement_recipient", "recipient", "id"),
    )
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    source: Mapped[str] = mapped_column(String(255))  # name of the exported file
    source_sha256: Mapped[str] = mapped_column(String(64))
    position: Mapped[str] = mapped_column(String(120))  # where in it: `member.pdf 12-15`, `rows 40-52`
    intake_id: Mapped[int | None] = mapped_column(BigId)
    name: Mapped[str] = mapped_column(String(255))  # under which it goes out
    media_type: Mapped[str] = mapped_column(String(100), default="")
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    bytes: Mapped[int] = mapped_column(BigInteger)
    payee: Mapped[str] = mapped_column(String(60), default="")  # id in the payee list; empty: not known
    payee_name: Mapped[str] = mapped_column(String(300), default="")  # as the statement has it
    recipient: Mapped[str] = mapped_column(String(41), default="")  # party that gets it: the payee's agent, finance
    contracts: Mapped[list[dict[str, Any]]] = mapped_column(default=list)  # [{contract_id, work_id, title}]
    number: Mapped[str] = mapped_column(String(60), default="")
    period: Mapped[str] = mapped_column(String(60), default="")
    amount: Mapped[Decimal | None] = mapped_column(Exact)  # payable, where the statement says it
    currency: Mapped[str] = mapped_column(String(3), default="")
    state: Mapped[str] = mapped_column(String(12), default=StatementState.HELD)
    reasons: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    delivery_id: Mapped[int | None] = mapped_column(BigId, index=True)
    replaces_id: Mapped[int | None] = mapped_column(BigId)
    received_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[Person]
