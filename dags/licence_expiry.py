"""# Licences that end or do not fit

**What** Flags licences of images that end soon, or before a publication, a reprint or a campaign; that do not cover a title's markets,
editions, formats or copies; that were withdrawn; of which nobody knows the terms. Each flag is raised once for each threshold (180, 90,
60, 30, 0 days), for the team that must act. The report goes to a party over SFTP or FTP, new flags by mail and into one Jira issue of each
team. Feeds and print handoffs with `licences = "stop"` hold titles with a blocking flag.

**When** As soon as `licence_sync` has run, and every morning at 06:20, for what people said in the meantime; by hand at any time.

**After a failure** Start a new run, or clear the failed tasks: each flag is raised, mailed and noted once.

**Asks a person** Never. People acknowledge and resolve flags on the page Licences.

**Connections** `consonance`, `colophon_ledger`; `partner_<id>` of `[licences].report_to`; `smtp_default` and `jira_default` where people
are to be told that way
"""

from __future__ import annotations

from airflow.sdk import AssetOrTimeSchedule, CronTriggerTimetable, dag

from colophon import assets
from colophon.policy import DEFAULTS, Tag, pool_for
from colophon.tasks import licence_expiry as tasks
from include.partners import load_house


@dag(
    schedule=AssetOrTimeSchedule(timetable=CronTriggerTimetable("20 6 * * *", timezone="Europe/London"), assets=assets.LICENCES_SYNCED),
    default_args=DEFAULTS,
    doc_md=__doc__,
    tags=[Tag.LICENCES, Tag.RIGHTS, Tag.DELIVERY],
    max_active_runs=1,
)
def licence_expiry() -> None:
    built = tasks.report()
    tasks.check() >> built
    tasks.mail(built)
    built >> tasks.note()
    for party in filter(None, [load_house().licences.report_to]):
        due = tasks.prepare.override(task_id=f"prepare__{party}")(party, built)
        delivery = tasks.deliver.override(task_id=f"deliver__{party}", pool=pool_for(party), outlets=[assets.delivered(party)])
        delivery.partial(party_id=party).expand(delivery_id=due)


licence_expiry()
