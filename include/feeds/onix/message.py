"""The message around the records: prologue, header, end."""

from __future__ import annotations

import re
from datetime import UTC
from types import TracebackType
from typing import BinaryIO, Self

from include.errors import ConfigurationError
from include.feeds.onix.flavour import Flavour
from include.feeds.onix.text import refuse_illegal
from include.feeds.record import Header, Record
from include.partners.model import Addressee, Sender

_NAMESPACE = {
    "2.1": "http://www.editeur.org/onix/2.1/{tags}",
    "3.0": "http://ns.editeur.org/onix/3.0/{tags}",
    "3.1": "http://ns.editeur.org/onix/3.1/{tags}",
}
_CONTROLS = bytes(byte for byte in range(32) if byte not in b"\t\n\r")
_NONCHARACTER = re.compile(b"\xef\xbf[\xbe\xbf]").search  # U+FFFE and U+FFFF in UTF-8
_CODEC = {"utf-16": "utf-16-le"}  # the byte-order mark stands once, at the start of the file


def encode(text: str, encoding: str) -> bytes:
    """In the message's encoding, with character references for what that lacks, and without a byte-order mark."""
    return text.encode(_CODEC.get(encoding, encoding), "xmlcharrefreplace")


def encode_record(text: str, encoding: str, where: str) -> bytes:
    """As `encode`. Raises `RejectedData` for a character that XML can't hold, not even as a reference."""
    if encoding == "utf-8":
        try:
            data = text.encode()
        except UnicodeEncodeError:
            refuse_illegal(text, where)
            raise
        # deleting bytes and comparing lengths is several times faster than a search by character class
        if len(data.translate(None, _CONTROLS)) == len(data) and not _NONCHARACTER(data):
            return data
    refuse_illegal(text, where)
    return encode(text, encoding)


def prologue(release: str, tags: str, encoding: str) -> bytes:
    """XML declaration and the root's start tag, as every message of this flavour begins."""
    mark = b"\xff\xfe" if encoding == "utf-16" else b""
    namespace = _NAMESPACE[release].format(tags=tags)
    root = "ONIXmessage" if tags == "short" else "ONIXMessage"
    text = f'<?xml version="1.0" encoding="{encoding.upper()}"?>\n<{root} release="{release}" xmlns="{namespace}">\n'
    return mark + encode(text, encoding)


def epilogue(tags: str, encoding: str) -> bytes:
    return encode("</ONIXmessage>\n" if tags == "short" else "</ONIXMessage>\n", encoding)


def header_of(f: Flavour, about: Header) -> str:
    """Who sends to whom, which number, when. No defaults are set: every record says its own language, price type and currency."""
    x = f.x
    return x.of(
        "Header",
        _party(f, "Sender", f.house.sender),
        _party(f, "Addressee", f.partner.addressee),
        x("MessageNumber", str(about.message_number) if about.message_number > 0 else ""),
        x("SentDateTime", f"{about.sent.astimezone(UTC):%Y%m%dT%H%M%S}+0000"),
        x("MessageNote", about.note),
    )


def _party(f: Flavour, role: str, who: Sender | Addressee) -> str:
    x = f.x
    return x.of(
        role,
        f.x.identifier(role, "06", who.gln),
        f.x.identifier(role, "07", who.san),
        x(f"{role}Name", who.name),
        x("ContactName", who.contact),
        x("EmailAddress", who.email),
    )


class OnixWriter:
    """Writes one message, record by record; memory does not grow with their number."""

    def __init__(self, out: BinaryIO, start: bytes, end: bytes, nothing: bytes) -> None:
        self._out, self._start, self._end, self._nothing = out, start, end, nothing
        self._at = 0
        self._empty = True

    def add(self, record: Record | bytes) -> tuple[int, int]:
        body = record if isinstance(record, bytes) else record.body
        at = self._at
        self._write(body)
        self._empty = False
        return at, len(body)

    def no_product(self) -> None:
        if not self._nothing:
            raise ConfigurationError(
                "ONIX 2.1 has no way to say that nothing changed", where="feed.empty", todo='Set empty = "skip" in the partner\'s file.'
            )
        self._write(self._nothing)
        self._empty = False

    def __enter__(self) -> Self:
        self._write(self._start)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is not None:
            return
        if self._empty:  # a message must hold something
            self.no_product()
        self._write(self._end)

    def _write(self, data: bytes) -> None:
        self._out.write(data)
        self._at += len(data)
