"""Lightning Source's compensation report, IngramSpark's custom report, CoreSource's flat report (BISG), and EDItX."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from sandbox.sales.figures import Order, Sold, Truth, cents, trade
from sandbox.sales.sheets import Row, delimited

MARKETS = {"GBP": "UK", "USD": "US", "AUD": "AU", "EUR": "EU"}
_PERIOD = (
    "quantity", "avg_list_price", "extended_list", "avg_discount_%", "extended_discount", "avg_wholesale_price", "extended_wholesale",
    "avg_print_charge", "extended_print_charge", "gross_pub_comp", "extended_adjustments", "extended_recovery", "pub_comp",
)  # fmt: skip
_RETURNS = ("return_quantity", "return_wholesale", "return_charge", "return_total")
_NET = ("net_quantity", "net_wholesale", "net_pub_comp")
LIGHTNING = (
    "publisher_number", "publisher_name", "isbn", "sku", "parent_isbn", "title", "author", "page_count", "binding_type", "book_type_id",
    "list_price", "wholesale_discount_%", *(f"PTD_{name}" if name != "quantity" else "PTD_Quantity" for name in _PERIOD),
    *(f"YTD_{name}" for name in _PERIOD), "deferral_balance", "reporting_currency_code", "period_name", "original_deferral_amount",
    *(f"PTD_{name}" for name in _RETURNS), *(f"YTD_{name}" for name in _RETURNS), *(f"PTD_{name}" for name in _NET),
    *(f"YTD_{name}" for name in _NET), "returns_flag_value", "nonreturnable_date", "title_status_flag_value", "cancelled_date",
    "publisher_imprint", "isbn_13", "market", "sales_category",
)  # fmt: skip
SPARK = ("ISBN", "Title", "Author", "Format", "BISAC Code", "BISAC Description", "Units Sold", "Country")
SPARK_MARKETS = ("US", "UK", "CA", "EU", "AU", "AE")
FLAT = (
    "ReportID", "ReportDateTime", "MessageFunction", "SalesReportType", "ReportPeriodFrom", "ReportPeriodTo", "ReportDate",
    "ReportingPriceType", "ReportingCurrency", "ClassOfTrade/Sale", "SalesTerritory", "LineItemID#", "SubAgentID#", "SubAgentName",
    "TransactionDateTime", "AgentsTransactionID#", "LineItemReferenceType", "LineItemReferenceID#", "LineItemReferenceDateTime",
    "MainProductID#Type", "MainProductID#", "AlternativeProductID#Type", "AlternativeProductID#", "ProductDescription", "ProductFormat",
    "PublisherID#", "PublisherName", "ImprintName", "DeviceType", "GrossSoldQuantity", "ReturnedRefundedQuantity", "NetSoldQuantity",
    "NonSaleQuantity", "NonSaleDisposalType", "PriceType", "PriceCurrency", "UnitPrice", "CommissionDiscountPercentage", "GrossSoldValue",
    "ReturnedRefundedValue", "NetValueBeforeFees", "FeeType1", "FeeAmount1", "FeeSource1", "FeeType2", "FeeAmount2", "FeeSource2",
    "FeeType3",
    "FeeAmount3", "FeeSource3", "ProceedsOfSaleDuePublisher",
)  # fmt: skip
FLAT_TOTALS = (
    "TotalNumberOfLineItems", "TotalGrossSoldQuantity", "TotalReturnedRefundedQuantity", "TotalNetSoldQuantity", "TotalNonSaleQuantity",
    "TotalGrossSoldValue", "TotalReturnedRefundedValue", "TotalNetSoldValueBeforeFees", "TotalFeesOfAllTypes",
    "TotalProceedsDueToPublisher",
)  # fmt: skip
_ONE_OFF = Decimal(1)  # what a broken total is wrong by


def lightning_source(order: Order) -> tuple[str, bytes, Truth]:
    """One market's: tab-separated text in Latin 1 under a name that promises Excel."""
    order = replace(order, currency=order.currency or "GBP")
    market = MARKETS[order.currency]
    country = {"UK": "GB", "EU": "DE"}.get(market, market)
    sold = trade(order, ("Paperback", "Hardback"), percent=45, rows=14, countries=(country,))
    printing = Decimal("2.10")
    sold = [replace(one, territory=country if one.held else one.territory, fees=cents(printing * max(one.units, 0))) for one in sold]
    rows: list[Row] = [LIGHTNING, *(_compensation(order, one, market, printing) for one in sold)]
    stated = sum((one.net for one in sold), Decimal(0)) + (_ONE_OFF if order.has("broken_total") else 0)
    total = dict.fromkeys(LIGHTNING, "") | {
        "publisher_number": "Total", "PTD_net_quantity": str(sum(one.units for one in sold)), "PTD_net_pub_comp": order.money(stated),
        "reporting_currency_code": order.currency,
    }  # fmt: skip
    rows.append(list(total.values()))
    encoding = "utf-16" if order.has("utf16") else "latin-1"
    return f"sales_comp{market}.xls", delimited(rows, "\t", encoding), Truth(sold, controls={order.currency: str(stated)})


