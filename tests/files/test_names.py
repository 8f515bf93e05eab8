"""What file names say, one idiom at a time; `tests/intake/labelled_names.csv` has them mixed."""

from __future__ import annotations

from datetime import date

import pytest

from include.files import isbns, names, revisions
from include.files.model import Kind, rank

ISBN, HYPHENATED, TEN = "9780306406157", "978-0-306-40615-7", "0306406152"


@pytest.mark.parametrize(
    "text",
    [
        ISBN, HYPHENATED, HYPHENATED.replace("-", " "), HYPHENATED.replace("-", "_"), HYPHENATED.replace("-", "."),
        HYPHENATED.replace("-", "–"),
        "978-0306406157", "978 0306406157", "978030640615-7", f"ISBN{ISBN}", f"ISBN-13: {HYPHENATED}", f"isbn13-{ISBN}", f"ISBN13{ISBN}",
        f"cover{ISBN}final", f"{ISBN}v2", f"12-{ISBN}", f"{ISBN} 51999", TEN, "0-306-40615-2", "ISBN-10 0306406152", "ISBN100306406152",
        "isbn 0 306 40615 2", f"urn:isbn:{HYPHENATED}", "978-0-306 40615-7",
    ],
)  # fmt: skip
def test_an_isbn_is_found_however_it_is_written(text: str) -> None:
    assert isbns.find(text).isbns == (ISBN,)


@pytest.mark.parametrize(
    "text",
    [
        f"1{ISBN}", f"{ISBN}1", f"{ISBN}51999", "5012345678900", "9770317847001", "978 2026 1121 10 1", "2026-11-21", "20261121101533",
        "1700000000000", "tel 0306406152", "phone: 0-306-40615-2", "+0306406152", "order no 0306406152", "03-06-40-61-52", "2026112112",
        "9790260000438", f"{ISBN}0a1b2c3d4e5f60718293", "97-80-306-40615-7", "x0306406152y", "٩٧٨٠٣٠٦٤٠٦١٥٧",
    ],
)  # fmt: skip
def test_what_is_no_isbn_is_none(text: str) -> None:
    assert isbns.find(text).isbns == ()


@pytest.mark.parametrize(
    ("text", "wrong"), [("9780306406158", "9780306406158"), ("978-0-306-40615-1", "9780306406151"), ("ISBN 0306406153", "0306406153")]
)
def test_a_wrong_check_digit_is_told_and_never_taken(text: str, wrong: str) -> None:
    found = isbns.find(text)
    assert (found.isbns, found.wrong) == ((), (wrong,))


def test_ten_digits_with_a_wrong_check_digit_are_just_a_number() -> None:
    assert isbns.find("0306406153").wrong == ()


def test_a_979_isbn_and_an_x_are_read() -> None:
    assert isbns.find("9791034567898 080442957X").isbns == ("9791034567898", "9780804429573")


@pytest.mark.parametrize(
    ("name", "revision", "order"),
    [
        ("ms_v3.docx", "3", 30_000), ("ms V03.docx", "3", 30_000), ("ms_v2.1.docx", "2.1", 20_001), ("ms v1.10.docx", "1.10", 10_010),
        ("cover_r2.pdf", "2", 20_000), ("cover rev 02.pdf", "2", 20_000), ("cover-revision4.pdf", "4", 40_000),
        ("text_version 5.pdf", "5", 50_000),
        ("proof 2.pdf", "2", 20_000), ("2nd pass.pdf", "2", 20_000), ("first proofs.pdf", "1", 10_000),
        ("3rd page proofs.pdf", "3", 30_000),
        ("draft3.docx", "3", 30_000), ("JOBTITLE_012_4.pdf", "4", 40_000), ("ms final.docx", "final", 900_000_001),
        ("ms FINAL2.docx", "final 2", 900_000_002), ("ms_v3_final.docx", "3 final", 39_999),
        ("ms final FINAL.docx", "final 2", 900_000_002),
        ("cover rev B.psd", "B", 20_000), ("ms.docx", "", 0), ("ms (2).docx", "", 0), ("2nd edition.docx", "", 0),
        ("Henry V 2.docx", "", 0),
        ("SmithJones_12_05.pdf", "", 0), ("Smith_2026_11.pdf", "", 0), ("finale.docx", "", 0), ("review 2.docx", "", 0),
        ("vol2.docx", "", 0),
        ("v20261121.docx", "", 0), ("trailer 1080p.mp4", "", 0),
    ],
)  # fmt: skip
def test_revisions(name: str, revision: str, order: int) -> None:
    clues = names.read(name)
    assert (clues.revision, clues.rank) == (revision, order)


