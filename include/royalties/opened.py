"""Everything that a file says, seen or not: for the check of what is about to leave. Shares nothing with what cuts statements out.

A file is walked as somebody would who wants to find what should not be there: text of every page wherever it stands, every string and
every stream of a PDF, its metadata, attachments and bytes behind its end; every cell; every member of a zip with its name and comments.
What can't be walked to its end is said to be so, and does not leave.
"""

from __future__ import annotations

import csv
import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from include.royalties import unread

LARGEST_PICTURE = 0.25  # of a page: a larger one may show anything, and nobody has read it
MOST_PIXELS = 250_000  # of a picture whose size on the page is not told
LONGEST = 200_000_000  # bytes of one stream or member
DEPTH = 3  # zips within zips


@dataclass(frozen=True, slots=True)
class Seen:
    """A piece of text and where it stands; or `wrong`: something that no statement of ours has, whatever it says. `raw`: bytes that may
    be no text at all, in which short words stand by chance."""

    where: str
    text: str = ""
    wrong: str = ""
    raw: bool = False


def walk(local: Path, name: str, depth: int = 0) -> Iterator[Seen]:
    """All that a file says, its name first. Never raises for what is in it: what can't be opened is `wrong`."""
    yield Seen("name", name)
    head = local.open("rb").read(1024) if local.stat().st_size else b""
    if b"%PDF-" in head:
        yield from _pdf(local)
    elif head.startswith(b"PK"):
        yield from _zip(local, depth)
    elif name.lower().endswith(".json"):
        yield from _json(local)
    else:
        yield from _text(local)


# --- text, tables, manifests


def _text(local: Path) -> Iterator[Seen]:
    """CSV, sums and other text: line by line as written, and cell by cell."""
    try:
        with local.open(encoding="utf-8-sig", newline="") as file:
            for number, line in enumerate(file, start=1):
                if "\0" in line:
                    yield Seen(f"line {number}", wrong="bytes that are no text")
                    return
                yield Seen(f"line {number}", line)
        with local.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            for row in reader:
                yield Seen(f"row {reader.line_num}", "\n".join(row))
    except (UnicodeDecodeError, csv.Error) as bad:
        yield Seen("", wrong=f"it can't be read as text ({type(bad).__name__})")


def _json(local: Path) -> Iterator[Seen]:
    try:
        content = json.loads(local.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        yield Seen("", wrong="it can't be read as JSON")
        return
    yield from _members(content, "")


def _members(value: Any, where: str) -> Iterator[Seen]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield Seen(where, str(key))
            yield from _members(inner, f"{where}.{key}".lstrip("."))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _members(inner, f"{where}[{number}]")
    else:
        yield Seen(where, str(value))


# --- zips


def _zip(local: Path, depth: int) -> Iterator[Seen]:
    from tempfile import NamedTemporaryFile

    if depth >= DEPTH:
        yield Seen("", wrong="zips within zips within zips")
        return
    try:
        with zipfile.ZipFile(local) as archive:
            yield Seen("comment", archive.comment.decode("utf-8", "replace"))
            if _beyond(local, archive):
                yield Seen("", wrong="bytes outside the members of the zip")
            for info in archive.infolist():
                yield Seen(f"comment of {info.filename}", (info.comment + b" " + info.extra).decode("utf-8", "replace"))
                if info.file_size > LONGEST or info.flag_bits & 1:
                    yield Seen(info.filename, wrong="a member that is encrypted or too large")
                    continue
                with NamedTemporaryFile() as member:
                    member.write(archive.read(info))
                    member.flush()
                    for seen in walk(Path(member.name), info.filename, depth + 1):
                        yield Seen(f"{info.filename}, {seen.where}", seen.text, seen.wrong, seen.raw)
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError, ValueError):
        yield Seen("", wrong="the zip can't be read to its end")


def _beyond(local: Path, archive: zipfile.ZipFile) -> bool:
    """Whether bytes lie between, before or behind the members."""
    with local.open("rb") as file:
        at = 0
        for info in sorted(archive.infolist(), key=lambda one: one.header_offset):
            file.seek(info.header_offset + 26)
            lengths = file.read(4)
            if info.header_offset != at or info.flag_bits & 8:  # bit 8: sizes behind the data, which leave room
                return True
            at += 30 + int.from_bytes(lengths[:2], "little") + int.from_bytes(lengths[2:], "little") + info.compress_size
        return at != archive.start_dir


# --- PDF

