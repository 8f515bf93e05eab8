"""How our tasks behave in Airflow: retries by class of error, time limits, notices, pools, tags, deadlines.

Read by every DAG file, so it imports nothing heavy and reaches for nothing but `config/`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import Any

from airflow.sdk import AsyncCallback, DeadlineAlert, DeadlineReference, RetryDecision, RetryPolicy

from colophon.notifiers.failure import DeadlineNotice, FailureNotice
from include.errors import ColophonError, ConfigurationError, PermanentError, RejectedData, TransientError
from include.partners.inboxes import Archive, Inbox
from include.partners.model import Party
from include.partners.registry import load_archives, load_inboxes, load_parties

LONGEST_WAIT = timedelta(hours=1)


class Tag(StrEnum):
    """What a DAG is about. The UI filters by these."""

    CATALOGUE = "catalogue"
    METADATA = "metadata"
    DELIVERY = "delivery"
    ARCHIVES = "archives"
    OPERATIONS = "operations"
    INTAKE = "intake"
    READINESS = "readiness"
    PRODUCTION = "production"
    SALES = "sales"
    IMPORTS = "imports"
    ROYALTIES = "royalties"
    RIGHTS = "rights"
    LICENCES = "licences"


class RetryByErrorClass(RetryPolicy):
    """Fails at once where trying again can't help; waits as long as the other side asked for; else Airflow's own rule.

    An `ExceptionRetryPolicy` would do but for `Retry-After`: its delays are fixed when the DAG is read.
    """

    def evaluate(self, exception: BaseException, try_number: int, max_tries: int, context: Any = None) -> RetryDecision:
        if isinstance(exception, ConfigurationError | PermanentError | RejectedData):
            return RetryDecision.fail(f"{type(exception).__name__}: trying again would not help")
        if isinstance(exception, TransientError) and exception.retry_after is not None:
            wait = min(timedelta(seconds=max(exception.retry_after, 1.0)), LONGEST_WAIT)
            return RetryDecision.retry(wait, f"the other side asked us to wait {wait.total_seconds():.0f} s")
        if isinstance(exception, ColophonError):
            return RetryDecision.retry(reason=type(exception).__name__)
        return RetryDecision.default()

    def serialize(self) -> dict[str, Any]:
        return {"__type": "colophon.policy.RetryByErrorClass"}

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> RetryByErrorClass:
        return cls()


def defaults(partner: Party | None = None) -> dict[str, Any]:
    """`default_args` of a DAG; failures of a partner's own flow are told to that partner's `notify` addresses."""
    return {
        "owner": "publishing",
        "retries": 3,
        "retry_delay": timedelta(minutes=1),
        "retry_exponential_backoff": 2.0,
        "max_retry_delay": timedelta(minutes=30),
        "retry_policy": RetryByErrorClass(),
        "execution_timeout": timedelta(hours=3),
        "on_failure_callback": FailureNotice(partner.id if partner else ""),
    }


DEFAULTS = defaults()
"""For flows that belong to no single partner."""


@dataclass(frozen=True, slots=True)
class PoolSize:
    name: str
    slots: int
    description: str


CONSONANCE_POOL = "consonance"
GETTY_POOL = "getty"
CLOUDINARY_POOL = "cloudinary"


def pool_for(partner: Party | str) -> str:
    """The pool of what talks to this partner. One slot: feeds, redeliveries and collections take turns."""
    return f"partner_{partner if isinstance(partner, str) else partner.id}"


def inbox_pool(inbox: Inbox | str) -> str:
    """The pool of what looks into this inbox. One slot: two looks at once would only wait for each other."""
    return f"inbox_{inbox if isinstance(inbox, str) else inbox.id}"


def archive_pool(archive: Archive | str) -> str:
    """The pool of what reads from this old archive. As many slots as it allows connections: each task has one."""
    return f"archive_{archive if isinstance(archive, str) else archive.id}"


def pools(partners: Iterable[Party] | None = None) -> list[PoolSize]:
    """Every pool that the flows name; of all enabled parties unless some are given, and of all inboxes and archives."""
    known = load_parties() if partners is None else partners
    sources = [PoolSize(inbox_pool(inbox), 1, f"{inbox.name}: one task at a time") for inbox in load_inboxes()]
    sources += [PoolSize(archive_pool(each), each.bounds.connections, f"{each.name}: connections at once") for each in load_archives()]
    of_partners = [PoolSize(pool_for(p), 1, f"{p.name}: one task at a time; files in flight are the partner's `parallel`") for p in known]
    # Consonance publishes no limit; two flows at once are what a careful guest allows itself.
    services = [
        PoolSize(CONSONANCE_POOL, 2, "Flows that read or write Consonance"),
        PoolSize(CLOUDINARY_POOL, 1, "Flows that read or write Cloudinary: its hourly allowance is one for all"),
        PoolSize(GETTY_POOL, 1, "Flows that read Getty or license there: its limit is per key, and not published"),
    ]
    return [*services, *of_partners, *sources]


def pools_file(partners: Iterable[Party] | None = None) -> str:
    """The pools as JSON, as `airflow pools import` reads them."""
    return json.dumps(
        {p.name: {"slots": p.slots, "description": p.description, "include_deferred": False} for p in pools(partners)}, indent=2
    )


def deadline_for(partner: Party) -> DeadlineAlert | None:
    """Tells the partner's `notify` addresses when a scheduled run has not ended by `schedule.deadline`.

    Airflow counts from the run's logical date, so runs by hand or by an asset have no deadline. On the two days when
    clocks change, the alert comes an hour early or late.
    """
    if not partner.schedule.cron or partner.schedule.deadline is None:
        return None
    return DeadlineAlert(
        name=f"{partner.id} by {partner.schedule.deadline:%H:%M}",
        reference=DeadlineReference.DAGRUN_LOGICAL_DATE,
        interval=_time_allowed(partner.schedule.cron, partner.schedule.deadline),
        callback=AsyncCallback(DeadlineNotice, kwargs={"partner": partner.id}),
    )


def _time_allowed(cron: str, deadline: time) -> timedelta:
    """The shortest time from a start by `cron` to the next `deadline`, both by the same wall clock."""
    from croniter import croniter

    starts = croniter(cron, datetime(2024, 1, 1, tzinfo=UTC))
    allowed = timedelta(days=1)
    for _ in range(24):
        start: datetime = starts.get_next(datetime)
        end = start.replace(hour=deadline.hour, minute=deadline.minute, second=deadline.second, microsecond=0)
        allowed = min(allowed, end - start if end > start else end - start + timedelta(days=1))
    return allowed


if __name__ == "__main__":  # `python -m colophon.policy | airflow pools import /dev/stdin`
    sys.stdout.write(pools_file() + "\n")
