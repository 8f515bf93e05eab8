"""The six partners of the make-believe publisher: how each one's server behaves. What we send them is in `config/partners`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

FOLDERS = ("inbox", "inbox/covers", "acks", "reports", "outbox")


@dataclass(frozen=True)
class Profile:
    """One partner's server.

    `sweeps`: a whole file under /inbox is taken to /swept the moment it has its final name.
    `renames`: whether the server lets clients rename. `answers`: how the partner tells what it made of a file.
    """

    id: str
    protocol: Literal["sftp", "ftp", "ftps"]
    login: Literal["key", "password"] = "password"
    sweeps: bool = False
    renames: bool = True
    answers: Literal["", "onix", "csv", "rename"] = ""

    @property
    def connection(self) -> str:
        return f"partner_{self.id}"


ROSTER = (
    Profile("northgate", "sftp", login="key", answers="onix"),
    Profile("meridian", "sftp", answers="csv"),
    Profile("librarium", "ftps"),
    Profile("fennimore", "ftp", answers="rename"),
    Profile("quickshelf", "sftp", sweeps=True),
    Profile("dropwell", "sftp", renames=False),
)


def home_of(root: Path, partner: str) -> Path:
    """The folder that the partner's server shows as `/`."""
    return root / "partners" / partner


def make_home(root: Path, partner: str) -> Path:
    home = home_of(root, partner)
    for folder in FOLDERS:
        (home / folder).mkdir(parents=True, exist_ok=True)
    return home


def is_travelling(name: str) -> bool:
    """Whether a file name says that the file is not whole yet, by the customs of SFTP clients."""
    return name.startswith(".") or name.lower().endswith((".part", ".filepart", ".partial", ".tmp", ".temp", ".uploading", ".xot"))
