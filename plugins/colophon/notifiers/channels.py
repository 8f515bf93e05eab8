"""The channels by which people are told, one connection each. A channel without a connection is left out.

| connection       | type | what it needs                                                                        |
|------------------|------|--------------------------------------------------------------------------------------|
| `smtp_default`   | smtp | the stock provider's form; without `from_email` the house's address is the sender    |
| `jira_default`   | jira | address, login, API token; extra `{"project": "PUB", "issue_type": "Task"}`          |
| `slack_webhook`  | http | host `https://hooks.slack.com`, password: the rest of the webhook's address          |
| `teams_webhook`  | http | host of the workflow's address, password: the rest of it                             |
"""

from __future__ import annotations

import hashlib
import html
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from include.errors import ConfigurationError, PermanentError, TransientError

if TYPE_CHECKING:
    from airflow.sdk import Connection

log = logging.getLogger(__name__)

MAIL, JIRA, SLACK, TEAMS = "smtp_default", "jira_default", "slack_webhook", "teams_webhook"
SECONDS = 30


@dataclass(frozen=True, slots=True)
class Notice:
    """What people are told. `topic` names the trouble, so that Jira gets one issue and then comments."""

    subject: str
    text: str
    to: tuple[str, ...] = ()
    sender: str = ""
    topic: str = ""


def tell(notice: Notice) -> tuple[str, ...]:
    """Sends a notice by every channel that has a connection; gives the connections it went through.

    Never raises: a notice is about a first error, which a second one would hide.
    """
    from airflow.sdk.log import redact

    notice = Notice(redact(_one_line(notice.subject)), redact(notice.text), notice.to, notice.sender, notice.topic)
    told = []
    for connection_id, send in CHANNELS.items():
        if (connection := _connection(connection_id)) is None:
            continue
        try:
            if send(connection, notice):
                told.append(connection_id)
        except Exception as error:  # noqa: BLE001 - whatever a channel does, the first error stays the one people see
            # Only our own sentences: a library's message may hold the webhook's address, which is the secret itself.
            why = str(error) if isinstance(error, ConfigurationError | PermanentError | TransientError) else type(error).__name__
            log.warning("The notice %r could not be sent through %s: %s", notice.subject, connection_id, redact(why))
    if not told:
        log.info("Nobody was told of %r: no channel took it", notice.subject)
    return tuple(told)


def _connection(connection_id: str) -> Connection | None:
    from airflow.sdk import BaseHook
    from airflow.sdk.exceptions import AirflowException, AirflowNotFoundException, AirflowRuntimeError

    try:
        return BaseHook.get_connection(connection_id)
    except AirflowNotFoundException:
        _missing(connection_id)
    except (AirflowException, AirflowRuntimeError, PermissionError, ValueError) as error:
        log.warning("The connection %s can't be read: %s", connection_id, type(error).__name__)
    return None


@cache
def _missing(connection_id: str) -> None:
    """Says once per process that a channel is not set up: most houses use one or two of them."""
    log.info("There is no connection %s: nobody is told that way", connection_id)


def _mail(connection: Connection, notice: Notice) -> bool:
    if not notice.to:
        return False
    from airflow.providers.smtp.hooks.smtp import SmtpHook

    sender = connection.extra_dejson.get("from_email") or notice.sender
    if not sender:
        raise ConfigurationError("nobody to send from", where=MAIL, todo="Fill in From email in the connection.")
    with SmtpHook(smtp_conn_id=MAIL) as hook:
        body = f"<pre style='white-space:pre-wrap;font-family:inherit'>{html.escape(notice.text)}</pre>"
        hook.send_email_smtp(to=list(notice.to), subject=notice.subject, html_content=body, from_email=sender)
    return True


def _jira(connection: Connection, notice: Notice) -> bool:
    """One open issue per topic, found by its label; what happens again becomes a comment on it."""
    from airflow.providers.atlassian.jira.hooks.jira import JiraHook

    project = connection.extra_dejson.get("project")
    if not project:
        raise ConfigurationError("no project", where=JIRA, todo='Add {"project": "<key>"} to the connection\'s extra.')
    client: Any = JiraHook(jira_conn_id=JIRA).get_conn()
    client.cloud = (connection.host or "").rstrip("/").endswith(".atlassian.net")  # the hook leaves it unset; searching differs
    label = "colophon-" + hashlib.sha256((notice.topic or notice.subject).encode()).hexdigest()[:16]
    found = client.jql(f'project = "{project}" AND labels = "{label}" AND statusCategory != Done', fields="summary", limit=1)
    if issues := (found or {}).get("issues"):
        client.issue_add_comment(issues[0]["key"], f"{notice.subject}\n\n{notice.text}")
    else:
        client.issue_create({
            "project": {"key": project},
            "issuetype": {"name": connection.extra_dejson.get("issue_type", "Task")},
            "summary": notice.subject[:250],
            "description": notice.text,
            "labels": ["colophon", label],
        })
    return True


def _slack(connection: Connection, notice: Notice) -> bool:
    _post(connection, {"text": f"*{notice.subject}*\n{notice.text}"})
    return True


def _teams(connection: Connection, notice: Notice) -> bool:
    """An adaptive card: what a Teams workflow's webhook takes."""
    blocks = [{"type": "TextBlock", "text": notice.subject, "weight": "Bolder", "wrap": True}]
    blocks += [{"type": "TextBlock", "text": line, "wrap": True} for line in notice.text.splitlines() if line]
    card = {"$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.4", "body": blocks}
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "content": card}
    _post(connection, {"type": "message", "attachments": [attachment]})
    return True


def _post(connection: Connection, content: dict[str, Any]) -> None:
    import requests

    where = connection.conn_id
    host = (connection.host or "").rstrip("/")
    if not host or not connection.password:
        raise ConfigurationError("address incomplete", where=where, todo="Host: the site; password: the rest of the webhook's address.")
    site = host if "://" in host else f"{connection.schema or 'https'}://{host}"
    port = f":{connection.port}" if connection.port else ""
    try:
        answer = requests.post(f"{site}{port}/{connection.password.lstrip('/')}", json=content, timeout=SECONDS)
    except requests.RequestException as error:
        raise TransientError(f"no answer ({type(error).__name__})", where=where) from None  # its message holds the address
    if not answer.ok:
        raise PermanentError(f"answered {answer.status_code}", where=where, todo="Make a new webhook if the old one was taken back.")


def _one_line(text: str) -> str:
    return " ".join(text.split())[:200]


CHANNELS: dict[str, Callable[[Connection, Notice], bool]] = {MAIL: _mail, JIRA: _jira, SLACK: _slack, TEAMS: _teams}
