"""Consonance's imports as its documentation has them, with the person who uploads a workbook and approves it.

Checked whole before anything is done: exact headers, the first sheet alone, a blank column ends it. Sales are only ever added, never
updated, so the same workbook twice counts twice; products are only created; prices are created or updated. There is no API for it.
"""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from zipfile import BadZipFile

from openpyxl import load_workbook

from include.titles import identifiers
from sandbox.catalogue import Catalogue, Product, Work
from sandbox.catalogue.chance import isbn13
from sandbox.catalogue.facts import Contract, Price

SALES = (
    "Product ID type", "Product ID", "Channel ID", "Sales date", "List price", "Source", "Sales quantity", "Sales value", "Return quantity",
    "Return value", "Country code", "Original currency", "Original sales value", "Original return value", "File", "Notes",
)  # fmt: skip
PRODUCTS = ("Title", "Subtitle", "Edition number", "ISBN", "Same work identifier type", "Same work identifier")
PRICES = ("ISBN", "Title", "Currency code", "Price type", "Price qualifier", "Price amount")
_VALUES = ("Sales value", "Return value", "Original sales value", "Original return value")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_FIRST_ASSIGNED = 9_000_000  # ISBNs that `assign` gives, beyond those of the catalogue
Line = dict[str, Any]


class ImportRefused(Exception):
    """Nothing of the workbook was taken. `errors`: what the person sees, row by row."""

    def __init__(self, *errors: str) -> None:
        super().__init__("; ".join(errors))
        self.errors = list(errors)


