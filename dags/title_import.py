"""# Titles in bulk

**What** Takes sheets of titles that editorial and the ERP put into an inbox: checks every row and field, compares with Consonance, writes
what changed (one `updateWork` for each work with its editions, read back), and prepares workbooks of new titles and prices. The sender gets
the sheet back with a coloured status beside each row, and once more when the workbooks were loaded.

**When** By the inbox's schedule (`config/inboxes/<id>.toml`); by hand at any time.

**After a failure** Start a new run, or clear the failed tasks: both go on where it stopped, and nothing is written twice.

**Asks a person** When a sheet would change more titles than its mapping allows, or a field that is always asked about; no answer in twelve
hours means no. Other sheets do not wait for it. Conflicts are never asked about: they go back to the sender.

**Connections** `inbox_<id>`, `consonance`, `colophon_ledger`
"""

from __future__ import annotations

from airflow.sdk import dag

from colophon.policy import DEFAULTS, Tag, inbox_pool
from colophon.tasks import imports, intake
from include.partners import Inbox, load_inboxes


def title_import(inbox: Inbox) -> None:
    @dag(
        dag_id=f"title_import__{inbox.id}",
        dag_display_name=f"Titles in bulk: {inbox.name}",
        schedule=intake.schedule(inbox),
        default_args=DEFAULTS | {"pool": inbox_pool(inbox)},
        doc_md=__doc__,
        tags=[Tag.IMPORTS, Tag.INTAKE],
        max_active_runs=16,  # one that waits for a person must not hold up the sheets that come meanwhile; the pools let them take turns
        params=intake.PARAMS,
    )
    def take_in() -> None:
        sheets = imports.check(inbox.id)
        intake.steps(inbox) >> sheets
        imports.each_sheet().expand(sheet=sheets)

    take_in()


for each in load_inboxes(flow="title_import"):
    title_import(each)
