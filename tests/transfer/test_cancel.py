"""A task that is told to end in mid-upload (Airflow's time-out raises in a signal handler) ends soon; the next one goes on."""

from __future__ import annotations

import os
import signal
import threading
import time
from types import FrameType

import pytest

from include.transfer.publish import publish
from tests.transfer.conftest import FTP, FTPS, SFTP, Partners, file, send

CONTENT = os.urandom(12 << 20)


class ToldToEnd(BaseException):
    """What the task runner raises."""


@pytest.mark.parametrize("number", [signal.SIGALRM, signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("partner", [SFTP, FTP, FTPS])
def test_task_that_is_told_to_end_ends_soon_and_the_next_one_goes_on(partners: Partners, partner: str, number: signal.Signals) -> None:
    def end(number: int, frame: FrameType | None) -> None:
        raise ToldToEnd

    expected = KeyboardInterrupt if number == signal.SIGINT else ToldToEnd

    partners.switches.set(partner, "slow", bytes=1 << 20)
    # SIGINT is ignored in what a shell starts in the background, so its handler is set, too.
    before = signal.signal(number, signal.default_int_handler if number == signal.SIGINT else end)
    inbox, told, over = partners.inbox(partner), [], threading.Event()

    def tell() -> None:
        """In mid-upload, however long it took to come there."""
        while not over.wait(0.05):
            if any(path.stat().st_size > 1 << 20 for path in inbox.glob(".*.part")):
                told.append(time.monotonic())
                os.kill(os.getpid(), number)
                return

    alarm = threading.Thread(target=tell)
    alarm.start()
    try:
        with partners.remote(partner, parallel=2) as remote, pytest.raises(expected):
            publish(remote, [file("a.xml", CONTENT), file("b.xml", CONTENT[::-1])], remote.transport)
        assert time.monotonic() - told[0] < 6, "the rest would have taken longer"
    finally:
        over.set()
        alarm.join()
        signal.signal(number, before)
    assert not [path for path in inbox.iterdir() if path.name.endswith(".xml")]
    partners.switches.on.clear()
    with partners.remote(partner) as remote:
        sent = send(remote, file("a.xml", CONTENT), file("b.xml", CONTENT[::-1]))
    assert sent.all_arrived
    assert (inbox / "a.xml").read_bytes() == CONTENT
    assert (inbox / "b.xml").read_bytes() == CONTENT[::-1]
    assert sorted(path.name for path in inbox.iterdir() if path.is_file()) == ["a.xml", "b.xml"]