_ROOT = frozenset({"/Type", "/Pages", "/Version"})
_NODE = frozenset({"/Type", "/Kids", "/Count", "/Parent"})
_PAGE = frozenset({
    "/Type",
    "/Parent",
    "/Resources",
    "/Contents",
    "/MediaBox",
    "/CropBox",
    "/Rotate",
    "/UserUnit",
    "/BleedBox",
    "/TrimBox",
    "/ArtBox",
})
_TRAILER = frozenset({"/Size", "/Root", "/ID", "/Prev", "/Type", "/W", "/Index", "/Length", "/Filter", "/DecodeParms"})
_WRONG = frozenset({
    "/Metadata", "/PieceInfo", "/AF", "/EF", "/EmbeddedFiles", "/EmbeddedFile", "/Annots", "/JavaScript", "/JS", "/OpenAction", "/Outlines",
    "/AcroForm", "/StructTreeRoot", "/StructParents", "/OCProperties", "/OC", "/Properties", "/Thumb", "/Threads", "/Dests", "/Collection",
    "/ActualText", "/Alt", "/Alternates", "/OPI", "/Ref", "/Measure", "/XFA", "/Perms",
})  # fmt: skip
_MAPS = frozenset({"/Font", "/XObject", "/ExtGState", "/ColorSpace", "/Pattern", "/Shading", "/CharProcs"})
_PICTURED = frozenset({"/DCTDecode", "/JPXDecode", "/CCITTFaxDecode", "/JBIG2Decode"})
_NAMED = re.compile(rb"/([^\s/<>\[\]()%{}]+)")


def _pdf(local: Path) -> Iterator[Seen]:
    import pikepdf

    yield from _ends(local)
    try:
        with pikepdf.open(local) as pdf:
            if pdf.is_encrypted:
                yield Seen("", wrong="it is encrypted")
            yield from _frame(pdf)
            reached = set(_reached(pdf))
            for one in pdf.objects:
                if isinstance(one, pikepdf.Dictionary | pikepdf.Array | pikepdf.Stream) and one.is_indirect and one.objgen not in reached:
                    yield Seen(f"object {one.objgen[0]}", wrong="an object that no page uses")
                yield from _object(one)
            for number, page in enumerate(pdf.pages, start=1):
                yield from _named_only(page, number)
            for where, wrong in unread.disguised(pdf):
                yield Seen(where, wrong=wrong)
    except (pikepdf.exceptions.PikepdfError, ValueError, TypeError, RuntimeError, KeyError, AttributeError, OverflowError):
        yield Seen("", wrong="the PDF can't be read to its end")
        return
    yield from _drawn(local)


def _ends(local: Path) -> Iterator[Seen]:
    """Earlier versions of the document, and bytes behind its end."""
    content = local.read_bytes()
    if not content.startswith(b"%PDF-") or content.count(b"%%EOF") != 1 or content.count(b"startxref") != 1:
        yield Seen("", wrong="an earlier version of the document, or bytes around it")
    elif content.rpartition(b"%%EOF")[2].strip():
        yield Seen("", wrong="bytes behind the end of the document")
    for comment in re.findall(rb"(?m)^%(?!PDF-|%EOF)([^\r\n]*)", content[:200] + content[-400:]):
        yield Seen("comment", comment.decode("latin-1"))


def _frame(pdf: Any) -> Iterator[Seen]:
    """Trailer, root and page tree have what they need and nothing else."""
    for what, one, allowed in (("trailer", pdf.trailer, _TRAILER), ("root", pdf.Root, _ROOT)):
        for key in sorted(set(one.keys()) - allowed):
            yield Seen(what, wrong=f"an entry {key}")
    for number, page in enumerate(pdf.pages, start=1):
        for key in sorted(set(page.obj.keys()) - _PAGE):
            yield Seen(f"page {number}", wrong=f"an entry {key}")
        node = page.obj.get("/Parent")
        for key in sorted(set(node.keys()) - _NODE) if node is not None else ():
            yield Seen(f"page {number}", wrong=f"an entry {key} of the page tree")


def _reached(pdf: Any) -> Iterator[tuple[int, int]]:
    """Objects that can be reached from the root."""
    import pikepdf

    waiting, seen = [pdf.trailer], set()
    while waiting:
        one = waiting.pop()
        if not isinstance(one, pikepdf.Dictionary | pikepdf.Array | pikepdf.Stream):
            continue
        if one.is_indirect:
            if one.objgen in seen:
                continue
            seen.add(one.objgen)
            yield one.objgen
        if isinstance(one, pikepdf.Array):
            waiting.extend(list(one))
        else:
            waiting.extend((one.stream_dict if isinstance(one, pikepdf.Stream) else one).values())


def _object(one: Any) -> Iterator[Seen]:
    """Every string, name and stream of one object."""
    import pikepdf

    where = f"object {one.objgen[0]}" if getattr(one, "is_indirect", False) else "object"
    if isinstance(one, pikepdf.Stream):
        raw = one.read_raw_bytes()
        try:
            data = one.read_bytes() if len(raw) < LONGEST else b""
        except pikepdf.exceptions.PikepdfError:
            data = b""
        picture = one.get("/Subtype") == pikepdf.Name.Image
        if not data and raw and not (picture and _is_picture_data(one)):
            yield Seen(where, wrong="a stream that can't be read")
        for piece in (raw, data) if picture else (data,):
            yield from _as_text(piece, where)
        one = one.stream_dict
    yield from _strings(one, where, 0)


def _is_picture_data(stream: Any) -> bool:
    """Whether it is compressed as pictures are (JPEG, fax), which the drawing shows; else its bytes can be unpacked and looked through."""
    import pikepdf

    filters = stream.get("/Filter")
    return bool({str(one) for one in (filters if isinstance(filters, pikepdf.Array) else [filters])} & _PICTURED)


