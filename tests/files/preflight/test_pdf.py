"""Measuring on the page: pictures through nested forms, boxes, page counts, colours that are painted and those that aren't."""

from __future__ import annotations

import io
import math
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pikepdf import Array, Dictionary, Name
from PIL import Image

from include.files.preflight import Expected, spine_mm
from include.files.preflight.pages import isbns_in, listed
from include.files.preflight.painted import IDENTITY, Placed, times
from include.files.preflight.pdf import check_pdf
from tests.files import makers

TEXT = Expected(part="text", isbn=makers.ISBN, pages=16, trim_mm=(129, 198), bleed_mm=3, colour="cmyk", min_dpi=300, min_dpi_bitmap=600)


def page_of(content: bytes, *, unit: float = 1, size: tuple[float, float] = (400, 600), **resources: Any) -> pikepdf.Pdf:
    """One page with this content stream; streams among the resources are made with `stream`."""
    pdf = pikepdf.new()
    page = pdf.add_blank_page(page_size=size)
    page.obj.TrimBox = Array([0, 0, *size])
    if unit != 1:
        page.obj.UserUnit = unit
    page.obj.Contents = pdf.make_stream(content)
    page.obj.Resources = Dictionary(**{
        kind: Dictionary(**{name: make(pdf) for name, make in made.items()}) for kind, made in resources.items()
    })
    return pdf


def gray(width: int, height: int, **more: Any) -> Any:
    return lambda pdf: pdf.make_stream(
        bytes(width * height),
        **(
            {
                "Type": Name.XObject,
                "Subtype": Name.Image,
                "Width": width,
                "Height": height,
                "ColorSpace": Name.DeviceGray,
                "BitsPerComponent": 8,
            }
            | more
        ),
    )


def form(content: bytes, matrix: tuple[float, ...] | None = None, **inside: Any) -> Any:
    def make(pdf: pikepdf.Pdf) -> Any:
        made = {kind: Dictionary(**{name: one(pdf) for name, one in group.items()}) for kind, group in inside.items()}
        more = {"Matrix": Array(list(matrix))} if matrix else {}
        return pdf.make_stream(
            content, Type=Name.XObject, Subtype=Name.Form, BBox=Array([-1000, -1000, 1000, 1000]), Resources=Dictionary(**made), **more
        )

    return make


