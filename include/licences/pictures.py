"""Small pictures of licensed assets, kept in our store: pages show them without asking anybody, also once the agency has taken one back.

They are what Getty shows everybody (`display_sizes`, `thumb`); to fetch one licenses nothing.
"""

from __future__ import annotations

import io
from collections.abc import Iterator

from sqlalchemy import select, update

from include.clients.getty.model import GettyImage
from include.errors import PermanentError, TransientError
from include.ledger.licence_rows import LicenceRow
from include.licences.assets import ASSETS
from include.licences.desk import Desk, Tally
from include.licences.model import GETTY

MOST = 500
"""Pictures of one run, the newest licences first: a first sync does not wait for fifty thousand. Assets that Getty shows no picture of
do not count, so that they keep no older ones waiting."""
_BEGINNINGS = (b"\xff\xd8\xff", b"\x89PNG\r\n")


def read_pictures(desk: Desk, tally: Tally) -> None:
    """Fetches what is missing. A picture that can't be had stops no other; where the host does not answer, the next run goes on."""
    if desk.store is None:
        return
    asked = 0
    for image in _lacking(desk):
        if image.size("thumb") is None:
            tally.counts["without a picture"] += 1
            continue
        if asked == MOST:
            return
        asked += 1
        body = io.BytesIO()
        try:
            there = desk.client.thumbnail(image, body)
        except TransientError:
            tally.counts["pictures left for the next run"] += 1
            return
        except PermanentError:
            there = False
        if not there or not body.getvalue().startswith(_BEGINNINGS):
            tally.counts["without a picture"] += 1
            continue
        body.seek(0)
        kept = desk.store.put(body).sha256
        with desk.ledger.session() as session:
            session.execute(update(LicenceRow).where(*_OF_GETTY, LicenceRow.asset_id == image.id).values(thumbnail=kept))
        tally.counts["pictures"] += 1


_OF_GETTY = (LicenceRow.provider == GETTY, LicenceRow.thumbnail == "")


def _lacking(desk: Desk) -> Iterator[GettyImage]:
    query = select(LicenceRow.id, LicenceRow.asset_id).where(*_OF_GETTY, LicenceRow.withdrawn_at.is_(None)).order_by(LicenceRow.id.desc())
    last, seen = None, set[str]()
    while True:
        with desk.ledger.read() as session:
            found = session.execute((query if last is None else query.where(LicenceRow.id < last)).limit(ASSETS)).all()
        if not found:
            return
        last = found[-1].id
        assets = list(dict.fromkeys(row.asset_id for row in found if row.asset_id not in seen))
        seen.update(assets)
        for answer in desk.client.images(assets, fields=("id", "thumb")):
            yield from answer.images