def _as_text(data: bytes, where: str) -> Iterator[Seen]:
    """Bytes as the text that they may be."""
    if not data:
        return
    try:
        yield Seen(where, data.decode("utf-8"), raw=True)
    except UnicodeDecodeError:
        yield Seen(where, data.decode("latin-1"), raw=True)
    if b"\0" in data:
        for encoding in ("utf-16-be", "utf-16-le"):
            yield Seen(where, data.decode(encoding, "ignore"), raw=True)


def _strings(one: Any, where: str, depth: int) -> Iterator[Seen]:
    import pikepdf

    if depth > 60:
        yield Seen(where, wrong="objects nested too deep")
    elif isinstance(one, pikepdf.Dictionary):
        yield from _entries(one, where, depth)
    elif isinstance(one, pikepdf.Array):
        for child in list(one):
            if not getattr(child, "is_indirect", False):
                yield from _strings(child, where, depth + 1)
    elif isinstance(one, pikepdf.String):
        yield Seen(where, str(one))
        yield from _as_text(bytes(one), where)
    elif isinstance(one, pikepdf.Name):
        yield Seen(where, str(one))


def _entries(one: Any, where: str, depth: int) -> Iterator[Seen]:
    """A dictionary's keys and what stands in it. In a map the keys are names of its own: /XObject may well have one /Alt."""
    import pikepdf

    for key, child in one.items():
        yield Seen(where, key)
        if key in _WRONG:
            yield Seen(where, wrong=f"an entry {key}")
        if getattr(child, "is_indirect", False):
            continue
        if key in _MAPS and isinstance(child, pikepdf.Dictionary):
            for name, each in child.items():
                yield Seen(where, name)
                if not getattr(each, "is_indirect", False):
                    yield from _strings(each, where, depth + 2)
        else:
            yield from _strings(child, where, depth + 1)


def _named_only(page: Any, number: int) -> Iterator[Seen]:
    """Resources that the page's content does not name would be carried along unseen."""
    import pikepdf

    try:
        content = b"\n".join(bytes(stream.read_bytes()) for stream in _streams(page.obj.get("/Contents")))
    except pikepdf.exceptions.PikepdfError:
        yield Seen(f"page {number}", wrong="its content can't be read")
        return
    named = {found.decode("latin-1") for found in _NAMED.findall(content)}
    resources = page.obj.get("/Resources")
    for kind in ("/XObject", "/Pattern"):
        group = resources.get(kind) if resources is not None else None
        for name in group.keys() if group is not None else ():
            if name[1:] not in named and not _escaped(name) & named:
                yield Seen(f"page {number}", wrong=f"it carries {kind[1:]} {name}, which it does not draw")


def _escaped(name: str) -> set[str]:
    return {
        "".join(c if c.isalnum() else f"#{ord(c):02x}" for c in name[1:]),
        "".join(c if c.isalnum() else f"#{ord(c):02X}" for c in name[1:]),
    }


def _streams(contents: Any) -> list[Any]:
    import pikepdf

    if contents is None:
        return []
    return list(contents) if isinstance(contents, pikepdf.Array) else [contents]


def _drawn(local: Path) -> Iterator[Seen]:
    """What each page shows, has beside its edges, or draws unseen; and pictures that are large enough to show anything."""
    import pypdfium2
    from pypdfium2 import raw

    try:
        document = pypdfium2.PdfDocument(local)
    except pypdfium2.PdfiumError:
        yield Seen("", wrong="the PDF can't be drawn")
        return
    try:
        if document.count_attachments():
            yield Seen("", wrong="attachments")
        for key, value in document.get_metadata_dict(skip_empty=True).items():
            yield Seen(f"metadata {key}", str(value))
        for number, page in enumerate(document, start=1):
            lines = page.get_textpage()
            text = lines.get_text_range()
            lines.close()
            yield Seen(f"page {number}", text)
            if not text.strip():
                yield Seen(f"page {number}", wrong="a page without text: what it shows can't be checked")
            elif unread.is_unread(text):
                yield Seen(f"page {number}", wrong="letters that can't be read: the font does not say what they are")
            pictures = page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE], max_depth=15)
            if sum(_share(picture, page.get_width() * page.get_height()) for picture in pictures) > 1:  # also in strips
                yield Seen(f"page {number}", wrong="pictures of more than a quarter of the page: what they show can't be checked")
            page.close()
    except pypdfium2.PdfiumError:
        yield Seen("", wrong="the PDF can't be drawn to its end")
    finally:
        document.close()


def _share(picture: Any, whole: float) -> float:
    """How much of what a letterhead needs a picture takes. Within a form its place on the page is not told, so its pixels count."""
    if picture.level:
        width, height = picture.get_px_size()
        return float(width * height / MOST_PIXELS)
    left, bottom, right, top = picture.get_bounds()
    return float(abs((right - left) * (top - bottom)) / (whole * LARGEST_PICTURE))
