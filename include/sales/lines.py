"""The canonical sales line: what every report becomes, column by column, with exact decimals from end to end.

Lines live in Parquet artefacts, one for each batch, and are read and written in record batches, so that ten million of them need no more
memory than ten thousand.
"""

from __future__ import annotations

from enum import StrEnum

import pyarrow as pa

MONEY = pa.decimal128(38, 10)  # as reported, with every digit: shares of a cent are common in what shops pay
RATE = pa.decimal128(38, 18)  # rates of exchange


class Model(StrEnum):
    """How the reader got it. What is not `SALE` or `RENTAL` of a unit is usage: it is no sale for Consonance's import unless it earned."""

    SALE = "sale"
    RENTAL = "rental"
    SUBSCRIPTION = "subscription"
    LIBRARY = "library"
    PAGE_READS = "page reads"
    USAGE = "usage"  # COUNTER and the like: requests, never money
    FREE = "free"  # given away: promotion, review copy
    ADJUSTMENT = "adjustment"  # money without units: fees, corrections, charges


class Kind(StrEnum):
    SALE = "sale"
    RETURN = "return"


_FIELDS: tuple[tuple[str, pa.DataType], ...] = (
    ("row", pa.int64()),  # in the file, as a spreadsheet counts it; with `sheet`, where a person finds it
    ("sheet", pa.string()),
    ("period", pa.string()),  # 2026-09, or from/to
    ("date", pa.date32()),  # of the transaction; the period's last day where the report has none
    ("id_type", pa.string()),  # isbn, asin, sku, doi, proprietary: by the layout's preference
    ("id_value", pa.string()),  # an ISBN: 13 digits, checked
    ("other_ids", pa.string()),  # `type:value`, joined by `|`: what else the line says the product is
    ("title", pa.string()),
    ("author", pa.string()),
    ("channel", pa.string()),  # shop or marketplace, as the report calls it
    ("territory", pa.string()),  # ISO 3166-1 alpha-2; empty: not said
    ("class_of_trade", pa.string()),
    ("model", pa.string()),  # Model
    ("kind", pa.string()),  # Kind
    ("units", pa.int64()),  # signed: returns are negative
    ("list_price", MONEY),
    ("list_currency", pa.string()),
    ("price_basis", pa.string()),  # list-ex-tax, list-inc-tax, net, agency: empty: not said
    ("discount_percent", MONEY),
    ("gross", MONEY),  # value before the shop's share, signed
    ("fees", MONEY),  # what was kept back: delivery, print, distribution; positive
    ("net", MONEY),  # what is ours, signed, in `currency`
    ("currency", pa.string()),  # ISO 4217; empty: usage without money
    ("paid", MONEY),  # `net` in the currency of payment, where the report says it
    ("paid_currency", pa.string()),
    ("rate", RATE),  # of exchange, currency → paid currency
    ("transaction", pa.string()),  # the source's own number
    ("digest", pa.binary(16)),  # of what the line says (without `row` and `sheet`) and of which of equal lines in the file it is
)
SCHEMA = pa.schema([pa.field(name, kind, nullable=True) for name, kind in _FIELDS])
