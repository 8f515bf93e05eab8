"""# Metadata feed

**What** Sends the partner the titles that changed since its last delivery (or all of them), in its own flavour of ONIX,
CSV or XLSX. Titles that break a rule stay back with their reasons; the rest goes.

**When** By the partner's schedule (`config/partners/<id>.toml`); by hand at any time, with *kind* = full to send all titles.

**After a failure** Start a new run, or clear the failed task: both send what is missing, once, under the same name.

**Asks a person** Only beyond the partner's limits; the partner's people are told of the question. No answer in twelve hours means no.

**Connections** `partner_<id>`, `colophon_ledger`
"""

from __future__ import annotations

from airflow.sdk import CronTriggerTimetable, Param, dag

from colophon import assets
from colophon.policy import Tag, deadline_for, defaults, pool_for
from colophon.tasks import feeds
from include.partners import Partner, load_partners


def metadata_feed(partner: Partner) -> None:
    @dag(
        dag_id=f"metadata_feed__{partner.id}",
        dag_display_name=f"Metadata feed: {partner.name}",
        schedule=CronTriggerTimetable(partner.schedule.cron, timezone=partner.schedule.timezone) if partner.schedule.cron else None,
        default_args=defaults(partner),
        deadline=deadline_for(partner),
        doc_md=__doc__,
        tags=[Tag.METADATA, Tag.DELIVERY],
        max_active_runs=1,
        params={"kind": Param("as due", enum=["as due", "delta", "full"], title="Kind", description="What to send.")},
    )
    def feed() -> None:
        built = feeds.build(partner.id)
        question = feeds.ask_a_person(partner)
        yes = feeds.approved(built, question.output["who"])
        no = feeds.declined(built, question.output["who"])
        delivery = feeds.deliver.override(pool=pool_for(partner), outlets=[assets.delivered(partner.id)])(partner.id, built)
        feeds.unusual(built) >> question >> [yes, no, delivery]
        yes >> delivery

    feed()


for each in load_partners():
    metadata_feed(each)
