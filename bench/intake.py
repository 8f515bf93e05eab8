"""Intake: 10,000 small files and one of 2 GB from an inbox onto their titles, against `rclone copy` and `sha256sum` of the same tree.

Ours does more: it checks each file, reads its name and content, finds its title among 5,000, records and attaches it, reads the stored
copy back and moves the original away. Each round has its own inbox, ledger and store, on the same disk. `--quick` takes a twentieth.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bench.partners import HOST, ROOT, OpenSsh, openssh

SMALL, BYTES, BIG = 10_000, 20_000, 2 << 30
TITLES = 5_000

TAKE = """
import resource, sys, time
from datetime import UTC, datetime
from pathlib import Path
from bench.deliver import sftp_connection
from bench.intake import stock
from bench.partners import OpenSsh
from include.intake import look, run
from include.ledger.database import Ledger
from include.partners.inboxes import Inbox
from include.store import ArtefactStore
from include.transfer import Remote
from include.transfer.sftp import SftpDriver

port, key, hosts, user, root, home = sys.argv[1:]
connect = sftp_connection(OpenSsh(int(port), Path(key), Path(hosts), user))
inbox = Inbox.model_validate({
    "id": "bench", "name": "bench", "finished": {"rule": "rename"}, "limits": {"files": 20_000},
    "transport": {"protocol": "sftp", "connection": "bench", "folder": root, "parallel": 64},
})

def memory(which):
    with open("/proc/self/status") as told:
        return next(int(line.split()[1]) for line in told if line.startswith(which))

ledger, store = Ledger(home + "/ledger.sqlite"), ArtefactStore(home + "/store")
ledger.upgrade()
stock(ledger)
import include.files.previews, include.files.preflight  # what every run imports
before, began, now = memory("VmRSS"), time.perf_counter(), datetime.now(UTC)
with Remote(SftpDriver(connect, "bench"), inbox.transport) as remote:
    seen = look.look(ledger, inbox, remote, now=now)
    attached = 0
    for ids in seen.batches():
        report = run.take(ledger, store, inbox, remote, ids, now=now, say=lambda text: None)
        attached += report.counts.get("attached", 0) + report.counts.get("superseded", 0)
    run.finish(ledger, store, inbox, remote, since=now, now=now, say=lambda text: None)
