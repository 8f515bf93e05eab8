"""The usage report: what of the lines of reports is no sale, by month, title, territory and model, for whoever tracks rights.

Such lines never go into Consonance's sales import. What a line of usage earned does (`include.sales.workbook`), and stands here as well.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TextIO

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import select
from sqlalchemy.orm import Session

from include.files.characters import harmless
from include.ledger.chunks import chunks
from include.ledger.models import ProductRow, WorkRow
from include.ledger.sales_rows import SalesBatchRow
from include.sales import read
from include.sales.lines import Model
from include.sales.totals import SOLD, paid_in
from include.store import ArtefactStore
from include.workbooks.prepare import plainly

_READ = ("date", "channel", "territory", "model", "id_type", "id_value", "title", "units", "net", "currency", "paid", "paid_currency")
_KEYS = ("month", "channel", "territory", "model", "work_id", "product_id", "id_type", "id_value", "reported", "currency")
HEADER = (
    "Month", "Source", "Shop or platform", "Territory", "Model", "Work", "ISBN", "Title", "Identifier", "Units", "Earned", "Currency",
    "Batch",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class UsageLine:
    """One title in one month, place and model. `work_id` is None where nobody knows the title: then `title` is the report's."""

    month: str
    source: str
    channel: str
    territory: str  # ISO 3166-1 alpha-2; empty: not said
    model: str
    work_id: int | None
    product_id: int | None
    isbn: str
    title: str
    identifier: str
    units: int
    earned: Decimal
    currency: str
    batch_id: int

    def cells(self) -> list[str]:
        return [
            self.month, self.source, self.channel, self.territory, self.model, str(self.work_id or ""), self.isbn, self.title,
            self.identifier, str(self.units), plainly(self.earned) if self.currency else "", self.currency, str(self.batch_id),
        ]  # fmt: skip


def report(session: Session, store: ArtefactStore, batches: Sequence[SalesBatchRow]) -> Iterator[UsageLine]:
    """Usage of these batches, batch by batch, in an order of its own. Takes the memory of one batch's titles, months and territories."""
    for batch in batches:
        sums = [one for lines in read.joined(session, store, [batch], _READ) if (one := _added(_usage(lines))).num_rows]
        if not sums:
            continue
        whole = _added(pa.concat_tables(sums)).sort_by([(name, "ascending") for name in _KEYS]).to_pylist()
        isbns, titles = _names(session, whole)
        for one in whole:
            title = titles.get(one["work_id"] or 0) or one["reported"] or ""
            yield UsageLine(
                one["month"], batch.source, one["channel"], one["territory"], one["model"], one["work_id"], one["product_id"],
                isbns.get(one["product_id"] or 0, ""), title, f"{one['id_type']} {one['id_value']}".strip(), one["units"], one["earned"],
                one["currency"], batch.id,
            )  # fmt: skip


def write_csv(lines: Iterable[UsageLine], out: TextIO) -> int:
    """With a header, as UTF-8 spreadsheets read it; gives the number of lines. What looks like a formula is marked as text."""
    writer, number = csv.writer(out, lineterminator="\r\n"), 0
    writer.writerow(HEADER)
    for number, line in enumerate(lines, start=1):  # noqa: B007 - counted
        writer.writerow([harmless(cell, amounts=True) for cell in line.cells()])
    return number


def _usage(lines: pa.RecordBatch) -> pa.Table:
    model = pc.fill_null(lines.column("model"), "")
    none = pa.array([*(str(one) for one in SOLD), str(Model.ADJUSTMENT), ""])
    kept = lines.filter(pc.invert(pc.is_in(model, none)))
    pays, money = paid_in(kept)
    columns: dict[str, Any] = {
        name: pc.fill_null(kept.column(name), "") for name in ("channel", "territory", "model", "id_type", "id_value")
    }
    columns |= {
        "month": pc.utf8_slice_codeunits(kept.column("date").cast(pa.string()), 0, 7),
        "work_id": kept.column("work_id"),
        "product_id": kept.column("product_id"),
        "reported": pc.if_else(pc.is_valid(kept.column("work_id")), "", pc.fill_null(kept.column("title"), "")),
        "currency": pays,
        "units": pc.fill_null(kept.column("units"), 0),
        "earned": money,
    }
    return pa.table(columns)


def _added(table: pa.Table) -> pa.Table:
    done = table.group_by(list(_KEYS), use_threads=False).aggregate([("units", "sum"), ("earned", "sum")])
    return done.rename_columns([name.removesuffix("_sum") for name in done.column_names])


def _names(session: Session, rows: Sequence[dict[str, Any]]) -> tuple[dict[int, str], dict[int, str]]:
    """ISBN by product, title by work."""
    isbns: dict[int, str] = {}
    titles: dict[int, str] = {}
    products = sorted({row["product_id"] for row in rows if row["product_id"] is not None})
    works = sorted({row["work_id"] for row in rows if row["work_id"] is not None})
    for some in chunks(products):
        chosen = ProductRow.id.in_(some)
        isbns |= {row[0]: row[1] for row in session.execute(select(ProductRow.id, ProductRow.isbn).where(chosen))}
    for some in chunks(works):
        titles |= {row[0]: row[1] for row in session.execute(select(WorkRow.id, WorkRow.title).where(WorkRow.id.in_(some)))}
    return isbns, titles
