"""The sheet of invoice terms to fill in: a row for each licence that lacks terms, under the headings by which it is read again."""

from __future__ import annotations

from typing import BinaryIO

from sqlalchemy import select
from sqlalchemy.orm import selectinload
from xlsxwriter import Workbook

from include.files.characters import ILLEGAL, LONGEST_CELL
from include.ledger import licence_lists
from include.ledger.database import Ledger
from include.ledger.licence_rows import LicenceRow, LicenceState
from include.licences import terms
from include.licences.invoice_cells import TermsSheet
from include.licences.model import LABELS

BESIDE = ("Image's name", "Used for", "Nobody has told")
"""Columns that only help; the reader knows none of them."""
_OPTIONS = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
PAGE = 500


def write(ledger: Ledger, mapping: TermsSheet, out: BinaryIO) -> int:
    """Gives how many rows it has: at most as many as such a sheet may have. What is known already is not repeated in them."""
    headings = [column.headers[0] for column in mapping.columns.values()] + list(BESIDE)
    book = Workbook(out, _OPTIONS)
    sheet, head = book.add_worksheet(mapping.sheet or "Terms"), book.add_format({"bold": True, "bg_color": "#EEF1F5", "text_wrap": True})
    sheet.freeze_panes(1, 1)
    sheet.set_column(0, len(mapping.columns) - 1, 16)
    sheet.set_column(len(mapping.columns), len(headings) - 1, 36)
    for place, heading in enumerate(headings):
        sheet.write_string(0, place, heading, head)
    count, last = 0, 0
    query = select(LicenceRow).where(LicenceRow.state == LicenceState.TERMS_REQUIRED).order_by(LicenceRow.id).limit(PAGE)
    while count < mapping.rows:
        with ledger.read() as session:
            found = list(session.scalars(query.where(LicenceRow.id > last).options(selectinload(LicenceRow.serves))))
            served = licence_lists.served(session, found)
        for row in found[: mapping.rows - count]:
            count += 1
            titles = dict.fromkeys(served[one.work_id, one.product_id].title if one.work_id else one.campaign for one in row.serves)
            lacks = ", ".join(LABELS[name] for name in LABELS if name in terms.needed(row))
            known = {"asset_id": row.asset_id, "order_id": row.order_id or row.use, "invoice": row.invoice}
            cells = [known.get(name, "") for name in mapping.columns] + [row.name, "; ".join(titles), lacks]
            for place, text in enumerate(cells):
                if text:
                    sheet.write_string(count, place, ILLEGAL.sub("", text)[:LONGEST_CELL])
        if not found:
            break
        last = found[-1].id
    book.close()
    return count
