"""`colophon sales workbook`: the flow's own workbooks, copied."""

from __future__ import annotations

import json
import shutil
from decimal import Decimal
from pathlib import Path

import pytest

from colophon.cli import main
from tests.workbooks.conftest import cells
from tests.workbooks.test_sales import EBOOK, PRINT, line, loaded  # noqa: F401 - a fixture

CONFIG = Path(__file__).resolve().parents[2] / "config"
SHOP = """id = "shop"
name = "Shop"
layouts = ["generic"]
channels = [{ id = 4101 }]
"""


@pytest.fixture
def config(tmp_path, monkeypatch, colophon_home):
    folder = tmp_path / "config"
    shutil.copytree(CONFIG, folder)
    (folder / "sources" / "shop.toml").write_text(SHOP)
    monkeypatch.setenv("COLOPHON_CONFIG", str(folder))
    return folder


@pytest.mark.airflow
@pytest.mark.usefixtures("airflow_home")
def test_workbooks_of_batches_are_copied_and_what_waits_is_said(config, loaded, tmp_path, capsys):  # noqa: F811
    template = config / "workbooks" / "sales.toml"
    template.write_text(template.read_text().replace("rows = 20_000", "rows = 1"))
    first = loaded(line(), line(id_value=EBOOK))
    second = loaded(line(net=Decimal("2.00")), line(id_value="B0UNKNOWN", id_type="asin"))
    words = ["sales", "workbook", str(first), str(second), "--out", str(tmp_path / "out.xlsx"), "--json"]
    assert main(words) == 1, "something waits"
    told = json.loads(capsys.readouterr().out)
    assert [(row["state"], row["totals"]["GBP"]) for row in told["workbooks"]] == [
        ("prepared", "1.00"),
        ("prepared", "1.00"),
        ("prepared", "2.00"),
    ]
    assert [(one["batch"], one["code"]) for one in told["waiting"]] == [(second, "unmatched")]
    copies = [tmp_path / f"out_{number}-of-3.xlsx" for number in (1, 2, 3)]
    assert [row["file"] for row in told["workbooks"]] == [str(path) for path in copies]
    assert {cells(path.read_bytes())[1][1] for path in copies} == {PRINT, EBOOK}
    before = [path.read_bytes() for path in copies]
    assert main(words[:-1]) == 1
    shown = capsys.readouterr().out
    assert "Net GBP" in shown
    assert "waits: batch 2: B0UNKNOWN: no title of ours is known for it. Say which title it is, on the page Sales." in shown
    assert [path.read_bytes() for path in copies] == before
    assert main(["sales", "workbook", "1", "--out", str(tmp_path / "nowhere" / "out.xlsx")]) != 0
    assert "Name a file in a folder" in capsys.readouterr().err
