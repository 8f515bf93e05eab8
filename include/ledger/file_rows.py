"""The ledger's tables of files: what came in, what each title has, what went out as a package, how ready a title is.

A file's bytes are in the artefact store under `sha256`; the tables say what they are and whose.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from include.ledger.models import Base, BigId, Person

RESOURCE, RECORD, WITHDRAWN, UNLINKED = "supporting resource", "title record", "withdrawn", "unlinked"
"""`TitleFileRow.consonance["as"]`: how far a file got."""


class IntakeState(StrEnum):
    ARRIVING = "arriving"  # seen, not known to be whole
    QUARANTINED = "quarantined"  # unsafe, broken or not expected: never parsed further
    PROPOSED = "proposed"  # safe, but a person must say whose it is (also: nothing fits)
    ATTACHED = "attached"
    SUPERSEDED = "superseded"  # attached as an older version than the current one
    DUPLICATE = "duplicate"  # the same bytes are on the same title already
    REFUSED = "refused"  # a person said no
    UNPACKED = "unpacked"  # an archive: its members have rows of their own
    TAKEN = "taken"  # rows for a flow of their own (sales, titles, statements): safe, and not read yet
    READ = "read"  # that flow has read it: what it came to is in the flow's own tables


class Approval(StrEnum):
    NONE = ""  # nobody was asked
    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"


class Fate(StrEnum):
    """What became of one file of an old archive."""

    WAITING = "waiting"  # listed, not fetched
    MATCHED = "matched"  # dry run: would be attached
    PROPOSED = "proposed"
    UNKNOWN = "unknown"  # nothing fits
    DUPLICATE = "duplicate"
    UNREADABLE = "unreadable"  # refused by the safety checks, or the server would not give it
    ATTACHED = "attached"
    VANISHED = "vanished"  # was there in an earlier walk


class TitleFileRow(Base):
    """One version of one file of a title, kept for ever. Versions of one thing share (work, product, kind, part)."""

    __tablename__ = "title_file"
    __table_args__ = (
        Index("ix_title_file_chain", "work_id", "kind", "part", "product_id"),
        Index("ix_title_file_product", "product_id", "kind"),
    )
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    work_id: Mapped[int] = mapped_column(BigId)
    product_id: Mapped[int | None] = mapped_column(BigId)  # the edition, where the file is for one only
    contract_id: Mapped[int | None] = mapped_column(BigId, index=True)
    kind: Mapped[str] = mapped_column(String(20))  # include.files.model.Kind
    part: Mapped[str] = mapped_column(String(60), default="")  # which of that kind: text, cover, 01 (a chapter), ...
    revision: Mapped[str] = mapped_column(String(20), default="")  # as its name says: "3", "2.1"
    rank: Mapped[int] = mapped_column(BigInteger, default=0)  # orders revisions: 2.1 → 20001
    dated: Mapped[str] = mapped_column(String(10), default="")  # as its name or its metadata says
    name: Mapped[str] = mapped_column(String(255))
    media_type: Mapped[str] = mapped_column(String(100), default="")
    bytes: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    state: Mapped[str] = mapped_column(String(20), index=True)  # attached, superseded, removed
    approval: Mapped[str] = mapped_column(String(10), default="")
    decided_by: Mapped[Person]
    decided_at: Mapped[datetime | None]
    note: Mapped[str] = mapped_column(Text, default="")  # with the decision
    restricted: Mapped[str] = mapped_column(String(31), default="")  # role that may see it
    source: Mapped[str] = mapped_column(String(60), default="")  # inbox:authors, archive:vault, person
    source_path: Mapped[str] = mapped_column(Text, default="")
    modified: Mapped[datetime | None]  # at the source
    preview: Mapped[str] = mapped_column(String(64), default="")  # artefact: JPEG in sRGB
    facts: Mapped[dict[str, Any]] = mapped_column(default=dict)  # pages, trim, pixels, duration: see include.files.model
    consonance: Mapped[dict[str, Any]] = mapped_column(default=dict)  # rung of the ladder and id: {"as": RESOURCE, "id": 7}
    attached_at: Mapped[datetime]
    attached_by: Mapped[Person]
    replaced_by_id: Mapped[int | None] = mapped_column(BigId)
    reviews: Mapped[list[ReviewRow]] = relationship(back_populates="file", order_by="ReviewRow.id", cascade="all, delete-orphan")


class ReviewRow(Base):
    """What one person of one role said of one version. Approved is a file of which every asked role approved."""

    __tablename__ = "review"
    __table_args__ = (UniqueConstraint("title_file_id", "role"),)
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    title_file_id: Mapped[int] = mapped_column(ForeignKey("title_file.id"), index=True)
    role: Mapped[str] = mapped_column(String(31))
    verdict: Mapped[str] = mapped_column(String(10), default=Approval.PENDING)
    who: Mapped[Person]
    at: Mapped[datetime | None]
    note: Mapped[str] = mapped_column(Text, default="")
    file: Mapped[TitleFileRow] = relationship(back_populates="reviews")


class IntakeFileRow(Base):
    """One arrival: a file in an inbox, or a member of an archive that lay there. Its states are `IntakeState`."""

    __tablename__ = "intake_file"
    __table_args__ = (
        UniqueConstraint("inbox", "path", "mark"),
        Index("ix_intake_file_state", "state", "id"),
        Index("ix_intake_file_inbox", "inbox", "state", "id"),
        Index("ix_intake_file_counts", "inbox", "state", "restricted"),
    )
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    inbox: Mapped[str] = mapped_column(String(60))  # inbox id, or `archive:<id>`
    path: Mapped[str] = mapped_column(String(700))  # under the inbox; a member: `pack.zip!inner/name.pdf`
    mark: Mapped[str] = mapped_column(String(64))  # tells this arrival from the next under the same path: size and time, or sha256
    parent_id: Mapped[int | None] = mapped_column(BigId, index=True)
    name: Mapped[str] = mapped_column(String(255))
    bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    modified: Mapped[datetime | None]
    sha256: Mapped[str] = mapped_column(String(64), default="", index=True)
    media_type: Mapped[str] = mapped_column(String(100), default="")
    state: Mapped[str] = mapped_column(String(20), default=IntakeState.ARRIVING)
    kind: Mapped[str] = mapped_column(String(20), default="")
    clues: Mapped[dict[str, Any]] = mapped_column(default=dict)  # what name, path, sidecar and content say
    proposals: Mapped[list[dict[str, Any]]] = mapped_column(default=list)  # [{work_id, product_id, contract_id, score, why, title}]
    reasons: Mapped[list[dict[str, Any]]] = mapped_column(default=list)  # [{code, message, todo, where}]
    restricted: Mapped[str] = mapped_column(String(31), default="")
    preview: Mapped[str] = mapped_column(String(64), default="")
    title_file_id: Mapped[int | None] = mapped_column(BigId, index=True)
    duplicate_of_id: Mapped[int | None] = mapped_column(BigId)
    original: Mapped[str] = mapped_column(String(20), default="")  # what became of the source: "", moved, deleted, left, gone
    original_path: Mapped[str] = mapped_column(Text, default="")
    seen_at: Mapped[datetime]
    looked_at: Mapped[datetime]  # size and time as of then
    stored_at: Mapped[datetime | None]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[Person]


class MatchRuleRow(Base):
    """What a person told us to remember: files of this inbox whose path fits belong to that title, or are of that kind."""

    __tablename__ = "match_rule"
    __table_args__ = (UniqueConstraint("inbox", "pattern"),)
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    inbox: Mapped[str] = mapped_column(String(60))
    pattern: Mapped[str] = mapped_column(String(400))  # glob on the path under the inbox
    work_id: Mapped[int | None] = mapped_column(BigId)
    product_id: Mapped[int | None] = mapped_column(BigId)
    contract_id: Mapped[int | None] = mapped_column(BigId)
    kind: Mapped[str] = mapped_column(String(20), default="")
    created_at: Mapped[datetime]
    created_by: Mapped[Person]
    used: Mapped[int] = mapped_column(Integer, default=0)


class ArchiveShardRow(Base):
    """A piece of an old archive's tree: some folders, or a stretch of one folder's files. The walk goes on where it stopped."""

    __tablename__ = "archive_shard"
    __table_args__ = (Index("ix_archive_shard_state", "archive", "walk", "state"),)
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    archive: Mapped[str] = mapped_column(String(41))
    walk: Mapped[int] = mapped_column(Integer)  # number of the walk
    state: Mapped[str] = mapped_column(String(12), default="listed")  # listed, moving, done
    files: Mapped[int] = mapped_column(Integer, default=0)
    bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    done: Mapped[int] = mapped_column(Integer, default=0)
    done_bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class ArchiveFolderRow(Base):
    """A folder that the walk has still to list, or has listed: the walk's checkpoint."""

    __tablename__ = "archive_folder"
    __table_args__ = (Index("ix_archive_folder_open", "archive", "walk", "listed"),)
    archive: Mapped[str] = mapped_column(String(41), primary_key=True)
    walk: Mapped[int] = mapped_column(Integer, primary_key=True)
    path: Mapped[str] = mapped_column(String(700), primary_key=True)  # under the root, as `archive_listing.key` writes it
    whole_path: Mapped[str] = mapped_column(Text, default="")  # where it is longer than `path` may be
    listed: Mapped[bool] = mapped_column(default=False)
    files: Mapped[int] = mapped_column(Integer, default=0)  # as listed, without those left out
    bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    left_out: Mapped[int] = mapped_column(Integer, default=0)  # names that `exclude` leaves out
    problem: Mapped[str] = mapped_column(Text, default="")


