"""What a person says of a workbook, and what is read back after it: said twice, said wrongly, one part of three, withdrawn meanwhile."""

from __future__ import annotations

import base64
from datetime import timedelta
from decimal import Decimal
from typing import Any
from urllib.error import HTTPError

import pytest
from sqlalchemy import func, select

from include.clients.consonance import Consonance
from include.clients.exchange import Exchange
from include.errors import RejectedData
from include.ledger import workbooks
from include.ledger.models import EventRow
from include.ledger.sales_rows import TitleImportLineRow, TitleImportRow, WorkbookRow
from include.workbooks import hand, question
from include.workbooks.hand import Said
from include.workbooks.prepare import Row
from include.workbooks.template import load_template
from include.workbooks.verify import verify
from tests.workbooks.conftest import NOW, sale, title

ISBNS = ["9780306406157", "9783161484100", "9780140328721"]


@pytest.fixture
def client(sandbox: Any) -> Consonance:
    connection = sandbox.connections["consonance"]
    return Consonance(Exchange(str(connection["host"]), timeout=20), str(connection["password"]))


@pytest.fixture
def load(sandbox: Any, content: Any) -> Any:
    """The person uploads a workbook into Consonance and approves it."""

    def upload(row: WorkbookRow) -> Any:
        kind = {"titles": "products"}.get(row.kind, row.kind)
        return sandbox.call("import", {"kind": kind, "content": base64.b64encode(content(row)).decode()})

    return upload


def claim(ledger: Any, run: str = "r", later: timedelta = timedelta(0), **more: Any) -> list[int]:
    asked_before = NOW + later - timedelta(days=7, hours=1)
    return [row.id for row in hand.claim(ledger, now=NOW + later, asked_before=asked_before, dag_id="d", run_id=run, **more)]


def events(ledger: Any) -> int:
    with ledger.read() as session:
        return session.scalar(select(func.count()).select_from(EventRow)) or 0


def three(made: Any) -> list[WorkbookRow]:
    template = load_template("titles").model_copy(update={"rows": 1})
    return made("titles", [title(isbn, f"Book {n}") for n, isbn in enumerate(ISBNS)], subject="titles 1", template=template)


def test_each_workbook_is_asked_about_by_one_run_while_the_question_is_open(made, ledger):
    ids = [row.id for row in three(made)]
    assert claim(ledger, "first") == ids
    assert claim(ledger, "second") == []
    assert claim(ledger, "first") == ids, "the run was cleared"
    assert claim(ledger, "by hand", only=ids[1]) == [ids[1]]
    assert claim(ledger, "first") == [ids[0], ids[2]]
    assert claim(ledger, "next week", timedelta(days=8)) == ids, "nobody has answered"


def test_a_late_answer_to_an_old_question_changes_nothing(made, ledger):
    (row, *_) = three(made)
    claim(ledger, "first")
    claim(ledger, "second", only=row.id)
    assert hand.not_loaded(ledger, row.id, now=NOW, dag_id="d", run_id="first").state == "handed over"
    assert hand.not_loaded(ledger, row.id, now=NOW, who="ada", note="away", dag_id="d", run_id="second").state == "prepared"


def test_who_confirms_twice_changes_nothing(made, ledger):
    (row, *_) = three(made)
    claim(ledger)
    hand.confirm(ledger, row.id, now=NOW, who="ada", note="done")
    before = events(ledger)
    again = hand.confirm(ledger, row.id, now=NOW + timedelta(days=1), who="bob")
    assert (again.state, again.confirmed_by, again.confirmed_at) == ("confirmed", "ada", NOW)
    assert events(ledger) == before


def test_who_confirms_without_loading_gets_the_missing_isbns_named(made, ledger, client, load):
    rows = three(made)
    for row in rows:
        hand.confirm(ledger, row.id, now=NOW, who="ada")
    load(rows[1])
    assert [verify(ledger, client, row.id, now=NOW).state for row in rows] == ["incomplete", "verified", "incomplete"]
    with ledger.read() as session:
        missing = [one for row in workbooks.to_verify(session) for one in row.missing]
    assert [one["isbn"] for one in missing] == [ISBNS[0], ISBNS[2]]
    assert missing[0]["message"] == f"{ISBNS[0]}, Book 0: Consonance has no such product"
    before = events(ledger)
    assert verify(ledger, client, rows[0].id, now=NOW).state == "incomplete"
    assert events(ledger) == before, "nothing new to tell"
    load(rows[0])
    load(rows[2])
    assert [verify(ledger, client, row.id, now=NOW).state for row in rows] == ["verified"] * 3


