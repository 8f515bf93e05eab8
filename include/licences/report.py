"""The report of open flags: a workbook to work with, a page to read; the same flags make the same report.

Written line by line in one pass: memory does not grow with their number. The page shows the most urgent of each team, the workbook all.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, datetime
from typing import BinaryIO, cast

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session, load_only

from include.ledger import licences as stored
from include.ledger.database import Ledger
from include.ledger.licence_rows import FlagState, LicenceFlagRow, LicenceRow
from include.ledger.licences import UNTOLD
from include.ledger.models import ProductRow, WorkRow
from include.licences.report_page import Page
from include.licences.report_sheet import Sheet
from include.partners.model import House
from include.store import Artefact, ArtefactStore

SCHEMA = 1
PAGE = 500
NAME = "licences"
MONTHS = 18  # of the picture


@dataclass(frozen=True, slots=True)
class Line:
    """One open flag, in words. `days` is the threshold; -1: not one of days. Days are ISO, "" for none."""

    flag_id: int
    licence_id: int
    team: str
    cause: str
    days: int
    state: str
    blocking: bool
    due_on: str
    asset_id: str
    name: str
    title: str
    isbn: str
    ends: str
    territories: str
    message: str
    todo: str
    opened_on: str
    note: str
    told: bool = True  # people have heard of it by mail

    @property
    def key(self) -> list[str | int | bool]:
        """What makes it another line."""
        return [getattr(self, name) for name in _KEY]


_KEY = ("flag_id", "team", "cause", "state", "blocking", "due_on", "asset_id", "name", "title", "isbn", "ends", "territories", "message",
        "todo", "note")  # fmt: skip


_SHOWN = (LicenceRow.asset_id, LicenceRow.name, LicenceRow.ends_on, LicenceRow.ends_state, LicenceRow.territories)


@dataclass(frozen=True, slots=True)
class Report:
    """`digest`: of its lines, so that one that says the same is known."""

    digest: str
    lines: int
    blocking: int
    workbook: Artefact
    page: Artefact


def build(ledger: Ledger, store: ArtefactStore, house: House, today: date) -> Report:
    """Writes workbook and page of the flags that are open or acknowledged."""
    digest, count, blocking = hashlib.sha256(str(SCHEMA).encode()), 0, 0
    with ExitStack() as files, ledger.read() as session:
        workbook, page = files.enter_context(store.create()), files.enter_context(store.create())
        summary, months = summary_of(session), ends_by_month(session, today)
        with (
            Sheet(cast(BinaryIO, workbook), summary) as sheet,
            Page(cast(BinaryIO, page), house.publisher, today, summary, months) as shown,
        ):
            for line in lines(session):
                digest.update(json.dumps(line.key).encode())
                count, blocking = count + 1, blocking + line.blocking
                sheet.add(line)
                shown.add(line)
    return Report(digest.hexdigest(), count, blocking, workbook.artefact, page.artefact)


def lines(session: Session, **wanted: str | int | None) -> Iterator[Line]:
    """Open and acknowledged flags, by team, the first due first; `wanted`: values of flags' columns, such as `team` and `cause`."""
    due = case((LicenceFlagRow.due_on == "", "9999-12-31"), else_=LicenceFlagRow.due_on)  # without a day: last
    query = (
        select(LicenceFlagRow, LicenceRow)
        .join(LicenceRow, LicenceRow.id == LicenceFlagRow.licence_id)
        .where(LicenceFlagRow.state.in_(UNTOLD))
        .order_by(LicenceFlagRow.team, due, LicenceFlagRow.id)
        .options(load_only(*_SHOWN))  # not their terms: the rows are sorted as a whole
        .execution_options(yield_per=PAGE)
    )
    for name, value in wanted.items():
        if value is not None:
            query = query.where(getattr(LicenceFlagRow, name) == value)
    for page in session.execute(query).partitions(PAGE):  # sorted once, read piece by piece
        found = [(flag, row) for flag, row in page]
        titles = _titles(session, [flag for flag, _ in found])
        yield from (_line(flag, row, titles) for flag, row in found)
        for one in {row for pair in found for row in pair}:
            session.expunge(one)


def summary_of(session: Session, **wanted: str | int | None) -> dict[str, Counter[str]]:
    """Open and acknowledged flags by team and cause: {team: {cause: number}}; the key "blocking" is of those that block. `wanted` as for
    `lines`."""
    query = select(LicenceFlagRow.team, LicenceFlagRow.cause, LicenceFlagRow.blocking, func.count()).where(LicenceFlagRow.state.in_(UNTOLD))
    query = query.filter_by(**{name: value for name, value in wanted.items() if value is not None})
    found: dict[str, Counter[str]] = {}
    for team, cause, blocking, count in session.execute(query.group_by(LicenceFlagRow.team, LicenceFlagRow.cause, LicenceFlagRow.blocking)):
        of_team = found.setdefault(str(team), Counter())
        of_team[str(cause)] += int(count)
        if blocking:
            of_team["blocking"] += int(count)
    return dict(sorted(found.items()))


def ends_by_month(session: Session, today: date) -> dict[str, int]:
    """Licences that end in each of the next months, this one first: {"2027-03": number}."""
    month = func.substr(LicenceRow.ends_on, 1, 7)
    query = select(month, func.count()).where(LicenceRow.ends_on >= f"{today:%Y-%m}-01").group_by(month)
    ends = {str(name): int(count) for name, count in session.execute(query)}
    first = today.year * 12 + today.month - 1
    names = [f"{number // 12}-{number % 12 + 1:02d}" for number in range(first, first + MONTHS)]
    return {name: ends.get(name, 0) for name in names}


def _line(flag: LicenceFlagRow, row: LicenceRow, titles: dict[tuple[int, int], tuple[str, str]]) -> Line:
    title, isbn = titles.get((flag.work_id, flag.product_id), ("", ""))
    return Line(
        flag.id, row.id, flag.team, flag.cause, flag.threshold, str(FlagState(flag.state)), flag.blocking, flag.due_on, row.asset_id,
        row.name, title, isbn, row.ends_on or row.ends_state,
        "worldwide" if row.territories == stored.EVERYWHERE else row.territories.strip() or "unknown",
        flag.message, flag.todo, _day(flag.opened_at), flag.note, told=bool(flag.mailed_in),
    )  # fmt: skip


def _titles(session: Session, flags: list[LicenceFlagRow]) -> dict[tuple[int, int], tuple[str, str]]:
    works = {int(id): str(title) for id, title in session.execute(
        select(WorkRow.id, WorkRow.title).where(WorkRow.id.in_({flag.work_id for flag in flags} - {0})))}  # fmt: skip
    isbns = {int(id): str(isbn) for id, isbn in session.execute(
        select(ProductRow.id, ProductRow.isbn).where(ProductRow.id.in_({flag.product_id for flag in flags} - {0})))}  # fmt: skip
    return {(flag.work_id, flag.product_id): (works.get(flag.work_id, ""), isbns.get(flag.product_id, "")) for flag in flags}


def _day(moment: datetime) -> str:
    return moment.date().isoformat()
