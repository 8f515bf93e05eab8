"""What a partner would get, without sending or recording anything; and the list of what would stay back."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO, StringIO
from zoneinfo import ZoneInfo

from include.catalogue.read import duplicate_isbns, find
from include.deliveries.changes import Looker
from include.deliveries.naming import file_name
from include.errors import ConfigurationError
from include.feeds import renderer_for
from include.feeds.record import Header, Reason
from include.ledger.database import Ledger
from include.ledger.models import PartnerRow, RecordState
from include.partners import Partner
from include.partners.model import House

REJECT_COLUMNS = ("product_id", "isbn", "code", "what is wrong", "what to do", "where")


@dataclass(frozen=True, slots=True)
class Preview:
    """`message` as it would be sent under `name`; `rejects` is a CSV of titles held back, a line for each reason."""

    name: str
    message: bytes
    rejects: bytes
    records: int
    held: int


def preview(ledger: Ledger, partner: Partner, house: House, now: datetime, isbns: Sequence[str] = ()) -> Preview:
    """All selected titles, or those given. Raises `ConfigurationError` for an ISBN that the mirror does not know."""
    renderer = renderer_for(partner, house)
    local = now.astimezone(ZoneInfo(partner.schedule.timezone))
    with ledger.read() as session:
        only = None
        if isbns:
            only = []
            for isbn in isbns:
                rows = find(session, isbn)
                if not rows:
                    raise ConfigurationError(
                        f"no title {isbn!r} in the mirror", where="feed preview", todo="Run `colophon catalogue sync`."
                    )
                only += [product.id for product, _ in rows]
        row = session.get(PartnerRow, partner.id)
        number = (row.last_message_number if row else 0) + 1
        everything = frozenset(only) if only is not None else frozenset()
        looker = Looker(partner, house, renderer, local.date(), duplicate_isbns(session), full=True, again=everything)
        out, records, held = BytesIO(), 0, []
        with renderer.message(out, Header(number, now, note="preview")) as message:
            for look in looker.looks(session, only, remember=False):
                if look.record is not None:
                    message.add(look.record)
                    records += 1
                elif look.state in {RecordState.HELD, RecordState.NOT_SELECTED}:
                    held.append((look.product_id, look.isbn, look.reasons, look.state))
    stays = [(product_id, isbn, reasons) for product_id, isbn, reasons, state in held if state == RecordState.HELD or only is not None]
    name = file_name(partner, house.sender.name, kind="PREVIEW", message_number=number, now=local)
    return Preview(name, out.getvalue(), rejects_csv(stays), records, sum(state == RecordState.HELD for *_, state in held))


def rejects_csv(held: Iterable[tuple[int, str, Iterable[Reason]]]) -> bytes:
    """UTF-8 with BOM, so that spreadsheets read it; a line for each title and reason."""
    text = StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(REJECT_COLUMNS)
    for product_id, isbn, reasons in held:
        for reason in reasons:
            writer.writerow([product_id, isbn, reason.code, reason.message, reason.todo, reason.path])
    return text.getvalue().encode("utf-8-sig")
