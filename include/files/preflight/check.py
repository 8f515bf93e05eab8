"""One file, or a set of tracks, against what is expected of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from include.files import alone
from include.files.model import Checked, Finding, Severity, Sniffed
from include.files.preflight.codes import finding, settled
from include.files.preflight.expected import Expected

SECONDS = 1800  # for one file or set: twelve hours of sound are decoded in a few minutes
_FAMILIES = frozenset({"pdf", "epub", "audio", "image"})
Track = tuple[Path, str, Sniffed]


def check(local: Path, name: str, sniffed: Sniffed, expected: Expected, *, seconds: float = SECONDS) -> Checked:
    """What is wrong with one file, gravest first, and what was measured. Never raises for what is in the file.

    `local` is the file on disk, `name` the one it goes by (findings carry it). The facts are those of
    `include.files.previews.facts`, and what the checks measured besides. A file that takes longer than `seconds`, or whose
    reader fails, is `check-stopped`. A file of no family that is checked here (a document, a film) has no finding but
    `format-unexpected` and `file-too-large`.
    """
    checked = _alone([(local, name, sniffed)], expected, seconds, together=False)
    if (
        sniffed.family == "epub"
        and expected.epubcheck
        and not any(one.code in {"epub-unreadable", "check-stopped"} for one in checked.findings)
    ):
        from include.files.preflight.epubcheck_run import epubcheck  # Java wants more memory than that process may have

        facts = dict(checked.facts)
        found = [replace(one, file=name) for one in epubcheck(local, facts)]
        checked = Checked(settled([*checked.findings, *settled(found, expected)], replace(expected, severities=())), facts)
    return checked


def check_set(tracks: Sequence[Track], expected: Expected, *, seconds: float = SECONDS) -> Checked:
    """An audiobook's files together: each file by `check`, then their numbers, likeness, credits and sample.

    The facts: `files` (name → that file's facts), `seconds` (together, without the retail sample).
    """
    return _alone(tracks, expected, seconds, together=True)


def check_here(local: Path, name: str, sniffed: Sniffed, expected: Expected) -> Checked:
    """In this process, and without EPUBCheck: for files that are trusted."""
    found: list[Finding] = []
    facts: dict[str, Any] = {}
    if expected.formats and sniffed.media_type not in expected.formats:
        wanted = ", ".join(expected.formats)
        found.append(finding("format-unexpected", f"The file is {sniffed.media_type}; taken are {wanted}."))
    bytes_ = local.stat().st_size
    if expected.max_bytes is not None and bytes_ > expected.max_bytes:
        found.append(finding("file-too-large", f"The file has {bytes_ / 1e6:,.1f} MB; {expected.max_bytes / 1e6:,.1f} are the most."))
    if sniffed.family in _FAMILIES:
        more, facts = _by_family(local, sniffed, expected)
        found += more
    else:
        from include.files.previews import facts as facts_of

        facts = facts_of(local, sniffed)
    return Checked(settled([replace(one, file=name) for one in found], expected), facts)


def _by_family(local: Path, sniffed: Sniffed, expected: Expected) -> tuple[list[Finding], dict[str, Any]]:
    if sniffed.family == "pdf":
        from include.files.preflight.pdf import check_pdf

        return check_pdf(local, expected)
    if sniffed.family == "epub":
        from include.files.preflight.epub import check_epub

        return check_epub(local, expected)
    if sniffed.family == "audio":
        from include.files.preflight.audio import check_audio

        return check_audio(local, sniffed, expected)
    from include.files.preflight.picture import check_picture

    return check_picture(local, sniffed, expected)


def check_set_here(tracks: Sequence[Track], expected: Expected) -> Checked:
    """In this process."""
    from include.files.preflight.tracks import check_tracks, is_sample

    found: list[Finding] = []
    files: dict[str, dict[str, Any]] = {}
    for local, name, sniffed in tracks:
        checked = check_here(local, name, sniffed, expected)
        found += checked.findings
        files[name] = checked.facts
    found += settled(check_tracks(files, [(local, name) for local, name, _ in tracks], expected), expected)
    seconds = sum(facts.get("seconds", 0.0) for name, facts in files.items() if not is_sample(name))
    return Checked(settled(found, replace(expected, severities=())), {"files": files, "seconds": round(seconds, 3)})


def job(request: Mapping[str, Any]) -> bytes:
    """The work of the process that `check` and `check_set` start: their request and reply are JSON."""
    expected = Expected(**{name: _frozen(value) for name, value in request["expected"].items()})
    tracks = [(Path(local), name, Sniffed(**sniffed)) for local, name, sniffed in request["files"]]
    checked = check_set_here(tracks, expected) if request["together"] else check_here(*tracks[0], expected)
    return json.dumps({"findings": [asdict(one) for one in checked.findings], "facts": checked.facts}).encode()


def _alone(tracks: Sequence[Track], expected: Expected, seconds: float, *, together: bool) -> Checked:
    files = [(str(local.resolve()), name, asdict(sniffed)) for local, name, sniffed in tracks]
    try:
        reply = alone.run("preflight", {"files": files, "expected": asdict(expected), "together": together}, seconds=seconds)
    except alone.Stopped as stopped:
        name = tracks[0][1] if len(tracks) == 1 else ""
        return Checked(settled([finding("check-stopped", f"The check was stopped: {stopped}", file=name)], expected), {})
    said = json.loads(reply)
    findings = tuple(Finding(**one | {"severity": Severity(one["severity"])}) for one in said["findings"])
    return Checked(findings, said["facts"])


def _frozen(value: Any) -> Any:
    return tuple(_frozen(one) for one in value) if isinstance(value, list) else value
