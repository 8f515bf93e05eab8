"""The check of what is about to leave: opens it, and finds whether anything in it is another payee's.

It knows nothing of how statements are cut out. It is asked when a statement is cut, before it is packed, and once more right before it is
sent, of the bytes that are sent; nothing of the flow reaches a party without it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from include.errors import RejectedData
from include.royalties import names, opened
from include.royalties.payees import Payee, PayeeList
from include.royalties.statements import reason

CONTRACT = ("contract", "contract no", "contract number", "contract id", "contract ref", "agreement", "agreement no")
PAYEE = ("payee", "payee no", "payee number", "payee id", "payee ref")
_TODO = "Look at it. If it may name them, say so when you decide; else export it again."


@dataclass(frozen=True, slots=True)
class Other:
    """Somebody, or something of somebody, that is not in the payee list: the name or number on another statement."""

    name: str = ""
    number: str = ""  # of a statement
    contract: str = ""
    payee_number: str = ""


@dataclass(frozen=True, slots=True)
class Watch:
    """What to look for. `mine`: payees who may be in it; `allowed`: payees whom a person has let be named in it."""

    payees: PayeeList
    mine: Collection[str]
    others: Sequence[Other] = ()
    allowed: Collection[str] = ()
    own: Sequence[Other] = ()  # names and numbers of the statement itself, also where the payee list has them not

    def marks(self) -> names.Marks:
        inside = [one for one in self.payees if one.id in self.mine]
        let = [one for one in self.payees if one.id in self.allowed]
        outside = [one for one in self.payees if one.id not in self.mine and one.id not in self.allowed]
        theirs = {names.exact(each) for one in outside for each in one.names}
        printed = [replace(one, name="" if names.exact(one.name) in theirs else one.name) for one in self.own]
        known = {contract for one in (*inside, *let) for contract in one.contracts}
        held = {contract for one in outside for contract in one.contracts} - known
        printed = [replace(one, contract="" if one.contract in held else one.contract) for one in printed]
        own = [row for one in inside for row in _of_payee(one)]
        own += [row for one in let for row in _of_payee(one)]
        own += [row for one in printed for row, _ in _of_other(one)]
        foreign = [(row, what) for one in outside for row, what in _marked(one, known)]
        foreign += [mark for one in self.others for mark in _of_other(one)]
        return names.Marks(foreign, own)


def _of_payee(one: Payee) -> Iterator[tuple[str, ...]]:
    for name in one.names:
        yield from names.of_name(name)
    yield from names.of_number(one.id, said=PAYEE)
    for contract in one.contracts:
        yield from names.of_number(contract, said=CONTRACT)


def _marked(one: Payee, known: Collection[str]) -> Iterator[tuple[tuple[str, ...], str]]:
    for name in one.names:
        yield from ((row, f"the name of payee {one.id}") for row in names.of_name(name))
    yield from ((row, f"the number of payee {one.id}") for row in names.of_number(one.id, said=PAYEE))
    for contract in one.contracts:
        if contract not in known:
            yield from ((row, f"a contract of payee {one.id}") for row in names.of_number(contract, said=CONTRACT))


def _of_other(one: Other) -> Iterator[tuple[tuple[str, ...], str]]:
    yield from ((row, "the name on another statement") for row in names.of_name(one.name))
    yield from ((row, "the number of another statement") for row in names.of_number(one.number, said=("statement", "statement no")))
    yield from ((row, "the payee's number on another statement") for row in names.of_number(one.payee_number, said=PAYEE))
    yield from ((row, "a contract of another statement") for row in names.of_number(one.contract, said=CONTRACT))


def findings(local: Path, name: str, watch: Watch) -> list[dict[str, Any]]:
    """What is in the file, under this name, that must not be: [{code, message, where, todo}]; [] lets it leave.

    Codes: `other-payee` (a name, number or contract of somebody else), `not-checkable` (it holds what no statement of ours has, or what
    can't be read).
    """
    marks, seen = watch.marks(), set[tuple[str, str]]()
    found: list[dict[str, Any]] = []
    for one in opened.walk(local, name):
        wrongs = (
            [("not-checkable", one.wrong)]
            if one.wrong
            else [("other-payee", what) for what in sorted(marks.found(one.text, least=names.CHANCE if one.raw else 0))]
        )
        for code, what in wrongs:
            if (code, what) not in seen and len(seen) < 50:
                seen.add((code, what))
                message = f"it holds {what}" if code == "other-payee" else f"it can't be checked: {what}"
                found.append(
                    reason(code, message, one.where[:200], _TODO if code == "other-payee" else "Export it again, printed to PDF anew.")
                )
    return found


def must_be_clean(files: Iterable[tuple[Path, str]], watch: Watch, where: str) -> None:
    """Raises `RejectedData` for the first file that must not leave."""
    for local, name in files:
        for one in findings(local, name, watch):
            raise RejectedData(
                one["message"], where=where, todo="Nothing was sent. Look at the statement, and tell whoever keeps Colophon."
            )


def findings_in_name(name: str, watch: Watch) -> list[dict[str, Any]]:
    """As `findings`, of the name alone under which something leaves."""
    return [reason("other-payee", f"its name holds {what}", name[:200], _TODO) for what in sorted(watch.marks().found(name))]
