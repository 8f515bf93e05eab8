"""The sandbox's Jira and mail server in this process, reached as flows reach them: by the stock provider's client, and by smtplib."""

from __future__ import annotations

import asyncio
import email
import email.policy
import json
import smtplib
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import uvicorn
from atlassian import Jira as Client
from starlette.applications import Starlette

from include.errors import TransientError
from include.licences import issues, posting
from sandbox.faults import Faults
from sandbox.jira.app import USER, Jira
from sandbox.mail.server import Mail


@dataclass
class PostOffice:
    jira: Jira
    mail: Mail
    faults: Faults

    def client(self) -> issues.Jira:
        return issues.Jira(Client(url=f"{self.jira.base_url}/jira", username=USER, password=self.jira.token, api_version="2", timeout=5))

    def send(self, message: EmailMessage, to: Sequence[str]) -> list[str]:
        try:
            client = smtplib.SMTP("127.0.0.1", self.mail.port, timeout=5)
            client.login("colophon", self.mail.password)
        except (smtplib.SMTPException, OSError) as broken:
            raise TransientError("the mail server does not answer", where="mail") from broken
        try:
            return posting.post(client, message, str(message["From"]), to)
        finally:
            client.close()

    def mails(self) -> list[EmailMessage]:
        found = []
        for path in sorted(self.mail.folder.glob("*.eml")):
            message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
            message["X-To"] = ",".join(json.loads(path.with_suffix(".json").read_text())["to"])
            found.append(message)
        return found  # type: ignore[return-value]

    def issues(self) -> list[dict[str, Any]]:
        return list(self.jira.issues.values())

    def reset(self) -> None:
        self.faults.clear()
        self.jira.reset()
        self.mail.reset()


@contextmanager
def post_office_in(folder: Path) -> Iterator[PostOffice]:
    faults = Faults()
    office = PostOffice(Jira("t" * 32, faults), Mail(folder, "p" * 20, faults), faults)
    listener = socket.create_server(("127.0.0.1", 0))
    office.jira.base_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    config = uvicorn.Config(Starlette(routes=office.jira.routes()), log_level="critical", lifespan="off", access_log=False)
    server = uvicorn.Server(config)

    async def serve() -> None:
        await office.mail.start()
        await server.serve(sockets=[listener])
        await office.mail.stop()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.01)
    yield office
    server.should_exit = True
    thread.join(10)
