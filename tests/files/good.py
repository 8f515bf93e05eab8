"""Small, whole files of every kind that publishers get, each made here: name → bytes, and what they must be taken for."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import struct
import tarfile
import zipfile
from collections.abc import Callable
from functools import cache

import pikepdf
import py7zr
from PIL import Image

WHEN = (2026, 11, 20, 12, 0, 0)
MEMBERS = {"Cover/front.txt": b"front " * 400, "inner.txt": b"pages " * 400, "chapter 1.txt": b"It was a dark night. " * 200}


def zipped(members: dict[str, bytes] | list[tuple[str, bytes]], method: int = zipfile.ZIP_DEFLATED, mode: int = 0o644) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in members.items() if isinstance(members, dict) else members:
            info = zipfile.ZipInfo("placeholder", WHEN)
            info.filename = name  # as given: ZipInfo would cut at NUL and turn backslashes
            info.external_attr = (0o100000 | mode) << 16
            info.compress_type = zipfile.ZIP_STORED if name == "mimetype" else method
            archive.writestr(info, content)
    return out.getvalue()


def tarred(members: dict[str, bytes], mode: str = "w") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def sevenzip(members: dict[str, bytes], **settings: object) -> bytes:
    out = io.BytesIO()
    encoded = settings.pop("encoded", True)
    with py7zr.SevenZipFile(out, "w", **settings) as archive:  # type: ignore[arg-type]
        archive.set_encoded_header_mode(encoded)
        for name, content in members.items():
            archive.writestr(content, name)
    return out.getvalue()


@cache
def image(kind: str, width: int = 48, height: int = 64) -> bytes:
    out = io.BytesIO()
    picture = Image.frombytes("RGB", (width, height), bytes((x * 37 + 11 * (x // 7)) % 256 for x in range(width * height * 3)))
    picture.save(out, kind)
    return out.getvalue()


def photoshop(width: int = 20, height: int = 30, version: int = 1, *, pixels: bool = True) -> bytes:
    head = b"8BPS" + struct.pack(">H6xHIIHH", version, 3, height, width, 8, 3)
    return head + bytes(4) + bytes(4) + bytes(8 if version == 2 else 4) + b"\0\0" + (bytes(3 * width * height) if pixels else b"")


def pdf(edit: Callable[[pikepdf.Pdf], None] | None = None, **saving: object) -> bytes:
    out = io.BytesIO()
    with pikepdf.new() as book:
        for _ in range(3):
            book.add_blank_page(page_size=(432, 648))
        if edit:
            edit(book)
        book.save(out, deterministic_id="encryption" not in saving, **saving)
    return out.getvalue()


def with_javascript(book: pikepdf.Pdf) -> None:
    book.Root.OpenAction = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS=pikepdf.String("app.alert(1)"))


CONTAINER = b"""<?xml version="1.0"?><container xmlns="urn:oasis:names:tc:opendocument:xmlns:container" version="1.0"><rootfiles>
<rootfile full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>"""
OPF = b'<?xml version="1.0"?><package xmlns="http://www.idpf.org/2007/opf" version="3.0"><metadata/><manifest/><spine/></package>'
XHTML = b"""<?xml version="1.0"?><!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.1//EN" "http://www.w3.org/TR/xhtml11/DTD/xhtml11.dtd">
<html xmlns="http://www.w3.org/1999/xhtml"><head><title>One</title></head><body><p>It was&#160;dark.</p></body></html>"""
TYPES = b'<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'


def epub(more: dict[str, bytes] | None = None) -> bytes:
    parts = {"mimetype": b"application/epub+zip", "META-INF/container.xml": CONTAINER, "OEBPS/book.opf": OPF, "OEBPS/one.xhtml": XHTML}
    return zipped(parts | {"OEBPS/cover.jpg": image("JPEG")} | (more or {}))


def docx(more: dict[str, bytes] | None = None) -> bytes:
    return zipped(
        {"[Content_Types].xml": TYPES, "_rels/.rels": b"<Relationships/>", "word/document.xml": b"<w><p>Hello</p></w>"} | (more or {})
    )


