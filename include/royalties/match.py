"""Whose a statement is: by number and name, or by name alone where only one payee bears it. What is merely alike is only proposed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rapidfuzz import fuzz

from include.ledger.sales_rows import StatementRow
from include.partners import Party
from include.royalties import names
from include.royalties.payees import Payee, PayeeList
from include.royalties.statements import Said, reason

GIVEN = "given"  # a reason on a statement: {code, payee, name}: a person has said that it is this payee's, whatever name it prints
ALIKE = 82  # of 100: from here on a payee is proposed to the person who decides
_LIST = "Say on the page whose it is; put the name into config/payees.csv (column `also`) if it will come again."


@dataclass(frozen=True, slots=True)
class Match:
    """`payee` is None, or there are reasons, where a person must say whose it is. `proposals`: payees it may be, best first."""

    payee: Payee | None
    reasons: list[dict[str, Any]] = field(default_factory=list)
    proposals: list[str] = field(default_factory=list)


def match(said: Said, payees: PayeeList, parties: Mapping[str, Party]) -> Match:
    """Whose statement this is. `parties`: everybody enabled, by id."""
    payee, reasons = _payee(said, payees)
    if payee is not None:
        reasons += _contracts(said, payee, payees)
        reasons += recipient(payee, parties)
    return Match(payee, reasons, _proposals(said, payees) if reasons else [])


def recipient(payee: Payee, parties: Mapping[str, Party]) -> list[dict[str, Any]]:
    """Why the payee's recipient can't get statements now; [] if it can."""
    party = parties.get(payee.recipient)
    if party is not None and party.statements is not None:
        return []
    what = f"{payee.recipient} is {'no enabled party' if party is None else 'a party without a [statements] table'}"
    todo = f"Mend config/partners/{payee.recipient}.toml, or the recipient of payee {payee.id} in config/payees.csv."
    return [reason("recipient", what, f"payee {payee.id}", todo)]


def _payee(said: Said, payees: PayeeList) -> tuple[Payee | None, list[dict[str, Any]]]:
    by_name = payees.named(said.payee)
    if said.payee_number:
        payee = payees.get(said.payee_number)
        if payee is None:
            return None, [reason("payee-unknown", f"no payee has the number {said.payee_number[:60]}", "", _LIST)]
        if payee in by_name or (not by_name and bears(payee, said.payee)):
            return payee, []
        if not said.payee:
            return None, [reason("name-missing", f"it has the number of payee {payee.id} and no name", "", _LIST)]
        return None, [reason("name-differs", f"it has the number of payee {payee.id}, and another name than the list has", "", _LIST)]
    if not by_name:
        what = "no payee has exactly this name" if said.payee else "it names no payee"
        return None, [reason("payee-unknown", what, "", _LIST)]
    alike = payees.namesakes(said.payee)
    if len(alike) == 1:
        return by_name[0], _namesake(said, by_name[0])
    of_contract = [one for one in by_name if said.contracts and all(contract in one.contracts for contract in said.contracts)]
    if len(of_contract) == 1:
        return of_contract[0], []
    what = f"{len(alike)} payees bear this name, or one that differs in no more than accents, initials, Jr. or Sr.: "
    what += ", ".join(one.id for one in alike)
    return None, [reason("payee-twice", what, "", "Say on the page which of them it is.")]


def bears(payee: Payee, name: str) -> bool:
    """Whether this is a name of the payee, who is known by the number as well: accents may be missing."""
    return any(names.loose(names.exact(one)) == names.loose(names.exact(name)) for one in payee.names)


def is_still(row: StatementRow, payee: Payee) -> bool:
    """Whether the payee of this number is still the one whose statement it is: by the name that it prints, or whom a person has said."""
    said = [str(each["name"]) for each in row.reasons if each.get("code") == GIVEN and each.get("payee") == payee.id]
    return any(bears(payee, name) for name in (row.payee_name, *said))


def _namesake(said: Said, payee: Payee) -> list[dict[str, Any]]:
    """A name alone, with contracts of which the list has none as this payee's: somebody else may bear the name, too."""
    if not said.contracts or not payee.contracts or set(said.contracts) & set(payee.contracts):
        return []
    what = f"it has payee {payee.id}'s name and no number, and none of its contracts is that payee's in the list"
    return [
        reason("contract-unknown", what, f"contract {said.contracts[0]}", "Put the contract into config/payees.csv, or say whose it is.")
    ]


def _contracts(said: Said, payee: Payee, payees: PayeeList) -> list[dict[str, Any]]:
    """A contract on the statement that is another payee's in the list, and not this one's."""
    found = []
    for contract in said.contracts:
        holders = payees.of_contract(contract)
        if holders and payee not in holders:
            what = f"contract {contract} is payee {holders[0].id}'s in the list, not {payee.id}'s"
            found.append(
                reason("contract-of-another", what, f"contract {contract}", "Look which of the two is wrong; mend config/payees.csv.")
            )
    return found


def _proposals(said: Said, payees: PayeeList) -> list[str]:
    alike = payees.namesakes(said.payee)

    def score(one: Payee) -> float:
        by_name = max(fuzz.token_sort_ratio(names.loose(each), names.loose(said.payee)) for each in one.names) if said.payee else 0.0
        by_number = 100.0 if said.payee_number and payees.get(said.payee_number) is one else 0.0
        by_name = max(by_name, ALIKE if said.payee and one in alike else 0.0)
        by_contract = 95.0 if set(said.contracts) & set(one.contracts) else 0.0
        return max(by_name, by_number, by_contract)

    scored = sorted(((score(one), one.id) for one in payees), key=lambda pair: (-pair[0], pair[1]))
    return [id for points, id in scored if points >= ALIKE][:5]
