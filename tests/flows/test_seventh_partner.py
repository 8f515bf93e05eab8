"""A seventh partner is one file: its DAG, its flavour, its numbers and its place in the ledger follow from it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from lxml import etree

from tests.airflow_home import parse, run

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(600)]

ROOT = Path(__file__).resolve().parents[2]
SEVENTH = """
id = "seventh"
name = "Seventh Heaven Books"
kind = "retailer"
addressee = { name = "Seventh Heaven Books" }

[transport]
protocol = "sftp"
connection = "partner_northgate"
folder = "/outbox/seventh"

[schedule]
cron = ""

[feed]
release = "3.1"
file_name = "seventh-{kind}-{message_number}.xml"
products = { forms = ["ED"] }
markets = [{ countries = ["WORLD"], supplier = { name = "Lantern & Quill" }, prices = [{ currency = "GBP" }] }]
"""


def test_one_file_makes_a_seventh_feed(sandbox, connections, ledger, tmp_path, monkeypatch):
    shutil.copytree(ROOT / "config", tmp_path / "config")
    (tmp_path / "config" / "partners" / "seventh.toml").write_text(SEVENTH)
    monkeypatch.setenv("COLOPHON_CONFIG", str(tmp_path / "config"))
    connections(sandbox.connections)
    bag = parse()
    assert run(bag.dags["catalogue_sync"]).state == "success"
    assert run(bag.dags["metadata_feed__seventh"]).state == "success"
    message = etree.parse(sandbox.home("northgate") / "outbox" / "seventh" / "seventh-FULL-1.xml")
    names = {"o": "http://ns.editeur.org/onix/3.1/reference"}
    assert message.findtext(".//o:Addressee/o:AddresseeName", namespaces=names) == "Seventh Heaven Books"
    assert {form.text for form in message.iterfind(".//o:DescriptiveDetail/o:ProductForm", names)} == {"ED"}