def test_revisions_come_in_the_order_people_mean() -> None:
    said = [
        "ms.docx",
        "ms v1.docx",
        "ms v1.2.docx",
        "ms v1.10.docx",
        "ms v2.docx",
        "ms v2 final.docx",
        "ms v3.docx",
        "ms final.docx",
        "ms FINAL2.docx",
    ]
    ranks = [names.read(one).rank for one in said]
    assert ranks == sorted(ranks)
    assert len(set(ranks)) == len(ranks)
    assert names.read("ms v3.docx").rank == rank("3")
    assert rank("89999") < revisions.FINAL


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-11-21", (2026, 11, 21)), ("20261121", (2026, 11, 21)), ("21-11-2026", (2026, 11, 21)), ("21Nov2026", (2026, 11, 21)),
        ("11-21-2026", (2026, 11, 21)), ("21.11.2026", (2026, 11, 21)), ("21 November 2026", (2026, 11, 21)),
        ("Nov 21, 2026", (2026, 11, 21)),
        ("1st of May 2026", (2026, 5, 1)), ("IMG_20261121_101533", (2026, 11, 21)), ("5-5-2026", (2026, 5, 5)), ("2026_1_2", (2026, 1, 2)),
        ("03-04-2026", None), ("2026-13-01", None), ("31-02-2026", None), ("261121", None), ("2026", None), ("99999999", None),
    ],
)  # fmt: skip
def test_dates(text: str, day: tuple[int, int, int] | None) -> None:
    assert names.read(f"ms {text}.docx").dated == (date(*day) if day else None)


def test_a_folder_says_what_the_name_does_not() -> None:
    clues = names.read(f"Artwork/{HYPHENATED}/2026-11-21/IMG_0042.tif")
    assert (clues.kind, clues.part, clues.isbns, clues.dated) == (Kind.ARTWORK, "image 0042", (ISBN,), date(2026, 11, 21))
    assert clues.found_in == ("path",)


def test_a_member_of_an_archive_is_read_with_the_archive_s_name() -> None:
    clues = names.read(f"in/{ISBN}_package.zip!art/fig 2.tif")
    assert (clues.isbns, clues.kind, clues.part) == ((ISBN,), Kind.ARTWORK, "figure 2")


@pytest.mark.parametrize(
    ("name", "kind", "part"),
    [
        ("contract cover letter.pdf", Kind.CONTRACT, ""), ("photo permission.jpg", Kind.PERMISSION, "photo"),
        ("cover letter.docx", Kind.UNKNOWN, ""),
        (f"{ISBN}_caseside.pdf", Kind.JACKET, "case"), (f"{ISBN}_text2.pdf", Kind.INTERIOR, "text2"),
        ("title-illus01-16.pdf", Kind.INTERIOR, "illustrations 01-16"),
        ("001-020.pdf", Kind.INTERIOR, "pages 001-020"), ("ch 3.docx", Kind.MANUSCRIPT, "chapter 03"),
        ("Prologue.docx", Kind.MANUSCRIPT, "prologue"),
        ("fig1-2.tif", Kind.ARTWORK, "figure 1-2"), (f"{ISBN}_opening credits.mp3", Kind.AUDIO, "opening credits"),
        (f"{ISBN}_7.mp3", Kind.AUDIO, "07"),
        ("statement 2026H1.pdf", Kind.STATEMENT, "2026 H1"), ("royalties Q3 2026.pdf", Kind.STATEMENT, "2026 Q3"),
        ("banner 728x90.png", Kind.PROMOTIONAL, "banner 728x90"),
        ("contract amendment.pdf", Kind.CONTRACT, "amendment"), (f"{ISBN}.jpg", Kind.JACKET, "front cover"),
        ("text.docx", Kind.MANUSCRIPT, ""),
    ],
)  # fmt: skip
def test_kinds_and_parts(name: str, kind: Kind, part: str) -> None:
    clues = names.read(name)
    assert (clues.kind, clues.part) == (kind, part)


def test_two_pictures_never_share_a_part() -> None:
    pictures = [
        "map north.tif",
        "map south.tif",
        "map_03.tif",
        "smith headshot.jpg",
        "jones headshot.jpg",
        "plate 1.tif",
        "IMG_0001.jpg",
        "fig 1a.tif",
        "fig 1b.tif",
    ]
    parts = {names.read(one).part for one in pictures}
    assert len(parts) == len(pictures)


@pytest.mark.parametrize(
    ("name", "ids"),
    [
        ("contract_501001.pdf", (501001,)), ("contracts/501001/scan.tif", (501001,)), ("Contract no 12.pdf", (12,)),
        ("agreement #7 v2.pdf", (7,)),
        ("501001_contract.pdf", (501001,)), ("contract_2.pdf", ()), ("contract 2026.pdf", ()), ("contract 211126.pdf", ()),
        ("211126_contract.pdf", ()),
        ("contract 2026-11-21.pdf", ()), ("501001.pdf", ()),
    ],
)  # fmt: skip
def test_contract_ids(name: str, ids: tuple[int, ...]) -> None:
    assert names.read(name).contract_ids == ids


def test_a_title_is_what_is_left() -> None:
    assert names.read("Inbox/Fairweather/The_Northern_Glasshouse_ms_v3_2026-11-21.docx").title == "the northern glasshouse / fairweather"
    assert names.read("Borrowed Marsh Days by Göran Abernethy.docx").contributor == "göran abernethy"
    assert names.read("chapter 3.docx").title == ""
