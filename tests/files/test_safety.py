"""What is let pass is noted; limits are the inbox's own; nothing is decoded to be examined."""

from __future__ import annotations

import re
import tracemalloc
from pathlib import Path

import pytest

from include.files import bounds, images, markup, pdfs, safety
from include.files.model import Refused, Severity
from include.partners.inboxes import Limits
from tests.files import good


def looked(tmp_path: Path, content: bytes, name: str) -> set[str]:
    local = tmp_path / "file"
    local.write_bytes(content)
    _, notes = safety.look(local, name, Limits())
    assert all(note.severity is Severity.NOTE for note in notes)
    return {note.code for note in notes}


def test_what_is_odd_is_noted(tmp_path: Path) -> None:
    assert looked(tmp_path, good.pdf(), "a.pdf") == set()
    assert looked(tmp_path, good.pdf(good.with_javascript), "a.pdf") == {"pdf-javascript"}
    assert looked(tmp_path, good.image("PNG"), "a.jpg") == {"other-type"}
    assert looked(tmp_path, good.GOOD["owner.pdf"][0](), "a.pdf") == {"pdf-restricted"}
    assert looked(tmp_path, good.pdf().replace(b"startxref\n", b"startxref\n9"), "a.pdf") == {"pdf-mended"}
    assert looked(tmp_path, good.image("JPEG"), "A.JPEG") == set()


def test_a_refusal_says_where_and_what_to_do(tmp_path: Path) -> None:
    local = tmp_path / "file"
    local.write_bytes(good.docx({"word/vbaProject.bin": b"x"}))
    with pytest.raises(Refused) as refused:
        safety.examine(local, "Chapter\u202e1.docx".replace("\u202e", ""), Limits())
    assert refused.value.as_reason() == {
        "code": "macro",
        "message": "the document carries macros",
        "where": "Chapter1.docx: word/vbaProject.bin",
        "todo": "Ask the sender to save it without macros (as .docx or .xlsx).",
    }


def test_pixels_are_the_inboxs_own_limit(tmp_path: Path) -> None:
    local = tmp_path / "file"
    local.write_bytes(good.image("PNG"))
    assert images.check(local, ".png", 48 * 64) == images.Size(48, 64)
    with pytest.raises(Refused) as refused:
        safety.examine(local, "a.png", Limits(pixels=48 * 64 - 1))
    assert refused.value.code == "image-too-large"


def test_a_large_file_is_examined_in_little_memory(tmp_path: Path) -> None:
    """A sparse film and a sparse text of a gigabyte each: no more than their heads are kept."""
    film, size = tmp_path / "film.mp4", 1 << 30
    head = good.boxes(b"isom")[:-3008]
    with film.open("wb") as out:
        out.write(head + (size - len(head)).to_bytes(4, "big") + b"mdat")
        out.truncate(size)
    tracemalloc.start()
    assert safety.examine(film, "film.mp4", Limits()).family == "video"
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 << 20


def test_public_document_types_are_no_danger() -> None:
    markup.check([good.ONIX])
    markup.check([good.SVG], picture=True)
    markup.check([good.XHTML], whole=False)


def test_entity_is_found_wherever_the_pieces_end() -> None:
    content = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>'
    for size in range(1, 20):
        with pytest.raises(Refused) as refused:
            markup.check(content[at : at + size] for at in range(0, len(content), size))
        assert refused.value.code == "xml-entities"


def test_brackets_within_json_texts_do_not_count() -> None:
    text = b'{"a": "' + b"[" * 1000 + b'\\"[[[[' + b'"}'
    for size in (1, 2, 7, 5000):
        markup.check_json(text[at : at + size] for at in range(0, len(text), size))


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("a\\b.pdf", "a/b.pdf"),
        ("./a//b.pdf", "a/b.pdf"),
        ("Who? What*.pdf", "Who? What*.pdf"),
        ("St. John/Jr./x.pdf", "St. John/Jr./x.pdf"),
        ("Title: a life.pdf", "Title: a life.pdf"),
        ("…and more.pdf", "…and more.pdf"),
        ("100% sure.pdf", "100% sure.pdf"),
    ],
)
def test_usual_names_are_kept(name: str, path: str) -> None:
    assert bounds.clean(name) == path


def test_jumbled_words_are_no_launch_action(tmp_path: Path) -> None:
    def says(book: object) -> None:
        book.Root.Note = "the (/S /Launch) of a book"  # type: ignore[attr-defined]

    local = tmp_path / "a.pdf"
    local.write_bytes(good.pdf(says))
    assert pdfs.check(local, safety.FORBIDDEN) == ()


def test_the_runbook_explains_every_code() -> None:
    """Every code that is raised here, and no other, has its line."""
    root = Path(__file__).resolve().parents[2]
    ours = ("bounds", "clamav", "compound", "containers", "images", "markup", "pdfs", "safety", "sevenzip", "tarred", "unpack", "zipped")
    text = "".join((root / "include" / "files" / f"{name}.py").read_text() for name in ours)
    raised = set(re.findall(r"(?:Refused|DamagedMember)\(\s*\"([a-z-]+)\"", text))
    told = set(re.findall(r"^\| `([a-z-]+)` \|", (root / "docs" / "runbook" / "quarantine.md").read_text(), re.MULTILINE))
    assert raised == told
