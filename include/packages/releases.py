"""Readiness packages: for each work and release date a checklist of every format, its assets and its delivery dates.

A package is kept up to date while its release is near: when something in it changes, the next revision goes, and names the one that it
replaces. Where a release moves to another day, the old package says so.
"""

from __future__ import annotations

import csv
import io
import json
import posixpath
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from include.deliveries.build import Run
from include.deliveries.naming import slug
from include.errors import ConfigurationError, RejectedData
from include.feeds import codelists
from include.files.characters import harmless
from include.ledger import packages, readiness, title_files
from include.ledger.database import Ledger
from include.ledger.file_rows import PackageRow, PreflightRow, ReadinessRow, TitleFileRow
from include.ledger.models import ProductRow
from include.ledger.readiness import Wish
from include.packages import release_page
from include.packages.build import Item, NewPackage, made, prepare
from include.partners import Party
from include.partners.model import House
from include.partners.packages import Releases
from include.readiness import files as wanted_files
from include.readiness.assess import after, before, given_up
from include.readiness.columns import Line, contributors
from include.readiness.lines import is_for, lines, products_of
from include.readiness.model import File
from include.store import ArtefactStore
from include.titles.model import Product

FLOW = "readiness_packages"
SCHEMA = 1
KEPT_DAYS = 14  # after the release, so that its last state is told, too


@dataclass(frozen=True, slots=True)
class Release:
    """One work's formats that come out on one day. `others`: its formats that come out on other days."""

    work_id: int
    day: date
    formats: tuple[Line, ...]
    others: tuple[ReadinessRow, ...] = ()
    given_up: tuple[Product, ...] = ()  # formats of that day that nobody brings out any more
    files: tuple[TitleFileRow, ...] = ()  # current ones that everybody may see
    preflights: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)  # sha256 to findings

    @property
    def subject(self) -> str:
        return subject(self.work_id, self.day)

    @property
    def title(self) -> str:
        return self.formats[0].product.work.title or self.formats[0].row.title


@dataclass(slots=True)
class Outcome:
    """What a run prepared: deliveries to send, in order; and what was set aside, with its reason."""

    releases: int = 0  # or titles
    waiting: int = 0
    deliveries: list[int] = field(default_factory=list)
    problems: list[dict[str, str]] = field(default_factory=list)


def subject(work_id: int, day: date) -> str:
    """What tells a party's packages apart: a release is a work and a day."""
    return f"{work_id} {day.isoformat()}"


def build_all(ledger: Ledger, store: ArtefactStore, party: Party, house: House, now: datetime, run: Run | None = None) -> Outcome:
    """Prepares every package that this party is due. What can't be built is set aside with its reason and the rest goes on.

    `now` carries a zone. Raises `ConfigurationError` for a party without `[releases]` or a mask that can't be filled.
    """
    wish, run = _wish(party), run or Run()
    today = now.astimezone(ZoneInfo(party.schedule.timezone)).date()
    outcome = Outcome()
    with ledger.session() as session:
        packages.settle(session, party.id, FLOW, now=now, who=run.who)  # after a run that died between arrival and record
    with ledger.read() as session:
        found = due(session, wish, today)
        moved = _moved(session, party, found, today)
        expected = {subject(*one) for one in found} | {row.subject for row, _ in moved}
    _stop_unexpected(ledger, party, expected, now, run)
    for work_id, day in found:
        with ledger.read() as session:
            release = load(session, work_id, day, wish, today)
        if release is None:
            continue
        outcome.releases += 1
        try:
            row = prepare(ledger, store, package(store, party, house, release, today), now=now, run=run)
        except RejectedData as bad:
            outcome.problems.append({"subject": release.subject, "message": str(bad), "todo": bad.todo})
            continue
        note(outcome, row)
    for row, days in moved:
        note(outcome, prepare(ledger, store, _notice(store, party, house, row, days), now=now, run=run))
    return outcome


def due(session: Session, wish: Releases, today: date) -> list[tuple[int, date]]:
    """Works and days of the releases that a party is to hear of, by day."""
    since, until = before(today, KEPT_DAYS) or today, after(today, wish.days_before)
    near = Wish(since=since.isoformat(), until=until.isoformat())
    found: dict[tuple[int, date], None] = {}
    for line in lines(session, wish.products, today, wish=near):
        found[line.row.work_id, date.fromisoformat(line.row.publication_date)] = None
    return list(found)


