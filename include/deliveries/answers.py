"""Collects what partners answer and joins it to deliveries and records. An answer is recorded once, however often it is read.

Four ways: ONIX acknowledgements and CSV reports are files in a folder; some partners rename what they took or refused; some
only take files away.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Iterable
from datetime import datetime
from fnmatch import fnmatchcase
from io import BytesIO
from posixpath import join, split

from sqlalchemy import select

from include.errors import PermanentError, RejectedData
from include.feeds import acknowledgements
from include.ledger import answers as ledger_answers
from include.ledger.database import Ledger
from include.ledger.deliveries import record_event
from include.ledger.models import DeliveryRow, DeliveryState, FileRow, ReceiptRow
from include.partners import Partner
from include.partners.model import House
from include.store import ArtefactStore
from include.transfer.model import RemoteEntry
from include.transfer.remote import Remote

MOST_BYTES = 256 << 20  # an acknowledgement of 100,000 records has some 50 MB
log = logging.getLogger(__name__)
PROCESSED = "processed"  # where read answers are moved to, if the partner's file says so


def collect(ledger: Ledger, store: ArtefactStore, partner: Partner, house: House, remote: Remote, now: datetime) -> dict[str, int]:
    """Reads this partner's new answers; gives counts by outcome. Raises as the connection does.

    A file that is no answer is recorded as rejected with the reason and left where it is; the others are read all the same.
    """
    kind = partner.acknowledgements.kind
    if kind in {"onix", "csv"}:
        return dict(_from_files(ledger, store, partner, house, remote, now))
    if kind in {"rename", "sweep"}:
        return dict(_from_listing(ledger, partner, remote, now))
    return {}


def _from_files(ledger: Ledger, store: ArtefactStore, partner: Partner, house: House, remote: Remote, now: datetime) -> Counter[str]:
    rules, outcome = partner.acknowledgements, Counter[str]()
    known = _known_files(ledger, partner)
    numbers = _numbers_sent(ledger, partner)
    for entry in remote.list(rules.folder):
        if entry.is_dir or not fnmatchcase(entry.name, rules.pattern):
            continue
        if _fingerprint(entry) in known:
            outcome["known"] += 1
            continue
        if entry.bytes > MOST_BYTES:
            bad = RejectedData(f"{entry.bytes:,} bytes are no answer", where=entry.name, todo="Ask the partner what it is.")
            _refuse(ledger, partner, entry, "", bad, now)
            outcome["unreadable"] += 1
            continue
        content = BytesIO()
        try:
            remote.read(entry.path, content)
        except PermanentError as locked:  # taken away meanwhile, or not for us: the next collection tries again
            log.warning("%s: %s", partner.id, locked)
            outcome["unreadable"] += 1
            continue
        kept = store.put(BytesIO(content.getvalue()))
        try:
            found = acknowledgements.read(entry.name, content.getvalue(), partner, house, numbers)
        except RejectedData as bad:
            _refuse(ledger, partner, entry, kept.sha256, bad, now)
            outcome["unreadable"] += 1
            continue
        _record(ledger, partner, found, entry.name, kept.sha256, now, _fingerprint(entry))
        outcome["answers"] += len(found)
        outcome["rejected records"] += sum(record.status == "rejected" for answer in found for record in answer.records)
        _consume(remote, partner, entry)
    return outcome


def _from_listing(ledger: Ledger, partner: Partner, remote: Remote, now: datetime) -> Counter[str]:
    """Renamed or taken away: asked of the deliveries that have no answer yet."""
    outcome = Counter[str]()
    waiting = _unanswered(ledger, partner)
    for folder in sorted({split(path)[0] for path in waiting}):
        here = {split(path)[1]: waits for path, waits in waiting.items() if split(path)[0] == folder}
        names = {entry.name for entry in remote.list(folder) if not entry.is_dir}
        if partner.acknowledgements.kind == "rename":
            found = [answer for answer in acknowledgements.renamed(names, partner) if answer.file_name in here]
        else:
            found = [acknowledgements.Answer(partner.id, "received", file_name=name) for name in sorted(set(here) - names)]
        for answer in found:
            delivery, attempt = here[answer.file_name]
            with ledger.session() as session:
                ledger_answers.answer(
                    session,
                    partner=partner.id,
                    kind=partner.acknowledgements.kind,
                    name=f"{answer.file_name} (delivery {delivery}, attempt {attempt})",  # there is no file whose content would differ
                    status=answer.status,
                    now=now,
                    delivery_id=delivery,
                    who=partner.id,
                )
            outcome["answers"] += 1
            outcome["rejected messages"] += answer.status == "rejected"
    return outcome


def _record(
    ledger: Ledger, partner: Partner, found: Iterable[acknowledgements.Answer], name: str, sha256: str, now: datetime, fingerprint: str
) -> None:
    several = list(found)
    with ledger.session() as session:
        for number, answer in enumerate(several):
            ledger_answers.answer(
                session,
                partner=partner.id,
                kind=partner.acknowledgements.kind,
                name=name if len(several) == 1 else f"{name} #{number + 1}",  # one report may speak of several messages
                status=answer.status,
                now=now,
                sha256=sha256,
                message_number=answer.message_number,
                records=answer.records,
                detail={"file": fingerprint, "text": answer.text[:2000]},
                who=partner.id,
            )


def _refuse(ledger: Ledger, partner: Partner, entry: RemoteEntry, sha256: str, why: RejectedData, now: datetime) -> None:
    with ledger.session() as session:
        same = (ReceiptRow.partner == partner.id, ReceiptRow.sha256 == sha256, ReceiptRow.name == entry.name[:255])
        if known := session.scalar(select(ReceiptRow).where(*same)):  # put there once more: no news
            known.detail = known.detail | {"file": _fingerprint(entry)}
            return
        session.add(
            ReceiptRow(
                partner=partner.id,
                kind=partner.acknowledgements.kind,
                name=entry.name[:255],
                sha256=sha256,
                status="unreadable",
                received_at=now,
                detail={"file": _fingerprint(entry), "text": str(why)},
            )
        )
        record_event(session, what="answer unreadable", now=now, who=partner.id, partner=partner.id, subject=str(why), sha256=sha256)


def _consume(remote: Remote, partner: Partner, entry: RemoteEntry) -> None:
    match partner.acknowledgements.consume:
        case "delete":
            remote.remove(entry.path)
        case "move":
            folder = join(split(entry.path)[0], PROCESSED)
            remote.mkdirs(folder)
            remote.rename(entry.path, join(folder, entry.name), replace=True)


def _fingerprint(entry: RemoteEntry) -> str:
    """Tells a file that was read before without reading it again."""
    return f"{entry.name} {entry.bytes} {entry.modified.isoformat() if entry.modified else ''}"


def _known_files(ledger: Ledger, partner: Partner) -> set[str]:
    with ledger.read() as session:
        return {
            str(detail.get("file", "")) for detail in session.scalars(select(ReceiptRow.detail).where(ReceiptRow.partner == partner.id))
        }


def _numbers_sent(ledger: Ledger, partner: Partner) -> Collection[int]:
    with ledger.read() as session:
        query = select(DeliveryRow.message_number).where(DeliveryRow.partner == partner.id, DeliveryRow.attempts > 0)
        return {number for number in session.scalars(query) if number is not None}


def _unanswered(ledger: Ledger, partner: Partner) -> dict[str, tuple[int, int]]:
    """Remote path of each message that waits for an answer → its delivery and attempt. The last one wins a name that was used twice."""
    with ledger.read() as session:
        query = (
            select(FileRow.remote_path, DeliveryRow.id, DeliveryRow.attempts)
            .join(DeliveryRow, DeliveryRow.id == FileRow.delivery_id)
            .where(DeliveryRow.partner == partner.id, DeliveryRow.state == DeliveryState.DELIVERED, FileRow.role == "message")
            .where(FileRow.remote_path != "")
            .order_by(DeliveryRow.id)
        )
        return {path: (delivery, attempt) for path, delivery, attempt in session.execute(query)}
