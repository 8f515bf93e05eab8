"""Apple's financial report, Google Play's transactions and earnings, Kobo's monthly workbook."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from sandbox.sales.figures import RATES, Order, Sold, Truth, cents, trade
from sandbox.sales.sheets import Row, delimited, workbook, zipped

APPLE = (
    "Start Date", "End Date", "UPC", "ISRC/ISBN", "Vendor Identifier", "Quantity", "Partner Share", "Extended Partner Share",
    "Partner Share Currency", "Sales or Return", "Apple Identifier", "Artist/Show/Developer/Author", "Title",
    "Label/Studio/Network/Developer/Publisher", "Grid", "Product Type Identifier", "ISAN/Other Identifier", "Country Of Sale",
    "Pre-order Flag", "Promo Code", "Customer Price", "Customer Currency",
)  # fmt: skip
REGIONS = {"GBP": ("GB",), "USD": ("US",), "EUR": ("DE", "FR", "IE"), "AUD": ("AU",), "CAD": ("CA",)}
GOOGLE = (
    "Transaction Date", "Id", "Product", "Type", "Preorder", "Qty", "Primary ISBN", "Imprint Name", "Title", "Author",
    "Original List Price Currency", "Original List Price", "List Price Currency", "List Price [tax inclusive]",
    "List Price [tax exclusive]", "Country of Sale", "Publisher Revenue %", "Publisher Revenue", "Payment Currency", "Payment Amount",
    "Currency Conversion Rate",
)  # fmt: skip
KOBO = (
    "Date", "Country", "State", "Zip", "Content Type", "Total Qty", "Refund Reason", "Transaction ID", "Publisher Name", "Imprint", "eISBN",
    "Author", "Title", "List Price (LP)", "LP excluding tax", "COGS %", "COGS Amount (LP currency)", "LP Currency",
    "FX rate to payable currency", "COGS in payable currency", "COGS-based LP", "COGS-based LP excl. tax", "COGS-based LP currency",
    "COGS adjustment", "Net due (payable currency)", "Payable Currency", "Total Tax",
)  # fmt: skip


def fiscal_month(month: date) -> tuple[date, date]:
    """First and last day of the fiscal month that Apple calls by this one: 35, 28 and 28 days in each quarter, from the Sunday after
    September's last Saturday; a year of 53 weeks gives the odd one to December."""
    year = month.year + (month.month >= 10)
    first, ends = (_last_saturday(one) for one in (year - 1, year))
    weeks = [5, 4, 4] * 4
    if (ends - first).days == 53 * 7:
        weeks[2] = 5
    place = (month.month - 10) % 12
    starts = first + timedelta(days=1 + 7 * sum(weeks[:place]))
    return starts, starts + timedelta(days=7 * weeks[place] - 1)


def _last_saturday(year: int) -> date:
    day = date(year, 9, 30)
    return day - timedelta(days=(day.weekday() - 5) % 7)


def apple_financial(order: Order) -> tuple[str, bytes, Truth]:
    """One region's, of a fiscal month, tab-separated in a gzip; three lines of totals at the end."""
    order = replace(order, currency=order.currency or "GBP")
    starts, ends = fiscal_month(order.month)
    found = trade(order, ("ePub",), percent=70, rows=16, countries=REGIONS[order.currency])
    sold = [replace(one, day=starts + (one.day - order.month)) for one in found]
    rows: list[Row] = [APPLE]
    rows += [
        (
            f"{starts:%m/%d/%Y}", f"{ends:%m/%d/%Y}", "", order.written(one), f"LQ{one.product.id}", one.units, one.unit_net, one.net,
            one.currency, "S" if one.units >= 0 else "R", 900_000_000 + one.product.id, one.author, one.title,
            "Lantern & Quill Publishing", "",
            "EB1", "", one.territory, "", "", one.list_price if one.units >= 0 else -one.list_price, one.currency,
        )
        for one in sold
    ]  # fmt: skip
    stated = sum((one.net for one in sold), Decimal(0)) + (1 if order.has("broken_total") else 0)
    rows += [("Total_Rows", len(sold)), ("Total_Amount", stated), ("Total_Units", sum(one.units for one in sold))]
    content = delimited(rows, "\t", "utf-16" if order.has("utf16") else "utf-8", "\n")
    region = "EU" if order.currency == "EUR" else REGIONS[order.currency][0]
    return f"85012345_{order.month:%m%y}_{region}.txt.gz", zipped(content), Truth(sold, controls={order.currency: str(stated)})


