"""Previews: the right colours, the right way up, in bounds; or none, and why."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import time
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mutagen.id3
import numpy as np
import pikepdf
import pytest
from PIL import Image, ImageCms
from reportlab.pdfgen.canvas import Canvas

from include.files.model import Sniffed
from include.files.previews import facts, make, preview
from include.files.previews.make import here
from sandbox.files.colour import cmyk_profile
from tests.files import makers
from tests.files.makers import EPUB, JPEG, MP3, MP4, PDF, PNG, PSD, TIFF, WAV

ORANGE, BLUE, WHITE = (230, 120, 30), (30, 60, 200), (255, 255, 255)
DOCX = Sniffed("application/vnd.openxmlformats-officedocument.wordprocessingml.document", ".docx", "document")


def shown(path: Path, sniffed: Sniffed, longest: int = 1200) -> Image.Image:
    made = here(path, sniffed, longest)
    assert made.jpeg is not None, made.reason
    image = Image.open(io.BytesIO(made.jpeg))
    assert (image.format, image.mode) == ("JPEG", "RGB")
    assert max(image.size) <= longest
    return image


def looks_like_the_cover(image: Image.Image, tolerance: int = 12) -> bool:
    """Orange above, blue below, a white disc in the upper left quarter."""
    width, height = image.size
    spots = {(0.75, 0.2): ORANGE, (0.5, 0.75): BLUE, (0.25, 0.25): WHITE}
    found = {spot: image.getpixel((int(width * spot[0]), int(height * spot[1]))) for spot in spots}
    return all(abs(a - b) <= tolerance for spot, wanted in spots.items() for a, b in zip(found[spot], wanted, strict=True))  # type: ignore[arg-type]


# --- pictures


def _tiff(path: Path, image: Image.Image, **how: Any) -> Path:
    image.save(path, "TIFF", **how)
    return path


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_deflate", "packbits", "jpeg"])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_tiff_is_the_same_in_bands_as_whole(tmp_path: Path, compression: str | None, mode: str) -> None:
    image = makers.cover((700, 900), mode)
    path = _tiff(tmp_path / "a.tif", image, compression=compression, strip_size=64 * 700)
    small = shown(path, TIFF, 300)
    whole = image.convert("RGB").resize(small.size, Image.Resampling.LANCZOS)
    assert np.abs(np.asarray(small, dtype=int) - np.asarray(whole, dtype=int)).mean() < 2.5


@pytest.mark.parametrize("deflated", [False, True])
def test_tiled_tiff(tmp_path: Path, deflated: bool) -> None:
    path = tmp_path / "tiled.tif"
    path.write_bytes(_tiled(makers.cover((700, 900)), 256, deflated))
    assert looks_like_the_cover(shown(path, TIFF, 300))
    assert shown(path, TIFF, 300).size == (233, 300)
    assert facts(path, TIFF)["pixels"] == [700, 900]


def test_planar_tiff(tmp_path: Path) -> None:
    (tmp_path / "planes.tif").write_bytes(_planar(makers.cover((500, 700)), rows=50))
    assert looks_like_the_cover(shown(tmp_path / "planes.tif", TIFF, 200))


@pytest.mark.parametrize("order", ["<", ">"])
def test_tiff_of_sixteen_bits(tmp_path: Path, order: str) -> None:
    data = (np.asarray(makers.cover((500, 700))).astype(np.uint16) * 257).astype(f"{order}u2")
    (tmp_path / "deep.tif").write_bytes(_raw_tiff(data.tobytes(), (500, 700), 3, 16, photometric=2, order=order))
    assert facts(tmp_path / "deep.tif", TIFF)["bits"] == 16
    assert looks_like_the_cover(shown(tmp_path / "deep.tif", TIFF, 200))
    gray = (np.asarray(makers.cover((500, 700), "L")).astype(np.uint16) * 257).astype(f"{order}u2")
    (tmp_path / "gray.tif").write_bytes(_raw_tiff(gray.tobytes(), (500, 700), 1, 16, photometric=1, order=order))
    image = shown(tmp_path / "gray.tif", TIFF, 200)
    assert abs(image.getpixel((130, 40))[0] - makers.cover((10, 10), "L").getpixel((9, 0))) < 6  # type: ignore[index,operator]


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="a process's own peak is read from /proc")
def test_large_tiff_stays_small_in_memory(tmp_path: Path) -> None:
    """300 MB, four inks: in bands the process needs little more than an interpreter with Pillow."""
    width, height = 8660, 8660
    line = np.zeros((height // 10, width, 4), np.uint8)
    line[:, :, 1] = 200
    with (tmp_path / "huge.tif").open("wb") as file:
        body = line.tobytes()
        whole = _raw_tiff(b"", (width, height), 4, 8, photometric=5)
        file.write(whole)
        for _ in range(10):
            file.write(body)
    assert (tmp_path / "huge.tif").stat().st_size > 299_000_000
    script = f"""
