"""Which title a report's product is. Certain only by an identifier that names one living product; titles are only ever proposed.

    what a person told us to remember ─▶ ISBN ─▶ ASIN ─▶ DOI ─▶ our own reference ─▶ (proposed only) ISBN one slip away, title and author

Nothing is certain where identifiers name different works, where an ISBN stands on two products, or where the catalogue no longer has the
title. What stays unknown waits in the queue (`include.sales.queue`) and is tried again when the catalogue changes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from include.intake.likeness import Like, Phrases
from include.ledger.chunks import chunks
from include.ledger.database import Ledger
from include.ledger.deliveries import record_event
from include.ledger.models import ProductRow, WorkRow
from include.ledger.sales_lists import COUNTED
from include.ledger.sales_rows import SalesAliasRow, SalesBatchRow, SalesProductRow
from include.sales.queue import is_usage
from include.titles.identifiers import isbn13

PROPOSALS = 5
PAGE = 2_000
_WHY = 200  # characters of the column
_DOI = re.compile(r"^(?:https?://(?:dx\.)?doi\.org/|doi:\s*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Matched:
    """What one go came to. `batches`: those of which a product became known, so that its lines can go on."""

    matched: int = 0
    ignored: int = 0
    unmatched: int = 0
    batches: tuple[int, ...] = ()

    def __add__(self, other: Matched) -> Matched:
        batches = tuple(sorted({*self.batches, *other.batches}))
        return Matched(self.matched + other.matched, self.ignored + other.ignored, self.unmatched + other.unmatched, batches)


@dataclass(frozen=True, slots=True)
class Edition:
    """One product of the mirror."""

    id: int
    work_id: int
    isbn: str
    title: str
    form: str
    gone: bool


@dataclass(slots=True)
class _Answer:
    state: str = "unmatched"
    work_id: int | None = None
    product_id: int | None = None
    why: str = ""
    proposals: list[dict[str, Any]] = field(default_factory=list)


def match(ledger: Ledger, batch_id: int, now: datetime) -> Matched:
    """Matches what is still unmatched of one batch. Doing it twice does nothing the second time."""
    return _go_through(ledger, now, batch_id)


def again(ledger: Ledger, now: datetime) -> Matched:
    """The same for everything that waits, of all batches that count: the catalogue has changed."""
    return _go_through(ledger, now, None)


def _go_through(ledger: Ledger, now: datetime, batch_id: int | None) -> Matched:
    done = Matched()
    with ledger.read() as session:
        if not (waiting := _waiting(session, batch_id)):
            return done
        titles = Titles(session)
    for ids in chunks(waiting, PAGE):
        with ledger.read() as session:
            rows = _rows(session, ids)
            aliases = _aliases(session, rows)
            answers = {row.id: _answer(titles, aliases, row, source) for row, source in rows}
        done += _write(ledger, answers, now)
    return done


def _waiting(session: Session, batch_id: int | None) -> list[int]:
    query = select(SalesProductRow.id).where(SalesProductRow.state == "unmatched").order_by(SalesProductRow.id)
    if batch_id is not None:
        return list(session.scalars(query.where(SalesProductRow.batch_id == batch_id)))
    counted = select(SalesBatchRow.id).where(SalesBatchRow.state.in_(COUNTED))
    return list(session.scalars(query.where(SalesProductRow.batch_id.in_(counted))))


def _rows(session: Session, ids: Sequence[int]) -> list[tuple[SalesProductRow, str]]:
    found: list[tuple[SalesProductRow, str]] = []
    for some in chunks(ids):
        query = select(SalesProductRow, SalesBatchRow.source).join(SalesBatchRow, SalesBatchRow.id == SalesProductRow.batch_id)
        found += [(row, source) for row, source in session.execute(query.where(SalesProductRow.id.in_(some)))]
    return found


def _aliases(session: Session, rows: Iterable[tuple[SalesProductRow, str]]) -> dict[tuple[str, str, str], SalesAliasRow]:
    sources = {source for _, source in rows}
    query = select(SalesAliasRow).where(SalesAliasRow.source.in_(sources))
    return {(one.source, one.id_type, one.id_value): one for one in session.scalars(query)}


def _write(ledger: Ledger, answers: dict[int, _Answer], now: datetime) -> Matched:
    """Only what is still unmatched is written: a person may have been quicker."""
    counts = {"matched": 0, "ignored": 0, "unmatched": 0}
    became: dict[int, dict[str, int]] = {}
    with ledger.session() as session:
        for ids in chunks(sorted(answers)):
            for row in session.scalars(
                select(SalesProductRow).where(SalesProductRow.id.in_(ids)).order_by(SalesProductRow.id).with_for_update()
            ):
                answer = answers[row.id]
                if row.state != "unmatched":
                    continue
                counts[answer.state] += 1
                if answer.state != "unmatched":
                    tally = became.setdefault(row.batch_id, {})
                    tally[answer.state] = tally.get(answer.state, 0) + 1
                    row.decided_at, row.work_id, row.product_id = now, answer.work_id, answer.product_id
                row.state = answer.state
                if row.why != answer.why:
                    row.why = answer.why
                if row.proposals != answer.proposals:
                    row.proposals = answer.proposals
        for batch, tally in sorted(became.items()):
            record_event(session, what="sales matched", now=now, subject=f"batch {batch}", detail={"sales batch": batch, **tally})
    return Matched(counts["matched"], counts["ignored"], counts["unmatched"], tuple(sorted(became)))


# --- deciding


def _answer(titles: Titles, aliases: dict[tuple[str, str, str], SalesAliasRow], row: SalesProductRow, source: str) -> _Answer:
    named = [(row.id_type.casefold(), row.id_value), *((str(one["type"]).casefold(), str(one["value"])) for one in row.others)]
    said = [alias for type, value in named if (alias := aliases.get((source, type, value))) is not None]
    if not said:
        return _by_catalogue(titles, row, named)
    told = _by_alias(titles, said[0], row)
    if (said[0].id_type.casefold(), said[0].id_value) == named[0]:
        return told
    return _agreed(titles, row, told, _by_catalogue(titles, row, named), said)


def _agreed(titles: Titles, row: SalesProductRow, told: _Answer, found: _Answer, said: Sequence[SalesAliasRow]) -> _Answer:
    """What people said of an identifier that only stands beside the product's own: shops give their numbers to other books, too, so it
    counts only where neither the catalogue nor another such word says otherwise."""
    if len({(one.product_id, one.work_id) for one in said}) == 1:
        if found.state != "matched" or (told.work_id, told.product_id) == (found.work_id, found.product_id):
            return told
        if told.work_id == found.work_id and None in {told.product_id, found.product_id}:
            return told if told.product_id is not None else found
    what = f"{said[0].id_type} {said[0].id_value} was said to be another title than {row.id_type} {row.id_value} is"
    ids = dict.fromkeys(id for id in (found.product_id, *(one.product_id for one in said)) if id is not None)
    editions = {id: what for id in ids if (one := titles.edition_or_none(id)) is not None and not one.gone}
    return _Answer(why=_cut(f"{what}."), proposals=_proposals(titles, row, editions, {}))


def _by_catalogue(titles: Titles, row: SalesProductRow, named: Sequence[tuple[str, str]]) -> _Answer:
    editions: dict[int, str] = {}
    works: dict[int, str] = {}
    doubts: list[str] = []
    parents: list[Edition] = []
    first_unknown = False
    for place, (type, value) in enumerate(named):
        found, why = titles.named(type, value)
        if type == "parent-isbn":
            parents += [one for one in found if not one.gone]
            continue
        living = [one for one in found if not one.gone]
        if len(living) == 1:
            editions.setdefault(living[0].id, why)
        elif living:
            editions |= {one.id: why for one in living if one.id not in editions}
            doubts.append(f"{why} stands on {len(living)} products in Consonance")
        elif found:
            doubts.append(f"Consonance no longer has the product of {why}")
        elif work := titles.work_named(type, value):
            works.setdefault(work, why)
        elif place == 0 and type == "isbn":
            first_unknown = True
            doubts.append(f"{why} is not in Consonance")
    answer = _decided(titles, row, editions, works, doubts, first_unknown=first_unknown)
    if answer.state == "unmatched" and parents:
        told = [_told(one, 85.0, f"An edition of {parents[0].isbn}, as the report says.") for one in titles.editions(parents[0].work_id)]
        known = {one["product_id"] for one in answer.proposals}
        answer.proposals = [*answer.proposals, *(one for one in told if one["product_id"] not in known)][:PROPOSALS]
    return answer


def _decided(
    titles: Titles, row: SalesProductRow, editions: dict[int, str], works: dict[int, str], doubts: list[str], *, first_unknown: bool
) -> _Answer:
    of = {titles.edition(id).work_id for id in editions} | set(works)
    if len(of) > 1:
        doubts.append(f"its identifiers name {len(of)} works")
    elif not doubts and not first_unknown and editions:
        id, why = next(iter(editions.items()))
        return _Answer("matched", titles.edition(id).work_id, id, _cut(f"{why}: {titles.edition(id).title}"))
    elif not doubts and works:
        work, why = next(iter(works.items()))
        known = [one for one in titles.editions(work) if not one.gone]
        if len(known) == 1:
            return _Answer("matched", work, known[0].id, _cut(f"{why}: {known[0].title}"))
        if is_usage(row):  # usage is the work's, too: nobody imports it
            return _Answer("matched", work, None, _cut(f"{why}: {titles.title(work)}, edition not said"))
        doubts.append(f"{why} is “{titles.title(work)}”, of which it does not say the edition")
    why = f"{'; '.join(dict.fromkeys(doubts))}." if doubts else "None of its identifiers is in Consonance."
    return _Answer(why=_cut(why[:1].upper() + why[1:]), proposals=_proposals(titles, row, editions, works))


def _by_alias(titles: Titles, alias: SalesAliasRow, row: SalesProductRow) -> _Answer:
    said = f"as {alias.created_by or 'a person'} said"
    if alias.product_id is None and alias.work_id is None:
        return _Answer("ignored", why=_cut(f"None of ours, {said}"))
    if alias.product_id is not None:
        known = titles.edition_or_none(alias.product_id)
        if known is None or known.gone:
            return _Answer(why=_cut(f"Product {alias.product_id}, {said}, is no longer in Consonance."))
        return _Answer("matched", known.work_id, known.id, _cut(f"{said[:1].upper()}{said[1:]}: {known.title}"))
    if not is_usage(row):
        of = f"“{titles.title(alias.work_id or 0)}”, {said}"
        told = [_told(one, 90.0, f"An edition of {of}.") for one in titles.editions(alias.work_id or 0) if not one.gone]
        return _Answer(why=_cut(f"An edition of {of}; of which one nobody said."), proposals=told[:PROPOSALS])
    return _Answer("matched", alias.work_id, None, _cut(f"{said[:1].upper()}{said[1:]}: {titles.title(alias.work_id or 0)}"))


def _proposals(titles: Titles, row: SalesProductRow, editions: dict[int, str], works: dict[int, str]) -> list[dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}

    def add(edition: Edition, score: float, why: str) -> None:
        found.setdefault(edition.id, _told(edition, score, why))

    for id, why in editions.items():
        add(titles.edition(id), 95.0, f"{why}.")
    for work, why in works.items():
        for edition in titles.editions(work):
            add(edition, 90.0, f"{why}.")
    for edition in titles.one_slip_from(row.id_value):
        add(edition, 70.0, f"{row.id_value} is one slip away from ISBN {edition.isbn}.")
    if len(found) < PROPOSALS and row.title:
        for like in titles.like(row.title, row.author):
            by = f" by {like.names}" if like.names else ""
            why = f"“{row.title[:120]}” is like “{titles.title(like.work)}”{by} ({like.score:.0f} of 100)."
            for edition in _fitting(titles.editions(like.work), row):
                add(edition, like.score, why)
    return list(found.values())[:PROPOSALS]


def _told(edition: Edition, score: float, why: str) -> dict[str, Any]:
    """A proposal as `SalesProductRow.proposals` keeps it."""
    about = {"work_id": edition.work_id, "product_id": edition.id, "title": edition.title, "isbn": edition.isbn, "form": edition.form}
    return {**about, "score": round(score, 1), "why": why}


def _fitting(editions: Sequence[Edition], row: SalesProductRow) -> list[Edition]:
    """E-books first where the report can only mean one."""
    digital = row.id_type.casefold() == "asin" and not isbn13(row.id_value)
    living = [one for one in editions if not one.gone]
    return sorted(living, key=lambda one: (digital and not one.form.startswith("E"), one.id))


def _cut(text: str) -> str:
    return text if len(text) <= _WHY else f"{text[: _WHY - 1]}…"


# --- the catalogue


class Titles:
    """The mirror's identifiers and titles, read once: three seconds and 160 MB for 112,000 products of 40,000 works."""

    def __init__(self, session: Session) -> None:
        self._isbns: dict[str, list[int]] = {}
        self._asins: dict[str, list[int]] = {}
        self._dois: dict[str, list[int]] = {}
        self._references: dict[str, list[int]] = {}
        self._work_dois: dict[str, list[int]] = {}
        self._work_references: dict[str, list[int]] = {}
        self._editions: dict[int, Edition] = {}
        self._of_work: dict[int, list[int]] = {}
        self._works: dict[int, str] = {}
        self._words = Phrases()
        works = select(WorkRow.id, WorkRow.title, WorkRow.content, WorkRow.deleted_at).execution_options(yield_per=PAGE)
        for id, title, content, deleted in session.execute(works):
            told = json.loads(content)
            self._works[id] = title
            if deleted is not None:
                continue
            _add(self._work_dois, doi(str(told.get("doi") or "")), id)
            _add(self._work_references, folded(str(told.get("reference") or "")), id)
            names = [one.get("person_name") or one.get("corporate_name") or "" for one in told.get("contributors", ())]
            self._words.add(id, f"{title} {told.get('subtitle', '')}", ", ".join(name for name in names if name))
        columns = (
            ProductRow.id,
            ProductRow.work_id,
            ProductRow.isbn,
            ProductRow.title,
            ProductRow.form,
            ProductRow.content,
            ProductRow.deleted_at,
        )
        for id, work, isbn, title, form, content, deleted in session.execute(select(*columns).execution_options(yield_per=PAGE)):
            told = json.loads(content)
            self._editions[id] = Edition(id, work, isbn, title, form, deleted is not None or work not in self._works)
            self._of_work.setdefault(work, []).append(id)
            _add(self._isbns, isbn13(isbn), id)
            _add(self._asins, str(told.get("asin") or "").upper(), id)
            _add(self._dois, doi(str(told.get("doi") or "")), id)
            _add(self._references, folded(str(told.get("internal_reference") or "")), id)

    def edition(self, id: int) -> Edition:
        return self._editions[id]

    def edition_or_none(self, id: int) -> Edition | None:
        return self._editions.get(id)

    def editions(self, work: int) -> list[Edition]:
        return [self._editions[id] for id in self._of_work.get(work, ())]

    def title(self, work: int) -> str:
        return self._works.get(work, "")

    def named(self, type: str, value: str) -> tuple[list[Edition], str]:
        """Products that this identifier names, gone ones too, and how a person reads it."""
        value = value.strip()
        if type in {"isbn", "parent-isbn"} or (type == "asin" and isbn13(value)):  # Amazon's number of a printed book is its ISBN-10
            whole = isbn13(value) or value
            return [self._editions[id] for id in self._isbns.get(whole, ())], f"ISBN {whole}"
        if type == "asin":
            return [self._editions[id] for id in self._asins.get(value.upper(), ())], f"ASIN {value}"
        if type == "doi":
            return [self._editions[id] for id in self._dois.get(doi(value), ())], f"DOI {doi(value)}"
        if is_ours(type, value):
            return [self._editions[id] for id in self._references.get(folded(value), ())], f"our reference {value}"
        return [], f"{type} {value}"

    def work_named(self, type: str, value: str) -> int | None:
        """The one work that this identifier names as a whole."""
        found = self._work_dois.get(doi(value), []) if type == "doi" else []
        if is_ours(type, value):
            found = self._work_references.get(folded(value), [])
        return found[0] if len(found) == 1 else None

    def one_slip_from(self, value: str) -> list[Edition]:
        """Our ISBNs that one wrong digit, or two that changed places, make of a number with a wrong check digit."""
        if not re.fullmatch(r"97[89]\d{10}", value) or isbn13(value):
            return []
        close = [value[:at] + digit + value[at + 1 :] for at in range(12, 2, -1) for digit in "0123456789"]
        close += [value[:at] + value[at + 1] + value[at] + value[at + 2 :] for at in range(3, 12)]
        ids = dict.fromkeys(id for isbn in close for id in self._isbns.get(isbn, ()))
        return [self._editions[id] for id in ids if not self._editions[id].gone]

    def like(self, title: str, author: str) -> list[Like]:
        return self._words.like([title], author, most=3)


def doi(text: str) -> str:
    """In lower case, without what leads to it: DOIs know no case (ISO 26324)."""
    return _DOI.sub("", text.strip()).casefold()


def folded(text: str) -> str:
    """Letters and digits alone, in capitals."""
    return re.sub(r"[\W_]", "", text).upper()


def is_ours(type: str, value: str) -> bool:
    """Whether it may be our own reference, which shops call SKU: long enough that a shop's own number is not it by chance. What a shop
    calls its own must have a letter, too."""
    digits = sum(character.isdigit() for character in value)
    lettered = digits >= 3 and digits < len(value) and len(value) >= 5
    return lettered if type == "proprietary" else type == "sku" and (lettered or digits >= 5)


def _add(index: dict[str, list[int]], key: str, id: int) -> None:
    if key:
        index.setdefault(key, []).append(id)
