"""Clues from a file's own metadata and from sidecars, and from files that pretend to have some."""

from __future__ import annotations

import json
import zipfile
from datetime import date
from pathlib import Path
from random import Random

import pikepdf
import pytest

from include.files import clues
from include.files.model import Clues, Kind, Sniffed

EISBN, PRINT = "9781915000033", "9781915000019"
EPUB = Sniffed("application/epub+zip", ".epub", "epub")
PDF = Sniffed("application/pdf", ".pdf", "pdf")
DOCX = Sniffed("application/vnd.openxmlformats-officedocument.wordprocessingml.document", ".docx", "document")
CONTAINER = (
    '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container">'
    '<rootfiles><rootfile full-path="OPS/a.opf"/></rootfiles></container>'
)


def epub(path: Path, opf: str) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/epub+zip")
        archive.writestr("META-INF/container.xml", CONTAINER)
        archive.writestr("OPS/a.opf", opf)
    return path


def opf(*identifiers: str) -> str:
    inner = "".join(f'<dc:identifier id="i{at}">{one}</dc:identifier>' for at, one in enumerate(identifiers))
    return (
        '<package xmlns="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/" unique-identifier="i0"><metadata>'
        f"{inner}<dc:source>urn:isbn:{PRINT}</dc:source><dc:title>The Ordinary Clockmaker</dc:title>"
        "<dc:creator>Łukasz van der Velde</dc:creator></metadata></package>"
    )


def test_an_epub_names_its_own_isbn_and_not_the_printed_book_s(tmp_path: Path) -> None:
    found = clues.inside(epub(tmp_path / "a.epub", opf(f"urn:isbn:{EISBN}", "urn:uuid:1234")), EPUB, "a.epub")
    assert (found.isbns, found.kind, found.found_in) == ((EISBN,), Kind.EBOOK, ("inside",))
    assert (found.title, found.contributor) == ("The Ordinary Clockmaker", "Łukasz van der Velde")


def test_an_epub_with_a_wrong_number_says_so(tmp_path: Path) -> None:
    found = clues.inside(epub(tmp_path / "a.epub", opf("urn:isbn:9781915000034")), EPUB, "a.epub")
    assert (found.isbns, found.wrong_isbns) == ((), ("9781915000034",))


def pdf(path: Path, info: dict[str, str], xmp: dict[str, str] | None = None) -> Path:
    with pikepdf.new() as made:
        made.add_blank_page()
        for key, value in info.items():
            made.docinfo[key] = value
        if xmp:
            with made.open_metadata(set_pikepdf_as_editor=False) as metadata:
                metadata.register_xml_namespace("http://prismstandard.org/namespaces/basic/2.0/", "prism")
                for key, value in xmp.items():
                    metadata[key] = value
        made.save(path)
    return path


def test_a_pdf_s_isbn_is_read_from_fields_made_for_it(tmp_path: Path) -> None:
    assert clues.inside(pdf(tmp_path / "a.pdf", {"/ISBN": "978-1-915000-01-9"}), PDF, "a.pdf").isbns == (PRINT,)
    found = clues.inside(pdf(tmp_path / "b.pdf", {}, {"dc:title": "The Ordinary Clockmaker", "prism:isbn": PRINT}), PDF, "b.pdf")
    assert (found.isbns, found.title) == ((PRINT,), "The Ordinary Clockmaker")


def test_a_title_field_is_no_identifier(tmp_path: Path) -> None:
    """Designers copy last year's document: its title field names last year's book."""
    found = clues.inside(pdf(tmp_path / "a.pdf", {"/Title": f"{PRINT}_txt.indd"}), PDF, "a.pdf")
    assert (found.isbns, found.title) == ((), "")


def docx(path: Path, core: str) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("docProps/core.xml", core)
    return path


CORE = (
    '<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>{}</dc:title><dc:creator>Amelia Marchetti</dc:creator></cp:coreProperties>'
)


def test_a_document_has_title_and_author(tmp_path: Path) -> None:
    found = clues.inside(docx(tmp_path / "a.docx", CORE.format("How to Read the Letter")), DOCX, "a.docx")
    assert (found.title, found.contributor) == ("How to Read the Letter", "Amelia Marchetti")
    assert clues.inside(docx(tmp_path / "b.docx", CORE.format("Microsoft Word - Document1")), DOCX, "b.docx").title == ""


@pytest.mark.parametrize("sniffed", [EPUB, PDF, DOCX])
@pytest.mark.parametrize("data", [b"", b"nonsense", b"PK\x03\x04broken", b"%PDF-1.7 broken"])
def test_what_can_not_be_read_says_nothing(tmp_path: Path, sniffed: Sniffed, data: bytes) -> None:
    path = tmp_path / "a"
    path.write_bytes(data)
    assert clues.inside(path, sniffed, "a") == Clues()


def test_entities_say_nothing(tmp_path: Path) -> None:
    bomb = '<!DOCTYPE p [<!ENTITY a "b">]>' + opf(f"urn:isbn:{EISBN}").replace("Clockmaker", "&a;")
    assert clues.inside(epub(tmp_path / "a.epub", bomb), EPUB, "a.epub") == Clues()
    (tmp_path / "a.xml").write_text(f'<!DOCTYPE p [<!ENTITY a "b">]><f file="&a;" isbn="{PRINT}"/>')
    assert clues.sidecar(tmp_path / "a.xml", "a.xml") == {}