class ArchiveWalkRow(Base):
    """One walk through an archive: listing, deciding, moving, reconciling."""

    __tablename__ = "archive_walk"
    __table_args__ = (UniqueConstraint("archive", "number"),)
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    archive: Mapped[str] = mapped_column(String(41))
    number: Mapped[int] = mapped_column(Integer)
    phase: Mapped[str] = mapped_column(String(12), default="listing")  # listing, listed, planned, moving, done
    started_at: Mapped[datetime]
    listed_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    counts: Mapped[dict[str, Any]] = mapped_column(default=dict)


class ArchiveFileRow(Base):
    """One file of an old archive and its one fate."""

    __tablename__ = "archive_file"
    __table_args__ = (
        UniqueConstraint("archive", "path"),
        Index("ix_archive_file_fate", "archive", "fate", "id"),
        Index("ix_archive_file_shard", "shard_id", "fate"),
    )
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    archive: Mapped[str] = mapped_column(String(41))
    path: Mapped[str] = mapped_column(String(700))  # under the root, as `archive_listing.key` writes it
    whole_path: Mapped[str] = mapped_column(Text, default="")  # where it is longer than `path` may be
    other: Mapped[str] = mapped_column(String(8), default="")  # what it is if no file: link, special
    bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    modified: Mapped[datetime | None]
    sha256: Mapped[str] = mapped_column(String(64), default="")  # once it was fetched
    kind: Mapped[str] = mapped_column(String(20), default="")
    fate: Mapped[str] = mapped_column(String(12), default=Fate.WAITING)
    reason: Mapped[str] = mapped_column(Text, default="")
    change: Mapped[str] = mapped_column(String(10), default="new")  # new, changed, same: against the walk before
    work_id: Mapped[int | None] = mapped_column(BigId, index=True)
    intake_id: Mapped[int | None] = mapped_column(BigId)
    shard_id: Mapped[int | None] = mapped_column(BigId)
    seen_in: Mapped[int] = mapped_column(Integer, default=0)  # number of the walk that last saw it


