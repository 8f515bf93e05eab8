"""Files as they should be, made by script: print PDFs, EPUBs, chapters, pictures. Tests change one thing and look what is said."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import av
import font_roboto
import numpy as np
import pikepdf
from pikepdf import Array, Dictionary, Name
from PIL import Image, ImageCms, ImageDraw
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from include.files.model import Sniffed

ISBN = "9780306406157"
OTHER_ISBN = "9781861972712"
PDF = Sniffed("application/pdf", ".pdf", "pdf")
EPUB = Sniffed("application/epub+zip", ".epub", "epub")
MP3 = Sniffed("audio/mpeg", ".mp3", "audio")
WAV = Sniffed("audio/x-wav", ".wav", "audio")
MP4 = Sniffed("video/mp4", ".mp4", "video")
JPEG = Sniffed("image/jpeg", ".jpg", "image")
PNG = Sniffed("image/png", ".png", "image")
TIFF = Sniffed("image/tiff", ".tif", "image")
PSD = Sniffed("image/vnd.adobe.photoshop", ".psd", "image")

MM = 72 / 25.4
RATE = 44_100
PROSE = "the lantern keeps its own weather and nobody on the quay believes a word that the tide has written since "


@cache
def font() -> str:
    pdfmetrics.registerFont(TTFont("Roboto", str(Path(str(font_roboto.__file__)).parent / "files" / "Roboto-Regular.ttf")))
    return "Roboto"


# --- PDF


def pdf(
    path: Path,
    *,
    pages: int = 16,
    trim: tuple[float, float] = (129.0, 198.0),
    bleed: float = 3.0,
    isbn: str = ISBN,
    paint: Callable[[Canvas, int], None] | None = None,
    change: Callable[[pikepdf.Pdf], None] | None = None,
    save: Mapping[str, Any] | None = None,
) -> Path:
    """A PDF/X-1a with trim and bleed, text in black, its font embedded; the ISBN on the fourth page, or the last.

    `paint(canvas, page number)` adds to each page, `change(pdf)` comes before saving.
    """
    width, height, edge = trim[0] * MM, trim[1] * MM, bleed * MM
    made = io.BytesIO()
    canvas = Canvas(made, pagesize=(width + 2 * edge, height + 2 * edge), initialFontName=font(), invariant=1)
    for number in range(1, pages + 1):
        canvas.setTrimBox((edge, edge, edge + width, edge + height))
        canvas.setBleedBox((0, 0, width + 2 * edge, height + 2 * edge))
        canvas.setFillColorCMYK(0, 0, 0, 1)
        canvas.setFont(font(), 9)
        for line in range(10):
            canvas.drawString(edge + 30, edge + height - 60 - 12 * line, (PROSE[line:] + PROSE)[:50])
        if isbn and number == min(4, pages):
            canvas.drawString(edge + 30, edge + 40, f"ISBN {isbn[:3]}-{isbn[3]}-{isbn[4:9]}-{isbn[9:12]}-{isbn[12:]}")
        if paint:
            paint(canvas, number)
        canvas.showPage()
    canvas.save()
    with pikepdf.open(made) as document:
        document.docinfo["/GTS_PDFXVersion"] = "PDF/X-1:2001"
        document.docinfo["/GTS_PDFXConformance"] = "PDF/X-1a:2001"
        document.docinfo["/Title"] = "The Lantern"
        document.Root.OutputIntents = Array([
            Dictionary(Type=Name.OutputIntent, S=Name.GTS_PDFX, OutputConditionIdentifier="FOGRA39", RegistryName="http://www.color.org")
        ])
        if change:
            change(document)
        document.save(path, **(save or {}))
    return path


def gray_picture(canvas: Canvas, at: tuple[float, float], pixels: tuple[int, int], inches: float, mode: str = "L") -> None:
    """A picture that is `inches` wide on the page."""
    image = Image.linear_gradient("L").resize(pixels).convert(mode)
    canvas.drawImage(ImageReader(image), at[0], at[1], width=inches * 72, height=inches * 72 * pixels[1] / pixels[0])


# --- EPUB

_CONTAINER = """<?xml version="1.0" encoding="UTF-8"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
<rootfiles><rootfile full-path="EPUB/package.opf" media-type="application/oebps-package+xml"/></rootfiles></container>"""
_OPF = """<?xml version="1.0" encoding="UTF-8"?>
<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id" xml:lang="en">
<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:identifier id="id">urn:isbn:{isbn}</dc:identifier>
<dc:title>The Lantern</dc:title><dc:creator>Zoë O’Dair</dc:creator><dc:language>en</dc:language>
<meta property="dcterms:modified">2026-11-01T00:00:00Z</meta>
<meta property="schema:accessMode">textual</meta><meta property="schema:accessMode">visual</meta>
<meta property="schema:accessModeSufficient">textual</meta>
<meta property="schema:accessibilityFeature">alternativeText</meta><meta property="schema:accessibilityFeature">tableOfContents</meta>
<meta property="schema:accessibilityHazard">none</meta>
<meta property="schema:accessibilitySummary">All pictures are described.</meta>
<meta property="dcterms:conformsTo">EPUB Accessibility 1.1 - WCAG 2.1 Level AA</meta>
</metadata>
<manifest>
<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>
<item id="cover" href="cover.jpg" media-type="image/jpeg" properties="cover-image"/>
<item id="one" href="one.xhtml" media-type="application/xhtml+xml"/>
</manifest>
<spine><itemref idref="one"/></spine>
</package>"""
_NAV = """<?xml version="1.0" encoding="UTF-8"?>
<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops" lang="en" xml:lang="en">
<head><title>Contents</title></head>
<body><nav epub:type="toc"><ol><li><a href="one.xhtml">One</a></li></ol></nav></body></html>"""
_ONE = """<?xml version="1.0" encoding="UTF-8"?>
<html xmlns="http://www.w3.org/1999/xhtml" lang="en" xml:lang="en"><head><title>One</title></head>
<body><h1>One</h1><p>The lantern keeps its own weather.</p><p><img src="cover.jpg" alt="A lantern"/></p></body></html>"""


def epub(
    path: Path,
    *,
    isbn: str = ISBN,
    change: Mapping[str, tuple[str, str]] | None = None,
    extra: Mapping[str, str] | None = None,
    without: tuple[str, ...] = (),
    first: str = "mimetype",
) -> Path:
    """An EPUB 3 that EPUBCheck passes. `change`: member → (text, other text), which must be in it; `extra`: members besides."""
    members: dict[str, str | bytes] = {
        "META-INF/container.xml": _CONTAINER,
        "EPUB/package.opf": _OPF.format(isbn=isbn),
        "EPUB/nav.xhtml": _NAV,
        "EPUB/one.xhtml": _ONE,
        "EPUB/cover.jpg": cover_jpeg((200, 320)),
        **(extra or {}),
    }
    for name, (old, new) in (change or {}).items():
        text = members[name]
        assert isinstance(text, str)
        assert old in text, (name, old)
        members[name] = text.replace(old, new)
    with zipfile.ZipFile(path, "w") as file:
        if first == "mimetype":
            file.writestr(zipfile.ZipInfo("mimetype"), "application/epub+zip")
        for name, content in members.items():
            if name not in without:
                file.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
        if first != "mimetype":
            file.writestr(zipfile.ZipInfo("mimetype"), "application/epub+zip")
    return path


# --- sound


def speech(
    seconds: float = 8.0, *, rms_db: float = -20.0, floor_db: float = -72.0, head: float = 0.7, tail: float = 2.0
) -> np.ndarray[Any, Any]:
    """Room tone, then sentences of noise with pauses, then room tone: floats of full scale 1. The whole has `rms_db`."""
    random = np.random.default_rng(7)
    time = np.arange(int(seconds * RATE)) / RATE
    talking = (time >= head) & (time < seconds - tail) & ((time % 2.0 < 1.3) | (time < head + 0.2) | (time > seconds - tail - 0.2))
    voice = np.sin(2 * np.pi * 180 * time) + 0.5 * np.sin(2 * np.pi * 410 * time) * (1 + 0.3 * np.sin(2 * np.pi * 3 * time))
    voice = np.where(talking, voice, 0.0)
    voice *= 10 ** (rms_db / 20) / np.sqrt(np.mean(voice**2))
    return voice + random.standard_normal(time.size) * 10 ** (floor_db / 20)


def mp3(
    path: Path,
    sound: np.ndarray[Any, Any] | None = None,
    *,
    bitrate: int = 192_000,
    rate: int = RATE,
    stereo: bool = False,
    options: Mapping[str, str] | None = None,
    tags: Mapping[str, str] | None = None,
) -> Path:
    return encoded(
        path, speech() if sound is None else sound, "libmp3lame", bitrate=bitrate, rate=rate, stereo=stereo, options=options, tags=tags
    )


def encoded(
    path: Path,
    sound: np.ndarray[Any, Any],
    codec: str,
    *,
    bitrate: int = 192_000,
    rate: int = RATE,
    stereo: bool = False,
    options: Mapping[str, str] | None = None,
    tags: Mapping[str, str] | None = None,
) -> Path:
    """By the codec's name: libmp3lame, pcm_s16le, flac, aac."""
    layout = "stereo" if stereo else "mono"
    with av.open(str(path), "w") as container:
        container.metadata.update(tags or {})
        stream: Any = container.add_stream(codec, rate=rate, options=dict(options or {}), layout=layout)
        stream.bit_rate = bitrate
        samples = (np.clip(sound, -1, 1) * 32767).astype(np.int16)
        data = np.repeat(samples, 2) if stereo else samples
        frame = av.AudioFrame.from_ndarray(data[np.newaxis, :], format="s16", layout=layout)
        frame.rate = rate
        resampler = av.AudioResampler(format=stream.codec_context.format, layout=layout, rate=rate, frame_size=stream.frame_size or 0)
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))
    return path


