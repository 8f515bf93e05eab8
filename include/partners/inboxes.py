"""Where files come from: inboxes (`config/inboxes/<id>.toml`), archives (`config/archives/<id>.toml`) and who may see what
(`config/people.toml`)."""

from __future__ import annotations

from datetime import time
from typing import Literal

from pydantic import Field

from include.partners.model import Schedule, Transport
from include.partners.tables import FileTable, Role, Table

KindName = Literal[
    "manuscript", "questionnaire", "permission", "artwork", "jacket", "interior", "ebook", "audio", "contract", "statement",
    "promotional", "unknown",
]  # fmt: skip


class Finished(Table):
    """How we know that an upload is over."""

    rule: Literal["two_looks", "done_file", "manifest", "rename", "folder"] = Field(
        default="two_looks",
        description="two_looks: size and time did not change between two looks. done_file: an empty file beside it says so. manifest: a "
        "manifest (`manifest.json`, `SHA256SUMS`) names it with size or hash. rename: temporary names (`.part`, `.tmp`, leading dot) are "
        "left alone, all others are whole. folder: everything in a sub-folder is one delivery, whole once the done-file is in it.",
    )
    settle_seconds: int = Field(default=60, ge=0, description="two_looks: seconds between the looks, at least.")
    done: str = Field(default="{name}.done", description="Name mask of the done-file; for `folder`, its name in the folder.")
    manifest: tuple[str, ...] = Field(default=("manifest.json", "SHA256SUMS"), description="Names that a manifest may have.")


class Limits(Table):
    """What is larger is set aside unread."""

    file_bytes: int = Field(default=8_000_000_000, gt=0, description="One file.")
    files: int = Field(default=5_000, gt=0, description="Files taken in one run; the rest waits for the next.")
    unpacked_bytes: int = Field(default=20_000_000_000, gt=0, description="All members of one archive together.")
    members: int = Field(default=10_000, gt=0, description="Members of one archive.")
    ratio: int = Field(default=200, gt=1, description="Unpacked bytes for each packed byte.")
    depth: int = Field(default=2, ge=0, description="Archives within archives.")
    pixels: int = Field(default=900_000_000, gt=0, description="Width times height of one image.")


class Inbox(FileTable):
    """One place that somebody drops files in."""

    name: str
    sender: str = Field(default="", description="Who drops files here, for people: `Authors and agents`.")
    enabled: bool = True
    flow: Literal["partner_intake", "rights_documents", "sales_load", "title_import", "royalty_statements"] = Field(
        default="partner_intake", description="What becomes of its files: versions on titles, or rows that a flow reads."
    )
    mapping: str = Field(default="", description="title_import: how its sheets are read, a file of `config/mappings`.")
    transport: Transport = Field(description="`folder` is the inbox. Its commit rule is not used.")
    schedule: Schedule = Schedule(cron="*/15 * * * *")
    watch_minutes: int = Field(
        default=0, ge=0, le=720, description="sftp: so long a scheduled run goes on watching, without a worker, until something new is "
        "whole; keep it shorter than the time between two runs. 0: one look.",
    )  # fmt: skip
    pattern: tuple[str, ...] = Field(default=("**",), description="Paths under the folder that are looked at (glob).")
    exclude: tuple[str, ...] = Field(default=(), description="Paths that are left alone (glob). `processed/` always is.")
    kinds: tuple[KindName, ...] = Field(default=(), description="Expected kinds; another one is set aside. Empty: all.")
    folders: dict[str, KindName] = Field(default_factory=dict, description="Kind of everything under a folder, where the folder says it.")
    finished: Finished = Finished()
    originals: Literal["move", "delete", "leave"] = Field(
        default="move", description="What becomes of the original once the store has it and its hash was verified."
    )
    processed: str = Field(default="processed", description="Folder under the inbox for originals (move).")
    limits: Limits = Limits()
    review: tuple[Role, ...] = Field(default=(), description="Roles that must all approve a file before it counts as approved.")
    restricted: Role | Literal[""] = Field(default="", description="Role that may see and fetch these files; empty: everybody.")
    notify: tuple[str, ...] = Field(default=(), description="Mail addresses told of what was set aside.")


class Bounds(Table):
    """How hard an archive's server may be used."""

    connections: int = Field(default=4, ge=1, le=64)
    bytes_per_second: int | None = Field(default=None, ge=1)
    starts: time | None = Field(default=None, description="Local time from which files may be fetched; before it the run waits.")
    ends: time | None = Field(default=None, description="Local time until which files may be fetched.")
    timezone: str = "Europe/London"


class Archive(FileTable):
    """An old archive that is brought over once (`migrate`), or kept in step with the title records (`sync`)."""

    name: str
    enabled: bool = True
    mode: Literal["migrate", "sync"] = "migrate"
    transport: Transport = Field(description="`folder` is the archive's root.")
    schedule: Schedule = Schedule(cron="")
    exclude: tuple[str, ...] = Field(default=(), description="Paths that are not looked at (glob).")
    folders: dict[str, KindName] = Field(default_factory=dict, description="Kind of everything under a folder of this name.")
    shard_files: int = Field(default=2_000, ge=1, description="Files of one shard: one mapped task.")
    bounds: Bounds = Bounds()
    limits: Limits = Limits()
    restricted: Role | Literal[""] = ""
    notify: tuple[str, ...] = ()


class People(Table):
    """Roles and the Airflow user names that have them. An Airflow admin has every role."""

    roles: dict[Role, tuple[str, ...]] = Field(default_factory=dict)

    def has(self, user: str, role: str) -> bool:
        """Whether this Airflow user has the role; everybody has the empty one."""
        return not role or user in self.roles.get(role, ())
