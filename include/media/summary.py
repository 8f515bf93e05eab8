"""What a run leaves to people, in sentences: what stands in Colophon alone, what was not used or refused, what a person must delete."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

from sqlalchemy import Select, exists, func, select
from sqlalchemy.orm import Session, aliased

from include.ledger import covers
from include.ledger.file_rows import RECORD, WITHDRAWN, Approval, TitleFileRow
from include.ledger.licence_rows import CoverRow, CoverUseRow
from include.ledger.title_files import ATTACHED

MOST: Final = 20  # sentences of one sort


def summary(session: Session) -> list[str]:
    """As it stands now, whatever this run did."""
    return [
        *_not_in_consonance(session),
        *_some(list(session.scalars(select(CoverRow.lost).where(CoverRow.lost != "").order_by(CoverRow.id)))),
        *_some(_refused(session)),
        *_some(_gone(session)),
        *_some(_to_delete(session)),
    ]


def _some(sentences: list[str]) -> list[str]:
    more = len(sentences) - MOST
    return [*sentences[:MOST], f"And {more:,} more of this sort: colophon covers list."] if more > 0 else sentences


def _not_in_consonance(session: Session) -> list[str]:
    counts: Counter[tuple[str, str]] = Counter()
    query = _shown().where(CoverUseRow.state == covers.ATTACHED, TitleFileRow.state == ATTACHED, TitleFileRow.approval == Approval.APPROVED)
    for kind, told in session.execute(query.execution_options(yield_per=1_000)):
        if (told or {}).get("as") == RECORD:
            counts[kind, str(told.get("why", ""))] += 1
    return [
        f"{covers.LABELS.get(kind, kind)} of {_editions(count)}: in Colophon only. {why}" for (kind, why), count in sorted(counts.items())
    ]


def _shown() -> Select[tuple[str, dict[str, Any]]]:
    return select(CoverUseRow.kind, TitleFileRow.consonance).join(TitleFileRow, TitleFileRow.id == CoverUseRow.title_file_id)


def _editions(count: int) -> str:
    return "1 edition" if count == 1 else f"{count:,} editions"


def _refused(session: Session) -> list[str]:
    newer = aliased(CoverRow)
    query = select(CoverRow.public_id, CoverRow.reasons).where(
        CoverRow.rules != "",
        CoverRow.moderation == "approved",
        CoverRow.gone_at.is_(None),
        ~exists().where(newer.asset_id == CoverRow.asset_id, newer.version > CoverRow.version),
    )
    return [
        f"{public_id} was refused: {'; '.join(str(one.get('message', '')) for one in reasons)}."
        for public_id, reasons in session.execute(query.order_by(CoverRow.id))
    ]


def _gone(session: Session) -> list[str]:
    query = (
        select(CoverRow.public_id, func.count())
        .join(CoverUseRow, CoverUseRow.cover_id == CoverRow.id)
        .where(CoverRow.gone_at.is_not(None), CoverUseRow.state != covers.WITHDRAWN)
        .group_by(CoverRow.id, CoverRow.public_id)
        .order_by(CoverRow.id)
    )
    return [
        f"{public_id} is on {_editions(count)}, and Cloudinary does not list it any more." for public_id, count in session.execute(query)
    ]


def _to_delete(session: Session) -> list[str]:
    told = [row or {} for _, row in session.execute(_shown().order_by(CoverUseRow.id).execution_options(yield_per=1_000))]
    return [str(one.get("why", "")) for one in told if one.get("as") == WITHDRAWN and one.get("id")]