def load(session: Session, work_id: int, day: date, wish: Releases, today: date) -> Release | None:
    """One release with all that its package tells; None if none of its formats is for this party any more."""
    rows = readiness.of_work(session, work_id)
    products = products_of(session, [row.product_id for row in rows])
    mine = [row for row in rows if row.product_id in products and is_for(products[row.product_id], wish.products, today)]
    formats = tuple(Line(row, products[row.product_id]) for row in mine if row.publication_date == day.isoformat())
    if not formats:
        return None
    files = tuple(row for row in title_files.files_of(session, work_id, current=True) if not row.restricted)
    checked = select(PreflightRow.sha256, PreflightRow.findings).where(PreflightRow.sha256.in_({row.sha256 for row in files}))
    preflights = {found.sha256: found.findings for found in session.execute(checked.order_by(PreflightRow.checked_at, PreflightRow.id))}
    others = tuple(row for row in mine if row.publication_date != day.isoformat())
    ids = session.scalars(select(ProductRow.id).where(ProductRow.work_id == work_id).order_by(ProductRow.id)).all()
    gone = [one for one in products_of(session, list(ids)).values() if given_up(one) and is_for(one, wish.products, today)]
    gone = sorted((one for one in gone if day in {one.publication_date, one.planned_date}), key=lambda one: one.id)
    ordered = sorted(formats, key=lambda line: (_order(line.row.form), line.row.form, line.row.isbn))
    return Release(work_id, day, tuple(ordered), others, tuple(gone), files, preflights)


def package(store: ArtefactStore, party: Party, house: House, release: Release, today: date) -> NewPackage:
    """The package of a release. Its files say nothing of the day they were made on: what is the same is the same package."""
    told = tell(release)
    items: list[Item] = [
        made(store, "overview", "release.html", release_page.page(told, house.publisher).encode("utf-8", "replace")),
        made(store, "overview", "release.json", _json(told)),
        made(store, "formats", "formats.csv", _csv(told["formats"], _FORMAT_COLUMNS)),
        made(store, "assets", "assets.csv", _csv(told["assets"], _ASSET_COLUMNS)),
        made(store, "dates", "dates.csv", _csv(told["dates"], _DATE_COLUMNS)),
    ]
    isbns = [one["isbn"] for one in told["formats"]]
    for one in told["formats"]:
        own = one["isbn"] and isbns.count(one["isbn"]) == 1
        name = f"checklist_{slug(one['isbn']) if own else one['product_id']}.csv"
        items.append(made(store, "checklist", name, _csv(one["checks"], _CHECK_COLUMNS)))
    states = {f"{one['isbn'] or one['product_id']}": one["state"] for one in told["formats"]}
    about = {"from": house.sender.name, "title": told["title"], "release": told["release"], "formats": states, "as_of": today.isoformat()}
    where = folder(party, _wish(party).folder, release)
    return NewPackage(
        party=party, flow=FLOW, subject=release.subject, items=items, folder=where, work_id=release.work_id, about=about,
        ticket={"folder": where, "title": told["title"]}, format=f"readiness package {SCHEMA}",
    )  # fmt: skip


def folder(party: Party, mask: str, release: Release) -> str:
    """The package's folder at the party."""
    work = release.formats[0].product.work
    if "{date" not in mask or not ("{work" in mask or "{reference" in mask):
        todo, where = "Let it hold date, and work or reference.", f"config/partners/{party.id}.toml, releases.folder"
        raise ConfigurationError(f"several releases would lie in one folder by the mask {mask!r}", where=where, todo=todo)
    try:
        name = mask.format(
            date=release.day, work=release.work_id, reference=slug(work.reference or str(work.id)), title=slug(release.title)[:60]
        )
    except (KeyError, IndexError, ValueError, TypeError, AttributeError) as bad:
        todo = "Use date, work, reference and title only."
        where = f"config/partners/{party.id}.toml, releases.folder"
        raise ConfigurationError(f"the mask {mask!r} can't be filled: {bad}", where=where, todo=todo) from bad
    return posixpath.join(party.transport.folder, name)


# --- what it tells

