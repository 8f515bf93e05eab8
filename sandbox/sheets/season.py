"""One season sheet out of the sandbox's catalogue. The same words make the same bytes.

`rows` in all; of them `new` titles that Consonance lacks, `bad` rows with one slip each, and rows of `updates` works that differ from what
Consonance has in the fields of `fields` (subtitle, bisac, publication_date, price). All other rows say what Consonance has. `skip`: so many
editions of the catalogue are passed over, so that two sheets can be about different titles.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any

from include.titles import identifiers
from sandbox.catalogue import Catalogue, Product, Work
from sandbox.catalogue.chance import dice, isbn13

HEADINGS = (
    "ISBN", "Title", "Subtitle", "Author", "Imprint", "Format", "Publication date", "BISAC", "Extent", "Price GBP", "Notes",
)  # fmt: skip
FIELDS = ("subtitle", "bisac", "publication_date", "price")
SLIPS = ("isbn-wrong", "isbn-digits-lost", "date-wrong", "subject-wrong", "no-key", "price-wrong", "too-long", "isbn-short")
FIRST_NEW = 7_000_000  # ISBNs beyond those of the catalogue
_WORDS = ("Harbour", "Lantern", "Orchard", "Winter", "Salt", "Glass", "Meridian", "Paper", "Foxglove", "Ash")
Cells = dict[str, Any]


@dataclass
class Season:
    """A sheet and what was put into it. Row numbers are as a spreadsheet counts them."""

    rows: list[Cells] = field(default_factory=list)
    updates: list[dict[str, Any]] = field(default_factory=list)
    new: list[dict[str, Any]] = field(default_factory=list)
    bad: list[dict[str, Any]] = field(default_factory=list)

    def told(self, first: int) -> dict[str, Any]:
        def placed(found: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
            return [one | {"row": one["row"] + first} for one in found]

        return {
            "rows": len(self.rows),
            "first_row": first,
            "updates": placed(self.updates),
            "new": placed(self.new),
            "bad": placed(self.bad),
        }


def season(catalogue: Catalogue, wanted: Mapping[str, Any]) -> Season:
    """The rows of a sheet. Raises ValueError where the catalogue has too few titles for it."""
    rows, new, bad = (_count(wanted, name, default) for name, default in (("rows", 40), ("new", 4), ("bad", 4)))
    seed, works = _count(wanted, "seed", 1), _count(wanted, "updates", 6)
    fields = tuple(wanted.get("fields") or ("subtitle", "bisac"))
    if unknown := set(fields) - set(FIELDS):
        raise ValueError(f"a season sheet changes {', '.join(FIELDS)}, not {', '.join(unknown)}")
    made = Season()
    source = islice(_sound(catalogue), _count(wanted, "skip", 0), None)
    slips = _slips(bad)
    for place in range(rows - new - len(slips)):
        found = next(source, None)
        if found is None:
            raise ValueError(f"the catalogue has {place + len(slips)} editions for a sheet, {rows - new} are wanted: ask for fewer rows")
        work, product = found
        cells = _cells(work, product)
        if ((changed := {one["work_id"] for one in made.updates}) and work.id in changed) or len(changed) < works:
            made.updates += [{"row": len(made.rows), **one} for one in _update(cells, work, product, fields, seed)]
        made.rows.append(cells)
    for slip in slips:
        found = next(source, None)
        if found is None:
            raise ValueError("the catalogue has too few editions for so many slips: ask for fewer rows")
        cells = _cells(*found)
        _spoil(cells, slip, seed)
        made.bad.append({"row": len(made.rows), "code": slip.replace("isbn-short", "isbn-wrong"), "isbn": cells["ISBN"]})
        made.rows.append(cells)
    made_at = date.fromisoformat(str(wanted.get("season") or catalogue.today.isoformat()))
    for number in range(new):
        cells = _new(number, seed, made_at)
        made.new.append({"row": len(made.rows), "isbn": cells["ISBN"], "title": cells["Title"]})
        made.rows.append(cells)
    return made


def sheet(catalogue: Catalogue, wanted: Mapping[str, Any]) -> tuple[str, bytes, dict[str, Any]]:
    """Name, content and what was put into it, as `POST /sandbox/drop` tells it. `format`: xlsx or csv (`encoding`, `delimiter`)."""
    made = season(catalogue, wanted)
    moment = datetime.fromisoformat(str(wanted["made"])) if wanted.get("made") else datetime.combine(catalogue.today, time(12), UTC)
    above = [["Season sheet"], [f"As of: {moment.isoformat()}"], []]
    format_ = str(wanted.get("format") or "xlsx")
    if format_ not in {"xlsx", "csv"}:
        raise ValueError("a sheet is xlsx or csv")
    content = _xlsx(above, made.rows, moment) if format_ == "xlsx" else _csv(above, made.rows, wanted)
    name = str(wanted.get("name") or f"season sheet {_count(wanted, 'seed', 1)}.{format_}")
    return name, content, made.told(len(above) + 2)


def _sound(catalogue: Catalogue) -> Iterator[tuple[Work, Product]]:
    """Editions of which nothing was planted: one work's stand together."""
    seen: set[str] = set()
    for work in catalogue.works():
        if catalogue.is_planted(work.id) or not work.title:
            continue
        for product in work.products:
            if product.isbn and identifiers.is_isbn13(product.isbn) and product.isbn not in seen and product.full_title == work.title:
                seen.add(product.isbn)
                yield work, product