@dataclass
class Imports:
    """What was imported by hand. `sales`: one transaction each, as they stand in Consonance."""

    catalogue: Catalogue
    sales: list[dict[str, Any]] = field(default_factory=list)
    done: list[dict[str, Any]] = field(default_factory=list)
    assigned: int = 0

    def reset(self) -> None:
        self.sales.clear()
        self.done.clear()
        self.assigned = 0

    def load(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """Uploads, validates and approves `{"kind": "sales" | "products" | "prices", "content": Base64}`. Raises `ImportRefused`, and
        `ValueError` for what is no import at all."""
        kinds = {"sales": (SALES, self._sales), "products": (PRODUCTS, self._products), "prices": (PRICES, self._prices)}
        kind = str(wanted.get("kind"))
        if kind not in kinds:
            raise ValueError(f"there is no import of {kind!r}; there are {', '.join(kinds)}")
        headers, take = kinds[kind]
        lines = read(base64.b64decode(str(wanted.get("content") or ""), validate=True), headers, exact=kind == "sales")
        with self.catalogue.lock:
            result = {"kind": kind, "rows": len(lines), **take(lines)}
        self.done.append(result)
        return result

    # --- sales

    def _sales(self, lines: list[Line]) -> dict[str, Any]:
        wrong: list[str] = []
        new: list[dict[str, Any]] = []
        for line in lines:
            try:
                new += self._transactions(line)
            except ValueError as error:
                wrong.append(f"Row {line['row']}: {error}")
        if wrong:
            raise ImportRefused(*wrong)
        self.sales += new
        return {"created": len(new), "updated": 0}

    def _transactions(self, line: Line) -> list[dict[str, Any]]:
        product = self._product(_text(line, "Product ID type"), _text(line, "Product ID"))
        day = line.get("Sales date")
        day = day.date().isoformat() if isinstance(day, datetime) else str(day or "")
        if not _DAY.fullmatch(day):
            raise ValueError(f"Sales date {day!r} is not of the form YYYY-MM-DD")
        date.fromisoformat(day)
        if not (channel := _text(line, "Channel ID")):
            raise ValueError("Channel ID can't be blank")
        amounts = {name: _amount(line, name) for name in (*_VALUES, "List price")}
        if all(amounts[name] is None for name in _VALUES):
            raise ValueError("one of Sales value, Return value, Original sales value and Original return value must be given")
        if any(amounts[f"Original {name} value"] is not None for name in ("sales", "return")) and not _text(line, "Original currency"):
            raise ValueError("Original currency can't be blank")
        found = []
        for what in ("Sales", "Return"):
            units, value, original = _whole(line, f"{what} quantity"), amounts[f"{what} value"], amounts[f"Original {what.lower()} value"]
            if units or value is not None or original is not None:
                found.append({
                    "product_id": product.id, "isbn": product.isbn, "channel": channel, "date": day, "kind": what.lower(), "units": units,
                    "value": _written(value), "original_value": _written(original), "original_currency": _text(line, "Original currency"),
                    "list_price": _written(amounts["List price"]), "source": _text(line, "Source"), "country": _text(line, "Country code"),
                    "file": _text(line, "File"), "notes": _text(line, "Notes"),
                })  # fmt: skip
        return found

    def _product(self, kind: str, value: str) -> Product:
        found: list[Product | None] = []
        match kind:
            case "ISBN":
                found = list(self.catalogue.products_by_isbn([identifiers.isbn13(value) or value]))
            case "Consonance ID":
                found = [self.catalogue.product(int(value))] if value.isdigit() else []
            case "ASIN" | "Internal reference":
                name = "asin" if kind == "ASIN" else "reference"
                found = [one for one in self.catalogue.products() if value and getattr(one, name) == value]
            case _:
                raise ValueError(f"Product ID type {kind!r} is none of ISBN, ASIN, Internal reference, Consonance ID")
        first = next(iter(found), None)
        if first is None:
            raise ValueError(f"no product has the {kind} {value!r}")
        return first

    # --- products

    def _products(self, lines: list[Line]) -> dict[str, Any]:
        wrong = [f"Row {line['row']}: {error}" for line in lines for error in self._problems(line)]
        isbns = [isbn for line in lines if (isbn := identifiers.isbn13(_text(line, "ISBN")))]
        wrong += [f"ISBN {isbn} stands twice in this import" for isbn in sorted({one for one in isbns if isbns.count(one) > 1})]
        if wrong:
            raise ImportRefused(*wrong)
        works: dict[str, int] = {}
        for line in lines:
            type, key = _text(line, "Same work identifier type"), _text(line, "Same work identifier")
            group = f"{type}:{key}" if type else f"row {line['row']}"
            if group not in works:
                works[group] = self._work(line, type, key)
            self._add_product(works[group], line)
        return {"created": len(lines), "updated": 0, "works": sorted(set(works.values()))}

    def _problems(self, line: Line) -> list[str]:
        found = [] if _text(line, "Title") else ["Title can't be blank"]
        isbn = _text(line, "ISBN")
        if isbn and isbn != "assign":
            whole = identifiers.isbn13(isbn)
            if not whole:
                found.append(f"ISBN {isbn!r} is not valid")
            elif self.catalogue.products_by_isbn([whole]):
                found.append(f"ISBN {isbn} has already been taken")
        type, key = _text(line, "Same work identifier type"), _text(line, "Same work identifier")
        if type not in {"", "Within import", "Work ID", "ISBN"}:
            found.append(f"Same work identifier type {type!r} is none of Within import, Work ID, ISBN")
        elif type and not key:
            found.append("Same work identifier can't be blank")
        elif type == "Work ID" and (not key.isdigit() or self.catalogue.work(int(key)) is None):
            found.append(f"there is no work {key}")
        elif type == "ISBN" and not self.catalogue.products_by_isbn([identifiers.isbn13(key) or key]):
            found.append(f"no product has the ISBN {key}")
        return found

    def _work(self, line: Line, type: str, key: str) -> int:
        if type == "Work ID":
            return int(key)
        if type == "ISBN":
            return self.catalogue.products_by_isbn([identifiers.isbn13(key) or key])[0].work_id
        made = self.catalogue.add_work()
        title = _text(line, "Title")
        bare = Work(
            made.id, title, _text(line, "Subtitle"), made.imprint_id, made.imprint, "", "", "Book", "", "Proposal", "", made.changed,
            Contract(made.contract.id, f"{title}: author agreement", None, None, None, None),
            edition_number=_text(line, "Edition number") or "1",
        )  # fmt: skip
        self.catalogue.edit(made.id, lambda _: bare)
        return made.id

    def _add_product(self, work_id: int, line: Line) -> None:
        isbn = _text(line, "ISBN")
        if isbn == "assign":
            self.assigned += 1
            isbn = isbn13(_FIRST_ASSIGNED + self.assigned)

        def change(work: Work) -> Work:
            id = max((one.id for one in work.products), default=work.id * 10) + 1
            product = Product(
                id,
                work.id,
                "GenericProduct",
                identifiers.isbn13(isbn) or None,
                title=_text(line, "Title"),
                subtitle=_text(line, "Subtitle"),
            )
            return replace(work, products=(*work.products, product))

        self.catalogue.edit(work_id, change)

    # --- prices

    def _prices(self, lines: list[Line]) -> dict[str, Any]:
        wrong: list[str] = []
        new: list[tuple[Product, Price]] = []
        for line in lines:
            try:
                product = self._product("ISBN", _text(line, "ISBN"))
                amount = _amount(line, "Price amount")
                codes = [_text(line, name) for name in ("Price type", "Price qualifier")]
                if amount is None:
                    raise ValueError("Price amount can't be blank")
                if not re.fullmatch(r"[A-Z]{3}", _text(line, "Currency code")):
                    raise ValueError(f"Currency code {_text(line, 'Currency code')!r} is not included in the list")
                if bad := [code for code in codes if not re.fullmatch(r"\d{2}", code)]:
                    raise ValueError(f"{bad[0]!r} is not included in the list of codes")
                new.append((product, Price(0, amount, _text(line, "Currency code"), *codes)))
            except ValueError as error:
                wrong.append(f"Row {line['row']}: {error}")
        if wrong:
            raise ImportRefused(*wrong)
        updated = sum(self._set_price(product.id, price) for product, price in new)
        return {"created": len(new) - updated, "updated": updated}

    def _set_price(self, product_id: int, price: Price) -> bool:
        """Whether one was there, which has the new amount now."""
        key = (price.currency, price.type, price.qualifier)
        there = False

        def change(product: Product) -> Product:
            nonlocal there
            kept = list(product.prices)
            for place, old in enumerate(kept):
                if (old.currency, old.type, old.qualifier) == key:
                    kept[place], there = replace(old, amount=price.amount), True
            if not there:
                kept.append(replace(price, id=max((old.id for old in kept), default=product.id * 20) + 1))
            return replace(product, prices=tuple(kept))

        self.catalogue.edit_product(product_id, change)
        return there


def read(content: bytes, headers: tuple[str, ...], *, exact: bool) -> list[Line]:
    """Rows of the first sheet by header, up to the first blank column, with their number. Raises `ImportRefused`."""
    try:
        book = load_workbook(io.BytesIO(content), read_only=True)
        rows = book.worksheets[0].iter_rows(values_only=True)
    except (BadZipFile, OSError, KeyError, ValueError, IndexError) as bad:
        raise ImportRefused("the file is no XLSX workbook") from bad
    found: list[str] = []
    for value in next(rows, ()):
        if value is None or value == "":
            break
        found.append(str(value))
    unknown = [header for header in found if header not in headers]
    if unknown or (exact and tuple(found) != headers) or len(set(found)) < len(found):
        raise ImportRefused(f"the headers do not match the template: {unknown or found}")
    if missing := [header for header in headers[:1] if header not in found]:
        raise ImportRefused(f"the column {missing[0]!r} is missing")
    lines = [{"row": number, **dict(zip(found, row, strict=False))} for number, row in enumerate(rows, start=2)]
    return [line for line in lines if any(value not in {None, ""} for name, value in line.items() if name != "row")]


def _text(line: Line, name: str) -> str:
    """As a spreadsheet program shows it: a number loses its leading zeros and, if it is long, its digits."""
    value = line.get(name)
    if isinstance(value, float):
        return f"{value:.2E}" if abs(value) >= 1e11 else f"{value:g}"
    return "" if value is None else str(value).strip()


def _amount(line: Line, name: str) -> Decimal | None:
    value = line.get(name)
    if value is None or value == "":
        return None
    try:
        amount = Decimal(repr(value) if isinstance(value, float) else str(value))
    except InvalidOperation as bad:
        raise ValueError(f"{name} {value!r} is not a number") from bad
    if not amount.is_finite() or amount < 0:
        raise ValueError(f"{name} must be greater than or equal to 0")
    return amount


def _whole(line: Line, name: str) -> int:
    amount = _amount(line, name) or Decimal(0)
    if amount != amount.to_integral_value():
        raise ValueError(f"{name} must be an integer")
    return int(amount)


def _written(amount: Decimal | None) -> str | None:
    return None if amount is None else format(amount, "f")
