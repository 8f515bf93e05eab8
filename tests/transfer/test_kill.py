"""A worker process that is killed in the middle of an upload: the next run gives the exact bytes and leaves nothing behind."""

from __future__ import annotations

import hashlib
import io
import os
import random
import signal
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from include.transfer import Outgoing
from tests.transfer.conftest import FTP, FTPS, SFTP, Partners, file, send
from tests.workers import killed

CONTENT = random.Random(7).randbytes(12 << 20)


class Fatal(io.BytesIO):
    def read(self, *size: int | None) -> bytes:
        if self.tell() > 8 << 20:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().read(*size)


def work(partner: str, root: str, connections: dict[str, Any]) -> None:
    """What a worker does; it dies when two thirds of the file are read."""
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    with Partners(SimpleNamespace(root=Path(root), connections=connections), None).remote(partner) as remote:  # type: ignore[arg-type]
        send(remote, Outgoing("lq.xml", "/inbox", len(CONTENT), sha256, lambda: Fatal(CONTENT), "message"))


@pytest.mark.parametrize("partner", [SFTP, FTP, FTPS])
def test_killed_upload_is_finished_by_the_next_run(partners: Partners, partner: str) -> None:
    assert killed(work, partner, str(partners.servers.root), partners.servers.connections) == -signal.SIGKILL
    inbox = partners.inbox(partner)
    settled(inbox / f".lq.xml.{hashlib.sha256(CONTENT).hexdigest()[:8]}.part")
    assert not (inbox / "lq.xml").exists()
    with partners.remote(partner) as remote:
        sent = send(remote, file("lq.xml", CONTENT))
    assert sent.only.resumed_from > 0
    assert (inbox / "lq.xml").read_bytes() == CONTENT
    assert [path.name for path in inbox.iterdir() if path.is_file()] == ["lq.xml"]


def settled(partial: Path) -> None:
    """The server has read what the line still held."""
    size = -1
    for _ in range(300):
        if size == (size := partial.stat().st_size) > 0:
            return
        time.sleep(0.2)
    pytest.fail("the upload never got that far")
