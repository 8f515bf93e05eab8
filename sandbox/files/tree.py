"""The old production archive: twenty years of files by imprint, year and title, as people named and copied them.

Small files with true formats. Some lie there twice or under odd names, some are broken, and some are what computers leave behind.
"""

from __future__ import annotations

import os
import tempfile
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from io import BytesIO
from pathlib import Path
from random import Random
from typing import Any

from PIL import Image

from sandbox.catalogue import Catalogue, Product, Work
from sandbox.catalogue.chance import dice
from sandbox.files import documents, epubs, sound
from sandbox.files.order import Order

_JUNK = (".DS_Store", "Thumbs.db", "desktop.ini", "~$script.docx", "._cover.tif", "Backup of text.wbk", "untitled folder.lnk")


def make_archive(root: Path, catalogue: Catalogue, files: int, seed: int = 1) -> dict[str, Any]:
    """Fills `root` with `files` files of all titles; what is there already stays. Gives {files, bytes, folders, and how many of each
    fate: plain, duplicate, odd, broken, junk}."""
    works = list(catalogue.work_ids())
    counts: Counter[str] = Counter()
    folders: set[Path] = set()
    size, number = 0, 0
    last: tuple[bytes, str] = (b"", "")
    while number < files:
        roll = dice(91, seed, number)
        work = catalogue.work(works[number // 12 % len(works)])
        number += 1
        if work is None or not work.products:
            counts["skipped"] += 1
            if counts["skipped"] > files:
                break
            continue
        folder, name, content, fate = _one(roll, number, work, last)
        path = root / folder / name
        if path.parent not in folders:
            path.parent.mkdir(parents=True, exist_ok=True)
            folders.add(path.parent)
        if path.exists():
            path = path.with_name(f"{path.stem} ({number}){path.suffix}")
        size += path.write_bytes(content)
        moment = datetime(2004, 3, 1, 9, tzinfo=UTC) + timedelta(days=roll.randrange(7500), seconds=roll.randrange(40_000))
        os.utime(path, (moment.timestamp(), moment.timestamp()))
        counts[fate] += 1
        if fate == "plain":
            last = (content, name)
    skipped = counts.pop("skipped", 0)
    return {"files": number - skipped, "bytes": size, "folders": len(folders)} | dict(sorted(counts.items()))


def fill(root: Path, catalogue: Catalogue, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """`make_archive` by the body of `POST /sandbox/archive`."""
    files, seed = wanted.get("files", 200), wanted.get("seed", 1)
    if set(wanted) - {"files", "seed"} or not isinstance(files, int) or not 1 <= files <= 200_000 or not isinstance(seed, int):
        raise ValueError("`files` is a number up to 200,000, `seed` a number")
    return make_archive(root, catalogue, files, seed)


def _one(roll: Random, number: int, work: Work, last: tuple[bytes, str]) -> tuple[str, str, bytes, str]:
    """(folder, name, content, fate) of the `number`-th file."""
    product = roll.choice(work.products)
    title = _plain(Order(work, product, "manuscript", "docx").title)
    year = product.publication_date.year if product.publication_date else 2009
    home = f"{work.imprint}/{year}/{title}"
    chance = roll.random()
    if chance < 0.03:
        return home, roll.choice(_JUNK), f"left behind {number}".encode(), "junk"
    if chance < 0.09 and last[0]:
        return f"{work.imprint}/{year}/_old/copies {number % 7}", f"Copy of {last[1]}", last[0], "duplicate"
    folder, extension, what, content = _content(roll, number, work, product)
    if chance < 0.13:
        return f"{home}/{folder}", _odd(roll, number, title, extension), content, "odd"
    name = _named(roll, what, extension, title, product)
    if chance < 0.15:
        return f"{home}/{folder}", name, content[: len(content) // 3], "broken"
    return f"{home}/{folder}", name, content, "plain"


def _named(roll: Random, what: str, extension: str, title: str, product: Product) -> str:
    isbn = product.isbn or ""
    old = f"{isbn[:3]}-{isbn[3]}-{isbn[4:10]}-{isbn[10:12]}-{isbn[12:]}" if len(isbn) == 13 else ""
    day = f"_{roll.randint(2005, 2023)}{roll.randint(10, 12)}{roll.randint(10, 28)}"
    revision = roll.choice(("", "", f"_r{roll.randint(1, 5)}", f" v{roll.randint(1, 6)}", day, " FINAL", " final final"))
    lead = roll.choice((isbn, isbn, isbn, old, title, title, title[:12].rstrip())) or title
    return f"{lead}{roll.choice(('_', ' ', ' - '))}{what}{revision}.{extension}"


def _odd(roll: Random, number: int, title: str, extension: str) -> str:
    """Names that people and old machines give."""
    return roll.choice((
        f"scan{number:04d}.{extension}",
        f"NEU {title} überarbeitet – «letzte» Fassung.{extension}",
        unicodedata.normalize("NFD", f"Épreuves {title}.{extension}"),
        os.fsdecode(f"couverture détourée {number}.{extension}".encode("latin-1")),
        f"  {title}  .{extension}",
        f"{title}.{extension}.{extension}",
        f"{title.upper()[:8]}~1.{extension.upper()}",
        f"#{number} {title}; take 'two' & rest.{extension}",
        _cut((title + " ") * 12, 200) + f".{extension}",
        title,
    ))  # fmt: skip


def _content(roll: Random, number: int, work: Work, product: Product) -> tuple[str, str, str, bytes]:
    """(folder, extension, what the name says, bytes)."""
    order = Order(work, product, "manuscript", "rtf", seed=number, pages=8)
    sorts: list[tuple[str, str, str, Callable[[], bytes]]] = [
        ("Manuscripts", "rtf", roll.choice(("manuscript", "MS", "typescript")), lambda: _by(documents.rtf, order)),
        ("Manuscripts", "docx", roll.choice(("manuscript", "MS", "copyedit")), lambda: _by(documents.docx, order)),
        ("Contracts", "pdf", "contract", lambda: _pdf(f"Agreement {work.contract.id} of {order.title}, copy {number}")),
        ("Artwork", "tif", roll.choice(("artwork", "map", "fig 1")), lambda: _picture(roll, "TIFF")),
        ("Artwork", "jpg", roll.choice(("photo", "author photo")), lambda: _picture(roll, "JPEG")),
        ("Covers", "pdf", roll.choice(("cover", "jacket", "cov")), lambda: _pdf(f"Cover of {order.title}, {number}")),
        ("Covers", "jpg", "front cover", lambda: _picture(roll, "JPEG")),
        (
            "Interiors",
            "pdf",
            roll.choice(("text", "interior", "proofs")),
            lambda: _pdf(f"{order.title}, pages, {number}", product.isbn or ""),
        ),
    ]
    if "Audio" in product.kind:
        chapter = f"{roll.randint(1, 24):02d}"
        return "Audio", "mp3", chapter, _mp3() + _id3v1(f"{order.title} {number}")
    if product.kind == "ElectronicBookProduct" and roll.random() < 0.2:
        return "Ebooks", "epub", "ebook", _by(epubs.epub, Order(work, product, "ebook", "epub", seed=number, defect="no-cover"))
    folder, extension, what, make = roll.choice(sorts)
    return folder, extension, what, make()


def _by(maker: Callable[[Order, Path], None], order: Order) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        maker(order, path)
        return path.read_bytes()


def _picture(roll: Random, format: str) -> bytes:
    image = Image.new("RGB", (40, 60), tuple(roll.randrange(256) for _ in range(3)))
    for _ in range(6):
        image.putpixel((roll.randrange(40), roll.randrange(60)), tuple(roll.randrange(256) for _ in range(3)))
    file = BytesIO()
    image.save(file, format, dpi=(300, 300))
    return file.getvalue()


def _pdf(said: str, isbn: str = "") -> bytes:
    """One page, by hand: the catalogue has no time for a layout program here."""
    text = said.encode("latin-1", "replace").translate(None, b"()\\")
    drawn = b"BT /F1 12 Tf 60 700 Td (%s) Tj 0 -20 Td (%s) Tj ET" % (text, f"ISBN {isbn}".encode() if isbn else b"")
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 420 595]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(drawn), drawn),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        b"<</Title(%s)>>" % text,
    ]
    out, offsets = b"%PDF-1.4\n", []
    for place, one in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (place, one)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    return out + b"xref\n0 7\n0000000000 65535 f \n%strailer\n<</Size 7/Root 1 0 R/Info 6 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (
        table,
        len(out),
    )


@cache
def _mp3() -> bytes:
    work = Catalogue(1, 20).work(1001)
    assert work is not None
    return _by(sound.mp3, Order(work, None, "audio", "mp3", part="01", seconds=3))


def _id3v1(title: str) -> bytes:
    return b"TAG" + title.encode("latin-1", "replace")[:30].ljust(30, b"\0") + b"\0" * 94 + b"\xff"


def _plain(title: str) -> str:
    return _cut(title, 90).strip(" .") or "Untitled"


def _cut(said: str, most: int) -> str:
    """At most so many bytes of UTF-8: file systems count those."""
    return said.encode()[:most].decode("utf-8", "ignore").rstrip()
