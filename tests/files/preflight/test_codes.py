"""One file for each code: it raises that code and no other. The files are good but for the one thing that their function changes."""

from __future__ import annotations

import io
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name
from PIL import Image
from reportlab.lib.colors import CMYKColorSep

from include.errors import ConfigurationError
from include.files.model import Checked, Severity, Sniffed
from include.files.preflight import CODES, Expected, acx, check, check_set, finding, table
from include.files.preflight.check import check_here, check_set_here
from include.files.preflight.codes import settled
from tests.files import makers
from tests.files.makers import EPUB, ISBN, JPEG, MP3, OTHER_ISBN, PDF, PNG

TEXT = Expected(
    part="text",
    isbn=ISBN,
    formats=("application/pdf",),
    pages=16,
    trim_mm=(129, 198),
    bleed_mm=3,
    pdfx=("PDF/X-1a",),
    colour="cmyk",
    min_dpi=300,
    min_dpi_bitmap=550,
)
COVER = replace(TEXT, part="cover", pages=None, spine_mm=20.0)
JACKET = replace(COVER, part="jacket", flap_mm=80.0)
BOOK = Expected(part="ebook", isbn=ISBN, formats=("application/epub+zip",), accessibility=True, epubcheck=False)
CHAPTER = replace(acx(), isbn=ISBN)
PICTURE = Expected(formats=("image/jpeg",), colour="rgb", min_pixels=(400, 640), max_pixels=(5000, 5000), ratio=1.6)

Case = Callable[[Path], Checked]
CASES: dict[str, Case] = {}


def case(code: str) -> Callable[[Case], Case]:
    def add(make: Case) -> Case:
        assert code not in CASES
        CASES[code] = make
        return make

    return add


def pdf(code: str, expected: Expected = TEXT, **how: Any) -> None:
    CASES[code] = lambda folder: check_here(makers.pdf(folder / "text.pdf", **how), "text.pdf", PDF, expected)


def epub(code: str, expected: Expected = BOOK, **how: Any) -> None:
    CASES[code] = lambda folder: check_here(makers.epub(folder / "book.epub", **how), "book.epub", EPUB, expected)


def raw(code: str, content: bytes, sniffed: Sniffed, expected: Expected) -> None:
    def make(folder: Path) -> Checked:
        path = folder / f"file{sniffed.extension}"
        path.write_bytes(content)
        return check_here(path, path.name, sniffed, expected)

    CASES[code] = make


# --- any file


@case("check-stopped")
def _stopped(folder: Path) -> Checked:
    return check(makers.pdf(folder / "text.pdf"), "text.pdf", PDF, TEXT, seconds=0.01)


raw("format-unexpected", makers.cover_jpeg((500, 800)), JPEG, replace(PICTURE, formats=("image/tiff",)))
raw("file-too-large", makers.cover_jpeg((500, 800)), JPEG, replace(PICTURE, max_bytes=1000))
pdf("isbn-wrong", isbn=OTHER_ISBN)
pdf("isbn-invalid", isbn="9780306406158")
pdf("isbn-missing", isbn="")

# --- PDF


def _media(
    left: float = 0, below: float = 0, right: float = 0, above: float = 0, *, which: slice = slice(None)
) -> Callable[[pikepdf.Pdf], None]:
    """Moves the MediaBox's edges outwards, by millimetres."""

    def change(document: pikepdf.Pdf) -> None:
        for page in list(document.pages)[which]:
            x0, y0, x1, y1 = (float(one) for one in page.mediabox)
            page.mediabox = Array([x0 - left * makers.MM, y0 - below * makers.MM, x1 + right * makers.MM, y1 + above * makers.MM])

    return change


def _each(do: Callable[[pikepdf.Page], None], which: slice = slice(None)) -> Callable[[pikepdf.Pdf], None]:
    return lambda document: [do(page) for page in list(document.pages)[which]] and None


def _deep(document: pikepdf.Pdf) -> None:
    """A form within a form within a form ..."""
    form = document.make_stream(b"q Q", Type=Name.XObject, Subtype=Name.Form, BBox=Array([0, 0, 10, 10]))
    for _ in range(40):
        form = document.make_stream(
            b"/F Do", Type=Name.XObject, Subtype=Name.Form, BBox=Array([0, 0, 10, 10]), Resources=Dictionary(XObject=Dictionary(F=form))
        )
    page = document.pages[2]
    page.contents_add(b"q /Deep Do Q")
    page.obj.Resources.XObject = Dictionary(Deep=form)


