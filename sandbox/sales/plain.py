"""Consonance's own sales template, as a shop of the house writes it, and a distributor's plain table."""

from __future__ import annotations

from decimal import Decimal

from sandbox.sales.figures import Order, Sold, Truth, trade
from sandbox.sales.sheets import Row, delimited, workbook

TEMPLATE = (
    "Product ID type", "Product ID", "Channel ID", "Sales date", "List price", "Source", "Sales quantity", "Sales value", "Return quantity",
    "Return value", "Country code", "Original currency", "Original sales value", "Original return value", "File", "Notes",
)  # fmt: skip
GENERIC = ("ISBN", "Title", "Author", "Date", "Country", "Channel", "Quantity", "List price", "Discount %", "Net value", "Currency")


def consonance(order: Order) -> tuple[str, bytes, Truth]:
    """Sixteen columns, values of returns positive in columns of their own, all in pounds."""
    sold = trade(order, ("Paperback", "Hardback"), percent=100, rows=12, countries=("GB", "IE"), currencies={"GB": "GBP", "IE": "GBP"})
    rows: list[Row] = [TEMPLATE]
    for one in sold:
        back = one.units < 0
        isbn = float(one.isbn) if order.has("float_isbn") else order.written(one)
        value: list[object] = [None, None, -one.units, -one.net] if back else [one.units, one.net, None, None]
        rows.append([
            "ISBN", isbn, 4801, one.day, one.list_price, "Lantern & Quill Publishing", *value, one.territory, None, None, None,
            f"shop {order.month:%Y-%m}", None,
        ])  # fmt: skip
    return f"house-shop-{order.month:%Y-%m}.xlsx", workbook({"Sales": rows}), Truth(sold)


def generic(order: Order) -> tuple[str, bytes, Truth]:
    """What a distributor's clerk keeps in a spreadsheet and saves as CSV, with whatever habits that clerk has."""
    sold = trade(order, ("Paperback", "Hardback"), percent=46, rows=18)
    rows: list[Row] = []
    if order.has("preamble"):
        rows += [("Northgate Distribution Ltd",), (f"Sales for Lantern & Quill Publishing, {order.month:%B %Y}",), ()]
    rows.append(GENERIC)
    for one in sold:
        rows.append((
            order.written(one), one.title, one.author, f"{one.day:%Y-%m-%d}", one.territory, "Trade", one.units,
            order.money(one.list_price),
            order.money(Decimal(100 - one.percent), 0), order.money(one.net), one.currency,
        ))  # fmt: skip
    controls: dict[str, str] = {}
    if order.has("totals_row"):
        controls = _totals(order, rows, sold)
    delimiter = ";" if order.has("decimal_comma") else ","
    encoding = "utf-16" if order.has("utf16") else "utf-8-sig"
    return f"northgate_sales_{order.month:%Y-%m}.csv", delimited(rows, delimiter, encoding), Truth(sold, controls=controls)


def _totals(order: Order, rows: list[Row], sold: list[Sold]) -> dict[str, str]:
    """One line of money for each currency, as the clerk adds up."""
    stated: dict[str, Decimal] = {}
    for one in sold:
        stated[one.currency] = stated.get(one.currency, Decimal(0)) + one.net
    wrong = Decimal(1) if order.has("broken_total") else Decimal(0)
    for currency in sorted(stated):
        stated[currency] += wrong
        rows.append(("Total", "", "", "", "", "", "", "", "", order.money(stated[currency]), currency))
    return {currency: str(amount) for currency, amount in stated.items()}
