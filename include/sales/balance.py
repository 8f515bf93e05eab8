"""Whether lines come to what the report itself says, and what explains a difference, to the cent.

Counts must agree; money may miss by the source's tolerance. What is not explained stays open, and waits for a person. The payment, the
other half of the balance, is in `include.sales.payments`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations
from typing import Any

from babel.numbers import get_currency_precision

from include.sales.reading import Control
from include.sales.totals import EXACT

COUNTS = frozenset({"rows", "units", "sold", "returned", "usage"})
# codes of reasons for which a person must look
UNBALANCING = frozenset({"unbalanced", "controls-disagree", "payment-differs", "sheet-copied"})
_REJECTED = "rejected"
_SORTS = 8  # of rows that are no lines, tried together


@dataclass(frozen=True, slots=True)
class Balance:
    """`controls` and `reasons` as a batch keeps them."""

    controls: list[dict[str, Any]]
    reasons: list[dict[str, Any]]

    @property
    def balanced(self) -> bool:
        return not unbalanced(self.reasons)


def balance(
    controls: Sequence[Control],
    found: Callable[[Control], Decimal],
    *,
    tolerance: Decimal,
    rejected: int = 0,
    skipped: Mapping[str, int] | None = None,
    copied: Sequence[str] = (),
) -> Balance:
    """Compares with the report's own totals. `found` gives what the lines come to for one of them; `copied`: sheets that were taken for
    copies, in sentences."""
    told, reasons = [], []
    subtotals = _subtotals(controls, found)
    for control in controls:
        here = found(control)
        if control in subtotals:
            explained = [(control.stated - here, subtotals[control])]
        else:
            explained = _missing_rows(control, here, {_REJECTED: rejected, **(skipped or {})})
        one = compared(control, here, explained, tolerance)
        told.append(one)
        if Decimal(one["open"]):
            reasons.append(_unbalanced(one))
    reasons += _disagreements([control for control in controls if control not in subtotals])
    if not any(control.sheets == () for control in controls):  # the total of one sheet proves nothing of another
        todo = "Open the report: approve a copy with a note; if both are real, undo it, and ask for them in one table."
        reasons += [reason("sheet-copied", f"{one}: read once, which no total of the report proves", todo=todo) for one in copied]
    if not controls:
        todo = "Compare with the payment when it is there."
        reasons.append(reason("no-controls", "the report has no totals of its own to compare with", todo=todo))
    return Balance(told, reasons)


def compared(control: Control, found: Decimal, explained: Iterable[tuple[Decimal, str]], tolerance: Decimal) -> dict[str, Any]:
    """A control as a batch keeps it: the difference is what was stated less what was found; `open` is what is left unexplained."""
    difference = EXACT.subtract(control.stated, found)
    why = list(explained)
    left = difference - sum((amount for amount, _ in why), Decimal(0))
    if left and control.what not in COUNTS and abs(left) <= tolerance:
        why.append((left, f"within the tolerance of {text(tolerance)}"))
        left = Decimal(0)

    def told(amount: Decimal) -> str:
        return text(amount) if control.what in COUNTS else money(amount, control.currency)

    return {
        "what": control.what, "currency": control.currency, "sheet": ", ".join(control.sheets), "stated": told(control.stated),
        "found": told(found), "difference": told(difference),
        "explained": [{"amount": told(amount), "why": words} for amount, words in why], "open": text(left), "from": control.where,
    }  # fmt: skip


def settled(control: Mapping[str, Any], why: str) -> dict[str, Any]:
    """A control of which a person explains what is open."""
    if not Decimal(control["open"]):
        return dict(control)
    return {**control, "explained": [*control["explained"], {"amount": control["open"], "why": why}], "open": "0"}


def unbalanced(reasons: Iterable[Mapping[str, Any]]) -> bool:
    """Whether one of a batch's reasons is that something does not come to what was said."""
    return any(one["code"] in UNBALANCING for one in reasons)


def text(amount: Decimal | int) -> str:
    """A decimal with every digit that says something: `12.5`, `0`, `1200`."""
    exact = Decimal(amount)
    return format(EXACT.normalize(exact), "f") if exact else "0"