def _compensation(order: Order, sold: Sold, market: str, printing: Decimal) -> Row:
    out, back = max(sold.units, 0), max(-sold.units, 0)
    price, wholesale = sold.list_price, sold.unit_net
    paid = wholesale * out - sold.fees
    returned = wholesale * back
    fields = dict.fromkeys(LIGHTNING, "") | {
        "publisher_number": "6130244", "publisher_name": "Lantern & Quill Publishing", "isbn": order.written(sold), "title": sold.title,
        "author": sold.author_inverted, "page_count": str(sold.product.pages or ""), "binding_type": sold.product.format or "",
        "list_price": order.money(price), "wholesale_discount_%": str(100 - sold.percent), "PTD_Quantity": str(out),
        "PTD_avg_list_price": order.money(price), "PTD_extended_list": order.money(price * out),
        "PTD_avg_discount_%": str(100 - sold.percent),
        "PTD_extended_discount": order.money((price - wholesale) * out), "PTD_avg_wholesale_price": order.money(wholesale),
        "PTD_extended_wholesale": order.money(wholesale * out), "PTD_avg_print_charge": order.money(printing),
        "PTD_extended_print_charge": order.money(sold.fees), "PTD_gross_pub_comp": order.money(paid),
        "PTD_extended_adjustments": order.money(Decimal(0)), "PTD_extended_recovery": order.money(Decimal(0)),
        "PTD_pub_comp": order.money(paid),
        "YTD_quantity": str(out * 6), "YTD_pub_comp": order.money(paid * 6), "reporting_currency_code": sold.currency,
        "period_name": f"{order.month:%b-%y}".upper(), "PTD_return_quantity": str(back), "PTD_return_wholesale": order.money(returned),
        "PTD_return_charge": order.money(Decimal(0)), "PTD_return_total": order.money(returned), "PTD_net_quantity": str(sold.units),
        "PTD_net_wholesale": order.money(wholesale * sold.units), "PTD_net_pub_comp": order.money(sold.net),
        "YTD_net_quantity": str(out * 6 - back),
        "YTD_net_pub_comp": order.money(paid * 6 - returned), "returns_flag_value": "Yes", "title_status_flag_value": "Available",
        "publisher_imprint": sold.work.imprint, "isbn_13": order.written(sold), "market": market, "sales_category": "Wholesale",
    }  # fmt: skip
    return list(fields.values())


def ingramspark(order: Order) -> tuple[str, bytes, Truth]:
    """Units by country; what they brought is not in it."""
    sold = trade(order, ("Paperback", "Hardback"), percent=45, rows=12, countries=("GB", "US", "CA", "AU", "DE"))
    header = [*SPARK, *(f"List Price ({m})" for m in SPARK_MARKETS), *(f"Wholesale Discount ({m})" for m in SPARK_MARKETS),
              *(f"Returns ({m})" for m in SPARK_MARKETS)]  # fmt: skip
    rows: list[Row] = [header]
    for one in sold:
        here = {"GB": "UK", "DE": "EU"}.get(one.territory, one.territory)
        subject = next((subject for subject in one.work.subjects if subject.scheme == "BISAC"), None)
        lead: list[str] = [
            order.written(one), one.title, one.author, "TC" if one.product.format == "Hardback" else "PF", subject.code if subject else "",
            subject.description if subject else "", str(one.units), one.territory,
        ]  # fmt: skip
        rows.append([
            *lead, *(order.money(one.list_price) if m == here else "" for m in SPARK_MARKETS),
            *("55%" if m == here else "" for m in SPARK_MARKETS), *("Yes" for _ in SPARK_MARKETS),
        ])  # fmt: skip
    return f"IngramSpark_Sales_Report_{order.month:%Y-%m}.csv", delimited(rows), Truth(sold)


def bisg_flat(order: Order) -> tuple[str, bytes, Truth]:
    order = replace(order, currency=order.currency or "USD")
    sold = [replace(one, model="library" if n % 5 == 4 else "sale", fees=cents(one.unit_net * one.units * 3 / 100))
            for n, one in enumerate(trade(order, ("ePub", "PDF"), rows=20))]  # fmt: skip
    stated = _flat_totals(order, sold)
    rows: list[Row] = [[*FLAT, *FLAT_TOTALS], *([*_flat_line(order, number, one), *stated] for number, one in enumerate(sold, 1))]
    truth = Truth(sold, controls={order.currency: stated[-1]})
    return (
        f"SalesReport_{order.month:%Y%m}_{order.currency}.csv",
        delimited(rows, encoding="utf-16" if order.has("utf16") else "utf-8-sig"),
        truth,
    )


def _flat_totals(order: Order, sold: Sequence[Sold]) -> list[str]:
    out, back = [one for one in sold if one.units > 0], [one for one in sold if one.units < 0]
    before = sum((one.net + one.fees for one in sold), Decimal(0))
    fees = sum((one.fees for one in sold), Decimal(0))
    wrong = _ONE_OFF if order.has("broken_total") else Decimal(0)
    return [
        str(len(sold)), str(sum(one.units for one in out)), str(-sum(one.units for one in back)), str(sum(one.units for one in sold)), "0",
        order.money(sum((one.gross for one in out), Decimal(0))), order.money(-sum((one.gross for one in back), Decimal(0))),
        order.money(before), order.money(fees), order.money(before - fees + wrong),
    ]  # fmt: skip