def google_transactions(order: Order) -> tuple[str, bytes, Truth]:
    sold, rows = _google(order)
    truth = Truth(sold, paid=_paid(sold, "GBP"))
    return f"GoogleSalesTransactionReport_{order.month:%Y_%m}.csv", delimited([GOOGLE, *rows], "\t", "utf-16"), truth


def google_earnings(order: Order) -> tuple[str, bytes, Truth]:
    """The same with the month of earnings in front: what matches the money."""
    sold, rows = _google(order)
    lines: list[Row] = [("Earnings Date", *GOOGLE), *((f"{order.month:%Y-%m}", *row) for row in rows)]
    truth = Truth(sold, paid=_paid(sold, "GBP"))
    return f"GoogleEarningsReport_{order.month:%Y_%m}.csv", delimited(lines, "\t", "utf-16"), truth


def _google(order: Order) -> tuple[list[Sold], list[Row]]:
    sold = trade(order, ("ePub", "PDF"), percent=52, rows=18)
    rows: list[Row] = []
    for number, one in enumerate(sold):
        sign = 1 if one.units >= 0 else -1
        rows.append((
            f"{one.day:%Y-%m-%d}", f"GPY.{order.month:%y%m}-{number:04d}-{one.product.id}", "Single Purchase",
            "sale" if sign > 0 else "refund", "None", one.units, f"'{one.isbn}" if not one.lost else order.written(one), one.work.imprint,
            one.title, one.author, one.currency, order.money(one.list_price), one.currency, order.money(one.list_price * sign),
            order.money(one.list_price * sign), one.territory, f"{one.percent}%", order.money(one.net), "GBP",
            order.money(_pounds(one)), f"{1 / RATES[one.currency]:.6f}",
        ))  # fmt: skip
    return sold, rows


def _pounds(sold: Sold) -> Decimal:
    return cents(sold.net / RATES[sold.currency])


def _paid(sold: Sequence[Sold], currency: str) -> dict[str, str]:
    return {currency: str(sum((_pounds(one) for one in sold if not one.lost), Decimal(0)))}


def kobo(order: Order) -> tuple[str, bytes, Truth]:
    """All territories and currencies; every sixth line is a library's, through OverDrive."""
    sold = [
        replace(one, model="library" if number % 6 == 4 else "sale")
        for number, one in enumerate(trade(order, ("ePub",), percent=70, rows=20))
    ]
    rows: list[Row] = [KOBO]
    for number, one in enumerate(sold):
        rows.append((
            one.day, one.territory, "", "", "OverDrive" if one.model == "library" else "Book", one.units,
            "Customer request" if one.units < 0 else "",
            f"{order.month:%Y%m}{number:06d}", "Lantern & Quill Publishing", one.work.imprint,
            float(one.isbn) if order.has("float_isbn") else order.written(one), one.author, one.title, one.list_price, one.list_price,
            Decimal(one.percent), one.net, one.currency, (1 / RATES[one.currency]).quantize(Decimal("0.000001")), _pounds(one),
            one.list_price,
            one.list_price, one.currency, Decimal("0.00"), _pounds(one), "GBP", Decimal("0.00"),
        ))  # fmt: skip
    if order.has("totals_row"):
        total = sum((_pounds(one) for one in sold), Decimal(0))
        rows.append(["Total", *[""] * 23, total, "GBP", ""])
    truth = Truth(sold, paid=_paid(sold, "GBP"))
    return f"Kobo_Lantern_and_Quill_{order.month:%Y_%m}.xlsx", workbook({"Details": rows}), truth
