from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import pytest
from openpyxl import load_workbook

from include.errors import ConfigurationError
from include.ledger import deliveries
from include.ledger.database import Ledger
from include.ledger.file_rows import ContractRow
from include.ledger.models import DeliveryRow, DeliveryState
from include.partners.model import Party
from include.readiness import reports
from include.readiness.columns import COLUMNS, check_columns
from include.readiness.refresh import refresh
from include.store import ArtefactStore
from include.titles.model import Contributor
from tests.readiness.titles import ELECTRONIC, HARDBACK, NOW, SPOKEN, fill, house, in_days
from tests.schema import upgraded

HOUSE = house()
FORMULA = '=HYPERLINK("http://evil.example","Click")'


def party(id: str = "pressmark", **report) -> Party:
    return Party.model_validate({
        "id": id,
        "name": "Pressmark <Printing>",
        "kind": "printer",
        "transport": {"protocol": "sftp", "connection": "partner_pressmark", "folder": "/jobs"},
        "report": {"formats": ("csv", "xlsx", "json", "html"), **report},
    })


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    ledger = Ledger(str(tmp_path / "ledger.sqlite"))
    upgraded(ledger)
    return ledger


@pytest.fixture
def store(tmp_path: Path) -> ArtefactStore:
    return ArtefactStore(str(tmp_path / "store"))


def built(ledger, store, to=None, now=NOW, **report) -> dict[str, bytes]:
    """Name → bytes of what would go; {} if nothing is due."""
    refresh(ledger, HOUSE, now)
    outcome = reports.build(ledger, store, to or party(**report), HOUSE, now)
    if outcome.delivery_id is None:
        return {}
    with ledger.read() as session:
        return {file.name: store.open(file.sha256).read() for file in deliveries.get(session, outcome.delivery_id).files}


