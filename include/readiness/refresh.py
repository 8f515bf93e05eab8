"""Keeps the ledger's readiness rows up to date: only products of which something changed, or whose day has come, are judged again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from include.feeds import codelists
from include.ledger import readiness
from include.ledger.chunks import chunks
from include.ledger.database import Ledger
from include.ledger.file_rows import ContractRow, PreflightRow, ReadinessRow, TitleFileRow
from include.ledger.models import ProductRow, WorkRow
from include.ledger.title_files import ATTACHED
from include.partners.model import House
from include.readiness import assess, files
from include.readiness.lines import products_of
from include.readiness.model import File, Readiness
from include.readiness.todos import NO_TODOS, Todos
from include.titles.model import Product

PAGE = 500  # products
_FILE = (
    TitleFileRow.work_id, TitleFileRow.product_id, TitleFileRow.kind, TitleFileRow.part, TitleFileRow.revision, TitleFileRow.name,
    TitleFileRow.media_type, TitleFileRow.sha256, TitleFileRow.approval, TitleFileRow.note,
)  # fmt: skip
_PRODUCT = (
    ProductRow.id, ProductRow.work_id, ProductRow.digest, ProductRow.deleted_at, WorkRow.digest.label("work_digest"),
    WorkRow.deleted_at.label("work_deleted_at"), ReadinessRow.product_id.label("assessed"), ReadinessRow.digest.label("source"),
    ReadinessRow.stable_until,
)  # fmt: skip


@dataclass(slots=True)
class Refreshed:
    """Counts of a refresh: products looked at, judged again, and no longer judged at all."""

    looked_at: int = 0
    assessed: int = 0
    forgotten: int = 0


@dataclass(slots=True)
class _Beside:
    """What else is known of the works of one page, by work id; `preflights`: sha256 to findings."""

    files: dict[int, list[File]] = field(default_factory=dict)
    contracts: dict[int, list[tuple[int, str]]] = field(default_factory=dict)  # id and digest
    preflights: dict[str, tuple[int, list[dict[str, Any]]]] = field(default_factory=dict)  # id of the row, findings


def refresh(
    ledger: Ledger,
    house: House,
    now: datetime,
    *,
    today: date | None = None,
    todos: Todos = NO_TODOS,
    work_ids: Collection[int] | None = None,
    on_progress: Callable[[Refreshed], None] | None = None,
) -> Refreshed:
    """Brings the readiness of all products (or of some works') up to date, page by page, each page a transaction of its own.

    `today` is the day to judge by, else that of `now`. Safe to repeat and to interrupt: what was written stays, the rest is found
    again. Raises `ConfigurationError` if `[readiness]` names an unknown check.
    """
    assess.check_rules(house.readiness)
    day = today or now.date()
    settings = _digest(assess.VERSION, house.readiness.model_dump(mode="json"))
    done = Refreshed()
    for page in _pages(ledger, work_ids):
        with ledger.read() as session:
            values, gone = _judge(session, page, settings, house, day, now, todos)
        if values or gone:
            with ledger.session() as session:
                readiness.write(session, values)
                readiness.forget(session, gone)
        done.looked_at += len(page)
        done.assessed += len(values)
        done.forgotten += len(gone)
        if on_progress is not None:
            on_progress(done)
    return done


def _pages(ledger: Ledger, work_ids: Collection[int] | None) -> Iterator[list[Row[Any]]]:
    query = (
        select(*_PRODUCT)
        .join(WorkRow, WorkRow.id == ProductRow.work_id)
        .outerjoin(ReadinessRow, ReadinessRow.product_id == ProductRow.id)
        .order_by(ProductRow.id)
        .limit(PAGE)
    )
    wanted = [None] if work_ids is None else chunks(sorted(work_ids), PAGE)
    for some in wanted:
        after = 0
        while True:
            with ledger.read() as session:  # none is held open while a page is judged and written
                here = query.where(ProductRow.id > after)
                page: list[Row[Any]] = list(session.execute(here if some is None else here.where(ProductRow.work_id.in_(some))))
            if not page:
                break
            after = page[-1].id
            yield page


def _judge(
    session: Session, page: Sequence[Row[Any]], settings: str, house: House, day: date, now: datetime, todos: Todos
) -> tuple[list[dict[str, Any]], list[int]]:
    """The rows to write, and the products to forget."""
    alive = [row for row in page if row.deleted_at is None and row.work_deleted_at is None]
    gone = [row.id for row in page if row.assessed is not None and (row.deleted_at is not None or row.work_deleted_at is not None)]
    beside = _read_beside(session, {row.work_id for row in alive})
    due = []
    for row in alive:
        source = _source(row, settings, beside, todos)
        if row.source != source or not row.stable_until or row.stable_until <= day.isoformat():
            due.append((row, source))
    contents = products_of(session, [row.id for row, _ in due]) if due else {}
    contracts = _contract_contents(session, {id for row, _ in due for id, _ in beside.contracts.get(row.work_id, ())})
    values = []
    for row, source in due:
        if row.id not in contents:
            continue  # it went between two reads
        product = contents[row.id]
        if assess.given_up(product):
            gone += [row.id] if row.assessed is not None else []
            continue
        mine = beside.files.get(row.work_id, [])
        judged = assess.assess(
            product,
            mine,
            [contracts[id] for id, _ in beside.contracts.get(row.work_id, ()) if id in contracts],
            todos.of(row.work_id, row.id),
            {file.sha256: beside.preflights[file.sha256][1] for file in mine if file.sha256 in beside.preflights},
            day,
            house,
        )
        values.append(_values(product, judged, source, now))
    return values, gone


def _values(product: Product, judged: Readiness, source: str, now: datetime) -> dict[str, Any]:
    work = product.work
    return {
        "product_id": product.id,
        "work_id": work.id,
        "isbn": _column(product.isbn, 20),
        "title": _column(product.full_title or work.title),
        "imprint": _column(work.imprint, 200),
        "season": _column(work.season, 100),
        "form": _column(product.form, 4),
        "format": _column(product.format or codelists.label(150, product.form), 100),
        "stage": _column(work.stage, 200),
        "publication_date": judged.release.isoformat() if judged.release else "",
        "state": judged.state.value,
        "late": judged.late,
        "risk": judged.risk,
        "done": judged.done,
        "wanted": judged.wanted,
        "checks": [_clean(check.to_json()) for check in judged.checks],
        "digest": source,
        "stable_until": judged.stable_until.isoformat() if judged.stable_until else "9999-12-31",
        "assessed_at": now,
    }


# --- what a judgement is made from


def _source(row: Row[Any], settings: str, beside: _Beside, todos: Todos) -> str:
    mine = beside.files.get(row.work_id, [])
    return _digest(
        settings,
        row.digest,
        row.work_digest,
        [(file.product_id, file.kind, file.part, file.revision, file.name, file.sha256, file.approval, file.note) for file in mine],
        [beside.preflights[file.sha256][0] for file in mine if file.sha256 in beside.preflights],
        beside.contracts.get(row.work_id, []),
        [(todo.name, str(todo.due), todo.done) for todo in todos.of(row.work_id, row.id)],
    )


def _read_beside(session: Session, works: Collection[int]) -> _Beside:
    beside = _Beside()
    if not works:
        return beside
    kinds = [kind.value for kind in files.KINDS]
    query = select(*_FILE).where(TitleFileRow.work_id.in_(works), TitleFileRow.state == ATTACHED, TitleFileRow.kind.in_(kinds))
    for found in session.execute(query.order_by(TitleFileRow.kind, TitleFileRow.part, TitleFileRow.id)):
        work_id, *values = found
        beside.files.setdefault(work_id, []).append(File(*values))
    shown = sorted({file.sha256 for some in beside.files.values() for file in some})
    for some in chunks(shown):
        checked = select(PreflightRow.id, PreflightRow.sha256, PreflightRow.findings).where(PreflightRow.sha256.in_(some))
        for id, sha256, findings in session.execute(checked.order_by(PreflightRow.checked_at, PreflightRow.id)):
            beside.preflights[sha256] = (id, findings)  # the newest is the last
    signed = select(ContractRow.work_id, ContractRow.id, ContractRow.digest)
    signed = signed.where(ContractRow.work_id.in_(works), ContractRow.deleted_at.is_(None)).order_by(ContractRow.id)
    for work, id, digest in session.execute(signed):
        beside.contracts.setdefault(work or 0, []).append((id, digest))
    return beside


def _contract_contents(session: Session, ids: Collection[int]) -> dict[int, Mapping[str, Any]]:
    found: dict[int, Mapping[str, Any]] = {}
    for some in chunks(sorted(ids)):
        for id, content in session.execute(select(ContractRow.id, ContractRow.content).where(ContractRow.id.in_(some))):
            read = json.loads(content)
            found[id] = read if isinstance(read, dict) else {}
    return found


def _digest(*facts: Any) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _clean(check: dict[str, Any]) -> dict[str, Any]:
    return {name: _column(value) for name, value in check.items()}


def _column(text: str, longest: int | None = None) -> str:
    """As a database takes it: no NUL (PostgreSQL), no half of a surrogate pair, not too long."""
    return text.encode("utf-8", "replace").decode().replace("\x00", "")[:longest]
