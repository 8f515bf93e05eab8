"""The stock providers' connections to people: `smtp_default` for mails, `jira_default` for issues. Either may be missing."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from email.message import EmailMessage
from typing import TYPE_CHECKING, Any

from colophon.hooks.connections import if_there
from colophon.notifiers.channels import JIRA, MAIL
from include.errors import LoginRefused, TransientError

if TYPE_CHECKING:
    from airflow.sdk import Connection

    from include.licences.issues import Jira
    from include.licences.telling import Send

log = logging.getLogger(__name__)


def open_mail() -> Send | None:
    """Sends one mail over the stock hook's connection, each over a line of its own; None where there is no such connection.

    The hook's own sending tries blindly again and changes the headers, so that only its connecting and logging in are used.
    """
    connection = _connection(MAIL)
    if connection is None:
        return None
    sender = str(connection.extra_dejson.get("from_email") or "")

    def send(message: EmailMessage, to: Sequence[str]) -> list[str]:
        from include.licences.posting import post

        if sender:
            del message["From"]
            message["From"] = sender
        hook = _connected()
        try:
            return post(hook._smtp_client, message, str(message["From"]), to)
        finally:
            hook._smtp_client.close()

    return send


def _connected() -> Any:
    """The stock hook, connected and logged in. Whatever goes wrong here, no mail was sent."""
    import smtplib

    from airflow.exceptions import AirflowException
    from airflow.providers.smtp.hooks.smtp import SmtpHook

    try:
        return SmtpHook(smtp_conn_id=MAIL).get_conn()
    except smtplib.SMTPAuthenticationError as refused:
        raise LoginRefused("the mail server refuses the login", where=MAIL, todo="Mend the connection.") from refused
    except (smtplib.SMTPException, AirflowException, OSError) as broken:
        said = broken.__cause__ or broken.__context__ if isinstance(broken, AirflowException) else broken  # the hook only says "unable"
        todo = "Nothing was sent; it is tried again. If it stays so, compare host, port and encryption with the mail server's."
        raise TransientError(f"the mail server can't be reached: {said or broken}", where=MAIL, todo=todo) from broken


def open_jira() -> Jira | None:
    """The stock hook's client; None where there is no such connection. The extra `issue_type` is what issues are (Task)."""
    connection = _connection(JIRA)
    if connection is None:
        return None
    from airflow.providers.atlassian.jira.hooks.jira import JiraHook

    from include.licences.issues import Jira

    client: Any = JiraHook(jira_conn_id=JIRA).get_conn()
    client.cloud = (connection.host or "").rstrip("/").endswith(".atlassian.net")  # the hook leaves it unset; searching differs
    return Jira(client, str(connection.extra_dejson.get("issue_type") or "Task"))


def _connection(connection_id: str) -> Connection | None:
    if (found := if_there(connection_id)) is None:
        log.info("There is no connection %s: nobody is told of licences that way", connection_id)
    return found
