"""# Connections check

**What** Tries every connection: reach, log in, read, write, rename, clean up at each partner; at inboxes and old archives what we
need there; log in and offered operations at Consonance; the ledger and the store. One table in the log, one page under Publishing →
Connections; names what to mend.

**When** Every Monday morning, and by hand after a change.

**After a failure** Mend what the table names, then start a new run.

**Asks a person** Never.

**Connections** All of them
"""

from __future__ import annotations

from airflow.sdk import CronTriggerTimetable, dag

from colophon.policy import DEFAULTS, Tag
from colophon.tasks import check


@dag(
    schedule=CronTriggerTimetable("0 7 * * 1", timezone="Europe/London"),
    default_args=DEFAULTS,
    doc_md=__doc__,
    tags=[Tag.OPERATIONS],
    max_active_runs=1,
)
def connections_check() -> None:
    places = check.places()
    check.report(check.services(), check.place.expand(place=places), places)


connections_check()