def _boxes(page: pikepdf.Page) -> None:
    page.obj.BleedBox = page.obj.TrimBox
    del page.obj["/BleedBox"]
    page.mediabox = page.obj.TrimBox


def _standard_font(canvas: Any, number: int) -> None:
    if number == 3:
        canvas.setFont("Helvetica", 10)
        canvas.drawString(80, 80, "not embedded")


def _type3(document: pikepdf.Pdf) -> None:
    glyph = document.make_stream(b"500 0 0 0 400 400 d1 0 0 400 400 re f")
    font = Dictionary(
        Type=Name.Font,
        Subtype=Name.Type3,
        Name=Name.Squares,
        FontBBox=Array([0, 0, 500, 500]),
        FontMatrix=Array([0.001, 0, 0, 0.001, 0, 0]),
        CharProcs=Dictionary(a=glyph),
        Encoding=Dictionary(Type=Name.Encoding, Differences=Array([97, Name.a])),
        FirstChar=97,
        LastChar=97,
        Widths=Array([500]),
        Resources=Dictionary(),
    )
    page = document.pages[2]
    page.obj.Resources.Font.Squares = document.make_indirect(font)
    page.contents_add(b"BT /Squares 12 Tf 80 80 Td (aaa) Tj ET")


def _see_through(document: pikepdf.Pdf) -> None:
    page = document.pages[2]
    page.obj.Resources.ExtGState = Dictionary(Half=Dictionary(Type=Name.ExtGState, ca=0.5))
    page.contents_add(b"q /Half gs 0 0 0 1 k 80 80 50 50 re f Q")


def _key(version: str, conformance: str) -> Callable[[pikepdf.Pdf], None]:
    def change(document: pikepdf.Pdf) -> None:
        document.docinfo["/GTS_PDFXVersion"] = version
        document.docinfo["/GTS_PDFXConformance"] = conformance

    return change


def _no_key(document: pikepdf.Pdf) -> None:
    del document.docinfo["/GTS_PDFXVersion"]
    del document.docinfo["/GTS_PDFXConformance"]


def _no_intent(document: pikepdf.Pdf) -> None:
    del document.Root["/OutputIntents"]


def _painting(*colour: float, spot: str = "") -> Callable[[Any, int], None]:
    def paint(canvas: Any, number: int) -> None:
        if number == 3:
            if spot:
                canvas.setFillColor(CMYKColorSep(*colour, spotName=spot))
            elif len(colour) == 3:
                canvas.setFillColorRGB(*colour)
            else:
                canvas.setFillColorCMYK(*colour)
            canvas.rect(80, 80, 50, 50, stroke=0, fill=1)

    return paint


def _placing(pixels: tuple[int, int], inches: float) -> Callable[[Any, int], None]:
    return lambda canvas, number: makers.gray_picture(canvas, (80, 80), pixels, inches) if number == 3 else None


def _note(document: pikepdf.Pdf) -> None:
    document.pages[2].obj.Annots = Array([Dictionary(Type=Name.Annot, Subtype=Name.Text, Rect=Array([80, 80, 99, 99]), Contents="Really?")])


def _form(document: pikepdf.Pdf) -> None:
    document.Root.AcroForm = Dictionary(Fields=Array([document.make_indirect(Dictionary(FT=Name.Tx, T="name"))]))


def _script(document: pikepdf.Pdf) -> None:
    document.Root.OpenAction = Dictionary(S=Name.JavaScript, JS="app.alert('hello')")


def _layer(document: pikepdf.Pdf) -> None:
    layer = document.make_indirect(Dictionary(Type=Name.OCG, Name="Notes to the printer"))
    document.Root.OCProperties = Dictionary(OCGs=Array([layer]), D=Dictionary(OFF=Array([layer]), Order=Array([layer])))


@case("pdf-damaged")
def _damaged(folder: Path) -> Checked:
    path = makers.pdf(folder / "text.pdf")
    content = path.read_bytes()
    path.write_bytes(content[: content.rindex(b"startxref")])
    return check_here(path, "text.pdf", PDF, TEXT)


