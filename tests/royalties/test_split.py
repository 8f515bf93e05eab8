"""Every page and every row of an export ends in exactly one statement, whole and its payee's, or is held with a reason."""

from __future__ import annotations

import csv
import io
from decimal import Decimal

import pikepdf
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from include.errors import ConfigurationError, RejectedData
from include.files.model import Refused
from include.ledger import statements
from include.royalties import payees
from include.royalties.layout import StatementLayout, load_layouts
from include.royalties.statements import money
from sandbox.statements import export
from tests.royalties.exports import batch, codes, found_in, told

LONG = ({"of": "P-1001", "lines": 20}, {"of": "P-2001", "lines": 20})


@pytest.mark.parametrize("kind", ["pdf", "csv", "zip", "zip-csv"])
def test_each_payee_gets_its_own_statement_out_of_every_sort_of_export(kind, store, tmp_path):
    statements = batch()
    name, content = export.make(statements, kind)
    found = found_in(store, tmp_path, name, content)
    assert told(found) == [(one.payee_number, []) for one in statements]
    said = [(one.part.said.number, one.part.said.period, one.part.said.amount, one.part.said.currency) for one in found]
    assert said == [(one.number, one.period, one.amount, one.currency) for one in statements]
    assert [one.part.said.contracts for one in found] == [
        tuple(str(c) for c in dict.fromkeys(line.contract for line in s.lines)) for s in statements
    ]
    assert [one.recipient for one in found] == ["foxglove", "foxglove", "merrow", "merrow", "countinghouse"]


DEFECTS = {
    "interleaved": [("P-1001", ["interleaved"]), ("P-2001", ["interleaved"])],
    "order": [("P-2001", ["pages-order"]), ("P-1001", ["pages-order"])],
    "missing-page": [("P-1001", ["pages-missing"]), ("P-2001", [])],
    "nobody": [("P-1001", []), ("P-2001", []), (None, ["nobody"])],
    "scan": [("P-1001", []), ("P-2001", []), (None, ["no-text", "not-checkable"])],
    "picture": [("P-1001", ["not-checkable"]), ("P-2001", ["not-checkable"])],
    "hidden": [("P-1001", ["other-payee"]), ("P-2001", ["other-payee"])],
    "beyond": [("P-1001", ["other-payee"]), ("P-2001", ["other-payee"])],
    "bookmarks": [("P-1001", []), ("P-2001", [])],
    "attachment": [("P-1001", []), ("P-2001", [])],
    "fields": [("P-1001", []), ("P-2001", [])],
    "shared": [("P-1001", []), ("P-2001", [])],
}


@pytest.mark.parametrize("defect", DEFECTS)
def test_what_goes_wrong_with_a_batch_is_held_with_its_reason_and_the_rest_goes(defect, store, tmp_path):
    assert told(found_in(store, tmp_path, "a.pdf", export.pdf(batch(*LONG), [defect]))) == DEFECTS[defect]


def test_a_blank_page_between_two_statements_is_nobodys_and_waits_for_nobody(store, tmp_path):
    with pikepdf.open(io.BytesIO(export.pdf(batch(*LONG)))) as pdf:
        pdf.add_blank_page()
        pdf.pages.insert(2, pdf.pages[-1])
        pdf.save(tmp_path / "both sides.pdf")
    assert told(found_in(store, tmp_path, "a.pdf", (tmp_path / "both sides.pdf").read_bytes())) == [("P-1001", []), ("P-2001", [])]


@pytest.mark.parametrize(("defect", "code"), [("encrypted", "pdf-encrypted"), ("broken", "pdf-broken"), ("layers", "")])
def test_a_file_of_which_nothing_can_be_read_is_refused_as_a_whole(defect, code, store, tmp_path):
    with pytest.raises(RejectedData) as refused:
        found_in(store, tmp_path, "a.pdf", export.pdf(batch(*LONG), [defect]))
    assert (refused.value.code if isinstance(refused.value, Refused) else "") == code
    assert refused.value.todo


