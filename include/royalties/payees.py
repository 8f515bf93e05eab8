"""The payee list: `config/payees.csv`. Who is paid royalties, under which names and contracts, and which party gets their statements.

Consonance's API tells of no payees, so the list is kept beside it. One line for each payee; nobody gets a statement by a name that is
merely alike.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from include.errors import ConfigurationError
from include.partners.registry import config_root
from include.royalties import names

COLUMNS = ("payee", "name", "also", "recipient", "contracts")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")


@dataclass(frozen=True, slots=True)
class Payee:
    """`id` is the payee's number as statements print it; `also`: former and other names; `recipient`: the party that gets the
    statements (`config/partners/<id>.toml`); `contracts`: Consonance's contract ids."""

    id: str
    name: str
    recipient: str
    also: tuple[str, ...] = ()
    contracts: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name, *self.also)


class PayeeList:
    """All payees, in the list's order."""

    def __init__(self, payees: Iterable[Payee]) -> None:
        self.payees = tuple(payees)
        self._by_number = {"".join(names.words(one.id)): one for one in reversed(self.payees)}
        self._by_name: dict[str, dict[str, Payee]] = {}
        self._alike: dict[tuple[str, ...], dict[str, Payee]] = {}
        self._by_contract: dict[str, list[Payee]] = {}
        for one in self.payees:
            for name in one.names:
                self._by_name.setdefault(names.exact(name), {})[one.id] = one
                self._alike.setdefault(names.alike(name), {})[one.id] = one
            for contract in one.contracts:
                self._by_contract.setdefault(contract, []).append(one)

    def __iter__(self) -> Iterator[Payee]:
        return iter(self.payees)

    def get(self, id: str) -> Payee | None:
        """By number; case and what stands between letters and digits do not count."""
        return self._by_number.get("".join(names.words(id)))

    def named(self, name: str) -> list[Payee]:
        """All who bear this name, exactly (`names.exact`), now or formerly."""
        return list(self._by_name.get(names.exact(name), {}).values())

    def namesakes(self, name: str) -> list[Payee]:
        """All whose name is alike (`names.alike`), those who bear it exactly among them."""
        return list(self._alike.get(names.alike(name), {}).values())

    def of_contract(self, contract: str) -> list[Payee]:
        """All who are paid under this contract."""
        return self._by_contract.get(contract, [])


def load_payees(root: Path | None = None) -> PayeeList:
    """Reads the list. Raises `ConfigurationError` with the line that is wrong and what to do."""
    path = (root or config_root()) / "payees.csv"
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError as missing:
        todo = f"Make it, with the columns {', '.join(COLUMNS)}."
        raise ConfigurationError("the payee list is missing", where=str(path), todo=todo) from missing
    except UnicodeDecodeError as bad:
        raise ConfigurationError("the payee list is not UTF-8", where=str(path), todo="Save it as CSV (UTF-8).") from bad
    return parse(text, str(path))


def parse(text: str, where: str = "config/payees.csv") -> PayeeList:
    """As `load_payees`, from its text. Lines that begin with # are comments."""
    reader = csv.reader(io.StringIO(text, newline=""))
    header: list[str] | None = None
    found: list[Payee] = []
    taken: set[str] = set()
    for row in reader:
        if not any(cell.strip() for cell in row) or row[0].lstrip().startswith("#"):
            continue
        place = f"{where}, line {reader.line_num}"
        if header is None:
            header = [cell.strip().lower() for cell in row]
            if sorted(header) != sorted(COLUMNS):
                raise ConfigurationError("its first line does not name the columns", where=place, todo=f"Name them {', '.join(COLUMNS)}.")
            continue
        if len(row) != len(header):
            raise ConfigurationError(f"{len(row)} cells, {len(header)} columns", where=place, todo="Put cells with commas in quotes.")
        found.append(_payee(dict(zip(header, (cell.strip() for cell in row), strict=True)), place, taken))
    return PayeeList(found)


def _payee(cells: dict[str, str], where: str, taken: set[str]) -> Payee:
    one = Payee(cells["payee"], cells["name"], cells["recipient"], _listed(cells["also"]), _listed(cells["contracts"]))
    if not _ID.fullmatch(one.id):
        raise ConfigurationError("the payee number is none", where=where, todo="Letters, digits, dot, hyphen; at most 60.")
    if not names.words(one.name) or not one.recipient:
        raise ConfigurationError("name or recipient is empty", where=where, todo="Fill both, or take the line out.")
    if wrong := next((contract for contract in one.contracts if not contract.isdecimal()), ""):
        raise ConfigurationError(
            f"{wrong[:40]!r} is no contract of Consonance", where=where, todo="Write its number in Consonance: digits, with ; between two."
        )
    number = "".join(names.words(one.id))
    if number in taken:
        raise ConfigurationError(f"payee {one.id} is there twice", where=where, todo="Give one of the two its own number.")
    taken.add(number)
    return one


def _listed(cell: str) -> tuple[str, ...]:
    return tuple(part for one in cell.split(";") if (part := one.strip()))
