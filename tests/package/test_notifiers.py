"""Who is told what, through real servers on the loopback: mail, Slack, Teams and Jira."""

import asyncio
import json
import logging
from email import message_from_string
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest

from colophon.notifiers import channels
from colophon.notifiers.channels import Notice, tell
from colophon.notifiers.failure import DeadlineNotice, FailureNotice, deadline_notice, failure_notice, people
from include.errors import HostKeyMismatch
from include.partners.registry import load_house, load_partner
from tests.package.mailbox import Mailbox, running

NOTICE = Notice("Northgate: the feed failed", "the disk is full", ("ops@example.org",), "desk@example.org", "feed failed")


class Web(ThreadingHTTPServer):
    """Takes webhooks; plays Jira's search, issues and comments."""

    daemon_threads = True

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.server.seen.append((self.path, None))
            self._answer(200, {"issues": self.server.issues[:1]})

        def do_POST(self):
            content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.server.seen.append((self.path, content))
            if self.path.split("?")[0].endswith("/issue"):
                self.server.issues.append({"key": f"PUB-{len(self.server.issues) + 1}"})
            self._answer(self.server.status, {"key": "PUB-1"})

        def _answer(self, status, content):
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    def __init__(self):
        super().__init__(("127.0.0.1", 0), self.Handler)
        self.seen, self.issues, self.status = [], [], 200


@pytest.fixture
def mailbox():
    with running(Mailbox()) as server:
        yield server


@pytest.fixture
def web():
    with running(Web()) as server:
        yield server


@pytest.fixture
def connect(monkeypatch):
    """Gives Airflow a connection, by name."""
    channels._missing.cache_clear()
    for name in channels.CHANNELS:
        monkeypatch.delenv(f"AIRFLOW_CONN_{name.upper()}", raising=False)

    def add(name, **fields):
        monkeypatch.setenv(f"AIRFLOW_CONN_{name.upper()}", json.dumps(fields))

    return add


@pytest.fixture
def mail(connect, mailbox):
    connect(
        "smtp_default",
        conn_type="smtp",
        host="127.0.0.1",
        port=mailbox.server_address[1],
        extra={"disable_ssl": True, "disable_tls": True, "retry_limit": 0},
    )
    return mailbox


def _webhook(connect, web, name):
    connect(name, conn_type="http", host=f"http://127.0.0.1:{web.server_address[1]}", password="services/T0/B0/verysecretpath")


def test_a_mail_goes_to_the_addresses_of_the_notice(mail):
    assert tell(NOTICE) == ("smtp_default",)
    letter = message_from_string(mail.letters[0])
    assert (letter["To"], letter["From"], letter["Subject"]) == ("ops@example.org", "desk@example.org", NOTICE.subject)
    assert b"the disk is full" in letter.get_payload()[0].get_payload(decode=True)


def test_a_text_of_the_other_side_can_neither_add_headers_nor_markup(mail):
    tell(Notice("failed\r\nBcc: everyone@example.org", "<script>alert(1)</script>", ("ops@example.org",), "desk@example.org"))
    letter = message_from_string(mail.letters[0])
    assert letter["Bcc"] is None
    assert b"<script>" not in letter.get_payload()[0].get_payload(decode=True)


def test_slack_and_teams_get_what_their_webhooks_take(connect, web):
    _webhook(connect, web, "slack_webhook")
    _webhook(connect, web, "teams_webhook")
    assert tell(NOTICE) == ("slack_webhook", "teams_webhook")
    (path, slack), (_, teams) = web.seen
    assert path == "/services/T0/B0/verysecretpath"
    assert "the disk is full" in slack["text"]
    assert teams["attachments"][0]["content"]["body"][0]["text"] == NOTICE.subject


def test_the_same_trouble_opens_one_jira_issue_and_then_comments_on_it(connect, web):
    connect(
        "jira_default",
        conn_type="jira",
        host=f"http://127.0.0.1:{web.server_address[1]}",
        login="bot",
        password="token",
        extra={"project": "PUB"},
    )
    assert tell(NOTICE) == tell(NOTICE) == ("jira_default",)
    posted = [(path.split("?")[0], content) for path, content in web.seen if content]
    assert [path for path, _ in posted] == ["/rest/api/2/issue", "/rest/api/2/issue/PUB-1/comment"]
    assert posted[0][1]["fields"]["project"] == {"key": "PUB"}
    assert "the disk is full" in posted[1][1]["body"]


def test_without_any_connection_nothing_fails_and_it_is_said_once(connect, caplog):
    caplog.set_level(logging.INFO)
    assert tell(NOTICE) == tell(NOTICE) == ()
    assert caplog.text.count("There is no connection smtp_default") == 1


