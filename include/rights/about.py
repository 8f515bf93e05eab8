"""The first sheet of each workbook: for whom and of what it is, what each sheet has, and where its figures come from."""

from __future__ import annotations

from collections.abc import Sequence

from include.partners import House
from include.rights.scope import Scope
from include.rights.sheets import SCHEMA
from include.rights.spans import Span

Lines = Sequence[tuple[str, str]]
_WHAT = {
    "rights": "Rights report: where each title may be sold, which rights are licensed, and what was sold or used where rights are not held",
    "contracts": "Contracts, with licensed rights and what is to be delivered under them",
    "finance": "Sales by imprint, territory, period and currency",
}
_MONEY = (
    "As the report of the shop or distributor has it: receipts before royalties, in the currency of payment. Nothing is converted, and "
    "amounts of two currencies are never added up."
)
_USED = "Loans, views, pages read: what a report counts that is no sale."
_SHEETS: dict[str, Lines] = {
    "rights": (
        ("Sheet Rights", "Each edition with its sales rights as Consonance has them. Flags: how many lines of the sheet Flags it has."),
        ("Sheet Licensed rights", "Rights that the contracts license. Consonance tells nothing of their territory, language or term."),
        ("Sheet Territories", "The sheet Flags added up by imprint, territory, finding and currency."),
        ("Sheet Flags", "What was sold or used where rights are not held, or nobody can say, with the report that it comes from."),
        ("Sheet Control", "What is flagged of each batch (one report that was loaded), the totals, and the difference, which is nothing."),
        ("not held", "Consonance says that the title is not for sale there, or names other countries only."),
        ("unknown", "Consonance does not say whether the title may be sold there. It is never taken for worldwide."),
        ("territory not told", "The report does not say where it was sold, and the title is not for sale everywhere."),
        ("Used", _USED),
        ("Net", _MONEY),
    ),
    "contracts": (
        ("Sheet Contracts", "Consonance's own fields, nothing reckoned. Amounts stand without a currency, since Consonance tells none."),
        ("Sheet Licensed rights", "One line for each right. Consonance tells nothing of its territory, language or term."),
        ("Sheet Deliveries", "What is to be delivered under a contract, and when."),
    ),
    "finance": (
        ("Sheet Sales", "Every line that the period's reports have of these titles is in exactly one row."),
        (
            "In brackets",
            "Titles that nobody knows yet, none of ours, no product named, no imprint; a territory that the report does not tell.",
        ),
        ("Sheet Control", "Each batch (one report that was loaded), the totals, and the difference, which is nothing."),
        ("Used", _USED),
        ("Net", _MONEY),
    ),
}


def lines(scope: Scope, house: House, report: str, span: Span) -> Lines:
    """(what, text) of each line. No day of making: the same data is the same workbook."""
    titles = "; ".join(f"contracts of {payee.name} ({payee.id})" for payee in scope.payees)
    limited = titles or ("all" if scope.unlimited else "a selection: imprints, formats or dates, as agreed")
    return (
        (_WHAT[report], ""),
        ("For", scope.party.name),
        ("From", house.sender.name),
        *((("Period", f"{span.name}: {_day(span.first)} to {_day(span.last)}"),) if report != "contracts" else ()),
        ("Titles", limited),
        *((("Territories", " ".join(sorted(scope.wish.territories))),) if scope.wish.territories and report != "contracts" else ()),
        *_SHEETS[report],
        ("Version of the columns", str(SCHEMA)),
    )


def _day(day: object) -> str:
    return f"{day:%d %B %Y}".lstrip("0")