raw("pdf-unreadable", b"%PDF-1.4\nnothing more", PDF, TEXT)
pdf("pdf-encrypted", save={"encryption": pikepdf.Encryption(owner="secret", user="")})
pdf("pdf-too-complex", change=_deep)
pdf("pages-differ", pages=40)
pdf("pages-uneven", pages=17)
pdf("cover-pages", COVER, pages=3, trim=(278, 198))
pdf("pages-mixed", change=_each(lambda page: page.obj.__setitem__("/TrimBox", Array([40, 9, 360, 570])), slice(4, 5)))
pdf("pages-offset", change=_media(left=5, which=slice(4, 5)))
pdf("pages-rotated", change=_each(lambda page: page.rotate(180, relative=False), slice(4, 5)))
pdf("trim-missing", change=_each(lambda page: page.obj.__delitem__("/TrimBox")))
pdf("trim-differs", trim=(135, 216))
pdf("bleed-missing", change=_each(_boxes))
pdf("bleed-small", bleed=1.5)
pdf("boxes-nested", change=_media(-1, -1, -1, -1))
pdf("spine-differs", COVER, pages=1, trim=(2 * 129 + 25, 198))
pdf("spine-unchecked", replace(JACKET, flap_mm=None), pages=1, trim=(2 * 129 + 20 + 160, 198))
pdf("fonts-missing", paint=_standard_font)
pdf("fonts-type3", change=_type3)
pdf("pdfx-missing", change=_no_key)
pdf("pdfx-other", change=_key("PDF/X-3:2002", "PDF/X-3:2002"))
pdf("pdfx-intent", change=_no_intent)
pdf("pdfx-transparency", change=_see_through)
pdf("colour-rgb", paint=_painting(0.9, 0.1, 0.1))
pdf("colour-cmyk", replace(TEXT, colour="rgb"), paint=_painting(0.0, 1.0, 1.0, 0.0))
pdf("colour-not-gray", replace(TEXT, colour="gray"), paint=_painting(0.0, 1.0, 1.0, 0.0))
pdf("colour-spots", paint=_painting(0.0, 1.0, 1.0, 0.0, spot="PANTONE 485 C"))
pdf("image-dpi-low", paint=_placing((400, 300), 2.0))
pdf("image-dpi-too-low", paint=_placing((200, 150), 2.0))
pdf("pdf-annotations", change=_note)
pdf("pdf-form", change=_form)
pdf("pdf-active", change=_script)
pdf("pdf-layers", change=_layer)

# --- EPUB

OPF, ONE = "EPUB/package.opf", "EPUB/one.xhtml"
_RIGHTS = """<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container" xmlns:enc="http://www.w3.org/2001/04/xmlenc#">
<enc:EncryptedData><enc:EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#aes128-cbc"/>
<enc:CipherData><enc:CipherReference URI="EPUB/one.xhtml"/></enc:CipherData></enc:EncryptedData></encryption>"""

raw("epub-unreadable", b"PK\x03\x04 and then nothing", EPUB, BOOK)
epub("epub-mimetype", first="content")
epub("epub-protected", extra={"META-INF/encryption.xml": _RIGHTS})
epub("epub-metadata", change={OPF: ("<dc:language>en</dc:language>", "")})
epub("epub-identifier", change={OPF: (f"urn:isbn:{ISBN}", "urn:uuid:0a9a2d62-9a9f-4d05-8c3e-9e3a0f0f7c11")})
epub("epub-version", change={OPF: ('version="3.0"', 'version="2.0"')})
epub("epub-files-missing", without=("EPUB/cover.jpg",))
epub("epub-toc", change={"EPUB/nav.xhtml": ('<a href="one.xhtml">One</a>', "One")})
epub("epub-cover", change={OPF: (' properties="cover-image"', "")})
epub("epub-accessibility", change={OPF: ('<meta property="schema:accessibilityHazard">none</meta>', "")})
epub("epub-accessibility-advice", change={OPF: ('<meta property="schema:accessModeSufficient">textual</meta>', "")})
epub("epub-accessibility-value", change={OPF: ('"schema:accessibilityHazard">none', '"schema:accessibilityHazard">no hazards')})
epub("epub-conformance", change={OPF: ("EPUB Accessibility 1.1 - WCAG 2.1 Level AA", "EPUB Accessibility 1.1 - WCAG 2.1 Level A")})
epub("epub-alt", change={ONE: (' alt="A lantern"', "")})

_needs_java = pytest.mark.skipif(shutil.which("java") is None, reason="EPUBCheck needs Java")


@case("epubcheck-error")
def _invalid(folder: Path) -> Checked:
    path = makers.epub(folder / "book.epub", change={ONE: ("<h1>One</h1>", "<h1>One</h1><blink>!</blink>")})
    return check(path, "book.epub", EPUB, replace(BOOK, epubcheck=True))


@case("epubcheck-warning")
def _dated(folder: Path) -> Checked:
    path = makers.epub(folder / "book.epub", change={OPF: ("<dc:language>", "<dc:date>next autumn</dc:date><dc:language>")})
    return check(path, "book.epub", EPUB, replace(BOOK, epubcheck=True))


