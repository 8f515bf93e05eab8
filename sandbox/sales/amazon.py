"""Amazon KDP's two workbooks: royalties of the month before, and what the dashboard exports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from sandbox.sales.figures import CENT, Order, Sold, Truth, cents, trade
from sandbox.sales.sheets import Row, workbook

SHOPS = {
    "GB": "Amazon.co.uk", "US": "Amazon.com", "DE": "Amazon.de", "FR": "Amazon.fr", "AU": "Amazon.com.au", "CA": "Amazon.ca",
    "IN": "Amazon.in",
}  # fmt: skip
PRINTED = {country: shop for country, shop in SHOPS.items() if country not in {"IN"}}
EBOOK = (
    "Title", "Author", "ASIN", "Marketplace", "Units Sold", "Units Refunded", "Net Units Sold", "Royalty Type", "Transaction Type",
    "Currency", "Avg. List Price without tax", "Avg. Offer Price without tax", "Avg. File Size (MB)", "Avg. Delivery Cost", "Royalty",
)  # fmt: skip
KENP = ("Title", "Author", "ASIN", "Marketplace", "Kindle Edition Normalized Page (KENP) Read")
PRINT = (
    "Title", "Author", "ISBN", "Marketplace", "Units Sold", "Units Refunded", "Royalty Type", "Avg. List Price without tax",
    "Avg. Offer Price without tax", "Avg. Manufacturing Cost", "Royalty", "Currency", "ASIN",
)  # fmt: skip
EARNINGS = (
    "Title", "Author", "ASIN/ISBN", "Marketplace", "Units Sold", "Units Refunded", "Net Units Sold or KENP Read", "Royalty Type",
    "Payout Plan", "Currency", "Avg. List Price without tax", "Avg. Offer Price without tax", "Avg. Delivery/Manufacturing cost",
    "Earnings",
)  # fmt: skip
COMBINED = (
    "Royalty Date", "Title", "Author Name", "ASIN/ISBN", "Marketplace", "Royalty Type", "Transaction Type", "Units Sold", "Units Refunded",
    "Net Units Sold", "Avg. List Price without tax", "Avg. Offer Price without tax", "Avg. Delivery/Manufacturing cost", "Royalty",
    "Currency",
)  # fmt: skip
DASHBOARD_KENP = ("Date", "Title", "Author Name", "ASIN", "Marketplace", "Kindle Edition Normalized Page (KENP) Read")
_PER_PAGE = Decimal("0.0041")


def prior_month(order: Order) -> tuple[str, bytes, Truth]:
    ebooks = [_one(sold) for sold in _kindle(order, 10)]
    paper = trade(order, ("Paperback",), percent=24, rows=8, countries=tuple(PRINTED))
    hard = trade(replace(order, hazards=frozenset()), ("Hardback",), percent=20, rows=5, countries=tuple(PRINTED)) if not order.rows else []
    pages = [replace(sold, units=320 * abs(sold.units), model="page reads") for sold in ebooks[:4]]
    title: Row = ("Sales Period", f"{order.month:%B %Y}")
    sheets: dict[str, Sequence[Row]] = {
        "Total Earnings": [title, EARNINGS, *map(_earned, ebooks + paper + hard), *(_read_earned(one) for one in pages)],
        "eBook Royalty": [title, EBOOK, *map(_ebook, ebooks)],
        "Paperback Royalty": [title, PRINT, *(_printed(order, one) for one in paper)],
        "Hardcover Royalty": [title, PRINT, *(_printed(order, one) for one in hard)],
        "KENP Read": [title, KENP, *((one.title, one.author, _asin(one), _shop(one), one.units) for one in pages)],
    }
    truth = Truth(ebooks + paper + hard, pages, earned=_page_earnings(pages))
    return f"KDP_Prior_Month_Royalties-{order.month:%Y-%m-%d}-{order.seed:06x}.xlsx", workbook(sheets), truth


def dashboard(order: Order) -> tuple[str, bytes, Truth]:
    ebooks = [_one(sold) for sold in _kindle(order, 14)]
    pages = [replace(sold, units=210 * abs(sold.units), model="page reads") for sold in ebooks[:3]]
    sheets: dict[str, Sequence[Row]] = {
        "Combined Sales": [COMBINED, *map(_combined, ebooks)],
        "KENP Read": [DASHBOARD_KENP, *((one.day, one.title, one.author, _asin(one), _shop(one), one.units) for one in pages)],
    }
    return f"KDP_Royalties_Estimator_{order.month:%Y_%m}.xlsx", workbook(sheets), Truth(ebooks, pages)


def _page_earnings(pages: Sequence[Sold]) -> dict[str, Decimal]:
    """What the pages that were read came to, by currency; it stands on the sheet of all earnings alone."""
    found: dict[str, Decimal] = {}
    for one in pages:
        found[one.currency] = found.get(one.currency, Decimal(0)) + _read(one)
    return found


def _kindle(order: Order, rows: int) -> list[Sold]:
    return trade(replace(order, hazards=order.hazards - {"unknown_isbn", "lost_isbn", "not_held"}), ("ePub",), percent=70,
    rows=order.rows or rows,
                 countries=tuple(SHOPS), like=lambda product: bool(product.asin))  # fmt: skip


def _one(sold: Sold) -> Sold:
    """An e-book's delivery is kept back for each copy."""
    return replace(sold, fees=cents(Decimal("0.06") * sold.units))


def _delivery(sold: Sold) -> Decimal:
    return (sold.fees / sold.units).quantize(CENT)


def _asin(sold: Sold) -> str:
    return sold.product.asin


def _shop(sold: Sold) -> str:
    return SHOPS.get(sold.territory, "Amazon.com")


def _both(sold: Sold) -> tuple[int, int]:
    return max(sold.units, 0), max(-sold.units, 0)


def _ebook(sold: Sold) -> Row:
    return (
        sold.title, sold.author, _asin(sold), _shop(sold), *_both(sold), sold.units, "70%", "Standard", sold.currency, sold.list_price,
        sold.list_price, Decimal("1.42"), _delivery(sold), sold.net,
    )  # fmt: skip


def _printed(order: Order, sold: Sold) -> Row:
    isbn = float(sold.isbn) if order.has("float_isbn") else order.written(sold)
    return (
        sold.title, sold.author, isbn, _shop(sold), *_both(sold), "60%", sold.list_price, sold.list_price, Decimal("3.15"), sold.net,
        sold.currency,
        "N/A",
    )  # fmt: skip


def _earned(sold: Sold) -> Row:
    name = _asin(sold) if sold.product.format == "ePub" else sold.isbn
    return (
        sold.title, sold.author, name, _shop(sold), *_both(sold), sold.units, f"{sold.percent}%", "Standard", sold.currency,
        sold.list_price,
        sold.list_price, Decimal(0), sold.net,
    )  # fmt: skip


def _read(one: Sold) -> Decimal:
    return cents(_PER_PAGE * one.units)


def _read_earned(one: Sold) -> Row:
    return (
        one.title, one.author, _asin(one), _shop(one), "N/A", "N/A", one.units, "N/A", "Kindle Edition Normalized Pages (KENP)",
        one.currency,
        "N/A", "N/A", "N/A", _read(one),
    )  # fmt: skip


def _combined(sold: Sold) -> Row:
    return (
        sold.day, sold.title, sold.author, _asin(sold), _shop(sold), "70%", "Standard", *_both(sold), sold.units, sold.list_price,
        sold.list_price, _delivery(sold), sold.net, sold.currency,
    )  # fmt: skip
