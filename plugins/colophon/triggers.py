"""Waits that need no worker. They run in the triggerer, which imports this module by name from `plugins/`.

The stock `SFTPTrigger` is not used: one refused connection ends it, it does not tell a whole file from one that grows, and its
comparison of times is off by the worker's zone.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

POLL = 20.0  # seconds between two listings; what is new is told after the second one that shows it unchanged
LONGEST_PAUSE = 300.0  # seconds, while the server can't be reached

log = logging.getLogger(__name__)


class InboxTrigger(BaseTrigger):
    """Ends when an SFTP inbox lists other files than `listing` says and stands still between two listings, or when it is `until`.

    `wake`: a moment (ISO 8601) at which it ends in any case, since a file may be whole by then. Its event is {"changed": bool}, or
    {"error": sentence} where waiting would not help: a refused log-in, another host key, a missing connection. A server that can't be
    reached is tried again, less and less often.
    """

    def __init__(self, inbox_id: str, listing: str, until: str, wake: str = "", poll: float = POLL) -> None:
        super().__init__()
        self.inbox_id, self.listing, self.until, self.wake, self.poll = inbox_id, listing, until, wake, poll

    def serialize(self) -> tuple[str, dict[str, Any]]:
        about = {"inbox_id": self.inbox_id, "listing": self.listing, "until": self.until, "wake": self.wake, "poll": self.poll}
        return "colophon.triggers.InboxTrigger", about

    async def run(self) -> AsyncIterator[TriggerEvent]:
        from include.errors import ConfigurationError, PermanentError, TransientError
        from include.partners import load_inbox

        await asyncio.to_thread(_imported)
        end = min(datetime.fromisoformat(moment) for moment in (self.until, self.wake) if moment)
        before, pause = self.listing, self.poll
        try:
            inbox = await asyncio.to_thread(load_inbox, self.inbox_id)
            while (left := (end - datetime.now(UTC)).total_seconds()) > 0:
                await asyncio.sleep(min(pause, left))
                try:
                    now = await _glance(inbox)
                except TransientError as lost:
                    log.warning("%s: %s", self.inbox_id, lost)
                    pause = min(pause * 2, LONGEST_PAUSE)
                    continue
                pause = self.poll
                if now != self.listing and now == before:
                    yield TriggerEvent({"changed": True})
                    return
                before = now
        except (ConfigurationError, PermanentError) as no:
            yield TriggerEvent({"error": str(no)})
            return
        yield TriggerEvent({"changed": False})


def _imported() -> None:
    """What a listing needs, once per triggerer and beside its loop: other triggers must not wait for a second of imports."""
    for name in ("airflow.providers.sftp.hooks.sftp", "colophon.hooks.remote", "include.intake.look", "include.transfer.sftp_lane"):
        import_module(name)


async def _glance(inbox: Any) -> str:
    """One listing over a connection of its own: none is held open while nobody drops anything."""
    from colophon.hooks.remote import sftp_connection
    from include.intake.look import glance
    from include.transfer.sftp_lane import SftpLane

    name = inbox.transport.connection
    lane = SftpLane(lambda: sftp_connection(name), name, 1, inbox.transport.fallback_encoding)
    try:
        return await glance(inbox, lane)
    finally:
        await lane.close()
