"""What lines come to: exact sums by period, currency, month, channel, territory, model and product, while the lines pass.

Money is counted in the currency of payment: `paid` where the report says it, else `net` in the line's own currency. Units are sold or
returned where the model is a sale or a rental; all others (pages read, loans, requests, copies given away) are usage.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Context, Decimal
from hashlib import blake2b
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from include.errors import RejectedData
from include.sales import digests, periods
from include.sales.lines import MONEY, Kind, Model

EXACT = Context(prec=76)  # Python's own would round sums after 28 digits
SOLD = (Model.SALE, Model.RENTAL)
_KEYS = ("period", "pays", "date", "channel", "territory", "model", "kind")
_AMOUNTS = ("units", "money")
_OFTEN = 200_000  # rows of partial sums that are added up before more are kept
_LONGEST = 120  # characters of an identifier in the ledger
_SEPARATOR = "\x1f"


@dataclass(slots=True)
class Sums:
    """Rows, units and money of some lines. `returned` counts upwards."""

    rows: int = 0
    sold: int = 0
    returned: int = 0
    usage: int = 0
    net: Decimal = Decimal(0)

    def add(self, other: Sums) -> None:
        self.rows += other.rows
        self.sold += other.sold
        self.returned += other.returned
        self.usage += other.usage
        self.net = EXACT.add(self.net, other.net)


@dataclass(slots=True)
class Product:
    """One product as the report names it; `net` by currency."""

    id_type: str
    id_value: str
    title: str
    author: str
    others: list[dict[str, Any]]
    sums: Sums = field(default_factory=Sums)
    net: dict[str, Decimal] = field(default_factory=dict)


class Totals:
    """Sums of the lines given to `add`; ask when all are in."""

    def __init__(self) -> None:
        self.rows = 0
        self._facts: list[pa.Table] = []
        self._digests: dict[tuple[str, str], int] = defaultdict(int)
        self._number: dict[str, int] = {}
        self._about: list[tuple[str, str, str]] = []  # title, author, other identifiers: of the first line of a product
        self._units = np.zeros((4, 1024), np.int64)  # rows, sold, returned, usage of each product
        self._currencies: dict[str, int] = {}
        self._money: list[pa.Table] = []
        self._summed: list[dict[str, Any]] | None = None

    def add(self, batch: pa.RecordBatch) -> None:
        """Lines with their digests."""
        if not batch.num_rows:
            return
        self._summed = None
        self.rows += batch.num_rows
        pays, money = paid_in(batch)
        columns = {name: pc.fill_null(batch.column(name), "") for name in _KEYS if name not in {"pays", "date"}}
        day = pc.fill_null(batch.column("date").cast(pa.int32()), 0)
        monthly = pc.invert(pc.match_substring(columns["period"], "/"))  # counts in its month, whenever the day was
        columns |= {"pays": pays, "date": pc.if_else(monthly, pa.scalar(0, pa.int32()), day)}
        columns |= {"units": batch.column("units"), "money": money}
        facts = pa.table(columns)
        self._facts.append(_added(facts, _KEYS, _AMOUNTS))
        self._facts = _compacted(self._facts, _KEYS, (*_AMOUNTS, "rows"))
        self._add_digests(columns["period"], pays, batch.column("digest"))
        self._add_products(batch, pays, money)

    def _add_digests(self, period: Any, pays: Any, column: pa.Array) -> None:
        keys = pc.binary_join_element_wise(period, pays, _SEPARATOR).dictionary_encode()
        high, low = digests.lanes_of(column)
        codes = keys.indices.to_numpy(zero_copy_only=False)
        for code, key in enumerate(keys.dictionary.to_pylist()):
            here = codes == code
            first, _, second = key.partition(_SEPARATOR)
            self._digests[first, second] = (self._digests[first, second] + digests.total((high[here], low[here]))) % digests.ADDS_UP_TO

    def _add_products(self, batch: pa.RecordBatch, pays: Any, money: Any) -> None:
        keys = product_keys(batch).dictionary_encode()
        codes = keys.indices.to_numpy(zero_copy_only=False)
        _, first = np.unique(codes, return_index=True)
        numbers = np.empty(len(keys.dictionary), np.int64)
        fresh: list[int] = []
        for code, key in enumerate(keys.dictionary.to_pylist()):
            if not key:
                numbers[code] = -1
                continue
            number = self._number.setdefault(key, len(self._number))
            numbers[code] = number
            if number == len(self._about) + len(fresh):
                fresh.append(int(first[code]))
        for row in zip(
            *(batch.column(name).take(pa.array(fresh, pa.int64())).to_pylist() for name in ("title", "author", "other_ids")), strict=True
        ):
            self._about.append((row[0] or "", row[1] or "", row[2] or ""))
        lines = numbers[codes]
        there = lines >= 0
        self._add_units(lines, there, batch)
        coded = pays.dictionary_encode()
        known = [self._currencies.setdefault(code, len(self._currencies)) for code in coded.dictionary.to_pylist()]
        currency = np.array(known, np.int64)[coded.indices.to_numpy(zero_copy_only=False)]
        table = pa.table({"key": pa.array(lines * 1024 + currency), "money": money}).filter(pa.array(there))
        self._money.append(_added(table, ("key",), ("money",)))
        self._money = _compacted(self._money, ("key",), ("money", "rows"))

    def _add_units(self, lines: npt.NDArray[np.int64], there: npt.NDArray[np.bool_], batch: pa.RecordBatch) -> None:
        if len(self._number) > self._units.shape[1]:
            wider = np.zeros((4, max(len(self._number), 2 * self._units.shape[1])), np.int64)
            wider[:, : self._units.shape[1]] = self._units
            self._units = wider
        units = pc.fill_null(batch.column("units"), 0).to_numpy(zero_copy_only=False)[there]
        sells, counts, back = (mask[there] for mask in _sorts(batch))
        for place, values in enumerate((
            np.ones(len(units), np.int64), units * (sells & ~back), -units * (sells & back), units * (counts & ~sells)
        )):  # fmt: skip
            np.add.at(self._units[place], lines[there], values)

    # --- answers

    @property
    def facts(self) -> list[dict[str, Any]]:
        """Sums for each period, currency of payment, day, channel, territory, model and kind of line."""
        if self._summed is None:
            if not self._facts:
                return []
            self._facts = [_added(pa.concat_tables(self._facts), _KEYS, (*_AMOUNTS, "rows"))]
            self._summed = self._facts[0].to_pylist()
            for fact in self._summed:
                for name in _AMOUNTS:
                    fact[name] = fact[name] or 0
        return self._summed

    def parts(self) -> dict[tuple[str, str], Sums]:
        """By period and currency of payment."""
        return self._by(lambda fact: (fact["period"], fact["pays"]))

    def digest_of(self, period: str, currency: str) -> int:
        """Sum of the digests of a part's lines."""
        return self._digests.get((period, currency), 0)

    def cells(self) -> dict[tuple[str, str, str, str, str], Sums]:
        """By month, channel, territory, model and currency of payment."""
        return self._by(
            lambda fact: (
                periods.month(fact["period"], fact["date"]),
                fact["channel"][:_LONGEST],
                fact["territory"][:10],
                fact["model"][:20],
                fact["pays"],
            )
        )

    def by_currency(self) -> dict[str, Sums]:
        """By currency of payment."""
        return self._by(lambda fact: (fact["pays"],), lambda key: key[0])

    def _by(self, key: Callable[[dict[str, Any]], Any], take: Callable[[Any], Any] = lambda key: key) -> dict[Any, Sums]:
        found: dict[Any, Sums] = defaultdict(Sums)
        for fact in self.facts:
            found[take(key(fact))].add(_sums(fact))
        return dict(sorted(found.items()))

    def products(self) -> Iterator[Product]:
        """Each product once, in the order of the lines."""
        money: dict[int, dict[str, Decimal]] = defaultdict(dict)
        currencies = list(self._currencies)
        if self._money:
            self._money = [_added(pa.concat_tables(self._money), ("key",), ("money", "rows"))]
            for batch in self._money[0].to_batches(max_chunksize=_OFTEN):
                for key, amount in zip(batch.column("key").to_pylist(), batch.column("money").to_pylist(), strict=True):
                    money[key // 1024][currencies[key % 1024]] = amount or Decimal(0)
        for key, number in self._number.items():
            id_type, _, id_value = key.partition(_SEPARATOR)
            title, author, others = self._about[number]
            rows, sold, returned, usage = (int(count) for count in self._units[:, number])
            net = {code: amount for code, amount in sorted(money.get(number, {}).items()) if code}
            yield Product(id_type, id_value, title, author, _others(others), Sums(rows, sold, returned, usage), net)


def paid_in(batch: pa.RecordBatch) -> tuple[Any, Any]:
    """Of each line the currency of payment (empty: no money) and the amount in it; needs net, currency, paid, paid_currency."""
    paid, code = batch.column("paid"), pc.fill_null(batch.column("paid_currency"), "")
    use = pc.and_(pc.is_valid(paid), pc.not_equal(code, ""))
    own = pc.fill_null(batch.column("currency"), "")
    amount = pc.if_else(use, paid, batch.column("net"))
    return pc.if_else(use, code, own), pc.fill_null(amount, pa.scalar(Decimal(0), MONEY))


def product_keys(batch: pa.RecordBatch) -> Any:
    """Of each line its product as the ledger knows it: type and value, joined by U+001F; a line that gives only a title has the type
    `title`, one that gives nothing is empty. Needs id_type, id_value, title."""
    kinds = pc.fill_null(batch.column("id_type"), "")
    values = _cut(pc.fill_null(batch.column("id_value"), ""))
    titles = _cut(pc.fill_null(batch.column("title"), ""))
    has, titled = pc.not_equal(values, ""), pc.not_equal(titles, "")
    named = pc.binary_join_element_wise(pc.utf8_slice_codeunits(kinds, 0, 20), values, _SEPARATOR)
    return pc.if_else(has, named, pc.if_else(titled, pc.binary_join_element_wise("title", titles, _SEPARATOR), ""))


def key_of(id_type: str, id_value: str) -> str:
    return f"{id_type}{_SEPARATOR}{id_value}"


def _cut(texts: Any) -> Any:
    """Over-long ones end in a digest of themselves, so that they stay different."""
    if not len(texts) or (pc.max(pc.utf8_length(texts)).as_py() or 0) <= _LONGEST:
        return texts
    coded = texts.dictionary_encode()
    short = [
        text if len(text) <= _LONGEST else f"{text[: _LONGEST - 17]}…{blake2b(text.encode(), digest_size=8).hexdigest()}"
        for text in coded.dictionary.to_pylist()
    ]
    return pa.array(short, pa.string()).take(coded.indices)


def _sorts(batch: pa.RecordBatch) -> tuple[npt.NDArray[np.bool_], ...]:
    """Of each line: whether its units are sold, whether they are units at all, whether they came back."""
    model = pc.fill_null(batch.column("model"), "")
    sells = pc.or_(pc.is_in(model, pa.array([str(one) for one in SOLD])), pc.equal(model, ""))
    counts = pc.not_equal(model, str(Model.ADJUSTMENT))
    back = pc.equal(pc.fill_null(batch.column("kind"), ""), str(Kind.RETURN))
    return tuple(mask.to_numpy(zero_copy_only=False) for mask in (sells, counts, back))


def _sums(fact: dict[str, Any]) -> Sums:
    sums = Sums(fact["rows"], net=fact["money"])
    if fact["model"] in SOLD or not fact["model"]:
        if fact["kind"] == Kind.RETURN:
            sums.returned = -fact["units"]
        else:
            sums.sold = fact["units"]
    elif fact["model"] != Model.ADJUSTMENT:
        sums.usage = fact["units"]
    return sums


def _compacted(sums: list[pa.Table], keys: Sequence[str], amounts: Sequence[str]) -> list[pa.Table]:
    """Added up once the new partial sums outweigh the first."""
    if sum(part.num_rows for part in sums[1:]) <= max(_OFTEN, sums[0].num_rows):
        return sums
    return [_added(pa.concat_tables(sums), keys, amounts)]


def _added(table: pa.Table, keys: Sequence[str], amounts: Sequence[str]) -> pa.Table:
    """Sums by keys, under the same names; `rows` counts lines, or adds up counts."""
    what: list[tuple[Any, str]] = [(name, "sum") for name in amounts]
    if "rows" not in table.column_names:
        what.append(([], "count_all"))
    grouped = table.group_by(list(keys), use_threads=False).aggregate(what)
    names = [name.removesuffix("_sum") if name != "count_all" else "rows" for name in grouped.column_names]
    return grouped.rename_columns(names)


def _others(text: str) -> list[dict[str, Any]]:
    return [{"type": kind, "value": value} for kind, _, value in (one.partition(":") for one in text.split("|") if one)]


def checked(batch: pa.RecordBatch) -> None:
    """Raises `RejectedData` where a line has no period."""
    if batch.column("period").null_count:
        row = batch.column("row").filter(pc.is_null(batch.column("period")))[0].as_py()
        raise RejectedData("a line has no period", where=f"row {row}", todo="Say in its layout where the period stands.")
