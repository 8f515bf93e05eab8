"""Hostile and broken files, made here, each with what it does and what must become of it.

`python tests/files/hostile.py FOLDER` writes them out, to try other programs on them.
"""

from __future__ import annotations

import gzip
import io
import lzma
import struct
import sys
import tarfile
import unicodedata
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pikepdf
import py7zr

from include.partners.inboxes import Limits
from tests.files import good
from tests.files.good import compound, docx, epub, image, odt, pdf, photoshop, sevenzip, tarred, zipped


@dataclass(frozen=True)
class Case:
    """`want`: the code of the refusal; or, with a dot, the type that it is accepted as. `members`: path → code, "" for kept."""

    name: str
    want: str
    how: str
    make: Callable[[], bytes]
    members: dict[str, str] | None = None
    limits: Limits = field(default_factory=Limits)


CASES: list[Case] = []


def case(name: str, want: str, how: str, make: Callable[[], bytes] | bytes, fates: dict[str, str] | None = None, **limits: int) -> None:
    CASES.append(Case(name, want, how, (lambda: make) if isinstance(make, bytes) else make, fates, Limits(**limits)))


# --- names, sizes

TEXT = b"Nothing to see here, only words. " * 20
case("nothing.pdf", "empty", "no bytes at all", b"")
case("large.txt", "too-large", "larger than the inbox takes", b"x" * 2000, file_bytes=1000)
case("a\0.pdf", "name-illegal", "a NUL cuts the name for C programs", pdf)
case("cover\u202egpj.exe", "name-illegal", "a right-to-left mark makes it look like coverexe.jpg", b"MZ\x90\0\3\0\0\0")
case("in\u200bvisible.pdf", "name-illegal", "a zero-width space in the name", pdf)
case("line\nbreak.pdf", "name-illegal", "a line break in the name", pdf)
case("CON.pdf", "name-illegal", "a device's name on Windows", pdf)
case("lpt1", "name-illegal", "a device's name, without extension", TEXT)
case("book.pdf.", "name-illegal", "Windows drops the last dot", pdf)
case("book.pdf:evil.exe", "name-illegal", "a second content of the file on NTFS", pdf)
case("n" * 300 + ".pdf", "name-illegal", "too long for every file system", pdf)
case("../../etc/passwd", "path-traversal", "leads out of the inbox", TEXT)
case("..\\..\\windows\\win.ini", "path-traversal", "leads out of the inbox on Windows", TEXT)
case("C:\\Windows\\a.pdf", "path-traversal", "a drive's root", pdf)

# --- what acts when it is opened

