"""SMTP (RFC 5321) on a port of 127.0.0.1: EHLO, AUTH PLAIN and LOGIN, MAIL, RCPT, DATA, RSET, NOOP, QUIT. Nothing is sent on.

A mail that was taken lies in `<root>/mail/<number>.eml`, its envelope beside it. `{"mail": …}` among the faults (`sandbox.control`):

| kind | fields | what happens |
| --- | --- | --- |
| `drop` | `at` | the connection breaks: at `connect`, `mail`, `rcpt`, `data` (at the command), `content` (in the middle of the mail), |
| | | `taken` (the mail is kept, the answer does not come), `lost` (the mail is not kept, and no answer comes) |
| `reply` | `at`, `code` | that code at `mail`, `rcpt`, `data` or `content` |
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from sandbox.faults import Faults

SERVICE = "mail"
HOST = "127.0.0.1"
USER = "colophon"


class _HungUpError(Exception):
    """As asked."""


class Mail:
    """`password` is the one that `USER` has. Lives in the running loop."""

    def __init__(self, root: Path, password: str, faults: Faults) -> None:
        self.folder, self.password, self._faults, self.port = root / "mail", password, faults, 0
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._server = await asyncio.start_server(self._serve, HOST, 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()

    def reset(self) -> None:
        for path in self.folder.glob("*"):
            path.unlink(missing_ok=True)

    @property
    def connection(self) -> dict[str, Any]:
        """As Airflow's connections file has it, for the stock `smtp` type."""
        extra = {
            "disable_tls": True,
            "disable_ssl": True,
            "timeout": 10,
            "retry_limit": 0,
            "from_email": "colophon@lanternandquill.example",
        }
        return {"conn_type": "smtp", "host": HOST, "port": self.port, "login": USER, "password": self.password, "extra": extra}

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await _Talk(self, reader, writer).go()
        except _HungUpError:
            writer.transport.abort()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            with suppress(ConnectionError):
                writer.close()

    def take(self, at: str) -> Mapping[str, Any] | None:
        """The code to answer here, if a fault says so. Raises `_HungUpError` where the line breaks here."""
        drop = self._faults.active(SERVICE, "drop")
        if drop is not None and drop.get("at", "connect") == at:
            self._faults.take(SERVICE, "drop")
            raise _HungUpError
        reply = self._faults.active(SERVICE, "reply")
        return self._faults.take(SERVICE, "reply") if reply is not None and reply.get("at", "mail") == at else None

    def drops(self, at: str) -> bool:
        fault = self._faults.active(SERVICE, "drop")
        return fault is not None and fault.get("at") == at

    def keep(self, sender: str, to: list[str], content: bytes) -> None:
        number = len(list(self.folder.glob("*.eml"))) + 1
        (self.folder / f"{number:05d}.json").write_text(json.dumps({"from": sender, "to": to}))
        (self.folder / f"{number:05d}.eml").write_bytes(content)


class _Talk:
    """One connection."""

    def __init__(self, mail: Mail, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._mail, self._reader, self._writer = mail, reader, writer
        self._known, self._from, self._to = False, "", list[str]()

    async def go(self) -> None:
        self._mail.take("connect")
        await self._say(220, "sandbox ESMTP")
        while line := await self._reader.readline():
            verb, _, rest = line.decode("utf-8", "replace").strip().partition(" ")
            if verb.upper() == "QUIT":
                await self._say(221, "Bye")
                return
            await self._answer(verb.upper(), rest)

    async def _answer(self, verb: str, rest: str) -> None:
        match verb:
            case "EHLO":
                await self._say(250, "sandbox", "AUTH PLAIN LOGIN", "8BITMIME", "SIZE 30000000")
            case "HELO" | "NOOP" | "RSET":
                self._from, self._to = "", []
                await self._say(250, "OK")
            case "AUTH":
                await self._log_in(rest)
            case "MAIL" | "RCPT" | "DATA" if not self._known:
                await self._say(530, "Authentication required")
            case "MAIL" | "RCPT" | "DATA":
                await self._carry(verb.lower(), rest)
            case _:
                await self._say(502, "Command not implemented")

    async def _carry(self, verb: str, rest: str) -> None:
        if refusal := self._mail.take(verb):
            await self._say(int(refusal.get("code", 451)), "Not now, as asked")
        elif verb == "data":
            await self._content()
        else:
            address = rest.partition(":")[2].strip().split(" ")[0].strip("<>")
            if verb == "mail":
                self._from, self._to = address, []
            else:
                self._to.append(address)
            await self._say(250, "OK")

    async def _content(self) -> None:
        if not self._to:
            await self._say(503, "No recipient")
            return
        await self._say(354, "Go on")
        lines: list[bytes] = []
        while (line := await self._reader.readline()) != b".\r\n":
            if not line:
                raise _HungUpError
            lines.append(line[1:] if line.startswith(b".") else line)
            if len(lines) == 5 and self._mail.drops("content"):
                self._mail.take("content")
        if refusal := self._mail.take("content"):
            await self._say(int(refusal.get("code", 451)), "Not now, as asked")
            return
        self._mail.take("lost")
        self._mail.keep(self._from, self._to, b"".join(lines))
        self._mail.take("taken")
        await self._say(250, "Taken")

    async def _log_in(self, rest: str) -> None:
        method, _, first = rest.partition(" ")
        if method.upper() == "PLAIN":
            given = _plain(first or await self._ask("")).split("\0")[1:]
        else:
            given = [_plain(first or await self._ask("Username:")), _plain(await self._ask("Password:"))]
        self._known = given == [USER, self._mail.password]
        await self._say(*((235, "Welcome") if self._known else (535, "Authentication failed")))

    async def _ask(self, words: str) -> str:
        await self._say(334, base64.b64encode(words.encode()).decode())
        return (await self._reader.readline()).decode().strip()

    async def _say(self, code: int, *words: str) -> None:
        for number, one in enumerate(words):
            self._writer.write(f"{code}{'-' if number < len(words) - 1 else ' '}{one}\r\n".encode())
        await self._writer.drain()


def _plain(text: str) -> str:
    try:
        return base64.b64decode(text).decode()
    except ValueError:
        return ""
