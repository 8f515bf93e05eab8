"""What a licence serves: found in the notes that we wrote at the download, checked against the mirror. Nothing is guessed."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from include.clients.getty.notes import Note, notes_in
from include.ledger.licence_rows import LicenceRow, LicenceServesRow
from include.ledger.models import ProductRow, WorkRow
from include.licences.model import Problem
from include.licences.terms import roles_of

NOTE = "note"
_CODE = re.compile(r"\(project code (?P<code>[^()]{1,60})\)$")


def noted(notes: str | None, project_code: str | None) -> str:
    """Notes of a download as the ledger keeps them, with the project code behind them."""
    return " ".join(part for part in ((notes or "").strip(), f"(project code {project_code})" if project_code else "") if part)


def link(session: Session, rows: Sequence[LicenceRow], campaigns: Collection[str]) -> tuple[int, list[Problem]]:
    """Ties licences to the titles that their notes name, and to a campaign where the project code is one's id.

    Gives how many ties are new, and the notes that name no title of ours. A tie that a sheet or a person made stays.
    """
    found = [notes_in(row.notes) for row in rows]
    known = _known(session, {one for notes in found for one in notes})
    made, problems = 0, list[Problem]()
    for row, notes in zip(rows, found, strict=True):
        there = {(one.work_id, one.product_id, one.campaign, one.role) for one in row.serves}
        for one in notes:
            product = known.get(one)
            if product is None:
                problems.append(_unknown(row, one))
                continue
            (role,) = roles_of([one.use])
            made += _tie(row, there, one.work_id, product, "", role)
        code = _CODE.search(row.notes)
        if code and code["code"] in campaigns:
            made += _tie(row, there, 0, 0, code["code"], "promotion")
    return made, problems


def _tie(row: LicenceRow, there: set[tuple[int, int, str, str]], work: int, product: int, campaign: str, role: str) -> int:
    if (work, product, campaign, role) in there:
        return 0
    there.add((work, product, campaign, role))
    row.serves.append(LicenceServesRow(work_id=work, product_id=product, campaign=campaign, role=role, source=NOTE))
    return 1


def _known(session: Session, notes: Collection[Note]) -> dict[Note, int]:
    """The product's id for each note whose title is ours; 0 where it names the whole work."""
    if not notes:
        return {}
    works = set(session.scalars(select(WorkRow.id).where(WorkRow.id.in_({one.work_id for one in notes}))))
    isbns = {one.isbn for one in notes if one.isbn}
    query = select(ProductRow.work_id, ProductRow.isbn, ProductRow.id).where(ProductRow.isbn.in_(isbns))
    products = {(int(work), str(isbn)): int(id) for work, isbn, id in session.execute(query)} if isbns else {}
    found = {}
    for one in notes:
        if one.work_id in works and (not one.isbn or (one.work_id, one.isbn) in products):
            found[one] = products[one.work_id, one.isbn] if one.isbn else 0
    return found


def _unknown(row: LicenceRow, one: Note) -> Problem:
    edition = f" with the edition {one.isbn}" if one.isbn else ""
    return {
        "what": f"the note names work {one.work_id}{edition}, which is no title of ours",
        "where": f"asset {row.asset_id}, {row.use}",
        "todo": "Tie the licence to its title on its page, or run catalogue_sync if the title is new.",
    }
