"""The ledger's tables (SQLAlchemy 2). Migrations are in `include/ledger/migrations`; times are UTC, with zone.

SQLite by default (WAL, busy time-out), PostgreSQL in production: nothing here may need either one.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from sqlalchemy.types import TypeDecorator


class Moment(TypeDecorator[datetime]):
    """A point in time: always with zone in Python, always UTC in the database, also on SQLite, which has no zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value if value is None or value.tzinfo else value.replace(tzinfo=UTC)


LONGEST_PERSON = 120  # characters


class PersonName(TypeDecorator[str]):
    """Who did something. What is longer is cut, where SQLite would not mind and PostgreSQL refuses."""

    impl = String(LONGEST_PERSON)
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else value[:LONGEST_PERSON]


Person = Annotated[str, mapped_column(PersonName, default="")]
BigId = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows by itself only for INTEGER


class Base(DeclarativeBase):
    metadata = MetaData(  # named, so that a migration can speak of them on every database
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar = {datetime: Moment, dict[str, Any]: JSON, list[dict[str, Any]]: JSON}


class DeliveryState(StrEnum):
    PREPARED = "prepared"
    AWAITING_APPROVAL = "awaiting approval"
    DECLINED = "declined"
    SENDING = "sending"
    DELIVERED = "delivered"
    ACKNOWLEDGED = "acknowledged"
    REJECTED = "rejected"
    FAILED = "failed"
    WITHDRAWN = "withdrawn"


class RecordState(StrEnum):
    SENT = "sent"
    UNCHANGED = "unchanged"
    HELD = "held"
    NOT_SELECTED = "not selected"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    PENDING = "pending"  # prepared in a delivery that has not arrived yet


class WorkRow(Base):
    """Mirror of one Consonance work. `content` is the canonical JSON of `include.titles.model.Work`."""

    __tablename__ = "work"
    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    title: Mapped[str] = mapped_column(Text, default="")
    imprint: Mapped[str] = mapped_column(String(200), default="", index=True)
    stage: Mapped[str] = mapped_column(String(200), default="", index=True)
    digest: Mapped[str] = mapped_column(String(64))
    content: Mapped[bytes] = mapped_column(LargeBinary)
    first_seen: Mapped[datetime]
    changed_at: Mapped[datetime] = mapped_column(index=True)
    seen_in: Mapped[int] = mapped_column(Integer, default=0)  # number of the sync that last saw it
    deleted_at: Mapped[datetime | None]
    acquired_at: Mapped[datetime | None]


class ProductRow(Base):
    """Mirror of one Consonance product. `content` is the canonical JSON of `include.titles.model.Product` without its work."""

    __tablename__ = "product"
    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    work_id: Mapped[int] = mapped_column(BigId, index=True)
    isbn: Mapped[str] = mapped_column(String(20), default="", index=True)
    title: Mapped[str] = mapped_column(Text, default="")
    form: Mapped[str] = mapped_column(String(4), default="")
    publication_date: Mapped[str] = mapped_column(String(10), default="")
    digest: Mapped[str] = mapped_column(String(64))
    content: Mapped[bytes] = mapped_column(LargeBinary)
    first_seen: Mapped[datetime]
    changed_at: Mapped[datetime] = mapped_column(index=True)
    seen_in: Mapped[int] = mapped_column(Integer, default=0)
    deleted_at: Mapped[datetime | None]


class SyncRow(Base):
    """One run of `catalogue_sync`: where it stands, so that a stopped one goes on."""

    __tablename__ = "sync"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    full: Mapped[bool] = mapped_column(default=False)
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    changed_since: Mapped[str] = mapped_column(String(10), default="")
    phase: Mapped[str] = mapped_column(String(20), default="works")  # works, products, deletions, done
    after: Mapped[int] = mapped_column(BigId, default=0)
    counts: Mapped[dict[str, Any]] = mapped_column(default=dict)


class PartnerRow(Base):
    """What a partner's feed must remember between runs."""

    __tablename__ = "partner"
    id: Mapped[str] = mapped_column(String(41), primary_key=True)
    last_message_number: Mapped[int] = mapped_column(Integer, default=0)
    full_resend: Mapped[bool] = mapped_column(default=False)  # clears itself once a full feed was delivered


class DeliveryRow(Base):
    """A set of files for one partner with one purpose; (partner, flow, business key, digest) happens once."""

    __tablename__ = "delivery"
    __table_args__ = (
        UniqueConstraint("partner", "flow", "business_key", "digest"),
        # lists go from new to old and turn pages by (created_at, id)
        Index("ix_delivery_created", "created_at", "id"),
        Index("ix_delivery_partner_created", "partner", "created_at", "id"),
        Index("ix_delivery_state_created", "state", "created_at", "id"),
        Index("ix_delivery_flow_created", "flow", "created_at", "id"),
        Index("ix_delivery_partner_state_created", "partner", "state", "created_at", "id"),
    )
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    partner: Mapped[str] = mapped_column(String(41))
    flow: Mapped[str] = mapped_column(String(60))
    business_key: Mapped[str] = mapped_column(String(120))
    digest: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(20), default=DeliveryState.PREPARED)
    kind: Mapped[str] = mapped_column(String(12), default="")  # full, delta, block, empty
    format: Mapped[str] = mapped_column(String(40), default="")  # "ONIX 3.0 reference"
    message_number: Mapped[int | None] = mapped_column(index=True)
    records: Mapped[int] = mapped_column(Integer, default=0)
    held: Mapped[int] = mapped_column(Integer, default=0)
    bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    seconds: Mapped[float] = mapped_column(Float, default=0.0)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    created_at: Mapped[datetime]
    due_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    dag_id: Mapped[str] = mapped_column(String(250), default="")
    run_id: Mapped[str] = mapped_column(String(250), default="")
    reasons: Mapped[list[dict[str, Any]]] = mapped_column(default=list)  # why it failed, was declined, needs approval
    replaces_id: Mapped[int | None] = mapped_column(BigId)
    files: Mapped[list[FileRow]] = relationship(back_populates="delivery", order_by="FileRow.position", cascade="all, delete-orphan")