def test_a_title_that_is_there_twice_is_not_verified(made, ledger, client, sandbox):
    """As where a person has loaded a workbook a second time, or another one that holds the title."""
    isbn = next(one["isbn"] for one in sandbox.call("defects") if one["code"] == "isbn-duplicate")
    (row,) = made("titles", [title(isbn, "Book")], subject="titles 1")
    hand.confirm(ledger, row.id, now=NOW, who="ada")
    row = verify(ledger, client, row.id, now=NOW)
    assert (row.state, [one["message"] for one in row.missing]) == ("incomplete", [f"{isbn}, Book: Consonance has 2 products of this ISBN"])


def test_lines_of_a_sheet_follow_their_workbook(made, ledger, client, load):
    with ledger.session() as session:
        sheet = TitleImportRow(mapping="season", name="s.xlsx", sha256="0" * 64, bytes=1, received_at=NOW)
        sheet.lines = [TitleImportLineRow(row=n, isbn=isbn, state="new") for n, isbn in enumerate(ISBNS)]
        session.add(sheet)

    def point(session: Any, rows: list[WorkbookRow]) -> None:
        for line in session.scalars(select(TitleImportLineRow)):
            line.workbook_id = rows[0].id

    def states() -> list[str]:
        with ledger.read() as session:
            return list(session.scalars(select(TitleImportLineRow.state).order_by(TitleImportLineRow.row)))

    two = [title(isbn, f"Book {n}") for n, isbn in enumerate(ISBNS[:2])]
    (both,) = made("titles", two, subject="other", sources=[])
    (row,) = made("titles", [*two, title(ISBNS[2], "Book 2")], subject="titles 1", then=point, sources=[{"title import": 1}])
    claim(ledger)
    assert states() == ["handed over"] * 3
    hand.confirm(ledger, row.id, now=NOW, who="ada")
    load(both)
    verify(ledger, client, row.id, now=NOW)
    assert states() == ["verified", "verified", "missing"]


def test_prices_are_read_back_by_currency_type_qualifier_and_amount(made, ledger, client, load, sandbox):
    isbn = isbn_there(client)

    def price(amount: str, kind: str = "02") -> Row:
        key = {"isbn": isbn, "currency": "CHF"}
        values = key | {"price_type": kind, "price_qualifier": "05", "amount": Decimal(amount)}
        return Row(values, {"prices": Decimal(1)}, key | {"type": kind, "qualifier": "05", "amount": amount}, where=isbn)

    (first,) = made("prices", [price("19.90"), price("18.60", "01")], subject="prices 1", sources=[])
    hand.confirm(ledger, first.id, now=NOW, who="ada")
    row = verify(ledger, client, first.id, now=NOW)
    assert row.missing[0]["message"] == f"{isbn}: it has no price of 19.90 CHF (type 02, qualifier 05)"
    assert load(first) == {"kind": "prices", "rows": 2, "created": 2, "updated": 0}
    assert verify(ledger, client, first.id, now=NOW).state == "verified"
    (second,) = made("prices", [price("20.00")], subject="prices 2", sources=[])
    assert load(second)["updated"] == 1
    hand.confirm(ledger, second.id, now=NOW, who="ada")
    by_rest = Consonance(Exchange(client.address, timeout=20), str(sandbox.connections["consonance"]["password"]), rest="only")
    assert verify(ledger, by_rest, second.id, now=NOW).state == "verified", "REST tells no type"


def isbn_there(client: Consonance) -> str:
    """One that a product of Consonance's has."""
    return next(row["isbn"]["isbn13"] for row in next(client.products()) if row.get("isbn") and row["isbn"]["isbn13"])


