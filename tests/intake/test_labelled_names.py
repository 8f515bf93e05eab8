"""Three hundred labelled file names and more: no automatic match is wrong, and so many are matched.

`labelled_names.csv`: `decided` is who can say whose file it is from the name alone: `certain`, a `person` (then the title should be among
the proposals), or `nobody`. The labels are people's, for the sandbox's catalogue.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.catalogue import contracts
from include.catalogue.mirror import synchronise
from include.files import names
from include.intake.match import Match, TitleIndex
from include.ledger.database import Ledger
from include.partners import load_house
from include.partners.model import ContractIds
from include.titles.identifiers import hyphenated
from sandbox.catalogue import Catalogue
from tests.clients.tenant import Waits, client_of
from tests.sandbox.conftest import KEY, TODAY, _serve
from tests.schema import upgraded

LABELLED = list(csv.DictReader(Path(__file__).with_name("labelled_names.csv").open(encoding="utf-8", newline="")))
CATALOGUE = Catalogue(1, 200, TODAY, "full")


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TitleIndex]:
    """The sandbox's titles and contracts, as the mirror has them."""
    ledger = Ledger(str(tmp_path_factory.mktemp("names") / "ledger.sqlite"))
    upgraded(ledger)
    serving = _serve("full")
    server = next(serving)
    client, now = client_of(server.url, Waits(), key=KEY), datetime(2026, 11, 21, 1, tzinfo=UTC)
    synchronise(ledger, client, load_house(), now)
    contracts.synchronise(ledger, client, ContractIds(first=501_001, gap=20), now)
    serving.close()
    with ledger.read() as session:
        yield TitleIndex(session)
    ledger.dispose()


def decided(index: TitleIndex, name: str) -> Match:
    return index.match(names.read(name), path=name)


def wrong(label: dict[str, str], match: Match) -> str:
    """Why an automatic match is wrong; "" if it is right, or there is none."""
    if match.certain is None:
        return ""
    if label["decided"] != "certain":
        return f"certain of {match.certain}, and only {label['decided']} can tell"
    if str(match.certain.work_id) != label["work"] or str(match.certain.product_id or "") != label["product"]:
        return f"{match.certain} instead of work {label['work']}, product {label['product'] or '(none)'}"
    return ""


def test_the_list_is_long_varied_and_labelled_right() -> None:
    assert len(LABELLED) >= 300
    assert len({label["name"] for label in LABELLED}) == len(LABELLED)
    assert min(Counter(label["decided"] for label in LABELLED).values()) >= 20
    assert len({label["kind"] for label in LABELLED}) == 12
    for label in LABELLED:
        work = CATALOGUE.work(int(label["work"])) if label["work"] else None
        assert not label["product"] or (work and int(label["product"]) in {product.id for product in work.products}), label


def test_no_automatic_match_is_wrong(index: TitleIndex) -> None:
    mistakes = {label["name"]: why for label in LABELLED if (why := wrong(label, decided(index, label["name"])))}
    assert mistakes == {}


def test_the_rate_of_matches(index: TitleIndex, record_property: Any, capsys: pytest.CaptureFixture[str]) -> None:
    matched: Counter[str] = Counter()
    for label in LABELLED:
        match = decided(index, label["name"])
        if label["decided"] == "certain":
            matched["certain"] += match.certain is not None
        elif label["decided"] == "person":
            matched["person"] += int(label["work"]) in {one.target.work_id for one in match.proposals}
    total = Counter(label["decided"] for label in LABELLED)
    rate, proposed = matched["certain"] / total["certain"], matched["person"] / total["person"]
    record_property("names", len(LABELLED))
    record_property("matched", f"{rate:.1%}")
    with capsys.disabled():
        print(
            f"\n{len(LABELLED)} names: 0 wrong; {matched['certain']} of {total['certain']} with an identifier matched ({rate:.1%}), "
            f"{matched['person']} of {total['person']} others proposed rightly ({proposed:.1%})"
        )
    assert rate >= 0.98
    assert proposed >= 0.9


@pytest.mark.parametrize("what", ["kind", "revision"])
def test_kind_and_revision_are_read(what: str) -> None:
    missed = {}
    for label in LABELLED:
        clues = names.read(label["name"])
        told = str(clues.kind) if what == "kind" else clues.revision
        if told != label[what]:
            missed[label["name"]] = f"{told!r} instead of {label[what]!r}"
    assert missed == {}


# --- noise

ISBNS = sorted({product.isbn: product for work in CATALOGUE.works() for product in work.products if product.isbn}.items())
LETTERS = st.text(st.characters(blacklist_categories=["Cs", "Nd", "Nl", "No"], blacklist_characters="/\\!"), max_size=12)


@given(st.sampled_from(ISBNS), LETTERS, LETTERS, st.sampled_from(["", "-", " ", "_", "."]))
@settings(max_examples=300, deadline=None)
def test_an_isbn_is_found_among_any_letters(one: tuple[str, Any], before: str, after: str, separator: str) -> None:
    isbn, _ = one
    written = hyphenated(isbn).replace("-", separator) or isbn
    clues = names.read(f"{before}{separator}{written}{separator}{after}.pdf")
    assert clues.isbns in {(isbn,), ()} if not hyphenated(isbn) else clues.isbns == (isbn,)


@given(st.text("0123456789", min_size=14, max_size=40))
@settings(max_examples=300, deadline=None)
def test_a_long_run_of_digits_is_no_isbn(digits: str) -> None:
    assert names.read(f"scan {digits}.pdf").isbns == ()


@given(st.sampled_from(ISBNS), st.integers(0, 12), st.integers(1, 9))
@settings(max_examples=300, deadline=None)
def test_one_wrong_digit_is_never_a_match(one: tuple[str, Any], place: int, by: int) -> None:
    isbn, _ = one
    if not hyphenated(isbn):
        return
    spoilt = f"{isbn[:place]}{(int(isbn[place]) + by) % 10}{isbn[place + 1 :]}"
    assert names.read(f"{spoilt}_cover.pdf").isbns == ()


@given(st.text(max_size=80))
@settings(max_examples=400, deadline=None)
def test_any_text_is_read_without_an_error(text: str) -> None:
    clues = names.read(text)
    assert len(clues.part) <= 60
    assert len(clues.revision) <= 20


@given(
    st.dates(date(1990, 1, 1), date(2099, 12, 31)), st.sampled_from(["%Y-%m-%d", "%Y%m%d", "%Y_%m_%d", "%d%b%Y", "%d %B %Y", "%Y.%m.%d"])
)
@settings(max_examples=300, deadline=None)
def test_dates_are_read_and_are_no_identifiers(day: date, form: str) -> None:
    clues = names.read(f"ms {day.strftime(form)}.docx")
    assert (clues.dated, clues.isbns, clues.contract_ids) == (day, (), ())
