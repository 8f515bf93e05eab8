"""Lists of deliveries for people: filtered, newest first, turned page by page without counting.

A page is found by the key of its first row, (created_at, id), so that the thousandth page costs what the first does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select, tuple_
from sqlalchemy.orm import Session, aliased, selectinload

from include.errors import PermanentError
from include.ledger.answers import overdue
from include.ledger.models import DeliveryRecordRow, DeliveryRow, DeliveryState, EventRow, FeedRecordRow, FileRow, ProductRow, ReceiptRow
from include.partners import Party

OVERDUE = "overdue"  # a flag that may be asked for like a state
STATES = (*(state.value for state in DeliveryState), OVERDUE)
WAITING = (DeliveryState.PREPARED, DeliveryState.AWAITING_APPROVAL, DeliveryState.SENDING, DeliveryState.FAILED)
MOST = 1000
_MANY = 1000  # file names that begin alike: beyond this it is quicker to look at deliveries than at names


@dataclass(frozen=True, slots=True)
class Filter:
    """What a list holds. Days are meant in `zone`; `isbn` with or without hyphens; `text` is a delivery's or message's
    number, a run id, a sha256, or the beginning of a file name."""

    partner: str | None = None
    flow: str | None = None
    state: str | None = None
    since: date | None = None
    until: date | None = None
    isbn: str | None = None
    text: str | None = None
    zone: tzinfo = UTC


@dataclass(frozen=True, slots=True)
class Page:
    """Deliveries, newest first. `older` and `newer` are ids to go on from; None at the end."""

    rows: list[DeliveryRow]
    older: int | None = None
    newer: int | None = None

    def __iter__(self) -> Iterator[DeliveryRow]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)


class TitleRow(NamedTuple):
    """A title of the mirror, without its content."""

    product_id: int
    isbn: str
    title: str
    form: str  # List 150
    publication_date: str


def deliveries(
    session: Session,
    *,
    partner: str | None = None,
    flow: str | None = None,
    state: str | None = None,
    since: date | None = None,
    until: date | None = None,
    isbn: str | None = None,
    text: str | None = None,
    zone: tzinfo = UTC,
    after: int | None = None,
    before: int | None = None,
    limit: int = 50,
    partners: Sequence[Party] = (),
    now: datetime | None = None,
    files: bool = True,
) -> Page:
    """Deliveries that fit, newest first; `after` and `before` are ids from a page. The state `overdue` needs `partners`
    and `now`. With `files` they come with their files. Raises `PermanentError` for an unknown state or a bad limit."""
    if not 1 <= limit <= MOST:
        raise PermanentError(f"{limit} rows can't be listed at once", todo=f"Ask for 1 to {MOST}.")
    wanted = Filter(
        partner or None, flow or None, state or None, since, until, isbn or None, (text or "").replace("\0", "").strip() or None, zone
    )
    query = _where(session, wanted, partners, now)
    if files:
        query = query.options(selectinload(DeliveryRow.files))
    key = tuple_(DeliveryRow.created_at, DeliveryRow.id)
    turned = session.get(DeliveryRow, after if before is None else before) if (after or before) else None
    if turned is not None and before is not None:
        ascending = query.where(key > (turned.created_at, turned.id)).order_by(DeliveryRow.created_at, DeliveryRow.id)
        found = list(session.scalars(ascending.limit(limit + 1)))
        rows = found[:limit][::-1]
        return Page(rows, older=rows[-1].id if rows else None, newer=rows[0].id if len(found) > limit else None)
    if turned is not None:
        query = query.where(key < (turned.created_at, turned.id))
    found = list(session.scalars(query.order_by(DeliveryRow.created_at.desc(), DeliveryRow.id.desc()).limit(limit + 1)))
    rows = found[:limit]
    return Page(rows, older=rows[-1].id if len(found) > limit else None, newer=rows[0].id if turned is not None and rows else None)


def _where(session: Session, wanted: Filter, partners: Sequence[Party], now: datetime | None) -> Select[DeliveryRow]:
    query = select(DeliveryRow)
    if wanted.partner:
        query = query.where(DeliveryRow.partner == wanted.partner)
    if wanted.flow:
        query = query.where(DeliveryRow.flow == wanted.flow)
    if wanted.state == OVERDUE:
        if now is None:
            raise PermanentError("what is overdue can't be told without the time")
        query = query.where(overdue_clause(partners, now))
    elif wanted.state:
        if wanted.state not in STATES:
            raise PermanentError(f"{wanted.state[:40]!r} is no state of a delivery", todo=f"Known states: {', '.join(STATES)}.")
        query = query.where(DeliveryRow.state == wanted.state)
    if wanted.since:
        query = query.where(DeliveryRow.created_at >= _midnight(wanted.since, wanted.zone))
    if wanted.until and wanted.until < date.max:
        query = query.where(DeliveryRow.created_at < _midnight(wanted.until + timedelta(days=1), wanted.zone))
    if wanted.isbn:
        isbn = plain_isbn(wanted.isbn)
        query = query.where(DeliveryRow.id.in_(select(DeliveryRecordRow.delivery_id).where(DeliveryRecordRow.isbn == isbn)))
    return query.where(_says(session, wanted.text)) if wanted.text else query


def _says(session: Session, text: str) -> ColumnElement[bool]:
    """Deliveries that a text names."""
    fits: list[ColumnElement[bool]] = []
    if text.isascii() and text.isdigit() and len(text) <= 9:
        fits += [DeliveryRow.id == int(text), DeliveryRow.message_number == int(text)]
    is_hash = len(text) == 64 and all(digit in "0123456789abcdef" for digit in text)
    named = FileRow.sha256 == text if is_hash else begins(session, text)
    ids = session.scalars(select(FileRow.delivery_id).where(named).limit(_MANY)).all()
    if len(ids) < _MANY:
        fits.append(DeliveryRow.id.in_(set(ids)))
    else:
        file = aliased(FileRow)
        same = file.sha256 == text if is_hash else begins(session, text, file)
        fits.append(exists().where(file.delivery_id == DeliveryRow.id, same))
    if "__" in text or ":" in text:  # as Airflow names its runs
        fits.append(DeliveryRow.run_id == text)
    return or_(*fits)


def begins(session: Session, text: str, file: Any = FileRow) -> ColumnElement[bool]:
    """Files whose name begins so, in a way that the database can look up."""
    if session.get_bind().dialect.name == "sqlite":  # whose LIKE ignores case, and with it the index
        return and_(file.name >= text, file.name < text + "\U0010ffff")
    return file.name.startswith(text, autoescape=True)  # type: ignore[no-any-return]


def overdue_clause(partners: Sequence[Party], now: datetime) -> ColumnElement[bool]:
    """As `include.ledger.answers.overdue`, for the database."""
    return or_(_undelivered(now), *(_unanswered(partner, now) for partner in partners if partner.acknowledgements.kind != "none"))


def late(session: Session, partner: Party, now: datetime, limit: int = 20) -> list[tuple[int, str]]:
    """The newest overdue deliveries of a partner and why they are: [(delivery id, "not delivered" or "no answer")]."""
    found: list[DeliveryRow] = []
    newest = select(DeliveryRow).where(DeliveryRow.partner == partner.id).order_by(DeliveryRow.created_at.desc(), DeliveryRow.id.desc())
    for state in WAITING:  # one by one: each is a walk along an index, all together they are not
        found.extend(session.scalars(newest.where(DeliveryRow.state == state, _undelivered(now)).limit(limit)))
    if partner.acknowledgements.kind != "none":
        found.extend(session.scalars(newest.where(_unanswered(partner, now)).limit(limit)))
    found.sort(key=lambda row: (row.created_at, row.id), reverse=True)
    return [(row.id, overdue(row, partner, now)) for row in found[:limit]]


def _undelivered(now: datetime) -> ColumnElement[bool]:
    return and_(DeliveryRow.state.in_(WAITING), DeliveryRow.due_at < now, DeliveryRow.delivered_at.is_(None))


def _unanswered(partner: Party, now: datetime) -> ColumnElement[bool]:
    since = now - timedelta(hours=partner.acknowledgements.within_hours)
    return and_(DeliveryRow.partner == partner.id, DeliveryRow.state == DeliveryState.DELIVERED, DeliveryRow.delivered_at < since)


def flows(session: Session) -> list[str]:
    """Names of all flows that have delivered something."""
    names: list[str] = []
    name = session.scalar(select(func.min(DeliveryRow.flow)))
    while name is not None:  # one step of the index per flow, not one per delivery
        names.append(name)
        name = session.scalar(select(func.min(DeliveryRow.flow)).where(DeliveryRow.flow > name))
    return names


def message_names(session: Session, delivery_ids: Sequence[int]) -> dict[int, tuple[str, int]]:
    """Per delivery, the name of its message (or first file) and the number of its files."""
    of = FileRow.delivery_id
    counted = select(of, func.count(), func.min(FileRow.name)).where(of.in_(delivery_ids)).group_by(of)
    found = {delivery: (name, number) for delivery, number, name in session.execute(counted)}
    messages = select(of, FileRow.name).where(of.in_(delivery_ids), FileRow.role == "message").order_by(FileRow.position.desc())
    return found | {delivery: (name, found[delivery][1]) for delivery, name in session.execute(messages)}


def titles_of(session: Session, product_ids: Sequence[int]) -> dict[int, str]:
    """Product id to title, for those that the mirror knows."""
    rows = session.execute(select(ProductRow.id, ProductRow.title).where(ProductRow.id.in_(product_ids)))
    return {product: title for product, title in rows}  # noqa: C416 - rows are not tuples to a type checker


def find_titles(session: Session, text: str = "", *, after: int = 0, limit: int = 50) -> Sequence[TitleRow]:
    """Titles of the mirror by product id: those whose ISBN begins so, or whose title holds the text in any case."""
    row = ProductRow
    query = select(row.id, row.isbn, row.title, row.form, row.publication_date).where(row.id > after, row.deleted_at.is_(None))
    wanted = " ".join(text.replace("\0", "").split())
    number = plain_isbn(wanted)
    if number.isdigit():
        query = query.where(row.isbn >= number, row.isbn < number + ":")  # the character after 9
    elif wanted:
        query = query.where(row.title.icontains(wanted, autoescape=True))
    return [TitleRow(*found) for found in session.execute(query.order_by(row.id).limit(limit))]


def standings(session: Session, product_ids: Sequence[int]) -> dict[tuple[int, str], str]:
    """(product id, partner) to the state of the feed record."""
    rows = session.execute(
        select(FeedRecordRow.product_id, FeedRecordRow.partner, FeedRecordRow.state).where(FeedRecordRow.product_id.in_(product_ids))
    )
    return {(product, partner): state for product, partner, state in rows}


# --- one delivery


def next_to(session: Session, row: DeliveryRow, *, newer: bool) -> int | None:
    """The id of the same partner's delivery after or before this one."""
    key, here = tuple_(DeliveryRow.created_at, DeliveryRow.id), (row.created_at, row.id)
    query = select(DeliveryRow.id).where(DeliveryRow.partner == row.partner, key > here if newer else key < here)
    order = (DeliveryRow.created_at, DeliveryRow.id) if newer else (DeliveryRow.created_at.desc(), DeliveryRow.id.desc())
    return session.scalar(query.order_by(*order).limit(1))


