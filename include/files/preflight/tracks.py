"""An audiobook's files together: order, likeness, credits, retail sample."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from include.files.model import Finding
from include.files.preflight.codes import finding
from include.files.preflight.expected import Expected

_ISBN = re.compile(r"97[89][\d-]{10,14}")
_SPOKEN = re.compile(r"(?:chapter|chap|ch|track|kapitel|kap|part|teil|section)[\s._-]{0,3}(\d{1,3})(?!\d)", re.IGNORECASE)
_NUMBER = re.compile(r"(?<!\d)(\d{1,3})(?!\d)")
_OPENING = re.compile(r"opening|open[\s._-]*credit|(?<![a-z])intro(?![a-z])", re.IGNORECASE)
_CLOSING = re.compile(r"closing|close[\s._-]*credit|end[\s._-]*credit|(?<![a-z])outro(?![a-z])", re.IGNORECASE)
_SAMPLE = re.compile(r"(?<![a-z])sample(?![a-z])|retail", re.IGNORECASE)
_SLACK_MINUTES, _SLACK_PART = 3, 0.02  # an announced duration is rounded, and counts credits or not


def chapter(name: str) -> int | None:
    """The number of a file's place: `9781234567897_03.mp3` → 3, `03 The Storm.mp3` → 3, `Chapter 3.mp3` → 3. None without one."""
    stem = _ISBN.sub(" ", PurePosixPath(name).stem)
    if found := _SPOKEN.search(stem):
        return int(found[1])
    numbers = list(_NUMBER.finditer(stem))
    if not numbers:
        return None
    first = numbers[0]
    return int(first[1] if not stem[: first.start()].strip(" ._-") else numbers[-1][1])  # a number in front, else the last one


def is_sample(name: str) -> bool:
    return bool(_SAMPLE.search(PurePosixPath(name).stem))


def check_tracks(files: Mapping[str, dict[str, Any]], paths: Sequence[tuple[Path, str]], expected: Expected) -> Iterator[Finding]:
    """`files`: name → the file's facts, in the order they were given."""
    chapters = [name for name in files if not is_sample(name)]
    yield from _alike({name: files[name] for name in chapters})
    yield from _numbers(chapters, files)
    yield from _same([(path, name) for path, name in paths if not is_sample(name)])
    if expected.credits:
        if not any(_OPENING.search(PurePosixPath(name).stem) for name in chapters):
            yield finding("credits-opening")
        if not any(_CLOSING.search(PurePosixPath(name).stem) for name in chapters):
            yield finding("credits-closing")
    yield from _sample({name: facts for name, facts in files.items() if is_sample(name)}, expected)
    minutes = sum(files[name].get("seconds", 0) for name in chapters) / 60
    if expected.total_minutes:
        slack = max(_SLACK_MINUTES, expected.total_minutes * _SLACK_PART)
        if abs(minutes - expected.total_minutes) > slack:
            yield finding("duration-differs", f"The files together are {minutes:.0f} minutes; the product is {expected.total_minutes}.")


def _alike(files: Mapping[str, dict[str, Any]]) -> Iterator[Finding]:
    for what, many in (("channels", "channels"), ("sample_rate", "Hz")):
        values: dict[int, list[str]] = {}
        for name, facts in files.items():
            if what in facts:
                values.setdefault(facts[what], []).append(name)
        if len(values) > 1:
            rarest = min(values.values(), key=len)
            said = ", ".join(f"{len(names)} with {value} {many}" for value, names in sorted(values.items()))
            yield finding("set-mixed", f"The files differ: {said}.", where=", ".join(rarest[:5]))


def _numbers(names: Sequence[str], files: Mapping[str, dict[str, Any]]) -> Iterator[Finding]:
    numbered: dict[int, list[str]] = {}
    for name in names:
        number = chapter(name)
        if number is not None:
            numbered.setdefault(number, []).append(name)
            tag = re.match(r"\d+", str(files[name].get("track", "")))
            if tag and int(tag[0]) not in {number, number + 1}:  # opening credits may be 0 by name and 1 by tag
                yield finding("chapter-tag", f"The name says {number}, the tag inside {int(tag[0])}.", file=name)
        elif not (_OPENING.search(name) or _CLOSING.search(name)):
            yield finding("chapter-unnumbered", file=name)
    for number, same in sorted(numbered.items()):
        if len(same) > 1:
            yield finding("chapter-twice", f"Number {number} is there {len(same)} times.", where=", ".join(same[:5]))
    if numbered:
        gaps = [number for number in range(min(1, *numbered) if len(numbered) > 1 else 1, max(numbered)) if number not in numbered]
        if gaps:
            shown = ", ".join(map(str, gaps[:20])) + (" ..." if len(gaps) > 20 else "")
            yield finding("chapter-gap", f"Number {shown} is missing of {max(numbered)}.")


def _same(paths: Sequence[tuple[Path, str]]) -> Iterator[Finding]:
    """One file under two names: a chapter exported twice."""
    sizes: dict[int, list[tuple[Path, str]]] = {}
    for path, name in paths:
        sizes.setdefault(path.stat().st_size, []).append((path, name))
    for same in sizes.values():
        if len(same) < 2:
            continue
        contents: dict[str, list[str]] = {}
        for path, name in same:
            with path.open("rb") as file:
                contents.setdefault(hashlib.file_digest(file, "sha256").hexdigest(), []).append(name)
        for names in contents.values():
            if len(names) > 1:
                yield finding("chapter-twice", f"{names[0]} and {names[1]} are the same sound.", where=", ".join(names[:5]))


def _sample(samples: Mapping[str, dict[str, Any]], expected: Expected) -> Iterator[Finding]:
    if not expected.sample_minutes:
        return
    if not samples:
        yield finding("sample-missing")
    low, high = expected.sample_minutes
    for name, facts in samples.items():
        minutes = facts.get("seconds", 0) / 60
        if not low <= minutes <= high:
            yield finding("sample-length", f"The sample is {minutes:.1f} minutes; {low:g} to {high:g} are wanted.", file=name)
