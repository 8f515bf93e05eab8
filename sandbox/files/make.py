"""Orders into files: which kinds there are, in which formats, and what may be wrong with them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sandbox.catalogue import Catalogue, Product, Work
from sandbox.files import documents, epubs, jackets, pages, pictures, scans, sound
from sandbox.files.order import NAMINGS, Order, called

Maker = Callable[[Order, Path], None]


@dataclass(frozen=True)
class Sort:
    """One kind: its formats, the usual one first, the defects of each maker, and the editions that it is made for (by product type)."""

    makers: Mapping[str, Maker]
    defects: frozenset[str] = frozenset()
    editions: tuple[str, ...] = ("PhysicalBook", "ElectronicBook", "")
    printed: bool = False  # needs measures and a page count


SORTS: Mapping[str, Sort] = {
    "manuscript": Sort({"docx": documents.docx, "rtf": documents.rtf, "pdf": documents.pdf}),
    "questionnaire": Sort({"docx": documents.docx, "rtf": documents.rtf, "pdf": documents.pdf}),
    "permission": Sort({"pdf": documents.pdf, "docx": documents.docx}),
    "letter": Sort({"pdf": documents.pdf, "docx": documents.docx}),
    "artwork": Sort({"tif": pictures.tiff, "psd": pictures.psd, "jpg": pictures.plain, "png": pictures.plain}, pictures.DEFECTS),
    "jacket": Sort(
        {"pdf": jackets.jacket, "tif": pictures.tiff, "psd": pictures.psd, "jpg": pictures.plain}, jackets.DEFECTS | pictures.DEFECTS,
        ("PhysicalBook",), printed=True,
    ),
    "interior": Sort({"pdf": pages.interior}, pages.DEFECTS, ("PhysicalBook",), printed=True),
    "ebook": Sort({"epub": epubs.epub}, epubs.DEFECTS, ("ElectronicBook",)),
    "audio": Sort({"mp3": sound.mp3}, sound.AUDIO_DEFECTS, ("ElectronicAudio", "PhysicalAudio")),
    "promotional": Sort({"mp4": sound.trailer, "png": pictures.plain, "jpg": pictures.plain, "pdf": documents.pdf}, pictures.DEFECTS),
    "contract": Sort({"pdf": scans.contract}),
    "statement": Sort({"pdf": documents.statement_pdf, "xlsx": documents.statement_xlsx}),
}  # fmt: skip
BROKEN = frozenset({"truncated", "empty", "executable"})  # of any file, once it is made
_OPTIONS = {"part", "revision", "defect", "naming", "size", "seconds", "pages", "colour", "pdfx", "seed", "format"}


@dataclass(frozen=True, slots=True)
class Made:
    """A file on disk, and what it is of."""

    path: Path
    kind: str
    work_id: int
    product_id: int | None
    isbn: str
    revision: str
    part: str

    def told(self) -> dict[str, Any]:
        """{name, bytes, sha256, kind, work_id, product_id, isbn, revision, part}"""
        with self.path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        about = {name: getattr(self, name) for name in ("kind", "work_id", "product_id", "isbn", "revision", "part")}
        return {"name": self.path.name, "bytes": self.path.stat().st_size, "sha256": digest} | about


def order_of(catalogue: Catalogue, wanted: Mapping[str, Any]) -> Order:
    """An order by the words of a request: kind; work_id, product_id or isbn; and `Order`'s options.

    Raises ValueError for what there is no sense in, KeyError for a title that does not exist.
    """
    kind = str(wanted.get("kind") or "")
    if kind not in SORTS:
        raise ValueError(f"there is no kind {kind!r}; there are audiobook, {', '.join(SORTS)}")
    sort = SORTS[kind]
    work, product = _title(catalogue, wanted, sort)
    format = str(wanted.get("format") or next(iter(sort.makers)))
    if format not in sort.makers:
        raise ValueError(f"{kind} is made as {', '.join(sort.makers)}, not as {format}")
    given = {name: wanted[name] for name in _OPTIONS & set(wanted) if name != "format"}
    given["revision"] = str(given.get("revision") or "")
    given["part"] = str(given.get("part") or _part(kind, product))
    order = Order(work, product, kind, format, **given)
    if order.defect and order.defect not in sort.defects | BROKEN:
        raise ValueError(f"{kind} has no defect {order.defect!r}; it has {', '.join(sorted(sort.defects | BROKEN))}")
    if order.naming not in NAMINGS:
        raise ValueError(f"names are by {', '.join(NAMINGS)}")
    return order


def orders_of(catalogue: Catalogue, wanted: Mapping[str, Any]) -> list[Order]:
    """One order, or all files of an audiobook (kind `audiobook`; `chapters`: how many, `defect` missing-chapter: without the second)."""
    if wanted.get("kind") != "audiobook":
        return [order_of(catalogue, wanted)]
    rest = {name: value for name, value in wanted.items() if name not in {"kind", "chapters", "defect"}}
    defect = str(wanted.get("defect") or "")
    first = order_of(catalogue, rest | {"kind": "audio", "defect": "" if defect == "missing-chapter" else defect})
    found = [replace(first, part=part, seconds=seconds) for part, seconds in sound.chapters(first, int(wanted.get("chapters") or 3))]
    return [order for order in found if not (defect == "missing-chapter" and order.part == "02")]


def make(order: Order, folder: Path, name: str = "") -> Made:
    """Makes the file in the folder, under the sender's name or the one given. ValueError if the title can't have such a file."""
    path = folder / (name or called(order))
    if path.parent != folder or path.name in {"", ".", ".."}:
        raise ValueError(f"{name!r} is no file name")
    folder.mkdir(parents=True, exist_ok=True)
    SORTS[order.kind].makers[order.format](order, path)
    spoil(path, order.defect)
    product = order.product.id if order.product else None
    return Made(path, order.kind, order.work.id, product, order.isbn, order.revision, order.part)


def spoil(path: Path, defect: str) -> None:
    """What goes wrong with any file: cut in the middle, emptied, or a program under its name."""
    if defect == "truncated":
        with path.open("r+b") as file:
            file.truncate(path.stat().st_size * 3 // 5)
    elif defect == "empty":
        path.write_bytes(b"")
    elif defect == "executable":
        path.write_bytes(b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0" + b"\0" * 44 + b"\x40\0\0\0PE\0\0d\x86" + b"\0" * 4000)


def _title(catalogue: Catalogue, wanted: Mapping[str, Any], sort: Sort) -> tuple[Work, Product | None]:
    product: Product | None = None
    if wanted.get("isbn"):
        product = next(iter(catalogue.products_by_isbn([str(wanted["isbn"])])), None)
        if product is None:
            raise KeyError(f"no product with ISBN {wanted['isbn']}")
    elif wanted.get("product_id") is not None:
        product = catalogue.product(int(wanted["product_id"]))
        if product is None:
            raise KeyError(f"no product {wanted['product_id']}")
    work = catalogue.work(product.work_id if product else int(wanted.get("work_id") or 0))
    if work is None:
        raise KeyError(f"no work {wanted.get('work_id')}")
    if product is None:
        fitting = [one for start in sort.editions for one in work.products if one.kind.startswith(start)]
        if sort.printed:
            fitting = [one for one in fitting if one.pages and one.width_mm and one.height_mm]
        product = next(iter(fitting), None)
    if product is None and (sort.printed or "" not in sort.editions):
        raise ValueError(f"work {work.id} has no edition that has such a file")
    return work, product


def _part(kind: str, product: Product | None) -> str:
    if kind == "jacket":
        return "jacket" if product is not None and product.form == "BB" else "cover"
    return "01" if kind == "audio" else ""
