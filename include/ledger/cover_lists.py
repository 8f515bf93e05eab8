"""Covers as a title's page shows them: by kind, what the title has now, and every other version with what became of it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from include.ledger import covers
from include.ledger.chunks import chunks
from include.ledger.covers import CoverOfTitle
from include.ledger.file_rows import RESOURCE, Approval, TitleFileRow
from include.ledger.licence_rows import CoverRow, CoverUseRow
from include.ledger.title_files import REMOVED, SUPERSEDED

LIVE = "live in Consonance"
OURS = "in Colophon only"
UNDERWAY = "on its way to Consonance"
WAITS = "waits for approval"
TAKEN_OFF = "taken off here"
_TO_KNOW = frozenset({"not used", covers.WITHDRAWN, TAKEN_OFF})
_TO_KNOW_OF_THE_LAST = frozenset({WAITS, "rejected", "refused", "not looked at yet"})


@dataclass(frozen=True, slots=True)
class Version:
    """One version. `standing` in a few words: `LIVE`, `OURS` (the title has it, and Consonance does not), `UNDERWAY`; withdrawn, or
    `TAKEN_OFF` or replaced here by a person; or `WAITS`, rejected, refused, not used, not looked at yet, stands back (another is meant
    more exactly), overtaken (by a newer upload before anybody decided), earlier, gone. `file`: what the title record has of it.
    `to_know`: it is no history, and somebody may have to act."""

    cover: CoverRow
    why: str
    standing: str
    to_know: bool
    use: CoverUseRow | None
    file: TitleFileRow | None


@dataclass(frozen=True, slots=True)
class CoverKind:
    """All versions of one kind, the newest first; `current` is the one that the title has, `news` what one must know beside it."""

    kind: str
    current: Version | None
    news: tuple[Version, ...]
    others: tuple[Version, ...]

    @property
    def label(self) -> str:
        return covers.LABELS.get(self.kind, self.kind.capitalize())


def of_product(session: Session, product_id: int, work_id: int) -> tuple[CoverKind, ...]:
    """Covers of an edition, kinds in their usual order."""
    found = covers.of_product(session, product_id)
    digests = sorted({one.cover.sha256 for one in found if one.cover.sha256})
    files: dict[str, TitleFileRow] = {}
    for some in chunks(digests):
        query = select(TitleFileRow).where(TitleFileRow.work_id == work_id, TitleFileRow.sha256.in_(some))
        files |= {row.sha256: row for row in session.scalars(query.order_by(TitleFileRow.id))}
    newest = {one.cover.asset_id: one.cover.version for one in reversed(found)}
    kinds: dict[str, list[Version]] = {}
    for one in found:
        last = one.cover.version == newest[one.cover.asset_id]
        said = standing(one, last=last)
        to_know = said in _TO_KNOW or (last and said in _TO_KNOW_OF_THE_LAST)
        version = Version(one.cover, one.why, said, to_know, one.use, one.file or files.get(one.cover.sha256))
        kinds.setdefault(one.cover.kind, []).append(version)
    return tuple(_kind(kind, versions) for kind, versions in kinds.items())


def standing(one: CoverOfTitle, *, last: bool) -> str:
    """What became of a version, in a word or two. `last`: it is the newest of its asset."""
    cover, use = one.cover, one.use
    if use is not None and use.state != covers.WITHDRAWN:
        return _in_place(one.file, use)
    if cover.moderation == "rejected":
        return "rejected"
    if use is not None:
        return use.state
    if cover.gone_at is not None:
        return "gone"
    if cover.moderation != "approved":
        return (WAITS if cover.moderation == "pending" else cover.moderation) if last else "overtaken"
    if cover.rules:
        return "refused"
    if cover.lost:
        return "not used"
    if not last:
        return "earlier"
    return "stands back" if cover.sha256 else "not looked at yet"


def _in_place(file: TitleFileRow | None, use: CoverUseRow) -> str:
    """The title record's own word goes first: a person may have changed it since."""
    if file is not None and (file.state == REMOVED or file.approval == Approval.REJECTED):
        return TAKEN_OFF
    if file is not None and file.state == SUPERSEDED:
        return "replaced here"
    told = (file.consonance if file is not None else use.consonance) or {}
    return {RESOURCE: LIVE, "": UNDERWAY}.get(str(told.get("as", "")), OURS)


def _kind(kind: str, versions: list[Version]) -> CoverKind:
    current = next((one for one in versions if one.standing in {LIVE, OURS, UNDERWAY}), None)
    news = tuple(one for one in versions if one.to_know and one is not current)
    return CoverKind(kind, current, news, tuple(one for one in versions if one is not current and not one.to_know))
