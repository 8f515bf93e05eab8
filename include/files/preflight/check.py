"""One file, or a set of tracks, against what is expected of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from include.files.model import Checked, Sniffed
from include.files.preflight.expected import Expected


def check(local: Path, name: str, sniffed: Sniffed, expected: Expected) -> Checked:
    """What is wrong with one file, gravest first, and what was measured. Never raises for what is in the file.

    `local` is the file on disk, `name` the one it goes by (findings carry it). The facts are those of
    `include.files.previews.facts`, and what the checks measured besides.
    """
    raise NotImplementedError


def check_set(tracks: Sequence[tuple[Path, str, Sniffed]], expected: Expected) -> Checked:
    """An audiobook's files together: each file by `check`, then their numbers, likeness, credits and sample.

    The facts: `files` (name → that file's facts), `seconds` (together, without the retail sample).
    """
    raise NotImplementedError