def _cells(work: Work, product: Product) -> Cells:
    pages = product.pages if product.is_print else None
    price = next((price.amount for price in product.prices if price.currency == "GBP" and price.type == "02"), None)
    return {
        "ISBN": product.isbn, "Title": work.title, "Subtitle": product.subtitle if product.subtitle == work.subtitle else None,
        "Author": None, "Imprint": work.imprint, "Format": product.format, "Publication date": product.publication_date,
        "BISAC": "; ".join(one.code for one in work.subjects if one.scheme == "BISAC") or None, "Extent": pages,
        "Price GBP": price, "Notes": None,
    }  # fmt: skip


def _update(cells: Cells, work: Work, product: Product, fields: Sequence[str], seed: int) -> Iterator[dict[str, Any]]:
    """Changes the cells; all editions of a work get the same where it is the work's."""
    about = {"isbn": product.isbn, "work_id": work.id, "product_id": product.id}
    if "subtitle" in fields:
        cells["Subtitle"] = f"A Novel of {_WORDS[work.id % len(_WORDS)]} {seed}"
        yield about | {"field": "subtitle", "after": cells["Subtitle"]}
    if "bisac" in fields:
        cells["BISAC"] = f"FIC{19000 + work.id % 40:06d}; FIC000000"
        yield about | {"field": "bisac", "after": cells["BISAC"]}
    if "publication_date" in fields and product.publication_date:
        cells["Publication date"] = product.publication_date + timedelta(days=7)
        yield about | {"field": "publication_date", "after": cells["Publication date"].isoformat()}
    if "price" in fields and cells["Price GBP"] is not None:
        cells["Price GBP"] += Decimal("1.00")
        yield about | {"field": "price", "after": str(cells["Price GBP"])}


def _slips(count: int) -> list[str]:
    return [SLIPS[place % len(SLIPS)] for place in range(count)]


def _spoil(cells: Cells, slip: str, seed: int) -> None:
    isbn = str(cells["ISBN"])
    match slip:
        case "isbn-wrong":
            cells["ISBN"] = f"{isbn[:12]}{(int(isbn[12]) + 1 + seed) % 10 if (1 + seed) % 10 else (int(isbn[12]) + 1) % 10}"
        case "isbn-digits-lost":
            cells["ISBN"] = f"{isbn[0]}.{isbn[1:3]}E+12"
        case "isbn-short":
            cells["ISBN"] = isbn[:11]
        case "date-wrong":
            cells["Publication date"] = "31/02/2027"
        case "subject-wrong":
            cells["BISAC"] = "FICTION"
        case "no-key":
            cells["ISBN"] = None
        case "price-wrong":
            cells["Price GBP"] = Decimal("9.999")
        case _:
            cells["Subtitle"] = "Long " * 80


def _new(number: int, seed: int, day: date) -> Cells:
    """Two editions of each new work."""
    random = dice(seed, 77, number // 2)
    title = f"The {random.choice(_WORDS)} {random.choice(_WORDS)} {seed}-{number // 2 + 1}"
    return {
        "ISBN": isbn13(FIRST_NEW + seed * 1_000 + number), "Title": title, "Subtitle": "A Novel", "Author": "Ana Lima",
        "Imprint": None, "Format": ("Hardback", "Paperback")[number % 2], "Publication date": day + timedelta(days=200 + number // 2),
        "BISAC": "FIC019000", "Extent": None, "Price GBP": Decimal("12.99") + number % 2, "Notes": None,
    }  # fmt: skip


def _xlsx(above: Sequence[Sequence[Any]], rows: Sequence[Cells], moment: datetime) -> bytes:
    from xlsxwriter import Workbook

    out = io.BytesIO()
    book = Workbook(out, {"in_memory": True})
    book.set_properties({"created": moment.astimezone(UTC).replace(tzinfo=None)})
    page = book.add_worksheet("Season")
    bold, day, text = book.add_format({"bold": True}), book.add_format({"num_format": "dd/mm/yyyy"}), book.add_format({"num_format": "@"})
    for row, cells in enumerate(above):
        for column, cell in enumerate(cells):
            page.write_string(row, column, cell, bold)
    for column, heading in enumerate(HEADINGS):
        page.write_string(len(above), column, heading, bold)
    for row, line in enumerate(rows, start=len(above) + 1):
        for column, heading in enumerate(HEADINGS):
            cell = line[heading]
            if isinstance(cell, date):
                page.write_datetime(row, column, datetime.combine(cell, time()), day)
            elif isinstance(cell, Decimal | int):
                page.write_number(row, column, cell)
            elif isinstance(cell, str):
                page.write_string(row, column, cell, text)
    book.close()
    return out.getvalue()


def _csv(above: Sequence[Sequence[Any]], rows: Sequence[Cells], wanted: Mapping[str, Any]) -> bytes:
    import csv

    out = io.StringIO()
    writer = csv.writer(out, delimiter=str(wanted.get("delimiter") or ","))
    writer.writerows(above)
    writer.writerow(HEADINGS)
    for line in rows:
        writer.writerow(["" if line[heading] is None else line[heading] for heading in HEADINGS])
    return out.getvalue().encode(str(wanted.get("encoding") or "utf-8-sig"))


def _count(wanted: Mapping[str, Any], name: str, default: int) -> int:
    value = wanted.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 20_000:
        raise ValueError(f"`{name}` is a whole number up to 20,000")
    return value
