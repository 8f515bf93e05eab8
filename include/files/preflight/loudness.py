"""Loudness of a sound file, measured over all of it in flat memory: RMS, peak, noise floor, room tone, bit rates."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from av.error import FFmpegError

from include.files.model import Refused, Sniffed
from include.files.previews.moving import opened, samples

BLOCK = 0.05  # seconds
WINDOW = 10  # blocks of the quietest half second
SPEECH_DB = -45.0  # louder than this is no room tone
LONGEST = 12 * 3600  # seconds that are measured
_AT_ONCE = 5  # seconds decoded before they are measured: one call of NumPy for many small frames
_MPEG1_LAYER3 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)  # kbit/s (ISO/IEC 11172-3, 2.4.2.3)
_MPEG2_LAYER3 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)  # ISO/IEC 13818-3


@dataclass(frozen=True, slots=True)
class Loudness:
    """Decibels are dBFS, -inf for digital silence. `noise_db` is the quietest half second that isn't digital silence."""

    seconds: float
    rms_db: float
    peak_db: float
    noise_db: float
    head_seconds: float | None  # None: nobody speaks
    tail_seconds: float | None
    bitrates: tuple[int, ...]  # bit/s, of MP3 frames; empty for other codecs
    errors: int  # packets that couldn't be decoded
    announced: float  # seconds by the container


def measure(local: Path, sniffed: Sniffed) -> Loudness:
    """Raises `Refused` or FFmpegError or OSError where nothing can be decoded."""
    with opened(local, sniffed) as container:
        if not container.streams.audio:
            raise Refused("audio-unreadable", "There is no sound in the file")
        stream = container.streams.audio[0]
        announced = (container.duration or 0) / 1_000_000
        meter = _Meter(stream.rate or 44_100)
        bitrates: set[int] = set()
        errors = 0
        mp3 = stream.codec_context.name.startswith("mp3")
        for packet in container.demux(stream):
            if mp3 and packet.size >= 4:
                bitrates.add(_bitrate(bytes(memoryview(packet)[:4])))
            try:
                for frame in packet.decode():
                    meter.add(frame)
            except (FFmpegError, ValueError):
                errors += 1
            if meter.seconds > LONGEST:
                break
    meter.flush()
    return meter.result(tuple(sorted(bitrates - {0})), errors, announced)


def _bitrate(header: bytes) -> int:
    """Of an MPEG audio layer III frame; 0 if it is none."""
    if header[0] != 0xFF or header[1] & 0xE0 != 0xE0 or header[1] & 0x06 != 0x02:
        return 0
    index = header[2] >> 4
    table = _MPEG1_LAYER3 if header[1] & 0x18 == 0x18 else _MPEG2_LAYER3
    return table[index] * 1000 if index < 15 else 0


@dataclass(slots=True)
class _Meter:
    rate: int
    waiting: list[Any] = field(default_factory=list)
    held: int = 0  # samples waiting
    total: int = 0
    energy: float = 0.0
    channels: int = 1
    peak: float = 0.0
    blocks: list[float] = field(default_factory=list)  # mean squares

    @property
    def seconds(self) -> float:
        return (self.total + self.held) / self.rate

    def add(self, frame: Any) -> None:
        data = samples(frame)
        if self.waiting and data.shape[0] != self.channels:
            self.flush()
        self.channels = data.shape[0]
        self.waiting.append(data)
        self.held += data.shape[1]
        if self.held >= self.rate * _AT_ONCE:
            self._measure(last=False)

    def flush(self) -> None:
        if self.waiting:
            self._measure(last=True)

    def _measure(self, *, last: bool) -> None:
        data = np.concatenate(self.waiting, axis=1)
        step = max(1, int(self.rate * BLOCK))
        whole = data.shape[1] - data.shape[1] % step
        used = data if last else data[:, :whole]
        rest = data[:, used.shape[1] :]
        self.waiting, self.held = ([rest] if rest.shape[1] else []), rest.shape[1]
        squares = np.square(used, dtype=np.float64).mean(axis=0)
        self.peak = max(self.peak, float(np.abs(used).max(initial=0.0)))
        self.energy += float(squares.sum())
        self.total += used.shape[1]
        self.blocks += squares[:whole].reshape(-1, step).mean(axis=1).tolist()
        if last and squares.shape[0] > whole:
            self.blocks.append(float(squares[whole:].mean()))

    def result(self, bitrates: tuple[int, ...], errors: int, announced: float) -> Loudness:
        loud = 10 ** (SPEECH_DB / 10)
        spoken = [at for at, block in enumerate(self.blocks) if block > loud]
        noise = -math.inf
        if len(self.blocks) >= WINDOW:
            windows = np.convolve(self.blocks, np.ones(WINDOW) / WINDOW, "valid")
            heard = windows[windows > 1e-12]
            noise = _db(float(heard.min())) if heard.size else -math.inf
        return Loudness(
            self.total / self.rate,
            _db(self.energy / self.total if self.total else 0.0),
            _db(self.peak**2),
            noise,
            spoken[0] * BLOCK if spoken else None,
            max(0.0, self.total / self.rate - (spoken[-1] + 1) * BLOCK) if spoken else None,
            bitrates,
            errors,
            announced,
        )


def _db(mean_square: float) -> float:
    return 10 * math.log10(mean_square) if mean_square > 0 else -math.inf