def checked(pdf: pikepdf.Pdf, expected: Expected | None = None) -> tuple[list[str], dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "page.pdf"
        pdf.save(path)
        findings, facts = check_pdf(path, expected or Expected())
    return [one.code for one in findings], facts


# --- resolution


def test_resolution_on_the_page() -> None:
    codes, facts = checked(page_of(b"q 72 0 0 72 50 50 cm /I Do Q", XObject={"I": gray(200, 200)}), Expected(min_dpi=300))
    assert (codes, facts["lowest_dpi"]) == (["image-dpi-low"], 200)


def test_resolution_is_that_of_the_worse_direction() -> None:
    assert checked(page_of(b"q 72 0 0 36 50 50 cm /I Do Q", XObject={"I": gray(300, 50)}))[1]["lowest_dpi"] == 100


def test_resolution_of_a_turned_picture() -> None:
    cosine, sine = 72 * math.cos(0.7), 72 * math.sin(0.7)
    content = f"q {cosine} {sine} {-sine} {cosine} 150 150 cm /I Do Q".encode()
    assert checked(page_of(content, XObject={"I": gray(300, 300)}))[1]["lowest_dpi"] == 300


def test_resolution_through_forms_in_forms() -> None:
    """½ by the page, ½ by the form's matrix, twice by its content, twice by the inner form: as large as it is."""
    inner = form(b"2 0 0 2 0 0 cm q 72 0 0 72 0 0 cm /I Do Q", XObject={"I": gray(300, 300)})
    outer = form(b"q 2 0 0 2 0 0 cm /F Do Q", (0.5, 0, 0, 0.5, 0, 0), XObject={"F": inner})
    assert checked(page_of(b"q .5 0 0 .5 50 50 cm /F Do Q", XObject={"F": outer}))[1]["lowest_dpi"] == 300


def test_one_form_at_two_sizes_is_measured_at_each() -> None:
    shared = form(b"q 72 0 0 72 0 0 cm /I Do Q", XObject={"I": gray(300, 300)})
    codes, facts = checked(page_of(b"q 1 0 0 1 9 9 cm /F Do Q q 3 0 0 3 90 90 cm /F Do Q", XObject={"F": shared}), Expected(min_dpi=300))
    assert (codes, facts["lowest_dpi"]) == (["image-dpi-too-low"], 100)


def test_user_unit_enlarges_everything() -> None:
    codes, facts = checked(page_of(b"q 72 0 0 72 50 50 cm /I Do Q", unit=2, XObject={"I": gray(300, 300)}))
    assert facts["lowest_dpi"] == 150
    assert facts["trim_mm"] == [282.2, 423.3]
    assert codes == []


def test_inline_pictures_are_measured() -> None:
    content = b"q 72 0 0 72 50 50 cm BI /W 36 /H 36 /CS /G /BPC 8 ID " + bytes(36 * 36) + b" EI Q"
    assert checked(page_of(content))[1]["lowest_dpi"] == 36


def test_pictures_of_patterns_are_measured_where_the_pattern_is_used() -> None:
    def pattern(pdf: pikepdf.Pdf) -> Any:
        return pdf.make_stream(
            b"q 72 0 0 72 0 0 cm /I Do Q",
            Type=Name.Pattern, PatternType=1, PaintType=1, TilingType=1, BBox=Array([0, 0, 72, 72]), XStep=72, YStep=72,
            Resources=Dictionary(XObject=Dictionary(I=gray(150, 150)(pdf))),
        )  # fmt: skip

    used, unused = b"/Pattern cs /P scn 0 0 300 300 re f", b"/Pattern cs /P scn"
    assert checked(page_of(used, Pattern={"P": pattern}))[1]["lowest_dpi"] == 150
    assert "lowest_dpi" not in checked(page_of(unused, Pattern={"P": pattern}))[1]


def test_bitmaps_have_a_threshold_of_their_own() -> None:
    bitmap = gray(400, 400, BitsPerComponent=1)
    expected = Expected(min_dpi=300, min_dpi_bitmap=600)
    assert checked(page_of(b"q 72 0 0 72 50 50 cm /I Do Q", XObject={"I": bitmap}), expected)[0] == ["image-dpi-low"]
    mask = gray(700, 700, BitsPerComponent=1, ImageMask=True)
    assert checked(page_of(b"q 72 0 0 72 50 50 cm /I Do Q", XObject={"I": mask}), expected)[0] == []


def test_what_is_not_printed_is_not_measured() -> None:
    outside = b"q 72 0 0 72 500 50 cm /I Do Q"
    tiny = b"q 72 0 0 72 50 50 cm /T Do Q"
    flat = b"q 0 0 0 0 50 50 cm /I Do Q"
    codes, facts = checked(page_of(outside + tiny + flat, XObject={"I": gray(20, 20), "T": gray(4, 300)}), Expected(min_dpi=300))
    assert codes == []
    assert "lowest_dpi" not in facts


@given(st.tuples(*[st.floats(-4, 4)] * 6), st.tuples(*[st.floats(-4, 4)] * 6), st.tuples(*[st.floats(-4, 4)] * 6))
def test_matrices_associate(one: Any, two: Any, three: Any) -> None:
    left, right = times(times(one, two), three), times(one, times(two, three))
    assert all(math.isclose(a, b, abs_tol=1e-6) for a, b in zip(left, right, strict=True))
    assert times(one, IDENTITY) == times(IDENTITY, one) == pytest.approx(one)


@given(st.floats(0, math.tau), st.integers(20, 5000), st.floats(1, 500))
def test_turning_a_picture_leaves_its_resolution(angle: float, pixels: int, side: float) -> None:
    turned = (side * math.cos(angle), side * math.sin(angle), -side * math.sin(angle), side * math.cos(angle), 0.0, 0.0)
    assert Placed(pixels, pixels, False, turned).dpi() == pytest.approx(pixels / side * 72)


# --- colours


def separation(name: str) -> Any:
    def make(pdf: pikepdf.Pdf) -> Any:
        tint = Dictionary(FunctionType=2, Domain=Array([0, 1]), C0=Array([0, 0, 0, 0]), C1=Array([0, 1, 1, 0]), N=1)
        return pdf.make_indirect(Array([Name.Separation, Name("/" + name), Name.DeviceCMYK, tint]))

    return make


@pytest.mark.parametrize(
    ("content", "want"),
    [
        (b"0 0 0 1 k 9 9 9 9 re f", ["black"]),
        (b"0 0 0 1 K 9 9 9 9 re S", ["black"]),
        (b"0 1 0 0 k 9 9 9 9 re f", ["cmyk"]),
        (b".5 g 9 9 9 9 re f", ["gray"]),
        (b"1 0 0 rg", []),
        (b"1 0 0 rg 9 9 9 9 re S", []),
        (b"1 0 0 rg q 0 0 0 1 k 9 9 9 9 re f Q", ["black"]),
        (b"1 0 0 rg q 0 0 0 1 k Q 9 9 9 9 re f", ["rgb"]),
        (b"1 0 0 RG 0 0 0 1 k 9 9 9 9 re B", ["black", "rgb"]),
        (b"/DeviceRGB cs 9 9 9 9 re f", ["rgb"]),
        (b"/DeviceCMYK cs 9 9 9 9 re f", ["black"]),
        (b"1 0 0 rg BT 3 Tr /F 9 Tf (unseen) Tj ET", []),
        (b"1 0 0 rg BT /F 9 Tf (seen) Tj ET", ["rgb"]),
        (b"1 0 0 RG BT 1 Tr /F 9 Tf (outlined) Tj ET", ["rgb"]),
        (b"1 0 0 rg /M Do", ["rgb"]),
        (b"1 0 0 rg /Bare Do", ["rgb"]),
        (b"1 0 0 rg /Own Do", ["black"]),
    ],
)  # fmt: skip
def test_only_what_is_painted_has_a_colour(content: bytes, want: list[str]) -> None:
    pdf = page_of(
        content,
        XObject={
            "M": gray(20, 20, BitsPerComponent=1, ImageMask=True),
            "Bare": form(b"9 9 9 9 re f"),
            "Own": form(b"0 0 0 1 k 9 9 9 9 re f"),
        },
    )
    assert checked(pdf)[1]["colours"] == want


def test_spot_colours_are_named_and_may_be_ordered() -> None:
    pdf = page_of(b"/S cs 1 scn 9 9 9 9 re f", ColorSpace={"S": separation("PANTONE 485 C")})
    assert checked(pdf, Expected(colour="cmyk"))[0] == ["colour-spots"]
    assert checked(pdf, Expected(colour="cmyk", spots=("PANTONE 485 C",))) == ([], checked(pdf)[1])
    assert checked(pdf)[1]["spots"] == ["PANTONE 485 C"]


@pytest.mark.parametrize(("name", "colours"), [("All", []), ("None", []), ("Black", ["black"]), ("Cyan", ["cmyk"])])
def test_process_inks_and_registration_are_no_spot_colours(name: str, colours: list[str]) -> None:
    codes, facts = checked(page_of(b"/S cs 1 scn 9 9 9 9 re f", ColorSpace={"S": separation(name)}), Expected(colour="cmyk"))
    assert codes == []
    assert facts["colours"] == colours


def test_rgb_picture_within_a_form_is_found() -> None:
    picture = gray(40, 40, ColorSpace=Name.DeviceRGB)
    pdf = page_of(b"/F Do", XObject={"F": form(b"q 9 0 0 9 0 0 cm /I Do Q", XObject={"I": picture})})
    assert checked(pdf, Expected(colour="cmyk"))[0] == ["colour-rgb"]


# --- fonts, PDF/X, what pages inherit


def helvetica(pdf: pikepdf.Pdf) -> Any:
    return pdf.make_indirect(Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica))


