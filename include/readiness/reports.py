"""Readiness reports: each party's own titles and columns, in the formats that it reads, sent only when something in them changed."""

from __future__ import annotations

import hashlib
import json
import posixpath
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import lru_cache
from typing import Any, BinaryIO, cast
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from include.deliveries import arrivals, openpgp
from include.deliveries.build import Run
from include.errors import ConfigurationError
from include.ledger import deliveries
from include.ledger.database import Ledger
from include.ledger.deliveries import NewFile
from include.ledger.models import DeliveryRow, DeliveryState
from include.partners import Party
from include.partners.model import House
from include.partners.packages import Report
from include.readiness.assess import after
from include.readiness.columns import RUNS, SCHEMA, Column, Line, columns_of
from include.readiness.lines import lines
from include.readiness.sheet import HtmlReport
from include.readiness.tables import CsvReport, JsonReport, Writer, XlsxReport
from include.store import ArtefactStore
from include.store.artefacts import NewArtefact
from include.transfer.naming import is_safe

FLOW = "readiness_reports"
RUN_DAYS = 270  # before publication: production runs are planned by then
RunsOf = Callable[[int], Sequence[Mapping[str, Any]]]
"""Work id to Consonance's production runs, as `include.catalogue.production.of_work` gives them."""


@dataclass(frozen=True, slots=True)
class Built:
    """What a build came to. `delivery_id` is None when the party has it all already."""

    partner: str
    delivery_id: int | None
    titles: int
    late: int


def build(
    ledger: Ledger,
    store: ArtefactStore,
    party: Party,
    house: House,
    now: datetime,
    run: Run | None = None,
    runs_of: RunsOf = lambda work_id: (),
) -> Built:
    """Writes the party's report and prepares its delivery; nothing if the party has the same lines already.

    `now` carries a zone; the day is the party's. What is the same apart from the day it was made on is the same report. `runs_of` reads
    a work's production runs; it is asked only for a report that has their columns, and for printed books that are soon to come. Raises
    `ConfigurationError` for a party without `[report]`, an unknown column, or a mask that can't be filled.
    """
    report, run = _report(party), run or Run()
    local = now.astimezone(ZoneInfo(party.schedule.timezone))
    columns = columns_of(party)
    name = _file_name(party, report, local)
    writers = [(format, store.create()) for format in report.formats]
    digest = hashlib.sha256(json.dumps([SCHEMA, report.model_dump(mode="json"), [column.key for column in columns]]).encode())
    titles = late = 0
    with ExitStack() as open_files, ledger.read() as session:
        opened = [
            open_files.enter_context(_writer(format, cast(BinaryIO, open_files.enter_context(out)), columns, party, house, local.date()))
            for format, out in writers
        ]
        asks = bool(RUNS & {column.key for column in columns})
        read = lru_cache(maxsize=512)(runs_of)
        for line in lines(session, report.products, local.date(), published_days=report.published_days):
            if asks and _printed_soon(line, local.date()):
                line = replace(line, runs=read(line.row.work_id))  # noqa: PLW2901
            values = [column.read(line) for column in columns]
            digest.update(json.dumps([line.row.product_id, [str(value) for value in values], _told(line, columns)]).encode())
            titles += 1
            late += line.row.late
            for writer in opened:
                writer.add(line, values)
    delivery_id = _prepare(ledger, store, party, name, writers, digest.hexdigest(), titles, now, run)
    return Built(party.id, delivery_id, titles, late)


def write(format: str, out: BinaryIO, of: Iterable[Line], columns: Sequence[Column], party: Party | None, house: House, today: date) -> int:
    """One report into a file, for the command line; gives the number of titles. `party` None: the house itself."""
    count = 0
    with _writer(format, out, columns, party, house, today) as writer:
        for line in of:
            writer.add(line, [column.read(line) for column in columns])
            count += 1
    return count


