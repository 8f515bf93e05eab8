"""Covers as a title's page shows them: by kind, what the title has now, and every other version with what became of it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from include.ledger import covers
from include.ledger.chunks import chunks
from include.ledger.covers import CoverOfTitle
from include.ledger.file_rows import TitleFileRow
from include.ledger.licence_rows import CoverRow, CoverUseRow

LABELS = {"front": "Front cover", "back": "Back cover", "full": "Full jacket", "series": "Series branding"}


@dataclass(frozen=True, slots=True)
class Version:
    """One version. `standing`: attached, to be attached, withdrawn; or pending, rejected, refused, gone, not used, earlier. `file`: what
    the title record has of it."""

    cover: CoverRow
    why: str
    standing: str
    use: CoverUseRow | None
    file: TitleFileRow | None


@dataclass(frozen=True, slots=True)
class CoverKind:
    """All versions of one kind, the newest first; `current` is the one that the title has."""

    kind: str
    current: Version | None
    others: tuple[Version, ...]

    @property
    def label(self) -> str:
        return LABELS.get(self.kind, self.kind.capitalize())


def of_product(session: Session, product_id: int, work_id: int) -> tuple[CoverKind, ...]:
    """Covers of an edition, kinds in their usual order."""
    found = covers.of_product(session, product_id)
    digests = sorted({one.cover.sha256 for one in found if one.cover.sha256})
    files: dict[str, TitleFileRow] = {}
    for some in chunks(digests):
        query = select(TitleFileRow).where(TitleFileRow.work_id == work_id, TitleFileRow.sha256.in_(some))
        files |= {row.sha256: row for row in session.scalars(query.order_by(TitleFileRow.id))}
    kinds: dict[str, list[Version]] = {}
    for one in found:
        file = one.file or files.get(one.cover.sha256)
        kinds.setdefault(one.cover.kind, []).append(Version(one.cover, one.why, standing(one), one.use, file))
    return tuple(_kind(kind, versions) for kind, versions in kinds.items())


def standing(one: CoverOfTitle) -> str:
    """What became of a version, in a word or two."""
    if one.use is not None:
        return {covers.ATTACHED: "attached", covers.WANTED: "to be attached"}.get(one.use.state, one.use.state)
    cover = one.cover
    if cover.moderation != "approved":
        return cover.moderation
    if cover.rules:
        return "refused"
    if cover.gone_at is not None:
        return "gone"
    return "not used" if cover.lost else "earlier"


def _kind(kind: str, versions: list[Version]) -> CoverKind:
    current = next((one for one in versions if one.standing == "attached"), None)
    return CoverKind(kind, current, tuple(one for one in versions if one is not current))
