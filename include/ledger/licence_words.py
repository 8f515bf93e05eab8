"""What licences are found by: their own words and those of the titles that they serve, folded to small letters without accents.

A search looks through all of them, since words are sought anywhere in a name: 50,000 take some milliseconds on either database.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from sqlalchemy import ColumnElement, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from include.ledger.database import Ledger
from include.ledger.licence_rows import LicenceRow, LicenceServesRow, LicenceWordsRow
from include.ledger.models import WorkRow

PAGE = 500
FEW = 500  # licences that are found are named in what is asked next; more are looked up one by one
MOST = 8  # words of a search that count


def folded(text: str) -> str:
    """As it is compared: `Émile  ZOLA` is `emile zola`."""
    bare = "".join(one for one in unicodedata.normalize("NFKD", text.replace("\0", "")) if not unicodedata.combining(one))
    return " ".join(bare.casefold().encode("utf-8", "replace").decode().split())


def having(session: Session, words: str) -> ColumnElement[bool]:
    """The condition of a licence in whose words each of these is."""
    each = [LicenceWordsRow.words.contains(word, autoescape=True) for word in dict.fromkeys(folded(words).split()[:MOST])]
    few = session.scalars(select(LicenceWordsRow.licence_id).where(*each).limit(FEW + 1)).all()
    if len(few) <= FEW:
        return LicenceRow.id.in_(few)
    return select(LicenceWordsRow.licence_id).where(LicenceWordsRow.licence_id == LicenceRow.id, *each).exists()


def renew(ledger: Ledger) -> int:
    """Brings the words of all licences up to date, also of those whose titles were renamed; gives how many had other words."""
    last, renewed = 0, 0
    while True:
        with ledger.read() as session:
            ids = list(session.scalars(select(LicenceRow.id).where(LicenceRow.id > last).order_by(LicenceRow.id).limit(PAGE)))
            stale = bool(ids) and bool(_other(session, ids))
        if not ids:
            return renewed
        if stale:
            with ledger.session() as session:
                renewed += write(session, ids)
        last = ids[-1]


def write(session: Session, licence_ids: Sequence[int]) -> int:
    """The words of these licences; gives how many had other words."""
    session.flush()
    other = _other(session, licence_ids)
    if other:
        insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
        statement = insert(LicenceWordsRow)
        statement = statement.on_conflict_do_update(index_elements=["licence_id"], set_={"words": statement.excluded.words})
        session.execute(statement, [{"licence_id": id, "words": other[id]} for id in sorted(other)])  # a sync may just write the same
    return len(other)


def _other(session: Session, licence_ids: Sequence[int]) -> dict[int, str]:
    """Words that are not as they should be."""
    wanted: dict[int, list[str]] = {}
    own = (LicenceRow.asset_id, LicenceRow.name, LicenceRow.artist, LicenceRow.order_id, LicenceRow.invoice)
    for id, *facts in session.execute(select(LicenceRow.id, *own).where(LicenceRow.id.in_(licence_ids))):
        wanted[id] = [fact for fact in facts if fact]
    titles = (
        select(LicenceServesRow.licence_id, WorkRow.title, LicenceServesRow.campaign)
        .outerjoin(WorkRow, WorkRow.id == LicenceServesRow.work_id)
        .where(LicenceServesRow.licence_id.in_(licence_ids))
        .order_by(LicenceServesRow.id)
    )
    for id, title, campaign in session.execute(titles):
        wanted[id] += [one for one in (title, campaign) if one and one not in wanted[id]]
    query = select(LicenceWordsRow.licence_id, LicenceWordsRow.words).where(LicenceWordsRow.licence_id.in_(licence_ids))
    held = {int(id): str(words) for id, words in session.execute(query)}
    return {id: words for id, facts in wanted.items() if (words := folded(" ".join(facts))) != held.get(id)}