SIDECARS = {
    "delivery.json": json.dumps({
        "title": "The Ordinary Clockmaker",
        "files": [{"file": "a.pdf", "isbn": PRINT, "type": "cover", "version": 2}],
    }),
    "assets.json": json.dumps({
        "files": {"a.pdf": {"ean": "978-1-915000-01-9", "kind": "jacket", "part": "cover", "rev": "v2"}},
        "title": "The Ordinary Clockmaker",
    }),
    "list.json": json.dumps([
        {"filename": "in/a.pdf", "isbn13": PRINT, "role": "Cover", "revision": "2", "title": "The Ordinary Clockmaker"}
    ]),
    "delivery.xml": f"<delivery><asset><filename>a.pdf</filename><isbn>{PRINT}</isbn><type>cover</type><version>2</version>"
    "<title>The Ordinary Clockmaker</title></asset></delivery>",
    "flat.xml": f'<files><file name="a.pdf" isbn="{PRINT}" kind="cover" rev="2" title="The Ordinary Clockmaker"/></files>',
    "contents.csv": f"File name,ISBN,Type,Version,Title\na.pdf,{PRINT},cover,2,The Ordinary Clockmaker\n",
    "semicolons.csv": f"\ufefffile;isbn;kind;revision;title\r\na.pdf;{PRINT};Cover;2;The Ordinary Clockmaker\r\n",
}


@pytest.mark.parametrize("name", SIDECARS)
def test_a_sidecar_says_whose_a_file_is(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(SIDECARS[name], encoding="utf-8")
    said = clues.said_of(clues.sidecar(tmp_path / name, name), "in/a.pdf")
    assert (said.isbns, said.kind, said.revision, said.rank) == ((PRINT,), Kind.JACKET, "2", 20_000)
    assert (said.title, said.part, said.found_in) == ("The Ordinary Clockmaker", "cover", ("sidecar",))


def test_a_sidecar_speaks_of_its_files_alone_and_of_the_whole_delivery(tmp_path: Path) -> None:
    told = {
        "isbn": PRINT,
        "contract": 501001,
        "work_reference": "LQ-001001",
        "date": "2026-11-21",
        "files": [{"file": "a.pdf", "kind": "jacket"}],
    }
    (tmp_path / "m.json").write_text(json.dumps(told))
    found = clues.sidecar(tmp_path / "m.json", "m.json")
    said = clues.said_of(found, "b.pdf")
    assert (said.kind, said.isbns, said.contract_ids, said.work_references) == (Kind.UNKNOWN, (PRINT,), (501001,), ("LQ001001",))
    assert said.dated == date(2026, 11, 21)
    assert clues.said_of(found, "a.pdf").kind is Kind.JACKET
    assert clues.said_of({}, "a.pdf") == Clues()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.json", "{"),
        ("a.json", "[" * 20_000),
        ("a.json", "7"),
        ("a.xml", "<a"),
        ("a.csv", ""),
        ("a.csv", "title,isbn\nA,1\n"),
        ("a.txt", "isbn"),
        ("a.csv", "\x00\x01"),
    ],
)
def test_what_is_no_sidecar_says_nothing(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert clues.sidecar(tmp_path / name, name) == {}


def test_what_no_database_can_hold_is_left_out_of_what_a_sidecar_says(tmp_path: Path) -> None:
    local = tmp_path / "metadata.json"
    local.write_text('{"isbn": "9780306406157", "part": "a\\ud800\\u0000b", "title": "One\\u0000\\udfff", "file": "x\\ud800"}')
    (told,) = clues.sidecar(local, "metadata.json").values()
    assert (told.part, told.title) == ("ab", "One")


def test_a_huge_sidecar_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b" " * (clues.MOST + 1))
    assert clues.sidecar(tmp_path / "a.json", "a.json") == {}


def test_a_wrong_number_in_a_sidecar_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("file,isbn\na.pdf,9781915000018\n")
    assert clues.said_of(clues.sidecar(tmp_path / "a.csv", "a.csv"), "a.pdf").wrong_isbns == ("9781915000018",)


def test_merging_keeps_all_identifiers_and_trusts_the_first_for_the_rest() -> None:
    one = Clues(isbns=(PRINT,), kind=Kind.UNKNOWN, part="", revision="", title="a", found_in=("name",))
    two = Clues(isbns=(EISBN, PRINT), kind=Kind.EBOOK, revision="2", rank=20_000, title="b", contributor="c", found_in=("inside",))
    both = clues.merge(one, two)
    assert (both.isbns, both.kind, both.revision, both.rank) == ((PRINT, EISBN), Kind.EBOOK, "2", 20_000)
    assert (both.title, both.contributor, both.found_in) == ("a / b", "c", ("name", "inside"))
    assert clues.merge() == Clues()


def test_damaged_files_say_what_they_can_and_raise_nothing(tmp_path: Path) -> None:
    whole = [
        (pdf(tmp_path / "a.pdf", {"/ISBN": PRINT}, {"prism:isbn": PRINT}), PDF),
        (epub(tmp_path / "a.epub", opf(f"urn:isbn:{EISBN}")), EPUB),
        (docx(tmp_path / "a.docx", CORE.format("How to Read the Letter")), DOCX),
    ]
    roll = Random(5)
    for number in range(900):
        path, sniffed = whole[number % 3]
        data = bytearray(path.read_bytes())
        for _ in range(roll.choice((1, 3, 10, 40))):
            at = roll.randrange(len(data))
            if roll.random() < 0.8:
                data[at] = roll.randrange(256)
            else:
                del data[at : at + roll.randrange(20)]
        (tmp_path / "damaged").write_bytes(data)
        assert isinstance(clues.inside(tmp_path / "damaged", sniffed, path.name), Clues)


def test_an_epub_without_a_package_says_nothing(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.epub", "w") as archive:
        archive.writestr("META-INF/container.xml", "<container/>")
    assert clues.inside(tmp_path / "a.epub", EPUB, "a.epub") == Clues()
