"""What goes out, what came of it, and what lies at the partner. Sizes are bytes, times are seconds, moments carry a zone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Literal, NamedTuple, Protocol

from include.errors import ColophonError

Verified = Literal["size", "hash", "swept"]


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A file to publish. `open` gives its bytes from the start, each time anew; `sha256` is what they must come to.

    `role`: `message` goes after everything else, `manifest` after the messages, the rest (`cover`, …) first.
    """

    name: str
    folder: str
    bytes: int
    sha256: str
    open: Callable[[], BinaryIO]
    role: str = "message"


@dataclass(frozen=True, slots=True)
class Published:
    """A file that is at the partner under its final name.

    `verified`: `size` was compared, the `hash` of the bytes read back was, or the partner had `swept` it away.
    `resumed_from` counts bytes that an earlier attempt had left there. `skipped`: it was there already, nothing was sent.
    """

    name: str
    remote_path: str
    bytes: int
    sha256: str
    seconds: float
    verified: Verified
    resumed_from: int = 0
    skipped: bool = False
    host_key: str = ""
    role: str = "message"


@dataclass(frozen=True, slots=True)
class Failure:
    """A file that did not arrive, and why. `error` says whether trying again can help."""

    name: str
    error: ColophonError


@dataclass(frozen=True, slots=True)
class RemoteEntry:
    """One name in a remote folder. `modified` is None where the server does not say; `bytes` is 0 for folders."""

    name: str
    path: str
    bytes: int
    modified: datetime | None = None
    is_dir: bool = False


class Listed(NamedTuple):
    """One name of a folder, exactly as the server gives it, for who must account for every one of them.

    Bytes of the name that are not UTF-8 stand as lone surrogates (`surrogateescape`). `sort` is `file`, `folder`, `link`,
    `special` (a device, a socket), or `unnamed`: nothing of that name can be asked for. `modified` is None where untold.
    """

    name: str
    bytes: int
    modified: datetime | None
    sort: str


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file that was read from the partner: as many bytes as it had before and after."""

    entry: RemoteEntry
    bytes: int
    sha256: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a connection's check. `todo` says how to mend what failed."""

    name: str
    ok: bool
    message: str = ""
    todo: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """Something worth keeping about one file.

    `what` is `resumed`, `retried`, `replaced`, `published`, `skipped`, `failed`, `held back` or `fetched`.
    """

    what: str
    name: str
    detail: str = ""
    bytes: int = 0
    seconds: float = 0.0


class OnProgress(Protocol):
    """Told now and then, in the caller's thread, how many of a file's bytes have gone."""

    def __call__(self, name: str, done: int, total: int) -> None: ...


class OnEvent(Protocol):
    """Told, in the caller's thread, what happened to a file."""

    def __call__(self, event: Event) -> None: ...


def no_progress(name: str, done: int, total: int) -> None:
    """For callers who do not watch."""


def no_event(event: Event) -> None:
    """For callers who do not listen."""
