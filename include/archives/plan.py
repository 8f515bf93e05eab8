"""The dry run: what each listed file would become, from its path alone. Not a byte is read at the archive.

What only the bytes can tell stays open, and the report says so: that two files are the same (here: the same name and size),
that one is unsafe, that an ISBN stands in an EPUB's metadata and not in its name.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from include.archives.paths import plain_path
from include.files import names
from include.files.model import Kind
from include.intake.match import TitleIndex
from include.intake.source import Source
from include.ledger import archives
from include.ledger.archive_listing import server_path
from include.ledger.database import Ledger
from include.ledger.file_rows import ArchiveFileRow, Fate, MatchRuleRow
from include.partners import Archive

BATCH = 2_000
SUSPECTED = "the same name and size as {}; only the bytes can tell"

log = logging.getLogger(__name__)


def plan(ledger: Ledger, archive: Archive, number: int, index: TitleIndex, *, say: Callable[[str], object] = log.info) -> int:
    """Gives every waiting file of walk `number` the fate that it would have; gives their number. Goes on where it was stopped."""
    source = Source.of_archive(archive)
    with ledger.read() as session:
        rules = list(session.scalars(select(MatchRuleRow).where(MatchRuleRow.inbox == source.id).order_by(MatchRuleRow.id)))
    done = 0
    while True:
        with ledger.session() as session:
            waiting = _waiting(session, archive.id, number)
            if not waiting:
                break
            found = [{"id": id, **_judge(path, whole, source, index, rules)} for id, path, whole in waiting]
            session.execute(update(ArchiveFileRow), found)
        done += len(found)
        if done % (BATCH * 25) == 0:
            say(f"{archive.id}: {done:,} names looked at")
    _suspect(ledger, archive.id, number)
    return done


def _waiting(session: Session, archive: str, number: int) -> list[Any]:
    file = ArchiveFileRow
    query = select(file.id, file.path, file.whole_path).where(
        file.archive == archive, file.fate == Fate.WAITING, file.seen_in == number, file.sha256 == ""
    )
    return list(session.execute(query.order_by(file.id).limit(BATCH)))


def _judge(path: str, whole: str, source: Source, index: TitleIndex, rules: Sequence[MatchRuleRow]) -> dict[str, Any]:
    plain = plain_path(server_path(path, whole))
    clues = names.read(plain)
    kind = source.kind_of_folder(plain)
    kind = clues.kind if kind is Kind.UNKNOWN else kind
    match = index.match(replace(clues, kind=kind), inbox_rules=rules, path=plain)
    kind = match.kind or kind
    if match.certain is not None:
        return {"kind": kind.value, "work_id": match.certain.work_id, "fate": Fate.MATCHED, "reason": match.why}
    best = match.proposals[0].target.work_id if match.proposals else None
    return {"kind": kind.value, "work_id": best, "fate": Fate.PROPOSED if match.proposals else Fate.UNKNOWN, "reason": match.why}


def _suspect(ledger: Ledger, archive: str, number: int) -> None:
    """Marks all but the first of files that bear the same name and size. Memory holds the names of one size at a time."""
    file = ArchiveFileRow
    planned = (file.archive == archive, file.seen_in == number, file.sha256 == "", file.fate.in_(archives.PLANS), file.bytes > 0)
    with ledger.read() as session:
        rows = session.execute(
            select(file.bytes, file.id, file.path).where(*planned).order_by(file.bytes, file.id), execution_options={"yield_per": 5_000}
        )
        for some in _batches(_twins(rows)):
            with ledger.session() as writing:
                writing.execute(update(ArchiveFileRow), some)


def _twins(rows: Any) -> Iterator[dict[str, Any]]:
    for _, group in groupby(rows, key=lambda row: row[0]):
        first: dict[str, str] = {}
        for _, id, path in group:
            name = path.rpartition("/")[2].casefold()
            if name in first:
                yield {"id": id, "fate": Fate.DUPLICATE, "reason": SUSPECTED.format(first[name])}
            else:
                first[name] = path


def _batches(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    some: list[dict[str, Any]] = []
    for row in rows:
        some.append(row)
        if len(some) == BATCH:
            yield some
            some = []
    if some:
        yield some
