"""Work on a file that is often broken or hostile, in a process of its own: `python -m include.files.alone JOB`.

The request is JSON on stdin, the reply bytes on stdout. A decoder that crashes, hangs or eats memory takes this process
with it and nothing else; it knows nothing of our environment but what it needs to run.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

MEMORY = 4 << 30  # bytes of address space
JOBS = {"preview": "include.files.previews.make", "preflight": "include.files.preflight.check"}  # modules with a function `job`
_ROOT = Path(__file__).resolve().parents[2]
_KEPT = ("PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT")


class Stopped(Exception):
    """The process was ended, or ended itself. The message says why, in a sentence."""


def run(job: str, request: Mapping[str, Any], *, seconds: float) -> bytes:
    """What the job replies. Raises `Stopped`."""
    command = [sys.executable, "-m", "include.files.alone", job, str(int(seconds) + 1)]
    try:
        done = subprocess.run(  # noqa: S603  # this module
            command, input=json.dumps(request).encode(), env=environment(), capture_output=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        raise Stopped(f"It took longer than {seconds:g} seconds.") from None
    if done.returncode == 0:
        return done.stdout
    said = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2].partition(":")[0][:80]  # the error's class, no paths
    if said == "MemoryError":
        raise Stopped(f"It needs more than {MEMORY >> 30} GB of memory.")
    raise Stopped("The file made its reader fail" + (f" ({said})" if said.isidentifier() else "") + ".")


def environment() -> dict[str, str]:
    """What the process gets of ours: where programs and libraries lie, and no secrets."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return kept | {"PYTHONPATH": os.pathsep.join([str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH", "")])])}


def main(argv: list[str]) -> int:
    job, seconds = argv
    _bound(int(seconds))
    out = os.dup(1)
    os.dup2(2, 1)  # whatever libraries print must not get into the reply
    work: Callable[[Any], bytes] = importlib.import_module(JOBS[job]).job
    reply = work(json.load(sys.stdin))
    with os.fdopen(out, "wb") as file:
        file.write(reply)
    return 0


def _bound(seconds: int) -> None:
    """Memory and processor time, where the system can limit them; no core files."""
    try:
        import resource
    except ImportError:
        return
    for what, most in ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_CPU, seconds), (resource.RLIMIT_CORE, 0)):
        with contextlib.suppress(OSError, ValueError):  # macOS refuses some; a lower limit may be set already
            resource.setrlimit(what, (most, most))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