def test_sales_are_verified_by_what_the_person_read_off_consonance(made, ledger, client):
    def said(subject: str, words: Said | None) -> Any:
        (row,) = made("sales", [sale(1, "9.95")], subject=subject, sources=[])
        hand.confirm(ledger, row.id, now=NOW, who="ada", said=words)
        row = verify(ledger, client, row.id, now=NOW)
        return row.state, [one["code"] for one in row.missing]

    assert said("1", Said(agrees=True)) == ("verified", [])
    assert said("2", Said(totals={"GBP": Decimal("9.950"), "sold": Decimal(1)})) == ("verified", [])
    assert said("3", None) == ("incomplete", ["totals-not-compared"])
    assert said("4", Said(agrees=True, rows=0)) == ("incomplete", ["rows-differ"])
    assert said("5", Said(totals={"GBP": Decimal("9.94")})) == ("incomplete", ["totals-differ"])
    with ledger.read() as session:
        wrong = workbooks.to_verify(session)[-1]
    assert wrong.missing[0]["message"] == "GBP came to 9.94 in Consonance, and is 9.95 in the workbook"
    hand.confirm(ledger, wrong.id, now=NOW, who="bob", said=Said(agrees=True))
    assert verify(ledger, client, wrong.id, now=NOW).state == "verified"


def test_a_withdrawal_says_why_and_comes_too_late_for_what_is_loaded(made, ledger):
    first, second, _ = three(made)
    with pytest.raises(RejectedData, match="needs a note"):
        hand.withdraw_one(ledger, first.id, now=NOW, who="ada", note=" ")
    assert hand.withdraw_one(ledger, first.id, now=NOW, who="ada", note="wrong season").state == "withdrawn"
    assert claim(ledger) == [second.id, second.id + 1]
    assert hand.not_loaded(ledger, first.id, now=NOW).state == "withdrawn"
    assert hand.wanted_again(ledger, first.id, now=NOW, who="ada").state == "prepared"
    hand.confirm(ledger, second.id, now=NOW, who="ada")
    with pytest.raises(RejectedData, match="the workbook is confirmed"):
        hand.withdraw_one(ledger, second.id, now=NOW, who="ada", note="too late")


def test_the_question_has_totals_and_steps_and_names_a_header_that_nobody_has_seen(made):
    rows = [sale(1, "1234.5"), sale(2, "-0.05")]
    (row,) = made("sales", rows)
    told = question.question(row, load_template("sales"))
    assert told["totals"] == [("Units sold", "2"), ("Net GBP", "1,234.45")]
    assert told["place"].startswith("Data exchange")
    assert any("twice" in step for step in told["checklist"])
    assert any("Price amount" in step for step in question.checklist(row, load_template("prices")))


# --- Consonance's importers, as the sandbox plays them


def test_the_importer_refuses_what_consonance_refuses(load, made, client, sandbox):
    def refused(kind: str, rows: list[Row], subject: str) -> str:
        (row,) = made(kind, rows, subject=subject, sources=[])
        with pytest.raises(HTTPError) as error:
            load(row)
        return error.value.read().decode()

    assert "no product has the ISBN" in refused("sales", [sale(1, "1", isbn="9780000000002")], "a")
    assert "Sales value must be greater than or equal to 0" in refused("sales", [sale(1, "-1", isbn=isbn_there(client))], "b")
    assert "not valid" in refused("titles", [title("9780306406158", "Wrong digit")], "c")
    assert "stands twice" in refused("titles", [title(ISBNS[0], "One"), title(ISBNS[0], "Two")], "d")
    assert sandbox.call("sales")["sales"] == []
    assert sum(sandbox.call("stats")["mutations"].values()) == 0


def test_sales_are_only_ever_added(load, made, client, sandbox):
    isbn = isbn_there(client)
    values = {"return_quantity": 1, "return_value": Decimal("4.00")}
    (row,) = made("sales", [sale(1, "9.95", isbn=isbn, **values)])
    assert load(row)["created"] == 2, "one row with sales and returns is two transactions"
    assert [(one["kind"], one["value"]) for one in sandbox.call("sales")["sales"]] == [("sales", "9.95"), ("return", "4")]
    load(row)
    assert len(sandbox.call("sales")["sales"]) == 4
    assert sandbox.call("stats")["mutations"] == {"import of sales by a person": 2}


def test_editions_of_one_work_are_created_together(load, made, client):
    def one(isbn: str, **same: str) -> Row:
        return title(isbn, "Same", **same)

    same = {"same_work_type": "Within import", "same_work": "1"}
    (row,) = made("titles", [one(ISBNS[0], **same), one(ISBNS[1], **same), one(ISBNS[2])], subject="titles 1")
    assert len(load(row)["works"]) == 2
    found = {one["isbn"]["isbn13"]: one["id"] // 10 for one in client.products_by_isbn(ISBNS)}
    assert found[ISBNS[0]] == found[ISBNS[1]] != found[ISBNS[2]]
