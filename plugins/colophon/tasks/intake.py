"""Tasks of the inboxes: look (and wait, without a worker), take in batches, finish and tell."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import BaseOperator, CronTriggerTimetable, Param, task

from include.partners import Inbox

PARAMS = {"watch": Param(False, type="boolean", title="Watch", description="Wait for files, as a scheduled run does.")}
"""The trigger form of every flow that looks into an inbox."""


def schedule(inbox: Inbox) -> CronTriggerTimetable | None:
    """As the inbox's file says; None where runs are started by hand alone."""
    return CronTriggerTimetable(inbox.schedule.cron, timezone=inbox.schedule.timezone) if inbox.schedule.cron else None


class Look(BaseOperator):
    """Lists an inbox and gives the arrivals to take, in batches of ids.

    Where nothing is whole yet it waits in the triggerer and looks again: as long as two looks must lie apart, if something is arriving;
    and for `watch_minutes` in scheduled runs, until an SFTP inbox lists something new that stands still. `watch` in the trigger form
    makes a run by hand do so, too.
    """

    def __init__(self, *, inbox_id: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.inbox_id = inbox_id

    def execute(self, context: Any) -> list[list[int]]:
        from include.partners import load_inbox

        return self._look(load_inbox(self.inbox_id), context, settles=True)

    def look_again(self, context: Any, event: Any = None) -> list[list[int]]:
        """After a wait."""
        from include.errors import ConfigurationError
        from include.partners import load_inbox

        if isinstance(event, dict) and event.get("error"):
            raise ConfigurationError(event["error"], where=f"inbox {self.inbox_id}", todo="Run connections_check.")
        return self._look(load_inbox(self.inbox_id), context, settles=False)

    def _look(self, inbox: Inbox, context: Any, *, settles: bool) -> list[list[int]]:
        """`settles`: a second look is owed to what is arriving, also by a run that does not watch."""
        from colophon.hooks.ledger import open_ledger
        from colophon.hooks.remote import open_remote
        from include.intake.look import look
        from include.intake.run import tell

        now, until = datetime.now(UTC), self._until(inbox, context)
        with open_remote(inbox.transport) as remote:
            seen = look(open_ledger(), inbox, remote, now=now)
        tell(inbox, seen.problems, self.log.warning)
        self.log.info("%s: %d to take, %d more in the next run, %d arriving", inbox.name, len(seen.ready), seen.later, seen.arriving)
        if seen.ready:
            return seen.batches()
        owed = seen.settles_in is not None and (settles or now < until)
        if owed or now < until:
            self._wait(inbox, seen.listing, until, now + timedelta(seconds=(seen.settles_in or 0) + 1) if owed else None)
        return []

    def _wait(self, inbox: Inbox, listing: str, until: datetime, wake: datetime | None) -> None:
        """Ends this task for now. FTP is not watched (its library waits in a thread): there the clock alone wakes us."""
        if inbox.transport.protocol == "sftp" and until > datetime.now(UTC):
            from colophon import triggers

            trigger: Any = triggers.InboxTrigger(inbox.id, listing, until.isoformat(), wake.isoformat() if wake else "", triggers.POLL)
        else:
            from airflow.providers.standard.triggers.temporal import DateTimeTrigger

            trigger = DateTimeTrigger(wake or until)
        self.defer(trigger=trigger, method_name="look_again")

    @staticmethod
    def _until(inbox: Inbox, context: Any) -> datetime:
        """Till when this run watches, whenever it is asked: counted from the run's start, so that no retry watches anew."""
        run = context["dag_run"]
        started: datetime = run.start_date or datetime.now(UTC)
        watches = run.run_type == "scheduled" or bool((context.get("params") or {}).get("watch"))
        return started + timedelta(minutes=inbox.watch_minutes if watches and inbox.transport.protocol == "sftp" else 0)


@task(map_index_template="{{ batch }}")
def take(inbox_id: str, ids: list[int]) -> dict[str, Any]:
    """Fetches, decides and moves away one batch of arrivals; gives counts. What an earlier try has done is not done again."""
    import logging

    from airflow.sdk import get_current_context

    from colophon.hooks.ledger import open_ledger, open_store
    from colophon.hooks.remote import open_remote
    from include.intake.run import take as take_all
    from include.partners import load_inbox

    get_current_context()["batch"] = f"{len(ids)} files"
    inbox, log = load_inbox(inbox_id), logging.getLogger("colophon.intake")
    with open_remote(inbox.transport) as remote:
        report = take_all(open_ledger(), open_store(), inbox, remote, ids, now=datetime.now(UTC), say=log.info)
    return {"counts": report.counts, "bytes": report.bytes, "growing": report.growing, "problems": len(report.problems)}


@task(trigger_rule="all_done")
def finish(inbox_id: str, batches: list[list[int]] | None, *, dag_run: Any = None) -> dict[str, Any]:
    """Clears up, tells who is to be told of what was set aside, and says what the run came to; also when a batch failed."""
    import logging

    from colophon.hooks.ledger import open_ledger, open_store
    from colophon.hooks.remote import open_remote
    from colophon.notifiers.channels import Notice, tell
    from colophon.notifiers.failure import people
    from include.intake.run import finish as finish_all
    from include.partners import load_inbox

    if batches is None:
        return {"looked": False}  # nobody was let in: another refused log-in would only lock the account
    inbox, log = load_inbox(inbox_id), logging.getLogger("colophon.intake")
    since = (dag_run.start_date if dag_run else None) or datetime.now(UTC)
    with open_remote(inbox.transport) as remote:
        told = finish_all(open_ledger(), open_store(), inbox, remote, since=since, now=datetime.now(UTC), say=log.info)
    if notice := told.notice():
        _, house, sender = people()
        tell(Notice(*notice, to=inbox.notify or house, sender=sender, topic=f"intake {inbox.id}"))
    return told.to_json()


def steps(inbox: Inbox) -> Any:
    """Look, take, finish: the same for every inbox. `finish` comes after a failure, too; `ended` is what then says that the run failed.

    Gives `finish`. What reads rows follows it with `trigger_rule="all_done"`: what has been taken is read, also when a batch failed.
    """
    batches = Look(task_id="look", inbox_id=inbox.id).output
    taken = take.partial(inbox_id=inbox.id).expand(ids=batches)
    finished = finish(inbox.id, batches)
    taken >> finished
    [taken, finished] >> EmptyOperator(task_id="ended", trigger_rule="none_failed")
    return finished
