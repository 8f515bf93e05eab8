"""A worker process that is killed in the middle of an upload: the next run gives the exact bytes and leaves nothing behind."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.transfer.conftest import FTP, FTPS, SFTP, Partners, file, send

ROOT = Path(__file__).resolve().parents[2]
CONTENT = random.Random(7).randbytes(12 << 20)
WORKER = """
import hashlib, io, json, os, signal, sys
from pathlib import Path
from tests.transfer.conftest import Partners, send
from include.transfer import Outgoing
from types import SimpleNamespace


class Fatal(io.BytesIO):
    def read(self, *size):
        if self.tell() > 8 << 20:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().read(*size)


partner, root, connections, content = sys.argv[1:]
servers = SimpleNamespace(root=Path(root), connections=json.loads(connections))
whole = Path(content).read_bytes()
with Partners(servers, None).remote(partner) as remote:
    send(remote, Outgoing("lq.xml", "/inbox", len(whole), hashlib.sha256(whole).hexdigest(), lambda: Fatal(whole), "message"))
"""


@pytest.mark.parametrize("partner", [SFTP, FTP, FTPS])
def test_killed_upload_is_finished_by_the_next_run(partners: Partners, partner: str, tmp_path: Path) -> None:
    content = tmp_path / "content"
    content.write_bytes(CONTENT)
    arguments = [partner, str(partners.servers.root), json.dumps(partners.servers.connections), str(content)]
    environment = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'plugins'}"}
    worker = subprocess.run([sys.executable, "-c", WORKER, *arguments], cwd=ROOT, env=environment, check=False)
    assert worker.returncode == -signal.SIGKILL
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