_FORMAT_COLUMNS = (
    "isbn", "title", "format", "form", "publication_date", "state", "risk", "why", "done", "wanted", "next_due", "product_id",
)  # fmt: skip
_CHECK_COLUMNS = ("check", "state", "due", "message", "todo", "code")
_ASSET_COLUMNS = (
    "isbn", "format", "asset", "state", "part", "name", "revision", "dated", "approval", "preflight", "media_type", "bytes", "sha256",
)  # fmt: skip
_DATE_COLUMNS = ("date", "what", "isbn", "state", "message")


def tell(release: Release) -> dict[str, Any]:
    """All that a package says, ready for JSON: {schema, version, work_id, title, contributors, imprint, season, release, late,
    formats, assets, dates, other_formats, given_up}. What a format's `why` says is why it is late, or what it waits for."""
    first = release.formats[0]
    formats = [_format(line) for line in release.formats]
    return {
        "schema": "release", "version": SCHEMA, "work_id": release.work_id, "title": release.title,
        "contributors": contributors(first.product), "imprint": first.row.imprint, "season": first.row.season,
        "release": release.day.isoformat(), "late": [f"{one['format']} ({one['isbn']})" for one in formats if one["state"] == "late"],
        "formats": formats, "assets": list(_assets(release)), "dates": _dates(release),
        "other_formats": [
            {"isbn": row.isbn, "format": row.format, "publication_date": row.publication_date, "state": row.state} for row in release.others
        ],
        "given_up": [
            {"isbn": one.isbn, "format": one.format or one.form, "status": codelists.label(64, one.publishing_status)}
            for one in release.given_up
        ],
    }  # fmt: skip


def _format(line: Line) -> dict[str, Any]:
    row = line.row
    waiting = [one for one in line.open() if row.state != readiness.LATE or one["state"] == "late"]
    why = "" if row.state == readiness.PUBLISHED else ". ".join(one["message"] for one in waiting)
    dues = sorted(one["due"] for one in line.open() if one["due"])
    return {
        "isbn": row.isbn, "title": row.title, "format": row.format, "form": row.form, "publication_date": row.publication_date,
        "state": row.state, "risk": row.risk, "why": why,
        "done": row.done, "wanted": row.wanted, "next_due": dues[0] if dues else "", "product_id": row.product_id,
        "checks": [{"check": one["name"], **one} for one in row.checks],
    }  # fmt: skip


def _assets(release: Release) -> Iterator[dict[str, Any]]:
    """Each format's wanted files, there or not; then what else the work has."""
    shown: set[int] = set()
    pairs = [(row, _as_file(row)) for row in release.files]
    for line in release.formats:
        for want in wanted_files.wanted(line.row.form):
            fitting = wanted_files.of_product(line.product, [file for _, file in pairs], want.kind)
            here = [row for row, file in pairs if any(file is one for one in fitting)]
            shown |= {row.id for row in here}
            asset = want.name.removesuffix(" is approved").removesuffix(" are approved")
            of = {"isbn": line.row.isbn, "format": line.row.format, "asset": asset}
            if not here:
                yield {**of, "state": "missing"}
            for row in here:
                yield of | _asset(row, release)
    for row in release.files:
        if row.id not in shown:
            yield {"isbn": "", "format": "", "asset": row.kind.capitalize()} | _asset(row, release)


def _asset(row: TitleFileRow, release: Release) -> dict[str, Any]:
    findings = release.preflights.get(row.sha256)
    failed = sum(one.get("severity") == "fail" for one in findings or ())
    preflight = "not checked" if findings is None else f"{failed} failing" if failed else "passed"
    state = {"approved": "approved", "rejected": "rejected", "pending": "waits for approval"}.get(row.approval, "not reviewed")
    return {
        "state": state, "part": row.part, "name": row.name, "revision": row.revision, "dated": row.dated, "approval": row.approval,
        "preflight": preflight, "media_type": row.media_type, "bytes": row.bytes, "sha256": row.sha256,
    }  # fmt: skip


def _dates(release: Release) -> list[dict[str, str]]:
    """Days that matter, in order: publication, delivery dates of the contract, to-dos, and when what is open is due."""
    found: dict[tuple[str, ...], None] = {}
    for line in release.formats:
        row = line.row
        found[row.publication_date, f"Publication: {row.format}", row.isbn, row.state, ""] = None
        for one in row.checks:
            dated = one["code"].startswith("contract-") or one["code"] == "to-do"
            if one["due"] and dated:
                found[one["due"], one["name"], "", one["state"], one["message"]] = None
            elif one["due"] and one["state"] in {"late", "missing"}:
                found[one["due"], one["name"], row.isbn, one["state"], one["message"]] = None
    return [dict(zip(_DATE_COLUMNS, values, strict=True)) for values in sorted(found)]


