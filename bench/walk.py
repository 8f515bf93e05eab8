"""Walk: the names of an old archive into the ledger, against `lftp find` on the same OpenSSH server, and what memory that takes.

20,000 folders of 40 names, and one of 200,000. lftp prints names; we also write size and time of each, with checkpoints, so
that a walk that is killed goes on. Then the same walk again, when every name is known. `--quick` lists a tenth of it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bench.partners import HOST, ROOT, OpenSsh, openssh

FOLDERS, NAMES, LARGE = 20_000, 40, 200_000

WALK = """
import sys, time
from datetime import UTC, datetime
from pathlib import Path
from bench.deliver import sftp_connection
from bench.partners import OpenSsh
from include.archives.walk import Walk, begin_or_go_on
from include.ledger import archives
from include.ledger.database import Ledger
from include.partners import Archive
from include.transfer import Remote
from include.transfer.sftp import SftpDriver

port, key, hosts, user, root, database = sys.argv[1:]
connect = sftp_connection(OpenSsh(int(port), Path(key), Path(hosts), user))
archive = Archive.model_validate({
    "id": "bench", "name": "bench", "exclude": ["**/.DS_Store", "**/Thumbs.db", "**/@eaDir/**"],
    "transport": {"protocol": "sftp", "connection": "bench", "folder": root, "parallel": 16},
})

def memory(which):
    with open("/proc/self/status") as told:
        return next(int(line.split()[1]) for line in told if line.startswith(which))

ledger = Ledger(database)
ledger.upgrade()
number = begin_or_go_on(ledger, archive, datetime.now(UTC), anew=True)
before, began = memory("VmRSS"), time.perf_counter()
with Remote(SftpDriver(connect, "bench"), archive.transport) as remote:
    seen = Walk(ledger, archive, number, remote, say=lambda text: None).run()
seconds = time.perf_counter() - began
with ledger.session() as session:
    archives.walk(session, "bench", number).phase = "done"
print(seen.files, seconds, memory("VmHWM") - before)
"""


def grow(root: Path, part: int) -> int:
    """Empty files; gives their number."""
    names = 0
    for number in range(FOLDERS // part):
        folder = root / f"Imprint {number % 7}" / str(1996 + number % 25) / f"Title {number:05d}"
        folder.mkdir(parents=True)
        names += _fill(folder, NAMES)
    (root / "Scans").mkdir()
    return names + _fill(root / "Scans", LARGE // part)


def _fill(folder: Path, names: int) -> int:
    base = os.open(folder, os.O_RDONLY)
    for number in range(names):
        os.close(os.open(f"97814028{number:05d}_interior_v{number % 5}.pdf", os.O_CREAT | os.O_WRONLY, 0o644, dir_fd=base))
    os.close(base)
    return names


def ours(server: OpenSsh, root: Path, database: Path) -> tuple[int, float, float]:
    """Names, seconds, and megabytes beyond those of the imports; in a process of its own."""
    arguments = [str(server.port), str(server.user_key), str(server.known_hosts), server.user, str(root), str(database)]
    path = os.pathsep.join([str(ROOT), str(ROOT / "plugins")])
    done = subprocess.run(
        [sys.executable, "-c", WALK, *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    names, seconds, kilobytes = done.stdout.split()
    return int(names), float(seconds), int(kilobytes) / 1024


def lftp(server: OpenSsh, root: Path) -> tuple[int, float]:
    """Names and seconds of `lftp find`."""
    ssh = f"ssh -a -x -i {server.user_key} -o UserKnownHostsFile={server.known_hosts} -o BatchMode=yes"
    script = f'set sftp:connect-program "{ssh}"; open -u {server.user},none -p {server.port} sftp://{HOST}; find {root}; bye'
    began = time.perf_counter()
    done = subprocess.run(["lftp", "-e", script], stdin=subprocess.DEVNULL, capture_output=True, check=True)
    return len(re.findall(rb"\.pdf\n", done.stdout)), time.perf_counter() - began


def main(argv: Sequence[str] = ()) -> None:
    part = 10 if "--quick" in argv else 1
    memory_disk = Path("/dev/shm")
    where = memory_disk if memory_disk.is_dir() and shutil.disk_usage(memory_disk).free > 6 << 30 else None
    with tempfile.TemporaryDirectory(dir=where) as folder, tempfile.TemporaryDirectory() as disk:
        work = Path(folder)
        work.chmod(0o755)
        names = grow(work / "tree", part)
        with openssh(work / "sshd") as server:
            if server is None:
                print("no OpenSSH server here: the walk is left out")
                return
            peers = []
            if shutil.which("lftp"):
                found, seconds = lftp(server, work / "tree")
                peers.append(_told("lftp find", found, names, seconds))
            for name in ("ours, first walk", "ours, second walk"):
                found, seconds, more = ours(server, work / "tree", Path(disk) / "ledger.sqlite")
                rate = _told(name, found, names, seconds)
                print(f"{'':<22} memory {more:+.0f} MB over the imports; must be ≤ +64: {'yes' if more <= 64 else 'NO'}", flush=True)
                if peers and name == "ours, first walk":
                    print(
                        f"{'':<22} ours / lftp = {rate / peers[0]:.2f}; must be ≥ 0.9: {'yes' if rate >= 0.9 * peers[0] else 'NO'}",
                        flush=True,
                    )


def _told(name: str, found: int, names: int, seconds: float) -> float:
    if found != names:
        raise RuntimeError(f"{name}: {found:,} names instead of {names:,}")
    print(f"{name:<22} {found:,} names in {seconds:.1f} s: {found / seconds:,.0f} names/s", flush=True)
    return found / seconds


if __name__ == "__main__":
    main(sys.argv[1:])