WHOSE = {
    "capitals, and a number": ({"of": "P-1002", "payee": "ZOE MULLER-OFFLEY"}, "P-1002", []),
    "ligature and composed accents": ({"of": "P-1002", "payee": "Zoe\u0308 Mu\u0308ller-Offley", "payee_number": ""}, "P-1002", []),
    "a former name": ({"of": "P-1002", "payee": "Zoë Müller", "payee_number": ""}, "P-1002", []),
    "without accents and number": ({"of": "P-1002", "payee": "Zoe Muller-Offley", "payee_number": ""}, None, ["payee-unknown"]),
    "nearly the name": ({"of": "P-2001", "payee": "Jonathan Brigt", "payee_number": ""}, None, ["payee-unknown"]),
    "another's number": ({"of": "P-2001", "payee_number": "P-2002"}, None, ["name-differs"]),
    "unknown number": ({"of": "P-2001", "payee_number": "P-7777"}, None, ["payee-unknown"]),
    "another's contract": ({"of": "P-1002", "contracts": [501003]}, "P-1002", ["contract-of-another", "other-payee"]),
    "a co-author": ({"of": "P-1002", "note": "Jointly with Siân Griffith"}, "P-1002", ["other-payee"]),
    "two currencies": ({"of": "P-1002", "note": "Amount payable: USD 5.00"}, "P-1002", ["amount", "currencies"]),
    "we are owed": ({"of": "P-1002", "add": "-900"}, "P-1002", []),
}


@pytest.mark.parametrize(
    ("what", "kind"), [(what, kind) for what in WHOSE for kind in ("pdf", "csv") if kind == "pdf" or "note" not in WHOSE[what][0]]
)
def test_only_an_exact_payee_gets_a_statement(what, kind, store, tmp_path):
    asked, payee, reasons = WHOSE[what]
    statements = batch(asked)
    [one] = found_in(store, tmp_path, *export.make(statements, kind))
    assert ((one.payee.id if one.payee else None), codes(one)) == (payee, reasons)
    assert one.part.said.amount == (None if "amount" in reasons else statements[0].amount)
    if payee is None:
        assert one.recipient == ""
    if what == "nearly the name":
        assert one.proposals == ("P-2001",)


def test_a_payee_with_two_statements_gets_both_and_two_with_one_number_are_held(store, tmp_path):
    two = export.pdf(batch({"of": "P-1002"}, {"of": "P-1002", "number": "S-2"}))
    assert told(found_in(store, tmp_path, "two.pdf", two)) == [("P-1002", []), ("P-1002", [])]
    one = export.pdf(batch({"of": "P-1002"}, {"of": "P-1002", "add": "1"}))
    assert all("statement-twice" in codes(each) for each in found_in(store, tmp_path, "one.pdf", one))


def test_two_payees_of_one_name_are_told_apart_by_number_or_contract_and_never_guessed(store, tmp_path, monkeypatch):
    both = payees.parse("payee,name,also,recipient,contracts\nA-1,Ann Lee,,foxglove,501001\nA-2,Ann Lee,,merrow,501003\n")
    monkeypatch.setattr("include.royalties.read.load_payees", lambda: both)
    bare = {"payee": "Ann Lee", "payee_number": "", "of": "P-2001"}
    found = found_in(
        store,
        tmp_path,
        "a.pdf",
        export.pdf(
            batch(
                bare,
                bare | {"contracts": [501099], "number": "S-9"},
                bare | {"payee_number": "A-1", "contracts": [501001], "number": "S-8"},
            )
        ),
    )
    assert told(found) == [("A-2", []), (None, ["payee-twice"]), ("A-1", [])]


def test_pages_that_do_not_say_whose_they_are_follow_only_where_the_layout_says_so_and_are_counted(store, tmp_path, monkeypatch):
    layouts = [layout for layout in load_layouts() if layout.pdf]
    marks = layouts[0].pdf.model_copy(update={"following": "follow"})
    monkeypatch.setattr("include.royalties.read.load_layouts", lambda: [layouts[0].model_copy(update={"pdf": marks})])
    assert told(found_in(store, tmp_path, "a.pdf", export.pdf(batch(*LONG)))) == [("P-1001", []), ("P-2001", [])]
    assert told(found_in(store, tmp_path, "a.pdf", export.pdf(batch(*LONG), ["missing-page"])))[0] == ("P-1001", ["pages-missing"])
    swapped = told(found_in(store, tmp_path, "a.pdf", export.pdf(batch(*LONG), ["interleaved"])))
    assert all(reasons for _, reasons in swapped)


def test_a_hostile_zip_gives_nothing_and_a_bad_member_is_held_while_the_others_go(store, tmp_path):
    good = export.pdf(batch({"of": "P-1002"}))
    members = [
        ("a/" + "x" * 90 + f"/{name}", content)
        for name, content in (("1.pdf", good), ("2.pdf", good[:900]), ("3.exe", b"MZ" + bytes(99)), ("4.txt", b"hello"))
    ]
    found = found_in(store, tmp_path, "a.zip", export.zipped(members))
    assert told(found) == [("P-1002", []), (None, ["pdf-broken"]), (None, ["executable"]), (None, ["not-recognised"])]
    assert len({statements.position_of(one.part.position) for one in found}) == 4


