"""The check finds another payee wherever a file can hide one, and lets what was cut by us pass."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pikepdf
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

from include.royalties import names
from include.royalties.check import Other, Watch, findings, marks_of
from include.royalties.cut import Cutter
from include.royalties.payees import parse

LIST = parse(
    "payee,name,also,recipient,contracts\n"
    "P-1001,Adaeze Okonkwo,,foxglove,501001;501004\n"
    "P-2002,Siân Griffith,Sian Evans,merrow,501006;12\n"
    'P-2003,"Lee, Ann",,merrow,501009\n'
)
OTHERS = "Siân Griffith"
MINE = Watch(marks_of(LIST), frozenset({"P-1001"}))


def sheet(draw: Callable[[Canvas], None] = lambda canvas: None) -> pikepdf.Pdf:
    """One page that is Adaeze Okonkwo's, and what the test adds to it."""
    out = io.BytesIO()
    canvas = Canvas(out, invariant=1)
    canvas.drawString(20 * mm, 200 * mm, "Payee: Adaeze Okonkwo, P-1001. Contract: 501001")
    draw(canvas)
    canvas.save()
    out.seek(0)
    return pikepdf.open(out)


def codes(path: Path, name: str = "statement.pdf", watch: Watch = MINE) -> set[str]:
    return {one["code"] for one in findings(path, name, watch)}


def ours(pdf: pikepdf.Pdf, tmp_path: Path) -> Path:
    """The page as we cut it."""
    pdf.save(tmp_path / "given.pdf")
    with Cutter(tmp_path / "given.pdf") as cutter:
        cutter.cut([0], tmp_path / "cut.pdf")
    return tmp_path / "cut.pdf"


def changed(tmp_path: Path, change: Callable[[pikepdf.Pdf], None]) -> Path:
    """A page of ours to which somebody has done something."""
    path = ours(sheet(), tmp_path)
    with pikepdf.open(path) as pdf:
        change(pdf)
        pdf.save(tmp_path / "changed.pdf", object_stream_mode=pikepdf.ObjectStreamMode.disable, preserve_pdfa=False)
    return tmp_path / "changed.pdf"


def test_a_page_of_ours_passes(tmp_path):
    assert codes(ours(sheet(), tmp_path)) == set()


def hidden(canvas: Canvas) -> None:
    text = canvas.beginText(100, 100)
    text.setTextRenderMode(3)
    text.textOut(OTHERS)
    canvas.drawText(text)


def white(canvas: Canvas) -> None:
    canvas.setFillColorRGB(1, 1, 1)
    canvas.drawString(100, 100, OTHERS)


def clipped(canvas: Canvas) -> None:
    path = canvas.beginPath()
    path.rect(0, 0, 1, 1)
    canvas.clipPath(path)
    canvas.drawString(100, 100, OTHERS)


def spaced(canvas: Canvas) -> None:
    canvas.drawString(100, 100, "S i â n   G r i f f i t h")


DRAWN: dict[str, Callable[[Canvas], None]] = {
    "drawn": lambda canvas: canvas.drawString(100, 100, OTHERS),
    "in capitals, family name first": lambda canvas: canvas.drawString(100, 100, "GRIFFITH, SIAN"),
    "former name": lambda canvas: canvas.drawString(100, 100, "Sian Evans"),
    "number": lambda canvas: canvas.drawString(100, 100, "see p2002"),
    "contract": lambda canvas: canvas.drawString(100, 100, "501006"),
    "short contract": lambda canvas: canvas.drawString(100, 100, "Contract no. 12"),
    "invisible": hidden,
    "white": white,
    "clipped": clipped,
    "beside the page": lambda canvas: canvas.drawString(-900, 100, OTHERS),
    "tiny": lambda canvas: (canvas.setFont("Helvetica", 0.1), canvas.drawString(100, 100, OTHERS))[-1],
    "letter by letter": spaced,
    "form field": lambda canvas: canvas.acroForm.textfield(name="a", value="Sian Griffith", x=100, y=100, width=200, height=20),
}


@pytest.mark.parametrize("how", DRAWN)
def test_what_is_drawn_is_found_however_it_is_drawn(how, tmp_path):
    assert codes(ours(sheet(DRAWN[how]), tmp_path)) == {"other-payee"}