def _flat_line(order: Order, number: int, sold: Sold) -> list[str]:
    out, back = max(sold.units, 0), max(-sold.units, 0)
    month, ends = f"{order.month:%Y%m%d}", f"{order.ends:%Y%m%d}"
    fields = dict.fromkeys(FLAT, "") | {
        "ReportID": f"LQ{order.month:%Y%m}", "ReportDateTime": f"{ends}T060000Z", "MessageFunction": "Original", "SalesReportType": "Sales",
        "ReportPeriodFrom": month, "ReportPeriodTo": ends, "ReportDate": ends, "ReportingPriceType": "RRP",
        "ReportingCurrency": order.currency,
        "ClassOfTrade/Sale": "Library" if sold.model == "library" else "Retail", "SalesTerritory": sold.territory,
        "LineItemID#": str(number),
        "SubAgentName": "Tidewater Books", "TransactionDateTime": f"{sold.day:%Y%m%d}",
        "AgentsTransactionID#": f"T{order.month:%Y%m}{number:05d}",
        "MainProductID#Type": "ISBN", "MainProductID#": order.written(sold), "ProductDescription": sold.title, "ProductFormat": "EPUB",
        "PublisherName": "Lantern & Quill Publishing", "ImprintName": sold.work.imprint, "GrossSoldQuantity": str(out),
        "ReturnedRefundedQuantity": str(back), "NetSoldQuantity": str(sold.units), "NonSaleQuantity": "0", "PriceType": "RRP",
        "PriceCurrency": sold.currency, "UnitPrice": order.money(sold.list_price), "CommissionDiscountPercentage": str(100 - sold.percent),
        "GrossSoldValue": order.money(sold.list_price * out), "ReturnedRefundedValue": order.money(sold.list_price * back),
        "NetValueBeforeFees": order.money(sold.net + sold.fees), "FeeType1": "Distribution", "FeeAmount1": order.money(sold.fees),
        "FeeSource1": "Agent", "ProceedsOfSaleDuePublisher": order.money(sold.net),
    }  # fmt: skip
    return list(fields.values())


def editx(order: Order) -> tuple[str, bytes, Truth]:
    """EDItX Sales Report 1.2 as far as its public notes go: one line for each product and class of sale, totals at the end."""
    order = replace(order, currency=order.currency or "EUR")
    sold = trade(order, ("ePub",), rows=12, countries=("DE", "FR", "IE", "GB"))
    root = Element("SalesReport", version="1.2")
    header = SubElement(root, "Header")
    for name, text in (
        ("SalesReportNumber", f"LW-{order.month:%Y%m}"),
        ("IssueDateTime", f"{order.ends:%Y%m%d}T0600"),
        ("PurposeCode", "Original"),
        ("CurrencyCode", order.currency),
    ):
        SubElement(header, name).text = text
    period = SubElement(header, "ReportPeriod")
    SubElement(period, "FromDate").text, SubElement(period, "ToDate").text = f"{order.month:%Y%m%d}", f"{order.ends:%Y%m%d}"
    for number, one in enumerate(sold, 1):
        _editx_line(SubElement(root, "ItemDetail"), order, number, one)
    stated = sum((one.net for one in sold), Decimal(0)) + (_ONE_OFF if order.has("broken_total") else 0)
    summary = SubElement(root, "Summary")
    SubElement(summary, "NumberOfLines").text = str(len(sold))
    SubElement(summary, "TotalNetAmount").text = order.money(stated)
    indent(root)
    encoding = "utf-16" if order.has("utf16") else "utf-8"
    return f"EDItX_{order.month:%Y%m}.xml", tostring(root, encoding=encoding), Truth(sold, controls={order.currency: str(stated)})


def _editx_line(line: Element, order: Order, number: int, sold: Sold) -> None:
    SubElement(line, "LineNumber").text = str(number)
    product = SubElement(line, "ProductID")
    SubElement(product, "ProductIDType").text, SubElement(product, "Identifier").text = "EAN13", order.written(sold)
    SubElement(SubElement(line, "ItemDescription"), "TitleDetail").text = sold.title
    for name, text in (
        ("CountryCode", sold.territory),
        ("ClassOfSale", "Retail"),
        ("TransactionDate", f"{sold.day:%Y%m%d}"),
        ("Quantity", str(sold.units)),
    ):
        SubElement(line, name).text = text
    pricing = SubElement(line, "PricingDetail")
    price = SubElement(pricing, "Price")
    SubElement(price, "MonetaryAmount").text, SubElement(price, "CurrencyCode").text = order.money(sold.list_price), sold.currency
    SubElement(price, "PriceQualifierCode").text = "SRPExcludingTax"
    SubElement(pricing, "DiscountPercentage").text = str(100 - sold.percent)
    SubElement(line, "NetAmount").text, SubElement(line, "CurrencyCode").text = order.money(sold.net), sold.currency