@case("epubcheck-not-run")
def _no_java(folder: Path) -> Checked:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(folder))
        return check(makers.epub(folder / "book.epub"), "book.epub", EPUB, replace(BOOK, epubcheck=True))


# --- audio


def sound(code: str, expected: Expected = CHAPTER, **how: Any) -> None:
    CASES[code] = lambda folder: check_here(makers.mp3(folder / "01.mp3", **how), "01.mp3", MP3, expected)


def _clicks() -> np.ndarray[Any, Any]:
    spoken = makers.speech()
    spoken[100_000:200_000:20_000] = 0.95
    return spoken


@case("audio-damaged")
def _torn(folder: Path) -> Checked:
    path = makers.mp3(folder / "01.mp3")
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])
    return check_here(path, "01.mp3", MP3, replace(CHAPTER, tail_seconds=None))


raw("audio-unreadable", b"ID3\x04\x00\x00\x00\x00\x00\x00 no sound", MP3, CHAPTER)
sound("audio-bitrate", bitrate=128_000)
sound("audio-variable", options={"abr": "1"}, bitrate=256_000)
sound("audio-sample-rate", rate=48_000)
sound("audio-channels", replace(CHAPTER, channels=1), stereo=True)
sound("audio-long", replace(CHAPTER, max_minutes=0.1))
sound("audio-level", sound=makers.speech(rms_db=-30.0))
sound("audio-peak", sound=_clicks())
sound("audio-noise", sound=makers.speech(floor_db=-52.0))
sound("audio-head", sound=makers.speech(head=2.0))
sound("audio-tail", sound=makers.speech(tail=0.2))

# --- audio set

SET = replace(CHAPTER, sample_minutes=(0.05, 0.2))
NAMES = ("00 Opening Credits.mp3", "01 One.mp3", "02 Two.mp3", "03 Closing Credits.mp3", "Retail Sample.mp3")


def tracks(folder: Path, names: tuple[str, ...], expected: Expected = SET, odd: dict[str, dict[str, Any]] | None = None) -> Checked:
    found = []
    for at, name in enumerate(names):
        path = folder / name
        makers.mp3(path, **({"sound": makers.speech(4.0 + 0.1 * at)} | (odd or {}).get(name, {})))
        found.append((path, name, MP3))
    return check_set_here(found, expected)


def audiobook(code: str, *names: str, expected: Expected = SET, odd: dict[str, dict[str, Any]] | None = None) -> None:
    CASES[code] = lambda folder: tracks(folder, names or NAMES, expected, odd)


@case("chapter-twice")
def _twice(folder: Path) -> Checked:
    for name in NAMES:
        makers.mp3(folder / name, makers.speech(4.0 + 0.1 * len(name)))
    shutil.copy(folder / "01 One.mp3", folder / "02 Two.mp3")
    return check_set_here([(folder / name, name, MP3) for name in NAMES], SET)


audiobook("set-mixed", odd={"02 Two.mp3": {"stereo": True}})
audiobook("chapter-gap", *NAMES[:2], "03 Three.mp3", "04 Closing Credits.mp3", NAMES[4])
audiobook("chapter-unnumbered", *NAMES, "Afterword.mp3")
audiobook("chapter-tag", odd={"02 Two.mp3": {"tags": {"track": "7"}}})
audiobook("credits-opening", *NAMES[1:])
audiobook("credits-closing", *NAMES[:3], NAMES[4])
audiobook("sample-missing", *NAMES[:4])
audiobook("sample-length", expected=replace(SET, sample_minutes=(1.0, 5.0)))
audiobook("duration-differs", expected=replace(SET, total_minutes=300))

# --- pictures

raw("picture-unreadable", b"\xff\xd8\xff\xe0 no picture", JPEG, PICTURE)
raw("picture-small", makers.cover_jpeg((300, 480)), JPEG, PICTURE)
raw("picture-large", makers.cover_jpeg((500, 800)), JPEG, replace(PICTURE, max_pixels=(450, 700)))
raw("picture-profile", makers.cover_jpeg((500, 800), profile=False), JPEG, PICTURE)
raw("picture-ratio", makers.cover_jpeg((800, 800)), JPEG, PICTURE)


@case("picture-colour")
def _four_inks(folder: Path) -> Checked:
    from sandbox.files.colour import cmyk_profile

    made = io.BytesIO()
    makers.cover((500, 800)).convert("CMYK").save(made, "JPEG", icc_profile=cmyk_profile())
    path = folder / "cover.jpg"
    path.write_bytes(made.getvalue())
    return check_here(path, "cover.jpg", JPEG, PICTURE)


