"""Sound and moving pictures: what the container says, a frame that shows something, a cover or a waveform."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import mutagen
import numpy as np
from av.error import FFmpegError
from PIL import Image, ImageDraw, ImageStat

from include.files.model import Refused, Sniffed
from include.files.previews.pictures import small

av.logging.set_level(None)  # FFmpeg would write about every broken packet to stderr
logging.getLogger("mutagen").setLevel(logging.ERROR)

DEMUXERS = {  # by name: guessing, FFmpeg might take a file for a playlist and open what it names
    "audio/mpeg": "mp3",
    "audio/mp3": "mp3",
    "audio/mp4": "mp4",
    "audio/x-m4a": "mp4",
    "audio/m4a": "mp4",
    "audio/aac": "aac",
    "audio/flac": "flac",
    "audio/x-flac": "flac",
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "audio/vnd.wave": "wav",
    "audio/aiff": "aiff",
    "audio/x-aiff": "aiff",
    "audio/ogg": "ogg",
    "application/ogg": "ogg",
    "audio/opus": "ogg",
    "video/mp4": "mp4",
    "video/x-m4v": "mp4",
    "video/quicktime": "mov",
    "video/webm": "matroska",
    "video/x-matroska": "matroska",
    "video/x-msvideo": "avi",
    "video/avi": "avi",
    "video/ogg": "ogg",
    "video/mpeg": "mpeg",
    "video/x-ms-asf": "asf",
}
PACKETS = 2_000  # decoded in search of one frame
FRAME = 100_000_000  # pixels
_SEQUENTIAL = 600  # seconds that a waveform is drawn from in full; longer ones by samples
_BINS = 400


def opened(local: Path, sniffed: Sniffed) -> Any:
    """The container. Raises `Refused` for one that isn't read here, FFmpegError or OSError for a broken one."""
    demuxer = DEMUXERS.get(sniffed.media_type)
    if demuxer is None:
        raise Refused("no-preview", f"{sniffed.media_type} is not read here")
    return av.open(str(local), format=demuxer, metadata_errors="replace", timeout=(10.0, 10.0), options={"probesize": "10000000"})


def facts(local: Path, sniffed: Sniffed) -> dict[str, Any]:
    found: dict[str, Any] = {}
    with opened(local, sniffed) as container:
        found["container"] = container.format.name.split(",")[0]
        if container.duration:
            found["seconds"] = round(container.duration / 1_000_000, 3)
        if container.bit_rate:
            found["bitrate"] = container.bit_rate
        if container.streams.audio:
            stream = container.streams.audio[0]
            found |= {"sample_rate": stream.rate, "channels": stream.channels}
            found["audio_codec" if container.streams.video and sniffed.family == "video" else "codec"] = stream.codec_context.name
            if stream.bit_rate and sniffed.family == "audio":
                found["bitrate"] = stream.bit_rate
        if container.streams.video and sniffed.family == "video":
            stream = container.streams.video[0]
            found |= {"codec": stream.codec_context.name, "pixels": [stream.width, stream.height]}
            if stream.average_rate:
                found["frame_rate"] = round(float(stream.average_rate), 3)
    if sniffed.family == "audio":
        found |= _tags(local)
    return {name: value for name, value in found.items() if value}


def _tags(local: Path) -> dict[str, Any]:
    try:
        file = mutagen.File(local, easy=True)
    except (mutagen.MutagenError, OSError, ValueError):
        return {}
    found: dict[str, Any] = {}
    for ours, theirs in (("title", "title"), ("album", "album"), ("artist", "artist"), ("track", "tracknumber")):
        try:
            value = (file.tags or {}).get(theirs) if file is not None else None
        except (KeyError, ValueError, TypeError):
            value = None
        if value:
            found[ours] = str(value[0])[:500]
    mode = getattr(getattr(file, "info", None), "bitrate_mode", None)
    if mode is not None:  # of MP3 only
        found["bitrate_mode"] = {1: "constant", 2: "variable", 3: "average"}.get(int(mode), "unknown")
    if getattr(getattr(file, "info", None), "sketchy", False):
        found["sketchy"] = True  # mutagen: the frames don't look like an MP3's
    return found


def frame(local: Path, sniffed: Sniffed, longest: int) -> Image.Image:
    """A key frame that is neither black nor blank, where one is found at a tenth, a quarter, a half ... of the film."""
    best, best_of = None, -1.0
    with opened(local, sniffed) as container:
        if not container.streams.video:
            raise Refused("no-preview", "The film has no pictures")
        stream = container.streams.video[0]
        if stream.width * stream.height > FRAME:
            raise Refused("no-preview", f"A frame of {stream.width} × {stream.height} pixels is too large for a preview")
        stream.codec_context.skip_frame = "NONKEY"
        length = container.duration or 0
        for part in (0.1, 0.25, 0.5, 0.75, 0.0):
            image = _frame_at(container, stream, int(length * part))
            if image is None:
                continue
            image.thumbnail((longest, longest))
            varied = ImageStat.Stat(image.convert("L").resize((64, 64))).stddev[0]
            if varied > best_of:
                best, best_of = image, varied
            if varied > 20:
                break
    if best is None:
        raise Refused("no-preview", "No frame of the film could be decoded")
    return best


