"""How failures are retried, who waits for whom, and when a feed is late."""

import json
import subprocess
import sys
from datetime import time, timedelta

import pytest

from include.errors import (
    CapabilityMissing,
    ConfigurationError,
    HostKeyMismatch,
    LoginRefused,
    PermanentError,
    RejectedData,
    TransientError,
)
from include.partners.registry import load_archives, load_inboxes, load_parties, load_partner

policy = pytest.importorskip("colophon.policy")


@pytest.mark.parametrize("error", [ConfigurationError, CapabilityMissing, LoginRefused, HostKeyMismatch, PermanentError, RejectedData])
def test_what_trying_again_cannot_mend_fails_at_once(error):
    decision = policy.RetryByErrorClass().evaluate(error("no"), try_number=1, max_tries=3)
    assert decision.action.value == "fail"


def test_a_transient_error_waits_as_long_as_the_other_side_asked_for():
    decision = policy.RetryByErrorClass().evaluate(TransientError("busy", retry_after=90), try_number=1, max_tries=3)
    assert (decision.action.value, decision.retry_delay) == ("retry", timedelta(seconds=90))


@pytest.mark.parametrize(("asked", "waited"), [(0, 1), (-5, 1), (10**9, 3600)])
def test_an_absurd_retry_after_is_bounded(asked, waited):
    decision = policy.RetryByErrorClass().evaluate(TransientError("busy", retry_after=asked), try_number=1, max_tries=3)
    assert decision.retry_delay == timedelta(seconds=waited)


@pytest.mark.parametrize("error", [TransientError("cut off"), OSError("reset"), ValueError("a bug")])
def test_everything_else_is_retried_with_growing_delay(error):
    decision = policy.RetryByErrorClass().evaluate(error, try_number=1, max_tries=3)
    assert decision.action.value in {"retry", "default"}
    assert decision.retry_delay is None  # Airflow's own, growing delay
    assert policy.DEFAULTS["retry_exponential_backoff"] > 1


def test_there_is_a_pool_for_everybody_we_talk_to():
    names = [pool.name for pool in policy.pools()]
    sources = [*map(policy.inbox_pool, load_inboxes()), *map(policy.archive_pool, load_archives())]
    assert names == ["consonance", "cloudinary", "getty", *[policy.pool_for(party) for party in load_parties()], *sources]
    assert all(pool.slots == 1 for pool in policy.pools() if pool.name.startswith(("partner_", "inbox_")))


def test_the_pools_file_is_what_airflow_imports():
    pools = json.loads(policy.pools_file())
    assert all(set(pool) == {"slots", "description", "include_deferred"} for pool in pools.values())


def _with_schedule(partner, **changes):
    return partner.model_copy(update={"schedule": partner.schedule.model_copy(update=changes)})


@pytest.mark.parametrize(
    ("cron", "deadline", "allowed"),
    [
        ("30 1 * * *", time(6), timedelta(hours=4, minutes=30)),
        ("0 22 * * *", time(6), timedelta(hours=8)),  # over midnight
        ("0 6 * * *", time(6), timedelta(days=1)),  # due at the next one, not at once
        ("0 6,18 * * *", time(20), timedelta(hours=2)),  # the tightest of several
        ("0 5 * * 1", time(9, 15), timedelta(hours=4, minutes=15)),
    ],
)
def test_a_deadline_is_counted_from_the_scheduled_start(cron, deadline, allowed):
    partner = _with_schedule(load_partner("northgate"), cron=cron, deadline=deadline)
    assert policy.deadline_for(partner).interval == allowed


def test_a_partner_on_demand_or_without_a_deadline_has_none():
    partner = load_partner("northgate")
    assert policy.deadline_for(_with_schedule(partner, cron="")) is None
    assert policy.deadline_for(_with_schedule(partner, deadline=None)) is None


def test_a_dag_with_our_policy_survives_airflows_serialization(airflow_elsewhere):
    from airflow.sdk import dag, task
    from airflow.serialization.serialized_objects import DagSerialization

    from colophon import assets

    partner = load_partner("northgate")

    @dag(
        schedule=[assets.TITLES_CHANGED, assets.stage("production-approved")],
        default_args=policy.defaults(partner),
        tags=[policy.Tag.METADATA],
        deadline=policy.deadline_for(partner),
    )
    def feed():
        @task(outlets=[assets.delivered(partner.id)], pool=policy.pool_for(partner))
        def deliver():
            return None

        deliver()

    stored = DagSerialization.to_dict(feed())
    again = DagSerialization.from_dict(json.loads(json.dumps(stored)))
    assert set(again.tags) == {"metadata"}
    assert again.get_task("deliver").pool == "partner_northgate"
    assert stored["dag"]["deadline"][0]["callback"]["__data__"]["path"] == "colophon.notifiers.failure.DeadlineNotice"


def test_reading_the_policy_loads_nothing_heavy(airflow_elsewhere):
    heavy = {"requests", "paramiko", "asyncssh", "smtplib", "pandas"}
    program = "import sys, colophon.policy, colophon.assets; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not heavy & set(done.stdout.split())
