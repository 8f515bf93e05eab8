"""Reports of recipients: only their own, exact, re-adding to their sources, sent once, and again when something changed."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import openpyxl
import pytest
from sqlalchemy import select

from include.errors import ConfigurationError, PermanentError
from include.ledger import deliveries
from include.ledger.models import DeliveryRow, DeliveryState
from include.ledger.packages import Stopped
from include.ledger.sales_rows import SalesPartRow, SalesProductRow
from include.partners import load_house
from include.rights import leaving
from include.rights.report import build, write
from include.royalties.payees import Payee, PayeeList
from include.sales import undo
from tests.rights.shelf import (
    DARK,
    LAMP,
    LAMP_ID,
    MOON,
    NOW,
    PAYEES,
    SEA,
    added,
    fill,
    line,
    parts,
    party,
    rights,
    sell,
    table,
)  # fmt: skip
from tests.sales.load.reports import SHOP, month

FOXGLOVE = {"reports": ("rights", "contracts"), "payees": ("P-1",), "folder": "rights"}
MERROW = {"reports": ("rights", "contracts"), "payees": ("P-2",), "folder": "rights"}
FINANCE = {"reports": ("finance", "contracts"), "folder": "finance"}
OTHER = SHOP.model_copy(update={"id": "other"})


@pytest.fixture
def house(ledger, store):
    fill(ledger)
    return ledger


def make(ledger, store, into, id, period="", **wish):
    return write(ledger, store, party(id, **wish), load_house(), PAYEES, NOW, into, period)


def due(ledger, store, id, now=NOW, known=PAYEES, **wish):
    """One run: what it would send, as {report-period: {file: bytes}}, all of which arrives."""
    built = build(ledger, store, party(id, **wish), load_house(), known, now)
    sent = {}
    for one in built:
        if one.delivery_id is None:
            continue
        with ledger.session() as session:
            row = deliveries.get(session, one.delivery_id)
            sent[f"{one.report}-{one.period}"] = {file.name: store.open(file.sha256).read() for file in row.files}
            assert {file.folder for file in row.files} == {f"/{wish['folder']}"}
            deliveries.move(session, row, DeliveryState.SENDING, now=now)
            deliveries.move(session, row, DeliveryState.DELIVERED, now=now)
            row.delivered_at = now
    return sent


def text_of(files: Iterable[bytes]) -> str:
    """All that files say, workbooks unpacked."""
    found = ""
    for content in files:
        if content[:2] == b"PK":
            with zipfile.ZipFile(io.BytesIO(content)) as book:
                found += "".join(book.read(name).decode() for name in book.namelist())
        else:
            found += content.decode("utf-8-sig")
    return found


MIXED = (
    line(LAMP, 3, "7.505", territory="GB"), line(LAMP, 2, "5.01", territory="US"), line(SEA, 4, "8", territory="FR", currency="EUR"),
    line(DARK, 1, "1.1", territory="GB"), line("9791034304035", 1, "0.0000000003", territory="US"), line(MOON, 6, "6", territory=""),
    line(MOON, -1, "-1.01", territory="DE"), line(LAMP, 44, "0", territory="US", model="usage", currency=""),
    line("", 0, "-2.5", territory="", model="adjustment", title="", id_type=""), line("GIFT", 1, "3", territory="GB", id_type="sku"),
    line(SEA, 2, "9.99", territory="GB", currency="USD", paid=Decimal("7.77"), paid_currency="GBP"),
)  # fmt: skip


# --- finance


def test_a_finance_extract_re_adds_to_its_batches_and_loses_nothing(house, store, tmp_path):
    sell(house, store, *MIXED)
    sell(house, store, line(SEA, 1, "0.005", territory="GB"), source=OTHER, name="more.csv")
    with house.session() as session:
        session.scalars(select(SalesProductRow).filter_by(id_value="GIFT")).one().state = "ignored"
    made, contracts = make(house, store, tmp_path, "countinghouse", **FINANCE)
    assert [path.name for path in made.files] == ["finance_2026-09.xlsx", "finance_2026-09.csv", "finance_2026-09_control.csv"]
    rows, control = table(made.files[1]), table(made.files[2])
    assert added(rows) == parts(house) == added([one for one in control if one["What"] == "batch"])
    assert added([one for one in control if one["What"] == "total of the batches"]) == parts(house)
    assert all(set(one.values()) <= {"1", "difference", "", "0", "0.00", "GBP", "EUR"} for one in control if one["What"] == "difference")
    told = {(one["Imprint"], one["Territory"], one["Currency"]): (one["Sold"], one["Used"], one["Net"]) for one in rows}
    assert told["Lantern", "GB", "GBP"] == ("3", "0", "7.505")
    assert told["(title not known)", "US", "GBP"] == ("1", "0", "0.0000000003")
    assert told["(none of ours)", "GB", "GBP"] == ("1", "0", "3.00")
    assert told["(no product named)", "(not told)", "GBP"] == ("0", "0", "-2.50")
    assert told["Lantern", "(not told)", "GBP"] == ("6", "0", "6.00")
    assert told["Lantern", "US", ""] == ("0", "44", "0.00")
    assert told["Quill", "GB", "GBP"] == ("4", "0", "8.875")
    assert {one["Country"] for one in rows if one["Territory"] == "GB"} == {"United Kingdom"}
    assert contracts.lines == 3


def test_many_lines_of_two_months_and_two_reports_re_add(house, store, tmp_path):
    roll = Random(7)

    def some(number: int) -> dict[str, Any]:
        return month(
            roll.randint(8, 9), isbn=roll.choice([LAMP, SEA, DARK, MOON, "9791034304035"]), units=roll.randint(-99, 99),
            net=str(Decimal(roll.randint(-(10**24), 10**24)).scaleb(-10)), territory=roll.choice(["GB", "US", "DE", ""]),
            currency=roll.choice(["GBP", "USD"]), model=roll.choice(["sale", "page reads", "adjustment", "free", "rental"]),
            transaction=str(number),
        )  # fmt: skip

    for name in ("one.csv", "two.csv"):
        sell(house, store, *(some(number) for number in range(200)), rule="difference", name=name)
    made = [make(house, store, tmp_path, "countinghouse", period, **FINANCE)[0] for period in ("2026-08", "2026-09")]
    assert added([row for one in made for row in table(one.files[1])]) == parts(house)


def test_totals_that_do_not_agree_with_the_lines_stop_the_extract(house, store, tmp_path):
    sell(house, store, *MIXED)
    with house.session() as session:
        session.scalars(select(SalesPartRow).filter_by(currency="EUR")).one().net += Decimal("0.01")
    with pytest.raises(PermanentError, match="do not come to its totals for 2026-09 EUR"):
        make(house, store, tmp_path, "countinghouse", **FINANCE)


def test_a_finance_extract_of_one_imprint_tells_nothing_of_the_others(house, store, tmp_path):
    sell(house, store, *MIXED)
    wish = {"reports": ("finance",), "products": {"imprints": ("Quill",)}, "territories": ("GB", "FR")}
    rows, control = (table(path) for path in make(house, store, tmp_path, "countinghouse", **wish)[0].files[1:])
    assert {(one["Imprint"], one["Territory"]) for one in rows} == {("Quill", "GB"), ("Quill", "FR")}
    assert added([one for one in control if one["What"] == "batch"]) == added(rows)
    assert added(rows)["GBP"] == [2, 3, 0, 0, Decimal("8.87")]


# --- rights and contracts


def test_each_agent_hears_of_its_own_clients_titles_and_contracts_and_of_no_other(house, store):
    sell(house, store, *MIXED)
    foxglove, merrow = due(house, store, "foxglove", **FOXGLOVE), due(house, store, "merrow", **MERROW)
    assert set(foxglove) == set(merrow) == {"rights-2026-09", "contracts-2026-09"}
    ours = text_of(content for files in foxglove.values() for content in files.values())
    theirs = text_of(content for files in merrow.values() for content in files.values())
    assert "The Lamp" in ours
    assert "Agreement 501" in ours
    assert "Audio" in ours
    for other in ("The Sea", SEA, "In the Dark", "Agreement 502", "Agreement 503", "Film", "Translation", "Ben Sea", "P-2", "Moon"):
        assert other not in ours, other
    assert "The Sea" in theirs
    assert "Film" in theirs  # of the work that both have a contract of
    for other in ("Agreement 501", "Audio", "75.5", "Ana Lamp", "P-1", "In the Dark"):
        assert other not in theirs, other


def test_a_rights_report_tells_rights_licences_and_flags(house, store, tmp_path):
    sell(house, store, *MIXED)
    made, contracts = make(house, store, tmp_path, "foxglove", **FOXGLOVE)
    assert (made.lines, made.flags, contracts.lines) == (1, 2, 1)
    title = table(tmp_path / "rights_2026-09.csv")[0]
    assert (title["Schema"], title["Sales rights"], title["Not for sale in"]) == ("1", "worldwide except 1 country", "US")
    assert (title["Licensed rights"], title["Flags"]) == ("Audio 75.5%", "2")
    assert table(tmp_path / "rights_2026-09_licensed.csv") == [
        {"Schema": "1", "Work": "The Lamp", "Right": "Audio", "Author's cut %": "75.5"}
    ]
    flags = table(tmp_path / "rights_2026-09_flags.csv")
    assert [(one["Finding"], one["Territory"], one["Sold"], one["Used"], one["Net"], one["Currency"]) for one in flags] == [
        ("not held", "US", "0", "44", "0.00", ""), ("not held", "US", "2", "0", "5.01", "GBP"),
    ]  # fmt: skip
    assert flags[0]["Batch"] == "1"
    contract = table(tmp_path / "contracts_2026-09.csv")[0]
    assert (contract["Contract"], contract["Signed"], contract["Guaranteed royalty"]) == ("501", "2024-02-29", "1250.5")
    assert contract["Payees"] == "P-1 Ana Lamp"


def test_a_rights_partner_sees_unknown_rights_as_unknown(house, store, tmp_path):
    make(house, store, tmp_path, "farshore", reports=("rights",), territories=("US", "GB"))
    rows = {one["Title"]: one for one in table(tmp_path / "rights_2026-09.csv")}
    assert rows["In the Dark"]["Sales rights"] == "unknown"
    assert (rows["In the Dark"]["For sale in"], rows["In the Dark"]["Not known in"]) == ("", "GB US")
    assert (rows["The Lamp"]["For sale in"], rows["The Lamp"]["Not for sale in"]) == ("GB", "US")
    assert rows["'=Moon"]["Sales rights"] == "worldwide"
    assert rows["The Lamp"]["Licensed rights"] == "Audio; Film"  # what the author gets of it is for those who get contracts
    assert {one["Author's cut %"] for one in table(tmp_path / "rights_2026-09_licensed.csv")} == {""}


def test_flags_re_add_by_territory_and_imprint_and_to_their_batches(house, store, tmp_path):
    sell(house, store, *MIXED, line(LAMP, 1, "-5.01", territory="US"))
    sell(house, store, line(SEA, 1, "0.005", territory="FR", currency="EUR"), source=OTHER, name="more.csv")
    make(house, store, tmp_path, "farshore", reports=("rights",))
    flags, places, control = (table(tmp_path / f"rights_2026-09_{part}.csv") for part in ("flags", "territories", "control"))
    batches = [one for one in control if one["What"] == "batch"]
    assert amounts(flags) == amounts(places) == amounts(batches)
    assert amounts(batches)["EUR"] == [5, 0, 0, Decimal("8.005")]
    assert {one["Net"] for one in control if one["What"] == "difference"} == {"0.00"}
    assert [(one["Imprint"], one["Territory"], one["Finding"], one["Net"]) for one in places if one["Currency"] == "EUR"] == [
        ("Quill", "FR", "not held", "8.005")
    ]


def amounts(rows: list[dict[str, str]]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for row in rows:
        values = [*(int(row[name]) for name in ("Sold", "Returned", "Used")), Decimal(row["Net"])]
        found[row["Currency"]] = [one + other for one, other in zip(found.get(row["Currency"], [0, 0, 0, 0]), values, strict=True)]
    return found


def test_a_workbook_has_exact_numbers_real_dates_and_no_formulas(house, store, tmp_path):
    sell(house, store, *MIXED, line(MOON, 1, "123456789012345.678", territory="DE", currency="JPY"))
    make(house, store, tmp_path, "countinghouse", **FINANCE)
    book = openpyxl.load_workbook(tmp_path / "finance_2026-09.xlsx")
    assert book.sheetnames == ["About", "Sales", "Control"]
    sheet = book["Sales"]
    nets = {(row[1].value, row[2].value, row[4].value): row[9] for row in sheet.iter_rows(min_row=2)}
    assert nets["Quill", "FR", "EUR"].value == 8
    assert nets["Lantern", "DE", "JPY"].value == "123456789012345.678"  # more digits than a number of a workbook holds
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == f"A1:J{sheet.max_row}"
    about = {row[0].value: row[1].value for row in book["About"].iter_rows()}
    assert (about["For"], about["Period"]) == ("Counting House", "2026-09: 1 September 2026 to 30 September 2026")
    make(house, store, tmp_path / "b", "farshore", reports=("rights",))
    titles = openpyxl.load_workbook(tmp_path / "b" / "rights_2026-09.xlsx")["Rights"]
    assert [row[0].data_type for row in titles.iter_rows(min_row=2)] == ["s"] * 4
    contracts = openpyxl.load_workbook(tmp_path / "contracts_2026-09.xlsx")["Contracts"]
    assert contracts["E2"].value == datetime.fromisoformat("2024-02-29")


def test_the_same_data_gives_the_same_bytes(house, store, tmp_path):
    sell(house, store, *MIXED)
    for folder in ("a", "b"):
        make(house, store, tmp_path / folder, "countinghouse", **FINANCE)
        make(house, store, tmp_path / folder, "foxglove", **FOXGLOVE)
    for one in sorted((tmp_path / "a").iterdir()):
        assert one.read_bytes() == (tmp_path / "b" / one.name).read_bytes(), one.name


# --- runs


def test_a_second_run_sends_nothing_and_changed_rights_send_the_report_again(house, store):
    sell(house, store, *MIXED)
    first = due(house, store, "foxglove", **FOXGLOVE)
    assert set(first["rights-2026-09"]) == {
        "rights_2026-09.xlsx", "rights_2026-09.csv", "rights_2026-09_licensed.csv", "rights_2026-09_flags.csv",
        "rights_2026-09_territories.csv", "rights_2026-09_control.csv",
    }  # fmt: skip
    assert due(house, store, "foxglove", **FOXGLOVE) == {}
    rights(house, LAMP_ID, sold_worldwide=True)
    again = due(house, store, "foxglove", **FOXGLOVE)
    assert set(again) == {"rights-2026-09"}
    assert b"not held" not in again["rights-2026-09"]["rights_2026-09_flags.csv"]
    assert due(house, store, "foxglove", **FOXGLOVE) == {}


def test_an_earlier_period_stays_as_it_was_sent_until_its_flags_change(house, store):
    later = datetime(2026, 11, 21, tzinfo=UTC)
    sell(house, store, line(LAMP, 2, "5", territory="US"))
    assert "rights-2026-09" in due(house, store, "foxglove", **FOXGLOVE)
    rights(house, LAMP_ID, sold_worldwide=True, not_sold_in=("US", "CA"))
    assert set(due(house, store, "foxglove", now=later, **FOXGLOVE)) == {"rights-2026-10", "contracts-2026-10"}
    sell(house, store, line(LAMP, 1, "2", territory="CA"), rule="difference", name="late.csv")
    assert set(due(house, store, "foxglove", now=later, **FOXGLOVE)) == {"rights-2026-09"}
    assert due(house, store, "foxglove", now=later, **FOXGLOVE) == {}


def test_a_batch_that_is_undone_leaves_the_extract_and_one_that_comes_late_is_in_it(house, store):
    batch = sell(house, store, *MIXED)
    assert set(due(house, store, "countinghouse", **FINANCE)) == {"finance-2026-09", "contracts-2026-09"}
    undo.undo(house, batch, now=NOW, who="ana", note="wrong file")
    empty = due(house, store, "countinghouse", **FINANCE)["finance-2026-09"]["finance_2026-09.csv"].decode("utf-8-sig")
    assert empty.splitlines() == ["Schema,Period,Imprint,Territory,Country,Currency,Lines,Sold,Returned,Used,Net"]
    sell(house, store, line(SEA, 1, "2.50"), name="right.csv")
    assert set(due(house, store, "countinghouse", **FINANCE)) == {"finance-2026-09"}
    assert due(house, store, "countinghouse", **FINANCE) == {}


def test_what_did_not_arrive_goes_with_the_next_run_once(house, store):
    sell(house, store, *MIXED)
    first, again = (build(house, store, party("foxglove", **FOXGLOVE), load_house(), PAYEES, NOW) for _ in range(2))
    assert [one.delivery_id for one in first] == [one.delivery_id for one in again]
    rights(house, LAMP_ID, sold_worldwide=True)
    third = build(house, store, party("foxglove", **FOXGLOVE), load_house(), PAYEES, NOW)
    assert third[0].delivery_id not in {None, first[0].delivery_id}
    with house.read() as session:
        states = {row.id: row.state for row in session.scalars(select(DeliveryRow))}
    assert states[first[0].delivery_id] == DeliveryState.WITHDRAWN


@pytest.mark.parametrize(
    ("payees", "said"),
    [
        (PayeeList((Payee("P-1", "Ana Lamp", "merrow", (), ("501",)),)), "no payee of this party any more"),
        (PayeeList(()), "there is no payee P-1"),
    ],
)
def test_a_client_who_has_another_agent_now_is_no_secret_to_be_told_to_the_old_one(house, store, payees, said):
    with pytest.raises(ConfigurationError, match=said):
        due(house, store, "foxglove", known=payees, **FOXGLOVE)
    with house.read() as session:
        assert session.scalars(select(DeliveryRow)).all() == []


def test_an_agent_without_clients_does_not_get_everything(house, store):
    with pytest.raises(ConfigurationError, match="its own clients only"):
        due(house, store, "foxglove", reports=("rights",))


def test_a_report_that_waits_does_not_leave_once_the_client_has_another_agent(house, store):
    ours = party("foxglove", **FOXGLOVE)
    waiting = [one.delivery_id for one in build(house, store, ours, load_house(), PAYEES, NOW)]
    for id in waiting:
        leaving.refuse(house, ours, PAYEES, id, now=NOW)
    for moved in (Payee("P-1", "Ana Lamp", "merrow", (), ("501",)), Payee("P-1", "Ana Lamp", "foxglove", (), ())):
        with pytest.raises(Stopped, match="not this party's any more"):
            leaving.refuse(house, ours, PayeeList((moved,)), waiting[0], now=NOW)
    with house.read() as session:
        states = {row.id: row.state for row in session.scalars(select(DeliveryRow))}
    assert states == {waiting[0]: DeliveryState.WITHDRAWN, waiting[1]: DeliveryState.PREPARED}


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"file_name": "all_{period}"}, "one name"),
        ({"file_name": "{report}_{nobody}"}, "can't be filled"),
        ({"file_name": "../x{report}"}, "no file name"),
    ],
)
def test_a_mask_that_makes_no_names_is_refused(house, store, tmp_path, wish, said):
    with pytest.raises(ConfigurationError, match=said):
        make(house, store, tmp_path, "foxglove", **(FOXGLOVE | wish))


def test_the_command_writes_what_would_go(house, store, tmp_path, monkeypatch, capsys):
    from colophon.cli import main

    sell(house, store, line(territory="US"))
    assert main(["rights", "report", "countinghouse", "--period", "2026-09", "--out", str(tmp_path / "out"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [(one["report"], one["period"], one["lines"]) for one in told["reports"]] == [
        ("finance", "2026-09", 1),
        ("contracts", "2026-09", 3),
    ]
    assert {path.name for path in (tmp_path / "out").iterdir()} == {name for one in told["reports"] for name in one["files"]}
    assert main(["rights", "report", "countinghouse", "--period", "September"]) == 1
    assert "2026-10" in capsys.readouterr().err
    assert main(["rights", "report", "northgate"]) == 1
    assert Path(tmp_path).exists()