@pytest.mark.parametrize("how", ["outline", "title", "link", "attachment", "unused", "page piece", "mark"])
def test_what_is_not_drawn_stays_behind(how, tmp_path):
    def unseen(canvas: Canvas) -> None:
        if how == "outline":
            canvas.bookmarkPage("x")
            canvas.addOutlineEntry(OTHERS, "x")
        elif how == "title":
            canvas.setTitle(OTHERS)
            canvas.setKeywords([OTHERS])
        elif how == "link":
            canvas.linkURL(f"https://example.org/{OTHERS}", (0, 0, 9, 9))

    pdf = sheet(unseen)
    page = pdf.pages[0]
    if how == "attachment":
        pdf.attachments["a.txt"] = OTHERS.encode()
    elif how == "unused":
        page.resources["/XObject"] = pikepdf.Dictionary(X=pdf.make_stream(b"BT (Sian Griffith) Tj ET", Subtype=pikepdf.Name.Form))
    elif how == "page piece":
        page.obj["/PieceInfo"] = pikepdf.Dictionary(A=pikepdf.String(OTHERS))
        page.obj["/Metadata"] = pdf.make_stream(OTHERS.encode())
    elif how == "mark":
        page.contents_add(b"/Span <</ActualText (Sian Griffith)>> BDC EMC")
    path = ours(pdf, tmp_path)
    assert codes(path) == set()
    assert b"riffith" not in b"".join(one.read_bytes() for one in pikepdf.open(path).objects if isinstance(one, pikepdf.Stream))


def packed(pdf: pikepdf.Pdf) -> None:
    """A drawn picture whose bytes nobody can unpack."""
    picture = pdf.make_stream(b"", Subtype=pikepdf.Name.Image, Width=1, Height=1, BitsPerComponent=8, ColorSpace=pikepdf.Name.DeviceGray)
    picture.write(OTHERS.encode()[::-1], filter=pikepdf.Name.FlateDecode)
    pdf.pages[0].resources["/XObject"] = pikepdf.Dictionary(P=picture)
    pdf.pages[0].contents_add(b"/P Do")


def rewritten(pdf: pikepdf.Pdf, how: str) -> None:
    page = pdf.pages[0]
    stream = pdf.make_stream(b"/Anything", Type=pikepdf.Name.Metadata)
    text = pikepdf.String(OTHERS)
    changes: dict[str, Callable[[], None]] = {
        "metadata": lambda: pdf.Root.__setitem__("/Metadata", stream),
        "title": lambda: pdf.docinfo.__setitem__("/Title", text),
        "attachment": lambda: pdf.attachments.__setitem__("a.txt", b"anything"),
        "annotation": lambda: page.obj.__setitem__("/Annots", pikepdf.Array([pikepdf.Dictionary(Subtype=pikepdf.Name.Text)])),
        "outline": lambda: pdf.Root.__setitem__("/Outlines", pikepdf.Dictionary()),
        "carried form": lambda: page.resources.__setitem__(
            "/XObject", pikepdf.Dictionary(X=pdf.make_stream(b"q Q", Subtype=pikepdf.Name.Form, BBox=[0, 0, 1, 1]))
        ),
        "string": lambda: page.resources.__setitem__("/ExtGState", pikepdf.Dictionary(G=pikepdf.Dictionary(Note=text))),
        "packed picture": lambda: packed(pdf),
        "javascript": lambda: pdf.Root.__setitem__("/OpenAction", pikepdf.Dictionary(S=pikepdf.Name.JavaScript)),
        "actual text": lambda: page.contents_add(b"/Span <</ActualText (Sian Griffith)>> BDC EMC"),
    }
    changes[how]()


@pytest.mark.parametrize(
    "how",
    ["metadata", "title", "attachment", "annotation", "outline", "carried form", "string", "javascript", "actual text", "packed picture"],
)
def test_what_nobody_sees_is_found_in_a_file_that_is_not_ours_any_more(how, tmp_path):
    assert codes(changed(tmp_path, lambda pdf: rewritten(pdf, how)))


def test_earlier_versions_bytes_behind_the_end_and_unused_objects_do_not_leave(tmp_path):
    whole = ours(sheet(), tmp_path).read_bytes()
    behind, twice, loose = tmp_path / "behind.pdf", tmp_path / "twice.pdf", tmp_path / "loose.pdf"
    behind.write_bytes(whole + b"% anything\n")
    twice.write_bytes(whole + b"\nstartxref\n9\n%%EOF\n")
    at = whole.index(b"xref\n")
    loose.write_bytes(whole[:at] + b"99 0 obj\n(Sian Griffith)\nendobj\n" + whole[at:])
    assert {"not-checkable"} == codes(behind) == codes(twice)
    assert codes(loose)  # an object that the table of objects does not know


