"""One call of the SDK: bounded in time, watched for the hour's allowance, repeated where that does no harm, classified when it fails."""

from __future__ import annotations

import calendar
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import urllib3

from include.clients.cloudinary.account import Account
from include.clients.cloudinary.errors import AllowanceUsedUp, classified, refused
from include.clients.exchange import Patience
from include.errors import ColophonError


@dataclass(frozen=True, slots=True)
class Allowance:
    """Admin requests of this hour, as the last answer told them (X-FeatureRateLimit-Limit, -Remaining, -Reset)."""

    limit: int
    remaining: int
    resets: datetime | None


class Deadline(urllib3.Timeout):
    """`seconds` for all of the library's own repetitions of a request together; plain time-outs start anew with each of them.

    Where a server sends Retry-After, urllib3 also waits by itself, as long as it is told, and that nothing here can shorten.
    `connect` bounds the connecting and, since that is one setting there, the sending: a large body needs as long as the answer.
    """

    def __init__(self, seconds: float, *, connect: float = 10.0) -> None:
        super().__init__(connect=min(connect, seconds), read=seconds)
        self._until, self._connect_most = time.monotonic() + seconds, connect

    def clone(self) -> urllib3.Timeout:
        left = self._until - time.monotonic()
        if left <= 0:
            raise urllib3.exceptions.TimeoutError("out of time")
        return urllib3.Timeout(connect=min(self._connect_most, left), read=left)


class Caller:
    """Calls for one account. Safe to use from several threads.

    `reserve` is how many of the hour's admin requests are left to others. `now` is a clock with a time zone.
    """

    def __init__(
        self,
        account: Account,
        *,
        timeout: float,
        upload_timeout: float,
        patience: Patience,
        reserve: int,
        sleep: Callable[[float], None],
        now: Callable[[], datetime],
    ) -> None:
        self.account, self.patience = account, patience
        self._timeout, self._upload_timeout, self._reserve = timeout, upload_timeout, reserve
        self.sleep, self._now = sleep, now
        self._lock = threading.Lock()
        self._allowance: Allowance | None = None

    @property
    def allowance(self) -> Allowance | None:
        with self._lock:
            return self._allowance

    def where(self, what: str) -> str:
        return f"{self.account.name}: {what}"

    def admin(
        self, what: str, function: Callable[..., Any], *arguments: Any, repeat: bool = True, record: bool = False, **options: Any
    ) -> Any:
        """A call of `cloudinary.api`. It counts against the hour's allowance: `AllowanceUsedUp` where that is at its end."""

        def once() -> Any:
            self._have_allowance(what)
            answer = function(*arguments, **options, **self.account.options(), timeout=Deadline(self._timeout))
            self._saw(answer)
            return answer

        return self._tried(what, once, repeat=repeat, record=record, seconds=self._timeout)

    def upload(self, what: str, function: Callable[..., Any], *arguments: Any, repeat: bool = False, **options: Any) -> Any:
        """A call of `cloudinary.uploader`: signed, without a limit of its own that is known."""

        def once() -> Any:
            given = {"upload_preset": None} | options | self.account.options()
            deadline = Deadline(self._upload_timeout, connect=self._upload_timeout)
            answer = function(*arguments, **given, timeout=deadline, return_error=True)
            if isinstance(answer, dict) and isinstance(error := answer.get("error"), dict):
                status, words = int(error.get("http_code") or 500), str(error.get("message") or "")
                raise refused(status, words, self.where(what), record=True, secrets=self.account.secrets)
            return answer

        return self._tried(what, once, repeat=repeat, record=True, seconds=self._upload_timeout)

    def _tried(self, what: str, once: Callable[[], Any], *, repeat: bool, record: bool, seconds: float) -> Any:
        return self.patience.tried(lambda: self._classified(what, once, record=record, seconds=seconds), self.sleep, repeat=repeat)

    def _classified(self, what: str, once: Callable[[], Any], *, record: bool, seconds: float) -> Any:
        try:
            return once()
        except ColophonError:
            raise
        except Exception as bad:  # noqa: BLE001 - the SDK raises a bare Exception for statuses that it does not know
            found = classified(bad, self.where(what), record=record, secrets=self.account.secrets, seconds=seconds)
        if isinstance(found, AllowanceUsedUp):
            found.retry_after = self._until_reset()  # the SDK's exceptions have no headers: from the last good answer
        raise found  # not chained: the SDK's words may hold a key or a signature

    # --- the hour's allowance

    def _saw(self, answer: Any) -> None:
        limit, remaining = getattr(answer, "rate_limit_allowed", None), getattr(answer, "rate_limit_remaining", None)
        if not isinstance(limit, int) or not isinstance(remaining, int):
            return
        resets = getattr(answer, "rate_limit_reset_at", None)
        try:
            moment = datetime.fromtimestamp(calendar.timegm(resets), UTC) if resets else None
        except (TypeError, ValueError, OverflowError):
            moment = None
        with self._lock:
            self._allowance = Allowance(limit, remaining, moment)

    def _have_allowance(self, what: str) -> None:
        known = self.allowance
        if known is None or known.resets is None or known.resets <= self._now():
            return
        if known.remaining <= min(self._reserve, known.limit // 10):
            left = f"{known.remaining} of {known.limit} admin requests of this hour are left"
            raise AllowanceUsedUp(left, where=self.where(what), retry_after=self._until_reset())

    def _until_reset(self) -> float | None:
        known = self.allowance
        if known is None or known.resets is None:
            return None
        return max(1.0, (known.resets - self._now()).total_seconds() + 1.0)
