"""# Redeliver

**What** Sends stored deliveries again: exactly as sent, or rebuilt from today's data under the next message number. Of a
delivery that failed in part, only the missing files go.

**When** By hand, or by the *Redeliver* button on the page Publishing → Deliveries.

**After a failure** Clear the failed tasks: what this run has sent already is not sent twice. A new run sends all of it again.

**Asks a person** Never: the form is the decision. Tick *dry run* to see what would go.

**Connections** `partner_<id>`, `colophon_ledger`
"""

from __future__ import annotations

from airflow.sdk import Param, dag

from colophon.policy import DEFAULTS, Tag
from colophon.tasks import redelivery
from include.partners import load_parties


@dag(
    schedule=None,
    default_args=DEFAULTS,
    doc_md=__doc__,
    tags=[Tag.DELIVERY, Tag.OPERATIONS],
    max_active_runs=4,
    params={
        "delivery_id": Param(None, type=["null", "integer"], minimum=1, title="Delivery", description="Number of one delivery."),
        "partner": Param(
            None, type=["null", "string"], enum=[None, *(p.id for p in load_parties())], values_display={"null": "any"}, title="Partner"
        ),
        "since": Param(None, type=["null", "string"], format="date", title="Prepared on or after"),
        "until": Param(None, type=["null", "string"], format="date", title="Prepared on or before"),
        "title": Param(None, type=["null", "string"], title="Title", description="ISBN of a title that the delivery holds."),
        "mode": Param("as sent", enum=["as sent", "rebuilt"], title="Mode", description="The same bytes, or today's data."),
        "dry_run": Param(False, type="boolean", title="Dry run", description="Only show what would go."),
    },
)
def redeliver() -> None:
    one_at_a_time = redelivery.send_again.override(max_active_tis_per_dagrun=1)  # oldest first, so that the newest stays
    one_at_a_time.expand(planned=redelivery.plan())


redeliver()