def _frame_at(container: Any, stream: Any, at: int) -> Image.Image | None:
    try:
        if at:
            container.seek(at)
        for number, packet in enumerate(container.demux(stream)):
            for decoded in packet.decode():
                image: Image.Image = decoded.to_image()
                turn = int(getattr(decoded, "rotation", 0) or 0)
                return image.rotate(turn, expand=True) if turn % 360 else image
            if number > PACKETS:
                return None
    except (FFmpegError, OSError, ValueError):
        return None
    return None


def cover(local: Path, longest: int) -> Image.Image | None:
    """The picture that a sound file carries (ID3, FLAC, Vorbis, MP4)."""
    try:
        file = mutagen.File(local)
    except (mutagen.MutagenError, OSError, ValueError):
        return None
    for data in _embedded(file):
        media_type = "image/png" if data[:4] == b"\x89PNG" else "image/jpeg"
        try:
            return small(io.BytesIO(data), media_type, longest)
        except (Refused, OSError, SyntaxError, ValueError):
            continue
    return None


def _embedded(file: Any) -> Iterator[bytes]:
    if file is None:
        return
    yield from (picture.data for picture in getattr(file, "pictures", ()) or ())
    tags = file.tags
    if tags is None:
        return
    if hasattr(tags, "getall"):  # ID3
        yield from (picture.data for picture in sorted(tags.getall("APIC"), key=lambda one: one.type != 3))
    elif "covr" in tags:  # MP4
        yield from (bytes(picture) for picture in tags["covr"])


def waveform(local: Path, sniffed: Sniffed, longest: int) -> Image.Image:
    """Loudness over time. A long file is looked at in `_BINS` places instead of decoded whole."""
    with opened(local, sniffed) as container:
        if not container.streams.audio:
            raise Refused("no-preview", "There is no sound in the file")
        stream = container.streams.audio[0]
        length = (container.duration or 0) / 1_000_000
        peaks = _sampled(container, stream, length) if length > _SEQUENTIAL else _in_full(container, stream, length)
    if not peaks:
        raise Refused("no-preview", "The sound could not be decoded")
    height = max(8, longest // 4)
    image = Image.new("RGB", (longest, height), "white")
    draw = ImageDraw.Draw(image)
    for column in range(longest):
        first = column * len(peaks) // longest
        loudest = max(peaks[first : max(first + 1, (column + 1) * len(peaks) // longest)])
        half = max(0.5, min(1.0, loudest) * (height / 2 - 2))
        draw.line((column, height / 2 - half, column, height / 2 + half), fill=(38, 70, 83))
    return image


def samples(frame: Any) -> np.ndarray[Any, np.dtype[np.float32]]:
    """A decoded frame as floats of full scale 1, shape (channels, samples)."""
    data: np.ndarray[Any, Any] = frame.to_ndarray()
    if not frame.format.is_planar:
        data = data.reshape(-1, frame.layout.nb_channels).T
    if data.dtype.kind == "f":
        return data.astype(np.float32, copy=False)
    if data.dtype == np.uint8:
        return (data.astype(np.float32) - np.float32(128)) / np.float32(128)
    return data.astype(np.float32) / np.float32(np.iinfo(data.dtype).max)


def _in_full(container: Any, stream: Any, length: float) -> list[float]:
    peaks: list[float] = []
    try:
        for decoded in container.decode(stream):
            peaks.append(float(np.abs(samples(decoded)).max(initial=0)))
            if len(peaks) > 400_000 or (decoded.time or 0) > max(length, _SEQUENTIAL) * 2:
                break
    except (FFmpegError, OSError, ValueError):
        pass  # what was heard so far is drawn
    return peaks


def _sampled(container: Any, stream: Any, length: float) -> list[float]:
    peaks: list[float] = []
    for place in range(_BINS):
        loudest = 0.0
        try:
            container.seek(int(length * place / _BINS * 1_000_000))
            for number, decoded in enumerate(container.decode(stream)):
                loudest = max(loudest, float(np.abs(samples(decoded)).max(initial=0)))
                if number >= 6:
                    break
        except (FFmpegError, OSError, ValueError):
            pass
        peaks.append(loudest)
    return peaks
