"""What Getty Images' refusals mean to us. `code` is Getty's ErrorCode ("" where it gave none), `status` the HTTP status.

Getty's ErrorCodes are open text, and the gateway before the API answers without any; the class follows from both. Messages
hold the code alone, never Getty's own sentence: it may repeat what was sent.
"""

from __future__ import annotations

from include.errors import CapabilityMissing, ColophonError, LoginRefused, PermanentError, TransientError


class GettyError(ColophonError):
    """Anything that Getty answered with an error status."""

    code: str = ""
    status: int = 0


class KeyRefused(GettyError, LoginRefused):
    """401 with a fresh token: key, secret or user are wrong, or the asset is not covered by the agreement."""


class UserNeeded(KeyRefused):
    """UserTokenRequired: this key works with a user's name and password only."""


class NotEnabled(GettyError, CapabilityMissing):
    """403: Getty has not enabled this for our key, or for this one record. Never tried again."""


class NotFound(GettyError, PermanentError):
    """404: there is no such thing (any more)."""


class Refused(GettyError, PermanentError):
    """Any other 4xx: the request itself is wrong."""


class AllowanceUsedUp(GettyError, PermanentError):
    """OverageLimitReached: the product has no downloads left."""


class Throttled(GettyError, TransientError):
    """429, or the older 403 with `X-Error-Detail`: refused before anything was done.

    Getty says neither how long to wait nor how much is left. `daily` is the older gateway's limit per day: `retry_after`
    is then an hour of ours.
    """

    daily: bool = False


class AmbiguousDownload(PermanentError):
    """Nobody knows whether Getty counted this download: look into the download history before another is asked for.

    Permanent, so that no retry sends the request a second time by itself.
    """


class LinkExpired(PermanentError):
    """The delivery host no longer gives the file: its address is good for 24 hours."""
