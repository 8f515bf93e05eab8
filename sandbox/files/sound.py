"""Audiobook masters by ACX's rules, and trailers: made-up speech with room tone, encoded by FFmpeg."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import numpy

from sandbox.files.order import Order

AUDIO_DEFECTS = frozenset({"low-bitrate", "variable", "wrong-rate", "stereo", "quiet", "loud", "noisy", "no-room-tone", "long-tail"})
_RATE = 44_100


def mp3(order: Order, path: Path) -> None:
    """One chapter: 192 kbit/s constant, 44.1 kHz, mono, about −20.5 dB RMS, room tone of 0.75 s before and 2 s behind."""
    defect = order.defect
    rate = 22_050 if defect == "wrong-rate" else _RATE
    wave = speech(order, rate, order.seconds or 12)
    if defect in {"quiet", "loud"}:
        wave = numpy.clip(wave * (0.3 if defect == "quiet" else 2.2), -0.999, 0.999)
    layout = "stereo" if defect == "stereo" else "mono"
    with av.open(str(path), "w", format="mp3", options={"id3v2_version": "3", "fflags": "+bitexact"}) as out:
        out.metadata.update(
            title=f"{order.title}: {order.part or '01'}", artist=order.author, album=order.title,
            track=order.part if order.part.isdigit() else "", publisher="Lantern & Quill Publishing",
        )  # fmt: skip
        options = {"abr": "1"} if defect == "variable" else {}
        stream: Any = out.add_stream("libmp3lame", rate=rate, layout=layout, options=options)
        stream.bit_rate = {"low-bitrate": 96_000, "variable": 256_000}.get(defect, 192_000)
        _encode(out, stream, wave, rate, layout)


def speech(order: Order, rate: int, seconds: float) -> Any:
    """Floats from −1 to 1: harmonics that rise and fall like syllables, in phrases, over a faint room tone."""
    roll = order.roll
    grain = numpy.random.default_rng(roll.getrandbits(63))
    total = round(seconds * rate)
    room = grain.normal(0, 10 ** ((-50 if order.defect == "noisy" else -72) / 20), total).astype(numpy.float32)
    voice = numpy.zeros(total, numpy.float32)
    head = 0.0 if order.defect == "no-room-tone" else 0.75
    place, end = head, seconds - {"no-room-tone": 0.1, "long-tail": 7.0}.get(order.defect, 2.0)
    pitch = roll.uniform(95, 190)
    while place < end - 0.3:
        length = min(roll.uniform(1.6, 3.4), end - place)
        count = round(length * rate)
        time = numpy.arange(count, dtype=numpy.float32) / rate
        bend = pitch * (1 + 0.06 * numpy.sin(2 * numpy.pi * roll.uniform(0.3, 0.8) * time))
        phase = 2 * numpy.pi * numpy.cumsum(bend) / rate
        tone = sum(numpy.sin(phase * harmonic + harmonic) / harmonic for harmonic in range(1, 9))
        syllables = 0.35 + 0.65 * numpy.abs(numpy.sin(2 * numpy.pi * roll.uniform(1.8, 2.6) * time))
        fade = numpy.minimum(1, numpy.minimum(time, length - time) / 0.04)
        start = round(place * rate)
        voice[start : start + count] = (tone * syllables * fade)[: total - start]
        place += length + roll.uniform(0.2, 0.45)
    level = float(numpy.sqrt(numpy.mean(voice**2))) or 1.0
    return numpy.clip(voice * (10 ** (-20.5 / 20) / level) + room, -0.7, 0.7)


def chapters(order: Order, count: int = 3) -> list[tuple[str, float]]:
    """(part, seconds) of a whole audiobook: credits, chapters, a retail sample."""
    each = order.seconds or 12
    numbered = [(f"{number:02d}", each) for number in range(1, count + 1)]
    return [("opening credits", 8), *numbered, ("closing credits", 8), ("sample", 62)]


def trailer(order: Order, path: Path) -> None:
    """H.264 and AAC in MP4: circles drift over the cover's colours."""
    seconds, size, rate = order.seconds or 3, (640, 360), 24
    roll = order.roll
    with av.open(str(path), "w", format="mp4", options={"fflags": "+bitexact", "movflags": "+faststart"}) as out:
        out.metadata["title"] = f"{order.title}: trailer"
        film: Any = out.add_stream("libx264", rate=rate)
        film.width, film.height, film.pix_fmt = *size, "yuv420p"
        film.codec_context.thread_count = 1
        film.options = {"preset": "veryfast", "flags": "+bitexact"}
        sound: Any = out.add_stream("aac", rate=_RATE, layout="mono")
        down, across = numpy.mgrid[0 : size[1], 0 : size[0]].astype(numpy.float32)
        circles = [(roll.uniform(0, 640), roll.uniform(0, 360), roll.uniform(40, 120), roll.uniform(-60, 60)) for _ in range(4)]
        for number in range(round(seconds * rate)):
            picture = numpy.full((size[1], size[0], 3), (40, 60, 90), numpy.uint8)
            for place, (x, y, radius, speed) in enumerate(circles):
                inside = (across - x - speed * number / rate) ** 2 + (down - y) ** 2 < radius**2
                picture[inside] = (200 - 30 * place, 90 + 40 * place, 60 + 20 * place)
            for packet in film.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")):
                out.mux(packet)
        for packet in film.encode():
            out.mux(packet)
        _encode(out, sound, speech(order, _RATE, max(seconds, 3)), _RATE, "mono")


def _encode(out: Any, stream: Any, wave: Any, rate: int, layout: str) -> None:
    """Frames of 1,152 samples, as MP3 has them; other encoders take what they need."""
    kind = numpy.float32 if stream.codec_context.name == "aac" else numpy.int16
    samples = wave.astype(numpy.float32) if kind is numpy.float32 else numpy.round(wave * 32767).astype(numpy.int16)
    step = 1024 if kind is numpy.float32 else 1152
    for start in range(0, len(samples), step):
        piece: Any = samples[start : start + step][None, :]
        if layout == "stereo":
            piece = numpy.concatenate([piece, piece])
        frame: Any = av.AudioFrame.from_ndarray(
            numpy.ascontiguousarray(piece), format="fltp" if kind is numpy.float32 else "s16p", layout=layout
        )
        frame.sample_rate, frame.pts = rate, start
        for packet in stream.encode(frame):
            out.mux(packet)
    for packet in stream.encode():
        out.mux(packet)
