"""The job ticket: what is to be made, from Consonance's production run and the product, as JSON, CSV and one page of PDF.

Consonance's public API gives production runs with bindings, covers, interiors, finishes, embellishments and quantities (type
ProductionRun). Where a tenant does not offer them, or nobody has entered one, the ticket says so in a sentence and holds the product's
own facts.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from include.files.characters import harmless
from include.partners.model import House
from include.titles.model import Product

_QUANTITY = {"quantity": "quantity", "name": "name", "description": "description"}
_BINDING = {
    "pageBindingMethod": "binding", "caseSpineStyle": "spine style", "widthOfBoard": "board", "endpapers": "endpapers",
    "trimmingMethod": "trimming", "bindingInstructions": "instructions", "description": "description",
}  # fmt: skip
_COVER = {
    "coverType": "type", "paper": "paper", "coverColoursOutside": "colours outside",
    "coverColoursOutsideDescription": "colours, described", "coverNotes": "notes",
}  # fmt: skip
_INTERIOR = {
    "paper": "paper", "textColour": "colour", "textColourDescription": "colour, described", "fsc": "FSC",
    "textPrintInstructions": "instructions",
}  # fmt: skip
_NAMED = {"name": "name", "description": "description"}
SECTIONS: tuple[tuple[str, Mapping[str, str]], ...] = (
    ("quantities", _QUANTITY), ("bindings", _BINDING), ("covers", _COVER), ("interiors", _INTERIOR), ("finishes", _NAMED),
    ("embellishments", _NAMED),
)  # fmt: skip
NO_RUN = "Consonance tells no production run for this product: quantities and materials as in the order."
_GSM = re.compile(r"(?i)(\d{2,3}(?:\.\d)?)\s*g(?:sm|/m|r|\b)")
_VOLUME = re.compile(r"(?i)vol(?:ume)?\.?\s*(\d{1,2}(?:\.\d)?)")
_BLACK = re.compile(r"(?i)^\s*(1\s*/\s*1|1|black(?: only)?|mono(?:chrome)?|k)\s*$")


def run_for(product: Product, runs: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The production run that this package is for: of those for this product, the one to be delivered last (one without a date is
    later than any). Runs that name no product are for all of the work's."""
    ours = [run for run in runs if not (run.get("productIds") or ()) or product.id in run["productIds"]]
    return max(ours, key=lambda run: (run.get("deliveryDate") or "9999-12-31", run.get("id") or 0), default=None)


def ticket(product: Product, run: Mapping[str, Any] | None, house: House, *, left_out: str = "") -> dict[str, Any]:
    """{job, extent, measures, dates, run, note, contact}: JSON values only, empty ones left out. `left_out`: a sentence on what this
    Consonance does not tell of production runs. Lengths are millimetres, weights grams, dates ISO."""
    work = product.work
    return {
        "job": _filled({
            "isbn": product.isbn, "title": product.full_title or work.title, "subtitle": product.subtitle or work.subtitle,
            "contributors": work.contributor_statement or "; ".join(_contributors(product)), "imprint": work.imprint,
            "publisher": house.publisher, "format": product.format, "form": product.form, "edition": product.edition,
            "work reference": work.reference,
        }),
        "extent": _filled({
            "pages": product.pages_total or product.pages, "main content": product.pages, "front matter": product.pages_front,
            "back matter": product.pages_back,
        }),
        "measures": _filled({
            "height mm": product.height_mm, "width mm": product.width_mm, "thickness mm": product.thickness_mm,
            "weight g": product.weight_g,
        }),
        "dates": _filled({"delivery": (run or {}).get("deliveryDate"), "publication": product.publication_date or product.planned_date}),
        "run": _run(product, run) if run is not None else None,
        "note": " ".join(sentence for sentence in ("" if run is not None else NO_RUN, left_out) if sentence),
        "contact": _filled({"name": house.sender.contact or house.sender.name, "email": house.sender.email}),
    }  # fmt: skip


