"""`preflight.md`: every finding that preflight knows."""

from __future__ import annotations

from itertools import groupby

from docs.markdown import NOTE, table
from include.files.preflight import table as codes

_TITLES = {"any file": "Any file", "picture": "Pictures", "audio": "Audio, each file", "audio set": "Audiobooks, all files together"}


def preflight() -> str:
    page = [NOTE.format(source="`include/files/preflight/codes.py`"), "", "# Findings of preflight", ""]
    page += ["A **fail** stops a package until a person decides; a warning and a note travel with it. A printer's or vendor's file"]
    page += ['may say otherwise: `severities = { "pages-offset" = "fail" }` in its `[checks]` (fail, warn, note, off).', ""]
    page += [
        "`colophon preflight FILE...` says the same of any file. What to do when a package waits: [runbook](runbook/preflight.md).",
        "",
    ]
    for about, rows in groupby(codes(), key=lambda row: row[0]):
        page += [f"## {_TITLES.get(about, about)}", ""]
        page += table(
            ("code", "", "what is wrong", "what to do"), [(f"`{code}`", severity, says, todo) for _, code, severity, says, todo in rows]
        )
        page.append("")
    return "\n".join(page).rstrip() + "\n"