def _writer(format: str, out: BinaryIO, columns: Sequence[Column], party: Party | None, house: House, today: date) -> Writer:
    name = party.name if party is not None else house.publisher
    writers: dict[str, Callable[[], Writer]] = {
        "csv": lambda: CsvReport(out, columns),
        "xlsx": lambda: XlsxReport(out, columns),
        "json": lambda: JsonReport(
            out, columns, {"from": house.publisher, "to": name, "as_of": today.isoformat(), "columns": [column.key for column in columns]}
        ),
        "html": lambda: HtmlReport(out, columns, publisher=house.publisher, party=name, today=today),
    }
    return writers[format]()


def _printed_soon(line: Line, today: date) -> bool:
    release = line.row.publication_date
    until = after(today, RUN_DAYS).isoformat()
    return line.row.form.startswith("B") and line.row.state != "published" and "" < release <= until


def _told(line: Line, columns: Sequence[Column]) -> list[dict[str, str]]:
    """What JSON and HTML tell of the checks beyond their states."""
    codes = {column.key for column in columns if column.kind == "check"}
    return [one for one in line.row.checks if one["code"] in codes or one["code"].startswith("contract-delivery-")] if codes else []


def _prepare(
    ledger: Ledger,
    store: ArtefactStore,
    party: Party,
    name: str,
    writers: Sequence[tuple[str, NewArtefact]],
    digest: str,
    titles: int,
    now: datetime,
    run: Run,
) -> int | None:
    with ledger.session() as session:
        last = _last_touched(session, party.id)
        if last is not None and last.digest == digest:
            if last.delivered_at is not None:
                arrivals.withdraw_unwanted(session, party.id, FLOW, {"report"}, now=now, who=run.who)
                return None
            if last.state != DeliveryState.WITHDRAWN:
                return last.id
    suffix = party.transport.openpgp.suffix if party.transport.openpgp else ""
    folder = posixpath.join(party.transport.folder, _report(party).folder) if _report(party).folder else party.transport.folder
    sealed = [(format, openpgp.seal(party, store, out.artefact)) for format, out in writers]
    with ledger.session() as session:
        row = deliveries.prepare(
            session, partner=party.id, flow=FLOW, business_key=f"after:{last.id if last is not None else 0}", digest=digest,
            files=[NewFile(f"{name}.{format}{suffix}", folder, one.bytes, one.sha256) for format, one in sealed],
            now=now, who=run.who, kind="report", format=f"readiness {SCHEMA}", records=titles, dag_id=run.dag_id, run_id=run.run_id,
        )  # fmt: skip
        deliveries.supersede(session, party.id, FLOW, row.id, now=now, who=run.who)
        return row.id


def _last_touched(session: Session, partner: str) -> DeliveryRow | None:
    """The newest report of which the party may have seen something."""
    query = select(DeliveryRow).where(DeliveryRow.partner == partner, DeliveryRow.flow == FLOW)
    seen = (DeliveryRow.delivered_at.is_not(None)) | (DeliveryRow.attempts > 0)
    return session.scalar(query.where(seen).order_by(DeliveryRow.id.desc()).limit(1))


def _report(party: Party) -> Report:
    if party.report is None:
        raise ConfigurationError(
            f"{party.id!r} gets no readiness report", where="config/partners", todo="Add a [report] table to its file."
        )
    return party.report


def _file_name(party: Party, report: Report, local: datetime) -> str:
    where = f"config/partners/{party.id}.toml, report.file_name"
    try:
        name = report.file_name.format(partner=party.id, date=local, schema=SCHEMA)
    except (KeyError, IndexError, ValueError, TypeError, AttributeError) as bad:
        todo = "Use partner, date and schema only."
        raise ConfigurationError(f"the mask {report.file_name!r} can't be filled: {bad}", where=where, todo=todo) from bad
    if not is_safe(name):
        raise ConfigurationError(f"{name!r} is no file name", where=where, todo="Folders belong in report.folder.")
    return name