def as_json(row: DeliveryRow) -> dict[str, Any]:
    """A delivery with its files, ready for JSON: times as ISO 8601 in UTC, "" where there is none."""
    return {
        "id": row.id,
        "partner": row.partner,
        "flow": row.flow,
        "state": row.state,
        "kind": row.kind,
        "format": row.format,
        "message_number": row.message_number,
        "records": row.records,
        "held": row.held,
        "bytes": row.bytes,
        "seconds": row.seconds,
        "attempts": row.attempts,
        "business_key": row.business_key,
        "digest": row.digest,
        "created_at": _iso(row.created_at),
        "due_at": _iso(row.due_at),
        "delivered_at": _iso(row.delivered_at),
        "answered_at": _iso(row.answered_at),
        "dag_id": row.dag_id,
        "run_id": row.run_id,
        "replaces_id": row.replaces_id,
        "reasons": row.reasons,
        "files": [
            {
                "name": file.name,
                "folder": file.folder,
                "remote_path": file.remote_path,
                "role": file.role,
                "bytes": file.bytes,
                "sha256": file.sha256,
                "state": file.state,
                "verified": file.verified,
                "delivered_at": _iso(file.delivered_at),
                "reason": file.reason,
            }
            for file in row.files
        ],
    }


def delivery(
    session: Session, delivery_id: int, *, partner: Party | None = None, now: datetime | None = None, records: int = MOST
) -> dict[str, Any]:
    """One delivery with its files, its first `records` records, events and receipts, ready for JSON.

    With `now`, "overdue" says why it is late, else "". Raises `PermanentError` if there is no such delivery.
    """
    row = session.get(DeliveryRow, delivery_id) if 0 < delivery_id < 2**63 else None
    if row is None:
        raise PermanentError(
            f"there is no delivery {delivery_id}", todo="Look it up on the Deliveries page, or with `colophon deliveries list`."
        )
    return {
        **as_json(row),
        "overdue": overdue(row, partner, now) if now else "",
        "record_list": [_record(record) for record in records_of(session, delivery_id, limit=records)],
        "events": [_event(event) for event in events_of(session, delivery_id)],
        "receipts": [
            {
                "kind": receipt.kind,
                "name": receipt.name,
                "status": receipt.status,
                "sha256": receipt.sha256,
                "received_at": _iso(receipt.received_at),
                "detail": receipt.detail,
            }
            for receipt in receipts_of(session, delivery_id)
        ],
    }


