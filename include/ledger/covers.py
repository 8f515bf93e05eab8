"""Covers in the ledger: which versions Cloudinary has, what became of them, and which title has which of them now."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from include.errors import PermanentError
from include.ledger.chunks import chunks
from include.ledger.file_rows import TitleFileRow
from include.ledger.licence_rows import CoverRow, CoverUseRow
from include.ledger.models import ProductRow, WorkRow
from include.titles import codec
from include.titles.model import Work

WANTED, ATTACHED, WITHDRAWN = "wanted", "attached", "withdrawn"
SOURCE: Final = "cloudinary"
"""`TitleFileRow.source` of covers that were brought from there."""
LABELS: Final = {"front": "Front cover", "back": "Back cover", "full": "Full jacket", "series": "Series branding"}
KINDS: Final = tuple(LABELS)
STATES: Final = ("approved", "pending", "rejected", "refused", "attached", "lost", "gone")


@dataclass(frozen=True, slots=True)
class CoverOfTitle:
    """One version of a cover that is meant for a title. `why`: by its ISBN, by the work, by the series. `use` is what the title has of
    this very version (state wanted, attached or withdrawn), `file` its file in the title record with its rung in Consonance."""

    cover: CoverRow
    why: str
    use: CoverUseRow | None = None
    file: TitleFileRow | None = None

    @property
    def reasons(self) -> list[dict[str, Any]]:
        """[{code, message, todo}]: why it was not sent."""
        return self.cover.reasons


def of_product(session: Session, product_id: int) -> list[CoverOfTitle]:
    """Every version of every cover that is meant for this product, or is on it: by kind, the newest version first; pending and
    rejected ones, too. Raises `PermanentError` for an unknown product."""
    product = session.get(ProductRow, product_id)
    if product is None:
        raise PermanentError(f"there is no product {product_id}", todo="Look the title up in the list.")
    uses = {use.cover_id: use for use in session.scalars(select(CoverUseRow).where(CoverUseRow.product_id == product_id))}
    work = session.get(WorkRow, product.work_id)
    series = series_of(work.content) if work is not None else ()
    names = [str(product.work_id), *([told.reference] if work is not None and (told := _work_of(work.content)) else [])]
    meant = [CoverRow.id.in_(list(uses)), CoverRow.work_id == product.work_id, CoverRow.work.in_([name for name in names if name])]
    meant += [CoverRow.isbn == product.isbn] if product.isbn else []
    found = {row.id: row for row in session.scalars(select(CoverRow).where(or_(*meant)))}
    if series:
        named = select(CoverRow).where(CoverRow.series != "", CoverRow.isbn == "", CoverRow.work == "")
        found |= {row.id: row for row in session.scalars(named) if series_key(row.series) in series}
    files = {use.title_file_id: None for use in uses.values() if use.title_file_id}
    rows = {id: session.get(TitleFileRow, id) for id in files}
    versions = []
    for row in found.values():
        why = why_of(row)
        if row.id in uses or not row.isbn or row.isbn == product.isbn:
            use = uses.get(row.id)
            versions.append(CoverOfTitle(row, why, use, rows.get(use.title_file_id) if use is not None and use.title_file_id else None))
    return sorted(
        versions, key=lambda one: (KINDS.index(one.cover.kind) if one.cover.kind in KINDS else 9, -one.cover.version, -one.cover.id)
    )


def why_of(row: CoverRow) -> str:
    """The most exact of what its metadata names."""
    return why(row.isbn, row.work)


def why(isbn: str, work: str) -> str:
    return "by its ISBN" if isbn else "by the work" if work else "by the series"


def series_of(content: bytes) -> tuple[str, ...]:
    """Names and ISSNs of the series that a mirrored work belongs to, as `series_key` writes them."""
    if b'"collections"' not in content:
        return ()
    work = _work_of(content)
    told = work.collections if work else ()
    return tuple(dict.fromkeys(series_key(name) for one in told for name in (one.title, one.issn) if name))


def _work_of(content: bytes) -> Work | None:
    """None where the mirror can't be read: that hides no cover that is found otherwise."""
    try:
        return codec.decode_work(content)
    except (ValueError, TypeError, KeyError):
        return None


def series_key(name: str) -> str:
    """Two spellings of one name: capitals and blanks say nothing."""
    return " ".join(name.casefold().split())


def page(
    session: Session, *, state: str = "", kind: str = "", isbn: str = "", work_id: int | None = None, after: int = 0, limit: int = 100
) -> list[CoverRow]:
    """Versions by id. `state` is one of `STATES`: as the queue said, refused by our checks, attached to a title, lost (not on the
    titles that it names), or gone from Cloudinary."""
    query = select(CoverRow).where(CoverRow.id > after).order_by(CoverRow.id).limit(limit)
    match state:
        case "approved" | "pending" | "rejected":
            query = query.where(CoverRow.moderation == state)
        case "attached":
            query = query.where(CoverRow.id.in_(select(CoverUseRow.cover_id).where(CoverUseRow.state == ATTACHED)))
        case "lost":
            query = query.where(CoverRow.lost != "")
        case "gone":
            query = query.where(CoverRow.gone_at.is_not(None))
        case "refused":
            query = query.where(CoverRow.rules != "")
    query = query.where(CoverRow.kind == kind) if kind else query
    query = query.where(CoverRow.isbn == isbn) if isbn else query
    query = query.where(CoverRow.work_id == work_id) if work_id is not None else query
    return list(session.scalars(query))


def uses_of(session: Session, cover_ids: Sequence[int]) -> dict[int, list[CoverUseRow]]:
    """What titles have of these versions, by version."""
    found: dict[int, list[CoverUseRow]] = {}
    for some in chunks(cover_ids):
        for use in session.scalars(select(CoverUseRow).where(CoverUseRow.cover_id.in_(some)).order_by(CoverUseRow.id)):
            found.setdefault(use.cover_id, []).append(use)
    return found


def newest(session: Session, asset_ids: Collection[str]) -> dict[str, CoverRow]:
    """The newest version that we know of each asset."""
    found: dict[str, CoverRow] = {}
    for some in chunks(sorted(asset_ids)):
        for row in session.scalars(select(CoverRow).where(CoverRow.asset_id.in_(some)).order_by(CoverRow.version)):
            found[row.asset_id] = row
    return found


def as_json(row: CoverRow, uses: Sequence[CoverUseRow] = ()) -> dict[str, Any]:
    """For programs; moments in ISO 8601."""
    plain = ("public_id", "asset_id", "version", "etag", "kind", "isbn", "work", "work_id", "series", "revision", "moderation", "width",
             "height", "format", "bytes", "sha256", "reasons", "lost")  # fmt: skip
    found: dict[str, Any] = {"id": row.id} | {name: getattr(row, name) for name in plain}
    moments = ("approved_at", "gone_at", "seen_at", "changed_at")
    found |= {name: value.isoformat() if (value := getattr(row, name)) is not None else None for name in moments}
    found["titles"] = [
        {"product_id": use.product_id, "work_id": use.work_id, "kind": use.kind, "state": use.state, "why": use.why,
         "title_file_id": use.title_file_id, "consonance": use.consonance}
        for use in uses
    ]  # fmt: skip
    return found