def test_an_encrypted_or_broken_pdf_and_a_page_without_text_can_not_be_checked(tmp_path):
    pdf, path = sheet(), tmp_path / "x.pdf"
    pdf.save(path, encryption=pikepdf.Encryption(owner="a", user=""))
    assert codes(path) == {"not-checkable"}
    path.write_bytes(b"%PDF-1.4\nnothing")
    assert codes(path) == {"not-checkable"}
    with pikepdf.new() as blank:
        blank.add_blank_page()
        blank.save(path)
    assert "not-checkable" in codes(path)


def test_tables_manifests_and_zips_are_opened_to_their_last_member(tmp_path):
    table, told, packed = tmp_path / "a.csv", tmp_path / "manifest.json", tmp_path / "a.zip"
    table.write_text("Payee,Work\nAdaeze Okonkwo,A book\nAdaeze Okonkwo,by Sian Griffith\n")
    told.write_text('{"files": [{"name": "P-1001.pdf"}, {"sealed": {"name": "p2002_x.pdf"}}]}')
    for member, content, comment in (("Siân Griffith.txt", b"", b""), ("a.txt", OTHERS.encode(), b""), ("a.txt", b"", OTHERS.encode())):
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr(member, content)
            archive.comment = comment
        assert "other-payee" in codes(packed, "a.zip")
    inner = io.BytesIO(packed.read_bytes())
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("inner.zip", inner.getvalue())
    assert "other-payee" in codes(packed, "a.zip")
    assert {"other-payee"} == codes(table, "a.csv") == codes(told, "manifest.json")
    assert codes(table, "P-2002.csv") == {"other-payee"}
    table.write_bytes(b"Payee\n\x00\xff")
    assert codes(table, "a.csv") == {"not-checkable"}


def test_a_person_may_let_somebody_be_named_and_other_statements_of_the_export_count_as_well(tmp_path):
    path = ours(sheet(lambda canvas: canvas.drawString(100, 100, f"With {OTHERS}; see S-26H1-77")), tmp_path)
    mine, let = frozenset({"P-1001", "statement 1"}), frozenset({"P-1001", "P-2002", "statement 1"})
    assert codes(path, watch=Watch(marks_of(LIST), let)) == set()
    assert codes(path, watch=Watch(marks_of(LIST, [("statement 2", Other(number="S-26H1-77"))]), let)) == {"other-payee"}
    assert codes(path, watch=Watch(marks_of(LIST, [("statement 1", Other(number="S-26H1-77"))]), let)) == set()
    assert codes(path, watch=Watch(marks_of(LIST, [("statement 1", Other(OTHERS))]), mine)) == {"other-payee"}  # the list decides
    assert codes(path, watch=Watch(marks_of(LIST), None)) == set()


def test_our_own_hides_what_is_inside_it_and_nothing_else():
    told = {"Ann Lee": "x", "Jo Griffith": "y", "Ann Lee Smith": "mine", "Griffith": "mine"}
    marks = names.Marks([names.Mark(row, whose, whose) for name, whose in told.items() for row in names.of_name(name)])
    found = {text: marks.found(text, {"mine"}) for text in ("Ann Lee Smith's book", "Ann Lee", "Jo Griffith", "Joann Leeds", "jogri-ffith")}
    assert found == {"Ann Lee Smith's book": set(), "Ann Lee": {"x"}, "Jo Griffith": {"y"}, "Joann Leeds": set(), "jogri-ffith": {"y"}}


@given(st.text(alphabet=st.characters(categories=["Lu", "Ll", "Mn", "Zs", "Pd"]), min_size=1, max_size=30))
def test_a_name_is_found_in_any_text_that_holds_it(name):
    rows = [names.Mark(row, "x", "x") for row in names.of_name(name)]
    marks = names.Marks(rows)
    if rows:
        assert marks.found(f"paid to {name}. Total", ()) == {"x"}
        assert marks.found(f"({name.upper()})", ()) == {"x"} or names.words(name.upper()) != names.words(name)
        assert marks.found(name, {"x"}) == set()
