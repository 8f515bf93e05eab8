"""Publishing → Connections: the latest check, the older ones, the button."""

from datetime import UTC, datetime, timedelta

import pytest
from lxml import html

from include.ledger.deliveries import record_event
from tests.ui.conftest import HOSTILE

pytestmark = pytest.mark.airflow
GOOD = {"connection": "partner_northgate", "step": "reach and log in", "ok": True, "message": "", "todo": ""}
REFUSED = {
    "connection": "partner_meridian", "step": "reach and log in", "ok": False, "message": f"the password was refused {HOSTILE}",
    "todo": "Ask the partner for a new one.",
}  # fmt: skip
WELL = REFUSED | {"ok": True, "message": "", "todo": ""}


def words(tree) -> str:
    return " ".join(tree.text_content().split())


@pytest.fixture
def checked(ledger):
    """Writes down a check; gives its id."""

    def write(*rows, ago=timedelta(hours=2)):
        with ledger.session() as session:
            event = record_event(session, what="connections checked", now=datetime.now(UTC) - ago, detail={"rows": list(rows)})
            session.flush()
            return event.id

    return write


@pytest.fixture
def see(client_as, ledger):
    def look(query="", role="admin", status=200):
        answer = client_as(role).get(f"/colophon/connections{query}")
        assert answer.status_code == status, answer.text[-1500:]
        return html.fromstring(answer.text)

    return look


def test_before_the_first_check_the_page_says_how_to_come_by_one(see):
    tree = see()
    assert "No connection has been checked yet." in words(tree)
    assert tree.xpath("//button[@data-start='/colophon/connections/check'][not(@disabled)]")


def test_all_well_is_one_sentence(see, checked):
    checked(GOOD, GOOD | {"step": "write"}, WELL)
    tree = see()
    assert words(tree.xpath("//h1")[0]) == "All well: 2 connections, checked 2 h ago."
    assert [words(row) for row in tree.xpath("//tbody/tr/td[1]")] == ["reach and log in, write", "reach and log in"]


def test_what_needs_mending_comes_first_with_what_to_do(see, checked):
    checked(GOOD, GOOD | {"connection": "consonance"}, REFUSED, WELL | {"step": "write"})
    tree = see()
    assert words(tree.xpath("//h1")[0]) == "1 of 3 connections needs mending, checked 2 h ago."
    first = words(tree.xpath("//tbody")[0])
    assert first.startswith("partner_meridianMeridian Book Wholesale")
    assert "to mend" in first
    assert REFUSED["message"].split(" <")[0] in first
    assert REFUSED["todo"] in first
    assert tree.xpath("//th[@rowspan='2']"), "of a connection that needs mending each step is shown"
    assert not tree.xpath("//main//script"), "what a server says is text"


def test_older_checks_are_listed_and_can_be_looked_at(see, checked):
    old = checked(REFUSED, GOOD, ago=timedelta(days=7))
    checked(WELL, GOOD)
    listed = [words(one) for one in see().xpath("//ol[@class='events']/li")]
    assert [one.split(" UTC ")[1] for one in listed] == ["all well", "partner_meridian to mend"]
    tree = see(f"?check={old}")
    assert "1 of 2 connections needs mending, checked 7 d ago." in words(tree)
    assert "an older check" in words(tree)


@pytest.mark.parametrize(("query", "status"), [("?check=987654", 404), ("?check=0", 400), ("?check=x", 400), (f"?check={2**80}", 400)])
def test_a_check_that_does_not_exist_is_refused_with_a_sentence(see, checked, query, status):
    checked(GOOD)
    assert see(query, status=status).xpath("//h1")


def test_an_event_of_another_kind_is_no_check(see, ledger):
    with ledger.session() as session:
        event = record_event(session, what="ledger checked", now=datetime.now(UTC))
        session.flush()
        other = event.id
    assert "No connection has been checked yet." in words(see())
    see(f"?check={other}", status=404)


def test_a_weekly_check_that_stays_away_is_noticed(see, checked):
    checked(GOOD, ago=timedelta(days=9))
    assert "has not run for more than a week" in words(see())


def test_a_check_without_a_row_breaks_nothing(see, checked):
    checked()
    assert "Nothing was checked 2 h ago." in words(see())


def test_many_checks_are_a_short_list(see, checked):
    for hours in range(30, 0, -1):
        checked(GOOD, ago=timedelta(hours=hours))
    assert len(see().xpath("//ol[@class='events']/li")) == 10


def test_check_now_starts_a_run_in_the_users_name(client_as, known_dag):
    answer = client_as("admin").post("/colophon/connections/check", json={})
    assert answer.status_code == 202, answer.text
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        run = session.scalar(select(DagRun).where(DagRun.run_id == answer.json()["run_id"]))
        assert (run.dag_id, run.triggering_user_name) == ("connections_check", "ada")
    assert answer.json()["url"].startswith("/dags/connections_check/runs/manual__")


@pytest.fixture(scope="module")
def known_dag(airflow_home):
    """Airflow's database knows the DAG, as the DAG processor would have told it."""
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.dag_processing.dagbag import BundleDagBag, sync_bag_to_db

    manager = DagBundlesManager()
    manager.sync_bundles_to_db()
    (bundle,) = manager.get_all_dag_bundles()
    bag = BundleDagBag(dag_folder=bundle.path / "connections_check.py", bundle_path=bundle.path, bundle_name=bundle.name)
    sync_bag_to_db(bag, bundle.name, None)


def test_a_viewer_sees_and_can_not_press(client_as, see):
    assert "Your role may not start the DAG connections_check." in words(see(role="viewer"))
    assert client_as("viewer").post("/colophon/connections/check", json={}).status_code == 403


def test_another_site_can_not_press(client_as):
    client = client_as("admin")
    assert client.post("/colophon/connections/check", json={}, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert client.post("/colophon/connections/check", content="{}", headers={"Content-Type": "text/plain"}).status_code in {400, 415}
    assert client.post("/colophon/connections/check", json={"dag": "redeliver"}).status_code == 400
