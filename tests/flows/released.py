"""What the tests of readiness and launch packs do to titles: move their days, put approved files on them, look at the parties."""

from __future__ import annotations

import hashlib
import io
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func, select, text

from include.ledger.file_rows import PackageRow, ReadinessRow, TitleFileRow
from include.ledger.models import DeliveryRow, EventRow
from include.ledger.title_files import NewTitleFile, attach, review

TODAY = datetime.now(UTC).date()


def products(ledger: Any) -> list[dict[str, Any]]:
    """Every product of the mirror, from its stored JSON, with its work's id."""
    with ledger.read() as session:
        rows = session.execute(text("select work_id, content from product where deleted_at is null")).all()
    return [json.loads(content) | {"work_id": work} for work, content in rows]


def three_formats(ledger: Any, planted: set[int]) -> list[dict[str, Any]]:
    """A work that comes as print, e-book and recording, and of which nothing is wrong: one product of each."""
    by_work: dict[int, dict[str, dict[str, Any]]] = {}
    for one in sorted(products(ledger), key=lambda one: one["id"]):
        by_work.setdefault(one["work_id"], {}).setdefault(one.get("form", "")[:1], one)
    for work in sorted(by_work):
        formats = by_work[work]
        if formats.keys() >= {"B", "E", "A"} and not planted & {one["id"] for one in formats.values()}:
            return [formats["B"], formats["E"], formats["A"]]
    raise AssertionError("the sandbox has no work in three formats")


def planted(sandbox: Any) -> set[int]:
    """Products with a planted defect."""
    return {one["product_id"] for one in sandbox.call("defects")}


def release_in(sandbox: Any, days: int, *of: dict[str, Any]) -> date:
    """Has products come out so many days from today; the next sync sees it."""
    day = TODAY + timedelta(days=days)
    for one in of:
        sandbox.call("edit", {"product_id": one["id"], "set": {"publication_date": day.isoformat(), "status": "02"}})
    return day


def put(ledger: Any, store: Any, kind: str, content: bytes, work_id: int, *, approve: bool = True, **more: Any) -> int:
    """A file on a title, approved by production."""
    artefact = store.put(io.BytesIO(content))
    now = datetime.now(UTC)
    values = {"name": f"{kind}.bin", "review": ("production",), **more}
    new = NewTitleFile(work_id=work_id, kind=kind, bytes=artefact.bytes, sha256=artefact.sha256, **values)
    with ledger.session() as session:
        row = attach(session, new, now=now).row
        if approve:
            review(session, row.id, "production", "approved", now=now, who="producer")
        return row.id


def picture(colour: str, size: tuple[int, int] = (800, 1200)) -> bytes:
    """A JPEG."""
    from PIL import Image

    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "JPEG", quality=90)
    return out.getvalue()


def listing(sandbox: Any, *parties: str) -> dict[str, int]:
    """Everything that lies at the parties, with its time."""
    return {
        f"{party}/{path.relative_to(sandbox.home(party))}": path.stat().st_mtime_ns
        for party in parties
        for path in sorted(sandbox.home(party).rglob("*"))
        if path.is_file()
    }


def counts(ledger: Any) -> tuple[int, ...]:
    """Rows of the ledger that a second run must not add to."""
    tables = (DeliveryRow, EventRow, ReadinessRow, PackageRow, TitleFileRow)
    with ledger.read() as session:
        return tuple(session.scalar(select(func.count()).select_from(table)) or 0 for table in tables)


def check_sums(folder: Path) -> dict[str, str]:
    """Compares a package with its SHA256SUMS and its manifest; gives name → sha256 of what the manifest lists."""
    manifest = json.loads((folder / "manifest.json").read_text())
    for line in (folder / "SHA256SUMS").read_text().splitlines():
        sha256, name = line.split("  ", 1)
        if name != "manifest.json":
            assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == sha256, name
    for one in manifest["files"]:
        assert hashlib.sha256((folder / one["name"]).read_bytes()).hexdigest() == one["sha256"]
    return {one["name"]: one["sha256"] for one in manifest["files"]}