print(attached, time.perf_counter() - began, memory("VmHWM") - before)
"""


def stock(ledger: object) -> None:
    """A mirror of titles with one e-book and one paperback each."""
    from datetime import UTC, datetime

    from sqlalchemy import insert

    from include.ledger.models import ProductRow, WorkRow

    common = {"digest": "0" * 64, "first_seen": datetime.now(UTC), "changed_at": datetime.now(UTC)}
    content = b'{"reference": "", "contributors": [{"person_name": "Ana Lima"}]}'
    numbers = range(1, TITLES + 1)
    works = [common | {"id": number, "title": f"The Lamp of Harbour {number}", "content": content} for number in numbers]
    edition = common | {"form": "BC", "title": "The Lamp", "content": b"{}"}
    products = [edition | {"id": number, "work_id": number, "isbn": isbn(number)} for number in numbers]
    with ledger.session() as session:  # type: ignore[attr-defined]
        session.execute(insert(WorkRow), works)
        session.execute(insert(ProductRow), products)


def isbn(number: int) -> str:
    body = f"9781402{number:05d}"
    return f"{body}{-sum(int(digit) * (1, 3)[place % 2] for place, digit in enumerate(body)) % 10}"


def small(root: Path, number: int) -> int:
    """Manuscripts as text, in 50 folders; gives the bytes of all."""
    made = random.Random(7)
    words = [bytes(made.choices(b"abcdefghijklmnopqrstuvwxyz", k=made.randint(2, 9))) for _ in range(2000)]
    for each in range(number):
        folder = root / f"sender {each % 50:02d}"
        folder.mkdir(parents=True, exist_ok=True)
        text = b" ".join(made.choices(words, k=BYTES // 6))[: BYTES - 20]
        (folder / f"{isbn(each % TITLES + 1)}_manuscript_{each // TITLES + 1}.txt").write_bytes(b"Chapter %d\n\n" % each + text)
    return sum(path.stat().st_size for path in root.rglob("*") if path.is_file())


def big(root: Path, size: int) -> int:
    """A PDF of one page with a stream of so many bytes."""
    root.mkdir(parents=True)
    path = root / f"{isbn(1)}_text_v1.pdf"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 400] >>",
    ]  # fmt: skip
    places = []
    with path.open("wb") as file:
        file.write(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
        for number, content in enumerate(objects, 1):
            places.append(file.tell())
            file.write(b"%d 0 obj\n%s\nendobj\n" % (number, content))
        places.append(file.tell())
        file.write(b"4 0 obj\n<< /Length %d >>\nstream\n" % size)
        block = random.Random(8).randbytes(1 << 20)
        for _ in range(size >> 20):
            file.write(block)
        file.write(b"\nendstream\nendobj\n")
        table = file.tell()
        file.write(b"xref\n0 5\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % place for place in places))
        file.write(b"trailer\n<< /Size 5 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % table)
    return path.stat().st_size


def ours(server: OpenSsh, root: Path, home: Path) -> tuple[int, float, float]:
    """Files on titles, seconds, and megabytes beyond those of the imports; in a process of its own."""
    arguments = [str(server.port), str(server.user_key), str(server.known_hosts), server.user, str(root), str(home)]
    path = os.pathsep.join([str(ROOT), str(ROOT / "plugins")])
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", TAKE, *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    files, seconds, kilobytes = done.stdout.split()
    return int(files), float(seconds), int(kilobytes) / 1024


def rclone(server: OpenSsh, root: Path, home: Path) -> float:
    """Seconds of copying the tree and hashing what arrived."""
    remote = f":sftp,host={HOST},port={server.port},user={server.user},key_file={server.user_key},known_hosts_file={server.known_hosts}"
    options = ["--transfers", "16", "--checkers", "16", "--config", "/dev/null", "--sftp-disable-hashcheck"]
    began = time.perf_counter()
    subprocess.run(["rclone", "copy", f"{remote},shell_type=none:{root}", str(home), *options], check=True, capture_output=True)
    files = [str(path) for path in sorted(home.rglob("*")) if path.is_file()]
    for start in range(0, len(files), 500):
        subprocess.run(["sha256sum", *files[start : start + 500]], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def main(argv: Sequence[str] = ()) -> None:
    part = 20 if "--quick" in argv else 1
    memory_disk = Path("/dev/shm")
    room = (12 << 30) // part
    where = memory_disk if memory_disk.is_dir() and shutil.disk_usage(memory_disk).free > room else None
    with tempfile.TemporaryDirectory(dir=where) as folder:
        work = Path(folder)
        work.chmod(0o755)
        with openssh(work / "sshd") as server:
            if server is None:
                print("no OpenSSH server here: intake is left out")
                return
            for name, files, make in (
                (f"{SMALL // part:,} files of {BYTES // 1000} kB", SMALL // part, small),
                (f"one file of {BIG // part >> 20:,} MB", 1, big),
            ):
                _case(
                    server, work / name.split()[0], name, files, make(work / name.split()[0] / "inbox", files if files > 1 else BIG // part)
                )


def _case(server: OpenSsh, work: Path, name: str, files: int, bytes: int) -> None:
    peer = 0.0
    if shutil.which("rclone"):
        peer = rclone(server, work / "inbox", work / "copy")
        shutil.rmtree(work / "copy")
        print(f"{name:<26} rclone + sha256sum  {files / peer:8,.0f} files/s {bytes / peer / 1e6:8,.1f} MB/s", flush=True)
    (work / "home").mkdir()
    found, seconds, more = ours(server, work / "inbox", work / "home")
    shutil.rmtree(work)
    if found != files:
        raise RuntimeError(f"{found:,} of {files:,} files are on their titles")
    print(f"{name:<26} ours                {files / seconds:8,.0f} files/s {bytes / seconds / 1e6:8,.1f} MB/s", flush=True)
    print(f"{'':<26} memory {more:+.0f} MB over the imports; must be ≤ +192: {'yes' if more <= 192 else 'NO'}", flush=True)
    if peer:
        print(f"{'':<26} → {seconds / peer:.2f} of their time", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