from pathlib import Path
from include.files.model import Sniffed
from include.files.previews.make import here
made = here(Path({str(tmp_path / "huge.tif")!r}), Sniffed("image/tiff", ".tif", "image"), 1200)
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
print(len(made.jpeg or b""), int(status["VmHWM"].split()[0]) // 1024)
"""
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert int(said[0]) > 1000
    assert int(said[1]) < 250  # MB


def test_cmyk_with_a_profile_goes_through_it(tmp_path: Path) -> None:
    to_press = ImageCms.profileToProfile(
        makers.cover((300, 400)), ImageCms.createProfile("sRGB"), ImageCms.ImageCmsProfile(io.BytesIO(cmyk_profile())), outputMode="CMYK"
    )
    assert to_press is not None
    back = ImageCms.profileToProfile(
        to_press, ImageCms.ImageCmsProfile(io.BytesIO(cmyk_profile())), ImageCms.createProfile("sRGB"), outputMode="RGB"
    )
    assert back is not None
    for name, sniffed, form in (("a.tif", TIFF, "TIFF"), ("a.jpg", JPEG, "JPEG")):
        to_press.save(tmp_path / name, form, icc_profile=cmyk_profile())
        difference = np.abs(np.asarray(shown(tmp_path / name, sniffed), dtype=int) - np.asarray(back, dtype=int))
        assert difference.mean() < 6
    assert facts(tmp_path / "a.tif", TIFF) == facts(tmp_path / "a.tif", TIFF) | {"colour": "CMYK", "profile": "Sandbox Coated"}


def test_cmyk_without_a_profile_looks_as_in_a_pdf(tmp_path: Path) -> None:
    inks = {(0, 255, 255, 0): (237, 28, 36), (255, 0, 0, 0): (0, 174, 239), (0, 0, 0, 255): (35, 31, 32), (0, 0, 0, 0): (255, 255, 255)}
    for ink, seen in inks.items():  # as Adobe's SWOP shows them
        Image.new("CMYK", (40, 40), ink).save(tmp_path / "a.tif")
        found = shown(tmp_path / "a.tif", TIFF).getpixel((20, 20))
        assert max(abs(a - b) for a, b in zip(found, seen, strict=True)) <= 12, (ink, found)  # type: ignore[arg-type]


def test_jpeg_of_four_inks_by_adobe_and_by_others(tmp_path: Path) -> None:
    image = Image.new("CMYK", (64, 64), (0, 255, 255, 0))
    image.save(tmp_path / "adobe.jpg")
    assert shown(tmp_path / "adobe.jpg", JPEG).getpixel((30, 30))[0] > 200  # type: ignore[index]


def test_orientation_is_applied(tmp_path: Path) -> None:
    upright = makers.cover((300, 400))
    for orientation, turn in ((1, None), (3, Image.Transpose.ROTATE_180), (6, Image.Transpose.ROTATE_90), (8, Image.Transpose.ROTATE_270)):
        stored = upright.transpose(turn) if turn else upright
        exif = Image.Exif()
        exif[274] = orientation
        stored.save(tmp_path / "a.jpg", exif=exif, quality=90)
        stored.save(tmp_path / "a.tif", tiffinfo={274: orientation})
        for path, sniffed in ((tmp_path / "a.jpg", JPEG), (tmp_path / "a.tif", TIFF)):
            assert looks_like_the_cover(shown(path, sniffed)), (orientation, path)
            assert facts(path, sniffed)["pixels"] == [300, 400]


@pytest.mark.parametrize("mode", ["RGB", "P", "L", "RGBA", "LA", "1", "I;16", "PA"])
def test_png_of_every_mode(tmp_path: Path, mode: str) -> None:
    image = makers.cover((300, 400))
    if mode == "I;16":
        image = Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257)
    elif mode == "PA":
        image = image.quantize(16)
        image.info["transparency"] = 0
    else:
        image = image.convert(mode)
    image.save(tmp_path / "a.png")
    small = shown(tmp_path / "a.png", PNG, 200)
    assert small.size == (150, 200)
    if mode in {"RGB", "P", "RGBA"}:
        assert looks_like_the_cover(small, 30)


def test_transparent_parts_lie_on_white(tmp_path: Path) -> None:
    image = Image.new("RGBA", (40, 40), (0, 0, 0, 0))
    image.save(tmp_path / "a.png")
    image.save(tmp_path / "a.tif", compression="tiff_lzw")
    assert shown(tmp_path / "a.png", PNG).getpixel((5, 5)) == WHITE
    assert shown(tmp_path / "a.tif", TIFF).getpixel((5, 5)) == WHITE


def test_first_page_of_a_multipage_tiff(tmp_path: Path) -> None:
    pages = [makers.cover((300, 400)), Image.new("RGB", (300, 400), "green"), Image.new("L", (100, 100))]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:], compression="tiff_lzw")
    assert looks_like_the_cover(shown(tmp_path / "a.tif", TIFF))
    assert facts(tmp_path / "a.tif", TIFF)["frames"] == 3


@pytest.mark.parametrize("mode", ["RGB", "CMYK", "L"])
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("packed", [False, True])
def test_photoshop(tmp_path: Path, mode: str, bits: int, large: bool, packed: bool) -> None:
    path = tmp_path / "a.psd"
    path.write_bytes(
        _photoshop(makers.cover((300, 400)), mode, bits=bits, large=large, packed=packed, profile=cmyk_profile() if mode == "CMYK" else b"")
    )
    image = shown(path, PSD, 150)
    assert image.size == (112, 150)
    if mode == "RGB":
        assert looks_like_the_cover(image)
    assert facts(path, PSD) == facts(path, PSD) | {"pixels": [300, 400], "colour": mode, "bits": bits, "dpi": [300.0, 300.0]}


def test_photoshop_without_its_flattened_picture_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.psd").write_bytes(_photoshop(makers.cover((30, 40)), "RGB", real=False))
    assert make(tmp_path / "a.psd", PSD).reason == "The Photoshop file was saved without its flattened picture."


# --- pages


def test_first_page_of_a_pdf(tmp_path: Path) -> None:
    def paint(canvas: Canvas, number: int) -> None:
        canvas.setFillColorCMYK(0, 1, 1, 0)
        canvas.rect(100, 100, 100, 100, stroke=0, fill=1)

    path = makers.pdf(tmp_path / "a.pdf", pages=2, paint=paint)
    image = shown(path, PDF, 800)
    assert image.size == (530, 800)
    red, green, blue = image.getpixel((int(150 * 800 / 578), 800 - int(150 * 800 / 578)))  # type: ignore[misc]
    assert red > 200
    assert max(green, blue) < 80
    assert make(path, PDF).jpeg == preview(path, PDF)


def test_page_of_a_city_and_page_of_a_needle(tmp_path: Path) -> None:
    for width, height in ((200_000, 3), (3, 200_000), (14_400, 14_400)):
        with pikepdf.new() as pdf:
            pdf.add_blank_page()
            pdf.pages[0].mediabox = pikepdf.Array([0, 0, width, height])
            pdf.save(tmp_path / "a.pdf")
        assert max(shown(tmp_path / "a.pdf", PDF).size) == 1200


def test_pdf_that_wants_a_password_says_so(tmp_path: Path) -> None:
    makers.pdf(tmp_path / "a.pdf", save={"encryption": pikepdf.Encryption(owner="a", user="b")})
    assert make(tmp_path / "a.pdf", PDF).reason == "The PDF wants a password."
    assert facts(tmp_path / "a.pdf", PDF) == {"encrypted": True}


def test_facts_of_a_pdf(tmp_path: Path) -> None:
    def name(pdf: pikepdf.Pdf) -> None:
        pdf.docinfo["/Subject"] = f"ISBN {makers.OTHER_ISBN}"

    assert facts(makers.pdf(tmp_path / "a.pdf", change=name), PDF) == {
        "pages": 16,
        "pdf_version": "1.3",
        "media_mm": [135.0, 204.0],
        "trim_mm": [129.0, 198.0],
        "bleed_mm": [135.0, 204.0],
        "title": "The Lantern",
        "author": "anonymous",
        "pdfx": "PDF/X-1a",
        "isbns": [makers.OTHER_ISBN],
    }


def test_cover_of_an_epub(tmp_path: Path) -> None:
    path = makers.epub(tmp_path / "a.epub")
    assert looks_like_the_cover(shown(path, EPUB), 20)
    assert facts(path, EPUB)["isbns"] == [makers.ISBN]
    bare = makers.epub(
        tmp_path / "b.epub",
        change={"EPUB/package.opf": ('<item id="cover" href="cover.jpg" media-type="image/jpeg" properties="cover-image"/>', "")},
    )
    assert make(bare, EPUB).reason == "The EPUB has no cover picture."


# --- moving


def test_frame_of_a_film_is_not_black(tmp_path: Path) -> None:
    path = makers.film(tmp_path / "a.mp4", dark=0.6)
    red, green, _ = shown(path, MP4).getpixel((10, 90))  # type: ignore[misc]
    assert red > 150 > green
    assert facts(path, MP4) == facts(path, MP4) | {"codec": "h264", "pixels": [320, 180], "seconds": 4.0, "frame_rate": 10.0}


def test_sound_shows_its_cover_or_its_waveform(tmp_path: Path) -> None:
    path = makers.mp3(tmp_path / "a.mp3", tags={"track": "3/12", "title": "The Storm"})
    wave = shown(path, MP3)
    assert wave.size == (1200, 300)
    assert wave.getpixel((5, 10)) == WHITE
    assert facts(path, MP3) == facts(path, MP3) | {
        "codec": "mp3float",
        "sample_rate": 44100,
        "channels": 1,
        "bitrate": 192000,
        "track": "3/12",
        "title": "The Storm",
    }
    tags = mutagen.id3.ID3(path)
    tags.add(mutagen.id3.APIC(mime="image/jpeg", type=3, data=makers.cover_jpeg((300, 400))))
    tags.save()
    assert looks_like_the_cover(shown(path, MP3), 20)
    makers.encoded(tmp_path / "a.wav", makers.speech(4), "pcm_s16le")
    assert shown(tmp_path / "a.wav", WAV).size == (1200, 300)


# --- none, and why


def test_documents_have_no_preview(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.docx", "w") as file:
        file.writestr("word/document.xml", "<w/>")
    made = make(tmp_path / "a.docx", DOCX)
    assert made.jpeg is None
    assert made.reason == f"No preview is made of {DOCX.media_type}."
    assert facts(tmp_path / "a.docx", DOCX) == {}


BROKEN: dict[str, tuple[Sniffed, Callable[[], bytes]]] = {
    "jpeg cut off": (JPEG, lambda: makers.cover_jpeg((300, 400))[:400]),
    "jpeg of nothing": (JPEG, lambda: b"\xff\xd8\xff\xe0"),
    "png with a huge header": (
        PNG,
        lambda: b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sIIBBBBBI", 13, b"IHDR", 90_000, 90_000, 8, 2, 0, 0, 0, 0),
    ),
    "tiff of nothing": (TIFF, lambda: b"II*\0\x08\0\0\0\0\0"),
    "tiff that names itself": (TIFF, lambda: b"II*\0\x08\0\0\0" + struct.pack("<HHHIII", 1, 273, 4, 1 << 30, 8, 8)),
    "tiff with a huge strip": (TIFF, lambda: _raw_tiff(b"", (30_000, 30_000), 4, 8, photometric=5)),
    "tiff cut off": (TIFF, lambda: _raw_tiff(b"\0" * 1000, (600, 600), 3, 8, photometric=2)),
    "psd of nothing": (PSD, lambda: b"8BPS\0\1"),
    "psd with huge sides": (PSD, lambda: struct.pack(">4sH6xHIIHH", b"8BPS", 1, 3, 300_000, 300_000, 8, 3) + b"\0" * 14),
    "psd whose rows lie": (PSD, lambda: struct.pack(">4sH6xHIIHH", b"8BPS", 1, 3, 10, 10, 8, 3) + b"\0" * 12 + b"\0\1" + b"\xff" * 60),
    "pdf of nothing": (PDF, lambda: b"%PDF-1.7"),
    "epub of nothing": (EPUB, lambda: b"PK\x05\x06" + b"\0" * 18),
    "mp3 of nothing": (MP3, lambda: b"ID3\x04\0\0\0\0\0\0"),
    "mp3 of noise": (MP3, lambda: np.random.default_rng(3).bytes(50_000)),
    "mp4 of nothing": (MP4, lambda: struct.pack(">I4s4sI", 16, b"ftyp", b"isom", 0) + b"\0" * 30),
    "a playlist that calls itself an MP4": (MP4, lambda: b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n/etc/passwd\n"),
    "empty": (TIFF, lambda: b""),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_files_have_no_preview_but_a_reason(name: str, tmp_path: Path) -> None:
    sniffed, content = BROKEN[name]
    path = tmp_path / f"a{sniffed.extension}"
    path.write_bytes(content())
    began = time.monotonic()
    made = make(path, sniffed)
    assert made.jpeg is None
    assert len(made.reason) > 10
    assert "Traceback" not in made.reason
    assert str(tmp_path) not in made.reason
    assert isinstance(facts(path, sniffed), dict)
    assert time.monotonic() - began < 120


# --- files that Pillow doesn't write


def _raw_tiff(
    data: bytes, size: tuple[int, int], samples: int, bits: int, *, photometric: int, order: str = "<", rows: int | None = None
) -> bytes:
    """Uncompressed, one strip (or strips of `rows`) right behind the header; `data` may be written later."""
    rows = rows or size[1]
    strips = -(-size[1] // rows)
    line = size[0] * samples * bits // 8
    lengths = [min(rows, size[1] - at * rows) * line for at in range(strips)]
    fields: list[tuple[int, int, list[int]]] = [
        (256, 4, [size[0]]), (257, 4, [size[1]]), (258, 3, [bits] * samples), (259, 3, [1]), (262, 3, [photometric]),
        (273, 4, [0] * strips), (277, 3, [samples]), (278, 4, [rows]), (279, 4, lengths), (284, 3, [1]),
    ]  # fmt: skip
    return _tiff_of(fields, [data], order, lengths, 273)


def _planar(image: Image.Image, rows: int) -> bytes:
    planes = [np.asarray(band) for band in image.split()]
    pieces = [plane[top : top + rows].tobytes() for plane in planes for top in range(0, image.height, rows)]
    lengths = [len(piece) for piece in pieces]
    fields: list[tuple[int, int, list[int]]] = [
        (256, 4, [image.width]), (257, 4, [image.height]), (258, 3, [8] * 3), (259, 3, [1]), (262, 3, [2]),
        (273, 4, [0] * len(pieces)), (277, 3, [3]), (278, 4, [rows]), (279, 4, lengths), (284, 3, [2]),
    ]  # fmt: skip
    return _tiff_of(fields, pieces, "<", lengths, 273)


def _tiled(image: Image.Image, side: int, deflated: bool) -> bytes:
    across, down = -(-image.width // side), -(-image.height // side)
    padded = Image.new("RGB", (across * side, down * side))
    padded.paste(image)
    pieces = [padded.crop((x * side, y * side, x * side + side, y * side + side)).tobytes() for y in range(down) for x in range(across)]
    pieces = [zlib.compress(piece) for piece in pieces] if deflated else pieces
    lengths = [len(piece) for piece in pieces]
    fields: list[tuple[int, int, list[int]]] = [
        (256, 4, [image.width]), (257, 4, [image.height]), (258, 3, [8] * 3), (259, 3, [8 if deflated else 1]), (262, 3, [2]),
        (277, 3, [3]), (284, 3, [1]),
        (322, 4, [side]), (323, 4, [side]), (324, 4, [0] * len(pieces)), (325, 4, lengths),
    ]  # fmt: skip
    return _tiff_of(fields, pieces, "<", lengths, 324)


def _tiff_of(fields: list[tuple[int, int, list[int]]], pieces: list[bytes], order: str, lengths: list[int], offsets: int) -> bytes:
    room = 8 + 2 + 12 * len(fields) + 4
    behind = {tag: len(values) * (2 if kind == 3 else 4) for tag, kind, values in fields}
    start = room + sum(size for size in behind.values() if size > 4)
    starts = [start + sum(lengths[:at]) for at in range(len(lengths))]
    entries, more = b"", b""
    for tag, kind, values in fields:
        numbers = starts if tag == offsets else values
        packed = struct.pack(f"{order}{len(numbers)}{'H' if kind == 3 else 'I'}", *numbers)
        entries += struct.pack(f"{order}HHI", tag, kind, len(numbers))
        entries += packed.ljust(4, b"\0") if len(packed) <= 4 else struct.pack(f"{order}I", room + len(more))
        more += packed if len(packed) > 4 else b""
    head = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, 8)
    return head + struct.pack(f"{order}H", len(fields)) + entries + b"\0\0\0\0" + more + b"".join(pieces)


def _photoshop(
    image: Image.Image, mode: str, *, bits: int = 8, large: bool = False, packed: bool = False, profile: bytes = b"", real: bool = True
) -> bytes:
    """Header, resources (resolution, profile, version), no layers, the flattened picture; literal runs where it is packed."""
    made = image.convert(mode)
    channels = [np.asarray(band) if mode != "CMYK" else 255 - np.asarray(band) for band in made.split()]
    number = {"RGB": 3, "CMYK": 4, "L": 1}[mode]
    head = struct.pack(">4sH6xHIIHH", b"8BPS", 2 if large else 1, len(channels), image.height, image.width, bits, number)
    resources = _resource(1005, struct.pack(">iHHiHH", 300 << 16, 1, 1, 300 << 16, 1, 1)) + _resource(
        1057, b"\0\0\0\1" + bytes([real]) + b"\0" * 8
    )
    if profile:
        resources += _resource(1039, profile)
    rows = [(row if bits == 8 else np.repeat(row, 2)).tobytes() for channel in channels for row in channel]
    if packed:
        rows = [b"".join(bytes([len(row[at : at + 128]) - 1]) + row[at : at + 128] for at in range(0, len(row), 128)) for row in rows]
    table = b"".join(struct.pack(">I" if large else ">H", len(row)) for row in rows) if packed else b""
    layers = struct.pack(">Q" if large else ">I", 0)
    return (
        head
        + b"\0\0\0\0"
        + struct.pack(">I", len(resources))
        + resources
        + layers
        + struct.pack(">H", int(packed))
        + table
        + b"".join(rows)
    )


def _resource(number: int, body: bytes) -> bytes:
    return struct.pack(">4sHHI", b"8BIM", number, 0, len(body)) + body + b"\0" * (len(body) % 2)
