"""What belongs into a package, and its names exactly by each printer's vocabulary."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from include.deliveries.naming import slug
from include.errors import ConfigurationError, RejectedData
from include.files.preflight import CODES, Expected
from include.ledger.file_rows import TitleFileRow
from include.packages import naming
from include.packages.contents import choose
from include.packages.naming import job_word, names, title_word
from include.partners.profiles import Checks, Profile
from include.partners.registry import load_printer, load_vendor
from include.titles.model import Product, Work

ROOT = Path(__file__).resolve().parents[2]
PRINTERS = sorted(path.stem for path in (ROOT / "config" / "printers").glob("*.toml"))
VENDORS = sorted(path.stem for path in (ROOT / "config" / "vendors").glob("*.toml"))
ISBN = "9781402000010"
TYPES = {
    "pdf": "application/pdf",
    "jpg": "image/jpeg",
    "mp3": "audio/mpeg",
    "epub": "application/epub+zip",
    "psd": "image/vnd.adobe.photoshop",
}


def book(form: str = "BB", title: str = "The Tide Clock") -> Product:
    return Product(id=7, work=Work(id=3, title=title), isbn=ISBN, full_title=title, form=form)


def file(what: str, *, id: int = 0, approval: str = "approved", state: str = "attached", product: int | None = 7, pages: int = 0,
         revision: str = "", format: str = "pdf") -> TitleFileRow:  # fmt: skip
    kind, _, part = what.partition(":")
    file.count += 1  # type: ignore[attr-defined]
    id = id or file.count  # type: ignore[attr-defined]
    return TitleFileRow(
        id=id, work_id=3, product_id=product, kind=kind, part=part, revision=revision, rank=int(revision or 0) * 10_000, dated="",
        name=f"{kind}-{id}.{format}", media_type=TYPES[format], bytes=10, sha256=f"{id:064d}", state=state, approval=approval,
        facts={"pages": pages} if pages else {}, restricted="",
    )  # fmt: skip


file.count = 100  # type: ignore[attr-defined]


def named(profile: Profile, product: Product, *files: TitleFileRow) -> list[str]:
    contents = choose(profile, product, files)
    assert contents.reasons == ()
    return names(profile, product, contents.chosen, {})


def codes(profile: Profile, product: Product, *files: TitleFileRow) -> list[str]:
    return [reason["code"] for reason in choose(profile, product, files).reasons]


# --- vocabularies


def test_lakeside_names_every_part_in_its_own_words():
    parts = {
        "jacket:jacket": "jacket", "jacket:cover": "cover", "jacket:back cover": "backCover", "jacket:front cover": "frontCover",
        "jacket:case": "caseside", "jacket:tab": "tab", "jacket:onlay": "onlay", "jacket:belly band": "bellyBand",
        "jacket:jacket wrap": "jWrap", "jacket:box wrap": "boxWrap", "jacket:card": "card", "interior:insert bound": "insertBound",
        "interior:insert loose": "insertLoose", "interior:front endsheet": "frontEndsheet", "interior:back endsheet": "backEndsheet",
        "jacket:die": "die",
    }  # fmt: skip
    given = named(load_printer("lakeside"), book(), file("interior:text"), *(file(what) for what in parts))
    assert set(given) == {f"{ISBN}_text.pdf", *(f"{ISBN}_{part}.pdf" for part in parts.values())}


def test_several_text_parts_are_numbered_in_the_order_of_the_book():
    pieces = [file("interior:pages 161-320"), file("interior:index"), file("interior:pages 001-160"), file("interior:prelims")]
    printer, product = load_printer("lakeside"), book()
    chosen = choose(printer, product, [*pieces, file("jacket:")]).chosen
    text = [one.file.part for one in chosen if one.part.id == "text"]
    assert text == ["prelims", "pages 001-160", "pages 161-320", "index"]
    assert names(printer, product, chosen, {})[:4] == [f"{ISBN}_text{number}.pdf" for number in (1, 2, 3, 4)]


def test_clays_names_text_and_plates_by_their_pages():
    given = named(
        load_printer("clays"), book("BC"), file("interior:prelims", pages=12), file("interior:pages 001-020", pages=20),
        file("interior:pages 021-320", pages=300), file("interior:illustrations 01-16", pages=16),
        file("interior:illustrations 17-24", pages=8), file("interior:ends", pages=4), file("jacket:cover", pages=1),
        file("jacket:foil"), file("jacket:embossing"), file("jacket:spot uv"),
    )  # fmt: skip
    assert given == [
        "prelims.pdf", "001-020.pdf", "021-320.pdf", "the-tide-clock-ends.pdf", "the-tide-clock-illus01-16.pdf",
        "the-tide-clock-illus17-24.pdf", "the-tide-clock-cov.pdf", "the-tide-clock-foil.pdf", "the-tide-clock-emb.pdf",
        "the-tide-clock-spotuv.pdf",
    ]  # fmt: skip


def test_cpi_names_bear_job_pages_and_revision():
    first, second = file("interior:text", pages=320, revision="1", state="superseded"), file("interior:text", pages=322, revision="4")
    older, newer = file("jacket:jacket", state="superseded"), file("jacket:jacket")
    given = named(load_printer("cpi"), book(), first, second, older, newer)
    assert given == ["TheTideClock_001-322_4.pdf", "TheTideClock_Jacket_2.pdf"]


@pytest.mark.parametrize(
    ("printer", "form", "files", "want"),
    [
        ("lightning_source", "BC", ("interior:text", "jacket:cover"), [f"{ISBN}_txt.pdf", f"{ISBN}_cvr.pdf"]),
        ("lightning_source", "BB", ("interior:text", "jacket:case"), [f"{ISBN}_txt.pdf", f"{ISBN}_cvr.pdf"]),
        ("cb", "BC", ("interior:", "jacket:"), [f"{ISBN}.pinn.pdf", f"{ISBN}.pcovr.pdf"]),
        ("generic", "BC", ("interior:", "jacket:"), [f"{ISBN}_text_r1.pdf", f"{ISBN}_cover_r1.pdf"]),
        ("clays", "BB", ("interior:text", "jacket:"), ["001-320.pdf", "the-tide-clock-jac.pdf"]),
    ],
)
def test_names_by_printer_and_binding(printer, form, files, want):
    assert named(load_printer(printer), book(form), *(file(what, pages=320) for what in files)) == want


def test_tracks_are_numbered_from_the_opening_to_the_closing_credits():
    tracks = ["closing credits", "10", "02", "sample", "01", "opening credits"]
    given = named(load_vendor("audio"), book("AJ"), *(file(f"audio:{part}", format="mp3") for part in tracks))
    assert given == [*(f"{ISBN}_{number:02d}.mp3" for number in range(1, 6)), f"{ISBN}_sample.mp3"]


def test_numbers_of_a_long_recording_sort_as_it_plays():
    tracks = [file(f"audio:{number}", format="mp3") for number in range(1, 201)]
    given = named(load_vendor("audio"), book("AJ"), *tracks)
    assert (given[0], given[-1]) == (f"{ISBN}_001.mp3", f"{ISBN}_200.mp3")
    assert given == sorted(given)


def test_pages_and_sound_that_are_no_part_of_the_profile_are_named():
    files = [file("interior:text"), file("jacket:cover"), file("interior:plates"), file("interior:notes", state="superseded")]
    contents = choose(load_printer("lightning_source"), book("BC"), files)
    assert [(note.code, note.severity, note.file) for note in contents.notes] == [("left-out", "warn", files[2].name)]


def test_a_vendor_gets_its_formats_only():
    epub, pdf = file("ebook:", format="epub"), file("ebook:", format="pdf", product=None)
    every = [epub, pdf, file("interior:text"), file("manuscript:"), file("audio:01", format="mp3"), file("contract:")]
    assert named(load_vendor("ebook"), book("ED"), *every) == [f"{ISBN}.epub"]
    assert named(load_vendor("accessibility"), book("ED"), *every) == [f"{ISBN}.epub", f"{ISBN}.pdf"]


@pytest.mark.parametrize(("kind", "profile"), [*(("printer", one) for one in PRINTERS), *(("vendor", one) for one in VENDORS)])
def test_every_profile_names_its_parts_apart_and_its_findings_exist(kind, profile):
    one = load_printer(profile) if kind == "printer" else load_vendor(profile)
    for form in ("BB", "BC", "ED", "AJ"):
        values: dict[str, Any] = {"number": "", "order": 1, "first": 1, "last": 2, "revision": "1", "ext": "pdf"}
        given = [naming.fill(part.name, profile, **naming.fields(book(form), one), **values) for part in one.parts_for(form)]
        doubles = {name for name in given if given.count(name) > 1}
        assert doubles <= {f"{ISBN}_cvr.pdf"}, "a hardback's case is its cover file at Lightning Source"
        assert set(one.required_for(form)) or form[0] not in {"B"} or kind == "vendor"
    for checks in (one.checks, *(part.checks for part in one.parts)):
        assert set(checks.severities) <= set(CODES)


def test_checks_are_the_expectations_of_preflight():
    assert set(Checks.model_fields) - {"severities"} <= {one.name for one in fields(Expected)}


# --- what may go


@pytest.mark.parametrize(
    ("files", "want"),
    [
        ([("interior:text", {})], ["part-missing"]),
        ([("jacket:jacket", {})], ["part-missing"]),
        ([("interior:text", {"approval": "pending"}), ("jacket:jacket", {})], ["not-approved"]),
        ([("interior:text", {"approval": ""}), ("jacket:jacket", {})], ["not-approved"]),
        ([("interior:text", {"approval": "rejected"}), ("jacket:jacket", {})], ["not-approved"]),
        ([("interior:text", {}), ("jacket:jacket", {"state": "superseded"})], ["part-missing"]),
        ([("interior:text", {}), ("jacket:jacket", {"format": "psd"})], ["part-missing"]),
        ([("interior:text", {}), ("interior:text1", {}), ("jacket:jacket", {})], ["part-twice"]),
        ([("interior:text", {}), ("interior:", {}), ("jacket:jacket", {})], ["part-twice"]),
        ([("interior:text", {}), ("jacket:jacket", {}), ("jacket:", {})], ["part-twice"]),
    ],
)
def test_what_is_missing_unapproved_or_ambiguous_waits(files, want):
    assert codes(load_printer("lakeside"), book(), *(file(what, **more) for what, more in files)) == want


def test_a_missing_part_names_the_file_that_would_be_it_but_for_its_format():
    contents = choose(load_printer("lakeside"), book(), [file("interior:text"), file("jacket:jacket", format="psd", id=5)])
    assert contents.reasons[0]["message"] == "there is no jacket or caseside; jacket-5.psd is image/vnd.adobe.photoshop"


def test_a_file_of_the_edition_goes_before_one_of_the_whole_work():
    own, shared = file("interior:text", id=1), file("interior:", id=2, product=None)
    contents = choose(load_printer("lakeside"), book(), [own, shared, file("jacket:jacket", product=None)])
    assert [one.file.id for one in contents.chosen if one.part.id == "text"] == [1]
    assert contents.reasons == ()


def test_a_works_cover_that_this_binding_does_not_need_stays_here_and_is_noted():
    contents = choose(load_printer("lakeside"), book(), [file("interior:text"), file("jacket:jacket"), file("jacket:cover", product=None)])
    assert [one.part.id for one in contents.chosen] == ["text", "jacket"]
    assert [note.code for note in contents.notes] == ["left-out"]


# --- names


@pytest.mark.parametrize(
    ("title", "slug", "job"),
    [
        ("The Tide Clock", "the-tide-clock", "TheTideClock"),
        ("Über Ångström’s Night", "uber-angstroms-night", "UberAngstromsNight"),
        ("Часы прилива", ISBN, ISBN),
        ("שעון", ISBN, ISBN),
        ("../../etc/passwd", "etc-passwd", "EtcPasswd"),
        ("A" * 200, "a" * 40, "A" * 40),
        ("one " * 30, "one-one-one-one-one-one-one-one-one-one", ("One" * 14)[:40]),
    ],
)
def test_titles_in_names_are_plain_ascii_or_the_isbn(title, slug, job):
    assert (title_word(book(title=title), 40), job_word(book(title=title), 40)) == (slug, job)


@pytest.mark.parametrize("title", [".", "..", "...", "-..-"])
def test_no_title_is_a_way_out_of_a_folder(title):
    assert slug(title) == "x"


def test_a_name_by_pages_needs_pages_that_can_be_counted():
    with pytest.raises(RejectedData, match="could not be counted"):
        named(load_printer("clays"), book("BC"), file("interior:text"), file("jacket:"))


def test_a_mask_with_an_unknown_word_is_a_mistake_in_the_profile():
    printer = load_printer("generic")
    wrong = printer.model_copy(update={"parts": (printer.parts[1].model_copy(update={"name": "{isbn}_{page}.pdf"}),)})
    chosen = choose(printer, book("BC"), [file("interior:text"), file("jacket:cover")]).chosen
    with pytest.raises(ConfigurationError, match="page"):
        names(wrong, book("BC"), [type(chosen[0])(wrong.parts[0], chosen[0].file)], {})
