"""The shipped composition, started for real: PostgreSQL, Redis, Airflow's services and a Celery worker, without Docker."""

import hashlib
import json
import subprocess
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta

import pytest

from tests.package import components
from tests.package.mailbox import Mailbox
from tests.package.mailbox import running as serving

pytestmark = [
    pytest.mark.airflow,
    pytest.mark.long,  # eight processes of Airflow start: two minutes of both cores
    pytest.mark.timeout(900),
    pytest.mark.skipif(bool(components.missing()), reason=components.missing() or "all is here"),
]


@pytest.fixture(scope="module")
def running():
    """Everything that `docker compose --profile sandbox up` would start."""
    parts = components.Components(AIRFLOW_PAUSED="false", WORKER_CONCURRENCY="2")
    try:
        parts.start_databases()
        parts.run_to_end("init")
        for service in components.AIRFLOW:
            parts.start(service)
        parts.start("sandbox", "--titles", "40")
        for service in components.AIRFLOW:
            parts.healthy(service)
        parts.healthy("sandbox", 120)
        parts.run_to_end("sandbox-connections")
        yield parts
    finally:
        parts.stop()


class Api:
    """Airflow's REST API, as the first user."""

    def __init__(self, running):
        self.root = f"http://127.0.0.1:{running.ports['api']}"
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        user = {"username": running.settings["AIRFLOW_ADMIN"], "password": running.settings["AIRFLOW_ADMIN_PASSWORD"]}
        self.token = ""
        self.token = self.call("POST", "/auth/token", user)["access_token"]

    def call(self, method, path, body=None):
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.token}"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.root + path, data, headers, method=method)
        with self.opener.open(request, timeout=60) as answer:
            return json.loads(answer.read() or b"null")

    def run(self, dag_id, seconds=240, logical_date=None):
        """Starts a run and waits for its end; gives the state."""
        until = time.monotonic() + seconds
        run = self.call("POST", f"/api/v2/dags/{dag_id}/dagRuns", {"logical_date": logical_date and logical_date.isoformat()})
        while time.monotonic() < until:
            run = self.call("GET", f"/api/v2/dags/{dag_id}/dagRuns/{run['dag_run_id']}")
            if run["state"] in {"success", "failed"}:
                break
            time.sleep(2)
        return run["state"]


@pytest.fixture(scope="module")
def api(running):
    return Api(running)


def test_the_password_of_the_environment_opens_the_door_and_another_does_not(api):
    assert api.call("GET", "/api/v2/version")["version"].startswith("3.3.")
    with pytest.raises(urllib.error.HTTPError) as refused:
        api.call("POST", "/auth/token", {"username": "admin", "password": "guess"})
    assert refused.value.code == 401


def test_init_made_the_pools_that_the_flows_name(api):
    from colophon.policy import pools

    made = {pool["name"]: pool["slots"] for pool in api.call("GET", "/api/v2/pools")["pools"]}
    assert {pool.name: pool.slots for pool in pools()}.items() <= made.items()


def test_no_flow_failed_to_load(api):
    assert api.call("GET", "/api/v2/importErrors")["import_errors"] == []
    loaded = {dag["dag_id"] for dag in api.call("GET", "/api/v2/dags?limit=100")["dags"]}
    assert {"catalogue_sync", "metadata_feed__northgate"} <= loaded


def test_a_feed_goes_from_consonance_to_the_partner_through_the_worker(running, api):
    assert api.run("catalogue_sync") == "success", running.task_logs("catalogue_sync")
    assert api.run("metadata_feed__northgate") == "success", running.task_logs("metadata_feed__northgate")
    listed = subprocess.run(
        ["colophon", "deliveries", "list", "--partner", "northgate", "--json"],
        env=running.environment("worker"),
        cwd=running.home,
        capture_output=True,
        text=True,
        check=True,
    )
    (delivery,) = json.loads(listed.stdout)
    assert delivery["state"] == "delivered"
    for file in delivery["files"]:
        there = running.home / "sandbox-data/partners/northgate" / file["remote_path"].lstrip("/")
        assert hashlib.sha256(there.read_bytes()).hexdigest() == file["sha256"]


def test_the_deliveries_page_shows_it_to_who_is_logged_in(api):
    page = urllib.request.Request(f"{api.root}/colophon/deliveries", headers={"Authorization": f"Bearer {api.token}"})
    with api.opener.open(page, timeout=60) as answer:
        assert "Northgate Distribution" in answer.read().decode()
    with pytest.raises(urllib.error.HTTPError) as refused:
        api.opener.open(f"{api.root}/colophon/deliveries", timeout=60)
    assert refused.value.code in {401, 403}


def test_a_second_run_sends_nothing(running, api):
    inbox = running.home / "sandbox-data/partners/northgate/inbox"
    before = {path: path.stat().st_mtime_ns for path in inbox.rglob("*")}
    assert api.run("metadata_feed__northgate") == "success"
    assert {path: path.stat().st_mtime_ns for path in inbox.rglob("*")} == before


@pytest.fixture(scope="module")
def mailbox(api):
    """A mail server, and the connection to it in Airflow's database, as a person would add it."""
    with serving(Mailbox()) as server:
        extra = {"disable_ssl": True, "disable_tls": True, "retry_limit": 0}
        address = {"host": "127.0.0.1", "port": server.server_address[1], "extra": json.dumps(extra)}
        api.call("POST", "/api/v2/connections", {"connection_id": "smtp_default", "conn_type": "smtp", **address})
        yield server


def _mail(mailbox, words, seconds=60):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := [letter for letter in mailbox.letters if words in letter]:
            return found
        time.sleep(0.5)
    return []


def test_a_feed_that_is_late_is_told_to_the_partners_people(api, mailbox):
    """A run for six hours ago, due in four and a half, is late as soon as it starts."""
    assert api.run("metadata_feed__northgate", logical_date=datetime.now(UTC) - timedelta(hours=6)) == "success"
    (letter,) = _mail(mailbox, "metadata_feed__northgate is late")
    assert "To: operations@lanternandquill.example" in letter


def _faults(running, **wanted):
    ready = json.loads((running.home / "sandbox-data/ready.json").read_text())
    request = urllib.request.Request(f"{ready['consonance']}/sandbox/faults", json.dumps(wanted).encode())
    urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30).close()


def test_a_refused_log_in_fails_at_once_is_told_and_the_next_run_delivers(running, api, mailbox):
    _faults(running, meridian={"wrong_password": True})
    assert api.run("metadata_feed__meridian") == "failed"
    (failed,) = api.call("GET", "/api/v2/dags/metadata_feed__meridian/dagRuns/~/taskInstances?task_id=deliver&state=failed")[
        "task_instances"
    ]
    assert failed["try_number"] == 1, "trying again would not help, so it must not be tried"
    assert _mail(mailbox, "metadata_feed__meridian failed")
    _faults(running)
    assert api.run("metadata_feed__meridian") == "success", running.task_logs("metadata_feed__meridian")
    inbox = running.home / "sandbox-data/partners/meridian/inbox"
    assert [path.suffix for path in inbox.iterdir() if path.is_file()] == [".COT"]
