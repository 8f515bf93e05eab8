"""Who is paid, and what each statement says. Independent of `config/payees.csv`, which lists the same people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from sandbox.catalogue import Catalogue
from sandbox.catalogue.chance import mix

PERIOD = "January to June 2026"
CHANNELS = ("Home trade", "Export", "E-book", "Audio", "Book clubs")


@dataclass(frozen=True)
class Line:
    contract: int
    work: str
    isbn: str
    channel: str
    units: int
    net: Decimal
    rate: Decimal
    royalty: Decimal


@dataclass(frozen=True)
class Statement:
    """`payee` is the name as it is printed, `payee_number` empty where none is printed. `note` is one more line of text."""

    payee: str
    payee_number: str
    number: str
    period: str
    currency: str
    lines: tuple[Line, ...]
    note: str = ""

    @property
    def amount(self) -> Decimal:
        return sum((line.royalty for line in self.lines), Decimal(0))

    def told(self) -> dict[str, Any]:
        contracts = sorted({line.contract for line in self.lines})
        return {
            "payee": self.payee, "payee_number": self.payee_number, "number": self.number, "period": self.period,
            "currency": self.currency, "amount": format(self.amount, "f"), "contracts": contracts,
        }  # fmt: skip


PEOPLE: dict[str, tuple[str, tuple[int, ...], str]] = {
    "P-1001": ("Adaeze Okonkwo", (501001, 501004), "GBP"),
    "P-1002": ("Zoë Müller-Offley", (501002,), "GBP"),
    "P-2001": ("Jonathan Bright", (501003,), "USD"),
    "P-2002": ("Siân Griffith", (501006, 501007), "GBP"),
    "P-3001": ("Tomasz Wróbel", (501005,), "EUR"),
}


def statement(catalogue: Catalogue, payee: str, wanted: Mapping[str, Any]) -> Statement:
    """One payee's statement. `wanted` may say period, number, payee (another printed name), payee_number, contracts, add (to the first
    royalty: a correction), lines (how many), currency, note."""
    name, contracts, currency = PEOPLE.get(payee, ("Nobody Known", (509999,), "GBP"))
    contracts = tuple(int(one) for one in wanted.get("contracts") or contracts)
    period = str(wanted.get("period") or PERIOD)
    count = int(wanted.get("lines") or 4)
    lines = [_line(catalogue, contracts[at % len(contracts)], at) for at in range(count)]
    if wanted.get("add"):
        lines[0] = replace(lines[0], royalty=lines[0].royalty + Decimal(str(wanted["add"])))
    digits = "".join(letter for letter in payee if letter.isdigit()) or "0"
    return Statement(
        str(wanted.get("payee") or name), str(wanted.get("payee_number", payee)), str(wanted.get("number") or f"S-26H1-{digits}"),
        period, str(wanted.get("currency") or currency), tuple(lines), str(wanted.get("note") or ""),
    )  # fmt: skip


def _line(catalogue: Catalogue, contract: int, at: int) -> Line:
    work = catalogue.work_of_contract(contract)
    units = mix(7, contract, at) % 900 + 1
    net = Decimal(mix(11, contract, at) % 2_000_00 + 100) / 100
    rate = Decimal(mix(13, contract) % 12 + 6) / Decimal("2")
    royalty = (net * rate / 100).quantize(Decimal("0.01"))
    isbn = next((product.isbn for product in work.products if product.isbn), "") if work else ""
    return Line(contract, work.title or "" if work else "A book", isbn, CHANNELS[at % len(CHANNELS)], units, net, rate, royalty)


def batch(catalogue: Catalogue, wanted: Mapping[str, Any]) -> list[Statement]:
    """The statements that the body of a drop asks for: `statements` [{of, …}], or those of the payees in `only`, or of all."""
    asked = wanted.get("statements")
    if asked is None:
        names: Iterable[str] = wanted.get("only") or PEOPLE
        asked = [{"of": name} for name in names]
    shared = {key: wanted[key] for key in ("period",) if key in wanted}
    return [statement(catalogue, str(one.get("of") or ""), shared | dict(one)) for one in asked]