# --- releases that moved


def _moved(session: Session, party: Party, found: Iterable[tuple[int, date]], today: date) -> list[tuple[PackageRow, list[date]]]:
    """Packages at the party whose release is on another day now (or on none), with the days that the work has instead."""
    near = set(found)
    query = select(PackageRow).where(PackageRow.partner == party.id, PackageRow.flow == FLOW, PackageRow.state == packages.DELIVERED)
    gone = []
    for row in session.scalars(query.order_by(PackageRow.id)).all():
        day = _day_of(row.subject)
        if row.work_id is None or day is None or (row.work_id, day) in near or day < (before(today, KEPT_DAYS) or today):
            continue
        dates = {one.publication_date for one in readiness.of_work(session, row.work_id) if one.publication_date}
        if day.isoformat() in dates:
            continue  # it is only further away now, or not for this party any more
        gone.append((row, sorted(date.fromisoformat(text) for text in dates)))
    return gone


def _stop_unexpected(ledger: Ledger, party: Party, expected: Collection[str], now: datetime, run: Run) -> None:
    """What was built and has not left, of releases that are on another day now, or none of this party's."""
    why = [{"code": "release-moved", "message": "the release is not on that day any more", "todo": "Nothing."}]
    query = select(PackageRow).where(PackageRow.partner == party.id, PackageRow.flow == FLOW)
    with ledger.session() as session:
        for row in session.scalars(query.where(PackageRow.state.in_([packages.BUILT, packages.HELD]))).all():
            if row.subject not in expected:
                packages.stop(session, row, why, now=now, who=run.who)


def _notice(store: ArtefactStore, party: Party, house: House, row: PackageRow, days: Sequence[date]) -> NewPackage:
    old = _day_of(row.subject)
    moved = {"schema": "release", "version": SCHEMA, "work_id": row.work_id, "release": str(old), "moved_to": [str(day) for day in days]}
    page = release_page.moved_page(str(row.ticket.get("title") or row.work_id), str(old), [str(day) for day in days], house.publisher)
    items = [made(store, "overview", "release.html", page.encode()), made(store, "overview", "release.json", _json(moved))]
    return NewPackage(
        party=party, flow=FLOW, subject=row.subject, items=items, folder=str(row.ticket.get("folder", "")), work_id=row.work_id,
        about={"from": house.sender.name, "release": str(old), "moved_to": moved["moved_to"]}, format=f"readiness package {SCHEMA}",
        ticket=row.ticket,
    )  # fmt: skip


def _day_of(subject: str) -> date | None:
    try:
        return date.fromisoformat(subject.rpartition(" ")[2])
    except ValueError:
        return None


# --- parts


def note(outcome: Outcome, row: PackageRow) -> None:
    """Adds the package's delivery to those that are to go, unless it has arrived or a person must look first."""
    if row.state not in {packages.DELIVERED, packages.HELD} and row.delivery_id is not None:
        outcome.deliveries.append(row.delivery_id)


def _order(form: str) -> int:
    return {"B": 0, "E": 1, "A": 2}.get(form[:1], 3)


def _as_file(row: TitleFileRow) -> File:
    return File(row.product_id, row.kind, row.part, row.revision, row.name, row.media_type, row.sha256, row.approval, row.note)


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1).encode("utf-8", "replace") + b"\n"


def _csv(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> bytes:
    """Comma, CRLF, UTF-8 with a byte-order mark; nothing becomes a formula."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(["schema", *columns])
    for row in rows:
        values = [row.get(column, "") for column in columns]
        writer.writerow([SCHEMA, *(harmless(value) if isinstance(value, str) else value for value in values)])
    return b"\xef\xbb\xbf" + out.getvalue().encode("utf-8", "replace")


def _wish(party: Party) -> Releases:
    if party.releases is None:
        raise ConfigurationError(
            f"{party.id!r} gets no readiness packages", where="config/partners", todo="Add a [releases] table to its file."
        )
    return party.releases