class PreflightRow(Base):
    """What a check found in one file against one set of expectations; the same bytes are not checked twice."""

    __tablename__ = "preflight"
    __table_args__ = (UniqueConstraint("sha256", "expectation"),)
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64))
    expectation: Mapped[str] = mapped_column(String(64))  # digest of what was expected, and of the check's version
    checked_at: Mapped[datetime]
    findings: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    facts: Mapped[dict[str, Any]] = mapped_column(default=dict)


class PackageRow(Base):
    """One package for one party: what was in it, what the checks said, which delivery carries it, which package it replaces."""

    __tablename__ = "package"
    __table_args__ = (
        UniqueConstraint("partner", "flow", "subject", "digest"),
        Index("ix_package_work", "work_id", "id"),
        Index("ix_package_partner", "partner", "id"),
    )
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    partner: Mapped[str] = mapped_column(String(41))
    flow: Mapped[str] = mapped_column(String(60))  # print_handoff, format_delivery, launch_packs, readiness_packages, ...
    subject: Mapped[str] = mapped_column(String(120))  # ISBN, or work and date
    revision: Mapped[int] = mapped_column(Integer)  # of this subject for this party: 1, 2, ...
    digest: Mapped[str] = mapped_column(String(64))  # of what is in it
    work_id: Mapped[int | None] = mapped_column(BigId)
    product_id: Mapped[int | None] = mapped_column(BigId)
    state: Mapped[str] = mapped_column(String(20), default="built")  # built, held, waiting, stopped, delivered, replaced
    reasons: Mapped[list[dict[str, Any]]] = mapped_column(default=list)  # why it is held or waits
    findings: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    ticket: Mapped[dict[str, Any]] = mapped_column(default=dict)
    delivery_id: Mapped[int | None] = mapped_column(BigId, index=True)
    replaces_id: Mapped[int | None] = mapped_column(BigId)
    built_at: Mapped[datetime]
    decided_by: Mapped[Person]
    decided_at: Mapped[datetime | None]
    files: Mapped[list[PackageFileRow]] = relationship(
        back_populates="package", order_by="PackageFileRow.position", cascade="all, delete-orphan"
    )


