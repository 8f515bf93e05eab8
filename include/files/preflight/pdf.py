"""A PDF against what is expected: boxes, pages, fonts, PDF/X, colours, pictures, what doesn't belong into a print file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pikepdf

from include.files.model import Finding
from include.files.preflight import geometry
from include.files.preflight.codes import finding
from include.files.preflight.expected import Expected
from include.files.preflight.fonts import Font, font_of
from include.files.preflight.isbns import isbn_findings
from include.files.preflight.pages import BROKEN, MM, Sheet, document_facts, inherited, listed, sheet
from include.files.preflight.painted import Painted
from include.files.preflight.reader import Reader, blank

BLANKS = 32  # pages at the end that may be blank: one signature
_FLATTENED = ("PDF/X-1a", "PDF/X-3")  # forbid transparency
_NOT_PRINTED = frozenset({"/Link", "/Widget", "/Popup", "/TrapNet", "/PrinterMark"})
_ACTIVE = frozenset({"/JavaScript", "/Launch", "/ImportData", "/SubmitForm"})


def check_pdf(local: Path, expected: Expected) -> tuple[list[Finding], dict[str, Any]]:
    """Findings in the order found, and the facts of `previews.facts` with: page_sizes_mm, spine_mm, fonts, colours, spots,
    lowest_dpi, transparency, blank_pages, printed_isbns."""
    try:
        pdf = pikepdf.open(local)
    except pikepdf.PasswordError:
        return [finding("pdf-encrypted")], {"encrypted": True}
    except BROKEN:
        return [finding("pdf-unreadable")], {}
    with pdf:
        return _checked(pdf, local, expected)


def _checked(pdf: pikepdf.Pdf, local: Path, expected: Expected) -> tuple[list[Finding], dict[str, Any]]:
    try:
        facts = document_facts(pdf)
    except BROKEN:
        return [finding("pdf-unreadable")], {}
    if not facts.get("pages"):
        return [finding("pdf-unreadable", "The PDF has no pages.")], facts
    found = _Found()
    if pdf.is_encrypted:
        found.findings.append(finding("pdf-encrypted", "The PDF is encrypted, though it opens without a password."))
    sheets = list(_sheets(pdf, found))
    if not sheets:
        return [finding("pdf-unreadable", "No page has a usable MediaBox.")], facts
    ends = _blank_at_end(pdf) if expected.part == "text" and expected.pages else 0
    found.findings += geometry.check(sheets, facts["pages"], ends, expected, facts)
    _document(pdf, found)
    _read(pdf, sheets, expected, found)
    _pdfx(pdf, facts.get("pdfx", ""), found, expected)
    _fonts(found, facts)
    _colours(found, expected, facts)
    _pictures(found, expected, facts)
    if pdf.get_warnings() or found.broken:
        where = listed(found.broken) if found.broken else ""
        found.findings.append(finding("pdf-damaged", where=where))
    found.findings += isbn_findings(local, facts, expected)
    facts |= {"blank_pages": ends} if ends else {}
    return found.findings, facts


@dataclass(slots=True)
class _Found:
    findings: list[Finding] = field(default_factory=list)
    reader: Reader = field(default_factory=Reader)
    broken: list[int] = field(default_factory=list)
    complex: list[int] = field(default_factory=list)
    colours: dict[str, list[int]] = field(default_factory=dict)
    spots: dict[str, list[int]] = field(default_factory=dict)
    transparent: dict[str, list[int]] = field(default_factory=dict)
    fonts: dict[int, list[int]] = field(default_factory=dict)
    low: dict[bool, list[tuple[float, int]]] = field(default_factory=lambda: {True: [], False: []})  # bitmap → (dpi, page)

    def note(self, painted: Painted, page: int) -> None:
        for kinds, values in ((self.colours, painted.colours), (self.spots, painted.spots), (self.transparent, painted.transparent)):
            for value in values:
                kinds.setdefault(value, []).append(page)
        for font in painted.fonts:
            self.fonts.setdefault(font, []).append(page)
        if painted.broken:
            self.broken.append(page)
        if painted.complex:
            self.complex.append(page)


def _sheets(pdf: pikepdf.Pdf, found: _Found) -> Iterator[Sheet]:
    for number, page in enumerate(pdf.pages, 1):
        try:
            yield sheet(number, page)
        except BROKEN:
            found.broken.append(number)


def _read(pdf: pikepdf.Pdf, sheets: list[Sheet], expected: Expected, found: _Found) -> None:
    """What every page paints."""
    for one in sheets:
        page = pdf.pages[one.number - 1]
        painted = found.reader.page(page, inherited(page.obj, "/Resources"))
        found.note(painted, one.number)
        visible = tuple(length / MM / one.unit for length in (one.bleed or one.finished))
        for picture in painted.pictures:
            left, bottom, right, top = picture.corners()
            if right <= visible[0] or left >= visible[2] or top <= visible[1] or bottom >= visible[3]:
                continue  # on the pasteboard: it isn't printed
            if dpi := picture.dpi(one.unit):
                found.low[picture.bitmap].append((dpi, one.number))
    if found.complex:
        found.findings.append(finding("pdf-too-complex", where=listed(found.complex)))


def _document(pdf: pikepdf.Pdf, found: _Found) -> None:
    for code, look in (("pdf-active", _active), ("pdf-form", _form), ("pdf-layers", _layers)):
        try:
            said = look(pdf)
        except BROKEN:
            continue
        if said:
            found.findings.append(finding(code, said))
    noted = [number for number, page in enumerate(pdf.pages, 1) if _annotated(page)]
    if noted:
        found.findings.append(finding("pdf-annotations", where=listed(noted)))


def _active(pdf: pikepdf.Pdf) -> str:
    root = pdf.Root
    names = _at(root, "/Names")
    if "/JavaScript" in names or "/AA" in root or _acts(root.get("/OpenAction")):
        return "The file holds scripts that run when it is opened."
    if "/EmbeddedFiles" in names:
        return "Other files are embedded in the file."
    for page in pdf.pages:
        if "/AA" in page.obj or any(_acts(note.get("/A")) or "/AA" in note for note in _notes(page)):
            return "A page holds scripts, or starts programs."
    return ""


def _acts(action: Any) -> bool:
    return isinstance(action, pikepdf.Dictionary) and str(action.get("/S", "")) in _ACTIVE


def _form(pdf: pikepdf.Pdf) -> str:
    fields = list(_at(pdf.Root, "/AcroForm", "/Fields"))
    return f"The file has {len(fields)} form fields." if fields else ""


def _layers(pdf: pikepdf.Pdf) -> str:
    default = _at(pdf.Root, "/OCProperties", "/D")
    hidden = [str(layer.get("/Name", "unnamed")) for layer in _at(default, "/OFF")]
    if hidden or default.get("/BaseState") == "/OFF":
        return f"Layers are hidden, and may be printed or not: {', '.join(hidden[:10]) or 'all but a few'}."
    return ""


def _at(found: Any, *names: str) -> Any:
    """What lies under these names, one within the other; an empty dictionary where one of them isn't there."""
    for name in names:
        found = found.get(name)
        if found is None:
            return pikepdf.Dictionary()
    return found