def test_fonts_of_forms_and_patterns_are_looked_at() -> None:
    letters = b"BT /H 9 Tf (letters) Tj ET"
    nested = form(b"/F Do", XObject={"F": form(letters, Font={"H": helvetica})})
    assert checked(page_of(b"/F Do", XObject={"F": nested}))[0] == ["fonts-missing"]

    def pattern(pdf: pikepdf.Pdf) -> Any:
        return pdf.make_stream(
            letters, Type=Name.Pattern, PatternType=1, PaintType=1, TilingType=1, BBox=Array([0, 0, 72, 72]), XStep=72, YStep=72,
            Resources=Dictionary(Font=Dictionary(H=helvetica(pdf))),
        )  # fmt: skip

    assert checked(page_of(b"/Pattern cs /P scn 0 0 300 300 re f", Pattern={"P": pattern}))[0] == ["fonts-missing"]


def test_a_font_that_no_letter_uses_needs_no_embedding() -> None:
    assert checked(page_of(b"BT /H 9 Tf ET", Font={"H": helvetica}))[0] == []


def test_a_form_without_resources_takes_those_of_the_page() -> None:
    pdf = page_of(b"/F Do", XObject={"F": form(b"BT /H 9 Tf (letters) Tj ET")}, Font={"H": helvetica})
    del pdf.pages[0].obj.Resources.XObject.F["/Resources"]
    assert checked(pdf)[0] == ["fonts-missing"]


