"""Sends one mail so that what became of it is known: not sent, sent, or in doubt where the line broke while the server answered.

A server may deliver a mail only after the dot that ends it (RFC 5321, 4.1.1.4). What breaks before that has not been sent and is tried
again; after it the mail may be on its way, and nobody can ask: it is not sent a second time.
"""

from __future__ import annotations

import re
import select
import smtplib
import ssl
from collections.abc import Sequence
from email.message import EmailMessage
from email.policy import SMTP

from include.errors import ColophonError, PermanentError, TransientError

LISTENS = 0.25  # seconds in which a broken line shows, before the dot makes it a matter of doubt
SEVEN_BIT = SMTP.clone(cte_type="7bit")
_TODO = "Look at the mail server's log; the mail is tried again with the next run."
_BROKEN = (smtplib.SMTPException, OSError)


class InDoubt(ColophonError):
    """The mail was handed over whole, and the server's answer did not come."""


def post(client: smtplib.SMTP, message: EmailMessage, sender: str, to: Sequence[str]) -> list[str]:
    """Hands the mail over on an open connection; gives the addresses that the server refused.

    Raises `InDoubt`, `PermanentError` where the server refuses it for good or all addresses, `TransientError` for everything else: then it
    was not sent.
    """
    try:
        refused = _addressed(client, sender, to)
        content = re.sub(rb"(?m)^\.", b"..", message.as_bytes(policy=SEVEN_BIT))
        client.send(content if content.endswith(b"\r\n") else content + b"\r\n")
        _still_there(client)
        client.send(b".\r\n")
    except _BROKEN as broken:
        raise TransientError(f"the mail was not sent: {type(broken).__name__}", where="mail", todo=_TODO) from broken
    try:
        code, words = client.getreply()
    except _BROKEN as broken:
        todo = "It is not sent again. Ask whoever should have it, or look at the mail server's log."
        raise InDoubt("the connection broke before the server had said that it took the mail", where="mail", todo=todo) from broken
    if code != 250:
        raise _refusal(code, words, "the mail")
    return refused


def _still_there(client: smtplib.SMTP) -> None:
    """Raises `SMTPServerDisconnected` if the server has hung up or refused in the middle of the mail, as long as nothing is in doubt."""
    sock = client.sock
    if sock is None or not select.select([sock], [], [], LISTENS)[0]:
        return
    patience = sock.gettimeout()
    sock.settimeout(0)
    try:
        said = sock.recv(512)
    except (BlockingIOError, ssl.SSLWantReadError):
        return  # TLS talks to itself
    finally:
        sock.settimeout(patience)
    client.close()
    raise smtplib.SMTPServerDisconnected(f"{said[:100]!r} in the middle of the mail")


def _addressed(client: smtplib.SMTP, sender: str, to: Sequence[str]) -> list[str]:
    """Everything up to the mail itself."""
    client.ehlo_or_helo_if_needed()
    code, words = client.mail(sender)
    if code != 250:
        raise _refusal(code, words, f"the sender {sender}")
    refused = []
    for address in to:
        code, words = client.rcpt(address)
        if code not in {250, 251}:
            refused.append(address)
            if len(refused) == len(to):
                raise _refusal(code, words, ", ".join(refused))
    code, words = client.docmd("DATA")
    if code != 354:
        raise _refusal(code, words, "the mail")
    return refused


def _refusal(code: int, words: bytes, what: str) -> ColophonError:
    said = words.decode("utf-8", "replace")[:200]
    message = f"the mail server refuses {what}: {code} {said}"
    if 500 <= code < 600:
        return PermanentError(message, where="mail", todo="Mend the address in config/house.toml, or ask who runs the mail server.")
    return TransientError(message, where="mail", todo=_TODO)