def _notes(page: pikepdf.Page) -> Iterable[Any]:
    try:
        return [note for note in page.obj.get("/Annots", ()) if isinstance(note, pikepdf.Dictionary)]
    except BROKEN:
        return []


def _annotated(page: pikepdf.Page) -> bool:
    return any(str(note.get("/Subtype", "")) not in _NOT_PRINTED for note in _notes(page))


def _blank_at_end(pdf: pikepdf.Pdf) -> int:
    number = 0
    while number < min(BLANKS, len(pdf.pages) - 1) and blank(pdf.pages[len(pdf.pages) - 1 - number]):
        number += 1
    return number


def _pdfx(pdf: pikepdf.Pdf, said: str, found: _Found, expected: Expected) -> None:
    if not expected.pdfx:
        return
    wanted = " or ".join(expected.pdfx)
    if not said:
        found.findings.append(finding("pdfx-missing", f"The file isn't PDF/X; {wanted} is wanted."))
        return
    if not any(said.startswith(one) for one in expected.pdfx):
        found.findings.append(finding("pdfx-other", f"The file says {said}; {wanted} is wanted."))
        return
    if not _intended(pdf):
        found.findings.append(finding("pdfx-intent"))
    if said.startswith(_FLATTENED) and found.transparent:
        reasons = ", ".join(sorted(found.transparent))
        pages = [number for numbers in found.transparent.values() for number in numbers]
        found.findings.append(
            finding("pdfx-transparency", f"There is transparency ({reasons}), which {said} forbids.", where=listed(pages))
        )


