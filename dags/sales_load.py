"""# Sales reports

**What** Takes reports of sales and usage that shops, distributors and platforms put into an inbox: recognises the layout, loads the lines
exactly once, finds the titles, compares with the report's own totals, and prepares the workbooks for Consonance. Which reports are late is
told once. What nobody can read is set aside with its reason.

**When** By the inbox's schedule (`config/inboxes/<id>.toml`); by hand at any time.

**After a failure** Start a new run, or clear the failed tasks: both go on where it stopped, and no line counts twice.

**Asks a person** About a report that does not come to its own totals, or was loaded before with other lines; no answer in twelve hours
means no, and the page Publishing → Sales decides later. Other reports do not wait for it.

**Connections** `inbox_<id>`, `colophon_ledger`
"""

from __future__ import annotations

from airflow.sdk import dag

from colophon.policy import DEFAULTS, Tag, inbox_pool
from colophon.tasks import intake, sales
from include.partners import Inbox, load_inboxes


def sales_load(inbox: Inbox) -> None:
    @dag(
        dag_id=f"sales_load__{inbox.id}",
        dag_display_name=f"Sales reports: {inbox.name}",
        schedule=intake.schedule(inbox),
        default_args=DEFAULTS | {"pool": inbox_pool(inbox)},
        doc_md=__doc__,
        tags=[Tag.SALES, Tag.INTAKE],
        max_active_runs=16,  # one that waits for a person must not hold up the reports that come meanwhile; the pool lets them take turns
        params=intake.PARAMS,
    )
    def load() -> None:
        sales.steps(inbox, after=intake.steps(inbox))

    load()


for each in load_inboxes(flow="sales_load"):
    sales_load(each)
