"""Colophon's errors, sorted by what to do about them.

The class decides the retry (`colophon.policy`): configuration and permanent errors fail at once, transient ones are
tried again with growing delay, rejected data sets one record aside and lets the rest go on. A message says what is
wrong, where, and what to do; it never holds a secret.
"""

from __future__ import annotations


class ColophonError(Exception):
    """Anything that Colophon raises on purpose.

    `what` is wrong, `where` (file, row, ISBN, partner, address), and what `todo` about it: one sentence each.
    """

    def __init__(self, what: str, *, where: str = "", todo: str = "") -> None:
        self.what, self.where, self.todo = what, where, todo
        super().__init__(what, where, todo)

    def reason(self, code: str, where: str = "") -> dict[str, str]:
        """As the ledger keeps reasons: {code, message, where, todo}; `where` stands in where the error does not say."""
        return {"code": code, "message": self.what, "where": self.where or where, "todo": self.todo}

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text.rstrip('.')}. {self.todo}" if self.todo else text


class ConfigurationError(ColophonError):
    """A file in `config/`, a connection or a setting is wrong: mend it, then start a new run."""


class CapabilityMissing(ConfigurationError):
    """The service, as this tenant has it, does not offer an operation that the flow needs."""


class LoginRefused(ConfigurationError):
    """The other side refused our credentials."""


class HostKeyMismatch(ConfigurationError):
    """The server showed another host key or certificate than the one we trust."""


class PermanentError(ColophonError):
    """The other side refused for good (no permission, no space, unknown path): trying again would not help."""


class TransientError(ColophonError):
    """The network or the other side failed for now: try again, after `retry_after` seconds where it said so."""

    def __init__(self, what: str, *, where: str = "", todo: str = "", retry_after: float | None = None) -> None:
        super().__init__(what, where=where, todo=todo)
        self.retry_after = retry_after


class RejectedData(ColophonError):
    """One record or file can't be used: it is set aside with this reason and the rest goes on."""
