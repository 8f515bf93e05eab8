"""What goes wrong on the way to a partner, through Airflow against real servers: nothing lost, doubled or half visible."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import func, select

from include.ledger import deliveries
from include.ledger.models import DeliveryRow, EventRow

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(600)]

ROOT = Path(__file__).resolve().parents[2]
FLOW = "metadata_feed__northgate"


@pytest.fixture
def mirror(run_flow, catalogue):
    """The catalogue is mirrored; gives the runner."""
    return run_flow


def the_delivery(ledger):
    """The one delivery that there must be."""
    with ledger.read() as session:
        assert session.scalar(select(func.count()).select_from(DeliveryRow)) == 1
        row = deliveries.get(session, session.scalar(select(DeliveryRow.id)))
        assert row.files
        session.expunge_all()
        return row


def events(ledger):
    with ledger.read() as session:
        return list(session.scalars(select(EventRow.what).order_by(EventRow.id)))


def whole(sandbox, row, partner="northgate"):
    """The partner has each file of the delivery, whole, and nothing else in its inbox."""
    there = {name: hashlib.sha256((sandbox.home(partner) / "inbox" / name).read_bytes()).hexdigest() for name in sandbox.files(partner)}
    assert there == {file.name: file.sha256 for file in row.files}


@pytest.mark.parametrize(
    ("fault", "code", "said"),
    [
        ({"disk_full": {"bytes": 20_000}}, "PermanentError", "space"),
        ({"wrong_password": {}}, "LoginRefused", "key"),
        ({"host_key": {}}, "HostKeyMismatch", "host key"),
    ],
)
def test_what_only_a_person_can_mend_fails_at_once_and_goes_once_mended(mirror, sandbox, ledger, fault, code, said):
    sandbox.call("faults", {"northgate": fault})
    assert mirror(FLOW).state == "failed"
    row = the_delivery(ledger)
    assert row.state == "failed"
    assert row.reasons[0]["code"] == code
    assert said in row.reasons[0]["message"].lower()
    assert row.reasons[0]["todo"]
    assert row.files[-1].name not in sandbox.files("northgate")
    sandbox.call("faults", {})
    assert mirror(FLOW).state == "success"
    row = the_delivery(ledger)
    assert (row.state, row.attempts, row.message_number) == ("delivered", 2, 1)
    whole(sandbox, row)


def test_a_dropped_connection_resumes_within_the_run(mirror, sandbox, ledger):
    sandbox.call("faults", {"northgate": {"drop_after": {"bytes": 300_000, "times": 1}}})
    assert mirror(FLOW).state == "success"
    row = the_delivery(ledger)
    assert row.attempts == 1
    whole(sandbox, row)
    assert "file retried" in events(ledger)


def test_a_killed_worker_leaves_nothing_visible_and_the_next_run_sends_the_same_message(mirror, sandbox, ledger, store):
    from datetime import UTC, datetime

    from include.deliveries.build import FeedBuild
    from include.partners import load_house, load_partner

    built = FeedBuild(ledger, store, load_partner("northgate"), load_house(), datetime.now(UTC)).build()
    sandbox.call("faults", {"northgate": {"slow": {"bytes": 100_000}}})
    program = (
        "from colophon.tasks.sending import send_delivery\nfrom include.deliveries.build import Run\n"
        f"send_delivery('northgate', {built.delivery_id}, Run(who='the worker that dies'))\n"
    )
    worker = subprocess.Popen([sys.executable, "-W", "ignore", "-c", program], cwd=ROOT)
    try:
        until = time.monotonic() + 240
        while not any((sandbox.home("northgate") / "inbox" / name).stat().st_size for name in sandbox.files("northgate")):
            assert worker.poll() is None, "it ended before it was killed"
            assert time.monotonic() < until
            time.sleep(0.05)
    finally:
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait()
    row = the_delivery(ledger)
    assert row.state == "sending"
    assert row.files[-1].name not in sandbox.files("northgate")
    sandbox.call("faults", {})
    assert mirror(FLOW).state == "success"
    row = the_delivery(ledger)
    assert (row.id, row.state, row.attempts, row.message_number) == (built.delivery_id, "delivered", 2, 1)
    whole(sandbox, row)


def test_a_swept_file_counts_as_delivered(mirror, sandbox, ledger):
    assert mirror("metadata_feed__quickshelf").state == "success"
    row = the_delivery(ledger)
    assert row.files[-1].verified == "swept"
    assert sandbox.files("quickshelf") == []
    assert sandbox.files("quickshelf", "swept") == [row.files[-1].name]


@pytest.mark.long
def test_a_busy_and_slow_consonance_is_waited_for(run_flow, sandbox):
    sandbox.call("faults", {"consonance": {"status": 429, "retry_after": 1, "times": 2}})
    assert run_flow("catalogue_sync").state == "success"
    sandbox.call("faults", {"consonance": {"slow": 0.3}})
    assert run_flow("catalogue_sync", full=True).state == "success"


def test_a_sync_that_was_killed_in_the_middle_goes_on_and_equals_consonance(run_flow, sandbox, ledger):
    from include.ledger.models import ProductRow, SyncRow

    sandbox.call("faults", {"consonance": {"slow": 1}})
    worker = subprocess.Popen([sys.executable, "-W", "ignore", "-m", "colophon", "catalogue", "sync"], cwd=ROOT)
    try:
        until = time.monotonic() + 240
        while True:
            with ledger.read() as session:
                sync = session.scalar(select(SyncRow))
                if sync is not None and (sync.after or sync.phase != "works"):
                    break
            assert worker.poll() is None, "it ended before it was killed"
            assert time.monotonic() < until
            time.sleep(0.05)
    finally:
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait()
    sandbox.call("faults", {})
    assert run_flow("catalogue_sync").state == "success"
    with ledger.read() as session:
        assert session.scalar(select(func.count()).select_from(SyncRow)) == 1, "it went on where it stopped"
        living = set(session.scalars(select(ProductRow.id).where(ProductRow.deleted_at.is_(None))))
    assert len(living) == sandbox.call("stats")["products"]


def test_a_title_deleted_in_consonance_is_marked(mirror, sandbox, ledger):
    from include.ledger.models import ProductRow

    with ledger.read() as session:
        number = session.scalar(select(ProductRow.id).order_by(ProductRow.id.desc()).limit(1))
    sandbox.call("edit", {"delete_product": number})
    assert mirror("catalogue_sync").state == "success"
    with ledger.read() as session:
        assert session.get(ProductRow, number).deleted_at is not None
