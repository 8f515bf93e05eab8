"""# Royalty statements

**What** Takes the royalty statements that staff exported from Consonance (PDF, CSV, ZIP) out of a watched folder, cuts them apart by
payee, and delivers each to its payee's agent, or to finance, which gets all of them with one table. Each file is opened and checked before
it is packed and again before it leaves: nobody ever receives another's. Logs and XComs tell numbers, never names.

**When** By the inbox's schedule (`config/inboxes/<id>.toml`); by hand at any time, for example after somebody has said whose a held
statement is.

**After a failure** Start a new run, or clear the failed tasks: both send what is missing, once.

**Asks a person** About statements whose payee is unknown or doubtful: they are held, and the role `royalties` says whose they are. The run
does not wait for it.

**Connections** `inbox_<id>`, `partner_<id>` of every party with a `[statements]` table, `colophon_ledger`
"""

from __future__ import annotations

from airflow.sdk import dag

from colophon.policy import DEFAULTS, Tag, inbox_pool
from colophon.tasks import intake, statements
from include.partners import Inbox, Party, load_inboxes, load_parties


def royalty_statements(inbox: Inbox, parties: list[Party]) -> None:
    @dag(
        dag_id=f"royalty_statements__{inbox.id}",
        dag_display_name=f"Royalty statements: {inbox.name}",
        schedule=intake.schedule(inbox),
        default_args=DEFAULTS | {"pool": inbox_pool(inbox)},
        doc_md=__doc__,
        tags=[Tag.ROYALTIES, Tag.INTAKE, Tag.DELIVERY],
        max_active_runs=1,
        params=intake.PARAMS,
    )
    def split_and_send() -> None:
        statements.send_to_each(inbox, parties, after=intake.steps(inbox))

    split_and_send()


for each in load_inboxes(flow="royalty_statements"):
    royalty_statements(each, [party for party in load_parties() if party.statements is not None])