def film(path: Path, *, seconds: int = 4, size: tuple[int, int] = (320, 180), dark: float = 0.3) -> Path:
    """Black for a part of its length, then a picture that moves."""
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        stream.codec_context.gop_size = 5
        for number in range(seconds * 10):
            image = Image.new("RGB", size, "black")
            if number >= seconds * 10 * dark:
                draw = ImageDraw.Draw(image)
                draw.rectangle((0, 0, size[0] // 2, size[1]), fill=(220, 60, 40))
                draw.ellipse((number, 40, number + 80, 120), fill=(250, 240, 120))
            container.mux(stream.encode(av.VideoFrame.from_image(image)))
        container.mux(stream.encode(None))
    return path


# --- pictures


@cache
def srgb() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def cover(size: tuple[int, int], mode: str = "RGB") -> Image.Image:
    """Orange above, blue below, a white disc: something to see whether it stands upright and has its colours."""
    image = Image.new("RGB", size, (230, 120, 30))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, size[1] // 2, *size), fill=(30, 60, 200))
    radius = min(size) // 6
    draw.ellipse((size[0] // 4 - radius, size[1] // 4 - radius, size[0] // 4 + radius, size[1] // 4 + radius), fill="white")
    return image.convert(mode)


def cover_jpeg(size: tuple[int, int], *, profile: bool = True, mode: str = "RGB") -> bytes:
    made = io.BytesIO()
    cover(size, mode).save(made, "JPEG", quality=85, **({"icc_profile": srgb()} if profile else {}))
    return made.getvalue()
