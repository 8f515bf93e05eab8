"""What passes between the parts of a feed: a rendered record, the reasons against it, the message it goes into.

Product ─▶ selection ─▶ rules ─▶ Renderer.render ─▶ schema gate ─▶ MessageWriter.add
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from types import TracebackType
from typing import BinaryIO, Protocol, Self

from include.titles.model import Product


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a record is held back: a code of `include.feeds.rules`, a sentence, what to do, and where in the record."""

    code: str
    message: str
    todo: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """One title, rendered for one partner.

    `body` is the record as it stands in the message, in the message's encoding, ending in a newline. `digest` is its
    sha256 without what only says when. From `stable_until` on, the same product may render differently (it becomes
    published, a price starts); None: never by itself. `blocks` gives a digest per ONIX block ("P1".."P8"), so that a
    block update can be told from a full one; empty for other formats.
    """

    product_id: int
    isbn: str
    reference: str
    notification: str  # List 1
    body: bytes
    digest: str
    stable_until: date | None = None
    blocks: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Header:
    """What a message says of itself. `sent` carries its zone."""

    message_number: int
    sent: datetime
    note: str = ""


class MessageWriter(Protocol):
    """Writes one message, record by record; memory does not grow with their number."""

    def add(self, record: Record | bytes) -> tuple[int, int]:
        """Appends a record (or the body of one that was rendered before); gives its offset and length in the file."""

    def no_product(self) -> None:
        """Says that nothing changed, in the way of the format (ONIX: NoProduct)."""

    def __enter__(self) -> Self: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Writes the end of the message, unless an error passes through."""


class Renderer(Protocol):
    """Renders in one partner's flavour."""

    flavour: str
    """Digest of all that shapes a record besides the title: partner's feed, house, renderer version."""
    label: str
    """For people: "ONIX 3.0 reference", "CSV"."""
    reusable: bool
    """A body may be copied into a later message as it is (not so for XLSX)."""

    def render(self, product: Product, today: date) -> Record:
        """The full record. Raises `RejectedData` if it can't be rendered."""

    def block_update(self, product: Product, today: date, blocks: tuple[int, ...]) -> Record:
        """A NotificationType 04 record with these blocks only (ONIX 3.0 and later)."""

    def message(self, out: BinaryIO, header: Header) -> MessageWriter:
        """A writer for one message; `out` is an open binary file at its start."""
