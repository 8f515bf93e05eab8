"""How hard an archive's server may be used: at which hours, and how many bytes a second."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from include.errors import ConfigurationError
from include.partners.inboxes import Bounds

LONGEST_SLEEP = 5.0  # seconds at a time: keep-alives must get their turn


def opens_at(bounds: Bounds, now: datetime) -> datetime | None:
    """None while files may be fetched; else the moment from which they may, in the zone of `now`.

    `starts` 22:00 and `ends` 06:00 is the night. Only `starts`: from then to midnight; only `ends`: from midnight to then.
    Raises `ConfigurationError` for a time zone that nobody knows.
    """
    if (bounds.starts is None and bounds.ends is None) or bounds.starts == bounds.ends:
        return None
    try:
        zone = ZoneInfo(bounds.timezone)
    except (ZoneInfoNotFoundError, ValueError) as unknown:
        raise ConfigurationError(f"there is no time zone {bounds.timezone!r}", where="bounds", todo="As in Europe/London.") from unknown
    here = now.astimezone(zone)
    clock = here.time().replace(tzinfo=None)
    starts = bounds.starts or clock.min
    ends = bounds.ends
    if ends is None:
        is_open = clock >= starts
    elif starts < ends:
        is_open = starts <= clock < ends
    else:
        is_open = clock >= starts or clock < ends
    if is_open:
        return None
    day = here.date() if clock < starts else here.date() + timedelta(days=1)
    return datetime.combine(day, starts, tzinfo=zone).astimezone(now.tzinfo)


def hours_a_day(bounds: Bounds) -> float:
    """How long files may be fetched each day."""
    if (bounds.starts is None and bounds.ends is None) or bounds.starts == bounds.ends:
        return 24.0
    starts, ends = (0.0 if each is None else each.hour + each.minute / 60 for each in (bounds.starts, bounds.ends))
    return (ends - starts) % 24 or 24.0


class Throttle:
    """Lets so many bytes a second through, over all files of one worker; what was not used for a while is not saved up.

    It holds up who calls it: over SFTP that is the connection, which is the point.
    """

    def __init__(
        self,
        bytes_per_second: float | None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.rate = bytes_per_second
        self._clock, self._sleep = clock, sleep
        self._lock = threading.Lock()
        self._free_at = clock()

    def take(self, size: int) -> None:
        if not self.rate:
            return
        with self._lock:
            now = self._clock()
            self._free_at = max(self._free_at, now - 1.0) + size / self.rate
            wait = self._free_at - now
        while wait > 0:
            self._sleep(min(wait, LONGEST_SLEEP))
            wait -= LONGEST_SLEEP