def table(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def sheet(content: bytes):
    return load_workbook(io.BytesIO(content)).active


def deliver(ledger) -> None:
    with ledger.session() as session:
        for row in session.query(DeliveryRow).filter(DeliveryRow.state == DeliveryState.PREPARED):
            deliveries.start(session, row, now=NOW)
            deliveries.mark_delivered(session, row, NOW)


def test_all_formats_hold_the_same_titles_in_order_of_publication(ledger, store):
    fill(ledger, in_days(HARDBACK, 90), in_days(ELECTRONIC, 30), in_days(SPOKEN, 300))
    files = built(ledger, store)
    assert list(files) == [f"readiness_20261121.{kind}" for kind in ("csv", "xlsx", "json", "html")]
    order = [product.isbn for product in (ELECTRONIC, HARDBACK, SPOKEN)]
    rows = table(files["readiness_20261121.csv"])
    assert [row["ISBN"] for row in rows] == order
    header, *cells = sheet(files["readiness_20261121.xlsx"]).iter_rows(values_only=True)
    assert list(header) == list(rows[0])
    assert [row[1] for row in cells] == order
    told = json.loads(files["readiness_20261121.json"])
    assert (told["schema"], told["version"], [one["isbn"] for one in told["titles"]]) == ("readiness", 1, order)
    page = files["readiness_20261121.html"].decode()
    assert [page.index(isbn) for isbn in order] == sorted(page.index(isbn) for isbn in order)
    assert {check["name"] for check in told["titles"][0]["checks"]} <= {column.header for column in check_columns()}


def test_a_party_sees_its_own_titles_only_and_nothing_that_might_be_anothers(ledger, store):
    fill(ledger, HARDBACK, ELECTRONIC, replace(SPOKEN, form=""), replace(HARDBACK, id=104, form="BB", isbn="9780306406140"))
    assert [row["Form"] for row in table(built(ledger, store, products={"forms": ["BB"]})["readiness_20261121.csv"])] == ["BB"]
    assert [
        row["Form"] for row in table(built(ledger, store, party("other", products={"forms": ["E", "A"]}))["readiness_20261121.csv"])
    ] == ["ED"]


def test_a_party_sees_its_own_columns_only(ledger, store):
    fill(ledger, HARDBACK)
    with ledger.session() as session:
        secret = b'{"msDeliveryDate":"2026-01-01","description":"secret"}'
        session.add(ContractRow(id=3, work_id=10, digest="d", content=secret, first_seen=NOW, changed_at=NOW, read_at=NOW))
    files = built(ledger, store, columns=["isbn", "state", "interior-approved"])
    assert list(table(files["readiness_20261121.csv"])[0]) == ["Schema", "ISBN", "State", "Typeset interior is approved"]
    told = json.loads(files["readiness_20261121.json"])["titles"][0]
    assert told.keys() == {"isbn", "state", "checks"}
    assert [check["code"] for check in told["checks"]] == ["interior-approved"]
    page = files["readiness_20261121.html"].decode()
    for hidden in ("Tide Clock", "manuscript", "jacket", "Lima"):
        assert hidden.casefold() not in page.casefold()
    assert "There is no typeset interior" in page


def test_an_unknown_column_is_named_with_the_one_that_was_meant(ledger, store):
    with pytest.raises(ConfigurationError, match=r"'titel'.*Did you mean 'title'"):
        built(ledger, store, columns=["titel"])


@pytest.mark.parametrize("mask", ["{isbn}", "a/b", "{date:%Y/%m}", "..", "{schema[0]}"])
def test_a_mask_that_gives_no_file_name_is_refused(ledger, store, mask):
    with pytest.raises(ConfigurationError, match=r"report\.file_name"):
        built(ledger, store, file_name=mask)


@pytest.mark.parametrize(("folder", "want"), [("", "/jobs"), ("readiness", "/jobs/readiness"), ("/readiness", "/readiness")])
def test_a_folder_lies_under_the_transports_unless_it_says_where(ledger, store, folder, want):
    fill(ledger, HARDBACK)
    refresh(ledger, HOUSE, NOW)
    outcome = reports.build(ledger, store, party(folder=folder), HOUSE, NOW)
    with ledger.read() as session:
        assert {file.folder for file in deliveries.get(session, outcome.delivery_id).files} == {want}


def test_the_same_report_is_not_sent_twice_also_on_another_day(ledger, store):
    fill(ledger, HARDBACK)
    assert built(ledger, store)
    assert len(built(ledger, store)) == 4  # not delivered yet: the same one again
    deliver(ledger)
    assert built(ledger, store) == {}
    assert built(ledger, store, now=NOW + timedelta(days=3)) == {}
    fill(ledger, replace(HARDBACK, pages=321))
    assert "readiness_20261124.csv" in built(ledger, store, now=NOW + timedelta(days=3))


def test_a_report_that_goes_back_to_what_it_was_is_sent_again(ledger, store):
    fill(ledger, HARDBACK)
    first = built(ledger, store)
    deliver(ledger)
    fill(ledger, replace(HARDBACK, pages=321))
    assert built(ledger, store) != first
    deliver(ledger)
    fill(ledger, HARDBACK)
    assert built(ledger, store) == first
    with ledger.read() as session:
        assert session.query(DeliveryRow).count() == 3


def test_what_waited_is_withdrawn_when_the_party_has_the_right_one_already(ledger, store):
    fill(ledger, HARDBACK)
    built(ledger, store)
    deliver(ledger)
    fill(ledger, replace(HARDBACK, pages=321))
    assert built(ledger, store)
    fill(ledger, HARDBACK)
    assert built(ledger, store) == {}
    with ledger.read() as session:
        assert [row.state for row in session.query(DeliveryRow).order_by(DeliveryRow.id)] == ["delivered", "withdrawn"]


def test_production_runs_are_read_for_those_who_ask_and_only_for_books_to_come(ledger, store):
    soon, far, out = in_days(HARDBACK, 60), in_days(HARDBACK, 400), in_days(HARDBACK, -3, publishing_status="04")
    works = [replace(product, id=number, work=replace(product.work, id=number)) for number, product in enumerate((soon, far, out), start=1)]
    fill(ledger, *works, replace(ELECTRONIC, id=4, work=works[0].work))
    runs = [
        {"id": 1, "deliveryDate": "2020-01-01", "productIds": [1], "quantities": [{"quantity": 9}]},
        {
            "id": 2,
            "deliveryDate": "2027-01-05",
            "productIds": [1, 8],
            "quantities": [{"quantity": 900, "productId": 1}, {"quantity": 70, "productId": 8}],
        },
        {"id": 3, "deliveryDate": None, "productIds": [8]},
    ]
    asked = []

    def runs_of(work_id: int):
        asked.append(work_id)
        return runs

    refresh(ledger, HOUSE, NOW)
    reports.build(ledger, store, party(), HOUSE, NOW, None, runs_of)
    assert asked == []
    outcome = reports.build(ledger, store, party("other", columns=["isbn", "run_delivery", "run_quantity"]), HOUSE, NOW, None, runs_of)
    assert asked == [1]
    with ledger.read() as session:
        sha256 = next(file.sha256 for file in deliveries.get(session, outcome.delivery_id).files if file.name.endswith(".csv"))
    told = [(row["Run due"], row["Run quantity"]) for row in table(store.open(sha256).read())]
    assert sorted(told) == [("", "")] * 3 + [("2027-01-05", "900")]


def test_published_titles_drop_out_after_their_days(ledger, store):
    fill(ledger, in_days(HARDBACK, -10, publishing_status="04"), in_days(ELECTRONIC, -100, publishing_status="04"))
    assert len(table(built(ledger, store)["readiness_20261121.csv"])) == 1
    assert table(built(ledger, store, published_days=5)["readiness_20261121.csv"]) == []


def test_a_report_without_titles_says_so(ledger, store):
    files = built(ledger, store)
    assert table(files["readiness_20261121.csv"]) == []
    assert json.loads(files["readiness_20261121.json"])["titles"] == []
    assert "No title of yours" in files["readiness_20261121.html"].decode()


# --- hostile titles


class Tags(HTMLParser):
    """Every tag and attribute of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


HOSTILE = [
    FORMULA,
    "+1+cmd|' /C calc'!A0",
    "-2",
    "@SUM(A1)",
    "\tTab",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "x" * 10_000,
    "a\x0bb",
    "Ø\u202eesrever",
    "&amp; ]]>",
    'a\nb,c"d',
]


def test_no_title_becomes_a_formula_or_markup_anywhere(ledger, store):
    works = [replace(HARDBACK.work, contributors=(Contributor(1, "A01", person_name=title),)) for title in HOSTILE]
    titles = zip(HOSTILE, works, strict=True)
    fill(ledger, *(replace(HARDBACK, id=number, full_title=title, work=work) for number, (title, work) in enumerate(titles, start=1)))
    files = built(ledger, store)
    for row in table(files["readiness_20261121.csv"]):
        assert row["Title"][:1] not in {"=", "+", "-", "@", "\t", "\r"}
    book = sheet(files["readiness_20261121.xlsx"])
    assert {cell.data_type for row in book.iter_rows(min_row=2) for cell in row} <= {"s", "n", "d"}
    assert FORMULA in {row[2] for row in book.iter_rows(values_only=True)}
    assert {one["title"] for one in json.loads(files["readiness_20261121.json"])["titles"]} == {*HOSTILE}
    page = files["readiness_20261121.html"].decode()
    seen = Tags()
    seen.feed(page)
    assert not seen.tags & {"script", "img", "link", "iframe", "a"}
    assert not [name for name in seen.attributes if name.startswith("on") or name in {"src", "href"}]
    assert "x" * 301 not in page


def test_absurd_dates_and_numbers_are_written(ledger, store):
    from datetime import date

    late = replace(ELECTRONIC, publication_date=date.max, height_mm=Decimal("1e3"))
    fill(ledger, replace(HARDBACK, publication_date=date(1492, 1, 2)), late, replace(SPOKEN, publication_date=None, planned_date=None))
    files = built(ledger, store)
    assert [row["Publication date"] for row in table(files["readiness_20261121.csv"])] == ["", "1492-01-02", "9999-12-31"]
    assert sheet(files["readiness_20261121.xlsx"]).max_row == 4


# --- the workbook and the page


def test_the_workbook_has_a_frozen_header_filters_widths_and_colours(ledger, store):
    fill(ledger, HARDBACK, ELECTRONIC)
    book = sheet(built(ledger, store)["readiness_20261121.xlsx"])
    assert book.freeze_panes == "D2"
    assert book.auto_filter.ref == f"A1:{book.cell(1, book.max_column).column_letter}3"
    assert book.column_dimensions["C"].width == 44
    coloured = {str(rule.sqref) for rule in book.conditional_formatting}
    letters = {cell.value: cell.column_letter for cell in book[1]}
    assert {f"{letters[name]}2:{letters[name]}3" for name in ("State", "Risk", "Price is present")} <= coloured
    assert book.cell(2, list(letters).index("Publication date") + 1).is_date


def test_the_same_lines_give_the_same_workbook(ledger, store):
    fill(ledger, HARDBACK)
    assert built(ledger, store)["readiness_20261121.xlsx"] == built(ledger, store, party("other"))["readiness_20261121.xlsx"]


def test_the_page_stands_alone_and_escapes_the_partys_name(ledger, store):
    fill(ledger, in_days(HARDBACK, 20), in_days(ELECTRONIC, 60))
    page = built(ledger, store)["readiness_20261121.html"].decode()
    assert "Pressmark &lt;Printing&gt;" in page
    assert "As of 21 November 2026" in page
    assert page.count("<tbody>") == 2
    assert "<link" not in page
    assert page.rstrip().endswith("</html>")


def test_every_column_is_told_once_and_has_a_heading():
    headers = [column.header for column in (*COLUMNS.values(), *check_columns())]
    assert len(headers) == len(set(headers))
    assert all(headers)
