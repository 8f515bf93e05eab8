"""# Rights documents

**What** Takes contract scans, incoming royalty statements and supporting letters: as Partner intake, matched to the contract's number
as well, and listed on the contract's titles. Only the inbox's role may see and fetch them; logs and notices tell no names.

**When** By the inbox's schedule (`config/inboxes/<id>.toml`); between two runs it is watched without a worker. By hand at any time;
tick *watch* to wait for files.

**After a failure** Start a new run, or clear the failed tasks: both go on where the last one stopped, and nothing is taken twice.

**Asks a person** About what was set aside, under Publishing → Quarantine, whoever has the role. The run does not wait for it.

**Connections** `inbox_<id>`, `colophon_ledger`
"""

from __future__ import annotations

from airflow.sdk import dag

from colophon.policy import DEFAULTS, Tag, inbox_pool
from colophon.tasks import intake
from include.partners import Inbox, load_inboxes


def rights_documents(inbox: Inbox) -> None:
    @dag(
        dag_id=f"rights_documents__{inbox.id}",
        dag_display_name=f"Rights documents: {inbox.name}",
        schedule=intake.schedule(inbox),
        default_args=DEFAULTS | {"pool": inbox_pool(inbox)},
        doc_md=__doc__,
        tags=[Tag.RIGHTS, Tag.INTAKE],
        max_active_runs=2,  # one that watches must not hold up one that a person starts; the pool lets them take turns
        params=intake.PARAMS,
    )
    def take_in() -> None:
        intake.steps(inbox)

    take_in()


for each in load_inboxes(flow="rights_documents"):
    rights_documents(each)