class PackageFileRow(Base):
    """One file of a package. `title_file_id` is the version it is; none for what was made for the package (ticket, manifest)."""

    __tablename__ = "package_file"
    __table_args__ = (UniqueConstraint("package_id", "name"),)
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    package_id: Mapped[int] = mapped_column(ForeignKey("package.id"), index=True)
    position: Mapped[int] = mapped_column(Integer, default=0)
    title_file_id: Mapped[int | None] = mapped_column(BigId, index=True)
    role: Mapped[str] = mapped_column(String(40))
    revision: Mapped[str] = mapped_column(String(20), default="")
    name: Mapped[str] = mapped_column(String(255))
    bytes: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64))
    package: Mapped[PackageRow] = relationship(back_populates="files")


class ReadinessRow(Base):
    """How ready one product is, as last assessed. `checks` are [{code, name, state, message, todo, due}]."""

    __tablename__ = "readiness"
    __table_args__ = (  # lists go by date of publication and turn pages by (publication_date, product_id)
        Index("ix_readiness_published", "publication_date", "product_id"),
        Index("ix_readiness_season", "season", "publication_date", "product_id"),
        Index("ix_readiness_imprint", "imprint", "publication_date", "product_id"),
        Index("ix_readiness_late", "late", "publication_date", "product_id"),
        Index("ix_readiness_state", "state", "publication_date", "product_id"),
        Index("ix_readiness_isbn", "isbn"),
    )
    product_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    work_id: Mapped[int] = mapped_column(BigId, index=True)
    isbn: Mapped[str] = mapped_column(String(20), default="")
    title: Mapped[str] = mapped_column(Text, default="")
    imprint: Mapped[str] = mapped_column(String(200), default="")
    season: Mapped[str] = mapped_column(String(100), default="")
    form: Mapped[str] = mapped_column(String(4), default="")
    format: Mapped[str] = mapped_column(String(100), default="")
    stage: Mapped[str] = mapped_column(String(200), default="")
    publication_date: Mapped[str] = mapped_column(String(10), default="")  # the planned one where there is no other
    state: Mapped[str] = mapped_column(String(12))  # ready, open, late, published
    late: Mapped[bool] = mapped_column(default=False)
    risk: Mapped[str] = mapped_column(String(10), default="")  # "", low, high
    done: Mapped[int] = mapped_column(Integer, default=0)
    wanted: Mapped[int] = mapped_column(Integer, default=0)
    checks: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    digest: Mapped[str] = mapped_column(String(64), default="")  # of all that the assessment read
    stable_until: Mapped[str] = mapped_column(String(10), default="")  # from this day on the same sources may read differently
    assessed_at: Mapped[datetime]


class ContractRow(Base):
    """Mirror of one Consonance contract. `content` is Consonance's own JSON, canonical."""

    __tablename__ = "contract"
    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    work_id: Mapped[int | None] = mapped_column(BigId, index=True)
    name: Mapped[str] = mapped_column(Text, default="")
    signed: Mapped[str] = mapped_column(String(10), default="")
    digest: Mapped[str] = mapped_column(String(64))
    content: Mapped[bytes] = mapped_column(LargeBinary)
    first_seen: Mapped[datetime]
    changed_at: Mapped[datetime]
    read_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]


class StageChangeRow(Base):
    """A work reached another stage, as the mirror saw it: the workflow's history, which Consonance does not give."""

    __tablename__ = "stage_change"
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    work_id: Mapped[int] = mapped_column(BigId, index=True)
    before: Mapped[str] = mapped_column(String(200), default="")
    after: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime] = mapped_column(index=True)


class BackupRow(Base):
    """One backup run: its manifest, what it added, whether the sample that was read back was right."""

    __tablename__ = "backup"
    __table_args__ = (UniqueConstraint("partner", "name"),)
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    partner: Mapped[str] = mapped_column(String(41))
    name: Mapped[str] = mapped_column(String(120))  # of the manifest at the archive
    sha256: Mapped[str] = mapped_column(String(64))
    delivery_id: Mapped[int | None] = mapped_column(BigId)
    made_at: Mapped[datetime] = mapped_column(index=True)
    objects: Mapped[int] = mapped_column(Integer, default=0)
    added: Mapped[int] = mapped_column(Integer, default=0)
    bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    added_bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    verified: Mapped[int] = mapped_column(Integer, default=0)
    problems: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    removed_at: Mapped[datetime | None]
