"""What came of it: deliveries as the ledger has them, compared with the files that really lie in the partners' folders."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from include.ledger.database import Ledger
from include.ledger.models import DeliveryRow, DeliveryState, FeedRecordRow, ProductRow, RecordState
from include.partners import Partner

ARRIVED = frozenset({DeliveryState.DELIVERED, DeliveryState.ACKNOWLEDGED, DeliveryState.REJECTED})


@dataclass(frozen=True)
class File:
    """One delivered file. `found`: the partner's folder holds exactly these bytes."""

    name: str
    remote_path: str
    role: str
    bytes: int
    sha256: str
    found: bool


@dataclass(frozen=True)
class Outcome:
    """The newest delivery to one partner; `problem` says in words why the partner does not have its files."""

    partner: str
    delivery: int | None = None
    format: str = ""
    state: str = ""
    sent: int = 0
    held: int = 0
    bytes: int = 0
    seconds: float = 0.0
    files: tuple[File, ...] = ()
    problem: str = ""

    @property
    def message(self) -> File | None:
        """The feed itself, among covers and manifests."""
        return next((file for file in self.files if file.role == "message"), None)


@dataclass
class Held:
    """Why titles are held back: how many per rule, over all partners, and one of them."""

    code: str
    titles: int = 0
    partners: set[str] = field(default_factory=set)
    example: str = ""


def outcomes(ledger: Ledger, partners: list[Partner], sandbox: Path) -> list[Outcome]:
    """One outcome for each partner, in their order."""
    with ledger.read() as session:
        return [_outcome(session, partner, sandbox / "partners" / partner.id) for partner in partners]


def _outcome(session: Session, partner: Partner, home: Path) -> Outcome:
    newest = (
        select(DeliveryRow)
        .where(DeliveryRow.partner == partner.id, DeliveryRow.flow == "metadata_feed")
        .options(selectinload(DeliveryRow.files))
        .order_by(DeliveryRow.id.desc())
    )
    row = session.scalars(newest.limit(1)).first()
    if row is None:
        return Outcome(partner.id, problem="nothing was delivered")
    files = tuple(
        File(file.name, file.remote_path, file.role, file.bytes, file.sha256, lies_at(home, file.remote_path, file.sha256))
        for file in row.files
    )
    lost = [file.name for file in files if not file.found]
    problem = ""
    if row.state not in ARRIVED:
        problem = f"the delivery is {row.state}: {'; '.join(str(reason.get('message', reason)) for reason in row.reasons)}".rstrip(": ")
    elif not files:
        problem = "the delivery has no files"
    elif lost:
        problem = f"{len(lost)} files are not in the partner's folder as they were sent, {lost[0]} for one"
    return Outcome(
        partner.id, row.id, row.format, row.state, row.records, row.held, sum(file.bytes for file in files), row.seconds, files, problem
    )


def lies_at(home: Path, remote_path: str, sha256: str) -> bool:
    """Whether the partner has these bytes: where they were put, or where the partner took them (`/swept`), or renamed."""
    relative = remote_path.lstrip("/")
    places = [home / relative, home / "swept" / relative.removeprefix("inbox/")]
    places += [home / f"{relative}{suffix}" for suffix in (".read", ".rejected")]
    return bool(relative) and any(_sha256(path) == sha256 for path in places if path.is_file())


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def held_back(ledger: Ledger) -> list[Held]:
    """Every rule that holds a title back, the most frequent first."""
    found: dict[str, Held] = {}
    titles: dict[str, set[int]] = {}
    with ledger.read() as session:
        rows = session.execute(
            select(FeedRecordRow.partner, FeedRecordRow.product_id, FeedRecordRow.reasons, ProductRow.isbn, ProductRow.title)
            .join(ProductRow, ProductRow.id == FeedRecordRow.product_id, isouter=True)
            .where(FeedRecordRow.state == RecordState.HELD)
            .order_by(FeedRecordRow.product_id, FeedRecordRow.partner)
        )
        for partner, product, reasons, isbn, title in rows:
            for reason in reasons:
                held = found.setdefault(reason["code"], Held(reason["code"]))
                held.partners.add(partner)
                titles.setdefault(held.code, set()).add(product)
                held.example = held.example or f"{isbn or f'product {product}'} {title or ''}: {reason['message']}"
    for held in found.values():
        held.titles = len(titles[held.code])
    return sorted(found.values(), key=lambda held: (-held.titles, held.code))


def not_selected(ledger: Ledger) -> dict[str, Counter[str]]:
    """Per partner, how many titles its filter leaves out, by rule."""
    counted: dict[str, Counter[str]] = {}
    with ledger.read() as session:
        rows = session.execute(select(FeedRecordRow.partner, FeedRecordRow.reasons).where(FeedRecordRow.state == RecordState.NOT_SELECTED))
        for partner, reasons in rows:
            counted.setdefault(partner, Counter()).update(reason["code"] for reason in reasons)
    return counted