@pytest.mark.parametrize(
    ("version", "conformance", "want"),
    [
        ("PDF/X-1:2001", "PDF/X-1a:2001", "PDF/X-1a"),
        ("PDF/X-1a:2003", "", "PDF/X-1a"),
        ("PDF/X-3:2002", "", "PDF/X-3"),
        ("PDF/X-4", "", "PDF/X-4"),
        ("PDF/X-4p", "", "PDF/X-4"),
        ("", "", ""),
    ],
)
def test_pdfx_key_in_the_document_information(version: str, conformance: str, want: str) -> None:
    pdf = page_of(b"")
    pdf.docinfo["/GTS_PDFXVersion"], pdf.docinfo["/GTS_PDFXConformance"] = version, conformance
    assert checked(pdf)[1].get("pdfx", "") == want


def test_pdfx_key_in_the_xmp_metadata() -> None:
    pdf = page_of(b"")
    with pdf.open_metadata() as meta:
        meta["pdfxid:GTS_PDFXVersion"] = "PDF/X-4"
    assert checked(pdf)[1]["pdfx"] == "PDF/X-4"


def test_pages_inherit_boxes_resources_and_rotation() -> None:
    pdf = page_of(b"BT /H 9 Tf (letters) Tj ET", Font={"H": helvetica})
    page = pdf.pages[0].obj
    for name, value in (("/MediaBox", page.MediaBox), ("/Resources", page.Resources), ("/Rotate", 90)):
        pdf.Root.Pages[name] = value
        if name in page:
            del page[name]
    codes, facts = checked(pdf, Expected(part="text"))
    assert {*codes} == {"fonts-missing", "pages-rotated", "pages-uneven"}
    assert facts["media_mm"] == [141.1, 211.7]


# --- pages and boxes


@pytest.mark.parametrize(
    ("extent", "pages", "want"),
    [
        (16, 16, []),
        (15, 16, []),
        (10, 16, []),
        (8, 16, []),
        (7, 16, ["pages-differ"]),
        (18, 16, ["pages-differ"]),
        (17, 16, ["pages-differ"]),
    ],
)
def test_page_count_against_extent(tmp_path: Path, extent: int, pages: int, want: list[str]) -> None:
    path = makers.pdf(tmp_path / "a.pdf", pages=pages)
    assert [one.code for one in check_pdf(path, replace(TEXT, pages=extent))[0]] == want


def test_blank_pages_at_the_end_fill_a_signature(tmp_path: Path) -> None:
    def more(pdf: pikepdf.Pdf) -> None:
        for _ in range(16):
            page = pdf.add_blank_page(page_size=(float(pdf.pages[0].mediabox[2]), float(pdf.pages[0].mediabox[3])))
            page.obj.TrimBox, page.obj.BleedBox = pdf.pages[0].obj.TrimBox, pdf.pages[0].obj.BleedBox

    path = makers.pdf(tmp_path / "a.pdf", change=more)
    findings, facts = check_pdf(path, TEXT)
    assert findings == []
    assert (facts["pages"], facts["blank_pages"]) == (32, 16)