def _params() -> list[Any]:
    java = {"epubcheck-error", "epubcheck-warning"}
    return [pytest.param(code, id=code, marks=[_needs_java] if code in java else []) for code in CASES]


@pytest.mark.parametrize("code", _params())
def test_its_file_raises_this_code_and_no_other(code: str, tmp_path: Path) -> None:
    checked = CASES[code](tmp_path)
    assert [one.code for one in checked.findings] == [code] * max(1, len(checked.findings))
    assert all(one.message and one.todo for one in checked.findings)


def test_every_code_has_its_file() -> None:
    assert {*CASES} == {*CODES}


GOOD: dict[str, Callable[[Path], Checked]] = {
    "text": lambda folder: check_here(makers.pdf(folder / "a.pdf"), "a.pdf", PDF, TEXT),
    "cover": lambda folder: check_here(makers.pdf(folder / "a.pdf", pages=1, trim=(278, 198)), "a.pdf", PDF, COVER),
    "jacket": lambda folder: check_here(makers.pdf(folder / "a.pdf", pages=2, trim=(438, 198)), "a.pdf", PDF, JACKET),
    "e-book": lambda folder: check_here(makers.epub(folder / "a.epub"), "a.epub", EPUB, BOOK),
    "chapter": lambda folder: check_here(makers.mp3(folder / "01.mp3"), "01.mp3", MP3, CHAPTER),
    "audiobook": lambda folder: tracks(folder, NAMES),
}


@pytest.mark.parametrize("kind", GOOD)
def test_a_good_file_raises_nothing(kind: str, tmp_path: Path) -> None:
    assert GOOD[kind](tmp_path).findings == ()


def test_a_good_cover_picture_raises_nothing(tmp_path: Path) -> None:
    (tmp_path / "cover.jpg").write_bytes(makers.cover_jpeg((500, 800)))
    assert check_here(tmp_path / "cover.jpg", "cover.jpg", JPEG, PICTURE).findings == ()


@_needs_java
def test_a_good_ebook_passes_epubcheck(tmp_path: Path) -> None:
    checked = check(makers.epub(tmp_path / "a.epub"), "a.epub", EPUB, replace(BOOK, epubcheck=True))
    assert checked.findings == ()
    assert checked.facts["epubcheck"]["version"]


def test_a_partner_may_think_otherwise(tmp_path: Path) -> None:
    path = makers.pdf(tmp_path / "text.pdf", pages=17, isbn="")
    other = replace(TEXT, severities=(("pages-uneven", "fail"), ("isbn-missing", "off")))
    checked = check_here(path, "text.pdf", PDF, other)
    assert [(one.code, one.severity) for one in checked.findings] == [("pages-uneven", Severity.FAIL)]
    assert checked.fails
    assert other.digest() != TEXT.digest()


def test_an_opinion_on_an_unknown_code_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="there is no finding pages-odd"):
        Expected(severities=(("pages-odd", "fail"),))


def test_findings_come_gravest_first_and_name_the_file(tmp_path: Path) -> None:
    path = makers.pdf(tmp_path / "text.pdf", pages=17, isbn="", trim=(135, 216))
    findings = check_here(path, "9780306406157_text.pdf", PDF, TEXT).findings
    assert [one.code for one in findings] == ["trim-differs", "pages-uneven", "isbn-missing"]
    assert {one.file for one in findings} == {"9780306406157_text.pdf"}


def test_the_process_of_its_own_says_the_same(tmp_path: Path) -> None:
    path = makers.pdf(tmp_path / "text.pdf", pages=17, paint=_painting(0.9, 0.1, 0.1))
    assert check(path, "text.pdf", PDF, TEXT) == check_here(path, "text.pdf", PDF, TEXT)
    made = [(makers.mp3(tmp_path / name, makers.speech(4.0)), name, MP3) for name in NAMES[:2]]
    assert check_set(made, SET) == check_set_here(made, SET)


def test_the_table_has_every_code_once() -> None:
    assert [row[1] for row in table()] == list(CODES)
    assert settled([finding("isbn-missing"), finding("isbn-wrong")], TEXT)[0].code == "isbn-wrong"


def test_unchecked_families_have_facts_alone(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.docx", "w") as file:
        file.writestr("word/document.xml", "<w/>")
    sniffed = Sniffed("application/vnd.openxmlformats-officedocument.wordprocessingml.document", ".docx", "document")
    assert check(tmp_path / "a.docx", "a.docx", sniffed, Expected()) == Checked()
    Image.new("RGB", (20, 10)).save(tmp_path / "a.png")
    assert check(tmp_path / "a.png", "a.png", PNG, Expected()).facts["pixels"] == [20, 10]
