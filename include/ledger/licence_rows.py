"""The ledger's tables of licences and covers: what we may do with an image, where that is written, who must act, what is on which title.

A term nobody has told is unknown: it is never shown as unrestricted. A term without end is a statement of its own (`perpetual`), not a gap.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from include.ledger.models import Base, BigId, Person


class LicenceState(StrEnum):
    CLEARED = "cleared"  # every term that its use needs is known, and allows it
    TERMS_REQUIRED = "terms required"  # a person must supply what Getty does not publish
    REVIEW = "review"  # prose that nobody has read, or terms that disagree
    BLOCKED = "blocked"  # its terms forbid its use
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"  # the agency took the asset back


class FlagState(StrEnum):
    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"  # somebody has it
    RESOLVED = "resolved"  # somebody has done what was to be done
    GONE = "gone"  # its cause is gone: the licence was extended, the reprint moved


class LicenceRow(Base):
    """One licence: an asset and one use of it. `terms` are {field: {state, value, source, reference, checked_at, checked_by, note}}."""

    __tablename__ = "licence"
    __table_args__ = (
        UniqueConstraint("provider", "asset_id", "use"),
        Index("ix_licence_state", "state", "id"),
        Index("ix_licence_ends", "ends_on", "ends_state", "id", "state", "territories"),  # lists and pictures need nothing else of a row
        Index("ix_licence_order", "order_id"),
    )
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    provider: Mapped[str] = mapped_column(String(20), default="getty")
    asset_id: Mapped[str] = mapped_column(String(60))
    use: Mapped[str] = mapped_column(String(160))  # what tells two licences of one asset apart: `download 1234 2026-03-01T…`, `order 777`
    name: Mapped[str] = mapped_column(Text, default="")  # the asset's title
    artist: Mapped[str] = mapped_column(String(300), default="")
    family: Mapped[str] = mapped_column(String(20), default="")  # creative, editorial
    model: Mapped[str] = mapped_column(String(30), default="")  # royaltyfree, rightsmanaged, rightsready
    agreement: Mapped[str] = mapped_column(String(200), default="")
    product_type: Mapped[str] = mapped_column(String(60), default="")
    getty_product_id: Mapped[str] = mapped_column(String(60), default="")
    order_id: Mapped[str] = mapped_column(String(60), default="")
    invoice: Mapped[str] = mapped_column(String(60), default="")
    licensed_at: Mapped[datetime | None]
    notes: Mapped[str] = mapped_column(Text, default="")  # as written at the download
    state: Mapped[str] = mapped_column(String(20), default=LicenceState.TERMS_REQUIRED)
    ends_on: Mapped[str] = mapped_column(String(10), default="")  # last day of use as known; empty: unknown or perpetual, see `terms`
    ends_state: Mapped[str] = mapped_column(String(10), default="unknown")  # of the term `ends`: tells perpetual from unknown
    agreement_ends_on: Mapped[str] = mapped_column(String(10), default="")
    editorial_only: Mapped[bool | None]  # None: not said
    territories: Mapped[str] = mapped_column(Text, default="")  # ` GB IE `, `*` worldwide, empty: unknown; for finding, `terms` says more
    withdrawn_at: Mapped[datetime | None]
    terms: Mapped[dict[str, Any]] = mapped_column(default=dict)
    thumbnail: Mapped[str] = mapped_column(String(64), default="")  # artefact
    digest: Mapped[str] = mapped_column(String(64), default="")  # of all that the record was made from
    first_seen: Mapped[datetime]
    changed_at: Mapped[datetime]
    checked_at: Mapped[datetime]
    serves: Mapped[list[LicenceServesRow]] = relationship(
        back_populates="licence", order_by="LicenceServesRow.id", cascade="all, delete-orphan"
    )

    @validates("terms")
    def _ends(self, column: str, terms: dict[str, Any]) -> dict[str, Any]:
        self.ends_state = str((terms.get("ends") or {}).get("state") or "unknown")[:10]
        return terms


class LicenceServesRow(Base):
    """What a licence serves: a title, one edition of it, or a campaign."""

    __tablename__ = "licence_serves"
    __table_args__ = (
        UniqueConstraint("licence_id", "work_id", "product_id", "campaign", "role"),
        Index("ix_licence_serves_work", "work_id"),
        Index("ix_licence_serves_product", "product_id"),
    )
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    licence_id: Mapped[int] = mapped_column(ForeignKey("licence.id"), index=True)
    work_id: Mapped[int] = mapped_column(BigId, default=0)  # 0: no title
    product_id: Mapped[int] = mapped_column(BigId, default=0)  # 0: every edition
    campaign: Mapped[str] = mapped_column(String(60), default="")  # config/campaigns.toml
    role: Mapped[str] = mapped_column(String(20), default="")  # cover, interior, promotion; empty: not said
    source: Mapped[str] = mapped_column(String(20), default="")  # note, sheet, person
    licence: Mapped[LicenceRow] = relationship(back_populates="serves")


class LicenceWordsRow(Base):
    """What a licence is found by, in a table so narrow that all of it is looked through for every search: `licence_words.renew`."""

    __tablename__ = "licence_words"
    licence_id: Mapped[int] = mapped_column(ForeignKey("licence.id"), primary_key=True, autoincrement=False)
    words: Mapped[str] = mapped_column(Text)  # folded: asset, name, artist, order, invoice, titles and campaigns that it serves


class LicenceChangeRow(Base):
    """Append-only: which term of which licence changed from what to what, by whose word."""

    __tablename__ = "licence_change"
    __table_args__ = (Index("ix_licence_change_licence", "licence_id", "id"),)
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    licence_id: Mapped[int] = mapped_column(BigId)
    at: Mapped[datetime]
    who: Mapped[Person]
    field: Mapped[str] = mapped_column(String(60))
    before: Mapped[str] = mapped_column(Text, default="")
    after: Mapped[str] = mapped_column(Text, default="")
    source: Mapped[str] = mapped_column(String(60), default="")


class LicenceFlagRow(Base):
    """Somebody must act: one flag for each licence, cause, subject and threshold, raised once."""

    __tablename__ = "licence_flag"
    __table_args__ = (
        UniqueConstraint("licence_id", "cause", "subject", "threshold"),
        Index("ix_licence_flag_state", "state", "due_on", "id"),
        Index("ix_licence_flag_work", "work_id", "state"),
        Index("ix_licence_flag_mailed", "mailed_in", "state"),
        Index("ix_licence_flag_issued", "issued_in", "team", "state"),
        Index("ix_licence_flag_open", "state", "licence_id", "team", "cause", "blocking"),
    )
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    licence_id: Mapped[int] = mapped_column(ForeignKey("licence.id"), index=True)
    cause: Mapped[str] = mapped_column(String(30))  # expiry, agreement, publication, reprint, campaign, territory, edition, format, ...
    subject: Mapped[str] = mapped_column(String(160), default="")  # what it is about: `product 42 2027-03-01`, `campaign spring`
    threshold: Mapped[int] = mapped_column(Integer, default=-1)  # days; -1: not one of days
    work_id: Mapped[int] = mapped_column(BigId, default=0)
    product_id: Mapped[int] = mapped_column(BigId, default=0)
    due_on: Mapped[str] = mapped_column(String(10), default="")
    team: Mapped[str] = mapped_column(String(31), default="")  # who must act: a role of config/people.toml
    blocking: Mapped[bool] = mapped_column(default=False)
    message: Mapped[str] = mapped_column(Text, default="")
    todo: Mapped[str] = mapped_column(Text, default="")
    state: Mapped[str] = mapped_column(String(20), default=FlagState.OPEN)
    opened_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[Person]
    note: Mapped[str] = mapped_column(Text, default="")
    mailed_in: Mapped[int] = mapped_column(BigId, default=0)  # the batch of mails, or of notes in Jira, that told of it; 0: none yet
    issued_in: Mapped[int] = mapped_column(BigId, default=0)


class LicenceTellingRow(Base):
    """Who was told what through which channel: so that nobody is told twice. `key` is written before the telling, `reference` after it."""

    __tablename__ = "licence_telling"
    __table_args__ = (UniqueConstraint("channel", "key"),)
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    channel: Mapped[str] = mapped_column(String(20))  # mail, issue, note
    key: Mapped[str] = mapped_column(String(160))
    team: Mapped[str] = mapped_column(String(31), default="")
    reference: Mapped[str] = mapped_column(String(200), default="")  # the key, the delivery's number
    flags: Mapped[list[dict[str, Any]]] = mapped_column(default=list)  # [{"batch": 12, "flags": 3}]: those with this `mailed_in`
    begun_at: Mapped[datetime]
    told_at: Mapped[datetime | None]


class LicenceSheetRow(Base):
    """A sheet of invoice terms that a person supplied, and what became of its rows."""

    __tablename__ = "licence_sheet"
    __table_args__ = (UniqueConstraint("sha256"),)
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(String(255))
    sha256: Mapped[str] = mapped_column(String(64))
    bytes: Mapped[int] = mapped_column(BigInteger)
    received_at: Mapped[datetime]
    received_by: Mapped[Person]
    rows: Mapped[int] = mapped_column(Integer, default=0)
    bad: Mapped[int] = mapped_column(Integer, default=0)
    applied: Mapped[int] = mapped_column(Integer, default=0)
    answer: Mapped[str] = mapped_column(String(64), default="")  # artefact: the sheet with its status column
    reasons: Mapped[list[dict[str, Any]]] = mapped_column(default=list)


class LicenceSyncRow(Base):
    """How far `licence_sync` has read each of Getty's lists; a stopped run goes on from here."""

    __tablename__ = "licence_sync"
    part: Mapped[str] = mapped_column(String(60), primary_key=True)  # downloads, purchases, changes <channel>
    until: Mapped[datetime | None]  # everything before was read
    seen_at: Mapped[datetime]
    counts: Mapped[dict[str, Any]] = mapped_column(default=dict)


