"""Reads back from Consonance what a person says is loaded, and names what is not there.

Titles are looked for by ISBN, prices by ISBN, currency, type and qualifier. Sales can't be read back by any operation of Consonance's: they
count as verified once the person has said that Consonance's totals are ours, and, where it was counted, that it took as many rows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Protocol

from include.ledger import workbooks as rows
from include.ledger.database import Ledger
from include.ledger.sales_rows import WorkbookRow
from include.ledger.sales_rows import WorkbookState as S
from include.titles import identifiers

TWICE = "It was loaded more than once, perhaps: take out what is too much in Consonance. It is looked at again in every run."
LOAD = "Load the workbook in Consonance, or mend what its import refused. It is looked for again in every run."


class Reader(Protocol):
    """What we need of `include.clients.consonance.Consonance`."""

    def products_by_isbn(self, isbns: Collection[str]) -> Iterator[Mapping[str, Any]]: ...


def verify(ledger: Ledger, client: Reader, id: int, *, now: datetime) -> WorkbookRow:
    """Confirmed → verified, or incomplete with what is missing. Any other state stays. Raises what the client raises."""
    with ledger.read() as session:
        row = rows.get(session, id)
    if row.state not in {S.CONFIRMED, S.INCOMPLETE}:
        return row
    missing = _unsaid(row) if row.kind == "sales" else _not_there(row, client)
    with ledger.session() as session:
        row = rows.get(session, id, lock=True)
        if row.state not in {S.CONFIRMED, S.INCOMPLETE}:
            return row  # withdrawn or verified meanwhile
        if not missing:
            row.missing, row.verified_at = [], now
            rows.move(session, row, S.VERIFIED, now=now, detail={"read back": len(row.expects)})
        elif row.state != S.INCOMPLETE or row.missing != missing:
            row.missing = missing
            rows.move(session, row, S.INCOMPLETE, now=now, detail={"missing": len(missing), "of": len(row.expects) or row.rows})
        return row


def _unsaid(row: WorkbookRow) -> list[dict[str, Any]]:
    """What the person did not say, or said otherwise, of a workbook of sales."""
    found: list[dict[str, Any]] = []
    todo = "Look at the import in Consonance. If all of it is there, confirm the workbook again with its totals on the page Imports."
    if row.said.get("agrees") is False or (row.said.get("agrees") is None and "totals" not in row.said):
        message = "nobody has said that Consonance's totals are those of the workbook"
        found.append({"code": "totals-not-compared", "message": message, "todo": todo})
    took = row.said.get("rows")
    if took is not None and took != row.rows:
        found.append({"code": "rows-differ", "message": f"Consonance took {took} rows of {row.rows}", "todo": todo})
    for name, amount in (row.said.get("totals") or {}).items():
        if Decimal(amount) != Decimal(row.totals.get(name, "0")):
            message = f"{name} came to {amount} in Consonance, and is {row.totals.get(name, '0')} in the workbook"
            found.append({"code": "totals-differ", "message": message, "todo": todo})
    return found


def _not_there(row: WorkbookRow, client: Reader) -> list[dict[str, Any]]:
    wanted = [_isbn(one) for one in row.expects if one.get("isbn")]
    there: dict[str, list[Mapping[str, Any]]] = {}
    for product in client.products_by_isbn(sorted(set(wanted))) if wanted else ():
        there.setdefault(identifiers.isbn13(str((product.get("isbn") or {}).get("isbn13") or "")), []).append(product)
    missing: list[dict[str, Any]] = []
    for one in row.expects:
        isbn = _isbn(one)
        if not isbn:
            continue  # a number that Consonance chose: there is nothing to look for
        products = there.get(isbn, [])
        what = f"{isbn}, {one['title']}" if one.get("title") else isbn
        if not products:
            missing.append({**one, "code": "title-missing", "message": f"{what}: Consonance has no such product", "todo": LOAD})
        elif row.kind == "titles" and len({product.get("id") for product in products}) > 1:
            message = f"{what}: Consonance has {len(products)} products of this ISBN"
            missing.append({**one, "code": "title-twice", "message": message, "todo": TWICE})
        elif row.kind == "prices" and not any(_has_price(product, one) for product in products):
            price = f"{one['amount']} {one['currency']} (type {one['type']}, qualifier {one['qualifier']})"
            missing.append({**one, "code": "price-missing", "message": f"{what}: it has no price of {price}", "todo": LOAD})
    return missing


def _isbn(expected: Mapping[str, Any]) -> str:
    text = str(expected.get("isbn") or "")
    return identifiers.isbn13(text) or text


def _has_price(product: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Of this amount, in this currency, with these codes. A type that was not told, as in REST, counts as any."""
    currency, type, qualifier = (str(wanted[name]) for name in ("currency", "type", "qualifier"))
    keys = {(currency, type, qualifier), (currency, "", qualifier)}
    amount = Decimal(str(wanted["amount"]))
    return any(_key(price) in keys and _amount(price.get("amount")) == amount for price in product.get("prices") or ())


def _key(price: Mapping[str, Any]) -> tuple[str, str, str]:
    """Currency, type and qualifier, without the underscore that GraphQL's literals have."""
    type, qualifier = (str(price.get(name) or "").lstrip("_") for name in ("onixPriceTypeCode", "onixPriceTypeQualifierCode"))
    return str(price.get("currencyCode") or ""), type, qualifier


def _amount(value: Any) -> Decimal | None:
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return None
