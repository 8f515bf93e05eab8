"""Rows of imports, and a look into the workbooks that they make."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree

import pytest
from openpyxl import load_workbook

from include.workbooks.prepare import NewWorkbook, Row, prepare

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)


def sale(number: int, net: str, *, isbn: str = "9781915000002", currency: str = "GBP", **values: Any) -> Row:
    """A line of a sales import in Consonance's own currency."""
    given = {
        "product_id_type": "ISBN", "product_id": isbn, "channel_id": "12", "sales_date": date(2026, 9, 30), "sales_quantity": 1,
        "sales_value": Decimal(net), "original_currency": currency, "file": "report.csv", "notes": f"line {number}",
    }  # fmt: skip
    return Row(given | values, {"sold": Decimal(1), currency: Decimal(net)}, where=f"row {number}")


def title(isbn: str, name: str, **values: Any) -> Row:
    return Row({"title": name, "isbn": isbn} | values, {"titles": Decimal(1)}, {"isbn": isbn, "title": name}, where=isbn)


@pytest.fixture
def made(ledger: Any, store: Any) -> Callable[..., list[Any]]:
    """Prepares workbooks of these rows."""

    def make(kind: str, rows: list[Row], subject: str = "sales 12", **more: Any) -> list[Any]:
        given = {"name": f"{kind} of {subject}", "sources": [{"sales batch": 12}]} | more
        template = given.pop("template", None)
        return prepare(ledger, store, NewWorkbook(kind, subject, rows=iter(rows), **given), NOW, template=template)

    return make


@pytest.fixture
def content(store: Any) -> Callable[[Any], bytes]:
    def read(row: Any) -> bytes:
        with store.open(row.sha256) as stream:
            return stream.read()

    return read


def cells(content: bytes) -> list[list[Any]]:
    """Values of the first sheet as a spreadsheet library reads them."""
    book = load_workbook(io.BytesIO(content))
    assert len(book.worksheets) == 1
    return [[cell.value for cell in row] for row in book.worksheets[0].iter_rows()]


def written(content: bytes) -> list[dict[str, tuple[str, str]]]:
    """(type, text) of each cell by its column's letter, as the XML has it."""
    space = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        root = ElementTree.fromstring(parts.read("xl/worksheets/sheet1.xml"))
    assert not root.findall(f".//{space}f"), "no cell is a formula"
    return [
        {
            str(cell.get("r")).rstrip("0123456789"): (str(cell.get("t") or "n"), "".join(cell.itertext()))
            for cell in row.findall(f"{space}c")
        }
        for row in root.iter(f"{space}row")
    ]