def test_inner_edge_needs_no_bleed_but_outer_edges_do(tmp_path: Path) -> None:
    def cut(sides: tuple[float, float, float, float]) -> Any:
        def change(pdf: pikepdf.Pdf) -> None:
            for page in pdf.pages:
                box = [float(one) for one in page.obj.BleedBox]
                page.obj.BleedBox = Array([one + side * makers.MM for one, side in zip(box, sides, strict=True)])

        return change

    inner, above = cut((3, 0, 0, 0)), cut((0, 0, 0, -3))
    assert check_pdf(makers.pdf(tmp_path / "a.pdf", change=inner), TEXT)[0] == []
    assert [one.code for one in check_pdf(makers.pdf(tmp_path / "a.pdf", change=above), TEXT)[0]] == ["bleed-small"]


def test_a_missing_bleed_box_is_no_harm_where_there_is_room(tmp_path: Path) -> None:
    def without(pdf: pikepdf.Pdf) -> None:
        for page in pdf.pages:
            del page.obj["/BleedBox"]

    assert check_pdf(makers.pdf(tmp_path / "a.pdf", change=without), TEXT)[0] == []


@pytest.mark.parametrize(
    ("width", "height", "expected", "want"),
    [
        (2 * 129 + 20, 198, Expected(part="cover", trim_mm=(129, 198), spine_mm=20), []),
        (2 * 129 + 20.9, 198, Expected(part="cover", trim_mm=(129, 198), spine_mm=20), []),
        (2 * 129 + 22, 198, Expected(part="cover", trim_mm=(129, 198), spine_mm=20), ["spine-differs"]),
        (2 * 129 + 22, 198, Expected(part="cover", trim_mm=(129, 198)), []),
        (2 * 129 - 9, 198, Expected(part="cover", trim_mm=(129, 198), spine_mm=20), ["trim-differs"]),
        (2 * 129 + 20, 205, Expected(part="cover", trim_mm=(129, 198), spine_mm=20), ["trim-differs"]),
        (2 * 162 + 36 + 200, 246, Expected(part="jacket", trim_mm=(156, 234), board_mm=6, flap_mm=100, spine_mm=36), []),
        (2 * 156 + 36 + 200, 234, Expected(part="jacket", trim_mm=(156, 234), flap_mm=100, spine_mm=30), ["spine-differs"]),
        (2 * 156 + 36 + 200, 234, Expected(part="jacket", trim_mm=(156, 234), spine_mm=36), ["spine-unchecked"]),
        (300, 234, Expected(part="jacket", trim_mm=(156, 234), spine_mm=36), ["trim-differs"]),
        (129, 198, Expected(part="other", trim_mm=(156, 234)), []),
    ],
)  # fmt: skip
def test_spine_and_size_of_what_is_flat(tmp_path: Path, width: float, height: float, expected: Expected, want: list[str]) -> None:
    path = makers.pdf(tmp_path / "a.pdf", pages=1, trim=(width, height))
    assert [one.code for one in check_pdf(path, expected)[0]] == want


def test_spine_by_the_paper() -> None:
    assert spine_mm(320, 80, 18) == 23.04  # 320 pages of 80 g/m², volume 18
    assert spine_mm(0, 80, 18) == 0


# --- ISBN


@pytest.mark.parametrize(
    "text",
    ["ISBN 978-0-306-40615-7", "9780306406157", "9 780306 406157", "978 0 306 40615 7", "ISBN-13:978–0–306–40615–7", "x9780306406157y"],
)
def test_isbn_as_it_is_printed(text: str) -> None:
    assert isbns_in(text) == ((makers.ISBN,), ())


@pytest.mark.parametrize("text", ["19780306406157", "97803064061571", "978 0 306", "4006381333931", "9790306406157 978030640615"])
def test_what_is_no_isbn(text: str) -> None:
    assert isbns_in(text)[0] == ()


def test_imprint_page_with_all_formats_is_right(tmp_path: Path) -> None:
    def add(canvas: Any, number: int) -> None:
        if number == 4:
            canvas.drawString(60, 200, f"e-book ISBN {makers.OTHER_ISBN}")

    findings, facts = check_pdf(makers.pdf(tmp_path / "a.pdf", paint=add), TEXT)
    assert findings == []
    assert {*facts["printed_isbns"]} == {makers.ISBN, makers.OTHER_ISBN}


