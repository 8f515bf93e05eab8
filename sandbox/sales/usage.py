"""Usage without money: JSTOR's requests by country, COUNTER's title report 5 and 5.1."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sandbox.sales.figures import COUNTRIES, Order, Sold, Truth, trade
from sandbox.sales.sheets import Row, delimited

JSTOR = (
    "Country_Name", "Book_Title", "Book_ID", "Authors", "ISBN", "eISBN", "Copyright_Year", "Disciplines", "Usage_Type", "Usage_Month",
    "Total_Item_Requests",
)  # fmt: skip
NAMES = {
    "GB": "United Kingdom", "US": "United States", "DE": "Germany", "FR": "France", "IE": "Ireland", "AU": "Australia", "CA": "Canada",
    "NO": "Norway", "IN": "India",
}  # fmt: skip
COUNTER = (
    "Title", "Publisher", "Publisher_ID", "Platform", "DOI", "Proprietary_ID", "ISBN", "Print_ISSN", "Online_ISSN", "URI", "YOP",
    "Metric_Type", "Reporting_Period_Total",
)  # fmt: skip


def jstor(order: Order) -> tuple[str, bytes, Truth]:
    read = _read(order, 16)
    rows: list[Row] = [JSTOR]
    for one in read:
        printed = next((other.isbn for other in one.work.products if other.is_print and other.isbn), "")
        rows.append((
            NAMES[one.territory], one.title, f"j.lq{one.work.id}", one.author, printed if not one.unknown else "", order.written(one),
            2024, "Literature",
            "Book Chapter Requests", f"{order.month:%Y-%m}", one.units,
        ))  # fmt: skip
    encoding = "utf-16" if order.has("utf16") else "utf-8"
    return f"JSTOR_Lantern_Quill_Book_Country_{order.month:%Y_%m}.tsv", delimited(rows, "\t", encoding, "\n"), Truth(read)


def counter_5(order: Order) -> tuple[str, bytes, Truth]:
    return _counter(order, "5", "Campus Library Online")


def counter_51(order: Order) -> tuple[str, bytes, Truth]:
    return _counter(order, "5.1", "Research Commons")


def _counter(order: Order, release: str, platform: str) -> tuple[str, bytes, Truth]:
    """Release 5 has twelve header lines and an empty one, 5.1 one more."""
    month = f"{order.month:%b-%Y}"
    read = [replace(one, territory="") for one in _read(order, 10, alone=True)]
    made = datetime(order.ends.year, order.ends.month, order.ends.day, 12).isoformat() + "Z"  # noqa: DTZ001 - the zone is written behind
    header: list[Row] = [
        ("Report_Name", "Book Requests (Excluding OA_Gold)" if release == "5" else "Book Requests (Controlled)"), ("Report_ID", "TR_B1"),
        ("Release", release), ("Institution_Name", "The World"), ("Institution_ID", ""), ("Metric_Types", "Total_Item_Requests"),
        ("Report_Filters", "Data_Type=Book; Access_Method=Regular"), ("Report_Attributes", ""), ("Exceptions", ""),
        ("Reporting_Period", f"Begin_Date={order.month}; End_Date={order.ends}"), ("Created", made), ("Created_By", platform),
        *([("Registry_Record", "https://registry.example/platform/4f7a")] if release == "5.1" else []), (),
    ]  # fmt: skip
    rows: list[Row] = [*header, (*COUNTER, month)]
    rows += [
        (
            one.title, "Lantern & Quill Publishing", "", platform, one.work.doi, f"lq:{one.product.id}", order.written(one), "", "",
            f"https://platform.example/{one.product.id}", 2024, "Total_Item_Requests", one.units, one.units,
        )
        for one in read
    ]  # fmt: skip
    if order.has("totals_row"):
        rows.append(("Total for all titles", *[""] * 10, "Total_Item_Requests", *[sum(one.units for one in read)] * 2))
    encoding = "utf-16" if order.has("utf16") else "utf-8"
    return f"TR_B1_{platform.replace(' ', '_')}_{order.month:%Y-%m}.tsv", delimited(rows, "\t", encoding, "\n"), Truth(read)


def _read(order: Order, rows: int, *, alone: bool = False) -> list[Sold]:
    """Requests by edition and country; `alone`: each edition once, as COUNTER counts."""
    found = trade(order, ("PDF", "ePub"), rows=rows, countries=tuple(COUNTRIES))
    found = [replace(one, units=abs(one.units) * 7, model="usage", currency="", list_price=one.list_price * 0, percent=0) for one in found]
    once = {one.isbn: one for one in found}
    return list(once.values()) if alone else found