class FileRow(Base):
    """One file of a delivery. `sha256` names the artefact in the store; it is what was sent, byte for byte."""

    __tablename__ = "delivery_file"
    __table_args__ = (
        UniqueConstraint("delivery_id", "folder", "name"),
        Index(
            "ix_delivery_file_name", "name", "delivery_id", postgresql_ops={"name": "varchar_pattern_ops"}
        ),  # names are sought by their start
    )
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    delivery_id: Mapped[int] = mapped_column(ForeignKey("delivery.id"), index=True)
    position: Mapped[int] = mapped_column(Integer, default=0)
    role: Mapped[str] = mapped_column(String(20), default="message")  # message, cover, manifest
    name: Mapped[str] = mapped_column(String(255))
    folder: Mapped[str] = mapped_column(String(500), default="")
    remote_path: Mapped[str] = mapped_column(String(800), default="")
    bytes: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    state: Mapped[str] = mapped_column(String(20), default="prepared")  # prepared, sending, delivered, failed
    verified: Mapped[str] = mapped_column(String(20), default="")  # size, hash, swept
    delivered_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(Text, default="")
    delivery: Mapped[DeliveryRow] = relationship(back_populates="files")


class FeedRecordRow(Base):
    """How things stand between one title and one partner: the last that was sent, and why nothing goes now."""

    __tablename__ = "feed_record"
    __table_args__ = (
        Index("ix_feed_record_product", "product_id"),
        Index("ix_feed_record_state", "partner", "state", "product_id"),
        Index("ix_feed_record_sent", "partner", "sent_at", "product_id"),
    )
    partner: Mapped[str] = mapped_column(String(41), primary_key=True)
    product_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    isbn: Mapped[str] = mapped_column(String(20), default="", index=True)
    record_reference: Mapped[str] = mapped_column(String(120), default="")
    notification: Mapped[str] = mapped_column(String(2), default="")  # List 1, as last sent
    state: Mapped[str] = mapped_column(String(20))
    reasons: Mapped[list[dict[str, Any]]] = mapped_column(default=list)  # [{code, message, todo, path}]
    looked_at: Mapped[datetime]
    source_digest: Mapped[str] = mapped_column(String(64), default="")  # product + work + flavour that was last looked at
    stable_until: Mapped[str] = mapped_column(String(10), default="")  # from this day on the same source may read differently
    digest: Mapped[str] = mapped_column(String(64), default="")  # rendered record as last received by the partner
    blocks: Mapped[dict[str, Any]] = mapped_column(default=dict)  # digest per ONIX block of that record
    artefact: Mapped[str] = mapped_column(String(64), default="")  # where those bytes are: artefact, from, length
    offset: Mapped[int] = mapped_column(BigInteger, default=0)
    length: Mapped[int] = mapped_column(Integer, default=0)
    delivery_id: Mapped[int | None] = mapped_column(BigId)
    sent_at: Mapped[datetime | None]