def money(amount: Decimal, currency: str) -> str:
    """An amount with the currency's own digits after the point, or as many as it has: `12.50` GBP, `1200` JPY, `0.0342` USD."""
    digits = get_currency_precision(currency) if currency else 2
    whole, _, after = text(amount).partition(".")
    return f"{whole}.{after.ljust(digits, '0')}" if after or digits else whole


def plain(amount: Decimal) -> Decimal:
    """Without the zeros that a column's scale adds."""
    return Decimal(text(amount))


def reason(code: str, message: str, *, where: str = "", todo: str = "") -> dict[str, Any]:
    return {"code": str(code), "message": message, "where": where, "todo": todo}


def _subtotals(controls: Sequence[Control], found: Callable[[Control], Decimal]) -> dict[Control, str]:
    """Totals of parts of the report, with words: those that, all together, come to what the lines come to. Where the report states that,
    too, there may be subtotals of several kinds, each to the whole: by month, by shop."""
    words: dict[Control, str] = {}
    for same in _of_the_same(controls).values():
        whole = found(same[0])
        parts = [control for control in same if control.stated != whole]
        number, together = sum(one.times for one in parts), sum((one.stated * one.times for one in parts), Decimal(0))
        grand = len(parts) < len(same)
        within = all(0 <= one.stated * whole <= whole * whole for one in parts)
        if number > 1 and (together == whole or (grand and whole and within and together % whole == 0)):
            shown = text(together) if same[0].what in COUNTS else money(together, same[0].currency)
            words |= dict.fromkeys(parts, f"one of {number} subtotals, which come to {shown}")
    return words


def _of_the_same(controls: Sequence[Control]) -> dict[tuple[str, str, tuple[str, ...], tuple[str, ...]], list[Control]]:
    found: dict[tuple[str, str, tuple[str, ...], tuple[str, ...]], list[Control]] = {}
    for control in controls:
        found.setdefault((control.what, control.currency, control.sheets, control.models), []).append(control)
    return found


def _missing_rows(control: Control, found: Decimal, passed_over: Mapping[str, int]) -> list[tuple[Decimal, str]]:
    """Rows that the report counts and that are no lines: the fewest sorts of refused and passed over rows that are as many together."""
    missing = control.stated - found
    if control.what != "rows" or control.sheets or missing <= 0:
        return []
    sorts = [(what, rows) for what, rows in passed_over.items() if rows]
    for number in range(1, len(sorts[:_SORTS]) + 1):
        for some in combinations(sorts[:_SORTS], number):
            if sum(rows for _, rows in some) == missing:
                return [(Decimal(rows), _count(rows, what)) for what, rows in some]
    return []


def _count(rows: int, what: str) -> str:
    return f"{rows} row{'s' if rows != 1 else ''}{'' if what == _REJECTED else ':'} {what}"


def _unbalanced(one: Mapping[str, Any]) -> dict[str, Any]:
    what = " ".join(filter(None, (one["what"], one["currency"])))
    more = "more than it says" if one["open"].startswith("-") else "missing"
    return reason(
        "unbalanced",
        f"{what}: the lines come to {one['found']}, the report says {one['stated']}: {one['open'].lstrip('-')} {more}, unexplained",
        where=one["from"],
        todo="Look at the rejected rows and at the report; approve with what explains it, or undo the batch.",
    )


def _disagreements(controls: Sequence[Control]) -> list[dict[str, Any]]:
    """Totals of a report that contradict each other."""
    found = {key: _places(same) for key, same in _of_the_same(controls).items()}
    return [
        reason(
            "controls-disagree",
            f"the report states {' '.join(filter(None, (what, currency)))} differently: "
            + ", ".join(f"{text(stated)} ({where})" for stated, where in each.items()),
            todo="Ask the sender which of them is right.",
        )
        for (what, currency, _, _), each in found.items()
        if len(each) > 1
    ]


def _places(controls: Sequence[Control]) -> dict[Decimal, str]:
    """Each different amount, and where it stands first."""
    places: dict[Decimal, str] = {}
    for control in controls:
        places.setdefault(control.stated, control.where)
    return places
