"""A worker process that is killed in the middle of an upload: the next run gives the exact bytes and leaves nothing behind."""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.transfer.conftest import FTP, FTPS, SFTP, Partners, file, send

ROOT = Path(__file__).resolve().parents[2]
CONTENT = random.Random(7).randbytes(12 << 20)
WORKER = """
import json, sys
from pathlib import Path
from tests.transfer.conftest import PROTOCOLS, Partners, file, send
from types import SimpleNamespace

partner, root, connections, content = sys.argv[1:]
servers = SimpleNamespace(root=Path(root), connections=json.loads(connections))
with Partners(servers, None).remote(partner) as remote:
    send(remote, file("lq.xml", Path(content).read_bytes()))
"""


@pytest.mark.parametrize("partner", [SFTP, FTP, FTPS])
def test_killed_upload_is_finished_by_the_next_run(partners: Partners, partner: str, tmp_path: Path) -> None:
    content = tmp_path / "content"
    content.write_bytes(CONTENT)
    partners.switches.set(partner, "slow", bytes=6 << 20)
    arguments = [partner, str(partners.servers.root), json.dumps(partners.servers.connections), str(content)]
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER, *arguments], cwd=ROOT, env=os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'plugins'}"}
    )
    inbox = partners.inbox(partner)
    partial = inbox / f".lq.xml.{hashlib.sha256(CONTENT).hexdigest()[:8]}.part"
    try:
        for _ in range(400):
            if partial.exists() and partial.stat().st_size > 5 << 20:
                break
            time.sleep(0.02)
        else:
            pytest.fail("the upload never got that far")
    finally:
        worker.kill()
        worker.wait(10)
    assert not (inbox / "lq.xml").exists()
    partners.switches.on.clear()
    time.sleep(0.3)  # the server reads what the line still held
    with partners.remote(partner) as remote:
        sent = send(remote, file("lq.xml", CONTENT))
    assert sent.only.resumed_from > 0
    assert (inbox / "lq.xml").read_bytes() == CONTENT
    assert [path.name for path in inbox.iterdir() if path.is_file()] == ["lq.xml"]