def _intended(pdf: pikepdf.Pdf) -> bool:
    """An output intent of PDF/X that names a printing condition or holds its profile (ISO 15930-1, 6.4)."""
    try:
        return any(
            intent.get("/S") == "/GTS_PDFX"
            and (str(intent.get("/OutputConditionIdentifier", "")).strip() or "/DestOutputProfile" in intent)
            for intent in pdf.Root.get("/OutputIntents", ())
        )
    except BROKEN:
        return False


def _fonts(found: _Found, facts: dict[str, Any]) -> None:
    fonts: dict[Font, list[int]] = {}
    for key, pages in found.fonts.items():
        try:
            fonts.setdefault(font_of(found.reader.fonts[key]), []).extend(pages)
        except BROKEN:
            found.broken.extend(pages)
    missing = {font: pages for font, pages in fonts.items() if not font.embedded}
    if missing:
        found.findings.append(_of_fonts("fonts-missing", "Fonts aren't embedded", missing))
    if third := {font: pages for font, pages in fonts.items() if font.kind == "Type3"}:
        found.findings.append(_of_fonts("fonts-type3", "Type 3 fonts print badly at small sizes", third))
    facts["fonts"] = [
        {"name": font.name, "kind": font.kind, "embedded": font.embedded, "subset": font.subset}
        for font in sorted(fonts, key=lambda one: one.name)[:200]
    ]


def _of_fonts(code: str, words: str, fonts: dict[Font, list[int]]) -> Finding:
    names = sorted({font.name for font in fonts})
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    pages = [number for numbers in fonts.values() for number in numbers]
    return finding(code, f"{words}: {', '.join(names[:8])}{more}.", where=listed(pages))


def _colours(found: _Found, expected: Expected, facts: dict[str, Any]) -> None:
    facts["colours"] = sorted(found.colours)
    if found.spots:
        facts["spots"] = sorted(found.spots)
    if found.transparent:
        facts["transparency"] = sorted(found.transparent)
    rgb, cmyk, lab = (found.colours.get(kind, []) for kind in ("rgb", "cmyk", "lab"))
    if expected.colour in {"cmyk", "gray"} and rgb:
        found.findings.append(finding("colour-rgb", where=listed(rgb)))
    if expected.colour == "rgb" and cmyk:
        found.findings.append(finding("colour-cmyk", where=listed(cmyk)))
    if expected.colour == "gray" and (cmyk or lab):
        found.findings.append(finding("colour-not-gray", where=listed([*cmyk, *lab])))
    unordered = {name: pages for name, pages in found.spots.items() if name not in expected.spots}
    if expected.colour and unordered:
        pages = [number for numbers in unordered.values() for number in numbers]
        names = ", ".join(sorted(unordered)[:10])
        found.findings.append(finding("colour-spots", f"There are spot colours that nobody ordered: {names}.", where=listed(pages)))


def _pictures(found: _Found, expected: Expected, facts: dict[str, Any]) -> None:
    every = [dpi for bitmap in found.low.values() for dpi, _ in bitmap]
    if every:
        facts["lowest_dpi"] = round(min(every))
    for bitmap, wanted in ((False, expected.min_dpi), (True, expected.min_dpi_bitmap)):
        for code, least, most in (("image-dpi-too-low", 0.0, wanted / 2), ("image-dpi-low", wanted / 2, wanted - 0.5)):
            low = [(dpi, page) for dpi, page in found.low[bitmap] if least <= dpi < most]
            if low:
                one = "One picture has" if len(low) == 1 else f"{len(low)} pictures have"
                what = " (black and white)" if bitmap else ""
                message = f"{one}{what} fewer than {most:.0f} dots per inch, the least {min(low)[0]:.0f}; {wanted} are wanted."
                found.findings.append(finding(code, message, where=listed([page for _, page in low])))
