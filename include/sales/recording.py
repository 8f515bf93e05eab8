"""A batch in the ledger, in one transaction: its row, parts with their claims, sums by month, products; and what it replaces."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from include.files.bounds import printable
from include.ledger import sales
from include.ledger.database import Ledger
from include.ledger.sales_rows import BatchState, SalesBatchRow, SalesPartRow
from include.sales import balance, undo
from include.sales.facts import Facts, Look
from include.sales.overlap import Decision, Part
from include.sales.reading import Rejected, Rejects
from include.sales.staging import Staged
from include.sales.totals import Sums, Totals
from include.store import ArtefactStore


def keep_rejects(artefacts: ArtefactStore, rejects: Rejects) -> str:
    """Rejected rows as an artefact of JSON lines; empty where there are none."""
    if not len(rejects):
        return ""
    with artefacts.create() as out:
        for one in rejects:
            out.write(json.dumps(one.to_json(), ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n")
    return out.artefact.sha256


def rejected(artefacts: ArtefactStore, sha256: str) -> Iterator[Rejected]:
    """The rejected rows of a batch again, in the order of the report. Raises `PermanentError` where the artefact is missing."""
    with artefacts.local(sha256) as path, path.open(encoding="utf-8") as lines:
        for line in lines:
            yield Rejected(**json.loads(line))


def written(
    ledger: Ledger,
    source: str,
    look: Look,
    decision: Decision,
    facts: Facts,
    counting: Staged,
    artefacts: tuple[str, str],
    *,
    now: datetime,
    who: str,
) -> SalesBatchRow | None:
    """None where something was loaded or undone meanwhile, so that the decision may be another."""
    report = facts.report
    try:
        with ledger.session() as session:
            sales.turn(session, source)
            if Look.of(session, source, facts.parts_of_file) != look:
                return None
            row = SalesBatchRow(
                source=source, layout=report.layout, name=printable(report.name)[-255:], sha256=report.sha256, bytes=report.bytes,
                intake_id=report.intake_id, period_from=facts.period[0], period_to=facts.period[1], rejected=len(facts.reading.rejects),
                rejects=artefacts[1], controls=facts.balance.controls, digest=facts.digest, loaded_at=now, loaded_by=who,
                rows=counting.rows, lines=artefacts[0], state=facts.state(decision), overlap=decision.overlap,
                reasons=facts.reasons(decision),
            )  # fmt: skip
            session.add(row)
            settle(session, row, decision, counting.totals, facts.parts_of_file, now=now, who=who)
            about = {"overlap": str(decision.overlap), "state": str(row.state), "rows": row.rows, "choice": decision.choice}
            sales.said(session, "sales loaded" if row.state != BatchState.REFUSED else "sales refused", row, now=now, who=who, **about)
            return row
    except IntegrityError:  # the same part was claimed in the same moment
        return None


def settle(
    session: Session, row: SalesBatchRow, decision: Decision, totals: Totals, parts: Sequence[Part], *, now: datetime, who: str
) -> None:
    """Everything that hangs on a batch's row: what it replaces, parts with their claims, cells and products."""
    session.flush()
    for id in decision.replaces:
        undo.take_back(session, sales.get(session, id, lock=True), now=now, who=who, replaced_by=row.id)
        row.replaces_id = id
    sums = totals.parts()
    for key in sums or [part.key for part in parts]:
        one = sums.get(key, Sums())
        part = SalesPartRow(
            batch_id=row.id, source=row.source, period=key[0], currency=key[1], rows=one.rows, sold=one.sold, returned=one.returned,
            usage=one.usage, net=balance.plain(one.net), digest=f"{totals.digest_of(*key):032x}",
        )  # fmt: skip
        session.add(part)
        if row.state != BatchState.REFUSED:
            sales.claim(session, part)
    session.flush()
    if row.state != BatchState.REFUSED:
        sales.add_cells(session, _cells(row.id, totals))
        sales.add_products(session, _products(row.id, totals))
    session.refresh(row, ["parts"])


def _cells(batch: int, totals: Totals) -> Iterator[dict[str, Any]]:
    for (month, channel, territory, model, currency), sums in totals.cells().items():
        yield {
            "batch_id": batch, "month": month, "channel": channel, "territory": territory, "model": model, "currency": currency,
            "rows": sums.rows, "sold": sums.sold, "returned": sums.returned, "usage": sums.usage, "net": balance.plain(sums.net),
        }  # fmt: skip


def _products(batch: int, totals: Totals) -> Iterator[dict[str, Any]]:
    for one in totals.products():
        yield {
            "batch_id": batch, "id_type": one.id_type, "id_value": one.id_value, "title": one.title, "author": one.author,
            "others": one.others, "rows": one.sums.rows, "sold": one.sums.sold, "returned": one.sums.returned, "usage": one.sums.usage,
            "net": {code: balance.text(amount) for code, amount in one.net.items()},
        }  # fmt: skip


def parts_of(batch: SalesBatchRow) -> tuple[Part, ...]:
    """What a batch has, as its rows say."""
    return tuple(Part(part.period, part.currency, part.rows, int(part.digest or "0", 16)) for part in batch.parts)
