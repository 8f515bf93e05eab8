"""Certain only by what is unmistakable; everything else is proposed, with a sentence why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from include.files import names
from include.files.model import Clues, Kind
from include.intake.likeness import fold
from include.intake.match import Match, TitleIndex
from include.ledger.database import Ledger
from include.ledger.file_rows import ContractRow, MatchRuleRow
from include.ledger.models import ProductRow, WorkRow
from include.titles import codec
from include.titles.model import Contributor, Work
from tests.schema import upgraded

NOW = datetime(2026, 11, 21, tzinfo=UTC)
CLOCK, FERRY, GONE, TWIN = 1, 2, 3, 4
HARD, SOFT, EBOOK, AUDIO, FERRY_SOFT, OLD, TWIN_A, TWIN_B = 11, 12, 13, 14, 21, 31, 41, 42
ISBN = {
    HARD: "9781915000019", SOFT: "9781915000026", EBOOK: "9781915000033", AUDIO: "9781915000040", FERRY_SOFT: "9781915000316",
    OLD: "9781915000415", TWIN_A: "9781915000514", TWIN_B: "9781915000514",
}  # fmt: skip
FORMS = {HARD: "BB", SOFT: "BC", EBOOK: "ED", AUDIO: "AJ", FERRY_SOFT: "BC", OLD: "BC", TWIN_A: "BC", TWIN_B: "BB"}
TITLES = {CLOCK: "The Ordinary Clockmaker", FERRY: "The Wild Ferry", GONE: "Out of Print", TWIN: "Twice Told"}
AUTHORS = {CLOCK: "Łukasz van der Velde", FERRY: "Þóra Yılmaz", GONE: "", TWIN: "Rohan Abernethy"}


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    ledger = Ledger(str(tmp_path_factory.mktemp("match") / "ledger.sqlite"))
    upgraded(ledger)
    stamps: dict[str, Any] = {"digest": "", "first_seen": NOW, "changed_at": NOW}
    with ledger.session() as session:
        for id, title in TITLES.items():
            work = Work(id, title, reference=f"LQ-{id:06}", contributors=(Contributor(1, "A01", AUTHORS[id]),) if AUTHORS[id] else ())
            session.add(WorkRow(id=id, title=title, content=codec.encode_work(work), deleted_at=NOW if id == GONE else None, **stamps))
        for id, isbn in ISBN.items():
            work_id = id // 10
            session.add(ProductRow(id=id, work_id=work_id, isbn=isbn, form=FORMS[id], title=TITLES[work_id], content=b"{}", **stamps))
        for id, work_id in ((501, CLOCK), (502, FERRY), (503, GONE)):
            session.add(ContractRow(id=id, work_id=work_id, content=b"{}", read_at=NOW, **stamps))
    yield ledger
    ledger.dispose()


@pytest.fixture(scope="module")
def index(ledger: Ledger) -> TitleIndex:
    with ledger.read() as session:
        return TitleIndex(session)


def target(match: Match) -> tuple[int, int | None, int | None] | None:
    return (match.certain.work_id, match.certain.product_id, match.certain.contract_id) if match.certain else None


def proposed(match: Match) -> list[tuple[int, int | None]]:
    return [(one.target.work_id, one.target.product_id) for one in match.proposals]


def rule(pattern: str, work_id: int | None = None, **values: Any) -> MatchRuleRow:
    return MatchRuleRow(
        id=values.pop("id", 1),
        inbox="authors",
        pattern=pattern,
        work_id=work_id,
        created_at=NOW,
        **{"kind": "", "created_by": "Ada"} | values,
    )


# --- certain


@pytest.mark.parametrize(
    ("name", "want"),
    [
        (f"{ISBN[SOFT]}_text.pdf", (CLOCK, SOFT, None)), (f"{ISBN[SOFT]} ms.docx", (CLOCK, None, None)),
        (f"{ISBN[EBOOK]}.epub", (CLOCK, EBOOK, None)),
        (f"{ISBN[HARD]} {ISBN[EBOOK]}.epub", (CLOCK, EBOOK, None)), (f"{ISBN[HARD]} {ISBN[SOFT]} ms.docx", (CLOCK, None, None)),
        (f"{ISBN[SOFT]}.pdf", (CLOCK, SOFT, None)), ("LQ-000002_AQ.docx", (FERRY, None, None)), ("lq000001.epub", (CLOCK, EBOOK, None)),
        ("LQ-000002 cover.pdf", (FERRY, FERRY_SOFT, None)), ("contract no 501.pdf", (CLOCK, None, 501)),
        (f"contract no 501 {ISBN[SOFT]}.pdf", (CLOCK, None, 501)),
    ],
)  # fmt: skip
def test_certain_by_identifier(index: TitleIndex, name: str, want: tuple[int, int | None, int | None]) -> None:
    match = index.match(names.read(name))
    assert target(match) == want
    assert match.proposals == ()
    assert match.why.endswith(".")


# --- not certain


@pytest.mark.parametrize(
    ("name", "why", "best"),
    [
        (f"{ISBN[SOFT]} {ISBN[FERRY_SOFT]}.docx", "name 2 titles", (CLOCK, None)),
        (f"LQ-000002/{ISBN[SOFT]}_cover.pdf", "name 2 titles", (CLOCK, SOFT)),
        (f"contract no 501 {ISBN[FERRY_SOFT]}.pdf", "name 2 titles", (FERRY, None)),
        (f"{ISBN[SOFT]} {ISBN[HARD]}_cover.pdf", "names 2 editions", (CLOCK, SOFT)),
        (f"{ISBN[HARD]}.epub", "can't have a file of the kind ebook", (CLOCK, EBOOK)),
        (f"{ISBN[EBOOK]}_text.pdf", "can't have a file of the kind interior", (CLOCK, HARD)),
        ("LQ-000001_text.pdf", "which of 2 editions", (CLOCK, HARD)),
        (f"{ISBN[TWIN_A]}_cover.pdf", "stands on 2 products", (TWIN, TWIN_A)),
        (f"{ISBN[TWIN_A]} ms.docx", "stands on 2 products", (TWIN, None)),
        ("9780306406157 ms.docx", "is not ours", None),
        (f"{ISBN[SOFT]} 9780306406157 ms.docx", "is not ours", (CLOCK, None)),
        (f"{ISBN[OLD]} ms.docx", "no longer has the product", None),
        ("contract no 503.pdf", "no contract 503", None),
        ("contract no 999.pdf", "no contract 999", None),
        ("contract no 501 and contract no 502.pdf", "name 2 titles", (CLOCK, None)),
        ("9781915000027 cover.pdf", "check digit is wrong", (CLOCK, SOFT)),
        (f"{ISBN[SOFT]} 9781915000027 cover.pdf", "check digit is wrong", (CLOCK, SOFT)),
    ],
)  # fmt: skip
def test_not_certain_and_why(index: TitleIndex, name: str, why: str, best: tuple[int, int | None] | None) -> None:
    match = index.match(names.read(name))
    assert match.certain is None
    assert why in match.why
    assert proposed(match)[:1] == ([best] if best else [])
    assert all(one.why.endswith(".") and 0 < one.score < 100 for one in match.proposals)


@pytest.mark.parametrize(
    ("name", "work"),
    [
        ("The Ordinary Clockmaker ms.docx", CLOCK), ("van der velde - ordinary clockmaker.docx", CLOCK),
        ("Thora Yilmaz_WildFerry_v2.docx", FERRY),
        ("lukasz/ordinary clockmaker/cover.jpg", CLOCK), ("Wild Fery Yilmaz.docx", FERRY), ("the ordnary clockmakr.docx", CLOCK),
    ],
)  # fmt: skip
def test_a_title_is_only_ever_proposed(index: TitleIndex, name: str, work: int) -> None:
    match = index.match(names.read(name))
    assert match.certain is None
    assert match.proposals[0].target.work_id == work
    assert "is like" in match.proposals[0].why


def test_an_exact_title_is_not_certain_either(index: TitleIndex) -> None:
    assert index.match(Clues(title="The Ordinary Clockmaker", contributor="Łukasz van der Velde", kind=Kind.EBOOK)).certain is None


@pytest.mark.parametrize("name", ["invoice.pdf", "readme.txt", "Xyzzy.docx", "", "....", "the of and.docx", "LQ-1.docx", "1.docx"])
def test_nothing_is_proposed_for_nothing(index: TitleIndex, name: str) -> None:
    match = index.match(names.read(name))
    assert (match.certain, match.proposals) == (None, ())
    assert match.why == "Neither an identifier that we know nor a name like a title's."


def test_a_proposal_is_json_for_the_ledger(index: TitleIndex) -> None:
    (one, *_) = index.match(names.read("The Wild Ferry.docx")).proposals
    assert one.to_json().keys() == {"work_id", "product_id", "contract_id", "title", "score", "why"}


# --- what people told us to remember


def test_a_rule_decides_where_nothing_else_does(index: TitleIndex) -> None:
    clues = names.read("Clock project/chapter 1.docx")
    match = index.match(clues, inbox_rules=[rule("Clock project/**", CLOCK)], path="Clock project/chapter 1.docx")
    assert (target(match), match.rule) == ((CLOCK, None, None), 1)
    assert match.why == "The rule for `Clock project/**` of Ada."


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        ("*.docx", "a.docx", True), ("*.docx", "b/a.docx", False), ("**/*.docx", "b/c/a.docx", True), ("**/*.docx", "a.docx", True),
        ("Clock/**", "clock/x/y.pdf", True), ("Clock/*", "clock/x/y.pdf", False), ("c?ock_*", "CLOCK_1.pdf", True), ("**", "x", True),
    ],
)  # fmt: skip
def test_globs(index: TitleIndex, pattern: str, path: str, fits: bool) -> None:
    assert (index.match(Clues(), inbox_rules=[rule(pattern, CLOCK)], path=path).certain is not None) is fits


def test_the_most_exact_rule_wins(index: TitleIndex) -> None:
    rules = [rule("**", CLOCK), rule("ferry/**", FERRY, id=2), rule("ferry/clock/*", CLOCK, id=3)]
    found = [index.match(Clues(), inbox_rules=rules, path=path).rule for path in ("x.pdf", "ferry/x.pdf", "ferry/clock/x.pdf")]
    assert found == [1, 2, 3]


def test_a_rule_never_overrules_an_identifier(index: TitleIndex) -> None:
    path = f"clock/{ISBN[FERRY_SOFT]} ms.docx"
    match = index.match(names.read(path), inbox_rules=[rule("clock/**", CLOCK)], path=path)
    assert match.certain is None
    assert "disagree" in match.why
    assert {work for work, _ in proposed(match)} == {CLOCK, FERRY}


def test_a_rule_and_an_identifier_that_agree_say_the_edition(index: TitleIndex) -> None:
    path = f"clock/{ISBN[SOFT]}_cover.pdf"
    assert target(index.match(names.read(path), inbox_rules=[rule("clock/**", CLOCK)], path=path)) == (CLOCK, SOFT, None)


def test_a_rule_for_a_work_does_not_choose_among_editions(index: TitleIndex) -> None:
    match = index.match(names.read("clock/cover.pdf"), inbox_rules=[rule("clock/**", CLOCK)], path="clock/cover.pdf")
    assert match.certain is None
    assert {product for _, product in proposed(match)} == {HARD, SOFT, EBOOK, AUDIO}
    exact = rule("clock/**", CLOCK, product_id=HARD)
    assert target(index.match(names.read("clock/cover.pdf"), inbox_rules=[exact], path="clock/cover.pdf")) == (CLOCK, HARD, None)


def test_a_rule_may_say_the_kind_alone(index: TitleIndex) -> None:
    path = f"scans/{ISBN[SOFT]}.tif"
    match = index.match(names.read(path), inbox_rules=[rule("scans/*", kind="contract")], path=path)
    assert (target(match), match.kind, match.rule) == ((CLOCK, None, None), Kind.CONTRACT, 1)


def test_a_rule_for_a_title_that_is_gone_is_told(index: TitleIndex) -> None:
    match = index.match(Clues(), inbox_rules=[rule("**", GONE)], path="x")
    assert (match.certain, "no longer has" in match.why) == (None, True)


# --- the rest


def test_what_the_index_tells(index: TitleIndex) -> None:
    assert len(index) == len(ISBN)
    assert index.title(CLOCK) == "The Ordinary Clockmaker"
    assert index.title(GONE) == ""


def test_letters_are_folded() -> None:
    assert fold("Þóra Yılmaz’s Łódź & Straße") == "thora yilmazs lodz strasse"


def test_a_sidecar_that_disagrees_with_the_name_is_a_doubt(index: TitleIndex, tmp_path: Path) -> None:
    from include.files import clues

    named = names.read(f"{ISBN[SOFT]}_cover.pdf")
    said = Clues(isbns=(ISBN[FERRY_SOFT],), found_in=("sidecar",))
    assert index.match(clues.merge(named, said)).certain is None
    assert target(index.match(clues.merge(named, replace(said, isbns=(ISBN[SOFT],))))) == (CLOCK, SOFT, None)
