"""Whether a PDF opens, and whether it does more than show pages (ISO 32000-1, 12.6 actions, 7.11.4 embedded files)."""

from __future__ import annotations

import zlib
from functools import cache
from pathlib import Path
from typing import Any

import pikepdf

from include.files.model import Finding, Refused, Severity
from include.files.sniff import starts, suffix

OBJECTS = 3_000_000  # more than any book has; each costs memory
_MEMORY = 256 << 20  # bytes that qpdf may unpack one stream to
_SEND = "Ask the sender to export the PDF anew and send it again."
_DAMAGE = (pikepdf.PdfError, ValueError, TypeError, KeyError, IndexError, AttributeError, RuntimeError, RecursionError, OverflowError)
_NOTES = {
    b"/JavaScript": ("pdf-javascript", "The PDF carries JavaScript; it is never run here."),
    b"/RichMedia": ("pdf-rich-media", "The PDF carries rich media (video, Flash); printers drop it."),
    b"/SubmitForm": ("pdf-submit-form", "The PDF has a form that sends its data elsewhere."),
    b"/ImportData": ("pdf-import-data", "The PDF wants to import data from another file."),
}


@cache
def _bounded() -> None:
    """qpdf's limits are the process's own: set once, for whoever opens PDFs after us, too."""
    pikepdf.settings.set_qpdf_limits(
        flate_max_memory=_MEMORY, run_length_max_memory=_MEMORY, png_max_memory=_MEMORY, tiff_max_memory=_MEMORY, doc_max_warnings=10_000
    )


def check(local: Path, forbidden: frozenset[str]) -> tuple[Finding, ...]:
    """What is odd about the PDF, but no harm: JavaScript, rich media, an owner's password, an index that had to be mended.

    Raises `Refused`: pdf-encrypted (does not open without a password), pdf-broken, executable (starts a program, or carries one;
    `forbidden` are extensions of such files).
    """
    _bounded()
    pdf, mended = _opened(local)
    with pdf:
        try:
            return _looked(pdf, forbidden) + mended
        except _DAMAGE as damaged:
            raise Refused("pdf-broken", "the PDF is damaged", todo=_SEND) from damaged


def _opened(local: Path) -> tuple[pikepdf.Pdf, tuple[Finding, ...]]:
    try:
        try:
            return pikepdf.open(local, attempt_recovery=False), ()
        except pikepdf.PasswordError:
            raise
        except _DAMAGE:
            if not _ends(local):
                raise Refused("pdf-broken", "the PDF is cut short", todo=_SEND) from None
            found = Finding("pdf-mended", Severity.NOTE, "The PDF's index is damaged; it was rebuilt to read it.", _SEND)
            return pikepdf.open(local), (found,)
    except pikepdf.PasswordError as locked:
        raise Refused("pdf-encrypted", "the PDF opens with a password only", todo="Ask the sender for it without a password.") from locked
    except _DAMAGE as damaged:
        raise Refused("pdf-broken", "the PDF does not open", todo=_SEND) from damaged


def _ends(local: Path) -> bool:
    with local.open("rb") as stream:
        stream.seek(max(0, stream.seek(0, 2) - 2048))
        return b"%%EOF" in stream.read()


def _looked(pdf: pikepdf.Pdf, forbidden: frozenset[str]) -> tuple[Finding, ...]:
    if len(pdf.objects) > OBJECTS:
        raise Refused("pdf-broken", f"{len(pdf.objects):,} objects; {OBJECTS:,} are looked at", todo=_SEND)
    if len(pdf.pages) == 0:
        raise Refused("pdf-broken", "the PDF has no page", todo=_SEND)
    found: set[bytes] = set()
    for one in pdf.objects:
        raw = _written(one)
        if b"/Launch" in raw and _launches(one, 0):
            todo = "Ask the sender for a PDF without actions."
            raise Refused("executable", "the PDF starts a program when it is opened or clicked (launch action)", todo=todo)
        if b"/EF" in raw:
            _embedded(one, forbidden)
        found.update(name for name in _NOTES if name in raw)
    notes = [Finding(code, Severity.NOTE, message) for name, (code, message) in _NOTES.items() if name in found]
    if pdf.is_encrypted:
        notes.append(Finding("pdf-restricted", Severity.NOTE, "An owner's password restricts printing or changing the PDF."))
    return tuple(notes)


def _written(one: Any) -> bytes:
    """The object as qpdf writes it: names unescaped, what it refers to left out."""
    if isinstance(one, pikepdf.Stream):
        one = one.stream_dict
    return bytes(one.unparse(resolved=True)) if isinstance(one, pikepdf.Dictionary | pikepdf.Array) else b""


def _launches(one: Any, depth: int) -> bool:
    """Whether a launch action stands in it, not only the word."""
    if isinstance(one, pikepdf.Stream):
        one = one.stream_dict
    if depth > 50:
        return True
    if isinstance(one, pikepdf.Dictionary):
        if one.get("/S") == pikepdf.Name.Launch:
            return True
        children = list(one.values())
    elif isinstance(one, pikepdf.Array):
        children = list(one)
    else:
        return False
    return any(_launches(child, depth + 1) for child in children if _is_container(child) and not child.is_indirect)


def _is_container(one: Any) -> bool:
    return isinstance(one, pikepdf.Dictionary | pikepdf.Array)


def _embedded(one: Any, forbidden: frozenset[str]) -> None:
    for spec in _specs(one, 0):
        for key in ("/UF", "/F"):
            name = spec.get(key)
            if name is not None and suffix(str(name)) in forbidden:
                raise Refused("executable", f"the PDF carries a program ({str(name)[:80]})", todo="Ask the sender for the PDF alone.")
        files = spec.get("/EF")
        for stream in list(files.values()) if isinstance(files, pikepdf.Dictionary) else []:
            if isinstance(stream, pikepdf.Stream) and starts(iter([_first_bytes(stream)])):
                raise Refused("executable", "the PDF carries a program", todo="Ask the sender for the PDF alone.")


def _specs(one: Any, depth: int) -> list[Any]:
    if depth > 50 or not _is_container(one):
        return []
    if isinstance(one, pikepdf.Array):
        return [spec for child in list(one) if _is_container(child) and not child.is_indirect for spec in _specs(child, depth + 1)]
    own = [one] if "/EF" in one else []
    return own + [spec for child in one.values() if _is_container(child) and not child.is_indirect for spec in _specs(child, depth + 1)]


def _first_bytes(stream: Any) -> bytes:
    raw = bytes(stream.read_raw_bytes())[:4096]
    if stream.get("/Filter") is None:
        return raw
    try:
        return zlib.decompressobj().decompress(raw, 4096)
    except zlib.error:
        return b""
