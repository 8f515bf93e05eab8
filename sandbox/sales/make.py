"""One report: which layout, which month, with which hazards; written to disk, and its truth told."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from sandbox.catalogue import Catalogue
from sandbox.sales import amazon, ingram, plain, retail, usage
from sandbox.sales.figures import HAZARDS, Order, Truth

LAYOUTS: dict[str, tuple[str, Callable[[Order], tuple[str, bytes, Truth]]]] = {  # layout → folder of the inbox, what makes it
    "kdp_prior_month": ("amazon", amazon.prior_month),
    "kdp_dashboard": ("amazon-ember", amazon.dashboard),
    "lightning_source": ("lightning", ingram.lightning_source),
    "ingramspark": ("ingramspark", ingram.ingramspark),
    "bisg_flat": ("coresource", ingram.bisg_flat),
    "editx": ("leserwelt", ingram.editx),
    "apple_financial": ("apple", retail.apple_financial),
    "google_earnings": ("google", retail.google_earnings),
    "google_transactions": ("google-kite", retail.google_transactions),
    "kobo": ("kobo", retail.kobo),
    "jstor": ("jstor", usage.jstor),
    "counter_5": ("campus-library", usage.counter_5),
    "counter_51": ("research-commons", usage.counter_51),
    "consonance": ("house-shop", plain.consonance),
    "generic": ("northgate", plain.generic),
}
_WITHOUT_MONEY = {"ingramspark"}


def folder_of(layout: str) -> str:
    """The folder of the inbox that its sender uses. Raises ValueError for a layout that nobody sends."""
    if layout not in LAYOUTS:
        raise ValueError(f"there is no layout {layout!r}; there are {', '.join(LAYOUTS)}")
    return LAYOUTS[layout][0]


def make(catalogue: Catalogue, folder: Path, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Writes the report that is wanted into `folder`; gives {name, kind, layout, month, totals, paid, pages, controls, planted}.

    `totals`: currency → {rows, sold, returned, units, net}; no currency where there is no money. `paid`: payment currency → amount,
    where the report converts. `pages`: pages read that are no sales. `controls`: what the report states itself. `planted`: hazards that
    must come up.
    Raises ValueError for what makes no sense.
    """
    layout, known = str(wanted.get("layout") or ""), {"kind", "layout", "month", "seed", "rows", "currency", "hazards", "name"}
    folder_of(layout)
    if set(wanted) - known:
        raise ValueError(f"a report has {', '.join(sorted(known))}")
    order = Order(
        catalogue, layout, _month(wanted.get("month"), catalogue.today), int(wanted.get("seed") or 1), int(wanted.get("rows") or 0),
        str(wanted.get("currency") or ""), frozenset(wanted.get("hazards") or ()),
    )  # fmt: skip
    if order.hazards - HAZARDS:
        raise ValueError(f"hazards are {', '.join(sorted(HAZARDS))}")
    name, content, truth = LAYOUTS[layout][1](order)
    path = folder / (str(wanted.get("name") or "") or name)
    path.write_bytes(content)
    totals = truth.totals()
    if layout in _WITHOUT_MONEY:
        totals = {"": _without_money(totals)}
    return {
        "name": path.name, "kind": "report", "layout": layout, "month": f"{order.month:%Y-%m}", "totals": totals, "paid": truth.paid,
        "pages": sum(one.units for one in truth.pages), "controls": truth.controls, "planted": truth.planted(),
    }  # fmt: skip


def _without_money(totals: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {name: sum(cell[name] for cell in totals.values()) for name in ("rows", "sold", "returned", "units")} | {"net": "0"}


def _month(text: Any, today: date) -> date:
    """The first day of `2026-09`; of the month before today's where none is said."""
    if text is None:
        return (today.replace(day=1) - timedelta(days=1)).replace(day=1)
    found = re.fullmatch(r"(\d{4})-(\d{2})", str(text))
    if not found or not 1 <= int(found[2]) <= 12:
        raise ValueError(f"{text!r} is no month: 2026-09")
    return date(int(found[1]), int(found[2]), 1)