class AssetChangeRow(Base):
    """One change of an asset that Getty told, kept before it is confirmed there: it tells it again until then, and only then."""

    __tablename__ = "asset_change"
    __table_args__ = (UniqueConstraint("change_set", "asset_id", "lifecycle"), Index("ix_asset_change_asset", "asset_id"))
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    change_set: Mapped[str] = mapped_column(String(60))
    channel: Mapped[str] = mapped_column(String(60), default="")
    asset_id: Mapped[str] = mapped_column(String(60))
    lifecycle: Mapped[str] = mapped_column(String(20))  # New, Update, Delete
    changed_at: Mapped[datetime | None]
    seen_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]


class CoverRow(Base):
    """One version of one cover asset of Cloudinary, and what it was for by its structured metadata when it was the newest."""

    __tablename__ = "cover"
    __table_args__ = (
        UniqueConstraint("asset_id", "version"),
        Index("ix_cover_public_id", "public_id"),
        Index("ix_cover_isbn", "isbn"),
        Index("ix_cover_etag", "etag"),
    )
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    asset_id: Mapped[str] = mapped_column(String(60))
    public_id: Mapped[str] = mapped_column(String(255))
    version: Mapped[int] = mapped_column(BigInteger)
    etag: Mapped[str] = mapped_column(String(64))
    type: Mapped[str] = mapped_column(String(20), default="upload")  # of delivery: upload, private, authenticated
    kind: Mapped[str] = mapped_column(String(20))  # front, back, full, series
    isbn: Mapped[str] = mapped_column(String(20), default="")  # as the field says, without hyphens
    work: Mapped[str] = mapped_column(String(100), default="", index=True)  # as the field says: Consonance's id, or the reference
    work_id: Mapped[int | None] = mapped_column(BigId, index=True)  # the work that it means, once it was found
    series: Mapped[str] = mapped_column(String(300), default="")
    revision: Mapped[int] = mapped_column(Integer, default=0)
    moderation: Mapped[str] = mapped_column(String(20))  # approved, pending, rejected: as the queue said last
    confirmed: Mapped[bool] = mapped_column(default=False)  # that it is approved was read on the asset itself
    approved_at: Mapped[datetime | None]  # when that was first read
    gone_at: Mapped[datetime | None]  # since when Cloudinary does not list the asset
    width: Mapped[int] = mapped_column(Integer, default=0)
    height: Mapped[int] = mapped_column(Integer, default=0)
    format: Mapped[str] = mapped_column(String(20), default="")
    bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    sha256: Mapped[str] = mapped_column(String(64), default="")  # artefact: the JPG that is sent
    reasons: Mapped[list[dict[str, Any]]] = mapped_column(default=list)  # why it may not go
    rules: Mapped[str] = mapped_column(String(32), default="")  # digest of the rules by which it may not
    lost: Mapped[str] = mapped_column(Text, default="")  # why no title has it
    seen_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class CoverUseRow(Base):
    """What one product has as one of its covers now: the key under which a title has one cover of a kind."""

    __tablename__ = "cover_use"
    __table_args__ = (
        UniqueConstraint("product_id", "kind"),
        Index("ix_cover_use_cover", "cover_id"),
        Index("ix_cover_use_work", "work_id"),
    )
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    product_id: Mapped[int] = mapped_column(BigId)
    work_id: Mapped[int] = mapped_column(BigId)
    kind: Mapped[str] = mapped_column(String(20))
    cover_id: Mapped[int] = mapped_column(ForeignKey("cover.id"))
    etag: Mapped[str] = mapped_column(String(64))
    title_file_id: Mapped[int | None] = mapped_column(BigId)
    state: Mapped[str] = mapped_column(String(20))  # wanted, attached, withdrawn
    consonance: Mapped[dict[str, Any]] = mapped_column(default=dict)  # rung of the ladder and id
    why: Mapped[str] = mapped_column(String(200), default="")  # by its ISBN, by the work, by the series
    at: Mapped[datetime]
