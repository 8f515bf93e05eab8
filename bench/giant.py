"""One file of 1 GB over SFTP: the memory that it takes, each way."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

from bench.partners import OpenSsh

ROOT = Path(__file__).resolve().parents[1]

MEMORY = """
import sys
from pathlib import Path
from bench.deliver import Files, Ours, sftp_connection
from bench.partners import OpenSsh
import asyncssh, include.transfer.publish, include.transfer.fetch, include.transfer.sftp, include.transfer.ftp
port, key, hosts, user, source, sha256, there, way = sys.argv[1:]
connect = sftp_connection(OpenSsh(int(port), Path(key), Path(hosts), user))
source = Path(source)
ours = Ours(Files(source, source, source, {source: sha256}))

def memory(which):
    with open("/proc/self/status") as told:
        return next(int(line.split()[1]) for line in told if line.startswith(which))

before = memory("VmRSS")
if way == "up":
    ours.put(connect, source.parent, there, parallel=4)
else:
    ours.get(connect, str(source.parent), Path(there), parallel=4)
print(memory("VmHWM") - before)
"""


def memory(server: OpenSsh, work: Path) -> None:
    """Peak memory for one file of 1 GB beyond that of the imports, each way, each in a process of its own (Linux)."""
    source = work / "giant" / "giant.zip"
    source.parent.mkdir()
    digest, block = hashlib.sha256(), random.Random(1).randbytes(1 << 20)
    with source.open("wb") as stream:
        for _ in range(1000):
            stream.write(block)
            digest.update(block)
    for way in ("up", "down"):
        there = work / "giant-there"
        there.mkdir()
        arguments = [
            str(server.port),
            str(server.user_key),
            str(server.known_hosts),
            server.user,
            str(source),
            digest.hexdigest(),
            str(there),
            way,
        ]
        path = os.pathsep.join([str(ROOT), str(ROOT / "plugins")])
        done = subprocess.run(
            [sys.executable, "-c", MEMORY, *arguments],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=True,
        )
        more = int(done.stdout.split()[-1]) / 1024
        print(
            f"{f'SFTP {way}, 1 GB, memory':<30} {more:+.0f} MB over the imports; must be ≤ +64: {'yes' if more <= 64 else 'NO'}", flush=True
        )
        shutil.rmtree(there)
    shutil.rmtree(source.parent)
