"""The check of what is about to leave: opens it, and finds whether anything in it is another payee's.

It knows nothing of how statements are cut out. It is asked when a statement is cut, before it is packed, and once more right before it is
sent, of the bytes that are sent; nothing of the flow reaches a party without it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from include.royalties import names, opened
from include.royalties.names import Mark
from include.royalties.payees import Payee, PayeeList
from include.royalties.statements import reason

CONTRACT = ("contract", "contract no", "contract number", "contract id", "contract ref", "agreement", "agreement no")
PAYEE = ("payee", "payee no", "payee number", "payee id", "payee ref")
_TODO = "Look at it. If it may name them, say so when you decide; else export it again."


@dataclass(frozen=True, slots=True)
class Other:
    """What a statement prints. Of payees whom the list does not have this is all that we know."""

    name: str = ""
    number: str = ""  # of the statement
    payee_number: str = ""
    contracts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Watch:
    """What to look for, and whose names may be there: payees by id, statements by what `marks_of` was told. `mine` None: anybody's,
    and only what can't be checked is told."""

    marks: names.Marks
    mine: frozenset[str] | None

    def found(self, text: str, *, least: int = 0) -> set[str]:
        return set() if self.mine is None else self.marks.found(text, self.mine, least=least)


def marks_of(payees: PayeeList, printed: Iterable[tuple[str, Other]] = ()) -> names.Marks:
    """Marks of all payees, and of the statements of one export: (whose, what it prints)."""
    return names.Marks([
        *(mark for one in payees for mark in _of_payee(one, payees)),
        *(mark for owner, one in printed for mark in _of(owner, one)),
    ])


def _of_payee(one: Payee, payees: PayeeList) -> Iterator[Mark]:
    short = (names.short(name) for name in one.names)
    for name in (*one.names, *(name for name in short if not payees.named(name))):  # in short unless it is somebody else's name
        yield from (Mark(row, f"the name of payee {one.id}", one.id) for row in names.of_name(name))
    yield from (Mark(row, f"the number of payee {one.id}", one.id) for row in names.of_number(one.id, said=PAYEE))
    for contract in one.contracts:
        yield from (Mark(row, f"a contract of payee {one.id}", one.id) for row in names.of_number(contract, said=CONTRACT))


def _of(owner: str, one: Other) -> Iterator[Mark]:
    rows = [(row, "the name on another statement") for row in names.of_name(one.name)]
    rows += [(row, "the number of another statement") for row in names.of_number(one.number, said=("statement", "statement no"))]
    rows += [(row, "the payee's number on another statement") for row in names.of_number(one.payee_number, said=PAYEE)]
    rows += [(row, "a contract of another statement") for each in one.contracts for row in names.of_number(each, said=CONTRACT)]
    yield from (Mark(row, what, owner, listed=False) for row, what in rows)


def findings(local: Path, name: str, watch: Watch) -> list[dict[str, Any]]:
    """What is in the file, under this name, that must not be: [{code, message, where, todo}]; [] lets it leave.

    Codes: `other-payee` (a name, number or contract of somebody else), `not-checkable` (it holds what no statement of ours has, or what
    can't be read).
    """
    seen = set[tuple[str, str]]()
    found: list[dict[str, Any]] = []
    for one in opened.walk(local, name):
        wrongs = (
            [("not-checkable", one.wrong)]
            if one.wrong
            else [("other-payee", what) for what in sorted(watch.found(one.text, least=names.CHANCE if one.raw else 0))]
        )
        for code, what in wrongs:
            if (code, what) not in seen and len(seen) < 50:
                seen.add((code, what))
                message = f"it holds {what}" if code == "other-payee" else f"it can't be checked: {what}"
                found.append(
                    reason(code, message, one.where[:200], _TODO if code == "other-payee" else "Export it again, printed to PDF anew.")
                )
    return found


def findings_in_name(name: str, watch: Watch) -> list[dict[str, Any]]:
    """As `findings`, of the name alone under which something leaves."""
    return [reason("other-payee", f"its name holds {what}", name[:200], _TODO) for what in sorted(watch.found(name))]
