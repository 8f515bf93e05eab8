"""# Partner intake

**What** Takes what authors, agencies, typesetters drop into an inbox: waits until a file is whole, checks that it is safe, opens
archives, finds kind, title and revision, puts it on the title with a preview, and moves the original to `processed/`. What is unsafe,
unknown or unexpected is set aside with its reason.

**When** By the inbox's schedule (`config/inboxes/<id>.toml`); between two runs an SFTP inbox is watched without a worker. By hand at
any time; tick *watch* to wait for files.

**After a failure** Start a new run, or clear the failed tasks: both go on where the last one stopped, and nothing is taken twice.

**Asks a person** About what was set aside, under Publishing → Quarantine; the inbox's people are told. The run does not wait for it.

**Connections** `inbox_<id>`, `colophon_ledger`
"""

from __future__ import annotations

from airflow.sdk import dag

from colophon.policy import DEFAULTS, Tag, inbox_pool
from colophon.tasks import intake
from include.partners import Inbox, load_inboxes


def partner_intake(inbox: Inbox) -> None:
    @dag(
        dag_id=f"partner_intake__{inbox.id}",
        dag_display_name=f"Intake: {inbox.name}",
        schedule=intake.schedule(inbox),
        default_args=DEFAULTS | {"pool": inbox_pool(inbox)},
        doc_md=__doc__,
        tags=[Tag.INTAKE],
        max_active_runs=2,  # one that watches must not hold up one that a person starts; the pool lets them take turns
        params=intake.PARAMS,
    )
    def take_in() -> None:
        intake.steps(inbox)

    take_in()


for each in load_inboxes(flow="partner_intake"):
    partner_intake(each)
