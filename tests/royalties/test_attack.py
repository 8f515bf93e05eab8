"""Ways in which a statement could reach somebody else, tried."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pikepdf import Array, Dictionary, Name, Pdf, Stream
from PIL import Image, ImageDraw
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from include.errors import RejectedData
from include.partners import load_party
from include.royalties import match, names, sheets
from include.royalties.alike import still_shows
from include.royalties.check import marks_of
from include.royalties.cut import Cutter
from include.royalties.payees import parse
from include.royalties.statements import Said
from tests.royalties.exports import codes as held_for
from tests.royalties.exports import found_in
from tests.royalties.test_check import OTHERS, codes, ours, sheet

HEADER = "Payee number,Payee,Statement,Period,Contract,Work,ISBN,Channel,Units,Net receipts,Rate,Royalty,Payable,Currency\n"
MINE, STRANGER = ("P-1001", "Adaeze Okonkwo"), ("P-77", "New Person")


def row(whose: tuple[str, str], work: str, number: str = "S-1") -> str:
    return f"{whose[0]},{whose[1]},{number},2026,,{work},,Home trade,1,1.00,10,0.10,0.10,GBP\n"


def letters(picture: str = OTHERS, width: int = 600, height: int = 90) -> Image.Image:
    image = Image.new("L", (width, height), 255)
    ImageDraw.Draw(image).text((5, 5), picture, fill=0)
    return image


# --- tables


def test_an_open_quote_takes_nobodys_rows_into_anybodys_statement(store, tmp_path):
    text = HEADER + row(MINE, '"open') + row(STRANGER, "x", "S-2") + row(MINE, 'closed"')
    [one] = found_in(store, tmp_path, "a.csv", text.encode())  # in the list is no stranger, so no name would tell
    assert (one.payee, held_for(one)) == (None, ["nobody"])
    with pytest.raises(RejectedData, match="line 2"):
        found_in(store, tmp_path, "b.csv", (HEADER + row(MINE, '"An "open" title') + row(STRANGER, "x")).encode())
    [fine] = found_in(store, tmp_path, "c.csv", (HEADER + row(MINE, '"A title\nin two, or three,\nlines"')).encode())
    assert (fine.payee.id, fine.reasons) == ("P-1001", ())


@pytest.mark.parametrize(
    "content",
    [
        HEADER.encode() + row(MINE, "by Tomasz Wróbel").encode() + row(MINE, "café").encode("windows-1252"),
        HEADER.encode() + row(MINE, "\x81").encode("latin-1"),
        b"\xef\xbb\xbf" + HEADER.encode() + row(MINE, "café").encode("latin-1"),
        b"\xff\xfe" + (HEADER + row(MINE, "x")).encode("utf-16-le") + b"a",
    ],
    ids=["two encodings", "none", "marked as another", "half a letter"],
)
def test_a_table_whose_letters_are_not_what_they_are_is_refused_as_data(content, store, tmp_path):
    with pytest.raises(RejectedData):
        found_in(store, tmp_path, "a.csv", content)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "windows-1252", "utf-16"])
def test_a_table_in_one_encoding_is_read(encoding, store, tmp_path):
    [one] = found_in(store, tmp_path, "a.csv", (HEADER + row(("P-1002", "Zoë Müller-Offley"), "x")).encode(encoding))
    assert (one.payee.id, one.reasons) == ("P-1002", ())


# --- pages


def form(pdf: Pdf, content: bytes, **entries: object) -> Stream:
    return pdf.make_stream(content, Type=Name.XObject, Subtype=Name.Form, BBox=Array([0, 0, 600, 800]), **entries)


def test_a_form_that_draws_what_its_page_has_shows_each_page_its_own(tmp_path):
    pdf, more = sheet(), sheet()
    pdf.pages.append(more.pages[0])
    shared = form(pdf, b"/Own Do")  # no resources: it takes the page's
    for page, text in zip(pdf.pages, (b"(Yours: 111.11) Tj", b"(Mine: 222.22) Tj"), strict=True):
        own = form(pdf, b"BT /F1 12 Tf 50 300 Td " + text + b" ET", Resources=page.resources)
        page.obj["/Resources"] = Dictionary(Font=page.resources["/Font"], XObject=Dictionary(Own=own, Shared=shared))
        page.contents_add(b"/Shared Do")
    pdf.save(tmp_path / "two.pdf")
    given = sheets.texts(tmp_path / "two.pdf")
    with Cutter(tmp_path / "two.pdf") as cutter:
        for number in (0, 1):
            cutter.cut([number], tmp_path / "one.pdf")
            assert sheets.texts(tmp_path / "one.pdf") == [given[number]]
    assert "222.22" in given[1]


def strips(canvas: Canvas) -> None:
    for at in range(10):
        canvas.drawImage(ImageReader(letters()), 20, 20 + at * 60, 555, 58)


def test_a_large_picture_in_small_strips_is_a_large_picture(tmp_path):
    assert codes(ours(sheet(strips), tmp_path)) == {"not-checkable"}
    assert codes(ours(sheet(lambda canvas: canvas.drawImage(ImageReader(letters()), 20, 700, 120, 18)), tmp_path)) == set()


def patterned(pdf: Pdf, content: bytes, **things: Stream) -> None:
    page = pdf.pages[0]
    resources = Dictionary(Font=page.resources["/Font"], XObject=Dictionary(**things))
    pattern = pdf.make_stream(
        content,
        Type=Name.Pattern,
        PatternType=1,
        PaintType=1,
        TilingType=1,
        BBox=[0, 0, 600, 800],
        XStep=600,
        YStep=800,
        Resources=resources,
    )
    page.obj["/Resources"]["/Pattern"] = Dictionary(P=pattern)
    page.contents_add(b"q /Pattern cs /P scn 0 0 600 800 re f Q")


WRITES = b"BT /F1 12 Tf 50 300 Td (S) Tj (ian G) Tj (riffith) Tj ET"


def form_in_a_pattern(pdf: Pdf) -> None:
    patterned(pdf, b"/F Do", F=form(pdf, WRITES, Resources=Dictionary(Font=pdf.pages[0].resources["/Font"])))


def picture_in_a_pattern(pdf: Pdf) -> None:
    picture = pdf.make_stream(letters().tobytes(), Subtype=Name.Image, Width=600, Height=90, BitsPerComponent=8, ColorSpace=Name.DeviceGray)
    patterned(pdf, b"600 0 0 800 0 0 cm /I Do", I=picture)


def mask(pdf: Pdf) -> None:
    page = pdf.pages[0]
    group = form(pdf, WRITES, Group=Dictionary(S=Name.Transparency), Resources=Dictionary(Font=page.resources["/Font"]))
    page.obj["/Resources"]["/ExtGState"] = Dictionary(M=Dictionary(SMask=Dictionary(S=Name.Luminosity, G=group)))
    page.contents_add(b"q /M gs 0 0 600 800 re f Q")


def font_of_numbers(pdf: Pdf) -> None:
    page = pdf.pages[0]
    glyphs = Dictionary(Type=Name.Encoding, Differences=Array([65, *(Name(f"/g{number}") for number in range(26))]))
    font = Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name("/ABCDEF+Odd"), Encoding=glyphs)
    page.obj["/Resources"]["/Font"]["/Q"] = pdf.make_indirect(font)
    page.contents_add(b"BT /Q 12 Tf 50 400 Td (ABCDEFGHIJKL) Tj ET")


@pytest.mark.parametrize("how", [form_in_a_pattern, picture_in_a_pattern, mask, font_of_numbers])
def test_what_is_drawn_where_nobody_can_read_it_does_not_leave(how: Callable[[Pdf], None], tmp_path: Path):
    pdf = sheet(lambda canvas: [canvas.drawString(30, 600 - line * 12, "Home trade, 12 copies, net 12.00") for line in range(30)])
    how(pdf)
    assert codes(ours(pdf, tmp_path)) == {"not-checkable"}


def test_what_is_cut_out_is_compared_with_the_page_that_it_was(tmp_path):
    more, plain = sheet(lambda canvas: canvas.drawString(100, 100, "Amount payable: 9.00")), sheet()
    more.pages.append(plain.pages[0])
    more.save(tmp_path / "both.pdf")
    cut = ours(sheet(), tmp_path)
    assert [still_shows(tmp_path / "both.pdf", pages, cut) for pages in ([1], [0], [0, 1])] == [True, False, False]


# --- names


@pytest.mark.parametrize(
    ("listed", "text"),
    [
        ("Zoë Müller-Offley", "for Zoe Mueller-Offley"), ("Joerg Baecker", "Jörg Bäcker"), ("Søren Å", "Soeren Aa"),
        ("Siân Griffith", "with S. Griffith"), ("Siân Griffith", "Griffith, S."), ("Jonathan Bright", "Jonathan B. Bright"),
        ("Jonathan Bright", "J. B. Bright"), ("Siân Griffith", "Si\u0430n Griffith"),
        ("Ann Lee", "Ann L-\nee"), ("Ann Lee", "Ann L\x02\r\nee"),
        ("Ann Lee", "Ann\u2028Lee"), ("Fiona Fife", "\ufb01ona \ufb01fe"), ("Ann Lee", "A\u0301nn L\u200bee"),
        ("Pat O’Brien", "Pat OBrien"),
        ("דוד לוי", "יול דוד"), ("أحمد علي", "أَحمَد علي"), ("李娜", "付款给李娜收"), ("İpek Şahin", "IPEK SAHIN"),
    ],
)  # fmt: skip
def test_a_name_is_found_in_whatever_way_it_is_written(listed, text):
    marks = names.Marks(names.Mark(row, "x", "x") for row in names.of_name(listed))
    assert marks.found(text, ()) == {"x"}
    assert marks.found(text, {"x"}) == set()


@pytest.mark.parametrize(("listed", "text"), [("Adam Bright", "A Bright Day"), ("Sarah Day", "Winter's Day"), ("Jane Bright", "S. Bright")])
def test_words_that_are_no_name_hold_nothing(listed, text):
    assert names.Marks(names.Mark(row, "x", "x") for row in names.of_name(listed)).found(text, ()) == set()


def test_a_namesake_is_not_the_payee():
    listed = parse("payee,name,also,recipient,contracts\nP-1,Anna Gross,,foxglove,501001\n")
    parties = {"foxglove": load_party("foxglove")}
    for said in (Said("Anna Groß"), Said("Anna Gross", contracts=("777777",)), Said("Anna Gross", "P-11"), Said("Anna Gros\u0455")):
        assert match.match(said, listed, parties).reasons, said
    for said in (Said("GROSS, ANNA"), Said("Anna Gross", contracts=("501001", "777777")), Said("Anna Gross", "p1", contracts=("777777",))):
        assert not match.match(said, listed, parties).reasons, said


FAMILY = parse(
    "payee,name,also,recipient,contracts\n"
    'P-1,"John Smith, Jr.",,foxglove,501\nP-2,John Smith,,merrow,502\n'
    "P-3,José Peña,,foxglove,503\nP-4,Jose Pena,,merrow,504\nP-5,J. R. Mary Jones,,foxglove,\n"
)


@pytest.mark.parametrize(
    ("said", "payee"),
    [
        (Said("John Smith"), ""), (Said("Smith, John, Jr."), ""), (Said("John Smith", contracts=("502",)), "P-2"),
        (Said("John Smith", "P-1"), ""), (Said("JOHN SMITH JR", "P-1"), "P-1"), (Said("Smith Jr., John", "P-1"), "P-1"),
        (Said("JOSE PENA"), ""), (Said("Jose Pena", "P-3"), ""), (Said("José Peña", "P-3"), "P-3"),
        (Said("J.R. Mary Jones"), "P-5"), (Said("Mary Jones"), ""),
    ],
)  # fmt: skip
def test_father_and_son_and_namesakes_but_for_an_accent_are_never_told_apart_by_name_alone(said, payee):
    found = match.match(said, FAMILY, {name: load_party(name) for name in ("foxglove", "merrow")})
    assert (found.payee.id if found.payee else "", bool(found.reasons)) == (payee, not payee)


def test_a_name_is_found_without_its_initials_and_jr_unless_that_is_somebody_else():
    marks = marks_of(FAMILY)
    assert marks.found("with Mary Jones", {"P-1"}) == {"the name of payee P-5"}
    assert marks.found("with John Smith", {"P-1"}) == {"the name of payee P-2"}
    assert marks.found("for John Smith, Jr.", {"P-1"}) == set()
