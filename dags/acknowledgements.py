"""# Acknowledgements

**What** Collects what partners answer (ONIX acknowledgements, CSV error reports, renamed or swept files), joins it to the
deliveries and their records, and marks rejected titles to be sent again. Deliveries without an answer in time become overdue.

**When** Every two hours; by hand at any time.

**After a failure** Start a new run: an answer is recorded once, however often it is read.

**Asks a person** Never.

**Connections** `partner_<id>`, `colophon_ledger`
"""

from __future__ import annotations

from airflow.sdk import CronTriggerTimetable, dag

from colophon.policy import DEFAULTS, Tag
from colophon.tasks import collect


@dag(
    schedule=CronTriggerTimetable("10 */2 * * *", timezone="Europe/London"),
    default_args=DEFAULTS,
    doc_md=__doc__,
    tags=[Tag.DELIVERY],
    max_active_runs=1,
)
def acknowledgements() -> None:
    collect.answers.expand(partner_id=collect.answering_partners())


acknowledgements()
