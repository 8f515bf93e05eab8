"""Answers that break on purpose, for every stand-in that speaks HTTP."""

from __future__ import annotations

from starlette.types import Message, Send


class BrokenOnPurposeError(ConnectionError):
    """The connection was broken on purpose."""


def breaking(send: Send) -> Send:
    """Half of the body, then nothing more: the server closes the connection, since the length was promised."""

    async def half(message: Message) -> None:
        if message["type"] == "http.response.body":
            body = message.get("body", b"")
            await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
            raise BrokenOnPurposeError("dropped in mid-answer, as asked")
        await send(message)

    return half


async def answer(send: Send, status: int, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    """A whole answer with its length."""
    await send({"type": "http.response.start", "status": status, "headers": [*headers, (b"content-length", str(len(body)).encode())]})
    await send({"type": "http.response.body", "body": body})