class DeliveryRecordRow(Base):
    """One record inside one delivery: the fragment as sent, and what the partner said of it."""

    __tablename__ = "delivery_record"
    __table_args__ = (
        Index("ix_delivery_record_product", "product_id", "delivery_id"),
        Index("ix_delivery_record_isbn", "isbn", "delivery_id"),
    )
    delivery_id: Mapped[int] = mapped_column(ForeignKey("delivery.id"), primary_key=True)
    product_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    isbn: Mapped[str] = mapped_column(String(20), default="")
    record_reference: Mapped[str] = mapped_column(String(120), default="")
    notification: Mapped[str] = mapped_column(String(2), default="")  # List 1
    digest: Mapped[str] = mapped_column(String(64))
    source_digest: Mapped[str] = mapped_column(String(64), default="")
    stable_until: Mapped[str] = mapped_column(String(10), default="")
    blocks: Mapped[dict[str, Any]] = mapped_column(default=dict)  # digest per ONIX block, for block updates
    artefact: Mapped[str] = mapped_column(String(64), default="")
    offset: Mapped[int] = mapped_column(BigInteger, default=0)
    length: Mapped[int] = mapped_column(Integer, default=0)
    whole: Mapped[bool] = mapped_column(default=True)  # False: a block update, which a full message can't copy
    becomes: Mapped[str] = mapped_column(String(20), default=RecordState.SENT)  # the feed record's state once this is delivered
    answer: Mapped[str] = mapped_column(String(20), default="")  # "", accepted, accepted with errors, rejected
    answer_text: Mapped[str] = mapped_column(Text, default="")


class ReceiptRow(Base):
    """A partner's answer, kept as it came."""

    __tablename__ = "receipt"
    __table_args__ = (UniqueConstraint("partner", "sha256", "name"),)
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    partner: Mapped[str] = mapped_column(String(41), index=True)
    delivery_id: Mapped[int | None] = mapped_column(BigId, index=True)
    kind: Mapped[str] = mapped_column(String(10))  # onix, csv, rename, sweep
    name: Mapped[str] = mapped_column(String(255))
    sha256: Mapped[str] = mapped_column(String(64), default="")
    status: Mapped[str] = mapped_column(String(20))  # received, processed, partly, rejected
    received_at: Mapped[datetime]
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)


class EventRow(Base):
    """Append-only: who did what to what, when, how much, how long, seen through which host key."""

    __tablename__ = "event"
    __table_args__ = (Index("ix_event_delivery", "delivery_id", "id"),)
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    who: Mapped[Person]
    what: Mapped[str] = mapped_column(String(60))
    partner: Mapped[str] = mapped_column(String(41), default="")
    delivery_id: Mapped[int | None] = mapped_column(BigId)
    subject: Mapped[str] = mapped_column(String(800), default="")
    bytes: Mapped[int | None] = mapped_column(BigInteger)
    seconds: Mapped[float | None] = mapped_column(Float)
    sha256: Mapped[str] = mapped_column(String(64), default="")
    host_key: Mapped[str] = mapped_column(String(120), default="")
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)