def test_another_formats_isbn_alone_is_wrong_and_said_so(tmp_path: Path) -> None:
    path = makers.pdf(tmp_path / "a.pdf", isbn=makers.OTHER_ISBN)
    (finding,) = check_pdf(path, replace(TEXT, isbns=(makers.OTHER_ISBN,)))[0]
    assert finding.code == "isbn-wrong"
    assert "another format" in finding.message


# --- hostile and huge


def test_a_form_that_holds_itself_ends() -> None:
    pdf = page_of(b"/F Do", XObject={"F": form(b"/F Do 0 1 0 0 k 9 9 9 9 re f")})
    inner = pdf.pages[0].obj.Resources.XObject.F
    inner.Resources = Dictionary(XObject=Dictionary(F=inner))
    assert checked(pdf)[1]["colours"] == ["cmyk"]


def test_pictures_multiplied_by_forms_are_bounded() -> None:
    made = form(b"q 72 0 0 72 0 0 cm /I Do Q", XObject={"I": gray(300, 300)})
    for _ in range(12):
        made = form(b"/F Do " * 8, XObject={"F": made})
    began = time.process_time()
    codes, _ = checked(page_of(b"/F Do", XObject={"F": made}))
    assert codes == ["pdf-too-complex"]
    assert time.process_time() - began < 20


@pytest.mark.parametrize(
    "content",
    [
        b"q " * 200_000,
        b"Q " * 1000,
        b"1 0 0 cm /X Do /Y gs /Z Tf",
        b"\xff\x00\x9b (((",
        b"BI /W 10 /H ID",
        b"<< /A << /B",
        b"/Pattern cs /P scn f",
    ],
)
def test_nonsense_in_content_streams_never_raises(content: bytes) -> None:
    assert checked(page_of(content), replace(TEXT, isbn=""))[1]["pages"] == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [("TrimBox", Array([0, 0, 1])), ("TrimBox", Name.Oops), ("Resources", Array([])), ("Annots", Name.Oops), ("Rotate", Name.Oops),
     ("UserUnit", pikepdf.String("big")), ("Contents", Name.Oops), ("MediaBox", Array([0, 0, 0, 0]))],
)  # fmt: skip
def test_wrong_types_in_pages_never_raise(name: str, value: Any) -> None:
    pdf = page_of(b"0 0 0 1 k 9 9 9 9 re f")
    pdf.pages[0].obj[f"/{name}"] = value
    codes, _ = checked(pdf, replace(TEXT, isbn=""))
    assert codes


@pytest.mark.long
def test_two_thousand_pages_in_reasonable_time(tmp_path: Path) -> None:
    path = makers.pdf(tmp_path / "a.pdf", pages=2000)
    began = time.process_time()
    assert check_pdf(path, replace(TEXT, pages=2000))[0] == []
    assert time.process_time() - began < 10


def test_long_lists_of_pages_are_short() -> None:
    assert listed([3]) == "page 3"
    assert listed([5, 3, 4, 9]) == "pages 3–5, 9"
    assert listed(range(1, 100, 2)) == "pages 1, 3, 5, 7, 9, 11, 13, 15 and 42 more"


def test_pictures_in_jpeg_keep_their_measures(tmp_path: Path) -> None:
    made = io.BytesIO()
    Image.new("CMYK", (600, 400)).save(made, "JPEG")
    pdf = page_of(b"q 144 0 0 96 50 50 cm /I Do Q")
    pdf.pages[0].obj.Resources = Dictionary(
        XObject=Dictionary(
            I=pdf.make_stream(
                made.getvalue(), Type=Name.XObject, Subtype=Name.Image, Width=600, Height=400, BitsPerComponent=8,
                ColorSpace=Name.DeviceCMYK,
                Filter=Name.DCTDecode,
            )
        )
    )  # fmt: skip
    codes, facts = checked(pdf, Expected(colour="cmyk", min_dpi=300))
    assert (codes, facts["lowest_dpi"], facts["colours"]) == ([], 300, ["cmyk"])
