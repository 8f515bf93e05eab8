"""What a row would change: field by field what Consonance has and what the row says, how it would be written, and whether it may be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from include.imports.extractors import Value
from include.imports.fields import BOTH, FIELDS, Field
from include.imports.known import Known, Title
from include.imports.mapping import Mapping
from include.imports.offers import Offers
from include.imports.resolve import About
from include.imports.rows import Row, SaidPrice
from include.titles.model import Product, Work

PRICES = "workbook of prices"
Change = dict[str, Any]
"""{level, id, field, label, before, after, as, conflict}: `as` is `updateWork title`, the workbook, or empty where nothing takes it;
`conflict` says why it may not be written, empty if it may. Once written, `at` says when."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One field as the row wants it."""

    field: Field
    of: Work | Product
    value: Value
    said_as: str  # the column's field


def differences(row: Row, about: About, known: Known, mapping: Mapping, offers: Offers, made_at: datetime | None) -> list[Change]:
    """All changes that the row means, those among them that can't be made noted in the row. Empty: Consonance has it all."""
    if about.work is None:
        return []
    found = []
    for wanted in _wanted(row, about.title, about.work, known, mapping):
        before = known.value(wanted.field.level, wanted.of, wanted.field.name)
        if same(wanted.field, before, wanted.value):
            continue
        kind = wanted.of.kind if isinstance(wanted.of, Product) else ""
        why_not = offers.why_not(wanted.field, wanted.value, mapping.ids, kind)
        change: Change = {
            "level": wanted.field.level, "id": wanted.of.id, "field": wanted.field.name, "label": wanted.field.label, "before": before,
            "after": wanted.value, "as": "" if why_not else f"{_operation(wanted.field)} {wanted.field.input}", "conflict": "",
        }  # fmt: skip
        if why_not:
            message = f"{wanted.field.label}: Consonance has {shown(before)}, the sheet {shown(wanted.value)}"
            row.wrong("not-possible", message, why_not, field=wanted.said_as, severity="warning")
        else:
            change["conflict"] = _conflict(row, about, known, made_at, change, wanted.said_as)
        found.append(change)
    if about.title is not None:
        found += [_priced(row, about, known, made_at, price) for price in row.prices if _price_differs(about.title.product, price)]
    return found


def same(field: Field, before: Value, after: Value) -> bool:
    """Whether they mean the same. Names that can't be written are compared without case and punctuation: nobody acts on those."""
    if isinstance(before, str) and isinstance(after, str) and not field.input and field.read in {"text", "named"}:
        return _folded(before) == _folded(after)
    return before == after


def shown(value: Value) -> str:
    """A value for people."""
    text = "; ".join(value) if isinstance(value, list) else value
    return f"“{text[:120]}”" if text else "nothing"


def _operation(field: Field) -> str:
    return "updateWork" if field.level == "work" else "updateWork products"


def _folded(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())


def _wanted(row: Row, title: Title | None, work: Work, known: Known, mapping: Mapping) -> Iterator[Wanted]:
    for name, value in row.fields.items():
        field = FIELDS[name]
        levels = mapping.columns[name].levels if name in BOTH else (field.level,)
        if "work" in levels:
            yield Wanted(field, work, value, name)
        if "product" in levels and title is not None:
            if name == "title":
                yield from _product_title(str(value), title.product, known)
            else:
                yield Wanted(FIELDS[BOTH.get(name, name)], title.product, value, name)


def _product_title(full: str, product: Product, known: Known) -> Iterator[Wanted]:
    """A product has its title in two parts. A prefix that the title still begins with is kept; otherwise the title has none."""
    prefix = str(known.value("product", product, "product_prefix"))
    without = str(known.value("product", product, "product_title"))
    start = prefix if prefix.endswith(("’", "'")) or not prefix else f"{prefix} "
    if full == f"{start}{without}" or (not without and full == product.full_title):
        return
    keeps = bool(prefix) and full.startswith(start)
    yield Wanted(FIELDS["product_prefix"], product, prefix if keeps else "", "title")
    yield Wanted(FIELDS["product_title"], product, full[len(start) :] if keeps else full, "title")


def _conflict(row: Row, about: About, known: Known, made_at: datetime | None, change: Change, said_as: str) -> str:
    """Whether Consonance changed since the sheet was made: by what the sheet says it had, by its mark, or by its date."""
    current = change["before"]
    if said_as in row.was and said_as not in BOTH:
        if row.was[said_as] == current:
            return ""
        return f"{change['label']} was {shown(row.was[said_as])} when the sheet was made, and is {shown(current)} now"
    if row.base and about.title is not None:
        return "" if row.base == about.title.mark else "the title was changed in Consonance since the sheet was made"
    changed = known.changed_since(change["level"], change["id"], change["field"], current, made_at)
    if changed is None or made_at is None:
        return ""
    of = "work" if change["level"] == "work" else "edition"
    return f"the {of} was changed in Consonance on {changed:%Y-%m-%d %H:%M} UTC, after the sheet was made ({made_at:%Y-%m-%d %H:%M} UTC)"


def _price_differs(product: Product, price: SaidPrice) -> bool:
    before = amount_of(product, price.key)
    return not before or Decimal(before) != Decimal(price.amount)


def amount_of(product: Product, key: tuple[str, ...]) -> str:
    """What Consonance has under the key of its import of prices: currency, type and qualifier. Empty: no such price."""
    found = [one for one in product.prices if (one.currency, one.type, one.qualifier) == key]
    return format(found[0].amount, "f") if found else ""


def _priced(row: Row, about: About, known: Known, made_at: datetime | None, price: SaidPrice) -> Change:
    assert about.title is not None  # noqa: S101 - the caller has looked
    product = about.title.product
    change: Change = {
        "level": "product", "id": product.id, "field": price.name, "label": f"Price {price.currency}",
        "before": amount_of(product, price.key), "after": price.amount, "as": PRICES, "conflict": "",
    }  # fmt: skip
    if not product.isbn:
        row.wrong("no-isbn", "Consonance's import of prices knows editions by ISBN, and this one has none", "Give it an ISBN first.",
                  field=price.name, column=price.column)  # fmt: skip
    change["conflict"] = _conflict(row, about, known, made_at, change, price.name)
    return change


__all__ = ["PRICES", "Change", "amount_of", "differences", "same", "shown"]
