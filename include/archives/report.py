"""What a walk found, for people: a text, a CSV of every file, a workbook with the sums and the files that need a person."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from sqlalchemy import select
from sqlalchemy.orm import Session

from include.archives.bounds import hours_a_day
from include.archives.reconcile import Account, add_up
from include.feeds.workbook import text_cell
from include.files.characters import harmless
from include.ledger import archives
from include.ledger.archives import Sum
from include.ledger.database import Ledger
from include.ledger.file_rows import ArchiveFileRow, Fate
from include.ledger.models import WorkRow
from include.partners import Archive
from include.store import ArtefactStore

FILES_A_SECOND, BYTES_A_SECOND = 150.0, 15e6  # assumed where no run has been measured
SHEET_ROWS = 20_000  # files on one sheet of the workbook; the CSV has them all
COLUMNS = ("path", "bytes", "modified", "kind", "fate", "change", "title", "imprint", "reason", "sha256", "id")
MEANINGS = {
    Fate.WAITING: "not looked at yet",
    Fate.MATCHED: "would be attached: an identifier says whose it is",
    Fate.ATTACHED: "on a title",
    Fate.PROPOSED: "a person must say whose it is; there are suggestions",
    Fate.UNKNOWN: "a person must say whose it is; nothing fits",
    Fate.DUPLICATE: "the same as another one",
    Fate.UNREADABLE: "not taken, with the reason",
    Fate.VANISHED: "no longer in the archive",
}
SUSPECTED = "suspected: same name and size as another one; only the bytes can tell, once they are fetched"


@dataclass(frozen=True, slots=True)
class Estimate:
    """How long fetching would take. `assumed` where no earlier run was measured."""

    files: int
    bytes: int
    seconds: float
    files_a_second: float
    bytes_a_second: float
    assumed: bool
    hours_a_day: float

    def __str__(self) -> str:
        how = "assumed; no run has been measured yet" if self.assumed else "as in the last run"
        days = self.seconds / 3600 / self.hours_a_day
        nights = f", {days:.1f} days at {self.hours_a_day:g} hours a day" if self.hours_a_day < 24 else ""
        return (
            f"about {duration(self.seconds)}{nights} for {self.files:,} files, {size(self.bytes)}, "
            f"at {self.files_a_second:,.0f} files/s and {size(self.bytes_a_second)}/s ({how})"
        )


@dataclass(frozen=True, slots=True)
class Report:
    """`text` is for people; the three hashes are artefacts in the store."""

    text: str
    account: Account
    estimate: Estimate
    sums: tuple[Sum, ...]
    artefacts: dict[str, str]  # text, csv, xlsx → sha256

    def to_json(self) -> dict[str, Any]:
        return {
            "account": self.account.to_json(),
            "estimate": {
                "seconds": round(self.estimate.seconds), "files": self.estimate.files, "bytes": self.estimate.bytes,
                "assumed": self.estimate.assumed,
            },
            "sums": [each._asdict() for each in self.sums],
            "reports": self.artefacts,
        }  # fmt: skip


def report(ledger: Ledger, store: ArtefactStore, archive: Archive, number: int, now: datetime, *, planned: bool) -> Report:
    """Writes the three reports into the store and their hashes into the walk. `planned`: nothing has been fetched yet."""
    with ledger.read() as session:
        account = add_up(session, archive.id, number)
        sums = archives.sums(session, archive.id, number)
        guess = estimate(session, archive, number)
        text = _text(archive, account, sums, guess, now, planned=planned)
        kept = _same_as_before(session, store, archive.id, account)
        if not kept:
            with store.create() as out:
                _write_csv(session, archive.id, out.write)
            kept = {"csv": out.artefact.sha256, "text": store.put(io.BytesIO(text.encode())).sha256}
            kept["xlsx"] = store.put(_workbook(session, archive, account, sums, text)).sha256
    with ledger.session() as session:
        row = archives.walk(session, archive.id, number, lock=True)
        archives.count(row, reports=kept | {"of": "plan" if planned else "run", "at": now.isoformat()})
    return Report(text, account, guess, tuple(sums), kept)


def _same_as_before(session: Session, store: ArtefactStore, archive: str, account: Account) -> dict[str, str]:
    """The reports of the walk before, where this one found every file the same, with the same fate: an archive that is looked at every
    night must not fill the store."""
    before = next((walk for walk in archives.walks(session, archive) if walk.number < account.walk and walk.phase == archives.DONE), None)
    told = before.counts.get("account", {}) if before else {}
    if not before or account.changes.keys() - {"same"} or told.get("fates") != account.fates or not account.ok:
        return {}
    kept = {name: sha256 for name, sha256 in before.counts.get("reports", {}).items() if name in {"csv", "text", "xlsx"}}
    return kept if kept and all(store.exists(sha256) for sha256 in kept.values()) else {}


def estimate(session: Session, archive: Archive, number: int) -> Estimate:
    """From the last measured run of this archive, else assumed; never faster than the bounds allow."""
    progress = archives.progress(session, archive.id)
    files, bytes = progress.to_move - progress.moved, progress.to_move_bytes - progress.moved_bytes
    files_rate, bytes_rate, assumed = FILES_A_SECOND, BYTES_A_SECOND, True
    for walk in archives.walks(session, archive.id):
        if pace := walk.counts.get("pace"):
            files_rate, bytes_rate, assumed = float(pace["files"]), float(pace["bytes"]), False
            break
    if archive.bounds.bytes_per_second:
        bytes_rate = min(bytes_rate, archive.bounds.bytes_per_second)
    seconds = max(files / files_rate if files_rate else 0.0, bytes / bytes_rate if bytes_rate else 0.0)
    return Estimate(files, bytes, seconds, files_rate, bytes_rate, assumed, hours_a_day(archive.bounds))


# --- text


def _text(archive: Archive, account: Account, sums: Sequence[Sum], guess: Estimate, now: datetime, *, planned: bool) -> str:
    kind = "plan: nothing was fetched" if planned else "account"
    listed = (
        f"Listed {account.listed_files:,} files, {size(account.listed_bytes)}, in {account.folders:,} folders; "
        f"{account.left_out:,} names left out by `exclude`."
    )
    lines = [
        f"{archive.name} ({archive.id}), walk {account.walk}, {kind}. {now:%Y-%m-%d %H:%M %Z}",
        "",
        listed,
        "",
        *_table(_by(sums, lambda each: each.fate), ("fate", "files", "bytes"), lambda fate: _meaning(fate, planned)),
    ]
    if account.changes:
        lines += ["", "Against the walk before: " + ", ".join(f"{count:,} {name}" for name, count in sorted(account.changes.items())) + "."]
    if planned:
        lines += ["", f"Time: {guess}."]
        if archive.bounds.starts or archive.bounds.ends:
            lines.append(f"Files are fetched from {archive.bounds.starts or '00:00'} to {archive.bounds.ends or '24:00'} only.")
    lines += ["", *_table(_by(sums, lambda each: (each.kind or "?", each.fate)), ("kind", "fate", "files", "bytes"))]
    lines += ["", *_table(_by(sums, lambda each: (each.imprint or "(no title)", each.fate)), ("imprint", "fate", "files", "bytes"))]
    if account.unlisted:
        lines += ["", f"{len(account.unlisted)} folders could not be listed; nobody knows their files:"]
        lines += [f"  {path or '(the root)'}: {why}" for path, why in account.unlisted[:50]]
    if not planned:
        lines += ["", *(account.errors or ["Every file has one fate, and the sums agree."])]
    return "\n".join(lines) + "\n"


def _meaning(fate: str, planned: bool) -> str:
    return SUSPECTED if planned and fate == Fate.DUPLICATE else MEANINGS.get(Fate(fate), "")


def _by(sums: Iterable[Sum], key: Callable[[Sum], Any]) -> list[tuple[Any, int, int]]:
    added: dict[Any, list[int]] = {}
    for each in sums:
        both = added.setdefault(key(each), [0, 0])
        both[0] += each.files
        both[1] += each.bytes
    return [(name, files, bytes) for name, (files, bytes) in sorted(added.items())]


def _table(rows: Sequence[tuple[Any, int, int]], heads: Sequence[str], meaning: Callable[[str], str] = lambda name: "") -> list[str]:
    lines = []
    names = [name if isinstance(name, tuple) else (name,) for name, _, _ in rows]
    widths = [max([len(heads[at]), *(len(str(name[at])) for name in names)]) for at in range(len(heads) - 2)]
    lines.append("  ".join(head.ljust(width) for head, width in zip(heads, [*widths, 12, 12], strict=False)).rstrip())
    for name, (_, files, bytes) in zip(names, rows, strict=True):
        told = "  ".join(str(part).ljust(width) for part, width in zip(name, widths, strict=True))
        lines.append(f"{told}  {files:>12,}  {size(bytes):>12}  {meaning(name[0]) if len(name) == 1 else ''}".rstrip())
    return lines


def size(bytes: float) -> str:
    """1.2 GB, decimal units."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if bytes < 1000:
            return f"{bytes:,.0f} {unit}" if unit == "bytes" else f"{bytes:,.1f} {unit}"
        bytes /= 1000
    return f"{bytes:,.1f} TB"


def duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


# --- files


def _rows(session: Session, archive: str, fates: Sequence[str] = (), most: int | None = None) -> Iterable[tuple[Any, ...]]:
    file = ArchiveFileRow
    query = (
        select(
            file.path, file.whole_path, file.bytes, file.modified, file.kind, file.fate, file.change, WorkRow.title, WorkRow.imprint,
            file.reason, file.sha256, file.id,
        )
        .outerjoin(WorkRow, WorkRow.id == file.work_id)
        .where(file.archive == archive)
    )  # fmt: skip
    if fates:
        query = query.where(file.fate.in_(list(fates)))
    query = query.order_by(file.id)
    for path, whole, bytes, modified, *rest in session.execute(
        query.limit(most) if most else query, execution_options={"yield_per": 5_000}
    ):
        yield (whole or path, bytes, modified.astimezone(UTC).isoformat() if modified else "", *rest)


def _write_csv(session: Session, archive: str, write: Callable[[bytes], object]) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for number, row in enumerate(_rows(session, archive), 1):
        writer.writerow([harmless(cell) if isinstance(cell, str) else cell for cell in row])
        if number % 2_000 == 0:
            write(text.getvalue().encode())
            text.seek(0)
            text.truncate()
    write(text.getvalue().encode())


def _workbook(session: Session, archive: Archive, account: Account, sums: Sequence[Sum], text: str) -> io.BytesIO:
    """Sums by kind, imprint and fate; then a sheet for each fate that needs a person, up to `SHEET_ROWS` files."""
    book = Workbook(write_only=True)
    told = book.create_sheet("Report")
    for line in text.splitlines():
        told.append([_cell(told, line)])
    sheet = book.create_sheet("Sums")
    heads = ("kind", "fate", "change", "imprint", "files", "bytes")
    _headed(sheet, heads)
    for each in sums:
        sheet.append([_cell(sheet, cell) if isinstance(cell, str) else cell for cell in each])
    sheet.auto_filter.ref = f"A1:F{len(sums) + 1}"
    for fate in (Fate.PROPOSED, Fate.UNKNOWN, Fate.UNREADABLE, Fate.DUPLICATE):
        page = book.create_sheet(fate.capitalize())
        _headed(page, COLUMNS)
        rows = 1
        for row in _rows(session, archive.id, [fate], SHEET_ROWS):
            page.append([_cell(page, cell) if isinstance(cell, str) else cell for cell in row])
            rows += 1
        if rows > SHEET_ROWS:
            page.append([text_cell(page, "… and more: the CSV has every file.")])
        page.auto_filter.ref = f"A1:K{rows}"
    if account.unlisted:
        page = book.create_sheet("Folders")
        _headed(page, ("folder", "problem"))
        for pair in account.unlisted:
            page.append([_cell(page, cell) for cell in pair])
    out = io.BytesIO()
    book.save(out)
    out.seek(0)
    return out


def _cell(sheet: Any, text: str) -> Any:
    """Without what a workbook can't hold."""
    return text_cell(sheet, ILLEGAL_CHARACTERS_RE.sub("_", text)[:32_767])


def _headed(sheet: Any, heads: Sequence[str]) -> None:
    sheet.freeze_panes = "A2"
    for number, head in enumerate(heads):
        sheet.column_dimensions["ABCDEFGHIJKLM"[number]].width = {"path": 70, "folder": 70, "reason": 50, "title": 40}.get(head, 14)
    sheet.append([text_cell(sheet, head, bold=True) for head in heads])
