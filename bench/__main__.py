"""`make bench`: all measurements, or those named: `python -m bench render validate deliver parse`."""

from __future__ import annotations

import importlib
import os
import platform
import sys

NAMES = (
    "parse",
    "render",
    "validate",
    "deliver",
    "preflight",
    "walk",
    "intake",
    "package",
    "workbook",
    "sales",
    "licences",
    "expiry",
    "covers",
)


def main(argv: list[str]) -> int:
    wanted = [name for name in argv if not name.startswith("-")] or list(NAMES)
    options = [name for name in argv if name.startswith("-")]
    if unknown := sorted({*wanted} - {*NAMES}):
        print(f"unknown: {', '.join(unknown)}; known: {', '.join(NAMES)}", file=sys.stderr)
        return 2
    load = os.getloadavg()[0]
    print(f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}, load {load:.2f} at the start")
    for name in wanted:
        print(f"\n## {name}\n", flush=True)
        importlib.import_module(f"bench.{name}").main(options)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
