"""Hours of the day and bytes per second."""

from __future__ import annotations

from datetime import UTC, datetime, time

import pytest

from include.archives.bounds import Throttle, hours_a_day, opens_at
from include.errors import ConfigurationError
from include.partners.inboxes import Bounds


def at(hour: int, minute: int = 0, day: int = 21) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


NIGHT = Bounds(starts=time(22), ends=time(6))
DAY = Bounds(starts=time(9), ends=time(17, 30))


@pytest.mark.parametrize(
    ("bounds", "now", "opens"),
    [
        (Bounds(), at(12), None),
        (NIGHT, at(23), None),
        (NIGHT, at(5, 59), None),
        (NIGHT, at(6), at(22)),
        (NIGHT, at(21, 59), at(22)),
        (DAY, at(9), None),
        (DAY, at(17, 30), at(9, 0, 22)),
        (DAY, at(3), at(9)),
        (Bounds(starts=time(20)), at(19), at(20)),
        (Bounds(starts=time(20)), at(23, 59), None),
        (Bounds(ends=time(6)), at(3), None),
        (Bounds(ends=time(6)), at(7), at(0, 0, 22)),
        (Bounds(starts=time(4), ends=time(4)), at(12), None),
        (Bounds(starts=time(22), ends=time(6), timezone="Asia/Tokyo"), at(12), at(13)),  # 21:00 there
        (Bounds(starts=time(22), ends=time(6), timezone="Asia/Tokyo"), at(14), None),
    ],
)
def test_files_are_fetched_at_the_archive_s_own_hours(bounds, now, opens):
    assert opens_at(bounds, now) == opens


def test_the_night_on_which_clocks_change_opens_by_the_wall_clock():
    summer = Bounds(starts=time(1, 30), ends=time(5), timezone="Europe/London")
    assert opens_at(summer, datetime(2026, 10, 24, 12, tzinfo=UTC)) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert opens_at(summer, datetime(2026, 10, 25, 12, tzinfo=UTC)) == datetime(2026, 10, 26, 1, 30, tzinfo=UTC)


def test_an_unknown_time_zone_says_so():
    with pytest.raises(ConfigurationError, match="Mars/Olympus"):
        opens_at(Bounds(starts=time(1), timezone="Mars/Olympus"), at(12))


def test_hours_of_a_day():
    assert [hours_a_day(bounds) for bounds in (Bounds(), NIGHT, DAY, Bounds(starts=time(20)), Bounds(ends=time(6)))] == [24, 8, 8.5, 4, 6]


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds <= 5
        self.now += seconds


def test_a_throttle_keeps_to_its_rate_and_saves_nothing_up_for_later():
    clock = Clock()
    throttle = Throttle(1000.0, clock=clock, sleep=clock.sleep)
    for _ in range(100):
        throttle.take(500)
    assert clock.now == pytest.approx(150.0)
    clock.now += 3600
    began = clock.now
    for _ in range(100):
        throttle.take(500)
    assert clock.now - began >= 48.9


def test_without_a_bound_nobody_waits():
    Throttle(None, sleep=lambda seconds: pytest.fail("it waited")).take(10**12)
