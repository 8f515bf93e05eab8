"""A sound file against a vendor's rules."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from av.error import FFmpegError

from include.files.model import Finding, Refused, Sniffed
from include.files.preflight.codes import finding
from include.files.preflight.expected import Expected
from include.files.preflight.loudness import Loudness, measure
from include.files.previews import facts as facts_of

MISSING = 1.0  # seconds that the container announces and that aren't there
_HEADER = 0.05  # dB: measured levels are rounded by the codec


def check_audio(local: Path, sniffed: Sniffed, expected: Expected) -> tuple[list[Finding], dict[str, Any]]:
    """Findings, and the facts of `previews.facts` with: rms_db, peak_db, noise_db, head_seconds, tail_seconds, bitrate_mode."""
    facts = facts_of(local, sniffed)
    try:
        loudness = measure(local, sniffed)
    except (Refused, FFmpegError, OSError, ValueError):
        return [finding("audio-unreadable")], facts
    if not loudness.seconds:
        return [finding("audio-unreadable", "Nothing of the sound can be decoded.")], facts
    facts["seconds"] = round(loudness.seconds, 3)
    for name in ("rms_db", "peak_db", "noise_db", "head_seconds", "tail_seconds"):
        value = getattr(loudness, name)
        if value is not None and math.isfinite(value):
            facts[name] = round(value, 2)
    if loudness.bitrates:
        told = facts.get("bitrate_mode", "")  # by the encoder's header; a quiet recording may happen to need one rate alone
        facts["bitrate_mode"] = "constant" if len(loudness.bitrates) == 1 and told not in {"variable", "average"} else "variable"
        if len(loudness.bitrates) == 1:
            facts["bitrate"] = loudness.bitrates[0]
    return [*_stream(facts, loudness, expected), *_levels(loudness, expected)], facts


def _stream(facts: dict[str, Any], loudness: Loudness, expected: Expected) -> Iterator[Finding]:
    if loudness.errors or loudness.announced - loudness.seconds > max(MISSING, loudness.announced * 0.01):
        lost = f"{loudness.errors} parts can't be decoded; " if loudness.errors else ""
        yield finding("audio-damaged", f"{lost}{_clock(loudness.seconds)} can be heard of {_clock(loudness.announced)} announced.")
    bitrate = facts.get("bitrate", 0)
    if expected.min_bitrate and bitrate < expected.min_bitrate:
        yield finding("audio-bitrate", f"The bit rate is {bitrate / 1000:.0f} kbit/s; {expected.min_bitrate / 1000:.0f} are wanted.")
    if expected.constant_bitrate and loudness.bitrates and facts["bitrate_mode"] == "variable":
        low, high = loudness.bitrates[0] // 1000, loudness.bitrates[-1] // 1000
        yield finding("audio-variable", f"The bit rate varies from {low} to {high} kbit/s.")
    rate = facts.get("sample_rate", 0)
    if expected.sample_rates and rate not in expected.sample_rates:
        wanted = " or ".join(f"{one / 1000:g}" for one in expected.sample_rates)
        yield finding("audio-sample-rate", f"The sample rate is {rate / 1000:g} kHz; {wanted} is wanted.")
    channels = facts.get("channels", 0)
    if expected.channels and channels != expected.channels:
        yield finding("audio-channels", f"The file has {channels} channels; {expected.channels} are wanted.")
    if expected.max_minutes and loudness.seconds > expected.max_minutes * 60:
        yield finding("audio-long", f"The file is {_clock(loudness.seconds)} long; {expected.max_minutes:g} minutes are the most.")


def _levels(loudness: Loudness, expected: Expected) -> Iterator[Finding]:
    if expected.rms_db:
        low, high = expected.rms_db
        if not low - _HEADER <= loudness.rms_db <= high + _HEADER:
            said = f"The loudness is {loudness.rms_db:.1f} dB RMS" if math.isfinite(loudness.rms_db) else "The file is silent"
            yield finding("audio-level", f"{said}; {low:g} to {high:g} dB are wanted.")
    if expected.max_peak_db is not None and loudness.peak_db > expected.max_peak_db + _HEADER:
        yield finding("audio-peak", f"The highest peak is {loudness.peak_db:.1f} dB; {expected.max_peak_db:g} dB are the most.")
    if expected.max_noise_db is not None and loudness.noise_db > expected.max_noise_db + _HEADER:
        yield finding("audio-noise", f"The noise floor is {loudness.noise_db:.1f} dB RMS; {expected.max_noise_db:g} dB are the most.")
    for code, where, wanted, found in (
        ("audio-head", "before the first", expected.head_seconds, loudness.head_seconds),
        ("audio-tail", "after the last", expected.tail_seconds, loudness.tail_seconds),
    ):
        if wanted and found is not None and not wanted[0] - 0.1 <= found <= wanted[1] + 0.1:
            yield finding(code, f"{found:.1f} seconds of room tone {where} word; {wanted[0]:g} to {wanted[1]:g} are wanted.")


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02} min"
