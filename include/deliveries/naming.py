"""Names of the files that partners get, from the masks in their own files."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import datetime, timedelta

from include.errors import ConfigurationError
from include.partners import Partner

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def slug(text: str) -> str:
    """ASCII letters, digits and hyphens: safe in a file name on any server."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    name = _UNSAFE.sub("-", plain).strip("-").lower()
    return name if name.strip(".") else "x"  # not "..", which is another folder


def file_name(partner: Partner, sender: str, *, kind: str, message_number: int, now: datetime) -> str:
    """The message's name. `now` is in the partner's time zone; kind is FULL, DELTA or EMPTY.

    Raises `ConfigurationError` if the mask names something unknown or gives no plain file name.
    """
    where = f"config/partners/{partner.id}.toml, feed.file_name"
    try:
        name = partner.feed.file_name.format(
            sender=slug(sender), partner=partner.id, date=now, message_number=message_number, kind=kind.upper()
        )
    except (KeyError, IndexError, ValueError) as bad:
        raise ConfigurationError(
            f"the mask {partner.feed.file_name!r} can't be filled: {bad}",
            where=where,
            todo="Use sender, partner, date, message_number and kind only.",
        ) from bad
    if not name or "/" in name or "\\" in name or name.startswith(".") or any(ord(c) < 32 for c in name):
        raise ConfigurationError(f"{name!r} is no file name", where=where, todo="Folders belong in transport.folder.")
    return name


def free_name(
    partner: Partner, sender: str, *, kind: str, message_number: int, now: datetime, suffix: str = "", taken: Callable[[str], bool]
) -> str:
    """As `file_name`, but never one that another message of the partner bears, where the mask tells seconds: two messages of one
    second get two of them. A mask without time or number wants the same name each time, and keeps it."""

    def at(moment: datetime) -> str:
        return file_name(partner, sender, kind=kind, message_number=message_number, now=moment) + suffix

    minute = now.replace(second=0)
    if at(minute) == at(minute.replace(second=1)):
        return at(now)
    return next(name for later in range(100_000) if not taken(name := at(now + timedelta(seconds=later))))
