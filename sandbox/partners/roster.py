"""Everybody the make-believe publisher exchanges files with: how each one's server behaves.

What goes to whom and what comes from whom is in `config/partners`, `config/inboxes` and `config/archives`, which name the connections.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

FOLDERS = ("inbox", "inbox/covers", "acks", "reports", "outbox")


@dataclass(frozen=True)
class Profile:
    """One server. Its connection is `<role>_<id>`: what a party is to us, and its short name, under which its home and its faults go.

    `folders`: those that are there from the first day.
    `sweeps`: a whole file under /inbox is taken to /swept the moment it has its final name.
    `renames`: whether the server lets clients rename. `answers`: how the partner tells what it made of a file.
    """

    id: str
    protocol: Literal["sftp", "ftp", "ftps"]
    login: Literal["key", "password"] = "password"
    sweeps: bool = False
    renames: bool = True
    answers: Literal["", "onix", "csv", "rename"] = ""
    role: Literal["partner", "inbox", "archive"] = "partner"
    folders: tuple[str, ...] = FOLDERS

    @property
    def connection(self) -> str:
        return f"{self.role}_{self.id}"


FEEDS = (
    Profile("northgate", "sftp", login="key", answers="onix"),
    Profile("meridian", "sftp", answers="csv"),
    Profile("librarium", "ftps"),
    Profile("fennimore", "ftp", answers="rename"),
    Profile("quickshelf", "sftp", sweeps=True),
    Profile("dropwell", "sftp", renames=False),
)
SENDERS = (
    Profile("authors", "ftp", role="inbox", folders=("incoming", "incoming/Questionnaires", "incoming/Permissions")),
    Profile("agency", "sftp", role="inbox", folders=("delivery",)),
    Profile("rights", "sftp", role="inbox", folders=("documents",)),
    Profile("sales", "sftp", role="inbox", folders=("reports",)),
    Profile("titles", "ftp", role="inbox", folders=("sheets", "sheets/answers")),
    Profile("statements", "sftp", role="inbox", folders=("exports",)),
)
MAKERS = (
    Profile("compositor", "sftp", folders=("out", "in", "in/readiness")),  # takes reports, and is the inbox `typesetter`
    Profile("pressmark", "sftp", login="key", folders=("jobs", "readiness")),
    Profile("inkwell", "ftps", folders=("in", "readiness")),
    Profile("leafcast", "sftp", folders=("epub",)),
    Profile("soundleaf", "sftp", folders=("masters",)),
    Profile("clearpage", "sftp", folders=("in",)),
    Profile("bookbarn", "sftp", folders=("launch",)),
    Profile("salesroom", "ftp", folders=("packs", "releases")),
)
RIGHTS = (
    Profile("foxglove", "sftp", folders=("statements", "rights")),
    Profile("merrow", "ftps", folders=("statements", "rights")),
    Profile("countinghouse", "sftp", folders=("statements", "finance")),
    Profile("farshore", "ftp", folders=("rights",)),
)
ARCHIVES = (
    Profile("strongroom", "sftp", folders=("backup",)),
    Profile("vault", "sftp", role="archive", folders=("archive",)),
)
ROSTER = FEEDS + SENDERS + MAKERS + RIGHTS + ARCHIVES


def home_of(root: Path, partner: str) -> Path:
    """The folder that the partner's server shows as `/`."""
    return root / "partners" / partner


def make_home(root: Path, profile: Profile) -> Path:
    home = home_of(root, profile.id)
    for folder in profile.folders:
        (home / folder).mkdir(parents=True, exist_ok=True)
    return home


def is_travelling(name: str) -> bool:
    """Whether a file name says that the file is not whole yet, by the customs of SFTP clients."""
    return name.startswith(".") or name.lower().endswith((".part", ".filepart", ".partial", ".tmp", ".temp", ".uploading", ".xot"))