def test_a_column_that_the_layout_does_not_name_stays_behind(store, tmp_path):
    statements = batch()
    for one in found_in(store, tmp_path, "a.csv", export.csv_rows(statements)):
        with store.open(one.part.content.sha256) as file:
            rows = list(csv.DictReader(io.TextIOWrapper(file, "utf-8")))
        assert "Batch total" not in rows[0]
        assert {row["Payee number"] for row in rows} == {one.payee.id}


def test_rows_without_payee_or_with_more_cells_are_nobodys(store, tmp_path):
    lines = export.csv_rows(batch({"of": "P-1002"})).decode("utf-8-sig").splitlines()
    lines += [lines[1].replace("P-1002,Zoë Müller-Offley", ","), lines[1] + ",one,more"]
    lines += [lines[1].replace("P-1002,Zoë Müller-Offley", "P-2002,Siân Griffith").replace("S-26H1-1002", "").replace("501002", "")]
    found = found_in(store, tmp_path, "a.csv", "\r\n".join(lines).encode("utf-16"))
    assert told(found) == [("P-1002", []), ("P-2002", ["number-missing"]), (None, ["nobody"]), (None, ["nobody"])]


def test_a_file_without_a_statement_names_the_nearest_layout(store, tmp_path):
    with pytest.raises(RejectedData, match="no statement"):
        found_in(store, tmp_path, "a.csv", export.csv_rows([]))
    with pytest.raises(RejectedData, match=r"nearest layout is csv_batch; missing: .*Payee number"):
        found_in(store, tmp_path, "b.csv", b"Payee,Statement\nA,B\n")


@settings(max_examples=7, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.sampled_from(["P-1001", "P-1002", "P-2001", "P-2002", "P-3001"]), min_size=1, max_size=5, unique=True),
    st.integers(1, 30),
    st.data(),
)
def test_the_parts_of_an_export_are_the_whole_whatever_its_order(store, tmp_path, who, lines, data):
    order = data.draw(st.permutations(who))
    statements = batch(*({"of": payee, "lines": lines} for payee in order))
    content = export.pdf(statements)
    found = found_in(store, tmp_path, "a.pdf", content)
    with pikepdf.open(io.BytesIO(content)) as whole:
        pages = 0
        for one in found:
            with store.open(one.part.content.sha256) as file, pikepdf.open(io.BytesIO(file.read())) as part:
                pages += len(part.pages)
        assert pages == len(whole.pages)
    assert sum((one.part.said.amount or Decimal(0) for one in found), Decimal(0)) == sum((one.amount for one in statements), Decimal(0))
    assert [one.payee.id for one in found if one.payee] == order


@pytest.mark.parametrize(
    ("text", "point", "amount"),
    [
        ("1,234.50", ".", "1234.50"),
        ("(12.30)", ".", "-12.30"),
        ("\u22125.00", ".", "-5.00"),
        ("7-", ".", "-7"),
        ("1.234,5", ",", "1234.5"),
        ("12,34.5", ".", None),
        ("1.2.3", ".", None),
        ("x", ".", None),
    ],
)
def test_amounts_are_read_to_the_cent_or_not_at_all(text, point, amount):
    assert money(text, point) == (None if amount is None else Decimal(amount))


def test_a_payee_list_or_layout_that_is_wrong_says_which_line():
    with pytest.raises(ConfigurationError, match="line 3: payee p1 is there twice"):
        payees.parse("payee,name,also,recipient,contracts\nP-1,A B,,x,\np1,C D,,x,\n")
    with pytest.raises(ConfigurationError, match="line 2: '5O1001' is no contract of Consonance"):
        payees.parse("payee,name,also,recipient,contracts\nP-1,A B,,x,501004;5O1001\n")
    with pytest.raises(ValueError, match="exactly one group"):
        StatementLayout.model_validate({"id": "aa", "name": "A", "pdf": {"first_page": ["x"], "payee": "Payee", "number": "(x)"}})
    with pytest.raises(ValueError, match="needs `page`"):
        StatementLayout.model_validate({"id": "aa", "name": "A", "pdf": {"first_page": ["x"], "payee": "(x)", "following": "follow"}})