def identity(content: Mapping[str, Any]) -> str:
    """What of a ticket makes another job: all but contact, note and the publication date, which the printer does not print by."""
    told = {name: value for name, value in content.items() if name not in {"contact", "note"}}
    told["dates"] = {name: value for name, value in content["dates"].items() if name != "publication"}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def as_json(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, indent=2, ensure_ascii=False).encode("utf-8", "replace") + b"\n"


def as_csv(content: Mapping[str, Any]) -> bytes:
    """Columns section, item, field, value; UTF-8 with a byte order mark, for spreadsheets."""
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\r\n")
    rows.writerow(("section", "item", "field", "value"))
    for row in lines(content):
        rows.writerow([harmless(str(cell), amounts=True) for cell in row])
    return b"\xef\xbb\xbf" + out.getvalue().encode("utf-8", "replace")


def lines(content: Mapping[str, Any]) -> list[tuple[str, str, str, str]]:
    """The ticket as (section, item, field, value), in reading order; `item` counts quantities, bindings, ... from 1."""
    found = [
        (section, "", name, str(value)) for section in ("job", "extent", "measures", "dates") for name, value in content[section].items()
    ]
    run = content["run"]
    if content["note"]:
        found.append(("run", "", "note", content["note"]))
    if run is not None:
        found.append(("run", "", "name", run["name"]))
        for section, _ in SECTIONS:
            for number, item in enumerate(run[section], start=1):
                found += [(section, str(number), name, str(value)) for name, value in item.items()]
    found += [("contact", "", name, str(value)) for name, value in content["contact"].items()]
    return found


def paper(run: Mapping[str, Any] | None) -> tuple[float, float] | None:
    """Grammage (g/m²) and volume of the text paper, where its description says both ("Munken Cream 80gsm vol 18")."""
    for interior in (run or {}).get("interiors") or ():
        described = str(interior.get("paper") or "")
        grams, volume = _GSM.search(described), _VOLUME.search(described)
        if grams and volume:
            return float(grams[1]), float(volume[1])
    return None


def printed_black(run: Mapping[str, Any] | None) -> bool:
    """Whether every interior of the run is printed in black only, as far as it says."""
    interiors = (run or {}).get("interiors") or ()
    return bool(interiors) and all(_BLACK.match(str(interior.get("textColour") or "")) for interior in interiors)


def ordered_extras(product: Product, run: Mapping[str, Any] | None) -> list[str]:
    """Names of the finishes and embellishments ordered for the product."""
    items = [item for section in ("finishes", "embellishments") for item in _of_product(product, (run or {}).get(section) or ())]
    told = (" ".join(str(item.get(name) or "") for name in ("name", "description")).strip() for item in items)
    return [text for text in told if text]


def _run(product: Product, run: Mapping[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {"id": run.get("id"), "name": str(run.get("name") or "")}
    for section, fields in SECTIONS:
        items = (
            _filled({label: item.get(name) for name, label in fields.items()}) for item in _of_product(product, run.get(section) or ())
        )
        told[section] = [item for item in items if item]
    return told


def _of_product(product: Product, items: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those that name this product, or none."""
    kept = []
    for item in items:
        of = item.get("productIds") or ([item["productId"]] if item.get("productId") else [])
        if not of or product.id in of:
            kept.append(item)
    return kept


def _contributors(product: Product) -> list[str]:
    return [one.person_name or one.corporate_name for one in product.work.contributors if one.role.startswith(("A", "B"))][:5]


def _filled(values: Mapping[str, Any]) -> dict[str, Any]:
    """Without what is empty; decimals, dates and truth values as words."""
    told: dict[str, Any] = {}
    for name, value in values.items():
        if value is None or value == "":
            continue
        if isinstance(value, bool):
            told[name] = "yes" if value else "no"
        else:
            told[name] = value if isinstance(value, int) else str(value)
    return told