def test_one_broken_channel_keeps_no_other_from_being_told_and_gives_no_secret_away(connect, mail, web, caplog):
    _webhook(connect, web, "slack_webhook")
    web.status = 404
    connect("teams_webhook", conn_type="http", host="http://127.0.0.1:9", password="services/T0/B0/verysecretpath")  # nobody listens there
    connect("jira_default", conn_type="jira", host="http://127.0.0.1:9")  # no project
    assert tell(NOTICE) == ("smtp_default",)
    assert all(name in caplog.text for name in ("slack_webhook", "teams_webhook", "jira_default"))
    assert "verysecretpath" not in caplog.text


def test_a_connection_that_is_no_connection_is_left_out(connect, monkeypatch, mail):
    monkeypatch.setenv("AIRFLOW_CONN_SLACK_WEBHOOK", "{broken json")
    assert tell(NOTICE) == ("smtp_default",)


def _failed(error):
    ti = SimpleNamespace(dag_id="metadata_feed__northgate", task_id="deliver", log_url="http://localhost:8080/log")
    return {"ti": ti, "exception": error, "dag_run": SimpleNamespace(run_id="manual__1")}


def test_a_failure_is_told_to_the_partners_people_with_what_where_and_what_to_do():
    error = HostKeyMismatch("another host key", where="northgate", todo="Ask Northgate whether the key was changed.")
    notice = failure_notice(_failed(error), "northgate")
    assert notice.to == load_partner("northgate").notify
    assert "Northgate Distribution" in notice.subject
    for part in ("deliver", "another host key", "Ask Northgate", "manual__1", "http://localhost:8080/log"):
        assert part in notice.text


def test_failures_of_no_partner_or_of_an_unknown_one_go_to_the_house():
    house = load_house()
    assert people()[1] == (house.notify or (house.sender.email,))
    assert people("nobody")[:2] == ("nobody", people()[1])


def test_a_broken_config_folder_costs_the_addresses_but_not_the_notice(monkeypatch, tmp_path):
    monkeypatch.setenv("COLOPHON_CONFIG", str(tmp_path))
    assert failure_notice(_failed(ValueError("x" * 5000)), "northgate").to == ()
    assert len(failure_notice(_failed(ValueError("x" * 5000)), "northgate").text) < 1000


def test_the_notifiers_can_be_called_the_way_airflow_calls_them(mail):
    FailureNotice("northgate")(_failed(ValueError("boom")))
    context = {"dag_run": {"dag_id": "metadata_feed__northgate", "dag_run_id": "scheduled__1"}, "deadline": {"deadline_time": "06:00"}}
    DeadlineNotice(partner="northgate", context=context)(context)
    assert len(mail.letters) == 2
    assert "06:00" in deadline_notice(context, "northgate").text
    assert "scheduled__1" in deadline_notice(context, "northgate").text


def test_a_deadline_is_told_from_the_triggerers_loop_as_well(mail):
    async def as_airflow_does():
        await DeadlineNotice(partner="northgate", context={"dag_run": {"dag_id": "metadata_feed__northgate"}})

    asyncio.run(as_airflow_does())
    assert "is late" in mail.letters[0]


def test_an_almost_empty_context_still_makes_a_notice():
    assert failure_notice({}).text
    assert deadline_notice({}, "northgate").text


def test_a_question_is_told_with_its_reasons_and_the_way_to_answer(monkeypatch, mail):
    from colophon.notifiers.question import QuestionNotice
    from colophon.tasks.feeds import ask_a_person

    question = ask_a_person(load_partner("northgate"))
    question.subject = "Send 87 records to Northgate Distribution?"
    built = {"approve": ["22 of 109 titles are held back; the limit is 1 %"]}
    ti = SimpleNamespace(
        dag_id="metadata_feed__northgate",
        run_id="scheduled__1",
        task_id="approve",
        map_index=-1,
        xcom_pull=lambda task_ids, map_indexes: built,
    )
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example.org")
    QuestionNotice("northgate").notify({"task": question, "ti": ti, "task_instance": ti})
    letter = message_from_string(mail.letters[0])
    text = letter.get_payload()[0].get_payload(decode=True).decode()
    assert letter["To"] == "operations@lanternandquill.example"
    assert letter["Subject"] == "Northgate Distribution: Send 87 records to Northgate Distribution?"
    assert built["approve"][0] in text
    assert "https://airflow.example.org/dags/metadata_feed__northgate/runs/scheduled__1/tasks/approve/required_actions" in text


def test_a_question_without_an_address_of_airflow_is_told_all_the_same(monkeypatch, mail):
    from colophon.notifiers.question import QuestionNotice
    from colophon.tasks.feeds import ask_a_person

    ti = SimpleNamespace(
        dag_id="metadata_feed__northgate",
        run_id="r",
        task_id="approve",
        map_index=-1,
        xcom_pull=lambda task_ids, map_indexes: {"approve": ["x"]},
    )
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "")
    QuestionNotice("northgate").notify({"task": ask_a_person(load_partner("northgate")), "ti": ti, "task_instance": ti})
    text = message_from_string(mail.letters[0]).get_payload()[0].get_payload(decode=True).decode()
    assert "Answer: Airflow, Required Actions of metadata_feed__northgate" in text