PROGRAM = b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0\xb8\0\0\0" + bytes(40) + struct.pack("<I", 128) + bytes(64) + b"PE\0\0" + bytes(200)
case("chapter.pdf", "executable", "a Windows program called PDF", PROGRAM)
case("front.jpg", "executable", "a Linux program called JPG", b"\x7fELF\x02\x01\x01" + bytes(100))
case("manuscript.docx", "executable", "a macOS program called DOCX", b"\xcf\xfa\xed\xfe\x07\0\0\x01" + bytes(100))
case("invoice.pdf.exe", "executable", "a program behind two extensions", PROGRAM)
case("run.txt", "executable", "a shell script called TXT", b"#!/bin/sh\nrm -rf ~\n")
case("install.bat", "executable", "a batch file", b"@echo off\r\nformat c:\r\n")
case("page.txt", "executable", "PHP called TXT", b"<?php system($_GET['c']); ?>")
case("letter.doc", "executable", "a web page called DOC", b"<html><body><script>alert(1)</script></body></html>")
case("letter.pdf", "executable", "a web page called PDF", b"\n\n<!DOCTYPE html>\n<html><script>alert(1)</script></html>")
case("page.xml", "executable", "XHTML called XML", b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"/>')
case("open me.pdf", "executable", "a Windows shortcut called PDF", b"L\0\0\0\x01\x14\x02\0\0\0\0\0\xc0\0\0\0\0\0\0F" + bytes(60))
case("site.url", "executable", "an internet shortcut", b"[InternetShortcut]\r\nURL=file://evil/share\r\n")
case("site.txt", "executable", "an internet shortcut called TXT", b"[InternetShortcut]\r\nURL=file://evil/share\r\n")
case("keys.txt", "executable", "registry entries called TXT", "Windows Registry Editor Version 5.00\r\n".encode("utf-16"))
case("pack.zip", "executable", "an image of a CD called ZIP", bytes(0x8001) + b"CD001\x01" + bytes(600))
case("photos", "executable", "an Apple disk image without extension", bytes(0x9000) + b"koly" + bytes(508))
case(
    "setup.doc",
    "executable",
    "a Windows installer called DOC",
    lambda: compound("Tables", root=bytes.fromhex("84100c0000000000c000000000000046")),
)
case(
    "pack2.zip",
    "executable",
    "a Java program called ZIP",
    lambda: zipped({"META-INF/MANIFEST.MF": b"Main-Class: A", "A.class": b"\xca\xfe\xba\xbe"}),
)
case("app.zip", "executable", "an Android app called ZIP", lambda: zipped({"AndroidManifest.xml": b"x", "classes.dex": b"y"}))
case("movie.mp4", "executable", "Flash called MP4", b"CWS\x0a\x10\0\0\0" + bytes(50))
case("book.epub", "executable", "WebAssembly called EPUB", b"\0asm\x01\0\0\0" + bytes(30))
case("polyglot.pdf", "executable", "program and PDF at once", lambda: PROGRAM + pdf())
case("both.pdf", "executable", "web page and PDF at once", lambda: b"<html><script>alert(1)</script>\n" + pdf())
case("hidden.pdf", "content-mismatch", "bytes that are nothing before the PDF begins", lambda: b"\x01\x02\x03\xfa\xfb" * 20 + pdf())
case("script.svg", "executable", "a picture with a script", good.SVG.replace(b"<rect", b"<script>alert(1)</script><rect"))
case("handler.svg", "executable", "a picture with an event handler", good.SVG.replace(b"<rect", b'<rect onload="alert(1)"'))
case("gif.js", "executable", "a GIF that is a script, too", b"GIF89a=1;alert(1)//" + bytes(30))


def launching(book: pikepdf.Pdf) -> None:
    book.Root.OpenAction = pikepdf.Dictionary(S=pikepdf.Name.Launch, F=pikepdf.String("cmd.exe"))


def launching_deep(book: pikepdf.Pdf) -> None:
    action = pikepdf.Dictionary(S=pikepdf.Name.URI, Next=pikepdf.Array([pikepdf.Dictionary(S=pikepdf.Name.Launch, F=pikepdf.String("a"))]))
    book.pages[0].Annots = pikepdf.Array([
        pikepdf.Dictionary(Type=pikepdf.Name.Annot, Subtype=pikepdf.Name.Link, Rect=[0, 0, 9, 9], A=action)
    ])


def carrying(name: str, content: bytes) -> Callable[[pikepdf.Pdf], None]:
    def edit(book: pikepdf.Pdf) -> None:
        book.attachments[name] = pikepdf.AttachedFileSpec(book, content, filename=name)

    return edit


case("launch.pdf", "executable", "starts a program when opened", lambda: pdf(launching))
case(
    "launch2.pdf",
    "executable",
    "starts a program by a link, in a compressed object",
    lambda: pdf(launching_deep, object_stream_mode=pikepdf.ObjectStreamMode.generate),
)
case("launch3.pdf", "executable", "as before, the name written with escapes", lambda: pdf(launching).replace(b"/Launch", b"/L#61unch"))
case("carrier.pdf", "executable", "carries setup.exe", lambda: pdf(carrying("setup.exe", b"x")))
case("carrier2.pdf", "executable", "carries a program called notes.txt", lambda: pdf(carrying("notes.txt", PROGRAM)))
case("carrier3.pdf", ".pdf", "carries a spreadsheet, which is no harm", lambda: pdf(carrying("data.csv", b"a,b")))

# --- name against bytes

case("prose.pdf", "content-mismatch", "text called PDF", TEXT)
case("picture.pdf", "content-mismatch", "a PNG called PDF", lambda: image("PNG"))
case("interior.jpg", "content-mismatch", "a PDF called JPG", pdf)
case("noise.mp3", "content-mismatch", "noise called MP3", bytes((x * 197 + x // 256 * 31) % 256 for x in range(5000)))
case("noise.xyz", "unknown-type", "noise of no type", bytes((x * 197 + x // 256 * 31) % 256 for x in range(5000)))
case("plain.epub", "content-mismatch", "an ordinary ZIP called EPUB", lambda: zipped(good.MEMBERS))
case("plain.docx", "content-mismatch", "an ordinary ZIP called DOCX", lambda: zipped(good.MEMBERS))
case("old.rar", "unknown-type", "a RAR archive, which is not read here", b"Rar!\x1a\x07\x01\0" + bytes(60))
case("table.xlsx", "content-mismatch", "a DOCX called XLSX", docx)
case("book.mp3", "content-mismatch", "an EPUB called MP3", epub)

# --- XML

LAUGHS = (
    b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "lol">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9))
    + b"]><a>&j;</a>"
)
XXE = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'
case("laughs.xml", "xml-entities", "a billion laughs", LAUGHS)
case("xxe.xml", "xml-entities", "reads a file of ours", XXE)
case("parameter.xml", "xml-entities", "a parameter entity from elsewhere", XXE.replace(b"<!ENTITY x", b"<!ENTITY % x").replace(b"&x;", b""))
case(
    "wide.xml",
    "xml-entities",
    "the same in UTF-16",
    XXE.decode().replace("<?xml", "<?xml").replace('"1.0"', '"1.0" encoding="UTF-16"').encode("utf-16"),
)
case("local.xml", "xml-entities", "a document type from our disk", b'<?xml version="1.0"?><!DOCTYPE a SYSTEM "file:///dev/random"><a/>')
case(
    "laughs.svg",
    "xml-entities",
    "a billion laughs as a picture",
    LAUGHS.replace(b"<a>", b'<svg xmlns="http://www.w3.org/2000/svg">').replace(b"</a>", b"</svg>").replace(b"DOCTYPE a", b"DOCTYPE svg"),
)
case(
    "remote.svg",
    "xml-entities",
    "a picture that fetches another",
    good.SVG.replace(b"<rect", b'<image href="http://192.0.2.1/x.png"/><rect'),
)
case("deep.xml", "data-broken", "100,000 elements within each other", b'<?xml version="1.0"?>' + b"<a>" * 100_000 + b"</a>" * 100_000)
case("open.xml", "data-broken", "not well-formed", b'<?xml version="1.0"?><a><b></a>')
case("deep.json", "data-broken", "100,000 arrays within each other", b"[" * 100_000 + b"]" * 100_000)
case("xxe.docx", "xml-entities", "an entity in a document's text", lambda: docx({"word/document.xml": XXE}))
case("xxe.epub", "xml-entities", "an entity in an e-book's package file", lambda: epub({"OEBPS/book.opf": LAUGHS}))
case("xxe.odt", "xml-entities", "an entity in an ODT", lambda: odt({"content.xml": XXE}))

# --- images


def png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


def tiff(width: int, height: int, *, following: int = 0, strip: tuple[int, int] = (8, 4)) -> bytes:
    tags = [(256, 4, 1, width), (257, 4, 1, height), (273, 4, 1, strip[0]), (279, 4, 1, strip[1])]
    body = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", *tag) for tag in tags)
    return b"II*\0" + struct.pack("<I", 8) + body + struct.pack("<I", following)


def jpeg(width: int, height: int) -> bytes:
    return (
        b"\xff\xd8\xff\xc0\x00\x11\x08"
        + struct.pack(">HH", height, width)
        + b"\x03\x01\x11\0\x02\x11\0\x03\x11\0\xff\xda\0\x0c"
        + bytes(20)
        + b"\xff\xd9"
    )


def bmp(width: int, height: int) -> bytes:
    return b"BM" + struct.pack("<IHHIIiiHHI", 54, 0, 0, 54, 40, width, height, 1, 24, 0) + bytes(40)


case("huge.png", "image-too-large", "a PNG of 4 billion by 4 billion pixels", lambda: png(0xFFFFFFF0, 0xFFFFFFF0))
case("long.png", "image-too-large", "a PNG of one line of a billion pixels", lambda: png(1_000_000_000, 1))
case("zero.png", "image-broken", "a PNG without width", lambda: png(0, 100))
case("huge.tif", "image-too-large", "a TIFF of 400,000 by 400,000", lambda: tiff(400_000, 400_000))
case("loop.tif", "image-broken", "a TIFF whose pages go round in a circle", lambda: tiff(10, 10, following=8))
case("beyond.tif", "image-broken", "a TIFF whose picture lies beyond its end", lambda: tiff(10, 10, strip=(5000, 100)))
case("tags.tif", "image-broken", "a TIFF that tells of 60,000 tags", b"II*\0\x08\0\0\0\x60\xea" + bytes(40))
case("huge.psd", "image-too-large", "a PSD of 30,001 by 30,001", lambda: photoshop(30_001, 30_001, pixels=False))
case("huge.psb", "image-too-large", "a PSB of 300,000 by 300,000", lambda: photoshop(300_000, 300_000, 2, pixels=False))
case("cut.psd", "image-broken", "a PSD without its pixels", lambda: photoshop(pixels=False))
case("huge.jpg", "image-too-large", "a JPEG of 65,535 by 65,535", lambda: jpeg(65_535, 65_535))
case("huge.gif", "image-too-large", "a GIF of 65,535 by 65,535", b"GIF89a\xff\xff\xff\xff\0\0\0;")
case("huge.webp", "image-too-large", "a WebP of 16 million by 16 million", b"RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + b"\xff" * 6)
case("huge.bmp", "image-too-large", "a BMP of 2 billion by 2 billion", lambda: bmp(0x7FFFFFFF, 0x7FFFFFFF))
case(
    "huge.jp2",
    "image-too-large",
    "a JPEG 2000 of 4 billion by 4 billion",
    b"\0\0\0\x0cjP  \r\n\x87\n\0\0\0\x14ftypjp2 \0\0\0\0jp2 \0\0\0-jp2h\0\0\0\x16ihdr" + b"\xff" * 8 + bytes(20),
)
case("cut.png", "image-broken", "half a PNG", lambda: image("PNG")[:900])
case("cut.jpg", "image-broken", "half a JPEG", lambda: image("JPEG")[:900])
case("cut.gif", "image-broken", "half a GIF", lambda: image("GIF")[:900])
case(
    "bit.png", "image-broken", "one bit of a PNG is wrong", lambda: image("PNG")[:500] + bytes([image("PNG")[500] ^ 1]) + image("PNG")[501:]
)
case("cover.epub", "image-too-large", "an e-book with a huge cover", lambda: epub({"OEBPS/cover.png": png(60_000, 60_000)}))

# --- PDF


def empty_book(book: pikepdf.Pdf) -> None:
    del book.pages[:]


def looping(book: pikepdf.Pdf) -> None:
    book.Root.Pages.Kids = pikepdf.Array([book.Root.Pages])


def objects_bomb(size: int = 2_000_000_000) -> bytes:
    """A compressed object that unpacks, twice, to `size` bytes."""
    one = zlib.compressobj(9)
    inner = one.compress(b"1 0 ")
    block = bytes(1 << 20)
    inner += b"".join(one.compress(block) for _ in range(size >> 20)) + one.flush() if size < 1 << 26 else _repeat(size)
    packed = zlib.compress(inner, 9)
    out = b"%PDF-1.5\n"
    places = []
    for number, content in enumerate((b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[6 0 R]/Count 1>>"), 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    places.append(len(out))
    out += (
        b"3 0 obj\n<</Type/ObjStm/N 1/First 4/Length %d/Filter[/FlateDecode/FlateDecode]>>\nstream\n" % len(packed)
        + packed
        + b"\nendstream\nendobj\n"
    )
    places.append(len(out))
    rows = [(0, 0), *((1, place) for place in places), (2, 3), (2, 3)]
    table = b"".join(bytes([kind]) + place.to_bytes(3, "big") + b"\0" for kind, place in rows)
    return (
        out
        + b"4 0 obj\n<</Type/XRef/Size 7/W[1 3 1]/Root 1 0 R/Length %d>>\nstream\n%s\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n"
        % (len(table), table, places[-1])
    )


def _repeat(size: int, wrap: int = 15) -> bytes:
    """A zlib (15), raw (-15) or gzip (31) stream of `size` zeros, made quickly: one megabyte, packed on its own, repeated."""
    one = zlib.compressobj(9, wbits=-15)
    part = one.compress(bytes(1 << 20)) + one.flush(zlib.Z_FULL_FLUSH)
    last = zlib.compressobj(9, wbits=-15).flush()
    head, tail = {15: (b"\x78\xda", bytes(4)), -15: (b"", b""), 31: (b"\x1f\x8b\x08\0\0\0\0\0\x02\xff", bytes(8))}[wrap]
    return head + part * (size >> 20) + last + tail


case("cut.pdf", "pdf-broken", "half a PDF", lambda: pdf()[:400])
case("locked.pdf", "pdf-encrypted", "opens with a password only", lambda: pdf(encryption=pikepdf.Encryption(owner="o", user="u")))
case("noise.pdf", "pdf-broken", "a PDF's first line, then noise", b"%PDF-1.7\n" + bytes((x * 197) % 256 for x in range(3000)) + b"%%EOF")
case("blank.pdf", "pdf-broken", "no page", lambda: pdf(empty_book))
case("loop.pdf", "pdf-broken", "pages that hold themselves", lambda: pdf(looping))
case("bomb.pdf", "pdf-broken", "a kilobyte that unpacks to two gigabytes of objects", objects_bomb)
case("mended.pdf", ".pdf", "its index is wrong, all else is there: readers mend it", lambda: pdf().replace(b"startxref\n", b"startxref\n9"))

# --- office documents


def template(target: bytes) -> bytes:
    kind = b"http://schemas.openxmlformats.org/officeDocument/2006/relationships/attachedTemplate"
    return b'<Relationships><Relationship Id="a" Type="%s" Target="%s" TargetMode="External"/></Relationships>' % (kind, target)


case("letter.docm", "macro", "macros by its name", docx)
case("macro.docx", "macro", "macros inside", lambda: docx({"word/vbaProject.bin": b"x"}))
case(
    "says.docx",
    "macro",
    "says that it carries macros",
    lambda: docx({"[Content_Types].xml": b"<Types><D ContentType='application/vnd.ms-word.document.macroEnabled.main+xml'/></Types>"}),
)
case("inner.docx", "macro", "a workbook with macros inside", lambda: docx({"word/embeddings/table.xlsm": b"x"}))
case(
    "remote.docx",
    "macro",
    "loads a template from a server",
    lambda: docx({"word/_rels/settings.xml.rels": template(b"http://192.0.2.1/t.dotm")}),
)
case(
    "normal.docx",
    ".docx",
    "names the sender's own template, as Word always does",
    lambda: docx({"word/_rels/settings.xml.rels": template(b"file:///C:/Users/a/Normal.dotm")}),
)
case("basic.odt", "macro", "macros in an ODT", lambda: odt({"Basic/Standard/Module1.xml": b"<a/>"}))
case("program.docx", "executable", "a program inside", lambda: docx({"word/embeddings/oleObject1.bin": PROGRAM}))
case("macro.doc", "macro", "macros in an old DOC", lambda: compound("WordDocument", "Macros", "_VBA_PROJECT"))
case("locked.docx", "document-encrypted", "a DOCX behind a password", lambda: compound("EncryptedPackage", "EncryptionInfo"))
case("cut.doc", "content-mismatch", "the beginning of an old DOC", lambda: compound("WordDocument")[:700])
case(
    "auto.rtf",
    "macro",
    "an object that updates itself when opened",
    rb"{\rtf1{\object\objautlink\objupdate{\*\objclass Word.Document.8}{\*\objdata 01050000}}}",
)
case("evil.docx", "path-traversal", "a part that leads out", lambda: docx({"../../evil.txt": b"x"}))
case(
    "twice.docx",
    "duplicate-member",
    "two parts of one name",
    lambda: zipped([("[Content_Types].xml", good.TYPES), ("word/document.xml", b"<a/>"), ("word/Document.xml", b"<b/>")]),
)
case(
    "bomb.docx",
    "archive-bomb",
    "a part that unpacks to 10 GB",
    lambda: bomb_zip("word/document.xml", 10 << 30, {"[Content_Types].xml": good.TYPES}),
)
case(
    "bomb.epub",
    "archive-bomb",
    "an e-book that unpacks to 10 GB",
    lambda: bomb_zip("OEBPS/x.bin", 10 << 30, {"mimetype": b"application/epub+zip"}),
)
case("damaged.epub", "archive-broken", "a part with a wrong checksum", lambda: flip(epub(), b"OEBPS/cover.jpg", 40))
case("cut.epub", "archive-broken", "half an e-book", lambda: epub()[:900])
case("locked.epub", "archive-encrypted", "encrypted parts", lambda: encrypted(epub()))

case(
    "prefix.docx",
    "macro",
    "a template from a server, in another spelling",
    lambda: docx({
        "word/_rels/settings.xml.rels": template(b"&#104;ttp://192.0.2.1/t.dotm")
        .replace(b"<Relationship ", b"<r:Relationship ")
        .replace(b"<Relationships>", b'<Relationships xmlns:r="x">')
    }),
)
case(
    "share.docx",
    "macro",
    "loads a template from a Windows share",
    lambda: docx({"word/_rels/settings.xml.rels": template(b"file:///\\\\192.0.2.1\\t.dotm")}),
)

# --- recordings

case("cut.mp4", "media-broken", "half a film", lambda: good.boxes(b"isom")[:1500])
case("cut.wav", "media-broken", "half a recording", lambda: good.wav()[:4000])
case(
    "loose.m4b",
    "media-broken",
    "an audiobook without its table (an upload that broke off)",
    b"\0\0\0\x10ftypM4B \0\0\0\0" + struct.pack(">I4s", 100, b"mdat") + bytes(92),
)

# --- ZIP


def flip(content: bytes, at: bytes, offset: int = 0) -> bytes:
    """One bit wrong, at the first place where `at` stands in stored data, or else in the first member's packed data."""
    place = content.find(at) + offset
    place = place if place > offset else 60
    return content[:place] + bytes([content[place] ^ 0x10]) + content[place + 1 :]


def headers(content: bytes, edit: Callable[[bytearray, int, bool], None], only: str | None = None) -> bytes:
    """Calls `edit(archive, at, central)` for the central and local header of every member (or of `only`)."""
    out = bytearray(content)
    at = struct.unpack_from("<I", out, len(out) - 6)[0]
    for _ in range(struct.unpack_from("<H", out, len(out) - 12)[0]):
        names, extras, comments = struct.unpack_from("<HHH", out, at + 28)
        if only is None or bytes(out[at + 46 : at + 46 + names]).decode() == only:
            edit(out, at, True)
            edit(out, struct.unpack_from("<I", out, at + 42)[0], False)
        at += 46 + names + extras + comments
    return bytes(out)


def put(form: str, central: int, local: int, value: int) -> Callable[[bytearray, int, bool], None]:
    return lambda out, at, is_central: struct.pack_into(form, out, at + (central if is_central else local), value)


def encrypted(content: bytes, only: str | None = None) -> bytes:
    return headers(content, put("<H", 8, 6, 1), only)


def bomb_zip(name: str, size: int, members: dict[str, bytes] | None = None, told: int | None = None) -> bytes:
    packed = _repeat(size, -15)
    content = zipped({**(members or {}), name: packed}, zipfile.ZIP_STORED)
    wide = headers(content, put("<H", 10, 8, 8), name)
    return headers(wide, put("<I", 24, 22, min(told or size, 0xFFFFFFF0)), name)


def member(name: str, content: bytes = TEXT, mode: int = 0) -> Callable[[], bytes]:
    """A ZIP of one good member and this one."""

    def make() -> bytes:
        made = zipped([("good.txt", TEXT), (name, content)])
        return headers(made, put("<I", 38, 4, mode << 16) if mode else lambda *_: None, name) if mode else made

    return make


def linked(name: str, mode: int) -> Callable[[], bytes]:
    def edit(out: bytearray, at: int, central: bool) -> None:
        if central:
            struct.pack_into("<I", out, at + 38, mode << 16)

    return lambda: headers(zipped([("good.txt", TEXT), (name, b"/etc/passwd")]), edit, name)


def nested(depth: int) -> bytes:
    content = zipped({"deep.txt": TEXT})
    for level in range(depth, 0, -1):
        content = zipped({f"{level}.zip": content})
    return content


def overlapping(*, quoted: bool) -> bytes:
    """Members that share bytes (David Fifield, "A better zip bomb", 2019): the first's data holds the second member, header and all."""
    made = zipped([("a", TEXT), ("b", TEXT)], zipfile.ZIP_STORED)
    second = made.find(b"PK\x03\x04", 4)
    if not quoted:
        return headers(made, lambda out, at, central: struct.pack_into("<I", out, at + 42, 0) if central else None, "b").replace(
            b"b" + b"PK\x05", b"aPK\x05"
        )
    end = made.find(b"PK\x01\x02")
    inside = made[31:end]
    wide = headers(made, put("<I", 20, 18, len(inside)), "a")
    wide = headers(wide, put("<I", 24, 22, len(inside)), "a")
    return headers(wide, put("<I", 16, 14, zlib.crc32(inside)), "a") if second > 0 else b""


GOOD = {"good.txt": ""}
for path, code, how in (
    ("../../evil.txt", "path-traversal", "leads out of the folder"),
    ("a/../../evil.txt", "path-traversal", "leads out of the folder, later"),
    ("..\\..\\evil.txt", "path-traversal", "leads out of the folder on Windows"),
    ("/etc/evil.txt", "path-traversal", "an absolute path"),
    ("C:/evil.txt", "path-traversal", "a drive"),
    ("c:evil.txt", "path-traversal", "a drive, relative"),
    ("\\\\server\\share\\evil.txt", "path-traversal", "a server"),
    ("．．／．．／evil.txt", "path-traversal", "full-width dots and slashes"),
    ("‥/evil.txt", "path-traversal", "two dots in one character"),
    ("..∕evil.txt", "path-traversal", "a slash that is a fraction's"),
    ("%2e%2e%2fevil.txt", "path-traversal", "escaped dots"),
    ("a/.. /evil.txt", "path-traversal", "dots with a space, which Windows drops"),
    ("evil\0.txt", "name-illegal", "a NUL in the name"),
    ("aux.txt", "name-illegal", "a device's name"),
    ("x\u202etxt.exe", "name-illegal", "turned around"),
    ("evil.txt.", "name-illegal", "a dot at the end"),
    ("n" * 260, "name-illegal", "a very long name"),
):  # fmt: skip
    shown = "".join(char if char.isprintable() and char != "\u202e" else f"\\u{ord(char):04x}" for char in path)[:300]
    case(f"zip {len(CASES)}.zip", ".zip", f"a member {how}", member(path), GOOD | {shown: code})
case("link.zip", ".zip", "a member is a link to a file of ours", linked("l", 0o120777), GOOD | {"l": "link-member"})
case("device.zip", ".zip", "a member is a device", linked("d", 0o020666), GOOD | {"d": "special-member"})
case("pipe.zip", ".zip", "a member is a pipe", linked("p", 0o010666), GOOD | {"p": "special-member"})
case(
    "twice.zip",
    ".zip",
    "two members of one name",
    lambda: zipped([("a.txt", b"one"), ("a.txt", b"two")]),
    {"a.txt": "", "a.txt#2": "duplicate-member"},
)
case(
    "case.zip",
    ".zip",
    "names that differ by case",
    lambda: zipped([("Straße.txt", b"one"), ("STRASSE.TXT", b"two")]),
    {"Straße.txt": "", "STRASSE.TXT": "duplicate-member"},
)
case(
    "form.zip",
    ".zip",
    "names that differ by composed letters",
    lambda: zipped([("é.txt", b"1"), (unicodedata.normalize("NFD", "é.txt"), b"2")]),
    {"é.txt": "", unicodedata.normalize("NFD", "é.txt"): "duplicate-member"},
)
case(
    "mixed.zip",
    ".zip",
    "one member is encrypted",
    lambda: encrypted(zipped([("good.txt", TEXT), ("secret.txt", TEXT)]), "secret.txt"),
    GOOD | {"secret.txt": "archive-encrypted"},
)
case("locked.zip", "archive-encrypted", "all members are encrypted", lambda: encrypted(zipped(good.MEMBERS)))
case("aes.zip", "archive-encrypted", "encrypted with AES", lambda: headers(zipped(good.MEMBERS), put("<H", 10, 8, 99)))
case(
    "method.zip",
    ".zip",
    "packed by a method from elsewhere",
    lambda: headers(zipped([("good.txt", TEXT), ("odd.txt", TEXT)]), put("<H", 10, 8, 98), "odd.txt"),
    GOOD | {"odd.txt": "archive-broken"},
)
case("bomb.zip", "archive-bomb", "10 GB in 10 MB", lambda: bomb_zip("zeros.bin", 10 << 30))
case(
    "total.zip",
    "archive-bomb",
    "tells of more than is allowed in all",
    lambda: zipped({"a.txt": b"a" * 6000, "b.txt": b"b" * 6000}),
    unpacked_bytes=10_000,
)
case(
    "lying.zip",
    ".zip",
    "a bomb that says it is small",
    lambda: bomb_zip("zeros.bin", 200 << 20, {"good.txt": TEXT}, told=1000),
    GOOD | {"zeros.bin": "archive-broken"},
)
case(
    "more.zip",
    ".zip",
    "a member that holds less than it says",
    lambda: headers(zipped([("good.txt", TEXT), ("s.txt", TEXT)]), put("<I", 24, 22, 9999), "s.txt"),
    GOOD | {"s.txt": "archive-broken"},
)
case(
    "crc.zip",
    ".zip",
    "a wrong checksum",
    lambda: headers(zipped([("good.txt", TEXT), ("s.txt", TEXT)]), put("<I", 16, 14, 1), "s.txt"),
    GOOD | {"s.txt": "archive-broken"},
)
case(
    "bits.zip",
    ".zip",
    "damaged data",
    lambda: flip(zipped([("s.txt", TEXT), ("good.txt", TEXT)]), b"nowhere"),
    GOOD | {"s.txt": "archive-broken"},
)
case("cut.zip", "archive-broken", "half an archive", lambda: zipped(good.MEMBERS)[:300])
case("overlap.zip", "archive-bomb", "members share their bytes", lambda: overlapping(quoted=False))
case("quoted.zip", "archive-bomb", "a member holds the next one", lambda: overlapping(quoted=True))
case("deep.zip", ".zip", "archives in archives in archives", lambda: nested(3), {"1.zip/2.zip/3.zip": "archive-depth"})
case("allowed.zip", ".zip", "archives in archives, as deep as is allowed", lambda: nested(2), {"1.zip/2.zip/deep.txt": ""})
case("42.zip", "archive-bomb", "bombs in archives", lambda: zipped({f"{n}.zip": bomb_zip("zeros.bin", 1 << 30) for n in range(3)}))
case("many.zip", "archive-members", "more members than allowed", lambda: zipped({f"{n}.txt": b"x" for n in range(60)}), members=50)
case(
    "many in many.zip",
    "archive-members",
    "together more members than allowed",
    lambda: zipped({f"{n}.zip": zipped({f"{m}.txt": b"x" for m in range(20)}) for n in range(5)}),
    members=50,
)
case(
    "count.zip",
    "archive-broken",
    "tells of another number of members",
    lambda: zipped(good.MEMBERS)[:-14] + struct.pack("<HH", 2, 2) + zipped(good.MEMBERS)[-10:],
)
case(
    "before.zip",
    "archive-broken",
    "other data between its parts: two programs see two archives",
    lambda: zipped({"a.txt": TEXT}) + zipped({"b.txt": TEXT}),
)
case("after.zip", "archive-broken", "bytes after its end", lambda: zipped(good.MEMBERS) + b"trailing")
case("names.zip", "archive-broken", "a member with two names", lambda: zipped({"a.txt": TEXT}).replace(b"a.txt", b"b.txt", 1))
case(
    "utf8.zip",
    ".zip",
    "a name that is not the UTF-8 it says",
    lambda: headers(zipped([("good.txt", TEXT), ("é.txt", TEXT)]), put("<H", 8, 6, 0x800)).replace("é".encode(), b"\xe9\xe9"),
    GOOD | {"ΘΘ.txt": "name-illegal"},
)
case(
    "437.zip",
    ".zip",
    "a name in a code page of old",
    lambda: zipped([("good.txt", TEXT), ("££.txt", TEXT)]).replace("££".encode(), b"\x82a\x82b"),
    None,
)
case(
    "parts.zip",
    "archive-broken",
    "one part of several",
    lambda: zipped(good.MEMBERS)[:-18] + struct.pack("<HH", 1, 1) + zipped(good.MEMBERS)[-14:],
)
case(
    "noise.zip",
    ".zip",
    "what macOS and Windows leave behind",
    lambda: zipped({"good.txt": TEXT, "__MACOSX/._good.txt": b"x", ".DS_Store": b"x", "a/Thumbs.db": b"x", "._b": b"x"}),
    GOOD,
)
case("nothing.zip", ".zip", "no members", b"PK\x05\x06" + bytes(18), {})
case(
    "inner.zip",
    ".zip",
    "a broken archive inside",
    lambda: zipped({"good.txt": TEXT, "in.zip": zipped(good.MEMBERS)[:300]}),
    GOOD | {"in.zip": "archive-broken"},
)

# --- TAR


def tar_member(name: str, content: bytes = b"", **fields: Any) -> Callable[[], bytes]:
    def make() -> bytes:
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT if "\udce9" in name else tarfile.PAX_FORMAT) as archive:
            for title, body, more in (("good.txt", TEXT, {}), (name, content, fields)):
                info = tarfile.TarInfo(title)
                info.size = len(body)
                for key, value in more.items():
                    setattr(info, key, value)
                archive.addfile(info, io.BytesIO(body))
        return out.getvalue()

    return make


def raw_header(kind: bytes, size: int, name: bytes = b"x") -> bytes:
    info = tarfile.TarInfo(name.decode())
    info.type, info.size = kind, size
    return info.tobuf(tarfile.GNU_FORMAT)


def pax_bomb() -> bytes:
    return gzip.compress(raw_header(b"x", 1 << 30) + bytes(1 << 16), mtime=0)


case("up.tar", ".tar", "leads out of the folder", tar_member("../../evil.txt", TEXT), GOOD | {"../../evil.txt": "path-traversal"})
case("root.tar", ".tar", "an absolute path", tar_member("/etc/evil.txt", TEXT), GOOD | {"/etc/evil.txt": "path-traversal"})
case(
    "pax.tar",
    ".tar",
    "leads out of the folder, by an extended header",
    tar_member("a.txt", TEXT, pax_headers={"path": "../evil.txt"}),
    GOOD | {"../evil.txt": "path-traversal"},
)
case("symlink.tar", ".tar", "a symbolic link", tar_member("l", type=b"2", linkname="/etc/passwd"), GOOD | {"l": "link-member"})
case("hardlink.tar", ".tar", "a hard link", tar_member("l", type=b"1", linkname="/etc/passwd"), GOOD | {"l": "link-member"})
case("pipe.tar", ".tar", "a pipe", tar_member("p", type=b"6"), GOOD | {"p": "special-member"})
case("device.tar", ".tar", "a device", tar_member("d", type=b"3", devmajor=1, devminor=8), GOOD | {"d": "special-member"})
case("sparse.tar", ".tar", "a sparse file", tar_member("s", b"x" * 10, type=b"S"), GOOD | {"s": "special-member"})
case("twice.tar", ".tar", "two members of one name", tar_member("GOOD.TXT", TEXT), GOOD | {"GOOD.TXT": "duplicate-member"})
case("cut.tar", "archive-broken", "half an archive", lambda: tarred(good.MEMBERS)[:3000])
case(
    "header.tar",
    "archive-broken",
    "a damaged header",
    lambda: tar_member("b.txt", TEXT)()[:1536] + b"\xff" * 20 + tar_member("b.txt", TEXT)()[1556:],
)
case(
    "negative.tar",
    "archive-broken",
    "a negative size",
    lambda: raw_header(b"0", 0).replace(b"00000000000\x00", b"\xff" * 12, 1) + bytes(1024),
)
case("pax.tgz", "archive-broken", "a header of a gigabyte", pax_bomb)
case("longname.tar", "archive-broken", "a name of a megabyte", lambda: raw_header(b"L", 1 << 20) + bytes(1 << 20) + bytes(1024))
case("cut.tgz", "archive-broken", "half a packed archive", lambda: tarred(good.MEMBERS, "w:gz")[:150])
case("bits.tgz", "archive-broken", "a damaged packed archive", lambda: flip(tarred(good.MEMBERS, "w:gz"), b"nowhere", 0))
case(
    "bomb.tgz",
    "archive-bomb",
    "10 GB of zeros in a TAR in gzip",
    lambda: gzip.compress(raw_header(b"0", (7 << 30)), mtime=0) + _repeat(10 << 30, 31),
)
case("bomb.csv.gz", "archive-bomb", "10 GB of zeros in gzip", lambda: _repeat(10 << 30, 31))
case("bomb.csv.xz", "archive-bomb", "zeros in xz", lambda: lzma.compress(bytes(50 << 20), preset=0))
case("latin.tar", ".tar", "a name in Latin-1", tar_member("caf\udce9.txt", TEXT), GOOD | {"café.txt": ""})
case("tail.csv.gz", "archive-broken", "other bytes after the packed data", lambda: gzip.compress(TEXT, mtime=0) + b"trailing")

# --- 7z


def renamed(content: bytes, old: str, new: str) -> bytes:
    """Another name of the same length in a 7z whose header is not packed, checksums mended."""
    return _resealed(content.replace(old.encode("utf-16-le"), new.encode("utf-16-le")))


def _resealed(content: bytes) -> bytes:
    offset, size = struct.unpack_from("<QQ", content, 12)
    seal = struct.pack("<QQI", offset, size, zlib.crc32(content[32 + offset : 32 + offset + size]))
    return content[:8] + struct.pack("<I", zlib.crc32(seal)) + seal + content[32:]


def linked_7z() -> bytes:
    content = sevenzip({"l": b"/etc/passwd"}, encoded=False)
    offset = struct.unpack_from("<Q", content, 12)[0] + 32
    head = bytearray(content)
    place = head.rfind(b"\x15", offset) + 4  # attributes: id, size, all defined, external
    struct.pack_into("<I", head, place, 0x8000 | 0o120777 << 16)
    return _resealed(bytes(head))


def greedy_7z() -> bytes:
    """Asks for a dictionary of 4 GB."""
    content = bytearray(sevenzip({"a.txt": TEXT}, encoded=False, filters=[{"id": py7zr.FILTER_LZMA2, "preset": 1}]))
    place = content.rfind(b"\x21\x21\x01")
    content[place + 3] = 40
    return _resealed(bytes(content))


case(
    "up.7z",
    ".7z",
    "leads out of the folder",
    lambda: renamed(
        sevenzip({"good.txt": TEXT, "xxx/evil.txt": TEXT}, encoded=False), "xxx/evil.txt", "../.evil.txt".replace(".evil", "evil") + "x"
    ),
    GOOD | {"../evil.txtx": "path-traversal"},
)
case(
    "drive.7z",
    ".7z",
    "a drive",
    lambda: renamed(sevenzip({"good.txt": TEXT, "xx/evil.txt": TEXT}, encoded=False), "xx/evil.txt", "C:/evil.txt"),
    GOOD | {"C:/evil.txt": "path-traversal"},
)
case(
    "case.7z",
    ".7z",
    "names that differ by case",
    lambda: sevenzip({"good.txt": TEXT, "Good.txt": TEXT}),
    GOOD | {"Good.txt": "duplicate-member"},
)
case("link.7z", ".7z", "a symbolic link", linked_7z, {"l": "link-member"})
case("locked.7z", "archive-encrypted", "encrypted", lambda: sevenzip({"a.txt": TEXT}, password="p"))
case(
    "sealed.7z",
    "archive-encrypted",
    "its names are encrypted, too",
    lambda: sevenzip({"a.txt": TEXT}, password="p", header_encryption=True),
)
case("cut.7z", "archive-broken", "half an archive", lambda: sevenzip(good.MEMBERS)[:120])
case("bits.7z", "archive-broken", "damaged data", lambda: flip(sevenzip(good.MEMBERS), b"nowhere"))
case(
    "bomb.7z",
    "archive-bomb",
    "zeros in 7z",
    lambda: sevenzip({"zeros.bin": bytes(48 << 20)}, filters=[{"id": py7zr.FILTER_LZMA2, "preset": 0}]),
)
case(
    "deflate.7z",
    "archive-bomb",
    "zeros in 7z, by Deflate",
    lambda: sevenzip({"zeros.bin": bytes(48 << 20)}, filters=[{"id": py7zr.FILTER_DEFLATE}]),
)
case("greedy.7z", "archive-bomb", "asks for 4 GB of memory", greedy_7z)
case("many.7z", "archive-members", "more members than allowed", lambda: sevenzip({f"{n}.txt": b"x" for n in range(60)}), members=50)
case(
    "crc.7z",
    ".7z",
    "a wrong checksum",
    lambda: _resealed(flip(sevenzip({"good.txt": TEXT}, encoded=False, filters=[{"id": py7zr.FILTER_COPY}]), b"Nothing")),
    {"good.txt": "archive-broken"},
)
case("zip.7z", ".zip", "a ZIP called 7z: another archive, which is no harm", lambda: zipped({"good.txt": TEXT}), GOOD)


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for number, one in enumerate(CASES):
        safe = "".join(char if char.isalnum() or char in " ._-" else "_" for char in one.name)[-60:]
        (folder / f"{number:03} {safe}").write_bytes(one.make())
        print(f"{number:03} {one.want:20} {one.name!r}: {one.how}")