def records_of(
    session: Session, delivery_id: int, *, after: int = 0, limit: int = 100, answer: str | None = None
) -> Sequence[DeliveryRecordRow]:
    """Records of a delivery by product id, from the one after `after`; only those with this answer, if one is given."""
    query = select(DeliveryRecordRow).where(DeliveryRecordRow.delivery_id == delivery_id, DeliveryRecordRow.product_id > after)
    if answer is not None:
        query = query.where(DeliveryRecordRow.answer == answer)
    return session.scalars(query.order_by(DeliveryRecordRow.product_id).limit(limit)).all()


def events_of(session: Session, delivery_id: int, *, limit: int = MOST) -> Sequence[EventRow]:
    """The newest events of a delivery, oldest first."""
    newest = select(EventRow).where(EventRow.delivery_id == delivery_id).order_by(EventRow.id.desc()).limit(limit)
    return session.scalars(newest).all()[::-1]


def receipts_of(session: Session, delivery_id: int) -> Sequence[ReceiptRow]:
    return session.scalars(select(ReceiptRow).where(ReceiptRow.delivery_id == delivery_id).order_by(ReceiptRow.id)).all()


def plain_isbn(text: str) -> str:
    """An ISBN as people type it, without hyphens, spaces and control characters."""
    return "".join(character for character in text if character.isprintable() and not character.isspace() and character not in "-‐‑‒–—")


def _record(row: DeliveryRecordRow) -> dict[str, Any]:
    names = (
        "product_id",
        "isbn",
        "record_reference",
        "notification",
        "digest",
        "artefact",
        "offset",
        "length",
        "whole",
        "answer",
        "answer_text",
    )
    return {name: getattr(row, name) for name in names}


def _event(row: EventRow) -> dict[str, Any]:
    names = ("id", "who", "what", "subject", "bytes", "seconds", "sha256", "host_key", "detail")
    return {"at": _iso(row.at), **{name: getattr(row, name) for name in names}}


def _iso(moment: datetime | None) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds") if moment else ""


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time(), tzinfo=zone)
