"""`colophon sales load` and `undo` on files as they come, with the layouts that are shipped."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from openpyxl import Workbook

from colophon.cli import main

HEADER = ["Date", "ISBN", "Title", "Channel", "Territory", "Units", "Net", "Currency", "Transaction"]
ROWS = [
    ["2026-09-03", "9781402894626", "The Lamp", "Harbour Books", "GB", "2", "5.005", "GBP", "A1"],
    ["2026-09-04", "9780306406157", "The Sea", "Harbour Books", "US", "-1", "-2.50", "USD", "A2"],
    ["2026-09-04", "9780306406157", "The Sea", "Harbour Books", "US", "1", "2.50", "USD", "A3"],
]


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The shipped layouts, and one source of plain tables."""
    shipped = Path(__file__).resolve().parents[3] / "config"
    root = tmp_path / "config"
    (root / "sources").mkdir(parents=True)
    (root / "reports").symlink_to(shipped / "reports")
    (root / "sources" / "shop.toml").write_text('id = "shop"\nname = "The Shop"\nlayouts = ["generic"]\nrestated = "difference"\n')
    monkeypatch.setenv("COLOPHON_CONFIG", str(root))


def csv(path: Path, rows=ROWS, header=HEADER) -> str:
    path.write_text("\n".join(",".join(row) for row in [header, *rows]) + "\n")
    return str(path)


def xlsx(path: Path, rows=ROWS) -> str:
    book = Workbook()
    for row in [HEADER, *rows]:
        book.active.append(row)
    book.save(path)
    return str(path)


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[dict]]:
    status = main(["sales", *arguments, "--json"])
    return status, json.loads(capsys.readouterr().out)


def test_a_file_is_loaded_and_the_same_as_a_workbook_in_another_order_is_known(ledger, config, tmp_path, capsys):
    status, (first,) = told(capsys, "load", csv(tmp_path / "september.csv"))
    assert (status, first["state"], first["rows"], first["rejected"]) == (0, "loaded", 3, 0)
    assert (first["net"], first["units"], first["currencies"]) == ({"GBP": "5.005", "USD": "0.00"}, 2, ["GBP", "USD"])
    status, (again,) = told(capsys, "load", xlsx(tmp_path / "copy.xlsx", ROWS[::-1]))
    assert (status, again["state"], again["batch"], again["overlap"]) == (0, "resent", first["batch"], "resent")


def test_a_restated_file_and_its_undoing(ledger, config, tmp_path, capsys):
    told(capsys, "load", csv(tmp_path / "a.csv"))
    status, (second,) = told(capsys, "load", csv(tmp_path / "b.csv", ROWS[:2]))
    assert (status, second["overlap"], second["parts"]) == (
        0, "difference", [{"period": "2026-09", "currency": "USD", "rows": 1, "sold": -1, "returned": 0, "usage": 0, "net": "-2.50"}],
    )  # fmt: skip
    assert second["choice"] == "restated: only the difference is loaded: 0 lines are new and 1 of batch 1 are taken back"
    assert told(capsys, "undo", "2", "--note", "wrong file") == (0, {"batch": 2, "restored": [], "withdrawn": [], "in_hand": []})
    assert main(["sales", "undo", "77"]) == 1
    assert "there is no batch 77" in capsys.readouterr().err


def test_one_bad_file_or_row_stops_nothing_and_says_what_to_do(ledger, config, tmp_path, capsys):
    strange = tmp_path / "strange.csv"
    strange.write_text("Apples,Pears\n1,2\n")
    bad = [*ROWS, ["2026-09-05", "9781402894626", "The Lamp", "Harbour Books", "GB", "1", "2.5O", "GBP", "A4"]]
    status, found = told(capsys, "load", str(strange), csv(tmp_path / "september.csv", bad), str(tmp_path / "none.csv"))
    assert status == 1
    assert ["error" in one for one in found] == [True, False, True]
    assert found[0]["error"]["message"]
    assert found[0]["error"]["todo"]
    (state, rows, rejected), told_row = (found[1][name] for name in ("state", "rows", "rejected")), found[1]["rejected_rows"][0]
    assert (state, rows, rejected, told_row["row"], told_row["column"]) == ("loaded", 3, 1, 5, "Net")


def test_a_dry_run_tells_and_leaves_nothing_also_where_nobody_is_known_to_send_it(ledger, store, config, tmp_path, capsys):
    status, (one,) = told(capsys, "load", "--dry-run", csv(tmp_path / "september.csv"))
    assert (status, one["batch"], one["source"], one["net"]["GBP"]) == (0, None, "shop", "5.005")
    (tmp_path / "config" / "sources" / "shop.toml").unlink()
    status, (one,) = told(capsys, "load", "--dry-run", csv(tmp_path / "september.csv"))
    assert (status, one["source"], one["reasons"][0]["code"]) == (0, "", "source-unknown")
    assert main(["sales", "load", csv(tmp_path / "september.csv")]) == 1
    assert "nobody sends reports of the layout generic" in capsys.readouterr().out
    assert not Path(store.root).exists()


def test_an_empty_file_that_names_its_month_is_a_report_of_nothing(ledger, config, tmp_path, capsys):
    status, (one,) = told(capsys, "load", csv(tmp_path / "sales-2026-09.csv", []))
    assert (status, one["rows"], one["period"], one["choice"]) == (0, 0, {"from": "2026-09-01", "to": "2026-09-30"}, "nothing was sold")
    assert main(["sales", "load", csv(tmp_path / "sales.csv", [])]) == 1
    assert "says no period" in capsys.readouterr().out


def test_for_people_it_is_told_in_words(ledger, config, tmp_path, capsys):
    total = ["Total", "", "", "", "", "2", "5.00", "GBP", ""]
    assert main(["sales", "load", csv(tmp_path / "september.csv", [*ROWS[:1], total])]) == 1
    out = capsys.readouterr().out
    assert "unbalanced, batch 1, generic, 2026-09-01 to 2026-09-30" in out
    assert "net GBP: 5.005, row 3 says 5.00, difference -0.005" in out