def odt(more: dict[str, bytes] | None = None) -> bytes:
    return zipped({"mimetype": b"application/vnd.oasis.opendocument.text", "content.xml": b"<office/>"} | (more or {}))


def compound(*streams: str, root: bytes = bytes(16)) -> bytes:
    """An old Microsoft file: header, one sector of allocation table, the directory."""
    entries = b""
    for number, name in enumerate(("Root Entry", *streams)):
        raw = name.encode("utf-16-le") + b"\0\0"
        entry = raw.ljust(64, b"\0") + struct.pack("<HBB", len(raw), 5 if not number else 2, 1) + b"\xff" * 12
        entries += (entry + (root if not number else bytes(16))).ljust(116, b"\0") + struct.pack("<IQ", 0xFFFFFFFE, 0)
    entries = entries.ljust(-(-len(entries) // 512) * 512, b"\0")
    count = len(entries) // 512
    table = [0xFFFFFFFD, *range(2, count + 1), 0xFFFFFFFE]
    table += [0xFFFFFFFF] * (128 - len(table))
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH", 62, 3, 0xFFFE, 9, 6) + bytes(6)
    head += struct.pack("<IIIIIIIIII", 0, 1, 1, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0, 0) + b"\xff" * (4 * 108)
    return head.ljust(512, b"\xff")[:512] + struct.pack("<128I", *table) + entries


def boxes(brand: bytes) -> bytes:
    def box(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I4s", len(content) + 8, kind) + content

    return box(b"ftyp", brand + bytes(4) + b"isom") + box(b"moov", box(b"mvhd", bytes(100))) + box(b"mdat", bytes(3000))


_DTD = b'<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">'


def wav(seconds: int = 1) -> bytes:
    data = bytes(8000 * seconds)
    return (
        b"RIFF"
        + struct.pack("<I", 36 + len(data))
        + b"WAVEfmt "
        + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 8000, 1, 8)
        + b"data"
        + struct.pack("<I", len(data))
        + data
    )


MP3 = (b"\xff\xfb\x90\x64" + bytes(413)) * 20
ID3 = b"ID3\x04\0\0\0\0\0\x0aTIT2" + bytes(10)
ONIX = b'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE ONIXMessage SYSTEM "http://www.editeur.org/onix/2.1/reference/onix-international.dtd">\n<ONIXMessage><Header/></ONIXMessage>'
SVG = b'<?xml version="1.0"?>' + _DTD + b'<svg xmlns="http://www.w3.org/2000/svg"><rect width="5" height="5"/></svg>'
PROSE = "“Mr. Jones,” said Zoë, “M’appelle-t-on?” She paused — and left. "

GOOD: dict[str, tuple[Callable[[], bytes], str]] = {  # name → (bytes, extension of what it must be taken for)
    "front.png": (lambda: image("PNG"), ".png"),
    "front.jpg": (lambda: image("JPEG"), ".jpg"),
    "really a png.jpg": (lambda: image("PNG"), ".png"),
    "art.tiff": (lambda: image("TIFF"), ".tif"),
    "art.gif": (lambda: image("GIF"), ".gif"),
    "art.webp": (lambda: image("WEBP"), ".webp"),
    "art.bmp": (lambda: image("BMP"), ".bmp"),
    "art.jp2": (lambda: image("JPEG2000"), ".jp2"),
    "layers.psd": (photoshop, ".psd"),
    "layers.psb": (lambda: photoshop(version=2), ".psb"),
    "interior.pdf": (pdf, ".pdf"),
    "compressed.pdf": (lambda: pdf(object_stream_mode=pikepdf.ObjectStreamMode.generate, linearize=True), ".pdf"),
    "led.pdf": (lambda: b"\r\n\r\n" + pdf(), ".pdf"),
    "marked.pdf": (lambda: b"\xef\xbb\xbf" + pdf(), ".pdf"),
    "script.pdf": (lambda: pdf(with_javascript), ".pdf"),
    "owner.pdf": (lambda: pdf(encryption=pikepdf.Encryption(owner="o", user="")), ".pdf"),
    "jacket.ai": (pdf, ".pdf"),
    "jacket.eps": (lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\nshowpage\n", ".eps"),
    "book.epub": (epub, ".epub"),
    "book.epub.zip": (epub, ".epub"),
    "manuscript.docx": (docx, ".docx"),
    "rights.xlsx": (lambda: zipped({"[Content_Types].xml": TYPES, "xl/workbook.xml": b"<workbook/>"}), ".xlsx"),
    "manuscript.odt": (odt, ".odt"),
    "pages.idml": (lambda: zipped({"mimetype": b"application/vnd.adobe.indesign-idml-package", "designmap.xml": b"<D/>"}), ".idml"),
    "manuscript.rtf": (lambda: rb"{\rtf1\ansi Once upon a time.\par}", ".rtf"),
    "old.doc": (lambda: compound("WordDocument", "1Table", "Data"), ".doc"),
    "rtf called.doc": (lambda: rb"{\rtf1\ansi Once upon a time.\par}", ".rtf"),
    "old.xls": (lambda: compound("Workbook"), ".xls"),
    "notes.txt": ((PROSE * 30).encode, ".txt"),
    "notes 16.txt": (lambda: (PROSE * 30).encode("utf-16"), ".txt"),
    "notes 16 unmarked.txt": (lambda: (PROSE * 30).encode("utf-16-le"), ".txt"),
    "notes 1252.txt": (lambda: (PROSE * 30).encode("cp1252"), ".txt"),
    "tagged.txt": (lambda: b"<CT>One</CT>\n<T>It was a dark night & <i>cold</T>\n", ".txt"),
    "macintosh.txt": (lambda: ("Il \u00e8re caf\u00e9 \u2026 tr\u00e8s loin. " * 9).encode("mac_roman"), ".txt"),
    "BM.txt": (lambda: b"BM is a town, and MZ another; ID3 is no place at all.", ".txt"),
    "MZ.txt": (lambda: b"MZ was here, she wrote on the wall of the old school, and nobody knew.", ".txt"),
    "no extension": (PROSE.encode, ".txt"),
    "Vol. 2 final": (pdf, ".pdf"),
    "titles.csv": (lambda: b"isbn,title\r\n9780306406157,One\r\n", ".csv"),
    "manifest.json": (lambda: json.dumps({"files": [{"name": "a.pdf"}]}).encode(), ".json"),
    "feed.xml": (lambda: ONIX, ".xml"),
    "logo.svg": (lambda: SVG, ".svg"),
    "01.mp3": (lambda: ID3 + MP3, ".mp3"),
    "02.mp3": (lambda: MP3, ".mp3"),
    "book.m4b": (lambda: boxes(b"M4B "), ".m4b"),
    "book isom.m4b": (lambda: boxes(b"isom"), ".m4b"),
    "trailer.mp4": (lambda: boxes(b"isom"), ".mp4"),
    "01.wav": (wav, ".wav"),
    "01.flac": (lambda: b"fLaC\0\0\0\x22" + bytes(200), ".flac"),
    "pack.zip": (lambda: zipped(MEMBERS), ".zip"),
    "stored.zip": (lambda: zipped(MEMBERS, zipfile.ZIP_STORED), ".zip"),
    "bzip2.zip": (lambda: zipped(MEMBERS, zipfile.ZIP_BZIP2), ".zip"),
    "lzma.zip": (lambda: zipped(MEMBERS, zipfile.ZIP_LZMA), ".zip"),
    "pack.tar": (lambda: tarred(MEMBERS), ".tar"),
    "pack.tgz": (lambda: tarred(MEMBERS, "w:gz"), ".tar.gz"),
    "pack.tar.bz2": (lambda: tarred(MEMBERS, "w:bz2"), ".tar.bz2"),
    "pack.tar.xz": (lambda: tarred(MEMBERS, "w:xz"), ".tar.xz"),
    "pack.7z": (lambda: sevenzip(MEMBERS), ".7z"),
    "titles.csv.gz": (lambda: gzip.compress(b"isbn,title\r\n" * 50, mtime=0), ".gz"),
    "titles.csv.bz2": (lambda: bz2.compress(b"isbn,title\r\n" * 50), ".bz2"),
    "titles.csv.xz": (lambda: lzma.compress(b"isbn,title\r\n" * 50), ".xz"),
}  # fmt: skip
