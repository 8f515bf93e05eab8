"""ClamAV's daemon, asked through its socket (clamd(8), command INSTREAM)."""

from __future__ import annotations

import socket
import struct
from pathlib import Path

from include.errors import ConfigurationError, TransientError
from include.files.model import Refused

CHUNK = 256 << 10  # bytes
_TIMEOUT = 300.0  # seconds for an answer: a large archive takes its time


def scan(local: Path, address: str) -> None:
    """Has the daemon at `address` ("/run/clamav/clamd.ctl" or "host:3310") look through the file.

    Raises `Refused`: virus (with the signature's name), too-large (the daemon takes less). `TransientError` when it does not
    answer as it should: a file is never taken unscanned.
    """
    try:
        with _connect(address) as link:
            link.sendall(b"zINSTREAM\0")
            with local.open("rb") as stream:
                try:
                    while block := stream.read(CHUNK):
                        link.sendall(struct.pack(">I", len(block)) + block)
                    link.sendall(struct.pack(">I", 0))
                except (BrokenPipeError, ConnectionResetError):
                    pass  # it has heard enough: its answer says why
            answer = _answer(link)
    except OSError as failed:
        raise TransientError(
            f"the virus scanner does not answer: {failed}", where=f"COLOPHON_CLAMAV={address}", todo="Start clamd, or correct its address."
        ) from failed
    if answer.endswith(" FOUND"):
        name = answer.removesuffix(" FOUND").rpartition(": ")[2]
        raise Refused("virus", f"the virus scanner found {name}", todo="Do not open it; tell the sender.")
    if "size limit exceeded" in answer:
        todo = "Raise StreamMaxLength in clamd.conf, or scan it by hand."
        raise Refused("too-large", "larger than the virus scanner takes", todo=todo)
    if answer != "stream: OK":
        raise TransientError(
            f"the virus scanner answered “{answer[:200]}”", where=f"COLOPHON_CLAMAV={address}", todo="Look at clamd's log."
        )


def _connect(address: str) -> socket.socket:
    if address.startswith("/"):
        link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        link.settimeout(_TIMEOUT)
        try:
            link.connect(address)
        except OSError:
            link.close()
            raise
        return link
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise ConfigurationError(
            "no address of a virus scanner", where=f"COLOPHON_CLAMAV={address}", todo="Write a socket's path or host:port (3310)."
        )
    link = socket.create_connection((host.strip("[]"), int(port)), timeout=30)
    link.settimeout(_TIMEOUT)
    return link


def _answer(link: socket.socket) -> str:
    answer = b""
    while b"\0" not in answer and len(answer) < 4096:
        block = link.recv(4096)
        if not block:
            break
        answer += block
    return answer.split(b"\0", 1)[0].decode("utf-8", "replace").strip()
